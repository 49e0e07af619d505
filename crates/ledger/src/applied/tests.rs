use super::*;

const S: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const T: &str = "ed570627-0265-4620-bb42-bae06bcfa914";

fn day(text: &str) -> Date {
    text.to_owned().try_into().unwrap()
}

/// `from id, from id, …`; `-` for no day and for nobody.
fn steps_of(text: &str) -> Vec<Since> {
    let some = |text: &str| (text != "-").then(|| text.to_owned());
    let step = |step: &str| {
        let (from, id) = step.trim().split_once(' ').unwrap();
        Since { from: some(from).map(|from| day(&from)), id: some(id) }
    };
    text.split(',').filter(|step| !step.is_empty()).map(step).collect()
}

fn account(id: &str, department: &str) -> AppliedAccount {
    AppliedAccount { id: id.into(), name: None, owner: None, cost_center: None, department: steps_of(department) }
}

fn subscription(id: &str, account: &str) -> AppliedSubscription {
    AppliedSubscription {
        id: SubscriptionId::parse(id).unwrap(),
        name: None,
        cost_center: None,
        account: steps_of(account),
    }
}

fn stated(accounts: &[(&str, &str)], subscriptions: &[(&str, &str)]) -> AppliedHierarchy {
    let department = |id: &str| AppliedDepartment { id: id.into(), name: None, cost_center: None };
    AppliedHierarchy {
        departments: ["D1", "D2"].map(department).to_vec(),
        accounts: accounts.iter().map(|(id, history)| account(id, history)).collect(),
        subscriptions: subscriptions.iter().map(|(id, history)| subscription(id, history)).collect(),
    }
}

fn refusal(hierarchy: &AppliedHierarchy) -> String {
    hierarchy.check().unwrap_err().to_string()
}

/// Tenures as `id: subscription from..until`, with S and T for the two subscriptions.
fn tenures(found: BTreeMap<String, Vec<Tenure>>) -> Vec<String> {
    let letter = |id: SubscriptionId| if id.to_string() == S { "S" } else { "T" };
    let first = |day: Date| if day == Date::MIN { String::new() } else { day.to_string() };
    let line = |id: &str, one: &Tenure| {
        let until = one.until.map(|day| day.to_string()).unwrap_or_default();
        format!("{id}: {} {}..{until}", letter(one.subscription), first(one.from))
    };
    found.iter().flat_map(|(id, all)| all.iter().map(|one| line(id, one)).collect::<Vec<_>>()).collect()
}

#[test]
fn what_cannot_be_true_is_refused_with_the_reason() {
    let good = stated(&[("A1", "- D1"), ("A2", "2025-01-01 D2,2025-02-01 -")], &[(S, "- A1,2025-06-11 A2"), (T, "")]);
    assert_eq!(good.check(), Ok(()));
    let order = "is not in the order of its days: expected each step after the one before, and \"from\" on every step but \
                 the first";
    let cases = [
        (stated(&[("A1", ""), ("a1", "")], &[]), "account a1 is there twice".to_owned()),
        (stated(&[], &[(S, ""), (&S.to_uppercase(), "")]), format!("subscription {S} is there twice")),
        (stated(&[("A1", "- D3")], &[]), "account A1 belongs to department D3, which is not in the file".to_owned()),
        (stated(&[], &[(S, "- A9")]), format!("subscription {S} belongs to account A9, which is not in the file")),
        (stated(&[("A1", "2025-01-02 D1,2025-01-01 D2")], &[]), format!("the history of account A1 {order}")),
        (stated(&[("A1", "2025-01-01 D1,2025-01-01 D2")], &[]), format!("the history of account A1 {order}")),
        (stated(&[("A1", "")], &[(S, "2025-01-01 A1,- -")]), format!("the history of subscription {S} {order}")),
        (stated(&[("A1", "")], &[(S, "- A1,- -")]), format!("the history of subscription {S} {order}")),
    ];
    for (hierarchy, expected) in cases {
        assert_eq!(refusal(&hierarchy), expected);
    }
}

#[test]
fn texts_that_cannot_be_ids_or_names_are_refused() {
    let wrong = "is empty, longer than 256 bytes, has blanks around it, a control character or a slash";
    for id in ["", " A1", "A1 ", "A\t1", "A/1", &"1".repeat(257)] {
        let expected = format!("the id of account {:?} {wrong}", id.chars().take(80).collect::<String>());
        assert_eq!(refusal(&stated(&[(id, "")], &[])), expected);
    }
    let mut named = stated(&[("A1", "")], &[(S, "")]);
    named.accounts[0].name = Some("Research / Development".into());
    assert_eq!(named.check(), Ok(()), "a name may have a slash");
    named.accounts[0].owner = Some(String::new());
    assert_eq!(refusal(&named), format!("the owner of account A1 \"\" {wrong}"));
    named.accounts[0].owner = None;
    named.departments[0].name = Some(" D".into());
    assert_eq!(refusal(&named), format!("the name of department D1 \" D\" {wrong}"));
    named.departments[0].name = None;
    named.subscriptions[0].cost_center = Some("a\nb".into());
    assert_eq!(refusal(&named), format!("the cost_center of subscription {S} \"a\\nb\" {wrong}"));
}

