//! Request bodies, read within limits of size and time.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::ApiError;

/// Longest body of a request; the longest sensible one has some hundred bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// A body within the limit takes far less on any line.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// How much of a refused body is thrown away, so that a client that sends before it listens hears the refusal. Closing
/// at once would reset the connection under it.
const DRAIN_BYTES_MAX: u64 = 256 << 20;
/// And for how long.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Form,
}

impl Format {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// The whole text of a body; empty if there is none.
pub(crate) async fn read_body(headers: &HeaderMap, body: &mut Body, format: Format) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::TooLarge { bytes_max: BODY_BYTES_MAX };
    // Known from Content-Length; a chunked body has no upper size and is judged while it comes in.
    let announced = body.size_hint();
    if announced.exact() == Some(0) {
        return Ok(Vec::new());
    }
    if announced.lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    if !allows(headers, format) {
        return Err(ApiError::UnsupportedMediaType { expected: format });
    }
    let read = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| ApiError::BadRequest("The request body ended early.".to_owned()))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    tokio::time::timeout(BODY_TIME_MAX, read).await.unwrap_or(Err(ApiError::RequestTimeout))
}

/// Whether the headers allow a body of the format: its media type, with a charset or without, or no word about it.
fn allows(headers: &HeaderMap, format: Format) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let charset = |part: &str| part.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("charset"));
    media_type.eq_ignore_ascii_case(format.media_type()) && parts.all(|part| part.is_empty() || charset(part))
}

/// Throws away what is left of a body, within limits, while the answer is already on its way.
pub(crate) fn drain(headers: &HeaderMap, mut body: Body) {
    // Who asked first was not told to go on, and sends nothing.
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(tokio::time::timeout(DRAIN_TIME_MAX, async move {
        let mut drained = 0;
        while drained < DRAIN_BYTES_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            drained += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json_and_only_a_form_a_form() {
        let is = |format, value: &str| {
            allows(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]), format)
        };
        assert!(allows(&HeaderMap::new(), Format::Json) && allows(&HeaderMap::new(), Format::Form));
        for value in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\";"] {
            assert!(is(Format::Json, value) && !is(Format::Form, value), "{value}");
        }
        for value in ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=utf-8"] {
            assert!(is(Format::Form, value) && !is(Format::Json, value), "{value}");
        }
        for value in ["text/json", "application/json-patch+json", "application/json; odata=verbose", "", "text/plain"] {
            assert!(!is(Format::Json, value) && !is(Format::Form, value), "{value}");
        }
    }
}
