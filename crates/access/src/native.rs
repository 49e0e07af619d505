//! Permission to send usage of an enrollment that is billed here, and to see how its billing stands.
//!
//! Usage makes charges, so it takes the one enterprise role that may change something: Enterprise Administrator. How
//! billing stands is for every enterprise role. No department, account or subscription role does either, whatever the
//! switches say; who has one is told that it has no role here.

use catalog::Catalog;
use ledger::{EnrollmentId, Scope};

use crate::balance::{has_enterprise_role, known_enrollment, own};
use crate::caller::Caller;
use crate::permit::Refusal;
use crate::role::Role;

/// The right to send usage of one enrollment. Only [`permit_usage`] makes one.
///
/// ```
/// fn send(permit: lazurite_access::UsagePermit) -> ledger::EnrollmentId {
///     permit.enrollment().clone()
/// }
/// ```
///
/// ```compile_fail,E0451
/// fn forge(enrollment: ledger::EnrollmentId) -> lazurite_access::UsagePermit {
///     lazurite_access::UsagePermit { enrollment }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsagePermit {
    enrollment: EnrollmentId,
}

impl UsagePermit {
    /// The enrollment.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }
}

/// Decides whether a caller may send usage of the enrollment of a scope.
///
/// # Errors
/// [`Refusal::NoRole`] without the role, [`Refusal::Unknown`] for an enrollment that nobody knows,
/// [`Refusal::Unsupported`] for a scope that is no enrollment.
pub async fn permit_usage(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<UsagePermit, Refusal> {
    let enrollment = known_enrollment(catalog, scope).await?;
    if own(caller, &enrollment).iter().any(|one| one.role == Role::EnterpriseAdministrator) {
        return Ok(UsagePermit { enrollment });
    }
    Err(Refusal::NoRole { scope: scope.clone() })
}

/// The right to see how the billing of one enrollment stands. Only [`permit_billing_status`] makes one.
///
/// ```compile_fail,E0451
/// fn forge(enrollment: ledger::EnrollmentId) -> lazurite_access::BillingStatusPermit {
///     lazurite_access::BillingStatusPermit { enrollment }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingStatusPermit {
    enrollment: EnrollmentId,
}

impl BillingStatusPermit {
    /// The enrollment.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }
}

/// Decides whether a caller may see how the billing of the enrollment of a scope stands.
///
/// # Errors
/// As [`permit_usage`].
pub async fn permit_billing_status(
    catalog: &Catalog,
    caller: &Caller,
    scope: &Scope,
) -> Result<BillingStatusPermit, Refusal> {
    let enrollment = known_enrollment(catalog, scope).await?;
    if has_enterprise_role(&own(caller, &enrollment)) {
        return Ok(BillingStatusPermit { enrollment });
    }
    Err(Refusal::NoRole { scope: scope.clone() })
}
