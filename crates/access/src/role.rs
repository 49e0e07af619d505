//! Roles (SEMANTICS 6.1): what each is for, and which switch it depends on.

use std::fmt;
use std::str::FromStr;

use ledger::Scope;

/// A role on a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Enterprise Administrator.
    EnterpriseAdministrator,
    /// Enterprise Administrator (read only).
    EnterpriseReader,
    /// EA Purchaser.
    EnterprisePurchaser,
    /// Department Administrator.
    DepartmentAdministrator,
    /// Department Administrator (read only).
    DepartmentReader,
    /// Account Owner.
    AccountOwner,
    /// Owner of a subscription.
    Owner,
    /// Contributor of a subscription.
    Contributor,
    /// Reader of a subscription.
    Reader,
    /// Cost Management Contributor of a subscription.
    CostManagementContributor,
    /// Cost Management Reader of a subscription.
    CostManagementReader,
}

/// On what kind of scope a role is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A whole enrollment; no switch restricts it.
    Enterprise,
    /// A department; reads while the enrollment's policy DA view charges is on.
    Department,
    /// An enrollment account; reads while AO view charges is on.
    Account,
    /// A subscription; reads while AO view charges is on.
    Subscription,
}

/// A word that names no role, or a role that does not fit its scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// No such role.
    #[error("{text:?} is not a role; roles are {}", names(Role::ALL.iter()))]
    Unknown {
        /// The refused text, cut to a printable length.
        text: String,
    },
    /// The role is held on other scopes.
    #[error("{role} is not a role on {scope}; roles there are {}", names(Role::ALL.iter().filter(|role| Some(role.level()) == Level::of(scope))))]
    Misplaced {
        /// The role.
        role: Role,
        /// The scope.
        scope: Scope,
    },
}

fn names<'a>(roles: impl Iterator<Item = &'a Role>) -> String {
    roles.map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

impl Level {
    /// The level of a scope; reports do not know resource groups.
    pub fn of(scope: &Scope) -> Option<Self> {
        match scope {
            Scope::BillingAccount(_) => Some(Self::Enterprise),
            Scope::Department { .. } => Some(Self::Department),
            Scope::EnrollmentAccount { .. } => Some(Self::Account),
            Scope::Subscription(_) => Some(Self::Subscription),
            Scope::ResourceGroup { .. } => None,
        }
    }
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 11] = [
        Self::EnterpriseAdministrator,
        Self::EnterpriseReader,
        Self::EnterprisePurchaser,
        Self::DepartmentAdministrator,
        Self::DepartmentReader,
        Self::AccountOwner,
        Self::Owner,
        Self::Contributor,
        Self::Reader,
        Self::CostManagementContributor,
        Self::CostManagementReader,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnterpriseAdministrator => "EnterpriseAdministrator",
            Self::EnterpriseReader => "EnterpriseReader",
            Self::EnterprisePurchaser => "EnterprisePurchaser",
            Self::DepartmentAdministrator => "DepartmentAdministrator",
            Self::DepartmentReader => "DepartmentReader",
            Self::AccountOwner => "AccountOwner",
            Self::Owner => "Owner",
            Self::Contributor => "Contributor",
            Self::Reader => "Reader",
            Self::CostManagementContributor => "CostManagementContributor",
            Self::CostManagementReader => "CostManagementReader",
        }
    }

    /// On what it is held.
    pub const fn level(self) -> Level {
        match self {
            Self::EnterpriseAdministrator | Self::EnterpriseReader | Self::EnterprisePurchaser => Level::Enterprise,
            Self::DepartmentAdministrator | Self::DepartmentReader => Level::Department,
            Self::AccountOwner => Level::Account,
            Self::Owner
            | Self::Contributor
            | Self::Reader
            | Self::CostManagementContributor
            | Self::CostManagementReader => Level::Subscription,
        }
    }

    /// The role that reads a scope and may do the least beside.
    pub fn least_of(scope: &Scope) -> Option<Self> {
        Level::of(scope).map(|level| match level {
            Level::Enterprise => Self::EnterpriseReader,
            Level::Department => Self::DepartmentReader,
            Level::Account => Self::AccountOwner,
            Level::Subscription => Self::CostManagementReader,
        })
    }

    /// Whether it can be held on a scope.
    pub fn check(self, scope: &Scope) -> Result<(), RoleError> {
        if Level::of(scope) == Some(self.level()) {
            Ok(())
        } else {
            Err(RoleError::Misplaced { role: self, scope: scope.clone() })
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| RoleError::Unknown { text: text.chars().take(80).collect() })
    }
}
