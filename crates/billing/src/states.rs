//! Status and history of the billing periods of a native enrollment.

use std::collections::BTreeMap;

use calendar::BillingPeriod;
use catalog::BilledRevision;
use imports::Store;
use ledger::EnrollmentId;

use crate::error::BillingError;
use crate::known::{Known, first_open};

/// In which state a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodState {
    /// It takes input, and its charges are estimates.
    Open,
    /// It takes no more input, and was not billed since.
    Closed,
    /// It was billed after its close and changes no more.
    Final,
    /// An operator opened it again; what is held is what was billed before.
    Reopened,
}

impl PeriodState {
    /// The word for people and scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Final => "final",
            Self::Reopened => "reopened",
        }
    }
}

/// A period with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodStatus {
    /// The period.
    pub period: BillingPeriod,
    /// In which state it is.
    pub state: PeriodState,
    /// Its revisions, oldest first; the last one is held.
    pub history: Vec<BilledRevision>,
}

/// The periods of an enrollment from its first on: those that were billed or closed, in order.
///
/// # Errors
/// [`BillingError::UnknownEnrollment`].
pub async fn states(store: &Store, enrollment: &EnrollmentId) -> Result<Vec<PeriodStatus>, BillingError> {
    store.heal().await?;
    let known = Known::load(store, enrollment, None).await?;
    let start = known.stated(None)?.enrollment.start;
    let open = first_open(start, known.state.closed_through);
    let mut periods: BTreeMap<BillingPeriod, Vec<BilledRevision>> = BTreeMap::new();
    for revision in store.catalog().billed_history(enrollment).await? {
        periods.entry(revision.period).or_default().push(revision);
    }
    let mut closed = Some(start).filter(|period| *period < open);
    while let Some(period) = closed {
        periods.entry(period).or_default();
        closed = period.next().ok().filter(|next| *next < open);
    }
    let status = |(period, history): (BillingPeriod, Vec<BilledRevision>)| {
        let was_final = history.last().is_some_and(|held| held.is_final);
        let state = match (period < open, was_final) {
            (true, true) => PeriodState::Final,
            (true, false) => PeriodState::Closed,
            (false, true) => PeriodState::Reopened,
            (false, false) => PeriodState::Open,
        };
        PeriodStatus { period, state, history }
    };
    Ok(periods.into_iter().map(status).collect())
}
