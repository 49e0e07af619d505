//! Examples about charges: E1 to E5, E10, E11, E13, E14, E16, E17.

use calendar::Term;
use money::Decimal;

use super::rows::*;
use ledger::billing::{BenefitBilling, Order};
use ledger::identities::{Identity, ScopesOfRow, Verdict};

const OF_CHARGES: [Identity; 6] = [Identity::I1, Identity::I2, Identity::I3, Identity::I4, Identity::I5, Identity::I7];

pub(crate) fn e1() -> Story {
    let mut idle_days = idle("r1", "365", "2025-01-01", 365, "2025-01-03", "2025-01-31");
    idle_days.push(unused("2025-01-01", "r1", "12", "0.041666666667", "0.5"));
    idle_days.push(unused("2025-01-02", "r1", "0", "0.041666666667", "0"));
    let january = Month::new("202501")
        .actual(&[purchase("2025-01-01", "r1", "365")])
        .covered(&[
            usage("2025-01-01", "vm1", "12", "0.041666666667", "0.5").of("r1"),
            usage("2025-01-02", "vm1", "24", "0.041666666667", "1").of("r1"),
        ])
        .both(&[usage("2025-01-02", "vm2", "10", "0.10", "1")])
        .amortized(&idle_days);
    let order = Order::Reservation(reservation("r1", "2025-01-01", Term::ONE_YEAR, "365.00"));
    Story::of(vec![january], vec![order])
}

#[test]
fn e1_the_365_dollar_reservation() {
    let reports = assert_holds(&e1(), &OF_CHARGES);
    let facts = &reports[0].facts;
    assert_eq!(facts.total(ledger::Dataset::ActualCost), decimal("366"));
    assert_eq!(facts.total(ledger::Dataset::AmortizedCost), decimal("32"));
    assert_eq!(amortized(&reports[0], "r1"), "31");
    assert_eq!(reports[0].benefits[0].after, Some(decimal("334")));
}

/// The whole term of E2, month by month.
pub(crate) fn e2() -> Story {
    let mut first = idle("r1", "1200", "2025-05-26", 365, "2025-05-27", "2025-05-31");
    first.push(unused("2025-05-26", "r1", "6", "0.13698630137", "0.821917808219"));
    let may = Month::new("202505")
        .actual(&[purchase("2025-05-26", "r1", "1200")])
        .covered(&[usage("2025-05-26", "vm1", "18", "0.136986301370", "2.465753424658").of("r1")])
        .amortized(&first);
    let mut months = vec![may];
    let mut next = period("202506");
    while next <= period("202605") {
        let last = next.last_day().min(date("2026-05-25")).to_string();
        let days = idle("r1", "1200", "2025-05-26", 365, &next.first_day().to_string(), &last);
        months.push(Month::new(&next.to_string()).amortized(&days));
        next = next.next().unwrap();
    }
    Story::of(months, vec![Order::Reservation(reservation("r1", "2025-05-26", Term::ONE_YEAR, "1200.00"))])
}

#[test]
fn e2_an_indivisible_price_over_its_whole_term() {
    let reports = assert_holds(&e2(), &[&OF_CHARGES[..], &[Identity::I6]].concat());
    let months: Vec<String> = reports.iter().map(|report| amortized(report, "r1")).collect();
    assert_eq!(months[0], "19.72602739726");
    assert_eq!(months[1], "98.630136986302");
    assert_eq!(months[9], "92.054794520548");
    assert_eq!(months[12], "82.191780821918");
    assert_eq!(reports[12].benefits[0].after, Some(Decimal::ZERO));
    assert!(matches!(reports[11].verdict(Identity::I6), Verdict::Untold(_)));
}

