//! Permission to read the price sheet of an enrollment (SEMANTICS 6.4): enterprise roles read it, and owners of a
//! subscription do while AO view charges is on. No other role does, whatever charges it reads.

use catalog::Catalog;
use ledger::EnrollmentId;

use crate::balance::{has_enterprise_role, own};
use crate::caller::Caller;
use crate::permit::{Permit, Refusal};
use crate::role::Role;

/// The right to read the price sheets of the enrollments of a scope. Only [`permit_prices`] makes one.
///
/// ```compile_fail,E0451
/// fn forge(enrollments: Vec<ledger::EnrollmentId>) -> lazurite_access::PricePermit {
///     lazurite_access::PricePermit { enrollments }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricePermit {
    enrollments: Vec<EnrollmentId>,
}

impl PricePermit {
    /// Whose prices may be read: at least one enrollment; more than one only for a subscription that moved.
    pub fn enrollments(&self) -> &[EnrollmentId] {
        &self.enrollments
    }
}

/// Decides whose prices a caller may read at a scope whose charges it may read: a billing account or a subscription.
pub async fn permit_prices(catalog: &Catalog, caller: &Caller, permit: &Permit) -> Result<PricePermit, Refusal> {
    let scope = permit.scope();
    let mut enrollments = Vec::new();
    for share in permit.shares() {
        let roles = own(caller, &share.enrollment);
        let is_owner = roles.iter().any(|one| one.role == Role::Owner && one.scope.key() == scope.key());
        let reads =
            has_enterprise_role(&roles) || (is_owner && catalog.policies(&share.enrollment).await?.ao_view_charges);
        if reads {
            enrollments.push(share.enrollment.clone());
        }
    }
    if enrollments.is_empty() { Err(Refusal::NoRole { scope: scope.clone() }) } else { Ok(PricePermit { enrollments }) }
}
