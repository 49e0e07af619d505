//! What both forms of a balance summary have in common on the wire: amounts as JSON numbers with the digits of their
//! source, lists in its order, and no member that the source did not have.

use ledger::{Amount, BalanceAmount, BalanceDetail, BalanceSummary};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount on the wire. It never becomes a binary number.
struct Number<'a>(&'a Amount);

impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.as_str().to_owned()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Number<'a>>,
}

/// Writes amounts that are known.
pub(crate) fn amounts<M: SerializeMap>(
    map: &mut M,
    summary: &BalanceSummary,
    which: &[BalanceAmount],
) -> Result<(), M::Error> {
    for which in which {
        if let Some(amount) = summary.amount(*which) {
            map.serialize_entry(which.name(), &Number(&amount))?;
        }
    }
    Ok(())
}

/// Writes the lists that are known.
pub(crate) fn details<M: SerializeMap>(map: &mut M, summary: &BalanceSummary) -> Result<(), M::Error> {
    let lists =
        [("newPurchasesDetails", &summary.new_purchases_details), ("adjustmentDetails", &summary.adjustment_details)];
    for (name, list) in lists {
        if let Some(list) = list {
            let detail = |one| -> Detail<'_> {
                let one: &BalanceDetail = one;
                Detail { name: one.name.as_deref(), value: one.value.as_ref().map(Number) }
            };
            map.serialize_entry(name, &list.iter().map(detail).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// The amounts that both forms have.
pub(crate) const COMMON: [BalanceAmount; 10] = [
    BalanceAmount::BeginningBalance,
    BalanceAmount::EndingBalance,
    BalanceAmount::NewPurchases,
    BalanceAmount::Adjustments,
    BalanceAmount::Utilized,
    BalanceAmount::ServiceOverage,
    BalanceAmount::ChargesBilledSeparately,
    BalanceAmount::TotalOverage,
    BalanceAmount::TotalUsage,
    BalanceAmount::AzureMarketplaceServiceCharges,
];
