//! Switches of an enrollment (SEMANTICS 6.2).

use ledger::EnrollmentId;
use sqlx::{Row, SqliteConnection};

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

/// Switches to change; `None`: as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyChange {
    /// See [`Policies::da_view_charges`].
    pub da_view_charges: Option<bool>,
    /// See [`Policies::ao_view_charges`].
    pub ao_view_charges: Option<bool>,
    /// See [`Policies::price_hidden`].
    pub price_hidden: Option<bool>,
}

impl Catalog {
    /// The switches of an enrollment.
    pub async fn policies(&self, enrollment: &EnrollmentId) -> Result<Policies, CatalogError> {
        let asked = async {
            let mut connection = self.pool.acquire().await.map_err(CatalogError::database("read the policies"))?;
            read(&mut connection, enrollment).await.map(Some)
        };
        let policies = self.remembered(|known| &mut known.policies, enrollment.as_str(), asked).await?;
        Ok(policies.unwrap_or_default())
    }

    /// Changes the switches of an enrollment, and gives them as they are then. Changes that happen at the same time are
    /// made one after the other. `audit` gets the switches as its detail, and is written only if something changed.
    pub async fn change_policies(
        &self,
        enrollment: &EnrollmentId,
        change: impl FnOnce(&mut Policies),
        audit: &AuditEntry,
    ) -> Result<Policies, CatalogError> {
        let doing = || CatalogError::database("change the policies");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let before = read(&mut transaction, enrollment).await?;
        let mut policies = before;
        change(&mut policies);
        if policies == before {
            return Ok(policies);
        }
        store(&mut transaction, enrollment, policies).await?;
        let detail = policies.to_string();
        write(&mut transaction, &AuditEntry { detail, ..audit.clone() }).await?;
        transaction.commit().await.map_err(doing())?;
        Ok(policies)
    }
}

/// Changes the switches of an enrollment within a transaction.
pub(crate) async fn set_policies(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    change: PolicyChange,
) -> Result<(), CatalogError> {
    let before = read(connection, enrollment).await?;
    let policies = Policies {
        da_view_charges: change.da_view_charges.unwrap_or(before.da_view_charges),
        ao_view_charges: change.ao_view_charges.unwrap_or(before.ao_view_charges),
        price_hidden: change.price_hidden.unwrap_or(before.price_hidden),
    };
    if policies == before { Ok(()) } else { store(connection, enrollment, policies).await }
}

async fn store(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    policies: Policies,
) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO policies (enrollment, da_view_charges, ao_view_charges, price_hidden) VALUES (?, ?, ?, ?) \
         ON CONFLICT (enrollment) DO UPDATE SET da_view_charges = excluded.da_view_charges, \
         ao_view_charges = excluded.ao_view_charges, price_hidden = excluded.price_hidden",
    )
    .bind(enrollment.as_str())
    .bind(i64::from(policies.da_view_charges))
    .bind(i64::from(policies.ao_view_charges))
    .bind(i64::from(policies.price_hidden))
    .execute(connection)
    .await
    .map_err(CatalogError::database("change the policies"))?;
    Ok(())
}

impl std::fmt::Display for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let on = |on| if on { "on" } else { "off" };
        let (da, ao, hidden) = (on(self.da_view_charges), on(self.ao_view_charges), on(self.price_hidden));
        write!(f, "da-view-charges {da}, ao-view-charges {ao}, price-hidden {hidden}")
    }
}

async fn read(connection: &mut SqliteConnection, enrollment: &EnrollmentId) -> Result<Policies, CatalogError> {
    let row = sqlx::query("SELECT da_view_charges, ao_view_charges, price_hidden FROM policies WHERE enrollment = ?")
        .bind(enrollment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(CatalogError::database("read the policies"))?;
    let on = |row: &sqlx::sqlite::SqliteRow, index| row.get::<i64, _>(index) != 0;
    Ok(row.map_or_else(Policies::default, |row| Policies {
        da_view_charges: on(&row, 0),
        ao_view_charges: on(&row, 1),
        price_hidden: on(&row, 2),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuditFilter;

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let enrollment = EnrollmentId::parse("100").unwrap();
        let audit = AuditEntry {
            at_ms: 0,
            actor: "test".into(),
            action: "enrollment.policy".into(),
            enrollment: Some(enrollment.clone()),
            target: String::new(),
            detail: String::new(),
            times: 1,
        };
        for round in 0..20 {
            let (da, ao) = (round % 2 == 0, round % 3 == 0);
            let one = catalog.change_policies(&enrollment, |own| own.da_view_charges = da, &audit);
            let two = catalog.change_policies(&enrollment, |own| own.ao_view_charges = ao, &audit);
            let (one, two) = tokio::join!(one, two);
            one.unwrap();
            two.unwrap();
            let now = catalog.policies(&enrollment).await.unwrap();
            assert_eq!((now.da_view_charges, now.ao_view_charges), (da, ao), "{round}");
        }
        let entries = catalog.audit(&AuditFilter { limit: 1, ..AuditFilter::default() }).await.unwrap();
        assert!(entries[0].detail.starts_with("da-view-charges o"), "{}", entries[0].detail);
    }
}
