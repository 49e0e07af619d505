//! Balance summaries. An import of them, for mirrored periods, is one transaction; those of native periods come with their
//! billing run. Every earlier revision stays.

use std::fmt;

use calendar::BillingPeriod;
use ledger::{BalanceSummary, BalanceVerdict, EnrollmentId, HeldRun, RunTime, judge_balance};
use money::Currency;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::audit::{AuditEntry, write};
use crate::enrollments::{learn_enrollment, number};
use crate::imports::EnrollmentEntry;
use crate::native::is_native;
use crate::{Catalog, CatalogError};

const COLUMNS: &str = "id, enrollment, period, document, content, source, run_time, confirmed_run_time, imported_at";

/// The revision of a balance summary; it prints as `b7`. Revisions of charges are numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BalanceRevision(i64);

impl fmt::Display for BalanceRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

/// A balance summary as an import brings it.
#[derive(Debug, Clone)]
pub struct BalanceEntry {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Of which month.
    pub period: BillingPeriod,
    /// What it says.
    pub summary: BalanceSummary,
    /// Identifies the bytes of the summary.
    pub content: String,
    /// Identifies the file that it came in.
    pub source: String,
}

/// An import of balance summaries.
#[derive(Debug, Clone)]
pub struct BalanceImport<'a> {
    /// What it brings; each billing period of an enrollment once.
    pub entries: &'a [BalanceEntry],
    /// When the sources were made.
    pub run_time: RunTime,
    /// Whether somebody said so; then the same bytes again make runs between the two stale.
    pub run_time_is_stated: bool,
    /// Replace newer runs and the same bytes too.
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
pub enum BalanceOutcome {
    /// It is held; a dry run has no revision.
    Held {
        /// Its revision.
        revision: Option<BalanceRevision>,
        /// The one that it replaces.
        replaces: Option<BalanceRevision>,
    },
    /// Its bytes were held already.
    Unchanged {
        /// The revision that holds them.
        revision: BalanceRevision,
    },
    /// A newer run is held: nothing of the import was taken.
    Stale {
        /// The revision that is newer.
        revision: BalanceRevision,
        /// When its source was made.
        run_time: RunTime,
    },
    /// The enrollment is billed in another currency: nothing of the import was taken.
    OtherCurrency {
        /// The enrollment's.
        known: Currency,
    },
    /// The enrollment is native: its balances are computed. Nothing of the import was taken.
    Native,
}

/// A balance summary that is held, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBalance {
    /// Its revision.
    pub revision: BalanceRevision,
    /// Whose, as its source wrote it.
    pub enrollment: EnrollmentId,
    /// Of which month.
    pub period: BillingPeriod,
    /// What it says.
    pub summary: BalanceSummary,
    /// Identifies the bytes of the summary.
    pub content: String,
    /// Identifies the file that it came in.
    pub source: String,
    /// The latest run that brought it.
    pub run_time: RunTime,
    /// Milliseconds since 1970.
    pub imported_at_ms: i64,
}

impl Catalog {
    /// Takes balance summaries, all or none, and says what became of each. `written` is called when all is written but not
    /// committed: a test's last moment to end the program.
    pub async fn take_balances(
        &self,
        import: &BalanceImport<'_>,
        written: &(dyn Fn() + Sync),
    ) -> Result<Vec<BalanceOutcome>, CatalogError> {
        let doing = || CatalogError::database("take balance summaries");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        let mut outcomes = Vec::with_capacity(import.entries.len());
        for entry in import.entries {
            outcomes.push(take(&mut transaction, import, entry).await?);
        }
        let refused = |outcome: &BalanceOutcome| {
            let (stale, native) = (matches!(outcome, BalanceOutcome::Stale { .. }), *outcome == BalanceOutcome::Native);
            stale || native || matches!(outcome, BalanceOutcome::OtherCurrency { .. })
        };
        if import.dry_run || outcomes.iter().any(refused) {
            transaction.rollback().await.map_err(doing())?;
            return Ok(outcomes.into_iter().map(not_written).collect());
        }
        for entry in audit_entries(import, &outcomes) {
            write(&mut transaction, &entry).await?;
        }
        written();
        transaction.commit().await.map_err(doing())?;
        Ok(outcomes)
    }

