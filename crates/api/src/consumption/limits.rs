//! Limits of the original, in emulation only (DESIGN 4.13; SEMANTICS 5).

use calendar::DateRange;

use crate::arm::ApiError;
use crate::month_limit;

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
    month_limit::check(days, limit.months())
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
