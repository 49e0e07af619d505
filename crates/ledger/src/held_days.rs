//! Which days of billing periods a mirror holds, and which are missing: judged by what is held, by when its sources were made
//! and by the days on which charges are dated. There is no storage here and no clock: what today is, the caller says.
//!
//! Each day of a billing period is in exactly one state, see [`DayState`]. A newer run never makes a held day missing, but
//! where it takes the charges of a day away that was not over when it ran.

mod view;

use std::collections::BTreeMap;

use calendar::{BillingPeriod, Date};
use money::MoneyError;
use serde::Serialize;

use crate::{CostSum, Dataset, EnrollmentId, Held, Holding, Publishers, RunTime, Unit};

pub use view::{CalendarView, DayCountsView, DayView, GapView, HoldingView, MonthView, RangeView, SeriesView, SumView};

/// Microseconds of a day.
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The imports of one enrollment, dataset and source scope: newer ones replace older ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// Key of the source scope and publishers.
    pub scope_key: String,
}

impl Series {
    /// The series that a unit belongs to.
    pub fn of(unit: &Unit) -> Self {
        Self { enrollment: unit.enrollment.clone(), dataset: unit.dataset, scope_key: unit.source_key() }
    }

    /// Whose sales its sources have.
    pub fn publishers(&self) -> Publishers {
        Publishers::of_source_key(&self.scope_key)
    }
}

/// Which series and billing periods are asked about; what is not said bounds nothing.
#[derive(Debug, Clone, Default)]
pub struct SeriesFilter {
    /// Of which enrollment.
    pub enrollment: Option<EnrollmentId>,
    /// Of which dataset.
    pub dataset: Option<Dataset>,
    /// Of which billing period.
    pub period: Option<BillingPeriod>,
}

impl SeriesFilter {
    /// Whether a billing period of a series is asked about.
    pub fn admits(&self, series: &Series, period: BillingPeriod) -> bool {
        self.enrollment.as_ref().is_none_or(|own| *own == series.enrollment)
            && self.dataset.is_none_or(|own| own == series.dataset)
            && self.period.is_none_or(|own| own == period)
    }
}

/// Rows and cost by day; `None` is the rows without one.
pub type DaySums = BTreeMap<Option<Date>, CostSum>;

/// Rows and cost by day, of each billing period of each series that has rows.
pub type Charged = BTreeMap<Series, BTreeMap<BillingPeriod, DaySums>>;

/// What is known of a day of a billing period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DayState {
    /// It is held: charges of the billing period are dated on it.
    Charges,
    /// It is held: no charge is dated on it, and the newest import that covers it was made from a source that ran after the day
    /// had ended.
    NoCharges,
    /// It is not held, in a billing period that is over or before a day that is held.
    Missing,
    /// It is not held, and comes after every held day of a billing period whose last day is not over.
    NotYet,
}

impl DayState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Charges, Self::NoCharges, Self::Missing, Self::NotYet];
}

/// The newest import that covers a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSource {
    /// The revision that holds it.
    pub revision: String,
    /// When its source was made.
    pub run_time: RunTime,
    /// Whether rows were rejected on the way in, or pages of the source were missing.
    pub incomplete: bool,
}

/// Days in a row that are in one state because of one import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRange {
    /// The first day.
    pub first: Date,
    /// The last day, which belongs to the range.
    pub last: Date,
    /// Their state.
    pub state: DayState,
    /// The newest import that covers them, even if it ran before they ended and so does not know them.
    pub source: Option<HeldSource>,
}

impl HeldRange {
    /// Number of days.
    pub fn day_count(&self) -> u32 {
        self.last.days().abs_diff(self.first.days()) + 1
    }
}

/// A billing period of a series.
#[derive(Debug, Clone)]
pub struct HeldMonth {
    /// Which one.
    pub period: BillingPeriod,
    /// Its days, from the first to the last, each in one range.
    pub ranges: Vec<HeldRange>,
    /// Rows and cost of the days that have charges.
    pub days: BTreeMap<Date, CostSum>,
    /// Rows of the billing period that are dated on no day of it.
    pub elsewhere: CostSum,
    /// All its rows.
    pub whole: CostSum,
}

impl HeldMonth {
    /// How many of its days are in a state.
    pub fn count(&self, state: DayState) -> u32 {
        self.ranges.iter().filter(|range| range.state == state).map(HeldRange::day_count).sum()
    }
}

/// Billing periods of which nothing is held, between two of which something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodGap {
    /// The first one.
    pub first: BillingPeriod,
    /// The last one, which belongs to the gap.
    pub last: BillingPeriod,
}

/// What is held of a series, from its first billing period to its last.
#[derive(Debug, Clone)]
pub struct HeldCalendar {
    /// Which series.
    pub series: Series,
    /// Its source scope, spelled as the newest billing period was imported.
    pub scope: String,
    /// The billing periods of which something is held, oldest first.
    pub months: Vec<HeldMonth>,
    /// Those between them of which nothing is.
    pub gaps: Vec<PeriodGap>,
}

