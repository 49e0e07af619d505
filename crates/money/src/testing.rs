//! Helpers shared by the unit tests of this crate.

use ethnum::U256;
use proptest::prelude::*;

use crate::{Decimal, Limits};

/// The number a test writes down.
pub(crate) fn decimal(text: &str) -> Decimal {
    Decimal::parse(text.as_bytes(), Limits { fraction_digits_max: 28, integer_digits_max: 48 }).unwrap().value
}

/// Any decimal of at most `bits` mantissa bits, small ones as likely as great ones, at any scale.
pub(crate) fn any_decimal(bits: u32) -> impl Strategy<Value = Decimal> {
    (any_magnitude(bits), any::<bool>(), 0u8..=28)
        .prop_map(|(magnitude, negative, scale)| Decimal::from_magnitude(negative, magnitude, scale).unwrap())
}

/// Any number of at most `bits` bits, every length as likely as any other.
pub(crate) fn any_magnitude(bits: u32) -> impl Strategy<Value = U256> {
    (any::<u128>(), any::<u128>(), 256 - bits..256).prop_map(|(high, low, shift)| U256::from_words(high, low) >> shift)
}
