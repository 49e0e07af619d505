//! Native input: what an operator states about an enrollment, its orders, its prices and its metered usage
//! (`docs/NATIVE.md`), and billed periods as staged charges.
//!
//! Documents are read whole and refused whole: the error names file, record, field and value and says what would be
//! right. Usage is read in batches of bounded size, and single records are refused without the others. Numbers are read
//! from their text; unknown members, members that are there twice and control characters are refused.

mod charge_columns;
mod charges;
mod document;
mod enrollment;
mod error;
mod members;
mod order;
mod orders;
mod prices;
mod recognise;
mod table;
mod usage;
mod values;

pub use charges::{ChargesSummary, NativeCharges, native_charges};
pub use enrollment::{StatedEnrollment, StatedPolicies, read_enrollment};
pub use error::{Fault, NativeError, RecordRefusal};
pub use order::read_order;
pub use orders::{StatedOrder, StatedOrders, read_orders};
pub use prices::{PriceSheetFill, StatedPriceSheet, read_price_sheet};
pub use recognise::{HEAD_BYTES, NativeKind, UsageForm, recognise};
pub use usage::{
    LineNumber, UsageAdder, UsageBatch, UsageBatchBuilder, UsageFact, UsageLines, UsageOrigin, UsageReader,
    UsageRecord, UsageStoreError, usage_batch_schema, usage_schema,
};

#[cfg(test)]
mod tests;
