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
mod dated_outside;
mod detailed_cost;
mod enterprise_usage;
mod examples;
mod held_status;
mod log;
mod login;
mod marketplaces;
mod metrics;
mod native;
mod native_usage;
mod operations;
mod paging;
mod permissions;
mod reach;
mod real_rows;
mod replay;
mod request_log;
mod sheets;
mod start;
mod subscriptions;
mod tags;
mod token;
mod usage_details;
mod usage_report;
mod world;
