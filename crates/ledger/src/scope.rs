//! Scopes: what an import replaces and what a report is about (DESIGN 4.2; contract
//! `cost-details-api.md`, section 1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Place;
use crate::ids::{EnrollmentId, SubscriptionId, excerpt};
use crate::selection::comparable;

/// Longest department, account and resource group name in a scope, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A part of the billing hierarchy. Prints as the path that names it, without leading slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// A whole enrollment.
    BillingAccount(EnrollmentId),
    /// A department of an enrollment.
    Department {
        /// The enrollment when the path names it (nested form).
        enrollment: Option<EnrollmentId>,
        /// Department id as given.
        id: String,
    },
    /// An enrollment account.
    EnrollmentAccount {
        /// The enrollment when the path names it (nested form).
        enrollment: Option<EnrollmentId>,
        /// Enrollment account id as given.
        id: String,
    },
    /// A subscription.
    Subscription(SubscriptionId),
    /// A resource group; exports exist at this scope, reports do not.
    ResourceGroup {
        /// The subscription that holds the group.
        subscription: SubscriptionId,
        /// Name of the group as given.
        name: String,
    },
}

/// A path that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a scope: expected billingAccounts/NUMBER, departments/ID, enrollmentAccounts/ID, \
     subscriptions/GUID or subscriptions/GUID/resourceGroups/NAME"
)]
pub struct ScopeError {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl Scope {
    /// Parses a path such as `/subscriptions/{guid}` or
    /// `providers/Microsoft.Billing/billingAccounts/{id}/departments/{id}`. Keywords are compared without case;
    /// a leading slash, doubled slashes and the provider prefix may be present or absent.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        let prefixed = parts.len() > 2
            && parts[0].eq_ignore_ascii_case("providers")
            && parts[1].eq_ignore_ascii_case("Microsoft.Billing");
        if prefixed {
            parts.drain(..2);
        }
        Self::from_parts(&parts).ok_or_else(|| ScopeError { text: excerpt(text) })
    }

    fn from_parts(parts: &[&str]) -> Option<Self> {
        let (pairs, rest) = parts.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        match pairs {
            [[kind, id]] if kind.eq_ignore_ascii_case("subscriptions") => {
                SubscriptionId::parse(id).ok().map(Self::Subscription)
            }
            [[kind, id], [group, name]]
                if kind.eq_ignore_ascii_case("subscriptions") && group.eq_ignore_ascii_case("resourceGroups") =>
            {
                let subscription = SubscriptionId::parse(id).ok()?;
                Some(Self::ResourceGroup { subscription, name: part_name(name)? })
            }
            [[kind, id]] if kind.eq_ignore_ascii_case("billingAccounts") => {
                EnrollmentId::parse(id).ok().map(Self::BillingAccount)
            }
            [[kind, id]] => Self::inside(None, kind, id),
            [[account, enrollment], [kind, id]] if account.eq_ignore_ascii_case("billingAccounts") => {
                Self::inside(Some(EnrollmentId::parse(enrollment).ok()?), kind, id)
            }
            _ => None,
        }
    }

    fn inside(enrollment: Option<EnrollmentId>, kind: &str, id: &str) -> Option<Self> {
        let id = part_name(id)?;
        if kind.eq_ignore_ascii_case("departments") {
            Some(Self::Department { enrollment, id })
        } else if kind.eq_ignore_ascii_case("enrollmentAccounts") {
            Some(Self::EnrollmentAccount { enrollment, id })
        } else {
            None
        }
    }

    /// The key under which the lake keeps rows of this source scope: the path without provider prefix and
    /// enrollment, with ids in lower case, so that two spellings of one scope are one scope.
    pub fn key(&self) -> String {
        match self {
            Self::BillingAccount(id) => format!("billingAccounts/{}", id.as_str().to_ascii_lowercase()),
            Self::Department { id, .. } => format!("departments/{}", id.to_lowercase()),
            Self::EnrollmentAccount { id, .. } => format!("enrollmentAccounts/{}", id.to_lowercase()),
            Self::Subscription(id) => format!("subscriptions/{id}"),
            Self::ResourceGroup { subscription, name } => {
                format!("subscriptions/{subscription}/resourceGroups/{}", name.to_lowercase())
            }
        }
    }

    /// The enrollment, if the path names one.
    pub fn enrollment(&self) -> Option<&EnrollmentId> {
        match self {
            Self::BillingAccount(id) => Some(id),
            Self::Department { enrollment, .. } | Self::EnrollmentAccount { enrollment, .. } => enrollment.as_ref(),
            Self::Subscription(_) | Self::ResourceGroup { .. } => None,
        }
    }

    /// The form that names the enrollment, where there is one.
    #[must_use]
    pub fn nested_in(&self, enrollment: &EnrollmentId) -> Self {
        let enrollment = Some(enrollment.clone());
        match self {
            Self::Department { id, .. } => Self::Department { enrollment, id: id.clone() },
            Self::EnrollmentAccount { id, .. } => Self::EnrollmentAccount { enrollment, id: id.clone() },
            other => other.clone(),
        }
    }

