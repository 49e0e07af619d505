//! Importing sheets: prices and what is said of reservations. All files of a run are one transaction of the catalog for
//! each enrollment; files that are in no run of an export are one together.
//!
//! Their source is kept before the catalog names it; an import that dies between the two leaves a file that nothing
//! names and that the same import finds again.

mod answers;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use calendar::{Date, DateRange};
use catalog::{SheetEntry, SheetImport, SheetOutcome, SheetQuestion};
use formats::{FillIns, InputError, unpack_rows};
use lake::crash_point;
use ledger::{EnrollmentId, RunTime, Scope, SheetKind, SheetUnit};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::import::now_ms;
use crate::judge::run_time_text;
use crate::options::{ImportOptions, Progress};
use crate::plan::RunPlan;
use crate::sources;
use crate::store::Store;

use self::answers::Answers;
use self::file::{Part, SheetFile, fill_of, read_file};

/// The sheets of one kind and enrollment that an import brought.
#[derive(Debug, Clone)]
pub struct ImportedSheets {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// What their rows are.
    pub kind: SheetKind,
    /// The first and the last day, or first day of a month, that there is a sheet of.
    pub days: (Date, Date),
    /// How many rows they have.
    pub rows: u64,
    /// The revisions that hold them, oldest and newest; `None` for a dry run that would make new ones.
    pub revisions: Option<(String, String)>,
    /// Whether all of these rows were held already.
    pub unchanged: bool,
    /// How many rows were held of the same units before, where new ones take their place.
    pub replaced_rows: Option<u64>,
}

/// The files of sheets of a command, read and understood.
#[derive(Debug, Default)]
pub(crate) struct SheetFiles {
    /// Oldest first: a newer run takes the place of an older one.
    runs: Vec<SheetRun>,
}

/// Files that become visible together: a run of an export, or all files that are in none.
#[derive(Debug, Default)]
struct SheetRun {
    enrollments: BTreeMap<EnrollmentId, OfEnrollment>,
    /// Compressed texts of the files in a working folder, by their hash.
    copies: BTreeMap<String, PathBuf>,
    /// What of the answers is not here.
    missing: Vec<String>,
    /// Files that say nothing.
    skipped: Vec<String>,
    run_time: Option<RunTime>,
}

#[derive(Debug, Default)]
struct OfEnrollment {
    /// The currency of its amounts, and a file that says it.
    currency: Option<(Currency, String)>,
    entries: Vec<SheetEntry>,
    /// The first file of each entry, for messages.
    files: Vec<String>,
}

impl SheetFiles {
    /// Reads all files; copies of their texts go to a working folder. Blocking.
    pub(crate) fn read(
        plans: &[RunPlan],
        options: &ImportOptions,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, ImportError> {
        let mut copies = 0;
        let mut runs = Vec::new();
        for plan in plans {
            let fill = fill_of(options, plan.days);
            let mut files = Vec::new();
            let mut run = SheetRun { run_time: options.taken_at.or(plan.run_time), ..SheetRun::default() };
            for (number, path) in plan.files.iter().enumerate() {
                let copy = folder.join(format!("sheet-{copies}"));
                copies += 1;
                let file = read_file(path, &fill, &copy, progress)?;
                plan.check_part(number, file.facts.rows)?;
                run.copies.insert(file.hash.clone(), copy);
                files.push(file);
            }
            plan.check_total(files.iter().map(|file| file.facts.rows).sum())?;
            run.take_files(files, &fill, options.parts || plan.one_export)?;
            runs.push(run);
        }
        Ok(Self { runs })
    }

    /// The currency of each enrollment's amounts, where any says it, with one of its files.
    pub(crate) fn currencies(&self) -> impl Iterator<Item = (EnrollmentId, Currency, String)> {
        let enrollments = self.runs.iter().flat_map(|run| &run.enrollments);
        enrollments.filter_map(|(enrollment, own)| {
            own.currency.as_ref().map(|(currency, file)| (enrollment.clone(), *currency, file.clone()))
        })
    }

    /// What of the answers is not here.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &String> {
        self.runs.iter().flat_map(|run| &run.missing)
    }

    /// Says what [`Self::take`] would do; changes nothing. Each run is judged by what is held now.
    pub(crate) async fn judge(&self, store: &Store, options: &ImportOptions) -> Result<TakenSheets, ImportError> {
        let mut taken = TakenSheets::default();
        for run in &self.runs {
            taken.skipped.extend_from_slice(&run.skipped);
            taken.add(run.pass(store, options, true).await, self.runs.len())?;
        }
        Ok(taken)
    }

