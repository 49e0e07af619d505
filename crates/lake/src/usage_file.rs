//! What is known about a file of usage without opening it.

use std::collections::HashMap;

use calendar::{BillingPeriod, Date, DateRange};
use deltalake_core::kernel::Add;
use ledger::EnrollmentId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::LakeError;

/// Tag of a Delta `add` action that carries the facts of [`Facts`].
const FACTS_TAG: &str = "lazurite.usage";
/// Partition columns, in path order.
pub(crate) const PARTITION_COLUMNS: [&str; 2] = ["enrollment", "period"];

/// An immutable Parquet file of the usage table: records of one enrollment and batch that are posted in one billing period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageFile {
    /// Path relative to the table.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Whose usage.
    pub enrollment: EnrollmentId,
    /// The billing period that the records are posted in.
    pub period: BillingPeriod,
    /// Number of records.
    pub rows: u64,
    /// First and last day of the rows that the records become part of, both included.
    pub days: DateRange,
    /// When the first and the last record were received, in microseconds since 1970.
    pub received: (i64, i64),
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Milliseconds since 1970 when the file was written.
    pub written_at_ms: i64,
}

/// The part of a file's facts that Delta has no member for.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    rows: u64,
    first_day: String,
    last_day: String,
    first_received: i64,
    last_received: i64,
    sha256: String,
}

impl UsageFile {
    pub(crate) fn add(&self) -> Add {
        let facts = Facts {
            rows: self.rows,
            first_day: self.days.start().to_string(),
            last_day: self.days.end().to_string(),
            first_received: self.received.0,
            last_received: self.received.1,
            sha256: self.sha256.clone(),
        };
        let facts = serde_json::to_string(&facts).expect("plain members serialize");
        let partition = [self.enrollment.to_string(), self.period.to_string()];
        Add {
            path: self.path.clone(),
            partition_values: PARTITION_COLUMNS.iter().map(ToString::to_string).zip(partition.map(Some)).collect(),
            size: i64::try_from(self.size_bytes).expect("files are far below 2^63 bytes"),
            modification_time: self.written_at_ms,
            data_change: true,
            stats: Some(json!({ "numRecords": self.rows }).to_string()),
            tags: Some(HashMap::from([(FACTS_TAG.to_owned(), Some(facts))])),
            ..Default::default()
        }
    }

    /// Reads a file's facts from the log.
    pub(crate) fn from_add(add: &Add) -> Result<Self, LakeError> {
        let foreign = |reason: &str| LakeError::ForeignUsage { path: add.path.clone(), reason: reason.to_owned() };
        let partition = |column: &str| {
            let value = add.partition_values.get(column).and_then(Option::as_deref);
            value.ok_or_else(|| foreign("a partition value is missing"))
        };
        let tag = add.tags.as_ref().and_then(|tags| tags.get(FACTS_TAG)).and_then(Option::as_deref);
        let facts: Facts = tag
            .and_then(|tag| serde_json::from_str(tag).ok())
            .ok_or_else(|| foreign("it carries no lazurite.usage tag"))?;
        let day = |text: &str| Date::parse_iso(text).map_err(|_| foreign("a day is not YYYY-MM-DD"));
        let days = DateRange::inclusive(day(&facts.first_day)?, day(&facts.last_day)?);
        Ok(Self {
            path: add.path.clone(),
            size_bytes: u64::try_from(add.size).map_err(|_| foreign("its size is negative"))?,
            enrollment: EnrollmentId::parse(partition("enrollment")?)
                .map_err(|_| foreign("its enrollment is not a number"))?,
            period: BillingPeriod::parse(partition("period")?).map_err(|_| foreign("its period is not YYYYMM"))?,
            rows: facts.rows,
            days: days.map_err(|_| foreign("its days are reversed"))?,
            received: (facts.first_received, facts.last_received),
            sha256: facts.sha256,
            written_at_ms: add.modification_time,
        })
    }
}
