//! `GET /lazurite/v1/enrollments/{enrollment}/periods`: state and history of the periods of a native enrollment.

use access::permit_billing_status;
use axum::http::StatusCode;
use axum::response::Response;
use billing::{PeriodView, states};
use serde::Serialize;

use crate::arm::{ApiError, authenticate, json, refused};
use crate::dispatch::Call;
use crate::enterprise_reporting::enrollment_scope;

/// The right that it needs.
const READ_ACTION: &str = "Lazurite.Billing/periods/read";

#[derive(Serialize)]
struct Answer {
    enrollment: String,
    /// From the first one on.
    periods: Vec<PeriodView>,
}

/// Tells in which state the periods are, and how they came to be.
pub(crate) async fn periods(call: &Call<'_>, enrollment: &str) -> Result<Response, ApiError> {
    let intake = call.state.intake.as_ref().ok_or_else(ApiError::no_such_path)?;
    let caller = authenticate(call).await?;
    call.query.refuse_others(&[])?;
    let (scope, text) = enrollment_scope(enrollment)?;

    let permit = permit_billing_status(&call.state.catalog, &caller, &scope).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &text, READ_ACTION))?;

    let periods = states(intake.store(), permit.enrollment()).await?;

    let periods = periods.iter().map(PeriodView::from).collect();
    Ok(json(StatusCode::OK, &Answer { enrollment: permit.enrollment().to_string(), periods }))
}
