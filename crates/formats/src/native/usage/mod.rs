//! Metered usage: its records, the batches that store them, and the way back into a usage book.

mod adder;
mod builder;
mod csv;
mod fact;
mod lines;
mod ndjson;
mod parquet;
mod reader;
mod schema;
mod values_of;

use calendar::Date;
use ledger::billing::Instant;
use money::Decimal;

pub use adder::{UsageAdder, UsageStoreError};
pub use builder::UsageBatchBuilder;
pub(crate) use csv::{checked_text, stated};
pub use fact::UsageFact;
#[cfg(test)]
pub(crate) use lines::LINES_MAX;
pub use lines::{LineNumber, UsageLines};
pub(crate) use reader::usage_columns;
pub use reader::{UsageBatch, UsageReader};
pub use schema::{usage_batch_schema, usage_schema};

/// A usage record, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// Number of the record in its file or batch, from 1; refused records count.
    pub number: u64,
    /// What it is added up by: a number that [`UsageLines`] knows. Records that say the same mostly share it.
    pub line: LineNumber,
    /// The UTC day of the usage.
    pub day: Date,
    /// The UTC hour of hourly usage, 0 to 23; `None`: the usage of the whole day.
    pub hour: Option<u8>,
    /// How much, in units of the line's unit of measure; negative only as a correction.
    pub quantity: Decimal,
    /// When it reached the metering system, where the file says so; else its reader's instant counts.
    pub received_at: Option<Instant>,
}

/// Where usage comes from, which decides whether it may say when it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageOrigin {
    /// A file of the operator: `receivedAt` is accepted.
    File,
    /// A request over HTTP: the service's clock says when, `receivedAt` is refused.
    Request,
}
