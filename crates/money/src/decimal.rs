//! The exact decimal number all amounts, prices and quantities are made of (SEMANTICS 2.4).
//!
//! A [`Decimal`] is a 256-bit integer and the number of its fraction digits. It keeps the digits it was given, so `1.50`
//! prints as `1.50`, yet it compares by value, so `1.50 == 1.5`. Scale 28 with 24 integer digits takes 173 bits; the
//! rest is room for sums and products. Every operation is checked.

mod arithmetic;
mod limits;
mod order;
mod parse;
mod print;
mod scale;

use std::fmt;

use ethnum::{I256, U256};

use crate::error::MoneyError;

pub use self::limits::Limits;
pub use self::parse::{Parsed, TEXT_LENGTH_MAX};
pub use self::print::write_scaled;
pub use self::scale::divided_exactly;

/// The greatest number of fraction digits of a [`Decimal`]: published costs have up to 28 (SEMANTICS 2.4).
pub const SCALE_MAX: u8 = 28;

/// An exact decimal number: `mantissa` / 10^`scale`.
///
/// `scale` is 0..=28. The mantissa is anything a 256-bit signed integer holds but its minimum, so that a negation never
/// overflows. Trailing zeros are kept as given; equality, ordering and hashing go by value.
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: I256,
    scale: u8,
}

impl Decimal {
    /// Zero without fraction digits.
    pub const ZERO: Decimal = Decimal { mantissa: I256::ZERO, scale: 0 };

    /// The number `mantissa` / 10^`scale`.
    ///
    /// # Errors
    /// [`MoneyError::ScaleTooLarge`] above 28 fraction digits; [`MoneyError::Overflow`] for `I256::MIN`.
    #[inline]
    pub fn new(mantissa: I256, scale: u8) -> Result<Decimal, MoneyError> {
        if scale > SCALE_MAX {
            return Err(MoneyError::ScaleTooLarge { scale, scale_max: SCALE_MAX });
        }
        if mantissa == I256::MIN {
            return Err(MoneyError::Overflow);
        }
        Ok(Decimal { mantissa, scale })
    }

    /// The number `mantissa` / 10^`scale`, for mantissas of 128 bits.
    ///
    /// # Errors
    /// [`MoneyError::ScaleTooLarge`] above 28 fraction digits.
    #[inline]
    pub fn from_i128(mantissa: i128, scale: u8) -> Result<Decimal, MoneyError> {
        Decimal::new(I256::new(mantissa), scale)
    }

    /// All digits of the number as an integer, in units of 10^-`scale`.
    #[inline]
    pub fn mantissa(&self) -> I256 {
        self.mantissa
    }

    /// Number of fraction digits, 0..=28, trailing zeros included.
    #[inline]
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// Whether the value is zero, at any scale.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.mantissa == I256::ZERO
    }

    /// Whether the value is below zero. There is no negative zero.
    #[inline]
    pub fn is_negative(&self) -> bool {
        self.mantissa.is_negative()
    }

    /// The value without its sign, at the same scale.
    #[must_use]
    pub fn abs(self) -> Decimal {
        Decimal { mantissa: self.mantissa.abs(), scale: self.scale }
    }

    /// The mantissa without its sign; always below 2^255.
    pub(crate) fn magnitude(&self) -> U256 {
        self.mantissa.unsigned_abs()
    }

    /// A number from its sign and magnitude. Zero loses the sign.
    pub(crate) fn from_magnitude(negative: bool, magnitude: U256, scale: u8) -> Result<Decimal, MoneyError> {
        let positive = I256::try_from(magnitude).map_err(|_| MoneyError::Overflow)?;
        Decimal::new(if negative { -positive } else { positive }, scale)
    }

    /// The mantissa where it fits 128 bits, as nearly all do.
    #[inline]
    pub(crate) fn mantissa_i128(&self) -> Option<i128> {
        let (high, low) = self.mantissa.into_words();
        (high == low >> 127).then_some(low)
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Decimal::ZERO
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Decimal { mantissa: I256::from(value), scale: 0 }
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Decimal { mantissa: I256::from(value), scale: 0 }
    }
}

impl From<i32> for Decimal {
    fn from(value: i32) -> Self {
        Decimal::from(i64::from(value))
    }
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Decimal::from(u64::from(value))
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Decimal({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn construction_refuses_what_does_not_fit() {
        assert_eq!(Decimal::from_i128(1, 29).unwrap_err(), MoneyError::ScaleTooLarge { scale: 29, scale_max: 28 });
        assert_eq!(Decimal::new(I256::MIN, 0).unwrap_err(), MoneyError::Overflow);
        assert!(Decimal::new(I256::MIN + 1, 28).is_ok());
        assert!(Decimal::new(I256::MAX, 28).is_ok());
        assert_eq!(Decimal::from_magnitude(false, I256::MAX.as_u256() + 1, 0).unwrap_err(), MoneyError::Overflow);
    }

    #[test]
    fn parts_are_given_back() {
        let value = Decimal::from_i128(-1500, 3).unwrap();
        assert_eq!((value.mantissa(), value.scale()), (I256::new(-1500), 3));
        assert!(value.is_negative() && !value.is_zero());
        assert!(!value.abs().is_negative());
        assert_eq!(value.abs().to_string(), "1.500");
        let zero = Decimal::from_magnitude(true, U256::ZERO, 2).unwrap();
        assert!(zero.is_zero() && !zero.is_negative());
        assert_eq!(Decimal::default().scale(), 0);
        assert_eq!(format!("{value:?}"), "Decimal(-1.500)");
    }

    #[test]
    fn integers_become_decimals() {
        assert_eq!(Decimal::from(i64::MIN).to_string(), "-9223372036854775808");
        assert_eq!(Decimal::from(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(Decimal::from(7u32).to_string(), "7");
        assert_eq!(Decimal::from(-7), Decimal::from(-7i64));
    }
}
