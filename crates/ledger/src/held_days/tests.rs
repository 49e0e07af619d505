use calendar::DateRange;
use money::{Decimal, Limits, Total};
use proptest::prelude::*;

use super::*;
use crate::{Coverage, Publishers, Scope};

const WHOLE: &str = "billingAccounts/1";
const PART: &str = "subscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn period(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

/// An import of a billing period, or of days of it, that ran at the beginning of a day.
fn holding(scope: &str, own: &str, days: Option<&str>, ran: &str, revision: u32) -> Holding {
    let own = period(own);
    let coverage = days.map_or(Coverage::Period(own), |days| Coverage::Days(own, days.parse().unwrap()));
    Holding {
        unit: Unit {
            enrollment: EnrollmentId::parse("1").unwrap(),
            scope: Scope::parse(scope).unwrap(),
            publishers: Publishers::All,
            dataset: Dataset::ActualCost,
            coverage,
        },
        run_time: RunTime(i64::from(day(ran).days()) * DAY_MICROS),
        content: revision.to_string(),
        revision: revision.to_string(),
        incomplete: false,
        empty: false,
    }
}

fn held(holdings: impl IntoIterator<Item = Holding>) -> Held {
    let mut held = Held::default();
    holdings.into_iter().for_each(|holding| held.apply(holding));
    held
}

fn sum(cost: &str) -> CostSum {
    let mut total = Total::ZERO;
    total.add(Decimal::parse(cost.as_bytes(), Limits::TOTAL).unwrap().value).unwrap();
    CostSum { rows: 1, cost: total }
}

/// One row on each of the days, in a billing period of the whole enrollment.
fn charged(own: &str, days: &[(&str, &str)]) -> Charged {
    let series = Series::of(&holding(WHOLE, own, None, "2023-01-01", 1).unit);
    let sums = days.iter().map(|(text, cost)| (Some(day(text)), sum(cost))).collect();
    Charged::from([(series, BTreeMap::from([(period(own), sums)]))])
}

/// The ranges of a month as text: days, state, revision.
fn told(month: &HeldMonth) -> Vec<String> {
    let revision = |range: &HeldRange| range.source.as_ref().map_or("-".to_owned(), |source| source.revision.clone());
    let range = |range: &HeldRange| {
        format!("{}..{} {:?} {}", range.first.day(), range.last.day(), range.state, revision(range))
    };
    month.ranges.iter().map(range).collect()
}

fn asked(held: &Held, charged: &Charged, today: &str) -> Vec<HeldCalendar> {
    calendars(held, charged, &SeriesFilter::default(), day(today)).unwrap()
}

#[test]
fn a_month_to_date_export_knows_the_days_that_were_over_when_it_ran() {
    let held = held([holding(WHOLE, "202309", None, "2023-09-16", 1)]);
    let charged = charged("202309", &[("2023-09-01", "1.10"), ("2023-09-02", "2"), ("2023-09-16", "3")]);
    let expected = |rest: &str| {
        ["1..2 Charges 1", "3..15 NoCharges 1", "16..16 Charges 1"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("17..30 {rest} 1")])
            .collect::<Vec<_>>()
    };
    for (today, rest) in
        [("2023-09-16", "NotYet"), ("2023-09-30", "NotYet"), ("2023-10-01", "Missing"), ("2026-01-01", "Missing")]
    {
        let found = asked(&held, &charged, today);
        let [calendar] = &found[..] else { panic!("{found:?}") };
        assert_eq!(told(&calendar.months[0]), expected(rest), "{today}");
        assert_eq!(calendar.months[0].whole.cost.value().to_string(), "6.10");
    }
}

