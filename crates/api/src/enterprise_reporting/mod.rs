//! The Enterprise Reporting API (contract `enterprise-reporting-api.md`), which the original switched off in May 2024.
//!
//! It has no api-version: the version is the first segment of the path, and `api-version: 1.0`, which some clients send as
//! a header, is not looked at.

mod asked;
mod balances;
mod download;
mod jobs;
mod marketplace_charges;
mod periods;
mod price_sheet;
mod reservations;
mod usage_details;
mod usage_report;

use access::{Caller, Permit, permit_part};
use formats::ReportingVersion;
use ledger::Scope;

use crate::arm::{ApiError, excerpt, refused};
use crate::dispatch::Call;

pub(crate) use balances::balance_summary;
pub(crate) use download::download;
pub(crate) use jobs::{poll, submit};
pub(crate) use marketplace_charges::{marketplace_charges, marketplace_charges_by_dates};
pub(crate) use periods::billing_periods;
pub(crate) use price_sheet::price_sheet;
pub(crate) use reservations::{reservation_charges, reservation_details, reservation_summaries};
pub(crate) use usage_details::{usage_details, usage_details_by_dates};
pub(crate) use usage_report::usage_report;

/// The right that usage details need.
const USAGE_ACTION: &str = "Microsoft.Consumption/usageDetails/read";

/// The version of a path.
fn version(text: &str) -> Result<ReportingVersion, ApiError> {
    let known = ReportingVersion::ALL.into_iter().find(|version| version.as_str().eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        ApiError::NotFound(format!("The version '{}' does not exist; versions are v1, v2 and v3.", excerpt(text)))
    })
}

/// The version of a path that leads to a file: the first one has none.
fn version_with_files(text: &str) -> Result<ReportingVersion, ApiError> {
    match version(text)? {
        ReportingVersion::V1 => Err(ApiError::NotFound(
            "Version v1 has no files of usage details; versions that have them are v2 and v3.".to_owned(),
        )),
        version => Ok(version),
    }
}

/// What of the charges of an enrollment the caller may read.
async fn part(call: &Call<'_>, caller: &Caller, enrollment: &str) -> Result<Permit, ApiError> {
    let (scope, text) = enrollment_scope(enrollment)?;
    let permit = permit_part(&call.state.catalog, caller, &scope).await;
    permit.map_err(|refusal| refused(refusal, caller, &text, USAGE_ACTION))
}

/// The scope of the enrollment of a path, and its text.
pub(crate) fn enrollment_scope(number: &str) -> Result<(Scope, String), ApiError> {
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
