//! Roles that subjects and groups of OpenID Connect issuers were granted.

use ledger::{EnrollmentId, Scope};
use sqlx::Row;

use crate::audit::{AuditEntry, write};
use crate::{Catalog, CatalogError};

/// Who is granted a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// One subject: a user or a program.
    Subject(String),
    /// All members of a group.
    Group(String),
}

impl Principal {
    /// The word for its kind, and its id.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Subject(id) => ("subject", id),
            Self::Group(id) => ("group", id),
        }
    }
}

/// A granted role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentEntry {
    /// Its id.
    pub id: String,
    /// The issuer whose tokens name the principal.
    pub issuer: String,
    /// Who is granted it.
    pub principal: Principal,
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// What of the enrollment.
    pub scope: Scope,
    /// Name of the role.
    pub role: String,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
}

const COLUMNS: &str = "id, issuer, kind, principal, enrollment, scope, role, created_at";

impl Catalog {
    /// Grants a role; `false` if it was granted already.
    pub async fn add_assignment(&self, entry: &AssignmentEntry, audit: &AuditEntry) -> Result<bool, CatalogError> {
        let doing = || CatalogError::database("grant a role");
        let (kind, principal) = entry.principal.parts();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let done = sqlx::query(
            "INSERT INTO assignments (id, issuer, kind, principal, enrollment, scope, role, created_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(&entry.id)
        .bind(&entry.issuer)
        .bind(kind)
        .bind(principal)
        .bind(entry.enrollment.as_str())
        .bind(entry.scope.key())
        .bind(&entry.role)
        .bind(entry.created_at_ms)
        .execute(&mut *transaction)
        .await
        .map_err(doing())?;
        if done.rows_affected() > 0 {
            write(&mut transaction, audit).await?;
        }
        transaction.commit().await.map_err(doing())?;
        Ok(done.rows_affected() > 0)
    }

    /// Takes a granted role back; `false` if there is none of this id.
    pub async fn remove_assignment(&self, id: &str, audit: &AuditEntry) -> Result<bool, CatalogError> {
        let doing = || CatalogError::database("revoke a role");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let done = sqlx::query("DELETE FROM assignments WHERE id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(doing())?;
        if done.rows_affected() > 0 {
            write(&mut transaction, audit).await?;
        }
        transaction.commit().await.map_err(doing())?;
        Ok(done.rows_affected() > 0)
    }

    /// All granted roles, newest last.
    pub async fn assignments(&self) -> Result<Vec<AssignmentEntry>, CatalogError> {
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM assignments ORDER BY created_at, id")))
                .fetch_all(&self.pool)
                .await
                .map_err(CatalogError::database("list the granted roles"))?;
        rows.iter().map(entry).collect()
    }

    /// The roles of a subject and of its groups.
    pub async fn assignments_of(
        &self,
        issuer: &str,
        subject: &str,
        groups: &[String],
    ) -> Result<Vec<AssignmentEntry>, CatalogError> {
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM assignments WHERE issuer = ? ORDER BY id")))
                .bind(issuer)
                .fetch_all(&self.pool)
                .await
                .map_err(CatalogError::database("look up granted roles"))?;
        let mut found = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        found.retain(|entry| match &entry.principal {
            Principal::Subject(id) => id == subject,
            Principal::Group(id) => groups.contains(id),
        });
        Ok(found)
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<AssignmentEntry, CatalogError> {
    let (kind, principal, scope): (String, String, String) = (row.get(2), row.get(3), row.get(5));
    Ok(AssignmentEntry {
        id: row.get(0),
        issuer: row.get(1),
        principal: if kind == "group" { Principal::Group(principal) } else { Principal::Subject(principal) },
        enrollment: crate::enrollments::number(row.get(4))?,
        scope: Scope::parse(&scope).map_err(|_| CatalogError::Foreign { what: "a scope", value: scope })?,
        role: row.get(6),
        created_at_ms: row.get(7),
    })
}
