//! `GET subscriptions/{id}/providers/Microsoft.Billing/billingPeriods[/{name}]`: the billing periods of which charges of the
//! subscription's enrollment are held, newest first (contract `consumption-api.md` section 7). Those of an enrollment are
//! calendar months.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use calendar::BillingPeriod;
use ledger::{DayBounds, Scope};
use odata::{Dialect, Strictness, filter};
use serde::Serialize;

use crate::address::BaseUrl;
use crate::arm::{
    ApiError, SKIP_TOKEN, api_version, authenticate, billing_period, excerpt, json, next_link, parse_scope, permit,
};
use crate::dispatch::Call;

const API_VERSIONS: &[&str] = &["2017-04-24-preview", "2018-03-01-preview"];
const PARAMETERS: &[&str] = &["api-version", "$filter", "$top", SKIP_TOKEN];
const READ_ACTION: &str = "Microsoft.Billing/billingPeriods/read";
const TYPE: &str = "Microsoft.Billing/billingPeriods";
/// Most periods of an answer, and the greatest `$top`.
const PERIODS_MAX: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    value: Vec<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
}

/// A period. Which invoices it has is not known here.
#[derive(Serialize)]
struct Resource {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    properties: Properties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    /// Inclusive, as `YYYY-MM-DD`.
    billing_period_start_date: String,
    /// Inclusive, as `YYYY-MM-DD`.
    billing_period_end_date: String,
}

impl Resource {
    fn of(subscription: &str, period: BillingPeriod) -> Self {
        // The number behind the month is the original's; every name that begins with the month is understood.
        let name = format!("{period}-1");
        Self {
            id: format!("/{subscription}/providers/{TYPE}/{name}"),
            kind: TYPE,
            name,
            properties: Properties {
                billing_period_start_date: period.first_day().to_string(),
                billing_period_end_date: period.last_day().to_string(),
            },
        }
    }
}

/// Lists them.
pub(crate) async fn list(call: &Call<'_>, scope: &[String]) -> Result<Response, ApiError> {
    let (subscription, held) = held(call, scope, PARAMETERS).await?;
    let ends = ends(call)?;
    let before = call.query.get(SKIP_TOKEN).map(before).transpose()?;
    let top = call.query.get("$top").map(top).transpose()?;
    let is_asked =
        |period: &BillingPeriod| ends.contains(period.last_day()) && before.is_none_or(|before| *period < before);
    let mut found: Vec<BillingPeriod> = held.into_iter().rev().filter(is_asked).collect();
    // `$top` is a total here: the original gives no next page with it.
    let has_more = top.is_none() && found.len() > PERIODS_MAX;
    found.truncate(top.unwrap_or(PERIODS_MAX));
    let last = found.last().filter(|_| has_more);
    let next_link = match last {
        Some(last) => {
            let base = BaseUrl::of(&call.state.settings, call.parts)?;
            Some(next_link(&base, call.parts, &call.query, &last.to_string()))
        }
        None => None,
    };
    let value = found.into_iter().map(|period| Resource::of(&subscription, period)).collect();
    Ok(json(StatusCode::OK, &List { value, next_link }))
}

/// One of them.
pub(crate) async fn one(call: &Call<'_>, scope: &[String], name: &str) -> Result<Response, ApiError> {
    let (subscription, held) = held(call, scope, &["api-version"]).await?;
    let period = billing_period(name)?;
    if !held.contains(&period) {
        return Err(ApiError::NotFound(format!("No charges are held for the billing period '{}'.", excerpt(name))));
    }
    Ok(json(StatusCode::OK, &Resource::of(&subscription, period)))
}

/// The subscription as the answer names it, and the periods of its enrollments.
async fn held(
    call: &Call<'_>,
    scope: &[String],
    parameters: &[&str],
) -> Result<(String, BTreeSet<BillingPeriod>), ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    api_version(&call.query, API_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(parameters)?;
    }
    let (scope, text) = parse_scope(scope)?;
    if !matches!(scope, Scope::Subscription(_)) {
        return Err(ApiError::BadRequest(format!(
            "The scope '{}' has no billing periods. Supported are subscriptions (subscriptions/GUID).",
            excerpt(&text)
        )));
    }

    let permit = permit(&state.catalog, &caller, &scope, &text, READ_ACTION).await?;

    let snapshot = state.lake.snapshot().await?;
    let is_own = |file: &&lake::LakeFile| permit.shares().iter().any(|share| share.enrollment == file.enrollment);
    let held = snapshot.files().iter().filter(is_own).map(|file| file.period).collect();
    Ok((scope.to_string(), held))
}

/// The last days that `$filter` asks for.
fn ends(call: &Call<'_>) -> Result<DayBounds, ApiError> {
    let Some(text) = call.query.get("$filter").filter(|text| !text.trim().is_empty()) else {
        return Ok(DayBounds::default());
    };
    let strictness = if call.state.settings.emulate { Strictness::AsOriginal } else { Strictness::Strict };
    Ok(filter::parse(text, Dialect::billing_periods(), strictness)?.filter.days)
}

fn before(token: &str) -> Result<BillingPeriod, ApiError> {
    let refused = |_| ApiError::BadRequest(format!("{SKIP_TOKEN}: '{}' is none of ours.", excerpt(token)));
    BillingPeriod::parse(token).map_err(refused)
}

fn top(text: &str) -> Result<usize, ApiError> {
    let count = text.parse().ok().filter(|count| (1..=PERIODS_MAX).contains(count));
    count.ok_or_else(|| {
        ApiError::BadRequest(format!("$top: expected a number from 1 to {PERIODS_MAX}, found '{}'.", excerpt(text)))
    })
}
