//! Answers in pages (DESIGN section 6, "Page"): each page of a walk is read from the snapshot of its first one, at the
//! same cost at any depth, whatever is imported meanwhile.
//!
//! A token names the snapshot, the position and the question, and is authenticated. What the caller may read is judged
//! anew at every page: a walk that may show more than its caller may read by now ends.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod derived;
mod error;
mod question;
mod reservations;
mod shares;
mod sheets;
#[cfg(test)]
mod tests;
mod walk;

pub use error::PageError;
pub use question::PageQuestion;
pub use reservations::{ReservationAnswer, ReservationQuestion, SheetItem};
pub use sheets::SHEET_ROWS_MAX;
pub use walk::{Groups, Pages, RowsPage, TagsPage, Walk};
