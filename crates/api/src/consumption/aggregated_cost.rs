//! `GET {management group}[/{billing period}]/providers/Microsoft.Consumption/aggregatedCost`: the charges of a management
//! group (contract `consumption-api.md` section 7). No such group is known here, and none is made up: each is not found.

use axum::response::Response;

use super::API_VERSIONS;
use crate::arm::{ApiError, api_version, authenticate, billing_period, excerpt, split_period};
use crate::dispatch::Call;

/// Versions that have the operation: all from 2018-06-30 on.
const AGGREGATED_COST_VERSIONS: &[&str] = API_VERSIONS.split_at(5).1;

/// Says that the management group is not found. `period` is that of the form without `providers` behind it.
pub(crate) async fn aggregated_cost(
    call: &Call<'_>,
    segments: &[String],
    period: Option<&str>,
) -> Result<Response, ApiError> {
    authenticate(call).await?;
    api_version(&call.query, AGGREGATED_COST_VERSIONS)?;
    if !call.state.settings.emulate {
        call.query.refuse_others(&["api-version", "$filter"])?;
    }
    period.map(billing_period).transpose()?;
    let (segments, _) = split_period(segments)?;
    match segments {
        [_, namespace, kind, group]
            if namespace.eq_ignore_ascii_case("Microsoft.Management")
                && kind.eq_ignore_ascii_case("managementGroups") =>
        {
            Err(ApiError::NotFound(format!(
                "The management group '{}' could not be found: this server knows no management groups. What their charges \
                 add up to is told of billing accounts, departments and enrollment accounts by \
                 Microsoft.Consumption/charges.",
                excerpt(group)
            )))
        }
        _ => Err(ApiError::BadRequest(format!(
            "The scope '{}' has no aggregated cost. It is asked for of management groups \
             (providers/Microsoft.Management/managementGroups/GROUP).",
            excerpt(&segments.join("/"))
        ))),
    }
}
