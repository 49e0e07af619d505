//! Committing what a billing run computed, exactly as an import is committed: files of both datasets, one commit of the
//! lake with the run's record, then one transaction of the catalog, healed if a crash comes between.

use arrow::array::RecordBatch;
use calendar::BillingPeriod;
use catalog::{BilledPeriod, BillingRecord};
use lake::{Change, FileTarget, LakeError, LakeFile, Replacement, crash_point, write_ordered};
use ledger::{Coverage, Dataset, EnrollmentId, Holding, HoldingConflict, Publishers, RunTime, Scope, Unit, judge};
use money::{Currency, Decimal, Limits, Total};
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::import::{Workplace, confirmed, control, remove_files};
use crate::judge::run_time_text;
use crate::record::{EnrollmentRecord, ImportRecord, PeriodRecord, UnitRecord};
use crate::sources;
use crate::store::Store;

/// How often a run is judged again because an import or another run committed first.
const ATTEMPTS_MAX: usize = 20;
/// Sets of files that one run can write: their numbers are part of file names, and 999 is taken.
const SETS_MAX: usize = 998;

/// Whose periods are billed.
#[derive(Debug, Clone)]
pub struct BilledEnrollment {
    /// Its number.
    pub number: EnrollmentId,
    /// Its name.
    pub name: String,
    /// Its currency.
    pub currency: Currency,
}

/// The charges of a billed period in one dataset.
pub struct BilledDataset<'a> {
    /// Which dataset.
    pub dataset: Dataset,
    /// Staged rows in the order of the lake.
    pub batches: Box<dyn Iterator<Item = Result<RecordBatch, ImportError>> + Send + 'a>,
    /// How many rows there must be.
    pub rows: u64,
    /// What their costs must add up to.
    pub total: Decimal,
}

/// A billing run that is being written. Nothing of it counts before [`BillingRun::commit`].
pub struct BillingRun<'s> {
    store: &'s Store,
    /// Tells collectors of orphans that files are being written.
    _workplace: Workplace,
    id: uuid::Uuid,
    enrollment: EnrollmentId,
    run_time: RunTime,
    sets: usize,
    files: Vec<LakeFile>,
    holdings: Vec<Holding>,
    record: ImportRecord,
}

impl<'s> BillingRun<'s> {
    /// Begins a run. Blocking. `as_of` is the instant of asking in microseconds since 1970.
    pub fn begin(store: &'s Store, enrollment: BilledEnrollment, as_of: i64, actor: &str) -> Result<Self, ImportError> {
        let workplace = Workplace::open(store.lake().root().folder())?;
        let id = uuid::Uuid::now_v7();
        let mut record = ImportRecord::new(id.to_string(), actor.to_owned());
        record.enrollments.push(EnrollmentRecord {
            number: enrollment.number.clone(),
            name: Some(enrollment.name),
            currency: Some(enrollment.currency.to_string()),
            unknown_columns: Vec::new(),
            places: Vec::new(),
        });
        Ok(Self {
            store,
            _workplace: workplace,
            id,
            enrollment: enrollment.number,
            run_time: RunTime(as_of),
            sets: 0,
            files: Vec::new(),
            holdings: Vec::new(),
            record,
        })
    }

