//! The audit log: what was done to the store and what was refused. It is only ever added to.

use ledger::EnrollmentId;
use sqlx::{Row, SqliteConnection};

use crate::{Catalog, CatalogError};

/// Something that was done or refused. No member ever holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Who: a program on this machine, or a caller's public id.
    pub actor: String,
    /// What, as a word such as `key.create`.
    pub action: String,
    /// The enrollment it is about, if it is about one.
    pub enrollment: Option<EnrollmentId>,
    /// What it was done to: an id, a scope, a route.
    pub target: String,
    /// What else there is to say.
    pub detail: String,
    /// How often within the minute; 1 for what was done.
    pub times: u64,
}

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only entries about this enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Only entries of this millisecond and later.
    pub since_ms: Option<i64>,
    /// The newest so many.
    pub limit: u32,
}

/// Adds an entry within a transaction.
pub(crate) async fn write(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO audit (at, actor, action, enrollment, target, detail, times) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.at_ms)
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(entry.enrollment.as_ref().map(EnrollmentId::as_str))
    .bind(&entry.target)
    .bind(&entry.detail)
    .bind(i64::try_from(entry.times).unwrap_or(i64::MAX))
    .execute(&mut *connection)
    .await
    .map_err(CatalogError::database("write the audit log"))?;
    Ok(())
}

impl Catalog {
    /// Adds entries, all or none.
    pub async fn write_audit(&self, entries: &[AuditEntry]) -> Result<(), CatalogError> {
        let doing = || CatalogError::database("write the audit log");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        for entry in entries {
            write(&mut transaction, entry).await?;
        }
        transaction.commit().await.map_err(doing())
    }

    /// The newest entries, oldest of them first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditEntry>, CatalogError> {
        let rows = sqlx::query(
            "SELECT at, actor, action, enrollment, target, detail, times FROM audit \
             WHERE (?1 IS NULL OR enrollment = ?1) AND at >= ?2 ORDER BY id DESC LIMIT ?3",
        )
        .bind(filter.enrollment.as_ref().map(EnrollmentId::as_str))
        .bind(filter.since_ms.unwrap_or(i64::MIN))
        .bind(filter.limit)
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("read the audit log"))?;
        rows.iter().rev().map(entry).collect()
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<AuditEntry, CatalogError> {
    let enrollment: Option<String> = row.get(3);
    Ok(AuditEntry {
        at_ms: row.get(0),
        actor: row.get(1),
        action: row.get(2),
        enrollment: enrollment.map(|number| crate::enrollments::number(&number)).transpose()?,
        target: row.get(4),
        detail: row.get(5),
        times: u64::try_from(row.get::<i64, _>(6)).unwrap_or_default(),
    })
}
