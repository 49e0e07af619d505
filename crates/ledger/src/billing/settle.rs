//! The balance of a period: what was prepaid and credited, what the charges take of it, what is handed on (SEMANTICS 4.1 to
//! 4.4).

use std::collections::BTreeMap;

use calendar::{BillingPeriod, Date};
use money::{Decimal, MoneyError, Ratio, Total, half_even, half_even_ratio};

use super::benefit::{Benefit, Returned};
use super::bill::ChargeClass;
use super::book::{BenefitBook, PeriodBook, PoolCredit};
use super::enrollment::NativeEnrollment;
use super::order::{Order, Prepayment, ReturnReason};
use super::pool::{Lot, Pool};
use crate::selection::comparable;
use crate::{Amount, BalanceAmount, BalanceDetail, BalanceSummary};

/// For how long money comes back whose own credit is over, in days from the return (SEMANTICS 4.4).
const RETURNED_CREDIT_DAYS: i32 = 90;

/// A purchase that may use the pool.
#[derive(Debug, Clone)]
pub(super) struct PurchaseCost {
    pub(super) day: Date,
    /// Comparable order id and subscription.
    pub(super) order: String,
    pub(super) subscription: String,
    pub(super) cost: Decimal,
}

/// What a period charged.
#[derive(Debug, Default)]
pub(super) struct Charged {
    /// Sums of the cut invoice lines by class: E, S and K of SEMANTICS 4.2.
    pub(super) lines: BTreeMap<ChargeClass, Decimal>,
    /// Positive eligible purchases, benefits and others.
    pub(super) purchases: Vec<PurchaseCost>,
    /// Sums of positive eligible usage by day.
    pub(super) usage: BTreeMap<Date, Total>,
}

/// What a balance is made from.
pub(super) struct Settlement<'a> {
    pub(super) enrollment: &'a NativeEnrollment,
    pub(super) period: BillingPeriod,
    /// The day of asking: later orders are not seen.
    pub(super) today: Date,
    /// Whether the period's last day is over.
    pub(super) is_over: bool,
    pub(super) orders: &'a [Order],
    pub(super) benefits: &'a [Benefit<'a>],
    pub(super) previous: Option<&'a PeriodBook>,
    pub(super) charged: Charged,
}

/// Adjustments and purchases as they are listed.
#[derive(Default)]
struct List {
    details: Vec<BalanceDetail>,
    sum: Decimal,
}

impl List {
    fn push(&mut self, name: &str, value: Decimal, digits: u8) -> Result<(), MoneyError> {
        self.sum = self.sum.checked_add(value)?;
        self.details.push(BalanceDetail { name: Some(name.to_owned()), value: Some(minor(value, digits)) });
        Ok(())
    }
}

/// The first day that a prepayment covers (D-24).
pub(super) fn coverage_start(order: &Prepayment) -> Date {
    let next_month = || BillingPeriod::of(order.date).next().map_or(order.date, BillingPeriod::first_day);
    order.coverage_start.unwrap_or_else(|| if order.date.day() == 1 { order.date } else { next_month() })
}

/// An amount with exactly the decimals of its currency.
fn minor(value: Decimal, digits: u8) -> Amount {
    let padded = value.rescaled_i128(digits).and_then(|mantissa| Decimal::from_i128(mantissa, digits).ok());
    Amount::from(padded.unwrap_or(value))
}

