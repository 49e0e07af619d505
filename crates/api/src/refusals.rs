//! Refused requests on their way to the audit log. Alike ones are counted together, so that a flood of them is a few
//! entries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::{AuditEntry, Catalog, CatalogError};
use ledger::{EnrollmentId, Scope};

use crate::arm::{ApiError, excerpt};
use crate::clock::system_now_ms;
use crate::dispatch::KnownCaller;

/// Most different refusals between two writes; what is beyond them is counted as one.
const DIFFERENT_MAX: usize = 1000;
/// The caller of a request without an accepted credential.
const NOBODY: &str = "nobody";

/// What makes two refusals alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Refusal {
    actor: String,
    code: &'static str,
    route: &'static str,
    scope: String,
    /// The enrollment of the scope, else the caller's only one.
    enrollment: Option<EnrollmentId>,
}

/// Refusals that are not written yet. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<BTreeMap<Refusal, u64>>>);

impl Refusals {
    /// Counts a refusal.
    pub(crate) fn note(&self, caller: Option<&KnownCaller>, route: &'static str, error: &ApiError) {
        let own = || caller.and_then(|caller| caller.enrollment.clone());
        let refusal = Refusal {
            actor: excerpt(caller.map_or(NOBODY, |caller| &caller.id)),
            code: error.code(),
            route,
            // One spelling of a scope, so that a caller cannot make many refusals of one.
            scope: Scope::parse(error.refused_scope()).map(|scope| scope.key()).unwrap_or_default(),
            enrollment: error.refused_enrollment().or_else(own),
        };
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refusal = if open.len() < DIFFERENT_MAX || open.contains_key(&refusal) {
            refusal
        } else {
            Refusal { actor: "many".to_owned(), code: "many", route: "many", scope: String::new(), enrollment: None }
        };
        *open.entry(refusal).or_default() += 1;
    }

    /// Writes them to the audit log. What was not written is kept for the next time, even if this is cut short.
    pub(crate) async fn write(&self, catalog: &Catalog) -> Result<(), CatalogError> {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if counted.is_empty() {
            return Ok(());
        }
        let at_ms = system_now_ms();
        let entry = |(refusal, times): (&Refusal, &u64)| AuditEntry {
            at_ms,
            actor: refusal.actor.clone(),
            action: "refused".to_owned(),
            enrollment: refusal.enrollment.clone(),
            target: refusal.scope.clone(),
            detail: format!("{} at {}", refusal.code, refusal.route),
            times: *times,
        };
        let entries: Vec<AuditEntry> = counted.iter().map(entry).collect();
        catalog.write_audit(&entries).await?;
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (refusal, written) in counted {
            let left = open.remove(&refusal).unwrap_or_default().saturating_sub(written);
            if left > 0 {
                open.insert(refusal, left);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use catalog::AuditFilter;

    use super::*;

    #[tokio::test]
    async fn alike_refusals_are_one_entry_and_a_flood_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let refusals = Refusals::default();
        let enrollment = EnrollmentId::parse("100").ok();
        let caller = KnownCaller { id: "k".to_owned(), enrollment: enrollment.clone() };
        for _ in 0..3 {
            refusals.note(None, "healthz", &ApiError::MissingCredential);
        }
        for number in 0..5000 {
            let scope = format!("departments/{number}");
            let error = ApiError::Forbidden { code: "BillingAccessDenied", client: "k".into(), action: "a", scope };
            refusals.note(Some(&caller), "generateCostDetailsReport", &error);
        }
        refusals.write(&catalog).await.unwrap();
        refusals.write(&catalog).await.unwrap();
        let entries = catalog.audit(&AuditFilter { limit: 10_000, ..AuditFilter::default() }).await.unwrap();
        assert_eq!(entries.len(), DIFFERENT_MAX + 1);
        assert_eq!(entries.iter().map(|entry| entry.times).sum::<u64>(), 5003);
        let own = AuditFilter { enrollment, limit: 10_000, ..AuditFilter::default() };
        assert_eq!(catalog.audit(&own).await.unwrap().len(), DIFFERENT_MAX - 1);
        let missing = entries.iter().find(|entry| entry.actor == NOBODY).unwrap();
        assert_eq!((missing.times, missing.detail.as_str()), (3, "AuthenticationFailed at healthz"));
    }
}
