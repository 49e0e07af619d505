//! Sums of many amounts: 256 bits at scale 28, checked, with the digits of the longest addend (SEMANTICS 2.4).

use ethnum::I256;

use crate::decimal::{Decimal, SCALE_MAX};
use crate::error::MoneyError;
use crate::power::{power_of_ten, power_of_ten_u128};

/// A running sum of amounts.
///
/// Addition at one fixed scale is exact and commutative, so any order of the addends and any grouping into partial sums
/// gives the same text. The sum holds 48 integer digits; beyond that it is an error and the sum stays as it was.
#[derive(Clone, Copy, Debug)]
pub struct Total {
    /// In units of 10^-28; never `I256::MIN`.
    sum: I256,
    /// The greatest scale of the addends.
    scale: u8,
}

impl Total {
    /// The sum of nothing: zero without fraction digits.
    pub const ZERO: Total = Total { sum: I256::ZERO, scale: 0 };

    /// Adds an amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where the amount or the sum has more than 48 integer digits, more exactly 255 bits at
    /// scale 28.
    #[inline]
    pub fn add(&mut self, amount: Decimal) -> Result<(), MoneyError> {
        match amount.mantissa_i128() {
            Some(mantissa) => self.add_units(units_of(mantissa, amount.scale()), amount.scale()),
            None => self.add_units(amount.mantissa_at(SCALE_MAX)?, amount.scale()),
        }
    }

    /// Adds `mantissa` / 10^`scale`, as columns of the lake hold it.
    ///
    /// # Errors
    /// [`MoneyError::ScaleTooLarge`] above 28 fraction digits, [`MoneyError::Overflow`] as [`Total::add`].
    #[inline]
    pub fn add_scaled_i128(&mut self, mantissa: i128, scale: u8) -> Result<(), MoneyError> {
        if scale > SCALE_MAX {
            return Err(MoneyError::ScaleTooLarge { scale, scale_max: SCALE_MAX });
        }
        self.add_units(units_of(mantissa, scale), scale)
    }

    /// Adds the sum of other amounts: afterwards this is the sum of the addends of both.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] as [`Total::add`].
    pub fn merge(&mut self, other: Total) -> Result<(), MoneyError> {
        self.add_units(other.sum, other.scale)
    }

    /// Takes the sum of other amounts away: afterwards this is the difference of both.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] as [`Total::add`].
    pub fn subtract(&mut self, other: Total) -> Result<(), MoneyError> {
        // The least integer has no opposite, and no sum is it.
        self.add_units(-other.sum, other.scale)
    }

    /// The sum, with as many fraction digits as the addend that has most.
    #[must_use]
    pub fn value(&self) -> Decimal {
        // Every addend is a multiple of 10^-scale, and so is the sum.
        let (quotient, remainder) = self.sum.div_rem(power_of_ten(SCALE_MAX - self.scale).as_i256());
        assert!(remainder == 0, "a sum has no more fraction digits than its addends");
        Decimal::new(quotient, self.scale).expect("the sum is not the least integer and its scale is at most 28")
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.sum == I256::ZERO
    }

    #[inline]
    fn add_units(&mut self, units: I256, scale: u8) -> Result<(), MoneyError> {
        let sum = self.sum.checked_add(units).filter(|&sum| sum != I256::MIN);
        self.sum = sum.ok_or(MoneyError::Overflow)?;
        self.scale = self.scale.max(scale);
        Ok(())
    }
}

/// `mantissa` / 10^`scale` in units of 10^-28, for scales of at most 28: 127 bits × 10^28 (94 bits) always fit, and
/// nearly always 128 bits do.
#[inline]
fn units_of(mantissa: i128, scale: u8) -> I256 {
    let exponent = SCALE_MAX - scale;
    match mantissa.checked_mul(power_of_ten_u128(exponent) as i128) {
        Some(units) => I256::new(units),
        None => I256::new(mantissa) * power_of_ten(exponent).as_i256(),
    }
}

impl Default for Total {
    fn default() -> Self {
        Total::ZERO
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};

    fn total_of(texts: &[&str]) -> String {
        let mut total = Total::ZERO;
        for text in texts {
            total.add(decimal(text)).unwrap();
        }
        total.value().to_string()
    }

