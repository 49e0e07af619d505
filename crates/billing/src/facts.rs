//! What native enrollments were billed from, as far as identities need it: the other side of what the charges say.

use std::collections::BTreeMap;

use calendar::BillingPeriod;
use catalog::BilledRevision;
use imports::{NativeFacts, Store};
use ledger::EnrollmentId;
use ledger::billing::Instant;
use ledger::identities::benefit_terms;

use crate::error::BillingError;
use crate::known::Known;

/// The terms of the benefits of each native enrollment, and up to which day each billed period is amortized, as of a version
/// of the lake. Orders that came after the newest run until then are not seen: no charge can tell of them yet.
///
/// # Errors
/// [`BillingError`] where what is stored cannot be read.
pub async fn native_facts(store: &Store, version: u64) -> Result<BTreeMap<EnrollmentId, NativeFacts>, BillingError> {
    let mut all = BTreeMap::new();
    for enrollment in store.catalog().native_enrollments().await? {
        let facts = facts_of(store, &enrollment, version).await?;
        all.insert(enrollment, facts);
    }
    Ok(all)
}

/// The billed periods of an enrollment as they were held at a version of the lake, by period.
///
/// # Errors
/// [`BillingError`] where what is stored cannot be read.
pub async fn billed_at(
    store: &Store,
    enrollment: &EnrollmentId,
    version: u64,
) -> Result<Vec<BilledRevision>, BillingError> {
    let history = store.catalog().billed_history(enrollment).await?;
    let until = history.into_iter().filter(|revision| revision.version <= version);
    let held: BTreeMap<BillingPeriod, BilledRevision> = until.map(|revision| (revision.period, revision)).collect();
    Ok(held.into_values().collect())
}

async fn facts_of(store: &Store, enrollment: &EnrollmentId, version: u64) -> Result<NativeFacts, BillingError> {
    let billed = billed_at(store, enrollment, version).await?;
    let Some(newest) = billed.iter().map(|revision| revision.as_of).max() else { return Ok(NativeFacts::default()) };
    let known = Known::load(store, enrollment, Some(Instant(newest))).await?;
    let book = billed.last().map(|revision| &revision.book);
    let price_of = |order: &str| book?.benefits.get(order).map(|benefit| benefit.price.value());
    let stored = |what: String, reason: String| BillingError::Stored { enrollment: enrollment.clone(), what, reason };
    let terms = benefit_terms(&known.all_orders(), &price_of)
        .map_err(|error| stored(format!("order {}", error.order), error.reason))?;
    let mut complete_through = BTreeMap::new();
    for revision in &billed {
        // The day of asking is not over (D-43).
        let last = Instant(revision.as_of).date().and_then(|today| today.previous());
        let last = last.map_err(|error| stored(format!("period {}", revision.period), error.to_string()))?;
        complete_through.insert(revision.period, last);
    }
    Ok(NativeFacts { terms, complete_through })
}
