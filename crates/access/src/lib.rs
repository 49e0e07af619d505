//! Who may read what: API keys and tokens, the callers they make, their roles, and the permits without which no
//! charge ([`Permit`]) and no balance ([`BalancePermit`]) is read.
//!
//! A permit is a value that only this crate can make. Code that reads charges asks for one in its signature, so a
//! missing check does not compile.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod auth;
mod balance;
mod caller;
mod keys;
mod native;
mod oidc;
mod permit;
mod prices;
mod role;
mod secret;
mod tokens;
mod visible;

pub use auth::{AuthError, Authenticator};
pub use balance::{BalancePermit, PeriodsPermit, permit_balance, permit_periods};
pub use caller::{Assignment, Caller};
pub use keys::{IssuedKey, KeyError, KeyHolder, issue_key, revoke_key, rotate_key};
pub use native::{BillingStatusPermit, UsagePermit, permit_billing_status, permit_usage};
pub use oidc::{IssuerSettings, IssuerSettingsError, Issuers};
pub use permit::{Disabled, Permit, Refusal, permit, permit_again, permit_part};
pub use prices::{PricePermit, permit_prices};
pub use role::{Level, Role, RoleError};
pub use secret::{Secret, random_bytes};
pub use tokens::IssuedToken;
pub use visible::{VisibleEnrollment, VisibleNode, VisibleSubscription, visible_enrollments, visible_subscriptions};
