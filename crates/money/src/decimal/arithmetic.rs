//! Exact, checked arithmetic: a result has all its digits or there is none. Rounding products and quotients are in
//! [`crate::rounding`], sums of many addends in [`crate::Total`].

use ethnum::I256;

use super::{Decimal, SCALE_MAX};
use crate::division::divide;
use crate::error::MoneyError;
use crate::power::{power_of_ten, power_of_ten_u128};

impl Decimal {
    /// The exact sum, with the scale of the addend that has more fraction digits.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where an addend at the common scale, or the sum, exceeds 255 bits.
    pub fn checked_add(self, other: Decimal) -> Result<Decimal, MoneyError> {
        let scale = self.scale.max(other.scale);
        let sum = self.mantissa_at(scale)?.checked_add(other.mantissa_at(scale)?).ok_or(MoneyError::Overflow)?;
        Decimal::new(sum, scale)
    }

    /// The exact difference `self` − `other`, with the scale of the one that has more fraction digits.
    ///
    /// # Errors
    /// As [`Decimal::checked_add`].
    pub fn checked_sub(self, other: Decimal) -> Result<Decimal, MoneyError> {
        self.checked_add(other.checked_neg()?)
    }

    /// The number with the other sign, at the same scale.
    ///
    /// # Errors
    /// None today; the signature is that of its siblings.
    pub fn checked_neg(self) -> Result<Decimal, MoneyError> {
        Decimal::new(-self.mantissa, self.scale)
    }

    /// The exact product. Its scale is the sum of both scales; above 28 trailing zeros are dropped down to 28.
    ///
    /// For native costs, which are rounded to 28 fraction digits where they have more, see
    /// [`half_even_product`](crate::half_even_product) (SEMANTICS 2.4).
    ///
    /// # Errors
    /// [`MoneyError::ScaleTooLarge`] where the product has non-zero digits beyond the 28th,
    /// [`MoneyError::Overflow`] where it exceeds 255 bits.
    pub fn checked_mul(self, other: Decimal) -> Result<Decimal, MoneyError> {
        let negative = self.is_negative() != other.is_negative();
        let scale = self.scale + other.scale;
        if scale <= SCALE_MAX {
            let magnitude = self.magnitude().checked_mul(other.magnitude());
            return Decimal::from_magnitude(negative, magnitude.ok_or(MoneyError::Overflow)?, scale);
        }
        let excess = power_of_ten(scale - SCALE_MAX);
        let quotient = divide(&[self.magnitude(), other.magnitude()], &[excess])?;
        if !quotient.is_exact() {
            return Err(MoneyError::ScaleTooLarge { scale, scale_max: SCALE_MAX });
        }
        Decimal::from_magnitude(negative, quotient.floor, SCALE_MAX)
    }

    /// The mantissa with as many or more fraction digits, where it fits 128 bits.
    #[inline]
    pub(crate) fn mantissa_i128_at(&self, scale: u8) -> Option<i128> {
        assert!(scale >= self.scale, "callers only ever widen");
        // 10^28 < 2^127, so the factor is positive as a signed integer.
        self.mantissa_i128()?.checked_mul(power_of_ten_u128(scale - self.scale).cast_signed())
    }

    /// The mantissa at a scale that is not smaller than the own one.
    pub(crate) fn mantissa_at(&self, scale: u8) -> Result<I256, MoneyError> {
        assert!(scale >= self.scale, "callers only ever widen");
        if scale == self.scale {
            return Ok(self.mantissa);
        }
        if let Some(narrow) = self.mantissa_i128_at(scale) {
            return Ok(I256::new(narrow));
        }
        // The signed multiplication of ethnum finds overflows by a division, the unsigned one does without.
        let magnitude = self.magnitude().checked_mul(power_of_ten(scale - self.scale));
        Decimal::from_magnitude(self.is_negative(), magnitude.ok_or(MoneyError::Overflow)?, scale)
            .map(|widened| widened.mantissa)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};

    fn greatest(scale: u8) -> Decimal {
        Decimal::new(I256::MAX, scale).unwrap()
    }

