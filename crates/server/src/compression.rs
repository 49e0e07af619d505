//! Compressing answers on their way, for clients that accept it (RFC 9110, section 12.5.3).
//!
//! Blobs are not among them: they are put together of finished frames, or sent as they are, so that a range of one is a range
//! of its text. Neither are answers that must not be stored, because they hold a credential.

use axum::Router;
use axum::http::{HeaderValue, Response, header};
use axum::middleware::map_response;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};

/// Shorter answers fit into a packet or two anyway.
const BYTES_MIN: u16 = 1024;

/// Compresses what the router answers.
pub(crate) fn compressed(router: Router) -> Router {
    let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
    router
        .layer(map_response(mark))
        .layer(layer.compress_when(SizeAbove::new(BYTES_MIN).and(Compressible)))
        .layer(map_response(weaken))
}

/// Says of an answer that it has its own coding and tag.
#[derive(Debug, Clone, Copy)]
struct OwnCoding;

async fn mark<B>(mut response: Response<B>) -> Response<B> {
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        response.extensions_mut().insert(OwnCoding);
    }
    response
}

#[derive(Debug, Clone, Copy)]
struct Compressible;

impl Predicate for Compressible {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &Response<B>) -> bool {
        let headers = response.headers();
        let is_text = |kind: &HeaderValue| {
            let kind = kind.as_bytes();
            kind.starts_with(b"application/json") || kind.starts_with(b"text/")
        };
        let is_secret = |control: &HeaderValue| control.to_str().is_ok_and(|text| text.contains("no-store"));
        headers.get(header::CONTENT_TYPE).is_some_and(is_text)
            && !headers.contains_key(header::ACCEPT_RANGES)
            && !headers.get_all(header::CACHE_CONTROL).iter().any(is_secret)
    }
}

/// A tag says of a compressed answer that its text is the same, not its bytes.
async fn weaken<B>(mut response: Response<B>) -> Response<B> {
    let is_own = response.extensions().get::<OwnCoding>().is_some();
    let headers = response.headers_mut();
    // A 304 stands for an answer that may have been compressed.
    if headers.contains_key(header::ETAG) {
        headers.entry(header::VARY).or_insert(HeaderValue::from_static("accept-encoding"));
    }
    if !is_own
        && headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{}", tag.trim_start_matches("W/")))
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn text_is_compressed_but_no_credential_and_no_blob() {
        let of = |headers: &[(&str, &str)]| {
            let builder =
                headers.iter().fold(Response::builder(), |builder, (name, value)| builder.header(*name, *value));
            Compressible.should_compress(&builder.body(Body::empty()).unwrap())
        };
        let json = ("content-type", "application/json; odata.metadata=none");
        assert!(of(&[json]));
        assert!(of(&[("content-type", "text/csv"), ("cache-control", "no-cache")]));
        assert!(!of(&[json, ("cache-control", "no-store")]));
        assert!(!of(&[("content-type", "text/csv"), ("accept-ranges", "bytes")]));
        assert!(!of(&[("content-type", "application/octet-stream")]));
        assert!(!of(&[]));
    }

    #[tokio::test]
    async fn tags_of_compressed_answers_are_weak() {
        for (encoding, tag, expected) in
            [(Some("gzip"), "\"a\"", "W/\"a\""), (Some("gzip"), "W/\"a\"", "W/\"a\""), (None, "\"a\"", "\"a\"")]
        {
            let mut response = Response::builder().header("etag", tag).body(()).unwrap();
            if let Some(encoding) = encoding {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
            }
            assert_eq!(weaken(response).await.headers()["etag"], expected);
        }
        let own = Response::builder().header("etag", "\"a\"").header("content-encoding", "gzip").body(()).unwrap();
        let own = weaken(mark(own).await).await;
        assert_eq!(own.headers()["etag"], "\"a\"");
        assert_eq!(own.headers()["vary"], "accept-encoding");
    }
}
