//! Tests of the number reader: by example, against a slow reference, and on arbitrary bytes.

use proptest::prelude::*;

use super::canonical::eight_digits;
use super::*;
use crate::testing::any_decimal;

const ERROR_FREE_EXAMPLES: &[(&str, &str, bool)] = &[
    // written, value at its scale, canonical
    ("0", "0", true),
    ("0.00", "0.00", true),
    ("-1", "-1", true),
    ("10", "10", true),
    ("2.48063499589542", "2.48063499589542", true),
    ("0.0000000072922557592391990000", "0.0000000072922557592391990000", true),
    ("16.2969321366366446274854190000", "16.2969321366366446274854190000", true),
    (
        "999999999999999999999999.9999999999999999999999999999",
        "999999999999999999999999.9999999999999999999999999999",
        true,
    ),
    ("-123456789012345678.1234567890123456789012345678", "-123456789012345678.1234567890123456789012345678", true),
    (".5", "0.5", false),
    ("-.50", "-0.50", false),
    ("5.", "5", false),
    ("+5", "5", false),
    ("+0.1", "0.1", false),
    ("007", "7", false),
    ("00.50", "0.50", false),
    ("000000000000000000000000000000000000000000000000000001", "1", false),
    ("-0", "0", false),
    ("-0.00", "0.00", false),
    ("1.1352413E-7", "0.00000011352413", false),
    ("1.1352413e-07", "0.00000011352413", false),
    ("-1.1352413e-7", "-0.00000011352413", false),
    ("1E+3", "1000", false),
    ("1E3", "1000", false),
    ("1.50E+1", "15.0", false),
    ("1.50E+2", "150", false),
    ("1.50E0", "1.50", false),
    ("100E-2", "1.00", false),
    (".5e1", "5", false),
    ("5.e1", "50", false),
    ("0E+999", "0", false),
    ("0E-3", "0.000", false),
    ("1E23", "100000000000000000000000", false),
    ("0.00000000000000000000000000000000000000000000000001E50", "1", false),
    ("9999999999999999999999990E-1", "999999999999999999999999.0", false),
];

#[test]
fn numbers_are_read_with_their_digits() {
    for &(text, expected, canonical) in ERROR_FREE_EXAMPLES {
        let parsed = Decimal::parse(text.as_bytes(), Limits::COST).unwrap();
        assert_eq!(parsed.value.to_string(), expected, "{text}");
        assert_eq!(parsed.canonical, canonical, "{text}");
        assert_eq!(parsed.canonical, parsed.value.to_string() == text, "{text}");
    }
}

#[test]
fn scale_with_an_exponent_is_that_of_the_resulting_number() {
    let parsed = Decimal::parse(b"1.1352413E-7", Limits::COST).unwrap();
    assert_eq!(parsed.value.scale(), 14);
    assert_eq!(Decimal::parse(b"1E+3", Limits::COST).unwrap().value.scale(), 0);
}

#[test]
fn what_is_not_a_number_is_refused_with_its_position() {
    for (text, position, byte) in [
        (" 1", 0, b' '),
        ("1 ", 1, b' '),
        ("1,000.00", 1, b','),
        ("1.2.3", 3, b'.'),
        ("--1", 1, b'-'),
        ("1-", 1, b'-'),
        ("NaN", 0, b'N'),
        ("-Infinity", 1, b'I'),
        ("1e5x", 3, b'x'),
        ("1e+x", 3, b'x'),
        ("1ee5", 2, b'e'),
        ("1e5.0", 3, b'.'),
        ("e5", 0, b'e'),
        (".e5", 1, b'e'),
        ("0x10", 1, b'x'),
        ("1_000", 1, b'_'),
        ("$1", 0, b'$'),
        ("1\n", 1, b'\n'),
        ("\u{661}", 0, 0xd9),
        ("12345678\u{2212}", 8, 0xe2),
        ("1\u{a0}000", 1, 0xc2),
        ("12345/78", 5, b'/'),
        ("1234567:.1", 7, b':'),
    ] {
        let expected = DecimalSyntaxError::UnexpectedByte { position, byte };
        assert_eq!(Decimal::parse(text.as_bytes(), Limits::COST), Err(expected), "{text}");
    }
}

#[test]
fn incomplete_numbers_are_refused() {
    assert_eq!(Decimal::parse(b"", Limits::COST), Err(DecimalSyntaxError::Empty));
    for text in ["-", "+", ".", "-."] {
        assert_eq!(Decimal::parse(text.as_bytes(), Limits::COST), Err(DecimalSyntaxError::NoDigits), "{text}");
    }
    for text in ["1e", "1E+", "1.5e-"] {
        assert_eq!(Decimal::parse(text.as_bytes(), Limits::COST), Err(DecimalSyntaxError::NoExponentDigits), "{text}");
    }
}