/// The calendars of all series that are asked about, in order of enrollment, dataset and source scope.
///
/// # Errors
/// [`MoneyError::Overflow`] for a month whose cost leaves the range of amounts.
pub fn calendars(
    held: &Held,
    charged: &Charged,
    asked: &SeriesFilter,
    today: Date,
) -> Result<Vec<HeldCalendar>, MoneyError> {
    let mut found = Vec::new();
    for (series, periods) in holdings_by_period(held, charged, asked) {
        let newest = periods.values().flatten().next_back();
        let scope = newest.map_or_else(|| series.scope_key.clone(), |holding| holding.unit.scope.to_string());
        let mut months = Vec::new();
        for (period, holdings) in periods {
            let sums = charged.get(&series).and_then(|own| own.get(&period));
            let sums = sums.filter(|sums| !sums.is_empty());
            if sums.is_some() || holdings.iter().any(|holding| covers_some_day(holding)) {
                months.push(month(period, &holdings, sums.unwrap_or(&DaySums::new()), today)?);
            }
        }
        if !months.is_empty() {
            let gaps = gaps(&months);
            found.push(HeldCalendar { series, scope, months, gaps });
        }
    }
    Ok(found)
}

/// The holdings of each billing period of each series, in the order of import; none for one that has rows alone.
fn holdings_by_period<'h>(
    held: &'h Held,
    charged: &Charged,
    asked: &SeriesFilter,
) -> BTreeMap<Series, BTreeMap<BillingPeriod, Vec<&'h Holding>>> {
    let mut found: BTreeMap<Series, BTreeMap<BillingPeriod, Vec<&Holding>>> = BTreeMap::new();
    for holding in held.iter() {
        let (series, period) = (Series::of(&holding.unit), holding.unit.coverage.period());
        if asked.admits(&series, period) {
            found.entry(series).or_default().entry(period).or_default().push(holding);
        }
    }
    // The catalog may be an import behind the lake.
    for (series, periods) in charged {
        for period in periods.keys().filter(|period| asked.admits(series, **period)) {
            found.entry(series.clone()).or_default().entry(*period).or_default();
        }
    }
    found
}

/// Whether an import covers a day of its own billing period: what came late may be dated in other months alone.
fn covers_some_day(holding: &Holding) -> bool {
    let coverage = holding.unit.coverage;
    coverage.period().days().any(|day| coverage.covers(coverage.period(), day))
}

/// Judges the days of a billing period.
fn month(period: BillingPeriod, holdings: &[&Holding], sums: &DaySums, today: Date) -> Result<HeldMonth, MoneyError> {
    let (mut elsewhere, mut whole) = (CostSum::NOTHING, CostSum::NOTHING);
    let mut days = BTreeMap::new();
    for (day, sum) in sums {
        whole.merge(*sum)?;
        match day.filter(|day| period.contains(*day)) {
            Some(day) => _ = days.insert(day, *sum),
            None => elsewhere.merge(*sum)?,
        }
    }
    let covering = |day| holdings.iter().rev().find(|holding| holding.unit.coverage.covers(period, day));
    let held = |day| match covering(day) {
        _ if days.contains_key(&day) => Some(DayState::Charges),
        Some(holding) if ran_after(holding.run_time, day) => Some(DayState::NoCharges),
        _ => None,
    };
    let newest = period.days().rev().find(|day| held(*day).is_some());
    let is_open = period.last_day() >= today;
    let mut ranges: Vec<HeldRange> = Vec::new();
    for day in period.days() {
        let unheld =
            if is_open && newest.is_none_or(|newest| day > newest) { DayState::NotYet } else { DayState::Missing };
        let state = held(day).unwrap_or(unheld);
        let source = covering(day).map(|holding| HeldSource {
            revision: holding.revision.clone(),
            run_time: holding.run_time,
            incomplete: holding.incomplete,
        });
        match ranges.last_mut() {
            Some(last) if last.state == state && last.source == source => last.last = day,
            _ => ranges.push(HeldRange { first: day, last: day, state, source }),
        }
    }
    Ok(HeldMonth { period, ranges, days, elsewhere, whole })
}

/// Whether a source was made after a day had ended, and so knows all of it.
fn ran_after(run_time: RunTime, day: Date) -> bool {
    run_time.0 >= (i64::from(day.days()) + 1) * DAY_MICROS
}

/// What lies between months, which are in order.
fn gaps(months: &[HeldMonth]) -> Vec<PeriodGap> {
    let gap = |pair: &[HeldMonth]| {
        let [before, after] = pair else { return None };
        let gap = PeriodGap { first: before.period.next().ok()?, last: after.period.previous().ok()? };
        (gap.first <= gap.last).then_some(gap)
    };
    months.windows(2).filter_map(gap).collect()
}

#[cfg(test)]
mod tests;
