//! What is known of an enrollment's hierarchy: what rows name, what the owner states, and ids generated for names.

use std::sync::Arc;

use ledger::{
    AccountName, AppliedHierarchy, EnrollmentId, GENERATED_COUNT, GENERATED_FIRST, Hierarchy, HierarchyError, IdOrigin,
    NameKind, NamedId, Place, names_without_id,
};
use sha2::{Digest, Sha256};
use sqlx::{Row, SqliteConnection};

use crate::audit::{AuditEntry, write};
use crate::{Catalog, CatalogError};

const fn kind_text(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Department => "department",
        NameKind::Account => "account",
    }
}

/// A hierarchy in memory.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The count of changes that it includes.
    changes: i64,
    hierarchy: Arc<Hierarchy>,
}

impl Catalog {
    /// What is known of an enrollment's hierarchy. Kept in memory for as long as nothing changes.
    pub async fn hierarchy(&self, enrollment: &EnrollmentId) -> Result<Arc<Hierarchy>, CatalogError> {
        let asked = async { self.hierarchy_by_changes(enrollment).await.map(Some) };
        let hierarchy = self.remembered(|known| &mut known.hierarchies, enrollment.as_str(), asked).await?;
        Ok(hierarchy.unwrap_or_default())
    }

    async fn hierarchy_by_changes(&self, enrollment: &EnrollmentId) -> Result<Arc<Hierarchy>, CatalogError> {
        let changes: Option<i64> = sqlx::query_scalar("SELECT changes FROM hierarchy_changes WHERE enrollment = ?")
            .bind(enrollment.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up the hierarchy"))?;
        let changes = changes.unwrap_or_default();
        if let Some(known) = self.hierarchies.lock().await.get(enrollment).filter(|known| known.changes == changes) {
            return Ok(known.hierarchy.clone());
        }
        // Read after the count: what is kept is at least as new as its count says.
        let places = self.places(enrollment).await?;
        let named = self.named_ids(enrollment).await?;
        let applied = self.applied_hierarchy(enrollment).await?.unwrap_or_default();
        // Large ones take a while; requests about other enrollments must not wait behind them.
        let made = tokio::task::spawn_blocking(move || Arc::new(Hierarchy::new(&places, &named, &applied)));
        let hierarchy = made.await.expect("putting a hierarchy together does not panic");
        let mut kept = self.hierarchies.lock().await;
        let newer = kept.get(enrollment).is_some_and(|known| known.changes > changes);
        if !newer {
            kept.insert(enrollment.clone(), Kept { changes, hierarchy: hierarchy.clone() });
        }
        Ok(hierarchy)
    }

    /// The ids that names were given.
    pub async fn named_ids(&self, enrollment: &EnrollmentId) -> Result<Vec<NamedId>, CatalogError> {
        let rows = sqlx::query(
            "SELECT kind, owner, name, origin, id FROM named_ids WHERE enrollment = ? ORDER BY kind, owner, name, origin",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list the ids of names"))?;
        let one = |row: &sqlx::sqlite::SqliteRow| NamedId {
            kind: if row.get::<&str, _>(0) == "department" { NameKind::Department } else { NameKind::Account },
            name: AccountName { owner: row.get(1), name: row.get(2) },
            origin: if row.get::<&str, _>(3) == "mapped" { IdOrigin::Mapped } else { IdOrigin::Generated },
            id: row.get(4),
        };
        Ok(rows.iter().map(one).collect())
    }

    /// Lets a name stand for an id in rows that carry none; `None` takes that back. `false`: that is so already.
    pub async fn map_name(
        &self,
        enrollment: &EnrollmentId,
        kind: NameKind,
        name: &AccountName,
        id: Option<&str>,
        audit: &AuditEntry,
    ) -> Result<bool, CatalogError> {
        let doing = || CatalogError::database("map a name");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let query = match id {
            Some(_) => {
                "INSERT INTO named_ids (enrollment, kind, owner, name, origin, id) VALUES (?1, ?2, ?3, ?4, 'mapped', ?5) \
                 ON CONFLICT (enrollment, kind, owner, name, origin) DO UPDATE SET id = excluded.id WHERE id <> excluded.id"
            }
            None => {
                "DELETE FROM named_ids WHERE enrollment = ?1 AND kind = ?2 AND owner = ?3 AND name = ?4 \
                 AND origin = 'mapped' AND ?5 IS NULL"
            }
        };
        let done = sqlx::query(query)
            .bind(enrollment.as_str())
            .bind(kind_text(kind))
            .bind(&name.owner)
            .bind(&name.name)
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(doing())?;
        let changed = done.rows_affected() > 0;
        if changed {
            count_change(&mut transaction, enrollment).await?;
            write(&mut transaction, audit).await?;
        }
        transaction.commit().await.map_err(doing())?;
        Ok(changed)
    }

    /// The hierarchy that the owner stated.
    pub async fn applied_hierarchy(&self, enrollment: &EnrollmentId) -> Result<Option<AppliedHierarchy>, CatalogError> {
        let document: Option<String> =
            sqlx::query_scalar("SELECT document FROM applied_hierarchies WHERE enrollment = ?")
                .bind(enrollment.as_str())
                .fetch_optional(&self.pool)
                .await
                .map_err(CatalogError::database("read the stated hierarchy"))?;
        let read = |document: String| {
            serde_json::from_str(&document)
                .map_err(|error| CatalogError::Foreign { what: "a stated hierarchy", value: error.to_string() })
        };
        document.map(read).transpose()
    }

    /// Enrollments with a stated hierarchy.
    pub async fn applied_enrollments(&self) -> Result<Vec<EnrollmentId>, CatalogError> {
        let numbers: Vec<String> = sqlx::query_scalar("SELECT enrollment FROM applied_hierarchies ORDER BY enrollment")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the stated hierarchies"))?;
        numbers.iter().map(|number| crate::enrollments::number(number)).collect()
    }

    /// Replaces the stated hierarchies of enrollments as a whole, all or none, unless a subscription would belong to two
    /// enrollments at a time. With `dry_run` it only looks.
    pub async fn apply_hierarchies(
        &self,
        stated: &[(EnrollmentId, AppliedHierarchy)],
        audit: impl Fn(&EnrollmentId, &AppliedHierarchy) -> AuditEntry,
        dry_run: bool,
    ) -> Result<Result<(), (EnrollmentId, HierarchyError)>, CatalogError> {
        let doing = || CatalogError::database("apply a hierarchy");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        if let Err(refused) = check_stated(&mut transaction, stated).await? {
            return Ok(Err(refused));
        }
        if dry_run {
            return Ok(Ok(()));
        }
        for (enrollment, hierarchy) in stated {
            write_stated(&mut transaction, enrollment, hierarchy).await?;
            write(&mut transaction, &audit(enrollment, hierarchy)).await?;
        }
        transaction.commit().await.map_err(doing())?;
        Ok(Ok(()))
    }

    /// Generates the ids that names of earlier imports lack: those of a store of an earlier version of this program.
    pub(crate) async fn generate_missing_ids(&self) -> Result<(), CatalogError> {
        let doing = || CatalogError::database("generate ids");
        let lacking: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT p.enrollment FROM places p WHERE p.enrollment NOT IN (SELECT enrollment FROM hierarchy_changes)",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(doing())?;
        for enrollment in lacking {
            let enrollment = crate::enrollments::number(&enrollment)?;
            let places = self.places(&enrollment).await?;
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
            generate_ids(&mut transaction, &enrollment, &places).await?;
            transaction.commit().await.map_err(doing())?;
        }
        Ok(())
    }
}

/// Whether no subscription would belong to two enrollments at a time; else the enrollment at fault and why.
pub(crate) async fn check_stated(
    connection: &mut SqliteConnection,
    stated: &[(EnrollmentId, AppliedHierarchy)],
) -> Result<Result<(), (EnrollmentId, HierarchyError)>, CatalogError> {
    if stated.is_empty() {
        return Ok(Ok(()));
    }
    let held: Vec<(String, String)> = sqlx::query_as("SELECT enrollment, document FROM applied_hierarchies")
        .fetch_all(connection)
        .await
        .map_err(CatalogError::database("apply a hierarchy"))?;
    let mut others = stated.to_vec();
    for (enrollment, document) in held {
        let enrollment = crate::enrollments::number(&enrollment)?;
        if !stated.iter().any(|(own, _)| *own == enrollment) {
            others.push((enrollment, serde_json::from_str(&document).map_err(|error| foreign(&error))?));
        }
    }
    for (enrollment, hierarchy) in stated {
        for (other, theirs) in others.iter().filter(|(other, _)| other != enrollment) {
            if let Err(error) = hierarchy.check_against(other, theirs) {
                return Ok(Err((enrollment.clone(), error)));
            }
        }
    }
    Ok(Ok(()))
}

/// Replaces the stated hierarchy of an enrollment.
pub(crate) async fn write_stated(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    hierarchy: &AppliedHierarchy,
) -> Result<(), CatalogError> {
    let document = serde_json::to_string(hierarchy).map_err(|error| foreign(&error))?;
    sqlx::query(
        "INSERT INTO applied_hierarchies (enrollment, document) VALUES (?, ?) \
         ON CONFLICT (enrollment) DO UPDATE SET document = excluded.document",
    )
    .bind(enrollment.as_str())
    .bind(document)
    .execute(&mut *connection)
    .await
    .map_err(CatalogError::database("apply a hierarchy"))?;
    count_change(connection, enrollment).await
}

fn foreign(error: &serde_json::Error) -> CatalogError {
    CatalogError::Foreign { what: "a stated hierarchy", value: error.to_string() }
}

/// Tells every process that what it knows of the enrollment is old.
pub(crate) async fn count_change(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO hierarchy_changes (enrollment, changes) VALUES (?, 1) \
         ON CONFLICT (enrollment) DO UPDATE SET changes = changes + 1",
    )
    .bind(enrollment.as_str())
    .execute(&mut *connection)
    .await
    .map_err(CatalogError::database("count a change of the hierarchy"))?;
    Ok(())
}

/// Gives every name that rows carry without id an id of its own, and counts the change.
pub(crate) async fn generate_ids(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    places: &[Place],
) -> Result<(), CatalogError> {
    for (kind, name) in names_without_id(places) {
        // The same name has the same id in a rebuilt catalog. If another name has it, the next number is tried.
        for attempt in 0_u32.. {
            let done = sqlx::query(
                "INSERT INTO named_ids (enrollment, kind, owner, name, origin, id) VALUES (?, ?, ?, ?, 'generated', ?) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(enrollment.as_str())
            .bind(kind_text(kind))
            .bind(&name.owner)
            .bind(&name.name)
            .bind(generated_id(enrollment, kind, &name, attempt))
            .execute(&mut *connection)
            .await
            .map_err(CatalogError::database("generate an id"))?;
            if done.rows_affected() > 0 || has_generated(connection, enrollment, kind, &name).await? {
                break;
            }
        }
    }
    count_change(connection, enrollment).await
}

async fn has_generated(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    kind: NameKind,
    name: &AccountName,
) -> Result<bool, CatalogError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM named_ids WHERE enrollment = ? AND kind = ? AND owner = ? AND name = ? AND origin = 'generated'",
    )
    .bind(enrollment.as_str())
    .bind(kind_text(kind))
    .bind(&name.owner)
    .bind(&name.name)
    .fetch_optional(&mut *connection)
    .await
    .map_err(CatalogError::database("look up an id"))?;
    Ok(found.is_some())
}