#[test]
fn e3_a_leap_year() {
    let mut months = Vec::new();
    let mut next = period("201910");
    while next <= period("202010") {
        let (first, last) = (next.first_day().max(date("2019-10-23")), next.last_day().min(date("2020-10-22")));
        let days = idle("r1", "12016", "2019-10-23", 366, &first.to_string(), &last.to_string());
        months.push(Month::new(&next.to_string()).amortized(&days));
        next = next.next().unwrap();
    }
    months[0].actual.push(purchase("2019-10-23", "r1", "12016"));
    let order = Order::Reservation(reservation("r1", "2019-10-23", Term::ONE_YEAR, "12016.00"));
    let reports = assert_holds(&Story::of(months, vec![order]), &[&OF_CHARGES[..], &[Identity::I6]].concat());
    let of = |index: usize| amortized(&reports[index], "r1");
    assert_eq!(
        [of(0), of(1), of(4), of(12)].map(|text| decimal(&text)),
        [
            decimal("295.475409836066"),
            decimal("984.918032786885"),
            decimal("952.087431693989"),
            decimal("722.273224043716"),
        ]
    );
}

pub(crate) fn e4() -> Story {
    let month = |name: &str, day: &str, from: &str, to: &str| {
        Month::new(name)
            .actual(&[purchase(day, "r1", "100").with(|row| (row.recurs, row.term) = (true, 36))])
            .amortized(&idle("r1", "3600", "2025-01-15", 1095, from, to))
    };
    let months = vec![
        month("202501", "2025-01-15", "2025-01-15", "2025-01-31"),
        month("202502", "2025-02-15", "2025-02-01", "2025-02-28"),
        month("202503", "2025-03-15", "2025-03-01", "2025-03-31"),
        month("202504", "2025-04-15", "2025-04-01", "2025-04-30"),
    ];
    let mut order = reservation("r1", "2025-01-15", Term::THREE_YEARS, "3600.00");
    order.billing = BenefitBilling::Monthly;
    Story::of(months, vec![Order::Reservation(order)])
}

#[test]
fn e4_three_years_billed_monthly() {
    let reports = assert_holds(&e4(), &OF_CHARGES);
    let months: Vec<String> = reports.iter().map(|report| amortized(report, "r1")).collect();
    assert_eq!(months, ["55.890410958904", "92.054794520548", "101.917808219178", "98.630136986302"]);
    assert_eq!(reports[3].benefits[0].after, Some(decimal("51.506849315068")));
}

pub(crate) fn e5() -> Story {
    let idle_day = |day: u32| unused(&format!("2025-07-{day:02}"), "p1", "24", "2", "48");
    let idle_days: Vec<Row> = (1..=31).filter(|day| *day != 2).map(idle_day).collect();
    let july = Month::new("202507")
        .actual(&[purchase("2025-07-01", "p1", "17520")])
        .covered(&[usage("2025-07-02", "vm1", "30", "0.8", "24").of("p1")])
        .amortized(&[unused("2025-07-02", "p1", "12", "2", "24")])
        .amortized(&idle_days);
    Story::of(vec![july], vec![plan("p1", "2025-07-01", "2.00")])
}

#[test]
fn e5_a_savings_plan_with_unused_commitment() {
    let reports = assert_holds(&e5(), &OF_CHARGES);
    assert_eq!(reports[0].facts.total(ledger::Dataset::AmortizedCost), decimal("1488"));
}

pub(crate) fn e10() -> Story {
    let row = |subscription: &str, quantity: &str, cost: &str| {
        usage("2025-03-01", "", quantity, "0.16875", cost).with(|row| row.subscription = subscription.into())
    };
    let march = Month::new("202503").both(&[
        row("s1", "45", "7.59375"),
        row("s2", "35", "5.90625"),
        rounding("2025-03-31", "-0.01"),
    ]);
    Story::of(vec![march], Vec::new())
}

#[test]
fn e10_included_quantity_and_tiers() {
    let reports = assert_holds(&e10(), &[Identity::I1, Identity::I2, Identity::I4, Identity::Lines]);
    assert_eq!(reports[0].facts.total(ledger::Dataset::ActualCost), decimal("13.49"));
}

