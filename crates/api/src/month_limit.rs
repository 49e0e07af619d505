//! The one rule by which emulation limits a range of days to some months (DESIGN 4.13).

use calendar::{BillingPeriod, Date, DateRange};

use crate::arm::ApiError;

/// Refuses a range that is longer than `months`: one that reaches the day of its start in that later month.
pub(crate) fn check(days: DateRange, months: i16) -> Result<(), ApiError> {
    let first_too_late = BillingPeriod::of(days.start())
        .add_months(months)
        .ok()
        .map(|period| Date::new(period.year(), period.month(), days.start().day()).unwrap_or(period.last_day()));
    match first_too_late {
        Some(day) if days.end() >= day => {
            Err(ApiError::BadRequest(format!("The maximum allowed date range is {months} months")))
        }
        _ => Ok(()),
    }
}
