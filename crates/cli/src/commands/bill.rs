//! `lazurite bill`: takes what the operators of native enrollments state and meter, then bills what it concerns.

mod output;
mod rejects;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use billing::{
    AppliedEnrollment, ApplyOptions, BillingError, DocumentFill, IngestOptions, Ingested, NativePaths, Reopen,
    RunOptions, RunOutcome, UsageChecks, UsageInput, apply, close_again, ingest, native_paths, refuse_stale, reopen,
    run as bill,
};
use catalog::AuditEntry;
use imports::Store;
use ledger::EnrollmentId;
use ledger::billing::Instant;

use crate::args::BillArgs;
use crate::commands::{actor, audit_entry};
use crate::failure::Failure;
use crate::instant::{now_micros, now_ms};
use rejects::RejectsFile;

/// Done, but records of usage were refused.
const EXIT_INCOMPLETE: u8 = 3;
/// How far an instant of asking may lie ahead: clocks differ.
const AHEAD_MAX_MICROS: i64 = 5 * 60 * 1_000_000;

/// What a command did.
#[derive(Default)]
struct Done {
    applied: Vec<AppliedEnrollment>,
    /// Batches of usage with the files that they stand in.
    batches: Vec<(PathBuf, Ingested)>,
    billed: Vec<RunOutcome>,
    /// Enrollments that could not be billed while others were.
    failed: Vec<(EnrollmentId, Failure)>,
}

impl Done {
    fn refused(&self) -> u64 {
        self.batches.iter().map(|(_, batch)| batch.refused).sum()
    }
}

pub(crate) async fn run(args: BillArgs) -> Result<ExitCode, Failure> {
    check_as_of(&args)?;
    let found = if args.paths.is_empty() {
        NativePaths::default()
    } else {
        tokio::task::block_in_place(|| native_paths(&args.paths))?
    };
    check(&args, &found)?;
    let rejects = args.rejects.as_deref().map(RejectsFile::open).transpose()?;
    let store = match args.paths.is_empty() {
        true => Store::open_existing(&args.data.path).await?,
        false => Store::open(&args.data.path).await?,
    };
    let mut done = Done::default();
    let outcome = work(&store, &args, &found, rejects, &mut done).await;
    if let Err(failure) = &outcome
        && failure.is_refusal()
        && !args.dry_run
    {
        store.catalog().write_audit(&[refused(&args, failure)]).await?;
    }
    let shown = match &outcome {
        Ok(()) => output::show(&store, &args, &done).await,
        Err(_) => Ok(()),
    };
    store.catalog().close().await;
    outcome?;
    shown?;
    Ok(exit_code(&done))
}

fn exit_code(done: &Done) -> ExitCode {
    match done.failed.iter().find(|(_, failure)| !failure.is_refusal()).or(done.failed.first()) {
        Some((_, worst)) => worst.exit_code(),
        None if done.refused() > 0 => ExitCode::from(EXIT_INCOMPLETE),
        None => ExitCode::SUCCESS,
    }
}

/// Takes documents, then usage, then bills.
async fn work(
    store: &Store,
    args: &BillArgs,
    found: &NativePaths,
    rejects: Option<RejectsFile>,
    done: &mut Done,
) -> Result<(), Failure> {
    if args.reopen.is_some() && args.received_at.is_none() && !found.usage.is_empty() {
        let message = "usage is billed in the month in which it was received, and this is received now: to bring it into \
                       the reopened period, say when it was received with --received-at INSTANT, before the 5th of the \
                       month after it";
        return Err(Failure::refused("ReceivedWhen", message));
    }
    let received_at = args.received_at.or(args.as_of).map_or(Instant(now_micros()), |given| Instant(given.0.0));
    let mut reopening = args.reopen.map(|period| Reopen { period, reason: args.reason.clone().unwrap_or_default() });
    if !found.documents.is_empty() {
        let options = ApplyOptions {
            received_at,
            fill: DocumentFill {
                enrollment: args.enrollment.clone(),
                from: args.prices_from,
                through: args.prices_through,
            },
            actor: actor(),
            dry_run: args.dry_run,
            // The documents of a reopened period are judged against the reopening.
            reopen: reopening.take(),
        };
        done.applied = apply(store, &found.documents, &options).await?;
    }
    if args.dry_run {
        return Ok(());
    }
    let mut concerned: BTreeSet<EnrollmentId> = done.applied.iter().map(|one| one.enrollment.clone()).collect();
    if !found.usage.is_empty() {
        let enrollment = usage_enrollment(store, args, &concerned, found).await?;
        let mut opened = None;
        if let Some(reopening) = reopening.take() {
            if let Some(as_of) = args.as_of {
                refuse_stale(store, &enrollment, Instant(as_of.0.0)).await?;
            }
            opened = reopen(store, &enrollment, &reopening, &actor()).await?;
        }
        concerned.insert(enrollment.clone());
        let taken = take_usage(store, args, received_at, &enrollment, found, rejects, done).await;
        if let (Some(opened), Err(_), true) = (opened, &taken, done.batches.is_empty()) {
            close_again(store, &enrollment, opened, &actor()).await?;
        }
        taken?;
    }
    if args.paths.is_empty() {
        concerned = match &args.enrollment {
            Some(one) => BTreeSet::from([one.clone()]),
            None => store.catalog().native_enrollments().await?.into_iter().collect(),
        };
        if concerned.is_empty() {
            let message = "no enrollment is billed here; begin with: lazurite init --native DIR, lazurite bill DIR";
            return Err(Failure::refused("NothingToBill", message));
        }
    }
    if reopening.is_some() && concerned.len() != 1 {
        return Err(Failure::refused("WhichEnrollment", "--reopen is about one enrollment; say it with --enrollment"));
    }
    // Not before what has just been received.
    let as_of = args.as_of.map_or(Instant(now_micros()), |given| Instant(given.0.0));
    bill_all(store, args, as_of, concerned, reopening, done).await
}

