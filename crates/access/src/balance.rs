//! Permission to read the balance of an enrollment, and to see which of its billing periods are held (SEMANTICS 6.1).
//!
//! The balance belongs to enterprise roles alone: no department, account or subscription role reads it, whatever the
//! switches say. Where the partner of an indirect enrollment has not released prices, its amounts are 0 (D-38).

use calendar::BillingPeriod;
use catalog::{Catalog, CatalogError, HeldBalance};
use ledger::{EnrollmentId, Scope};

use crate::caller::{Assignment, Caller};
use crate::permit::{Refusal, Sight, sight};
use crate::role::Level;

/// The right to read the balance summaries of one enrollment. Only [`permit_balance`] makes one.
///
/// ```
/// fn read(permit: lazurite_access::BalancePermit) -> ledger::EnrollmentId {
///     permit.enrollment().clone()
/// }
/// ```
///
/// ```compile_fail,E0451
/// fn forge(enrollment: ledger::EnrollmentId) -> lazurite_access::BalancePermit {
///     lazurite_access::BalancePermit { enrollment, price_hidden: false }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancePermit {
    enrollment: EnrollmentId,
    price_hidden: bool,
}

impl BalancePermit {
    /// The enrollment.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }

    /// The balance summary of a billing period, if one is held, as the holder of the permit may see it.
    pub async fn read(&self, catalog: &Catalog, period: BillingPeriod) -> Result<Option<HeldBalance>, CatalogError> {
        let held = catalog.balance(&self.enrollment, period).await?;
        Ok(held.map(|held| match self.price_hidden {
            true => HeldBalance { summary: held.summary.hidden(), ..held },
            false => held,
        }))
    }
}

/// Decides whether a caller may read the balance at a scope.
pub async fn permit_balance(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<BalancePermit, Refusal> {
    let enrollment = known_enrollment(catalog, scope).await?;
    if !has_enterprise_role(&own(caller, &enrollment)) {
        return Err(Refusal::NoRole { scope: scope.clone() });
    }
    let price_hidden = catalog.policies(&enrollment).await?.price_hidden;
    Ok(BalancePermit { enrollment, price_hidden })
}

/// The right to see which billing periods of one enrollment are held, and which of their data the caller may read. Only
/// [`permit_periods`] makes one.
///
/// ```compile_fail,E0451
/// fn forge(enrollment: ledger::EnrollmentId) -> lazurite_access::PeriodsPermit {
///     lazurite_access::PeriodsPermit { enrollment, charges: true, balances: true }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodsPermit {
    enrollment: EnrollmentId,
    charges: bool,
    balances: bool,
}

impl PeriodsPermit {
    /// The enrollment.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }

    /// Whether some of its charges may be read.
    pub fn shows_charges(&self) -> bool {
        self.charges
    }

    /// Whether its balance may be read.
    pub fn shows_balances(&self) -> bool {
        self.balances
    }
}

/// Decides whether a caller may see the billing periods of the enrollment of a scope: any role on the enrollment does that
/// reads something of it.
pub async fn permit_periods(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<PeriodsPermit, Refusal> {
    let enrollment = known_enrollment(catalog, scope).await?;
    let own = own(caller, &enrollment);
    let balances = has_enterprise_role(&own);
    let policies = catalog.policies(&enrollment).await?;
    let charges = match sight(&own, own.clone(), policies) {
        Sight::All | Sight::By(_) => true,
        Sight::Disabled(_) if balances => false,
        Sight::Disabled(by) => return Err(Refusal::Disabled { scope: scope.clone(), enrollment, by }),
        Sight::NoRole => return Err(Refusal::NoRole { scope: scope.clone() }),
    };
    Ok(PeriodsPermit { enrollment, charges, balances })
}

/// The enrollment that a scope is, if anybody knows it.
pub(crate) async fn known_enrollment(catalog: &Catalog, scope: &Scope) -> Result<EnrollmentId, Refusal> {
    let Scope::BillingAccount(number) = scope else { return Err(Refusal::Unsupported { scope: scope.clone() }) };
    let known = catalog.enrollment(number.as_str()).await?;
    known.map(|known| known.number).ok_or_else(|| Refusal::Unknown { scope: scope.clone() })
}

pub(crate) fn own<'a>(caller: &'a Caller, enrollment: &EnrollmentId) -> Vec<&'a Assignment> {
    caller.assignments().iter().filter(|one| one.enrollment == *enrollment).collect()
}

pub(crate) fn has_enterprise_role(own: &[&Assignment]) -> bool {
    own.iter().any(|one| one.role.level() == Level::Enterprise)
}
