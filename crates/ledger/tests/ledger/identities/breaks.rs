//! One small change each: exactly the right identities fail, by exactly what was changed.

use super::examples::*;
use super::funding::*;
use super::rows::*;
use ledger::identities::{Identity, ScopesOfRow, Verdict};

fn add(row: &mut Row, amount: &str) {
    row.cost = row.cost.checked_add(decimal(amount)).unwrap();
}

fn find(rows: &mut [Row], is: impl Fn(&Row) -> bool) -> &mut Row {
    rows.iter_mut().find(|row| is(row)).unwrap()
}

#[test]
fn a_digit_of_a_cost_in_one_dataset() {
    let mut story = e1();
    add(find(&mut story.months[0].amortized, |row| row.pricing == "OnDemand"), "0.01");
    assert_eq!(story.failures(), ["202501 I-1 0.01", "202501 I-2 0.01", "202501 I-4 -0.01"]);

    // In both datasets it is the price alone that does not fit, and the invoice.
    let mut story = e10();
    let month = &mut story.months[0];
    for rows in [&mut month.actual, &mut month.amortized] {
        add(&mut rows[0], "0.01");
    }
    assert_eq!(story.failures(), ["202503 I-1 0.02"]);
}

#[test]
fn a_row_that_is_lost() {
    let mut story = e1();
    story.months[0].actual.retain(|row| row.pricing != "OnDemand");
    assert_eq!(story.failures(), ["202501 I-2 1", "202501 I-4 -1"]);

    // A covered row costs nothing in ActualCost: only I-3 can miss it.
    let mut story = e1();
    let lost = story.months[0].actual.iter().position(|row| row.resource == "vm1").unwrap();
    story.months[0].actual.remove(lost);
    assert_eq!(story.failures(), ["202501 I-3 ?"]);
    let Verdict::Fails { count, first, .. } = story.reports()[0].verdict(Identity::I3).clone() else { panic!() };
    assert_eq!(count, 1);
    assert_eq!(
        first[0].to_string(),
        "2025-01-01 usage covered by reservations: 0 rows in ActualCost, 1 row in AmortizedCost"
    );

    // An unused day: the day, and what is deferred.
    let mut story = e1();
    story.months[0].amortized.retain(|row| row.date != date("2025-01-20"));
    assert_eq!(story.failures(), ["202501 I-5 -1", "202501 I-7 1"]);
}

#[test]
fn a_row_that_came_twice() {
    let mut story = e16();
    let again = story.months[0].actual[0].clone();
    story.months[0].actual.push(again);
    assert_eq!(story.failures(), ["202506 I-2 -6", "202506 I-4 6"]);
}

#[test]
fn a_cent_between_days_and_between_rows() {
    // Between two days of a benefit: the month is right, the days are not.
    let mut story = e13();
    let rows = &mut story.months[0].amortized;
    add(find(rows, |row| row.date == date("2025-01-10")), "0.01");
    add(find(rows, |row| row.date == date("2025-01-11")), "-0.01");
    let reports = story.reports();
    assert_eq!(failures(&reports[0]), ["202501 I-1 0", "202501 I-5 0"]);
    let Verdict::Fails { count, first, .. } = reports[0].verdict(Identity::I5) else { panic!() };
    assert_eq!((*count, first[0].by), (2, Some(decimal("0.01"))));

    // Between two rows of one day.
    let mut story = e13();
    let rows = &mut story.months[0].amortized;
    add(find(rows, |row| row.resource == "d4"), "0.01");
    add(find(rows, |row| row.resource == "d2"), "-0.01");
    assert_eq!(story.failures(), ["202501 I-1 0"]);

    // Between two subscriptions, in both datasets: the lines tell.
    let mut story = e14();
    let month = &mut story.months[0];
    for rows in [&mut month.actual, &mut month.amortized] {
        add(&mut rows[0], "-0.005");
        add(&mut rows[1], "0.005");
    }
    assert_eq!(story.failures(), ["202503 I-1 0", "202503 lines -0.01"]);
}

#[test]
fn hours_that_are_not_there() {
    let mut story = e13();
    let unused =
        find(&mut story.months[0].amortized, |row| row.charge_type != "Usage" && row.date == date("2025-01-04"));
    unused.quantity = decimal("2");
    unused.price = Some(decimal("0.15"));
    assert_eq!(story.failures(), ["202501 I-5 ?"]);
    // The same with the ratio of a row.
    let mut story = e13();
    find(&mut story.months[0].amortized, |row| row.resource == "d4").ratio = None;
    let reports = story.reports();
    let Verdict::Fails { first, .. } = reports[0].verdict(Identity::I5) else { panic!() };
    assert!(first[0].detail.contains("8 reservation-hours used and unused, some rows without ratio, the day has 24"));
}

