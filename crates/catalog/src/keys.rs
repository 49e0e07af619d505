//! API keys at rest: hashed, two per holder, with an end.

use ledger::{EnrollmentId, Scope};
use sqlx::{Row, SqliteConnection};

use crate::audit::{AuditEntry, write};
use crate::{Catalog, CatalogError};

/// Which of a holder's two keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySlot {
    /// The first one.
    Primary,
    /// The one that takes over while the first is renewed.
    Secondary,
}

impl KeySlot {
    /// The word in the catalog and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

/// A key to be kept. The key itself is never stored.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Public id.
    pub id: String,
    /// The enrollment that it reads.
    pub enrollment: EnrollmentId,
    /// What of the enrollment.
    pub scope: Scope,
    /// Name of its role.
    pub role: String,
    /// SHA-256 of the key, in lower-case hexadecimal.
    pub hash: String,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
    /// First millisecond at which it is no longer accepted.
    pub expires_at_ms: i64,
}

/// A key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Public id.
    pub id: String,
    /// The enrollment that it reads.
    pub enrollment: EnrollmentId,
    /// What of the enrollment.
    pub scope: Scope,
    /// Which of the two.
    pub slot: KeySlot,
    /// Name of its role.
    pub role: String,
    /// Milliseconds since 1970.
    pub created_at_ms: i64,
    /// First millisecond at which it is no longer accepted.
    pub expires_at_ms: i64,
    /// When it was revoked.
    pub revoked_at_ms: Option<i64>,
}

const COLUMNS: &str = "id, enrollment, slot, role, created_at, expires_at, revoked_at, scope";

impl Catalog {
    /// Keeps a key in the holder's first free slot.
    pub async fn add_key(&self, key: &NewKey, audit: &AuditEntry) -> Result<KeySlot, CatalogError> {
        let doing = || CatalogError::database("keep a key");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let live: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, slot FROM keys WHERE enrollment = ? AND scope = ? AND revoked_at IS NULL AND expires_at > ? \
             ORDER BY created_at",
        )
        .bind(key.enrollment.as_str())
        .bind(key.scope.key())
        .bind(key.created_at_ms)
        .fetch_all(&mut *transaction)
        .await
        .map_err(doing())?;
        let free = [KeySlot::Primary, KeySlot::Secondary]
            .into_iter()
            .find(|slot| !live.iter().any(|(_, taken)| taken == slot.as_str()));
        let Some(slot) = free else {
            let oldest = live.first().map(|(id, _)| id.clone()).unwrap_or_default();
            return Err(CatalogError::KeySlots { holder: holder(&key.enrollment, &key.scope), oldest });
        };
        insert(&mut transaction, key, slot).await?;
        write(&mut transaction, audit).await?;
        transaction.commit().await.map_err(doing())?;
        Ok(slot)
    }

    /// Keeps a key in the slot of another one of the same holder, which ends with it; `None` if that one is not live.
    pub async fn replace_key(
        &self,
        old: &str,
        key: &NewKey,
        audit: &AuditEntry,
    ) -> Result<Option<KeySlot>, CatalogError> {
        let doing = || CatalogError::database("replace a key");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let slot: Option<String> = sqlx::query_scalar(
            "UPDATE keys SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL AND expires_at > ?1 RETURNING slot",
        )
        .bind(key.created_at_ms)
        .bind(old)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(doing())?;
        let Some(slot) = slot else { return Ok(None) };
        let slot = if slot == KeySlot::Primary.as_str() { KeySlot::Primary } else { KeySlot::Secondary };
        insert(&mut transaction, key, slot).await?;
        write(&mut transaction, audit).await?;
        transaction.commit().await.map_err(doing())?;
        Ok(Some(slot))
    }

    /// A key by its public id, whatever its state.
    pub async fn key(&self, id: &str) -> Result<Option<KeyEntry>, CatalogError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM keys WHERE id = ?")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a key"))?;
        row.as_ref().map(entry).transpose()
    }

    /// The key with this hash, whatever its state.
    pub async fn key_by_hash(&self, hash: &str) -> Result<Option<KeyEntry>, CatalogError> {
        let asked = async {
            let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM keys WHERE hash = ?")))
                .bind(hash)
                .fetch_optional(&self.pool)
                .await
                .map_err(CatalogError::database("look up a key"))?;
            row.as_ref().map(entry).transpose()
        };
        self.remembered(|known| &mut known.keys_by_hash, hash, asked).await
    }

    /// All keys, newest last.
    pub async fn keys(&self) -> Result<Vec<KeyEntry>, CatalogError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM keys ORDER BY created_at, id")))
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the keys"))?;
        rows.iter().map(entry).collect()
    }

    /// Revokes a key; `false` if there is no such live key.
    pub async fn revoke_key(&self, id: &str, now_ms: i64, audit: &AuditEntry) -> Result<bool, CatalogError> {
        let doing = || CatalogError::database("revoke a key");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let done = sqlx::query("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(now_ms)
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
}

fn holder(enrollment: &EnrollmentId, scope: &Scope) -> String {
    match scope {
        Scope::BillingAccount(_) => format!("enrollment {enrollment}"),
        scope => format!("{} of enrollment {enrollment}", scope.key()),
    }
}

async fn insert(connection: &mut SqliteConnection, key: &NewKey, slot: KeySlot) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO keys (id, enrollment, slot, role, hash, created_at, expires_at, scope) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&key.id)
    .bind(key.enrollment.as_str())
    .bind(slot.as_str())
    .bind(&key.role)
    .bind(&key.hash)
    .bind(key.created_at_ms)
    .bind(key.expires_at_ms)
    .bind(key.scope.key())
    .execute(connection)
    .await
    .map_err(CatalogError::database("keep a key"))?;
    Ok(())
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<KeyEntry, CatalogError> {
    let (number, slot, scope): (String, String, String) = (row.get(1), row.get(2), row.get(7));
    Ok(KeyEntry {
        id: row.get(0),
        enrollment: crate::enrollments::number(&number)?,
        scope: Scope::parse(&scope).map_err(|_| CatalogError::Foreign { what: "a scope", value: scope })?,
        slot: if slot == KeySlot::Primary.as_str() { KeySlot::Primary } else { KeySlot::Secondary },
        role: row.get(3),
        created_at_ms: row.get(4),
        expires_at_ms: row.get(5),
        revoked_at_ms: row.get(6),
    })
}
