//! Balance summaries on the command line, and deaths in the middle of their import.

use serde_json::json;

use crate::program::Bench;

const FEBRUARY: &str = r#"{"id": "enrollments/100/billingperiods/201702/balancesummaries", "billingPeriodId": 201702,
    "currencyCode": "USD", "beginningBalance": 10, "newPurchases": 0, "adjustments": 0, "utilized": 2.5, "endingBalance": 7.50}"#;

#[test]
fn import_status_and_verify_tell_of_balance_summaries() {
    let bench = Bench::new();
    let file = bench.file("b.json", FEBRUARY);
    let dry = bench.import(&file, &["--dry-run"]);
    let balance = |revision: Option<&str>, unchanged: bool| json!([{ "enrollment": "100", "period": "201702", "revision": revision, "unchanged": unchanged }]);
    assert_eq!(dry.json, json!({ "imported": [], "rejected": 0, "balances": balance(None, false), "dryRun": true }));
    let taken = ["--taken-at", "2017-03-02T00:00:00Z"];
    let done = bench.import(&file, &taken);
    assert_eq!(done.code, 0, "{}", done.errors);
    assert_eq!(done.json, json!({ "imported": [], "rejected": 0, "balances": balance(Some("b1"), false) }));
    assert_eq!(bench.import(&file, &taken).json["balances"], balance(Some("b1"), true));

    let newer = bench.file("c.json", FEBRUARY.replace("7.50", "7.5"));
    let stale = bench.import(&newer, &["--taken-at", "2017-03-01T00:00:00Z"]);
    assert_eq!((stale.code, &stale.json["error"]["code"]), (2, &json!("StaleRun")));
    let newer = newer.display().to_string();
    let text = bench.run(&["import", &newer, "--force", "--taken-at", "2017-03-01T00:00:00Z"]).text;
    assert_eq!(text, "enrollment 100 balance summary 201702: imported as revision b2, replaces revision b1\n");
    let foreign = bench.import(&file, &["--enrollment", "200"]);
    assert_eq!((foreign.code, &foreign.json["error"]["line"]), (2, &json!(1)), "{}", foreign.text);

    let status = bench.run(&["status", "--json"]);
    let held = &status.json["balances"][0];
    assert_eq!(
        [
            &held["enrollment"],
            &held["period"],
            &held["currency"],
            &held["endingBalance"],
            &held["revision"],
            &held["takenAt"]
        ],
        ["100", "201702", "USD", "7.5", "b2", "2017-03-01T00:00:00Z"]
    );
    assert!(bench.run(&["status"]).text.contains("balance summaries of enrollment 100 (USD)"));
    let earlier = bench.run(&["status", "--json", "--as-of", "2999-01-01T00:00:00Z"]);
    assert_eq!(earlier.json["balances"], status.json["balances"], "{}", earlier.text);
    assert_eq!(bench.run(&["status", "--as-of", "2017-01-01T00:00:00Z"]).code, 2);
    let verified = bench.run(&["verify", "--json"]);
    assert_eq!((verified.code, &verified.json["checked"]["balances"]), (0, &json!(2)), "{}", verified.text);
    assert_eq!(verified.json["findings"], json!([]));
    let audit = bench.run(&["audit"]).text;
    assert!(audit.contains("balance summary 201702 of billingAccounts/100"), "{audit}");
    // An enrollment of which only the balance is held can have keys.
    bench.key("100");
}

#[cfg(unix)]
#[test]
fn an_import_of_balances_that_dies_leaves_all_of_them_or_none() {
    for (at, is_after) in [
        ("import-source-staged", false),
        ("import-source-named", false),
        ("import-sources-kept", false),
        ("import-catalog-written", false),
        ("import-catalog-committed", true),
    ] {
        let bench = Bench::new();
        // A first one, so that only the second dies.
        let held = bench.file("a.json", FEBRUARY.replace("201702", "201701"));
        assert_eq!(bench.import(&held, &[]).code, 0);
        let list = format!("[{}, {}]", FEBRUARY, FEBRUARY.replace("201702", "201703"));
        let file = bench.file("b.json", list);
        bench.import_dying(&file, &[], at);
        let periods = || {
            let status = bench.run(&["status", "--json"]);
            status.json["balances"].as_array().unwrap().iter().map(|held| held["period"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(periods().len(), if is_after { 3 } else { 1 }, "{at}");
        assert_eq!(bench.run(&["verify"]).code, 0, "{at}");
        assert_eq!(bench.import(&file, &[]).code, 0, "{at}");
        assert_eq!(periods(), ["201701", "201702", "201703"], "{at}");
    }
}
