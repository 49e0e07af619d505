//! `GET {billing account}[/{billing period}]/providers/Microsoft.Consumption/balances`: the balance summary of a billing
//! period, in both forms of the path at every version.

use access::permit_balance;
use axum::http::StatusCode;
use axum::response::Response;
use calendar::BillingPeriod;
use catalog::HeldBalance;
use ledger::{BalanceAmount, BalanceSummary, Scope};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::{Uuid, uuid};

use super::API_VERSIONS;
use crate::arm::{ApiError, api_version, authenticate, excerpt, json, refused, split_period};
use crate::balance_members::{COMMON, amounts, details};
use crate::dispatch::Call;

/// Versions that have the operation: all from 2018-03-31 on.
const BALANCE_VERSIONS: &[&str] = API_VERSIONS.split_at(3).1;
/// The version from which on there is `overageRefund`. Versions compare like their text.
const OVERAGE_REFUND_SINCE: &str = "2022-09-01";
const READ_ACTION: &str = "Microsoft.Consumption/balances/read";
const TYPE: &str = "Microsoft.Consumption/balances";
/// Names of summaries whose source gave none are made in it.
const NAMES: Uuid = uuid!("0d4f4a6e-2c0b-5c39-9a53-6f5e0a8b7c11");

/// Answers with the balance summary of a billing period.
pub(crate) async fn balances(call: &Call<'_>, scope: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, BALANCE_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version"])?;
    }
    let (segments, period) = split_period(scope)?;
    let text = segments.join("/");
    let scope = match Scope::parse(&text) {
        Ok(scope @ Scope::BillingAccount(_)) => scope,
        _ => return Err(unsupported(&text)),
    };

    let permit = permit_balance(&state.catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &text, READ_ACTION))?;

    let period = match period {
        Some(period) => period,
        None => BillingPeriod::of(state.settings.clock.today(&state.lake, permit.enrollment()).await?),
    };
    let held = permit.read(&state.catalog, period).await?;

    let held = held.ok_or_else(|| {
        ApiError::NotFound(format!("No balance of enrollment {} is held for {period}.", permit.enrollment()))
    })?;
    Ok(json(StatusCode::OK, &Resource::of(&held, api_version)))
}

fn unsupported(scope: &str) -> ApiError {
    ApiError::BadRequest(format!(
        "The scope '{}' has no balance. Supported are billing accounts \
         (providers/Microsoft.Billing/billingAccounts/ENROLLMENT).",
        excerpt(scope)
    ))
}

#[derive(Serialize)]
struct Resource<'a> {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Properties<'a>,
}

struct Properties<'a> {
    summary: &'a BalanceSummary,
    has_overage_refund: bool,
}

impl<'a> Resource<'a> {
    fn of(held: &'a HeldBalance, api_version: &str) -> Self {
        let HeldBalance { enrollment, period, summary, .. } = held;
        let key = format!("{}/{period}", enrollment.as_str().to_ascii_lowercase());
        let name = summary.name.clone().unwrap_or_else(|| Uuid::new_v5(&NAMES, key.as_bytes()).to_string());
        // Without a slash in front, as the official examples have it.
        let id = format!(
            "providers/Microsoft.Billing/billingAccounts/{enrollment}/providers/Microsoft.Billing/billingPeriods/{period}\
             /providers/{TYPE}/{name}"
        );
        let has_overage_refund = api_version >= OVERAGE_REFUND_SINCE;
        Self { id, name, kind: TYPE, properties: Properties { summary, has_overage_refund } }
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let summary = self.summary;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("currency", summary.currency.as_str())?;
        amounts(&mut map, summary, &COMMON)?;
        if let Some(frequency) = &summary.billing_frequency {
            map.serialize_entry("billingFrequency", frequency)?;
        }
        // Prices are hidden or they are not, which the source need not have said (SEMANTICS 6.4).
        map.serialize_entry("priceHidden", &summary.price_hidden.unwrap_or(false))?;
        if self.has_overage_refund {
            amounts(&mut map, summary, &[BalanceAmount::OverageRefund])?;
        }
        details(&mut map, summary)?;
        map.end()
    }
}
