//! Orders: what was bought, given back, prepaid and credited (SEMANTICS 3.1 to 3.6, 4.1, 4.4).
//!
//! Amounts are in the enrollment's currency and in its minor units (D-40). Days are UTC calendar days. Ids compare without
//! regard to case.

use calendar::{Date, Term};
use money::Decimal;

use crate::SubscriptionId;

/// When a benefit is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BenefitBilling {
    /// All at once, on the day of purchase.
    Upfront,
    /// In as many installments as the term has months.
    Monthly,
}

/// Whose usage a benefit covers, narrowest first (SEMANTICS 3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BenefitScope {
    /// One resource group of one subscription.
    ResourceGroup {
        /// The subscription.
        subscription: SubscriptionId,
        /// The resource group's name.
        resource_group: String,
    },
    /// One subscription.
    Subscription(SubscriptionId),
    /// The subscriptions of a management group, as listed.
    ManagementGroup {
        /// Its id.
        id: String,
        /// Its subscriptions.
        subscriptions: Vec<SubscriptionId>,
    },
    /// The whole enrollment.
    Shared,
}

/// A meter that a reservation covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedMeter {
    /// The meter.
    pub meter_id: String,
    /// Reservation-hours that one unit of its usage takes (instance size flexibility); above 0.
    pub ratio: Decimal,
}

/// The purchase of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Id of the order.
    pub order_id: String,
    /// Name of the order.
    pub order_name: Option<String>,
    /// Id of the reservation.
    pub reservation_id: String,
    /// Name of the reservation.
    pub name: Option<String>,
    /// The day of purchase, which is the first covered day.
    pub date: Date,
    /// How long it covers.
    pub term: Term,
    /// How many units; above 0.
    pub units: u32,
    /// Price of all units for the whole term; `None`: units × the price sheet's price of the purchase's period.
    pub price: Option<Decimal>,
    /// When it is paid.
    pub billing: BenefitBilling,
    /// The subscription that buys.
    pub subscription: SubscriptionId,
    /// Whose usage it covers.
    pub scope: BenefitScope,
    /// What it covers; the first is what it was sold for.
    pub meters: Vec<ReservedMeter>,
    /// Part number of the purchase.
    pub part_number: Option<String>,
    /// Product name of the purchase.
    pub product_name: Option<String>,
    /// Location of the purchase.
    pub location: Option<String>,
    /// Whether the purchase may use the prepayment.
    pub credit_eligible: bool,
}

/// The purchase of a savings plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavingsPlan {
    /// Id of the order.
    pub order_id: String,
    /// Name of the order.
    pub order_name: Option<String>,
    /// Id of the plan.
    pub plan_id: String,
    /// Name of the plan.
    pub name: Option<String>,
    /// The day of purchase, which is the first covered day.
    pub date: Date,
    /// How long it covers.
    pub term: Term,
    /// Commitment in money per hour; above 0.
    pub commitment: Decimal,
    /// Price of the whole term; `None`: commitment × 24 × the real number of days (D-18).
    pub price: Option<Decimal>,
    /// When it is paid.
    pub billing: BenefitBilling,
    /// The subscription that buys.
    pub subscription: SubscriptionId,
    /// Whose usage it covers.
    pub scope: BenefitScope,
    /// Part number of the purchase.
    pub part_number: Option<String>,
    /// Product name of the purchase.
    pub product_name: Option<String>,
    /// Whether the purchase may use the prepayment.
    pub credit_eligible: bool,
}

/// Why a reservation is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnReason {
    /// For money.
    Return,
    /// For other reservations.
    Exchange,
    /// For a savings plan.
    TradeIn,
}

/// Giving back a reservation, or some of its units (SEMANTICS 3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Id of this transaction.
    pub id: String,
    /// Order of the reservation.
    pub order_id: String,
    /// The day of return: the benefit ends at its start.
    pub date: Date,
    /// How many units are given back; `None`: all that are left.
    pub units: Option<u32>,
    /// What is paid back, where the transaction states it; not negative.
    pub refund: Option<Decimal>,
    /// Why.
    pub reason: ReturnReason,
    /// Orders that are bought for it, on the same day; of exchanges and trade-ins.
    pub replaced_by: Vec<String>,
}

/// Which way a benefit moves between enrollments (SEMANTICS 1, rule 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferDirection {
    /// It leaves: nothing is amortized, covered or charged here from the day on.
    Out,
    /// It comes: nothing is amortized, covered or charged here before the day.
    In,
}

/// A benefit that moves to or from another enrollment. Its order states the original date, term and price in both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Id of this transaction.
    pub id: String,
    /// Order of the benefit.
    pub order_id: String,
    /// First day in the new enrollment.
    pub date: Date,
    /// Which way.
    pub direction: TransferDirection,
}

