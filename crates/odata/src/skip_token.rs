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
