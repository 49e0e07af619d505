//! Which rows belong to a scope, decided by the cells of each row (SEMANTICS 1, rule 6; DESIGN 4.6).

use std::collections::BTreeSet;

use calendar::Date;
use serde::{Deserialize, Serialize};

use crate::{EnrollmentId, SubscriptionId};

/// What the cells of a row outside of every department say (SEMANTICS 1, D-01).
pub const UNASSIGNED: &str = "Unassigned";

/// A text of the hierarchy as it is compared: ids, names and owners are the same without regard to case and to blanks
/// around them.
pub fn comparable(text: &str) -> String {
    text.trim().to_lowercase()
}

/// An enrollment account as rows name it where they carry no account id: owner and name, both comparable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountName {
    /// The account owner; empty where rows have none.
    pub owner: String,
    /// The account's name; empty where rows have none.
    pub name: String,
}

impl AccountName {
    /// The name that two cells give, if they give any.
    pub fn of(owner: Option<&str>, name: Option<&str>) -> Option<Self> {
        let (owner, name) = (comparable(owner.unwrap_or_default()), comparable(name.unwrap_or_default()));
        (!owner.is_empty() || !name.is_empty()).then_some(Self { owner, name })
    }
}

/// The days on which a subscription belonged to someone, by the applied hierarchy. The first day is included; `until` is
/// not, because the day of a move belongs to the new owner (D-03).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tenure {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// First day.
    pub from: Date,
    /// First day that is no longer included; `None` for as long as nothing else is known.
    pub until: Option<Date>,
}

impl Tenure {
    /// Whether a day is included.
    pub fn covers(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// The rows of a scope inside one enrollment.
///
/// A row belongs to the department or account whose id its cells carry. Without an id, its name decides: `names` are the
/// names that stand for the scope. With neither, the subscription's tenure on the row's own day does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Selection {
    /// All rows.
    Everything,
    /// Rows of a department.
    Department {
        /// Comparable id.
        id: String,
        /// Comparable names that stand for it in rows without department id.
        names: BTreeSet<String>,
        /// Subscriptions that belong to it in rows that name no department at all.
        tenures: Vec<Tenure>,
    },
    /// Rows of an enrollment account.
    Account {
        /// Comparable id.
        id: String,
        /// Owner and name of accounts that stand for it in rows without account id.
        names: BTreeSet<AccountName>,
        /// Subscriptions that belong to it in rows that name no account at all.
        tenures: Vec<Tenure>,
    },
    /// Rows of a subscription.
    Subscription(SubscriptionId),
}

impl Selection {
    /// Whether each row of it is a row of the same scope as `other` knows it.
    fn is_part_of(&self, other: &Self) -> bool {
        let same = self.key() == other.key();
        match (self, other) {
            (Self::Department { names, tenures, .. }, Self::Department { names: theirs, tenures: known, .. }) => {
                same && names.is_subset(theirs) && tenures.iter().all(|tenure| known.contains(tenure))
            }
            (Self::Account { names, tenures, .. }, Self::Account { names: theirs, tenures: known, .. }) => {
                same && names.is_subset(theirs) && tenures.iter().all(|tenure| known.contains(tenure))
            }
            _ => same,
        }
    }

    /// Kind and id, whatever names stand for it at the moment.
    pub fn key(&self) -> String {
        match self {
            Self::Everything => "everything".to_owned(),
            Self::Department { id, .. } => format!("departments/{id}"),
            Self::Account { id, .. } => format!("enrollmentAccounts/{id}"),
            Self::Subscription(id) => format!("subscriptions/{id}"),
        }
    }
}

/// What of one enrollment may be read: the rows of a selection and, where a role reaches less far than the scope, only
/// those that lie within one of the role's own scopes too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// The rows of the scope.
    pub selection: Selection,
    /// Bounds; empty for none.
    pub within: Vec<Selection>,
}

impl Share {
    /// All rows of an enrollment.
    pub fn everything(enrollment: EnrollmentId) -> Self {
        Self { enrollment, selection: Selection::Everything, within: Vec::new() }
    }

    /// Whether a report about `self` may be given to someone whose right to the same scope is `other`: nothing in it is
    /// beyond that right, as it is now.
    pub fn may_be_given_to(&self, other: &Self) -> bool {
        let bounded = other.within.is_empty()
            || (self.within.len() == other.within.len()
                && self.within.iter().all(|own| other.within.iter().any(|theirs| own.is_part_of(theirs))));
        self.enrollment == other.enrollment && self.selection.is_part_of(&other.selection) && bounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(enrollment: &str, selection: Selection, within: &[Selection]) -> Share {
        Share { enrollment: EnrollmentId::parse(enrollment).unwrap(), selection, within: within.to_vec() }
    }

    fn department(id: &str, names: &[&str]) -> Selection {
        let names = names.iter().map(ToString::to_string).collect();
        Selection::Department { id: id.to_owned(), names, tenures: Vec::new() }
    }

    fn account(id: &str) -> Selection {
        Selection::Account { id: id.to_owned(), names: BTreeSet::new(), tenures: Vec::new() }
    }

    #[test]
    fn a_report_is_given_to_nobody_who_may_read_less() {
        let whole = share("100", account("1"), &[]);
        let cut = share("100", account("1"), &[department("7", &[])]);
        assert!(whole.may_be_given_to(&whole) && cut.may_be_given_to(&cut) && cut.may_be_given_to(&whole));
        assert!(!whole.may_be_given_to(&cut));
        // A name that was mapped in between makes the right larger; one that was taken back makes it smaller.
        let larger = share("100", account("1"), &[department("7", &["retail"])]);
        assert!(cut.may_be_given_to(&larger) && !larger.may_be_given_to(&cut));
        let named = share("100", department("7", &["retail"]), &[]);
        let plain = share("100", department("7", &[]), &[]);
        assert!(plain.may_be_given_to(&named) && !named.may_be_given_to(&plain));
        for other in [
            share("100", account("1"), &[department("8", &[])]),
            share("100", account("1"), &[department("7", &[]), department("8", &[])]),
            share("100", account("2"), &[]),
            share("100", department("1", &[]), &[]),
            share("200", account("1"), &[]),
            Share::everything(EnrollmentId::parse("100").unwrap()),
        ] {
            assert!(!cut.may_be_given_to(&other), "{other:?}");
        }
    }

    #[test]
    fn an_account_is_named_by_any_cell_that_is_not_blank() {
        let of = |owner, name| AccountName::of(owner, name).map(|one| (one.owner, one.name));
        assert_eq!(of(Some(" A@X "), Some("Shop")), Some(("a@x".into(), "shop".into())));
        assert_eq!(of(None, Some("Shop")), Some((String::new(), "shop".into())));
        assert_eq!(of(Some("a@x"), Some("  ")), Some(("a@x".into(), String::new())));
        assert_eq!((of(None, None), of(Some(" "), Some("\t"))), (None, None));
    }
}
