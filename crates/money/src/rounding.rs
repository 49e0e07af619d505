//! The roundings of the product, by the names of SEMANTICS: `he(x, n)` is [`half_even`], `trunc(x, n)` is [`truncate`].
//!
//! SEMANTICS 2.5 lists where they may be used; nothing else rounds. A division is always a rounding and therefore exists
//! only in this form, computed exactly and rounded once.

use ethnum::U256;

use crate::decimal::{Decimal, SCALE_MAX};
use crate::division::{Quotient, divide};
use crate::error::MoneyError;
use crate::power::power_of_ten;

/// A quotient of two numbers that is never computed by itself, so that it is never rounded by itself.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    numerator: Decimal,
    denominator: Decimal,
}

impl Ratio {
    /// The ratio `numerator` / `denominator`, of counts (days, installments) or of decimals (weights).
    ///
    /// # Errors
    /// [`MoneyError::ZeroDivisor`] for a denominator of zero.
    pub fn new(numerator: impl Into<Decimal>, denominator: impl Into<Decimal>) -> Result<Ratio, MoneyError> {
        let denominator = denominator.into();
        if denominator.is_zero() {
            return Err(MoneyError::ZeroDivisor);
        }
        Ok(Ratio { numerator: numerator.into(), denominator })
    }
}

/// `he(value, digits)`: the nearest number with at most `digits` fraction digits, the one with the even last digit where
/// two are equally near (SEMANTICS, notation). A value that has no more digits is returned as it is, scale included.
#[must_use]
pub fn half_even(value: Decimal, digits: u8) -> Decimal {
    let Some(quotient) = without_excess_digits(value, digits) else {
        return value;
    };
    let magnitude = quotient.half_even().expect("a tenth of a magnitude is far from the greatest one");
    with_sign_of(value, magnitude, digits).expect("a magnitude becomes smaller by losing digits")
}

/// `trunc(value, digits)`: the value without the fraction digits beyond `digits`, that is toward zero (SEMANTICS,
/// notation). A value that has no more digits is returned as it is, scale included.
#[must_use]
pub fn truncate(value: Decimal, digits: u8) -> Decimal {
    let Some(quotient) = without_excess_digits(value, digits) else {
        return value;
    };
    with_sign_of(value, quotient.floor, digits).expect("a magnitude becomes smaller by losing digits")
}

/// `he(value × ratio, digits)` from the exact product and quotient, with `digits` fraction digits: `he(T × k / N, 12)` of
/// amortization and `he(T × w / Σw, 12)` of splits (SEMANTICS 2.5 no. 1). No intermediate result is rounded or overflows.
///
/// # Errors
/// [`MoneyError::ScaleTooLarge`] for more than 28 digits, [`MoneyError::Overflow`] where the result exceeds 255 bits.
pub fn half_even_ratio(value: Decimal, ratio: Ratio, digits: u8) -> Result<Decimal, MoneyError> {
    check_scale(digits)?;
    let Ratio { numerator, denominator } = ratio;
    // In units of 10^-digits the result is value × numerator / denominator, all as mantissas, × 10^(raised - lowered).
    let raised = digits + denominator.scale();
    let lowered = value.scale() + numerator.scale();
    let quotient = divide(
        &[value.magnitude(), numerator.magnitude(), power_of_ten(raised.saturating_sub(lowered))],
        &[denominator.magnitude(), power_of_ten(lowered.saturating_sub(raised))],
    )?;
    let negative = value.is_negative() ^ numerator.is_negative() ^ denominator.is_negative();
    Decimal::from_magnitude(negative, quotient.half_even()?, digits)
}

/// `he(dividend / divisor, digits)`, with `digits` fraction digits: an EffectivePrice from a cost and a quantity
/// (SEMANTICS 2.3, 3.4).
///
/// # Errors
/// [`MoneyError::ZeroDivisor`], else as [`half_even_ratio`].
pub fn half_even_quotient(dividend: Decimal, divisor: Decimal, digits: u8) -> Result<Decimal, MoneyError> {
    half_even_ratio(dividend, Ratio::new(1u32, divisor)?, digits)
}

/// `he(left × right, digits)`: exact, with the scale of the product, where that needs no more than `digits` fraction
/// digits. A native cost is `half_even_product(quantity, price, 28)` (SEMANTICS 2.4).
///
/// # Errors
/// [`MoneyError::ScaleTooLarge`] for more than 28 digits, [`MoneyError::Overflow`] where the result exceeds 255 bits.
pub fn half_even_product(left: Decimal, right: Decimal, digits: u8) -> Result<Decimal, MoneyError> {
    check_scale(digits)?;
    let scale = left.scale() + right.scale();
    half_even_ratio(left, Ratio::new(right, 1u32)?, digits.min(scale))
}

fn check_scale(digits: u8) -> Result<(), MoneyError> {
    if digits > SCALE_MAX {
        return Err(MoneyError::ScaleTooLarge { scale: digits, scale_max: SCALE_MAX });
    }
    Ok(())
}

/// The magnitude of the value in units of 10^-`digits`; `None` where it has no more digits than that.
fn without_excess_digits(value: Decimal, digits: u8) -> Option<Quotient> {
    if value.scale() <= digits {
        return None;
    }
    let quotient = divide(&[value.magnitude()], &[power_of_ten(value.scale() - digits)]);
    Some(quotient.expect("a power of ten is not zero, and a quotient by ten or more fits where the dividend did"))
}

fn with_sign_of(value: Decimal, magnitude: U256, digits: u8) -> Result<Decimal, MoneyError> {
    Decimal::from_magnitude(value.is_negative(), magnitude, digits)
}

#[cfg(test)]
mod tests;
