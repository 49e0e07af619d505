//! Reports: asynchronous jobs that turn a question into CSV blobs, and the signed links to them. Each API that has such
//! jobs has a kind of its own.
//!
//! A report is pinned to the lake version of its POST, survives a restart, and is written in bounded memory. The same
//! question over the same files reuses finished blobs. Every question carries a permit.

#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(test)]
mod answer_tests;
mod blob;
mod codec;
mod collect;
mod direct;
mod error;
mod files;
mod links;
mod ordered;
mod packed;
mod question;
mod segment;
mod segments;
mod service;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

pub use blob::BlobContent;
pub use codec::{Codec, UnknownCodec};
pub use collect::CollectedReports;
pub use direct::DirectAnswer;
pub use error::ReportError;
pub use files::LinkedFile;
pub use links::{BlobLink, LinkError, LinkSigner};
pub use question::{AsOf, Question, ReportForm, ReportKind};
pub use segments::SegmentSettings;
pub use service::{Blob, LinkEnd, Report, ReportSettings, Reports, Status};
pub use worker::Workers;
