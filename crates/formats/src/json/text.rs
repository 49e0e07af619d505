//! JSON text.

use money::{Decimal, Limits};

use crate::column::DecimalCell;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a text as a JSON string; nothing for a blank one, so that the writer can decide what blank means.
pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_string(text, out);
    }
}

/// Appends a text as a JSON string.
pub(super) fn push_string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    push_escaped(text, out);
    out.push(b'"');
}

/// Appends what stands between the quotes of a JSON string: stretches without a special character as a whole.
pub(super) fn push_escaped(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let [first, after @ ..] = special {
            push_special(*first, out);
            rest = after;
        }
    }
    out.extend_from_slice(rest);
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn push_special(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        control => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]]);
        }
    }
}

/// Appends a decimal as a JSON number with the digits that came in; a spelling that JSON does not know (`+7`, `.5`) as
/// the same value in plain digits.
pub(super) fn push_decimal(cell: &DecimalCell<'_>, out: &mut Vec<u8>) {
    match cell {
        DecimalCell::Scaled(value, scale) => money::write_scaled(*value, *scale, out),
        DecimalCell::Spelled(text) if is_json_number(text) => out.extend_from_slice(text.as_bytes()),
        DecimalCell::Spelled(text) => push_plain(text, out),
    }
}

/// Appends a number that a source spelled, in plain digits; `null` for a text that is no number.
pub(crate) fn push_plain(text: &str, out: &mut Vec<u8>) {
    match Decimal::parse(text.as_bytes(), Limits::COST) {
        Ok(parsed) => parsed.value.write_to(out),
        Err(_) => out.extend_from_slice(b"null"),
    }
}

/// Whether a text is a number by the grammar of JSON (RFC 8259, section 6).
pub(crate) fn is_json_number(text: &str) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.as_bytes();
    rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"-").or(exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let count = digits(exponent);
        if count == 0 {
            return false;
        }
        rest = &exponent[count..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_json_wants_it() {
        let mut out = Vec::new();
        push_string("a\"b\\c\n\r\t\u{1}\u{1f}é\u{7f}".as_bytes(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u001fé\u{7f}\"");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "a\"b\\c\n\r\t\u{1}\u{1f}é\u{7f}");
    }

    #[test]
    fn numbers_keep_their_spelling_where_json_knows_it() {
        let written = |cell| {
            let mut out = Vec::new();
            push_decimal(&cell, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(DecimalCell::Scaled(-2400, 2)), "-24.00");
        for (spelled, json) in [
            ("7.9493720367E-05", "7.9493720367E-05"),
            ("0", "0"),
            ("-0.50", "-0.50"),
            ("+7", "7"),
            (".5", "0.5"),
            ("007", "7"),
            ("1e+2", "1e+2"),
        ] {
            assert_eq!(written(DecimalCell::Spelled(spelled)), json, "{spelled}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_counts_as_a_number_is_what_a_json_reader_takes(text in "[-+0-9.eE]{0,8}") {
            let read = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            proptest::prop_assert_eq!(is_json_number(&text), read);
        }
    }
}
