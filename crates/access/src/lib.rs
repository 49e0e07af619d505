//! Who may read what: API keys, the callers they make, and the [`Permit`] without which no charge is read.
//!
//! A permit is a value that only this crate can make. Code that reads charges asks for one in its signature, so a
//! missing check does not compile.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod keys;
mod oidc;
mod permit;
mod secret;
mod tokens;

pub use keys::{AuthError, Caller, IssuedKey, authenticate, issue_key};
pub use oidc::{Identity, IssuerSettings, IssuerSettingsError, Issuers};
pub use permit::{Permit, Refusal, permit};
pub use secret::{Secret, random_bytes};
pub use tokens::{IssuedToken, LocalIssuer, TokenError};