#[test]
fn days_that_come_one_by_one_leave_missing_days_between_them_and_none_yet_after_them() {
    let one = |days: &str, ran: &str, revision| holding(WHOLE, "202309", Some(days), ran, revision);
    let held = held([
        one("2023-09-01..2023-09-03", "2023-09-04", 1),
        one("2023-09-06..2023-09-07", "2023-09-08", 2),
        one("2023-09-03..2023-09-03", "2023-09-09", 3),
    ]);
    let charged = charged("202309", &[("2023-09-06", "1")]);
    let months = asked(&held, &charged, "2023-09-20").remove(0).months;
    assert_eq!(
        told(&months[0]),
        [
            "1..2 NoCharges 1",
            "3..3 NoCharges 3",
            "4..5 Missing -",
            "6..6 Charges 2",
            "7..7 NoCharges 2",
            "8..30 NotYet -"
        ]
    );
    let counts = DayState::ALL.map(|state| months[0].count(state));
    assert_eq!(counts, [1, 4, 2, 23]);
}

#[test]
fn months_between_held_ones_are_a_gap_and_series_are_told_apart() {
    let held = held([
        holding(WHOLE, "202211", None, "2023-02-01", 1),
        holding(WHOLE, "202303", None, "2023-05-01", 2),
        holding(PART, "202303", None, "2023-05-01", 3),
    ]);
    let found = asked(&held, &Charged::new(), "2023-06-01");
    let told: Vec<_> = found
        .iter()
        .map(|one| {
            let months: Vec<String> = one.months.iter().map(|month| month.period.to_string()).collect();
            let gaps: Vec<String> = one.gaps.iter().map(|gap| format!("{}..{}", gap.first, gap.last)).collect();
            (one.series.scope_key.as_str(), months.join(" "), gaps.join(" "))
        })
        .collect();
    let expected = [(WHOLE, "202211 202303", "202212..202302"), (PART, "202303", "")];
    assert_eq!(told, expected.map(|(key, months, gaps)| (key, months.to_owned(), gaps.to_owned())));
    let filter = SeriesFilter { period: Some(period("202303")), ..SeriesFilter::default() };
    let found = calendars(&held, &Charged::new(), &filter, day("2023-06-01")).unwrap();
    assert!(found.len() == 2 && found.iter().all(|one| one.months.len() == 1 && one.gaps.is_empty()));
}

#[test]
fn rows_of_other_days_are_told_beside_the_days() {
    // What came late is held by days of the month after, and its own month has no day of it.
    let late = holding(WHOLE, "202308", Some("2023-09-01..2023-09-10"), "2023-09-11", 1);
    assert!(asked(&held([late.clone()]), &Charged::new(), "2023-10-01").is_empty());
    let mut charged = charged("202308", &[("2023-09-02", "5.00")]);
    charged.values_mut().for_each(|own| _ = own.get_mut(&period("202308")).unwrap().insert(None, sum("-1")));
    let month = asked(&held([late]), &charged, "2023-10-01").remove(0).months.remove(0);
    assert_eq!(told(&month), ["1..31 Missing -"]);
    assert_eq!((month.elsewhere.rows, month.elsewhere.cost.value().to_string()), (2, "4.00".to_owned()));
    assert_eq!(month.whole.cost.value().to_string(), "4.00");
}

#[test]
fn rows_without_an_import_are_charges_that_no_revision_covers() {
    let charged = charged("202309", &[("2023-09-30", "1")]);
    let found = asked(&Held::default(), &charged, "2023-10-01").remove(0);
    assert_eq!(found.scope, WHOLE);
    assert_eq!(told(&found.months[0]), ["1..29 Missing -", "30..30 Charges -"]);
}