#[test]
fn too_many_entries_are_refused_before_they_are_looked_at() {
    let mut hierarchy = stated(&[], &[]);
    hierarchy.departments = vec![hierarchy.departments[0].clone(); ENTRIES_MAX + 1];
    assert_eq!(refusal(&hierarchy), "there are 200001 department; at most 200000 are accepted");
}

#[test]
fn the_day_of_a_move_belongs_to_the_new_owner() {
    let hierarchy = stated(&[("A1", "- D1"), ("A2", "- D2")], &[(S, "- A1,2025-06-11 A2")]);
    assert_eq!(tenures(hierarchy.account_tenures()), ["a1: S ..2025-06-11", "a2: S 2025-06-11.."]);
    assert_eq!(tenures(hierarchy.department_tenures()), ["d1: S ..2025-06-11", "d2: S 2025-06-11.."]);
    let all = hierarchy.account_tenures();
    let owners = |text: &str| -> Vec<&str> {
        all.iter().filter(|(_, own)| own.iter().any(|one| one.covers(day(text)))).map(|(id, _)| id.as_str()).collect()
    };
    assert_eq!((owners("2025-06-10"), owners("2025-06-11")), (vec!["a1"], vec!["a2"]));
}

#[test]
fn a_department_has_a_subscription_on_the_days_on_which_both_moves_agree() {
    let hierarchy = stated(
        &[("A1", "- D1,2025-03-01 D2,2025-09-01 -"), ("A2", "2025-07-01 D1"), ("A3", "")],
        &[(S, "2025-02-01 A1,2025-06-11 A2,2025-08-01 -,2025-10-01 A1"), (T, "- A3")],
    );
    assert_eq!(
        tenures(hierarchy.account_tenures()),
        ["a1: S 2025-02-01..2025-06-11", "a1: S 2025-10-01..", "a2: S 2025-06-11..2025-08-01", "a3: T .."]
    );
    // From 11 to 30 June the account A2 is in no department, from October on A1 is not.
    assert_eq!(
        tenures(hierarchy.department_tenures()),
        ["d1: S 2025-02-01..2025-03-01", "d1: S 2025-07-01..2025-08-01", "d2: S 2025-03-01..2025-06-11"]
    );
}

#[test]
fn a_subscription_is_in_two_enrollments_only_on_different_days() {
    let other = EnrollmentId::parse("200").unwrap();
    let own = |history: &str| stated(&[("A1", "")], &[(S, history)]);
    let theirs = own("- A1,2025-06-11 -,2025-09-01 A1");
    for apart in ["2025-06-11 A1,2025-09-01 -", "2025-07-01 A1,2025-08-01 -", "- -", ""] {
        assert_eq!(own(apart).check_against(&other, &theirs), Ok(()), "{apart:?}");
        assert_eq!(theirs.check_against(&other, &own(apart)), Ok(()), "{apart:?}");
    }
    assert_eq!(stated(&[("A1", "")], &[(T, "- A1")]).check_against(&other, &theirs), Ok(()));
    for (overlapping, day) in [
        ("2025-06-10 A1,2025-09-01 -", "2025-06-10"),
        ("2025-06-11 A1", "2025-09-01"),
        ("- A1,2025-01-01 -", "1900-01-01"),
        ("2026-01-01 A1", "2026-01-01"),
    ] {
        let expected = format!(
            "subscription {S} belongs to enrollment 200 on {day} already; end that with a step without id in its file first"
        );
        assert_eq!(own(overlapping).check_against(&other, &theirs).unwrap_err().to_string(), expected);
        assert!(theirs.check_against(&other, &own(overlapping)).is_err(), "{overlapping:?}");
    }
}

#[test]
fn a_tenure_includes_its_first_day_and_not_its_last() {
    let tenure = |from: &str, until: Option<&str>| Tenure {
        subscription: SubscriptionId::parse(S).unwrap(),
        from: day(from),
        until: until.map(day),
    };
    let june = tenure("2025-06-01", Some("2025-06-11"));
    let covered = ["2025-05-31", "2025-06-01", "2025-06-10", "2025-06-11"].map(|text| june.covers(day(text)));
    assert_eq!(covered, [false, true, true, false]);
    assert!(tenure("2025-06-01", None).covers(Date::MAX));
    let never = tenure("2025-06-01", Some("2025-06-01"));
    assert!(!never.covers(day("2025-06-01")), "no day at all");
}

#[test]
fn histories_are_bounded_and_generated_ids_stay_with_their_names() {
    let mut history = String::from("- A1");
    for number in 1..100 {
        history.push_str(&format!(",{}-01-01 A1", 1900 + number));
    }
    assert_eq!(stated(&[("A1", "")], &[(S, &history)]).check(), Ok(()));
    history.push_str(",2025-01-01 A1");
    let refused = stated(&[("A1", "")], &[(S, &history)]).check().unwrap_err().to_string();
    assert_eq!(refused, format!("the history of subscription {S} has 101 steps; at most 100 are accepted"));
    let given = stated(&[("9123456789012", "")], &[]).check().unwrap_err();
    assert_eq!(given, HierarchyError::Generated { id: "9123456789012".into() });
}