    proptest! {
        #[test]
        fn what_is_taken_away_is_what_was_added(one in any_decimal(255), other in any_decimal(255)) {
            let (mut sum, mut addend) = (Total::ZERO, Total::ZERO);
            if sum.add(one).is_ok() && addend.add(other).is_ok() {
                let before = sum.value();
                if sum.merge(addend).is_ok() {
                    sum.subtract(addend).unwrap();
                    prop_assert_eq!(sum.value().to_shortest_string(), before.to_shortest_string());
                    sum.subtract(sum).unwrap();
                    prop_assert_eq!(sum.value().to_shortest_string(), "0");
                }
            }
        }
    }

    #[test]
    fn sums_print_the_digits_of_the_longest_addend() {
        assert_eq!(total_of(&[]), "0");
        assert_eq!(total_of(&["1.5", "2.25", "-3"]), "0.75");
        assert_eq!(total_of(&["1.50", "-1.5"]), "0.00");
        assert_eq!(total_of(&["16", "0.2969321366366446274854190000"]), "16.2969321366366446274854190000");
        assert_eq!(total_of(&["0.0000000072922557592391990000"]), "0.0000000072922557592391990000");
    }

    #[test]
    fn twenty_eight_fraction_digits_meet_many_integer_digits() {
        // A 96-bit decimal and a 128-bit fixed point both fail here (SEMANTICS 2.4).
        assert_eq!(
            total_of(&["999999999999999999999999", "0.0000000000000000000000000001"]),
            "999999999999999999999999.0000000000000000000000000001"
        );
    }

    #[test]
    fn overflow_leaves_the_sum_as_it_was() {
        let mut total = Total::ZERO;
        let greatest = Decimal::new(I256::MAX, 28).unwrap();
        total.add(greatest).unwrap();
        let smallest = Decimal::from_i128(1, 28).unwrap();
        assert_eq!(total.add(smallest), Err(MoneyError::Overflow));
        assert_eq!(total.merge(total), Err(MoneyError::Overflow));
        assert_eq!(total.add(Decimal::new(I256::MAX, 0).unwrap()), Err(MoneyError::Overflow));
        assert_eq!(total.value(), greatest);

        let mut negative = Total::ZERO;
        negative.add(greatest.checked_neg().unwrap()).unwrap();
        assert_eq!(negative.add_scaled_i128(-1, 28), Err(MoneyError::Overflow));
        assert_eq!(negative.value(), greatest.checked_neg().unwrap());
    }

    #[test]
    fn stored_mantissas_are_added_at_their_scale() {
        let mut total = Total::default();
        total.add_scaled_i128(870, 4).unwrap();
        total.add_scaled_i128(i128::MIN, 0).unwrap();
        total.add_scaled_i128(i128::MAX, 0).unwrap();
        assert_eq!(total.value().to_string(), "-0.9130");
        assert_eq!(total.add_scaled_i128(0, 29), Err(MoneyError::ScaleTooLarge { scale: 29, scale_max: 28 }));
    }

    proptest! {
        #[test]
        fn sums_equal_big_integer_sums(
            amounts in proptest::collection::vec(any_decimal(140), 0..40), cut in any::<proptest::sample::Index>(),
        ) {
            let mut total = Total::ZERO;
            let mut expected = I256::ZERO;
            for amount in &amounts {
                total.add(*amount).unwrap();
                expected += amount.mantissa() * I256::new(10).pow(u32::from(28 - amount.scale()));
            }
            let scale = amounts.iter().map(Decimal::scale).max().unwrap_or(0);
            prop_assert_eq!(total.value().scale(), scale);
            prop_assert_eq!(total.value(), Decimal::new(expected, 28).unwrap());

            // Any order and grouping gives the same text.
            let (front, back) = amounts.split_at(cut.index(amounts.len() + 1));
            let mut grouped = Total::ZERO;
            for part in [back, front] {
                let mut partial = Total::ZERO;
                for amount in part.iter().rev() {
                    partial.add(*amount).unwrap();
                }
                grouped.merge(partial).unwrap();
            }
            prop_assert_eq!(grouped.value().to_string(), total.value().to_string());
        }

        #[test]
        fn stored_mantissas_equal_decimals(mantissa in any::<i128>(), scale in 0u8..=28) {
            let mut stored = Total::ZERO;
            stored.add_scaled_i128(mantissa, scale).unwrap();
            let mut amounts = Total::ZERO;
            amounts.add(Decimal::from_i128(mantissa, scale).unwrap()).unwrap();
            prop_assert_eq!(stored.value().to_string(), amounts.value().to_string());
            prop_assert_eq!(stored.value().mantissa(), I256::new(mantissa));
        }
    }
}
