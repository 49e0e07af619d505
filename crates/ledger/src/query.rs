//! The one question under every API generation (DESIGN section 5): whose charges, of which dataset, of which days.

use calendar::{BillingPeriod, DateRange};

use crate::{ChargeFilter, Dataset, Share, Visibility};

/// Which rows of a snapshot are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeQuery {
    /// What may be read of which enrollments, in the order of the answer. Several only where a subscription moved from
    /// one to another.
    pub shares: Vec<Share>,
    /// Which kinds of charge are shown.
    pub visibility: Visibility,
    /// The dataset asked for.
    pub dataset: Dataset,
    /// The time asked about.
    pub window: Window,
    /// What else is asked of a row.
    pub filter: ChargeFilter,
}

/// The time that a question is about (SEMANTICS section 5, "Time filters").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Rows of a billing period, whatever their date.
    Period(BillingPeriod),
    /// Rows dated in a range of days, both ends included, whatever their billing period.
    Dates(DateRange),
}
