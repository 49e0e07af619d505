//! Rows as they are stored: pages of JSON lists, compressed.

use std::io::Read;

use serde_json::value::RawValue;

use crate::pages::json::{self, Member};

const ZSTD_LEVEL: i32 = 3;
/// Longest text of a page: a thousand rows of a few hundred bytes are far below.
const PAGE_BYTES_MAX: u64 = 256 << 20;

/// Compresses a page of rows, each of them a JSON object.
pub fn pack_rows(rows: &[String]) -> std::io::Result<Vec<u8>> {
    let text = format!("[{}]", rows.join(","));
    zstd::encode_all(text.as_bytes(), ZSTD_LEVEL)
}

/// The rows of a page.
///
/// # Errors
/// What is wrong with the page, as a text.
pub fn unpack_rows(page: &[u8]) -> Result<Vec<StoredRow>, String> {
    let mut text = String::new();
    let decoder = zstd::Decoder::new(page).map_err(|error| error.to_string())?;
    decoder.take(PAGE_BYTES_MAX).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let rows: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    rows.into_iter().map(StoredRow::read).collect()
}

/// A stored row, read one level deep: values keep their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    members: Vec<(String, String)>,
}

impl StoredRow {
    /// A row of these names and JSON values.
    pub fn of(members: Vec<(String, String)>) -> Self {
        Self { members }
    }

    fn read(row: &RawValue) -> Result<Self, String> {
        let members: Vec<Member<'_>> = json::members(row)?;
        let own = |member: Member<'_>| (member.name.into_owned(), member.value.get().to_owned());
        Ok(Self { members: members.into_iter().map(own).collect() })
    }

    /// All members: names and JSON values, in the order of the source.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The JSON value of a member, if the row has it.
    pub fn json(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A member as text; blank where it is not known.
    pub fn text(&self, name: &str) -> String {
        match self.json(name) {
            None | Some("null") => String::new(),
            Some(json) if json.starts_with('"') => serde_json::from_str(json).unwrap_or_default(),
            Some(json) => json.to_owned(),
        }
    }
}
