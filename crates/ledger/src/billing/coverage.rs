//! Which usage each benefit covers on each day (SEMANTICS 3.4 and 3.5; D-16, D-39, D-42).
//!
//! Benefits are applied one after the other, each to what those before it left. Within an hour, or a day of daily usage,
//! a reservation takes usage in the order of subscription, resource and meter, a savings plan by the greatest discount
//! first. What a benefit does not use of an hour or a day is lost.

use std::collections::BTreeMap;

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

/// A benefit with the lines that it may cover.
struct Candidate {
    /// Lines with the capacity that one block of each takes, in the order in which the benefit takes them.
    lines: Vec<(u32, Decimal)>,
    /// Position in `lines` by line.
    slots: Vec<Option<u32>>,
}

/// Which lines each benefit may cover in a period.
pub(super) struct Coverage<'a> {
    benefits: &'a [Benefit<'a>],
    candidates: Vec<Candidate>,
}

impl<'a> Coverage<'a> {
    /// Finds the lines that each benefit may cover. `rated` has `None` for lines without price.
    pub(super) fn new(
        benefits: &'a [Benefit<'a>],
        rated: &[Option<RatedLine>],
        sheet: &PriceSheet,
    ) -> Result<Self, MoneyError> {
        let mut candidates = Vec::with_capacity(benefits.len());
        for benefit in benefits {
            let mut lines = Vec::new();
            for (index, line) in (0u32..).zip(rated) {
                let Some(line) = line.as_ref().filter(|line| line.coverable) else { continue };
                if !benefit.covers(line.subscription, &line.resource_group) {
                    continue;
                }
                let rate = rate(benefit, line, sheet)?.filter(|rate| *rate > Decimal::ZERO);
                lines.extend(rate.map(|rate| (index, rate)));
            }
            if !benefit.source.is_reservation() {
                sort_by_discount(&mut lines, rated)?;
            }
            let mut slots = vec![None; rated.len()];
            for (position, (line, _)) in (0u32..).zip(&lines) {
                slots[*line as usize] = Some(position);
            }
            candidates.push(Candidate { lines, slots });
        }
        Ok(Self { benefits, candidates })
    }

    /// Whether some benefit may cover usage of a line.
    pub(super) fn may_cover(&self, line: u32) -> bool {
        self.candidates.iter().any(|candidate| candidate.slots[line as usize].is_some())
    }

    /// Covers the usage of one day; `cells` are those of the day in the order of hour and line, with quantities in blocks.
    pub(super) fn day(&self, day: Date, cells: &[Cell]) -> Result<Vec<Take>, CoverageError> {
        let mut left: Vec<Decimal> = cells.iter().map(|cell| cell.quantity.max(Decimal::ZERO)).collect();
        let mut takes: Vec<Take> = Vec::new();
        for (index, benefit) in (0u32..).zip(self.benefits) {
            let candidate = &self.candidates[index as usize];
            let Some(own) = benefit.on(day)?.filter(|_| !candidate.lines.is_empty()) else { continue };
            let hours = candidate.by_hour(cells).map_err(|(daily_line, hourly_line)| {
                CoverageError::Mixed(Mixed { benefit: index, day, daily_line, hourly_line })
            })?;
            let mut found: BTreeMap<u32, Take> = BTreeMap::new();
            for (is_hourly, positions) in hours {
                let mut rest = capacity(benefit, own, is_hourly)?;
                for position in positions {
                    let cell = &cells[position];
                    let Some(rate) = candidate.rate(cell.line) else { continue };
                    let Some(Taking { quantity, weight, is_split }) = benefit.take(left[position], rate, rest)? else {
                        continue;
                    };
                    rest = if is_split { Decimal::ZERO } else { rest.checked_sub(weight)? };
                    left[position] = left[position].checked_sub(quantity)?;
                    let zero = Decimal::ZERO;
                    let take = Take { benefit: index, line: cell.line, quantity: zero, weight: zero, rate };
                    let take = found.entry(cell.line).or_insert(take);
                    take.quantity = take.quantity.checked_add(quantity)?;
                    take.weight = take.weight.checked_add(weight)?;
                }
            }
            takes.extend(found.into_values());
        }
        Ok(takes)
    }
}

/// Positions of cells that share a capacity, in the order in which they take it, and whether they are of one hour.
type Hour = (bool, Vec<usize>);

impl Candidate {
    fn rate(&self, line: u32) -> Option<Decimal> {
        self.slots[line as usize].map(|slot| self.lines[slot as usize].1)
    }

    /// The cells that may be covered, hour by hour; daily usage is one hour. Fails with a daily and an hourly line where
    /// both are there.
    fn by_hour(&self, cells: &[Cell]) -> Result<Vec<Hour>, (u32, u32)> {
        let mut hours: BTreeMap<Option<u8>, Vec<usize>> = BTreeMap::new();
        for (position, cell) in cells.iter().enumerate() {
            if cell.quantity > Decimal::ZERO && self.slots[cell.line as usize].is_some() {
                hours.entry(cell.hour).or_default().push(position);
            }
        }
        if let (Some(daily), Some((_, hourly))) = (hours.get(&None), hours.iter().find(|(hour, _)| hour.is_some())) {
            return Err((cells[daily[0]].line, cells[hourly[0]].line));
        }
        hours.values_mut().for_each(|positions| {
            positions.sort_by_key(|position| self.slots[cells[*position].line as usize]);
        });
        Ok(hours.into_iter().map(|(hour, positions)| (hour.is_some(), positions)).collect())
    }
}

/// Capacity that one block of a line takes of a benefit; `None` if the benefit is not for the line.
fn rate(benefit: &Benefit<'_>, line: &RatedLine, sheet: &PriceSheet) -> Result<Option<Decimal>, MoneyError> {
    match benefit.source {
        Source::Reservation(order) => {
            let meter = order.meters.iter().find(|meter| comparable(&meter.meter_id) == line.meter);
            meter.map(|meter| meter.ratio.checked_mul(line.unit.block())).transpose().map(|rate| rate.map(trimmed))
        }
        Source::SavingsPlan(order) => {
            let priced = sheet.line(line.price);
            let Some(index) = sheet.benefit(&line.meter, PriceType::SavingsPlan(order.term), priced) else {
                return Ok(None);
            };
            let plan = sheet.line(index);
            if !plan.unit.same_dimension(&line.unit) {
                return Ok(None);
            }
            // The negotiated price counts where it is lower (SEMANTICS 3.5).
            Ok(Some(line.rescaled(plan, plan.unit_price)?.min(line.unit_price)))
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
