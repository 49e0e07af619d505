//! The one question under every API generation (DESIGN section 5): whose charges, of which dataset, of which days.

use calendar::{BillingPeriod, DateRange};
use serde::{Deserialize, Serialize};

use crate::{Dataset, Scope, Share};

/// Which rows of a snapshot are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeQuery {
    /// What may be read of which enrollments, in the order of the answer. Several only where a subscription moved from
    /// one to another.
    pub shares: Vec<Share>,
    /// Which kinds of charge the scope shows.
    pub visibility: Visibility,
    /// The dataset asked for.
    pub dataset: Dataset,
    /// The time asked about.
    pub window: Window,
}

/// The time that a question is about (SEMANTICS section 5, "Time filters").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Rows of a billing period, whatever their date.
    Period(BillingPeriod),
    /// Rows dated in a range of days, both ends included, whatever their billing period.
    Dates(DateRange),
}

/// Which kinds of charge a scope shows (SEMANTICS 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// All charges; the billing account scope.
    Everything,
    /// Usage rows, and rows of sources that know no charge type; every other scope.
    UsageOnly,
}

impl Visibility {
    /// What a scope shows (SEMANTICS 6.3, D-36).
    pub fn of(scope: &Scope) -> Self {
        match scope {
            Scope::BillingAccount(_) => Self::Everything,
            _ => Self::UsageOnly,
        }
    }
}
