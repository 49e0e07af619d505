//! Rows of `$apply=groupby((tags…))` (contract section 2; official example
//! `UsageDetailsListForBillingPeriodGroupByTag.json`).

use std::collections::BTreeMap;

use formats::RowContext;
use lake::{GroupKey, GroupSums};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::{Uuid, uuid};

/// Names of groups are made in it.
const NAMES: Uuid = uuid!("3a9c7a54-6c62-5b0e-8b5a-0c9d0f5a2f11");

#[derive(Serialize)]
struct Group<'a> {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    tags: Option<&'a RawValue>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    billing_period_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_end: Option<String>,
    usage_quantity: Box<RawValue>,
    pretax_cost: Box<RawValue>,
    currency: &'a str,
}

/// JSON rows with commas between them.
pub(super) fn render(groups: &BTreeMap<GroupKey, GroupSums>, context: &RowContext) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, sums) in groups {
        if !out.is_empty() {
            out.push(b',');
        }
        let period_id = format!("{}/providers/Microsoft.Billing/billingPeriods/{}", context.id_prefix, key.period);
        let origin = format!("{period_id}\n{:?}\n{}\n{}", key.day, key.currency, key.tags);
        let name = Uuid::new_v5(&NAMES, origin.as_bytes()).to_string();
        let at = |time: &str| key.day.map(|day| format!("{day}T{time}.0000000Z"));
        let group = Group {
            id: format!("{period_id}/providers/Microsoft.Consumption/usageDetails/{name}"),
            name,
            kind: "Microsoft.Consumption/usageDetails",
            tags: serde_json::from_str(&key.tags).ok(),
            properties: Properties {
                billing_period_id: &period_id,
                usage_start: at("00:00:00"),
                usage_end: at("23:59:59"),
                usage_quantity: number(sums.quantity.value()),
                pretax_cost: number(sums.cost.value()),
                currency: &key.currency,
            },
        };
        out.extend(serde_json::to_vec(&group).expect("groups are plain data"));
    }
    out
}

fn number(value: money::Decimal) -> Box<RawValue> {
    RawValue::from_string(value.to_shortest_string()).expect("decimals print as JSON numbers")
}