    /// Keeps the sources and takes the sheets, run by run.
    pub(crate) async fn take(&self, store: &Store, options: &ImportOptions) -> Result<TakenSheets, ImportError> {
        let kept = store.lake().root().store();
        let mut taken = TakenSheets::default();
        for run in &self.runs {
            // A run is taken as a whole or not at all, whatever enrollments it is about.
            if let Err(error) = run.pass(store, options, true).await {
                taken.add(Err(error), self.runs.len())?;
                continue;
            }
            for (hash, copy) in &run.copies {
                sources::keep_sheet(&kept, copy.clone(), hash).await?;
            }
            crash_point("import-sources-kept");
            taken.skipped.extend_from_slice(&run.skipped);
            taken.add(run.pass(store, options, false).await, self.runs.len())?;
        }
        Ok(taken)
    }
}

/// What became of the sheets of a command.
#[derive(Debug, Default)]
pub(crate) struct TakenSheets {
    pub(crate) imported: Vec<ImportedSheets>,
    /// Files and runs that were passed over, and why.
    pub(crate) skipped: Vec<String>,
}

impl TakenSheets {
    /// Adds what became of one of several runs.
    fn add(&mut self, passed: Result<Vec<ImportedSheets>, ImportError>, runs: usize) -> Result<(), ImportError> {
        match passed {
            Ok(imported) => self.imported.extend(imported),
            // A folder keeps its old runs; those that newer ones have replaced are no reason to stop.
            Err(error @ ImportError::Stale { .. }) if runs > 1 => self.skipped.push(error.to_string()),
            Err(error) => {
                let revisions =
                    self.imported.iter().filter(|own| !own.unchanged).filter_map(|own| own.revisions.as_ref());
                let revisions: Vec<&str> = revisions.map(|(_, newest)| newest.as_str()).collect();
                return Err(match revisions.is_empty() {
                    true => error,
                    false => ImportError::LaterRun {
                        imported: format!("imported as revision {}", revisions.join(", ")),
                        source: Box::new(error),
                    },
                });
            }
        }
        Ok(())
    }
}

impl SheetRun {
    /// Puts together what the files say of each unit.
    fn take_files(&mut self, files: Vec<SheetFile>, fill: &FillIns, are_parts: bool) -> Result<(), ImportError> {
        let answers = Answers::of(&files, are_parts)?;
        let mut units: BTreeMap<(EnrollmentId, SheetUnit), Vec<usize>> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            // A page without rows says of nothing whose it is.
            if file.facts.rows == 0 {
                continue;
            }
            let enrollment = self.enrollment_of(file, fill)?;
            for unit in file.parts.keys() {
                units.entry((enrollment.clone(), unit.clone())).or_default().push(index);
            }
        }
        if let (true, Some(first)) = (units.is_empty(), files.first()) {
            let reason =
                "it has no rows; nothing is imported. If it ends an answer, import it with the pages before it"
                    .to_owned();
            return Err(InputError::Contradiction { file: first.file.clone(), reason, line: None, column: None }.into());
        }
        for (page, ended) in answers.blank_ends() {
            let file = &files[*page].file;
            self.skipped.push(match ended.map(|ended| &files[ended].file) {
                Some(ended) => {
                    format!(
                        "{file}: it has no rows, and is taken as the last page of the answer that {ended} is a page of"
                    )
                }
                None => format!("{file}: it has no rows and ends no answer of this command"),
            });
        }
        self.missing.extend(answers.open_files(&files).filter_map(|index| missing_text(&files[index])));
        for ((enrollment, unit), own) in units {
            if !are_parts {
                refuse_rows_twice(&unit, &own, &files, &answers)?;
            }
            let parts: Vec<&Part> = own.iter().filter_map(|index| files[*index].parts.get(&unit)).collect();
            let mut contents: Vec<String> = parts.iter().map(|part| part.content()).collect();
            // In whatever order the files were named.
            contents.sort_unstable();
            let entry = SheetEntry {
                rows: parts.iter().map(|part| part.rows()).sum(),
                pages: parts.iter().flat_map(|part| part.pages.iter().cloned()).collect(),
                content: hex::encode(Sha256::digest(contents.join("\n"))),
                sources: own.iter().map(|index| files[*index].hash.clone()).collect(),
                incomplete: own.iter().any(|index| answers.is_open(*index)),
                unit,
            };
            let of = self.enrollments.entry(enrollment).or_default();
            of.entries.push(entry);
            of.files.push(files[own[0]].file.clone());
        }
        Ok(())
    }

    async fn pass(
        &self,
        store: &Store,
        options: &ImportOptions,
        dry_run: bool,
    ) -> Result<Vec<ImportedSheets>, ImportError> {
        let mut imported = Vec::new();
        let now_ms = now_ms();
        for (enrollment, own) in &self.enrollments {
            let import = SheetImport {
                enrollment,
                currency: own.currency.as_ref().map(|(currency, _)| *currency),
                entries: &own.entries,
                run_time: self.run_time.unwrap_or(RunTime(now_ms.saturating_mul(1000))),
                run_time_is_stated: self.run_time.is_some(),
                force: options.force,
                dry_run,
                actor: &options.actor,
                now_ms,
            };
            if !options.force {
                own.refuse_parts_of_months(store, enrollment).await?;
            }
            let outcomes = store.catalog().take_sheets(&import, &|| crash_point("import-catalog-written")).await?;
            if let Some(refused) = refusal(&import, own, &outcomes) {
                return Err(refused);
            }
            if !dry_run {
                crash_point("import-catalog-committed");
            }
            imported.extend(summarised(enrollment, &own.entries, &outcomes));
        }
        Ok(imported)
    }

    /// The enrollment of a file's rows.
    fn enrollment_of(&mut self, file: &SheetFile, fill: &FillIns) -> Result<EnrollmentId, ImportError> {
        let enrollment = file.facts.enrollment.clone().ok_or_else(|| InputError::MissingFact {
            file: file.file.clone(),
            fact: "enrollment",
            option: "--enrollment NUMBER",
        })?;
        match &fill.scope {
            Some(scope) if scope.key() != Scope::BillingAccount(enrollment.clone()).key() => {
                return Err(ImportError::SheetScope { file: file.file.clone(), scope: scope.to_string() });
            }
            _ => {}
        }
        let own = self.enrollments.entry(enrollment.clone()).or_default();
        match (&own.currency, file.facts.currency) {
            (Some((known, _)), Some(given)) if *known != given => {
                return Err(ImportError::Currency {
                    enrollment: enrollment.to_string(),
                    known: known.to_string(),
                    file: file.file.clone(),
                    given: given.to_string(),
                });
            }
            (None, Some(given)) => own.currency = Some((given, file.file.clone())),
            _ => {}
        }
        Ok(enrollment)
    }
}

