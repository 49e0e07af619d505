//! Comparing two statements of ownership on days that are closed.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Date;
use ledger::{AppliedHierarchy, Since, comparable};

/// The first change of ownership on a day before `first_open`: what belongs to somebody else than it did, in words.
pub(crate) fn closed_change(
    before: &AppliedHierarchy,
    after: &AppliedHierarchy,
    first_open: Date,
) -> Option<(String, Date)> {
    let subscriptions = |hierarchy: &AppliedHierarchy| -> Histories {
        hierarchy.subscriptions.iter().map(|one| (one.id.to_string(), one.account.clone())).collect()
    };
    let accounts = |hierarchy: &AppliedHierarchy| -> Histories {
        hierarchy.accounts.iter().map(|one| (comparable(&one.id), one.department.clone())).collect()
    };
    let moved = |what: &str, change: Option<(String, Date)>| {
        change.map(|(id, day)| (format!("another owner of {what} {id} on {day}"), day))
    };
    moved("subscription", first_change(&subscriptions(before), &subscriptions(after), first_open))
        .or_else(|| moved("account", first_change(&accounts(before), &accounts(after), first_open)))
}

type Histories = BTreeMap<String, Vec<Since>>;

fn first_change(before: &Histories, after: &Histories, first_open: Date) -> Option<(String, Date)> {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = Vec::new();
    ids.into_iter().find_map(|id| {
        let (old, new) = (before.get(id).unwrap_or(&none), after.get(id).unwrap_or(&none));
        let days: BTreeSet<Date> = old.iter().chain(new).map(|step| step.from.unwrap_or(Date::MIN)).collect();
        let changed = days.into_iter().filter(|day| *day < first_open).find(|day| owner(old, *day) != owner(new, *day));
        changed.map(|day| (id.clone(), day))
    })
}

/// Who owns on a day; `None`: nobody.
fn owner(history: &[Since], day: Date) -> Option<String> {
    let step = history.iter().rfind(|step| step.from.unwrap_or(Date::MIN) <= day)?;
    step.id.as_deref().map(comparable)
}

#[cfg(test)]
mod tests {
    use ledger::{AppliedAccount, AppliedSubscription};

    use super::*;

    fn hierarchy(steps: &[(Option<&str>, Option<&str>)]) -> AppliedHierarchy {
        let since = |(from, id): &(Option<&str>, Option<&str>)| Since {
            from: from.map(|day| day.parse().unwrap()),
            id: id.map(str::to_owned),
        };
        AppliedHierarchy {
            accounts: vec![AppliedAccount {
                id: "A".into(),
                name: None,
                owner: None,
                cost_center: None,
                department: Vec::new(),
            }],
            subscriptions: vec![AppliedSubscription {
                id: ledger::SubscriptionId::parse("1caaa5a3-2b66-438e-8ab4-bce37d518c5d").unwrap(),
                name: None,
                cost_center: None,
                account: steps.iter().map(since).collect(),
            }],
            ..AppliedHierarchy::default()
        }
    }

    #[test]
    fn only_changes_before_the_first_open_day_count() {
        let before = hierarchy(&[(None, Some("A"))]);
        let open: Date = "2025-03-01".parse().unwrap();
        let change = |steps: &[(Option<&str>, Option<&str>)]| {
            closed_change(&before, &hierarchy(steps), open).map(|(_, day)| day.to_string())
        };
        assert_eq!(change(&[(None, Some("a"))]), None);
        assert_eq!(change(&[(None, Some("A")), (Some("2025-03-01"), Some("B"))]), None);
        assert_eq!(change(&[(None, Some("A")), (Some("2025-02-28"), Some("B"))]).as_deref(), Some("2025-02-28"));
        assert_eq!(change(&[(None, Some("A")), (Some("2025-02-10"), Some("a"))]), None);
        assert_eq!(change(&[(Some("2025-01-01"), Some("A"))]), Some(Date::MIN.to_string()));
        assert!(closed_change(&before, &AppliedHierarchy::default(), open).is_some());
        assert!(closed_change(&AppliedHierarchy::default(), &before, open).is_some());
    }
}
