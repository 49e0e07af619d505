use super::*;
use crate::applied::{AppliedAccount, AppliedDepartment, AppliedSubscription, Since};

const S: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const T: &str = "ed570627-0265-4620-bb42-bae06bcfa914";

/// Cells of rows: department id and name, account id, name and owner, subscription. `-` is an empty cell, `_` a blank.
fn places(table: &str) -> Vec<Place> {
    let cell = |cell: &str| match cell.trim() {
        "-" => String::new(),
        "S" => S.to_owned(),
        "T" => T.to_uppercase(),
        text => text.replace('_', " "),
    };
    let place = |line: &str| {
        let cells: Vec<String> = line.split('|').map(cell).collect();
        Place::from_parts(std::array::from_fn(|index| cells.get(index).map(String::as_str)))
    };
    table.trim().lines().map(place).collect()
}

fn named(origin: IdOrigin, kind: NameKind, owner: &str, name: &str, id: &str) -> NamedId {
    NamedId { kind, name: AccountName::of(Some(owner), Some(name)).unwrap(), id: id.to_owned(), origin }
}

fn mapped(name: &str, id: &str) -> NamedId {
    named(IdOrigin::Mapped, NameKind::Department, "", name, id)
}

fn generated(name: &str, id: &str) -> NamedId {
    named(IdOrigin::Generated, NameKind::Department, "", name, id)
}

fn department(id: &str, name: &str) -> AppliedDepartment {
    AppliedDepartment { id: id.to_owned(), name: Some(name.to_owned()), cost_center: None }
}

fn since(from: &str, id: &str) -> Since {
    Since { from: from.to_owned().try_into().ok(), id: (!id.is_empty()).then(|| id.to_owned()) }
}

fn of_rows(table: &str, named: &[NamedId]) -> Hierarchy {
    Hierarchy::new(&places(table), named, &AppliedHierarchy::default())
}

/// A line per node: id, origin, names, `=` names that stand for it, `also` aliases.
fn lines<'a>(nodes: impl Iterator<Item = &'a Node>) -> Vec<String> {
    let joined = |texts: Vec<&str>| texts.join(",");
    nodes
        .map(|node| {
            let stands_for = node.stands_for.iter().map(|one| format!("{}{}", one.owner, one.name)).collect::<Vec<_>>();
            let names = joined(node.names.iter().map(String::as_str).collect());
            let also = joined(node.also.iter().map(String::as_str).collect());
            format!("{} {:?} {names} = {} also {also}", node.id, node.origin, stands_for.join(","))
        })
        .collect()
}

