//! Native enrollments: accepting what their operators state and meter, and running bills over it.
//!
//! Promises: input is taken as a whole or not at all, single usage records aside; the same input again changes nothing; a
//! closed period is changed by nothing but an operator's explicit reopening (SEMANTICS 4.5, D-32); a run commits all of
//! its periods as one revision, exactly as an import does, and the same input makes no new one; a crash at any moment
//! leaves the state before or after, and the next run gives the same result.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod apply;
mod boundary;
mod digest;
mod documents;
mod error;
mod facts;
mod ingest;
mod judge;
mod known;
mod mixed;
mod ownership;
mod run;
mod sheets;
mod states;
mod usage_input;
mod view;

pub use apply::{AppliedEnrollment, AppliedInput, ApplyOptions, apply};
pub use boundary::{Opened, Reopen, close_again, reopen};
pub use documents::{DocumentFill, NativePaths, native_paths};
pub use error::BillingError;
pub use facts::{billed_at, native_facts};
pub use imports::RefusedRecord;
pub use ingest::{IngestOptions, Ingested, UsageChecks, ingest};
pub use run::{BilledTotals, PeriodOutcome, RunOptions, RunOutcome, refuse_stale, run};
pub use sheets::{PriceSheets, read_price_sheet};
pub use states::{PeriodState, PeriodStatus, states};
pub use usage_input::UsageInput;
pub use view::{HeldBackView, PeriodView, ReopeningView, RevisionView};
