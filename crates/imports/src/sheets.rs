//! Importing sheets: prices and what is said of reservations. All files of a command are one transaction of the catalog for
//! each enrollment.
//!
//! Their source is kept before the catalog names it; an import that dies between the two leaves a file that nothing
//! names and that the same import finds again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use calendar::{Date, DateRange};
use catalog::{SheetEntry, SheetImport, SheetOutcome, SheetQuestion};
use formats::{FillIns, InputError, SheetFacts, SheetRow, SourceReader, pack_rows, read_sheet, unpack_rows};
use lake::crash_point;
use ledger::{EnrollmentId, RunTime, Scope, SheetKind, SheetUnit};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::import::now_ms;
use crate::judge::run_time_text;
use crate::options::{ImportOptions, Progress};
use crate::plan::RunPlan;
use crate::sources::{self, CompressedCopy};
use crate::store::Store;

/// Rows of a page.
const PAGE_ROWS: usize = 1000;

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
}

/// The files of sheets of a command, read and understood.
#[derive(Debug, Default)]
pub(crate) struct SheetFiles {
    enrollments: BTreeMap<EnrollmentId, OfEnrollment>,
    /// Compressed texts of the files in a working folder, by their hash.
    copies: BTreeMap<String, PathBuf>,
    /// What of the answers is not here.
    missing: Vec<String>,
    run_time: Option<RunTime>,
}

#[derive(Debug, Default)]
struct OfEnrollment {
    currency: Option<Currency>,
    /// One of its files, for messages.
    file: String,
    entries: Vec<SheetEntry>,
}

/// What a file says of one unit.
#[derive(Default)]
struct Part {
    rows: u64,
    open: Vec<String>,
    pages: Vec<Vec<u8>>,
    hash: Sha256,
    failure: Option<std::io::Error>,
}

impl Part {
    fn push(&mut self, row: String) {
        self.hash.update(row.as_bytes());
        self.hash.update(b"\n");
        self.rows += 1;
        self.open.push(row);
        if self.open.len() == PAGE_ROWS {
            self.close_page();
        }
    }

    fn close_page(&mut self) {
        match pack_rows(&self.open) {
            Ok(page) => self.pages.push(page),
            Err(error) => self.failure = Some(error),
        }
        self.open.clear();
    }
}

/// An answer: whose, and about what.
type Answer = (EnrollmentId, SheetUnit);

/// A page without rows.
struct Blank {
    file: String,
    facts: SheetFacts,
}

/// A file that was read.
struct FileRead {
    file: String,
    hash: String,
    facts: SheetFacts,
    parts: BTreeMap<SheetUnit, Part>,
}

/// What several files say of one unit.
#[derive(Default)]
struct Unit {
    rows: u64,
    pages: Vec<Vec<u8>>,
    /// Hashes of what each file says.
    contents: Vec<String>,
    /// The first file, and its hash.
    file: String,
    source: String,
    /// Whether all of them are answers, and where these go on.
    is_answer: bool,
    link: Option<String>,
}

