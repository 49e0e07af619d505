//! Which enrollments, departments, accounts and subscriptions a caller is shown in lists: exactly those that it gets a
//! permit for, and enrollments of which it gets one for a part.

use std::collections::BTreeMap;

use catalog::{Catalog, CatalogError, Enrollment};
use ledger::{Node, Scope, SubscriptionId};

use crate::caller::{Assignment, Caller};
use crate::permit::{Sight, sight};

/// A subscription in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleSubscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Its name, if rows or the owner gave one.
    pub name: Option<String>,
}

/// An enrollment in a list, with what of it is shown.
#[derive(Debug, Clone)]
pub struct VisibleEnrollment {
    /// What is known of it.
    pub enrollment: Enrollment,
    /// Its departments, by id.
    pub departments: Vec<VisibleNode>,
    /// Its enrollment accounts, by id.
    pub accounts: Vec<VisibleNode>,
}

/// A department or an enrollment account in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleNode {
    /// Its id.
    pub id: String,
    /// Its name; the first where rows have several, `None` where they have none.
    pub name: Option<String>,
    /// Its owner; of accounts only.
    pub owner: Option<String>,
    /// The shown departments that it has rows in; of accounts only.
    pub departments: Vec<String>,
}

/// The enrollments of which the caller may read charges, by number: departments and accounts exactly where a permit would be
/// given. An enrollment of which only subscriptions are read is not listed: it is nobody's that reads it.
pub async fn visible_enrollments(catalog: &Catalog, caller: &Caller) -> Result<Vec<VisibleEnrollment>, CatalogError> {
    let mut numbers = caller.enrollments();
    numbers.sort_unstable();
    let mut found = Vec::new();
    for number in numbers {
        let Some(enrollment) = catalog.enrollment(number.as_str()).await? else { continue };
        let hierarchy = catalog.hierarchy(&number).await?;
        let policies = catalog.policies(&number).await?;
        let own: Vec<&Assignment> = caller.assignments().iter().filter(|one| one.enrollment == number).collect();
        let is_shown = |scope: &Scope| {
            let covering = own.iter().copied().filter(|one| hierarchy.lies_within(scope, &one.scope)).collect();
            matches!(sight(&own, covering, policies), Sight::All | Sight::By(_))
        };
        let department = |id: &str| Scope::Department { enrollment: Some(number.clone()), id: id.to_owned() };
        let account = |id: &str| Scope::EnrollmentAccount { enrollment: Some(number.clone()), id: id.to_owned() };
        let departments: Vec<VisibleNode> =
            hierarchy.departments().filter(|node| is_shown(&department(&node.id))).map(visible_node).collect();
        let accounts = hierarchy.accounts().filter(|node| is_shown(&account(&node.id))).map(|node| {
            let own = account(&node.id);
            let within = departments.iter().filter(|one| hierarchy.lies_within(&own, &department(&one.id)));
            VisibleNode { departments: within.map(|one| one.id.clone()).collect(), ..visible_node(node) }
        });
        let accounts: Vec<VisibleNode> = accounts.collect();
        if is_shown(&Scope::BillingAccount(number.clone())) || !departments.is_empty() || !accounts.is_empty() {
            found.push(VisibleEnrollment { enrollment, departments, accounts });
        }
    }
    Ok(found)
}

fn visible_node(node: &Node) -> VisibleNode {
    VisibleNode {
        id: node.id.clone(),
        name: node.names.first().cloned(),
        owner: node.owners.first().cloned(),
        departments: Vec::new(),
    }
}

