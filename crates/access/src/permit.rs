//! Permission to read a scope (SEMANTICS section 6).
//!
//! A role reads its own scope and what lies within it, cut to the rows of its own scope: a department administrator who
//! asks for an account sees the account's rows of that department. Somebody with an enterprise role is judged by that
//! role alone; for all others the switches of the enrollment count.

use catalog::{Catalog, CatalogError, Policies};
use ledger::{EnrollmentId, Generation, Hierarchy, Scope, Share, Visibility};

use crate::caller::{Assignment, Caller};
use crate::role::Level;

/// The right to read one scope, or the part of it that the caller's roles cover. Only [`permit`] and [`permit_part`] make
/// one.
///
/// ```
/// fn read(permit: lazurite_access::Permit) -> ledger::Scope {
///     permit.scope().clone()
/// }
/// ```
///
/// ```compile_fail,E0451
/// fn forge(scope: ledger::Scope, shares: Vec<ledger::Share>) -> lazurite_access::Permit {
///     lazurite_access::Permit { scope, shares }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    scope: Scope,
    shares: Vec<Share>,
}

impl Permit {
    /// The scope that may be read.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What may be read of which enrollments; more than one only for a subscription that moved.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Which kinds of charge may be read through an API generation. What is not usage shows at the whole enrollment only
    /// (SEMANTICS 6.3): not in a part of it, whatever the scope is called.
    pub fn visibility(&self, generation: Generation) -> Visibility {
        let of_scope = Visibility::of(&self.scope, generation);
        let is_part = self.shares.iter().any(|share| !share.within.is_empty());
        if is_part { of_scope.of_usage() } else { of_scope }
    }
}

/// The switch that refuses somebody who has a role (SEMANTICS 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disabled {
    /// DA view charges is off.
    Department,
    /// AO view charges is off.
    Account,
    /// The partner of an indirect enrollment has not released prices.
    Indirect,
}

impl Disabled {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Department => "DepartmentCostDisabled",
            Self::Account => "AccountCostDisabled",
            Self::Indirect => "IndirectCostDisabled",
        }
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
    /// The caller has a role on it, but a switch of the enrollment is off.
    #[error("charges are not shown to this role on the scope {scope}: {}", by.code())]
    Disabled {
        /// The refused scope.
        scope: Scope,
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Which switch.
        by: Disabled,
    },
    /// Several enrollments that the caller may read have a department or account of this id (DESIGN 4.7).
    #[error("several enrollments have the scope {scope}: {}", nested.iter().map(Scope::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// The refused scope.
        scope: Scope,
        /// The forms that name the enrollment.
        nested: Vec<Scope>,
    },
    /// Nobody knows the scope.
    #[error("the scope {scope} is not known")]
    Unknown {
        /// The refused scope.
        scope: Scope,
    },
    /// There are no charges at this kind of scope.
    #[error("charges are not answered at {scope}")]
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
    if Level::of(scope).is_none() {
        return Err(Refusal::Unsupported { scope: scope.clone() });
    }
    let mut shares = Vec::new();
    let mut disabled = None;
    let mut known = false;
    for enrollment in candidates(catalog, caller, scope).await? {
        let hierarchy = catalog.hierarchy(&enrollment).await?;
        if hierarchy.select(scope).is_none() {
            continue;
        }
        known = true;
        let own: Vec<&Assignment> = caller.assignments().iter().filter(|one| one.enrollment == enrollment).collect();
        if own.is_empty() {
            continue;
        }
        let policies = catalog.policies(&enrollment).await?;
        match judge(&own, policies, &hierarchy, &enrollment, scope) {
            Judged::Share(share) => shares.push(share),
            Judged::Disabled(by) => disabled = disabled.or(Some((enrollment, by))),
            Judged::NoRole => {}
        }
    }
    let scope = scope.clone();
    if shares.len() > 1 && !matches!(scope, Scope::Subscription(_)) {
        let nested = shares.iter().map(|share| scope.nested_in(&share.enrollment)).collect();
        return Err(Refusal::Ambiguous { scope, nested });
    }
    match disabled {
        _ if !shares.is_empty() => Ok(Permit { scope, shares }),
        Some((enrollment, by)) => Err(Refusal::Disabled { scope, enrollment, by }),
        None if known || is_known_elsewhere(catalog, caller, &scope).await? => Err(Refusal::NoRole { scope }),
        None => Err(Refusal::Unknown { scope }),
    }
}

/// The right to go on reading what was permitted before, of a scope that no row names any more: an import may take a
/// department away while somebody walks through it. Only who sees everything of the enrollments gets it, because what the
/// scope means today is not known.
pub async fn permit_again(
    catalog: &Catalog,
    caller: &Caller,
    scope: &Scope,
    shares: Vec<Share>,
) -> Result<Permit, Refusal> {
    for share in &shares {
        let own: Vec<&Assignment> =
            caller.assignments().iter().filter(|one| one.enrollment == share.enrollment).collect();
        let covering = own.iter().copied().filter(|one| one.role.level() == Level::Enterprise).collect();
        let policies = catalog.policies(&share.enrollment).await?;
        if !matches!(sight(&own, covering, policies), Sight::All) {
            return Err(Refusal::Unknown { scope: scope.clone() });
        }
    }
    let scope = scope.clone();
    if shares.is_empty() { Err(Refusal::Unknown { scope }) } else { Ok(Permit { scope, shares }) }
}

