//! A real server on loopback over a real store, asked through HTTP.

#![allow(clippy::unwrap_used)]

mod balances;
mod blobs;
mod certificates;
mod conventions;
mod cost_details;
mod examples;
mod log;
mod login;
mod metrics;
mod permissions;
mod reach;
mod real_rows;
mod request_log;
mod start;
mod subscriptions;
mod token;
mod usage_details;
mod world;
