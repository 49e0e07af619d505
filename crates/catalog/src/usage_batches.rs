//! What commits of the usage table say: batches of usage, and through which period an enrollment is closed.
//!
//! Taken over from the table's log as imports are from the lake's, so that a crash between the two loses nothing.

use calendar::BillingPeriod;
use ledger::EnrollmentId;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::native::know_native;
use crate::{Catalog, CatalogError};

/// A batch of usage that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageBatch {
    /// Whose usage.
    pub enrollment: EnrollmentId,
    /// The client's id of it.
    pub batch: String,
    /// The version of the usage table that its commit made.
    pub version: u64,
    /// SHA-256 of its text.
    pub content: String,
    /// When it was received, in microseconds since 1970; records may state instants of their own.
    pub received_at: i64,
    /// How many records were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub refused: u64,
    /// When it was committed, in milliseconds since 1970.
    pub committed_at_ms: i64,
    /// The whole record of the commit, as JSON.
    pub record: String,
}

/// Through which period an enrollment takes no more input, from a version of the usage table on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The version of the usage table that says so.
    pub version: u64,
    /// Whose.
    pub enrollment: EnrollmentId,
    /// The last closed period; `None`: none is.
    pub through: Option<BillingPeriod>,
    /// Who moved it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// What a commit of the usage table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageCommit {
    /// A batch was taken.
    Batch(UsageBatch),
    /// Periods were closed or opened again.
    Boundary(Boundary),
}

impl Catalog {
    /// The newest version of the usage table that has been taken over; `None` before the first.
    pub async fn usage_progress(&self) -> Result<Option<u64>, CatalogError> {
        let version: Option<i64> = sqlx::query_scalar("SELECT version FROM usage_progress")
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("read the progress of usage"))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// Takes over a commit of the usage table. Taking over twice changes nothing. `written` is called when all is written
    /// but not committed: a test's last moment to end the program.
    pub async fn take_over_usage(
        &self,
        version: u64,
        commit: Option<&UsageCommit>,
        written: &(dyn Fn() + Sync),
    ) -> Result<(), CatalogError> {
        let doing = || CatalogError::database("take over usage");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let number = i64::try_from(version).unwrap_or(i64::MAX);
        match commit {
            Some(UsageCommit::Batch(batch)) => {
                know_native(&mut transaction, &batch.enrollment, batch.committed_at_ms).await?;
                sqlx::query(
                    "INSERT INTO usage_batches (enrollment, batch, version, content, received_at, accepted, refused, \
                     committed_at, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )
                .bind(batch.enrollment.as_str())
                .bind(&batch.batch)
                .bind(number)
                .bind(&batch.content)
                .bind(batch.received_at)
                .bind(i64::try_from(batch.accepted).unwrap_or(i64::MAX))
                .bind(i64::try_from(batch.refused).unwrap_or(i64::MAX))
                .bind(batch.committed_at_ms)
                .bind(&batch.record)
                .execute(&mut *transaction)
                .await
                .map_err(doing())?;
            }
            Some(UsageCommit::Boundary(boundary)) => {
                know_native(&mut transaction, &boundary.enrollment, boundary.at_ms).await?;
                sqlx::query(
                    "INSERT INTO native_boundaries (version, enrollment, through, actor, reason, at) \
                     VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )
                .bind(number)
                .bind(boundary.enrollment.as_str())
                .bind(boundary.through.map(|period| period.to_string()))
                .bind(&boundary.actor)
                .bind(&boundary.reason)
                .bind(boundary.at_ms)
                .execute(&mut *transaction)
                .await
                .map_err(doing())?;
            }
            None => {}
        }
        sqlx::query(
            "INSERT INTO usage_progress (id, version) VALUES (1, ?) \
             ON CONFLICT (id) DO UPDATE SET version = MAX(version, excluded.version)",
        )
        .bind(number)
        .execute(&mut *transaction)
        .await
        .map_err(doing())?;
        written();
        transaction.commit().await.map_err(doing())
    }

    /// A batch of usage by the client's id, which is compared as it is.
    pub async fn usage_batch(
        &self,
        enrollment: &EnrollmentId,
        batch: &str,
    ) -> Result<Option<UsageBatch>, CatalogError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{BATCHES} WHERE enrollment = ? AND batch = ?")))
            .bind(enrollment.as_str())
            .bind(batch)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a batch of usage"))?;
        row.as_ref().map(usage_batch).transpose()
    }

    /// The batches of usage of an enrollment, in the order in which they were taken.
    pub async fn usage_batches(&self, enrollment: &EnrollmentId) -> Result<Vec<UsageBatch>, CatalogError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{BATCHES} WHERE enrollment = ? ORDER BY version")))
            .bind(enrollment.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the batches of usage"))?;
        rows.iter().map(usage_batch).collect()
    }

    /// How the boundary between closed and open periods of an enrollment moved, oldest first.
    pub async fn boundaries(&self, enrollment: &EnrollmentId) -> Result<Vec<Boundary>, CatalogError> {
        let rows = sqlx::query(
            "SELECT version, enrollment, through, actor, reason, at FROM native_boundaries WHERE enrollment = ? \
             ORDER BY version",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list the closed periods"))?;
        rows.iter().map(boundary).collect()
    }
}

const BATCHES: &str = "SELECT enrollment, batch, version, content, received_at, accepted, refused, committed_at, record \
                       FROM usage_batches";

fn usage_batch(row: &SqliteRow) -> Result<UsageBatch, CatalogError> {
    let count = |index: usize| u64::try_from(row.get::<i64, _>(index)).unwrap_or_default();
    Ok(UsageBatch {
        enrollment: crate::enrollments::number(&row.get::<String, _>(0))?,
        batch: row.get(1),
        version: count(2),
        content: row.get(3),
        received_at: row.get(4),
        accepted: count(5),
        refused: count(6),
        committed_at_ms: row.get(7),
        record: row.get(8),
    })
}

fn boundary(row: &SqliteRow) -> Result<Boundary, CatalogError> {
    let through: Option<String> = row.get(2);
    let parse = |text: String| {
        BillingPeriod::parse(&text).map_err(|_| CatalogError::Foreign { what: "a billing period", value: text })
    };
    Ok(Boundary {
        version: u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(),
        enrollment: crate::enrollments::number(&row.get::<String, _>(1))?,
        through: through.map(parse).transpose()?,
        actor: row.get(3),
        reason: row.get(4),
        at_ms: row.get(5),
    })
}
