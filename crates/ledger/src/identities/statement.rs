//! What a billing period adds up to, for telling it line by line.

use std::collections::BTreeMap;

use money::{Decimal, MoneyError, Total, truncate};

use super::row::RowKind;
use crate::billing::ChargeClass;

/// Rows of a kind in one dataset.
#[derive(Debug, Clone, Copy, Default)]
pub struct KindSums {
    /// How many.
    pub rows: u64,
    /// The sum of their costs, in the enrollment's currency.
    pub cost: Total,
}

impl KindSums {
    pub(super) fn add(&mut self, cost: Decimal) -> Result<(), MoneyError> {
        self.rows += 1;
        self.cost.add(cost)
    }
}

/// The invoice lines of a class of charges (SEMANTICS 2.5 no. 3 and 4, 4.2), without refunds of closed periods.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClassLines {
    /// How many lines.
    pub lines: u64,
    /// The sum of the charges.
    pub exact: Total,
    /// The sum of the lines, each cut to minor units toward zero.
    pub cut: Total,
    /// The sum of the rounding adjustments that the rows hold.
    pub rounding: Total,
}

impl ChargeClass {
    /// A few words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Eligible => "charges that the prepayment may pay",
            Self::BilledSeparately => "charges billed separately",
            Self::Marketplace => "Marketplace charges",
        }
    }
}

/// Sums of each kind of row.
pub(super) type Kinds = BTreeMap<RowKind, KindSums>;

/// Cuts lines and adds them up.
pub(super) fn cut_lines(
    lines: impl Iterator<Item = (ChargeClass, Decimal)>,
    minor_digits: u8,
) -> Result<BTreeMap<ChargeClass, ClassLines>, MoneyError> {
    let mut classes: BTreeMap<ChargeClass, ClassLines> = BTreeMap::new();
    for (class, exact) in lines {
        let sums = classes.entry(class).or_default();
        sums.lines += 1;
        sums.exact.add(exact)?;
        sums.cut.add(truncate(exact, minor_digits))?;
    }
    Ok(classes)
}
