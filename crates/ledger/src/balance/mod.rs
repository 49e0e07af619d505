//! The balance summary of an enrollment's billing period (SEMANTICS 4): what was prepaid, what was used of it, and what
//! came on top.
//!
//! A mirrored summary says what its source said, with the source's digits; what the source left out is `None`, never 0.
//! Two members may be computed where they are missing, because their definitions are sums of others: `totalOverage` and
//! `totalUsage` (SEMANTICS 4.3, B2 and B3). Identities that a source breaks are facts of the source.

mod amount;
mod identities;
mod verdict;

use std::borrow::Cow;
use std::collections::BTreeMap;

use money::{Currency, Decimal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use amount::Amount;
pub use identities::BrokenIdentity;
pub use verdict::{BalanceVerdict, HeldRun, judge_balance};

/// The amounts of a balance summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BalanceAmount {
    /// What the period began with.
    BeginningBalance,
    /// What it ended with.
    EndingBalance,
    /// Prepayment that began to cover in the period.
    NewPurchases,
    /// Credits and debits.
    Adjustments,
    /// Charges that the prepayment paid.
    Utilized,
    /// Charges beyond the prepayment.
    ServiceOverage,
    /// First-party charges that prepayment may not pay.
    ChargesBilledSeparately,
    /// Both of these.
    TotalOverage,
    /// Everything used, Marketplace aside.
    TotalUsage,
    /// Marketplace charges that prepayment may not pay.
    AzureMarketplaceServiceCharges,
    /// Refunds of benefit purchases that were paid as overage.
    OverageRefund,
}

impl BalanceAmount {
    /// All of them, in the order of the wire.
    pub const ALL: [Self; 11] = [
        Self::BeginningBalance,
        Self::EndingBalance,
        Self::NewPurchases,
        Self::Adjustments,
        Self::Utilized,
        Self::ServiceOverage,
        Self::ChargesBilledSeparately,
        Self::TotalOverage,
        Self::TotalUsage,
        Self::AzureMarketplaceServiceCharges,
        Self::OverageRefund,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeginningBalance => "beginningBalance",
            Self::EndingBalance => "endingBalance",
            Self::NewPurchases => "newPurchases",
            Self::Adjustments => "adjustments",
            Self::Utilized => "utilized",
            Self::ServiceOverage => "serviceOverage",
            Self::ChargesBilledSeparately => "chargesBilledSeparately",
            Self::TotalOverage => "totalOverage",
            Self::TotalUsage => "totalUsage",
            Self::AzureMarketplaceServiceCharges => "azureMarketplaceServiceCharges",
            Self::OverageRefund => "overageRefund",
        }
    }
}

/// A line of what an amount is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceDetail {
    /// What it is, such as `Promo Credit`.
    pub name: Option<String>,
    /// How much.
    pub value: Option<Amount>,
}

/// A balance summary. Lists keep the order of their source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceSummary {
    /// The currency of all amounts.
    #[serde(serialize_with = "write_currency", deserialize_with = "read_currency")]
    pub currency: Currency,
    /// What the source stated.
    pub amounts: BTreeMap<BalanceAmount, Amount>,
    /// How often overage is invoiced.
    pub billing_frequency: Option<String>,
    /// Whether the source hid the amounts.
    pub price_hidden: Option<bool>,
    /// What `newPurchases` is made of.
    pub new_purchases_details: Option<Vec<BalanceDetail>>,
    /// What `adjustments` is made of.
    pub adjustment_details: Option<Vec<BalanceDetail>>,
    /// The name of the resource, where the source gave one.
    pub name: Option<String>,
}

