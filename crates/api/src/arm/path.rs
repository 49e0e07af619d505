//! Paths as clients spell them: percent-encoded or not, with doubled slashes or a slash at the end.

use super::ApiError;

/// Most segments of a path; the longest route has about twelve.
const SEGMENTS_MAX: usize = 32;

/// The decoded segments of a path. An encoded slash separates segments too: some clients encode a whole scope.
pub(crate) fn segments(path: &str) -> Result<Vec<String>, ApiError> {
    let wrong = |what: &str| ApiError::BadRequest(format!("The path of the request {what}."));
    let path = decode(path).ok_or_else(|| wrong("is not percent-encoded UTF-8"))?;
    if path.chars().any(char::is_control) {
        return Err(wrong("contains control characters"));
    }
    let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if segments.len() > SEGMENTS_MAX {
        return Err(wrong("has too many segments"));
    }
    Ok(segments)
}

/// Undoes percent-encoding; `None` for broken sequences and for what is not UTF-8 afterwards.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            decoded.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_gives_the_same_segments() {
        for path in ["/a/b c/d", "//a//b%20c/d/", "a/b%20c/d", "/a%2Fb%20c%2fd"] {
            assert_eq!(segments(path).unwrap(), ["a", "b c", "d"], "{path}");
        }
        assert!(segments("/").unwrap().is_empty());
        // Decoded once only.
        assert_eq!(segments("/%2541").unwrap(), ["%41"]);
    }

    #[test]
    fn broken_paths_are_refused() {
        for path in ["/%", "/%4", "/%zz", "/%ff", "/a%00b", &"/a".repeat(33)] {
            assert!(segments(path).is_err(), "{path}");
        }
    }
}
