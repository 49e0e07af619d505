//! The clock that "current period" follows (DESIGN 4.10). Keys, tokens and signed links never follow it.

use std::fmt;
use std::str::FromStr;

use access::Permit;
use calendar::Date;
use lake::{Lake, LakeError};
use ledger::EnrollmentId;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::arm::ApiError;
use crate::dispatch::Call;

/// What today is for requests that name no days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// The system's day, in UTC.
    #[default]
    System,
    /// One instant for ever, so that a demonstration or a test stays as it is.
    Fixed(OffsetDateTime),
    /// The newest held day of the caller's enrollment; the system's day where nothing is held.
    LatestHeld,
}

/// A text that names no clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a clock; expected system, latest-held or fixed INSTANT such as fixed 2023-09-15T00:00:00Z")]
pub struct ClockError {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl Clock {
    /// Today, for one enrollment.
    pub(crate) async fn today(self, lake: &Lake, enrollment: &EnrollmentId) -> Result<Date, LakeError> {
        match self {
            Self::System => Ok(system_today()),
            Self::Fixed(instant) => Ok(day_of(instant)),
            Self::LatestHeld => Ok(latest_held(lake, enrollment).await?.unwrap_or_else(system_today)),
        }
    }
}

/// Today, for the enrollments of a permit: the latest of theirs.
pub(crate) async fn today(call: &Call<'_>, permit: &Permit) -> Result<Date, ApiError> {
    let mut today = None;
    for share in permit.shares() {
        today = today.max(Some(call.state.settings.clock.today(&call.state.lake, &share.enrollment).await?));
    }
    today.ok_or_else(|| ApiError::Internal("a permit without share".into()))
}

async fn latest_held(lake: &Lake, enrollment: &EnrollmentId) -> Result<Option<Date>, LakeError> {
    let snapshot = lake.snapshot().await?;
    let own = snapshot.files().iter().filter(|file| file.enrollment.matches(enrollment.as_str()));
    Ok(own.filter_map(|file| file.days).map(|days| days.end()).max())
}

/// Milliseconds since 1970 of the system clock.
pub(crate) fn system_now_ms() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// A second since 1970 with seven fraction digits, as the original writes instants.
pub(crate) fn instant_text(second: i64) -> Result<String, ApiError> {
    let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
    let instant = OffsetDateTime::from_unix_timestamp(second).map_err(|error| ApiError::Internal(error.into()))?;
    instant.format(form).map_err(|error| ApiError::Internal(error.into()))
}

fn system_today() -> Date {
    day_of(OffsetDateTime::now_utc())
}

/// The UTC day of an instant; instants outside the calendar's years fall on its first or last day.
fn day_of(instant: OffsetDateTime) -> Date {
    let days = instant.unix_timestamp().div_euclid(24 * 60 * 60);
    let limit = if days < 0 { Date::MIN } else { Date::MAX };
    i32::try_from(days).ok().and_then(|days| Date::from_days(days).ok()).unwrap_or(limit)
}

impl FromStr for Clock {
    type Err = ClockError;

    fn from_str(text: &str) -> Result<Self, ClockError> {
        let refused = || ClockError { text: text.chars().take(80).collect() };
        let mut words = text.split_whitespace();
        let (name, instant, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
        match (name.to_ascii_lowercase().as_str(), instant, rest) {
            ("system", None, None) => Ok(Self::System),
            ("latest-held", None, None) => Ok(Self::LatestHeld),
            ("fixed", Some(instant), None) => {
                OffsetDateTime::parse(instant, &Rfc3339).map(Self::Fixed).map_err(|_| refused())
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::LatestHeld => f.write_str("latest-held"),
            Self::Fixed(instant) => write!(f, "fixed {}", instant.format(&Rfc3339).map_err(|_| fmt::Error)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_and_printed() {
        for text in ["system", "latest-held", "fixed 2023-09-15T00:00:00Z"] {
            assert_eq!(text.parse::<Clock>().unwrap().to_string(), text);
        }
        assert_eq!(" LATEST-HELD ".parse(), Ok(Clock::LatestHeld));
        for text in ["", "now", "fixed", "fixed 2023-09-15", "fixed 2023-02-30T00:00:00Z", "system 1", "fixed x y"] {
            assert!(text.parse::<Clock>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_day_of_an_instant_is_its_utc_day() {
        let day = |text| day_of(OffsetDateTime::parse(text, &Rfc3339).unwrap()).to_string();
        assert_eq!(day("2023-09-15T23:59:59Z"), "2023-09-15");
        assert_eq!(day("2023-09-15T23:59:59-02:00"), "2023-09-16");
        assert_eq!(day("1969-12-31T23:59:59Z"), "1969-12-31");
        assert_eq!(day("0001-01-01T00:00:00Z"), "1900-01-01");
    }
}
