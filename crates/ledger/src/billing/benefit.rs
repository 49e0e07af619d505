//! Benefits over time: what each reservation and savings plan costs on each day, when it is charged, what its returns give
//! back and leave (SEMANTICS 3.2 to 3.6).

use calendar::{BillingPeriod, Date};
use money::{Cumulative, Currency, Decimal, MoneyError, Ratio, cumulative, half_even, half_even_ratio, installments};

use super::charge::BenefitFacts;
use super::check::OrderError;
use super::engine::Frame;
use super::order::{
    BenefitBilling, BenefitScope, Order, Reservation, Return, ReturnReason, SavingsPlan, TransferDirection,
};
use super::price::PriceSheet;
use super::usage::{Instant, close_of};
use crate::SubscriptionId;
use crate::selection::comparable;

/// Fraction digits at which a division's results live (SEMANTICS 2.5 no. 1).
pub(super) const ALLOCATION_DIGITS: u8 = 12;
pub(super) const HOURS_PER_DAY: u32 = 24;

impl Reservation {
    /// What a price sheet says that all units cost for the whole term, in minor units of the currency; `None` where it has
    /// no price, or several, for the first meter and the term.
    pub fn sheet_price(&self, sheet: &PriceSheet, currency: Currency) -> Option<Decimal> {
        Source::Reservation(self).sheet_price(sheet, currency)
    }
}

/// The order of a benefit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Reservation(&'a Reservation),
    SavingsPlan(&'a SavingsPlan),
}

/// A run of days on which a benefit has one capacity and one price.
#[derive(Debug, Clone)]
struct Segment {
    from: Date,
    /// First day after it.
    until: Date,
    /// The money that is spread from `from` on; the schedule may be longer than the segment.
    schedule: Cumulative,
    units: u32,
}

/// An installment that is charged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installment {
    pub(super) date: Date,
    pub(super) amount: Decimal,
}

/// What a return does.
#[derive(Debug, Clone)]
pub(super) struct Returned {
    pub(super) id: String,
    pub(super) date: Date,
    pub(super) units: u32,
    /// R of SEMANTICS 3.6, not negative.
    pub(super) refund: Decimal,
    /// δ: what an AmortizedCost row of the day settles.
    pub(super) settlement: Decimal,
    pub(super) reason: ReturnReason,
    /// Billing period of the refund row (SEMANTICS 4.4).
    pub(super) period: BillingPeriod,
    /// Whether the purchase's period was closed on the day: the refund goes to the balance, not to the charges.
    pub(super) is_of_closed: bool,
    /// What of the price was neither consumed nor given back before: V, or the dropped installments.
    pub(super) remaining_commitment: Decimal,
}

/// A reservation or a savings plan with everything that happens to it.
#[derive(Debug, Clone)]
pub(super) struct Benefit<'a> {
    pub(super) source: Source<'a>,
    /// Comparable order id.
    pub(super) key: String,
    /// T: the price of the whole term.
    pub(super) price: Decimal,
    pub(super) start: Date,
    /// Last day of the term, inclusive.
    pub(super) last: Date,
    segments: Vec<Segment>,
    pub(super) charged: Vec<Installment>,
    pub(super) returns: Vec<Returned>,
    /// First day in this enrollment, and first day after it.
    here_from: Option<Date>,
    here_until: Option<Date>,
}

impl<'a> Source<'a> {
    pub(super) fn of(order: &'a Order) -> Option<Self> {
        match order {
            Order::Reservation(order) => Some(Self::Reservation(order)),
            Order::SavingsPlan(order) => Some(Self::SavingsPlan(order)),
            _ => None,
        }
    }

