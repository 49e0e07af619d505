//! Telling what a file of native input holds, by its name and its first bytes.

use std::borrow::Cow;

use super::error::NativeError;
use super::prices;
use super::usage::usage_columns;
use crate::header::normalised;

/// How many first bytes are enough.
pub const HEAD_BYTES: usize = 4096;

/// How usage is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageForm {
    /// One JSON object per line.
    Ndjson,
    /// Comma-separated, with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// What a file of native input holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeKind {
    /// An enrollment document.
    Enrollment,
    /// An orders document.
    Orders,
    /// A price sheet, as JSON or CSV.
    PriceSheet,
    /// Metered usage.
    Usage(UsageForm),
}

/// Recognises a file of native input. `head` is the beginning of its text, decompressed, at best [`HEAD_BYTES`] of it.
///
/// Parquet is told by its magic bytes; a JSON document by its `kind`, which must stand among the first bytes; NDJSON by
/// a first line that is an object without `kind`; CSV by its header: usage has a column `quantity`, price sheets have
/// `unitPrice`.
///
/// # Errors
/// [`NativeError::Unknown`].
pub fn recognise(file: &str, head: &[u8]) -> Result<NativeKind, NativeError> {
    if head.starts_with(b"PAR1") {
        return Ok(NativeKind::Usage(UsageForm::Parquet));
    }
    let unknown = || NativeError::Unknown { file: file.to_owned() };
    let text = as_text(head);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).trim_start();
    if text.starts_with('{') {
        return json(file, text).ok_or_else(unknown);
    }
    // A month without usage is a file without records; only its name tells.
    if text.is_empty() && is_ndjson(file) {
        return Ok(NativeKind::Usage(UsageForm::Ndjson));
    }
    let header = text.lines().next().unwrap_or_default();
    let columns: Vec<String> = header.split(',').map(|name| normalised(name.trim().trim_matches('"'))).collect();
    let has = |name: &str| columns.iter().any(|column| column == name);
    if has("unitprice") && has("meterid") && prices::is_header(&columns) {
        return Ok(NativeKind::PriceSheet);
    }
    if has("quantity") && has("meterid") && columns.iter().all(|column| usage_columns().any(|known| known == *column)) {
        return Ok(NativeKind::Usage(UsageForm::Csv));
    }
    Err(unknown())
}

fn json(file: &str, text: &str) -> Option<NativeKind> {
    match kind(text) {
        Some("enrollment") => Some(NativeKind::Enrollment),
        Some("orders") => Some(NativeKind::Orders),
        Some("priceSheet") => Some(NativeKind::PriceSheet),
        Some(_) => None,
        None => {
            let first_line = text.lines().next().unwrap_or_default().trim_end();
            let is_usage = first_line.contains("\"meterId\"") && first_line.contains("\"quantity\"");
            (is_ndjson(file) || is_usage).then_some(NativeKind::Usage(UsageForm::Ndjson))
        }
    }
}

/// Whether a file is named as one of JSON lines.
fn is_ndjson(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
    stem.ends_with(".ndjson") || stem.ends_with(".jsonl")
}

/// The value of the member `kind` of the outermost object, if it stands in this beginning of a document.
fn kind(text: &str) -> Option<&str> {
    let mut depth = 0_u32;
    let mut rest = text;
    while let Some(position) = rest.find(['{', '[', '}', ']', '"']) {
        let letter = rest.as_bytes()[position];
        rest = &rest[position + 1..];
        match letter {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {
                let (word, after) = quoted(rest)?;
                rest = after;
                let value = after.trim_start().strip_prefix(':').map(str::trim_start);
                if let (1, "kind", Some(value)) = (depth, word, value) {
                    return quoted(value.strip_prefix('"')?).map(|(kind, _)| kind);
                }
            }
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// The text up to the quote that ends it, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (position, letter) in text.char_indices() {
        match letter {
            '"' if !escaped => return Some((&text[..position], &text[position + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// The text of a head that may end inside of a letter.
fn as_text(head: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(head) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(head),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_what_they_hold() {
        let table: [(&str, &[u8], NativeKind); 9] = [
            ("x", b"PAR1\x15\x04", NativeKind::Usage(UsageForm::Parquet)),
            ("x", b"\xEF\xBB\xBF {\n \"kind\" : \"enrollment\"", NativeKind::Enrollment),
            ("x", b"{\"a\":{\"kind\":\"no\"},\"b\":\"\\\"\",\"kind\":\"orders\",", NativeKind::Orders),
            ("x.json", b"{\"kind\":\"priceSheet\"}", NativeKind::PriceSheet),
            ("u.ndjson", b"{\"quantity\":1", NativeKind::Usage(UsageForm::Ndjson)),
            ("u", b"{\"meterId\":\"m\",\"quantity\":1}\n{", NativeKind::Usage(UsageForm::Ndjson)),
            ("u", b"subscriptionId,Meter ID,date,quantity\n", NativeKind::Usage(UsageForm::Csv)),
            ("p", b"MeterID,UnitOfMeasure,UnitPrice\r\n", NativeKind::PriceSheet),
            ("p", b"\"Enrollment Number\",\"Meter ID\",\"Unit of Measure\",\"Unit Price\"\n", NativeKind::PriceSheet),
        ];
        for (name, head, kind) in table {
            assert_eq!(recognise(name, head).unwrap(), kind, "{}", String::from_utf8_lossy(head));
        }
        for head in [&b""[..], b"{", b"{\"kind\":\"other\"}", b"a,b\n", b"meterId,quantity,cost\n", b"[1]", b"\xff\xfe"]
        {
            assert!(matches!(recognise("x", head), Err(NativeError::Unknown { .. })), "{head:?}");
        }
    }
}
