//! What the rows do not tell, tolerances, and that no order of rows matters.

use calendar::Term;
use money::Decimal;

use super::examples::*;
use super::funding::*;
use super::rows::*;
use ledger::Dataset;
use ledger::billing::Order;
use ledger::identities::*;

#[test]
fn without_orders_days_are_told_among_themselves_only() {
    for story in [e1(), e2(), e4(), e5(), e6(), e12(), e13(), e18()] {
        for report in story.mirrored() {
            assert!(report.failures().next().is_none(), "{:?}", report.failures().collect::<Vec<_>>());
            assert!(!report.verdict(Identity::I5).fails());
        }
    }
    let Verdict::Untold(reason) = e13().mirrored()[0].verdict(Identity::I5).clone() else { panic!() };
    assert_eq!(reason, "the terms of 1 benefit are not known; the days of each cost the same");
    // Purchase, term and days are enough to tell that the whole term fits.
    assert_eq!(e2().mirrored()[12].verdict(Identity::I6), &Verdict::Holds);
    assert_eq!(
        e18().mirrored()[1].verdict(Identity::I6),
        &Verdict::Untold("no term of a benefit whose purchase is held ends here".into())
    );
}

#[test]
fn what_is_not_held_is_not_told() {
    let mut story = e2();
    story.months.remove(0);
    let mirrored = story.mirrored();
    let last = mirrored.last().unwrap();
    assert!(matches!(last.verdict(Identity::I7), Verdict::Untold(_)));
    assert!(matches!(last.verdict(Identity::I6), Verdict::Untold(_)));
    assert_eq!(last.benefits[0].after, None);
    // A gap makes unknown what was known.
    let mut story = e2();
    story.months.remove(3);
    let mirrored = story.mirrored();
    assert_eq!(mirrored[2].benefits[0].after, Some(decimal("979.72602739726")));
    assert_eq!(mirrored[3].benefits[0].after, None);
}

#[test]
fn a_residual_is_allowed_on_the_one_row_that_takes_it() {
    // 1 cent over 1000 rows of a meter with tiers: each part is rounded at the 12th digit.
    let third = "0.000003333333";
    let rows = |extra: &str, which: usize| {
        let mut rows: Vec<Row> =
            (0..1000).map(|index| usage("2025-03-01", &format!("vm{index}"), "1", third, third)).collect();
        rows[0].quantity = decimal("2");
        rows[0].cost = decimal("0.000006666666");
        rows[which].cost = rows[which].cost.checked_add(decimal(extra)).unwrap();
        Story::of(vec![Month::new("202503").both(&rows)], Vec::new()).mirrored()
    };
    let verdict = |reports: &[PeriodReport]| reports[0].verdict(Identity::I1).clone();
    // Within 10^-12 for each of the 1000 rows, beside the tolerance of every row.
    assert_eq!(verdict(&rows("0.000000001000", 0)), Verdict::Holds);
    assert!(verdict(&rows("0.000000001100", 0)).fails());
    assert!(verdict(&rows("0.000000001000", 1)).fails(), "only the greatest row takes the residual");
    assert_eq!(verdict(&rows("0.000000000010", 1)), Verdict::Holds);
    assert!(verdict(&rows("0.000000000012", 1)).fails());
}

#[test]
fn an_open_period_is_amortized_for_completed_days_only() {
    let order = Order::Reservation(reservation("r1", "2025-01-01", Term::ONE_YEAR, "365.00"));
    let month = Month::new("202501").actual(&[purchase("2025-01-01", "r1", "365")]).amortized(&idle(
        "r1",
        "365",
        "2025-01-01",
        365,
        "2025-01-01",
        "2025-01-09",
    ));
    let terms = benefit_terms(&[order], &|_| None).unwrap();
    let report = |through: Option<&str>| {
        let mut check = PeriodCheck::new(month.period);
        month.actual.iter().for_each(|row| check.add(Dataset::ActualCost, &row.checked()).unwrap());
        month.amortized.iter().for_each(|row| check.add(Dataset::AmortizedCost, &row.checked()).unwrap());
        let context = PeriodContext {
            held: [true; 2],
            is_whole: true,
            is_native: true,
            minor_digits: Some(2),
            balance: None,
            previous_balance: None,
            terms: Some(&terms),
            complete_through: through.map(date),
            knows_scopes: true,
        };
        failures(&History::default().report(check.finish().unwrap(), &context).unwrap())
    };
    assert!(report(Some("2025-01-09")).is_empty());
    assert_eq!(report(Some("2025-01-10")), ["202501 I-5 -1", "202501 I-7 1"]);
    assert_eq!(report(Some("2025-01-08")), ["202501 I-5 1", "202501 I-7 -1"]);
    assert_eq!(report(None), ["202501 I-5 -22", "202501 I-7 22"]);
}

#[test]
fn a_partial_return_goes_on_with_what_stays() {
    let mut order = reservation("r1", "2025-01-01", Term::ONE_YEAR, "730.00");
    order.units = 2;
    let orders = [Order::Reservation(order), giving_back("r1", "2025-01-11", Some(1))];
    let terms = &benefit_terms(&orders, &|_| None).unwrap()[0];
    let day = |day: &str| terms.day(date(day)).map(|(amount, hours)| (amount.to_shortest_string(), hours));
    assert_eq!(day("2025-01-10"), Some(("2".into(), Decimal::from(48u32))));
    assert_eq!(day("2025-01-11"), Some(("1".into(), Decimal::from(24u32))));
    assert_eq!(day("2025-12-31"), Some(("1".into(), Decimal::from(24u32))));
    assert_eq!((day("2024-12-31"), day("2026-01-01")), (None, None));
    // 10 days at 2.00, 355 days at 1.00.
    assert_eq!(terms.through(date("2030-01-01")).unwrap(), decimal("375"));
    assert_eq!(terms.returned, None);
}

#[test]
fn rows_may_come_in_any_order() {
    for story in [e1(), e6(), e8(), e14(), e18()] {
        let mut turned = story.clone();
        for month in &mut turned.months {
            month.actual.reverse();
            month.amortized.reverse();
        }
        for (left, right) in story.reports().iter().zip(turned.reports()) {
            assert_eq!(left.outcomes, right.outcomes);
            assert_eq!(left.benefits, right.benefits);
        }
    }
}

#[test]
fn the_ratio_is_read_as_exports_spell_it() {
    let ratio = |info: &str| normalization_ratio(info).map(|ratio| ratio.to_string());
    assert_eq!(ratio(r#"{"VCPUs":2,"RINormalizationRatio":2.0}"#).as_deref(), Some("2.0"));
    assert_eq!(ratio(r#"{"RINormalizationRatio" : "0.5", "x": 1}"#).as_deref(), Some("0.5"));
    for other in ["", "{}", r#"{"RINormalizationRatio":null}"#, r#"{"RINormalizationRatio""#] {
        assert_eq!(ratio(other), None, "{other}");
    }
}