fn generated_id(enrollment: &EnrollmentId, kind: NameKind, name: &AccountName, attempt: u32) -> String {
    let enrollment = enrollment.as_str().to_ascii_lowercase();
    let text = [&enrollment, kind_text(kind), &name.owner, &name.name, &attempt.to_string()].join("\n");
    let digest = Sha256::digest(text.as_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (GENERATED_FIRST + number % GENERATED_COUNT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AccountName {
        AccountName::of(None, Some(text)).unwrap()
    }

    fn place(department: &str) -> Place {
        Place { department_name: Some(department.to_owned()), ..Place::default() }
    }

    #[tokio::test]
    async fn generated_ids_are_stable_distinct_and_never_given_twice() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let enrollment = EnrollmentId::parse("100").unwrap();
        // Somebody else's name sits on the number that "acm" would get first.
        let taken = generated_id(&enrollment, NameKind::Department, &name("acm"), 0);
        sqlx::query("INSERT INTO named_ids VALUES ('100', 'department', '', 'other', 'generated', ?)")
            .bind(&taken)
            .execute(&catalog.pool)
            .await
            .unwrap();
        for _ in 0..2 {
            let mut transaction = catalog.pool.begin().await.unwrap();
            generate_ids(&mut transaction, &enrollment, &[place("ACM "), place("Unassigned"), place("acm")])
                .await
                .unwrap();
            transaction.commit().await.unwrap();
        }
        let ids: Vec<(String, String)> =
            catalog.named_ids(&enrollment).await.unwrap().into_iter().map(|one| (one.name.name, one.id)).collect();
        let second = generated_id(&enrollment, NameKind::Department, &name("acm"), 1);
        assert_eq!(ids, [("acm".to_owned(), second), ("other".to_owned(), taken)]);
        assert!(ids.iter().all(|(_, id)| id.len() == 13 && id.starts_with('9')));
    }
}
