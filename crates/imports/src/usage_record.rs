//! The record of a commit of the usage table, from which the catalog can always be rebuilt.

use calendar::BillingPeriod;
use catalog::{Boundary, UsageBatch, UsageCommit};
use ledger::EnrollmentId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ImportError;

/// Version of the record's form; read for ever.
const FORMAT: u32 = 1;

/// What a commit of the usage table says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRecordNote {
    format: u32,
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Who did it.
    pub actor: String,
    /// What was done.
    #[serde(flatten)]
    pub done: UsageDone,
}

/// What a commit of the usage table does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UsageDone {
    /// A batch is taken.
    Batch(TakenBatch),
    /// Periods are closed or opened again.
    Boundary(MovedBoundary),
}

/// A batch that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenBatch {
    /// The client's id of it.
    pub id: String,
    /// SHA-256 of its text.
    pub content: String,
    /// When it was received, in microseconds since 1970.
    pub received_at: i64,
    /// How many records were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// The first of the refused records, so that the same batch gets the same answer again.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refusals: Vec<RefusedRecord>,
}

/// A record of usage that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedRecord {
    /// Number of the record in its batch, from 1.
    pub record: u64,
    /// Line on which it begins, from 1, where that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// The member or column at fault; blank: the record as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// The boundary between closed and open periods is moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedBoundary {
    /// The last closed period, `YYYYMM`; `None`: none is.
    pub through: Option<String>,
    /// Why.
    pub reason: String,
}

impl UsageRecordNote {
    /// A record.
    pub fn new(enrollment: EnrollmentId, actor: String, done: UsageDone) -> Self {
        Self { format: FORMAT, enrollment, actor, done }
    }

    /// The record as the commit carries it.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a record is plain data")
    }

    /// Reads the record of a commit.
    ///
    /// # Errors
    /// [`ImportError::ForeignUsageRecord`] for a record of another program or a later version of this one.
    pub fn read(version: u64, note: &Value) -> Result<Self, ImportError> {
        let foreign = |reason: String| ImportError::ForeignUsageRecord { version, reason };
        let record = Self::deserialize(note).map_err(|error| foreign(error.to_string()))?;
        if record.format != FORMAT {
            return Err(foreign(format!("its format is {}, known is {FORMAT}", record.format)));
        }
        Ok(record)
    }

    /// The record as the catalog keeps it.
    pub(crate) fn entry(&self, version: u64, committed_at_ms: i64) -> Result<UsageCommit, ImportError> {
        let foreign = |reason: &str| ImportError::ForeignUsageRecord { version, reason: reason.to_owned() };
        Ok(match &self.done {
            UsageDone::Batch(batch) => UsageCommit::Batch(UsageBatch {
                enrollment: self.enrollment.clone(),
                batch: batch.id.clone(),
                version,
                content: batch.content.clone(),
                received_at: batch.received_at,
                accepted: batch.accepted,
                refused: batch.refused,
                committed_at_ms,
                record: self.to_json().to_string(),
            }),
            UsageDone::Boundary(boundary) => {
                let through = boundary.through.as_deref().map(BillingPeriod::parse).transpose();
                UsageCommit::Boundary(Boundary {
                    version,
                    enrollment: self.enrollment.clone(),
                    through: through.map_err(|_| foreign("a period is not YYYYMM"))?,
                    actor: self.actor.clone(),
                    reason: boundary.reason.clone(),
                    at_ms: committed_at_ms,
                })
            }
        })
    }
}
