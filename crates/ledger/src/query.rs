//! The one question under every API generation (DESIGN section 5): whose charges, of which dataset, of which days.

use calendar::{BillingPeriod, DateRange};
use serde::{Deserialize, Serialize};

use crate::{Dataset, EnrollmentId, Scope};

/// Which rows of a snapshot are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeQuery {
    /// The enrollment that the scope belongs to.
    pub enrollment: EnrollmentId,
    /// The scope asked about.
    pub scope: Scope,
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

impl ChargeQuery {
    /// What the scope of this question may see (SEMANTICS 6.3, D-36).
    pub fn visibility(&self) -> Visibility {
        match self.scope {
            Scope::BillingAccount(_) => Visibility::Everything,
            _ => Visibility::UsageOnly,
        }
    }
}
