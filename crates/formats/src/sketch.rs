//! A small sample of a source's rows that tells whether two sources hold mostly the same ones.
//!
//! A row is what it charges, not how a source spells it: day, subscription, resource, meter, quantity and cost. So files and
//! pages of every API compare with each other.
//!
//! The rows with the least hashes are kept, so the sample does not depend on order or size, and equal rows of two
//! sources are in both samples or in neither (as far as both samples reach).

use std::collections::BTreeSet;
use std::hash::Hash;
use std::sync::LazyLock;

use ahash::RandomState;
use calendar::Date;
use ledger::{Field, comparable};
use money::Decimal;

use crate::batch::Cell;
use crate::schema::stored_scale;

/// Rows in a sample.
const ROWS_MAX: usize = 512;

/// A sample of rows.
#[derive(Debug, Clone, Default)]
pub struct RowSketch {
    least: BTreeSet<u64>,
}

impl RowSketch {
    /// Takes a row into account; its cells are in field order.
    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) {
        self.add_hash(hash_of_charge(cells));
    }

    /// Takes a row into account, given the sum of its parts.
    pub(crate) fn add_parts(&mut self, parts: u64) {
        self.add_hash(whole(parts));
    }

    fn add_hash(&mut self, hash: u64) {
        if self.least.len() < ROWS_MAX {
            self.least.insert(hash);
        } else if self.least.last().is_some_and(|greatest| hash < *greatest) && self.least.insert(hash) {
            self.least.pop_last();
        }
    }

    /// Whether more than half of the smaller source's distinct rows are in the other one too, judged by the samples.
    pub fn mostly_shared_with(&self, other: &Self) -> bool {
        let (Some(own), Some(others)) = (self.least.last(), other.least.last()) else { return false };
        // Beyond the shorter reach of the two, a full sample says nothing about absence.
        let full = |sketch: &Self| sketch.least.len() == ROWS_MAX;
        let reach = match (full(self), full(other)) {
            (true, true) => *own.min(others),
            (true, false) => *own,
            (false, true) => *others,
            (false, false) => u64::MAX,
        };
        let (a, b) = (self.least.range(..=reach).count(), other.least.range(..=reach).count());
        let shared = self.least.range(..=reach).filter(|hash| other.least.contains(hash)).count();
        2 * shared > a.min(b)
    }
}

/// Texts that make a charge this one and no other, in every kind of source, beside its day, quantity and cost.
pub(crate) const TEXTS: [Field; 3] = [Field::SubscriptionId, Field::ResourceId, Field::MeterId];

/// The hash of a row is made of the sum of those of its parts, so that a part that many rows share is hashed once.
fn hash_of_charge(cells: &[Cell<'_>]) -> u64 {
    let text_of = |field: Field| match &cells[field.index()] {
        Cell::Text(text) => text.as_ref(),
        _ => "",
    };
    let mut parts = TEXTS.iter().fold(0, |sum: u64, field| sum.wrapping_add(part_of_text(*field, text_of(*field))));
    if let Cell::Date(date) = &cells[Field::Date.index()] {
        parts = parts.wrapping_add(part_of_day(*date));
    }
    for field in [Field::Quantity, Field::Cost] {
        if let Cell::Decimal { parsed, .. } = &cells[field.index()] {
            parts = parts.wrapping_add(part_of_number(field, parsed.value));
        }
    }
    whole(parts)
}

/// The part of one of [`TEXTS`].
pub(crate) fn part_of_text(field: Field, text: &str) -> u64 {
    hash_of((field.index(), comparable(text)))
}

/// The part of a row's day.
pub(crate) fn part_of_day(date: Date) -> u64 {
    hash_of((Field::Date.index(), date.days()))
}

/// The part of a quantity or cost, by value: `1.50` is `1.5`.
pub(crate) fn part_of_number(field: Field, value: Decimal) -> u64 {
    match value.rescaled_i128(stored_scale(field)) {
        Some(stored) => hash_of((field.index(), stored)),
        None => hash_of((field.index(), value)),
    }
}

/// The hash of a row from the sum of its parts.
fn whole(parts: u64) -> u64 {
    hash_of(parts)
}

/// Hashes of two sources are compared, so all of them are made with the same keys; they are never stored.
fn hash_of(value: impl Hash) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(value)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::cells;

    fn sketch(rows: impl Iterator<Item = u32>) -> RowSketch {
        let mut sketch = RowSketch::default();
        rows.for_each(|row| {
            sketch.add_hash(hash_of(row));
        });
        sketch
    }

    #[test]
    fn snapshots_share_rows_and_parts_do_not() {
        for size in [1, 20, 5_000] {
            let month_to_date = sketch(0..size);
            assert!(month_to_date.mostly_shared_with(&sketch((0..2 * size).rev())), "{size}");
            assert!(!month_to_date.mostly_shared_with(&sketch(size..2 * size)), "{size}");
            assert!(!month_to_date.mostly_shared_with(&sketch(0..0)), "{size}");
        }
    }

    /// The hash of a row of these cells (date, resource, quantity, cost).
    fn hash(row: [&'static str; 4]) -> u64 {
        let decimal =
            |field, text| Cell::Decimal { parsed: cells::decimal(field, text).unwrap(), spelling: Cow::Borrowed(text) };
        let row: Vec<Cell<'_>> = Field::ALL
            .iter()
            .map(|field| match field {
                Field::Date => Cell::Date(cells::date(row[0]).unwrap()),
                Field::ResourceId => Cell::Text(Cow::Borrowed(row[1])),
                Field::Quantity | Field::Cost => decimal(*field, row[if *field == Field::Quantity { 2 } else { 3 }]),
                Field::MeterId => Cell::Text(Cow::Borrowed("m")),
                _ => Cell::Unknown,
            })
            .collect();
        hash_of_charge(&row)
    }

    #[test]
    fn a_charge_is_the_same_however_it_is_spelled() {
        let charge = hash(["2023-04-01", "/r/\u{c9}a", "1.50", "0.00002"]);
        assert_eq!(charge, hash(["04/01/2023", " /R/\u{e9}A ", "1.5", "2E-05"]));
        for other in [
            ["2023-04-02", "/r/\u{c9}a", "1.50", "0.00002"],
            ["2023-04-01", "/r/b", "1.50", "0.00002"],
            ["2023-04-01", "/r/\u{c9}a", "15", "0.00002"],
            ["2023-04-01", "/r/\u{c9}a", "1.50", "-0.00002"],
        ] {
            assert_ne!(charge, hash(other));
        }
    }
}
