//! A real server on loopback over a real store, asked through HTTP.

#![allow(clippy::unwrap_used)]

mod agreement;
mod balances;
mod billing_accounts;
mod billing_periods;
mod blobs;
mod certificates;
mod charge_summaries;
mod charges;
mod conventions;
mod cost_details;
mod enterprise_usage;
mod examples;
mod log;
mod login;
mod metrics;
mod native;
mod native_usage;
mod paging;
mod permissions;
mod reach;
mod real_rows;
mod replay;
mod request_log;
mod start;
mod subscriptions;
mod token;
mod usage_details;
mod world;
