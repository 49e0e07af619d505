//! What supervisors count; without credential, because it holds nothing that needs one.

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::future::BoxFuture;

use crate::arm::ApiError;
use crate::state::ApiState;

/// Scrapes are given up after ten seconds by default; an answer after that helps nobody.
const SCRAPE_TIME_MAX: Duration = Duration::from_secs(5);
/// The format, as its specification names it.
const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The text of a scrape, or why there is none.
pub type Exposition<'a> = BoxFuture<'a, Result<String, Box<dyn Error + Send + Sync>>>;

/// What a scrape is answered from.
pub trait MetricsSource: Debug + Send + Sync {
    /// All metrics in the OpenMetrics text format. Nothing that a caller wrote and no id may be in them.
    fn exposition(&self) -> Exposition<'_>;
}

/// Answers a scrape.
pub(crate) async fn read(state: &ApiState) -> Result<Response, ApiError> {
    let source = state.metrics.as_ref().ok_or_else(ApiError::no_such_path)?;
    let asked = tokio::time::timeout(SCRAPE_TIME_MAX, source.exposition()).await;
    let text =
        asked.unwrap_or_else(|_| Err("the metrics were not there in time".into())).map_err(ApiError::NotReady)?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    Ok(response)
}