    /// The balance summary that is held for a billing period.
    pub async fn balance(
        &self,
        enrollment: &EnrollmentId,
        period: BillingPeriod,
    ) -> Result<Option<HeldBalance>, CatalogError> {
        let mut connection = self.pool.acquire().await.map_err(CatalogError::database("look up a balance summary"))?;
        newest(&mut connection, enrollment, period).await
    }

    /// The billing periods for which an enrollment has a balance summary, oldest first.
    pub async fn balance_periods(&self, enrollment: &EnrollmentId) -> Result<Vec<BillingPeriod>, CatalogError> {
        let periods: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT period FROM balances WHERE enrollment = ? ORDER BY period")
                .bind(enrollment.as_str())
                .fetch_all(&self.pool)
                .await
                .map_err(CatalogError::database("list the periods of balance summaries"))?;
        let parse = |text: String| {
            BillingPeriod::parse(&text).map_err(|_| CatalogError::Foreign { what: "a billing period", value: text })
        };
        periods.into_iter().map(parse).collect()
    }

    /// All balance summaries that were held at an instant, by enrollment and period; `None` for now.
    pub async fn balances(&self, at_ms: Option<i64>) -> Result<Vec<HeldBalance>, CatalogError> {
        let query = format!(
            "SELECT {COLUMNS} FROM balances WHERE id IN (SELECT MAX(id) FROM balances WHERE imported_at <= ? \
             GROUP BY enrollment, period) ORDER BY enrollment, period"
        );
        self.list(query, at_ms.unwrap_or(i64::MAX)).await
    }

    /// Every revision of every balance summary, in the order of import.
    pub async fn balance_revisions(&self) -> Result<Vec<HeldBalance>, CatalogError> {
        self.list(format!("SELECT {COLUMNS} FROM balances WHERE imported_at <= ? ORDER BY id"), i64::MAX).await
    }

    async fn list(&self, query: String, at_ms: i64) -> Result<Vec<HeldBalance>, CatalogError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(at_ms)
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the balance summaries"))?;
        rows.iter().map(held).collect()
    }
}

fn not_written(outcome: BalanceOutcome) -> BalanceOutcome {
    match outcome {
        BalanceOutcome::Held { replaces, .. } => BalanceOutcome::Held { revision: None, replaces },
        other => other,
    }
}

