//! Enrollments and the hierarchy that their rows name.

use std::collections::BTreeSet;

use ledger::{EnrollmentId, Place};
use money::Currency;
use sqlx::{Row, SqliteConnection};

use crate::hierarchy::generate_ids;
use crate::imports::EnrollmentEntry;
use crate::{Catalog, CatalogError};

/// An enrollment that the store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// Its number, as first seen.
    pub number: EnrollmentId,
    /// Its name, if a row gave one.
    pub name: Option<String>,
    /// Its one currency, once a row or an option gave it.
    pub currency: Option<Currency>,
}

impl Catalog {
    /// All enrollments, by number.
    pub async fn enrollments(&self) -> Result<Vec<Enrollment>, CatalogError> {
        let rows = sqlx::query("SELECT number, name, currency FROM enrollments ORDER BY number")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the enrollments"))?;
        rows.iter().map(enrollment).collect()
    }

    /// An enrollment by number, without regard to case.
    pub async fn enrollment(&self, number: &str) -> Result<Option<Enrollment>, CatalogError> {
        let asked = async {
            let row = sqlx::query("SELECT number, name, currency FROM enrollments WHERE number = ?")
                .bind(number)
                .fetch_optional(&self.pool)
                .await
                .map_err(CatalogError::database("look up an enrollment"))?;
            row.as_ref().map(enrollment).transpose()
        };
        self.remembered(|known| &mut known.enrollments, number, asked).await
    }

    /// The places that rows of an enrollment name, in imports of which anything is held.
    pub async fn places(&self, enrollment: &EnrollmentId) -> Result<Vec<Place>, CatalogError> {
        let doing = || CatalogError::database("list the hierarchy");
        let replaced = self.replaced_versions(enrollment).await?;
        let rows = sqlx::query(
            "SELECT department_id, department_name, account_id, account_name, account_owner, subscription_id, \
             subscription_name, version FROM places WHERE enrollment = ?",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(doing())?;
        let place = |row: &sqlx::sqlite::SqliteRow| {
            let parts: [String; 7] = std::array::from_fn(|index| row.get(index));
            Place::from_parts(parts.each_ref().map(|part| Some(part.as_str())))
        };
        let held = rows.iter().filter(|row| !replaced.contains(&row.get::<i64, _>(7)));
        Ok(held.map(place).collect::<BTreeSet<Place>>().into_iter().collect())
    }

    /// Versions of imports of which nothing is held any more.
    async fn replaced_versions(&self, enrollment: &EnrollmentId) -> Result<BTreeSet<i64>, CatalogError> {
        let brought: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT i.version FROM import_units u JOIN imports i ON i.id = u.import_id WHERE u.enrollment = ?",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list the imports of an enrollment"))?;
        let mut replaced: BTreeSet<i64> = brought.into_iter().collect();
        for holding in self.held_at(u64::MAX).await?.iter().filter(|holding| holding.unit.enrollment == *enrollment) {
            if let Ok(version) = holding.revision.parse() {
                replaced.remove(&version);
            }
        }
        Ok(replaced)
    }
}

/// An enrollment number that this program stored.
pub(crate) fn number(text: &str) -> Result<EnrollmentId, CatalogError> {
    EnrollmentId::parse(text)
        .map_err(|_| CatalogError::Foreign { what: "an enrollment number", value: text.to_owned() })
}

fn enrollment(row: &sqlx::sqlite::SqliteRow) -> Result<Enrollment, CatalogError> {
    let (number, currency): (String, Option<String>) = (row.get(0), row.get(2));
    let foreign = |what, value: &String| CatalogError::Foreign { what, value: value.clone() };
    Ok(Enrollment {
        number: self::number(&number)?,
        name: row.get(1),
        currency: currency
            .map(|currency| currency.parse().map_err(|_| foreign("a currency", &currency)))
            .transpose()?,
    })
}

/// Learns an enrollment. Its currency, once known, never changes: the importer judges that before it commits.
pub(crate) async fn learn_enrollment(
    connection: &mut SqliteConnection,
    entry: &EnrollmentEntry,
    now_ms: i64,
) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO enrollments (number, name, currency, created_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (number) DO UPDATE SET name = COALESCE(excluded.name, name), \
         currency = COALESCE(currency, excluded.currency)",
    )
    .bind(entry.number.as_str())
    .bind(entry.name.as_deref())
    .bind(entry.currency.map(|currency| currency.to_string()))
    .bind(now_ms)
    .execute(&mut *connection)
    .await
    .map_err(CatalogError::database("learn an enrollment"))?;
    Ok(())
}

/// Learns places. Real files hold one name with many ids and one id with many names: nothing is refused (DESIGN 4.6).
pub(crate) async fn learn_places(
    connection: &mut SqliteConnection,
    entry: &EnrollmentEntry,
    version: i64,
) -> Result<(), CatalogError> {
    for place in &entry.places {
        let mut query = sqlx::query(
            "INSERT INTO places (enrollment, department_id, department_name, account_id, account_name, account_owner, \
             subscription_id, subscription_name, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(entry.number.as_str());
        for part in place.parts() {
            query = query.bind(part.unwrap_or_default());
        }
        query.bind(version).execute(&mut *connection).await.map_err(CatalogError::database("learn the hierarchy"))?;
    }
    generate_ids(connection, &entry.number, &entry.places).await
}
