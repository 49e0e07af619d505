//! The import itself: read, judge, write, commit, take over.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use catalog::UnitEntry;
use lake::leftover::{HEALED, ORPHAN_AGE};
use lake::{Change, FileTarget, FolderLock, LakeError, LakeFile, LockName, Replacement, RowStage, crash_point};
use ledger::{Coverage, Dataset, EnrollmentId, Held, Holding, source_key};
use money::{Currency, Decimal, Limits, Total};
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::balances::{BalanceFiles, ImportedBalance};
use crate::error::ImportError;
use crate::group::{Group, group};
use crate::judge::{
    Candidate, Written, admit, check_enrollment, marketplace_is_undecided, refuse_marketplace_beside,
    refuse_marketplace_twice, run_time_text,
};
use crate::options::{ImportOptions, Progress};
use crate::orphans::{STAGING, WORKING_FOLDER_PREFIX, remove_working_folders};
use crate::plan::{Plan, RunPlan, plan};
use crate::read::{Reading, RunRead, SourceRead, read_run};
use crate::record::{EnrollmentRecord, ImportRecord, PeriodRecord, SourceRecord, UnitRecord};
use crate::rejects::RejectsFile;
use crate::sheets::{ImportedSheets, SheetFiles};
use crate::sources;
use crate::store::Store;
use crate::walks::missing_pages;

/// How often an import is judged again because another one committed first.
const ATTEMPTS_MAX: usize = 20;
/// How far a run time may lie ahead: clocks differ.
const FUTURE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// What an import did.
#[derive(Debug, Clone, Default)]
pub struct ImportOutcome {
    /// One entry per enrollment, dataset and billing period.
    pub imported: Vec<ImportedPeriod>,
    /// One entry per balance summary.
    pub balances: Vec<ImportedBalance>,
    /// One entry per enrollment and kind of sheets.
    pub sheets: Vec<ImportedSheets>,
    /// Rows that went to the rejects file.
    pub rejected: u64,
    /// Rows of other providers that were left out.
    pub left_out: u64,
    /// Runs of a folder that were passed over because newer ones are held.
    pub skipped: Vec<String>,
    /// What of the source is not here, so that its periods are incomplete.
    pub missing: Vec<String>,
}

/// A billing period of an import.
#[derive(Debug, Clone)]
pub struct ImportedPeriod {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// `YYYYMM`.
    pub period: String,
    /// Rows of the source in the period.
    pub rows: u64,
    /// Exact sum of their cost, as decimal text.
    pub total: String,
    /// The revision that holds them; `None` for a dry run that would make a new one.
    pub revision: Option<String>,
    /// Whether exactly these bytes were held already.
    pub unchanged: bool,
    /// The revisions whose charges of these days are replaced, oldest first.
    pub replaces: Vec<String>,
}

