//! Callers of several roles. Those of one role, over HTTP, are in the server's table.

use catalog::{AssignmentEntry, AuditEntry, EnrollmentEntry, ImportEntry, Principal};
use ledger::{ChargeType, Place, Selection};

use super::*;

const A: &str = "aaaaaaaa-0000-4000-8000-000000000000";
const B: &str = "bbbbbbbb-0000-4000-8000-000000000000";
const M: &str = "abababab-0000-4000-8000-000000000000";
const ISSUER: &str = "https://login.example";

/// Enrollment, department, account and subscription of rows. Account 72 is in the departments 7 and 8; M moved.
const PLACES: &str = "
    100 7  71 A
    100 7  72 B
    100 8  72 B
    100 8  81 M
    200 7  71 -
    200 20 21 M";

/// A caller's roles, the switches, what is asked for, and the outcome: the enrollments whose rows are shown, and the roles'
/// scopes to which they are cut, or the refusal.
const TABLE: &str = "
    # An enterprise role judges alone: no switch counts for it, whatever else somebody is.
    EnterpriseReader@100 + DepartmentReader@100/dep/7         | -- -- | dep/7     | 100
    EnterpriseReader@100 + DepartmentReader@100/dep/7         | -- -- | acc/72    | 100
    EnterpriseReader@100 + AccountOwner@100/acc/71            | -- -- | sub/B     | 100
    EnterpriseReader@100 + DepartmentReader@200/dep/7         | -- -- | 200/dep/7 | DepartmentCostDisabled
    EnterpriseReader@200 + DepartmentReader@100/dep/7         | -- AO | 100/dep/7 | DepartmentCostDisabled
    # A department user sees charges at no level while DA is off, even as an owner of an account or subscription.
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | -- AO | acc/72    | DepartmentCostDisabled
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/81      | -- AO | acc/81    | DepartmentCostDisabled
    DepartmentReader@100/dep/7 + Owner@100/sub/M              | -- AO | sub/M     | DepartmentCostDisabled
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | -- -- | acc/72    | DepartmentCostDisabled
    # ... but that of one enrollment says nothing about another.
    DepartmentReader@100/dep/7 + AccountOwner@200/acc/21      | -- AO | acc/21    | 200
    DepartmentReader@100/dep/7 + Reader@200/sub/M             | -- AO | sub/M     | 200
    # With AO off an account role adds nothing, and what the department role shows is shown.
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | DA -- | acc/72    | 100 in departments/7
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/81      | DA -- | acc/81    | AccountCostDisabled
    DepartmentReader@100/dep/7 + Reader@100/sub/B             | DA -- | sub/B     | 100 in departments/7
    DepartmentReader@100/dep/8 + AccountOwner@100/acc/72      | DA -- | sub/B     | 100 in departments/8
    # Roles add up: the whole scope if one is held on it, else all parts.
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | DA AO | acc/72    | 100
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | DA AO | sub/B     | 100 in departments/7 + enrollmentAccounts/72
    DepartmentReader@100/dep/7 + DepartmentReader@100/dep/8   | DA -- | acc/72    | 100 in departments/7 + departments/8
    DepartmentReader@100/dep/7 + DepartmentReader@100/dep/8   | DA -- | dep/8     | 100
    DepartmentReader@100/dep/7 + DepartmentReader@100/dep/8   | DA -- | 100       | NoRole
    AccountOwner@100/acc/71 + AccountOwner@100/acc/72         | -- AO | dep/7     | NoRole
    AccountOwner@100/acc/71 + Reader@100/sub/B                | -- AO | acc/72    | NoRole
    # One id in two enrollments: as far as the caller may see, else the enrollment has to be named.
    DepartmentReader@100/dep/7 + DepartmentReader@200/dep/7   | DA -- | dep/7     | Ambiguous 100, 200
    DepartmentReader@100/dep/7 + DepartmentReader@200/dep/7   | DA -- | 100/dep/7 | 100
    DepartmentReader@100/dep/7 + DepartmentReader@200/dep/7   | DA -- | 200/dep/7 | 200
    DepartmentReader@100/dep/7 + DepartmentReader@200/dep/20  | DA -- | dep/7     | 100
    DepartmentReader@100/dep/8 + DepartmentReader@200/dep/7   | DA -- | dep/7     | 200
    EnterpriseReader@200 + EnterpriseReader@100               | -- -- | dep/7     | Ambiguous 100, 200
    EnterpriseReader@200 + EnterpriseReader@100               | -- -- | acc/71    | Ambiguous 100, 200
    EnterpriseReader@200 + EnterpriseReader@100               | -- -- | 200/acc/71 | 200
    EnterpriseReader@200 + EnterpriseReader@100               | -- -- | dep/8     | 100
    EnterpriseReader@100 + DepartmentReader@200/dep/7         | -- -- | dep/7     | 100
    EnterpriseReader@100 + DepartmentReader@200/dep/7         | DA -- | acc/71    | Ambiguous 100, 200
    DepartmentReader@100/dep/7 + AccountOwner@200/acc/71      | DA -- | acc/71    | 100 in departments/7
    EnterpriseReader@100 + EnterpriseReader@200               | -- -- | dep/999   | Unknown
    # A subscription that moved is answered from both, in their order.
    EnterpriseReader@200 + EnterpriseReader@100               | -- -- | sub/M     | 100; 200
    Reader@200/sub/M + Reader@100/sub/M                       | -- AO | sub/M     | 100; 200
    Reader@200/sub/M + DepartmentReader@100/dep/8             | DA AO | sub/M     | 100 in departments/8; 200
    Reader@200/sub/M + DepartmentReader@100/dep/8             | DA -- | sub/M     | 100 in departments/8
    Reader@200/sub/M + EnterpriseReader@100                   | -- -- | sub/M     | 100
    # Hidden prices are hidden from everybody of their enrollment.
    EnterpriseReader@100 + AccountOwner@100/acc/71            | DA AO hidden | acc/71 | IndirectCostDisabled
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | DA AO hidden | acc/72 | IndirectCostDisabled
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/72      | DA AO hidden | acc/81 | NoRole";
const ROWS: usize = 43;

