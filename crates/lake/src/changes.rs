//! Restatements: what sums were before and are after, where they differ.

use std::collections::BTreeMap;

use ledger::CostSum;
use money::Total;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::LakeError;
use crate::totals::Dimension;

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

impl SumChange {
    /// What a sum was and is.
    ///
    /// # Errors
    /// [`LakeError::Sum`] for a difference that leaves the range of amounts.
    pub fn between(before: CostSum, after: CostSum) -> Result<Self, LakeError> {
        let mut difference = after.cost;
        let subtracted = difference.subtract(before.cost);
        subtracted.map_err(|source| LakeError::Sum { what: "changes".into(), source })?;
        Ok(Self { before, after, difference })
    }

    /// Whether rows or cost differ.
    pub fn differs(&self) -> bool {
        self.before.rows != self.after.rows || !self.difference.is_zero()
    }
}

/// A change as scripts and clients read it: one form for the command line and for HTTP. Amounts are exact decimal text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// What it is told apart by: texts by the words of the dimensions.
    #[serde(flatten)]
    pub told_apart: Map<String, Value>,
    /// Number of rows in the earlier state.
    pub rows_before: u64,
    /// Number of rows in the later state.
    pub rows: u64,
    /// Cost in the earlier state.
    pub total_before: String,
    /// Cost in the later state.
    pub total: String,
    /// How much more it is in the later state.
    pub difference: String,
}

impl ChangeView {
    /// A change of the sums with these texts of the dimensions.
    pub fn of(by: &[Dimension], texts: &[Option<String>], change: &SumChange) -> Self {
        Self {
            told_apart: by.iter().zip(texts).map(|(own, text)| (own.name().to_owned(), json!(text))).collect(),
            rows_before: change.before.rows,
            rows: change.after.rows,
            total_before: change.before.cost.value().to_string(),
            total: change.after.cost.value().to_string(),
            difference: change.difference.value().to_string(),
        }
    }
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
        let change = SumChange::between(sum(before, key), sum(after, key))?;
        if change.differs() {
            found.insert(key.clone(), change);
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
