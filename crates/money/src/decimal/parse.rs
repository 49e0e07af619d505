//! Reading a decimal from the text of a cell (SEMANTICS 2.4, D-09).
//!
//! An import reads tens of millions of numbers and nearly all are short and plain, so [`Decimal::parse`] first tries a
//! path that takes exactly the canonical spellings of at most 38 digits, eight digits at a time, in 128 bits. All else —
//! signs, missing or leading zeros, exponents, long numbers and every error — is read by the general path. Digits
//! beyond a limit are refused, never cut.

mod canonical;

use ethnum::U256;

use self::canonical::parse_canonical;
use super::{Decimal, Limits, SCALE_MAX};
use crate::error::DecimalSyntaxError;
use crate::power::{EXPONENT_MAX, power_of_ten};

/// The longest text that is read as a number: sign, 76 digits, point and exponent with room for leading zeros.
pub const TEXT_LENGTH_MAX: usize = 128;

/// The greatest absolute value of an exponent: binary floating point prints up to e±324, no other producer goes beyond.
const EXPONENT_VALUE_MAX: u16 = 999;
/// The most digits for which every number fits 128 bits.
const NARROW_DIGITS_MAX: usize = 38;

/// A number read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The number, with as many fraction digits as were written.
    pub value: Decimal,
    /// Whether `value.to_string()` gives back exactly the bytes that were read. Where it does not, whoever must serve
    /// the source's spelling has to keep it.
    pub canonical: bool,
}

impl Decimal {
    /// Reads a plain or exponential decimal: optional sign, digits with at most one point, optional exponent.
    ///
    /// `.5`, `5.`, `+1`, `007`, `-0` and `1.1E-7` are read, and reported as not canonical. The scale of the result is the
    /// number of fraction digits as written, trailing zeros included; with an exponent, that of the resulting number
    /// (`1.1352413E-7` has 14, `1E+3` has 0). Leading zeros count towards no limit.
    ///
    /// # Errors
    /// Blanks, thousands separators, `NaN`, `Infinity`, anything outside ASCII, an empty text, more than
    /// [`TEXT_LENGTH_MAX`] bytes, exponents beyond ±999, and more digits than `limits` accepts.
    #[inline]
    pub fn parse(text: &[u8], limits: Limits) -> Result<Parsed, DecimalSyntaxError> {
        match parse_canonical(text, limits) {
            Some(value) => Ok(Parsed { value, canonical: true }),
            None => parse_general(text, limits),
        }
    }
}

/// The pieces of a number's text. The digits are checked to be digits.
struct Spelling<'a> {
    sign: Option<u8>,
    integer: &'a [u8],
    has_point: bool,
    fraction: &'a [u8],
    exponent: Option<i32>,
}

#[inline(never)]
fn parse_general(text: &[u8], limits: Limits) -> Result<Parsed, DecimalSyntaxError> {
    if text.is_empty() {
        return Err(DecimalSyntaxError::Empty);
    }
    if text.len() > TEXT_LENGTH_MAX {
        return Err(DecimalSyntaxError::TooLong {
            length: u32::try_from(text.len()).unwrap_or(u32::MAX),
            length_max: TEXT_LENGTH_MAX as u32,
        });
    }
    let spelling = dissect(text)?;
    let negative = spelling.sign == Some(b'-');
    let magnitude = Magnitude::within(&spelling, limits)?;
    let value = Decimal::from_magnitude(negative, magnitude.mantissa, magnitude.scale)
        .expect("at most 76 digits, of which at most 28 are fraction digits, were let through");
    let has_superfluous_zero = spelling.integer.len() > 1 && spelling.integer[0] == b'0';
    let canonical = spelling.sign != Some(b'+')
        && spelling.exponent.is_none()
        && !spelling.integer.is_empty()
        && !has_superfluous_zero
        && spelling.has_point != spelling.fraction.is_empty()
        && !(negative && value.is_zero());
    Ok(Parsed { value, canonical })
}

