//! Native input written from what was read, with every member that says something. Numbers are written as texts.

use calendar::Date;
use lazurite_formats::native::{StatedEnrollment, StatedOrders, StatedPriceSheet, UsageFact};
use ledger::billing::{Instant, PriceLine, PriceType};
use money::Decimal;
use serde_json::{Map, Value, json};

use super::Read;

const MICROS_OF_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// An enrollment document.
pub(super) fn enrollment(stated: &StatedEnrollment) -> String {
    let own = &stated.enrollment;
    let mut members = object(json!({
        "kind": "enrollment", "number": own.number.to_string(), "name": own.name, "currency": own.currency.to_string(),
        "start": own.start.to_string(), "billingFrequency": own.billing_frequency.name(),
    }));
    put(&mut members, "end", own.end.map(date));
    let balance = own.opening_balance.as_ref();
    let balance = balance.map(|balance| {
        let mut members = object(json!({ "amount": number(balance.amount) }));
        put(&mut members, "expires", balance.expires.map(date));
        Value::Object(members)
    });
    put(&mut members, "openingBalance", balance);
    let mut policies = Map::new();
    put(&mut policies, "daViewCharges", stated.policies.da_view_charges.map(Value::Bool));
    put(&mut policies, "aoViewCharges", stated.policies.ao_view_charges.map(Value::Bool));
    put(&mut policies, "priceHidden", stated.policies.price_hidden.map(Value::Bool));
    members.insert("policies".to_owned(), Value::Object(policies));
    members.extend(object(serde_json::to_value(&own.hierarchy).expect("a hierarchy is plain texts")));
    Value::Object(members).to_string()
}

/// An orders document: each record as it is kept.
pub(super) fn orders(stated: &StatedOrders) -> String {
    let records: Vec<&str> = stated.orders.iter().map(|order| order.text.as_str()).collect();
    let currency = stated.currency.map(|currency| format!("\"currency\":\"{currency}\",")).unwrap_or_default();
    let number = Value::from(stated.enrollment.to_string());
    format!("{{\"kind\":\"orders\",\"enrollment\":{number},{currency}\"orders\":[{}]}}", records.join(","))
}

/// A price sheet as JSON, which says everything itself.
pub(super) fn price_sheet(stated: &StatedPriceSheet) -> String {
    let lines: Vec<Value> = stated.sheet.lines().iter().map(price_line).collect();
    let mut members = object(json!({
        "kind": "priceSheet", "currency": stated.sheet.currency().to_string(), "from": stated.from.to_string(),
        "lines": lines,
    }));
    put(&mut members, "enrollment", stated.enrollment.as_ref().map(|own| Value::from(own.to_string())));
    put(&mut members, "through", stated.through.map(|period| Value::from(period.to_string())));
    Value::Object(members).to_string()
}

fn price_line(line: &PriceLine) -> Value {
    let (price_type, term) = match line.price_type {
        PriceType::Consumption => ("Consumption", None),
        PriceType::SavingsPlan(term) => ("SavingsPlan", Some(term)),
        PriceType::ReservedInstance(term) => ("ReservedInstance", Some(term)),
    };
    let mut members = object(json!({
        "meterId": line.meter_id, "priceType": price_type, "unitOfMeasure": line.unit.as_str(),
        "unitPrice": number(line.unit_price), "includedQuantity": number(line.included),
        "publisherType": if line.is_marketplace { "Marketplace" } else { "Azure" },
        "creditEligible": line.credit_eligible,
    }));
    put(&mut members, "termMonths", term.map(|term| Value::from(term.months())));
    put(&mut members, "marketPrice", line.market_price.map(number));
    let stated = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    for (name, text) in [
        ("partNumber", stated(&line.part_number)),
        ("offerId", stated(&line.offer_id)),
        ("meterName", line.meter_name.clone()),
        ("meterCategory", line.meter_category.clone()),
        ("meterSubCategory", line.meter_sub_category.clone()),
        ("meterRegion", line.meter_region.clone()),
        ("productName", line.product_name.clone()),
        ("serviceFamily", line.service_family.clone()),
        ("publisherName", line.publisher_name.clone()),
        ("planName", line.plan_name.clone()),
    ] {
        put(&mut members, name, text.map(Value::from));
    }
    if !line.tiers.is_empty() {
        let tiers = line.tiers.iter().map(|tier| json!({ "from": number(tier.from), "price": number(tier.price) }));
        members.insert("tiers".to_owned(), tiers.collect());
    }
    Value::Object(members)
}

/// A record of usage as JSON.
pub(super) fn usage(record: &Read) -> String {
    let mut members = object(json!({ "quantity": number(record.quantity) }));
    for fact in UsageFact::ALL {
        put(&mut members, fact.name(), fact.of(&record.line).map(Value::from));
    }
    match record.hour {
        None => members.insert("date".to_owned(), date(record.day)),
        Some(hour) => members.insert("time".to_owned(), json!(format!("{}T{hour:02}:00:00Z", record.day))),
    };
    put(&mut members, "receivedAt", record.received_at.map(instant));
    Value::Object(members).to_string()
}

fn instant(instant: Instant) -> Value {
    let day = instant.date().expect("an instant that was read lies in a year that is known");
    let micros = instant.0.rem_euclid(MICROS_OF_DAY);
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    json!(format!("{day}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"))
}

fn date(date: Date) -> Value {
    Value::from(date.to_string())
}

fn number(number: Decimal) -> Value {
    Value::from(number.to_shortest_string())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value);
    }
}
