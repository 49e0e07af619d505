//! Paths of our own, which the original does not have: sending usage of native enrollments, and how their billing stands.
//!
//! Nothing is judged or billed here: batches go to the application of native billing, and whoever bills hears that there
//! is something new.

mod intake;
mod news;
mod periods;
mod refusal;
mod upload;
mod usage;

pub use intake::Intake;
pub use news::UsageNews;
pub(crate) use periods::periods;
pub(crate) use refusal::{RefusalDetail, UsageRefusal};
pub(crate) use usage::post_usage;