/// Takes the text apart. Its length has been checked, so positions fit a byte.
fn dissect(text: &[u8]) -> Result<Spelling<'_>, DecimalSyntaxError> {
    let mut rest = text;
    let sign = take_byte(&mut rest, |byte| byte == b'+' || byte == b'-');
    let integer = take_digits(&mut rest);
    let has_point = take_byte(&mut rest, |byte| byte == b'.').is_some();
    let fraction = if has_point { take_digits(&mut rest) } else { [].as_slice() };
    let has_digits = !integer.is_empty() || !fraction.is_empty();
    let mut exponent = None;
    if has_digits && take_byte(&mut rest, |byte| byte == b'e' || byte == b'E').is_some() {
        exponent = Some(take_exponent(&mut rest)?);
    }
    if let Some(&byte) = rest.first() {
        let position = (text.len() - rest.len()) as u8;
        return Err(DecimalSyntaxError::UnexpectedByte { position, byte });
    }
    if !has_digits {
        return Err(DecimalSyntaxError::NoDigits);
    }
    Ok(Spelling { sign, integer, has_point, fraction, exponent })
}

fn take_byte(rest: &mut &[u8], accept: impl Fn(u8) -> bool) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    if !accept(first) {
        return None;
    }
    *rest = after;
    Some(first)
}

fn take_digits<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    digits
}

/// The signed digits after the exponent letter. What is not a digit stays in `rest` for the caller to report.
fn take_exponent(rest: &mut &[u8]) -> Result<i32, DecimalSyntaxError> {
    let sign = take_byte(rest, |byte| byte == b'+' || byte == b'-');
    let digits = take_digits(rest);
    if digits.is_empty() && rest.is_empty() {
        return Err(DecimalSyntaxError::NoExponentDigits);
    }
    let mut exponent = 0;
    for &digit in digits {
        exponent = exponent * 10 + i32::from(digit - b'0');
        if exponent > i32::from(EXPONENT_VALUE_MAX) {
            return Err(DecimalSyntaxError::ExponentOutOfRange { exponent_max: EXPONENT_VALUE_MAX });
        }
    }
    Ok(if sign == Some(b'-') { -exponent } else { exponent })
}

/// A mantissa of at most 76 digits and its scale of at most 28.
struct Magnitude {
    mantissa: U256,
    scale: u8,
}

impl Magnitude {
    fn within(spelling: &Spelling<'_>, limits: Limits) -> Result<Magnitude, DecimalSyntaxError> {
        let fraction_digits_max = limits.fraction_digits_max.min(SCALE_MAX);
        let integer_digits_max = limits.integer_digits_max.min(EXPONENT_MAX as u8 - SCALE_MAX);
        let significant = || spelling.integer.iter().chain(spelling.fraction).skip_while(|&&digit| digit == b'0');
        let significant_digits = significant().count();
        // The value is (significant digits) / 10^point; both numbers are at most 128 + 999.
        let point = spelling.fraction.len() as i32 - spelling.exponent.unwrap_or(0);
        let fraction_digits = point.max(0) as u16;
        if fraction_digits > u16::from(fraction_digits_max) {
            return Err(DecimalSyntaxError::TooManyFractionDigits {
                digits: fraction_digits,
                digits_max: fraction_digits_max,
            });
        }
        if significant_digits == 0 {
            return Ok(Magnitude { mantissa: U256::ZERO, scale: fraction_digits as u8 });
        }
        let integer_digits = (significant_digits as i32 - point).max(0) as u16;
        if integer_digits > u16::from(integer_digits_max) {
            return Err(DecimalSyntaxError::TooManyIntegerDigits {
                digits: integer_digits,
                digits_max: integer_digits_max,
            });
        }
        // From here on significant_digits <= 76, so each half below has at most 38 digits and fits 128 bits.
        let mut upper = 0u128;
        let mut lower = 0u128;
        for (index, digit) in significant().enumerate() {
            let half = if index + NARROW_DIGITS_MAX < significant_digits { &mut upper } else { &mut lower };
            *half = *half * 10 + u128::from(digit - b'0');
        }
        let written = U256::new(upper) * power_of_ten(NARROW_DIGITS_MAX as u8) + U256::new(lower);
        let zeros_appended = (-point).max(0) as u8;
        Ok(Magnitude { mantissa: written * power_of_ten(zeros_appended), scale: fraction_digits as u8 })
    }
}

#[cfg(test)]
mod tests;