    /// Writes the charges of a period, each dataset on a thread of its own. Blocking; to be used inside of a runtime's
    /// context. `content` identifies what the period was billed from.
    pub fn write(
        &mut self,
        period: BillingPeriod,
        content: &str,
        datasets: Vec<BilledDataset<'_>>,
    ) -> Result<(), ImportError> {
        let runtime = tokio::runtime::Handle::current();
        let table = self.store.lake().table_location();
        let mut targets = Vec::new();
        for charges in &datasets {
            let unit = self.unit(period, charges.dataset);
            let content = unit_content(content, &unit);
            if self.sets > SETS_MAX {
                return Err(control("periods of one run", &SETS_MAX.to_string(), "more"));
            }
            targets.push(FileTarget {
                enrollment: self.enrollment.clone(),
                dataset: charges.dataset,
                scope_key: unit.source_key(),
                source_hashes: vec![content.clone()],
                import_id: self.id,
                group: self.sets,
            });
            self.sets += 1;
            self.record.periods.push(PeriodRecord {
                enrollment: self.enrollment.clone(),
                scope: unit.scope.clone(),
                publishers: unit.publishers,
                dataset: charges.dataset,
                period: period.to_string(),
                rows: charges.rows,
                total: charges.total.to_string(),
            });
            let (run_time, empty) = (self.run_time, charges.rows == 0);
            let revision = String::new();
            self.holdings.push(Holding { unit, run_time, content, revision, incomplete: false, empty });
        }
        let written: Vec<Result<Vec<LakeFile>, ImportError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = datasets
                .into_iter()
                .zip(&targets)
                .map(|(charges, target)| {
                    let (runtime, table) = (&runtime, &table);
                    scope.spawn(move || {
                        let _inside = runtime.enter();
                        let files = write_ordered(charges.batches, target, table)?;
                        check_totals(period, charges.rows, charges.total, &files)?;
                        Ok(files)
                    })
                })
                .collect();
            let panicked = || ImportError::Worker { reason: "a thread that wrote charges panicked".to_owned() };
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(panicked()))).collect()
        });
        for files in written {
            self.files.extend(files?);
        }
        Ok(())
    }

    /// Commits everything that was written, with what the catalog has to know of it, as one revision.
    ///
    /// `closed_through` is the last closed period that the run began with, its own closing included.
    ///
    /// # Errors
    /// [`ImportError::Stale`] where a later as-of instant is held, [`ImportError::BoundaryMoved`] where periods were closed
    /// or opened meanwhile. Nothing has changed then.
    pub async fn commit(
        mut self,
        as_of: i64,
        usage_version: Option<u64>,
        periods: Vec<BilledPeriod>,
        closed_through: Option<BillingPeriod>,
    ) -> Result<u64, ImportError> {
        crash_point("import-files-written");
        match self.store.lake().roll_up(self.files.clone()).await {
            Ok(files) => self.files = files,
            Err(error) => {
                self.discard().await;
                return Err(error.into());
            }
        }
        let units = self.holdings.iter().map(|holding| catalog::UnitEntry {
            unit: holding.unit.clone(),
            run_time: holding.run_time,
            content: holding.content.clone(),
            incomplete: holding.incomplete,
            empty: holding.empty,
        });
        self.record.units = units.map(|unit| UnitRecord::of(&unit)).collect();
        let enrollment = self.enrollment.clone();
        self.record.billing = Some(BillingRecord { enrollment, as_of, usage_version, periods });
        for _ in 0..ATTEMPTS_MAX {
            if let Err(error) = self.admit(closed_through).await {
                self.discard().await;
                return Err(error);
            }
            let snapshot = self.store.lake().snapshot().await?;
            let change = Change {
                import_id: self.id,
                replaces: self.replacements(),
                files: self.files.clone(),
                note: self.record.to_json(),
            };
            match self.store.lake().commit(&snapshot, change).await {
                Ok(version) => return Ok(confirmed(self.store, version).await),
                Err(LakeError::Conflict { version }) => {
                    tracing::info!(version, "revision {version} was committed first; judging again");
                }
                // The commit may have landed all the same: the log tells.
                Err(error) => {
                    let id = self.id.to_string();
                    let found = self.store.lake().find_commit(&snapshot, |note| note["id"].as_str() == Some(&id));
                    return match found.await {
                        Ok(Some(version)) => Ok(confirmed(self.store, version).await),
                        Ok(None) => {
                            self.discard().await;
                            Err(error.into())
                        }
                        Err(_) => {
                            tracing::error!(%error, "whether the run was committed is not known; its files stay");
                            Err(error.into())
                        }
                    };
                }
            }
        }
        self.discard().await;
        Err(ImportError::Busy)
    }

    /// Gives the run up: removes its files.
    pub async fn discard(self) {
        remove_files(&self.store.lake().table_location(), &self.files).await;
    }

    /// Refuses what is stale.
    async fn admit(&self, closed_through: Option<BillingPeriod>) -> Result<(), ImportError> {
        self.store.heal().await?;
        let catalog = self.store.catalog();
        if catalog.native_state(&self.enrollment).await?.closed_through != closed_through {
            return Err(ImportError::BoundaryMoved { enrollment: self.enrollment.to_string() });
        }
        let held = catalog.held_at(self.store.lake().newest_version().await?).await?;
        for holding in &self.holdings {
            match judge(&held, holding) {
                Ok(()) => {}
                Err(HoldingConflict::Stale(newer)) => {
                    return Err(ImportError::Stale {
                        what: format!("{} {} of {}", newer.unit.dataset, newer.unit.coverage, newer.unit.scope),
                        held: run_time_text(newer.run_time),
                        revision: newer.revision,
                        given: run_time_text(holding.run_time),
                    });
                }
                Err(HoldingConflict::Overlap(other)) => return Err(ImportError::overlap(&other, &holding.unit)),
            }
        }
        Ok(())
    }

    fn replacements(&self) -> Vec<Replacement> {
        let replacement = |holding: &Holding| Replacement {
            enrollment: holding.unit.enrollment.clone(),
            dataset: holding.unit.dataset,
            scope_key: holding.unit.source_key(),
            coverage: holding.unit.coverage,
        };
        self.holdings.iter().map(replacement).collect()
    }

    fn unit(&self, period: BillingPeriod, dataset: Dataset) -> Unit {
        Unit {
            enrollment: self.enrollment.clone(),
            scope: Scope::BillingAccount(self.enrollment.clone()),
            publishers: Publishers::All,
            dataset,
            coverage: Coverage::Period(period),
        }
    }
}

