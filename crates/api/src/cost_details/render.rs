//! Answers of the Cost Details API (contract `cost-details-api.md`, section 3).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use reports::{Blob, Report};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::address::BaseUrl;
use crate::arm::ApiError;
use crate::clock::instant_text;
use crate::state::ApiSettings;

/// The answer while a report is made. There is no `Azure-AsyncOperation` header: clients would then want another body.
pub(super) fn running(location: &str, settings: &ApiSettings) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(location).map_err(|error| ApiError::Internal(error.into()))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(settings.retry_after_s));
    Ok(response)
}

/// The answer when a report is finished.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationResult<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Manifest<'a>>,
    valid_till: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    manifest_version: &'a str,
    data_format: &'static str,
    blob_count: usize,
    byte_count: u64,
    compress_data: bool,
    request_context: RequestContext<'a>,
    blobs: Vec<ManifestBlob>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_scope: &'a str,
    request_body: &'a RawValue,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestBlob {
    blob_link: String,
    byte_count: u64,
}

#[derive(Debug, Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
}

/// A report with its blobs.
pub(super) fn completed<'a>(
    report: &'a Report,
    blobs: &[Blob],
    base: &BaseUrl,
) -> Result<OperationResult<'a>, ApiError> {
    Ok(OperationResult { manifest: Some(manifest(report, blobs, base)?), ..ended(report, "Completed")? })
}

/// A report without charges.
pub(super) fn no_data(report: &Report) -> Result<OperationResult<'_>, ApiError> {
    ended(report, "NoDataFound")
}

/// A report that cannot be answered.
pub(super) fn failed<'a>(report: &'a Report, reason: &'a str) -> Result<OperationResult<'a>, ApiError> {
    let error = Some(Failure { code: "ReportFailed", message: reason });
    Ok(OperationResult { error, ..ended(report, "Failed")? })
}

fn ended<'a>(report: &'a Report, status: &'static str) -> Result<OperationResult<'a>, ApiError> {
    Ok(OperationResult {
        id: format!(
            "{}/providers/Microsoft.CostManagement/costDetailsOperationResults/{}",
            report.request_scope, report.id
        ),
        name: &report.id,
        status,
        manifest: None,
        valid_till: instant_text(report.valid_till_s)?,
        error: None,
    })
}

fn manifest<'a>(report: &'a Report, blobs: &[Blob], base: &BaseUrl) -> Result<Manifest<'a>, ApiError> {
    Ok(Manifest {
        manifest_version: &report.api_version,
        data_format: "Csv",
        blob_count: blobs.len(),
        byte_count: blobs.iter().map(|blob| blob.bytes).sum(),
        compress_data: false,
        request_context: RequestContext {
            request_scope: &report.request_scope,
            request_body: serde_json::from_str(&report.request_body)?,
        },
        blobs: blobs
            .iter()
            .map(|blob| ManifestBlob { blob_link: base.blob(&blob.link), byte_count: blob.bytes })
            .collect(),
    })
}
