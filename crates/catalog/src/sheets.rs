//! Sheets: prices and what is said of reservations. An import of them is one transaction; every earlier revision stays.

use std::fmt;

use calendar::{Date, DateRange};
use ledger::{BalanceVerdict, EnrollmentId, HeldRun, RunTime, SheetKind, SheetUnit, judge_balance};
use money::Currency;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::audit::{AuditEntry, write};
use crate::balances::currency_of;
use crate::enrollments::{learn_enrollment, number};
use crate::imports::EnrollmentEntry;
use crate::native::is_native;
use crate::{Catalog, CatalogError};

const COLUMNS: &str = "id, enrollment, kind, day, reservation_order, reservation, row_count, content, source, incomplete, \
                       run_time, confirmed_run_time, imported_at";

/// The revision of a sheet; it prints as `s7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SheetRevision(i64);

impl fmt::Display for SheetRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// A sheet as an import brings it.
#[derive(Debug, Clone)]
pub struct SheetEntry {
    /// What it replaces.
    pub unit: SheetUnit,
    /// Number of its rows.
    pub rows: u64,
    /// Its rows, in pages as they are stored.
    pub pages: Vec<Vec<u8>>,
    /// Identifies the rows.
    pub content: String,
    /// Identify the files that they came in; at least one.
    pub sources: Vec<String>,
    /// Whether the answer went on at an address that is not here.
    pub incomplete: bool,
}

/// An import of sheets.
#[derive(Debug, Clone)]
pub struct SheetImport<'a> {
    /// Whose.
    pub enrollment: &'a EnrollmentId,
    /// The currency of their amounts, if any says it.
    pub currency: Option<Currency>,
    /// What it brings; each unit once.
    pub entries: &'a [SheetEntry],
    /// When the sources were made.
    pub run_time: RunTime,
    /// Whether somebody said so; then the same rows again make runs between the two stale.
    pub run_time_is_stated: bool,
    /// Replace newer runs and the same rows too.
    pub force: bool,
    /// Judge, but change nothing.
    pub dry_run: bool,
    /// Who imports.
    pub actor: &'a str,
    /// Milliseconds since 1970.
    pub now_ms: i64,
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetOutcome {
    /// It is held; a dry run has no revision.
    Held {
        /// Its revision.
        revision: Option<SheetRevision>,
        /// How many rows the sheet has whose place it takes.
        replaced_rows: Option<u64>,
    },
    /// Its rows were held already.
    Unchanged {
        /// The revision that holds them.
        revision: SheetRevision,
    },
    /// A newer run is held: nothing of the import was taken.
    Stale {
        /// The revision that is newer.
        revision: SheetRevision,
        /// When its source was made.
        run_time: RunTime,
    },
    /// A whole answer is held, and this one lacks its end: nothing of the import was taken.
    LessThanHeld {
        /// The revision that is whole.
        revision: SheetRevision,
    },
    /// The enrollment is billed in another currency: nothing of the import was taken.
    OtherCurrency {
        /// The enrollment's.
        known: Currency,
    },
    /// The enrollment is native: its prices and reservations are its operator's. Nothing of the import was taken.
    Native,
}

impl SheetOutcome {
    fn is_refusal(&self) -> bool {
        !matches!(self, Self::Held { .. } | Self::Unchanged { .. })
    }
}

/// A sheet that is held, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSheet {
    /// Its revision.
    pub revision: SheetRevision,
    /// Whose, as its source or an option wrote it.
    pub enrollment: EnrollmentId,
    /// What it is about.
    pub unit: SheetUnit,
    /// Number of its rows.
    pub rows: u64,
    /// Identifies the rows.
    pub content: String,
    /// Identifies the file that they came in first.
    pub source: String,
    /// Whether the answer went on at an address that was not imported.
    pub incomplete: bool,
    /// The latest run that brought it.
    pub run_time: RunTime,
    /// Milliseconds since 1970.
    pub imported_at_ms: i64,
}

