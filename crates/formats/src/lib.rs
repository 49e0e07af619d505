//! Text and files ⇄ charges: recognising EA cost exports and recorded pages of usage details, reading them strictly, and
//! writing them as CSV and JSON.
//!
//! Input is hostile: everything that is read has a limit, and every refusal says file, line, column, value and what
//! was expected. Nothing is guessed and nothing is rounded.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
mod balance;
mod batch;
mod cells;
mod coded;
mod column;
mod columnar;
mod encode;
mod error;
mod evidence;
pub mod extras;
mod focus;
mod header;
mod json;
mod layout;
mod manifest;
pub mod native;
mod pages;
mod reader;
mod records;
mod reporting;
mod row;
mod schema;
mod sheets;
mod sketch;
mod source;
mod summary;
mod tags;
mod target;
mod usage_report;

pub use balance::{BALANCES_BYTES_MAX, Balance, BalanceHint, StatedBalance, read_balances};
#[cfg(fuzzing)]
pub use coded::check as check_both_ways;
pub use coded::{
    BLOCK_BYTES, Block, BlockReader, BlockRows, CellColumn, CellSpan, CellTable, CellValues, CodedRows, Numbers,
    OpenedSource, RecordRows, RecordsDone, RowPlan, SourceBlocks, SourceDigest, SourceForm, SourceRows, StoredDecimal,
};
pub use column::EncodeError;
pub use encode::{CsvEncoder, CsvRows, row_ends};
pub use error::{Excerpt, InputError, PageItem, PageList, RowFault, RowForm, RowPlace};
pub use evidence::DatasetEvidence;
pub use header::{FillIns, Header};
pub use json::{Expanded, JsonEncoder, RowContext};
pub use layout::{Layout, UnknownLayout};
pub use manifest::{ExportFolder, ManifestError, RunManifest};
pub use pages::{NextLink, Page};
pub use reader::{ChargeReader, OtherProviders, ReadOptions, RejectSink, Rejected};
pub use records::{CELL_BYTES_MAX, RECORD_BYTES_MAX, Record, RecordReader};
pub use reporting::ReportingVersion;
pub use schema::{
    BILLING_PERIOD_COLUMN, EXTRA_COLUMN, SOURCE_HASH_COLUMN, SOURCE_INDEX_COLUMN, SOURCE_ROW_COLUMN,
    SOURCE_SCOPE_COLUMN, charge_fields, charge_schema, scale_column, staging_schema, text_column,
};
pub use sheets::{
    NextSheetPage, SheetFacts, SheetHint, SheetMember, SheetRow, StoredRow, pack_rows, read_sheet, sheet_columns,
    unpack_rows,
};
pub use sketch::RowSketch;
pub use source::{Compression, SourceCopy, SourceReader};
pub use summary::{PeriodSummary, ReadSummary};
pub use tags::{has_tag, tag_pairs, tags_compact, tags_json};