impl BalanceSummary {
    /// An amount: what the source stated, else the sum that defines it where all parts are known.
    pub fn amount(&self, which: BalanceAmount) -> Option<Cow<'_, Amount>> {
        if let Some(stated) = self.amounts.get(&which) {
            return Some(Cow::Borrowed(stated));
        }
        let parts = match which {
            BalanceAmount::TotalOverage => [BalanceAmount::ServiceOverage, BalanceAmount::ChargesBilledSeparately],
            BalanceAmount::TotalUsage => [BalanceAmount::Utilized, BalanceAmount::TotalOverage],
            _ => return None,
        };
        let [first, second] = parts.map(|part| self.amount(part).map(|amount| amount.value()));
        // A sum that does not fit is not known; two amounts within the limits of a cost always fit.
        first?.checked_add(second?).ok().map(|sum| Cow::Owned(Amount::from(sum)))
    }

    /// The summary of an enrollment whose prices are not released (SEMANTICS 6.4, D-38): amounts 0, lists empty.
    #[must_use]
    pub fn hidden(&self) -> Self {
        Self {
            amounts: BalanceAmount::ALL.map(|which| (which, Amount::from(Decimal::ZERO))).into(),
            price_hidden: Some(true),
            new_purchases_details: Some(Vec::new()),
            adjustment_details: Some(Vec::new()),
            ..self.clone()
        }
    }
}

fn write_currency<S: Serializer>(currency: &Currency, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(currency.as_str())
}

fn read_currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    Currency::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn summary(amounts: &[(BalanceAmount, &str)]) -> BalanceSummary {
        BalanceSummary {
            currency: "USD".parse().unwrap(),
            amounts: amounts.iter().map(|(which, text)| (*which, Amount::parse(text).unwrap())).collect(),
            billing_frequency: Some("Month".to_owned()),
            price_hidden: Some(false),
            new_purchases_details: None,
            adjustment_details: None,
            name: None,
        }
    }

    fn text(summary: &BalanceSummary, which: BalanceAmount) -> Option<String> {
        summary.amount(which).map(|amount| amount.to_string())
    }

    #[test]
    fn totals_are_what_the_source_says_else_their_definition_else_unknown() {
        use BalanceAmount::{ChargesBilledSeparately, ServiceOverage, TotalOverage, TotalUsage, Utilized};
        // SEMANTICS 7, E8.
        let parts = [(Utilized, "300"), (ServiceOverage, "180.00"), (ChargesBilledSeparately, "120.10")];
        let own = summary(&parts);
        assert_eq!(text(&own, TotalOverage).as_deref(), Some("300.10"));
        assert_eq!(text(&own, TotalUsage).as_deref(), Some("600.10"));
        let stated = summary(&[&parts[..], &[(TotalOverage, "1")]].concat());
        assert_eq!(text(&stated, TotalOverage).as_deref(), Some("1"));
        assert_eq!(text(&stated, TotalUsage).as_deref(), Some("301"));
        for missing in 0..3 {
            let mut fewer = parts.to_vec();
            fewer.remove(missing);
            assert_eq!(text(&summary(&fewer), TotalUsage), None);
        }
        assert_eq!(text(&own, BalanceAmount::EndingBalance), None);
    }

    #[test]
    fn a_hidden_summary_tells_nothing_but_its_currency_and_frequency() {
        let mut own = summary(&[(BalanceAmount::EndingBalance, "1.1")]);
        own.adjustment_details = Some(vec![BalanceDetail { name: Some("SIE Credit".into()), value: None }]);
        let hidden = own.hidden();
        assert!(BalanceAmount::ALL.iter().all(|which| text(&hidden, *which).as_deref() == Some("0")));
        assert_eq!((hidden.price_hidden, hidden.adjustment_details), (Some(true), Some(Vec::new())));
        assert_eq!(hidden.billing_frequency, own.billing_frequency);
    }

    #[test]
    fn a_stored_summary_is_read_back_digit_for_digit() {
        let mut own = summary(&[(BalanceAmount::BeginningBalance, "1.0"), (BalanceAmount::EndingBalance, "1E+3")]);
        own.new_purchases_details = Some(vec![BalanceDetail { name: None, value: Amount::parse("0.50").ok() }]);
        let stored = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<BalanceSummary>(&stored).unwrap(), own);
        assert!(stored.contains(r#""amounts":{"beginningBalance":"1.0","endingBalance":"1E+3"}"#), "{stored}");
    }
}
