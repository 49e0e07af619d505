//! Files of reports, given out by signed link and without any other credential.

use axum::body::Body;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use futures::TryStreamExt;
use reports::{BlobLink, LinkError};

use crate::arm::ApiError;
use crate::dispatch::Call;

/// Gives out a blob, in bounded memory.
pub(crate) async fn read(call: &Call<'_>, job: &str, name: &str) -> Result<Response, ApiError> {
    let link = link(call, job, name).ok_or(ApiError::LinkRefused(LinkError::Altered))?;
    let blob = call.state.reports.open_blob(&link).await?.map_err(ApiError::LinkRefused)?;
    let blob = blob.ok_or(ApiError::BlobNotFound)?;
    let body = if call.parts.method == Method::HEAD {
        Body::empty()
    } else {
        let job = job.to_owned();
        Body::from_stream(blob.chunks.inspect_err(move |error| {
            tracing::error!(report.id = %job, %error, "report {job}: cannot go on reading a blob: {error}");
        }))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(blob.bytes));
    Ok(response)
}

/// The link's parts; `None` where one is missing or none that we write.
fn link<'a>(call: &'a Call<'_>, job: &'a str, name: &'a str) -> Option<BlobLink<'a>> {
    let query = &call.query;
    // Reading one blob is all that a link grants.
    if query.get("sr") != Some("b") || query.get("sp") != Some("r") {
        return None;
    }
    Some(BlobLink {
        job,
        name,
        version: query.get("sv")?,
        expires_at_s: query.get("se")?.parse().ok()?,
        signature: query.get("sig")?,
    })
}
