//! Imports that the lake has committed, and what is held because of them.

use std::collections::BTreeMap;

use calendar::{BillingPeriod, DateRange};
use ledger::{Coverage, EnrollmentId, Held, Holding, Place, Publishers, RunTime, Scope, Unit};
use money::Currency;
use sqlx::Row;

use crate::audit::{AuditEntry, write};
use crate::billed::{BillingRecord, learn_billing};
use crate::enrollments::{learn_enrollment, learn_places};
use crate::{Catalog, CatalogError};

/// A committed import, as the catalog takes it over from the lake's log.
#[derive(Debug, Clone)]
pub struct ImportEntry {
    /// The import's id.
    pub id: String,
    /// Who imported; empty where that is not known.
    pub actor: String,
    /// The lake version that its commit made.
    pub version: u64,
    /// When it was committed, in milliseconds since 1970.
    pub committed_at_ms: i64,
    /// Whose charges it brought, and what its rows taught.
    pub enrollments: Vec<EnrollmentEntry>,
    /// What it replaced.
    pub units: Vec<UnitEntry>,
    /// The importer's whole record, as JSON.
    pub record: String,
    /// What was billed, if it was a billing run.
    pub billing: Option<BillingRecord>,
}

/// What an import says about an enrollment.
#[derive(Debug, Clone)]
pub struct EnrollmentEntry {
    /// Its number.
    pub number: EnrollmentId,
    /// Its name, if a row gave one.
    pub name: Option<String>,
    /// Its currency; unknown only when an import had no rows and no option.
    pub currency: Option<Currency>,
    /// The hierarchy that the rows name.
    pub places: Vec<Place>,
}

/// A unit of an import.
#[derive(Debug, Clone)]
pub struct UnitEntry {
    /// What was replaced.
    pub unit: Unit,
    /// When the source was made.
    pub run_time: RunTime,
    /// Identifies the source bytes.
    pub content: String,
    /// Whether rows were rejected.
    pub incomplete: bool,
    /// Whether there was no row.
    pub empty: bool,
}

impl Catalog {
    /// The newest lake version that has been taken over; `None` before the first.
    pub async fn lake_progress(&self) -> Result<Option<u64>, CatalogError> {
        let version: Option<i64> = sqlx::query_scalar("SELECT version FROM lake_progress")
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("read the progress"))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// Takes over a commit of the lake: an import with all it taught, or a commit that is no import. Taking over twice
    /// changes nothing.
    pub async fn take_over(&self, version: u64, import: Option<&ImportEntry>) -> Result<(), CatalogError> {
        self.take_over_passing(version, import, None, &|| {}).await
    }

    /// Does [`Self::take_over`], with an entry of the audit log for a commit that is no import, and calls `written` when all is written but not committed: a test's last moment to end
    /// the program.
    pub async fn take_over_passing(
        &self,
        version: u64,
        import: Option<&ImportEntry>,
        audit: Option<&AuditEntry>,
        written: &(dyn Fn() + Sync),
    ) -> Result<(), CatalogError> {
        let doing = || CatalogError::database("take over an import");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let number = i64::try_from(version).unwrap_or(i64::MAX);
        if let Some(import) = import {
            let inserted = sqlx::query(
                "INSERT INTO imports (id, version, committed_at, record) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            )
            .bind(&import.id)
            .bind(number)
            .bind(import.committed_at_ms)
            .bind(&import.record)
            .execute(&mut *transaction)
            .await
            .map_err(doing())?;
            if inserted.rows_affected() > 0 {
                for enrollment in &import.enrollments {
                    learn_enrollment(&mut transaction, enrollment, import.committed_at_ms).await?;
                    learn_places(&mut transaction, enrollment, number).await?;
                }
                for entry in audit_entries(import) {
                    write(&mut transaction, &entry).await?;
                }
                for (position, unit) in (0_i64..).zip(&import.units) {
                    insert_unit(&mut transaction, &import.id, position, unit).await?;
                }
                if let Some(billing) = &import.billing {
                    learn_billing(&mut transaction, billing, number, import.committed_at_ms).await?;
                }
            }
        }
        if let Some(entry) = audit {
            write(&mut transaction, entry).await?;
        }
        sqlx::query(
            "INSERT INTO lake_progress (id, version) VALUES (1, ?) \
             ON CONFLICT (id) DO UPDATE SET version = MAX(version, excluded.version)",
        )
        .bind(number)
        .execute(&mut *transaction)
        .await
        .map_err(doing())?;
        written();
        transaction.commit().await.map_err(doing())
    }

    /// What is held at a lake version.
    pub async fn held_at(&self, version: u64) -> Result<Held, CatalogError> {
        let doing = || CatalogError::database("read what is held");
        let number = i64::try_from(version).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT i.version, u.enrollment, u.scope, u.dataset, u.period, u.days, u.run_time, u.content, u.incomplete, \
             (SELECT MAX(c.run_time) FROM confirmations c WHERE c.import_id = u.import_id AND c.position = u.position), \
             u.empty, u.publishers FROM import_units u JOIN imports i ON i.id = u.import_id WHERE i.version <= ? \
             ORDER BY i.version, u.position",
        )
        .bind(number)
        .fetch_all(&self.pool)
        .await
        .map_err(doing())?;
        let mut held = Held::default();
        for row in rows {
            held.apply(holding(&row)?);
        }
        Ok(held)
    }

