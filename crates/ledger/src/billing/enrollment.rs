//! A native enrollment as its operator states it.

use calendar::{BillingPeriod, Date};
use money::{Currency, Decimal};

use crate::{AppliedHierarchy, EnrollmentId};

/// How often overage is invoiced; it does not change the monthly summaries (SEMANTICS 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingFrequency {
    /// Every month.
    Month,
    /// Every quarter.
    Quarter,
    /// Every year.
    Year,
}

impl BillingFrequency {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "Month",
            Self::Quarter => "Quarter",
            Self::Year => "Year",
        }
    }
}

/// What the first period begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningBalance {
    /// The amount, in minor units of the enrollment's currency; may be negative.
    pub amount: Decimal,
    /// The last day on which it can be used, inclusive; `None`: it does not expire on its own.
    pub expires: Option<Date>,
}

/// A native enrollment: everything that its charges say about it, and who owns what since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeEnrollment {
    /// Its number.
    pub number: EnrollmentId,
    /// Its name, in `BillingAccountName`.
    pub name: String,
    /// The currency of every amount.
    pub currency: Currency,
    /// The first billing period that is billed here.
    pub start: BillingPeriod,
    /// The last day of its term: prepayment that is left then is lost at the end of that day's period. `None`: no end.
    pub end: Option<Date>,
    /// What the first period begins with; `None`: nothing.
    pub opening_balance: Option<OpeningBalance>,
    /// How often overage is invoiced.
    pub billing_frequency: BillingFrequency,
    /// Departments, accounts and subscriptions with their histories.
    pub hierarchy: AppliedHierarchy,
}
