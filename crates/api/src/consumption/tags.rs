//! `GET {scope}[/{billing period}]/providers/Microsoft.Consumption/tags`: the tags of the charges of a scope, in the current
//! billing period unless another time is named (contract `consumption-api.md` section 7).
//!
//! The OpenAPI files name no parameters. `$expand`, `$top`, `startDate` and `endDate` are those of the links in the official
//! examples from 2019-10-01 on.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use calendar::BillingPeriod;
use ledger::{ChargeFilter, Dataset, Generation, Scope, Window};
use odata::PageSize;
use pages::PageQuestion;
use serde::Serialize;
use uuid::{Uuid, uuid};

use super::{answer, days};
use crate::address::BaseUrl;
use crate::arm::{
    ApiError, SKIP_TOKEN, Tag, api_version, authenticate, excerpt, json, next_link, parse_scope, refused, split_period,
};
use crate::clock::today;
use crate::dispatch::Call;

/// Versions that have the operation: all from 2018-03-31 on but 2018-05-31.
const TAGS_VERSIONS: &[&str] = &[
    "2018-03-31",
    "2018-06-30",
    "2018-08-31",
    "2018-10-01",
    "2019-01-01",
    "2019-04-01-preview",
    "2019-05-01-preview",
    "2019-05-01",
    "2019-06-01",
    "2019-10-01",
    "2019-11-01",
    "2021-05-01",
    "2021-10-01",
    "2022-09-01",
    "2023-03-01",
    "2023-05-01",
    "2023-11-01",
    "2024-08-01",
];
/// From this version on an answer without tags is a 204. Versions compare like their text.
const EMPTY_SINCE: &str = "2019-01-01";
/// From this version on keys have their values, and answers pages.
const PAGED_SINCE: &str = "2019-10-01";
const PAGED_PARAMETERS: &[&str] = &["api-version", "$expand", "$top", SKIP_TOKEN, days::START, days::END];
/// What can be expanded. It always is.
const VALUES: [&str; 2] = ["properties/tags/value", "tags/value"];
const READ_ACTION: &str = "Microsoft.Consumption/tags/read";
const TYPE: &str = "Microsoft.Consumption/tags";
/// Tells the walk apart from that of rows.
const FORM: &str = "tags";
/// Names of lists are made in it.
const NAMES: Uuid = uuid!("8b1d5c0e-2f4a-5e63-9d17-6a0c4be2f35d");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    e_tag: &'a str,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    tags: &'a [Listed<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_link: Option<String>,
}

/// A key, and its values in versions that have them.
#[derive(Serialize)]
struct Listed<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Vec<&'a str>>,
}

/// Answers with a page of keys in the order of their texts.
pub(crate) async fn tags(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, TAGS_VERSIONS)?;
    let is_paged = api_version >= PAGED_SINCE;
    if !state.settings.emulate {
        call.query.refuse_others(if is_paged { PAGED_PARAMETERS } else { &["api-version"] })?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, scope_text) = parse_scope(&with_billing(segments))?;
    let (keys_max, asked) = if is_paged { paged(call, period)? } else { (usize::MAX, period.map(Window::Period)) };
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let token = call.query.get(SKIP_TOKEN).filter(|token| is_paged && !token.is_empty());
    let permit = state.pages.permit(&caller, &scope, token).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &scope_text, READ_ACTION))?;

    let window = match asked {
        Some(window) => window,
        None => Window::Period(BillingPeriod::of(today(call, &permit).await?)),
    };
    let question = PageQuestion {
        permit: &permit,
        generation: Generation::UsageDetails,
        dataset: Dataset::ActualCost,
        asked,
        window,
        filter: ChargeFilter::default(),
        form: FORM,
    };
    let walk = state.pages.walk(question, token).await?;
    let page = state.pages.tags(&walk, keys_max).await?;

    if page.tags.is_empty() && api_version >= EMPTY_SINCE && state.settings.no_content {
        return Ok(answer(StatusCode::NO_CONTENT, Body::empty()));
    }
    let listed = page
        .tags
        .iter()
        .map(|(key, values)| Listed { key, value: is_paged.then(|| values.iter().map(String::as_str).collect()) });
    let listed: Vec<Listed<'_>> = listed.collect();
    let link = |token: Option<String>| token.map(|token| next_link(&base, call.parts, &call.query, &token));
    let name = name(&scope, walk.window());
    let tag = Tag::of(&serde_json::to_vec(&listed)?);
    let resource = Resource {
        // Without a slash in front, as the official examples have it.
        id: format!("{}/providers/{TYPE}/{name}", segments.join("/")),
        name,
        kind: TYPE,
        e_tag: tag.as_str(),
        properties: Properties { tags: &listed, next_link: link(page.next), previous_link: link(page.previous) },
    };
    Ok(json(StatusCode::OK, &resource))
}

/// The scope as the other operations spell it: this one had billing accounts of another provider at first.
fn with_billing(segments: &[String]) -> Vec<String> {
    match segments {
        [providers, namespace, kind, id]
            if namespace.eq_ignore_ascii_case("Microsoft.CostManagement")
                && kind.eq_ignore_ascii_case("billingAccounts") =>
        {
            vec![providers.clone(), "Microsoft.Billing".to_owned(), kind.clone(), id.clone()]
        }
        segments => segments.to_vec(),
    }
}

/// The size of a page, and the time that the request names: both days win over a period.
fn paged(call: &Call<'_>, period: Option<BillingPeriod>) -> Result<(usize, Option<Window>), ApiError> {
    let size = call.query.get("$top").map(PageSize::parse).transpose()?.unwrap_or_default();
    if let Some(text) = call.query.get("$expand").filter(|text| !text.is_empty() && !call.state.settings.emulate)
        && !VALUES.iter().any(|known| known.eq_ignore_ascii_case(text))
    {
        return Err(ApiError::BadRequest(format!("$expand: expected {}, found '{}'.", VALUES[0], excerpt(text))));
    }
    let days = days::range(days::parameters(call)?)?;
    Ok((usize::from(size.rows()), days.map(Window::Dates).or(period.map(Window::Period))))
}

/// One for each scope and time.
fn name(scope: &Scope, window: Window) -> String {
    let (first, last) = match window {
        Window::Period(period) => (period.first_day(), period.last_day()),
        Window::Dates(days) => (days.start(), days.end()),
    };
    Uuid::new_v5(&NAMES, format!("{}/{first}/{last}", scope.key()).to_ascii_lowercase().as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_accounts_of_the_older_provider_are_billing_accounts() {
        let of = |path: &str| {
            let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
            with_billing(&segments).join("/")
        };
        for path in [
            "providers/Microsoft.CostManagement/billingAccounts/1",
            "providers/microsoft.costmanagement/BILLINGACCOUNTS/1",
        ] {
            assert_eq!(of(path).to_ascii_lowercase(), "providers/microsoft.billing/billingaccounts/1");
        }
        for path in ["subscriptions/a", "providers/Microsoft.CostManagement/externalBillingAccounts/1", ""] {
            assert_eq!(of(path), path);
        }
    }
}
