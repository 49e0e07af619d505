//! Checking a store: every file against its checksum, its rows and its exact total, every source against its hash,
//! the catalog against the lake's log, balance summaries against their sources, charges against the identities of
//! billing.

use std::collections::{BTreeMap, BTreeSet};

use catalog::{HeldBalance, billed_by};
use formats::{FillIns, read_balances, unpack_rows};
use lake::{FileFault, Snapshot, check_file};
use ledger::EnrollmentId;
use ledger::identities::Verdict;
use money::{Decimal, Limits, Total};

use crate::error::ImportError;
use crate::identities::{NativeFacts, check_identities};
use crate::record::ImportRecord;
use crate::sources;
use crate::store::Store;

/// What was looked at.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Files of charges, of all revisions.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Revisions of the lake.
    pub revisions: u64,
    /// Kept sources.
    pub sources: u64,
    /// Revisions of balance summaries.
    pub balances: u64,
    /// Revisions of sheets.
    pub sheets: u64,
    /// Billing periods of which every identity was checked.
    pub periods: u64,
}

/// The result of a check.
#[derive(Debug, Clone, Default)]
pub struct VerifyReport {
    /// What was looked at.
    pub checked: Checked,
    /// Our faults: checksums, lost rows, disagreements between our own parts.
    pub violations: Vec<String>,
    /// Facts of the source that an owner should know.
    pub findings: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing of ours is wrong.
    pub fn is_ok(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Checks a whole store of mirrored enrollments, see [`verify_with`].
pub async fn verify(store: &Store, progress: &dyn Fn(u64, u64)) -> Result<VerifyReport, ImportError> {
    verify_with(store, &BTreeMap::new(), progress).await
}

/// Checks a whole store; `native` has the enrollments that are billed here. It reads every file, and those of the newest
/// version once more for the identities; `progress` hears after each file and period how many of how many are done.
pub async fn verify_with(
    store: &Store,
    native: &BTreeMap<EnrollmentId, NativeFacts>,
    progress: &dyn Fn(u64, u64),
) -> Result<VerifyReport, ImportError> {
    let mut report = VerifyReport::default();
    report
        .violations
        .extend(store.catalog().integrity_faults().await?.into_iter().map(|fault| format!("catalog: {fault}")));
    let snapshot = store.lake().snapshot().await?;
    let files = snapshot.files();
    let storage = snapshot.store();
    // Earlier versions stay readable until history is ended, so their files are checked too.
    let all = store.lake().files_of_kept_versions().await?;
    for file in &all {
        match check_file(&storage, file).await {
            Ok(None) => match snapshot.rollup_agrees(file).await {
                Ok(true) => {}
                Ok(false) => report.violations.push(format!("{}: its roll-up is not the sum of its rows", file.path)),
                Err(error) => report.violations.push(format!("{}: {error}", file.path)),
            },
            Ok(Some(fault)) => report.violations.push(format!("{}: {}", file.path, describe(&fault))),
            Err(error) => report.violations.push(format!("{}: {error}", file.path)),
        }
        report.checked.files += 1;
        report.checked.rows += file.rows;
        progress(report.checked.files, all.len() as u64);
    }
    let records = read_records(store, &mut report).await?;
    check_catalog(store, &records, &mut report).await?;
    check_control_totals(files, &records, &mut report);
    let hashes: BTreeSet<&str> =
        records.iter().flat_map(|(_, record)| &record.sources).map(|source| source.hash.as_str()).collect();
    let kept = store.lake().root().store();
    let removed_before = snapshot.oldest_source_kept().await?;
    let needed = if removed_before > 0 { Some(store.sources_needed_from(removed_before).await?) } else { None };
    for hash in hashes {
        let may_be_gone = needed.as_ref().is_some_and(|needed| !needed.contains(hash));
        if may_be_gone && !sources::is_kept(&kept, hash).await? {
            continue;
        }
        if let Some(fault) = sources::check(&kept, hash).await? {
            report.violations.push(format!("source {hash}: {fault}"));
        }
        report.checked.sources += 1;
    }
    check_balances(store, native, &mut report).await?;
    check_sheets(store, &mut report).await?;
    // Charges that cannot be read were told already; what they add up to cannot be checked.
    if report.violations.is_empty() {
        check_identities_of_all(store, native, progress, &mut report).await?;
    }
    for holding in store.catalog().held_at(snapshot.version()).await?.iter().filter(|holding| holding.incomplete) {
        report.findings.push(format!(
            "{} {} of {} is incomplete: rows were rejected or pages were missing at revision {}",
            holding.unit.dataset, holding.unit.coverage, holding.unit.scope, holding.revision
        ));
    }
    Ok(report)
}

/// Every identity of every period: of what was billed here a failure is our fault, of what is mirrored a fact of its
/// source.
async fn check_identities_of_all(
    store: &Store,
    native: &BTreeMap<EnrollmentId, NativeFacts>,
    progress: &dyn Fn(u64, u64),
    report: &mut VerifyReport,
) -> Result<(), ImportError> {
    let (periods, found) = check_identities(store, native, progress).await?;
    report.checked.periods = periods;
    for finding in found {
        let Verdict::Fails { count, by, first } = &finding.outcome.verdict else { continue };
        let by = by.map(|by| format!(" by {}", by.to_shortest_string())).unwrap_or_default();
        let places = if *count == 1 { "1 place".to_owned() } else { format!("{count} places") };
        let example = first.first().map(ToString::to_string).unwrap_or_default();
        let text = format!(
            "enrollment {} period {}: {} fails{by} in {places}; {example}",
            finding.enrollment, finding.period, finding.outcome.identity
        );
        if finding.is_native { report.violations.push(text) } else { report.findings.push(text) }
    }
    Ok(())
}

/// Every revision of a balance summary must be what its kept source says. What a source says against itself is a finding.
async fn check_balances(
    store: &Store,
    native: &BTreeMap<EnrollmentId, NativeFacts>,
    report: &mut VerifyReport,
) -> Result<(), ImportError> {
    let kept = store.lake().root().store();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    // Summaries of one file follow each other: one text in memory is enough.
    let mut last: (String, Option<Vec<u8>>) = (String::new(), None);
    for balance in store.catalog().balance_revisions().await? {
        report.checked.balances += 1;
        if billed_by(&balance.source).is_some() {
            continue;
        }
        if last.0 != balance.source {
            let text = sources::read_balances(&kept, &balance.source).await;
            if seen.insert(balance.source.clone()) {
                report.checked.sources += 1;
                report
                    .violations
                    .extend(text.as_ref().err().map(|fault| format!("source {}: {fault}", balance.source)));
            }
            last = (balance.source.clone(), text.ok());
        }
        if last.1.as_deref().is_some_and(|text| !says(text, &balance)) {
            report.violations.push(format!("{}: its source does not say what the catalog holds", titled(&balance)));
        }
    }
    let mirrored = |balance: &HeldBalance| !native.contains_key(&balance.enrollment);
    for balance in store.catalog().balances(None).await?.into_iter().filter(mirrored) {
        let broken = balance.summary.broken_identities();
        report.findings.extend(broken.iter().map(|broken| format!("{}: {broken}", titled(&balance))));
    }
    Ok(())
}

/// Every sheet must have the rows that were counted when it came, and its kept source.
async fn check_sheets(store: &Store, report: &mut VerifyReport) -> Result<(), ImportError> {
    let kept = store.lake().root().store();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for sheet in store.catalog().sheet_revisions().await? {
        report.checked.sheets += 1;
        let (mut rows, mut page) = (0, 0);
        while let Some(stored) = store.catalog().sheet_page(sheet.revision, page).await? {
            match unpack_rows(&stored) {
                Ok(found) => rows += found.len() as u64,
                Err(fault) => report.violations.push(format!("sheet {}: page {page}: {fault}", sheet.revision)),
            }
            page += 1;
        }
        if rows != sheet.rows {
            let (revision, expected) = (sheet.revision, sheet.rows);
            report.violations.push(format!("sheet {revision}: {rows} rows are there, {expected} were imported"));
        }
        if seen.insert(sheet.source.clone()) {
            report.checked.sources += 1;
            let fault = sources::check_sheet(&kept, &sheet.source).await?;
            report.violations.extend(fault.map(|fault| format!("source {}: {fault}", sheet.source)));
        }
    }
    for source in store.catalog().sheet_sources().await? {
        if seen.insert(source.clone()) {
            report.checked.sources += 1;
            let fault = sources::check_sheet(&kept, &source).await?;
            report.violations.extend(fault.map(|fault| format!("source {source}: {fault}")));
        }
    }
    Ok(())
}

fn titled(balance: &HeldBalance) -> String {
    format!("balance summary {} of enrollment {} ({})", balance.period, balance.enrollment, balance.revision)
}

/// Whether a text holds a summary, which may have been completed by options.
fn says(text: &[u8], balance: &HeldBalance) -> bool {
    let fill = FillIns {
        enrollment: Some(balance.enrollment.clone()),
        period: Some(balance.period),
        currency: Some(balance.summary.currency),
        ..FillIns::default()
    };
    let stated = read_balances("", text).unwrap_or_default();
    let own = stated.into_iter().filter(|stated| stated.content == balance.content);
    own.filter_map(|stated| stated.resolve("", &fill).ok()).any(|found| found.summary == balance.summary)
}

fn describe(fault: &FileFault) -> String {
    match fault {
        FileFault::Missing => "the file is missing".into(),
        FileFault::Checksum { expected, found } => format!("its checksum is {found}, it was written with {expected}"),
        FileFault::Rows { expected, found } => format!("it has {found} rows, it was written with {expected}"),
        FileFault::Total { expected, found } => format!("its costs add up to {found}, they were written as {expected}"),
    }
}

/// Rows and exact totals of each period and source scope of a version.
fn sums_of(snapshot: &Snapshot) -> BTreeMap<String, (u64, Option<String>)> {
    let mut sums: BTreeMap<String, (u64, Option<Total>)> = BTreeMap::new();
    for file in snapshot.files() {
        let key = format!("{} {} {} {}", file.enrollment, file.dataset, file.period, file.scope_key);
        let (rows, total) = sums.entry(key).or_insert((0, Some(Total::default())));
        *rows += file.rows;
        let own = Decimal::parse(file.total.as_bytes(), Limits::TOTAL).ok();
        *total = total.zip(own).and_then(|(mut total, own)| total.add(own.value).ok().map(|()| total));
    }
    let text = |total: Total| total.value().to_shortest_string();
    sums.into_iter().map(|(key, (rows, total))| (key, (rows, total.map(text)))).collect()
}

async fn read_records(store: &Store, report: &mut VerifyReport) -> Result<Vec<(u64, ImportRecord)>, ImportError> {
    let mut records = Vec::new();
    let oldest = store.lake().snapshot().await?.oldest_kept().await?;
    for commit in store.lake().notes_after(None).await? {
        report.checked.revisions += 1;
        if let Some(note) = &commit.note {
            match ImportRecord::read(commit.version, note) {
                Ok(record) => records.push((commit.version, record)),
                Err(error) => report.violations.push(error.to_string()),
            }
        } else if commit.merges_files && commit.version > oldest {
            let version = commit.version;
            let before = store.lake().snapshot_at(version.saturating_sub(1)).await?;
            if sums_of(&before) != sums_of(&store.lake().snapshot_at(version).await?) {
                report.violations.push(format!("revision {version}: merging files changed rows or totals"));
            }
        } else if commit.changes_files && !commit.merges_files {
            let version = commit.version;
            report.violations.push(format!("revision {version}: charges were changed by something that is no import"));
        }
    }
    Ok(records)
}

/// The catalog must say of every import what the lake's log says.
async fn check_catalog(
    store: &Store,
    records: &[(u64, ImportRecord)],
    report: &mut VerifyReport,
) -> Result<(), ImportError> {
    let known: BTreeMap<u64, String> = store
        .catalog()
        .import_records(u64::try_from(i64::MAX).unwrap_or_default())
        .await?
        .into_iter()
        .map(|(version, _, record)| (version, record))
        .collect();
    for (version, record) in records {
        if known.get(version) != Some(&record.to_json().to_string()) {
            report.violations.push(format!("revision {version}: the catalog's record is not the lake's"));
        }
    }
    for version in known.keys().filter(|version| !records.iter().any(|(known, _)| known == *version)) {
        report.violations.push(format!("revision {version}: the catalog has an import that the lake has not"));
    }
    Ok(())
}

/// Rows and sums of each period that its newest import holds alone must be those that the import counted.
fn check_control_totals(files: &[lake::LakeFile], records: &[(u64, ImportRecord)], report: &mut VerifyReport) {
    type Key = (String, String, ledger::Dataset, String);
    let mut newest: BTreeMap<Key, (u64, &crate::record::PeriodRecord, bool)> = BTreeMap::new();
    for (version, record) in records {
        for unit in record.units.iter().filter(|unit| unit.days.is_some()) {
            // An import of days changes parts of periods; their totals are those of several imports.
            for (key, entry) in &mut newest {
                let same_series =
                    unit.enrollment.matches(&key.0) && key.1 == unit.source_key() && key.2 == unit.dataset;
                if same_series && key.3 == unit.period {
                    entry.2 = false;
                }
            }
        }
        for period in &record.periods {
            let whole = record.units.iter().any(|unit| unit.days.is_none() && unit.period == period.period);
            let key = (period.enrollment.to_string(), period.source_key(), period.dataset, period.period.clone());
            newest.insert(key, (*version, period, whole));
        }
    }
    for ((enrollment, scope, dataset, period), (version, expected, alone)) in newest {
        if !alone {
            continue;
        }
        let own = files.iter().filter(|file| {
            file.enrollment.matches(&enrollment)
                && file.scope_key == scope
                && file.dataset == dataset
                && file.period.to_string() == period
        });
        let (mut rows, mut total) = (0, Total::default());
        for file in own {
            rows += file.rows;
            let value =
                Decimal::parse(file.total.as_bytes(), Limits::TOTAL).map(|parsed| parsed.value).unwrap_or_default();
            if total.add(value).is_err() {
                report.violations.push(format!("{}: its total cannot be added", file.path));
            }
        }
        let expected_total = Decimal::parse(expected.total.as_bytes(), Limits::TOTAL).map(|parsed| parsed.value).ok();
        let replaced_by_empty = rows == 0 && expected.rows > 0 && emptied(records, version, expected);
        if (rows != expected.rows || Some(total.value()) != expected_total) && !replaced_by_empty {
            report.violations.push(format!(
                "{dataset} {period} of {scope}: {rows} rows with a total of {} are there, revision {version} brought {} \
                 rows with a total of {}",
                total.value(),
                expected.rows,
                expected.total
            ));
        }
    }
}

/// Whether a later import emptied the period: it has a unit for it and no rows.
fn emptied(records: &[(u64, ImportRecord)], version: u64, expected: &crate::record::PeriodRecord) -> bool {
    records.iter().filter(|(later, _)| *later > version).flat_map(|(_, record)| &record.units).any(|unit| {
        unit.period == expected.period
            && unit.enrollment == expected.enrollment
            && unit.dataset == expected.dataset
            && unit.source_key() == expected.source_key()
    })
}