/// Imports everything that the options name. Refused input changes nothing.
pub async fn import(
    store: &Store,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportOutcome, ImportError> {
    let Plan { runs, balances, sheets } = plan(&options.paths)?;
    let several = runs.len() > 1;
    if options.taken_at.is_some_and(|taken| taken.0 > (now_ms() + FUTURE_MS_MAX) * 1000) {
        let given = options.taken_at.map(run_time_text).unwrap_or_default();
        return Err(ImportError::Future { given });
    }
    let balances = tokio::task::block_in_place(|| BalanceFiles::read(&balances, options))?;
    let (_workplace, sheets) = read_sheets(store, &sheets, options, progress)?;
    // Before charges are taken, so that a command is mostly refused as a whole.
    let judged = balances.judge(store, options).await?;
    let judged_sheets = sheets.judge(store, options).await?;
    let currencies = currencies(balances.currencies().chain(sheets.currencies()))?;
    let rejects = options.rejects.as_deref().map(|path| RejectsFile::new(path, options.dry_run));
    let mut rejects = rejects.transpose()?;
    let mut outcome = ImportOutcome::default();
    for run in &runs {
        match import_run(store, options, (run, &currencies), rejects.as_mut(), progress).await {
            Ok(done) => {
                outcome.imported.extend(done.imported);
                outcome.rejected += done.rejected;
                outcome.left_out += done.left_out;
                outcome.missing.extend(done.missing);
            }
            // A folder keeps its old runs; those that newer ones have replaced are no reason to stop.
            Err(error @ ImportError::Stale { .. }) if several => outcome.skipped.push(error.to_string()),
            Err(error) => return Err(after(&outcome, options, error)),
        }
    }
    outcome.balances = match options.dry_run {
        true => judged,
        false => balances.take(store, options).await.map_err(|error| after(&outcome, options, error))?,
    };
    let taken = match options.dry_run {
        true => judged_sheets,
        false => sheets.take(store, options).await.map_err(|error| after(&outcome, options, error))?,
    };
    outcome.sheets = taken.imported;
    outcome.skipped.extend(taken.skipped);
    outcome.missing.extend(sheets.missing().cloned());
    Ok(outcome)
}

/// Reads the files of sheets. The working folder holds their copies until they are kept.
fn read_sheets(
    store: &Store,
    runs: &[RunPlan],
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<(Option<Workplace>, SheetFiles), ImportError> {
    if runs.is_empty() {
        return Ok((None, SheetFiles::default()));
    }
    tokio::task::block_in_place(|| {
        let workplace = Workplace::open(store.lake().root().folder())?;
        let sheets = SheetFiles::read(runs, options, workplace.folder.path(), progress)?;
        Ok((Some(workplace), sheets))
    })
}

/// An error that says what was imported before it.
fn after(outcome: &ImportOutcome, options: &ImportOptions, error: ImportError) -> ImportError {
    if options.dry_run || outcome.imported.iter().all(|period| period.unchanged) {
        return error;
    }
    let revisions: BTreeSet<&str> = outcome.imported.iter().filter_map(|p| p.revision.as_deref()).collect();
    let revisions = revisions.into_iter().collect::<Vec<_>>().join(", ");
    ImportError::LaterRun { imported: format!("imported as revision {revisions}"), source: Box::new(error) }
}

/// The working folder of an import or a billing run, and the lock that tells collectors of orphans that an import runs.
pub(crate) struct Workplace {
    /// Removed with its value.
    pub(crate) folder: tempfile::TempDir,
    /// `None` where the file system knows no locks; nothing is collected there.
    _running: Option<FolderLock>,
}

impl Workplace {
    /// Makes a working folder. Those of imports that were killed long ago go: they are the largest orphans and are found by
    /// looking into one folder. The others are left to servers, because finding them takes reading the whole log.
    pub(crate) fn open(data: &Path) -> Result<Self, ImportError> {
        let making = || ImportError::io("make a working folder");
        let running = match FolderLock::alone(data, LockName::Imports) {
            Some(alone) => {
                remove_working_folders(data, ORPHAN_AGE);
                alone.into_shared()
            }
            None => FolderLock::shared(data, LockName::Imports),
        };
        let parent = data.join(STAGING);
        std::fs::create_dir_all(&parent).map_err(making())?;
        let folder = tempfile::Builder::new().prefix(WORKING_FOLDER_PREFIX).tempdir_in(&parent).map_err(making())?;
        Ok(Self { folder, _running: running.ok() })
    }
}

/// The currency of each enrollment, and a file that says it.
type Currencies = BTreeMap<EnrollmentId, (Currency, String)>;

/// What balances and sheets of a command say about currencies, which must be one for each enrollment.
fn currencies(stated: impl Iterator<Item = (EnrollmentId, Currency, String)>) -> Result<Currencies, ImportError> {
    let mut known = Currencies::new();
    for one in stated {
        agree(&known, Some(&one))?;
        let (enrollment, currency, file) = one;
        known.insert(enrollment, (currency, file));
    }
    Ok(known)
}

fn agree(known: &Currencies, stated: Option<&(EnrollmentId, Currency, String)>) -> Result<(), ImportError> {
    let Some((enrollment, given, file)) = stated else { return Ok(()) };
    match known.get(enrollment) {
        Some((currency, other)) if currency != given => Err(ImportError::TwoCurrencies {
            enrollment: enrollment.to_string(),
            first: format!("{other} ({currency})"),
            second: format!("{file} ({given})"),
        }),
        _ => Ok(()),
    }
}

async fn import_run(
    store: &Store,
    options: &ImportOptions,
    (run, currencies): (&RunPlan, &Currencies),
    mut rejects: Option<&mut RejectsFile>,
    progress: &dyn Progress,
) -> Result<ImportOutcome, ImportError> {
    let workplace = tokio::task::block_in_place(|| Workplace::open(store.lake().root().folder()))?;
    let folder = &workplace.folder;
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut stage = RowStage::new(folder.path().to_owned(), threads)?;
    let days = options.days.or(run.days);
    let reading = Reading {
        run,
        fill: &options.fill,
        // Whole months are billing periods, which may hold rows dated outside of them; parts of months are days.
        days: days.filter(|days| Coverage::whole_periods(*days).is_none()),
        other_providers: options.other_providers,
        rejects: rejects.as_deref_mut(),
        folder: folder.path(),
        progress,
        one_export: run.one_export,
        threads,
    };
    let RunRead { sources, rejected, left_out } = tokio::task::block_in_place(|| read_run(reading, &mut stage))?;
    crash_point("import-read");
    let mut groups = group(&sources, options, run, days)?;
    for group in &groups {
        check_enrollment(store.catalog(), &group.enrollment, group.currency, &group.file).await?;
        let stated = group.currency.map(|currency| (group.enrollment.clone(), currency, group.file.clone()));
        agree(currencies, stated.as_ref())?;
    }
    if let Some(rejects) = rejects {
        rejects.finish().map_err(ImportError::io("write the rejected rows"))?;
    }

    store.heal().await?;
    let snapshot = store.lake().snapshot().await?;
    let held = store.catalog().held_at(snapshot.version()).await?;
    groups.iter_mut().for_each(|group| group.extend_to_held(&held));
    // Forced, the same bytes are a new revision: the way to mend a store, or a mistaken run time.
    let (unchanged, changed): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| !options.force && group.is_held(&held));
    for group in &changed {
        judge_group(group, &held, &snapshot, options.force).await?;
        refuse_marketplace_twice(&held, &snapshot, group, None).await?;
    }
    if options.dry_run && marketplace_is_undecided(&held, &changed) {
        // Nothing but the rows tells, and these can be looked at once they are files: here, files that go with the folder.
        let name = folder.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let place = (store.lake().root().store(), ObjectPath::from_iter([STAGING, name]));
        let writing = Writing { groups: &changed, sources: &sources, import_id: uuid::Uuid::now_v7() };
        let mut files = Vec::new();
        tokio::task::block_in_place(|| writing.write(&mut stage, &place, progress, &mut files))?;
        refuse_marketplace(&held, &snapshot, &changed, Written { files: &files, place: &place }).await?;
    }
    let missing = missing_pages(sources.iter().map(|source| &source.summary)).into_iter().collect();
    let mut outcome = ImportOutcome { rejected, left_out, missing, ..ImportOutcome::default() };
    for group in &unchanged {
        if !options.dry_run {
            confirm(store, group, &held, options.taken_at.is_some() || run.run_time.is_some()).await?;
        }
        outcome.imported.extend(group.imported(group.held_revision(&held), true, None));
    }
    if options.dry_run || changed.is_empty() {
        outcome.imported.extend(changed.iter().flat_map(|group| group.imported(None, false, Some(&held))));
        return Ok(outcome);
    }
    let revision = write_and_commit(store, options, &changed, &sources, &mut stage, progress).await?;
    outcome
        .imported
        .extend(changed.iter().flat_map(|group| group.imported(Some(revision.to_string()), false, Some(&held))));
    Ok(outcome)
}

async fn judge_group(group: &Group, held: &Held, snapshot: &lake::Snapshot, force: bool) -> Result<(), ImportError> {
    if !force {
        group.refuse_to_replace_complete(held)?;
        group.refuse_empty_answer(held)?;
        group.refuse_to_lose_subscriptions(held, snapshot).await?;
    }
    for holding in &group.holdings {
        let candidate = Candidate { holding: holding.clone(), places: &group.places };
        admit(held, snapshot, &candidate, force).await?;
    }
    Ok(())
}

/// The same bytes from a later run: no revision, but runs between the two are stale from now on.
async fn confirm(store: &Store, group: &Group, held: &Held, has_run_time: bool) -> Result<(), ImportError> {
    if !has_run_time {
        return Ok(());
    }
    for holding in &group.holdings {
        let revision = held.iter().find(|h| h.unit == holding.unit).and_then(|h| h.revision.parse().ok());
        if let Some(revision) = revision {
            store.catalog().confirm(&holding.unit, revision, holding.run_time, now_ms()).await?;
        }
    }
    Ok(())
}

async fn write_and_commit(
    store: &Store,
    options: &ImportOptions,
    groups: &[Group],
    sources: &[SourceRead],
    stage: &mut RowStage,
    progress: &dyn Progress,
) -> Result<u64, ImportError> {
    let import_id = uuid::Uuid::now_v7();
    let table = store.lake().table_location();
    let mut files = Vec::new();
    let writing = Writing { groups, sources, import_id };
    let written = tokio::task::block_in_place(|| writing.write(stage, &table, progress, &mut files));
    crash_point("import-files-written");
    let rolled_up = match written {
        Ok(()) => store.lake().roll_up(files.clone()).await.map_err(ImportError::from),
        Err(error) => Err(error),
    };
    let committed = match rolled_up {
        Ok(files) => commit(store, options, groups, sources, &files, import_id).await,
        Err(error) => Err(error.into()),
    };
    match committed {
        Ok(version) => Ok(version),
        // Only files that no commit can name are removed.
        Err(Uncommitted { error, certain: true }) => {
            remove_files(&table, &files).await;
            Err(error)
        }
        Err(Uncommitted { error, certain: false }) => {
            tracing::error!(%error, "whether the import was committed is not known; its files stay");
            Err(error)
        }
    }
}

/// Groups of rows that become files.
struct Writing<'a> {
    groups: &'a [Group],
    sources: &'a [SourceRead],
    import_id: uuid::Uuid,
}

