//! The hierarchy as its owner states it: departments, accounts and subscriptions with ownership as a history
//! (SEMANTICS 1, rules 2 to 5). `lazurite enrollment apply` reads this form from a file.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Date;
use serde::{Deserialize, Serialize};

use crate::hierarchy::is_generated_form;
use crate::selection::{Tenure, comparable};
use crate::{EnrollmentId, SubscriptionId};

/// Most departments, accounts and subscriptions of one enrollment that are accepted, each.
const ENTRIES_MAX: usize = 200_000;
/// Most steps of one history.
const STEPS_MAX: usize = 100;
/// Longest id, name, owner and cost center, in bytes.
const TEXT_BYTES_MAX: usize = 256;

/// The whole stated hierarchy of one enrollment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedHierarchy {
    /// The departments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<AppliedDepartment>,
    /// The enrollment accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AppliedAccount>,
    /// The subscriptions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<AppliedSubscription>,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedDepartment {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
}

/// An enrollment account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedAccount {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its one owner, an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// To which department it belonged since when; `id` absent: to none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub department: Vec<Since>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// To which account it belonged since when; `id` absent: it left the enrollment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<Since>,
}

/// A step of a history. It holds from its day on, that day included, up to the day before the next step (D-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// First day; absent: from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The new owner's id; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Why a stated hierarchy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HierarchyError {
    /// More entries than are accepted.
    #[error("there are {count} {what}; at most {ENTRIES_MAX} are accepted")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// A longer history than is accepted.
    #[error("the history of {what} {id} has {count} steps; at most {STEPS_MAX} are accepted")]
    TooManySteps {
        /// What it is a history of.
        what: &'static str,
        /// Its id.
        id: String,
        /// How many.
        count: usize,
    },
    /// An id that only the store gives.
    #[error(
        "{id} has the form of the ids that Lazurite generates, which stand for one name for ever; choose another one"
    )]
    Generated {
        /// The id.
        id: String,
    },
    /// An id or another text that cannot be one.
    #[error(
        "{what} {text:?} is empty, longer than {TEXT_BYTES_MAX} bytes, has blanks around it, a control character or a slash"
    )]
    Text {
        /// Which text.
        what: String,
        /// The refused text, cut to a printable length.
        text: String,
    },
    /// An id that is there twice.
    #[error("{what} {id} is there twice")]
    Twice {
        /// What kind of id.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// An owner that is not in the file.
    #[error("{what} {id} belongs to {owner_kind} {owner}, which is not in the file")]
    NoSuchOwner {
        /// What belongs to it.
        what: &'static str,
        /// Its id.
        id: String,
        /// What kind of owner.
        owner_kind: &'static str,
        /// The missing id.
        owner: String,
    },
    /// Steps that are not in the order of their days.
    #[error(
        "the history of {what} {id} is not in the order of its days: expected each step after the one before, and \"from\" on every step but the first"
    )]
    Order {
        /// What it is a history of.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A subscription belongs to one enrollment at a time.
    #[error(
        "subscription {subscription} belongs to enrollment {other} on {day} already; end that with a step without id in its file first"
    )]
    TwoEnrollments {
        /// The subscription.
        subscription: SubscriptionId,
        /// The other enrollment.
        other: EnrollmentId,
        /// First day on which both have it.
        day: Date,
    },
}

/// An owner and its days: first included, last excluded.
pub(crate) struct Step<'a> {
    pub(crate) owner: &'a str,
    pub(crate) from: Date,
    pub(crate) until: Option<Date>,
}

/// The steps of a history that have an owner.
pub(crate) fn steps(history: &[Since]) -> impl Iterator<Item = Step<'_>> {
    history.iter().enumerate().filter_map(|(index, step)| {
        let until = history.get(index + 1).map(|next| next.from.unwrap_or(Date::MIN));
        Some(Step { owner: step.id.as_deref()?, from: step.from.unwrap_or(Date::MIN), until })
    })
}

impl AppliedHierarchy {
    /// Checks that it can be true: ids are there once, owners are in it, histories go forward.
    pub fn check(&self) -> Result<(), HierarchyError> {
        let departments = ids("department", self.departments.iter().map(|one| one.id.as_str()))?;
        let accounts = ids("account", self.accounts.iter().map(|one| one.id.as_str()))?;
        let subscriptions: Vec<String> = self.subscriptions.iter().map(|one| one.id.to_string()).collect();
        ids("subscription", subscriptions.iter().map(String::as_str))?;
        for one in &self.departments {
            texts(&format!("of department {}", one.id), &[("name", &one.name), ("cost_center", &one.cost_center)])?;
        }
        for one in &self.accounts {
            let named = [("name", &one.name), ("owner", &one.owner), ("cost_center", &one.cost_center)];
            texts(&format!("of account {}", one.id), &named)?;
            history(("account", &one.id), &one.department, ("department", &departments))?;
        }
        for one in &self.subscriptions {
            let id = one.id.to_string();
            texts(&format!("of subscription {id}"), &[("name", &one.name), ("cost_center", &one.cost_center)])?;
            history(("subscription", &id), &one.account, ("account", &accounts))?;
        }
        Ok(())
    }

