//! The HTTP face of a store: one module per API generation over one set of conventions.
//!
//! [`router`] answers everything. A request is taken through the same steps whatever it asks: its path is split into
//! decoded segments and looked up in one table, its credential makes a caller, its handler parses, asks for a permit,
//! asks the domain and renders. Every error body is made in one place, and every answer carries the common headers of
//! Azure Resource Manager. Nothing here computes: rows and sums belong to the crates below.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod arm;
mod balance_members;
mod billing_accounts;
mod billing_periods;
mod blobs;
mod clock;
mod consumption;
mod cost_details;
mod dispatch;
mod enterprise_reporting;
mod health;
mod held;
mod login;
mod metrics;
mod month_limit;
mod native;
mod operations;
mod prices;
mod proxies;
mod refusals;
mod resource_manager;
mod routes;
mod sheet_files;
mod sheet_rows;
mod state;

pub use address::{PublicUrl, PublicUrlError, Scheme};
pub use clock::{Clock, ClockError};
pub use dispatch::{Answered, router};
pub use metrics::{Exposition, MetricsSource};
pub use native::{Intake, UsageNews};
pub use proxies::{Network, NetworkError, TrustedProxies};
pub use state::{ApiSettings, ApiState};