impl Writing<'_> {
    /// Writes all groups and checks the files against what was read. Files are named as soon as they are there, so that those
    /// of a writing that failed can be removed.
    fn write(
        &self,
        stage: &mut RowStage,
        place: &(Arc<dyn ObjectStore>, ObjectPath),
        progress: &dyn Progress,
        files: &mut Vec<LakeFile>,
    ) -> Result<(), ImportError> {
        let hashes: Vec<String> = self.sources.iter().map(|source| source.summary.hash.clone()).collect();
        progress.writing(self.groups.iter().map(Group::rows).sum());
        for (number, group) in self.groups.iter().enumerate() {
            let own = group.sources.iter().filter_map(|index| i32::try_from(*index).ok()).collect();
            let target = FileTarget {
                enrollment: group.enrollment.clone(),
                dataset: group.dataset,
                scope_key: source_key(&group.scope, group.publishers),
                source_hashes: hashes.clone(),
                import_id: self.import_id,
                group: number,
            };
            let new = stage.write(&own, &target, place, &|rows| progress.wrote(rows))?;
            files.extend(new.iter().cloned());
            check_totals(group, &new)?;
        }
        Ok(())
    }
}

/// Refuses Marketplace charges that would be held twice, by all rows of an import.
async fn refuse_marketplace(
    held: &Held,
    snapshot: &lake::Snapshot,
    groups: &[Group],
    written: Written<'_>,
) -> Result<(), ImportError> {
    for group in groups {
        refuse_marketplace_twice(held, snapshot, group, Some(written)).await?;
        refuse_marketplace_beside(group, groups, written).await?;
    }
    Ok(())
}