    pub(super) fn order_id(&self) -> &'a str {
        match self {
            Self::Reservation(order) => &order.order_id,
            Self::SavingsPlan(order) => &order.order_id,
        }
    }

    pub(super) fn date(&self) -> Date {
        match self {
            Self::Reservation(order) => order.date,
            Self::SavingsPlan(order) => order.date,
        }
    }

    pub(super) fn term(&self) -> calendar::Term {
        match self {
            Self::Reservation(order) => order.term,
            Self::SavingsPlan(order) => order.term,
        }
    }

    pub(super) fn billing(&self) -> BenefitBilling {
        match self {
            Self::Reservation(order) => order.billing,
            Self::SavingsPlan(order) => order.billing,
        }
    }

    pub(super) fn scope(&self) -> &'a BenefitScope {
        match self {
            Self::Reservation(order) => &order.scope,
            Self::SavingsPlan(order) => &order.scope,
        }
    }

    pub(super) fn subscription(&self) -> SubscriptionId {
        match self {
            Self::Reservation(order) => order.subscription,
            Self::SavingsPlan(order) => order.subscription,
        }
    }

    pub(super) fn units(&self) -> u32 {
        match self {
            Self::Reservation(order) => order.units,
            Self::SavingsPlan(_) => 1,
        }
    }

    pub(super) fn is_monthly(&self) -> bool {
        self.billing() == BenefitBilling::Monthly
    }

    pub(super) fn is_reservation(&self) -> bool {
        matches!(self, Self::Reservation(_))
    }

    /// The price that the order itself states, or that follows from it (D-18); in minor units.
    pub(super) fn stated_price(&self, currency: Currency) -> Result<Option<Decimal>, MoneyError> {
        match self {
            Self::Reservation(order) => Ok(order.price),
            Self::SavingsPlan(order) if order.price.is_some() => Ok(order.price),
            Self::SavingsPlan(order) => {
                let days = order.term.day_count(order.date).unwrap_or_default();
                let hours = Decimal::from(u64::from(days) * u64::from(HOURS_PER_DAY));
                Ok(Some(half_even(order.commitment.checked_mul(hours)?, currency.minor_digits())))
            }
        }
    }

    /// The meter that a reservation was sold for.
    pub(super) fn first_meter(&self) -> Option<&'a str> {
        match self {
            Self::Reservation(order) => order.meters.first().map(|meter| meter.meter_id.as_str()),
            Self::SavingsPlan(_) => None,
        }
    }

    /// What a price sheet says for all units and the whole term, in minor units.
    pub(super) fn sheet_price(&self, sheet: &PriceSheet, currency: Currency) -> Option<Decimal> {
        let Self::Reservation(order) = self else { return None };
        let line = sheet.reservation(self.first_meter()?, order.term, order.part_number.as_deref())?;
        let all = sheet.line(line).unit_price.checked_mul(Decimal::from(order.units)).ok()?;
        Some(half_even(all, currency.minor_digits()))
    }

    pub(super) fn facts(&self) -> BenefitFacts {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            Self::Reservation(order) => BenefitFacts {
                is_reservation: true,
                order_id: order.order_id.clone(),
                order_name: text(&order.order_name),
                id: order.reservation_id.clone(),
                name: text(&order.name),
                term_months: order.term.months(),
            },
            Self::SavingsPlan(order) => BenefitFacts {
                is_reservation: false,
                order_id: order.order_id.clone(),
                order_name: text(&order.order_name),
                id: order.plan_id.clone(),
                name: text(&order.name),
                term_months: order.term.months(),
            },
        }
    }
}

/// A benefit while its returns are applied.
struct Builder<'a> {
    benefit: Benefit<'a>,
    frame: Frame,
    /// Installments as agreed.
    agreed: Vec<Installment>,
    /// Units that are left.
    units: u32,
}

/// Puts a benefit together from its order, its price and everything else that names it.
///
/// # Errors
/// [`OrderError`] for transactions that cannot be true: a return before the purchase, of more units than there are, of a
/// savings plan; a price that does not fit.
pub(super) fn build<'a>(
    source: Source<'a>,
    price: Decimal,
    orders: &'a [Order],
    frame: &Frame,
) -> Result<Benefit<'a>, OrderError> {
    let money = |error: MoneyError| fault(source.order_id(), source.date(), "price", error.to_string());
    let years = |error: calendar::CalendarError| fault(source.order_id(), source.date(), "date", error.to_string());
    let key = comparable(source.order_id());
    let start = source.date();
    let last = source.term().last_covered_day(start).map_err(years)?;
    let until = last.next().map_err(years)?;
    let days = source.term().day_count(start).map_err(years)?;
    let schedule = cumulative(price, days, ALLOCATION_DIGITS).map_err(money)?;
    let agreed = match source.billing() {
        BenefitBilling::Upfront => vec![Installment { date: start, amount: price }],
        BenefitBilling::Monthly => {
            let months = source.term().months();
            let parts = installments(price, u32::from(months), frame.currency).map_err(money)?;
            let mut agreed = Vec::with_capacity(usize::from(months));
            for (number, amount) in (0..months).zip(parts.parts()) {
                agreed
                    .push(Installment { date: source.term().installment_date(start, number).map_err(years)?, amount });
            }
            agreed
        }
    };
    let (mut here_from, mut here_until) = (None, None);
    let mut returns: Vec<&Return> = Vec::new();
    for order in orders {
        match order {
            Order::Return(order) if comparable(&order.order_id) == key => returns.push(order),
            Order::Transfer(order) if comparable(&order.order_id) == key => match order.direction {
                TransferDirection::Out => here_until = Some(order.date),
                TransferDirection::In => here_from = Some(order.date),
            },
            _ => {}
        }
    }
    returns.sort_by_cached_key(|order| (order.date, comparable(&order.id)));
    let segment = Segment { from: start, until, schedule, units: source.units() };
    let benefit = Benefit {
        source,
        key,
        price,
        start,
        last,
        segments: vec![segment],
        charged: agreed.clone(),
        returns: Vec::new(),
        here_from,
        here_until,
    };
    let mut builder = Builder { benefit, frame: *frame, agreed, units: source.units() };
    for order in returns {
        builder.give_back(order)?;
    }
    builder.benefit.charged.retain({
        let (from, until) = (here_from, here_until);
        move |installment| {
            from.is_none_or(|from| from <= installment.date) && until.is_none_or(|until| installment.date < until)
        }
    });
    Ok(builder.benefit)
}