impl Settlement<'_> {
    fn digits(&self) -> u8 {
        self.enrollment.currency.minor_digits()
    }

    /// Settles the period: its summary, and its book.
    pub(super) fn settle(&self) -> Result<(BalanceSummary, PeriodBook), MoneyError> {
        let digits = self.digits();
        let class = |class| self.charged.lines.get(&class).copied().unwrap_or(Decimal::ZERO);
        let eligible = class(ChargeClass::Eligible);
        let mut pool = self.opening()?;
        let beginning = pool.balance()?;
        let mut adjustments = List::default();
        let new_purchases = self.add_prepayments(&mut pool)?;
        let debits = self.add_credits(&mut pool, &mut adjustments)?;
        let overage_refund = self.add_refunds(&mut pool, &mut adjustments)?;
        if eligible.is_negative() {
            let correction = eligible.abs();
            adjustments.push("Usage Correction Credit", correction, digits)?;
            pool.credit(correction, None)?;
        }
        debits.into_iter().try_for_each(|amount| pool.debit(amount).map(|_| ()))?;
        let charges = eligible.max(Decimal::ZERO);
        let utilized = charges.min(pool.balance()?.max(Decimal::ZERO));
        let paid_by = pool.debit(utilized)?;
        let benefits = self.fund(&paid_by, utilized)?;
        if self.is_over {
            let last = self.period.last_day();
            let lost = pool.expire(last, self.enrollment.end.is_some_and(|end| end <= last))?;
            if !lost.is_zero() {
                adjustments.push("Prepayment Expiration", lost.checked_neg()?, digits)?;
            }
        }
        let ending = pool.balance()?;
        let service_overage = charges.checked_sub(utilized)?;
        let separate = class(ChargeClass::BilledSeparately);
        let total_overage = service_overage.checked_add(separate)?;
        let amounts = [
            (BalanceAmount::BeginningBalance, beginning),
            (BalanceAmount::EndingBalance, ending),
            (BalanceAmount::NewPurchases, new_purchases.sum),
            (BalanceAmount::Adjustments, adjustments.sum),
            (BalanceAmount::Utilized, utilized),
            (BalanceAmount::ServiceOverage, service_overage),
            (BalanceAmount::ChargesBilledSeparately, separate),
            (BalanceAmount::TotalOverage, total_overage),
            (BalanceAmount::TotalUsage, utilized.checked_add(total_overage)?),
            (BalanceAmount::AzureMarketplaceServiceCharges, class(ChargeClass::Marketplace)),
            (BalanceAmount::OverageRefund, overage_refund),
        ];
        let summary = BalanceSummary {
            currency: self.enrollment.currency,
            amounts: amounts.into_iter().map(|(which, value)| (which, minor(value, digits))).collect(),
            billing_frequency: Some(self.enrollment.billing_frequency.name().to_owned()),
            price_hidden: Some(false),
            new_purchases_details: Some(new_purchases.details),
            adjustment_details: Some(adjustments.details),
            name: None,
        };
        let credits = pool.credits().iter().map(|lot| self.stored(lot)).collect();
        let book = PeriodBook {
            period: self.period.to_string(),
            ending_balance: minor(ending, digits),
            credits,
            debt: minor(pool.debt(), digits),
            benefits,
        };
        Ok((summary, book))
    }

    fn stored(&self, lot: &Lot) -> PoolCredit {
        PoolCredit { amount: minor(lot.amount, self.digits()), expires: lot.expires }
    }

    /// What the period begins with.
    fn opening(&self) -> Result<Pool, MoneyError> {
        if let Some(previous) = self.previous {
            return Ok(Pool::of(&previous.credits, &previous.debt));
        }
        let mut pool = Pool::default();
        match self.enrollment.opening_balance {
            Some(opening) if opening.amount.is_negative() => drop(pool.debit(opening.amount.abs())?),
            Some(opening) => pool.credit(opening.amount, opening.expires)?,
            None => {}
        }
        Ok(pool)
    }

    /// Orders of a kind that are seen, in the order of their days and ids.
    fn seen<T>(&self, kind: impl Fn(&Order) -> Option<&T>) -> Vec<&T> {
        let mut seen: Vec<(Date, String, &T)> = self
            .orders
            .iter()
            .filter(|order| order.date() <= self.today)
            .filter_map(|order| Some((order.date(), comparable(order.id()), kind(order)?)))
            .collect();
        seen.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        seen.into_iter().map(|(_, _, order)| order).collect()
    }

    fn add_prepayments(&self, pool: &mut Pool) -> Result<List, MoneyError> {
        let mut list = List::default();
        for order in self.seen(Order::prepayment) {
            if BillingPeriod::of(coverage_start(order)) == self.period {
                list.push(&order.name, order.amount, self.digits())?;
                pool.credit(order.amount, order.expires)?;
            }
        }
        Ok(list)
    }

    /// Adds the period's credits, and gives its debits, which are taken when all credits are in.
    fn add_credits(&self, pool: &mut Pool, list: &mut List) -> Result<Vec<Decimal>, MoneyError> {
        let mut debits = Vec::new();
        for order in self.seen(Order::credit) {
            if BillingPeriod::of(order.date) != self.period {
                continue;
            }
            list.push(&order.name, order.amount, self.digits())?;
            if order.amount.is_negative() {
                debits.push(order.amount.abs());
            } else {
                pool.credit(order.amount, order.expires)?;
            }
        }
        Ok(debits)
    }

    /// Gives refunds of closed periods' purchases back the way they were paid (SEMANTICS 4.4 case 2), and gives what goes
    /// back beside the pool.
    fn add_refunds(&self, pool: &mut Pool, list: &mut List) -> Result<Decimal, MoneyError> {
        let mut refunds: Vec<(&Returned, &str)> = Vec::new();
        for benefit in self.benefits {
            let own = benefit.returns.iter().filter(|returned| self.is_refunded_now(returned));
            refunds.extend(own.map(|returned| (returned, benefit.key.as_str())));
        }
        refunds.sort_by_cached_key(|(returned, _)| (returned.date, comparable(&returned.id)));
        let mut beside = Decimal::ZERO;
        for (returned, key) in refunds {
            let book = self.previous.and_then(|previous| previous.benefits.get(key));
            let part = match book {
                Some(book) => pool_part(returned.refund, book, self.digits())?,
                None => Decimal::ZERO,
            };
            if !part.is_zero() {
                let name = match returned.reason {
                    ReturnReason::Return => "Return of Reservation Credit",
                    ReturnReason::Exchange | ReturnReason::TradeIn => "Exchange adjustment for Azure reservation",
                };
                list.push(name, part, self.digits())?;
                pool.credit(part, book.and_then(|book| expiry_of_return(book, returned.date)))?;
            }
            beside = beside.checked_add(returned.refund.checked_sub(part)?)?;
        }
        Ok(beside)
    }

    fn is_refunded_now(&self, returned: &Returned) -> bool {
        returned.is_of_closed
            && returned.period == self.period
            && returned.date <= self.today
            && !returned.refund.is_zero()
    }

    /// How the benefits were paid so far: walks the period's eligible charges in their order until the pool's part of them
    /// is used up (SEMANTICS 4.4, D-30).
    fn fund(&self, paid_by: &[Lot], utilized: Decimal) -> Result<BTreeMap<String, BenefitBook>, MoneyError> {
        let digits = self.digits();
        let mut books = self.previous.map(|previous| previous.benefits.clone()).unwrap_or_default();
        for benefit in self.benefits.iter().filter(|benefit| benefit.start <= self.today) {
            books.entry(benefit.key.clone()).or_insert_with(|| BenefitBook {
                price: minor(benefit.price, digits),
                paid: minor(Decimal::ZERO, digits),
                funding: Vec::new(),
            });
            let now = benefit.charged.iter().filter(|one| {
                BillingPeriod::of(one.date) == self.period
                    && one.date <= self.today
                    && self.period >= self.enrollment.start
            });
            for installment in now {
                let book = books.get_mut(&benefit.key).expect("it was just entered");
                book.paid = minor(book.paid.value().checked_add(installment.amount)?, digits);
            }
        }
        let mut purchases: Vec<&PurchaseCost> = self.charged.purchases.iter().collect();
        purchases.sort_by(|a, b| (a.day, &a.order, &a.subscription).cmp(&(b.day, &b.order, &b.subscription)));
        let mut usage = self.charged.usage.iter().peekable();
        let mut walked = Decimal::ZERO;
        for purchase in purchases {
            while let Some((_, sum)) = usage.next_if(|(day, _)| **day < purchase.day) {
                walked = walked.checked_add(sum.value())?;
            }
            let rest = utilized.checked_sub(walked)?.max(Decimal::ZERO);
            let part = half_even(purchase.cost.min(rest), digits);
            if let Some(book) = books.get_mut(&purchase.order).filter(|_| !part.is_zero()) {
                add_funding(book, part, lot_at(paid_by, walked, part)?, digits)?;
            }
            walked = walked.checked_add(purchase.cost)?;
        }
        Ok(books)
    }
}

