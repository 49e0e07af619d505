//! `$skiptoken`: where the next page begins (DESIGN section 6, "Page").
//!
//! A token pins a snapshot, a place in it and the question it was made for. It is binary, authenticated with HMAC-SHA-256
//! and written in base64url without padding: letters, digits, `-` and `_`, which no client escapes in an address. It is
//! not secret: whoever holds it can read it, nobody but the holder of the secret can make or change one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calendar::{BillingPeriod, Date, DateRange};
use hmac::{Hmac, KeyInit, Mac};
use ledger::Window;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Size of the secret that authenticates tokens.
pub const SECRET_BYTES: usize = 32;
/// The longest text that is decoded; a token of this version has 104 characters.
pub const TOKEN_BYTES_MAX: usize = 512;

/// Version of the binary form, its first byte; a change of the form makes a new one.
const VERSION: u8 = 1;
/// What the code is made over begins with this, so that no other code made with the same secret fits.
const PURPOSE: &[u8] = b"lazurite skiptoken\n";
/// Version, snapshot, window, file, row, shares, question.
const BODY_BYTES: usize = 1 + 8 + WINDOW_BYTES + 4 + 8 + 16 + 16;
/// Kind and two numbers.
const WINDOW_BYTES: usize = 1 + 4 + 4;
/// Half of the code: 2^128 guesses are enough.
const CODE_BYTES: usize = 16;

const KIND_PERIOD: u8 = 0;
const KIND_DATES: u8 = 1;

/// Where the next page of an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageToken {
    /// The version of the store that all pages are read from.
    pub snapshot: u64,
    /// The time that the question is about, as it was resolved for the first page: "current period" must not move.
    pub window: Window,
    /// The file, by its place in the order of the answer.
    pub file: u32,
    /// The first row of the next page, within the file.
    pub row: u64,
    /// Digest of what the caller was allowed to read.
    pub shares: [u8; 16],
    /// Digest of the rest of the question.
    pub question: [u8; 16],
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The text is none that this program writes.
    #[error("$skiptoken is not one of this server's; follow nextLink as it came")]
    Malformed,
    /// The token was made by another version of this program.
    #[error("$skiptoken has version {found}, and this server reads version {VERSION}; ask again from the first page")]
    OtherVersion {
        /// The token's version.
        found: u8,
    },
    /// The token's code does not fit it.
    #[error("$skiptoken was altered or comes from another server; follow nextLink as it came")]
    Altered,
}

impl PageToken {
    /// The token as text, authenticated.
    pub fn seal(&self, secret: &[u8; SECRET_BYTES]) -> String {
        let mut bytes = Vec::with_capacity(BODY_BYTES + CODE_BYTES);
        bytes.push(VERSION);
        bytes.extend(self.snapshot.to_be_bytes());
        bytes.extend(window_bytes(self.window));
        bytes.extend(self.file.to_be_bytes());
        bytes.extend(self.row.to_be_bytes());
        bytes.extend(self.shares);
        bytes.extend(self.question);
        assert_eq!(bytes.len(), BODY_BYTES, "the body of a token has one size");
        bytes.extend(code(&bytes, secret));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token that [`PageToken::seal`] made with the same secret.
    ///
    /// # Errors
    /// [`TokenError`] for every other text.
    pub fn open(text: &str, secret: &[u8; SECRET_BYTES]) -> Result<Self, TokenError> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)?;
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&found) => return Err(TokenError::OtherVersion { found }),
            None => return Err(TokenError::Malformed),
        }
        let (body, found) = bytes.split_first_chunk::<BODY_BYTES>().ok_or(TokenError::Malformed)?;
        let found: &[u8; CODE_BYTES] = found.try_into().map_err(|_| TokenError::Malformed)?;
        let fits: bool = code(body, secret).ct_eq(found).into();
        if !fits {
            return Err(TokenError::Altered);
        }
        Self::read(body).ok_or(TokenError::Malformed)
    }

    /// Reads an authenticated body; `None` for one that [`PageToken::seal`] cannot have made.
    fn read(body: &[u8; BODY_BYTES]) -> Option<Self> {
        let (_version, rest) = body.split_first()?;
        let (snapshot, rest) = rest.split_first_chunk()?;
        let (window, rest) = rest.split_first_chunk()?;
        let (file, rest) = rest.split_first_chunk()?;
        let (row, rest) = rest.split_first_chunk()?;
        let (shares, rest) = rest.split_first_chunk()?;
        Some(Self {
            snapshot: u64::from_be_bytes(*snapshot),
            window: read_window(*window)?,
            file: u32::from_be_bytes(*file),
            row: u64::from_be_bytes(*row),
            shares: *shares,
            question: rest.try_into().ok()?,
        })
    }
}

