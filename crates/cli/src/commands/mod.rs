//! One module per command.

pub(crate) mod demo;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod report;
pub(crate) mod sample;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod verify;