/// The subscriptions whose charges the caller may read, by id. One that moved between enrollments is listed once.
pub async fn visible_subscriptions(
    catalog: &Catalog,
    caller: &Caller,
) -> Result<Vec<VisibleSubscription>, CatalogError> {
    let mut found: BTreeMap<SubscriptionId, Option<String>> = BTreeMap::new();
    let mut enrollments = caller.enrollments();
    // The name of a subscription that moved must not depend on the order in which roles were granted.
    enrollments.sort_unstable();
    for enrollment in enrollments {
        if catalog.enrollment(enrollment.as_str()).await?.is_none() {
            continue;
        }
        let hierarchy = catalog.hierarchy(&enrollment).await?;
        let policies = catalog.policies(&enrollment).await?;
        let own: Vec<&Assignment> = caller.assignments().iter().filter(|one| one.enrollment == enrollment).collect();
        let covered: Vec<_> = own.iter().map(|one| (*one, hierarchy.subscriptions_within(&one.scope))).collect();
        for (id, name) in hierarchy.subscriptions() {
            let covering = covered.iter().filter(|(_, ids)| ids.contains(&id)).map(|(one, _)| *one).collect();
            if matches!(sight(&own, covering, policies), Sight::All | Sight::By(_)) {
                let known = found.entry(id).or_default();
                *known = known.take().or(name.map(str::to_owned));
            }
        }
    }
    Ok(found.into_iter().map(|(id, name)| VisibleSubscription { id, name }).collect())
}

#[cfg(test)]
mod tests {
    use catalog::{AssignmentEntry, AuditEntry, EnrollmentEntry, ImportEntry, Policies, Principal};
    use ledger::{EnrollmentId, Place, Scope};

    use super::*;
    use crate::permit::permit;
    use crate::role::{Level, Role};

    const ENROLLMENTS: [&str; 2] = ["100", "200"];

    fn subscription(number: u32) -> SubscriptionId {
        SubscriptionId::parse(&format!("00000000-0000-0000-0000-{number:012}")).unwrap()
    }

    fn place(department: &str, account: &str, number: u32) -> Place {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Place {
            department_id: text(department),
            account_id: text(account),
            subscription_id: Some(subscription(number).to_string()),
            subscription_name: number.is_multiple_of(2).then(|| format!("sub {number}")),
            ..Place::default()
        }
    }

    /// Two departments, three accounts, rows of nobody, and one subscription that moved between the enrollments.
    async fn store() -> (tempfile::TempDir, Catalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let first =
            [place("d1", "a1", 1), place("D1", "a2", 2), place("d2", "A2", 3), place("", "", 4), place("", "a3", 5)];
        let second = [place("d1", "a1", 5), place("d9", "a9", 6)];
        let entry = |number: &str, places: &[Place]| EnrollmentEntry {
            number: EnrollmentId::parse(number).unwrap(),
            name: None,
            currency: None,
            places: places.to_vec(),
        };
        let import = ImportEntry {
            actor: "test".into(),
            id: "1".to_owned(),
            version: 1,
            committed_at_ms: 0,
            enrollments: vec![entry(ENROLLMENTS[0], &first), entry(ENROLLMENTS[1], &second)],
            units: Vec::new(),
            record: "{}".to_owned(),
            billing: None,
        };
        catalog.take_over(1, Some(&import)).await.unwrap();
        (folder, catalog)
    }

    fn scopes(enrollment: &str, level: Level) -> Vec<Scope> {
        let parse = |text: String| Scope::parse(&text).unwrap();
        match level {
            Level::Enterprise => vec![parse(format!("billingAccounts/{enrollment}"))],
            Level::Department => ["d1", "d2", "d9", "d0"].map(|id| parse(format!("departments/{id}"))).to_vec(),
            Level::Account => ["a1", "a2", "a9", "a0"].map(|id| parse(format!("enrollmentAccounts/{id}"))).to_vec(),
            Level::Subscription => [1, 4, 5, 7].map(|number| Scope::Subscription(subscription(number))).to_vec(),
        }
    }

    fn assignment() -> AssignmentEntry {
        AssignmentEntry {
            id: "1".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            principal: Principal::Subject("tester".to_owned()),
            enrollment: EnrollmentId::parse(ENROLLMENTS[0]).unwrap(),
            scope: scopes(ENROLLMENTS[0], Level::Enterprise).remove(0),
            role: Role::EnterpriseReader.to_string(),
            created_at_ms: 0,
        }
    }

    fn granted(enrollment: &str, role: Role) -> Vec<AssignmentEntry> {
        let entry = |scope| AssignmentEntry {
            enrollment: EnrollmentId::parse(enrollment).unwrap(),
            scope,
            role: role.to_string(),
            ..assignment()
        };
        scopes(enrollment, role.level()).into_iter().map(entry).collect()
    }