/// Identifies the rows of one dataset; it stands for the source hash of rows that have no source.
fn unit_content(content: &str, unit: &Unit) -> String {
    let text =
        format!("{}\n{}\n{}\n{content}", unit.enrollment.as_str().to_ascii_lowercase(), unit.dataset, unit.coverage);
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What was written must be what was computed: rows and exact sum.
fn check_totals(period: BillingPeriod, rows: u64, total: Decimal, files: &[LakeFile]) -> Result<(), ImportError> {
    let written: u64 = files.iter().map(|file| file.rows).sum();
    if written != rows {
        return Err(control(&format!("rows of {period}"), &rows.to_string(), &written.to_string()));
    }
    let mut sum = Total::default();
    for file in files {
        let parsed = Decimal::parse(file.total.as_bytes(), Limits::TOTAL).ok().map(|parsed| parsed.value);
        if parsed.is_none_or(|value| sum.add(value).is_err()) || file.period != period {
            return Err(control("total", &total.to_string(), &file.total));
        }
    }
    if sum.value() == total {
        Ok(())
    } else {
        Err(control(&format!("total of {period}"), &total.to_string(), &sum.value().to_string()))
    }
}

/// Keeps the text of native input beneath the store's sources, unless it is kept already. Gives its SHA-256.
pub async fn keep_native_source(store: &Store, text: &[u8]) -> Result<String, ImportError> {
    sources::keep_native(&store.lake().root().store(), text).await
}

/// The kept text of native input.
///
/// # Errors
/// [`ImportError::Io`] where it is missing or damaged.
pub async fn read_native_source(store: &Store, hash: &str) -> Result<Vec<u8>, ImportError> {
    let read = sources::read_native(&store.lake().root().store(), hash).await;
    read.map_err(|fault| ImportError::Io {
        doing: format!("read the kept source {hash}"),
        source: std::io::Error::other(fault),
    })
}
