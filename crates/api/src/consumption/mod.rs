//! The Consumption API (contract `consumption-api.md`).

mod aggregated_cost;
mod balances;
mod charges;
mod days;
mod download;
mod groups;
mod limits;
mod marketplaces;
mod price_sheet;
mod request;
mod reservations;
mod tags;
mod usage_details;

pub(crate) use aggregated_cost::aggregated_cost;
pub(crate) use balances::balances;
pub(crate) use charges::charges;
pub(crate) use download::{create_download, download_result, download_status};
pub(crate) use marketplaces::marketplaces;
pub(crate) use price_sheet::{meter_member, price_sheet};
pub(crate) use reservations::{reservation_details, reservation_summaries, reservation_transactions};
pub(crate) use tags::tags;
pub(crate) use usage_details::usage_details;

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Versions of the API, those that have usage details.
pub(crate) const API_VERSIONS: &[&str] = &[
    "2017-04-24-preview",
    "2017-11-30",
    "2018-01-31",
    "2018-03-31",
    "2018-05-31",
    "2018-06-30",
    "2018-08-31",
    "2018-10-01",
    "2019-01-01",
    "2019-04-01-preview",
    "2019-05-01-preview",
    "2019-05-01",
    "2019-06-01",
    "2019-10-01",
    "2019-11-01",
    "2021-05-01",
    "2021-10-01",
    "2022-09-01",
    "2023-03-01",
    "2023-05-01",
    "2023-11-01",
    "2024-08-01",
];

/// A page of resources, as the original sends it: `nextLink` first, and absent on the last page. The pieces of the rows are
/// sent as they are: a page of megabytes is not copied.
fn page(rows: Vec<Vec<u8>>, next_link: Option<&str>) -> Response {
    let link = next_link.map(|link| format!("\"nextLink\":{},", serde_json::Value::from(link))).unwrap_or_default();
    let begin = format!("{{{link}\"value\":[").into_bytes();
    let pieces: Vec<Vec<u8>> = std::iter::once(begin).chain(rows).chain([b"]}".to_vec()]).collect();
    let length: usize = pieces.iter().map(Vec::len).sum();
    let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let mut response = answer(StatusCode::OK, Body::from_stream(futures::stream::iter(pieces)));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// An answer with the headers of OData (contract section 9).
fn answer(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; odata.metadata=none"));
    headers.insert(HeaderName::from_static("odata-version"), HeaderValue::from_static("4.0"));
    response
}
