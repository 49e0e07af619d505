//! The serving process: settings, certificates, listeners, the request log, metrics, start and stop.
//!
//! [`Server::start`] opens a store and answers on HTTP and HTTPS; [`RunningServer::shutdown`] gives everything back in
//! bounded time. Setting up the log's output and reacting to signals belong to the program.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod billing_clock;
mod compression;
mod connections;
mod error;
mod exchange;
mod listener;
mod metrics;
mod server;
mod settings;
mod tls;

pub use billing_clock::{BillSwitch, BillSwitchError};
pub use error::ServerError;
pub use server::{RunningServer, Server};
pub use settings::{Overrides, Settings};
pub use tls::{TlsFiles, install_crypto_provider};