/// A commit that was not confirmed.
struct Uncommitted {
    error: ImportError,
    /// Whether it certainly did not happen.
    certain: bool,
}

impl<E: Into<ImportError>> From<E> for Uncommitted {
    fn from(error: E) -> Self {
        Self { error: error.into(), certain: true }
    }
}

/// What was written must be what was read: rows and exact sum, period by period.
fn check_totals(group: &Group, files: &[LakeFile]) -> Result<(), ImportError> {
    let mut written: BTreeMap<String, (u64, Total)> = BTreeMap::new();
    for file in files {
        let (rows, total) = written.entry(file.period.to_string()).or_default();
        *rows += file.rows;
        let parsed = Decimal::parse(file.total.as_bytes(), Limits::TOTAL).ok().map(|parsed| parsed.value);
        let added = parsed.is_some_and(|value| total.add(value).is_ok());
        if !added {
            return Err(control("total", &group.file, &file.total));
        }
    }
    for (period, read) in &group.periods {
        let (rows, total) = written.remove(&period.to_string()).unwrap_or_default();
        if rows != read.rows {
            return Err(control(&format!("rows of {period}"), &read.rows.to_string(), &rows.to_string()));
        }
        let (read, wrote) = (read.total.value(), total.value());
        if read != wrote {
            return Err(control(&format!("total of {period}"), &read.to_string(), &wrote.to_string()));
        }
    }
    match written.into_iter().next() {
        Some((period, (rows, _))) => Err(control(&format!("rows of {period}"), "0", &rows.to_string())),
        None => Ok(()),
    }
}

pub(crate) fn control(what: &str, read: &str, written: &str) -> ImportError {
    ImportError::ControlTotal { what: what.to_owned(), read: read.to_owned(), written: written.to_owned() }
}

