//! What all native JSON documents have in common: their size, their `kind`, and where a fault stands.

use super::error::{Fault, NativeError};
use super::members::{Members, message, required};

/// Largest document, in bytes: a price sheet of a million lines is about half of it.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 512 << 20;

/// A document's text and name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl<'a> Document<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Result<Self, NativeError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            let (count, max) = (text.len() as u64, DOCUMENT_BYTES_MAX as u64);
            return Err(NativeError::TooMuch { file: file.to_owned(), what: "bytes", count, max });
        }
        Ok(Self { file, text: text.strip_prefix('\u{FEFF}').unwrap_or(text) })
    }

    /// Its members, once its kind is the right one.
    pub(crate) fn open(&self, kind: &str) -> Result<Members<'a>, NativeError> {
        let mut members: Members<'a> = serde_json::from_str(self.text).map_err(|error| NativeError::Syntax {
            file: self.file.to_owned(),
            line: Some(error.line() as u64),
            reason: format!("{}; expected a JSON object with \"kind\": \"{kind}\"", message(&error)),
        })?;
        let read = |text: &str| if text == kind { Ok(()) } else { Err(format!("expected {kind}")) };
        let stated = members.text("kind", read).and_then(|stated| required("kind", stated));
        stated.map_err(|fault| self.fault(fault))?;
        Ok(members)
    }

    /// A fault of the document itself.
    pub(crate) fn fault(&self, fault: Fault) -> NativeError {
        NativeError::Field { file: self.file.to_owned(), line: None, record: None, fault: Box::new(fault) }
    }

    /// A fault of one of its records: `json` is a piece of the document's text.
    pub(crate) fn record_fault(&self, number: u64, json: &str, fault: Fault) -> NativeError {
        let record = Some((number, record_id(json)));
        NativeError::Field { file: self.file.to_owned(), line: self.line_of(json), record, fault: Box::new(fault) }
    }

    /// The line on which a piece of the text begins.
    fn line_of(&self, piece: &str) -> Option<u64> {
        let offset = piece.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        let before = self.text.as_bytes().get(..offset)?;
        Some(memchr::memchr_iter(b'\n', before).count() as u64 + 1)
    }

    /// Refuses more records than are accepted.
    pub(crate) fn check_count(&self, what: &'static str, count: usize, max: usize) -> Result<(), NativeError> {
        if count <= max {
            return Ok(());
        }
        Err(NativeError::TooMuch { file: self.file.to_owned(), what, count: count as u64, max: max as u64 })
    }
}

/// The id that a record states, for messages.
fn record_id(json: &str) -> Option<String> {
    let mut members = Members::parse(json).ok()?;
    let id =
        ["id", "orderId", "meterId"].into_iter().find_map(|name| members.text(name, |id| Ok(id.to_owned())).ok()?);
    id.map(|id| id.chars().filter(|letter| !letter.is_control()).take(60).collect())
}
