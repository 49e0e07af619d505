//! I-1, row by row: quantity × effective price is the cost, within the tolerance of SEMANTICS 3.7.
//!
//! A row beyond it can be right where it takes the residual of a split; that is known when all rows of the split have
//! been seen. So each split remembers how many rows it has, the greatest weight, and the one row beyond the tolerance
//! that can be the one with that weight. All other rows beyond it are wrong at once.

use std::collections::HashMap;

use money::{Decimal, MoneyError, half_even_product};

use super::digest::key_of;
use super::outcome::{Difference, Differences};
use super::row::{CheckedRow, RowKind};
use crate::Dataset;

/// Digits at which products are compared: those of a cost.
const PRODUCT_DIGITS: u8 = 28;
/// What the price's rounding adds to the tolerance for each unit of quantity, and what each row of a split adds for its
/// residual: 10^-12.
const ALLOCATION_STEP: (i128, u8) = (1, 12);
/// What the rounding of quantities to 8 digits adds for each unit of price: 5 × 10^-9.
const QUANTITY_STEP: (i128, u8) = (5, 9);
/// What is always allowed: 10^-11.
const ALWAYS: (i128, u8) = (1, 11);

/// The rows that one whole was split over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum SplitKey {
    /// Rows of a meter's price in the period, which share one blended price where there are tiers.
    Price(u128),
    /// Rows of a benefit on a day.
    BenefitDay(u128),
}

#[derive(Debug, Clone, Default)]
struct SplitRows {
    rows: u32,
    greatest: Decimal,
    /// The row beyond the tolerance that may be the one with the greatest weight.
    candidate: Option<Candidate>,
    /// Unused rows beyond the tolerance; there is hardly ever more than one.
    unused: Vec<Candidate>,
}

#[derive(Debug, Clone)]
struct Candidate {
    weight: Decimal,
    /// By how much it is beyond the tolerance.
    excess: Decimal,
    difference: Difference,
}

/// The check of one dataset.
#[derive(Debug, Clone, Default)]
pub(super) struct PriceCheck {
    splits: HashMap<SplitKey, SplitRows>,
    wrong: Differences,
    /// Rows without price, or with numbers beyond what can be multiplied.
    pub(super) untold: u64,
}

impl PriceCheck {
    pub(super) fn add(&mut self, dataset: Dataset, row: &CheckedRow<'_>, kind: RowKind) -> Result<(), MoneyError> {
        if matches!(kind, RowKind::Settlement | RowKind::Rounding) {
            return Ok(());
        }
        let split = self.splits.entry(split_of(row, kind)).or_default();
        let weight = weight_of(row);
        split.rows = split.rows.saturating_add(1);
        split.greatest = split.greatest.max(weight);
        let Some(price) = row.effective_price else {
            self.untold += 1;
            return Ok(());
        };
        let Ok((off, allowed)) = judge(row, price) else {
            self.untold += 1;
            return Ok(());
        };
        if off.abs() <= allowed {
            return Ok(());
        }
        let difference = Difference {
            day: Some(row.date),
            subject: format!("{dataset} {}", row.describe()),
            by: Some(off),
            detail: format!(
                "{} x {} is not {}",
                row.quantity.to_shortest_string(),
                price.to_shortest_string(),
                row.cost.to_shortest_string()
            ),
        };
        let candidate = Candidate { weight, excess: off.abs().checked_sub(allowed)?, difference };
        if kind.is_unused() {
            split.unused.push(candidate);
            return Ok(());
        }
        let wrong = match &split.candidate {
            Some(known) if known.weight >= candidate.weight => Some(candidate),
            _ => split.candidate.replace(candidate),
        };
        wrong.map_or(Ok(()), |wrong| self.wrong.push(wrong.difference))
    }

    /// What is wrong, and how many rows could not be told.
    pub(super) fn finish(mut self) -> Result<(Differences, u64), MoneyError> {
        let mut late = Vec::new();
        for split in self.splits.into_values() {
            let step = Decimal::from_i128(ALLOCATION_STEP.0, ALLOCATION_STEP.1)?;
            let residual = step.checked_mul(Decimal::from(split.rows))?;
            let greatest = split.greatest;
            let takes_residual = |one: &Candidate| one.weight >= greatest && one.excess <= residual;
            late.extend(split.candidate.filter(|one| !takes_residual(one)));
            late.extend(split.unused.into_iter().filter(|one| one.excess > residual));
        }
        // Splits come in no order; what is told first shall not depend on it.
        late.sort_by_cached_key(|one| (one.difference.day, one.difference.to_string()));
        for one in late {
            self.wrong.push(one.difference)?;
        }
        Ok((self.wrong, self.untold))
    }
}

/// By how much the cost exceeds the product, and how much may be.
fn judge(row: &CheckedRow<'_>, price: Decimal) -> Result<(Decimal, Decimal), MoneyError> {
    let product = half_even_product(row.quantity, price, PRODUCT_DIGITS)?;
    let off = row.cost.checked_sub(product)?;
    let constant = |(units, scale): (i128, u8)| Decimal::from_i128(units, scale);
    let for_quantity = half_even_product(constant(QUANTITY_STEP)?, price.abs(), PRODUCT_DIGITS)?;
    let for_price = half_even_product(constant(ALLOCATION_STEP)?, row.quantity.abs(), PRODUCT_DIGITS)?;
    Ok((off, for_quantity.checked_add(for_price)?.checked_add(constant(ALWAYS)?)?))
}

fn split_of(row: &CheckedRow<'_>, kind: RowKind) -> SplitKey {
    if kind.is_covered() || kind.is_unused() {
        let day = row.date.to_string();
        return SplitKey::BenefitDay(key_of(&[row.order, row.benefit, &day]));
    }
    SplitKey::Price(key_of(&[row.meter, row.part_number]))
}

/// What a row weighs in its split: reservation-hours of usage that a reservation covers, else its quantity.
fn weight_of(row: &CheckedRow<'_>) -> Decimal {
    let ratio = row.ratio.filter(|_| !row.charge_type.is_unused()).unwrap_or(Decimal::from(1u32));
    row.quantity.checked_mul(ratio).unwrap_or(row.quantity)
}
