//! The control plane: enrollments, what was imported, balance summaries, keys, secrets and report jobs, in an embedded
//! database.
//!
//! Small and transactional. It never holds a sum that the lake could contradict, and every table that describes the
//! lake can be rebuilt from the lake's log. Balance summaries, prices and what is said of reservations are held here alone.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod assignments;
mod audit;
mod balances;
mod billed;
mod counts;
mod enrollments;
mod hierarchy;
mod imports;
mod jobs;
mod keys;
mod memory;
mod native;
mod page_shares;
mod policies;
mod sheets;
mod usage_batches;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ledger::EnrollmentId;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use assignments::{AssignmentEntry, Principal};
pub use audit::{AuditEntry, AuditFilter};
pub use balances::{BalanceEntry, BalanceImport, BalanceOutcome, BalanceRevision, HeldBalance};
pub use billed::{BilledPeriod, BilledRevision, BillingRecord, HeldBackUsage, Reopening, billed_by};
pub use counts::{JobCount, StoreCounts};
pub use enrollments::Enrollment;
pub use imports::{EnrollmentEntry, ImportEntry, UnitEntry};
pub use jobs::{FinishedJob, Job, JobState, NewJob};
pub use keys::{KeyEntry, KeySlot, NewKey};
pub use native::{InputKind, NativeChange, NativeInput, NativeOutcome, NativeState};
pub use policies::{Policies, PolicyChange};
pub use sheets::{HeldSheet, SheetEntry, SheetImport, SheetOutcome, SheetQuestion, SheetRevision, SheetsHeld};
pub use usage_batches::{Boundary, UsageBatch, UsageCommit};

/// Another process may hold the database while it commits; longer than any transaction of ours takes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often, and how long between, a migration is tried that another process does at the same time.
const MIGRATION_ATTEMPTS_MAX: u32 = 20;
const MIGRATION_PAUSE: Duration = Duration::from_millis(100);
/// Connections of one process: writers queue anyway.
const CONNECTIONS_MAX: u32 = 4;
/// Name of the database beneath the data folder.
const FILE: &str = "catalog.sqlite";

/// Why the catalog could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The database failed.
    #[error("cannot {doing} in the catalog: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Cause.
        source: sqlx::Error,
    },
    /// The database's shape could not be brought up to date.
    #[error("cannot update the catalog to this program's version: {source}")]
    Migration {
        /// Cause.
        source: sqlx::migrate::MigrateError,
    },
    /// A stored value is not what this program writes.
    #[error("the catalog holds {value:?} as {what}, which this program did not write")]
    Foreign {
        /// Which value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// Both key slots of a holder are in use.
    #[error("{holder} has a primary and a secondary key already; revoke one first: lazurite key revoke {oldest}")]
    KeySlots {
        /// The enrollment and the scope.
        holder: String,
        /// Id of the older key.
        oldest: String,
    },
}

impl CatalogError {
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

/// Brings the database up to date. Another process may do the same at this moment; then one of the two fails and finds
/// everything done when it looks again.
async fn migrate(pool: &SqlitePool) -> Result<(), CatalogError> {
    let mut attempts = 0;
    loop {
        match sqlx::migrate!("./migrations").run(pool).await {
            Ok(()) => return Ok(()),
            Err(source) if attempts == MIGRATION_ATTEMPTS_MAX => return Err(CatalogError::Migration { source }),
            Err(_) => tokio::time::sleep(MIGRATION_PAUSE).await,
        }
        attempts += 1;
    }
}

/// Makes the database file readable by its owner alone: it holds the secret that signs links.
fn keep_private(file: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // If it cannot be made, opening the database says why.
    drop(options.open(file));
}

/// The catalog of a store.
#[derive(Debug, Clone)]
pub struct Catalog {
    pool: SqlitePool,
    /// What is known of hierarchies.
    hierarchies: Arc<tokio::sync::Mutex<HashMap<EnrollmentId, hierarchy::Kept>>>,
    /// Answers that need not be asked for again; `None`: the database is asked every time.
    memory: Option<Arc<memory::Memory>>,
}

impl Catalog {
    /// Whether a data folder has a catalog.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Opens the catalog beneath a data folder, making or updating it.
    pub async fn open(folder: &Path) -> Result<Self, CatalogError> {
        keep_private(&folder.join(FILE));
        let options = SqliteConnectOptions::new()
            .filename(folder.join(FILE))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            // A connection to a local file does not break while it waits, and the test takes longer than most questions.
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(CatalogError::database("open the database"))?;
        migrate(&pool).await?;
        let catalog = Self { pool, hierarchies: Arc::default(), memory: None };
        catalog.generate_missing_ids().await?;
        Ok(catalog)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), CatalogError> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map_err(CatalogError::database("ask"))?;
        Ok(())
    }

    /// What the database itself finds wrong with its file; empty when nothing is.
    pub async fn integrity_faults(&self) -> Result<Vec<String>, CatalogError> {
        let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("check the database"))?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// A secret by name; the first caller's `fresh` value is kept for ever.
    pub async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, CatalogError> {
        let doing = || CatalogError::database("keep a secret");
        sqlx::query("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.pool)
            .await
            .map_err(doing())?;
        sqlx::query_scalar("SELECT value FROM secrets WHERE name = ?")
            .bind(name)
            .fetch_one(&self.pool)
            .await
            .map_err(doing())
    }

    /// Folds the write-ahead log into the database file; at the end of a program.
    pub async fn close(&self) {
        if let Some(memory) = &self.memory {
            memory.close().await;
        }
        self.pool.close().await;
    }
}