fn fault(order: &str, date: Date, field: &'static str, reason: String) -> OrderError {
    OrderError { order: order.to_owned(), field, reason, date }
}

impl Builder<'_> {
    fn give_back(&mut self, order: &Return) -> Result<(), OrderError> {
        let refuse = |field: &'static str, reason: String| Err(fault(&order.id, order.date, field, reason));
        let money = |error: MoneyError| fault(&order.id, order.date, "refund", error.to_string());
        let years = |error: calendar::CalendarError| fault(&order.id, order.date, "date", error.to_string());
        let Source::Reservation(_) = self.benefit.source else {
            return refuse("orderId", "it is a savings plan; savings plans cannot be returned or exchanged".to_owned());
        };
        let (start, last) = (self.benefit.start, self.benefit.last);
        if order.date < start {
            return refuse(
                "date",
                format!("the return is dated before the purchase, {start}; expected {start} to {last}"),
            );
        }
        if order.date > last {
            return refuse("date", format!("the reservation ended on {last}; expected a day from {start} to {last}"));
        }
        if self.units == 0 {
            return refuse("orderId", "all units of the reservation were given back before".to_owned());
        }
        if self.benefit.returns.last().is_some_and(|earlier| earlier.date == order.date) {
            return refuse("date", "another return of the reservation has the same day; put them together".to_owned());
        }
        let units = order.units.unwrap_or(self.units);
        if units == 0 || units > self.units {
            return refuse("units", format!("{units} units cannot be given back; there are {}", self.units));
        }
        let is_monthly = self.benefit.source.billing() == BenefitBilling::Monthly;
        if units < self.units && is_monthly {
            let reason = "a part of a reservation that is billed monthly cannot be given back; give back all units";
            return refuse("units", reason.to_owned());
        }
        let unused = self.left_at(order.date).map_err(money)?;
        let stays = match units == self.units {
            true => Decimal::ZERO,
            false => {
                let share = Ratio::new(self.units - units, self.units).map_err(money)?;
                half_even_ratio(unused, share, ALLOCATION_DIGITS).map_err(money)?
            }
        };
        // V, of the units that are given back: what was paid and not consumed. Monthly: less the installments to come.
        let dropped = self.drop_installments(order.date, is_monthly).map_err(money)?;
        let value = unused.checked_sub(stays).and_then(|value| value.checked_sub(dropped)).map_err(money)?;
        let computed = half_even(value, self.frame.currency.minor_digits()).max(Decimal::ZERO);
        let refund = order.refund.unwrap_or(computed);
        let paid = self.benefit.charged.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.amount));
        let before = self.benefit.returns.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.refund));
        let left = paid.and_then(|paid| paid.checked_sub(before?)).map_err(money)?;
        if refund > left {
            return refuse("refund", format!("{refund} is more than what was paid and not given back yet, {left}"));
        }
        if self.benefit.here_until.is_some_and(|until| order.date >= until)
            || self.benefit.here_from.is_some_and(|from| order.date < from)
        {
            return refuse("date", "the reservation belongs to another enrollment on this day".to_owned());
        }
        let settlement = value.checked_sub(refund).map_err(money)?;
        let charged = self.benefit.charged.iter().rev().find(|one| one.date < order.date);
        let purchase = charged.or(self.benefit.charged.first()).map_or(start, |one| one.date);
        let own = BillingPeriod::of(purchase);
        let is_of_closed = own < self.frame.start || Instant::start_of(order.date) >= close_of(own).map_err(years)?;
        self.benefit.returns.push(Returned {
            id: order.id.clone(),
            date: order.date,
            units,
            refund,
            settlement,
            reason: order.reason,
            period: if is_of_closed { BillingPeriod::of(order.date) } else { own },
            is_of_closed,
            remaining_commitment: if is_monthly { dropped } else { value },
        });
        self.cut(order.date, stays, units).map_err(money)
    }

    /// What of the price was not consumed at the start of a day.
    fn left_at(&self, day: Date) -> Result<Decimal, MoneyError> {
        let segment = self.benefit.segments.last().expect("a benefit has a segment from the start");
        let consumed = u32::try_from(day.days() - segment.from.days()).unwrap_or_default();
        segment.schedule.total().checked_sub(segment.schedule.through(consumed)?)
    }

    /// Takes the installments away that are not charged any more, and gives their sum. The first is charged always.
    fn drop_installments(&mut self, day: Date, is_monthly: bool) -> Result<Decimal, MoneyError> {
        if !is_monthly {
            return Ok(Decimal::ZERO);
        }
        let charged = self.agreed.iter().filter(|one| one.date < day).count().max(1);
        self.benefit.charged.truncate(charged);
        self.agreed[charged..].iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.amount))
    }

    /// Ends the running segment at the start of a day; what stays goes on over the rest of the term.
    fn cut(&mut self, day: Date, stays: Decimal, units: u32) -> Result<(), MoneyError> {
        let segment = self.benefit.segments.last_mut().expect("a benefit has a segment from the start");
        let until = std::mem::replace(&mut segment.until, day);
        self.units -= units;
        if self.units > 0 {
            let days = u32::try_from(until.days() - day.days()).unwrap_or_default();
            let schedule = cumulative(stays, days, ALLOCATION_DIGITS)?;
            self.benefit.segments.push(Segment { from: day, until, schedule, units: self.units });
        }
        Ok(())
    }
}