/// Commits on the newest version; when another import was first, everything is judged again.
async fn commit(
    store: &Store,
    options: &ImportOptions,
    groups: &[Group],
    sources: &[SourceRead],
    files: &[LakeFile],
    import_id: uuid::Uuid,
) -> Result<u64, Uncommitted> {
    let kept = store.lake().root().store();
    for source in sources {
        sources::keep(&kept, source.copy.clone(), &source.summary.hash).await?;
    }
    crash_point("import-sources-kept");
    let record = record(import_id, &options.actor, groups, sources);
    let replaces: Vec<Replacement> = groups
        .iter()
        .flat_map(|group| &group.holdings)
        .map(|holding| Replacement {
            enrollment: holding.unit.enrollment.clone(),
            dataset: holding.unit.dataset,
            scope_key: holding.unit.source_key(),
            coverage: holding.unit.coverage,
        })
        .collect();
    let place = store.lake().table_location();
    for _ in 0..ATTEMPTS_MAX {
        store.heal().await?;
        let snapshot = store.lake().snapshot().await?;
        let held = store.catalog().held_at(snapshot.version()).await?;
        for group in groups {
            judge_group(group, &held, &snapshot, options.force).await?;
            check_enrollment(store.catalog(), &group.enrollment, group.currency, &group.file).await?;
        }
        refuse_marketplace(&held, &snapshot, groups, Written { files, place: &place }).await?;
        let change = Change { import_id, replaces: replaces.clone(), files: files.to_vec(), note: record.to_json() };
        match store.lake().commit(&snapshot, change).await {
            Ok(version) => return Ok(confirmed(store, version).await),
            Err(LakeError::Conflict { version }) => {
                tracing::info!(version, "another import made revision {version} first; judging again");
            }
            // The commit may have landed all the same: the log tells.
            Err(error) => {
                let id = import_id.to_string();
                return match store.lake().find_commit(&snapshot, |note| note["id"].as_str() == Some(&id)).await {
                    Ok(Some(version)) => Ok(confirmed(store, version).await),
                    Ok(None) => Err(Uncommitted { error: error.into(), certain: true }),
                    Err(_) => Err(Uncommitted { error: error.into(), certain: false }),
                };
            }
        }
    }
    Err(ImportError::Busy.into())
}

/// Tells the catalog of a commit. If that fails, the next start or import does it: the commit stands.
pub(crate) async fn confirmed(store: &Store, version: u64) -> u64 {
    match store.take_over().await {
        Ok(taken) => {
            for other in taken.iter().filter(|taken| taken.revision != version) {
                tracing::info!(target: HEALED, revision = other.revision, "{other}");
            }
            tracing::info!(revision = version, "committed revision {version}");
        }
        Err(error) => tracing::warn!(%error, "revision {version} is committed; the catalog takes it over later"),
    }
    version
}

fn record(import_id: uuid::Uuid, actor: &str, groups: &[Group], sources: &[SourceRead]) -> ImportRecord {
    let mut record = ImportRecord::new(import_id.to_string(), actor.to_owned());
    for group in groups {
        let own = || group.sources.iter().map(|index| &sources[*index].summary);
        let places: BTreeSet<_> = own().flat_map(|summary| &summary.places).collect();
        let mut unknown_columns: Vec<String> = Vec::new();
        for name in own().flat_map(|summary| &summary.unknown_columns) {
            if !unknown_columns.contains(name) {
                unknown_columns.push(name.clone());
            }
        }
        record.enrollments.push(EnrollmentRecord {
            number: group.enrollment.clone(),
            name: own().find_map(|summary| summary.enrollment_name.clone()),
            currency: group.currency.map(|currency| currency.to_string()),
            unknown_columns,
            places: places.into_iter().cloned().collect(),
        });
        record.units.extend(group.holdings.iter().map(|holding| UnitRecord::of(&unit_entry(holding))));
        record.sources.extend(own().map(|summary| SourceRecord {
            name: file_name(&summary.file),
            hash: summary.hash.clone(),
            bytes: summary.text_bytes,
            rows: summary.periods.values().map(|period| period.rows).sum(),
            rejected: summary.rejected,
        }));
        record.periods.extend(group.periods.iter().map(|(period, read)| PeriodRecord {
            enrollment: group.enrollment.clone(),
            scope: group.scope.clone(),
            publishers: group.publishers,
            dataset: group.dataset,
            period: period.to_string(),
            rows: read.rows,
            total: read.total.value().to_string(),
        }));
    }
    record
}

fn unit_entry(holding: &Holding) -> UnitEntry {
    UnitEntry {
        unit: holding.unit.clone(),
        run_time: holding.run_time,
        content: holding.content.clone(),
        incomplete: holding.incomplete,
        empty: holding.empty,
    }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Removes files that no commit names. What cannot be removed is an orphan: it takes room and does no harm.
pub(crate) async fn remove_files((store, table): &(Arc<dyn ObjectStore>, ObjectPath), files: &[LakeFile]) {
    for file in files {
        let path: ObjectPath = table.parts().chain(ObjectPath::from(file.path.as_str()).parts()).collect();
        if let Err(error) = store.delete(&path).await {
            tracing::warn!(%error, "cannot remove {} of a refused import", file.path);
        }
    }
}

/// Milliseconds since 1970 of the system clock.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
