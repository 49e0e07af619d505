//! How the charges of a billing period and its balance fit together.

use calendar::BillingPeriod;
use catalog::HeldBalance;
use ledger::EnrollmentId;
use ledger::identities::{History, PeriodReport};
use money::Currency;

use super::walk::{NativeFacts, Walk};
use crate::error::ImportError;
use crate::store::Store;

/// A billing period of an enrollment with everything that explains it.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// The currency of every amount; `None` where nothing says it.
    pub currency: Option<Currency>,
    /// Whether it is billed here.
    pub is_native: bool,
    /// The version of the lake.
    pub revision: u64,
    /// Sums, benefits, invoice lines and identities.
    pub report: PeriodReport,
    /// The balance summary that is held.
    pub balance: Option<HeldBalance>,
}

/// Explains a period; `None`: neither charges nor a balance summary of it are held. Of the periods before it what their
/// benefits cost is read, because what is deferred carries over.
pub async fn explain(
    store: &Store,
    enrollment: &EnrollmentId,
    period: BillingPeriod,
    native: Option<&NativeFacts>,
) -> Result<Option<Explanation>, ImportError> {
    let snapshot = store.lake().snapshot().await?;
    let walk = Walk::begin(store, &snapshot, enrollment, native).await?;
    let periods = walk.periods();
    if !periods.contains(&period) {
        return Ok(None);
    }
    let mut history = History::default();
    for earlier in periods.iter().filter(|earlier| **earlier < period) {
        walk.carry(&mut history, *earlier).await?;
    }
    let report = walk.report(&mut history, period).await?;
    Ok(Some(Explanation {
        enrollment: enrollment.clone(),
        currency: walk.currency(),
        is_native: native.is_some(),
        revision: snapshot.version(),
        balance: walk.balance(period).cloned(),
        report,
    }))
}
