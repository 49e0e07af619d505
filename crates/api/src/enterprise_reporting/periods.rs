//! `GET /{version}/enrollments/{enrollment}/billingperiods`: what is held, newest first, and where to ask for it.

use std::collections::BTreeMap;

use access::{PeriodsPermit, permit_periods};
use axum::response::Response;
use billing::PriceSheets;
use calendar::BillingPeriod;
use ledger::{Dataset, SheetKind};
use serde::Serialize;

use super::{check_query, enrollment_scope, version};
use crate::arm::{ApiError, authenticate, refused, tagged};
use crate::dispatch::Call;
use crate::state::ApiState;

const READ_ACTION: &str = "Microsoft.Billing/billingPeriods/read";

/// What is held of a billing period.
#[derive(Debug, Clone, Copy, Default)]
struct Data {
    balance: bool,
    charges: bool,
    prices: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Period {
    billing_period_id: String,
    billing_start: String,
    billing_end: String,
    balance_summary: Option<String>,
    usage_details: Option<String>,
    marketplace_charges: Option<String>,
    price_sheet: Option<String>,
}

/// Lists the billing periods of which charges or a balance summary are held and may be read.
pub(crate) async fn billing_periods(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    let state = call.state;
    let version = version(version_text)?.as_str();
    let caller = authenticate(call).await?;
    check_query(call, &[])?;
    let (scope, text) = enrollment_scope(enrollment)?;

    let permit = permit_periods(&state.catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &text, READ_ACTION))?;

    let held = held(state, &permit).await?;

    let periods: Vec<Period> =
        held.into_iter().rev().map(|(period, data)| render(version, &permit, period, data)).collect();
    tagged(&call.parts.headers, &periods)
}

async fn held(state: &ApiState, permit: &PeriodsPermit) -> Result<BTreeMap<BillingPeriod, Data>, ApiError> {
    let enrollment = permit.enrollment();
    let mut held: BTreeMap<BillingPeriod, Data> = BTreeMap::new();
    if permit.shows_charges() {
        let snapshot = state.lake.snapshot().await?;
        let of_charges = |file: &&lake::LakeFile| file.dataset == Dataset::ActualCost && file.enrollment == *enrollment;
        for file in snapshot.files().iter().filter(of_charges) {
            held.entry(file.period).or_default().charges = true;
        }
    }
    if permit.shows_balances() {
        for period in state.catalog.balance_periods(enrollment).await? {
            held.entry(period).or_default().balance = true;
        }
        for day in state.catalog.sheet_days(enrollment, SheetKind::Prices).await? {
            held.entry(BillingPeriod::of(day)).or_default().prices = true;
        }
        if let Some(intake) = &state.intake {
            let sheets = PriceSheets::load(intake.store(), enrollment).await?;
            for (period, data) in &mut held {
                data.prices |= sheets.of(*period).is_some();
            }
        }
    }
    Ok(held)
}

fn render(version: &str, permit: &PeriodsPermit, period: BillingPeriod, data: Data) -> Period {
    let enrollment = permit.enrollment();
    let link = |report: &str| Some(format!("/{version}/enrollments/{enrollment}/billingperiods/{period}/{report}"));
    Period {
        billing_period_id: period.to_string(),
        billing_start: format!("{}T00:00:00Z", period.first_day()),
        // Eleven o'clock, as the original says it.
        billing_end: format!("{}T11:59:59Z", period.last_day()),
        balance_summary: link("balancesummary").filter(|_| data.balance),
        usage_details: link("usagedetails").filter(|_| data.charges),
        // Whoever sees balances sees the charges of the whole enrollment, those of the Marketplace too, and its prices.
        marketplace_charges: link("marketplacecharges").filter(|_| data.charges && permit.shows_balances()),
        price_sheet: link("pricesheet").filter(|_| data.prices && permit.shows_balances() && permit.shows_charges()),
    }
}