fn code(body: &[u8], secret: &[u8; SECRET_BYTES]) -> [u8; CODE_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(PURPOSE);
    mac.update(body);
    let code: [u8; 32] = mac.finalize().into_bytes().into();
    let (kept, _) = code.split_first_chunk().expect("SHA-256 has more bytes than are kept");
    *kept
}

fn window_bytes(window: Window) -> [u8; WINDOW_BYTES] {
    let (kind, first, second) = match window {
        Window::Period(period) => (KIND_PERIOD, i32::from(period.year()), i32::from(period.month())),
        Window::Dates(dates) => (KIND_DATES, dates.start().days(), dates.end().days()),
    };
    let mut bytes = [kind; WINDOW_BYTES];
    bytes[1..5].copy_from_slice(&first.to_be_bytes());
    bytes[5..].copy_from_slice(&second.to_be_bytes());
    bytes
}

fn read_window([kind, a, b, c, d, e, f, g, h]: [u8; WINDOW_BYTES]) -> Option<Window> {
    let (first, second) = (i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]));
    match kind {
        KIND_PERIOD => {
            let (year, month) = (u16::try_from(first).ok()?, u8::try_from(second).ok()?);
            BillingPeriod::new(year, month).ok().map(Window::Period)
        }
        KIND_DATES => {
            let (start, end) = (Date::from_days(first).ok()?, Date::from_days(second).ok()?);
            DateRange::inclusive(start, end).ok().map(Window::Dates)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: [u8; SECRET_BYTES] = [7; SECRET_BYTES];

    fn token() -> PageToken {
        PageToken {
            snapshot: 12,
            window: Window::Period("202309".parse().unwrap()),
            file: 3,
            row: 4000,
            shares: [1; 16],
            question: [2; 16],
        }
    }

    fn any_window() -> impl Strategy<Value = Window> {
        let day = Date::MIN.days()..=Date::MAX.days();
        let dates = (day.clone(), day).prop_map(|(one, other)| {
            let (start, end) = (Date::from_days(one.min(other)).unwrap(), Date::from_days(one.max(other)).unwrap());
            Window::Dates(DateRange::inclusive(start, end).unwrap())
        });
        let period = (1900u16..=9999, 1u8..=12)
            .prop_map(|(year, month)| Window::Period(BillingPeriod::new(year, month).unwrap()));
        prop_oneof![dates, period]
    }

    fn any_token() -> impl Strategy<Value = PageToken> {
        (any::<u64>(), any_window(), any::<u32>(), any::<u64>(), any::<[u8; 16]>(), any::<[u8; 16]>()).prop_map(
            |(snapshot, window, file, row, shares, question)| PageToken {
                snapshot,
                window,
                file,
                row,
                shares,
                question,
            },
        )
    }

    /// A text with a right code over any body.
    fn forged(body: &[u8]) -> String {
        let mut bytes = body.to_vec();
        bytes.extend(code(body, &SECRET));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn this_version_is_read_forever() {
        // Made by a program of its own, in another language, from the description above.
        let text = "AQAAAAAAAAAMAAAAB-cAAAAJAAAAAwAAAAAAAA-gAQEBAQEBAQEB\
                    AQEBAQEBAQICAgICAgICAgICAgICAgIR4Uqsj7FfrTg75tGP7g5s";
        assert_eq!(token().seal(&SECRET), text);
        assert_eq!(PageToken::open(text, &SECRET), Ok(token()));
    }

    #[test]
    fn tokens_of_other_versions_say_so() {
        for found in [0, 2, 255] {
            let mut body = URL_SAFE_NO_PAD.decode(token().seal(&SECRET)).unwrap();
            body.truncate(BODY_BYTES);
            body[0] = found;
            let expected = Err(TokenError::OtherVersion { found });
            assert_eq!(PageToken::open(&forged(&body), &SECRET), expected);
            body.truncate(20);
            assert_eq!(PageToken::open(&forged(&body), &SECRET), expected);
        }
        let message = TokenError::OtherVersion { found: 2 }.to_string();
        assert!(message.contains("has version 2") && message.contains("reads version 1"), "{message}");
    }

    #[test]
    fn texts_that_are_no_tokens_are_refused() {
        let right = token().seal(&SECRET);
        let long = right.repeat(10);
        let altered = right.replace('A', "a");
        for (text, expected) in [
            ("", TokenError::Malformed),
            ("A", TokenError::Malformed),
            ("AQ==", TokenError::Malformed),
            ("AQ", TokenError::Malformed),
            ("1|10|10|False|True|0", TokenError::Malformed),
            (&right[..right.len() - 4], TokenError::Malformed),
            (&format!("{right}AAAA"), TokenError::Malformed),
            (&format!("{right}="), TokenError::Malformed),
            (&format!(" {right}"), TokenError::Malformed),
            (&long, TokenError::Malformed),
            (&format!("AQ{}", &altered[2..]), TokenError::Altered),
        ] {
            assert_eq!(PageToken::open(text, &SECRET), Err(expected), "{text}");
        }
    }

    #[test]
    fn no_long_text_is_decoded() {
        let of_another_version = |size: usize| "_".repeat(size);
        let open = |size| PageToken::open(&of_another_version(size), &SECRET);
        assert_eq!(open(TOKEN_BYTES_MAX), Err(TokenError::OtherVersion { found: 255 }));
        assert_eq!(open(TOKEN_BYTES_MAX + 4), Err(TokenError::Malformed));
    }

    #[test]
    fn an_authentic_body_that_says_nothing_is_refused() {
        let right = URL_SAFE_NO_PAD.decode(token().seal(&SECRET)).unwrap();
        let window = 9..18;
        for (kind, first, second) in [(2, 0, 0), (KIND_PERIOD, 2023, 13), (KIND_PERIOD, -1, 1), (KIND_DATES, 2, 1)] {
            let mut body = right[..BODY_BYTES].to_vec();
            let (first, second): (i32, i32) = (first, second);
            let bytes = [&[kind][..], &first.to_be_bytes(), &second.to_be_bytes()].concat();
            body.splice(window.clone(), bytes);
            assert_eq!(PageToken::open(&forged(&body), &SECRET), Err(TokenError::Malformed));
        }
    }

    proptest! {
        // One case tries some 7500 texts.
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn a_token_with_any_other_character_is_refused(token in any_token(), other in any::<char>()) {
            let text = token.seal(&SECRET);
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=%. ";
            for (position, own) in text.char_indices() {
                for replacement in alphabet.chars().chain([other]).filter(|&replacement| replacement != own) {
                    let altered = format!("{}{replacement}{}", &text[..position], &text[position + 1..]);
                    prop_assert!(PageToken::open(&altered, &SECRET).is_err(), "{} at {}", altered, position);
                }
                let shorter = format!("{}{}", &text[..position], &text[position + 1..]);
                prop_assert!(PageToken::open(&shorter, &SECRET).is_err());
                let longer = format!("{}{other}{}", &text[..position], &text[position..]);
                prop_assert!(PageToken::open(&longer, &SECRET).is_err());
            }
        }
    }

    proptest! {
        #[test]
        fn tokens_open_to_what_was_sealed(token in any_token(), secret in any::<[u8; SECRET_BYTES]>()) {
            let text = token.seal(&secret);
            prop_assert_eq!(PageToken::open(&text, &secret), Ok(token));
            prop_assert!(text.len() == 104 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            let mut other = secret;
            other[0] ^= 1;
            prop_assert_eq!(PageToken::open(&text, &other), Err(TokenError::Altered));
        }
    }
}