/// Names of a department's selection; `None` if nobody knows the department.
fn names_of(hierarchy: &Hierarchy, id: &str) -> Option<Vec<String>> {
    match hierarchy.select(&Scope::parse(&format!("departments/{id}")).unwrap())? {
        Selection::Department { names, .. } => Some(names.into_iter().collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ids_of_rows_are_departments_whatever_their_names() {
    let known = of_rows(
        "7 | Retail | 1 | Shop | a@x | S
         7 | Stores | 1 | Shop | a@x | S
         8 | Retail | - | -    | -   | T
         9 | -      | - | -    | -   | -",
        &[],
    );
    // Two ids show the name Retail, so it stands for neither; Stores has one id only.
    assert_eq!(
        lines(known.departments()),
        ["7 Rows Retail,Stores = stores also ", "8 Rows Retail =  also ", "9 Rows  =  also "]
    );
    assert_eq!(lines(known.accounts()), ["1 Rows Shop = a@xshop also "]);
    assert_eq!(names_of(&known, "9"), Some(vec![]));
    assert_eq!(names_of(&known, "10"), None);
}

#[test]
fn a_name_without_id_stands_for_the_mapped_else_the_applied_else_the_only_shown_else_a_generated_id() {
    let rows = "- | Retail | - | - | - | S";
    let shown = format!("{rows}\n7 | Retail | - | - | - | S");
    let own = [generated("Retail", "9001")];
    let applied = AppliedHierarchy { departments: vec![department("8", "Retail")], ..AppliedHierarchy::default() };
    let all = [generated("Retail", "9001"), mapped("Retail", "5")];
    assert_eq!(lines(of_rows(rows, &own).departments()), ["9001 Generated Retail = retail also "]);
    assert_eq!(lines(of_rows(&shown, &own).departments()), ["7 Rows Retail = retail also 9001"]);
    assert_eq!(
        lines(Hierarchy::new(&places(&shown), &own, &applied).departments()),
        ["7 Rows Retail =  also ", "8 Applied Retail = retail also 9001"]
    );
    assert_eq!(
        lines(Hierarchy::new(&places(&shown), &all, &applied).departments()),
        ["5 Mapped Retail = retail also 9001", "7 Rows Retail =  also ", "8 Applied Retail =  also "]
    );
}

#[test]
fn a_name_with_several_ids_keeps_its_rows_without_id_apart() {
    let rows = "- | Retail | - | - | - | S\n7 | Retail | - | - | - | S\n8 | Retail | - | - | - | S";
    let known = of_rows(rows, &[generated("Retail", "9001")]);
    assert_eq!(
        lines(known.departments()),
        ["7 Rows Retail =  also ", "8 Rows Retail =  also ", "9001 Generated Retail = retail also "]
    );
    let twice = AppliedHierarchy {
        departments: vec![department("7", "Retail"), department("8", "Retail")],
        ..AppliedHierarchy::default()
    };
    let known = Hierarchy::new(&places(rows), &[generated("Retail", "9001")], &twice);
    assert_eq!(names_of(&known, "9001"), Some(vec!["retail".to_owned()]), "a name applied to two ids stands for none");
    assert_eq!(names_of(&known, "7"), Some(vec![]));
}

#[test]
fn a_generated_id_means_its_own_name_for_ever_and_never_more() {
    let rows = "- | Retail | - | - | - | S\n- | Stores | - | - | - | S\n5 | Retail | - | - | - | S";
    let both = [generated("Retail", "9001"), generated("Stores", "9002")];
    let known = of_rows(rows, &[&both[..], &[mapped("Retail", "5"), mapped("Stores", "5")]].concat());
    assert_eq!(lines(known.departments()), ["5 Mapped Retail,Stores = retail,stores also 9001,9002"]);
    assert_eq!(names_of(&known, "9001"), Some(vec!["retail".to_owned()]));
    assert_eq!(names_of(&known, "9002"), Some(vec!["stores".to_owned()]));
    assert_eq!(names_of(&known, "5"), Some(vec!["retail".to_owned(), "stores".to_owned()]));
}

/// Without this, rows of Retail would count in 5 and, through the generated id that Stores was given, once more.
#[test]
fn a_generated_id_that_was_given_to_another_name_leaves_its_own_rows_to_their_new_id() {
    let rows = "- | Retail | - | - | - | S\n- | Stores | - | - | - | S";
    let both = [generated("Retail", "9001"), generated("Stores", "9002")];
    let known = of_rows(rows, &[&both[..], &[mapped("Stores", "9001")]].concat());
    assert_eq!(lines(known.departments()), ["9001 Mapped Retail,Stores = retail,stores also 9002"]);
    let known = of_rows(rows, &[&both[..], &[mapped("Stores", "9001"), mapped("Retail", "5")]].concat());
    assert_eq!(lines(known.departments()), ["5 Mapped Retail = retail also ", "9001 Mapped Stores = stores also 9002"]);
    let own = of_rows(rows, &[&both[..], &[mapped("Retail", "9001")]].concat());
    assert_eq!(lines(own.departments()), ["9001 Mapped Retail = retail also ", "9002 Generated Stores = stores also "]);
}

#[test]
fn unassigned_is_no_department_whoever_says_so() {
    let table = "- | Unassigned | - | - | - | S\n- | unASSIGNED_ | - | - | - | S\n7 | Unassigned | - | - | - | S";
    assert!(names_without_id(&places(table)).is_empty());
    let applied = AppliedHierarchy { departments: vec![department("8", "Unassigned")], ..AppliedHierarchy::default() };
    let known = Hierarchy::new(&places(table), &[mapped("unassigned", "5")], &applied);
    assert_eq!(lines(known.departments()), ["7 Rows Unassigned =  also ", "8 Applied Unassigned =  also "]);
}

#[test]
fn an_account_is_named_by_owner_and_name_together() {
    let table =
        "- | - | - | Shop | a@x | S\n- | - | - | Shop | b@x | S\n- | - | - | - | a@x | S\n1 | - | 1 | Shop | b@x | T";
    let account = |origin, owner, name, id| named(origin, NameKind::Account, owner, name, id);
    let wanted: Vec<String> = names_without_id(&places(table))
        .iter()
        .map(|(kind, one)| format!("{kind:?} {}/{}", one.owner, one.name))
        .collect();
    assert_eq!(wanted, ["Account a@x/", "Account a@x/shop", "Account b@x/shop"]);
    let own = [
        account(IdOrigin::Generated, "a@x", "", "9001"),
        account(IdOrigin::Generated, "A@X ", "Shop", "9002"),
        account(IdOrigin::Generated, "b@x", "Shop", "9003"),
        account(IdOrigin::Mapped, "", "Shop", "4"),
    ];
    let known = of_rows(table, &own);
    assert_eq!(
        lines(known.accounts()),
        [
            "1 Rows Shop = b@xshop also 9003",
            "4 Mapped  = shop also ",
            "9001 Generated  = a@x also ",
            "9002 Generated Shop = a@xshop also ",
        ]
    );
}

#[test]
fn case_and_blanks_make_no_other_department() {
    let table = "_A7_ | Retail | - | - | - | -\na7 | RETAIL_ | - | - | - | -\n__ | _retail | __ | - | _ | __";
    assert_eq!(names_without_id(&places(table)).len(), 1, "blank cells are no ids");
    let known = of_rows(table, &[generated("Retail", "9001")]);
    assert_eq!(lines(known.departments()), ["A7 Rows  retail,RETAIL ,Retail = retail also 9001"]);
    assert_eq!(names_of(&known, "A7"), names_of(&known, "a7"));
    assert_eq!(known.accounts().count(), 0);
    let blanks = format!("- | - | - | - | - | _{S}_");
    let subscriptions: Vec<String> = of_rows(&blanks, &[]).subscriptions().map(|(id, _)| id.to_string()).collect();
    assert_eq!(subscriptions, [S]);
}

#[test]
fn what_lies_within_what_is_told_by_rows_and_by_the_applied_hierarchy() {
    let table = "7 | Retail | 1 | Shop | a@x | S\n- | Stores | - | Mall | b@x | T";
    let applied = AppliedHierarchy {
        departments: vec![department("30", "Labs")],
        accounts: vec![AppliedAccount {
            id: "31".into(),
            name: None,
            owner: None,
            cost_center: None,
            department: vec![since("", "30")],
        }],
        subscriptions: vec![AppliedSubscription {
            id: SubscriptionId::parse(S).unwrap(),
            name: Some("moved".into()),
            cost_center: None,
            account: vec![since("", "31"), since("2025-06-11", "")],
        }],
    };
    let own = [generated("Stores", "9001"), mapped("Stores", "8")];
    let known = Hierarchy::new(&places(table), &own, &applied);
    let (s, t) = (format!("subscriptions/{S}"), format!("subscriptions/{}", T.to_uppercase()));
    let within =
        |inner: &str, outer: &str| known.lies_within(&Scope::parse(inner).unwrap(), &Scope::parse(outer).unwrap());
    for (inner, outer) in [
        ("departments/7", "billingAccounts/1"),
        ("departments/7", "billingAccounts/1/departments/7"),
        ("departments/9001", "departments/8"),
        ("enrollmentAccounts/1", "departments/7"),
        (s.as_str(), "departments/7"),
        (s.as_str(), "enrollmentAccounts/1"),
        (t.as_str(), "departments/8"),
        (t.as_str(), "departments/9001"),
        ("enrollmentAccounts/31", "departments/30"),
        (s.as_str(), "enrollmentAccounts/31"),
        (s.as_str(), "departments/30"),
    ] {
        assert!(within(inner, outer), "{inner} lies within {outer}");
    }
    for (inner, outer) in [
        ("billingAccounts/1", "departments/7"),
        ("departments/7", "departments/8"),
        ("departments/7", "enrollmentAccounts/1"),
        ("departments/7", s.as_str()),
        ("enrollmentAccounts/1", s.as_str()),
        ("enrollmentAccounts/1", "departments/8"),
        ("enrollmentAccounts/1", "enrollmentAccounts/31"),
        ("enrollmentAccounts/31", "departments/7"),
        (t.as_str(), "departments/7"),
        (t.as_str(), "enrollmentAccounts/1"),
        (s.as_str(), t.as_str()),
        // The id that a name stands for may have more rows than the generated one.
        ("departments/8", "departments/9001"),
    ] {
        assert!(!within(inner, outer), "{inner} does not lie within {outer}");
    }
}

#[test]
fn scopes_of_all_kinds_are_selected_by_what_is_known() {
    let known = of_rows("7 | Retail | - | - | - | T", &[]);
    let select = |text: &str| known.select(&Scope::parse(text).unwrap()).map(|selection| selection.key());
    assert_eq!(select("billingAccounts/1").as_deref(), Some("everything"));
    assert_eq!(select("departments/7").as_deref(), Some("departments/7"));
    assert_eq!(select(&format!("subscriptions/{T}")), Some(format!("subscriptions/{T}")));
    for unknown in ["departments/1", "enrollmentAccounts/7", &format!("subscriptions/{S}")] {
        assert_eq!(select(unknown), None, "{unknown}");
    }
    assert_eq!(select(&format!("subscriptions/{T}/resourceGroups/rg")), None);
}
