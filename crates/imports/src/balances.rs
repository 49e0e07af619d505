//! Importing balance summaries: all files of a command are one transaction of the catalog.
//!
//! Their source is kept before the catalog names it; an import that dies between the two leaves a file that nothing
//! names and that the same import finds again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use calendar::BillingPeriod;
use catalog::{BalanceEntry, BalanceImport, BalanceOutcome};
use formats::{BALANCES_BYTES_MAX, InputError, SourceReader, read_balances};
use lake::crash_point;
use ledger::{EnrollmentId, RunTime, Scope};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::import::now_ms;
use crate::judge::run_time_text;
use crate::options::ImportOptions;
use crate::sources;
use crate::store::Store;

/// A balance summary of an import.
#[derive(Debug, Clone)]
pub struct ImportedBalance {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// `YYYYMM`.
    pub period: String,
    /// The revision that holds it; `None` for a dry run that would make a new one.
    pub revision: Option<String>,
    /// Whether exactly these bytes were held already.
    pub unchanged: bool,
    /// The revision that it replaces.
    pub replaces: Option<String>,
}

/// The files of balance summaries of a command, read and understood.
#[derive(Debug, Default)]
pub(crate) struct BalanceFiles {
    entries: Vec<BalanceEntry>,
    /// The file of each entry, as given.
    files: Vec<String>,
    /// Texts of the files, by their hash.
    texts: BTreeMap<String, Vec<u8>>,
}

impl BalanceFiles {
    /// The currency of each summary, with its file.
    pub(crate) fn currencies(&self) -> impl Iterator<Item = (EnrollmentId, Currency, String)> {
        let of =
            |(entry, file): (&BalanceEntry, &String)| (entry.enrollment.clone(), entry.summary.currency, file.clone());
        self.entries.iter().zip(&self.files).map(of)
    }

    /// Reads all files. Blocking.
    pub(crate) fn read(paths: &[PathBuf], options: &ImportOptions) -> Result<Self, ImportError> {
        let mut read = Self::default();
        let mut known: BTreeMap<(EnrollmentId, BillingPeriod), usize> = BTreeMap::new();
        for path in paths {
            let file = path.display().to_string();
            let text = read_text(path, &file)?;
            let source = hex::encode(Sha256::digest(&text));
            for stated in read_balances(&file, &text)? {
                let balance = stated.resolve(&file, &options.fill)?;
                check_scope(&file, options.fill.scope.as_ref(), &balance.enrollment)?;
                let key = (balance.enrollment.clone(), balance.period);
                match known.get(&key) {
                    // The same summary twice is the same summary.
                    Some(at) if read.entries[*at].summary == balance.summary => continue,
                    Some(at) => {
                        return Err(ImportError::TwoBalances {
                            first: read.files[*at].clone(),
                            second: file,
                            enrollment: balance.enrollment.to_string(),
                            period: balance.period.to_string(),
                        });
                    }
                    None => known.insert(key, read.entries.len()),
                };
                read.entries.push(BalanceEntry {
                    enrollment: balance.enrollment,
                    period: balance.period,
                    summary: balance.summary,
                    content: balance.content,
                    source: source.clone(),
                });
                read.files.push(file.clone());
            }
            read.texts.insert(source, text);
        }
        Ok(read)
    }

    /// Says what [`Self::take`] would do; changes nothing.
    pub(crate) async fn judge(
        &self,
        store: &Store,
        options: &ImportOptions,
    ) -> Result<Vec<ImportedBalance>, ImportError> {
        self.pass(store, options, true).await
    }

    /// Keeps the sources and takes the summaries.
    pub(crate) async fn take(
        &self,
        store: &Store,
        options: &ImportOptions,
    ) -> Result<Vec<ImportedBalance>, ImportError> {
        let kept = store.lake().root().store();
        for text in self.texts.values() {
            sources::keep_balances(&kept, text).await?;
        }
        if !self.texts.is_empty() {
            crash_point("import-sources-kept");
        }
        self.pass(store, options, false).await
    }