#[test]
fn exponents_are_bounded_even_for_zero() {
    let expected = Err(DecimalSyntaxError::ExponentOutOfRange { exponent_max: 999 });
    for text in ["1E999999999", "0E999999999", "0E-999999999", "1E1000", "1e-99999999999999999999999999"] {
        assert_eq!(Decimal::parse(text.as_bytes(), Limits::COST), expected, "{text}");
    }
    assert_eq!(
        Decimal::parse(b"1E+999", Limits::COST),
        Err(DecimalSyntaxError::TooManyIntegerDigits { digits: 1000, digits_max: 24 })
    );
    assert_eq!(
        Decimal::parse(b"0E-999", Limits::COST),
        Err(DecimalSyntaxError::TooManyFractionDigits { digits: 999, digits_max: 28 })
    );
    assert_eq!(Decimal::parse(b"1E0000000000003", Limits::COST).unwrap().value, Decimal::from(1000u32));
}

#[test]
fn more_digits_than_the_limit_are_refused_with_their_number() {
    let fraction = |digits, digits_max| Err(DecimalSyntaxError::TooManyFractionDigits { digits, digits_max });
    let integer = |digits, digits_max| Err(DecimalSyntaxError::TooManyIntegerDigits { digits, digits_max });
    for (text, limits, expected) in [
        ("0.1234567890123456789", Limits::PRICE, fraction(19, 18)),
        ("0.1000000000000000000", Limits::QUANTITY, fraction(19, 18)),
        ("0.00000000000000000000000000000", Limits::COST, fraction(29, 28)),
        ("1E-29", Limits::COST, fraction(29, 28)),
        ("1000000000000000000000000", Limits::COST, integer(25, 24)),
        ("1000000000000000000000000.5", Limits::PRICE, integer(25, 24)),
        ("1E24", Limits::COST, integer(25, 24)),
        ("0001E24", Limits::COST, integer(25, 24)),
        ("1.5", Limits { fraction_digits_max: 0, integer_digits_max: 3 }, fraction(1, 0)),
        ("1000.", Limits { fraction_digits_max: 0, integer_digits_max: 3 }, integer(4, 3)),
        ("1", Limits { fraction_digits_max: 2, integer_digits_max: 0 }, integer(1, 0)),
    ] {
        assert_eq!(Decimal::parse(text.as_bytes(), limits), expected, "{text}");
    }
    let none = Limits { fraction_digits_max: 2, integer_digits_max: 0 };
    assert_eq!(Decimal::parse(b"0.25", none).unwrap().value.to_string(), "0.25");
}

#[test]
fn limits_beyond_the_type_are_capped() {
    let boundless = Limits { fraction_digits_max: 255, integer_digits_max: 255 };
    let greatest = format!("{}.{}", "9".repeat(48), "9".repeat(28));
    assert_eq!(Decimal::parse(greatest.as_bytes(), boundless).unwrap().value.to_string(), greatest);
    assert_eq!(
        Decimal::parse("9".repeat(49).as_bytes(), boundless),
        Err(DecimalSyntaxError::TooManyIntegerDigits { digits: 49, digits_max: 48 })
    );
    assert_eq!(
        Decimal::parse(format!("0.{}", "9".repeat(29)).as_bytes(), boundless),
        Err(DecimalSyntaxError::TooManyFractionDigits { digits: 29, digits_max: 28 })
    );
}

#[test]
fn length_is_bounded() {
    let longest = "0".repeat(TEXT_LENGTH_MAX);
    assert!(Decimal::parse(longest.as_bytes(), Limits::COST).unwrap().value.is_zero());
    let too_long = "0".repeat(TEXT_LENGTH_MAX + 1);
    assert_eq!(
        Decimal::parse(too_long.as_bytes(), Limits::COST),
        Err(DecimalSyntaxError::TooLong { length: 129, length_max: 128 })
    );
}

/// Any number the general path has to understand, as (text, digits of the mantissa, power of ten).
fn any_spelling() -> impl Strategy<Value = (String, String, i32)> {
    (
        prop_oneof![Just(""), Just("+"), Just("-")],
        "[0-9]{0,24}",
        prop_oneof![Just(None), "[0-9]{0,28}".prop_map(Some)],
        proptest::option::of(-30i32..=30),
        any::<(bool, bool)>(),
    )
        .prop_filter("a number has a digit", |(_, integer, fraction, _, _)| {
            !integer.is_empty() || fraction.as_ref().is_some_and(|digits| !digits.is_empty())
        })
        .prop_map(|(sign, integer, fraction, exponent, (upper_case, plus))| {
            let digits = fraction.clone().unwrap_or_default();
            let mut text = format!("{sign}{integer}");
            if fraction.is_some() {
                text.push('.');
                text.push_str(&digits);
            }
            if let Some(exponent) = exponent {
                text.push(if upper_case { 'E' } else { 'e' });
                if plus && exponent >= 0 {
                    text.push('+');
                }
                text.push_str(&exponent.to_string());
            }
            let minus = if sign == "-" { "-" } else { "" };
            let power = exponent.unwrap_or(0) - digits.len() as i32;
            (text, format!("{minus}{integer}{digits}"), power)
        })
}

