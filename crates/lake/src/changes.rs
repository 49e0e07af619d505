//! Restatements: what sums were before and are after, where they differ.

use std::collections::BTreeMap;

use money::Total;

use crate::error::LakeError;
use crate::totals::CostSum;

/// A sum of charges in two states.
#[derive(Debug, Clone, Copy)]
pub struct SumChange {
    /// In the earlier state.
    pub before: CostSum,
    /// In the later state.
    pub after: CostSum,
    /// How much more it is in the later state, in the billing currency.
    pub difference: Total,
}

/// The sums of two states that differ in rows or in cost. The differences add up to that of the whole, whatever the sums are told
/// apart by.
///
/// # Errors
/// [`LakeError::Sum`] for a difference that leaves the range of amounts.
pub fn changes<K: Ord + Clone>(
    before: &BTreeMap<K, CostSum>,
    after: &BTreeMap<K, CostSum>,
) -> Result<BTreeMap<K, SumChange>, LakeError> {
    let mut found = BTreeMap::new();
    let sum = |sums: &BTreeMap<K, CostSum>, key: &K| sums.get(key).copied().unwrap_or(CostSum::NOTHING);
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let (before, after) = (sum(before, key), sum(after, key));
        let mut difference = after.cost;
        let subtracted = difference.subtract(before.cost);
        subtracted.map_err(|source| LakeError::Sum { what: "changes".into(), source })?;
        if before.rows != after.rows || !difference.is_zero() {
            found.insert(key.clone(), SumChange { before, after, difference });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use money::{Decimal, Limits};

    fn sums(rows: &[(&str, u64, &str)]) -> BTreeMap<String, CostSum> {
        let sum = |(key, rows, cost): &(&str, u64, &str)| {
            let mut total = Total::ZERO;
            total.add(Decimal::parse(cost.as_bytes(), Limits::TOTAL).unwrap().value).unwrap();
            ((*key).to_owned(), CostSum { rows: *rows, cost: total })
        };
        rows.iter().map(sum).collect()
    }

    #[test]
    fn only_what_differs_is_told_with_its_exact_difference() {
        let before = sums(&[("gone", 2, "1.50"), ("same", 1, "7.0"), ("less", 3, "0.0000000000000000000000000003")]);
        let after = sums(&[
            ("new", 1, "-4"),
            ("same", 1, "7"),
            ("less", 3, "0.0000000000000000000000000001"),
            ("rows", 0, "0"),
        ]);
        let found = changes(&before, &after).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|(key, one)| (key.as_str(), one.before.rows, one.after.rows, one.difference.value().to_string()))
            .collect();
        assert_eq!(
            told,
            [
                ("gone", 2, 0, "-1.50".to_owned()),
                ("less", 3, 3, "-0.0000000000000000000000000002".to_owned()),
                ("new", 0, 1, "-4".to_owned()),
            ]
        );
        assert!(changes(&after, &after).unwrap().is_empty());
    }
}