    async fn pass(
        &self,
        store: &Store,
        options: &ImportOptions,
        dry_run: bool,
    ) -> Result<Vec<ImportedBalance>, ImportError> {
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let now_ms = now_ms();
        let import = BalanceImport {
            entries: &self.entries,
            run_time: options.taken_at.unwrap_or(RunTime(now_ms.saturating_mul(1000))),
            run_time_is_stated: options.taken_at.is_some(),
            force: options.force,
            dry_run,
            actor: &options.actor,
            now_ms,
        };
        let outcomes = store.catalog().take_balances(&import, &|| crash_point("import-catalog-written")).await?;
        let places = self.entries.iter().zip(&self.files);
        let refused =
            places.clone().zip(&outcomes).find_map(|((entry, file), outcome)| refusal(&import, entry, file, outcome));
        if let Some(refused) = refused {
            return Err(refused);
        }
        if !dry_run {
            crash_point("import-catalog-committed");
        }
        Ok(places.zip(outcomes).map(|((entry, _), outcome)| imported(entry, &outcome)).collect())
    }
}

fn read_text(path: &Path, file: &str) -> Result<Vec<u8>, ImportError> {
    let input = |source| InputError::Io { file: file.to_owned(), source };
    let mut reader = SourceReader::open(file, File::open(path).map_err(input)?)?;
    let mut text = Vec::new();
    let read = reader.by_ref().take(BALANCES_BYTES_MAX as u64 + 1).read_to_end(&mut text);
    read.map_err(|source| reader.take_failure().unwrap_or_else(|| input(source)))?;
    if text.len() > BALANCES_BYTES_MAX {
        return Err(ImportError::BalancesTooLong { file: file.to_owned(), bytes_max: BALANCES_BYTES_MAX });
    }
    Ok(text)
}

fn check_scope(file: &str, scope: Option<&Scope>, enrollment: &EnrollmentId) -> Result<(), ImportError> {
    match scope {
        Some(scope) if scope.key() != Scope::BillingAccount(enrollment.clone()).key() => {
            Err(ImportError::BalanceScope { file: file.to_owned(), scope: scope.to_string() })
        }
        _ => Ok(()),
    }
}

fn refusal(
    import: &BalanceImport<'_>,
    entry: &BalanceEntry,
    file: &str,
    outcome: &BalanceOutcome,
) -> Option<ImportError> {
    match outcome {
        BalanceOutcome::Held { .. } | BalanceOutcome::Unchanged { .. } => None,
        BalanceOutcome::Stale { revision, run_time } => Some(ImportError::Stale {
            what: format!("balance summary {} of enrollment {}", entry.period, entry.enrollment),
            held: run_time_text(*run_time),
            revision: revision.to_string(),
            given: run_time_text(import.run_time),
        }),
        BalanceOutcome::Native => {
            Some(ImportError::NativeEnrollment { file: file.to_owned(), enrollment: entry.enrollment.to_string() })
        }
        BalanceOutcome::OtherCurrency { known } => Some(ImportError::Currency {
            enrollment: entry.enrollment.to_string(),
            known: known.to_string(),
            file: file.to_owned(),
            given: entry.summary.currency.to_string(),
        }),
    }
}

fn imported(entry: &BalanceEntry, outcome: &BalanceOutcome) -> ImportedBalance {
    let (revision, replaces) = match outcome {
        BalanceOutcome::Held { revision, replaces } => (*revision, *replaces),
        BalanceOutcome::Unchanged { revision } => (Some(*revision), None),
        BalanceOutcome::Stale { .. } | BalanceOutcome::OtherCurrency { .. } | BalanceOutcome::Native => (None, None),
    };
    ImportedBalance {
        enrollment: entry.enrollment.clone(),
        period: entry.period.to_string(),
        revision: revision.map(|revision| revision.to_string()),
        unchanged: matches!(outcome, BalanceOutcome::Unchanged { .. }),
        replaces: replaces.map(|revision| revision.to_string()),
    }
}
