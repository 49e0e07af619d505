//! Billing periods of native enrollments as runs billed them.
//!
//! They are written in the transaction that takes the run's commit over, and nowhere else: what is here can be rebuilt from
//! the log of the lake.

use calendar::{BillingPeriod, Date};
use ledger::billing::PeriodBook;
use ledger::{Amount, BalanceSummary, EnrollmentId};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::native::know_native;
use crate::{Catalog, CatalogError};

/// A billing run, as the record of its commit tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillingRecord {
    /// Whose periods.
    pub enrollment: EnrollmentId,
    /// What was known until when: microseconds since 1970.
    pub as_of: i64,
    /// The newest version of the usage table that was read; `None`: there was no usage.
    pub usage_version: Option<u64>,
    /// What was billed, in order.
    pub periods: Vec<BilledPeriod>,
}

/// A billed period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BilledPeriod {
    /// `YYYYMM`.
    pub period: String,
    /// Whether the period was closed at the instant of asking (D-34).
    pub is_final: bool,
    /// Identifies everything that it was billed from.
    pub content: String,
    /// What the next period begins from.
    pub book: PeriodBook,
    /// Its balance summary.
    pub balance: BalanceSummary,
    /// Usage that was held back (D-07).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub held_back: Vec<HeldBackUsage>,
    /// Who opened it again; `None`: it was not final before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reopened: Option<Reopening>,
}

/// Usage that is held back, added up by reason, meter and subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBackUsage {
    /// Why: `noPrice`, `ambiguousPrice`, `unit` or `noOwner`.
    pub reason: String,
    /// The meter.
    pub meter_id: String,
    /// The subscription.
    pub subscription_id: String,
    /// First day.
    pub first_day: Date,
    /// Last day.
    pub last_day: Date,
    /// How many daily rows it would have made.
    pub rows: u64,
    /// Sum of the quantities, in the unit of the usage.
    pub quantity: Amount,
}

/// An operator's decision to bill a closed period again (D-32).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reopening {
    /// Who.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Why, as the operator said it.
    pub reason: String,
}

/// A billed period that is held, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledRevision {
    /// The period.
    pub period: BillingPeriod,
    /// The version of the lake that holds its charges.
    pub version: u64,
    /// What was known until when: microseconds since 1970.
    pub as_of: i64,
    /// Whether it was closed then.
    pub is_final: bool,
    /// Identifies everything that it was billed from.
    pub content: String,
    /// What the next period begins from.
    pub book: PeriodBook,
    /// Usage that was held back.
    pub held_back: Vec<HeldBackUsage>,
    /// Who opened it again before.
    pub reopened: Option<Reopening>,
    /// When the run was committed, in milliseconds since 1970.
    pub billed_at_ms: i64,
}

impl Catalog {
    /// The billed periods of an enrollment with all revisions: by period, oldest revision first.
    pub async fn billed_history(&self, enrollment: &EnrollmentId) -> Result<Vec<BilledRevision>, CatalogError> {
        let rows = sqlx::query(
            "SELECT period, version, as_of, is_final, content, book, held_back, reopened, billed_at FROM billed_periods \
             WHERE enrollment = ? ORDER BY period, version",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list the billed periods"))?;
        rows.iter().map(revision).collect()
    }

    /// The billed periods of an enrollment as they are held: the newest revision of each, by period.
    pub async fn billed_periods(&self, enrollment: &EnrollmentId) -> Result<Vec<BilledRevision>, CatalogError> {
        let mut held: Vec<BilledRevision> = Vec::new();
        for revision in self.billed_history(enrollment).await? {
            match held.last_mut() {
                Some(last) if last.period == revision.period => *last = revision,
                _ => held.push(revision),
            }
        }
        Ok(held)
    }
}

/// Writes what a run billed: periods with their books, and the balance summaries, which are served like imported ones.
pub(crate) async fn learn_billing(
    connection: &mut SqliteConnection,
    billing: &BillingRecord,
    version: i64,
    committed_at_ms: i64,
) -> Result<(), CatalogError> {
    know_native(connection, &billing.enrollment, committed_at_ms).await?;
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| CatalogError::Foreign { what: "a billed period", value: error.to_string() })
    };
    for period in &billing.periods {
        sqlx::query(
            "INSERT INTO billed_periods (enrollment, period, version, as_of, is_final, content, book, held_back, \
             reopened, billed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(billing.enrollment.as_str())
        .bind(&period.period)
        .bind(version)
        .bind(billing.as_of)
        .bind(i64::from(period.is_final))
        .bind(&period.content)
        .bind(text(serde_json::to_string(&period.book))?)
        .bind(text(serde_json::to_string(&period.held_back))?)
        .bind(period.reopened.as_ref().map(|own| text(serde_json::to_string(own))).transpose()?)
        .bind(committed_at_ms)
        .execute(&mut *connection)
        .await
        .map_err(CatalogError::database("record a billed period"))?;
        sqlx::query(
            "INSERT INTO balances (enrollment, period, document, content, source, run_time, imported_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(billing.enrollment.as_str())
        .bind(&period.period)
        .bind(text(serde_json::to_string(&period.balance))?)
        .bind(&period.content)
        .bind(format!("{BILLED_SOURCE}{version}"))
        .bind(billing.as_of)
        .bind(committed_at_ms)
        .execute(&mut *connection)
        .await
        .map_err(CatalogError::database("record a balance summary"))?;
    }
    Ok(())
}

/// Begins the `source` of a balance summary that was computed; the lake's version follows.
const BILLED_SOURCE: &str = "revision ";

/// The version of the lake whose run computed a balance summary with this source; `None`: it was imported.
pub fn billed_by(source: &str) -> Option<u64> {
    source.strip_prefix(BILLED_SOURCE)?.parse().ok()
}

fn revision(row: &SqliteRow) -> Result<BilledRevision, CatalogError> {
    let text = |index: usize| row.get::<String, _>(index);
    let foreign = |value: String| CatalogError::Foreign { what: "a billed period", value };
    let reopened: Option<String> = row.get(7);
    let read = |error: serde_json::Error| foreign(error.to_string());
    Ok(BilledRevision {
        period: BillingPeriod::parse(&text(0)).map_err(|_| foreign(text(0)))?,
        version: u64::try_from(row.get::<i64, _>(1)).unwrap_or_default(),
        as_of: row.get(2),
        is_final: row.get::<i64, _>(3) != 0,
        content: text(4),
        book: serde_json::from_str(&text(5)).map_err(read)?,
        held_back: serde_json::from_str(&text(6)).map_err(read)?,
        reopened: reopened.map(|json| serde_json::from_str(&json).map_err(read)).transpose()?,
        billed_at_ms: row.get(8),
    })
}
