//! `GET /{version}/enrollments/{enrollment}/usagedetails/download`: the rows as a file, written while it is read.

use access::Permit;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use formats::ReportingVersion;
use futures::TryStreamExt;
use ledger::{ChargeFilter, Dataset, Generation, Window};
use reports::{AsOf, Question, ReportError, ReportForm, ReportKind};

use super::asked::{BILLING_PERIOD, END, Limit, START, meant, named, nothing_held, without_data};
use super::{check_query, part, version_with_files};
use crate::arm::{ApiError, Tag, authenticate};
use crate::dispatch::Call;

/// Answers with the file of a billing period or of a range of days.
pub(crate) async fn download(call: &Call<'_>, version_text: &str, enrollment: &str) -> Result<Response, ApiError> {
    let version = version_with_files(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[BILLING_PERIOD, START, END])?;
    let asked = named(call, Limit::OneMonth)?;

    let permit = part(call, &caller, enrollment).await?;

    let window = meant(call, &permit, asked).await?;
    let answer = call.state.reports.direct(&question(version, &permit, window)).await;
    let answer = answer.map_err(|error| not_held(error, &window))?;
    if answer.nothing_held() {
        return Err(nothing_held("usage details", &permit, &window));
    }

    let tag = Tag::of(answer.digest().as_bytes());
    Ok(tag.answer(&call.parts.headers, || {
        let pieces = answer.pieces().inspect_err(|error| {
            tracing::error!(%error, "cannot go on writing usage details: {error}");
        });
        let mut response = Response::new(Body::from_stream(pieces));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
        response
    }))
}

/// The question for a file of usage details.
pub(super) fn question(version: ReportingVersion, permit: &Permit, window: Window) -> Question {
    Question {
        kind: ReportKind::EnterpriseReporting,
        permit: permit.clone(),
        generation: Generation::EnterpriseReporting,
        dataset: Dataset::ActualCost,
        window,
        filter: ChargeFilter::default(),
        form: ReportForm::EnterpriseReporting(version),
        as_of: AsOf::Now,
        api_version: version.as_str().to_owned(),
        request_scope: permit.scope().to_string(),
        request_body: String::new(),
    }
}

/// A dataset that is not held is told like a time without data; the text says what is held (DESIGN 4.9).
pub(super) fn not_held(error: ReportError, window: &Window) -> ApiError {
    match error {
        ReportError::NotHeld(reason) => without_data(window, format!("{reason}.")),
        error => error.into(),
    }
}
