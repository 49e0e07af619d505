//! What a request for usage details asks for: version, metric, filter, time.

use access::Permit;
use calendar::{BillingPeriod, Date, DateRange};
use ledger::{ChargeFilter, Dataset, DayBounds, Generation, Window};
use odata::{Dialect, Expansion, Ignored, Strictness, filter};

use super::limits;
use crate::arm::{ApiError, excerpt};
use crate::clock::today;
use crate::dispatch::Call;

/// The first version with a metric, and with the newer rows.
const METRIC_SINCE: &str = "2019-04-01-preview";

/// What a request asks for, whatever its page.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) generation: Generation,
    pub(super) dataset: Dataset,
    pub(super) filter: ChargeFilter,
    /// The time that the request names; `None` for the current period.
    pub(super) asked: Option<Window>,
    /// The time that it means.
    pub(super) window: Window,
    pub(super) today: Date,
}

/// Whether a version has the metric.
pub(super) fn has_metric(api_version: &str) -> bool {
    api_version >= METRIC_SINCE
}

impl Asked {
    /// Reads the parameters that decide which rows are asked for.
    pub(super) async fn read(
        call: &Call<'_>,
        permit: &Permit,
        api_version: &str,
        period: Option<BillingPeriod>,
        limit: limits::Limit,
    ) -> Result<Self, ApiError> {
        let emulate = call.state.settings.emulate;
        let metric = call.query.get("metric").filter(|_| has_metric(api_version));
        let (generation, dataset) = if has_metric(api_version) {
            metric.map_or(Ok((Generation::UsageDetails, Dataset::ActualCost)), parse_metric)?
        } else {
            (Generation::LegacyUsageDetails, Dataset::ActualCost)
        };
        let filter = parse_filter(call, api_version)?;
        let asked = window(period, filter.days);
        let today = today(call, permit).await?;
        if emulate && let Some(Window::Dates(days)) = asked {
            limits::check(days, limit)?;
        }
        let window = asked.unwrap_or(Window::Period(BillingPeriod::of(today)));
        Ok(Self { generation, dataset, filter, asked, window, today })
    }

    /// Billing periods from this one on are open: one closes on the 5th of the next month (SEMANTICS 5, D-34).
    pub(super) fn first_open_period(&self) -> BillingPeriod {
        let current = BillingPeriod::of(self.today);
        if self.today.day() >= limits::CLOSING_DAY { current } else { current.add_months(-1).unwrap_or(current) }
    }
}

/// `$expand`.
pub(super) fn parse_expand(call: &Call<'_>) -> Result<formats::Expanded, ApiError> {
    let expansion = match call.query.get("$expand") {
        Some(text) if !text.is_empty() => match Expansion::parse(text) {
            Ok(expansion) => expansion,
            Err(_) if call.state.settings.emulate => Expansion::default(),
            Err(error) => return Err(error.into()),
        },
        _ => Expansion::default(),
    };
    Ok(formats::Expanded { meter_details: expansion.meter_details, additional_info: expansion.additional_info })
}

fn parse_filter(call: &Call<'_>, api_version: &str) -> Result<ChargeFilter, ApiError> {
    let Some(text) = call.query.get("$filter") else { return Ok(ChargeFilter::default()) };
    let strictness = if call.state.settings.emulate { Strictness::AsOriginal } else { Strictness::Strict };
    let parsed = filter::parse(text, Dialect::usage_details(api_version), strictness)?;
    if parsed.ignored != Ignored::Nothing {
        tracing::debug!(ignored = ?parsed.ignored, "a filter is ignored, as the original does");
    }
    Ok(parsed.filter)
}

/// The time that a request names (SEMANTICS 5, "Time filters"): both dates win over a period; with one date only the
/// period stays, the current one if none is named, and the date is a condition on its rows.
fn window(period: Option<BillingPeriod>, days: DayBounds) -> Option<Window> {
    let dates = match (days.first, days.last) {
        (Some(first), Some(last)) => DateRange::inclusive(first, last).ok(),
        _ => None,
    };
    dates.map(Window::Dates).or(period.map(Window::Period))
}

fn parse_metric(text: &str) -> Result<(Generation, Dataset), ApiError> {
    if text.trim().eq_ignore_ascii_case("usage") {
        return Ok((Generation::UsageDetailsOfUsage, Dataset::ActualCost));
    }
    let dataset = text.trim().parse().map_err(|_| {
        let text = excerpt(text);
        ApiError::BadRequest(format!(
            "The metric '{text}' is invalid. The metrics are actualcost, amortizedcost and usage."
        ))
    })?;
    Ok((Generation::UsageDetails, dataset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dates_win_over_a_period_and_one_does_not() {
        let day = |text: &str| Some(text.parse().unwrap());
        let period = Some("202309".parse().unwrap());
        let bounds = |first, last| DayBounds { first, last };
        let both = bounds(day("2023-10-01"), day("2023-10-05"));
        let dates = Some(Window::Dates("2023-10-01..2023-10-05".parse().unwrap()));
        assert_eq!(window(period, both), dates);
        assert_eq!(window(None, both), dates);
        assert_eq!(window(period, bounds(day("2023-09-10"), None)), period.map(Window::Period));
        assert_eq!(window(None, bounds(None, day("2023-09-10"))), None);
        assert_eq!(window(period, bounds(day("2023-10-05"), day("2023-10-01"))), period.map(Window::Period));
        assert_eq!(window(None, DayBounds::default()), None);
    }

    #[test]
    fn metrics_are_read_without_case() {
        let read = |text| parse_metric(text).ok();
        assert_eq!(read("ActualCost"), Some((Generation::UsageDetails, Dataset::ActualCost)));
        assert_eq!(read("amortizedcost"), Some((Generation::UsageDetails, Dataset::AmortizedCost)));
        assert_eq!(read("Usage"), Some((Generation::UsageDetailsOfUsage, Dataset::ActualCost)));
        assert_eq!(read("cost"), None);
    }
}