/// Which sheets are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetQuestion<'a> {
    /// Whose.
    pub enrollment: &'a EnrollmentId,
    /// What their rows are.
    pub kind: SheetKind,
    /// The days under which they are held, both ends included; `None` for all.
    pub days: Option<DateRange>,
    /// A reservation order.
    pub order: Option<&'a str>,
    /// A reservation.
    pub reservation: Option<&'a str>,
}

/// The sheets of one kind that are held of an enrollment, in sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetsHeld {
    /// Whose, as a source or an option wrote it.
    pub enrollment: EnrollmentId,
    /// What their rows are.
    pub kind: SheetKind,
    /// The first and the last day, or first day of a month, that there is a sheet of.
    pub days: (Date, Date),
    /// How many sheets.
    pub sheets: u64,
    /// How many rows they have.
    pub rows: u64,
    /// How many of them lack rows of their answers.
    pub incomplete: u64,
    /// The newest revision among them.
    pub revision: SheetRevision,
    /// When that was imported, in milliseconds since 1970.
    pub imported_at_ms: i64,
}

impl Catalog {
    /// Takes sheets, all or none, and says what became of each. `written` is called when all is written but not committed:
    /// a test's last moment to end the program.
    pub async fn take_sheets(
        &self,
        import: &SheetImport<'_>,
        written: &(dyn Fn() + Sync),
    ) -> Result<Vec<SheetOutcome>, CatalogError> {
        let doing = || CatalogError::database("take sheets");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let refusal = refusal(&mut transaction, import).await?;
        let mut outcomes = Vec::with_capacity(import.entries.len());
        if refusal.is_none() {
            learn(&mut transaction, import).await?;
            for entry in import.entries {
                outcomes.push(take(&mut transaction, import, entry).await?);
            }
        }
        outcomes.extend(refusal);
        if import.dry_run || outcomes.iter().any(SheetOutcome::is_refusal) {
            transaction.rollback().await.map_err(doing())?;
            let not_written = |outcome| match outcome {
                SheetOutcome::Held { replaced_rows, .. } => SheetOutcome::Held { revision: None, replaced_rows },
                other => other,
            };
            return Ok(outcomes.into_iter().map(not_written).collect());
        }
        for entry in audit_entries(import, &outcomes) {
            write(&mut transaction, &entry).await?;
        }
        written();
        transaction.commit().await.map_err(doing())?;
        Ok(outcomes)
    }

    /// The sheets that are held, by day and reservation.
    pub async fn sheets(&self, question: &SheetQuestion<'_>) -> Result<Vec<HeldSheet>, CatalogError> {
        let (first, last) = match question.days {
            Some(days) => (days.start().to_string(), days.end().to_string()),
            None => (Date::MIN.to_string(), Date::MAX.to_string()),
        };
        let lower = |text: Option<&str>| text.map(str::to_ascii_lowercase);
        let query = format!(
            "SELECT {COLUMNS} FROM sheets WHERE id IN (SELECT MAX(id) FROM sheets WHERE enrollment = ?1 AND kind = ?2 \
             AND day BETWEEN ?3 AND ?4 AND (?5 IS NULL OR reservation_order = ?5) AND (?6 IS NULL OR reservation = ?6) \
             GROUP BY day, reservation_order, reservation) ORDER BY day, reservation_order, reservation"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(question.enrollment.as_str())
            .bind(question.kind.as_str())
            .bind(first)
            .bind(last)
            .bind(lower(question.order))
            .bind(lower(question.reservation))
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("look up sheets"))?;
        rows.iter().map(held).collect()
    }

