//! The identities of billing on what a store holds: reads both datasets of each billing period from one version of the
//! lake and the balance summaries from the catalog, and lets `ledger::identities` answer.
//!
//! Each file of charges is read once. Rows are looked at one by one; what is kept of them are sums and digests.

mod explain;
mod rows;
mod scopes;
mod walk;

pub use explain::{ExplainQuestion, Explanation, explain};
pub use walk::{NativeFacts, PeriodFinding, check_identities};
