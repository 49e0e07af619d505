//! Billing runs: from what is known at an instant to one revision of the lake.

mod period;
mod plan;

use calendar::BillingPeriod;
use catalog::{BilledPeriod, BilledRevision, HeldBackUsage, Reopening};
use imports::{BilledEnrollment, BillingRun, ImportError, Store};
use lake::UsageSnapshot;
use ledger::billing::{Instant, PeriodBook, close_of};
use ledger::{BalanceSummary, EnrollmentId};

use crate::boundary::{Reopen, close_again, move_boundary, reopen};
use crate::digest::Billed;
use crate::error::{BillingError, instant_text};
use crate::known::Known;
use period::{bill_period, write_period};
use plan::{Plan, plan, refuse_unseen};

/// How often a run begins again because periods were closed or opened meanwhile.
const ATTEMPTS_MAX: usize = 3;
/// Why a run closes periods, in the log.
const CLOSED: &str = "the period closed";
/// Why a run opens them again.
const NOT_BILLED: &str = "the closed period could not be billed";

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The instant of asking: only what was received until then is seen.
    pub as_of: Instant,
    /// The last period to bill; `None`: that of the instant. Later ones that were billed before are billed again.
    pub period: Option<BillingPeriod>,
    /// Who asks.
    pub actor: String,
    /// A closed period to open again first.
    pub reopen: Option<Reopen>,
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    /// Whose periods.
    pub enrollment: EnrollmentId,
    /// The revision that was made; `None`: nothing has changed.
    pub revision: Option<u64>,
    /// All periods that are not final, and those that became so.
    pub periods: Vec<PeriodOutcome>,
}

/// A period of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodOutcome {
    /// The period.
    pub period: BillingPeriod,
    /// Whether it is final now.
    pub is_final: bool,
    /// The revision that holds its charges.
    pub revision: u64,
    /// Whether it is held already, billed from the same input.
    pub is_unchanged: bool,
    /// What was computed; `None` for an unchanged period.
    pub totals: Option<BilledTotals>,
    /// Usage that is held back (D-07).
    pub held_back: Vec<HeldBackUsage>,
}

/// Rows and exact sums of a billed period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledTotals {
    /// Rows of ActualCost.
    pub actual_rows: u64,
    /// Sum of the cost in ActualCost, as decimal text.
    pub actual_total: String,
    /// Rows of AmortizedCost.
    pub amortized_rows: u64,
    /// Sum of the cost in AmortizedCost, as decimal text.
    pub amortized_total: String,
    /// The balance summary.
    pub balance: BalanceSummary,
}

/// Bills every period of an enrollment that is not final, up to that of the instant, and commits them as one revision.
/// Input that was billed before makes no revision.
///
/// # Errors
/// [`BillingError::Stale`] for an instant before that of a held run, [`BillingError::Period`] for a period that cannot be
/// asked for, [`BillingError::Bill`] for input that the engine refuses. Nothing has changed then.
pub async fn run(store: &Store, enrollment: &EnrollmentId, options: &RunOptions) -> Result<RunOutcome, BillingError> {
    store.heal().await?;
    let Some(own) = &options.reopen else { return attempts(store, enrollment, options).await };
    refuse_stale(store, enrollment, options.as_of).await?;
    let opened = reopen(store, enrollment, own, &options.actor).await?;
    let done = attempts(store, enrollment, options).await;
    if let (Some(opened), Err(_)) = (opened, &done) {
        close_again(store, enrollment, opened, &options.actor).await?;
    }
    done
}

async fn attempts(store: &Store, enrollment: &EnrollmentId, options: &RunOptions) -> Result<RunOutcome, BillingError> {
    for _ in 0..ATTEMPTS_MAX {
        match attempt(store, enrollment, options).await {
            Err(BillingError::Busy { .. }) => {}
            Err(BillingError::Store(error)) if matches!(*error, ImportError::BoundaryMoved { .. }) => {}
            done => return done,
        }
    }
    Err(BillingError::Busy { enrollment: enrollment.clone() })
}

async fn attempt(store: &Store, enrollment: &EnrollmentId, options: &RunOptions) -> Result<RunOutcome, BillingError> {
    store.heal().await?;
    refuse_stale(store, enrollment, options.as_of).await?;
    let known = Known::load(store, enrollment, Some(options.as_of)).await?;
    let held = store.catalog().billed_periods(enrollment).await?;
    let plan = plan(&known, &held, options)?;
    let before = known.state.closed_through;
    if let Some(closes) = plan.closes.filter(|_| plan.closes != before) {
        let all = Known::load(store, enrollment, None).await?;
        refuse_unseen(&all, &known, closes, options.as_of)?;
        // First of all: what comes from now on is judged against the closing, what came before is seen below.
        move_boundary(store, enrollment, before, plan.closes, &options.actor, CLOSED).await?;
    }
    let billed = bill(store, enrollment, options, &plan, held).await;
    if let Err(error) = &billed
        && plan.closes != before
        && !matches!(error, BillingError::Busy { .. })
    {
        // Whoever has to correct the input that cannot be billed finds the period open.
        move_boundary(store, enrollment, plan.closes, before, &options.actor, NOT_BILLED).await?;
    }
    billed
}

