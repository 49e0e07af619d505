//! Billing one period: usage is priced, benefits cover it, orders are charged, invoice lines are cut, the balance is
//! settled.

use std::collections::{BTreeMap, HashMap};

use calendar::{BillingPeriod, Date};
use money::{Currency, Decimal, MoneyError, Total, half_even, truncate};

use super::benefit::{ALLOCATION_DIGITS, Benefit, Source, build};
use super::bill::{BillError, BillInput, ChargeClass, InvoiceLine, PeriodBill};
use super::charge::{Charge, Charges, Kind, LineFacts, OwnPrice};
use super::order::Order;
use super::ownership::{NOWHERE, Ownership};
use super::price::PriceSheet;
use super::settle::{Charged, PurchaseCost, Settlement};
use super::usage::close_of;
use crate::selection::comparable;

/// What all benefits of an enrollment are built in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The period that is billed.
    pub(super) period: BillingPeriod,
    /// The enrollment's first period; those before it count as closed.
    pub(super) start: BillingPeriod,
    pub(super) currency: Currency,
}

/// The days of the period and where the instant of asking stands in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) period: BillingPeriod,
    /// The day of asking.
    pub(super) today: Date,
    /// Whether all days of the period are over.
    is_over: bool,
    is_final: bool,
}

impl Clock {
    /// Whether an event of a day, charged in a period, is charged in this one as it is seen.
    pub(super) fn is_now(&self, date: Date, period: BillingPeriod) -> bool {
        period == self.period && date <= self.today
    }

    /// Whether a day is over, so that benefits are amortized on it (D-43).
    pub(super) fn is_complete(&self, day: Date) -> bool {
        day < self.today
    }
}

/// Bills one period as it stands at an instant.
///
/// # Errors
/// [`BillError`]: orders that contradict each other, a benefit without price, hourly and daily usage mixed on a benefit's
/// day, sums that do not fit, and a period whose predecessor's book is not given.
pub fn bill(input: BillInput<'_>) -> Result<PeriodBill, BillError> {
    let BillInput { enrollment, period, prices, orders, usage, previous, as_of } = input;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source: MoneyError| BillError::Money { period, what, source }
    };
    check_previous(enrollment.start, period, previous.map(|book| book.period.as_str()))?;
    let clock = clock(period, as_of);
    let today = clock.today;
    // A benefit that comes from another enrollment does nothing here before, so its coming is seen from the start.
    let is_seen = |order: &&Order| order.date() <= today || matches!(order, Order::Transfer(_));
    let seen: Vec<Order> = orders.iter().filter(is_seen).cloned().collect();
    let no_prices = PriceSheet::empty(enrollment.currency);
    let sheet = prices.unwrap_or(&no_prices);
    let frame = Frame { period, start: enrollment.start, currency: enrollment.currency };
    let known = |source: &Source<'_>| match previous.and_then(|book| book.benefits.get(&comparable(source.order_id())))
    {
        Some(book) => Some(book.price.value()),
        None if BillingPeriod::of(source.date()) == period => source.sheet_price(sheet, enrollment.currency),
        None => None,
    };
    let benefits = benefits(&seen, &known, &frame)?;
    let ownership = Ownership::of(&enrollment.hierarchy);
    let mut run = Run {
        clock,
        sheet,
        benefits: &benefits,
        ownership: &ownership,
        lines: Vec::new(),
        items: Vec::new(),
        invoice: Items::default(),
        own: Vec::new(),
        rows: Vec::new(),
    };
    let usage = usage.sorted().map_err(failed("the sums of usage"))?;
    let held_back = run.usage(usage)?;
    run.benefit_charges().map_err(failed("what benefits cost"))?;
    run.other_charges(&seen).map_err(failed("what purchases cost"))?;
    let (invoice_lines, charged) = run.invoice(enrollment.currency.minor_digits()).map_err(failed("invoice lines"))?;
    let settlement = Settlement {
        enrollment,
        period,
        today,
        is_over: clock.is_over,
        orders: &seen,
        benefits: &benefits,
        previous,
        charged,
    };
    let (balance, book) = settlement.settle().map_err(failed("the balance"))?;
    let Run { lines, own, rows, .. } = run;
    let mut charges = Charges {
        number: enrollment.number.to_string(),
        name: enrollment.name.clone(),
        currency: enrollment.currency,
        period,
        lines,
        places: ownership.places,
        benefits: benefits.iter().map(|benefit| benefit.source.facts()).collect(),
        own,
        rows,
    };
    charges.sort();
    Ok(PeriodBill { period, is_final: clock.is_final, balance, invoice_lines, book, held_back, charges })
}