/// The same for the part of an enrollment.
const PARTS: &str = "
    EnterpriseReader@100                                      | -- -- | 100       | 100
    EnterpriseReader@100 + DepartmentReader@100/dep/7         | -- -- | 100       | 100
    DepartmentReader@100/dep/7                                | DA -- | 100       | 100 in departments/7
    DepartmentReader@100/dep/7                                | -- AO | 100       | DepartmentCostDisabled
    DepartmentReader@100/dep/7 + DepartmentReader@100/dep/8   | DA -- | 100       | 100 in departments/7 + departments/8
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/81      | DA AO | 100       | 100 in departments/7 + enrollmentAccounts/81
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/81      | DA -- | 100       | 100 in departments/7
    DepartmentReader@100/dep/7 + AccountOwner@100/acc/81      | -- AO | 100       | DepartmentCostDisabled
    AccountOwner@100/acc/72                                   | -- AO | 100       | 100 in enrollmentAccounts/72
    AccountOwner@100/acc/72                                   | DA -- | 100       | AccountCostDisabled
    Reader@100/sub/M                                          | -- AO | 100       | 100 in subscriptions/abababab-0000-4000-8000-000000000000
    Reader@100/sub/M                                          | DA -- | 100       | AccountCostDisabled
    # A role on a scope that nobody knows any more bounds nothing, and so shows nothing.
    DepartmentReader@100/dep/999                              | DA AO | 100       | NoRole
    DepartmentReader@100/dep/999 + AccountOwner@100/acc/72    | DA AO | 100       | 100 in enrollmentAccounts/72
    # Roles of one enrollment show nothing of another.
    DepartmentReader@100/dep/7 + EnterpriseReader@200         | DA AO | 100       | 100 in departments/7
    DepartmentReader@100/dep/7                                | DA AO | 200       | NoRole
    EnterpriseReader@100                                      | DA AO | 200       | NoRole
    EnterpriseReader@100                                      | DA AO | 300       | Unknown
    EnterpriseReader@100                                      | DA AO hidden | 100 | IndirectCostDisabled
    DepartmentReader@100/dep/7                                | DA AO hidden | 100 | IndirectCostDisabled";
const PART_ROWS: usize = 20;

fn audit() -> AuditEntry {
    let text = || "test".to_owned();
    AuditEntry { at_ms: 0, actor: text(), action: text(), enrollment: None, target: text(), detail: text(), times: 1 }
}

fn number(text: &str) -> EnrollmentId {
    EnrollmentId::parse(text).unwrap()
}

fn subscription(letter: &str) -> &'static str {
    match letter {
        "A" => A,
        "B" => B,
        _ => M,
    }
}

