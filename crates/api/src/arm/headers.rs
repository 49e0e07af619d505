//! Headers of every answer (contract `arm-conventions.md`, section 6), and JSON bodies.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

/// Longest id of a caller that is given back.
const ID_BYTES_MAX: usize = 128;
/// Stands where the original names its region.
const REGION: &str = "LOCAL";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const CLIENT_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const ROUTING_ID: HeaderName = HeaderName::from_static("x-ms-routing-request-id");

/// Puts the common headers on an answer.
pub(crate) fn add_common_headers(request: &HeaderMap, response: &mut Response, request_id: &str) {
    let own = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    let request_value = own(request_id);
    let headers = response.headers_mut();
    headers.insert(CORRELATION_ID, id_of_caller(request, &CORRELATION_ID).unwrap_or_else(|| request_value.clone()));
    headers.insert(REQUEST_ID, request_value);
    // The contract echoes it on demand; recordings of the original show it echoed always.
    if let Some(id) = id_of_caller(request, &CLIENT_ID) {
        headers.insert(CLIENT_ID, id);
    }
    let time = format_description!("[year][month][day]T[hour][minute][second]Z");
    let now = OffsetDateTime::now_utc().format(time).unwrap_or_default();
    headers.insert(ROUTING_ID, own(&format!("{REGION}:{now}:{request_id}")));
    // An answer with a token in it says more than that.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
    let strict = HeaderValue::from_static("max-age=31536000; includeSubDomains");
    headers.insert(header::STRICT_TRANSPORT_SECURITY, strict);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// An id that the caller sent, if it is one: visible ASCII of a bounded length.
fn id_of_caller(request: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let value = request.get(name)?;
    let fits = (1..=ID_BYTES_MAX).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    fits.then(|| value.clone())
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("bodies of ours have text keys and no failing members");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