    fn caller(entries: &[&AssignmentEntry]) -> Caller {
        Caller::of_subject("tester".to_owned(), entries.iter().map(|entry| (*entry).clone()).collect()).unwrap()
    }

    async fn listed(catalog: &Catalog, caller: &Caller) -> Vec<SubscriptionId> {
        visible_subscriptions(catalog, caller).await.unwrap().into_iter().map(|one| one.id).collect()
    }

    /// Compares the list with the permits for every subscription that exists, and one that does not.
    async fn agree(catalog: &Catalog, caller: &Caller) -> usize {
        let mut permitted = Vec::new();
        for number in 0..8 {
            let scope = Scope::Subscription(subscription(number));
            if permit(catalog, caller, &scope).await.is_ok() {
                permitted.push(subscription(number));
            }
        }
        assert_eq!(listed(catalog, caller).await, permitted, "{caller:?}");
        permitted.len()
    }

    async fn set(catalog: &Catalog, enrollment: &str, policies: Policies) {
        let enrollment = EnrollmentId::parse(enrollment).unwrap();
        let audit = AuditEntry {
            at_ms: 0,
            actor: "tester".to_owned(),
            action: "policy".to_owned(),
            enrollment: None,
            target: String::new(),
            detail: String::new(),
            times: 1,
        };
        catalog.change_policies(&enrollment, |own| *own = policies, &audit).await.unwrap();
    }

    /// Compares lists of departments and accounts with the permits for each of them.
    async fn nodes_agree(catalog: &Catalog, caller: &Caller) -> usize {
        let listed = visible_enrollments(catalog, caller).await.unwrap();
        let mut shown = 0;
        for number in ENROLLMENTS {
            let own = listed.iter().find(|one| one.enrollment.number.as_str() == number);
            let nodes = |kind: &str| -> Vec<String> {
                let nodes = own.map(|own| if kind == "departments" { &own.departments } else { &own.accounts });
                nodes.into_iter().flatten().map(|node| node.id.to_ascii_lowercase()).collect()
            };
            for (kind, ids) in [("departments", ["d1", "d2", "d9"]), ("enrollmentAccounts", ["a1", "a2", "a9"])] {
                let own = nodes(kind);
                for id in ids {
                    let scope = Scope::parse(&format!("billingAccounts/{number}/{kind}/{id}")).unwrap();
                    let is_permitted = permit(catalog, caller, &scope).await.is_ok();
                    assert_eq!(own.iter().any(|one| one == id), is_permitted, "{scope}: {caller:?}");
                    shown += usize::from(is_permitted);
                }
            }
            let whole = Scope::parse(&format!("billingAccounts/{number}")).unwrap();
            if permit(catalog, caller, &whole).await.is_ok() {
                assert!(own.is_some(), "{number}: {caller:?}");
            }
        }
        shown
    }

    #[tokio::test]
    async fn departments_and_accounts_are_listed_exactly_when_they_may_be_read() {
        let (_folder, catalog) = store().await;
        let all: Vec<AssignmentEntry> = Role::ALL
            .iter()
            .flat_map(|role| ENROLLMENTS.map(|enrollment| granted(enrollment, *role)).concat())
            .collect();
        let mut shown = 0;
        for switches in 0..4 {
            let policies =
                Policies { da_view_charges: switches & 1 > 0, ao_view_charges: switches & 2 > 0, price_hidden: false };
            for number in ENROLLMENTS {
                set(&catalog, number, policies).await;
            }
            for (number, one) in all.iter().enumerate() {
                shown += nodes_agree(&catalog, &caller(&[one])).await;
                shown += nodes_agree(&catalog, &caller(&[one, &all[(number * 5 + 3) % all.len()]])).await;
            }
        }
        assert!(shown > 300, "{shown}");
        for number in ENROLLMENTS {
            set(&catalog, number, Policies { price_hidden: true, ..Policies::default() }).await;
        }
        for one in &all {
            assert_eq!(nodes_agree(&catalog, &caller(&[one])).await, 0);
        }
    }

