//! Examples about the balance: E6 to E9, E12, E15, E18 to E20.

use calendar::Term;

use super::rows::*;
use ledger::BalanceAmount::{
    AzureMarketplaceServiceCharges, BeginningBalance, ChargesBilledSeparately, EndingBalance, OverageRefund,
    ServiceOverage, TotalUsage, Utilized,
};
use ledger::billing::Order;
use ledger::identities::{Identity, Verdict};

const OF_BALANCE: [Identity; 6] =
    [Identity::B1, Identity::B2, Identity::B3, Identity::B5, Identity::B6, Identity::Lines];

fn idle_month(order: &str, price: &str, start: &str, name: &str, from: &str, to: &str) -> Month {
    Month::new(name).amortized(&idle(order, price, start, 365, from, to))
}

pub(crate) fn e6() -> Story {
    let month = |name, from, to| idle_month("r1", "730", "2025-02-10", name, from, to);
    let later = || balance(&[], &[]);
    let months = vec![
        month("202502", "2025-02-10", "2025-02-28")
            .actual(&[purchase("2025-02-10", "r1", "730")])
            .balance(balance(&[(BeginningBalance, "500"), (Utilized, "500"), (ServiceOverage, "230")], &[])),
        month("202503", "2025-03-01", "2025-03-31").balance(later()),
        month("202504", "2025-04-01", "2025-04-30").balance(later()),
        month("202505", "2025-05-01", "2025-05-31").balance(later()),
        month("202506", "2025-06-01", "2025-06-30").balance(later()),
        month("202507", "2025-07-01", "2025-07-31").balance(later()),
        month("202508", "2025-08-01", "2025-08-04")
            .actual(&[refund("2025-08-05", "r1", "-378")])
            .balance(balance(&[(OverageRefund, "119.10")], &[("Return of Reservation Credit", "258.90")])),
    ];
    let order = Order::Reservation(reservation("r1", "2025-02-10", Term::ONE_YEAR, "730.00"));
    Story::of(months, vec![order, giving_back("r1", "2025-08-05", None)])
}

#[test]
fn e6_a_refund_with_mixed_funding() {
    let told = [Identity::I5, Identity::I6, Identity::I7, Identity::B4];
    let reports = assert_holds(&e6(), &[&OF_BALANCE[..], &told].concat());
    let months: Vec<String> = reports.iter().map(|report| amortized(report, "r1")).collect();
    assert_eq!(months, ["38", "62", "60", "62", "60", "62", "8"]);
    assert_eq!(reports[6].late_refunds, decimal("-378"));
}

pub(crate) fn e7() -> Story {
    let days: Vec<Row> = (1..=30).map(|day| usage(&format!("2025-06-{day:02}"), "vm1", "800", "0.1", "80")).collect();
    let summary = balance(&[(BeginningBalance, "1000"), (Utilized, "1000"), (ServiceOverage, "1400")], &[]);
    Story::of(vec![Month::new("202506").both(&days).balance(summary)], Vec::new())
}

#[test]
fn e7_the_prepayment_runs_out() {
    assert_holds(&e7(), &OF_BALANCE);
}

pub(crate) fn e8() -> Story {
    let row = |meter: &str, eligible: bool, publisher: &'static str, cost: &str| {
        usage("2025-06-01", "x", "1", cost, cost)
            .with(|row| (row.meter, row.eligible, row.publisher) = (meter.into(), eligible, publisher))
    };
    let rows = [
        row("first", true, "Azure", "400"),
        row("third", true, "Marketplace", "80"),
        row("other", false, "Marketplace", "55.25"),
        row("separate", false, "Azure", "120.10"),
    ];
    let summary = balance(
        &[
            (BeginningBalance, "300"),
            (Utilized, "300"),
            (ServiceOverage, "180"),
            (ChargesBilledSeparately, "120.10"),
            (AzureMarketplaceServiceCharges, "55.25"),
        ],
        &[],
    );
    Story::of(vec![Month::new("202506").both(&rows).balance(summary)], Vec::new())
}

#[test]
fn e8_four_classes() {
    let reports = assert_holds(&e8(), &OF_BALANCE);
    assert_eq!(reports[0].facts.total(ledger::Dataset::ActualCost), decimal("655.35"));
    assert_eq!(reports[0].lines.len(), 3);
}

#[test]
fn e9_credits() {
    let details = [("+Prepayment", "1.00"), ("Promo Credit", "1.10"), ("SIE Credit", "1.00")];
    let month = |cost: &str, amounts| {
        let rows = [usage("2025-06-01", "x", "1", cost, cost)];
        Story::of(vec![Month::new("202506").both(&rows).balance(balance(amounts, &details))], Vec::new())
    };
    assert_holds(&month("1.10", &[(Utilized, "1.10"), (EndingBalance, "2.00")]), &OF_BALANCE);
    let all = [(Utilized, "3.10"), (ServiceOverage, "1.10"), (EndingBalance, "0")];
    assert_holds(&month("4.20", &all), &OF_BALANCE);
}

