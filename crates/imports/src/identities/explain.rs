//! How the charges of a billing period and its balance fit together.

use calendar::BillingPeriod;
use catalog::HeldBalance;
use lake::Snapshot;
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

/// What is to be explained, and as it stood when.
#[derive(Debug, Clone, Copy)]
pub struct ExplainQuestion<'a> {
    /// Whose.
    pub enrollment: &'a EnrollmentId,
    /// Which period.
    pub period: BillingPeriod,
    /// The state of the lake.
    pub snapshot: &'a Snapshot,
    /// The instant up to which balance summaries are known, in milliseconds since 1970; `None`: now.
    pub balances_until_ms: Option<i64>,
    /// What it was billed from, if it is billed here.
    pub native: Option<&'a NativeFacts>,
}

/// Explains a period; `None`: neither charges nor a balance summary of it are held. Of the periods before it what their
/// benefits cost is read, because what is deferred carries over. The hierarchy is that of now.
pub async fn explain(store: &Store, question: &ExplainQuestion<'_>) -> Result<Option<Explanation>, ImportError> {
    let ExplainQuestion { enrollment, period, snapshot, balances_until_ms, native } = *question;
    let walk = Walk::begin(store, (snapshot, balances_until_ms), enrollment, native).await?;
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
