//! What an import is asked to do.

use std::path::PathBuf;

use calendar::DateRange;
use formats::{FillIns, OtherProviders};
use ledger::RunTime;

/// An import as asked for.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// What the files may lack.
    pub fill: FillIns,
    /// The days that the import replaces, when they are not whole billing periods.
    pub days: Option<DateRange>,
    /// When the source was made.
    pub taken_at: Option<RunTime>,
    /// Where rows go that cannot be understood; without it they fail the import.
    pub rejects: Option<PathBuf>,
    /// Read and judge, but change nothing.
    pub dry_run: bool,
    /// The files are parts of one export even if they share rows.
    pub parts: bool,
    /// What is done about charges of other providers in FOCUS files.
    pub other_providers: OtherProviders,
    /// Replace a newer run too.
    pub force: bool,
    /// Who imports, for the audit log.
    pub actor: String,
}

/// Hears how far an import is.
pub trait Progress: Sync {
    /// A new source of so many bytes begins.
    fn begin(&self, file: &str, bytes: u64);
    /// So many bytes of the source have been read.
    fn read(&self, bytes: u64);
    /// All sources are read; so many rows are being written.
    fn writing(&self, rows: u64);
    /// So many more rows are written.
    fn wrote(&self, rows: u64);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: &str, _: u64) {}
    fn read(&self, _: u64) {}
    fn writing(&self, _: u64) {}
    fn wrote(&self, _: u64) {}
}
