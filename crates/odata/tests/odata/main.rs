//! What the crate promises of any text, checked on the texts that fuzzing found worth keeping.

#![allow(clippy::unwrap_used)]

mod checks;
mod corpus;