/// The plain text of `digits` × 10^`power`, made by moving characters only.
fn plain_text(digits: &str, power: i32) -> String {
    let unsigned = digits.trim_start_matches('-').trim_start_matches('0');
    let mut text = unsigned.to_owned();
    if power > 0 && !unsigned.is_empty() {
        text.push_str(&"0".repeat(power as usize));
    }
    if power < 0 {
        let fraction = power.unsigned_abs() as usize;
        text = format!("{text:0>width$}", width = fraction + 1);
        text.insert(text.len() - fraction, '.');
    }
    if text.is_empty() {
        text.push('0');
    }
    if digits.starts_with('-') && !unsigned.is_empty() { format!("-{text}") } else { text }
}

proptest! {
    #[test]
    fn printed_decimals_are_read_back_exactly(value in any_decimal(159)) {
        let text = value.to_string();
        let limits = Limits { fraction_digits_max: 28, integer_digits_max: 48 };
        let parsed = Decimal::parse(text.as_bytes(), limits).unwrap();
        prop_assert!(parsed.canonical);
        prop_assert_eq!(parsed.value.mantissa(), value.mantissa());
        prop_assert_eq!(parsed.value.scale(), value.scale());
    }

    #[test]
    fn every_spelling_is_read_as_moving_its_point_says((text, digits, power) in any_spelling()) {
        let limits = Limits { fraction_digits_max: 28, integer_digits_max: 48 };
        let expected = plain_text(&digits, power);
        let unsigned = expected.trim_start_matches('-');
        let fraction_digits = unsigned.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let integer_digits = unsigned.split('.').next().unwrap_or("").trim_start_matches('0').len();
        match Decimal::parse(text.as_bytes(), limits) {
            Ok(parsed) => {
                prop_assert_eq!(parsed.value.to_string(), expected);
                prop_assert_eq!(parsed.canonical, parsed.value.to_string() == text);
            }
            Err(DecimalSyntaxError::TooManyFractionDigits { digits, digits_max: 28 }) => {
                prop_assert!(fraction_digits > 28);
                prop_assert_eq!(usize::from(digits), fraction_digits);
            }
            Err(DecimalSyntaxError::TooManyIntegerDigits { digits, digits_max: 48 }) => {
                prop_assert!(integer_digits > 48);
                prop_assert_eq!(usize::from(digits), integer_digits);
            }
            Err(other) => prop_assert!(false, "{} refused: {}", text, other),
        }
    }

    #[test]
    fn both_paths_agree(text in "-?[0-9]{1,20}(\\.[0-9]{1,20})?") {
        if let Some(value) = parse_canonical(text.as_bytes(), Limits::COST) {
            let general = parse_general(text.as_bytes(), Limits::COST).unwrap();
            prop_assert!(general.canonical);
            prop_assert_eq!(value.mantissa(), general.value.mantissa());
            prop_assert_eq!(value.scale(), general.value.scale());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_canonical_means_identical(
        text in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..140),
            proptest::collection::vec(proptest::sample::select(b"0123456789+-.eE, ".to_vec()), 0..140),
            proptest::collection::vec(proptest::sample::select(b"000019.-eE".to_vec()), 0..12),
        ]
    ) {
        if let Ok(parsed) = Decimal::parse(&text, Limits::COST) {
            prop_assert_eq!(parsed.canonical, parsed.value.to_string().as_bytes() == text.as_slice());
        }
    }

    #[test]
    fn eight_digits_agree_with_the_standard_library(block in any::<[u8; 8]>(), number in 0u32..=99_999_999) {
        let expected = block.iter().all(u8::is_ascii_digit)
            .then(|| std::str::from_utf8(&block).unwrap().parse::<u32>().unwrap());
        prop_assert_eq!(eight_digits(block), expected);
        let written: [u8; 8] = format!("{number:08}").into_bytes().try_into().unwrap();
        prop_assert_eq!(eight_digits(written), Some(number));
        for position in 0..8 {
            for byte in 0..=u8::MAX {
                let mut spoiled = written;
                spoiled[position] = byte;
                prop_assert_eq!(eight_digits(spoiled).is_some(), byte.is_ascii_digit());
            }
        }
    }
}
