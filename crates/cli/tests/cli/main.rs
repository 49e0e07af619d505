//! The program as scripts use it: the contract of commands, JSON objects and exit codes.

#![allow(clippy::unwrap_used, missing_docs)]

mod balances;
mod bill;
mod commands;
#[cfg(unix)]
mod crashes;
mod demo;
mod enrollment;
mod explain;
mod hosts;
mod pages;
mod program;
mod reports;
mod sheets;
mod status_days;
mod time_zones;
