//! Parameters beyond the original's.

use formats::Layout;
use reports::AsOf;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::arm::{ApiError, Query, excerpt};
use crate::state::ApiSettings;

/// Name of the parameter that asks about an earlier state.
pub(super) const AS_OF: &str = "lazurite-as-of";
const LAYOUT: &str = "lazurite-layout";
const UNKNOWN_COLUMNS: &str = "lazurite-unknown-columns";

/// What a request asks for beyond the original's parameters.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) layout: Layout,
    pub(super) unknown_columns: bool,
    pub(super) as_of: AsOf,
}

impl Options {
    /// Reads them. Unknown parameters are refused; the original ignores them, and so does emulation.
    pub(super) fn parse(query: &Query, settings: &ApiSettings) -> Result<Self, ApiError> {
        if !settings.emulate {
            query.refuse_others(&["api-version", LAYOUT, UNKNOWN_COLUMNS, AS_OF])?;
        }
        let layout = match query.get(LAYOUT) {
            Some(name) => name.parse().map_err(|error| ApiError::BadRequest(format!("{LAYOUT}: {error}.")))?,
            None => settings.default_layout,
        };
        let unknown_columns = match query.get(UNKNOWN_COLUMNS) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(text) => {
                let text = excerpt(text);
                return Err(ApiError::BadRequest(format!("{UNKNOWN_COLUMNS}: '{text}' is neither true nor false.")));
            }
        };
        let as_of = query.get(AS_OF).map_or(Ok(AsOf::Now), parse_as_of)?;
        Ok(Self { layout, unknown_columns, as_of })
    }
}

fn parse_as_of(text: &str) -> Result<AsOf, ApiError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(version) = text.parse() {
            return Ok(AsOf::Version(version));
        }
    } else if let Ok(instant) = OffsetDateTime::parse(text, &Rfc3339)
        && let Ok(instant_ms) = i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000))
    {
        return Ok(AsOf::Instant(instant_ms));
    }
    Err(ApiError::BadRequest(format!(
        "{AS_OF}: '{}' is neither a revision number nor an instant such as 2023-09-15T00:00:00Z.",
        excerpt(text)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(raw: &str) -> Option<Options> {
        Options::parse(&Query::parse(Some(raw)).unwrap(), &ApiSettings::default()).ok()
    }

    #[test]
    fn options_are_read() {
        let plain = Options { layout: Layout::Ea20240801, unknown_columns: false, as_of: AsOf::Now };
        assert_eq!(options("api-version=x"), Some(plain));
        let all = "Lazurite-Layout=EA_2019_10_01&lazurite-unknown-columns=True&lazurite-as-of=7";
        let expected = Options { layout: Layout::Ea20191001, unknown_columns: true, as_of: AsOf::Version(7) };
        assert_eq!(options(all), Some(expected));
        let instant = options("lazurite-as-of=1970-01-01T00:00:01.5%2B00:00").unwrap();
        assert_eq!(instant.as_of, AsOf::Instant(1500));
    }

    #[test]
    fn wrong_options_are_refused_and_so_are_misspelled_ones() {
        for raw in [
            "lazurite-layout=",
            "lazurite-layout=ea",
            "lazurite-unknown-columns=1",
            "lazurite-as-of=",
            "lazurite-as-of=-1",
            "lazurite-as-of=99999999999999999999999",
            "lazurite-as-of=2023-09-15",
            "lazurite-asof=1",
        ] {
            assert_eq!(options(raw), None, "{raw}");
        }
    }
}