#[test]
fn a_calendar_is_told_in_text() {
    let held = held([holding(WHOLE, "202309", None, "2023-09-02", 7)]);
    let found = asked(&held, &charged("202309", &[("2023-09-01", "1.50")]), "2023-09-02");
    let view = CalendarView::of(&found, day("2023-09-02"), |_| "USD".parse().ok());
    let told = serde_json::to_value(&view).unwrap();
    assert_eq!(
        told,
        serde_json::json!({ "today": "2023-09-02", "series": [{
            "enrollment": "1", "dataset": "ActualCost", "scope": Scope::parse(WHOLE).unwrap().to_string(),
            "publishers": "All", "currency": "USD", "missingPeriods": [],
            "months": [{
                "period": "202309", "rows": 1, "total": "1.5",
                "dayCounts": { "charges": 1, "noCharges": 0, "missing": 0, "notYet": 29 },
                "ranges": [
                    { "from": "2023-09-01", "to": "2023-09-01", "state": "charges", "revision": "7",
                      "takenAt": "2023-09-02T00:00:00Z", "incomplete": false },
                    { "from": "2023-09-02", "to": "2023-09-30", "state": "notYet", "revision": "7",
                      "takenAt": "2023-09-02T00:00:00Z", "incomplete": false },
                ],
                "days": [{ "day": "2023-09-01", "rows": 1, "total": "1.5" }],
            }],
        }] })
    );
}

/// An import about some months of 2023: month, days of it or all, days from its beginning to the run.
type Import = (u8, Option<(u8, u8)>, i32);

fn any_imports() -> impl Strategy<Value = Vec<Import>> {
    prop::collection::vec((1..=5_u8, prop::option::of((1..=31_u8, 1..=31_u8)), -3..40_i32), 0..12)
}

/// Imports in the order of their runs, as they are accepted.
fn imports(seeds: &[Import]) -> Vec<Holding> {
    let mut made: Vec<Holding> = Vec::new();
    for (revision, (month, days, ran)) in (1..).zip(seeds) {
        let own = BillingPeriod::new(2023, *month).unwrap();
        let mut one = holding(WHOLE, &own.to_string(), None, "2023-01-01", revision);
        if let Some((a, b)) = days {
            let (first, last) = (own.day_or_last(*a.min(b)), own.day_or_last(*a.max(b)));
            one.unit.coverage = Coverage::Days(own, DateRange::inclusive(first, last).unwrap());
        }
        let ran = own.first_day().add_days(*ran).unwrap();
        one.run_time = RunTime(i64::from(ran.days()) * DAY_MICROS);
        made.push(one);
    }
    made.sort_by_key(|one| one.run_time);
    made
}

fn any_charges() -> impl Strategy<Value = Vec<(u8, i32)>> {
    prop::collection::vec((1..=5_u8, -5..40_i32), 0..30)
}

fn rows_on(seeds: &[(u8, i32)]) -> Charged {
    let mut found = Charged::new();
    for (month, days) in seeds {
        let own = BillingPeriod::new(2023, *month).unwrap();
        let series = Series::of(&holding(WHOLE, &own.to_string(), None, "2023-01-01", 1).unit);
        let sums = found.entry(series).or_default().entry(own).or_default();
        let at = own.first_day().add_days(*days).ok().filter(|_| days % 7 > 0);
        sums.entry(at).or_insert(CostSum::NOTHING).merge(sum("0.0000000000000000000000000001")).unwrap();
    }
    found
}

/// The state of every day that the calendars tell of.
fn states(found: &[HeldCalendar]) -> BTreeMap<(BillingPeriod, Date), DayState> {
    let mut states = BTreeMap::new();
    for month in found.iter().flat_map(|one| &one.months) {
        for range in &month.ranges {
            for day in DateRange::inclusive(range.first, range.last).unwrap().days() {
                assert!(states.insert((month.period, day), range.state).is_none(), "{day} is in two ranges");
            }
        }
    }
    states
}

fn is_held(state: DayState) -> bool {
    matches!(state, DayState::Charges | DayState::NoCharges)
}

