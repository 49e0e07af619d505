//! `GET {scope}[/{billing period}]/providers/Microsoft.Consumption/charges`: what the charges of a scope add up to, by class, of
//! each billing period (contract `consumption-api.md` section 7).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use calendar::{BillingPeriod, DateRange};
use ledger::billing::ChargeClass;
use ledger::{ChargeFilter, ChargeQuery, Dataset, Generation, HeldAnswer, Publishers, Scope, Window};
use money::Total;
use odata::{Dialect, Strictness, filter};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::{Uuid, uuid};

use super::{API_VERSIONS, days};
use crate::arm::{ApiError, api_version, authenticate, excerpt, json, parse_scope, permit, split_period};
use crate::clock::today;
use crate::dispatch::Call;

/// Versions that have the operation: all from 2018-08-31 on.
const CHARGES_VERSIONS: &[&str] = API_VERSIONS.split_at(6).1;
/// Before this version a billing period's answer is one summary instead of a list, as its OpenAPI files and clients have it.
const LIST_SINCE: &str = "2019-10-01";
/// From this version on a summary says its kind. Versions compare like their text.
const KIND_SINCE: &str = "2019-10-01";
/// Versions in which Marketplace charges have their longer name: this one, and all from the second one on.
const LONG_NAME_AT: &str = "2019-10-01";
const LONG_NAME_SINCE: &str = "2021-10-01";
const PARAMETERS: &[&str] = &["api-version", "$filter", days::START, days::END];
const READ_ACTION: &str = "Microsoft.Consumption/charges/read";
const TYPE: &str = "Microsoft.Consumption/charges";
/// Names of summaries are made in it.
const NAMES: Uuid = uuid!("5f0c6f5e-8c0e-5d0a-9b6a-3f1d2f7c4e19");

#[derive(Serialize)]
struct List {
    value: Vec<Summary>,
}

#[derive(Serialize)]
struct Summary {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind_of_resource: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    properties: Properties,
}

/// Amounts have the digits of the longest addend; they never become binary numbers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    billing_period_id: String,
    /// Inclusive, as `YYYY-MM-DD`.
    usage_start: String,
    /// Inclusive, as `YYYY-MM-DD`.
    usage_end: String,
    azure_charges: Box<RawValue>,
    charges_billed_separately: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    azure_marketplace_charges: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marketplace_charges: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

/// Answers with the summaries of the time that is asked for, oldest first.
pub(crate) async fn charges(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, CHARGES_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(PARAMETERS)?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, text) = parse_scope(segments)?;
    if !matches!(scope, Scope::BillingAccount(_) | Scope::Department { .. } | Scope::EnrollmentAccount { .. }) {
        return Err(ApiError::BadRequest(format!(
            "The scope '{}' has no summary of charges. Supported are billing accounts, departments and enrollment accounts.",
            excerpt(&text)
        )));
    }

    let permit = permit(&state.catalog, &caller, &scope, &text, READ_ACTION).await?;

    let window = match (period, named_days(call)?) {
        (_, Some(days)) => Window::Dates(days),
        (Some(period), None) => Window::Period(period),
        (None, None) => Window::Period(BillingPeriod::of(today(call, &permit).await?)),
    };
    let snapshot = state.lake.snapshot().await?;
    let held = state.catalog.held_at(snapshot.version()).await?;
    let enrollments: Vec<_> = permit.shares().iter().map(|share| &share.enrollment).collect();
    let is_held = match snapshot.answer(&held, &enrollments, (Dataset::ActualCost, Publishers::All), &window).await? {
        HeldAnswer::Held => true,
        HeldAnswer::Nothing => false,
        HeldAnswer::OtherDataset(message) => return Err(ApiError::NotFound(message)),
    };
    let query = ChargeQuery {
        shares: permit.shares().to_vec(),
        visibility: permit.visibility(Generation::UsageDetails),
        dataset: Dataset::ActualCost,
        window,
        filter: ChargeFilter::default(),
    };
    let sums = snapshot.class_sums(&query).await?;
    let mut periods: BTreeSet<BillingPeriod> = sums.keys().map(|(period, _)| *period).collect();
    if let (true, Window::Period(period)) = (is_held, window) {
        periods.insert(period);
    }
    let [share] = permit.shares() else {
        return Err(ApiError::Internal("a billing scope of several enrollments".into()));
    };
    // What the Marketplace alone says of a billing period is no sum of its charges: what is not held is not 0.
    periods.retain(|period| {
        let own = std::iter::once(&share.enrollment);
        let held = held.answer(own, (Dataset::ActualCost, Publishers::All), &Window::Period(*period));
        held == HeldAnswer::Held
    });
    let currency = state.catalog.enrollment(share.enrollment.as_str()).await?.and_then(|own| own.currency);
    let summary = |period: &BillingPeriod| {
        let sum = |class| amount(sums.get(&(*period, class)).copied().unwrap_or(Total::ZERO));
        let covered = match window {
            Window::Period(period) => (period.first_day(), period.last_day()),
            Window::Dates(days) if days.overlaps(period.range()) => {
                (days.start().max(period.first_day()), days.end().min(period.last_day()))
            }
            // Rows that are dated outside of their billing period.
            Window::Dates(days) => (days.start(), days.end()),
        };
        let key = format!("{}/{}/{period}/{}/{}", share.enrollment, scope.key(), covered.0, covered.1);
        let name = Uuid::new_v5(&NAMES, key.to_ascii_lowercase().as_bytes()).to_string();
        let has_long_name = api_version == LONG_NAME_AT || api_version >= LONG_NAME_SINCE;
        let marketplace = sum(ChargeClass::Marketplace)?;
        let (long, short) = if has_long_name { (Some(marketplace), None) } else { (None, Some(marketplace)) };
        let account = format!("/providers/Microsoft.Billing/BillingAccounts/{}", share.enrollment);
        Ok(Summary {
            id: format!("/{text}/providers/{TYPE}/{name}"),
            name,
            kind_of_resource: TYPE,
            kind: (api_version >= KIND_SINCE).then_some("legacy"),
            properties: Properties {
                billing_period_id: format!("{account}/providers/Microsoft.Billing/billingPeriods/{period}"),
                usage_start: covered.0.to_string(),
                usage_end: covered.1.to_string(),
                azure_charges: sum(ChargeClass::Eligible)?,
                charges_billed_separately: sum(ChargeClass::BilledSeparately)?,
                azure_marketplace_charges: long,
                marketplace_charges: short,
                currency: currency.map(|currency| currency.as_str().to_owned()),
            },
        })
    };
    let mut value = periods.iter().map(summary).collect::<Result<Vec<Summary>, ApiError>>()?;
    if let (Some(period), true) = (period, api_version < LIST_SINCE) {
        let missing = || ApiError::NotFound(format!("No charges are held for the billing period '{period}'."));
        return Ok(json(StatusCode::OK, &value.pop().ok_or_else(missing)?));
    }
    Ok(json(StatusCode::OK, &List { value }))
}

fn amount(total: Total) -> Result<Box<RawValue>, ApiError> {
    Ok(RawValue::from_string(total.value().to_string())?)
}

/// The days that `$filter`, or `startDate` and `endDate`, name: both ends or none.
fn named_days(call: &Call<'_>) -> Result<Option<DateRange>, ApiError> {
    let strictness = if call.state.settings.emulate { Strictness::AsOriginal } else { Strictness::Strict };
    days::range(match call.query.get("$filter").filter(|text| !text.trim().is_empty()) {
        Some(text) => filter::parse(text, Dialect::charges(), strictness)?.filter.days,
        None => days::parameters(call)?,
    })
}
