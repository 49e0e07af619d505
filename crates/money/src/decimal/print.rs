//! Writing decimals as text: plain digits, exactly `scale` of them after the point, no exponent (SEMANTICS 2.4).
//!
//! Reports write one number per cell, most of them with mantissas below 2^64, so digits are made in pairs by 64-bit
//! divisions and wider numbers are first cut into 64-bit groups.

use std::fmt;

use ethnum::U256;

use super::Decimal;
use crate::power::{EXPONENT_MAX_U128, power_of_ten};

/// The most digits a 256-bit magnitude has.
const DIGITS_MAX: usize = 78;
/// The most digits for which every number fits 64 bits, and 10 to that power.
const GROUP_DIGITS: usize = 19;
const GROUP: u128 = 10_000_000_000_000_000_000;
/// "00", "01", … "99".
static PAIRS: [[u8; 2]; 100] = pairs();

impl Decimal {
    /// Appends the text of the number: `-` for numbers below zero, at least one integer digit, exactly
    /// [`scale`](Decimal::scale) fraction digits, no exponent.
    #[inline]
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self.mantissa_i128() {
            Some(mantissa) => write_scaled(mantissa, self.scale, out),
            None => self.write_wide(out),
        }
    }

    /// Appends the shortest plain text of the value: no trailing zeros, no point without digits after it. This is the
    /// form of computed values; imported ones are served as they came (SEMANTICS 2.4).
    pub fn write_shortest_to(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_to(out);
        if self.scale == 0 {
            return;
        }
        while out[start..].ends_with(b"0") {
            out.pop();
        }
        if out[start..].ends_with(b".") {
            out.pop();
        }
    }

    /// The shortest plain text of the value, see [`Decimal::write_shortest_to`].
    pub fn to_shortest_string(&self) -> String {
        let mut text = Vec::with_capacity(DIGITS_MAX);
        self.write_shortest_to(&mut text);
        ascii(text)
    }

    #[cold]
    fn write_wide(&self, out: &mut Vec<u8>) {
        let mut digits = Digits::new();
        digits.prepend_u256(self.magnitude());
        write_with_point(self.is_negative(), digits.as_slice(), self.scale, out);
    }
}

impl fmt::Display for Decimal {
    /// Same text as [`Decimal::write_to`]. Width, fill and `+` are honoured, a precision is not: it would be a rounding.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(DIGITS_MAX);
        self.abs().write_to(&mut text);
        formatter.pad_integral(!self.is_negative(), "", &ascii(text))
    }
}

/// Appends the text of `mantissa` / 10^`scale` with exactly `scale` fraction digits, as [`Decimal::write_to`] does,
/// without the detour over a [`Decimal`]. Every scale is accepted.
#[inline]
pub fn write_scaled(mantissa: i128, scale: u8, out: &mut Vec<u8>) {
    let magnitude = mantissa.unsigned_abs();
    let mut digits = Digits::new();
    match u64::try_from(magnitude) {
        Ok(narrow) => digits.prepend_u64(narrow),
        Err(_) => digits.prepend_u128(magnitude),
    }
    write_with_point(mantissa < 0, digits.as_slice(), scale, out);
}