fn clock(period: BillingPeriod, as_of: super::Instant) -> Clock {
    // Years beyond 9999 are not billed: an instant there is one after everything.
    let today = as_of.date().unwrap_or(Date::MAX);
    let is_over = today > period.last_day();
    let is_final = close_of(period).is_ok_and(|close| close <= as_of);
    Clock { period, today, is_over, is_final }
}

fn check_previous(start: BillingPeriod, period: BillingPeriod, previous: Option<&str>) -> Result<(), BillError> {
    let expected = if period <= start { None } else { period.previous().ok() };
    match expected {
        Some(expected) if previous != Some(expected.to_string().as_str()) => {
            Err(BillError::NoPrevious { period, expected })
        }
        _ => Ok(()),
    }
}

/// T of each benefit: what its order says, else what was found when it was bought, else the price sheet of its period.
fn benefits<'a>(
    orders: &'a [Order],
    found: &dyn Fn(&Source<'_>) -> Option<Decimal>,
    input: &Frame,
) -> Result<Vec<Benefit<'a>>, BillError> {
    let mut benefits = Vec::new();
    // What begins after the period does nothing in it, and its price may be on a sheet that is not at hand.
    let begun = |source: &Source<'_>| source.date() <= input.period.last_day();
    for source in orders.iter().filter_map(Source::of).filter(begun) {
        let stated = source.stated_price(input.currency).map_err(|source| BillError::Money {
            period: input.period,
            what: "the price of a savings plan".to_owned(),
            source,
        })?;
        let price = stated.or_else(|| found(&source)).ok_or_else(|| BillError::NoBenefitPrice {
            order: source.order_id().to_owned(),
            period: BillingPeriod::of(source.date()),
            meter: source.first_meter().unwrap_or_default().to_owned(),
            months: source.term().months(),
        })?;
        benefits.push(build(source, price, orders, input)?);
    }
    benefits.sort_by_cached_key(Benefit::rank);
    Ok(benefits)
}

/// Billing in progress: the tables that charges share, and the charges.
pub(super) struct Run<'a> {
    pub(super) clock: Clock,
    pub(super) sheet: &'a PriceSheet,
    pub(super) benefits: &'a [Benefit<'a>],
    pub(super) ownership: &'a Ownership,
    pub(super) lines: Vec<LineFacts>,
    /// The item of the invoice that a line's charges go to, by line; `None`: to no item.
    items: Vec<Option<u32>>,
    invoice: Items,
    own: Vec<OwnPrice>,
    pub(super) rows: Vec<Charge>,
}

