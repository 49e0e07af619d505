//! The boundary between closed and open periods of an enrollment.
//!
//! It is moved by commits of the usage table, so that it is in one order with every batch of usage: whatever was taken for
//! a period before it was closed is seen by the run that closes it, and whatever comes after is judged against the closing.

use calendar::BillingPeriod;
use imports::{MovedBoundary, Store, UsageDone, UsageRecordNote};
use lake::{LakeError, UsageAppend};
use ledger::EnrollmentId;

use crate::error::BillingError;
use crate::known::Known;

/// How often a commit is tried again because another one came first.
const ATTEMPTS_MAX: usize = 50;

/// An operator's decision to bill a closed period, and every later one, again (D-32).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopen {
    /// The first period that is opened.
    pub period: BillingPeriod,
    /// Why; kept with the revision.
    pub reason: String,
}

/// A reopening that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    before: Option<BillingPeriod>,
    after: Option<BillingPeriod>,
}

/// Opens a closed period and every later one again: they take input from now on, and the next run bills and closes them
/// again, with a new revision. `None`: the period is open already.
///
/// # Errors
/// [`BillingError::UnknownEnrollment`], and [`BillingError::Period`] for a period before the enrollment's first.
pub async fn reopen(
    store: &Store,
    enrollment: &EnrollmentId,
    reopen: &Reopen,
    actor: &str,
) -> Result<Option<Opened>, BillingError> {
    store.heal().await?;
    let known = Known::load(store, enrollment, None).await?;
    let start = known.stated(None)?.enrollment.start;
    let Some(through) = reopened(start, known.state.closed_through, reopen, enrollment)? else { return Ok(None) };
    let opened = Opened { before: known.state.closed_through, after: through };
    move_boundary(store, enrollment, opened.before, opened.after, actor, &reopen.reason).await?;
    Ok(Some(opened))
}

/// Takes a reopening back under which nothing was taken.
///
/// # Errors
/// [`BillingError::Busy`] where the boundary was moved meanwhile.
pub async fn close_again(
    store: &Store,
    enrollment: &EnrollmentId,
    opened: Opened,
    actor: &str,
) -> Result<(), BillingError> {
    move_boundary(store, enrollment, opened.after, opened.before, actor, "what it was opened for was refused").await
}

/// Through which period the enrollment is closed after a reopening; `None`: nothing changes.
#[expect(clippy::option_option, reason = "that no period is closed is one of the answers")]
pub(crate) fn reopened(
    start: BillingPeriod,
    closed_through: Option<BillingPeriod>,
    reopen: &Reopen,
    enrollment: &EnrollmentId,
) -> Result<Option<Option<BillingPeriod>>, BillingError> {
    let period = reopen.period;
    if period < start {
        let reason = format!("was never billed here; the first period is {start}");
        return Err(BillingError::Period { period, enrollment: enrollment.clone(), reason });
    }
    if closed_through.is_none_or(|closed| closed < period) {
        return Ok(None);
    }
    Ok(Some(period.previous().ok().filter(|before| *before >= start)))
}

/// Moves the boundary from where it was seen to another period.
///
/// # Errors
/// [`BillingError::Busy`] where somebody else moved it.
pub(crate) async fn move_boundary(
    store: &Store,
    enrollment: &EnrollmentId,
    from: Option<BillingPeriod>,
    through: Option<BillingPeriod>,
    actor: &str,
    reason: &str,
) -> Result<(), BillingError> {
    let done = UsageDone::Boundary(MovedBoundary {
        through: through.map(|period| period.to_string()),
        reason: reason.to_owned(),
    });
    let note = UsageRecordNote::new(enrollment.clone(), actor.to_owned(), done).to_json();
    let application = format!("boundary/{}", uuid::Uuid::now_v7());
    for _ in 0..ATTEMPTS_MAX {
        let base = store.usage().snapshot().await?;
        store.take_over_usage().await?;
        let state = store.catalog().native_state(enrollment).await?;
        if state.closed_through != from {
            break;
        }
        let append = UsageAppend { application: application.clone(), files: Vec::new(), note: note.clone() };
        match store.usage().append(&base, append).await {
            Ok(_) => {
                store.take_over_usage().await?;
                return Ok(());
            }
            Err(LakeError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(BillingError::Busy { enrollment: enrollment.clone() })
}
