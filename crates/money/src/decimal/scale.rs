//! The narrow stored form of a decimal: an integer of at most 38 digits at a fixed scale, as columns hold it
//! (DESIGN 4.1: `decimal(38,28)` for cost, `decimal(38,18)` for quantity and prices, each with a scale column).

use ethnum::I256;

use super::{Decimal, SCALE_MAX};
use crate::power::{EXPONENT_MAX_U128, divided_by_power_of_ten, power_of_ten, power_of_ten_u128};

/// The first integer that a `decimal(38, …)` column cannot hold.
const COLUMN_BOUND: u128 = 10u128.pow(38);

impl Decimal {
    /// The mantissa this value has at another scale: value × 10^`scale`.
    ///
    /// `None` where that is not an integer (a smaller scale that would cut digits) or has more than 38 digits, which is
    /// what a `decimal(38, …)` column holds; such a value goes to the text column (DESIGN 4.1).
    #[inline]
    pub fn rescaled_i128(&self, scale: u8) -> Option<i128> {
        if scale < self.scale {
            return self.reduced_i128(scale);
        }
        if self.is_zero() {
            return Some(0);
        }
        let mantissa = self.mantissa_i128()?;
        let exponent = scale - self.scale;
        if usize::from(exponent) > EXPONENT_MAX_U128 {
            return None;
        }
        // 10^38 < 2^127, so the factor is positive as a signed integer.
        within_column(mantissa.checked_mul(power_of_ten_u128(exponent) as i128)?)
    }

    /// The value `mantissa_at_fixed` / 10^`fixed_scale` with `scale` fraction digits: the inverse of
    /// [`Decimal::rescaled_i128`], which restores the trailing zeros of the source.
    ///
    /// `None` where the value has non-zero digits beyond `scale`, or where `scale` exceeds 28.
    #[inline]
    pub fn from_rescaled_i128(mantissa_at_fixed: i128, fixed_scale: u8, scale: u8) -> Option<Decimal> {
        if scale > SCALE_MAX {
            return None;
        }
        if scale > fixed_scale {
            // 127 bits × 10^28 (94 bits) always fit.
            let factor = power_of_ten(scale - fixed_scale).as_i256();
            return Some(Decimal { mantissa: I256::new(mantissa_at_fixed) * factor, scale });
        }
        let mantissa = divided_exactly(mantissa_at_fixed, fixed_scale - scale)?;
        Some(Decimal { mantissa: I256::new(mantissa), scale })
    }

    /// The same value without zeros at the end of its fraction.
    #[must_use]
    pub fn shortest(self) -> Decimal {
        if self.scale == 0 {
            return self;
        }
        match self.mantissa_i128() {
            Some(mantissa) => {
                let (mantissa, scale) = without_zeros(mantissa, self.scale);
                Decimal { mantissa: I256::new(mantissa), scale }
            }
            None => self.shortest_wide(),
        }
    }

    /// Numbers of more than 127 bits are rare.
    #[cold]
    fn shortest_wide(self) -> Decimal {
        let mut shortest = self;
        while shortest.scale > 0 {
            let (quotient, remainder) = shortest.mantissa.div_rem(I256::new(10));
            if remainder != I256::ZERO {
                break;
            }
            shortest = Decimal { mantissa: quotient, scale: shortest.scale - 1 };
        }
        shortest
    }

    fn reduced_i128(&self, scale: u8) -> Option<i128> {
        let exponent = self.scale - scale;
        if let Some(mantissa) = self.mantissa_i128() {
            return within_column(divided_exactly(mantissa, exponent)?);
        }
        let (quotient, remainder) = self.magnitude().div_rem(power_of_ten(exponent));
        if remainder != 0 {
            return None;
        }
        let magnitude = i128::try_from(quotient).ok()?;
        within_column(if self.is_negative() { -magnitude } else { magnitude })
    }
}

/// Mantissa and scale with as many zeros less as both allow.
#[inline]
fn without_zeros(mantissa: i128, scale: u8) -> (i128, u8) {
    if mantissa == 0 {
        return (0, 0);
    }
    // What 10^n divides, 2^n divides too; without these twos most numbers fit 64 bits.
    let twos = mantissa.trailing_zeros().min(u32::from(scale));
    let (magnitude, mut fives) = (mantissa.unsigned_abs(), 0);
    let without_twos = magnitude >> twos;
    let without_fives = match u64::try_from(without_twos) {
        Ok(mut rest) => {
            for step in [16, 8, 4, 2, 1] {
                let divisor = 5u64.pow(step);
                if fives + step <= twos && rest % divisor == 0 {
                    rest /= divisor;
                    fives += step;
                }
            }
            u128::from(rest)
        }
        Err(_) => {
            let mut rest = without_twos;
            for step in [16, 8, 4, 2, 1] {
                let divisor = 5u128.pow(step);
                if fives + step <= twos && rest % divisor == 0 {
                    rest /= divisor;
                    fives += step;
                }
            }
            rest
        }
    };
    // Only twos and fives in pairs are taken away: 10^fives.
    let shorter = (without_fives << (twos - fives)).cast_signed();
    let zeros = u8::try_from(fives).expect("zeros are at most as many as fraction digits");
    (if mantissa < 0 { shorter.wrapping_neg() } else { shorter }, scale - zeros)
}

#[inline]
fn within_column(mantissa: i128) -> Option<i128> {
    (mantissa.unsigned_abs() < COLUMN_BOUND).then_some(mantissa)
}

