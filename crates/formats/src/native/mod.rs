//! Native input: what an operator states about an enrollment, its orders, its prices and its metered usage
//! (`docs/NATIVE.md`), and billed periods as staged charges.
//!
//! Documents are read whole and refused whole: the error names file, record, field and value and says what would be
//! right. Usage is read in batches of bounded size, and single records are refused without the others. Numbers are read
//! from their text; unknown members, members that are there twice and control characters are refused.

mod error;
mod usage;

pub use error::{Fault, NativeError, RecordRefusal};
pub use usage::{
    UsageAdder, UsageBatchBuilder, UsageFact, UsageOrigin, UsageRecord, UsageStoreError, usage_batch_schema,
    usage_schema,
};
