//! The domain from outside: worked examples and properties.

#![allow(clippy::unwrap_used, missing_docs)]

mod identities;
