//! Digests of rows and of multisets of rows: equal multisets have equal digests, whatever the order of their rows.

use std::hash::{DefaultHasher, Hash, Hasher};

use money::Decimal;

use crate::Field;

/// The digest of one cell, with the field that it stands in. Blank cells have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellDigest {
    field: Field,
    digest: u128,
}

impl CellDigest {
    /// Of a text. Ids and resource ids compare without regard to case (SEMANTICS 1, rule 1).
    pub fn of_text(field: Field, text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let digest = digest_with(field.index(), |hasher| hash_text(hasher, text, is_id(field)));
        Some(Self { field, digest })
    }

    /// Of a number, by value: `1.0` and `1` are the same.
    pub fn of_number(field: Field, number: Decimal) -> Self {
        Self { field, digest: digest_with(field.index(), |hasher| number.hash(hasher)) }
    }

    /// Of a date, as days since 1970, or of a switch.
    pub fn of_integer(field: Field, number: i32) -> Self {
        Self { field, digest: digest_with(field.index(), |hasher| number.hash(hasher)) }
    }
}

/// Digest of several texts that identify something together, without regard to case.
pub(super) fn key_of(texts: &[&str]) -> u128 {
    digest_with(texts.len(), |hasher| texts.iter().for_each(|text| hash_text(hasher, text.trim(), true)))
}

/// The digest of a row, put together from those of its cells in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowDigest {
    /// What a charge is for and how much it is.
    core: u128,
    /// Names, tags and the like.
    rest: u128,
    /// EffectivePrice and Cost, in which the datasets differ for covered usage.
    amounts: u128,
}

impl RowDigest {
    /// Takes a cell; each field once.
    pub fn add(&mut self, cell: CellDigest) {
        let part = match cell.field {
            Field::EffectivePrice | Field::Cost => &mut self.amounts,
            field if is_core(field) => &mut self.core,
            _ => &mut self.rest,
        };
        *part = part.wrapping_add(cell.digest);
    }
}

/// A multiset of rows. Adding mixed digests modulo 2^128 does not depend on the order and counts equal rows as often as
/// they occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RowSet {
    core: u128,
    whole: u128,
}

impl RowSet {
    /// Adds a row with price and cost.
    pub(super) fn add(&mut self, row: &RowDigest) {
        self.add_parts(row.core.wrapping_add(row.amounts), row.rest);
    }

    /// Adds a row without price and cost.
    pub(super) fn add_unpriced(&mut self, row: &RowDigest) {
        self.add_parts(row.core, row.rest);
    }

    fn add_parts(&mut self, core: u128, rest: u128) {
        self.core = self.core.wrapping_add(mix(core));
        self.whole = self.whole.wrapping_add(mix(core.wrapping_add(rest)));
    }

    /// Whether the rows agree in what they charge for, if not in all their cells.
    pub(super) fn same_charges(&self, other: &Self) -> bool {
        self.core == other.core
    }
}

/// The fields that say what is charged, how much of it, by which benefit.
const fn is_core(field: Field) -> bool {
    matches!(
        field,
        Field::Date
            | Field::SubscriptionId
            | Field::ResourceId
            | Field::MeterId
            | Field::PartNumber
            | Field::UnitOfMeasure
            | Field::ChargeType
            | Field::PricingModel
            | Field::PublisherType
            | Field::IsAzureCreditEligible
            | Field::ReservationId
            | Field::ProductOrderId
            | Field::Quantity
            | Field::UnitPrice
    )
}

const fn is_id(field: Field) -> bool {
    matches!(
        field,
        Field::InvoiceSectionId
            | Field::AccountId
            | Field::SubscriptionId
            | Field::ResourceId
            | Field::MeterId
            | Field::ReservationId
            | Field::ProductOrderId
            | Field::BenefitId
            | Field::BillingAccountId
            | Field::BillingProfileId
    )
}

fn hash_text(hasher: &mut DefaultHasher, text: &str, caseless: bool) {
    if caseless && text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().hash(hasher);
    } else {
        text.hash(hasher);
    }
}

/// 128 bits from two hashes that begin differently.
fn digest_with(seed: usize, write: impl Fn(&mut DefaultHasher)) -> u128 {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, seed).hash(&mut hasher);
        write(&mut hasher);
        hasher.finish()
    };
    u128::from(half(0)) << 64 | u128::from(half(1))
}

/// A bijection that spreads every bit over all: sums of mixed digests tell which cells stood in one row.
fn mix(value: u128) -> u128 {
    let mut high = (value >> 64) as u64;
    let mut low = value as u64;
    for _ in 0..3 {
        high ^= spread(low);
        low ^= spread(high.wrapping_add(0x9e37_79b9_7f4a_7c15));
    }
    u128::from(high) << 64 | u128::from(low)
}

/// The finalizer of SplitMix64.
const fn spread(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subscription: &str, meter: &str, tags: &str) -> RowDigest {
        let mut digest = RowDigest::default();
        let cells =
            [(Field::Tags, tags), (Field::SubscriptionId, subscription), (Field::MeterId, meter), (Field::Term, "")];
        cells.iter().filter_map(|(field, text)| CellDigest::of_text(*field, text)).for_each(|cell| digest.add(cell));
        digest
    }

    fn set(rows: &[RowDigest]) -> RowSet {
        let mut set = RowSet::default();
        rows.iter().for_each(|row| set.add(row));
        set
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (a, b) = (row("s1", "m1", "t"), row("s2", "m2", "t"));
        assert_eq!(set(&[a, b]), set(&[b, a]));
        assert_ne!(set(&[a, b]), set(&[a]));
        assert_ne!(set(&[a, a]), set(&[a, b]));
        assert_ne!(set(&[a, a]), set(&[]));
        // Cells that change places between rows.
        assert_ne!(set(&[a, b]), set(&[row("s1", "m2", "t"), row("s2", "m1", "t")]));
        let other_tags = set(&[row("s1", "m1", "u"), b]);
        assert!(other_tags != set(&[a, b]) && other_tags.same_charges(&set(&[a, b])));
    }

    #[test]
    fn ids_compare_without_case_and_numbers_by_value() {
        assert_eq!(row("S1", "M1", "t"), row("s1", "m1", "t"));
        assert_ne!(row("s1", "m1", "T"), row("s1", "m1", "t"));
        let number = |units, scale| CellDigest::of_number(Field::Quantity, Decimal::from_i128(units, scale).unwrap());
        assert_eq!(number(150, 2), number(15, 1));
        assert_ne!(number(15, 1), number(15, 2));
    }
}
