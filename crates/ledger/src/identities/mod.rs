//! The identities of SEMANTICS 3.7 and the equations B1 to B6 of 4.3, checked on charges as they are stored and on
//! balance summaries: for native and for mirrored enrollments alike.
//!
//! [`PeriodCheck`] is fed the rows of both datasets of one billing period, in any order. It keeps sums, counts and
//! digests of multisets, never rows: what it needs grows with days × benefits and with invoice lines, not with charges.
//! [`History`] takes what the periods of an enrollment add up to, in order, and answers for each identity whether it
//! holds, fails (by how much and where), or cannot be told and why.
//!
//! All sums are exact. The only tolerance is that of I-1, which is the contract's. One thing is added to it: the row that
//! takes the residual of a split (2.5) may be off by a further 10^-12 for each row of that split, because each of them
//! was rounded to twelve digits. Such rows are the `Unused` rows of a benefit's day, the covered row of that day with the
//! greatest weight, and, of a meter with tiers or included quantity, the row of the period with the greatest quantity.
//!
//! Rows are compared as multisets by digests of 128 bits over their cells. Ids compare without regard to case, numbers
//! by value, all else by its text; columns that no layout knows are not compared.

mod balance;
mod deferral;
mod digest;
mod facts;
mod judge;
mod outcome;
mod prices;
mod row;
mod statement;
mod terms;

pub use deferral::{BenefitDeferral, History};
pub use digest::{CellDigest, RowDigest};
pub use facts::{PeriodCheck, PeriodFacts};
pub use judge::{PeriodContext, PeriodReport};
pub use outcome::{Difference, Identity, Outcome, Verdict};
pub use row::{CheckedRow, RowKind, ScopesOfRow, normalization_ratio};
pub use statement::{ClassLines, KindSums};
pub use terms::{BenefitTerms, TermSegment, TermsError, benefit_terms};