    /// Records that a later run brought the bytes that `revision` holds for `unit`.
    pub async fn confirm(
        &self,
        unit: &Unit,
        revision: u64,
        run_time: RunTime,
        now_ms: i64,
    ) -> Result<(), CatalogError> {
        let (period, days) = coverage_columns(&unit.coverage);
        sqlx::query(
            "INSERT INTO confirmations (import_id, position, run_time, confirmed_at) \
             SELECT u.import_id, u.position, ?, ? FROM import_units u JOIN imports i ON i.id = u.import_id \
             WHERE i.version = ? AND u.enrollment = ? AND u.dataset = ? AND u.publishers = ? AND u.period IS ? AND u.days IS ? \
             AND u.run_time < ? ON CONFLICT DO NOTHING",
        )
        .bind(run_time.0)
        .bind(now_ms)
        .bind(i64::try_from(revision).unwrap_or(i64::MAX))
        .bind(unit.enrollment.as_str())
        .bind(unit.dataset.as_str())
        .bind(unit.publishers.as_str())
        .bind(period)
        .bind(days)
        .bind(run_time.0)
        .execute(&self.pool)
        .await
        .map_err(CatalogError::database("record a run"))?;
        Ok(())
    }

    /// The newest lake version committed at or before an instant.
    pub async fn version_at(&self, instant_ms: i64) -> Result<Option<u64>, CatalogError> {
        let version: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM imports WHERE committed_at <= ?")
            .bind(instant_ms)
            .fetch_one(&self.pool)
            .await
            .map_err(CatalogError::database("look up a version"))?;
        Ok(version.and_then(|version| u64::try_from(version).ok()))
    }

    /// The importers' records up to a lake version: version, commit instant in milliseconds, JSON.
    pub async fn import_records(&self, version: u64) -> Result<Vec<(u64, i64, String)>, CatalogError> {
        let rows = sqlx::query("SELECT version, committed_at, record FROM imports WHERE version <= ? ORDER BY version")
            .bind(i64::try_from(version).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the imports"))?;
        Ok(rows
            .iter()
            .map(|row| (u64::try_from(row.get::<i64, _>(0)).unwrap_or_default(), row.get(1), row.get(2)))
            .collect())
    }
}

/// What the audit log says about an import: an entry for each enrollment. It is part of taking the import over, so that
/// no import lacks it.
fn audit_entries(import: &ImportEntry) -> Vec<AuditEntry> {
    let mut units: BTreeMap<&EnrollmentId, Vec<String>> = BTreeMap::new();
    for unit in &import.units {
        let Unit { enrollment, dataset, coverage, .. } = &unit.unit;
        units.entry(enrollment).or_default().push(format!("{dataset} {coverage} of {}", unit.unit.source_key()));
    }
    let entry = |(enrollment, units): (&EnrollmentId, Vec<String>)| AuditEntry {
        at_ms: import.committed_at_ms,
        actor: if import.actor.is_empty() { "unknown".to_owned() } else { import.actor.clone() },
        action: if import.billing.is_some() { "bill" } else { "import" }.to_owned(),
        enrollment: Some(enrollment.clone()),
        target: format!("revision {}", import.version),
        detail: units.join(", "),
        times: 1,
    };
    units.into_iter().map(entry).collect()
}

fn coverage_columns(coverage: &Coverage) -> (String, Option<String>) {
    let days = match coverage {
        Coverage::Period(_) => None,
        Coverage::Days(_, days) => Some(days.to_string()),
    };
    (coverage.period().to_string(), days)
}

async fn insert_unit(
    connection: &mut sqlx::SqliteConnection,
    import_id: &str,
    position: i64,
    entry: &UnitEntry,
) -> Result<(), CatalogError> {
    let (period, days) = coverage_columns(&entry.unit.coverage);
    sqlx::query(
        "INSERT INTO import_units (import_id, position, enrollment, scope, dataset, period, days, run_time, content, \
         incomplete, empty, publishers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(import_id)
    .bind(position)
    .bind(entry.unit.enrollment.as_str())
    .bind(entry.unit.scope.to_string())
    .bind(entry.unit.dataset.as_str())
    .bind(period)
    .bind(days)
    .bind(entry.run_time.0)
    .bind(&entry.content)
    .bind(i64::from(entry.incomplete))
    .bind(i64::from(entry.empty))
    .bind(entry.unit.publishers.as_str())
    .execute(connection)
    .await
    .map_err(CatalogError::database("take over an import"))?;
    Ok(())
}

fn holding(row: &sqlx::sqlite::SqliteRow) -> Result<Holding, CatalogError> {
    let text = |index: usize| row.get::<String, _>(index);
    let foreign = |what, value: String| CatalogError::Foreign { what, value };
    let period = BillingPeriod::parse(&text(4)).map_err(|_| foreign("a billing period", text(4)))?;
    let coverage = match row.get::<Option<String>, _>(5) {
        None => Coverage::Period(period),
        Some(days) => {
            let days = days.parse::<DateRange>().map_err(|_| foreign("a range of days", days.clone()))?;
            Coverage::Days(period, days)
        }
    };
    let run_time = row.get::<i64, _>(6).max(row.get::<Option<i64>, _>(9).unwrap_or(i64::MIN));
    Ok(Holding {
        unit: Unit {
            enrollment: EnrollmentId::parse(&text(1)).map_err(|_| foreign("an enrollment number", text(1)))?,
            scope: Scope::parse(&text(2)).map_err(|_| foreign("a scope", text(2)))?,
            publishers: Publishers::parse(&text(11)).ok_or_else(|| foreign("publishers", text(11)))?,
            dataset: text(3).parse().map_err(|_| foreign("a dataset", text(3)))?,
            coverage,
        },
        run_time: RunTime(run_time),
        content: text(7),
        revision: row.get::<i64, _>(0).to_string(),
        incomplete: row.get::<i64, _>(8) != 0,
        empty: row.get::<i64, _>(10) != 0,
    })
}