/// Decides which part of an enrollment a caller may read, for the older API whose addresses name no smaller scope: all of
/// it with an enterprise role, else what its other roles cover and the switches show.
pub async fn permit_part(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<Permit, Refusal> {
    let Scope::BillingAccount(number) = scope else { return Err(Refusal::Unsupported { scope: scope.clone() }) };
    let known = catalog.enrollment(number.as_str()).await?;
    let Some(enrollment) = known.map(|known| known.number) else {
        return Err(Refusal::Unknown { scope: scope.clone() });
    };
    let own: Vec<&Assignment> = caller.assignments().iter().filter(|one| one.enrollment == enrollment).collect();
    let policies = catalog.policies(&enrollment).await?;
    let no_role = || Refusal::NoRole { scope: scope.clone() };
    let within = match sight(&own, own.clone(), policies) {
        Sight::All => Vec::new(),
        Sight::By(shown) => {
            let hierarchy = catalog.hierarchy(&enrollment).await?;
            let within: Vec<_> = shown.iter().filter_map(|one| hierarchy.select(&one.scope)).collect();
            // A share without bounds would be the whole enrollment.
            if within.is_empty() {
                return Err(no_role());
            }
            within
        }
        Sight::Disabled(by) => return Err(Refusal::Disabled { scope: scope.clone(), enrollment, by }),
        Sight::NoRole => return Err(no_role()),
    };
    let share = Share { within, ..Share::everything(enrollment) };
    Ok(Permit { scope: scope.clone(), shares: vec![share] })
}

/// The known enrollments in which the scope is looked for: the one that it names, else those on which the caller has a role.
async fn candidates(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<Vec<EnrollmentId>, CatalogError> {
    match scope.enrollment() {
        Some(enrollment) => {
            Ok(catalog.enrollment(enrollment.as_str()).await?.map(|one| one.number).into_iter().collect())
        }
        None => {
            let mut own = caller.enrollments();
            // The order of an answer must not depend on the order in which roles were granted.
            own.sort_unstable();
            let mut found = Vec::new();
            for enrollment in own {
                if catalog.enrollment(enrollment.as_str()).await?.is_some() {
                    found.push(enrollment);
                }
            }
            Ok(found)
        }
    }
}

/// Whether an enrollment on which the caller has no role knows the scope; then it is forbidden, not unknown.
async fn is_known_elsewhere(catalog: &Catalog, caller: &Caller, scope: &Scope) -> Result<bool, CatalogError> {
    if scope.enrollment().is_some() {
        return Ok(false);
    }
    let own = caller.enrollments();
    for enrollment in catalog.enrollments().await? {
        if !own.contains(&enrollment.number) && catalog.hierarchy(&enrollment.number).await?.select(scope).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

enum Judged {
    Share(Share),
    Disabled(Disabled),
    NoRole,
}

/// Judges the caller's roles on one enrollment that knows the scope.
fn judge(
    own: &[&Assignment],
    policies: Policies,
    hierarchy: &Hierarchy,
    enrollment: &EnrollmentId,
    scope: &Scope,
) -> Judged {
    let Some(selection) = hierarchy.select(scope) else { return Judged::NoRole };
    let share = |within| Judged::Share(Share { enrollment: enrollment.clone(), selection: selection.clone(), within });
    let covering = own.iter().copied().filter(|one| hierarchy.lies_within(scope, &one.scope)).collect();
    match sight(own, covering, policies) {
        Sight::All => share(Vec::new()),
        Sight::By(shown) if shown.iter().any(|one| one.scope.key() == scope.key()) => share(Vec::new()),
        Sight::By(shown) => {
            let within: Vec<_> = shown.iter().filter_map(|one| hierarchy.select(&one.scope)).collect();
            // A share without bounds would be the whole scope.
            if within.is_empty() { Judged::NoRole } else { share(within) }
        }
        Sight::Disabled(by) => Judged::Disabled(by),
        Sight::NoRole => Judged::NoRole,
    }
}

/// What the caller's roles on an enrollment show of one scope.
pub(crate) enum Sight<'a> {
    /// All of it.
    All,
    /// What these roles cover; at least one.
    By(Vec<&'a Assignment>),
    /// Nothing, because of a switch.
    Disabled(Disabled),
    /// Nothing, because no role covers it.
    NoRole,
}

/// Judges all roles of the caller on an enrollment for a scope that the `covering` ones among them cover.
pub(crate) fn sight<'a>(own: &[&Assignment], covering: Vec<&'a Assignment>, policies: Policies) -> Sight<'a> {
    let has = |level| own.iter().any(|one| one.role.level() == level);
    if covering.is_empty() {
        return Sight::NoRole;
    }
    if policies.price_hidden {
        return Sight::Disabled(Disabled::Indirect);
    }
    if has(Level::Enterprise) {
        return Sight::All;
    }
    // Department users see charges at no level while their switch is off, whatever other roles they have.
    if has(Level::Department) && !policies.da_view_charges {
        return Sight::Disabled(Disabled::Department);
    }
    let is_shown = |one: &&Assignment| one.role.level() == Level::Department || policies.ao_view_charges;
    let shown: Vec<&Assignment> = covering.into_iter().filter(is_shown).collect();
    if shown.is_empty() { Sight::Disabled(Disabled::Account) } else { Sight::By(shown) }
}

#[cfg(test)]
mod tests;
