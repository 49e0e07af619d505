//! Orders that cannot be true, alone or together, are refused before anything is billed.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{BillingPeriod, Date};
use money::{Currency, Decimal, half_even};

use super::benefit::{ALLOCATION_DIGITS, Benefit, Source, build};
use super::engine::Frame;
use super::enrollment::NativeEnrollment;
use super::order::{
    BenefitScope, Credit, Order, OtherPurchase, OtherRefund, Prepayment, Reservation, Return, ReturnReason,
    SavingsPlan, Transfer, TransferDirection,
};
use super::ownership::Ownership;
use super::purchases::charged_times;
use super::settle::coverage_start;
use super::usage::{Instant, close_of};
use crate::SubscriptionId;
use crate::selection::comparable;

/// Most fraction digits of a size flexibility ratio: products with quantities stay exact.
const RATIO_DIGITS_MAX: u8 = 10;

/// Why orders are refused. `order` is the id of the order or transaction at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("order {order}, {field}: {reason}")]
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

/// Checks all orders of an enrollment together. `sheet_price` tells what the price sheet of its period says for a
/// reservation that states no price: all units, whole term; `None` where it says nothing.
///
/// # Errors
/// [`OrderError`]: ids that are there twice, amounts that are not in minor units, subscriptions that do not belong to the
/// enrollment on the day, returns before the purchase or of more than there is, exchanges for less.
pub fn check_orders(
    enrollment: &NativeEnrollment,
    orders: &[Order],
    sheet_price: &dyn Fn(&Reservation) -> Option<Decimal>,
) -> Result<(), OrderError> {
    let checker = Checker { enrollment, ownership: Ownership::of(&enrollment.hierarchy), orders };
    checker.ids()?;
    let benefits = checker.benefits(sheet_price)?;
    for order in orders {
        match order {
            Order::Return(order) => checker.give_back(order, &benefits)?,
            Order::Transfer(order) => checker.transfer(order, &benefits)?,
            Order::Prepayment(order) => checker.prepayment(order)?,
            Order::Credit(order) => checker.credit(order)?,
            Order::Purchase(order) => checker.purchase(order)?,
            Order::Refund(order) => checker.refund(order)?,
            Order::Reservation(_) | Order::SavingsPlan(_) => {}
        }
    }
    Ok(())
}

/// The first billing period whose bill an order changes: of a return whose purchase's period is still open on its day, that
/// period (SEMANTICS 4.4 case 1).
///
/// # Errors
/// [`OrderError`] for a return of something that is not there; see [`check_orders`].
pub fn first_period_of(
    order: &Order,
    enrollment: &NativeEnrollment,
    all: &[Order],
) -> Result<BillingPeriod, OrderError> {
    let own = BillingPeriod::of(order.date());
    match order {
        Order::Prepayment(order) => Ok(BillingPeriod::of(coverage_start(order))),
        Order::Return(order) => {
            let key = comparable(&order.order_id);
            let sources = all.iter().filter_map(Source::of);
            let Some(source) = sources.into_iter().find(|source| comparable(source.order_id()) == key) else {
                return Err(unknown_order(&order.id, order.date, &order.order_id));
            };
            // Which period a return is posted in does not depend on the price.
            let frame = Frame { period: own, start: enrollment.start, currency: enrollment.currency };
            let price = source.stated_price(enrollment.currency).ok().flatten().unwrap_or(Decimal::ZERO);
            let benefit = build(source, price, all, &frame)?;
            let posted = benefit.returns.iter().find(|returned| comparable(&returned.id) == comparable(&order.id));
            Ok(posted.map_or(own, |returned| returned.period.min(own)))
        }
        Order::Reservation(_) | Order::SavingsPlan(_) => {
            // A benefit that comes from another enrollment does nothing here before.
            let key = comparable(order.id());
            let comes = all.iter().find_map(|other| match other {
                Order::Transfer(other) if comparable(&other.order_id) == key => {
                    (other.direction == TransferDirection::In).then_some(other.date)
                }
                _ => None,
            });
            Ok(comes.map_or(own, |day| own.max(BillingPeriod::of(day))))
        }
        _ => Ok(own),
    }
}

fn fault(order: &str, date: Date, field: &'static str, reason: impl Into<String>) -> OrderError {
    OrderError { order: order.to_owned(), field, reason: reason.into(), date }
}

