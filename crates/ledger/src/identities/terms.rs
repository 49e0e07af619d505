//! What a benefit costs on each day and how many hours it has, from its orders alone (SEMANTICS 3.2 to 3.6): the other
//! side of I-5, computed without a look at any charge.

use calendar::{CalendarError, Date};
use money::{Cumulative, Decimal, MoneyError, Ratio, Total, cumulative, half_even_ratio};

use crate::billing::{Order, Reservation, Return, SavingsPlan, TransferDirection};
use crate::comparable;

/// Digits of day amounts (SEMANTICS 2.5).
const ALLOCATION_DIGITS: u8 = 12;
const HOURS_PER_DAY: u32 = 24;

/// The day amounts of a benefit.
#[derive(Debug, Clone)]
pub struct BenefitTerms {
    /// Comparable order id.
    pub order_id: String,
    /// Whether it is a reservation; else a savings plan.
    pub is_reservation: bool,
    /// Its days in order; returns of some units begin a new stretch.
    pub segments: Vec<TermSegment>,
    /// The day on which all of it was given back, which is no covered day.
    pub returned: Option<Date>,
    /// Whether it came from or went to another enrollment: then only a part of its term is charged here.
    pub moved: bool,
}

/// A stretch of days with one division of an amount over days.
#[derive(Debug, Clone, Copy)]
pub struct TermSegment {
    /// First covered day.
    pub first: Date,
    /// Last covered day, inclusive.
    pub last: Date,
    /// The amounts by day, at 12 fraction digits.
    pub amounts: Cumulative,
    /// The day of the amounts that `first` is, from 1.
    pub first_part: u32,
    /// Reservation-hours per day; 0 for savings plans.
    pub hours: Decimal,
}

/// Why the terms of an order cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot compute the days of order {order}: {reason}")]
pub struct TermsError {
    /// The order.
    pub order: String,
    /// Why.
    pub reason: String,
}

/// The terms of all benefits among the orders of an enrollment. `price_of` gives the price of a whole term that an order
/// does not state, by comparable order id; orders of which nobody knows the price are left out.
///
/// # Errors
/// [`TermsError`] for dates outside of the calendar and for amounts that do not fit.
pub fn benefit_terms(
    orders: &[Order],
    price_of: &dyn Fn(&str) -> Option<Decimal>,
) -> Result<Vec<BenefitTerms>, TermsError> {
    let mut all = Vec::new();
    for order in orders {
        let terms = match order {
            Order::Reservation(order) => of_reservation(order, price_of),
            Order::SavingsPlan(order) => of_plan(order, price_of),
            _ => continue,
        };
        let failed = |reason: String| TermsError { order: order.id().to_owned(), reason };
        if let Some(mut terms) = terms.map_err(|error| failed(error.0))? {
            apply_changes(&mut terms, orders).map_err(|error| failed(error.0))?;
            all.push(terms);
        }
    }
    Ok(all)
}

impl BenefitTerms {
    /// Amount and hours of a covered day; `None` for other days.
    pub fn day(&self, date: Date) -> Option<(Decimal, Decimal)> {
        let segment = self.segments.iter().find(|segment| segment.first <= date && date <= segment.last)?;
        let amount = segment.amounts.part(segment.part_of(date)).ok()?;
        Some((amount, segment.hours))
    }

    /// The sum of the amounts of all covered days up to a day, inclusive.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where the sum exceeds 255 bits.
    pub fn through(&self, date: Date) -> Result<Decimal, MoneyError> {
        let mut total = Total::ZERO;
        for segment in self.segments.iter().filter(|segment| segment.first <= date) {
            let last = segment.part_of(segment.last.min(date));
            let before = segment.amounts.through(segment.first_part - 1)?;
            total.add(segment.amounts.through(last)?.checked_sub(before)?)?;
        }
        Ok(total.value())
    }

    /// The last covered day, inclusive; `None` where no day is covered.
    pub fn last_day(&self) -> Option<Date> {
        self.segments.last().map(|segment| segment.last)
    }

    /// The first covered day; `None` where no day is covered.
    pub fn first_day(&self) -> Option<Date> {
        self.segments.first().map(|segment| segment.first)
    }
}

impl TermSegment {
    fn part_of(&self, date: Date) -> u32 {
        let days = date.days().saturating_sub(self.first.days());
        self.first_part + u32::try_from(days).unwrap_or(0)
    }
}

/// The text of an error of the calendar or of money.
struct Reason(String);

impl From<CalendarError> for Reason {
    fn from(error: CalendarError) -> Self {
        Self(error.to_string())
    }
}

impl From<MoneyError> for Reason {
    fn from(error: MoneyError) -> Self {
        Self(error.to_string())
    }
}

