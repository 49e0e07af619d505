//! Files of reports, given out by signed link and without any other credential.

use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures::{Stream, TryStreamExt};
use http_range_header::StartPosition;
use reports::{BlobLink, Codec, LinkError, ReportError};

use crate::arm::{ApiError, Tag};
use crate::dispatch::Call;

/// The range header of Azure's storage.
const AZURE_RANGE: &str = "x-ms-range";
/// Forms in which a whole blob is given to whoever accepts them, the wanted one first.
const CODINGS: [(Codec, &str); 2] = [(Codec::Zstd, "zstd"), (Codec::Gzip, "gzip")];

/// Gives out a blob or a range of it, in bounded memory. The content of a link never changes, so its tag is made of its
/// name alone.
pub(crate) async fn read(call: &Call<'_>, job: &str, name: &str) -> Result<Response, ApiError> {
    let link = link(call, job, name).ok_or(ApiError::LinkRefused(LinkError::Altered))?;
    let blob = call.state.reports.open_blob(&link).await?.map_err(ApiError::LinkRefused)?;
    let blob = blob.ok_or(ApiError::BlobNotFound)?;
    let tag = Tag::of(format!("{job}/{name}").as_bytes());
    let headers = &call.parts.headers;
    let names_range = headers.contains_key(AZURE_RANGE) || headers.contains_key(header::RANGE);
    if call.state.settings.compress && !names_range {
        for (codec, name_of_coding) in CODINGS {
            if accepts(headers, name_of_coding)
                && let Some(frames) = call.state.reports.packed_blob(&blob, codec).await?
            {
                let tag = Tag::of(format!("{job}/{name}.{codec}").as_bytes());
                return Ok(tag.answer(headers, || packed(call, job, name_of_coding, frames)));
            }
        }
    }
    let mut response = Response::new(Body::empty());
    let range = match asked_range(&call.parts.headers, &tag, blob.bytes()) {
        Asked::All => 0..blob.bytes(),
        Asked::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let shown = format!("bytes {}-{}/{}", range.start, range.end - 1, blob.bytes());
            set(&mut response, header::CONTENT_RANGE, &shown);
            range
        }
        Asked::Outside => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", blob.bytes()));
            return Ok(response);
        }
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if call.parts.method != Method::HEAD {
        let job = job.to_owned();
        let chunks = blob.chunks(range).await?.inspect_err(move |error| {
            tracing::error!(report.id = %job, %error, "report {job}: cannot go on reading a blob: {error}");
        });
        *response.body_mut() = Body::from_stream(chunks);
    }
    Ok(tag.answer(&call.parts.headers, || response))
}

/// A blob in packed form.
fn packed(
    call: &Call<'_>,
    job: &str,
    coding: &'static str,
    frames: impl Stream<Item = Result<Bytes, ReportError>> + Send + 'static,
) -> Response {
    let job = job.to_owned();
    let frames = frames.inspect_err(move |error| {
        tracing::error!(report.id = %job, %error, "report {job}: cannot go on packing a blob: {error}");
    });
    let is_head = call.parts.method == Method::HEAD;
    let mut response = Response::new(if is_head { Body::empty() } else { Body::from_stream(frames) });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Whether a request accepts a coding by its name (RFC 9110, section 12.5.3). `*` is not taken for a wish.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        // A weight of nothing but zeros refuses.
        is_named && weight.is_none_or(|weight| weight.bytes().any(|byte| matches!(byte, b'1'..=b'9')))
    })
}

/// Which bytes of a blob are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    All,
    Part(Range<u64>),
    /// A range beyond the blob.
    Outside,
}

/// The range of a request (RFC 9110, section 14), which clients of Azure's storage put into a header of their own. Several
/// ranges, another unit and what cannot be read are answered with the whole blob, as servers may; so is a range of a blob
/// that the client has another state of.
fn asked_range(headers: &HeaderMap, tag: &Tag, bytes: u64) -> Asked {
    let Some(range) = headers.get(AZURE_RANGE).or_else(|| headers.get(header::RANGE)) else { return Asked::All };
    if headers.get(header::IF_RANGE).is_some_and(|own| !tag.is(own)) {
        return Asked::All;
    }
    let text = range.to_str().unwrap_or_default();
    let Ok(parsed) = http_range_header::parse_range_header(text) else { return Asked::All };
    if parsed.ranges.len() > 1 {
        return Asked::All;
    }
    // The last bytes of a blob that has fewer are all of it.
    if parsed
        .ranges
        .iter()
        .any(|range| matches!(range.start, StartPosition::FromLast(last) if last >= bytes && bytes > 0))
    {
        return Asked::Part(0..bytes);
    }
    match parsed.validate(bytes) {
        Ok(ranges) => {
            ranges.into_iter().next().map_or(Asked::All, |range| Asked::Part(*range.start()..range.end() + 1))
        }
        Err(_) => Asked::Outside,
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(tag).unwrap());
        }
        asked_range(&headers, &Tag::of(b"x"), 100)
    }

    #[test]
    fn codings_are_accepted_by_name() {
        let accepts = |list: &str, coding| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(list).unwrap());
            accepts(&headers, coding)
        };
        for list in ["gzip", "deflate, GZIP", "br;q=1.0, gzip;q=0.8", "gzip; q=0.001", "gzip;Q=1"] {
            assert!(accepts(list, "gzip"), "{list}");
            assert!(!accepts(list, "zstd"), "{list}");
        }
        for list in ["", "identity", "*", "gzip;q=0", "gzip; q=0.000", "x-gzip"] {
            assert!(!accepts(list, "gzip"), "{list}");
        }
        assert!(!super::accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn one_range_is_given_and_whatever_else_is_asked_is_the_whole() {
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=90-400", Asked::Part(90..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-100", Asked::Part(0..100)),
            ("bytes=-99999999999", Asked::Part(0..100)),
            ("bytes=100-", Asked::Outside),
            ("bytes=0-1,5-6", Asked::All),
            ("rows=0-1", Asked::All),
            ("bytes=x", Asked::All),
        ] {
            assert_eq!(asked(range, None), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-0", Some("\"other\"")), Asked::All);
        assert_eq!(asked_range(&HeaderMap::new(), &Tag::of(b"x"), 100), Asked::All);
    }
}
