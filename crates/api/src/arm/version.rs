//! Checks of the `api-version` parameter (contract `arm-conventions.md`, section 2).

use calendar::Date;

use super::{ApiError, Query, excerpt};

/// Name of the parameter.
pub(crate) const API_VERSION: &str = "api-version";
/// Length of `YYYY-MM-DD`.
const ISO_DATE_BYTES: usize = 10;

/// The version of the request, spelled as in `supported`.
pub(crate) fn api_version(query: &Query, supported: &'static [&'static str]) -> Result<&'static str, ApiError> {
    let given = query.get(API_VERSION).map(str::trim).filter(|given| !given.is_empty());
    let given = given.ok_or(ApiError::MissingApiVersion)?;
    supported
        .iter()
        .find(|version| version.eq_ignore_ascii_case(given))
        .copied()
        .ok_or_else(|| ApiError::UnsupportedApiVersion { given: excerpt(given), supported })
}

/// The date of the request's version, for operations that answer alike in all versions from `first` on. `supported` says
/// so to the caller.
pub(crate) fn api_version_from<'a>(
    query: &'a Query,
    first: &str,
    supported: &'static [&'static str],
) -> Result<&'a str, ApiError> {
    let given = query.get(API_VERSION).map(str::trim).filter(|given| !given.is_empty());
    let given = given.ok_or(ApiError::MissingApiVersion)?;
    let refused = || ApiError::UnsupportedApiVersion { given: excerpt(given), supported };
    let (date, rest) = given.split_at_checked(ISO_DATE_BYTES).ok_or_else(refused)?;
    // Dates in this form compare like their text.
    let is_date = Date::parse_iso(date).is_ok() && date >= first;
    if is_date && (rest.is_empty() || rest.eq_ignore_ascii_case("-preview")) { Ok(date) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_date_that_is_late_enough() {
        let date = |version: &str| {
            let query = Query::parse(Some(&format!("api-version={version}"))).unwrap();
            api_version_from(&query, "2014-04-01", &["any"]).map(str::to_owned).ok()
        };
        for version in ["2014-04-01", "2014-04-01-preview", "2022-12-01", "2022-12-01-Preview", "%202022-12-01%20"] {
            assert!(date(version).is_some(), "{version}");
        }
        assert_eq!(date("2022-12-01-preview").as_deref(), Some("2022-12-01"));
        for version in
            ["", "x", "2014-03-31", "2022-13-01", "2022-12-1", "2022-12-01x", "2022/12/01", "\u{e9}2022-12-01"]
        {
            assert_eq!(date(version), None, "{version}");
        }
    }
}
