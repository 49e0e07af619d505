//! Prices and reservations on the command line, and deaths in the middle of their import.

use serde_json::{Value, json};

use crate::program::Bench;

const ENROLLMENT: [&str; 2] = ["--enrollment", "100"];
const PRICES: &str = "\
EnrollmentNumber,MeterID,MeterName,UnitOfMeasure,PartNumber,EffectiveStartDate,UnitPrice,CurrencyCode
100,m1,Compute,1 Hour,AAA-1,2024-01-01,0.0960000,USD
100,m2,Storage,1 GB,AAA-2,2024-01-01,0.02,USD
";

/// A day of what used a reservation.
fn details(day: &str) -> String {
    json!([{
        "reservationOrderId": "o", "reservationId": "r", "usageDate": format!("{day}T00:00:00"), "instanceId": "/i",
        "reservedHours": 24, "usedHours": 8,
    }])
    .to_string()
}

#[test]
fn status_tells_of_prices_and_reservations() {
    let bench = Bench::new();
    let prices = bench.file("prices.csv", PRICES);
    let done = bench.import(&prices, &["--period", "202401"]);
    assert_eq!(done.code, 0, "{}", done.errors);
    assert_eq!(done.json["sheets"][0]["rows"], json!(2));
    for day in ["2024-01-01", "2024-01-03"] {
        assert_eq!(bench.import(&bench.file("details.json", details(day)), &ENROLLMENT).code, 0);
    }
    let status = bench.run(&["status", "--json"]);
    let told = |sheets: &Value| {
        ["kind", "firstDay", "lastDay", "sheets", "rows", "incomplete"].map(|member| sheets[member].clone())
    };
    let held: Vec<_> = status.json["sheets"].as_array().unwrap().iter().map(told).collect();
    let expected = [
        json!(["priceSheet", "2024-01-01", "2024-01-01", 1, 2, 0]),
        json!(["reservationDetails", "2024-01-01", "2024-01-03", 2, 2, 0]),
    ];
    assert_eq!(json!(held), json!(expected));
    let text = bench.run(&["status"]).text;
    assert!(text.contains("no charges are held") && text.contains("reservation details"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_import_of_sheets_that_dies_leaves_all_of_them_or_none() {
    for (at, is_after) in [
        ("import-source-staged", false),
        ("import-source-named", false),
        ("import-sources-kept", false),
        ("import-catalog-written", false),
        ("import-catalog-committed", true),
    ] {
        let bench = Bench::new();
        let held = bench.file("a.json", details("2024-01-01"));
        assert_eq!(bench.import(&held, &ENROLLMENT).code, 0);
        let both = format!(
            "{},{}",
            details("2024-01-02").trim_end_matches(']'),
            details("2024-01-03").trim_start_matches('[')
        );
        let file = bench.file("b.json", both);
        bench.import_dying(&file, &ENROLLMENT, at);
        let days = || {
            let sheets = bench.run(&["status", "--json"]).json["sheets"][0].clone();
            (sheets["sheets"].clone(), sheets["lastDay"].clone())
        };
        assert_eq!(
            days(),
            if is_after { (json!(3), json!("2024-01-03")) } else { (json!(1), json!("2024-01-01")) },
            "{at}"
        );
        assert_eq!(bench.run(&["verify"]).code, 0, "{at}");
        assert_eq!(bench.import(&file, &ENROLLMENT).code, 0, "{at}");
        assert_eq!(days(), (json!(3), json!("2024-01-03")), "{at}");
        assert_eq!(bench.run(&["verify"]).code, 0, "{at}");
    }
}
