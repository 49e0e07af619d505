//! Which usage each benefit covers on each day (SEMANTICS 3.4 and 3.5; D-16, D-39, D-42).
//!
//! Benefits are applied one after the other, each to what those before it left. Within an hour, or a day of daily usage,
//! a reservation takes usage in the order of subscription, resource and meter, a savings plan by the greatest discount
//! first. What a benefit does not use of an hour or a day is lost.

use std::collections::{BTreeMap, HashMap};

use calendar::Date;
use money::{Decimal, MoneyError, Ratio, SCALE_MAX, half_even_product, half_even_ratio, truncate};

use super::benefit::{ALLOCATION_DIGITS, Benefit, BenefitDay, HOURS_PER_DAY, Source};
use super::price::{PriceSheet, PriceType};
use super::rating::RatedLine;
use super::unit::trimmed;
use super::usage::Cell;
use crate::selection::comparable;

/// Usage of a line and day that a benefit covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take {
    /// Index into the benefits.
    pub(super) benefit: u32,
    pub(super) line: u32,
    /// In blocks of the line's unit.
    pub(super) quantity: Decimal,
    /// What it takes of the capacity: reservation-hours, or money of the commitment.
    pub(super) weight: Decimal,
    /// Capacity that one block takes.
    pub(super) rate: Decimal,
}

/// Hourly and daily usage that one benefit could cover on one day.
#[derive(Debug)]
pub(super) struct Mixed {
    pub(super) benefit: u32,
    pub(super) day: Date,
    pub(super) daily_line: u32,
    pub(super) hourly_line: u32,
}

/// Why coverage cannot be computed.
#[derive(Debug)]
pub(super) enum CoverageError {
    Money(MoneyError),
    Mixed(Mixed),
}

impl From<MoneyError> for CoverageError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

/// Lines that a benefit may cover, with the capacity that one block of each takes, in the order in which it takes them.
type Candidates = Vec<(u32, Decimal)>;

/// Which lines each benefit may cover in a period.
pub(super) struct Coverage<'a> {
    benefits: &'a [Benefit<'a>],
    /// By benefit.
    candidates: Vec<Candidates>,
    /// By line: whether some benefit may cover it.
    coverable: Vec<bool>,
}

impl<'a> Coverage<'a> {
    /// Finds the lines that each benefit may cover. `rated` has `None` for lines without price.
    pub(super) fn new(
        benefits: &'a [Benefit<'a>],
        rated: &[Option<RatedLine>],
        sheet: &PriceSheet,
    ) -> Result<Self, MoneyError> {
        let mut candidates = Vec::with_capacity(benefits.len());
        let mut coverable = vec![false; rated.len()];
        for benefit in benefits {
            let mut rates = Rates::of(benefit, sheet);
            let mut lines = Vec::new();
            for (index, line) in (0u32..).zip(rated) {
                let Some(line) = line.as_ref().filter(|line| line.coverable) else { continue };
                if !benefit.covers(line.subscription, &line.resource_group) {
                    continue;
                }
                let rate = rates.rate(line)?.filter(|rate| *rate > Decimal::ZERO);
                lines.extend(rate.map(|rate| (index, rate)));
            }
            if !benefit.source.is_reservation() {
                sort_by_discount(&mut lines, rated)?;
            }
            lines.iter().for_each(|(line, _)| coverable[*line as usize] = true);
            candidates.push(lines);
        }
        Ok(Self { benefits, candidates, coverable })
    }

    /// Whether some benefit may cover usage of a line.
    pub(super) fn may_cover(&self, line: u32) -> bool {
        self.coverable[line as usize]
    }

    /// Covers the usage of one day; `cells` are those of the day in the order of line and hour, with quantities in blocks.
    pub(super) fn day(&self, day: Date, cells: &[Cell]) -> Result<Vec<Take>, CoverageError> {
        let mut left: Vec<Decimal> = cells.iter().map(|cell| cell.quantity.max(Decimal::ZERO)).collect();
        let mut takes: Vec<Take> = Vec::new();
        let starts = starts(cells, self.coverable.len());
        for ((index, benefit), candidates) in (0u32..).zip(self.benefits).zip(&self.candidates) {
            let Some(own) = benefit.on(day)?.filter(|_| !candidates.is_empty()) else { continue };
            let claims = claims(candidates, cells, &starts).map_err(|(daily_line, hourly_line)| {
                CoverageError::Mixed(Mixed { benefit: index, day, daily_line, hourly_line })
            })?;
            let mut found: BTreeMap<u32, Take> = BTreeMap::new();
            for hour in claims.chunk_by(|one, other| one.hour == other.hour) {
                let mut rest = capacity(benefit, own, hour[0].hour.is_some())?;
                for claim in hour {
                    if rest <= Decimal::ZERO {
                        break;
                    }
                    let (line, rate) = candidates[claim.candidate as usize];
                    let left = &mut left[claim.cell as usize];
                    let Some(Taking { quantity, weight, is_split }) = benefit.take(*left, rate, rest)? else {
                        continue;
                    };
                    rest = if is_split { Decimal::ZERO } else { rest.checked_sub(weight)? };
                    *left = left.checked_sub(quantity)?;
                    let zero = Decimal::ZERO;
                    let take = Take { benefit: index, line, quantity: zero, weight: zero, rate };
                    let take = found.entry(line).or_insert(take);
                    take.quantity = take.quantity.checked_add(quantity)?;
                    take.weight = take.weight.checked_add(weight)?;
                }
            }
            takes.extend(found.into_values());
        }
        Ok(takes)
    }
}