async fn take(
    connection: &mut SqliteConnection,
    import: &BalanceImport<'_>,
    entry: &BalanceEntry,
) -> Result<BalanceOutcome, CatalogError> {
    let doing = || CatalogError::database("take a balance summary");
    if is_native(connection, &entry.enrollment).await? {
        return Ok(BalanceOutcome::Native);
    }
    let before = newest(connection, &entry.enrollment, entry.period).await?;
    let run = before.as_ref().map(|held| HeldRun { content: &held.content, run_time: held.run_time });
    let new = HeldRun { content: &entry.content, run_time: import.run_time };
    match (judge_balance(run, new, import.force), before.as_ref()) {
        (BalanceVerdict::Unchanged, Some(held)) => {
            if import.run_time_is_stated && held.run_time < import.run_time {
                sqlx::query("UPDATE balances SET confirmed_run_time = ? WHERE id = ?")
                    .bind(import.run_time.0)
                    .bind(held.revision.0)
                    .execute(connection)
                    .await
                    .map_err(doing())?;
            }
            return Ok(BalanceOutcome::Unchanged { revision: held.revision });
        }
        (BalanceVerdict::Stale, Some(held)) => {
            return Ok(BalanceOutcome::Stale { revision: held.revision, run_time: held.run_time });
        }
        _ => {}
    }
    if let Some(known) = currency_of(connection, &entry.enrollment).await?.filter(|own| *own != entry.summary.currency)
    {
        return Ok(BalanceOutcome::OtherCurrency { known });
    }
    let enrollment = EnrollmentEntry {
        number: entry.enrollment.clone(),
        name: None,
        currency: Some(entry.summary.currency),
        places: Vec::new(),
    };
    learn_enrollment(connection, &enrollment, import.now_ms).await?;
    let document = serde_json::to_string(&entry.summary).expect("a summary is plain data");
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO balances (enrollment, period, document, content, source, run_time, imported_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(entry.enrollment.as_str())
    .bind(entry.period.to_string())
    .bind(document)
    .bind(&entry.content)
    .bind(&entry.source)
    .bind(import.run_time.0)
    .bind(import.now_ms)
    .fetch_one(connection)
    .await
    .map_err(doing())?;
    Ok(BalanceOutcome::Held { revision: Some(BalanceRevision(id)), replaces: before.map(|held| held.revision) })
}

pub(crate) async fn currency_of(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
) -> Result<Option<Currency>, CatalogError> {
    let known: Option<Option<String>> = sqlx::query_scalar("SELECT currency FROM enrollments WHERE number = ?")
        .bind(enrollment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(CatalogError::database("look up a currency"))?;
    let parse = |text: String| text.parse().map_err(|_| CatalogError::Foreign { what: "a currency", value: text });
    known.flatten().map(parse).transpose()
}

async fn newest(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    period: BillingPeriod,
) -> Result<Option<HeldBalance>, CatalogError> {
    let query = format!("SELECT {COLUMNS} FROM balances WHERE enrollment = ? AND period = ? ORDER BY id DESC LIMIT 1");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(enrollment.as_str())
        .bind(period.to_string())
        .fetch_optional(connection)
        .await
        .map_err(CatalogError::database("look up a balance summary"))?;
    row.as_ref().map(held).transpose()
}

fn held(row: &SqliteRow) -> Result<HeldBalance, CatalogError> {
    let text = |index: usize| row.get::<String, _>(index);
    let foreign = |what, value: String| CatalogError::Foreign { what, value };
    Ok(HeldBalance {
        revision: BalanceRevision(row.get(0)),
        enrollment: number(&text(1))?,
        period: BillingPeriod::parse(&text(2)).map_err(|_| foreign("a billing period", text(2)))?,
        summary: serde_json::from_str(&text(3)).map_err(|_| foreign("a balance summary", text(3)))?,
        content: text(4),
        source: text(5),
        run_time: RunTime(row.get::<i64, _>(6).max(row.get::<Option<i64>, _>(7).unwrap_or(i64::MIN))),
        imported_at_ms: row.get(8),
    })
}

/// What the audit log says about an import: an entry for each summary that is new.
fn audit_entries(import: &BalanceImport<'_>, outcomes: &[BalanceOutcome]) -> Vec<AuditEntry> {
    let entry = |(entry, outcome): (&BalanceEntry, &BalanceOutcome)| match outcome {
        BalanceOutcome::Held { revision: Some(revision), .. } => Some(AuditEntry {
            at_ms: import.now_ms,
            actor: if import.actor.is_empty() { "unknown".to_owned() } else { import.actor.to_owned() },
            action: "import".to_owned(),
            enrollment: Some(entry.enrollment.clone()),
            target: format!("revision {revision}"),
            detail: format!("balance summary {} of billingAccounts/{}", entry.period, entry.enrollment),
            times: 1,
        }),
        _ => None,
    };
    import.entries.iter().zip(outcomes).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use ledger::{Amount, BalanceAmount};

    use super::*;
    use crate::AuditFilter;

    fn entry(enrollment: &str, period: &str, ending: &str) -> BalanceEntry {
        BalanceEntry {
            enrollment: EnrollmentId::parse(enrollment).unwrap(),
            period: period.parse().unwrap(),
            summary: BalanceSummary {
                currency: "USD".parse().unwrap(),
                amounts: [(BalanceAmount::EndingBalance, Amount::parse(ending).unwrap())].into(),
                billing_frequency: None,
                price_hidden: None,
                new_purchases_details: None,
                adjustment_details: None,
                name: None,
            },
            content: format!("content {ending}"),
            source: format!("source {ending}"),
        }
    }

    fn import(entries: &[BalanceEntry], at: i64) -> BalanceImport<'_> {
        BalanceImport {
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

    async fn ending(catalog: &Catalog, enrollment: &str, period: &str) -> Option<String> {
        let enrollment = EnrollmentId::parse(enrollment).unwrap();
        let held = catalog.balance(&enrollment, period.parse().unwrap()).await.unwrap()?;
        held.summary.amount(BalanceAmount::EndingBalance).map(|amount| amount.to_string())
    }

    #[tokio::test]
    async fn an_import_is_taken_as_a_whole_or_not_at_all() {
        let (_folder, catalog) = catalog().await;
        let first = [entry("aB", "201702", "1.0"), entry("aB", "201703", "2")];
        let outcomes = catalog.take_balances(&import(&first, 5), &|| {}).await.unwrap();
        assert!(outcomes.iter().all(|one| matches!(one, BalanceOutcome::Held { revision: Some(_), replaces: None })));
        assert_eq!(ending(&catalog, "Ab", "201702").await.as_deref(), Some("1.0"));
        assert_eq!(ending(&catalog, "Ab", "201704").await, None);

        // One month of two is older than what is held: neither is taken.
        let newer = [entry("aB", "201703", "3")];
        catalog.take_balances(&import(&newer, 9), &|| {}).await.unwrap();
        let mixed = [entry("ab", "201702", "4"), entry("ab", "201703", "4")];
        let outcomes = catalog.take_balances(&import(&mixed, 7), &|| {}).await.unwrap();
        assert!(matches!(outcomes[0], BalanceOutcome::Held { revision: None, .. }), "{outcomes:?}");
        assert!(matches!(outcomes[1], BalanceOutcome::Stale { run_time: RunTime(9), .. }), "{outcomes:?}");
        assert_eq!(ending(&catalog, "ab", "201702").await.as_deref(), Some("1.0"));

        let dry = BalanceImport { dry_run: true, ..import(&mixed[..1], 8) };
        catalog.take_balances(&dry, &|| {}).await.unwrap();
        assert_eq!(ending(&catalog, "ab", "201702").await.as_deref(), Some("1.0"));

        let forced = BalanceImport { force: true, ..import(&mixed, 7) };
        catalog.take_balances(&forced, &|| {}).await.unwrap();
        assert_eq!(ending(&catalog, "ab", "201703").await.as_deref(), Some("4"));
        assert_eq!(catalog.balance_revisions().await.unwrap().len(), 5);
        assert_eq!(catalog.balances(None).await.unwrap().len(), 2);
        assert_eq!(catalog.balances(Some(4)).await.unwrap(), []);
        let audit = catalog.audit(&AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap();
        assert_eq!(audit.len(), 5);
        assert_eq!(audit[0].detail, "balance summary 201702 of billingAccounts/aB");
    }

    #[tokio::test]
    async fn the_same_bytes_change_nothing_but_make_runs_between_stale() {
        let (_folder, catalog) = catalog().await;
        let own = [entry("1", "201702", "1")];
        catalog.take_balances(&import(&own, 5), &|| {}).await.unwrap();
        for at in [3, 9] {
            let again = catalog.take_balances(&import(&own, at), &|| {}).await.unwrap();
            assert!(matches!(again[0], BalanceOutcome::Unchanged { .. }));
        }
        let unstated = BalanceImport { run_time_is_stated: false, ..import(&own, 20) };
        catalog.take_balances(&unstated, &|| {}).await.unwrap();
        let between = catalog.take_balances(&import(&[entry("1", "201702", "2")], 7), &|| {}).await.unwrap();
        assert!(matches!(between[0], BalanceOutcome::Stale { run_time: RunTime(9), .. }), "{between:?}");
        assert_eq!(catalog.balance_revisions().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn an_enrollment_has_one_currency() {
        let (_folder, catalog) = catalog().await;
        catalog.take_balances(&import(&[entry("1", "201702", "1")], 5), &|| {}).await.unwrap();
        let mut other = entry("1", "201703", "1");
        other.summary.currency = "EUR".parse().unwrap();
        let refused = catalog.take_balances(&import(&[other], 6), &|| {}).await.unwrap();
        assert_eq!(refused, [BalanceOutcome::OtherCurrency { known: "USD".parse().unwrap() }]);
        assert_eq!(catalog.balances(None).await.unwrap().len(), 1);
    }
}