/// `mantissa` / 10^`exponent` where that is an integer: a value as a column stores it, without the zeros that the scale of
/// the column added. `None` for other values, and for all but 0 above an exponent of 38.
#[inline]
pub fn divided_exactly(mantissa: i128, exponent: u8) -> Option<i128> {
    if exponent == 0 || mantissa == 0 {
        return Some(mantissa);
    }
    // Quotients are at most a tenth of 2^127.
    let quotient = divided_by_power_of_ten(mantissa.unsigned_abs(), exponent)?.cast_signed();
    Some(if mantissa < 0 { -quotient } else { quotient })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};

    #[test]
    fn values_move_to_the_scale_of_a_column_and_back() {
        let cost = decimal("16.2969321366366446274854190000");
        assert_eq!(cost.rescaled_i128(28), Some(162_969_321_366_366_446_274_854_190_000));
        let price = decimal("0.0870");
        assert_eq!(price.rescaled_i128(18), Some(87_000_000_000_000_000));
        let restored = Decimal::from_rescaled_i128(87_000_000_000_000_000, 18, 4).unwrap();
        assert_eq!(restored.to_string(), "0.0870");
        assert_eq!(price.rescaled_i128(3), Some(87));
        assert_eq!(price.rescaled_i128(2), None);
        assert_eq!(Decimal::from_rescaled_i128(87, 3, 4).unwrap().to_string(), "0.0870");
    }

    #[test]
    fn digits_are_never_cut() {
        assert_eq!(Decimal::from_rescaled_i128(1_501, 3, 2), None);
        assert_eq!(Decimal::from_rescaled_i128(1_500, 3, 2).unwrap().to_string(), "1.50");
        assert_eq!(Decimal::from_rescaled_i128(-1_500, 3, 1).unwrap().to_string(), "-1.5");
        assert_eq!(Decimal::from_rescaled_i128(0, 255, 2).unwrap().to_string(), "0.00");
        assert_eq!(Decimal::from_rescaled_i128(1, 255, 2), None);
        assert_eq!(Decimal::from_rescaled_i128(1, 30, 29), None);
        assert_eq!(Decimal::from_rescaled_i128(i128::MIN, 0, 28).unwrap().rescaled_i128(0), None);
    }

    #[test]
    fn thirty_eight_digits_fit_and_no_more() {
        assert_eq!(decimal("9999999999").rescaled_i128(28), Some(9_999_999_999 * 10i128.pow(28)));
        assert_eq!(decimal("10000000000").rescaled_i128(28), None);
        assert_eq!(decimal("-9999999999.9").rescaled_i128(28), Some(-99_999_999_999 * 10i128.pow(27)));
        assert_eq!(decimal("-10000000000").rescaled_i128(28), None);
        let nines = "9".repeat(38);
        assert_eq!(decimal(&nines).rescaled_i128(0), Some(10i128.pow(38) - 1));
        assert_eq!(decimal(&format!("1{}", "0".repeat(38))).rescaled_i128(0), None);
        assert_eq!(decimal("1").rescaled_i128(39), None);
        assert_eq!(decimal("0.00").rescaled_i128(255), Some(0));
        // More than 128 bits as written, yet narrow without the trailing zeros.
        assert_eq!(decimal("99999999999999.0000000000000000000000000000").rescaled_i128(0), Some(99_999_999_999_999));
        assert_eq!(decimal("-99999999999999.0000000000000000000000000001").rescaled_i128(0), None);
    }

    #[test]
    fn the_shortest_form_of_limits() {
        for (mantissa, scale, text) in [
            (0, 28, "0"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
            (i128::MIN, 1, "-17014118346046923173168730371588410572.8"),
            (-10i128.pow(38), 28, "-10000000000"),
            (10i128.pow(28), 28, "1"),
            (5i128.pow(28), 28, "0.0000000037252902984619140625"),
            (1 << 28, 28, "0.0000000000000000000268435456"),
        ] {
            assert_eq!(Decimal::from_i128(mantissa, scale).unwrap().shortest().to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn what_moves_comes_back(value in any_decimal(130), fixed in 0u8..=38) {
            if let Some(mantissa) = value.rescaled_i128(fixed) {
                prop_assert!(mantissa.unsigned_abs() < 10u128.pow(38));
                let restored = Decimal::from_rescaled_i128(mantissa, fixed, value.scale()).unwrap();
                prop_assert_eq!(restored.mantissa(), value.mantissa());
                prop_assert_eq!(restored.scale(), value.scale());
            }
        }

        #[test]
        fn the_shortest_form_has_the_value_and_prints_without_zeros(value in any_decimal(150), zeros in 0u8..=28) {
            let scale = zeros.min(28 - value.scale()) + value.scale();
            let long = Decimal::new(value.mantissa_at(scale).unwrap(), scale).unwrap();
            let shortest = long.shortest();
            prop_assert_eq!(shortest, value);
            prop_assert_eq!(shortest.to_string(), value.to_shortest_string());
        }

        #[test]
        fn refusals_are_for_a_reason(value in any_decimal(130), fixed in 0u8..=28) {
            if value.rescaled_i128(fixed).is_none() {
                let cuts = crate::truncate(value, fixed) != value;
                let bound = Decimal::from_i128(10i128.pow(38), fixed).unwrap();
                prop_assert!(cuts || value.abs() >= bound);
            }
        }
    }
}