    #[tokio::test]
    async fn an_account_tells_the_departments_that_are_shown() {
        let (_folder, catalog) = store().await;
        let own = visible_enrollments(&catalog, &caller(&[&assignment()])).await.unwrap().remove(0);
        let told: Vec<(String, Vec<String>)> =
            own.accounts.into_iter().map(|one| (one.id.to_lowercase(), one.departments)).collect();
        let lower = |ids: &[String]| ids.iter().map(|id| id.to_lowercase()).collect::<Vec<_>>();
        let of = |id: &str| told.iter().find(|(own, _)| own == id).map(|(_, departments)| lower(departments)).unwrap();
        assert_eq!((of("a1"), of("a2"), of("a3")), (vec!["d1".into()], vec!["d1".into(), "d2".into()], vec![]));
    }

    #[tokio::test]
    async fn a_subscription_is_listed_exactly_when_it_may_be_read() {
        let (_folder, catalog) = store().await;
        let of = |roles: &[Role]| -> Vec<AssignmentEntry> {
            let both = |role: &Role| ENROLLMENTS.map(|enrollment| granted(enrollment, *role)).concat();
            roles.iter().flat_map(both).collect()
        };
        let all = of(&Role::ALL);
        let one_of_each_level =
            of(&[Role::EnterpriseReader, Role::DepartmentReader, Role::AccountOwner, Role::CostManagementReader]);
        let shown_to_all = Policies { da_view_charges: true, ao_view_charges: true, price_hidden: false };
        set(&catalog, ENROLLMENTS[0], shown_to_all).await;
        set(&catalog, ENROLLMENTS[1], shown_to_all).await;
        let mut shown = 0;
        for one in &all {
            shown += agree(&catalog, &caller(&[one])).await;
        }
        for switches in 0..8 {
            let on = |bit: u8| switches & bit != 0;
            let policies = Policies { da_view_charges: on(1), ao_view_charges: on(2), price_hidden: on(4) };
            set(&catalog, ENROLLMENTS[0], policies).await;
            // Every seventh pair has every two levels in it many times.
            for (number, first) in one_of_each_level.iter().enumerate() {
                for second in one_of_each_level.iter().skip(number % 7).step_by(7) {
                    shown += agree(&catalog, &caller(&[first, second])).await;
                }
            }
        }
        // Neither nothing nor everything.
        assert!((500..2000).contains(&shown), "{shown}");
    }

    #[tokio::test]
    async fn each_level_lists_what_lies_within_it() {
        let (_folder, catalog) = store().await;
        let on = Policies { da_view_charges: true, ao_view_charges: true, price_hidden: false };
        set(&catalog, ENROLLMENTS[0], on).await;
        let of = async |scope: &str, role: Role| {
            let entry = AssignmentEntry { scope: Scope::parse(scope).unwrap(), role: role.to_string(), ..assignment() };
            listed(&catalog, &caller(&[&entry])).await
        };
        let expected = |numbers: &[u32]| numbers.iter().map(|number| subscription(*number)).collect::<Vec<_>>();
        assert_eq!(of("billingAccounts/100", Role::EnterpriseReader).await, expected(&[1, 2, 3, 4, 5]));
        assert_eq!(of("departments/d1", Role::DepartmentReader).await, expected(&[1, 2]));
        assert_eq!(of("enrollmentAccounts/a2", Role::AccountOwner).await, expected(&[2, 3]));
        let one = format!("subscriptions/{}", subscription(4));
        assert_eq!(of(&one, Role::Reader).await, expected(&[4]));
        set(&catalog, ENROLLMENTS[0], Policies::default()).await;
        assert_eq!(of("billingAccounts/100", Role::EnterpriseReader).await.len(), 5);
        assert_eq!(of("departments/d1", Role::DepartmentReader).await, []);
        assert_eq!(of(&one, Role::Reader).await, []);
        set(&catalog, ENROLLMENTS[0], Policies { price_hidden: true, ..on }).await;
        assert_eq!(of("billingAccounts/100", Role::EnterpriseReader).await, []);
    }
}
