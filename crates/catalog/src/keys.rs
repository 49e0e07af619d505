//! API keys at rest: hashed, two per holder, with an end.

use ledger::EnrollmentId;
use sqlx::Row;

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

const COLUMNS: &str = "id, enrollment, slot, role, created_at, expires_at, revoked_at";

impl Catalog {
    /// Keeps a key in the holder's first free slot.
    pub async fn add_key(&self, key: &NewKey) -> Result<KeySlot, CatalogError> {
        let doing = || CatalogError::database("keep a key");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let live: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, slot FROM keys WHERE enrollment = ? AND revoked_at IS NULL AND expires_at > ? ORDER BY created_at",
        )
        .bind(key.enrollment.as_str())
        .bind(key.created_at_ms)
        .fetch_all(&mut *transaction)
        .await
        .map_err(doing())?;
        let free = [KeySlot::Primary, KeySlot::Secondary]
            .into_iter()
            .find(|slot| !live.iter().any(|(_, taken)| taken == slot.as_str()));
        let Some(slot) = free else {
            let oldest = live.first().map(|(id, _)| id.clone()).unwrap_or_default();
            return Err(CatalogError::KeySlots { enrollment: key.enrollment.to_string(), oldest });
        };
        sqlx::query(
            "INSERT INTO keys (id, enrollment, slot, role, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&key.id)
        .bind(key.enrollment.as_str())
        .bind(slot.as_str())
        .bind(&key.role)
        .bind(&key.hash)
        .bind(key.created_at_ms)
        .bind(key.expires_at_ms)
        .execute(&mut *transaction)
        .await
        .map_err(doing())?;
        transaction.commit().await.map_err(doing())?;
        Ok(slot)
    }

    /// The key with this hash, whatever its state.
    pub async fn key_by_hash(&self, hash: &str) -> Result<Option<KeyEntry>, CatalogError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM keys WHERE hash = ?")))
            .bind(hash)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a key"))?;
        row.as_ref().map(entry).transpose()
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
    pub async fn revoke_key(&self, id: &str, now_ms: i64) -> Result<bool, CatalogError> {
        let done = sqlx::query("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL")
            .bind(now_ms)
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(CatalogError::database("revoke a key"))?;
        Ok(done.rows_affected() > 0)
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<KeyEntry, CatalogError> {
    let (number, slot): (String, String) = (row.get(1), row.get(2));
    Ok(KeyEntry {
        id: row.get(0),
        enrollment: EnrollmentId::parse(&number)
            .map_err(|_| CatalogError::Foreign { what: "an enrollment number", value: number })?,
        slot: if slot == KeySlot::Primary.as_str() { KeySlot::Primary } else { KeySlot::Secondary },
        role: row.get(3),
        created_at_ms: row.get(4),
        expires_at_ms: row.get(5),
        revoked_at_ms: row.get(6),
    })
}