fn of_reservation(
    order: &Reservation,
    price_of: &dyn Fn(&str) -> Option<Decimal>,
) -> Result<Option<BenefitTerms>, Reason> {
    let order_id = comparable(&order.order_id);
    let Some(price) = order.price.or_else(|| price_of(&order_id)) else { return Ok(None) };
    let days = order.term.day_count(order.date)?;
    let segment = TermSegment {
        first: order.date,
        last: order.term.last_covered_day(order.date)?,
        amounts: cumulative(price, days, ALLOCATION_DIGITS)?,
        first_part: 1,
        hours: Decimal::from(order.units).checked_mul(Decimal::from(HOURS_PER_DAY))?,
    };
    Ok(Some(BenefitTerms { order_id, is_reservation: true, segments: vec![segment], returned: None, moved: false }))
}

fn of_plan(order: &SavingsPlan, price_of: &dyn Fn(&str) -> Option<Decimal>) -> Result<Option<BenefitTerms>, Reason> {
    let order_id = comparable(&order.order_id);
    let days = order.term.day_count(order.date)?;
    // D-18: the real number of days.
    let hours = Decimal::from(HOURS_PER_DAY).checked_mul(Decimal::from(days))?;
    let price = match order.price.or_else(|| price_of(&order_id)) {
        Some(price) => price,
        None => order.commitment.checked_mul(hours)?,
    };
    let segment = TermSegment {
        first: order.date,
        last: order.term.last_covered_day(order.date)?,
        amounts: cumulative(price, days, ALLOCATION_DIGITS)?,
        first_part: 1,
        hours: Decimal::ZERO,
    };
    Ok(Some(BenefitTerms { order_id, is_reservation: false, segments: vec![segment], returned: None, moved: false }))
}

/// Returns and moves, in the order of their days.
fn apply_changes(terms: &mut BenefitTerms, orders: &[Order]) -> Result<(), Reason> {
    let own = |order_id: &str| comparable(order_id) == terms.order_id;
    let mut changes: Vec<&Order> = orders
        .iter()
        .filter(|order| match order {
            Order::Return(order) => own(&order.order_id),
            Order::Transfer(order) => own(&order.order_id),
            _ => false,
        })
        .collect();
    changes.sort_by_key(|order| (order.date(), order.id()));
    for change in changes {
        match change {
            Order::Return(order) => give_back(terms, order)?,
            Order::Transfer(order) => {
                terms.moved = true;
                match order.direction {
                    TransferDirection::Out => end_before(terms, order.date)?,
                    TransferDirection::In => begin_on(terms, order.date),
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ends the benefit, or goes on with fewer units: what stays of the price is spread over the days that are left.
fn give_back(terms: &mut BenefitTerms, order: &Return) -> Result<(), Reason> {
    let Some(last) = terms.segments.last().copied() else { return Ok(()) };
    let units_before = last.hours;
    let given = order.units.map(|units| Decimal::from(units).checked_mul(Decimal::from(HOURS_PER_DAY))).transpose()?;
    let staying = given.map(|given| units_before.checked_sub(given)).transpose()?;
    end_before(terms, order.date)?;
    let staying = staying.filter(|hours| !hours.is_zero() && !hours.is_negative());
    let (Some(staying), true) = (staying, order.date <= last.last) else {
        terms.returned = Some(order.date);
        return Ok(());
    };
    let days_left = u32::try_from(last.last.days() - order.date.days() + 1).unwrap_or(1);
    let used_part = last.amounts.part_count().saturating_sub(days_left);
    let unamortized = last.amounts.total().checked_sub(last.amounts.through(used_part)?)?;
    let stays = half_even_ratio(unamortized, Ratio::new(staying, units_before)?, ALLOCATION_DIGITS)?;
    terms.segments.push(TermSegment {
        first: order.date,
        last: last.last,
        amounts: cumulative(stays, days_left, ALLOCATION_DIGITS)?,
        first_part: 1,
        hours: staying,
    });
    Ok(())
}

/// Takes away a day and all after it.
fn end_before(terms: &mut BenefitTerms, day: Date) -> Result<(), Reason> {
    terms.segments.retain(|segment| segment.first < day);
    if let Some(segment) = terms.segments.last_mut().filter(|segment| segment.last >= day) {
        segment.last = day.previous()?;
    }
    Ok(())
}

/// Takes away all days before a day.
fn begin_on(terms: &mut BenefitTerms, day: Date) {
    terms.segments.retain(|segment| segment.last >= day);
    if let Some(segment) = terms.segments.first_mut().filter(|segment| segment.first < day) {
        segment.first_part = segment.part_of(day);
        segment.first = day;
    }
}
