//! Rows and what they cost.

use money::{MoneyError, Total};

/// Rows and their exact cost, in the billing currency.
#[derive(Debug, Clone, Copy)]
pub struct CostSum {
    /// How many rows.
    pub rows: u64,
    /// Sum of their cost.
    pub cost: Total,
}

impl CostSum {
    /// The sum of no row.
    pub const NOTHING: Self = Self { rows: 0, cost: Total::ZERO };

    /// Adds other rows.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for a cost that leaves the range of amounts.
    pub fn merge(&mut self, other: Self) -> Result<(), MoneyError> {
        self.rows += other.rows;
        self.cost.merge(other.cost)
    }
}
