//! Cost Details reports: asynchronous jobs that turn a question into CSV blobs, and the signed links to them.
//!
//! A report is pinned to the lake version of its POST, survives a restart, and is written in bounded memory. The same
//! question over the same files reuses finished blobs. Every question carries a permit.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod collect;
mod error;
mod links;
mod question;
mod service;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

pub use collect::CollectedReports;
pub use error::ReportError;
pub use links::{BlobLink, LinkError, LinkSigner};
pub use question::{AsOf, Question};
pub use service::{Blob, BlobStream, Outcome, Poll, ReportSettings, Reports, Status};
pub use worker::Workers;