/// What is missing of an answer that a file is a page of.
fn missing_text(file: &SheetFile) -> Option<String> {
    let (first, last) = (file.parts.keys().next()?, file.parts.keys().next_back()?);
    let days = if first.day == last.day { first.day.to_string() } else { format!("{} to {}", first.day, last.day) };
    Some(format!(
        "the answer about {} of {days} that {} is a page of goes on at an address that is not here: rows are missing, and it is \
         marked incomplete",
        first.kind, file.file
    ))
}

/// Without a sign that files are pages of one answer, or with rows about the same thing in several of them, rows would count twice.
fn refuse_rows_twice(
    unit: &SheetUnit,
    own: &[usize],
    files: &[SheetFile],
    answers: &Answers,
) -> Result<(), ImportError> {
    if own.len() < 2 {
        return Ok(());
    }
    let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
    for (position, index) in own.iter().enumerate() {
        let keys = files[*index].parts.get(unit).map(|part| part.keys.as_slice()).unwrap_or_default();
        let others = &own[..position];
        let stranger = others.iter().find(|other| !answers.are_one(**other, *index));
        let repeated = keys.iter().any(|key| seen.contains(key.as_slice()));
        if let Some(other) = stranger.or(others.first().filter(|_| repeated)) {
            let reason = format!(
                "{} and {} both hold {} of {}; together they could count rows twice. Import one of them, or, if they are \
                 parts of one answer, say --parts",
                files[*other].file, files[*index].file, unit.kind, unit.day
            );
            return Err(ImportError::Ambiguous { reason });
        }
        seen.extend(keys.iter().map(<[u8; 16]>::as_slice));
    }
    Ok(())
}

