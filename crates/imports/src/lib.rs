//! Importing rated exports, balance summaries, price sheets and what is said of reservations: from paths to one atomic
//! revision of the lake or one transaction of the catalog, or to one clear refusal.
//!
//! Promises: everything of an import is visible at once or nothing is; a refused import changes nothing; the same
//! bytes again make no revision; the source is kept; a crash at any moment leaves the state before or after.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod balances;
mod billed;
mod compact;
mod crew;
mod error;
mod group;
mod identities;
mod import;
mod judge;
mod options;
mod orphans;
mod plan;
mod prune;
mod read;
mod record;
mod rejects;
mod sheets;
mod sources;
mod store;
mod uploads;
mod usage_record;
mod verify;
mod walks;

pub use balances::ImportedBalance;
pub use billed::{BilledDataset, BilledEnrollment, BillingRun, keep_native_source, read_native_source};
pub use compact::Compacted;
pub use error::ImportError;
pub use identities::{ExplainQuestion, Explanation, NativeFacts, PeriodFinding, check_identities, explain};
pub use import::{ImportOutcome, ImportedPeriod, import};
pub use options::{ImportOptions, NoProgress, Progress};
pub use prune::Prunable;
pub use sheets::ImportedSheets;
pub use store::Store;
pub use uploads::upload_folder;
pub use usage_record::{MovedBoundary, RefusedRecord, TakenBatch, UsageDone, UsageRecordNote};
pub use verify::{Checked, VerifyReport, verify, verify_with};