/// Usage that a benefit may cover: of an hour, or of a day without hours.
struct Claim {
    hour: Option<u8>,
    /// Position among the benefit's candidates.
    candidate: u32,
    /// Position among the cells of the day.
    cell: u32,
}

/// Where the cells of each line begin: those of line n end where those of line n + 1 begin.
fn starts(cells: &[Cell], line_count: usize) -> Vec<u32> {
    let mut starts = vec![0; line_count + 1];
    cells.iter().for_each(|cell| starts[cell.line as usize + 1] += 1);
    let mut before = 0;
    for start in &mut starts {
        before += *start;
        *start = before;
    }
    starts
}

/// What a benefit may cover on a day, hour by hour, in each in the order in which it takes; daily usage is one hour. Fails
/// with a daily and an hourly line where both are there.
fn claims(candidates: &Candidates, cells: &[Cell], starts: &[u32]) -> Result<Vec<Claim>, (u32, u32)> {
    let mut claims = Vec::new();
    for (candidate, (line, _)) in (0u32..).zip(candidates) {
        for cell in starts[*line as usize]..starts[*line as usize + 1] {
            let Cell { hour, quantity, .. } = cells[cell as usize];
            if quantity > Decimal::ZERO {
                claims.push(Claim { hour, candidate, cell });
            }
        }
    }
    claims.sort_by_key(|claim| claim.hour);
    let first_line_of = |hour: Option<u8>| {
        let own = claims.iter().filter(|claim| claim.hour == hour).map(|claim| cells[claim.cell as usize].line);
        own.min().unwrap_or_default()
    };
    match (claims.first(), claims.iter().find(|claim| claim.hour.is_some())) {
        (Some(Claim { hour: None, .. }), Some(Claim { hour, .. })) => Err((first_line_of(None), first_line_of(*hour))),
        _ => Ok(claims),
    }
}

/// The capacity that blocks take of one benefit.
struct Rates<'a> {
    benefit: &'a Benefit<'a>,
    sheet: &'a PriceSheet,
    /// Of a reservation: the ratio of each meter, by comparable id; the first counts.
    ratios: HashMap<String, Decimal>,
    /// Of a savings plan: the plan's price of usage that has a price, both as indexes, where they are known.
    plans: HashMap<usize, Option<usize>>,
}

impl<'a> Rates<'a> {
    fn of(benefit: &'a Benefit<'a>, sheet: &'a PriceSheet) -> Self {
        let mut ratios = HashMap::new();
        if let Source::Reservation(order) = benefit.source {
            for meter in &order.meters {
                ratios.entry(comparable(&meter.meter_id)).or_insert(meter.ratio);
            }
        }
        Self { benefit, sheet, ratios, plans: HashMap::new() }
    }

    /// Capacity that one block of a line takes; `None` if the benefit is not for the line.
    fn rate(&mut self, line: &RatedLine) -> Result<Option<Decimal>, MoneyError> {
        match self.benefit.source {
            Source::Reservation(_) => {
                let ratio = self.ratios.get(&line.meter);
                ratio.map(|ratio| ratio.checked_mul(line.unit.block())).transpose().map(|rate| rate.map(trimmed))
            }
            Source::SavingsPlan(order) => {
                let sheet = self.sheet;
                // The price of usage decides its meter.
                let plan = *self.plans.entry(line.price).or_insert_with(|| {
                    sheet.benefit(&line.meter, PriceType::SavingsPlan(order.term), sheet.line(line.price))
                });
                let Some(plan) = plan.map(|plan| sheet.line(plan)) else { return Ok(None) };
                if !plan.unit.same_dimension(&line.unit) {
                    return Ok(None);
                }
                // The negotiated price counts where it is lower (SEMANTICS 3.5).
                Ok(Some(line.rescaled(plan, plan.unit_price)?.min(line.unit_price)))
            }
        }
    }
}

