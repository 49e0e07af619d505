//! What is known about a file of charges without opening it.

use std::collections::HashMap;

use calendar::{BillingPeriod, Date, DateRange};
use deltalake_core::kernel::{Add, Remove};
use ledger::{Coverage, Dataset, EnrollmentId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::LakeError;

/// Tag of a Delta `add` action that carries the facts of [`Facts`].
const FACTS_TAG: &str = "lazurite.file";
/// Partition columns, in path order.
pub(crate) const PARTITION_COLUMNS: [&str; 3] = ["enrollment", "dataset", "billing_period"];

/// An immutable Parquet file of the charges table: rows of one enrollment, dataset, billing period and source scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// Path relative to the table.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// Which billing period.
    pub period: BillingPeriod,
    /// Key of the source scope.
    pub scope_key: String,
    /// Number of rows.
    pub rows: u64,
    /// First and last day on which a row is dated; `None` when there are no rows.
    pub days: Option<DateRange>,
    /// Exact sum of the rows' cost, as decimal text.
    pub total: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Milliseconds since 1970 when the file was written.
    pub written_at_ms: i64,
    /// SHA-256 of its roll-up, in lower-case hexadecimal; `None` for files without.
    pub rollup_sha256: Option<String>,
    /// Least and greatest values of the columns by which engines skip files.
    pub(crate) statistics: Statistics,
}

/// Least and greatest text per statistics column; columns without a value are absent.
pub(crate) type Statistics = HashMap<String, (String, String)>;

/// The part of a file's facts that Delta has no member for.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    scope: String,
    rows: u64,
    first_day: Option<String>,
    last_day: Option<String>,
    total: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rollup: Option<String>,
}

impl LakeFile {
    /// Whether an import of `coverage` touches rows of this file.
    pub(crate) fn touched_by(&self, coverage: &Coverage) -> bool {
        match coverage {
            Coverage::Period(period) => self.period == *period,
            Coverage::Days(period, days) => self.period == *period && self.days.is_some_and(|own| own.overlaps(*days)),
        }
    }

    /// Whether an import of `coverage` replaces every row of this file.
    pub(crate) fn replaced_by(&self, coverage: &Coverage) -> bool {
        match coverage {
            Coverage::Period(period) => self.period == *period,
            Coverage::Days(period, _) => self
                .days
                .is_some_and(|own| coverage.covers(*period, own.start()) && coverage.covers(*period, own.end())),
        }
    }

    fn partition_values(&self) -> HashMap<String, Option<String>> {
        let values = [self.enrollment.to_string(), self.dataset.to_string(), self.period.to_string()];
        PARTITION_COLUMNS.iter().map(ToString::to_string).zip(values.map(Some)).collect()
    }

    pub(crate) fn add(&self) -> Add {
        let facts = Facts {
            scope: self.scope_key.clone(),
            rows: self.rows,
            first_day: self.days.map(|days| days.start().to_string()),
            last_day: self.days.map(|days| days.end().to_string()),
            total: self.total.clone(),
            sha256: self.sha256.clone(),
            rollup: self.rollup_sha256.clone(),
        };
        let facts = serde_json::to_string(&facts).expect("plain text members serialize");
        Add {
            path: self.path.clone(),
            partition_values: self.partition_values(),
            size: i64::try_from(self.size_bytes).expect("files are far below 2^63 bytes"),
            modification_time: self.written_at_ms,
            data_change: true,
            stats: Some(self.stats_json()),
            tags: Some(HashMap::from([(FACTS_TAG.to_owned(), Some(facts))])),
            ..Default::default()
        }
    }

    /// The statistics by which other engines skip files. Texts are exact, never cut.
    fn stats_json(&self) -> String {
        let side = |pick: fn(&(String, String)) -> &String| -> serde_json::Value {
            let mut values: serde_json::Map<_, _> =
                self.statistics.iter().map(|(column, bounds)| (column.clone(), json!(pick(bounds)))).collect();
            values.sort_keys();
            values.into()
        };
        json!({ "numRecords": self.rows, "minValues": side(|b| &b.0), "maxValues": side(|b| &b.1) }).to_string()
    }

    pub(crate) fn remove(&self, now_ms: i64) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change: true,
            deletion_timestamp: Some(now_ms),
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values()),
            size: i64::try_from(self.size_bytes).ok(),
            ..Default::default()
        }
    }

    /// Reads a file's facts from the log.
    pub(crate) fn from_add(add: &Add) -> Result<Self, LakeError> {
        let foreign = |reason: &str| LakeError::ForeignFile { path: add.path.clone(), reason: reason.to_owned() };
        let partition = |column: &str| {
            add.partition_values
                .get(column)
                .and_then(Option::as_deref)
                .ok_or_else(|| foreign("a partition value is missing"))
        };
        let tag = add.tags.as_ref().and_then(|tags| tags.get(FACTS_TAG)).and_then(Option::as_deref);
        let facts: Facts = tag
            .and_then(|tag| serde_json::from_str(tag).ok())
            .ok_or_else(|| foreign("it carries no lazurite.file tag"))?;
        let day = |text: &Option<String>| text.as_deref().and_then(|text| Date::parse_iso(text).ok());
        let days = match (day(&facts.first_day), day(&facts.last_day)) {
            (Some(first), Some(last)) => {
                Some(DateRange::inclusive(first, last).map_err(|_| foreign("its days are reversed"))?)
            }
            _ => None,
        };
        Ok(Self {
            path: add.path.clone(),
            size_bytes: u64::try_from(add.size).map_err(|_| foreign("its size is negative"))?,
            enrollment: EnrollmentId::parse(partition("enrollment")?)
                .map_err(|_| foreign("its enrollment is not a number"))?,
            dataset: partition("dataset")?.parse().map_err(|_| foreign("its dataset is unknown"))?,
            period: BillingPeriod::parse(partition("billing_period")?)
                .map_err(|_| foreign("its billing period is not YYYYMM"))?,
            scope_key: facts.scope,
            rows: facts.rows,
            days,
            total: facts.total,
            sha256: facts.sha256,
            rollup_sha256: facts.rollup,
            written_at_ms: add.modification_time,
            statistics: Statistics::new(),
        })
    }
}