/// What an invoice line charges for: usage of a meter, or an order. Their ids are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Item<'a> {
    Meter(&'a str),
    Order(&'a str),
}

/// What charges of an invoice line have in common: class, subscription, item, and whether the item is an order.
type ItemKey = (ChargeClass, String, String, bool);

/// The items of the invoice.
#[derive(Default)]
struct Items {
    known: HashMap<ItemKey, u32>,
    keys: Vec<ItemKey>,
}

impl Items {
    fn item(&mut self, key: ItemKey) -> u32 {
        if let Some(item) = self.known.get(&key) {
            return *item;
        }
        let item = index(self.keys.len());
        self.keys.push(key.clone());
        self.known.insert(key, item);
        item
    }
}

/// A position in a table of charges; a period has far fewer than 2^32.
pub(super) fn index(position: usize) -> u32 {
    u32::try_from(position).expect("a period has less than 2^32 charges")
}

impl Run<'_> {
    /// Enters a line whose charges go to an item of the invoice.
    pub(super) fn enter(&mut self, facts: LineFacts, item: Item<'_>) -> u32 {
        let (item, is_order) = match item {
            Item::Meter(id) => (id, false),
            Item::Order(id) => (id, true),
        };
        let key = (facts.class(), comparable(&facts.subscription_id), comparable(item), is_order);
        let item = self.invoice.item(key);
        self.items.push(Some(item));
        self.lines.push(facts);
        index(self.lines.len() - 1)
    }

    /// Enters a line whose charges are on no invoice.
    pub(super) fn enter_beside(&mut self, facts: LineFacts) -> u32 {
        self.items.push(None);
        self.lines.push(facts);
        index(self.lines.len() - 1)
    }

    pub(super) fn own(&mut self, own: OwnPrice) -> Option<u32> {
        self.own.push(own);
        Some(index(self.own.len() - 1))
    }

    /// The lines of the invoice, the rounding rows they need, and what the balance is told.
    fn invoice(&mut self, digits: u8) -> Result<(Vec<InvoiceLine>, Charged), MoneyError> {
        let mut sums = vec![Total::ZERO; self.invoice.keys.len()];
        let mut charged = Charged::default();
        for row in &self.rows {
            let Some(item) = self.items[row.line as usize] else { continue };
            sums[item as usize].add(row.cost)?;
            let is_eligible = self.invoice.keys[item as usize].0 == ChargeClass::Eligible;
            if !is_eligible || row.cost <= Decimal::ZERO {
                continue;
            }
            if row.kind.is_usage() {
                charged.usage.entry(row.day).or_default().add(row.cost)?;
            } else {
                let (_, subscription, order, _) = self.invoice.keys[item as usize].clone();
                charged.purchases.push(PurchaseCost { day: row.day, order, subscription, cost: row.cost });
            }
        }
        let mut lines = Vec::with_capacity(sums.len());
        let mut left_over: BTreeMap<ChargeClass, Decimal> = BTreeMap::new();
        for ((class, subscription, item, _), sum) in self.invoice.keys.iter().zip(sums) {
            let exact = sum.value();
            let amount = truncate(exact, digits);
            let line_sum = charged.lines.entry(*class).or_default();
            *line_sum = line_sum.checked_add(amount)?;
            let rest = left_over.entry(*class).or_default();
            *rest = rest.checked_add(amount.checked_sub(exact)?)?;
            let (subscription_id, item) = (subscription.clone(), item.clone());
            lines.push(InvoiceLine { class: *class, subscription_id, item, exact, amount });
        }
        lines.sort_by(|a, b| (a.class, &a.subscription_id, &a.item).cmp(&(b.class, &b.subscription_id, &b.item)));
        left_over.into_iter().filter(|(_, rest)| !rest.is_zero()).for_each(|(class, rest)| self.rounding(class, rest));
        Ok((lines, charged))
    }

    /// The row of what cutting a class's lines leaves over (SEMANTICS 2.5 no. 4).
    fn rounding(&mut self, class: ChargeClass, rest: Decimal) {
        let line = self.enter_beside(LineFacts {
            credit_eligible: class == ChargeClass::Eligible,
            is_marketplace: class == ChargeClass::Marketplace,
            ..LineFacts::default()
        });
        let effective = half_even(rest, ALLOCATION_DIGITS);
        let zero = Decimal::ZERO;
        let own = self.own(OwnPrice { effective, amortized: zero, ratio: zero, recurs: false });
        let day = self.clock.period.last_day();
        let (kind, quantity) = (Kind::Rounding, Decimal::from(1));
        self.rows.push(Charge { kind, day, line, place: NOWHERE, benefit: None, own, quantity, cost: rest });
    }
}