/// Money paid in advance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepayment {
    /// Id of the order.
    pub id: String,
    /// Name in `newPurchasesDetails`.
    pub name: String,
    /// The day of the order.
    pub date: Date,
    /// The first day that it covers; `None`: the order's day if it is the 1st, else the next 1st (D-24).
    pub coverage_start: Option<Date>,
    /// How much; above 0.
    pub amount: Decimal,
    /// The last day on which it can be used, inclusive.
    pub expires: Option<Date>,
}

/// A credit or a debit of the balance, in the period of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// Id of the transaction.
    pub id: String,
    /// Name in `adjustmentDetails`, such as `Promo Credit`.
    pub name: String,
    /// Its day.
    pub date: Date,
    /// How much; negative for a debit.
    pub amount: Decimal,
    /// The last day on which it can be used, inclusive; of credits only.
    pub expires: Option<Date>,
}

/// How a purchase that is no benefit comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    /// Not at all.
    Once,
    /// On the same day of every following month.
    Monthly,
    /// On the same day of every following year.
    Yearly,
}

/// Who sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Whether it is another one than the operator: PublisherType and PricingModel `Marketplace`, else `Azure` and
    /// `OnDemand`.
    pub is_marketplace: bool,
    /// Its name.
    pub name: Option<String>,
}

/// A purchase that is no benefit: a Marketplace offer, a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherPurchase {
    /// Id of the order.
    pub order_id: String,
    /// Name of the order.
    pub order_name: Option<String>,
    /// The day of purchase, charged in full.
    pub date: Date,
    /// How many; above 0.
    pub quantity: Decimal,
    /// Price of all of them, each time.
    pub amount: Decimal,
    /// How it comes again.
    pub recurrence: Recurrence,
    /// The last day on which it can come again, inclusive; `None`: for ever.
    pub until: Option<Date>,
    /// The subscription that buys.
    pub subscription: SubscriptionId,
    /// The resource, where there is one.
    pub resource_id: Option<String>,
    /// Who sells.
    pub publisher: Publisher,
    /// Meter, where there is one.
    pub meter_id: Option<String>,
    /// Part number.
    pub part_number: Option<String>,
    /// Product name.
    pub product_name: Option<String>,
    /// Plan name.
    pub plan_name: Option<String>,
    /// Whether it may use the prepayment.
    pub credit_eligible: bool,
}

/// Money given back for a purchase that is no benefit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRefund {
    /// Id of this transaction.
    pub id: String,
    /// Order of the purchase.
    pub order_id: String,
    /// The day.
    pub date: Date,
    /// How many are given back; above 0.
    pub quantity: Decimal,
    /// How much is paid back; above 0.
    pub amount: Decimal,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A reservation is bought.
    Reservation(Reservation),
    /// A savings plan is bought.
    SavingsPlan(SavingsPlan),
    /// A reservation is given back.
    Return(Return),
    /// A benefit moves between enrollments.
    Transfer(Transfer),
    /// Money is paid in advance.
    Prepayment(Prepayment),
    /// The balance is credited or debited.
    Credit(Credit),
    /// Something else is bought.
    Purchase(OtherPurchase),
    /// Something else is given back.
    Refund(OtherRefund),
}

impl Order {
    /// What identifies it among the orders of its enrollment: the order id of purchases, the id of other transactions.
    pub fn id(&self) -> &str {
        match self {
            Self::Reservation(order) => &order.order_id,
            Self::SavingsPlan(order) => &order.order_id,
            Self::Return(order) => &order.id,
            Self::Transfer(order) => &order.id,
            Self::Prepayment(order) => &order.id,
            Self::Credit(order) => &order.id,
            Self::Purchase(order) => &order.order_id,
            Self::Refund(order) => &order.id,
        }
    }

    /// Its day.
    pub fn date(&self) -> Date {
        match self {
            Self::Reservation(order) => order.date,
            Self::SavingsPlan(order) => order.date,
            Self::Return(order) => order.date,
            Self::Transfer(order) => order.date,
            Self::Prepayment(order) => order.date,
            Self::Credit(order) => order.date,
            Self::Purchase(order) => order.date,
            Self::Refund(order) => order.date,
        }
    }

    pub(super) fn prepayment(&self) -> Option<&Prepayment> {
        match self {
            Self::Prepayment(order) => Some(order),
            _ => None,
        }
    }

    pub(super) fn credit(&self) -> Option<&Credit> {
        match self {
            Self::Credit(order) => Some(order),
            _ => None,
        }
    }
}
