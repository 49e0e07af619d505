//! Native input and billing runs over a real store in a temporary folder.

#![allow(clippy::unwrap_used)]

mod boundaries;
mod documents;
mod examples;
mod healing;
mod runs;
mod support;
mod usage;
mod year;