fn unknown_order(order: &str, date: Date, named: &str) -> OrderError {
    fault(
        order,
        date,
        "orderId",
        format!("there is no order {named:?}; expected the id of an order of this enrollment"),
    )
}

struct Checker<'a> {
    enrollment: &'a NativeEnrollment,
    ownership: Ownership,
    orders: &'a [Order],
}

/// An amount as it is checked.
struct Stated<'a> {
    order: &'a str,
    date: Date,
    field: &'static str,
    value: Decimal,
}

impl<'a> Checker<'a> {
    fn currency(&self) -> Currency {
        self.enrollment.currency
    }

    fn ids(&self) -> Result<(), OrderError> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut inner: BTreeSet<String> = BTreeSet::new();
        for order in self.orders {
            if !known.insert(comparable(order.id())) {
                return Err(fault(order.id(), order.date(), "id", "the id is there twice; every order has its own"));
            }
            let (own, field) = match order {
                Order::Reservation(order) => (&order.reservation_id, "reservationId"),
                Order::SavingsPlan(order) => (&order.plan_id, "planId"),
                _ => continue,
            };
            if !inner.insert(comparable(own)) {
                return Err(fault(order.id(), order.date(), field, format!("{own:?} is there twice")));
            }
        }
        Ok(())
    }

    /// Checks benefits alone, and puts them together with everything that names them.
    fn benefits(
        &self,
        sheet_price: &dyn Fn(&Reservation) -> Option<Decimal>,
    ) -> Result<BTreeMap<String, Benefit<'a>>, OrderError> {
        let frame =
            Frame { period: self.enrollment.start, start: self.enrollment.start, currency: self.enrollment.currency };
        let mut found = BTreeMap::new();
        for source in self.orders.iter().filter_map(Source::of) {
            let (id, date) = (source.order_id(), source.date());
            match source {
                Source::Reservation(order) => self.reservation(order)?,
                Source::SavingsPlan(order) => self.savings_plan(order)?,
            }
            self.scope(id, date, source.scope())?;
            self.subscription(id, date, "subscriptionId", source.subscription())?;
            let stated = source.stated_price(self.currency());
            let stated = stated.map_err(|error| fault(id, date, "price", error.to_string()))?;
            let price = match (stated, source) {
                (Some(price), _) => price,
                (None, Source::Reservation(order)) => sheet_price(order).ok_or_else(|| {
                    let period = BillingPeriod::of(date);
                    let meter = source.first_meter().unwrap_or_default();
                    let reason = format!(
                        "no price is stated, and the price sheet of {period} has no ReservedInstance price of meter \
                         {meter} for {} months",
                        order.term
                    );
                    fault(id, date, "price", reason)
                })?,
                (None, Source::SavingsPlan(_)) => Decimal::ZERO,
            };
            found.insert(comparable(id), build(source, price, self.orders, &frame)?);
        }
        Ok(found)
    }

    fn reservation(&self, order: &Reservation) -> Result<(), OrderError> {
        let refuse = |field, reason: &str| Err(fault(&order.order_id, order.date, field, reason));
        if order.units == 0 {
            return refuse("units", "expected at least 1");
        }
        if order.meters.is_empty() {
            return refuse("meters", "expected at least one meter");
        }
        let mut known = BTreeSet::new();
        for meter in &order.meters {
            if !known.insert(comparable(&meter.meter_id)) {
                return refuse("meters", &format!("meter {} is there twice", meter.meter_id));
            }
            if meter.ratio <= Decimal::ZERO || half_even(meter.ratio, RATIO_DIGITS_MAX) != meter.ratio {
                return refuse("meters", "expected a ratio above 0 with at most 10 fraction digits");
            }
        }
        order.price.map_or(Ok(()), |value| {
            self.minor(&Stated { order: &order.order_id, date: order.date, field: "price", value }, true)
        })
    }

    fn savings_plan(&self, order: &SavingsPlan) -> Result<(), OrderError> {
        let exact = half_even(order.commitment, ALLOCATION_DIGITS) == order.commitment;
        if order.commitment <= Decimal::ZERO || !exact {
            let reason = "expected money per hour above 0 with at most 12 fraction digits";
            return Err(fault(&order.order_id, order.date, "commitment", reason));
        }
        order.price.map_or(Ok(()), |value| {
            self.minor(&Stated { order: &order.order_id, date: order.date, field: "price", value }, true)
        })
    }

    /// An amount is in minor units; of those that are not signed, not negative.
    fn minor(&self, stated: &Stated<'_>, not_negative: bool) -> Result<(), OrderError> {
        let digits = self.currency().minor_digits();
        if half_even(stated.value, digits) != stated.value {
            let reason =
                format!("{} has more fraction digits than {} has, which is {digits}", stated.value, self.currency());
            return Err(fault(stated.order, stated.date, stated.field, reason));
        }
        if not_negative && stated.value.is_negative() {
            return Err(fault(stated.order, stated.date, stated.field, format!("{} is negative", stated.value)));
        }
        Ok(())
    }

    fn positive(&self, stated: &Stated<'_>) -> Result<(), OrderError> {
        if stated.value <= Decimal::ZERO {
            let reason = format!("{} is not above 0", stated.value);
            return Err(fault(stated.order, stated.date, stated.field, reason));
        }
        self.minor(stated, true)
    }

    fn subscription(
        &self,
        order: &str,
        date: Date,
        field: &'static str,
        subscription: SubscriptionId,
    ) -> Result<(), OrderError> {
        // What was bought before the first period may belong to whoever came before.
        let day = date.max(self.enrollment.start.first_day());
        match self.ownership.place(subscription, day) {
            Some(_) => Ok(()),
            None => {
                let reason = format!("subscription {subscription} belongs to no account of the enrollment on {day}");
                Err(fault(order, date, field, reason))
            }
        }
    }

    fn scope(&self, order: &str, date: Date, scope: &BenefitScope) -> Result<(), OrderError> {
        match scope {
            BenefitScope::ResourceGroup { subscription, .. } | BenefitScope::Subscription(subscription) => {
                self.subscription(order, date, "scope", *subscription)
            }
            BenefitScope::ManagementGroup { subscriptions, .. } if subscriptions.is_empty() => {
                Err(fault(order, date, "scope", "expected at least one subscription of the management group"))
            }
            BenefitScope::ManagementGroup { .. } | BenefitScope::Shared => Ok(()),
        }
    }

    fn give_back(&self, order: &Return, benefits: &BTreeMap<String, Benefit<'a>>) -> Result<(), OrderError> {
        let Some(benefit) = benefits.get(&comparable(&order.order_id)) else {
            return Err(unknown_order(&order.id, order.date, &order.order_id));
        };
        if let Some(value) = order.refund {
            self.minor(&Stated { order: &order.id, date: order.date, field: "refund", value }, true)?;
        }
        if order.reason == ReturnReason::Return {
            return Ok(());
        }
        let mut new = Decimal::ZERO;
        for id in &order.replaced_by {
            let bought = benefits.get(&comparable(id));
            let wants_plan = order.reason == ReturnReason::TradeIn;
            let fits =
                bought.filter(|bought| bought.start == order.date && bought.source.is_reservation() != wants_plan);
            let Some(bought) = fits else {
                let kind = if wants_plan { "a savings plan" } else { "a reservation" };
                let reason = format!("{id:?} is not {kind} that is bought on {}", order.date);
                return Err(fault(&order.id, order.date, "purchases", reason));
            };
            new = new.checked_add(bought.price).map_err(|error| fault(id, order.date, "price", error.to_string()))?;
        }
        let returned = benefit.returns.iter().find(|returned| comparable(&returned.id) == comparable(&order.id));
        let left = returned.map_or(Decimal::ZERO, |returned| returned.remaining_commitment);
        if new < left {
            let reason =
                format!("what is bought costs {new}, less than the {left} that are left of the old commitment");
            return Err(fault(&order.id, order.date, "purchases", reason));
        }
        Ok(())
    }

    fn transfer(&self, order: &Transfer, benefits: &BTreeMap<String, Benefit<'a>>) -> Result<(), OrderError> {
        let Some(benefit) = benefits.get(&comparable(&order.order_id)) else {
            return Err(unknown_order(&order.id, order.date, &order.order_id));
        };
        if order.date < benefit.start || order.date > benefit.last {
            let reason = format!("expected a day of the benefit's term, {} to {}", benefit.start, benefit.last);
            return Err(fault(&order.id, order.date, "date", reason));
        }
        let comes_back = self.orders.iter().any(|other| match other {
            Order::Transfer(other) => {
                comparable(&other.order_id) == benefit.key
                    && order.direction == TransferDirection::In
                    && other.direction == TransferDirection::Out
                    && other.date <= order.date
            }
            _ => false,
        });
        if comes_back {
            return Err(fault(&order.id, order.date, "date", "the benefit left before; it cannot come back"));
        }
        let same = self.orders.iter().filter(|other| match other {
            Order::Transfer(other) => other.direction == order.direction && comparable(&other.order_id) == benefit.key,
            _ => false,
        });
        if same.count() > 1 {
            let way = if order.direction == TransferDirection::Out { "left" } else { "came" };
            return Err(fault(&order.id, order.date, "orderId", format!("the benefit {way} once already")));
        }
        Ok(())
    }

    fn prepayment(&self, order: &Prepayment) -> Result<(), OrderError> {
        self.positive(&Stated { order: &order.id, date: order.date, field: "amount", value: order.amount })?;
        let start = coverage_start(order);
        let closes = close_of(BillingPeriod::of(start));
        if closes.is_ok_and(|closes| closes <= Instant::start_of(order.date)) {
            let reason = format!("{start} lies in a period that closes before the order's own day, {}", order.date);
            return Err(fault(&order.id, order.date, "coverageStart", reason));
        }
        match order.expires {
            Some(expires) if expires < start => {
                let reason = format!("it expires before it begins to cover, {start}");
                Err(fault(&order.id, order.date, "expires", reason))
            }
            _ => Ok(()),
        }
    }

    fn credit(&self, order: &Credit) -> Result<(), OrderError> {
        self.minor(&Stated { order: &order.id, date: order.date, field: "amount", value: order.amount }, false)?;
        if order.amount.is_zero() {
            return Err(fault(&order.id, order.date, "amount", "0 changes nothing; expected an amount"));
        }
        match order.expires {
            Some(_) if order.amount.is_negative() => {
                Err(fault(&order.id, order.date, "expires", "a debit does not expire"))
            }
            Some(expires) if expires < order.date => {
                Err(fault(&order.id, order.date, "expires", "it expires before its own day"))
            }
            _ => Ok(()),
        }
    }

    fn purchase(&self, order: &OtherPurchase) -> Result<(), OrderError> {
        self.minor(&Stated { order: &order.order_id, date: order.date, field: "amount", value: order.amount }, true)?;
        if order.quantity <= Decimal::ZERO {
            return Err(fault(&order.order_id, order.date, "quantity", "expected a quantity above 0"));
        }
        if order.until.is_some_and(|until| until < order.date) {
            return Err(fault(&order.order_id, order.date, "until", "it ends before it begins"));
        }
        self.subscription(&order.order_id, order.date, "subscriptionId", order.subscription)
    }

    fn refund(&self, order: &OtherRefund) -> Result<(), OrderError> {
        self.positive(&Stated { order: &order.id, date: order.date, field: "amount", value: order.amount })?;
        if order.quantity <= Decimal::ZERO {
            return Err(fault(&order.id, order.date, "quantity", "expected a quantity above 0"));
        }
        let bought = self.orders.iter().find_map(|other| match other {
            Order::Purchase(other) if comparable(&other.order_id) == comparable(&order.order_id) => Some(other),
            _ => None,
        });
        let Some(bought) = bought else { return Err(unknown_order(&order.id, order.date, &order.order_id)) };
        if order.date < bought.date {
            let reason = format!("the refund is dated before the purchase, {}", bought.date);
            return Err(fault(&order.id, order.date, "date", reason));
        }
        self.refunds_within(order, bought).map_err(|reason| fault(&order.id, order.date, "amount", reason))
    }

    /// All refunds of a purchase up to one are not more than what was charged until then.
    fn refunds_within(&self, order: &OtherRefund, bought: &OtherPurchase) -> Result<(), String> {
        let words = |error: money::MoneyError| error.to_string();
        let times = Decimal::from(charged_times(bought, order.date));
        let charged = bought.amount.checked_mul(times).map_err(words)?;
        let mut refunded = Decimal::ZERO;
        for other in self.orders {
            if let Order::Refund(other) = other
                && comparable(&other.order_id) == comparable(&order.order_id)
                && other.date <= order.date
            {
                refunded = refunded.checked_add(other.amount).map_err(words)?;
            }
        }
        if refunded > charged {
            return Err(format!("{refunded} in all would be given back of {charged} that was charged until then"));
        }
        Ok(())
    }
}
