//! One line per request. It names the route, never the path or the query: links and tokens stay out of the log.

use std::time::Instant;

use api::Answered;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

/// Logs a request when its answer begins.
pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let answered = response.extensions().get::<Answered>();
    let (route, id) = answered.map_or(("unmatched", ""), |answered| (answered.route, answered.request_id.as_str()));
    let status = response.status().as_u16();
    // Supervisors ask every few seconds.
    if matches!(route, "healthz" | "readyz") && response.status().is_success() {
        tracing::debug!(http.method = %method, http.route = route, http.status = status, duration_us = micros,
            request.id = id, "{method} {route}: {status} after {micros} us");
    } else {
        tracing::info!(http.method = %method, http.route = route, http.status = status, duration_us = micros,
            request.id = id, "{method} {route}: {status} after {micros} us");
    }
    response
}
