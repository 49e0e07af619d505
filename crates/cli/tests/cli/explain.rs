//! `explain`, and what `verify` says of identities, on real exports.

use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};
use serde_json::{Value, json};

use crate::program::Bench;

fn identity<'a>(explained: &'a Value, name: &str) -> &'a Value {
    explained["identities"].as_array().unwrap().iter().find(|one| one["identity"] == name).unwrap()
}

/// The two published exports are excerpts of one month, made independently: AmortizedCost has 17 rows more than
/// ActualCost, among them both covered ones; ActualCost has the one purchase. Everything else of them fits.
#[test]
fn real_exports_are_explained_with_what_they_lack() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let alone = bench.run(&["explain", "202309", "--json"]);
    assert_eq!((alone.code, &identity(&alone.json, "I-1")["result"]), (0, &json!("holds")), "{}", alone.errors);
    assert_eq!(identity(&alone.json, "I-2")["reason"], "AmortizedCost is not held");
    assert_eq!(bench.run(&["verify", "--json"]).json["findings"], json!([]));

    bench.import(&bench.file(EA_AMORTIZED.name, EA_AMORTIZED.bytes), &[]);
    let explained = bench.run(&["explain", "202309", "--enrollment", "8611537", "--json"]);
    assert_eq!(explained.code, 0, "{}", explained.errors);
    let json = &explained.json;
    assert_eq!([&json["currency"], &json["native"]], [&json!("USD"), &json!(false)]);
    let totals: Vec<&Value> = json["charges"].as_array().unwrap().iter().map(|one| &one["total"]).collect();
    assert_eq!(totals, ["8.5450077867419368", "16.296932136636644627485419"]);
    let result = |name: &str| identity(json, name)["result"].as_str().unwrap().to_owned();
    assert_eq!(["I-1", "I-2", "I-3", "I-4"].map(result), ["holds", "fails", "fails", "fails"]);
    // 8.5450077867419368 - 3.25 against 16.2969321366366446 - 0.493152 - 0.006000000468.
    let by = "10.502772349426707827485419";
    assert_eq!((&identity(json, "I-2")["by"], &identity(json, "I-2")["count"]), (&json!(by), &json!(8)));
    assert_eq!(identity(json, "I-4")["by"], format!("-{by}"));
    let covered = &identity(json, "I-3")["first"][1];
    assert_eq!(covered, "2023-09-22 usage covered by reservations: 0 rows in ActualCost, 1 row in AmortizedCost");
    for name in ["I-5", "I-6", "I-7", "I-9", "B1", "B4", "B5", "B6"] {
        assert_eq!(result(name), "untold", "{name}");
    }
    assert_eq!(json["benefits"].as_array().unwrap().len(), 3);

    let text = bench.run(&["explain", "202309"]).text;
    for part in [
        "amounts in USD",
        "  usage covered by reservations (0 and 1 rows)   -                    0.493152\n",
        "  purchases of benefits (1 and 0 rows)           3.25                 -\n",
        "  I-4    FAILS     actual - benefit purchases",
        "-: the purchase is not held",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // Facts of the source: the store is sound.
    let verified = bench.run(&["verify", "--json"]);
    assert_eq!(
        (verified.code, &verified.json["ok"], &verified.json["checked"]["periods"]),
        (0, &json!(true), &json!(1))
    );
    let findings = verified.json["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{findings:?}");
    let month = findings[2].as_str().unwrap();
    assert!(month.starts_with("enrollment 8611537 period 202309: I-4 fails by -10.50277"), "{month}");
}

#[test]
fn a_balance_is_compared_with_the_charges_of_the_whole_enrollment() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let summary = |period: &str, beginning: &str, usage: &str, ending: &str| {
        format!(
            r#"{{"id": "enrollments/8611537/billingperiods/{period}/balancesummaries", "billingPeriodId": {period},
            "currencyCode": "USD", "beginningBalance": {beginning}, "newPurchases": 0, "adjustments": 0,
            "utilized": {usage}, "endingBalance": {ending}, "serviceOverage": 0, "chargesBilledSeparately": 0,
            "totalOverage": 0, "totalUsage": {usage}, "azureMarketplaceServiceCharges": 0,
            "newPurchasesDetails": [], "adjustmentDetails": []}}"#
        )
    };
    bench.import(&bench.file("august.json", summary("202308", "20", "8", "12")), &[]);
    bench.import(&bench.file("september.json", summary("202309", "11", "8.53", "2.47")), &[]);
    let json = bench.run(&["explain", "202309", "--json"]).json;
    let told = |name: &str| [&identity(&json, name)["result"], &identity(&json, name)["by"]];
    assert_eq!(told("B1"), [&json!("holds"), &Value::Null]);
    assert_eq!(told("B4"), [&json!("fails"), &json!("-1")]);
    // The lines of the excerpt add up to 8.53 when they are cut; no rounding adjustment is in it.
    assert_eq!(told("B5"), [&json!("fails"), &json!("0.0150077867419368")]);
    assert_eq!(json["invoiceLines"][0]["cut"], "8.53");
    let text = bench.run(&["explain", "202309"]).text;
    assert!(text.contains("  endingBalance                    2.47\n"), "{text}");
    let findings = bench.run(&["verify", "--json"]).json["findings"].clone();
    assert_eq!(findings.as_array().unwrap().len(), 2, "{findings}");
}

#[test]
fn a_question_that_cannot_be_answered_says_why() {
    let bench = Bench::new();
    bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]);
    let refused = |arguments: &[&str]| {
        let done = bench.run(&[arguments, &["--json"]].concat());
        assert_eq!(done.code, 2, "{}", done.text);
        [&done.json["error"]["code"], &done.json["error"]["message"]].map(|cell| cell.as_str().unwrap().to_owned())
    };
    let [code, message] = refused(&["explain", "202308"]);
    assert_eq!(code, "NoDataFound");
    assert!(message.contains("period 202308 of enrollment 8611537"), "{message}");
    assert_eq!(refused(&["explain", "202309", "--enrollment", "100"])[0], "UnknownEnrollment");
    assert_eq!(refused(&["explain", "2023"])[0], "Usage");
    let text = String::from_utf8(EA_ACTUAL.bytes.to_vec()).unwrap().replace("8611537", "200");
    bench.import(&bench.file("other.csv", text), &[]);
    assert_eq!(refused(&["explain", "202309"])[0], "Ambiguous");
}