#[test]
fn covered_usage_that_costs_something_in_actual_cost() {
    let mut story = e5();
    let covered = find(&mut story.months[0].actual, |row| row.charge_type == "Usage");
    (covered.price, covered.cost) = (Some(decimal("0.8")), decimal("24"));
    assert_eq!(story.failures(), ["202507 I-3 24", "202507 I-4 24"]);
}

#[test]
fn other_tags_and_moved_cells() {
    let mut story = e16();
    story.months[0].amortized[4].tags = "x".into();
    let reports = story.reports();
    assert_eq!(failures(&reports[0]), ["202506 I-2 0"]);
    let Verdict::Fails { first, .. } = reports[0].verdict(Identity::I2) else { panic!() };
    assert!(first[0].detail.contains("charge the same"), "{}", first[0]);
    // A row of another subscription at the same cost.
    let mut story = e16();
    story.months[0].amortized[4].subscription = "s2".into();
    let reports = story.reports();
    let Verdict::Fails { first, .. } = reports[0].verdict(Identity::I2) else { panic!() };
    assert!(first[0].detail.contains("not the same charges"), "{}", first[0]);
}

#[test]
fn a_purchase_that_is_lost_or_stands_in_the_wrong_dataset() {
    let mut story = e2();
    story.months[0].actual.remove(0);
    // From the first month on more is amortized than was paid; at the end 1,200 are missing.
    let failures = story.failures();
    assert_eq!(failures.last().map(String::as_str), Some("202605 I-6 -1200"));
    assert_eq!(failures.len(), 1, "{failures:?}");

    let mut story = e1();
    story.months[0].amortized.push(purchase("2025-01-01", "r1", "365"));
    assert_eq!(story.failures(), ["202501 I-4 -365"]);
}

#[test]
fn settlements_and_refunds() {
    let mut story = e18();
    story.months[1].amortized.retain(|row| !row.quantity.is_zero());
    assert_eq!(story.failures(), ["202506 I-6 0.00397260274"]);

    // A refund in the wrong period: the balance of both tells.
    let mut story = e18();
    let moved = story.months[0].actual.remove(1);
    story.months[1].actual.push(moved);
    assert_eq!(story.failures(), ["202505 lines -1180.27", "202505 B5 1180.27", "202506 B6 1180.27"]);

    let mut story = e6();
    add(&mut story.months[6].actual[0], "-0.01");
    assert_eq!(story.failures(), ["202508 I-1 -0.01", "202508 I-6 -0.01", "202508 B6 0.01"]);
}

#[test]
fn amounts_of_the_balance() {
    use ledger::BalanceAmount::{BeginningBalance, EndingBalance, ServiceOverage, TotalOverage, Utilized};
    let change = |story: &mut Story, month: usize, which, by: &str| {
        let summary = story.months[month].balance.as_mut().unwrap();
        let value = summary.amounts[&which].value().checked_add(decimal(by)).unwrap();
        summary.amounts.insert(which, ledger::Amount::from(value));
    };
    let mut story = e19();
    change(&mut story, 1, BeginningBalance, "0.01");
    assert_eq!(story.failures(), ["202511 B1 -0.01", "202511 B4 0.01"]);
    let mut story = e19();
    change(&mut story, 1, EndingBalance, "0.01");
    assert_eq!(story.failures(), ["202511 B1 0.01"]);
    let mut story = e8();
    change(&mut story, 0, TotalOverage, "1");
    assert_eq!(story.failures(), ["202506 B2 1", "202506 B3 -1"]);
    let mut story = e8();
    change(&mut story, 0, Utilized, "-1");
    change(&mut story, 0, ServiceOverage, "1");
    assert_eq!(story.failures(), ["202506 B1 -1", "202506 B2 -1", "202506 B3 1"]);
    // All members agree with each other, but not with the charges.
    let mut story = e7();
    for which in [ServiceOverage, TotalOverage, ledger::BalanceAmount::TotalUsage] {
        change(&mut story, 0, which, "80");
    }
    assert_eq!(story.failures(), ["202506 lines 80", "202506 B5 -80"]);
}

#[test]
fn scopes_that_show_a_row_twice_or_not_at_all() {
    let mut story = e16();
    story.months[0].actual[0].scopes = ScopesOfRow { departments: 2, ..PLAIN };
    assert_eq!(story.failures(), ["202506 I-8 6"]);
    let mut story = e16();
    story.months[0].actual[0].scopes = ScopesOfRow { accounts: 0, ..PLAIN };
    assert_eq!(story.failures(), ["202506 I-8 -6"]);
}
