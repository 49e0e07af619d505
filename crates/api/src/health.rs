//! Whether the process runs and whether its store answers; for supervisors, without credential.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json as object;

use crate::arm::{ApiError, json};
use crate::state::ApiState;

/// A store that takes longer is not ready.
const READY_TIME_MAX: Duration = Duration::from_secs(5);

/// The process runs.
pub(crate) fn health() -> Response {
    json(StatusCode::OK, &object!({ "status": "ok" }))
}

/// The store answers.
pub(crate) async fn ready(state: &ApiState) -> Result<Response, ApiError> {
    let ask = async {
        state.catalog.ping().await.map_err(|error| ApiError::NotReady(error.into()))?;
        state.lake.newest_version().await.map_err(|error| ApiError::NotReady(error.into()))
    };
    let asked = tokio::time::timeout(READY_TIME_MAX, ask).await;
    asked.unwrap_or_else(|_| Err(ApiError::NotReady("the store did not answer in time".into())))?;
    Ok(health())
}