    /// Whether two scopes of one enrollment share charges, as far as the paths alone tell. `None`: only the rows
    /// can tell, because a department, an account and a subscription may or may not hold one another, and because two
    /// departments, like two accounts, may be two ids for rows that carry none ([`Sharing`]).
    pub fn overlaps(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::BillingAccount(_), _) | (_, Self::BillingAccount(_)) => Some(true),
            (Self::Subscription(a), Self::Subscription(b)) => Some(a == b),
            (Self::Subscription(a), Self::ResourceGroup { subscription, .. })
            | (Self::ResourceGroup { subscription, .. }, Self::Subscription(a)) => Some(a == subscription),
            (Self::ResourceGroup { .. }, Self::ResourceGroup { .. }) => Some(self.key() == other.key()),
            _ => (self.key() == other.key()).then_some(true),
        }
    }
}

fn part_name(text: &str) -> Option<String> {
    // Lower case can be longer, and is what a key of the scope holds.
    let fits = text.len() <= NAME_BYTES_MAX && text.to_lowercase().len() <= NAME_BYTES_MAX;
    let acceptable = fits && !text.chars().any(char::is_control) && text.trim() == text;
    acceptable.then(|| text.to_owned())
}

/// By what the rows of two source scopes tell whether they are the same charges, where the paths do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// A subscription that both have. Rows without one are a possible overlap with others of their kind.
    Subscription,
    /// The department name and subscription of rows without department id, between two departments: rows with one can
    /// only be in their own.
    Department,
    /// Owner, name and subscription of rows without account id, between two accounts.
    Account,
}

impl Sharing {
    /// What tells between two scopes for which [`Scope::overlaps`] does not.
    pub fn between(one: &Scope, other: &Scope) -> Self {
        match (one, other) {
            (Scope::Department { .. }, Scope::Department { .. }) => Self::Department,
            (Scope::EnrollmentAccount { .. }, Scope::EnrollmentAccount { .. }) => Self::Account,
            _ => Self::Subscription,
        }
    }

    /// What a row has in common with others of the same mark; `None`: nothing.
    pub fn mark(self, place: &Place) -> Option<String> {
        let text = |cell: &Option<String>| comparable(cell.as_deref().unwrap_or_default());
        let subscription = text(&place.subscription_id);
        match self {
            Self::Subscription => Some(subscription),
            Self::Department => {
                let name = text(&place.department_name);
                place.department_id.is_none().then(|| [name, subscription].join("\n"))
            }
            Self::Account => {
                let (owner, name) = (text(&place.account_owner), text(&place.account_name));
                place.account_id.is_none().then(|| [owner, name, subscription].join("\n"))
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let billing = "providers/Microsoft.Billing";
        let nested = |enrollment: &Option<EnrollmentId>| {
            enrollment.as_ref().map(|id| format!("billingAccounts/{id}/")).unwrap_or_default()
        };
        match self {
            Self::BillingAccount(id) => write!(f, "{billing}/billingAccounts/{id}"),
            Self::Department { enrollment, id } => write!(f, "{billing}/{}departments/{id}", nested(enrollment)),
            Self::EnrollmentAccount { enrollment, id } => {
                write!(f, "{billing}/{}enrollmentAccounts/{id}", nested(enrollment))
            }
            Self::Subscription(id) => write!(f, "subscriptions/{id}"),
            Self::ResourceGroup { subscription, name } => {
                write!(f, "subscriptions/{subscription}/resourceGroups/{name}")
            }
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;
    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
    const B: &str = "ed570627-0265-4620-bb42-bae06bcfa914";

    #[test]
    fn every_published_form_is_read() {
        let cases = [
            (format!("/subscriptions/{}", A.to_uppercase()), format!("subscriptions/{A}")),
            (format!("//SUBSCRIPTIONS//{A}"), format!("subscriptions/{A}")),
            (format!("subscriptions/{A}/resourcegroups/Rg"), format!("subscriptions/{A}/resourceGroups/rg")),
            ("providers/microsoft.billing/billingaccounts/12".into(), "billingAccounts/12".into()),
            ("billingAccounts/12/departments/7".into(), "departments/7".into()),
            ("providers/Microsoft.Billing/departments/7".into(), "departments/7".into()),
            ("enrollmentAccounts/9".into(), "enrollmentAccounts/9".into()),
        ];
        for (text, key) in cases {
            let scope = Scope::parse(&text).unwrap();
            assert_eq!(scope.key(), key);
            assert_eq!(Scope::parse(&scope.to_string()).unwrap(), scope);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            &format!("departments/{}", "\u{130}".repeat(64)),
            "subscriptions",
            "subscriptions/x",
            "departments/",
            "managementGroups/m",
            "billingAccounts/1/x/2",
        ] {
            assert!(Scope::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn overlap_is_decided_by_the_path_where_it_can_be() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let (a, b) = (scope(&format!("subscriptions/{A}")), scope(&format!("subscriptions/{B}")));
        let group = scope(&format!("subscriptions/{A}/resourceGroups/rg"));
        let (enrollment, department) = (scope("billingAccounts/1"), scope("departments/7"));
        assert_eq!(a.overlaps(&b), Some(false));
        assert_eq!(a.overlaps(&a), Some(true));
        assert_eq!(a.overlaps(&group), Some(true));
        assert_eq!(group.overlaps(&b), Some(false));
        assert_eq!(enrollment.overlaps(&b), Some(true));
        assert_eq!(department.overlaps(&b), None);
        assert_eq!(department.overlaps(&scope("departments/8")), None);
        assert_eq!(department.overlaps(&scope("billingAccounts/1/departments/7")), Some(true));
    }
}
