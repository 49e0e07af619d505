//! The forms of pages of charges, and how one is told from another.

use ledger::{Field, Publishers};
use serde_json::value::RawValue;

use super::json::{self, Value};

/// A form of usage details or Marketplace charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Consumption API versions up to 2019-01-01: `usageStart`, `pretaxCost`, no charge types.
    ConsumptionUntil2019,
    /// Consumption API versions from 2019-04-01-preview on: `date`, `cost`, `chargeType`.
    ConsumptionSince2019,
    /// Enterprise Reporting v1 to v3.
    EnterpriseReporting,
    /// Marketplace charges of the Consumption API: `usageStart`, `consumedQuantity`.
    Marketplaces,
    /// Marketplace charges of Enterprise Reporting: `usageStartDate`, `extendedCost`.
    MarketplaceCharges,
}

/// What the items of Consumption pages say that they are. Marketplace charges of the original say usage details too.
const TYPE: &str = "Microsoft.Consumption/usageDetails";
const MARKETPLACE_TYPE: &str = "Microsoft.Consumption/marketplaces";
/// The publisher type of every Marketplace charge.
pub(crate) const MARKETPLACE: &str = "Marketplace";
/// The kind of items of enrollments; others are of Microsoft Customer Agreements.
const KIND: &str = "legacy";

impl Shape {
    /// The form of a Consumption item's properties.
    pub(crate) fn of_properties(properties: &[json::Member<'_>]) -> Option<Self> {
        let has = |name: &str| properties.iter().any(|member| member.name.eq_ignore_ascii_case(name));
        if has("usageStart") && has("consumedQuantity") {
            Some(Self::Marketplaces)
        } else if has("usageStart") {
            Some(Self::ConsumptionUntil2019)
        } else if has("date") {
            Some(Self::ConsumptionSince2019)
        } else {
            None
        }
    }

    /// Whether an item of a list without object around it is a Marketplace charge of Enterprise Reporting.
    pub(crate) fn is_marketplace_charge(item: &[json::Member<'_>]) -> bool {
        let has = |name: &str| item.iter().any(|member| member.name.eq_ignore_ascii_case(name));
        has("usageStartDate") && has("extendedCost")
    }

    /// Whether rows of the form are actual cost by nature: these forms are older than amortized cost.
    pub(crate) fn is_actual_cost(self) -> bool {
        !matches!(self, Self::ConsumptionSince2019)
    }

    /// Whose sales rows of the form tell of.
    pub(crate) fn publishers(self) -> Publishers {
        match self {
            Self::Marketplaces | Self::MarketplaceCharges => Publishers::Marketplace,
            Self::ConsumptionUntil2019 | Self::ConsumptionSince2019 | Self::EnterpriseReporting => Publishers::All,
        }
    }

    /// Members without which no item of the form has a meaning, by the field that they fill.
    pub(crate) fn required(self) -> &'static [(Field, &'static str)] {
        match self {
            Self::ConsumptionUntil2019 => &[
                (Field::Date, "properties.usageStart"),
                (Field::Quantity, "properties.usageQuantity"),
                (Field::Cost, "properties.pretaxCost"),
                (Field::MeterId, "properties.meterId"),
                (Field::SubscriptionId, "properties.subscriptionGuid"),
            ],
            Self::ConsumptionSince2019 => &[
                (Field::Date, "properties.date"),
                (Field::Quantity, "properties.quantity"),
                (Field::Cost, "properties.cost"),
                (Field::MeterId, "properties.meterId"),
                (Field::SubscriptionId, "properties.subscriptionId"),
                (Field::ChargeType, "properties.chargeType"),
            ],
            Self::EnterpriseReporting => &[
                (Field::Date, "date"),
                (Field::Quantity, "consumedQuantity"),
                (Field::Cost, "cost"),
                (Field::MeterId, "meterId"),
                (Field::SubscriptionId, "subscriptionGuid"),
            ],
            Self::Marketplaces => &[
                (Field::Date, "properties.usageStart"),
                (Field::Quantity, "properties.consumedQuantity"),
                (Field::Cost, "properties.pretaxCost"),
                (Field::SubscriptionId, "properties.subscriptionGuid"),
            ],
            Self::MarketplaceCharges => &[
                (Field::Date, "usageStartDate"),
                (Field::Quantity, "consumedQuantity"),
                (Field::Cost, "extendedCost"),
                (Field::SubscriptionId, "subscriptionGuid"),
            ],
        }
    }
}

/// What is wrong with an item as a whole: the charges of other APIs and agreements have members of the same names and
/// other meanings. `None`: the form of the page is not known yet.
pub(crate) fn foreign(item: &[json::Member<'_>], shape: Option<Shape>) -> Option<String> {
    let text_of = |name: &str| {
        let member = item.iter().find(|member| member.name.eq_ignore_ascii_case(name))?;
        Some(as_text(member.value))
    };
    if let Some(kind) = text_of("kind").filter(|kind| !kind.eq_ignore_ascii_case(KIND)) {
        return Some(format!(
            "kind {kind:?} is not that of an enrollment's usage details: expected {KIND:?}; charges of a Microsoft Customer \
             Agreement (\"modern\") cannot be imported"
        ));
    }
    let is_of_marketplace = shape.is_none_or(|shape| shape.publishers() == Publishers::Marketplace);
    let known = if is_of_marketplace { &[TYPE, MARKETPLACE_TYPE][..] } else { &[TYPE] };
    let is_known = |kind: &String| known.iter().any(|known| kind.eq_ignore_ascii_case(known));
    let kind_of_item = text_of("type").filter(|kind| !is_known(kind))?;
    let expected: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
    let advice = match kind_of_item.to_ascii_lowercase().starts_with("microsoft.billing/") {
        true => "; billing periods and accounts are made of charges here, so leave the file out",
        false => "",
    };
    Some(format!("type {kind_of_item:?} is not that of the page: expected {}{advice}", expected.join(" or ")))
}

/// A value as a message can carry it.
pub(crate) fn as_text(value: &RawValue) -> String {
    const CHARS_MAX: usize = 60;
    match json::value(value) {
        Ok(Value::Text(text)) => text.chars().take(CHARS_MAX).collect(),
        _ => value.get().chars().take(CHARS_MAX).collect(),
    }
}
