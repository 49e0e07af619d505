//! One file of sheets, read: its rows by what they replace, packed into pages.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use calendar::DateRange;
use formats::{FillIns, InputError, SheetFacts, SheetRow, SourceReader, pack_rows, read_sheet};
use ledger::SheetUnit;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::options::{ImportOptions, Progress};
use crate::sources::CompressedCopy;

/// Rows of a page.
const PAGE_ROWS: usize = 1000;
/// So much of the hash of a key tells it from others.
const DIGEST_BYTES: usize = 16;

/// A file that was read.
pub(super) struct SheetFile {
    pub(super) file: String,
    /// SHA-256 of its text.
    pub(super) hash: String,
    pub(super) facts: SheetFacts,
    /// Nothing for a page without rows.
    pub(super) parts: BTreeMap<SheetUnit, Part>,
}

/// What a file says of one unit.
#[derive(Default)]
pub(super) struct Part {
    pub(super) pages: Vec<Vec<u8>>,
    /// Of each row's key.
    pub(super) keys: Vec<[u8; DIGEST_BYTES]>,
    /// Of all rows in their order.
    content: Sha256,
    open: Vec<String>,
    failure: Option<std::io::Error>,
}

impl Part {
    fn push(&mut self, row: SheetRow) {
        self.keys.extend(Sha256::digest(row.key.as_bytes()).first_chunk());
        self.content.update(row.json.as_bytes());
        self.content.update(b"\n");
        self.open.push(row.json);
        if self.open.len() == PAGE_ROWS {
            self.close_page();
        }
    }

    fn close_page(&mut self) {
        match pack_rows(&self.open) {
            Ok(page) => self.pages.push(page),
            Err(error) => self.failure = Some(error),
        }
        self.open.clear();
    }

    pub(super) fn rows(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Identifies the rows in their order.
    pub(super) fn content(&self) -> String {
        hex::encode(self.content.clone().finalize())
    }
}

/// The options, completed by what the folder of an export says.
pub(super) fn fill_of(options: &ImportOptions, days: Option<DateRange>) -> FillIns {
    let of_folder = days.and_then(DateRange::exactly_one_period);
    FillIns { period: options.fill.period.or(of_folder), ..options.fill.clone() }
}

/// Reads a file; a compressed copy of its text goes to `copy`.
pub(super) fn read_file(
    path: &Path,
    fill: &FillIns,
    copy: &Path,
    progress: &dyn Progress,
) -> Result<SheetFile, ImportError> {
    let shown = path.display().to_string();
    let io = |source| InputError::Io { file: shown.clone(), source };
    let keeping = || ImportError::io("keep a copy of a source");
    let input = File::open(path).map_err(io)?;
    let bytes = input.metadata().map_err(io)?.len();
    progress.begin(&shown, bytes);
    let kept = CompressedCopy::create(copy).map_err(keeping())?;
    let mut source = SourceReader::open_file(&shown, input)?.with_copy(Box::new(kept)).map_err(keeping())?;
    let mut parts: BTreeMap<SheetUnit, Part> = BTreeMap::new();
    let mut take = |row: SheetRow| parts.entry(row.unit.clone()).or_default().push(row);
    let facts = read_sheet(&shown, &mut source, fill, &mut take)?;
    for part in parts.values_mut() {
        if !part.open.is_empty() {
            part.close_page();
        }
        if let Some(error) = part.failure.take() {
            return Err(ImportError::io("pack rows")(error));
        }
    }
    progress.read(bytes);
    Ok(SheetFile { file: shown, hash: source.hash_hex(), facts, parts })
}
