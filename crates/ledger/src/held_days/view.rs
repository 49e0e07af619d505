//! Calendars and holdings as scripts and clients read them: one form for the command line and for HTTP.

use calendar::Date;
use money::Currency;
use serde::Serialize;

use super::{DayState, HeldCalendar, HeldMonth, HeldRange, PeriodGap};
use crate::billing::Instant;
use crate::{CostSum, Dataset, EnrollmentId, Holding, RunTime};

/// The calendars of all series that were asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalendarView {
    /// The day as of which days are missing or only not there yet, `YYYY-MM-DD`.
    pub today: String,
    /// In order of enrollment, dataset and source scope.
    pub series: Vec<SeriesView>,
}

/// The calendar of an enrollment, dataset and source scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesView {
    /// Whose charges.
    pub enrollment: EnrollmentId,
    /// Which dataset.
    pub dataset: Dataset,
    /// The scope that its sources were exported for.
    pub scope: String,
    /// Whose sales they have: `All`, or `Marketplace` alone.
    pub publishers: &'static str,
    /// The currency of all its amounts, where it is known.
    pub currency: Option<String>,
    /// The billing periods of which something is held, oldest first.
    pub months: Vec<MonthView>,
    /// Those between them of which nothing is.
    pub missing_periods: Vec<GapView>,
}

/// A billing period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthView {
    /// `YYYYMM`.
    pub period: String,
    /// Number of its rows.
    pub rows: u64,
    /// Their exact cost as decimal text.
    pub total: String,
    /// How many days are in which state.
    pub day_counts: DayCountsView,
    /// Its days from the first to the last, each in one range.
    pub ranges: Vec<RangeView>,
    /// Rows and cost of the days that have charges.
    pub days: Vec<DayView>,
    /// Rows that are dated on no day of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<SumView>,
}

/// How many days of a month are in which state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayCountsView {
    /// With charges.
    pub charges: u32,
    /// Held, without charges.
    pub no_charges: u32,
    /// Missing.
    pub missing: u32,
    /// Not there yet.
    pub not_yet: u32,
}

/// Days in a row that are in one state because of one import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RangeView {
    /// The first day.
    pub from: String,
    /// The last day, which belongs to the range.
    pub to: String,
    /// Their state.
    pub state: DayState,
    /// The newest revision that covers them; `None`: none does.
    pub revision: Option<String>,
    /// When its source was made.
    pub taken_at: Option<String>,
    /// Whether rows were rejected on the way in, or pages of the source were missing.
    pub incomplete: bool,
}

/// A day with charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayView {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Rows and cost.
    #[serde(flatten)]
    pub sum: SumView,
}

/// Rows and cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SumView {
    /// How many rows.
    pub rows: u64,
    /// Their exact cost as decimal text.
    pub total: String,
}

/// Billing periods of which nothing is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapView {
    /// The first one, `YYYYMM`.
    pub from: String,
    /// The last one, which belongs to the gap.
    pub to: String,
}

/// An import that holds days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldingView {
    /// The revision.
    pub revision: String,
    /// When its source was made.
    pub taken_at: String,
    /// The billing period that it replaced, or the days of it.
    pub covers: String,
    /// Whether rows were rejected on the way in, or pages of the source were missing.
    pub incomplete: bool,
}

impl CalendarView {
    /// `currency_of` tells the currency of an enrollment.
    pub fn of(
        calendars: &[HeldCalendar],
        today: Date,
        currency_of: impl Fn(&EnrollmentId) -> Option<Currency>,
    ) -> Self {
        let series = calendars.iter().map(|one| SeriesView::of(one, currency_of(&one.series.enrollment)));
        Self { today: today.to_string(), series: series.collect() }
    }
}

impl SeriesView {
    fn of(calendar: &HeldCalendar, currency: Option<Currency>) -> Self {
        let gap = |gap: &PeriodGap| GapView { from: gap.first.to_string(), to: gap.last.to_string() };
        Self {
            enrollment: calendar.series.enrollment.clone(),
            dataset: calendar.series.dataset,
            scope: calendar.scope.clone(),
            publishers: calendar.series.publishers().as_str(),
            currency: currency.map(|currency| currency.to_string()),
            months: calendar.months.iter().map(MonthView::from).collect(),
            missing_periods: calendar.gaps.iter().map(gap).collect(),
        }
    }
}

impl From<&HeldMonth> for MonthView {
    fn from(month: &HeldMonth) -> Self {
        let whole = SumView::from(month.whole);
        Self {
            period: month.period.to_string(),
            rows: whole.rows,
            total: whole.total,
            day_counts: DayCountsView {
                charges: month.count(DayState::Charges),
                no_charges: month.count(DayState::NoCharges),
                missing: month.count(DayState::Missing),
                not_yet: month.count(DayState::NotYet),
            },
            ranges: month.ranges.iter().map(RangeView::from).collect(),
            days: month.days.iter().map(|(day, sum)| DayView { day: day.to_string(), sum: (*sum).into() }).collect(),
            elsewhere: (month.elsewhere.rows > 0).then(|| month.elsewhere.into()),
        }
    }
}

impl From<&HeldRange> for RangeView {
    fn from(range: &HeldRange) -> Self {
        let source = range.source.as_ref();
        Self {
            from: range.first.to_string(),
            to: range.last.to_string(),
            state: range.state,
            revision: source.map(|source| source.revision.clone()),
            taken_at: source.map(|source| instant_text(source.run_time)),
            incomplete: source.is_some_and(|source| source.incomplete),
        }
    }
}

impl From<CostSum> for SumView {
    fn from(sum: CostSum) -> Self {
        Self { rows: sum.rows, total: sum.cost.value().to_shortest_string() }
    }
}

impl From<&Holding> for HoldingView {
    fn from(holding: &Holding) -> Self {
        Self {
            revision: holding.revision.clone(),
            taken_at: instant_text(holding.run_time),
            covers: holding.unit.coverage.to_string(),
            incomplete: holding.incomplete,
        }
    }
}

/// An instant in UTC, to the second.
fn instant_text(instant: RunTime) -> String {
    let second = instant.0.div_euclid(1_000_000).rem_euclid(24 * 60 * 60);
    let date = Instant(instant.0).date().map_or_else(|_| "?".to_owned(), |date| date.to_string());
    format!("{date}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}
