//! Which periods a run bills, and which of them it closes.

use calendar::BillingPeriod;
use catalog::{BilledRevision, Boundary, Reopening};
use imports::Store;
use ledger::EnrollmentId;
use ledger::billing::{Instant, close_of, first_period_of};

use super::{NOT_BILLED, RunOptions};
use crate::error::{BillingError, instant_text};
use crate::known::{Known, first_open};
use crate::ownership::closed_change;
use crate::sheets::sheet_for;

/// What a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The periods to bill, in order and without gap.
    pub(super) periods: Vec<BillingPeriod>,
    /// The last closed period when the run is done.
    pub(super) closes: Option<BillingPeriod>,
}

/// Plans a run.
pub(super) fn plan(known: &Known, held: &[BilledRevision], options: &RunOptions) -> Result<Plan, BillingError> {
    let enrollment = &known.stated(Some(options.as_of))?.enrollment;
    let refuse = |period: BillingPeriod, reason: String| {
        Err(BillingError::Period { period, enrollment: known.number.clone(), reason })
    };
    let start = enrollment.start;
    let now = options.as_of.date().map(BillingPeriod::of);
    let Ok(now) = now else { return refuse(start, "cannot be billed in years after 9999".to_owned()) };
    if now < start {
        let as_of = instant_text(options.as_of);
        return refuse(start, format!("is the first that is billed, and begins after the instant {as_of}"));
    }
    let closed_through = known.state.closed_through;
    let open = first_open(start, closed_through);
    // A closed period that was not billed since: a run ended between the two.
    let is_final = |period: BillingPeriod| held.iter().any(|billed| billed.period == period && billed.is_final);
    let first = periods(start, open).into_iter().find(|period| *period < open && !is_final(*period)).unwrap_or(open);
    let mut last = now;
    if let Some(asked) = options.period {
        if asked < first {
            return refuse(
                asked,
                format!("is final; to bill it and all later periods again: lazurite bill --reopen {asked}"),
            );
        }
        if asked > now {
            return refuse(asked, format!("begins after the instant {}", instant_text(options.as_of)));
        }
        // Later periods that were billed before begin from this one's book.
        let billed = held.iter().map(|billed| billed.period).max().map_or(asked, |billed| billed.max(asked));
        last = billed.min(now);
    }
    let periods = periods(first, last);
    let over = |period: &&BillingPeriod| close_of(**period).is_ok_and(|close| close <= options.as_of);
    let closes = periods.iter().take_while(over).last().copied().max(closed_through);
    Ok(Plan { periods, closes })
}

impl Plan {
    /// Who opened periods again since they were closed; `None`: nobody.
    pub(super) async fn reopened(
        &self,
        store: &Store,
        enrollment: &EnrollmentId,
    ) -> Result<Option<Reopening>, BillingError> {
        let boundaries = store.catalog().boundaries(enrollment).await?;
        let is_reopening = |pair: &&[Boundary]| pair[1].through < pair[0].through && pair[1].reason != NOT_BILLED;
        let backward = boundaries.windows(2).rev().find(is_reopening);
        Ok(backward.map(|pair| Reopening {
            actor: pair[1].actor.clone(),
            at_ms: pair[1].at_ms,
            reason: pair[1].reason.clone(),
        }))
    }
}

/// Refuses to close periods without input that was received after the instant of asking and would change them: it was
/// taken while they were open, and would never be billed.
pub(super) fn refuse_unseen(
    all: &Known,
    seen: &Known,
    closes: BillingPeriod,
    as_of: Instant,
) -> Result<(), BillingError> {
    let refuse = |what: String| {
        let as_of = instant_text(as_of);
        let reason =
            format!("cannot be closed as of {as_of} without {what}, which came later: ask for a later instant");
        Err(BillingError::Period { period: closes, enrollment: all.number.clone(), reason })
    };
    let every = all.all_orders();
    let unseen = all.orders.iter().filter(|order| !seen.orders.iter().any(|own| own.name == order.name));
    for order in unseen.flat_map(|known| &known.orders) {
        let enrollment = match &all.document {
            Some((stated, _)) => &stated.enrollment,
            None => continue,
        };
        if first_period_of(order, enrollment, &every).is_ok_and(|period| period <= closes) {
            return refuse(format!("order {}", order.id()));
        }
    }
    let (Some((newest, _)), Some((own, _))) = (&all.document, &seen.document) else { return Ok(()) };
    let start = own.enrollment.start;
    let closing = periods(start, closes)
        .into_iter()
        .filter(|period| all.state.closed_through.is_none_or(|closed| *period > closed));
    for period in closing {
        if let (Some(newest), own) = (sheet_for(&all.sheets, period), sheet_for(&seen.sheets, period))
            && own != Some(newest)
        {
            return refuse(format!("the price sheet from {} on", newest.from));
        }
    }
    let open = first_open(start, Some(closes)).first_day();
    match closed_change(&own.enrollment.hierarchy, &newest.enrollment.hierarchy, open) {
        Some((what, _)) => refuse(what),
        None => Ok(()),
    }
}

/// From the first to the last period, both included.
fn periods(first: BillingPeriod, last: BillingPeriod) -> Vec<BillingPeriod> {
    let mut all = Vec::new();
    let mut next = Some(first);
    while let Some(period) = next.filter(|period| *period <= last) {
        all.push(period);
        next = period.next().ok();
    }
    all
}
