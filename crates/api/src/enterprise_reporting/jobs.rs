//! `POST /{version}/enrollments/{enrollment}/usagedetails/submit` and the polls after it (contract section 7).
//!
//! The link to the file is good until an hour after the request, however late it is polled. Then the job has timed out.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Response;
use calendar::Date;
use ledger::Window;
use reports::{LinkEnd, Report, ReportKind, Status};
use serde::Serialize;

use super::asked::{BILLING_PERIOD, END, Limit, START, enrollment_of, meant, named};
use super::download::{not_held, question};
use super::{check_query, part, version_with_files};
use crate::address::BaseUrl;
use crate::arm::{ApiError, authenticate, excerpt, tagged};
use crate::clock::{instant_text, system_now_ms};
use crate::dispatch::Call;

/// How long after its request a file can be read.
const LINKS: LinkEnd = LinkEnd::AfterRequest(Duration::from_secs(60 * 60));

const QUEUED: u8 = 1;
const IN_PROGRESS: u8 = 2;
const COMPLETED: u8 = 3;
const FAILED: u8 = 4;
const NO_DATA_FOUND: u8 = 5;
const TIMED_OUT: u8 = 7;

/// A job on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobObject {
    id: String,
    enrollment_number: String,
    requested_on: String,
    status: u8,
    blob_path: String,
    report_url: String,
    start_date: String,
    end_date: String,
}

/// Takes an order for the file of a billing period or of a range of days.
pub(crate) async fn submit(call: &Call<'_>, version_text: &str, enrollment: &str) -> Result<Response, ApiError> {
    let state = call.state;
    let version = version_with_files(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[BILLING_PERIOD, START, END])?;
    let asked = named(call, Limit::ThreeYears)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = part(call, &caller, enrollment).await?;

    let window = meant(call, &permit, asked).await?;
    let id = state.reports.create(question(version, &permit, window)).await;
    let id = id.map_err(|error| not_held(error, &window))?;
    let report = state.reports.poll(&permit, ReportKind::EnterpriseReporting, &id, LINKS).await?;

    let report = report.ok_or_else(|| ApiError::Internal("a report is gone that was just asked for".into()))?;
    // A new job is nothing that the client can have already.
    tagged(&HeaderMap::new(), &render(&report, enrollment_of(&permit), &base)?)
}

/// Tells how a job stands.
pub(crate) async fn poll(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
    id: &str,
) -> Result<Response, ApiError> {
    let state = call.state;
    version_with_files(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[])?;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = part(call, &caller, enrollment).await?;

    let id = id.to_ascii_lowercase();
    let report = state.reports.poll(&permit, ReportKind::EnterpriseReporting, &id, LINKS).await?;

    let not_found = || ApiError::NotFound(format!("The report '{}' could not be found.", excerpt(&id)));
    let report = report.ok_or_else(not_found)?;
    tagged(&call.parts.headers, &render(&report, enrollment_of(&permit), &base)?)
}

fn render(report: &Report, enrollment: String, base: &BaseUrl) -> Result<JobObject, ApiError> {
    let (start, end) = match report.window {
        Window::Period(period) => (period.first_day(), period.last_day()),
        Window::Dates(days) => (days.start(), days.end()),
    };
    let (status, blob_path) = standing(report, base, system_now_ms().div_euclid(1000));
    let version = &report.api_version;
    Ok(JobObject {
        id: report.id.clone(),
        // Links are good to the second, and so is the instant from which their hour counts.
        requested_on: instant_text(report.created_at_ms.div_euclid(1000))?,
        status,
        blob_path,
        report_url: format!("{}/{version}/enrollments/{enrollment}/usagedetails/reports/{}", base.server(), report.id),
        enrollment_number: enrollment,
        start_date: midnight(start),
        end_date: midnight(end),
    })
}

/// The status at a second since 1970, and the link to the file if there is one.
fn standing(report: &Report, base: &BaseUrl, now_s: i64) -> (u8, String) {
    let is_over = now_s >= report.valid_till_s;
    match &report.status {
        Status::Failed(_) => (FAILED, String::new()),
        Status::NoDataFound => (NO_DATA_FOUND, String::new()),
        _ if is_over => (TIMED_OUT, String::new()),
        Status::Queued => (QUEUED, String::new()),
        Status::Running => (IN_PROGRESS, String::new()),
        Status::Completed(blobs) => match blobs.as_slice() {
            [blob] => (COMPLETED, base.blob(&blob.link)),
            // A report of this kind has one file; another number is none that a client could take.
            _ => (FAILED, String::new()),
        },
    }
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00")
}