/// Puts lines in the order of the greatest discount `1 − rate / UnitPrice`, that is of the smallest `rate / UnitPrice`;
/// ties stay in the order of lines.
fn sort_by_discount(lines: &mut [(u32, Decimal)], rated: &[Option<RatedLine>]) -> Result<(), MoneyError> {
    let price = |line: u32| rated[line as usize].as_ref().map_or(Decimal::ZERO, |rated| rated.unit_price);
    let mut failed = None;
    lines.sort_by(|(a, rate_a), (b, rate_b)| {
        // Cross products compare the fractions; a rate above 0 has a unit price above 0.
        match (product(*rate_a, price(*b)), product(*rate_b, price(*a))) {
            (Ok(left), Ok(right)) => left.cmp(&right).then(a.cmp(b)),
            (Err(error), _) | (_, Err(error)) => {
                failed = Some(error);
                a.cmp(b)
            }
        }
    });
    failed.map_or(Ok(()), Err)
}

/// A product: exact up to 28 fraction digits.
fn product(left: Decimal, right: Decimal) -> Result<Decimal, MoneyError> {
    half_even_product(left, right, SCALE_MAX)
}

/// What a benefit can give in an hour, or on a day of daily usage: reservation-hours or money.
pub(super) fn capacity(benefit: &Benefit<'_>, own: BenefitDay, is_hourly: bool) -> Result<Decimal, MoneyError> {
    let hours = Decimal::from(if is_hourly { 1 } else { HOURS_PER_DAY });
    match benefit.source {
        Source::Reservation(_) => Decimal::from(own.units).checked_mul(hours),
        Source::SavingsPlan(order) => order.commitment.checked_mul(hours),
    }
}

/// What a benefit takes of a quantity.
struct Taking {
    quantity: Decimal,
    weight: Decimal,
    /// Whether only a part fitted, so that the capacity is used up.
    is_split: bool,
}

impl Benefit<'_> {
    /// Takes all of a quantity, or as much as fits, cut to 12 decimals (SEMANTICS 3.4).
    ///
    /// A plan's last row takes all that is left of the commitment. A reservation's takes its quantity times its ratio, so
    /// that quantities and unused hours add up to the capacity (I-5); what the cut leaves, less than 10^-12 of a row, is
    /// unused.
    fn take(&self, quantity: Decimal, rate: Decimal, rest: Decimal) -> Result<Option<Taking>, MoneyError> {
        if quantity <= Decimal::ZERO || rest <= Decimal::ZERO {
            return Ok(None);
        }
        let whole = product(quantity, rate)?;
        if whole <= rest {
            return Ok(Some(Taking { quantity, weight: trimmed(whole), is_split: false }));
        }
        let fitting = cut_quotient(rest, rate)?.min(quantity);
        if fitting.is_zero() {
            return Ok(None);
        }
        let weight = if self.source.is_reservation() { trimmed(product(fitting, rate)?) } else { rest };
        Ok(Some(Taking { quantity: fitting, weight, is_split: true }))
    }
}

/// `dividend / divisor`, cut toward zero to 12 digits.
fn cut_quotient(dividend: Decimal, divisor: Decimal) -> Result<Decimal, MoneyError> {
    // Half-even at 12 digits is the cut or one step above it.
    let near = half_even_ratio(dividend, Ratio::new(1, divisor)?, ALLOCATION_DIGITS)?;
    if product(near, divisor)? <= dividend {
        return Ok(trimmed(near));
    }
    let step = Decimal::from_i128(1, ALLOCATION_DIGITS)?;
    Ok(trimmed(truncate(near.checked_sub(step)?, ALLOCATION_DIGITS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes(), money::Limits::COST).unwrap().value
    }

    #[test]
    fn a_quotient_is_cut_and_never_too_large() {
        let cut = |dividend, divisor| cut_quotient(decimal(dividend), decimal(divisor)).unwrap().to_string();
        assert_eq!(cut("5", "3"), "1.666666666666");
        assert_eq!(cut("1", "3"), "0.333333333333");
        assert_eq!(cut("24", "2"), "12");
        assert_eq!(cut("0.000000000002", "3"), "0");
    }
}
