//! Civil dates, billing periods, ranges of days and the terms of benefits.
//!
//! All dates of the product are UTC calendar days; there is no time zone arithmetic on a billing day (SEMANTICS,
//! notation). This crate reads and writes the spellings in which such days occur, and counts them: which months a range
//! touches, on which day a term of n months ends and its installments fall (SEMANTICS 3.2).
//!
//! It promises that a [`Date`] exists in the calendar and lies in the years 1900 to 9999, that a [`DateRange`] is not
//! empty, and that nothing is clamped silently: what leaves those years is an error. It knows no clock and no money.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod civil;
mod date;
mod error;
mod period;
mod range;
mod term;

pub use crate::civil::{YEAR_MAX, YEAR_MIN};
pub use crate::date::Date;
pub use crate::error::CalendarError;
pub use crate::period::BillingPeriod;
pub use crate::range::DateRange;
pub use crate::term::{TERM_MONTHS_MAX, Term};
