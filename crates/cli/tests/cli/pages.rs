//! Recorded pages of usage details through the program.

use crate::program::Bench;

const ITEM: &str = r#"{"id":"subscriptions/00000000-0000-0000-0000-000000000001/x","name":"NAME","type":"Microsoft.Consumption/usageDetails",
    "tags":null,"properties":{"billingPeriodId":"/x/billingPeriods/20180201","usageStart":"2018-02-03T00:00:00Z",
    "usageEnd":"2018-02-03T23:59:59Z","usageQuantity":1,"pretaxCost":COST,"currency":"USD","meterId":"m"}}"#;

fn page(name: &str, cost: &str, next: &str) -> String {
    format!("{{\"nextLink\":{next},\"value\":[{}]}}", ITEM.replace("NAME", name).replace("COST", cost))
}

#[test]
fn a_folder_of_pages_imports_and_an_incomplete_walk_is_exit_3() {
    let bench = Bench::new();
    let folder = bench.path("pages");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("1.json"), page("a", "7.9493720367E-05", "\"https://h/x?$skiptoken=1\"")).unwrap();
    let done = bench.import(&folder, &["--enrollment", "100"]);
    assert_eq!(done.code, 3, "{}", done.text);
    assert!(done.json["missing"][0].as_str().unwrap().contains("1.json"), "{}", done.text);
    let status = bench.run(&["status", "--json"]);
    assert_eq!(status.json["held"][0]["state"], "incomplete");

    std::fs::write(folder.join("2.json"), page("b", "1.5", "null")).unwrap();
    let done = bench.import(&folder, &["--enrollment", "100"]);
    assert_eq!(done.code, 0, "{}", done.text);
    let expected = serde_json::json!({ "imported": [{
        "enrollment": "100", "dataset": "ActualCost", "period": "201802", "rows": 2,
        "total": "1.500079493720367", "revision": "2", "unchanged": false, "replaces": ["1"],
    }], "rejected": 0 });
    assert_eq!(done.json, expected);
    assert_eq!(bench.run(&["status", "--json"]).json["held"][0]["state"], "complete");
}

#[test]
fn a_refused_item_is_named_by_file_line_and_path() {
    let bench = Bench::new();
    let file = bench.file("p.json", page("a", "\"oops\"", "null"));
    let done = bench.import(&file, &["--enrollment", "100"]);
    assert_eq!(done.code, 2);
    let error = &done.json["error"];
    assert_eq!((&error["code"], &error["line"]), (&"InvalidRow".into(), &1.into()));
    assert_eq!(error["column"], "value[0].properties.pretaxCost");
    assert!(
        error["message"].as_str().unwrap().contains("line 1, value[0], properties.pretaxCost: \"oops\""),
        "{error}"
    );
}
