//! Orders that cannot be true together are refused before anything is billed.

use calendar::Date;

/// Why orders are refused. `order` is the id of the order or transaction at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("order {order}: {reason}")]
pub struct OrderError {
    /// The order at fault.
    pub order: String,
    /// The member of the order at fault, as in the input format.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
    /// The day of the order.
    pub date: Date,
}