    /// What sheets were held at an instant, by enrollment and kind; `None` for now.
    pub async fn sheets_held(&self, at_ms: Option<i64>) -> Result<Vec<SheetsHeld>, CatalogError> {
        let rows = sqlx::query(
            "SELECT MAX(enrollment), kind, MIN(day), MAX(day), COUNT(*), SUM(row_count), SUM(incomplete), MAX(id), \
             MAX(imported_at) FROM sheets WHERE id IN (SELECT MAX(id) FROM sheets WHERE imported_at <= ? \
             GROUP BY enrollment, kind, day, reservation_order, reservation) GROUP BY enrollment, kind \
             ORDER BY enrollment, kind",
        )
        .bind(at_ms.unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list the sheets that are held"))?;
        let count = |row: &SqliteRow, index: usize| u64::try_from(row.get::<i64, _>(index)).unwrap_or_default();
        let held = |row: &SqliteRow| {
            Ok(SheetsHeld {
                enrollment: number(&row.get::<String, _>(0))?,
                kind: kind(row.get(1))?,
                days: (day(row.get(2))?, day(row.get(3))?),
                sheets: count(row, 4),
                rows: count(row, 5),
                incomplete: count(row, 6),
                revision: SheetRevision(row.get(7)),
                imported_at_ms: row.get(8),
            })
        };
        rows.iter().map(held).collect()
    }

    /// The days of the sheets that an enrollment has of a kind, oldest first.
    pub async fn sheet_days(&self, enrollment: &EnrollmentId, kind: SheetKind) -> Result<Vec<Date>, CatalogError> {
        let days: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT day FROM sheets WHERE enrollment = ? AND kind = ? ORDER BY day")
                .bind(enrollment.as_str())
                .bind(kind.as_str())
                .fetch_all(&self.pool)
                .await
                .map_err(CatalogError::database("list the days of sheets"))?;
        days.into_iter().map(day).collect()
    }

    /// A page of a sheet's rows, as it is stored; `None` behind the last one.
    pub async fn sheet_page(&self, revision: SheetRevision, page: u64) -> Result<Option<Vec<u8>>, CatalogError> {
        sqlx::query_scalar("SELECT rows FROM sheet_pages WHERE sheet = ? AND page = ?")
            .bind(revision.0)
            .bind(i64::try_from(page).unwrap_or(i64::MAX))
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("read a page of a sheet"))
    }

    /// A sheet by its revision's number.
    pub async fn sheet(&self, revision: i64) -> Result<Option<HeldSheet>, CatalogError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM sheets WHERE id = ?")))
            .bind(revision)
            .fetch_optional(&self.pool)
            .await
            .map_err(CatalogError::database("look up a sheet"))?;
        row.as_ref().map(held).transpose()
    }

    /// Identify the files that rows of sheets came in behind their first one.
    pub async fn sheet_sources(&self) -> Result<Vec<String>, CatalogError> {
        sqlx::query_scalar("SELECT DISTINCT source FROM sheet_sources ORDER BY source")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the sources of sheets"))
    }

    /// Every revision of every sheet, in the order of import.
    pub async fn sheet_revisions(&self) -> Result<Vec<HeldSheet>, CatalogError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM sheets ORDER BY id")))
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the sheets"))?;
        rows.iter().map(held).collect()
    }
}

impl SheetRevision {
    /// Its number.
    pub fn number(self) -> i64 {
        self.0
    }
}

/// Why nothing of an import can be taken, whatever its rows are.
async fn refusal(
    connection: &mut SqliteConnection,
    import: &SheetImport<'_>,
) -> Result<Option<SheetOutcome>, CatalogError> {
    if is_native(connection, import.enrollment).await? {
        return Ok(Some(SheetOutcome::Native));
    }
    let known = currency_of(connection, import.enrollment).await?;
    match (known, import.currency) {
        (Some(known), Some(given)) if known != given => Ok(Some(SheetOutcome::OtherCurrency { known })),
        _ => Ok(None),
    }
}

async fn learn(connection: &mut SqliteConnection, import: &SheetImport<'_>) -> Result<(), CatalogError> {
    let enrollment = EnrollmentEntry {
        number: import.enrollment.clone(),
        name: None,
        currency: import.currency,
        places: Vec::new(),
    };
    learn_enrollment(connection, &enrollment, import.now_ms).await
}

