//! Files of reports, given out by signed link and without any other credential.

use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
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
    if is_packable(call) {
        for (codec, coding) in codings(headers) {
            if let Some(frames) = call.state.reports.packed_blob(&blob, codec).await? {
                let tag = Tag::of(format!("{job}/{name}.{codec}").as_bytes());
                return Ok(varying(tag.answer(headers, || packed(job, coding, frames))));
            }
        }
    }
    let mut response = varying(Response::new(Body::empty()));
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
    response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if call.parts.method != Method::HEAD {
        let job = job.to_owned();
        let chunks = blob.chunks(range).await?.inspect_err(move |error| {
            tracing::error!(report.id = %job, %error, "report {job}: cannot go on reading a blob: {error}");
        });
        *response.body_mut() = Body::from_stream(chunks);
    }
    Ok(varying(tag.answer(&call.parts.headers, || response)))
}

/// Whether a blob may go out in packed form: not where its length counts, which nobody knows then, for ranges or to tell a
/// whole body from one that broke off.
fn is_packable(call: &Call<'_>) -> bool {
    let headers = &call.parts.headers;
    let names_range = headers.contains_key(AZURE_RANGE) || headers.contains_key(header::RANGE);
    let tells_its_end = call.parts.version > Version::HTTP_10;
    call.state.settings.compress && call.parts.method == Method::GET && tells_its_end && !names_range
}

/// An answer of which there are several forms.
fn varying(mut response: Response) -> Response {
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// A blob in packed form.
fn packed(
    job: &str,
    coding: &'static str,
    frames: impl Stream<Item = Result<Bytes, ReportError>> + Send + 'static,
) -> Response {
    let job = job.to_owned();
    let frames = frames.inspect_err(move |error| {
        tracing::error!(report.id = %job, %error, "report {job}: cannot go on packing a blob: {error}");
    });
    let mut response = Response::new(Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv"));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    response
}

/// The codings that a request names, the wanted ones first and those that it wants less than none left out (RFC 9110, section
/// 12.5.3). `*` is not taken for a wish.
fn codings(headers: &HeaderMap) -> Vec<(Codec, &'static str)> {
    let weight = |coding| weight(headers, coding);
    let plain = weight("identity").unwrap_or_default();
    let mut named: Vec<_> = CODINGS
        .into_iter()
        .filter_map(|one| Some((weight(one.1)?, one)))
        .filter(|(own, _)| *own > 0 && *own >= plain)
        .collect();
    named.sort_by_key(|(own, _)| std::cmp::Reverse(*own));
    named.into_iter().map(|(_, one)| one).collect()
}

/// The weight of a coding in thousandths; `None` if the request does not name it, or not as it would have to.
fn weight(headers: &HeaderMap, coding: &str) -> Option<u16> {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let mut items = lists.flat_map(|list| list.split(',')).map(|item| item.split_once(';').unwrap_or((item, "q=1")));
    let (_, weight) = items.find(|(name, _)| name.trim().eq_ignore_ascii_case(coding))?;
    let (name, value) = weight.trim().split_once('=')?;
    name.eq_ignore_ascii_case("q").then(|| thousandths(value)).flatten()
}

/// A weight: `0` or `1` with at most three more digits, 1 at most.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: u16 = if are_digits { format!("{fraction:0<3}").parse().ok()? } else { return None };
    match (whole, fraction) {
        ("0", _) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
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
    fn codings_are_wanted_by_name_and_weight() {
        let wanted = |list: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(list).unwrap());
            codings(&headers).into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(" ")
        };
        for (list, expected) in [
            ("gzip", "gzip"),
            ("deflate, GZIP", "gzip"),
            ("gzip, deflate, br, zstd", "zstd gzip"),
            ("gzip;q=0.5, zstd;q=0.1", "gzip zstd"),
            ("br;q=1.0, gzip; q=0.001", "gzip"),
            ("gzip;Q=1.000", "gzip"),
            ("identity;q=1, gzip;q=0.1", ""),
            ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("gzip;q=0", ""),
            ("gzip; q=0.000", ""),
            ("gzip;q=-1", ""),
            ("gzip;q=1.001", ""),
            ("gzip;q=1e-9", ""),
            ("gzip;q=0.0001", ""),
            ("gzip;q", ""),
            ("x-gzip, *", ""),
            ("", ""),
        ] {
            assert_eq!(wanted(list), expected, "{list}");
        }
        assert!(codings(&HeaderMap::new()).is_empty());
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
