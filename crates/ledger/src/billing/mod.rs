//! Native billing: metered usage, price sheets and orders become charges of both datasets, invoice lines and the balance
//! (SEMANTICS 2 to 5).
//!
//! [`bill`] is a pure function of its inputs and an as-of instant. The same inputs give the same charges in the same
//! order, whatever the order in which usage and orders came.

mod benefit;
mod bill;
mod book;
mod charge;
mod check;
mod coverage;
mod daily;
mod engine;
mod enrollment;
mod info;
mod order;
mod ownership;
mod pool;
mod price;
mod purchases;
mod rating;
mod settle;
mod unit;
mod usage;

pub use bill::{
    BillError, BillInput, ChargeClass, ChargeRow, FieldValue, HeldBack, HeldBackReason, InvoiceLine, PeriodBill,
};
pub use book::{BenefitBook, PeriodBook, PoolCredit};
pub use check::{OrderError, check_orders, first_period_of};
pub use engine::bill;
pub use enrollment::{BillingFrequency, NativeEnrollment, OpeningBalance};
pub use order::{
    BenefitBilling, BenefitScope, Credit, Order, OtherPurchase, OtherRefund, Prepayment, Publisher, Recurrence,
    Reservation, ReservedMeter, Return, ReturnReason, SavingsPlan, Transfer, TransferDirection,
};
pub use price::{PriceLine, PriceSheet, PriceSheetError, PriceType, Tier};
pub use unit::{UnitError, UnitOfMeasure};
pub use usage::{Instant, UsageBook, UsageLine, UsageLineId, UsagePricing, close_of, posting_period};

#[cfg(test)]
mod tests;
