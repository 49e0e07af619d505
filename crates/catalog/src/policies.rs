//! Switches of an enrollment (SEMANTICS 6.2).

use ledger::EnrollmentId;
use sqlx::Row;

use crate::audit::{AuditEntry, write};
use crate::{Catalog, CatalogError};

/// The switches; all are off until the owner turns them on (D-35).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policies {
    /// Department users see charges.
    pub da_view_charges: bool,
    /// Account owners and readers of subscriptions see charges.
    pub ao_view_charges: bool,
    /// An indirect enrollment whose partner has not released prices: nobody sees charges.
    pub price_hidden: bool,
}

impl Catalog {
    /// The switches of an enrollment.
    pub async fn policies(&self, enrollment: &EnrollmentId) -> Result<Policies, CatalogError> {
        let row =
            sqlx::query("SELECT da_view_charges, ao_view_charges, price_hidden FROM policies WHERE enrollment = ?")
                .bind(enrollment.as_str())
                .fetch_optional(&self.pool)
                .await
                .map_err(CatalogError::database("read the policies"))?;
        let on = |row: &sqlx::sqlite::SqliteRow, index| row.get::<i64, _>(index) != 0;
        Ok(row.map_or_else(Policies::default, |row| Policies {
            da_view_charges: on(&row, 0),
            ao_view_charges: on(&row, 1),
            price_hidden: on(&row, 2),
        }))
    }

    /// Sets the switches of an enrollment.
    pub async fn set_policies(
        &self,
        enrollment: &EnrollmentId,
        policies: Policies,
        audit: &AuditEntry,
    ) -> Result<(), CatalogError> {
        let doing = || CatalogError::database("set the policies");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        sqlx::query(
            "INSERT INTO policies (enrollment, da_view_charges, ao_view_charges, price_hidden) VALUES (?, ?, ?, ?) \
             ON CONFLICT (enrollment) DO UPDATE SET da_view_charges = excluded.da_view_charges, \
             ao_view_charges = excluded.ao_view_charges, price_hidden = excluded.price_hidden",
        )
        .bind(enrollment.as_str())
        .bind(i64::from(policies.da_view_charges))
        .bind(i64::from(policies.ao_view_charges))
        .bind(i64::from(policies.price_hidden))
        .execute(&mut *transaction)
        .await
        .map_err(doing())?;
        write(&mut transaction, audit).await?;
        transaction.commit().await.map_err(doing())
    }
}
