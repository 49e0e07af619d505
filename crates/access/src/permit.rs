//! Permission to read a scope.

use catalog::{Catalog, CatalogError};
use ledger::{EnrollmentId, Scope};

use crate::keys::Caller;

/// The right to read one scope of one enrollment. Only [`permit`] makes one.
///
/// ```
/// fn read(permit: lazurite_access::Permit) -> ledger::Scope {
///     permit.scope().clone()
/// }
/// ```
///
/// ```compile_fail,E0451
/// fn forge(enrollment: ledger::EnrollmentId, scope: ledger::Scope) -> lazurite_access::Permit {
///     lazurite_access::Permit { enrollment, scope }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    enrollment: EnrollmentId,
    scope: Scope,
}

impl Permit {
    /// The enrollment that may be read.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }

    /// The scope that may be read.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Why a scope may not be read (SEMANTICS 6.4).
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The scope exists, but the caller has no role on it.
    #[error("the caller has no role on the scope {scope}")]
    NoRole {
        /// The refused scope.
        scope: Scope,
    },
    /// Nobody knows the scope.
    #[error("the scope {scope} is not known")]
    Unknown {
        /// The refused scope.
        scope: Scope,
    },
    /// Reports are not answered at this kind of scope.
    #[error("reports are answered at billing account and subscription scope, not at {scope}")]
    Unsupported {
        /// The refused scope.
        scope: Scope,
    },
    /// The catalog could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Decides whether a caller may read a scope.
pub async fn permit(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<Permit, Refusal> {
    let own = caller.enrollment();
    let granted = match scope {
        Scope::BillingAccount(enrollment) => own.matches(enrollment.as_str()),
        Scope::Subscription(id) => catalog.knows_subscription(own, &id.to_string()).await?,
        _ => return Err(Refusal::Unsupported { scope: scope.clone() }),
    };
    if granted {
        return Ok(Permit { enrollment: own.clone(), scope: scope.clone() });
    }
    let known = match scope {
        Scope::BillingAccount(enrollment) => catalog.enrollment(enrollment.as_str()).await?.is_some(),
        Scope::Subscription(id) => catalog.anyone_knows_subscription(&id.to_string()).await?,
        _ => false,
    };
    let scope = scope.clone();
    Err(if known { Refusal::NoRole { scope } } else { Refusal::Unknown { scope } })
}
