//! Checks of the `api-version` parameter (contract `arm-conventions.md`, section 2).

use super::{ApiError, Query, excerpt};

/// Name of the parameter.
pub(crate) const API_VERSION: &str = "api-version";

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
