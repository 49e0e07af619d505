//! The record of an import: what the lake's commit says about itself, from which the catalog can always be rebuilt.

use catalog::{BillingRecord, EnrollmentEntry, ImportEntry, UnitEntry};
use ledger::{Coverage, Dataset, EnrollmentId, Place, Publishers, RunTime, Scope, Unit, source_key};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ImportError;

/// Version of the record's form; read for ever.
const FORMAT: u32 = 1;

/// An import as the lake's log keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportRecord {
    pub(crate) format: u32,
    pub(crate) id: String,
    /// Who imported; unknown for imports of earlier versions of this program.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(crate) actor: String,
    pub(crate) enrollments: Vec<EnrollmentRecord>,
    pub(crate) units: Vec<UnitRecord>,
    pub(crate) sources: Vec<SourceRecord>,
    pub(crate) periods: Vec<PeriodRecord>,
    /// What was billed, if it was a billing run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) billing: Option<BillingRecord>,
}

/// An enrollment that the import brought charges of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollmentRecord {
    pub(crate) number: EnrollmentId,
    pub(crate) name: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) unknown_columns: Vec<String>,
    pub(crate) places: Vec<Place>,
}

/// What was replaced as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnitRecord {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) scope: Scope,
    #[serde(skip_serializing_if = "Publishers::is_all", default)]
    pub(crate) publishers: Publishers,
    pub(crate) dataset: Dataset,
    pub(crate) period: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) days: Option<String>,
    /// Microseconds since 1970.
    pub(crate) run_time: i64,
    pub(crate) content: String,
    pub(crate) incomplete: bool,
    pub(crate) empty: bool,
}

/// A file that was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceRecord {
    /// File name without folder: no path of the importing machine is stored.
    pub(crate) name: String,
    /// SHA-256 of its text.
    pub(crate) hash: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
}

/// Control totals of what was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PeriodRecord {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) scope: Scope,
    #[serde(skip_serializing_if = "Publishers::is_all", default)]
    pub(crate) publishers: Publishers,
    pub(crate) dataset: Dataset,
    pub(crate) period: String,
    pub(crate) rows: u64,
    /// Exact sum as decimal text.
    pub(crate) total: String,
}

impl PeriodRecord {
    /// The key under which the lake keeps the rows.
    pub(crate) fn source_key(&self) -> String {
        source_key(&self.scope, self.publishers)
    }
}

impl UnitRecord {
    /// The key under which the lake keeps the rows.
    pub(crate) fn source_key(&self) -> String {
        source_key(&self.scope, self.publishers)
    }

    pub(crate) fn of(entry: &UnitEntry) -> Self {
        let days = match entry.unit.coverage {
            Coverage::Period(_) => None,
            Coverage::Days(_, days) => Some(days.to_string()),
        };
        Self {
            enrollment: entry.unit.enrollment.clone(),
            scope: entry.unit.scope.clone(),
            publishers: entry.unit.publishers,
            dataset: entry.unit.dataset,
            period: entry.unit.coverage.period().to_string(),
            days,
            run_time: entry.run_time.0,
            content: entry.content.clone(),
            incomplete: entry.incomplete,
            empty: entry.empty,
        }
    }

    fn entry(&self) -> Option<UnitEntry> {
        let period = self.period.parse().ok()?;
        let coverage = match &self.days {
            None => Coverage::Period(period),
            Some(days) => Coverage::Days(period, days.parse().ok()?),
        };
        let unit = Unit {
            enrollment: self.enrollment.clone(),
            scope: self.scope.clone(),
            publishers: self.publishers,
            dataset: self.dataset,
            coverage,
        };
        Some(UnitEntry {
            unit,
            run_time: RunTime(self.run_time),
            content: self.content.clone(),
            incomplete: self.incomplete,
            empty: self.empty,
        })
    }
}

impl ImportRecord {
    pub(crate) fn new(id: String, actor: String) -> Self {
        Self {
            format: FORMAT,
            id,
            actor,
            enrollments: Vec::new(),
            units: Vec::new(),
            sources: Vec::new(),
            periods: Vec::new(),
            billing: None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a record is plain data")
    }

    /// Reads the record of a commit.
    pub(crate) fn read(version: u64, note: &Value) -> Result<Self, ImportError> {
        let record: Self = Self::deserialize(note)
            .map_err(|error| ImportError::ForeignRecord { version, reason: error.to_string() })?;
        if record.format != FORMAT {
            let reason = format!("its format is {}, known is {FORMAT}", record.format);
            return Err(ImportError::ForeignRecord { version, reason });
        }
        Ok(record)
    }

    /// The record as the catalog keeps it.
    pub(crate) fn entry(&self, version: u64, committed_at_ms: i64) -> Result<ImportEntry, ImportError> {
        let foreign = |reason: &str| ImportError::ForeignRecord { version, reason: reason.to_owned() };
        let units = self.units.iter().map(UnitRecord::entry).collect::<Option<Vec<_>>>();
        let mut enrollments = Vec::new();
        for record in &self.enrollments {
            let currency = record.currency.as_deref().map(str::parse).transpose();
            enrollments.push(EnrollmentEntry {
                number: record.number.clone(),
                name: record.name.clone(),
                currency: currency.map_err(|_| foreign("a currency is no ISO code"))?,
                places: record.places.clone(),
            });
        }
        Ok(ImportEntry {
            id: self.id.clone(),
            actor: self.actor.clone(),
            version,
            committed_at_ms,
            enrollments,
            units: units.ok_or_else(|| foreign("a unit's period or days are unreadable"))?,
            record: self.to_json().to_string(),
            billing: self.billing.clone(),
        })
    }
}
