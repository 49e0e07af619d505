//! One billing period of a native enrollment, billed.

use std::borrow::Cow;

use calendar::{BillingPeriod, Date};
use money::{Decimal, MoneyError};

use super::book::PeriodBook;
use super::enrollment::NativeEnrollment;
use super::order::Order;
use super::price::PriceSheet;
use super::usage::{Instant, UsageBook};
use crate::{BalanceSummary, Dataset, Field, PublisherType};

/// What one billing period is billed from: everything that was known at the instant of asking.
#[derive(Debug)]
pub struct BillInput<'a> {
    /// The enrollment as stated.
    pub enrollment: &'a NativeEnrollment,
    /// The period that is billed.
    pub period: BillingPeriod,
    /// The prices of the period; `None`: there are none, and usage is held back.
    pub prices: Option<&'a PriceSheet>,
    /// Orders received so far, of all periods, in any order.
    pub orders: &'a [Order],
    /// Usage that is posted in the period and was received so far.
    pub usage: UsageBook,
    /// What the period before handed on; `None` for the enrollment's first.
    pub previous: Option<&'a PeriodBook>,
    /// The instant of asking: later orders are not seen, days that are not over are not amortized (D-43), and from the
    /// close on (D-34) the bill is final.
    pub as_of: Instant,
}

/// Why a period cannot be billed. Input that was accepted before does not lead here, but for sums that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// A number that does not fit.
    #[error("period {period}: cannot compute {what}: {source}")]
    Money {
        /// The period.
        period: BillingPeriod,
        /// What was computed.
        what: String,
        /// Why it does not fit.
        source: MoneyError,
    },
    /// Orders that cannot be true.
    #[error("{0}")]
    Order(#[from] super::OrderError),
    /// Hourly and daily usage that one benefit could cover on one day (D-39).
    #[error(
        "benefit {benefit} could cover both hourly and daily usage of {day}; expected one kind for a benefit and day (daily: meter {daily}, hourly: meter {hourly})"
    )]
    MixedUsage {
        /// Order id of the benefit.
        benefit: String,
        /// The day.
        day: Date,
        /// A meter with daily usage.
        daily: String,
        /// A meter with hourly usage.
        hourly: String,
    },
    /// A benefit without price: neither its order nor the price sheet of its period says one.
    #[error(
        "order {order} states no price and the price sheet of {period} has none for meter {meter} and a term of {months} months"
    )]
    NoBenefitPrice {
        /// Order id of the benefit.
        order: String,
        /// Period of its purchase.
        period: BillingPeriod,
        /// Its first meter.
        meter: String,
        /// Its term.
        months: u16,
    },
    /// The period before was not billed.
    #[error("period {period} follows {expected}, which is not billed yet")]
    NoPrevious {
        /// The period.
        period: BillingPeriod,
        /// The period before.
        expected: BillingPeriod,
    },
}

/// Why usage is held back: it is reported and never priced 0 (D-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldBackReason {
    /// The price sheet of the period has no price for the meter.
    NoPrice,
    /// Several prices fit, and the usage names no part number or offer that decides.
    AmbiguousPrice,
    /// The unit of the usage measures something else than the unit of the price.
    Unit,
    /// The subscription belongs to no account of the enrollment on that day.
    NoOwner,
}

/// Usage that is held back, added up by reason, meter and subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Why.
    pub reason: HeldBackReason,
    /// The meter.
    pub meter_id: String,
    /// The subscription.
    pub subscription_id: String,
    /// First day.
    pub first_day: Date,
    /// Last day.
    pub last_day: Date,
    /// How many daily rows it would have made.
    pub rows: u64,
    /// Sum of the quantities, in the unit of the usage.
    pub quantity: Decimal,
}

/// The class of a charge: what may pay it (SEMANTICS 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChargeClass {
    /// The prepayment.
    Eligible,
    /// First-party, not the prepayment.
    BilledSeparately,
    /// Marketplace, not the prepayment.
    Marketplace,
}

impl ChargeClass {
    /// The class goes by the flags alone (SEMANTICS 4.2).
    pub const fn of(credit_eligible: bool, publisher: PublisherType) -> Self {
        match (credit_eligible, publisher) {
            (true, _) => Self::Eligible,
            (false, PublisherType::FirstParty) => Self::BilledSeparately,
            (false, PublisherType::Marketplace) => Self::Marketplace,
        }
    }
}

/// A line of the period's invoice (SEMANTICS 2.5 no. 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// The class.
    pub class: ChargeClass,
    /// Comparable subscription id; blank where the charges have none.
    pub subscription_id: String,
    /// Comparable meter id of usage, order id of purchases.
    pub item: String,
    /// Exact sum of the charges.
    pub exact: Decimal,
    /// The sum cut to minor units, toward zero (D-10).
    pub amount: Decimal,
}

/// What a field of a charge holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// Nothing.
    Unknown,
    /// Text.
    Text(Cow<'a, str>),
    /// A day.
    Date(Date),
    /// A switch.
    Boolean(bool),
    /// An amount, a price or a quantity.
    Number(Decimal),
}

/// A billed period.
///
/// Charges are asked for with `charge_count`, `charge` and `value(charge, dataset, field)`; they come in the order of the
/// lake.
#[derive(Debug)]
pub struct PeriodBill {
    /// The period.
    pub period: BillingPeriod,
    /// Whether it is final: the instant of asking lay at or after its close (D-34).
    pub is_final: bool,
    /// The balance summary.
    pub balance: BalanceSummary,
    /// The lines of the invoice, ordered by class, subscription and item.
    pub invoice_lines: Vec<InvoiceLine>,
    /// What the next period begins from.
    pub book: PeriodBook,
    /// Usage that is held back.
    pub held_back: Vec<HeldBack>,
    pub(super) charges: super::charge::Charges,
}

impl PeriodBill {
    /// The charges of a dataset, in the order of the lake.
    pub fn charges(&self, dataset: Dataset) -> impl Iterator<Item = ChargeRow<'_>> {
        self.charges.of(dataset).map(move |index| ChargeRow { bill: self, dataset, index })
    }
}

/// A charge of a billed period in one dataset.
#[derive(Debug, Clone, Copy)]
pub struct ChargeRow<'a> {
    bill: &'a PeriodBill,
    dataset: Dataset,
    index: u32,
}

impl<'a> ChargeRow<'a> {
    /// What a field holds; the kind is the field's.
    pub fn value(&self, field: Field) -> FieldValue<'a> {
        self.bill.charges.value(self.index, self.dataset, field)
    }

    /// Whether every text and every switch of another charge of the same bill and dataset is this one's. Neighbours mostly
    /// share them; `false` says nothing.
    pub fn shares_texts_with(&self, other: &Self) -> bool {
        self.bill.charges.share_texts(self.index, other.index)
    }

    /// The cost in the enrollment's currency.
    pub fn cost(&self) -> Decimal {
        self.bill.charges.cost(self.index, self.dataset)
    }
}