proptest! {
    #[test]
    fn every_day_is_in_one_state_and_all_rows_are_told(
        seeds in any_imports(), rows in any_charges(), today in 0..200_i32,
    ) {
        let (imports, charged) = (imports(&seeds), rows_on(&rows));
        let today = day("2023-01-01").add_days(today).unwrap();
        let held = held(imports.clone());
        let found = calendars(&held, &charged, &SeriesFilter::default(), today).unwrap();
        let states = states(&found);
        for calendar in &found {
            // Months and gaps are the window, ranges are their months, in order and without a hole.
            let mut next = calendar.months[0].period;
            for month in &calendar.months {
                if let Some(gap) = calendar.gaps.iter().find(|gap| gap.first == next) {
                    next = gap.last.next().unwrap();
                }
                prop_assert_eq!(month.period, next);
                next = next.next().unwrap();
                let days: Vec<Date> = month.ranges.iter()
                    .flat_map(|range| DateRange::inclusive(range.first, range.last).unwrap().days())
                    .collect();
                prop_assert_eq!(days, month.period.days().collect::<Vec<_>>());
                prop_assert_eq!(DayState::ALL.iter().map(|state| month.count(*state)).sum::<u32>(), month.period.day_count());
                let mut whole = month.elsewhere;
                month.days.values().for_each(|sum| whole.merge(*sum).unwrap());
                prop_assert_eq!(whole.rows, month.whole.rows);
                prop_assert_eq!(whole.cost.value(), month.whole.cost.value());
            }
        }
        let told: u64 = found.iter().flat_map(|one| &one.months).map(|month| month.whole.rows).sum();
        prop_assert_eq!(told, rows.len() as u64);
        // A second account of each day, from the words of the documentation.
        for ((period, day), state) in &states {
            let covering = imports.iter().rfind(|one| one.unit.coverage.covers(*period, *day));
            let sums = charged.values().filter_map(|own| own.get(period));
            let has_charges = sums.flat_map(DaySums::keys).any(|own| *own == Some(*day));
            let knows = covering.is_some_and(|one| one.run_time.0 >= i64::from(day.next().unwrap().days()) * DAY_MICROS);
            let later = states.range((*period, *day)..=(*period, period.last_day())).any(|(_, state)| is_held(*state));
            let expected = match (has_charges, knows) {
                (true, _) => DayState::Charges,
                (false, true) => DayState::NoCharges,
                _ if later || period.last_day() < today => DayState::Missing,
                _ => DayState::NotYet,
            };
            prop_assert_eq!(*state, expected, "{} of {}", day, period);
        }
    }

    #[test]
    fn a_newer_run_never_makes_a_held_day_missing(
        seeds in any_imports(), rows in any_charges(), today in 0..200_i32,
    ) {
        let (imports, charged) = (imports(&seeds), rows_on(&rows));
        let today = day("2023-01-01").add_days(today).unwrap();
        let mut held = Held::default();
        let mut before = BTreeMap::new();
        for import in imports {
            prop_assert_eq!(crate::judge(&held, &import), Ok(()));
            held.apply(import);
            let after = states(&calendars(&held, &charged, &SeriesFilter::default(), today).unwrap());
            for (key, _) in before.iter().filter(|(_, state)| is_held(**state)) {
                prop_assert!(is_held(after[key]), "{:?}", key);
            }
            before = after;
        }
    }

    #[test]
    fn a_filter_leaves_out_and_changes_nothing(seeds in any_imports(), rows in any_charges(), month in 1..=5_u8) {
        let (held, charged) = (held(imports(&seeds)), rows_on(&rows));
        let today = day("2023-04-15");
        let own = BillingPeriod::new(2023, month).unwrap();
        let filter = SeriesFilter { period: Some(own), ..SeriesFilter::default() };
        let all = states(&calendars(&held, &charged, &SeriesFilter::default(), today).unwrap());
        let some = states(&calendars(&held, &charged, &filter, today).unwrap());
        let expected: BTreeMap<_, _> = all.into_iter().filter(|((period, _), _)| *period == own).collect();
        prop_assert_eq!(some, expected);
    }
}