#[inline]
fn write_with_point(negative: bool, digits: &[u8], scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    if negative {
        out.push(b'-');
    }
    if scale == 0 {
        out.extend_from_slice(digits);
        return;
    }
    if digits.len() > scale {
        let (integer, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(integer);
        out.push(b'.');
        out.extend_from_slice(fraction);
        return;
    }
    out.extend_from_slice(b"0.");
    out.resize(out.len() + scale - digits.len(), b'0');
    out.extend_from_slice(digits);
}

/// Digits filled in from the last to the first.
struct Digits {
    bytes: [u8; DIGITS_MAX],
    start: usize,
}

impl Digits {
    #[inline]
    fn new() -> Self {
        Digits { bytes: [b'0'; DIGITS_MAX], start: DIGITS_MAX }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Prepends the digits of `number`, at least one.
    #[inline]
    fn prepend_u64(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 100 {
            self.prepend_pair(rest % 100);
            rest /= 100;
        }
        if rest >= 10 {
            self.prepend_pair(rest);
        } else {
            self.start -= 1;
            self.bytes[self.start] = b'0' + rest as u8;
        }
    }

    #[inline]
    fn prepend_pair(&mut self, pair: u64) {
        self.start -= 2;
        self.bytes[self.start..self.start + 2].copy_from_slice(&PAIRS[pair as usize]);
    }

    fn prepend_u128(&mut self, number: u128) {
        let mut rest = number;
        while rest > u128::from(u64::MAX) {
            let end = self.start;
            // Not `rest % GROUP`, which would be a second call of the 128-bit division.
            let quotient = rest / GROUP;
            self.prepend_u64((rest - quotient * GROUP) as u64);
            // The buffer is filled with '0', so leading zeros of a group are there already.
            self.start = end - GROUP_DIGITS;
            rest = quotient;
        }
        self.prepend_u64(rest as u64);
    }

    fn prepend_u256(&mut self, number: U256) {
        let mut rest = number;
        while *rest.high() != 0 {
            let end = self.start;
            let (quotient, remainder) = rest.div_rem(power_of_ten(EXPONENT_MAX_U128 as u8));
            self.prepend_u128(remainder.as_u128());
            self.start = end - EXPONENT_MAX_U128;
            rest = quotient;
        }
        self.prepend_u128(rest.as_u128());
    }
}

fn ascii(text: Vec<u8>) -> String {
    String::from_utf8(text).expect("digits, a sign and a point are ASCII")
}

const fn pairs() -> [[u8; 2]; 100] {
    let mut table = [[b'0'; 2]; 100];
    let mut pair = 0;
    while pair < 100 {
        table[pair] = [b'0' + (pair / 10) as u8, b'0' + (pair % 10) as u8];
        pair += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use ethnum::I256;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};

    fn scaled(mantissa: i128, scale: u8) -> String {
        let mut out = b"x".to_vec();
        write_scaled(mantissa, scale, &mut out);
        String::from_utf8(out).unwrap().split_off(1)
    }

    /// The same text made by the formatting of the standard library or of the big integer.
    fn reference(mantissa: impl ToString, scale: u8) -> String {
        let text = mantissa.to_string();
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let scale = usize::from(scale);
        let mut padded = format!("{digits:0>width$}", width = scale + 1);
        if scale > 0 {
            padded.insert(padded.len() - scale, '.');
        }
        format!("{sign}{padded}")
    }

    #[test]
    fn scale_decides_the_number_of_fraction_digits() {
        for (mantissa, scale, expected) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 0, "5"),
            (5, 1, "0.5"),
            (-5, 3, "-0.005"),
            (100, 2, "1.00"),
            (-12345, 2, "-123.45"),
            (72_922_557_592_391_990_000, 28, "0.0000000072922557592391990000"),
            (10_000_000_000_000_000_000, 0, "10000000000000000000"),
            (100_000_000_000_000_000_000, 0, "100000000000000000000"),
        ] {
            assert_eq!(scaled(mantissa, scale), expected);
        }
        assert_eq!(scaled(i128::MIN, 38), format!("-{}", reference(i128::MIN.unsigned_abs(), 38)));
        assert_eq!(scaled(1, 255), format!("0.{}1", "0".repeat(254)));
    }

    #[test]
    fn widest_numbers_are_written() {
        for mantissa in [I256::MAX, -I256::MAX] {
            let value = Decimal::new(mantissa, 28).unwrap();
            assert_eq!(value.to_string(), reference(mantissa, 28));
        }
    }

    #[test]
    fn shortest_text_has_no_trailing_zeros() {
        for (text, expected) in [
            ("0", "0"),
            ("0.00", "0"),
            ("-1.500", "-1.5"),
            ("100", "100"),
            ("100.00", "100"),
            ("0.0010", "0.001"),
            ("16.2969321366366446274854190000", "16.296932136636644627485419"),
        ] {
            assert_eq!(decimal(text).to_shortest_string(), expected);
        }
        let mut out = b"0.".to_vec();
        decimal("0.0").write_shortest_to(&mut out);
        assert_eq!(out, b"0.0");
    }

    #[test]
    fn display_pads_and_never_rounds() {
        let value = decimal("-12.345");
        assert_eq!(format!("{value:>10}|{value:<10}|{value:.1}"), "   -12.345|-12.345   |-12.345");
        assert_eq!(format!("{:+}", decimal("1.50")), "+1.50");
    }

    proptest! {
        #[test]
        fn text_agrees_with_the_standard_library(mantissa in any::<i128>(), shift in 0u32..128, scale in 0u8..=40) {
            let mantissa = mantissa >> shift;
            prop_assert_eq!(scaled(mantissa, scale), reference(mantissa, scale));
        }

        #[test]
        fn text_agrees_with_the_big_integer(value in any_decimal(255)) {
            let expected = reference(value.mantissa(), value.scale());
            prop_assert_eq!(value.to_string(), &*expected);
            let mut written = Vec::new();
            value.write_to(&mut written);
            prop_assert_eq!(String::from_utf8(written).unwrap(), expected);
        }

        #[test]
        fn shortest_text_has_the_same_value(value in any_decimal(159)) {
            let text = value.to_shortest_string();
            prop_assert_eq!(decimal(&text), value);
            prop_assert!(!text.contains('.') || !text.ends_with('0'));
            prop_assert!(!text.ends_with('.'));
        }
    }
}
