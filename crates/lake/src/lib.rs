//! The data plane: charges in a Delta Lake table that any engine can open without us.
//!
//! Promises: a commit is atomic over many partitions and durable when it returns; every earlier version stays
//! readable until its owner ends history; rows come back in a fixed order, digit for digit; memory does not grow with
//! what is written or read.
//! It knows no rules about what may replace what: that is the ledger's and the importer's.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod changes;
mod check;
mod classes;
mod coded;
mod commit;
mod compact;
mod crash;
mod durable;
mod error;
mod file;
mod groups;
mod history;
pub mod leftover;
mod lock;
mod log;
mod order;
mod page;
mod plain;
mod prune;
mod reader;
mod reservations;
mod restated;
mod rollup;
mod root;
mod rows;
mod scan;
mod search;
mod select;
mod stretch;
mod table;
mod tags;
mod told;
mod total;
mod totals;
mod usage;
mod usage_file;
mod usage_write;
mod write;

pub use changes::{ChangeView, SumChange, changes};
pub use check::{FileFault, check_file};
pub use coded::RowStage;
pub use commit::{Change, Replacement};
pub use crash::{CRASH_POINTS, crash_point};
pub use error::LakeError;
pub use file::LakeFile;
pub use groups::{GROUPS_MAX, GroupKey, GroupSums};
pub use ledger::CostSum;
pub use lock::{FolderLock, LockName};
pub use log::{CommitNote, HistoryEnd};
pub use page::{Page, PageRows, Position};
pub use reservations::{ReservationPurchase, USES_MAX};
pub use restated::{Restatement, RestatementView, SeriesPeriod, TwoStates};
pub use rollup::ROLLUPS;
pub use root::{LakeRoot, make_private};
pub use scan::{Scan, have_marketplace_rows};
pub use select::rows_of_selection;
pub use stretch::{Asked, Stretch, StretchRows};
pub use table::{Lake, Snapshot};
pub use tags::{TAGS_BYTES_MAX, TagValues};
pub use total::total_cost;
pub use totals::{Dimension, TotalsQuestion, UnknownDimension};
pub use usage::{UsageAppend, UsageSnapshot, UsageTable};
pub use usage_file::UsageFile;
pub use usage_write::{UsageTarget, UsageWriter};
pub use write::{FileTarget, write_ordered};