async fn take(
    connection: &mut SqliteConnection,
    import: &SheetImport<'_>,
    entry: &SheetEntry,
) -> Result<SheetOutcome, CatalogError> {
    let doing = || CatalogError::database("take a sheet");
    let before = newest(connection, import.enrollment, &entry.unit).await?;
    let run = before.as_ref().map(|held| HeldRun { content: &held.content, run_time: held.run_time });
    let new = HeldRun { content: &entry.content, run_time: import.run_time };
    match (judge_balance(run, new, import.force), before.as_ref()) {
        // The same rows, but now the end of their answer is there too.
        (BalanceVerdict::Unchanged, Some(held)) if held.incomplete && !entry.incomplete => {}
        (BalanceVerdict::Unchanged, Some(held)) => {
            if import.run_time_is_stated && held.run_time < import.run_time {
                sqlx::query("UPDATE sheets SET confirmed_run_time = ? WHERE id = ?")
                    .bind(import.run_time.0)
                    .bind(held.revision.0)
                    .execute(connection)
                    .await
                    .map_err(doing())?;
            }
            return Ok(SheetOutcome::Unchanged { revision: held.revision });
        }
        (BalanceVerdict::Stale, Some(held)) => {
            return Ok(SheetOutcome::Stale { revision: held.revision, run_time: held.run_time });
        }
        (_, Some(held)) if entry.incomplete && !held.incomplete && !import.force => {
            return Ok(SheetOutcome::LessThanHeld { revision: held.revision });
        }
        _ => {}
    }
    // The same rows with their end are no older than without it, whenever their answer was made.
    let confirmed = before.as_ref().filter(|held| held.content == entry.content).map(|held| held.run_time);
    let run_time = confirmed.map_or(import.run_time, |held| held.max(import.run_time));
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO sheets (enrollment, kind, day, reservation_order, reservation, row_count, content, source, \
         incomplete, run_time, imported_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(import.enrollment.as_str())
    .bind(entry.unit.kind.as_str())
    .bind(entry.unit.day.to_string())
    .bind(&entry.unit.reservation.0)
    .bind(&entry.unit.reservation.1)
    .bind(i64::try_from(entry.rows).unwrap_or(i64::MAX))
    .bind(&entry.content)
    .bind(entry.sources.first().map(String::as_str).unwrap_or_default())
    .bind(i64::from(entry.incomplete))
    .bind(run_time.0)
    .bind(import.now_ms)
    .fetch_one(&mut *connection)
    .await
    .map_err(doing())?;
    for source in entry.sources.iter().skip(1) {
        sqlx::query("INSERT OR IGNORE INTO sheet_sources (sheet, source) VALUES (?, ?)")
            .bind(id)
            .bind(source)
            .execute(&mut *connection)
            .await
            .map_err(doing())?;
    }
    for (page, rows) in (0_i64..).zip(&entry.pages) {
        sqlx::query("INSERT INTO sheet_pages (sheet, page, rows) VALUES (?, ?, ?)")
            .bind(id)
            .bind(page)
            .bind(rows)
            .execute(&mut *connection)
            .await
            .map_err(doing())?;
    }
    let replaced_rows = before.map(|held| held.rows);
    Ok(SheetOutcome::Held { revision: Some(SheetRevision(id)), replaced_rows })
}

async fn newest(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    unit: &SheetUnit,
) -> Result<Option<HeldSheet>, CatalogError> {
    let query = format!(
        "SELECT {COLUMNS} FROM sheets WHERE enrollment = ? AND kind = ? AND day = ? AND reservation_order = ? AND \
         reservation = ? ORDER BY id DESC LIMIT 1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(enrollment.as_str())
        .bind(unit.kind.as_str())
        .bind(unit.day.to_string())
        .bind(&unit.reservation.0)
        .bind(&unit.reservation.1)
        .fetch_optional(connection)
        .await
        .map_err(CatalogError::database("look up a sheet"))?;
    row.as_ref().map(held).transpose()
}

fn kind(text: String) -> Result<SheetKind, CatalogError> {
    SheetKind::parse(&text).ok_or(CatalogError::Foreign { what: "a kind of sheet", value: text })
}

fn day(text: String) -> Result<Date, CatalogError> {
    Date::parse_iso(&text).map_err(|_| CatalogError::Foreign { what: "a day", value: text })
}

fn held(row: &SqliteRow) -> Result<HeldSheet, CatalogError> {
    let text = |index: usize| row.get::<String, _>(index);
    Ok(HeldSheet {
        revision: SheetRevision(row.get(0)),
        enrollment: number(&text(1))?,
        unit: SheetUnit { kind: kind(text(2))?, day: day(text(3))?, reservation: (text(4), text(5)) },
        rows: u64::try_from(row.get::<i64, _>(6)).unwrap_or_default(),
        content: text(7),
        source: text(8),
        incomplete: row.get::<i64, _>(9) != 0,
        run_time: RunTime(row.get::<i64, _>(10).max(row.get::<Option<i64>, _>(11).unwrap_or(i64::MIN))),
        imported_at_ms: row.get(12),
    })
}

/// What the audit log says about an import: an entry for each kind, with the days of what is new.
fn audit_entries(import: &SheetImport<'_>, outcomes: &[SheetOutcome]) -> Vec<AuditEntry> {
    let of_kind = |kind: SheetKind| {
        let new = import.entries.iter().zip(outcomes).filter(|(entry, outcome)| {
            entry.unit.kind == kind && matches!(outcome, SheetOutcome::Held { revision: Some(_), .. })
        });
        let days: Vec<Date> = new.map(|(entry, _)| entry.unit.day).collect();
        let (first, last) = (days.iter().min()?, days.iter().max()?);
        Some(AuditEntry {
            at_ms: import.now_ms,
            actor: if import.actor.is_empty() { "unknown".to_owned() } else { import.actor.to_owned() },
            action: "import".to_owned(),
            enrollment: Some(import.enrollment.clone()),
            target: kind.to_string(),
            detail: format!("{} sheets of {first} to {last}", days.len()),
            times: 1,
        })
    };
    SheetKind::ALL.into_iter().filter_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AuditFilter;

    fn entry(kind: SheetKind, day: &str, reservation: &str, content: &str) -> SheetEntry {
        SheetEntry {
            unit: SheetUnit::of(kind, day.parse().unwrap(), ("Order", reservation)),
            rows: 2,
            pages: vec![content.as_bytes().to_vec(), b"more".to_vec()],
            content: content.to_owned(),
            sources: vec!["source".to_owned(), "second".to_owned()],
            incomplete: false,
        }
    }

    fn import<'a>(enrollment: &'a EnrollmentId, entries: &'a [SheetEntry], at: i64) -> SheetImport<'a> {
        SheetImport {
            enrollment,
            currency: Some("USD".parse().unwrap()),
            entries,
            run_time: RunTime(at),
            run_time_is_stated: true,
            force: false,
            dry_run: false,
            actor: "tester",
            now_ms: at,
        }
    }

    async fn catalog() -> (tempfile::TempDir, Catalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        (folder, catalog)
    }

    #[tokio::test]
    async fn each_unit_is_replaced_by_newer_runs_and_an_import_is_whole() {
        let (_folder, catalog) = catalog().await;
        let enrollment = EnrollmentId::parse("aB").unwrap();
        let details = SheetKind::ReservationDetails;
        let first = [entry(details, "2024-01-01", "R1", "a"), entry(details, "2024-01-02", "R1", "b")];
        let taken = catalog.take_sheets(&import(&enrollment, &first, 5), &|| {}).await.unwrap();
        assert!(taken.iter().all(|outcome| matches!(outcome, SheetOutcome::Held { revision: Some(_), .. })));
        let again = catalog.take_sheets(&import(&enrollment, &first, 9), &|| {}).await.unwrap();
        assert!(again.iter().all(|outcome| matches!(outcome, SheetOutcome::Unchanged { .. })));

        // One of two is older than what was confirmed: neither is taken.
        let mixed = [entry(details, "2024-01-02", "R1", "c"), entry(details, "2024-01-03", "R1", "d")];
        let refused = catalog.take_sheets(&import(&enrollment, &mixed, 7), &|| {}).await.unwrap();
        assert!(matches!(refused[0], SheetOutcome::Stale { run_time: RunTime(9), .. }), "{refused:?}");
        catalog.take_sheets(&import(&enrollment, &mixed, 10), &|| {}).await.unwrap();

        let other = EnrollmentId::parse("AB").unwrap();
        let question = SheetQuestion {
            enrollment: &other,
            kind: details,
            days: None,
            order: Some("ORDER"),
            reservation: Some("r1"),
        };
        let held = catalog.sheets(&question).await.unwrap();
        let contents: Vec<&str> = held.iter().map(|sheet| sheet.content.as_str()).collect();
        assert_eq!(contents, ["a", "c", "d"]);
        let days = Some("2024-01-02..2024-01-02".parse().unwrap());
        assert_eq!(catalog.sheets(&SheetQuestion { days, ..question.clone() }).await.unwrap().len(), 1);
        assert_eq!(catalog.sheets(&SheetQuestion { order: Some("x"), ..question }).await.unwrap(), []);
        assert_eq!(catalog.sheet_page(held[1].revision, 0).await.unwrap().unwrap(), b"c");
        assert_eq!(catalog.sheet_page(held[1].revision, 2).await.unwrap(), None);
        assert_eq!(catalog.sheet_revisions().await.unwrap().len(), 4);
        let own = catalog.sheets_held(None).await.unwrap().remove(0);
        assert_eq!((own.sheets, own.rows, own.days.1.to_string().as_str()), (3, 6, "2024-01-03"));
        assert_eq!(catalog.sheets_held(Some(4)).await.unwrap(), []);
        assert_eq!(catalog.sheet_sources().await.unwrap(), ["second"]);
        assert_eq!(catalog.audit(&AuditFilter { limit: 9, ..AuditFilter::default() }).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn another_currency_and_answers_without_end_are_refused() {
        let (_folder, catalog) = catalog().await;
        let enrollment = EnrollmentId::parse("1").unwrap();
        let whole = [entry(SheetKind::Prices, "2024-01-20", "", "a")];
        catalog.take_sheets(&import(&enrollment, &whole, 5), &|| {}).await.unwrap();
        let euro = SheetImport { currency: Some("EUR".parse().unwrap()), ..import(&enrollment, &whole, 6) };
        let refused = catalog.take_sheets(&euro, &|| {}).await.unwrap();
        assert_eq!(refused, [SheetOutcome::OtherCurrency { known: "USD".parse().unwrap() }]);
        let part = [SheetEntry { incomplete: true, ..entry(SheetKind::Prices, "2024-01-02", "", "b") }];
        let refused = catalog.take_sheets(&import(&enrollment, &part, 6), &|| {}).await.unwrap();
        assert!(matches!(refused[..], [SheetOutcome::LessThanHeld { .. }]), "{refused:?}");
        let forced = SheetImport { force: true, ..import(&enrollment, &part, 6) };
        assert!(matches!(catalog.take_sheets(&forced, &|| {}).await.unwrap()[..], [SheetOutcome::Held { .. }]));
        // The same rows with their end are whole from then on.
        let ended = [entry(SheetKind::Prices, "2024-01-02", "", "b")];
        let taken = catalog.take_sheets(&import(&enrollment, &ended, 7), &|| {}).await.unwrap();
        assert!(matches!(taken[..], [SheetOutcome::Held { replaced_rows: Some(2), .. }]), "{taken:?}");
        let again = catalog.take_sheets(&import(&enrollment, &part, 8), &|| {}).await.unwrap();
        assert!(matches!(again[..], [SheetOutcome::Unchanged { .. }]), "{again:?}");
        assert_eq!(catalog.sheets_held(None).await.unwrap()[0].incomplete, 0);
        // Such an enrollment is not billed here.
        let mirrored = catalog.mirrored(&enrollment).await.unwrap();
        assert_eq!(mirrored.as_deref(), Some("priceSheet of revision s3"));
        assert_eq!(catalog.mirrored(&EnrollmentId::parse("2").unwrap()).await.unwrap(), None);
    }
}
