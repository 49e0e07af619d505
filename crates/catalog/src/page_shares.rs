//! What callers were allowed to read when they began to page through an answer.

use crate::{Catalog, CatalogError};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Catalog {
    /// Keeps shares, as JSON, under their digest. `now_ms` are milliseconds since 1970.
    pub async fn keep_page_shares(&self, digest: &[u8], shares: &str, now_ms: i64) -> Result<(), CatalogError> {
        // Most walks ask for what others asked for before: then nothing is written but once a day.
        sqlx::query(
            "INSERT INTO page_shares (digest, shares, used_at) VALUES (?, ?, ?) \
             ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at WHERE used_at < excluded.used_at - ?",
        )
        .bind(digest)
        .bind(shares)
        .bind(now_ms)
        .bind(DAY_MS)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("keep what a walk may read"))?;
        Ok(())
    }

    /// The shares under a digest, as JSON.
    pub async fn page_shares(&self, digest: &[u8]) -> Result<Option<String>, CatalogError> {
        sqlx::query_scalar("SELECT shares FROM page_shares WHERE digest = ?")
            .bind(digest)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up what a walk may read"))
    }

    /// Forgets shares that no walk began with since an instant.
    pub async fn forget_page_shares(&self, before_ms: i64) -> Result<u64, CatalogError> {
        let forgotten = sqlx::query("DELETE FROM page_shares WHERE used_at < ?")
            .bind(before_ms)
            .execute(&self.pool)
            .await
            .map_err(CatalogError::database("forget old walks"))?;
        Ok(forgotten.rows_affected())
    }
}