/// The part of a refund that the pool takes back: `he(R × F / paid, minor)`.
fn pool_part(refund: Decimal, book: &BenefitBook, digits: u8) -> Result<Decimal, MoneyError> {
    let funded = book.funding.iter().try_fold(Decimal::ZERO, |sum, one| sum.checked_add(one.amount.value()))?;
    let paid = book.paid.value();
    if paid.is_zero() {
        return Ok(Decimal::ZERO);
    }
    half_even_ratio(refund, Ratio::new(funded, paid)?, digits)
}

/// When a credit that is given back expires: with the credit that paid the most of the purchase, or 90 days after the
/// return where that is over.
fn expiry_of_return(book: &BenefitBook, day: Date) -> Option<Date> {
    let lots = book.funding.iter().map(|one| Lot { amount: one.amount.value(), expires: one.expires });
    let most = lots.max_by(|a, b| a.amount.cmp(&b.amount).then_with(|| a.order().cmp(&b.order())))?;
    match most.expires {
        Some(expires) if expires < day => day.add_days(RETURNED_CREDIT_DAYS).ok(),
        expires => expires,
    }
}

/// The credit that paid most of the stretch of `length` from `from` on, where credits pay one after the other.
fn lot_at(paid_by: &[Lot], from: Decimal, length: Decimal) -> Result<Option<Date>, MoneyError> {
    let until = from.checked_add(length)?;
    let (mut begin, mut best) = (Decimal::ZERO, (Decimal::ZERO, None));
    for lot in paid_by {
        let end = begin.checked_add(lot.amount)?;
        let part = end.min(until).checked_sub(begin.max(from))?;
        if part > Decimal::ZERO && part >= best.0 {
            best = (part, lot.expires);
        }
        begin = end;
    }
    Ok(best.1)
}

fn add_funding(book: &mut BenefitBook, part: Decimal, expires: Option<Date>, digits: u8) -> Result<(), MoneyError> {
    match book.funding.iter_mut().find(|one| one.expires == expires) {
        Some(one) => one.amount = minor(one.amount.value().checked_add(part)?, digits),
        None => book.funding.push(PoolCredit { amount: minor(part, digits), expires }),
    }
    Ok(())
}
