//! The Cost Details API (contract `cost-details-api.md`): an asynchronous report per request.
//!
//! `POST …/generateCostDetailsReport` takes three parameters beyond the original's, which no Azure client sends:
//!
//! - `lazurite-layout=NAME`: columns of the answer, by the published name of a [`formats::Layout`];
//! - `lazurite-unknown-columns=true`: columns that no layout knows follow the layout's own;
//! - `lazurite-as-of=REVISION` or `=INSTANT` (RFC 3339): what was held at that revision or instant.

mod body;
pub(crate) mod detailed;
mod limits;
mod options;
mod render;

use access::Permit;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use ledger::{ChargeFilter, Generation, Window};
use reports::{LinkEnd, Question, Report, ReportError, ReportForm, ReportKind, Status};

use crate::address::BaseUrl;
use crate::arm::{ApiError, Format, api_version, authenticate, excerpt, json, parse_scope, permit, read_body};
use crate::clock::today;
use crate::dispatch::Call;
use body::{ReportRequest, Selector};
use options::Options;

/// Versions that have the operation; the wire is the same in all of them. The preview is what the Rust SDK sends.
const API_VERSIONS: &[&str] = &[
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
const COST_DETAILS: Operation = Operation {
    kind: ReportKind::CostDetails,
    versions: API_VERSIONS,
    create_action: "Microsoft.CostManagement/generateCostDetailsReport/action",
    poll_action: "Microsoft.CostManagement/costDetailsOperationResults/read",
};
const RESULTS: &str = "Microsoft.CostManagement/costDetailsOperationResults";

/// An operation that takes orders of reports.
struct Operation {
    kind: ReportKind,
    versions: &'static [&'static str],
    create_action: &'static str,
    poll_action: &'static str,
}

/// Where a report is asked about.
struct Place {
    base: BaseUrl,
    scope_text: String,
    id: String,
    api_version: &'static str,
}

impl Place {
    /// Its address as a resource of a type.
    fn address(&self, resource_type: &str) -> String {
        self.base.operation(&self.scope_text, resource_type, &self.id, self.api_version)
    }
}

/// Takes a report's order.
pub(crate) async fn create(call: &Call<'_>, scope: &[String], body: &mut Body) -> Result<Response, ApiError> {
    let place = order(call, scope, body, &COST_DETAILS).await?;
    render::running(&place.address(RESULTS), &call.state.settings)
}

/// Tells how a report stands.
pub(crate) async fn poll(call: &Call<'_>, scope: &[String], id: &str) -> Result<Response, ApiError> {
    poll_as(call, scope, id, &COST_DETAILS).await
}

async fn poll_as(
    call: &Call<'_>,
    scope: &[String],
    id: &str,
    operation: &'static Operation,
) -> Result<Response, ApiError> {
    let (place, report) = find(call, scope, id, operation).await?;
    let report = report.ok_or_else(|| not_found(&place))?;
    match &report.status {
        Status::Queued | Status::Running => render::running(&place.address(RESULTS), &call.state.settings),
        Status::Completed(blobs) => Ok(json(StatusCode::OK, &render::completed(&report, blobs, &place.base)?)),
        Status::NoDataFound => Ok(json(StatusCode::OK, &render::no_data(&report)?)),
        Status::Failed(reason) => Ok(json(StatusCode::OK, &render::failed(&report, reason)?)),
    }
}

/// Takes an order of an operation.
async fn order(
    call: &Call<'_>,
    scope: &[String],
    body: &mut Body,
    operation: &'static Operation,
) -> Result<Place, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, operation.versions)?;
    let options = Options::parse(&call.query, &state.settings)?;
    let (scope, scope_text) = parse_scope(scope)?;
    let request = ReportRequest::parse(&read_body(&call.parts.headers, body, Format::Json).await?)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = permit(&state.catalog, &caller, &scope, &scope_text, operation.create_action).await?;

    let question = Question {
        kind: operation.kind,
        generation: Generation::CostDetails,
        filter: ChargeFilter::default(),
        window: window(call, &permit, &request.selector).await?,
        permit,
        dataset: request.dataset,
        form: ReportForm::CostDetails { layout: options.layout, unknown_columns: options.unknown_columns },
        as_of: options.as_of,
        api_version: api_version.to_owned(),
        request_scope: scope_text.clone(),
        request_body: request.text,
    };
    let id = state.reports.create(question).await.map_err(refused_question)?;
    Ok(Place { base, scope_text, id, api_version })
}

/// Looks for a report of an operation.
async fn find(
    call: &Call<'_>,
    scope: &[String],
    id: &str,
    operation: &'static Operation,
) -> Result<(Place, Option<Report>), ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, operation.versions)?;
    if !state.settings.emulate {
        call.query.refuse_others(&["api-version"])?;
    }
    let (scope, scope_text) = parse_scope(scope)?;
    let id = id.to_ascii_lowercase();
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = permit(&state.catalog, &caller, &scope, &scope_text, operation.poll_action).await?;

    let report = state.reports.poll(&permit, operation.kind, &id, LinkEnd::AfterPoll).await?;
    Ok((Place { base, scope_text, id, api_version }, report))
}

fn not_found(place: &Place) -> ApiError {
    ApiError::NotFound(format!("The operation '{}' could not be found.", excerpt(&place.id)))
}

/// The time that the report is about. Only the current period and the limits of the original need a clock.
async fn window(call: &Call<'_>, permit: &Permit, selector: &Selector) -> Result<Window, ApiError> {
    let settings = &call.state.settings;
    if !settings.emulate
        && let Some(window) = selector.window()
    {
        return Ok(window);
    }
    let today = today(call, permit).await?;
    if settings.emulate {
        limits::check(selector, today)?;
    }
    Ok(selector.window().unwrap_or(Window::Period(calendar::BillingPeriod::of(today))))
}

/// A state of the store that does not exist is the caller's mistake.
fn refused_question(error: ReportError) -> ApiError {
    match error {
        ReportError::Lake(error @ (lake::LakeError::NoSuchVersion { .. } | lake::LakeError::EndedVersion { .. })) => {
            ApiError::BadRequest(format!("{}: {error}.", options::AS_OF))
        }
        error @ ReportError::AsOf { .. } => ApiError::BadRequest(format!("{}: {error}.", options::AS_OF)),
        error => error.into(),
    }
}
