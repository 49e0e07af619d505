//! Whom a subscription belongs to on a day (SEMANTICS 1, rules 2 to 4; D-01 to D-03).

use std::collections::HashMap;

use calendar::Date;

use super::charge::PlaceFacts;
use crate::applied::{AppliedAccount, AppliedDepartment, AppliedHierarchy, Step, steps};
use crate::selection::{UNASSIGNED, comparable};
use crate::{Since, SubscriptionId};

/// The place of charges that belong to no subscription.
pub(super) const NOWHERE: u32 = 0;
/// The place of what benefits did not cover, which belongs to nobody and says so (D-13).
pub(super) const NOBODY: u32 = 1;

/// Ownership of all subscriptions as a history of places.
#[derive(Debug)]
pub(super) struct Ownership {
    /// By subscription: first day, first day after, place; in order, without overlap.
    tenures: HashMap<SubscriptionId, Vec<(Date, Option<Date>, u32)>>,
    pub(super) places: Vec<PlaceFacts>,
}

impl Ownership {
    pub(super) fn of(hierarchy: &AppliedHierarchy) -> Self {
        let departments: HashMap<String, &AppliedDepartment> =
            hierarchy.departments.iter().map(|one| (comparable(&one.id), one)).collect();
        let accounts: HashMap<String, &AppliedAccount> =
            hierarchy.accounts.iter().map(|one| (comparable(&one.id), one)).collect();
        let nobody = PlaceFacts { subscription_name: UNASSIGNED.to_owned(), ..PlaceFacts::default() };
        let mut found = Self { tenures: HashMap::new(), places: vec![PlaceFacts::default(), nobody] };
        for subscription in &hierarchy.subscriptions {
            let mut tenures = Vec::new();
            for step in steps(&subscription.account) {
                let Some(account) = accounts.get(&comparable(step.owner)) else { continue };
                for (from, until, department) in spans(&step, &account.department) {
                    let department = department.and_then(|id| departments.get(&comparable(id)));
                    let costs = [
                        subscription.cost_center.as_deref(),
                        account.cost_center.as_deref(),
                        department.and_then(|department| department.cost_center.as_deref()),
                    ];
                    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                    let place = PlaceFacts {
                        department_id: text(department.map(|one| one.id.as_str())),
                        department_name: match department {
                            Some(department) => text(department.name.as_deref()),
                            None => UNASSIGNED.to_owned(),
                        },
                        account_id: account.id.clone(),
                        account_name: text(account.name.as_deref()),
                        account_owner: text(account.owner.as_deref()),
                        subscription_name: text(subscription.name.as_deref()),
                        cost_center: text(costs.into_iter().flatten().next()),
                    };
                    let index = u32::try_from(found.places.len()).expect("places are far fewer than 2^32");
                    found.places.push(place);
                    tenures.push((from, until, index));
                }
            }
            found.tenures.insert(subscription.id, tenures);
        }
        found
    }

    /// The place of a subscription's charges on a day; `None` where it belongs to nobody here.
    pub(super) fn place(&self, subscription: SubscriptionId, day: Date) -> Option<u32> {
        let tenures = self.tenures.get(&subscription)?;
        let own = tenures.iter().find(|(from, until, _)| *from <= day && until.is_none_or(|until| day < until));
        own.map(|(_, _, place)| *place)
    }
}

/// The days of an account's tenure, cut where its department changes; without department where it has none.
fn spans<'a>(tenure: &Step<'_>, departments: &'a [Since]) -> Vec<(Date, Option<Date>, Option<&'a str>)> {
    let mut found = Vec::new();
    let mut from = tenure.from;
    for step in steps(departments) {
        let begin = step.from.max(tenure.from);
        let until = [step.until, tenure.until].into_iter().flatten().min();
        if until.is_some_and(|until| until <= begin) || tenure.until.is_some_and(|end| begin >= end) {
            continue;
        }
        if begin > from {
            found.push((from, Some(begin), None));
        }
        found.push((begin, until, Some(step.owner)));
        match until {
            Some(until) => from = until,
            None => return found,
        }
    }
    if tenure.until.is_none_or(|until| from < until) {
        found.push((from, tenure.until, None));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AppliedDepartment, AppliedSubscription};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn since(from: Option<&str>, id: Option<&str>) -> Since {
        Since { from: from.map(day), id: id.map(str::to_owned) }
    }

    const S: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";

    #[test]
    fn the_move_day_belongs_to_the_new_owner_and_gaps_have_no_department() {
        let hierarchy = AppliedHierarchy {
            departments: vec![
                AppliedDepartment { id: "D1".into(), name: Some("One".into()), cost_center: Some("c-d1".into()) },
                AppliedDepartment { id: "D2".into(), name: None, cost_center: None },
            ],
            accounts: vec![
                AppliedAccount {
                    id: "A1".into(),
                    name: Some("First".into()),
                    owner: None,
                    cost_center: None,
                    department: vec![since(None, Some("D1")), since(Some("2025-03-01"), None)],
                },
                AppliedAccount {
                    id: "A2".into(),
                    name: None,
                    owner: None,
                    cost_center: Some("c-a2".into()),
                    department: vec![since(Some("2025-07-01"), Some("D2"))],
                },
            ],
            subscriptions: vec![AppliedSubscription {
                id: SubscriptionId::parse(S).unwrap(),
                name: Some("web".into()),
                cost_center: None,
                account: vec![
                    since(None, Some("a1")),
                    since(Some("2025-06-11"), Some("A2")),
                    since(Some("2025-12-01"), None),
                ],
            }],
        };
        let ownership = Ownership::of(&hierarchy);
        let seen = |date: &str| {
            let place = ownership.place(SubscriptionId::parse(S).unwrap(), day(date))?;
            let place = &ownership.places[place as usize];
            Some(
                [&place.account_id, &place.department_id, &place.department_name, &place.cost_center]
                    .map(String::clone),
            )
        };
        let expected = |parts: [&str; 4]| Some(parts.map(str::to_owned));
        assert_eq!(seen("2025-02-28"), expected(["A1", "D1", "One", "c-d1"]));
        assert_eq!(seen("2025-03-01"), expected(["A1", "", "Unassigned", ""]));
        assert_eq!(seen("2025-06-10"), expected(["A1", "", "Unassigned", ""]));
        assert_eq!(seen("2025-06-11"), expected(["A2", "", "Unassigned", "c-a2"]));
        assert_eq!(seen("2025-07-01"), expected(["A2", "D2", "", "c-a2"]));
        assert_eq!(seen("2025-12-01"), None);
    }
}
