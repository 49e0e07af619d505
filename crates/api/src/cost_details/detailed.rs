//! `POST {scope}/providers/Microsoft.CostManagement/generateDetailedCostReport` (contract `cost-details-api.md` section 7): the
//! operation that was before Cost Details. Order, columns and rows are those of Cost Details; the answer is one file.
//!
//! `operationResults` has the reports of both operations. There is no `Azure-AsyncOperation` header, which the OpenAPI files
//! name beside `Azure-Consumption-AsyncOperation`: clients poll what it names until the status is `Succeeded`, but a report
//! of this operation is `Completed`.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use reports::{Blob, Report, ReportKind, Status};
use serde::Serialize;

use super::{COST_DETAILS, Operation, Place, find, not_found, order, poll_as, render};
use crate::arm::{ApiError, json};
use crate::clock::instant_text;
use crate::dispatch::Call;

const API_VERSIONS: &[&str] = &[
    "2020-12-01-preview",
    "2021-10-01",
    "2022-05-01",
    "2022-10-01",
    "2023-03-01",
    "2023-07-01-preview",
    "2023-08-01",
    "2023-09-01",
    "2023-11-01",
    "2024-08-01",
    "2025-03-01",
];
const DETAILED_COST: Operation = Operation {
    kind: ReportKind::DetailedCost,
    versions: API_VERSIONS,
    create_action: "Microsoft.CostManagement/generateDetailedCostReport/action",
    poll_action: "Microsoft.CostManagement/operationResults/read",
};
/// Cost Details reports, asked about at the address of these.
const COST_DETAILS_HERE: Operation = Operation { versions: API_VERSIONS, ..COST_DETAILS };
const RESULTS: &str = "Microsoft.CostManagement/operationResults";
const STATUS: &str = "Microsoft.CostManagement/operationStatus";
const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-consumption-asyncoperation");
const NO_DATA: &str = "There are no charges in the scope and time asked about.";
/// The code of what did not go wrong.
const NO_ERROR: &str = "0";

/// Takes a report's order.
pub(crate) async fn create(call: &Call<'_>, scope: &[String], body: &mut Body) -> Result<Response, ApiError> {
    running(call, &order(call, scope, body, &DETAILED_COST).await?)
}

/// Answers with the address of the file when it is there.
pub(crate) async fn result(call: &Call<'_>, scope: &[String], id: &str) -> Result<Response, ApiError> {
    let (place, report) = find(call, scope, id, &DETAILED_COST).await?;
    let Some(report) = report else { return poll_as(call, scope, id, &COST_DETAILS_HERE).await };
    match &report.status {
        Status::Queued | Status::Running => running(call, &place),
        Status::Completed(blobs) => {
            let result = OperationResult {
                id: resource_id(&report, RESULTS),
                name: &report.id,
                kind: "Microsoft.Consumption/operationResult",
                properties: Download::of(&report, blobs, &place)?,
            };
            Ok(json(StatusCode::OK, &result))
        }
        Status::NoDataFound => Err(ApiError::NotFound(NO_DATA.to_owned())),
        Status::Failed(reason) => Err(ApiError::NotFound(reason.clone())),
    }
}

/// Tells how a report stands.
pub(crate) async fn status(call: &Call<'_>, scope: &[String], id: &str) -> Result<Response, ApiError> {
    let (place, report) = find(call, scope, id, &DETAILED_COST).await?;
    let report = report.ok_or_else(|| not_found(&place))?;
    let (status, properties, error) = match &report.status {
        Status::Queued => ("Queued", None, None),
        Status::Running => ("InProgress", None, None),
        Status::Completed(blobs) => {
            ("Completed", Some(Download::of(&report, blobs, &place)?), Some(Failure { code: NO_ERROR, message: None }))
        }
        Status::NoDataFound => ("NoDataFound", None, Some(Failure { code: "NoDataFound", message: Some(NO_DATA) })),
        Status::Failed(reason) => ("Failed", None, Some(Failure { code: "ReportFailed", message: Some(reason) })),
    };
    let is_running = error.is_none();
    let body = OperationStatus {
        id: resource_id(&report, STATUS),
        name: &report.id,
        status,
        kind: "Microsoft.Consumption/operationStatus",
        properties,
        error,
    };
    let mut response = json(StatusCode::OK, &body);
    if is_running {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(call.state.settings.retry_after_s));
    }
    Ok(response)
}

/// The answer while a report is made.
fn running(call: &Call<'_>, place: &Place) -> Result<Response, ApiError> {
    let mut response = render::running(&place.address(RESULTS), &call.state.settings)?;
    let status = HeaderValue::from_str(&place.address(STATUS)).map_err(|error| ApiError::Internal(error.into()))?;
    response.headers_mut().insert(ASYNC_OPERATION, status);
    Ok(response)
}

/// Without a slash in front, as the official examples have it.
fn resource_id(report: &Report, resource_type: &str) -> String {
    format!("{}/providers/{resource_type}/{}", report.request_scope, report.id)
}

#[derive(Serialize)]
struct OperationResult<'a> {
    id: String,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Download,
}

#[derive(Serialize)]
struct OperationStatus<'a> {
    id: String,
    name: &'a str,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Download>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Download {
    download_url: String,
    valid_till: String,
}

impl Download {
    fn of(report: &Report, blobs: &[Blob], place: &Place) -> Result<Self, ApiError> {
        let blob = blobs.first().ok_or_else(|| ApiError::Internal("a report without file".into()))?;
        Ok(Self { download_url: place.base.blob(&blob.link), valid_till: instant_text(report.valid_till_s)? })
    }
}
