//! Which subscriptions a caller is shown in lists: exactly those that it gets a permit for.

use std::collections::BTreeMap;

use catalog::{Catalog, CatalogError};
use ledger::SubscriptionId;

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