impl OfEnrollment {
    /// Transactions can be asked for by day, but are held by month: an answer about some days must not hide the others.
    async fn refuse_parts_of_months(&self, store: &Store, enrollment: &EnrollmentId) -> Result<(), ImportError> {
        let own = self.entries.iter().zip(&self.files);
        for (entry, file) in own.filter(|(entry, _)| entry.unit.kind == SheetKind::ReservationTransactions) {
            let day = entry.unit.day;
            let question = SheetQuestion {
                enrollment,
                kind: entry.unit.kind,
                days: DateRange::inclusive(day, day).ok(),
                order: None,
                reservation: None,
            };
            let held = store.catalog().sheets(&question).await?;
            let Some(known) = held.into_iter().find(|held| held.unit == entry.unit) else { continue };
            let (mut held_pages, mut page) = (Vec::new(), 0);
            while let Some(stored) = store.catalog().sheet_page(known.revision, page).await? {
                held_pages.push(stored);
                page += 1;
            }
            match (days_of_events(&entry.pages), days_of_events(&held_pages)) {
                (Some(days), Some(held)) if held.start() < days.start() || held.end() > days.end() => {
                    return Err(ImportError::PartOfMonth {
                        file: file.clone(),
                        days,
                        what: format!("{} of {day} of enrollment {enrollment}", entry.unit.kind),
                        held,
                        revision: known.revision.to_string(),
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first and the last day of events. A page that cannot be read says none: `lazurite verify` tells of it.
fn days_of_events(pages: &[Vec<u8>]) -> Option<DateRange> {
    let rows = pages.iter().filter_map(|page| unpack_rows(page).ok()).flatten();
    let days: Vec<Date> = rows
        .filter_map(|row| {
            let text = row.text("eventDate");
            Date::parse_any(text.split('T').next()?.as_bytes()).ok()
        })
        .collect();
    DateRange::inclusive(*days.iter().min()?, *days.iter().max()?).ok()
}

fn refusal(import: &SheetImport<'_>, own: &OfEnrollment, outcomes: &[SheetOutcome]) -> Option<ImportError> {
    let what = |at: usize| match import.entries.get(at) {
        Some(entry) => format!("{} of {} of enrollment {}", entry.unit.kind, entry.unit.day, import.enrollment),
        None => format!("a sheet of enrollment {}", import.enrollment),
    };
    let file = |at: usize| own.files.get(at).or(own.files.first()).cloned().unwrap_or_default();
    outcomes.iter().enumerate().find_map(|(at, outcome)| match outcome {
        SheetOutcome::Held { .. } | SheetOutcome::Unchanged { .. } => None,
        SheetOutcome::Stale { revision, run_time } => Some(ImportError::Stale {
            what: what(at),
            held: run_time_text(*run_time),
            revision: revision.to_string(),
            given: run_time_text(import.run_time),
        }),
        SheetOutcome::LessThanHeld { revision } => {
            Some(ImportError::IncompleteAnswer { what: what(at), revision: revision.to_string() })
        }
        SheetOutcome::Native => {
            Some(ImportError::NativeEnrollment { file: file(at), enrollment: import.enrollment.to_string() })
        }
        SheetOutcome::OtherCurrency { known } => Some(ImportError::Currency {
            enrollment: import.enrollment.to_string(),
            known: known.to_string(),
            file: own.currency.as_ref().map_or_else(|| file(at), |(_, file)| file.clone()),
            given: own.currency.as_ref().map(|(currency, _)| currency.to_string()).unwrap_or_default(),
        }),
    })
}

/// What an import brought, kind by kind.
fn summarised(enrollment: &EnrollmentId, entries: &[SheetEntry], outcomes: &[SheetOutcome]) -> Vec<ImportedSheets> {
    let of_kind = |kind: SheetKind| {
        let own: Vec<(&SheetEntry, &SheetOutcome)> =
            entries.iter().zip(outcomes).filter(|(entry, _)| entry.unit.kind == kind).collect();
        let days = own.iter().map(|(entry, _)| entry.unit.day);
        let revisions = own.iter().filter_map(|(_, outcome)| match outcome {
            SheetOutcome::Held { revision, .. } => *revision,
            SheetOutcome::Unchanged { revision } => Some(*revision),
            _ => None,
        });
        let replaced = own.iter().filter_map(|(_, outcome)| match outcome {
            SheetOutcome::Held { replaced_rows, .. } => *replaced_rows,
            _ => None,
        });
        let replaced_rows = replaced.fold(None, |sum: Option<u64>, rows| Some(sum.unwrap_or(0).saturating_add(rows)));
        let revisions = revisions.clone().min().zip(revisions.max());
        Some(ImportedSheets {
            enrollment: enrollment.clone(),
            kind,
            days: (days.clone().min()?, days.max()?),
            rows: own.iter().map(|(entry, _)| entry.rows).sum(),
            revisions: revisions.map(|(first, last)| (first.to_string(), last.to_string())),
            unchanged: own.iter().all(|(_, outcome)| matches!(outcome, SheetOutcome::Unchanged { .. })),
            replaced_rows,
        })
    };
    SheetKind::ALL.into_iter().filter_map(of_kind).collect()
}