/// Refuses an instant of asking before that of a held run.
///
/// # Errors
/// [`BillingError::Stale`].
pub async fn refuse_stale(store: &Store, enrollment: &EnrollmentId, as_of: Instant) -> Result<(), BillingError> {
    let held = store.catalog().billed_periods(enrollment).await?;
    match held.iter().max_by_key(|billed| billed.as_of).filter(|newest| newest.as_of > as_of.0) {
        Some(newest) => Err(BillingError::Stale {
            enrollment: enrollment.clone(),
            held: instant_text(Instant(newest.as_of)),
            revision: newest.version,
            given: instant_text(as_of),
        }),
        None => Ok(()),
    }
}

/// Bills the planned periods one after the other, each from what the one before handed on.
async fn bill(
    store: &Store,
    enrollment: &EnrollmentId,
    options: &RunOptions,
    plan: &Plan,
    held: Vec<BilledRevision>,
) -> Result<RunOutcome, BillingError> {
    // Read again after the closing, so that nothing that was taken before it is missed.
    let known = Known::load(store, enrollment, Some(options.as_of)).await?;
    let usage = store.usage().snapshot().await?;
    let mut made = Made { run: None, periods: Vec::new(), outcomes: Vec::new() };
    let done = bill_all(store, &known, &usage, options, plan, &held, &mut made).await;
    if let Err(error) = done {
        if let Some(run) = made.run {
            run.discard().await;
        }
        return Err(error);
    }
    let Made { run, periods, mut outcomes } = made;
    let Some(run) = run else {
        return Ok(RunOutcome { enrollment: enrollment.clone(), revision: None, periods: outcomes });
    };
    let revision = run.commit(options.as_of.0, usage.version(), periods, plan.closes).await?;
    for outcome in outcomes.iter_mut().filter(|outcome| !outcome.is_unchanged) {
        outcome.revision = revision;
    }
    Ok(RunOutcome { enrollment: enrollment.clone(), revision: Some(revision), periods: outcomes })
}

/// What a run has made so far.
struct Made<'s> {
    run: Option<BillingRun<'s>>,
    periods: Vec<BilledPeriod>,
    outcomes: Vec<PeriodOutcome>,
}

async fn bill_all<'s>(
    store: &'s Store,
    known: &Known,
    usage: &UsageSnapshot,
    options: &RunOptions,
    plan: &Plan,
    held: &[BilledRevision],
    made: &mut Made<'s>,
) -> Result<(), BillingError> {
    let enrollment = &known.stated(Some(options.as_of))?.enrollment;
    let held_of = |period: BillingPeriod| held.iter().find(|billed| billed.period == period);
    let first = plan.periods.first().and_then(|first| first.previous().ok());
    let mut previous: Option<PeriodBook> = first.and_then(held_of).map(|billed| billed.book.clone());
    let reopened = plan.reopened(store, &known.number).await?;
    for period in plan.periods.iter().copied() {
        let as_of = close_of(period).map_or(options.as_of, |close| close.min(options.as_of));
        let is_final = plan.closes.is_some_and(|closed| period <= closed);
        let own = Billed {
            known,
            period,
            usage: usage.files(&known.number, period).collect(),
            previous: previous.as_ref(),
            as_of: options.as_of,
            day: as_of.date().unwrap_or(calendar::Date::MAX),
            is_final,
        };
        let content = own.digest();
        if let Some(same) = held_of(period).filter(|billed| billed.content == content) {
            previous = Some(same.book.clone());
            made.outcomes.push(unchanged(same));
            continue;
        }
        let bill = bill_period(store, known, usage, &own, as_of).await?;
        if made.run.is_none() {
            let own = BilledEnrollment {
                number: enrollment.number.clone(),
                name: enrollment.name.clone(),
                currency: enrollment.currency,
            };
            let begun = tokio::task::block_in_place(|| BillingRun::begin(store, own, options.as_of.0, &options.actor));
            made.run = Some(begun?);
        }
        let Some(run) = &mut made.run else { continue };
        let totals = tokio::task::block_in_place(|| write_period(run, &bill, &content))?;
        let held_back = period::held_back(&bill);
        let was_final = held_of(period).is_some_and(|billed| billed.is_final);
        made.outcomes.push(PeriodOutcome {
            period,
            is_final: bill.is_final,
            revision: 0,
            is_unchanged: false,
            totals: Some(totals),
            held_back: held_back.clone(),
        });
        made.periods.push(BilledPeriod {
            period: period.to_string(),
            is_final: bill.is_final,
            content,
            book: bill.book.clone(),
            balance: bill.balance.clone(),
            held_back,
            reopened: reopened.clone().filter(|_: &Reopening| was_final),
        });
        previous = Some(bill.book);
    }
    Ok(())
}

fn unchanged(held: &BilledRevision) -> PeriodOutcome {
    PeriodOutcome {
        period: held.period,
        is_final: held.is_final,
        revision: held.version,
        is_unchanged: true,
        totals: None,
        held_back: held.held_back.clone(),
    }
}
