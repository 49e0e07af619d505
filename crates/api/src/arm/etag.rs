//! Answers that a client may have already: each has an `ETag`, and one that the client names in `If-None-Match` is a 304
//! without body.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ApiError, json};

/// Digits of a SHA-256 that an ETag has: 128 bits.
const ETAG_DIGITS: usize = 32;

/// The answer with a JSON body, or a 304 if the client has it. Equal bodies have equal tags, on every server.
pub(crate) fn tagged(request: &HeaderMap, body: &impl Serialize) -> Result<Response, ApiError> {
    Ok(tagged_text(request, serde_json::to_vec(body)?))
}

/// The same with the text of the body.
pub(crate) fn tagged_text(request: &HeaderMap, text: Vec<u8>) -> Response {
    let tag = Tag::of(&text);
    tag.answer(request, || {
        let mut response = json(StatusCode::OK, &());
        *response.body_mut() = Body::from(text);
        response
    })
}

/// What identifies an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of a text that is equal for equal answers only.
    pub(crate) fn of(text: &[u8]) -> Self {
        let hash = hex::encode(Sha256::digest(text));
        Self(format!("\"{}\"", &hash[..ETAG_DIGITS]))
    }

    /// The tag in its quotes.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a header's value is this tag and no weak one.
    pub(crate) fn is(&self, value: &HeaderValue) -> bool {
        value.as_bytes() == self.0.as_bytes()
    }

    /// The answer under its tag, or a 304 if the client has it; then the answer is not made.
    pub(crate) fn answer(&self, request: &HeaderMap, make: impl FnOnce() -> Response) -> Response {
        let has_it = request.get_all(header::IF_NONE_MATCH).iter().any(|list| names(list, &self.0));
        let mut response = if has_it {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            make()
        };
        if let Ok(tag) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
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
        let tag = Tag::of(b"x").0;
        assert_eq!(tag.len(), ETAG_DIGITS + 2);
        assert_ne!(tag, Tag::of(b"y").0);
        for list in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag},\"b\""), "*".to_owned()] {
            assert!(names(&HeaderValue::from_str(&list).unwrap(), &tag), "{list}");
        }
        for list in ["", "\"\"", "\"a\"", tag.trim_matches('"')] {
            assert!(!names(&HeaderValue::from_str(list).unwrap(), &tag), "{list}");
        }
    }
}
