//! The forms of usage-detail pages, and how one is told from another.

use ledger::Field;
use serde_json::value::RawValue;

use super::json::{self, Value};

/// A form of usage details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Consumption API versions up to 2019-01-01: `usageStart`, `pretaxCost`, no charge types.
    ConsumptionUntil2019,
    /// Consumption API versions from 2019-04-01-preview on: `date`, `cost`, `chargeType`.
    ConsumptionSince2019,
    /// Enterprise Reporting v1 to v3.
    EnterpriseReporting,
}

/// What the items of Consumption pages say that they are.
const TYPE: &str = "Microsoft.Consumption/usageDetails";
/// The kind of items of enrollments; others are of Microsoft Customer Agreements.
const KIND: &str = "legacy";

impl Shape {
    /// The form of a Consumption item's properties.
    pub(crate) fn of_properties(properties: &[json::Member<'_>]) -> Option<Self> {
        let has = |name: &str| properties.iter().any(|member| member.name.eq_ignore_ascii_case(name));
        if has("usageStart") {
            Some(Self::ConsumptionUntil2019)
        } else if has("date") {
            Some(Self::ConsumptionSince2019)
        } else {
            None
        }
    }

    /// Whether rows of the form are actual cost by nature: both forms are older than amortized cost.
    pub(crate) fn is_actual_cost(self) -> bool {
        !matches!(self, Self::ConsumptionSince2019)
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
        }
    }
}

/// What is wrong with an item as a whole: the charges of other APIs and agreements have members of the same names and
/// other meanings.
pub(crate) fn foreign(item: &[json::Member<'_>]) -> Option<String> {
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
    let kind_of_item = text_of("type").filter(|kind| !kind.eq_ignore_ascii_case(TYPE))?;
    Some(format!("type {kind_of_item:?} is not that of usage details: expected {TYPE:?}"))
}

/// A value as a message can carry it.
pub(crate) fn as_text(value: &RawValue) -> String {
    const CHARS_MAX: usize = 60;
    match json::value(value) {
        Ok(Value::Text(text)) => text.chars().take(CHARS_MAX).collect(),
        _ => value.get().chars().take(CHARS_MAX).collect(),
    }
}
