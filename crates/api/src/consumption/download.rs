//! `POST {scope}[/{billing period}]/providers/Microsoft.Consumption/usageDetails/download` of the 2019 previews (contract
//! section 5): the rows of a list as one CSV file, made by a worker. Power BI's connector uses it.
//!
//! Clients poll either `operationStatus`, which tells the status in its body, or `operationResults`, which is a 202 until
//! the file is there.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use formats::Layout;
use ledger::Scope;
use reports::{AsOf, Blob, LinkEnd, Question, Report, ReportForm, ReportKind, Status};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use super::limits::Limit;
use super::request::Asked;
use crate::address::BaseUrl;
use crate::arm::{
    ApiError, Format, api_version, authenticate, excerpt, json, parse_scope, permit, read_body, split_period,
};
use crate::dispatch::Call;

/// Versions that have the operation.
const API_VERSIONS: &[&str] = &["2019-04-01-preview", "2019-05-01-preview"];
const CREATE_ACTION: &str = "Microsoft.Consumption/usageDetails/download/action";
const POLL_ACTION: &str = "Microsoft.Consumption/operationResults/read";
const RESULTS: &str = "Microsoft.Consumption/operationResults";
const STATUS: &str = "Microsoft.Consumption/operationStatus";
const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");

/// Takes an order.
pub(crate) async fn create_download(
    call: &Call<'_>,
    segments: &[String],
    body: &mut Body,
) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, API_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version", "metric", "$filter"])?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, scope_text) = parse_scope(segments)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;
    // There is nothing to say in it, but some clients send an empty object.
    read_body(&call.parts.headers, body, Format::Json).await?;

    let permit = permit(&state.catalog, &caller, &scope, &scope_text, CREATE_ACTION).await?;

    let asked = Asked::read(call, &permit, api_version, period, Limit::Download).await?;
    let question = Question {
        kind: ReportKind::UsageDetails,
        permit,
        generation: asked.generation,
        dataset: asked.dataset,
        window: asked.window,
        filter: asked.filter,
        form: ReportForm::CostDetails { layout: Layout::EaPortalC360, unknown_columns: false },
        as_of: AsOf::Now,
        api_version: api_version.to_owned(),
        request_scope: scope_text.clone(),
        request_body: String::new(),
    };
    let id = state.reports.create(question).await?;

    let mut response = running(call, &base, &scope_text, &id, api_version)?;
    let status = address(&base.operation(&scope_text, STATUS, &id, api_version))?;
    response.headers_mut().insert(ASYNC_OPERATION, status);
    Ok(response)
}

/// Answers with the address of the file when it is there.
pub(crate) async fn download_result(call: &Call<'_>, scope: &[String], id: &str) -> Result<Response, ApiError> {
    let (operation, base) = Operation::find(call, scope, id).await?;
    let Operation { report, scope_text, api_version } = &operation;
    match &report.status {
        Status::Queued | Status::Running => running(call, &base, scope_text, &report.id, api_version),
        Status::Completed(blobs) => {
            let blob = blobs.first().ok_or_else(|| ApiError::Internal("a download without file".into()))?;
            Ok(json(StatusCode::OK, &DownloadResult::of(report, scope_text, blob, &base)?))
        }
        Status::NoDataFound => Err(ApiError::NotFound(NO_DATA.to_owned())),
        Status::Failed(reason) => Err(ApiError::NotFound(reason.clone())),
    }
}

/// Tells how a download stands.
pub(crate) async fn download_status(call: &Call<'_>, scope: &[String], id: &str) -> Result<Response, ApiError> {
    let (operation, _) = Operation::find(call, scope, id).await?;
    let Operation { report, scope_text, .. } = &operation;
    let (status, error) = match &report.status {
        Status::Queued | Status::Running => ("InProgress", None),
        Status::Completed(_) => ("Succeeded", None),
        Status::NoDataFound => ("Failed", Some(Failure { code: "NoDataFound", message: NO_DATA })),
        Status::Failed(message) => ("Failed", Some(Failure { code: "ReportFailed", message })),
    };
    let body = DownloadStatus { id: operation_id(scope_text, &report.id), name: &report.id, status, error };
    let mut response = json(StatusCode::OK, &body);
    if status == "InProgress" {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(call.state.settings.retry_after_s));
    }
    Ok(response)
}

const NO_DATA: &str = "There are no usage details in the scope and time asked about.";

/// A download that the caller may ask about.
struct Operation {
    report: Report,
    scope_text: String,
    api_version: &'static str,
}

impl Operation {
    async fn find(call: &Call<'_>, scope: &[String], id: &str) -> Result<(Self, BaseUrl), ApiError> {
        let state = call.state;
        let caller = authenticate(call).await?;
        let api_version = api_version(&call.query, API_VERSIONS)?;
        if !state.settings.emulate {
            call.query.refuse_others(&["api-version"])?;
        }
        let (scope, scope_text): (Scope, String) = parse_scope(scope)?;
        let id = id.to_ascii_lowercase();
        let base = BaseUrl::of(&state.settings, call.parts)?;

        let permit = permit(&state.catalog, &caller, &scope, &scope_text, POLL_ACTION).await?;

        let report = state.reports.poll(&permit, ReportKind::UsageDetails, &id, LinkEnd::AfterPoll).await?;
        let not_found = || ApiError::NotFound(format!("The operation '{}' could not be found.", excerpt(&id)));
        let report = report.ok_or_else(not_found)?;
        Ok((Self { report, scope_text, api_version }, base))
    }
}

fn running(
    call: &Call<'_>,
    base: &BaseUrl,
    scope_text: &str,
    id: &str,
    api_version: &str,
) -> Result<Response, ApiError> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, address(&base.operation(scope_text, RESULTS, id, api_version))?);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(call.state.settings.retry_after_s));
    Ok(response)
}

fn address(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::Internal(error.into()))
}

fn operation_id(scope_text: &str, id: &str) -> String {
    format!("/{scope_text}/providers/{STATUS}/{id}")
}

#[derive(Serialize)]
struct DownloadStatus<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct DownloadResult<'a> {
    id: String,
    name: &'a str,
    properties: DownloadProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DownloadProperties {
    download_url: String,
    valid_till: String,
}

impl<'a> DownloadResult<'a> {
    fn of(report: &'a Report, scope_text: &str, blob: &Blob, base: &BaseUrl) -> Result<Self, ApiError> {
        // Not an instant by any standard, but what the original writes.
        let form = format_description!("[month]/[day]/[year] [hour]:[minute]:[second]");
        let instant = OffsetDateTime::from_unix_timestamp(report.valid_till_s);
        let instant = instant.map_err(|error| ApiError::Internal(error.into()))?;
        let valid_till = instant.format(form).map_err(|error| ApiError::Internal(error.into()))?;
        let properties = DownloadProperties { download_url: base.blob(&blob.link), valid_till };
        Ok(Self { id: operation_id(scope_text, &report.id), name: &report.id, properties })
    }
}
