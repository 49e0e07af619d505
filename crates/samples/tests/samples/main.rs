//! What the crate promises of its files, checked on parsed text with arithmetic of the tests' own.

mod bundled;
mod csv;
mod decimal;
mod generator;
mod layout;
mod native;
