//! What spans and blocks say about their source, so that a row needs no more than a few additions.

use std::collections::HashMap;

use ahash::RandomState;
use calendar::BillingPeriod;
use ledger::{ChargeType, Dataset, Place, PricingModel};
use money::Decimal;

use super::table::CellTable;
use crate::evidence::DatasetEvidence;
use crate::summary::PeriodSummary;

/// Columns of a place, by the numbers of their cells.
pub(crate) type PlaceCells = [u32; Place::FIELDS.len()];

/// What a span's content says. A column that the span does not have says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SpanFacts {
    /// Sum of the parts that the row's sketch is made of.
    pub(crate) sketch: u64,
    /// Which of the distinct stretches of places it has.
    pub(crate) place: u32,
    /// `YYYYMM` by the first day of the billing period, by its last day, and by the row's day; 0 for none.
    pub(crate) period_by_start: i32,
    pub(crate) period_by_end: i32,
    pub(crate) period_by_day: i32,
    /// The row's day.
    pub(crate) day: i32,
    pub(crate) charge: Option<ChargeType>,
    pub(crate) pricing: Option<PricingModel>,
    /// The block that the content was met in last.
    pub(crate) block: u32,
}

/// A row that proves a dataset, for the case that it is the first one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Witness {
    /// Where the row begins in the block.
    pub(crate) offset: usize,
    pub(crate) charge: ChargeType,
    pub(crate) pricing: PricingModel,
    pub(crate) cost_is_zero: bool,
}

/// A billing period of a block.
#[derive(Debug)]
pub(crate) struct BlockPeriod {
    pub(crate) number: i32,
    pub(crate) period: BillingPeriod,
    /// Without its sketch, which is made of [`Self::sketch`].
    pub(crate) summary: PeriodSummary,
    /// For each row the sum of the parts of its sketch.
    pub(crate) sketch: Vec<u64>,
    last_day: Option<i32>,
}

/// What the rows of a block say about their source.
#[derive(Debug, Default)]
pub(crate) struct BlockFacts {
    /// Line ends in the block.
    pub(crate) lines: u64,
    /// Distinct enrollments, names of enrollments and currencies, each in the order of rows.
    pub(crate) enrollments: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) currencies: Vec<String>,
    pub(crate) places: Vec<Place>,
    pub(crate) periods: Vec<BlockPeriod>,
    actual: Option<Witness>,
    amortized: Option<Witness>,
}

/// A row as it is counted.
pub(crate) struct RowFacts {
    pub(crate) period: i32,
    pub(crate) derived: bool,
    pub(crate) day: i32,
    pub(crate) cost: Decimal,
    pub(crate) sketch: u64,
}

impl BlockFacts {
    /// Nothing yet but the line ends of the block.
    pub(crate) fn of_lines(lines: u64) -> Self {
        Self { lines, ..Self::default() }
    }

    /// The first row that proves a dataset.
    pub(crate) fn witness(&self, dataset: Dataset) -> Option<Witness> {
        match dataset {
            Dataset::ActualCost => self.actual,
            Dataset::AmortizedCost => self.amortized,
        }
    }

    /// Takes what a row says about its dataset.
    pub(crate) fn observe(&mut self, row: Witness) {
        match DatasetEvidence::fact_of(row.charge, row.pricing, row.cost_is_zero) {
            Some((Dataset::ActualCost, _)) => _ = self.actual.get_or_insert(row),
            Some((Dataset::AmortizedCost, _)) => _ = self.amortized.get_or_insert(row),
            None => {}
        }
    }

    /// Counts a row. `None`: it cannot be counted here.
    pub(crate) fn count(&mut self, row: &RowFacts) -> Option<()> {
        let known = self.periods.iter().position(|period| period.number == row.period);
        let period = match known {
            Some(index) => &mut self.periods[index],
            None => self.periods.push_mut(BlockPeriod {
                number: row.period,
                period: BillingPeriod::parse(&row.period.to_string()).ok()?,
                summary: PeriodSummary::default(),
                sketch: Vec::new(),
                last_day: None,
            }),
        };
        period.summary.rows += 1;
        period.summary.rows_derived += u64::from(row.derived);
        period.summary.total.add(row.cost).ok()?;
        period.sketch.push(row.sketch);
        if period.last_day != Some(row.day) {
            period.last_day = Some(row.day);
            period.summary.days.insert(calendar::Date::from_days(row.day).ok()?);
        }
        Some(())
    }
}

/// The distinct places of a source, told by the numbers of their cells.
#[derive(Debug, Default)]
pub(crate) struct Places {
    stretches: Vec<PlaceCells>,
    by_stretch: HashMap<PlaceCells, u32, RandomState>,
    /// The block that a combination of stretches was met in last.
    met: HashMap<PlaceCells, u32, RandomState>,
    last: Option<PlaceCells>,
}

impl Places {
    /// The number of a stretch; columns outside of it are 0.
    pub(crate) fn stretch(&mut self, cells: PlaceCells) -> Option<u32> {
        if let Some(known) = self.by_stretch.get(&cells) {
            return Some(*known);
        }
        let number = u32::try_from(self.stretches.len()).ok()?;
        self.stretches.push(cells);
        self.by_stretch.insert(cells, number);
        Some(number)
    }

    /// Forgets which combinations were met, because stretches have other columns from now on.
    pub(crate) fn begin_again(&mut self) {
        self.met.clear();
        self.last = None;
    }

    /// Begins a block.
    pub(crate) fn begin_block(&mut self) {
        self.last = None;
    }

    /// The place of a row whose stretches these are, if it was not met in this block.
    pub(crate) fn meet(&mut self, row: PlaceCells, stretches: usize, block: u32, table: &CellTable) -> Option<Place> {
        if self.last == Some(row) {
            return None;
        }
        self.last = Some(row);
        if self.met.insert(row, block) == Some(block) {
            return None;
        }
        let mut cells = PlaceCells::default();
        for stretch in &row[..stretches] {
            let stretch = &self.stretches[*stretch as usize];
            cells.iter_mut().zip(stretch).for_each(|(cell, part)| *cell += part);
        }
        let parts: [Option<&str>; Place::FIELDS.len()] = std::array::from_fn(|index| {
            let column = &table.columns()[Place::FIELDS[index].index()];
            // Every text in the table was checked to be UTF-8.
            (cells[index] > 0).then(|| std::str::from_utf8(column.text(cells[index])).unwrap_or_default())
        });
        Some(Place::from_parts(parts))
    }
}
