//! The order of the lake over coded rows: distinct cells are ranked once, and a row's ranks are one number.

use formats::CodedRows;
use ledger::Field;

use super::unify::Unified;
use crate::order::SORTED_BY;

/// Rows of one billing period, in order. Each is the number of its block and its number in there.
#[derive(Debug)]
pub(crate) struct SortedPeriod {
    pub(crate) period: i32,
    pub(crate) rows: Vec<(u32, u32)>,
}

/// Sorts the rows by period, by [`SORTED_BY`], and by where they stand in their sources; `bits_max` is the width of the
/// numbers that are sorted, 128 but for tests.
pub(crate) fn sorted(unified: &Unified<'_>, bits_max: u32) -> Vec<SortedPeriod> {
    let ranks: Vec<Ranks> = SORTED_BY.iter().map(|(field, caseless)| Ranks::of(unified, *field, *caseless)).collect();
    let mut periods: Vec<i32> = unified.rows.iter().flat_map(|block| block.periods().iter().copied()).collect();
    periods.dedup();
    periods.sort_unstable();
    periods.dedup();
    let counts: Vec<usize> = unified.rows.iter().map(|block| block.len()).collect();
    let total: usize = counts.iter().sum();
    let place_bits = bits_of(total);
    let bits = place_bits + bits_of(periods.len()) + ranks.iter().map(|ranks| ranks.bits).sum::<u32>();
    let order = if bits <= bits_max {
        packed_order(unified, &ranks, &periods, total, place_bits)
    } else {
        wide_order(unified, &ranks, &periods, total)
    };
    // The places of rows count over all blocks.
    let mut starts = Vec::with_capacity(counts.len());
    let mut start = 0;
    for count in counts {
        starts.push(start);
        start += count;
    }
    let mut sorted: Vec<SortedPeriod> = Vec::new();
    for place in order {
        let block = starts.partition_point(|start| *start <= place) - 1;
        let row = place - starts[block];
        let period = unified.rows[block].period(row);
        let at = (block as u32, row as u32);
        match sorted.last_mut() {
            Some(last) if last.period == period => last.rows.push(at),
            _ => sorted.push(SortedPeriod { period, rows: vec![at] }),
        }
    }
    sorted
}

/// Blocks in the order of their sources. Blocks of a source do not overlap.
pub(crate) fn in_source_order<'r>(rows: impl Iterator<Item = &'r CodedRows>) -> Vec<&'r CodedRows> {
    let mut rows: Vec<&CodedRows> = rows.filter(|block| !block.is_empty()).collect();
    rows.sort_by_key(|block| (block.source_index, block.source_row(0)));
    rows
}

/// The ranks of a column's cells: equal cells have the same, unknown ones come first.
struct Ranks {
    column: usize,
    ranks: Vec<u32>,
    bits: u32,
}

impl Ranks {
    fn of(unified: &Unified<'_>, field: Field, caseless: bool) -> Self {
        let column = field.index();
        let count = unified.distinct(column) as u32;
        if field == Field::Date {
            return Self::by(column, (0..count).map(|code| unified.day(column, code)));
        }
        let text = |code| {
            unified.text(column, code).map(|text| if caseless { text.to_ascii_lowercase() } else { text.to_vec() })
        };
        Self::by(column, (0..count).map(text))
    }

    fn by<K: Ord>(column: usize, keys: impl Iterator<Item = K>) -> Self {
        let keys: Vec<K> = keys.collect();
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        order.sort_unstable_by(|a, b| keys[*a as usize].cmp(&keys[*b as usize]));
        let mut ranks = vec![0; keys.len()];
        let (mut rank, mut last) = (0, None);
        for code in order {
            let key = &keys[code as usize];
            if last.is_some_and(|last| last != key) {
                rank += 1;
            }
            last = Some(key);
            ranks[code as usize] = rank;
        }
        Self { column, ranks, bits: bits_of(rank as usize + 1) }
    }
}

/// Bits that tell `count` things apart.
fn bits_of(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

/// Places of all rows in order, by one number of 128 bits each.
fn packed_order(unified: &Unified<'_>, ranks: &[Ranks], periods: &[i32], total: usize, place_bits: u32) -> Vec<usize> {
    let mut parts: Vec<Vec<u128>> = unified.groups.iter().map(|_| Vec::new()).collect();
    let mut shift = place_bits;
    for ranks in ranks.iter().rev() {
        for (group, parts) in unified.groups.iter().zip(&mut parts) {
            let Some(position) = group.columns.iter().position(|column| *column == ranks.column) else { continue };
            parts.resize(group.len(), 0);
            for (content, part) in parts.iter_mut().enumerate() {
                let cell = group.cells(content as u32)[position];
                *part |= u128::from(ranks.ranks[cell as usize]).checked_shl(shift).unwrap_or_default();
            }
        }
        shift += ranks.bits;
    }
    let sorting: Vec<(usize, &Vec<u128>)> = parts.iter().enumerate().filter(|(_, parts)| !parts.is_empty()).collect();
    let mut keys: Vec<u128> = Vec::with_capacity(total);
    let mut contents = vec![0; unified.groups.len()];
    for (block, rows) in unified.rows.iter().enumerate() {
        for row in 0..rows.len() {
            unified.contents(block, row, &mut contents);
            let period = periods.binary_search(&rows.period(row)).unwrap_or_default() as u128;
            let mut key = period.checked_shl(shift).unwrap_or_default() | keys.len() as u128;
            for (group, parts) in &sorting {
                key |= parts[contents[*group] as usize];
            }
            keys.push(key);
        }
    }
    keys.sort_unstable();
    let mask = (1u128 << place_bits) - 1;
    keys.into_iter().map(|key| (key & mask) as usize).collect()
}

/// The same where 128 bits are too few.
fn wide_order(unified: &Unified<'_>, ranks: &[Ranks], periods: &[i32], total: usize) -> Vec<usize> {
    let mut keys: Vec<([u32; SORTED_BY.len() + 1], usize)> = Vec::with_capacity(total);
    let mut contents = vec![0; unified.groups.len()];
    let at: Vec<(usize, usize)> = ranks
        .iter()
        .filter_map(|ranks| {
            unified.groups.iter().enumerate().find_map(|(index, group)| {
                group.columns.iter().position(|column| *column == ranks.column).map(|position| (index, position))
            })
        })
        .collect();
    for (block, rows) in unified.rows.iter().enumerate() {
        for row in 0..rows.len() {
            unified.contents(block, row, &mut contents);
            let mut key = [0; SORTED_BY.len() + 1];
            key[0] = periods.binary_search(&rows.period(row)).unwrap_or_default() as u32;
            for ((slot, ranks), (group, position)) in key[1..].iter_mut().zip(ranks).zip(&at) {
                *slot = ranks.ranks[unified.groups[*group].cells(contents[*group])[*position] as usize];
            }
            keys.push((key, keys.len()));
        }
    }
    keys.sort_unstable();
    keys.into_iter().map(|(_, place)| place).collect()
}
