//! Generated native enrollments: the same for the same options, and what billing refuses is not in them.

use std::collections::{BTreeMap, BTreeSet};

use calendar::BillingPeriod;
use lazurite_samples::native::{self, NativeOptions};
use money::Currency;
use serde_json::Value;

fn options(months: u32, usage_records: u64) -> NativeOptions {
    let currency = Currency::parse("USD").expect("a currency");
    let first = BillingPeriod::new(2025, 1).expect("a month");
    NativeOptions::sized(currency, first, months, usage_records)
}

fn usage_text(options: &NativeOptions) -> String {
    let mut bytes = Vec::new();
    let count = native::write_usage(options, &mut bytes).expect("memory takes all bytes");
    assert_eq!(count, options.usage_records);
    String::from_utf8(bytes).expect("usage is UTF-8")
}

fn records(options: &NativeOptions) -> Vec<Value> {
    usage_text(options).lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} of {value} is a text"))
}

#[test]
fn same_options_same_documents() {
    let options = options(3, 4_000);
    let all = |options: &NativeOptions| {
        let documents = [native::enrollment(options), native::prices(options), native::orders(options)];
        let texts: Vec<String> = documents.map(|one| one.expect("options are in range").to_string()).into();
        (texts, usage_text(options))
    };
    assert_eq!(all(&options), all(&options.clone()));
    assert_ne!(all(&options).1, all(&NativeOptions { seed: 2, ..options }).1);
}

#[test]
fn a_day_has_hourly_or_daily_usage() {
    let mut kinds: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    let all = records(&options(2, 9_000));
    for record in &all {
        let hourly = record.get("time").is_some();
        let day = text(record, if hourly { "time" } else { "date" })[..10].to_owned();
        kinds.entry(day).or_default().insert(hourly);
    }
    assert_eq!(kinds.len(), 59);
    assert!(kinds.values().all(|kinds| kinds.len() == 1));
    assert_eq!(kinds.values().filter(|kinds| kinds.contains(&true)).count(), 6);
}

#[test]
fn usage_is_of_known_meters_and_subscriptions() {
    let options = options(2, 3_000);
    let prices = native::prices(&options).expect("options are in range");
    let enrollment = native::enrollment(&options).expect("options are in range");
    let ids = |document: &Value, list: &str, member: &str| -> BTreeSet<String> {
        document[list].as_array().expect("an array").iter().map(|one| text(one, member).to_owned()).collect()
    };
    let (meters, subscriptions) = (ids(&prices, "lines", "meterId"), ids(&enrollment, "subscriptions", "id"));
    for record in records(&options) {
        assert!(meters.contains(text(&record, "meterId")), "{record}");
        assert!(subscriptions.contains(text(&record, "subscriptionId")), "{record}");
    }
}

#[test]
fn some_usage_is_late_and_some_corrects() {
    let all = records(&options(2, 4_000));
    assert!(all.iter().any(|record| text(record, "quantity").starts_with('-')));
    let late = |record: &&Value| {
        let day = record.get("date").or_else(|| record.get("time")).and_then(Value::as_str).unwrap_or_default();
        day.starts_with("2025-01") && text(record, "receivedAt") > "2025-02-05"
    };
    assert!(all.iter().any(|record| late(&record)));
}

#[test]
fn orders_are_of_every_kind() {
    let document = native::orders(&options(3, 1_000)).expect("options are in range");
    let orders = document["orders"].as_array().expect("an array");
    let kinds: BTreeSet<&str> = orders.iter().map(|order| text(order, "type")).collect();
    let expected =
        ["credit", "exchange", "prepayment", "purchase", "refund", "reservation", "return", "savingsPlan", "tradeIn"];
    assert_eq!(kinds, BTreeSet::from(expected));
}

#[test]
fn odd_options_are_refused() {
    let refused = |change: fn(&mut NativeOptions)| {
        let mut options = options(2, 100);
        change(&mut options);
        native::usage(&options).is_err() && native::orders(&options).is_err()
    };
    assert!(refused(|options| options.months = 0));
    assert!(refused(|options| options.subscriptions = 1));
    assert!(refused(|options| options.lines = 0));
    assert!(refused(|options| options.usage_records = u64::MAX));
}
