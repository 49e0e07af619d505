//! Limits of the original, in emulation only (DESIGN 4.13; SEMANTICS 5).

use calendar::{BillingPeriod, DateRange};

use crate::arm::ApiError;

/// A billing period closes on this day of the next month (D-34).
pub(super) const CLOSING_DAY: u8 = 5;

/// How many months a request may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// A list.
    List,
    /// An asynchronous download.
    Download,
}

impl Limit {
    const fn months(self) -> i16 {
        match self {
            Self::List => 12,
            Self::Download => 36,
        }
    }
}

/// Refuses a range of days that the original refuses.
pub(super) fn check(days: DateRange, limit: Limit) -> Result<(), ApiError> {
    let months = limit.months();
    let first_too_late = BillingPeriod::of(days.start()).add_months(months).ok().map(|period| {
        calendar::Date::new(period.year(), period.month(), days.start().day()).unwrap_or(period.last_day())
    });
    match first_too_late {
        Some(day) if days.end() >= day => {
            Err(ApiError::BadRequest(format!("The maximum allowed date range is {months} months")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_covers_a_year_and_a_download_three() {
        let refused = |text: &str, limit| check(text.parse().unwrap(), limit).is_err();
        assert!(!refused("2022-09-15..2023-09-14", Limit::List));
        assert!(refused("2022-09-15..2023-09-15", Limit::List));
        assert!(!refused("2017-07-04..2020-07-03", Limit::Download));
        assert!(refused("2017-07-04..2020-07-04", Limit::Download));
    }
}
