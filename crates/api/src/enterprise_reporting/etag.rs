//! Answers that a client may have already: each has an `ETag`, and one that the client names in `If-None-Match` is a 304
//! without body.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::arm::{ApiError, json};

/// Digits of a SHA-256 that an ETag has: 128 bits.
const ETAG_DIGITS: usize = 32;

/// The answer with a JSON body, or a 304 if the client has it. Equal bodies have equal tags, on every server.
pub(super) fn tagged(request: &HeaderMap, body: &impl Serialize) -> Result<Response, ApiError> {
    let text = serde_json::to_vec(body)?;
    let tag = tag_of(&text);
    let has_it = request.get_all(header::IF_NONE_MATCH).iter().any(|list| names(list, &tag));
    let mut response = if has_it {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = json(StatusCode::OK, &());
        *response.body_mut() = Body::from(text);
        response
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

fn tag_of(text: &[u8]) -> String {
    let hash = hex::encode(Sha256::digest(text));
    format!("\"{}\"", &hash[..ETAG_DIGITS])
}

/// Whether a list of tags has one in it. They compare weakly, as RFC 9110 says for `If-None-Match`.
fn names(list: &HeaderValue, tag: &str) -> bool {
    let Ok(list) = list.to_str() else { return false };
    list.split(',').map(str::trim).any(|own| own == "*" || own.strip_prefix("W/").unwrap_or(own) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_a_tag_whatever_else_it_names() {
        let tag = tag_of(b"x");
        assert_eq!(tag.len(), ETAG_DIGITS + 2);
        assert_ne!(tag, tag_of(b"y"));
        for list in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag},\"b\""), "*".to_owned()] {
            assert!(names(&HeaderValue::from_str(&list).unwrap(), &tag), "{list}");
        }
        for list in ["", "\"\"", "\"a\"", tag.trim_matches('"')] {
            assert!(!names(&HeaderValue::from_str(list).unwrap(), &tag), "{list}");
        }
    }
}