/// `100`, `dep/7`, `100/acc/72`, `sub/M` or `100/sub/M`.
fn scope(short: &str) -> Scope {
    let parts: Vec<&str> = short.split('/').collect();
    let inside =
        |kind: &str, id: &str| format!("{}/{id}", if kind == "dep" { "departments" } else { "enrollmentAccounts" });
    let text = match parts.as_slice() {
        ["sub", letter] | [_, "sub", letter] => format!("subscriptions/{}", subscription(letter)),
        [number] => format!("billingAccounts/{number}"),
        [number, kind, id] => format!("billingAccounts/{number}/{}", inside(kind, id)),
        [kind, id] => inside(kind, id),
        _ => panic!("{short}"),
    };
    Scope::parse(&text).unwrap()
}

async fn catalog() -> (tempfile::TempDir, Catalog) {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(folder.path()).await.unwrap();
    let mut enrollments: Vec<EnrollmentEntry> = Vec::new();
    for line in PLACES.trim().lines() {
        let [enrollment, department, account, letter] = line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let place = Place {
            department_id: Some(department.to_owned()),
            account_id: Some(account.to_owned()),
            subscription_id: (letter != "-").then(|| subscription(letter).to_owned()),
            ..Place::default()
        };
        match enrollments.iter_mut().find(|one| one.number.matches(enrollment)) {
            Some(one) => one.places.push(place),
            None => {
                let number = number(enrollment);
                enrollments.push(EnrollmentEntry { number, name: None, currency: None, places: vec![place] });
            }
        }
    }
    let (id, record) = ("import".to_owned(), "{}".to_owned());
    let entry = ImportEntry {
        id,
        actor: "test".into(),
        version: 0,
        committed_at_ms: 0,
        enrollments,
        units: Vec::new(),
        record,
        billing: None,
    };
    catalog.take_over(0, Some(&entry)).await.unwrap();
    (folder, catalog)
}

/// Somebody with these roles, granted by turns to the subject itself and to a group of it.
async fn caller(catalog: &Catalog, subject: &str, roles: &str) -> Caller {
    for (index, role) in roles.split(" + ").enumerate() {
        let (role, held_on) = role.split_once('@').unwrap();
        let enrollment = number(held_on.split('/').next().unwrap());
        let principal = match index % 2 {
            0 => Principal::Subject(subject.to_owned()),
            _ => Principal::Group(format!("group of {subject}")),
        };
        let entry = AssignmentEntry {
            id: format!("{subject} {index}"),
            issuer: ISSUER.to_owned(),
            principal,
            enrollment,
            scope: scope(held_on),
            role: role.to_owned(),
            created_at_ms: 0,
        };
        assert!(catalog.add_assignment(&entry, &audit()).await.unwrap(), "{roles}");
    }
    let groups = [format!("group of {subject}"), "group of nobody".to_owned()];
    let granted = catalog.assignments_of(ISSUER, subject, &groups).await.unwrap();
    Caller::of_subject(subject.to_owned(), granted).unwrap()
}

