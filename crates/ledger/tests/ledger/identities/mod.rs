//! The worked examples of SEMANTICS section 7 as rows written down by hand: every identity holds on them, and each small
//! change breaks exactly the identities that it should, by exactly what was changed.

mod breaks;
mod examples;
mod funding;
mod limits;
mod rows;