    #[test]
    fn sums_keep_the_longer_fraction() {
        assert_eq!(decimal("1.50").checked_add(decimal("2.5")).unwrap().to_string(), "4.00");
        assert_eq!(decimal("1").checked_sub(decimal("0.001")).unwrap().to_string(), "0.999");
        assert_eq!(decimal("1.00").checked_sub(decimal("1")).unwrap().to_string(), "0.00");
        assert_eq!(decimal("-1.00").checked_neg().unwrap().to_string(), "1.00");
        assert_eq!(decimal("0.00").checked_neg().unwrap().to_string(), "0.00");
    }

    #[test]
    fn sums_beyond_the_type_are_refused() {
        let overflow = Err(MoneyError::Overflow);
        assert_eq!(greatest(0).checked_add(decimal("1")), overflow);
        assert_eq!(greatest(0).checked_add(decimal("0.1")), overflow);
        assert_eq!(greatest(0).checked_neg().unwrap().checked_sub(decimal("1")), overflow);
        assert!(greatest(0).checked_sub(decimal("1")).is_ok());
        assert!(greatest(28).checked_sub(greatest(28)).unwrap().is_zero());
    }

    #[test]
    fn e14_products_of_quantity_and_price_are_exact() {
        for (quantity, price, cost) in
            [("141.9034581", "0.087", "12.3456008547"), ("0.1", "0.087", "0.0087"), ("0.1351", "0.0005", "0.00006755")]
        {
            assert_eq!(decimal(quantity).checked_mul(decimal(price)).unwrap().to_string(), cost);
        }
    }

    #[test]
    fn products_keep_their_scale_up_to_the_limit() {
        assert_eq!(decimal("1.50").checked_mul(decimal("-2.0")).unwrap().to_string(), "-3.000");
        let tiny = decimal("0.000000000000000001");
        assert_eq!(tiny.checked_mul(tiny), Err(MoneyError::ScaleTooLarge { scale: 36, scale_max: 28 }));
        // 18 + 18 digits, of which the last eight are zeros only in the product: 5 × 2 brings a zero of its own.
        let left = decimal("0.000000000000005000");
        let right = decimal("0.000000000002000000");
        assert_eq!(left.checked_mul(right).unwrap().to_string(), "0.0000000000000000000000000100");
        assert!(Decimal::ZERO.checked_mul(greatest(28)).unwrap().is_zero());
    }

    #[test]
    fn products_beyond_the_type_are_refused() {
        assert_eq!(greatest(0).checked_mul(decimal("2")), Err(MoneyError::Overflow));
        assert_eq!(greatest(0).checked_mul(greatest(28)), Err(MoneyError::Overflow));
        assert_eq!(greatest(28).checked_mul(decimal("1")).unwrap(), greatest(28));
        // The product of the mantissas has more than 256 bits, the product itself does not.
        let one = decimal("1.0000000000000000000000000000");
        assert_eq!(greatest(28).checked_mul(one).unwrap(), greatest(28));
    }

    proptest! {
        #[test]
        fn addition_is_commutative_and_undone_by_subtraction(left in any_decimal(150), right in any_decimal(150)) {
            let sum = left.checked_add(right).unwrap();
            prop_assert_eq!(sum, right.checked_add(left).unwrap());
            prop_assert_eq!(sum.checked_sub(right).unwrap(), left);
            prop_assert_eq!(sum.scale(), left.scale().max(right.scale()));
        }

        #[test]
        fn multiplication_distributes(a in any_decimal(80), b in any_decimal(80), c in any_decimal(80)) {
            let sum = b.checked_add(c).unwrap();
            if let (Ok(whole), Ok(left), Ok(right)) = (a.checked_mul(sum), a.checked_mul(b), a.checked_mul(c)) {
                prop_assert_eq!(whole, left.checked_add(right).unwrap());
            }
        }

        #[test]
        fn narrow_products_agree_with_integers(a in any::<i64>(), b in any::<i64>(), scale in 0u8..=14) {
            let left = Decimal::from_i128(a.into(), scale).unwrap();
            let right = Decimal::from_i128(b.into(), scale).unwrap();
            let product = left.checked_mul(right).unwrap();
            prop_assert_eq!(product.mantissa(), I256::new(i128::from(a) * i128::from(b)));
            prop_assert_eq!(product.scale(), 2 * scale);
        }
    }
}
