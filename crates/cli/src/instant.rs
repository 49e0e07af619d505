//! Instants and revisions on the command line.

use std::str::FromStr;

use calendar::Date;
use ledger::RunTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const EXPECTED: &str = "expected an instant such as 2026-11-01T06:00:00Z or a day such as 2026-11-01";

/// Microseconds since 1970 of an RFC 3339 instant or of the beginning of a day in UTC.
fn microseconds(text: &str) -> Option<i64> {
    if let Ok(instant) = OffsetDateTime::parse(text, &Rfc3339) {
        return i64::try_from(instant.unix_timestamp_nanos() / 1000).ok();
    }
    Date::parse_iso(text).ok().map(|date| i64::from(date.days()) * 86_400_000_000)
}

/// When a source was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakenAt(pub(crate) RunTime);

impl FromStr for TakenAt {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        microseconds(text).map(|micros| Self(RunTime(micros))).ok_or_else(|| EXPECTED.to_owned())
    }
}

/// An earlier state of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AsOf {
    Revision(u64),
    /// The text as given, and milliseconds since 1970.
    Instant(String, i64),
}

impl FromStr for AsOf {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(revision) = text.parse() {
            return Ok(Self::Revision(revision));
        }
        let micros = microseconds(text).ok_or_else(|| format!("{EXPECTED}, or a revision number"))?;
        Ok(Self::Instant(text.to_owned(), micros / 1000))
    }
}

/// An instant of the system clock as RFC 3339, to the second.
pub(crate) fn rfc3339(milliseconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000))
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok())
        .unwrap_or_else(|| milliseconds.to_string())
}

/// Microseconds since 1970 of the system clock.
pub(crate) fn now_micros() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970 of the system clock.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_days_and_revisions_are_told_apart() {
        assert_eq!("12".parse(), Ok(AsOf::Revision(12)));
        assert_eq!("1970-01-02".parse(), Ok(AsOf::Instant("1970-01-02".into(), 86_400_000)));
        assert_eq!("1970-01-01T01:00:00+01:00".parse(), Ok(AsOf::Instant("1970-01-01T01:00:00+01:00".into(), 0)));
        for refused in ["", "x", "-1", "2025-02-30", "1970-01-01T01:00:00"] {
            assert!(refused.parse::<AsOf>().is_err(), "{refused:?}");
        }
        assert_eq!(rfc3339(86_400_000), "1970-01-02T00:00:00Z");
    }
}