impl SheetFiles {
    /// Reads all files; copies of their texts go to a working folder. Blocking.
    pub(crate) fn read(
        runs: &[RunPlan],
        options: &ImportOptions,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, ImportError> {
        let mut read = Self { run_time: options.taken_at, ..Self::default() };
        let mut units: BTreeMap<(EnrollmentId, SheetUnit), Unit> = BTreeMap::new();
        let mut ended: BTreeSet<Answer> = BTreeSet::new();
        let mut blank: Vec<Blank> = Vec::new();
        for run in runs {
            let fill = fill_of(options, run.days);
            for path in &run.files {
                let copy = folder.join(format!("sheet-{}", read.copies.len()));
                let file = read_file(path, &fill, &copy, progress)?;
                read.copies.insert(file.hash.clone(), copy);
                if file.facts.rows == 0 {
                    blank.push(Blank { file: file.file, facts: file.facts });
                    continue;
                }
                let enrollment = read.enrollment_of(&file, &fill)?;
                let facts = file.facts;
                for (unit, part) in file.parts {
                    if facts.is_answer && facts.next.is_none() {
                        ended.insert((enrollment.clone(), answer_of(&unit)));
                    }
                    let known = units.entry((enrollment.clone(), unit.clone())).or_default();
                    let is_part = options.parts || run.one_export || known.goes_on_with(&facts);
                    known.add(&unit, part, (&file.file, &file.hash, &facts), is_part)?;
                }
            }
            read.run_time = read.run_time.or(run.run_time);
        }
        let mut open: BTreeMap<Answer, String> = BTreeMap::new();
        for ((enrollment, unit), own) in &units {
            let answer = (enrollment.clone(), answer_of(unit));
            if let Some(link) = own.link.as_ref().filter(|_| !ended.contains(&answer)) {
                open.insert(answer, link.clone());
            }
        }
        end_with_blank(&mut open, &blank)?;
        for ((enrollment, unit), own) in units {
            let incomplete = own.link.is_some() && open.contains_key(&(enrollment.clone(), answer_of(&unit)));
            if incomplete {
                read.missing.push(format!(
                    "{} of {} of enrollment {enrollment} go on at an address that is not here ({}): rows are missing, and \
                     they are marked incomplete",
                    unit.kind, unit.day, own.file
                ));
            }
            let content = hex::encode(Sha256::digest(own.contents.join("\n")));
            let (rows, pages, source) = (own.rows, own.pages, own.source);
            let entry = SheetEntry { unit, rows, pages, content, source, incomplete };
            read.enrollments.entry(enrollment).or_default().entries.push(entry);
        }
        Ok(read)
    }

    /// The currency of each enrollment's amounts, where any says it, with one of its files.
    pub(crate) fn currencies(&self) -> impl Iterator<Item = (EnrollmentId, Currency, String)> {
        let of = |(enrollment, own): (&EnrollmentId, &OfEnrollment)| {
            own.currency.map(|currency| (enrollment.clone(), currency, own.file.clone()))
        };
        self.enrollments.iter().filter_map(of)
    }

    /// What of the answers is not here.
    pub(crate) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Says what [`Self::take`] would do; changes nothing.
    pub(crate) async fn judge(
        &self,
        store: &Store,
        options: &ImportOptions,
    ) -> Result<Vec<ImportedSheets>, ImportError> {
        self.pass(store, options, true).await
    }

    /// Keeps the sources and takes the sheets.
    pub(crate) async fn take(
        &self,
        store: &Store,
        options: &ImportOptions,
    ) -> Result<Vec<ImportedSheets>, ImportError> {
        let kept = store.lake().root().store();
        for (hash, copy) in &self.copies {
            sources::keep_sheet(&kept, copy.clone(), hash).await?;
        }
        if !self.copies.is_empty() {
            crash_point("import-sources-kept");
        }
        self.pass(store, options, false).await
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
                currency: own.currency,
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
    fn enrollment_of(&mut self, file: &FileRead, fill: &FillIns) -> Result<EnrollmentId, ImportError> {
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
        match (own.currency, file.facts.currency) {
            (Some(known), Some(given)) if known != given => {
                return Err(ImportError::Currency {
                    enrollment: enrollment.to_string(),
                    known: known.to_string(),
                    file: file.file.clone(),
                    given: given.to_string(),
                });
            }
            (known, given) => own.currency = known.or(given),
        }
        own.file = file.file.clone();
        Ok(enrollment)
    }
}

impl OfEnrollment {
    /// Transactions can be asked for by day, but are held by month: an answer about some days must not hide the others.
    async fn refuse_parts_of_months(&self, store: &Store, enrollment: &EnrollmentId) -> Result<(), ImportError> {
        for entry in self.entries.iter().filter(|entry| entry.unit.kind == SheetKind::ReservationTransactions) {
            let day = entry.unit.day;
            let question = SheetQuestion {
                enrollment,
                kind: entry.unit.kind,
                days: DateRange::inclusive(day, day).ok(),
                order: None,
                reservation: None,
            };
            let Some(known) = store.catalog().sheets(&question).await?.pop() else { continue };
            let (mut held_pages, mut page) = (Vec::new(), 0);
            while let Some(stored) = store.catalog().sheet_page(known.revision, page).await? {
                held_pages.push(stored);
                page += 1;
            }
            match (days_of_events(&entry.pages), days_of_events(&held_pages)) {
                (Some(days), Some(held)) if held.start() < days.start() || held.end() > days.end() => {
                    return Err(ImportError::PartOfMonth {
                        file: self.file.clone(),
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

/// What pages of one answer have in common: its last page ends it for all days that its other pages are about. Prices are
/// asked for month by month.
fn answer_of(unit: &SheetUnit) -> SheetUnit {
    let (order, _) = &unit.reservation;
    let day = if unit.kind == SheetKind::Prices { unit.day } else { Date::MIN };
    SheetUnit { kind: unit.kind, day, reservation: (order.clone(), String::new()) }
}

/// Takes from the answers without end, which are beside where they go on, those that pages without rows end. Such a page
/// does not say which answer it is of: where there are fewer of them than answers, none counts as ended.
fn end_with_blank(open: &mut BTreeMap<Answer, String>, blank: &[Blank]) -> Result<(), ImportError> {
    for page in blank {
        let fits = |((_, unit), link): (&Answer, &String)| match &page.facts.next {
            Some(next) => next == link,
            None => page.facts.of_prices == (unit.kind == SheetKind::Prices),
        };
        if !open.iter().any(fits) {
            return Err(ImportError::Input(InputError::Contradiction {
                file: page.file.clone(),
                reason: "it has no rows and ends no answer of this command; leave it out".to_owned(),
                line: None,
                column: None,
            }));
        }
    }
    for of_prices in [true, false] {
        let is_one = |unit: &SheetUnit| of_prices == (unit.kind == SheetKind::Prices);
        let ends = blank.iter().filter(|page| page.facts.next.is_none() && page.facts.of_prices == of_prices).count();
        if ends >= open.keys().filter(|(_, unit)| is_one(unit)).count() {
            open.retain(|(_, unit), _| !is_one(unit));
        }
    }
    Ok(())
}

impl Unit {
    /// Whether another file can be a page of the same answer.
    fn goes_on_with(&self, facts: &SheetFacts) -> bool {
        let is_same = match (&self.link, &facts.next) {
            (Some(own), Some(next)) => own == next,
            (own, next) => own.is_some() || next.is_some(),
        };
        self.is_answer && facts.is_answer && is_same
    }

    /// Takes what another file says. Without a sign that both are parts of one answer, two files would count rows twice.
    fn add(
        &mut self,
        unit: &SheetUnit,
        part: Part,
        (file, source, facts): (&str, &str, &SheetFacts),
        is_part: bool,
    ) -> Result<(), ImportError> {
        let content = hex::encode(part.hash.finalize());
        if self.contents.contains(&content) || (!self.contents.is_empty() && !is_part) {
            let reason = format!(
                "{} and {file} both hold {} of {}; together they could count rows twice. Import one of them, or, if they are \
                 parts of one answer, say --parts",
                self.file, unit.kind, unit.day
            );
            return Err(ImportError::Ambiguous { reason });
        }
        if self.contents.is_empty() {
            (self.file, self.source, self.is_answer) = (file.to_owned(), source.to_owned(), facts.is_answer);
        }
        self.contents.push(content);
        self.rows += part.rows;
        self.pages.extend(part.pages);
        self.is_answer &= facts.is_answer;
        if facts.next.is_some() {
            self.link.clone_from(&facts.next);
        }
        Ok(())
    }
}

/// The options, completed by what the folder of an export says.
fn fill_of(options: &ImportOptions, days: Option<DateRange>) -> FillIns {
    let of_folder = days.and_then(DateRange::exactly_one_period);
    FillIns { period: options.fill.period.or(of_folder), ..options.fill.clone() }
}

fn read_file(path: &Path, fill: &FillIns, copy: &Path, progress: &dyn Progress) -> Result<FileRead, ImportError> {
    let shown = path.display().to_string();
    let io = |source| InputError::Io { file: shown.clone(), source };
    let keeping = || ImportError::io("keep a copy of a source");
    let input = File::open(path).map_err(io)?;
    let bytes = input.metadata().map_err(io)?.len();
    progress.begin(&shown, bytes);
    let kept = CompressedCopy::create(copy).map_err(keeping())?;
    let mut source = SourceReader::open_file(&shown, input)?.with_copy(Box::new(kept)).map_err(keeping())?;
    let mut parts: BTreeMap<SheetUnit, Part> = BTreeMap::new();
    let mut take = |row: SheetRow| parts.entry(row.unit).or_default().push(row.json);
    let facts = read_sheet(&shown, &mut source, fill, &mut take)?;
    for part in parts.values_mut() {
        if !part.open.is_empty() {
            part.close_page();
        }
        if let Some(error) = part.failure.take() {
            return Err(ImportError::io("pack rows")(error));
        }
    }
    progress.read(bytes);
    Ok(FileRead { file: shown, hash: source.hash_hex(), facts, parts })
}

fn refusal(import: &SheetImport<'_>, own: &OfEnrollment, outcomes: &[SheetOutcome]) -> Option<ImportError> {
    let what = |at: usize| match import.entries.get(at) {
        Some(entry) => format!("{} of {} of enrollment {}", entry.unit.kind, entry.unit.day, import.enrollment),
        None => format!("a sheet of enrollment {}", import.enrollment),
    };
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
            Some(ImportError::NativeEnrollment { file: own.file.clone(), enrollment: import.enrollment.to_string() })
        }
        SheetOutcome::OtherCurrency { known } => Some(ImportError::Currency {
            enrollment: import.enrollment.to_string(),
            known: known.to_string(),
            file: own.file.clone(),
            given: own.currency.map(|currency| currency.to_string()).unwrap_or_default(),
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
            SheetOutcome::Held { revision } => *revision,
            SheetOutcome::Unchanged { revision } => Some(*revision),
            _ => None,
        });
        let revisions = revisions.clone().min().zip(revisions.max());
        Some(ImportedSheets {
            enrollment: enrollment.clone(),
            kind,
            days: (days.clone().min()?, days.max()?),
            rows: own.iter().map(|(entry, _)| entry.rows).sum(),
            revisions: revisions.map(|(first, last)| (first.to_string(), last.to_string())),
            unchanged: own.iter().all(|(_, outcome)| matches!(outcome, SheetOutcome::Unchanged { .. })),
        })
    };
    SheetKind::ALL.into_iter().filter_map(of_kind).collect()
}