    /// Checks that no subscription belongs to another enrollment on the same day.
    pub fn check_against(&self, other: &EnrollmentId, theirs: &Self) -> Result<(), HierarchyError> {
        let held: BTreeMap<SubscriptionId, &[Since]> =
            theirs.subscriptions.iter().map(|one| (one.id, one.account.as_slice())).collect();
        for own in &self.subscriptions {
            let Some(their) = held.get(&own.id) else { continue };
            for (a, b) in steps(&own.account).flat_map(|a| steps(their).map(move |b| (Days::of(&a), Days::of(&b)))) {
                let day = a.from.max(b.from);
                if a.has(day) && b.has(day) {
                    let (subscription, other) = (own.id, other.clone());
                    return Err(HierarchyError::TwoEnrollments { subscription, other, day });
                }
            }
        }
        Ok(())
    }

    /// Tenures of subscriptions in an account, by comparable id.
    pub(crate) fn account_tenures(&self) -> BTreeMap<String, Vec<Tenure>> {
        let mut found: BTreeMap<String, Vec<Tenure>> = BTreeMap::new();
        for one in &self.subscriptions {
            for step in steps(&one.account) {
                let tenure = Tenure { subscription: one.id, from: step.from, until: step.until };
                found.entry(comparable(step.owner)).or_default().push(tenure);
            }
        }
        found
    }

    /// Tenures of subscriptions in a department, by comparable id: through the account that each was in.
    pub(crate) fn department_tenures(&self) -> BTreeMap<String, Vec<Tenure>> {
        let accounts: BTreeMap<String, &[Since]> =
            self.accounts.iter().map(|one| (comparable(&one.id), one.department.as_slice())).collect();
        let mut found: BTreeMap<String, Vec<Tenure>> = BTreeMap::new();
        for (account, tenures) in self.account_tenures() {
            let Some(history) = accounts.get(&account) else { continue };
            for (tenure, step) in tenures.iter().flat_map(|tenure| steps(history).map(move |step| (tenure, step))) {
                let from = tenure.from.max(step.from);
                let until = [tenure.until, step.until].into_iter().flatten().min();
                if until.is_none_or(|until| from < until) {
                    let tenure = Tenure { subscription: tenure.subscription, from, until };
                    found.entry(comparable(step.owner)).or_default().push(tenure);
                }
            }
        }
        found
    }
}

struct Days {
    from: Date,
    until: Option<Date>,
}

impl Days {
    fn of(step: &Step<'_>) -> Self {
        Self { from: step.from, until: step.until }
    }

    fn has(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

fn ids<'a>(
    what: &'static str,
    all: impl ExactSizeIterator<Item = &'a str>,
) -> Result<BTreeSet<String>, HierarchyError> {
    if all.len() > ENTRIES_MAX {
        return Err(HierarchyError::TooMany { what, count: all.len() });
    }
    let mut known = BTreeSet::new();
    for id in all {
        text(&format!("the id of {what}"), id)?;
        if !known.insert(comparable(id)) {
            return Err(HierarchyError::Twice { what, id: id.to_owned() });
        }
    }
    Ok(known)
}

fn texts(of: &str, named: &[(&str, &Option<String>)]) -> Result<(), HierarchyError> {
    named.iter().try_for_each(|(name, value)| match value {
        Some(value) => text(&format!("the {name} {of}"), value),
        None => Ok(()),
    })
}

fn text(what: &str, text: &str) -> Result<(), HierarchyError> {
    let is_id = what.starts_with("the id ");
    if is_id && is_generated_form(text) {
        return Err(HierarchyError::Generated { id: text.to_owned() });
    }
    let fits = !text.is_empty()
        && text.len() <= TEXT_BYTES_MAX
        && text.trim() == text
        && !text.chars().any(|letter| letter.is_control() || (is_id && letter == '/'));
    if fits { Ok(()) } else { Err(HierarchyError::Text { what: what.to_owned(), text: crate::ids::excerpt(text) }) }
}

/// A text that nobody has checked, as messages show it.
fn printable(text: &str) -> String {
    crate::ids::excerpt(text).escape_debug().to_string()
}

fn history(
    (what, id): (&'static str, &str),
    history: &[Since],
    (owner_kind, owners): (&'static str, &BTreeSet<String>),
) -> Result<(), HierarchyError> {
    if history.len() > STEPS_MAX {
        return Err(HierarchyError::TooManySteps { what, id: id.to_owned(), count: history.len() });
    }
    let forward = history.windows(2).all(|pair| pair[1].from > pair[0].from);
    if !forward {
        return Err(HierarchyError::Order { what, id: id.to_owned() });
    }
    match history.iter().filter_map(|step| step.id.as_deref()).find(|owner| !owners.contains(&comparable(owner))) {
        Some(owner) => {
            Err(HierarchyError::NoSuchOwner { what, id: id.to_owned(), owner_kind, owner: printable(owner) })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
