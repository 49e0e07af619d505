//! Limits of the original, in emulation only (DESIGN 4.13): one month per report, thirteen months back.

use calendar::{BillingPeriod, Date, DateRange};

use super::body::Selector;
use crate::arm::ApiError;

/// What counts as one month is not written down; no month has more days.
const DAYS_MAX: u32 = 31;
/// How far back a report may go.
const MONTHS_BACK: i16 = 13;

/// Refuses what the original refuses.
pub(super) fn check(selector: &Selector, today: Date) -> Result<(), ApiError> {
    let Ok(oldest_period) = BillingPeriod::of(today).add_months(-MONTHS_BACK) else { return Ok(()) };
    match selector {
        Selector::Current => Ok(()),
        Selector::Period(period) if *period < oldest_period => Err(too_old(oldest_period.first_day())),
        Selector::Period(_) => Ok(()),
        Selector::Days(days) => check_days(*days, same_day(oldest_period, today)),
    }
}

fn check_days(days: DateRange, oldest: Date) -> Result<(), ApiError> {
    if days.start() < oldest {
        return Err(too_old(oldest));
    }
    if days.day_count() > DAYS_MAX {
        return Err(ApiError::BadRequest("The maximum allowed date range is 1 months".to_owned()));
    }
    Ok(())
}

/// The day of `today` in another month, or that month's last day.
fn same_day(period: BillingPeriod, today: Date) -> Date {
    Date::new(period.year(), period.month(), today.day()).unwrap_or(period.last_day())
}

/// The documented text; the article prints it without its date.
fn too_old(oldest: Date) -> ApiError {
    let before = oldest.previous().unwrap_or(oldest);
    ApiError::BadRequest(format!("Start date must be after {before}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(selector: &Selector, today: &str) -> Option<String> {
        match check(selector, today.parse().unwrap()) {
            Ok(()) => None,
            Err(ApiError::BadRequest(text)) => Some(text),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_covers_one_month() {
        let days = |text: &str| Selector::Days(text.parse().unwrap());
        for text in ["2023-08-01..2023-08-31", "2023-08-15..2023-09-14", "2023-09-15..2023-09-15"] {
            assert_eq!(refused(&days(text), "2023-09-15"), None, "{text}");
        }
        let long = refused(&days("2023-08-01..2023-09-01"), "2023-09-15");
        assert_eq!(long.as_deref(), Some("The maximum allowed date range is 1 months"));
    }

    #[test]
    fn a_report_goes_thirteen_months_back() {
        let days = |text: &str| Selector::Days(text.parse().unwrap());
        assert_eq!(refused(&days("2022-08-15..2022-08-16"), "2023-09-15"), None);
        let old = refused(&days("2022-08-14..2022-08-16"), "2023-09-15");
        assert_eq!(old.as_deref(), Some("Start date must be after 2022-08-14."));
        assert_eq!(refused(&days("2023-02-28..2023-02-28"), "2024-03-31"), None);
        assert!(refused(&days("2023-02-27..2023-02-28"), "2024-03-31").is_some());
        let period = |year, month| Selector::Period(BillingPeriod::new(year, month).unwrap());
        assert_eq!(refused(&period(2022, 8), "2023-09-15"), None);
        assert!(refused(&period(2022, 7), "2023-09-15").is_some());
        assert_eq!(refused(&Selector::Current, "2023-09-15"), None);
    }
}