fn outcome(judged: Result<Permit, Refusal>) -> String {
    let share = |share: &Share| {
        let within: Vec<String> = share.within.iter().map(Selection::key).collect();
        let cut = if within.is_empty() { String::new() } else { format!(" in {}", within.join(" + ")) };
        format!("{}{cut}", share.enrollment)
    };
    match judged {
        Ok(permit) => permit.shares().iter().map(share).collect::<Vec<_>>().join("; "),
        Err(Refusal::Disabled { by, .. }) => by.code().to_owned(),
        Err(Refusal::NoRole { .. }) => "NoRole".to_owned(),
        Err(Refusal::Unknown { .. }) => "Unknown".to_owned(),
        Err(Refusal::Ambiguous { nested, .. }) => {
            let numbers: Vec<String> = nested.iter().map(|one| one.enrollment().unwrap().to_string()).collect();
            format!("Ambiguous {}", numbers.join(", "))
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_row_of_the_table_of_several_roles_holds() {
    let (_folder, catalog) = catalog().await;
    for (table, rows, part) in [(TABLE, ROWS, false), (PARTS, PART_ROWS, true)] {
        assert_eq!(try_table(&catalog, table, part).await, rows);
    }
}

/// Tries the rows of a table and counts them.
async fn try_table(catalog: &Catalog, table: &str, part: bool) -> usize {
    let lines = table.trim().lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let (mut tried, mut wrong) = (0, Vec::new());
    for line in lines {
        let [roles, switches, asked, expected] = line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap();
        let has = |word| switches.split_whitespace().any(|one| one == word);
        let (da_view_charges, ao_view_charges, price_hidden) = (has("DA"), has("AO"), has("hidden"));
        for enrollment in ["100", "200"] {
            let policies = Policies { da_view_charges, ao_view_charges, price_hidden };
            catalog.change_policies(&number(enrollment), |own| *own = policies, &audit()).await.unwrap();
        }
        let caller = caller(catalog, &format!("subject {part} {tried}"), roles).await;
        let asked = scope(asked);
        let judged = match part {
            true => permit_part(catalog, &caller, &asked).await,
            false => permit(catalog, &caller, &asked).await,
        };
        let found = outcome(judged);
        if found != expected {
            wrong.push(format!("{line}: found {found}"));
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rows:\n{}", wrong.len(), wrong.join("\n"));
    tried
}

/// What is not usage shows at the whole enrollment only: a part of it must not show it through any generation, nor the
/// balance.
#[tokio::test]
async fn a_part_of_an_enrollment_shows_usage_only() {
    let (_folder, catalog) = catalog().await;
    let policies = Policies { da_view_charges: true, ao_view_charges: true, price_hidden: false };
    catalog.change_policies(&number("100"), |own| *own = policies, &audit()).await.unwrap();
    for (roles, is_whole) in [("EnterpriseReader@100", true), ("DepartmentReader@100/dep/7", false)] {
        let caller = caller(&catalog, roles, roles).await;
        let permit = permit_part(&catalog, &caller, &scope("100")).await.unwrap();
        for generation in Generation::ALL {
            let whole = generation.visibility();
            let expected = if is_whole { whole } else { whole.of_usage() };
            assert_eq!(permit.visibility(generation), expected, "{roles} {generation:?}");
            assert!(is_whole || !expected.shows_charge(Some(ChargeType::Purchase)), "{generation:?}");
        }
        let balance = crate::permit_balance(&catalog, &caller, &scope("100")).await;
        assert_eq!(balance.is_ok(), is_whole, "{roles}");
    }
    let caller = caller(&catalog, "s", "EnterpriseReader@100").await;
    let below = permit_part(&catalog, &caller, &scope("100/dep/7")).await;
    assert!(matches!(below, Err(Refusal::Unsupported { .. })));
}

#[tokio::test]
async fn an_ambiguous_scope_is_told_in_the_forms_that_name_the_enrollments() {
    let (_folder, catalog) = catalog().await;
    let both = caller(&catalog, "s", "EnterpriseReader@200 + EnterpriseReader@100").await;
    let refused = permit(&catalog, &both, &scope("acc/71")).await.unwrap_err().to_string();
    let form = |number| format!("providers/Microsoft.Billing/billingAccounts/{number}/enrollmentAccounts/71");
    let expected = format!(
        "several enrollments have the scope providers/Microsoft.Billing/enrollmentAccounts/71: {}, {}",
        form(100),
        form(200)
    );
    assert_eq!(refused, expected);
}

#[tokio::test]
async fn roles_of_other_issuers_subjects_and_groups_are_nobodys() {
    let (_folder, catalog) = catalog().await;
    caller(&catalog, "s", "EnterpriseReader@100 + EnterpriseReader@200").await;
    let of = async |issuer: &str, subject: &str, groups: &[String]| {
        let granted = catalog.assignments_of(issuer, subject, groups).await.unwrap();
        Caller::of_subject(subject.to_owned(), granted).unwrap()
    };
    let group = ["group of s".to_owned()];
    assert_eq!(of(ISSUER, "s", &[]).await.enrollments(), [number("100")]);
    assert_eq!(of(ISSUER, "other", &group).await.enrollments(), [number("200")]);
    for (issuer, subject) in [("https://login.example/", "s"), (ISSUER, "S"), (ISSUER, "group of s")] {
        let nobody = of(issuer, subject, &[]).await;
        assert!(nobody.assignments().is_empty());
        assert_eq!(outcome(permit(&catalog, &nobody, &scope("100")).await), "NoRole");
        assert_eq!(outcome(permit(&catalog, &nobody, &scope("dep/7")).await), "NoRole");
        assert_eq!(outcome(permit(&catalog, &nobody, &scope("dep/999")).await), "Unknown");
    }
}
