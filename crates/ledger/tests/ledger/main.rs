//! The domain from outside: worked examples and properties.

#![allow(clippy::unwrap_used, missing_docs)]

// The name that every other crate knows it by.
extern crate lazurite_ledger as ledger;

mod identities;
mod properties;