pub(crate) fn e12() -> Story {
    let r1 = |name, from, to| idle_month("r1", "1095", "2025-01-01", name, from, to);
    let months = vec![
        r1("202501", "2025-01-01", "2025-01-31")
            .actual(&[purchase("2025-01-01", "r1", "1095")])
            .balance(balance(&[(BeginningBalance, "3000"), (Utilized, "1095")], &[])),
        r1("202502", "2025-02-01", "2025-02-28").balance(balance(&[(BeginningBalance, "1905")], &[])),
        r1("202503", "2025-03-01", "2025-03-01")
            .actual(&[refund("2025-03-02", "r1", "-915"), purchase("2025-03-02", "r2", "1460")])
            .amortized(&idle("r2", "1460", "2025-03-02", 365, "2025-03-02", "2025-03-31"))
            .balance(balance(
                &[(BeginningBalance, "1905"), (Utilized, "1460"), (EndingBalance, "1360")],
                &[("Exchange adjustment for Azure reservation", "915")],
            )),
    ];
    let orders = vec![
        Order::Reservation(reservation("r1", "2025-01-01", Term::ONE_YEAR, "1095.00")),
        giving_back("r1", "2025-03-02", None),
        Order::Reservation(reservation("r2", "2025-03-02", Term::ONE_YEAR, "1460.00")),
    ];
    Story::of(months, orders)
}

#[test]
fn e12_an_exchange() {
    let told = [Identity::I4, Identity::I5, Identity::I6, Identity::I7, Identity::B4];
    let reports = assert_holds(&e12(), &[&OF_BALANCE[..], &told].concat());
    assert_eq!([amortized(&reports[2], "r1"), amortized(&reports[2], "r2")], ["3", "120"]);
}

#[test]
fn e15_the_published_figures() {
    let summary = balance(
        &[
            (BeginningBalance, "3396469.19"),
            (Utilized, "474098.17"),
            (AzureMarketplaceServiceCharges, "609.82"),
            (OverageRefund, "2012.61"),
            (EndingBalance, "2922371.02"),
            (TotalUsage, "474098.17"),
        ],
        &[],
    );
    let story = Story::of(vec![Month::new("201702").balance(summary)], Vec::new());
    let report = &story.mirrored()[0];
    for identity in [Identity::B1, Identity::B2, Identity::B3] {
        assert_eq!(report.verdict(identity), &Verdict::Holds);
    }
    // Nothing of the charges is here.
    assert_eq!(failures(report), ["201702 B5 -474707.99", "201702 B6 -2012.61"]);
}

pub(crate) fn e18() -> Story {
    let may = idle_month("r1", "1200", "2025-05-28", "202505", "2025-05-28", "2025-05-31")
        .actual(&[purchase("2025-05-28", "r1", "1200"), refund("2025-06-03", "r1", "-1180.27")])
        .balance(balance(&[(ServiceOverage, "19.73")], &[]));
    let june = idle_month("r1", "1200", "2025-05-28", "202506", "2025-06-01", "2025-06-02")
        .amortized(&[unused("2025-06-03", "r1", "0", "0", "0.00397260274")])
        .balance(balance(&[], &[]));
    let order = Order::Reservation(reservation("r1", "2025-05-28", Term::ONE_YEAR, "1200.00"));
    Story::of(vec![may, june], vec![order, giving_back("r1", "2025-06-03", None)])
}

#[test]
fn e18_a_refund_before_the_cut_off() {
    let told = [Identity::I1, Identity::I5, Identity::I6, Identity::I7];
    let reports = assert_holds(&e18(), &[&OF_BALANCE[..], &told].concat());
    assert_eq!(amortized(&reports[0], "r1"), "13.150684931507");
    assert_eq!(reports[0].late_refunds, decimal("0"));
    assert_eq!(amortized(&reports[1], "r1"), "6.579315068493");
}

pub(crate) fn e19() -> Story {
    let month = |name: &str, day: &str, cost: &str| Month::new(name).both(&[usage(day, "x", "1", cost, cost)]);
    let october = month("202510", "2025-10-01", "650").balance(balance(
        &[(BeginningBalance, "900"), (Utilized, "650"), (EndingBalance, "200")],
        &[("Promo Credit", "200"), ("Prepayment Expiration", "-250")],
    ));
    let november = month("202511", "2025-11-01", "350").balance(balance(
        &[(BeginningBalance, "200"), (Utilized, "200"), (ServiceOverage, "150"), (EndingBalance, "0")],
        &[],
    ));
    Story::of(vec![october, november], Vec::new())
}

#[test]
fn e19_expiry() {
    assert_holds(&e19(), &[&OF_BALANCE[..], &[Identity::B4]].concat());
}

#[test]
fn e20_debt() {
    let month = |name: &str, day: &str, cost: &str| Month::new(name).both(&[usage(day, "x", "1", cost, cost)]);
    let first = month("202501", "2025-01-05", "40").balance(balance(
        &[(BeginningBalance, "100"), (ServiceOverage, "40"), (EndingBalance, "-60")],
        &[("Debit", "-160")],
    ));
    let second = month("202502", "2025-02-05", "50").balance(balance(
        &[(BeginningBalance, "-60"), (Utilized, "50"), (EndingBalance, "90")],
        &[("+Prepayment", "200")],
    ));
    assert_holds(&Story::of(vec![first, second], Vec::new()), &[&OF_BALANCE[..], &[Identity::B4]].concat());
}