/// A benefit on one of its days.
#[derive(Debug, Clone, Copy)]
pub(super) struct BenefitDay {
    /// D: the money of the day.
    pub(super) amount: Decimal,
    pub(super) units: u32,
}

impl Benefit<'_> {
    /// What it costs and covers on a day; `None` on days that are not its own here.
    pub(super) fn on(&self, day: Date) -> Result<Option<BenefitDay>, MoneyError> {
        let is_here = self.here_from.is_none_or(|from| from <= day) && self.here_until.is_none_or(|until| day < until);
        let segment = self.segments.iter().find(|segment| segment.from <= day && day < segment.until);
        let Some(segment) = segment.filter(|_| is_here) else { return Ok(None) };
        let part = u32::try_from(day.days() - segment.from.days() + 1).unwrap_or_default();
        Ok(Some(BenefitDay { amount: segment.schedule.part(part)?, units: segment.units }))
    }

    /// Whether a subscription's resource group lies in its scope.
    pub(super) fn covers(&self, subscription: SubscriptionId, resource_group: &str) -> bool {
        match self.source.scope() {
            BenefitScope::ResourceGroup { subscription: own, resource_group: group } => {
                *own == subscription && group.eq_ignore_ascii_case(resource_group)
            }
            BenefitScope::Subscription(own) => *own == subscription,
            BenefitScope::ManagementGroup { subscriptions, .. } => subscriptions.contains(&subscription),
            BenefitScope::Shared => true,
        }
    }

    /// The order in which benefits are applied (SEMANTICS 3.4, D-16): reservations first, narrower scopes first, of
    /// savings plans longer terms first, then the earlier start, then the smaller id.
    pub(super) fn rank(&self) -> (bool, u8, std::cmp::Reverse<u16>, Date, String) {
        let scope = match self.source.scope() {
            BenefitScope::ResourceGroup { .. } => 0,
            BenefitScope::Subscription(_) => 1,
            BenefitScope::ManagementGroup { .. } => 2,
            BenefitScope::Shared => 3,
        };
        let is_plan = !self.source.is_reservation();
        let months = if is_plan { self.source.term().months() } else { 0 };
        (is_plan, scope, std::cmp::Reverse(months), self.start, self.key.clone())
    }
}
