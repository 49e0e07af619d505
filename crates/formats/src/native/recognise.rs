//! Telling what a file of native input holds, by its name and its first bytes.

use std::borrow::Cow;

use super::error::NativeError;
use super::prices;
use super::table::header_fault;
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
/// [`NativeError::Field`] for a CSV header that is nearly that of usage or of a price sheet, with the first column that is
/// missing or unknown; [`NativeError::Unknown`] for all else.
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
    let header = Header::of(text.lines().next().unwrap_or_default());
    if header.has("unitPrice") && header.has("meterId") && header.unknown(prices::is_column).is_none() {
        return Ok(NativeKind::PriceSheet);
    }
    if header.has("quantity") && header.has("meterId") && header.unknown(is_usage_column).is_none() {
        return Ok(NativeKind::Usage(UsageForm::Csv));
    }
    Err(header.fault(file).unwrap_or_else(unknown))
}

fn is_usage_column(name: &str) -> bool {
    usage_columns().any(|known| known == name)
}

/// Columns that usage must have, and that price sheets must have; of several names one is enough.
const USAGE_NEEDS: [&[&str]; 4] = [&["subscriptionId"], &["meterId"], &["date", "time"], &["quantity"]];
const PRICES_NEED: [&[&str]; 3] = [&["meterId"], &["unitOfMeasure"], &["unitPrice"]];

/// The header of a CSV.
struct Header<'t> {
    /// Names as spelled, and as compared.
    columns: Vec<(&'t str, String)>,
}

impl<'t> Header<'t> {
    fn of(line: &'t str) -> Self {
        let spelled = line.split(',').map(|name| name.trim().trim_matches('"'));
        Self { columns: spelled.map(|name| (name, normalised(name))).collect() }
    }

    fn has(&self, name: &str) -> bool {
        let wanted = normalised(name);
        self.columns.iter().any(|(_, column)| *column == wanted)
    }

    /// The first column that is none of a kind's, as spelled.
    fn unknown(&self, is_known: impl Fn(&str) -> bool) -> Option<&'t str> {
        self.columns.iter().find(|(_, column)| !is_known(column)).map(|(name, _)| *name)
    }

    /// What is wrong with a header that is nearly that of usage or of a price sheet: two of its columns are, and at least
    /// half of them. `None`: it is something else.
    fn fault(&self, file: &str) -> Option<NativeError> {
        let count = |is_known: &dyn Fn(&str) -> bool| self.columns.iter().filter(|(_, name)| is_known(name)).count();
        let (of_usage, of_prices) = (count(&is_usage_column), count(&prices::is_column));
        let is_prices = self.has("unitPrice") || (of_prices > of_usage && !self.has("quantity"));
        let (known, needed, unknown, what) = match is_prices {
            true => (of_prices, PRICES_NEED.as_slice(), self.unknown(prices::is_column), "a price sheet"),
            false => (of_usage, USAGE_NEEDS.as_slice(), self.unknown(is_usage_column), "usage"),
        };
        if known < 2 || known * 2 < self.columns.len() {
            return None;
        }
        if let Some(missing) = needed.iter().find(|names| !names.iter().any(|name| self.has(name))) {
            let expected = format!("the column is missing; expected it in the header of {what}");
            return Some(header_fault(file, &missing.join(" or "), &expected));
        }
        let expected = format!("unknown column; expected only those that docs/NATIVE.md lists for {what}");
        unknown.map(|name| header_fault(file, if name.is_empty() { "without name" } else { name }, &expected))
    }
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
        let cost_export =
            b"BillingAccountId,Date,MeterId,UnitOfMeasure,Quantity,UnitPrice,Cost,Tags,Term,Location,ChargeType\n";
        for head in [&b""[..], b"{", b"{\"kind\":\"other\"}", b"a,b\n", cost_export, b"[1]", b"\xff\xfe"] {
            assert!(matches!(recognise("x", head), Err(NativeError::Unknown { .. })), "{head:?}");
        }
    }

    #[test]
    fn a_header_that_is_nearly_right_is_told_what_is_wrong() {
        for (header, expected) in [
            (
                "meterId,date,quantity,cost",
                "column subscriptionId: the column is missing; expected it in the header of usage",
            ),
            ("subscriptionId,meterId,quantity,colour", "column date or time: the column is missing"),
            (
                "subscriptionId,meterId,day,quantity,date",
                "column day: unknown column; expected only those that docs/NATIVE.md lists for usage",
            ),
            ("subscriptionId,meter,date,amount", "column meterId: the column is missing"),
            (
                "\u{feff}meterId,\"unit\",unitPrice,currency",
                "column unitOfMeasure: the column is missing; expected it in the header of a price sheet",
            ),
            ("meterId,unitOfMeasure,unitPrice,", "column without name: unknown column"),
            ("meterId,unitOfMeasure,price,meterName", "column unitPrice: the column is missing"),
        ] {
            let message = recognise("x.csv", header.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("x.csv, line 1: ") && message.contains(expected), "{header}: {message}");
        }
    }
}
