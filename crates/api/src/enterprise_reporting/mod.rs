//! The Enterprise Reporting API (contract `enterprise-reporting-api.md`), which the original switched off in May 2024.
//!
//! It has no api-version: the version is the first segment of the path, and `api-version: 1.0`, which some clients send as
//! a header, is not looked at.

mod balances;
mod etag;
mod periods;

use ledger::Scope;

use crate::arm::{ApiError, excerpt};
use crate::dispatch::Call;

pub(crate) use balances::balance_summary;
pub(crate) use periods::billing_periods;

/// Versions of the reports that all of them answer alike.
const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];

/// The version of a path, in the spelling of the contract.
fn version(text: &str) -> Result<&'static str, ApiError> {
    let known = VERSIONS.into_iter().find(|version| version.eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        ApiError::NotFound(format!("The version '{}' does not exist; versions are v1, v2 and v3.", excerpt(text)))
    })
}

/// The scope of the enrollment of a path, and its text.
fn enrollment_scope(number: &str) -> Result<(Scope, String), ApiError> {
    let text = format!("providers/Microsoft.Billing/billingAccounts/{number}");
    match Scope::parse(&text) {
        Ok(scope) => Ok((scope, text)),
        Err(_) => Err(ApiError::BadRequest(format!("The enrollment number '{}' is invalid.", excerpt(number)))),
    }
}

/// Refuses query parameters that a report does not have.
fn check_query(call: &Call<'_>, known: &[&str]) -> Result<(), ApiError> {
    if call.state.settings.emulate { Ok(()) } else { call.query.refuse_others(known) }
}
