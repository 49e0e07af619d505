//! The importer against a real store on disk.

#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod balances;
mod compact;
mod crashes;
mod filtered_pages;
mod focus;
mod marketplace;
mod orphans;
mod pages;
mod parquet;
mod partition;
mod prune;
mod replace;
mod round_trip;
mod scopes;
mod sheets;
mod support;
mod totals;