#[test]
fn e11_units() {
    let rows = [
        usage("2025-03-01", "a", "0.24", "12.5", "3"),
        usage("2025-03-01", "b", "24", "0.125", "3"),
        usage("2025-03-01", "c", "0.1351", "0.0005", "0.00006755"),
        usage("2025-03-01", "d", "24.80634996", "0.10", "2.480634996"),
        // As imported: the quantity is rounded to 8 digits.
        usage("2025-03-01", "e", "24.80634996", "0.10", "2.48063499589542"),
        usage("2025-03-01", "f", "0.033336", "122.88", "4.09632768"),
    ];
    let story = Story::of(vec![Month::new("202503").both(&rows)], Vec::new());
    assert_eq!(story.mirrored()[0].verdict(Identity::I1), &Verdict::Holds);
}

pub(crate) fn e13() -> Story {
    let idle_days: Vec<Row> = (1..=31)
        .filter(|day| *day != 4)
        .map(|day| unused(&format!("2025-01-{day:02}"), "r1", "24", "0.1", "2.4"))
        .collect();
    let january = Month::new("202501")
        .actual(&[purchase("2025-01-01", "r1", "876")])
        .covered(&[
            usage("2025-01-04", "d4", "8", "0.2", "1.6").of("r1").with(|row| row.ratio = Some(decimal("2"))),
            usage("2025-01-04", "d2", "5", "0.1", "0.5").of("r1"),
        ])
        .amortized(&[unused("2025-01-04", "r1", "3", "0.1", "0.3")])
        .amortized(&idle_days);
    Story::of(vec![january], vec![Order::Reservation(reservation("r1", "2025-01-01", Term::ONE_YEAR, "876.00"))])
}

#[test]
fn e13_size_flexibility() {
    assert_holds(&e13(), &OF_CHARGES);
}

pub(crate) fn e14() -> Story {
    let row = |subscription: &str, meter: &str, quantity: &str, price: &str, cost: &str| {
        usage("2025-03-01", "", quantity, price, cost)
            .with(|row| (row.subscription, row.meter) = (subscription.into(), meter.into()))
    };
    let march = Month::new("202503").both(&[
        row("s1", "gb", "141.9034581", "0.087", "12.3456008547"),
        row("s2", "gb", "0.1", "0.087", "0.0087"),
        row("s1", "calls", "0.1351", "0.0005", "0.00006755"),
        rounding("2025-03-31", "-0.0143684047"),
    ]);
    Story::of(vec![march], Vec::new())
}

#[test]
fn e14_the_rounding_line() {
    let reports = assert_holds(&e14(), &[Identity::I1, Identity::I4, Identity::Lines]);
    assert_eq!(reports[0].facts.total(ledger::Dataset::ActualCost), decimal("12.34"));
}

pub(crate) fn e16() -> Story {
    let days: Vec<Row> = (1..=30).map(|day| usage(&format!("2025-06-{day:02}"), "vm1", "60", "0.1", "6")).collect();
    Story::of(vec![Month::new("202506").both(&days)], Vec::new())
}

#[test]
fn e16_a_move_in_mid_month_leaves_each_row_in_one_department() {
    assert_holds(&e16(), &[Identity::I8]);
    // A row of no department and no account is the enrollment's alone.
    let mut story = e16();
    story.months[0].actual[3].scopes = ScopesOfRow::default();
    assert_holds(&story, &[Identity::I8]);
}

#[test]
fn e17_late_and_corrected_usage() {
    let mut late = usage("2025-03-06", "vm1", "10", "2.00", "20");
    late.tags = "late".into();
    let february = Month::new("202502").both(&[usage("2025-02-20", "vm1", "10", "2.00", "20")]);
    let march = Month::new("202503").both(&[late, usage("2025-03-20", "vm1", "-3", "2.00", "-6")]);
    assert_holds(&Story::of(vec![february, march], Vec::new()), &[Identity::I1, Identity::I2, Identity::I4]);
}