/// Whose usage the files hold: the one that is named, else that of the documents beside, else the only one there is.
async fn usage_enrollment(
    store: &Store,
    args: &BillArgs,
    documents: &BTreeSet<EnrollmentId>,
    found: &NativePaths,
) -> Result<EnrollmentId, Failure> {
    if let Some(enrollment) = &args.enrollment {
        return Ok(enrollment.clone());
    }
    let all = match documents.len() {
        0 => store.catalog().native_enrollments().await?,
        _ => documents.iter().cloned().collect(),
    };
    match all.as_slice() {
        [only] => Ok(only.clone()),
        _ => {
            let file = found.usage.first().map(|file| file.display().to_string()).unwrap_or_default();
            Err(BillingError::WhichEnrollment { file }.into())
        }
    }
}

async fn take_usage(
    store: &Store,
    args: &BillArgs,
    received_at: Instant,
    enrollment: &EnrollmentId,
    found: &NativePaths,
    mut rejects: Option<RejectsFile>,
    done: &mut Done,
) -> Result<(), Failure> {
    let checks = UsageChecks::default();
    let options = IngestOptions { received_at, is_strict: rejects.is_none(), actor: actor() };
    for file in &found.usage {
        let input = tokio::task::block_in_place(|| UsageInput::file(file))?;
        let taken = ingest(store, &checks, enrollment, args.batch_id.as_deref(), &input, &options).await;
        let taken = taken.map_err(|error| strictly(error, done))?;
        if let Some(rejects) = &mut rejects {
            tokio::task::block_in_place(|| rejects.write(file, &taken))?;
        }
        if !taken.is_unchanged {
            let detail = format!("{} records accepted, {} refused", taken.accepted, taken.refused);
            let entry = audit_entry("usage.batch", enrollment, taken.batch.clone(), detail);
            store.catalog().write_audit(&[entry]).await?;
        }
        done.batches.push((file.clone(), taken));
    }
    Ok(())
}

/// A refusal that says what was taken before it, and how to go on.
fn strictly(error: BillingError, done: &Done) -> Failure {
    let records = matches!(error, BillingError::RecordsRefused { .. });
    let failure = Failure::from(error);
    let failure = match (done.applied.is_empty(), done.batches.is_empty()) {
        (true, true) => failure,
        (false, true) => failure.after("the documents were taken, nothing was billed"),
        _ => failure.after("what stands in the files before was taken, nothing was billed"),
    };
    if records { failure.hint("to take the others: --rejects FILE") } else { failure }
}

async fn bill_all(
    store: &Store,
    args: &BillArgs,
    as_of: Instant,
    concerned: BTreeSet<EnrollmentId>,
    reopening: Option<Reopen>,
    done: &mut Done,
) -> Result<(), Failure> {
    let is_only = concerned.len() == 1;
    for enrollment in concerned {
        let options = RunOptions { as_of, period: args.period, actor: actor(), reopen: reopening.clone() };
        match newest(store, &enrollment, options, args.as_of.is_none()).await {
            Ok(outcome) => done.billed.push(outcome),
            Err(error) if is_only => {
                let failure = Failure::from(error);
                let took = !done.applied.is_empty() || !done.batches.is_empty();
                return Err(if took { failure.after("the input was taken, but not billed") } else { failure });
            }
            Err(error) => done.failed.push((enrollment, error.into())),
        }
    }
    Ok(())
}

/// Bills; where nobody said as of when, another run that was faster is no reason to refuse.
async fn newest(
    store: &Store,
    enrollment: &EnrollmentId,
    mut options: RunOptions,
    is_now: bool,
) -> Result<RunOutcome, BillingError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        match bill(store, enrollment, &options).await {
            Err(BillingError::Stale { .. } | BillingError::Busy { .. }) if is_now => {
                options.as_of = Instant(now_micros());
            }
            done => return done,
        }
    }
    bill(store, enrollment, &options).await
}

/// Refuses an instant of asking that is still to come.
fn check_as_of(args: &BillArgs) -> Result<(), Failure> {
    let latest = now_micros().saturating_add(AHEAD_MAX_MICROS);
    if args.as_of.is_none_or(|given| given.0.0 <= latest) {
        return Ok(());
    }
    let message = "--as-of lies ahead: expected an instant that is over, since later runs could not begin before it";
    Err(Failure::refused("AsOf", message))
}

/// What options and files do not allow together.
fn check(args: &BillArgs, found: &NativePaths) -> Result<(), Failure> {
    if args.batch_id.is_some() && found.usage.len() != 1 {
        let message = format!("--batch-id is for a single file of usage; there are {}", found.usage.len());
        return Err(Failure::refused("BatchId", message));
    }
    if args.rejects.is_some() && found.usage.is_empty() {
        return Err(Failure::refused("Rejects", "--rejects is for records of usage; no PATH holds any"));
    }
    if args.reason.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Failure::refused("Reason", "--reason is blank; say why the period is opened again"));
    }
    Ok(())
}

/// How often a run as of now begins again because another one was faster.
const STALE_ATTEMPTS_MAX: usize = 5;

/// A refusal, for the audit log. Of paths only the file names are kept.
fn refused(args: &BillArgs, failure: &Failure) -> AuditEntry {
    let names = args.paths.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let names: Vec<String> = names.take(10).collect();
    AuditEntry {
        at_ms: now_ms(),
        actor: actor(),
        action: "bill.refused".to_owned(),
        enrollment: args.enrollment.clone(),
        target: names.join(", "),
        detail: failure.code().to_owned(),
        times: 1,
    }
}
