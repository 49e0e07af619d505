//! `GET /{version}/enrollments/{enrollment}[/billingPeriods/{period}]/balancesummary`. All versions answer alike (D-23).

use access::permit_balance;
use axum::response::Response;
use calendar::BillingPeriod;
use catalog::HeldBalance;
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use super::{check_query, enrollment_scope, version};
use crate::arm::{ApiError, authenticate, billing_period, refused, tagged};
use crate::balance_members::{COMMON, amounts, details};
use crate::dispatch::Call;

const READ_ACTION: &str = "Microsoft.Consumption/balances/read";

/// Answers with the balance summary of a billing period, the current one if the path names none.
pub(crate) async fn balance_summary(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
    period: Option<&str>,
) -> Result<Response, ApiError> {
    let state = call.state;
    version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[])?;
    let (scope, text) = enrollment_scope(enrollment)?;
    let period = period.map(billing_period).transpose()?;

    let permit = permit_balance(&state.catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &text, READ_ACTION))?;

    let period = match period {
        Some(period) => period,
        None => BillingPeriod::of(state.settings.clock.today(&state.lake, permit.enrollment()).await?),
    };
    let held = permit.read(&state.catalog, period).await?;

    let held = held.ok_or_else(|| {
        ApiError::NotFound(format!("No balance summary of enrollment {} is held for {period}.", permit.enrollment()))
    })?;
    tagged(&call.parts.headers, &Summary(&held))
}

struct Summary<'a>(&'a HeldBalance);

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let HeldBalance { enrollment, period, summary, .. } = self.0;
        // A number here, though the contract's table calls it a text: the sample is what clients were written for.
        let number: u32 = period.to_string().parse().map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &format!("enrollments/{enrollment}/billingperiods/{period}/balancesummaries"))?;
        map.serialize_entry("billingPeriodId", &number)?;
        map.serialize_entry("currencyCode", summary.currency.as_str())?;
        amounts(&mut map, summary, &COMMON)?;
        details(&mut map, summary)?;
        map.end()
    }
}
