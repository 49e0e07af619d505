//! Sample cost exports: real ones, bundled, and generated ones of any size.
//!
//! [`bundled`] holds small published exports byte for byte, with their known totals. [`generator`] writes exports of an
//! invented enrollment month by month, for demonstrations, benchmarks and tests that need more rows than anyone
//! publishes. [`native`] writes the documents of an invented native enrollment: hierarchy, prices, orders and metered
//! usage, to be billed here; [`example`] a small one of them to begin with, explained. The crate promises that the same
//! options give the same bytes and that every total it states is exact; it uses no binary floating point, no clock and no
//! randomness but the seed it is given.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod bundled;
pub mod example;
pub mod generator;
pub mod native;
