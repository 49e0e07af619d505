//! The calendar of `lazurite status`: a line for each month, a sign for each day.

use ledger::{DayState, HeldCalendar, HeldMonth, HeldRange, PeriodGap, SeriesView};

use crate::commands::status::source_text;
use crate::instant::rfc3339;

/// Days of the month above their signs.
const RULER: &str = "1   5    10   15   20   25   30 ";

/// What people read of the calendars; `views` are the same ones.
pub(crate) fn print(calendars: &[HeldCalendar], views: &[SeriesView], today: &str) {
    for (calendar, view) in calendars.iter().zip(views) {
        let currency = view.currency.as_deref().unwrap_or("-");
        println!(
            "\nenrollment {} ({currency}), {}, {}",
            view.enrollment,
            view.dataset,
            source_text(&view.scope, view.publishers)
        );
        println!("  period  {RULER} {:>4} {:>7}  {:>8} taken at", "held", "missing", "revision");
        for month in &calendar.months {
            for gap in calendar.gaps.iter().filter(|gap| gap.last.next() == Ok(month.period)) {
                println!("  {} nothing is held", gap_text(*gap));
            }
            print_month(month);
        }
    }
    let [charges, no_charges, missing, not_yet] = DayState::ALL.map(sign);
    println!(
        "\n{charges} charges   {no_charges} held, no charges   {missing} missing   {not_yet} not there yet, as of {today}"
    );
}

fn gap_text(gap: PeriodGap) -> String {
    if gap.first == gap.last { format!("{:7}", gap.first.to_string()) } else { format!("{}..{}", gap.first, gap.last) }
}

fn print_month(month: &HeldMonth) {
    let newest = month.ranges.iter().filter_map(|range| range.source.as_ref()).max_by_key(|source| source.run_time);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut notes = String::new();
    if month.ranges.iter().any(|range| range.source.as_ref().is_some_and(|source| source.incomplete)) {
        notes.push_str(" incomplete");
    }
    if month.elsewhere.rows > 0 {
        notes.push_str(&format!(" {} rows of other days", month.elsewhere.rows));
    }
    println!(
        "  {:7} {:31} {:>4} {:>7}  {:>8} {:20}{notes}",
        month.period.to_string(),
        signs(month),
        month.count(DayState::Charges) + month.count(DayState::NoCharges),
        month.count(DayState::Missing),
        or_none(newest.map(|source| source.revision.clone())),
        or_none(newest.map(|source| rfc3339(source.run_time.0 / 1000))),
    );
}

/// A sign for each day.
fn signs(month: &HeldMonth) -> String {
    let days = |range: &HeldRange| std::iter::repeat_n(sign(range.state), range.day_count() as usize);
    month.ranges.iter().flat_map(days).collect()
}

const fn sign(state: DayState) -> char {
    match state {
        DayState::Charges => '#',
        DayState::NoCharges => '.',
        DayState::Missing => '!',
        DayState::NotYet => '~',
    }
}
