//! init, bill, and how status shows native enrollments.

use serde_json::{Value, json};

use crate::program::{Bench, Done, lazurite};

const NUMBER: &str = "7000001";
/// An instant after the close of the example's month, and one before.
const CLOSED: &str = "2025-02-05T04:00:00Z";
const OPEN: &str = "2025-01-20T04:00:00Z";

fn init(bench: &Bench) -> String {
    let folder = bench.path("example").display().to_string();
    let done = lazurite().args(["init", "--native", &folder, "--month", "202501"]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    folder
}

fn billed(done: &Done) -> &[Value] {
    assert_eq!(done.code, 0, "{}{}", done.text, done.errors);
    done.json["billed"].as_array().unwrap()
}

#[test]
fn the_example_is_billed_in_one_command_and_again_changes_nothing() {
    let bench = Bench::new();
    let folder = init(&bench);
    let done = bench.run(&["bill", &folder, "--as-of", CLOSED, "--json"]);
    let periods = billed(&done);
    assert_eq!(periods.len(), 2, "{}", done.text);
    let january = &periods[0];
    assert_eq!((&january["enrollment"], &january["period"]), (&json!(NUMBER), &json!("202501")));
    assert_eq!((&january["state"], &january["revision"]), (&json!("final"), &json!("1")));
    assert_eq!((&january["unchanged"], &january["heldBack"]), (&json!(false), &json!([])));
    assert_eq!(january["endingBalance"], "0.00");
    assert!(january["actual"]["rows"].as_u64().unwrap() > 100 && january["amortized"]["rows"].as_u64().unwrap() > 100);
    assert_eq!((&periods[1]["period"], &periods[1]["state"]), (&json!("202502"), &json!("open")));
    assert_eq!(done.json["applied"][0]["orders"], json!({ "taken": 6, "unchanged": 0 }));
    assert_eq!((&done.json["usage"][0]["accepted"], &done.json["refused"]), (&json!(155), &json!(0)));
    let again = bench.run(&["bill", &folder, "--as-of", CLOSED, "--json"]);
    // January is final: it is no longer billed.
    assert_eq!(billed(&again).len(), 1);
    assert_eq!((&billed(&again)[0]["unchanged"], &billed(&again)[0]["revision"]), (&json!(true), &json!("1")));
    assert_eq!(again.json["applied"][0]["orders"], json!({ "taken": 0, "unchanged": 6 }));
    let text = bench.run(&["bill", "--as-of", CLOSED]);
    assert!(text.text.contains("enrollment 7000001 202502: open, unchanged, held by revision 1"), "{}", text.text);
    let verified = bench.run(&["verify", "--json"]);
    assert_eq!((verified.code, &verified.json["violations"]), (0, &json!([])), "{}", verified.text);
}

#[test]
fn init_writes_into_new_folders_only_and_says_how_to_go_on() {
    let bench = Bench::new();
    let folder = bench.path("my example").display().to_string();
    let done = Done::of(&lazurite().args(["init", "--native", &folder]).output().unwrap());
    assert!(done.code == 0 && done.text.contains(&format!("lazurite bill '{folder}'")), "{}", done.text);
    // As it stands, without a word about time: last month, and the current one.
    let done = bench.run(&["bill", &folder, "--json"]);
    assert_eq!(billed(&done).len(), 2, "{}", done.text);
    assert_eq!((&done.json["refused"], &billed(&done)[1]["state"]), (&json!(0), &json!("open")), "{}", done.text);
    let again = Done::of(&lazurite().args(["init", "--native", &folder, "--json"]).output().unwrap());
    assert_eq!((again.code, &again.json["error"]["code"]), (2, &json!("NotEmpty")), "{}", again.text);
}

#[test]
fn refused_records_refuse_their_file_or_go_to_the_rejects() {
    let bench = Bench::new();
    let folder = init(&bench);
    billed(&bench.run(&["bill", &folder, "--as-of", OPEN, "--json"]));
    let good = r#"{"subscriptionId":"1caaa5a3-2b66-438e-8ab4-bce37d518c5d","meterId":"new","date":"2025-01-20","quantity":"2"}"#;
    let file = bench.file("more.ndjson", format!("{good}\n{}\n", good.replace("\"2\"", "\"two\"")));
    let file = file.display().to_string();
    let strict = bench.run(&["bill", &file, "--as-of", "2025-01-21", "--json"]);
    assert_eq!((strict.code, &strict.json["error"]["code"]), (2, &json!("RecordsRefused")), "{}", strict.text);
    let message = strict.json["error"]["message"].as_str().unwrap();
    assert!(message.contains("two") && message.contains("--rejects"), "{message}");
    let rejects = bench.path("rejects.csv").display().to_string();
    let done =
        bench.run(&["bill", &file, "--as-of", "2025-01-21", "--rejects", &rejects, "--batch-id", "b1", "--json"]);
    assert_eq!((done.code, &done.json["refused"]), (3, &json!(1)), "{}{}", done.text, done.errors);
    assert_eq!((&done.json["usage"][0]["batchId"], &done.json["usage"][0]["accepted"]), (&json!("b1"), &json!(1)));
    let held = &done.json["billed"][0]["heldBack"][0];
    assert_eq!((&held["reason"], &held["meterId"], &held["quantity"]), (&json!("noPrice"), &json!("new"), &json!("2")));
    let written = std::fs::read_to_string(&rejects).unwrap();
    assert!(
        written.starts_with("File,Record,Line,Field,Reason\n") && written.contains(",2,2,\"quantity\","),
        "{written}"
    );
    let other = bench.file("other.ndjson", good).display().to_string();
    let changed = bench.run(&["bill", &other, "--as-of", "2025-01-21", "--batch-id", "b1", "--json"]);
    assert_eq!((changed.code, &changed.json["error"]["code"]), (2, &json!("BatchChanged")), "{}", changed.text);
    let status = bench.run(&["status"]);
    assert!(status.text.contains("held back (noPrice): 2 of meter new"), "{}", status.text);
}

#[test]
fn a_closed_period_changes_only_when_it_is_opened_again() {
    let bench = Bench::new();
    let folder = init(&bench);
    billed(&bench.run(&["bill", &folder, "--as-of", CLOSED, "--json"]));
    let credit = json!({ "kind": "orders", "enrollment": NUMBER, "orders": [
        { "type": "credit", "id": "c2", "name": "Promo Credit", "date": "2025-01-30", "amount": "1.00" },
    ] });
    let file = bench.file("credit.json", credit.to_string()).display().to_string();
    let later = "2025-02-06T00:00:00Z";
    let refused = bench.run(&["bill", &file, "--as-of", later, "--json"]);
    assert_eq!((refused.code, &refused.json["error"]["code"]), (2, &json!("PeriodClosed")), "{}", refused.text);
    let unexplained = bench.run(&["bill", &file, "--reopen", "202501", "--json"]);
    assert_eq!((unexplained.code, &unexplained.json["error"]["code"]), (2, &json!("Usage")));
    let reopened = ["bill", &file, "--as-of", later, "--reopen", "202501", "--reason", "forgotten credit", "--json"];
    let done = bench.run(&reopened);
    let january = &billed(&done)[0];
    assert_eq!((&january["period"], &january["state"]), (&json!("202501"), &json!("final")), "{}", done.text);
    assert_eq!((&january["revision"], &january["unchanged"]), (&json!("2"), &json!(false)));
    let status = bench.run(&["status", "--json"]);
    let january = &status.json["native"][0]["periods"][0];
    assert_eq!((&january["state"], january["history"].as_array().unwrap().len()), (&json!("final"), 2));
    assert_eq!(january["history"][1]["reopened"]["reason"], "forgotten credit");
    assert_eq!(january["closesAt"], "2025-02-05T00:00:00Z");
    assert!(bench.run(&["status"]).text.contains("forgotten credit"));
}

#[test]
fn options_that_cannot_be_meant_are_refused() {
    let bench = Bench::new();
    let folder = init(&bench);
    let code = |arguments: &[&str]| {
        let done = bench.run(&[arguments, &["--json"]].concat());
        (done.code, done.json["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(&["bill"]), (2, "NoStore".to_owned()));
    assert_eq!(code(&["bill", &folder, "--as-of", "2999-01-01"]), (2, "AsOf".to_owned()));
    assert_eq!(code(&["bill", "/nowhere/at/all"]), (2, "Unreadable".to_owned()));
    let dry = bench.run(&["bill", &folder, "--as-of", CLOSED, "--dry-run", "--json"]);
    assert_eq!((dry.code, &dry.json["billed"], &dry.json["dryRun"]), (0, &json!([]), &json!(true)), "{}", dry.text);
    assert_eq!(code(&["bill"]), (2, "NothingToBill".to_owned()));
    billed(&bench.run(&["bill", &folder, "--as-of", CLOSED, "--json"]));
    assert_eq!(code(&["bill", "--as-of", OPEN]), (2, "Stale".to_owned()));
    assert_eq!(code(&["bill", "--enrollment", "1"]), (2, "UnknownEnrollment".to_owned()));
    let orders = format!("{folder}/orders.json");
    assert_eq!(code(&["bill", &orders, "--batch-id", "x"]), (2, "BatchId".to_owned()));
}

#[test]
fn a_csv_with_a_wrong_column_is_told_which_one() {
    let bench = Bench::new();
    let folder = init(&bench);
    billed(&bench.run(&["bill", &folder, "--as-of", OPEN, "--json"]));
    for (name, header, expected) in [
        ("usage.csv", "subscriptionId,meterId,date,amount", "column quantity: the column is missing"),
        ("usage.csv", "subscriptionId,meterId,date,quantity,colour", "column colour: unknown column"),
        ("prices.csv", "meterId,unit,unitPrice,currency", "column unitOfMeasure: the column is missing"),
    ] {
        let file = bench.file(name, format!("{header}\n1,2,3,4\n")).display().to_string();
        let done = bench.run(&["bill", &file, "--as-of", "2025-01-21", "--json"]);
        let error = &done.json["error"];
        assert_eq!(
            (done.code, &error["code"], &error["line"]),
            (2, &json!("InvalidField"), &json!(1)),
            "{}",
            done.text
        );
        assert!(error["message"].as_str().unwrap().contains(expected), "{error}");
    }
    let other = bench.file("other.csv", "a,b\n1,2\n").display().to_string();
    assert_eq!(bench.run(&["bill", &other, "--json"]).json["error"]["code"], "NotNativeInput");
}

#[test]
fn what_is_held_back_in_a_closed_period_names_the_reopening() {
    let bench = Bench::new();
    let folder = init(&bench);
    let record = r#"{"subscriptionId":"1caaa5a3-2b66-438e-8ab4-bce37d518c5d","meterId":"new","date":"2025-01-20","quantity":"2","receivedAt":"2025-01-21T00:00:00Z"}"#;
    let usage = bench.file("more.ndjson", record).display().to_string();
    let open = bench.run(&["bill", &folder, &usage, "--as-of", "2025-01-22", "--json"]);
    let remedy = |done: &Done| billed(done)[0]["heldBack"][0]["remedy"].as_str().unwrap().to_owned();
    assert!(!remedy(&open).contains("--reopen"), "{}", open.text);
    let closed = bench.run(&["bill", "--as-of", CLOSED, "--json"]);
    assert!(remedy(&closed).contains("--reopen 202501 --reason"), "{}", closed.text);
    for text in [bench.run(&["status"]).text, bench.run(&["explain", "202501"]).text] {
        assert!(text.contains("--reopen 202501 --reason TEXT"), "{text}");
    }
}

#[test]
fn a_price_sheet_that_counts_for_no_period_is_said_to_have_no_effect() {
    let bench = Bench::new();
    let folder = init(&bench);
    billed(&bench.run(&["bill", &folder, "--as-of", OPEN, "--json"]));
    let sheet = |name: &str, price: &str| {
        let text =
            format!("meterId,unitOfMeasure,unitPrice,currency,effectiveStartDate\nm,1 Hour,{price},USD,2025-03-01\n");
        bench.file(name, text).display().to_string()
    };
    let (newer, older) = (sheet("newer.csv", "2"), sheet("older.csv", "1"));
    let give = |file: &str, received: &str| {
        let arguments = ["bill", file, "--as-of", "2025-01-22", "--received-at", received, "--enrollment", NUMBER];
        let done = bench.run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(done.code, 0, "{}", done.text);
        done.json["applied"][0].clone()
    };
    let first = give(&newer, "2025-01-21T12:00:00Z");
    assert_eq!((&first["priceSheets"]["taken"], &first["priceSheetsWithoutEffect"]), (&json!(1), &json!([])));
    let second = give(&older, "2025-01-21T06:00:00Z");
    assert_eq!((&second["priceSheets"]["taken"], &second["priceSheetsWithoutEffect"]), (&json!(1), &json!([older])));
    // Known texts do not come to the front again.
    assert_eq!(give(&older, "2025-01-22T00:00:00Z")["priceSheetsWithoutEffect"], json!([older]));
    assert_eq!(give(&newer, "2025-01-22T00:00:00Z")["priceSheetsWithoutEffect"], json!([]));
    let text = bench.run(&["bill", &older, "--as-of", "2025-01-22", "--enrollment", NUMBER]).text;
    assert!(text.contains(&format!("{older} has no effect")), "{text}");
}

#[test]
fn status_tells_totals_as_bill_does() {
    let bench = Bench::new();
    let folder = init(&bench);
    let done = bench.run(&["bill", &folder, "--as-of", CLOSED, "--json"]);
    let status = bench.run(&["status", "--json"]).json;
    for one in status["held"].as_array().unwrap() {
        let period = billed(&done).iter().find(|billed| billed["period"] == one["period"]).unwrap();
        let own = if one["dataset"] == "ActualCost" { &period["actual"] } else { &period["amortized"] };
        assert_eq!(one["total"], own["total"], "{one}");
    }
}

#[test]
fn an_earlier_state_of_a_billed_period_is_explained() {
    let bench = Bench::new();
    let folder = init(&bench);
    let early = bench.run(&["bill", &folder, "--as-of", OPEN, "--json"]);
    billed(&bench.run(&["bill", "--as-of", CLOSED, "--json"]));
    let explain = |more: &[&str]| {
        let done = bench.run(&[&["explain", "202501", "--json"], more].concat());
        assert_eq!(done.code, 0, "{}", done.text);
        let failing = |one: &Value| one["result"] == "fails";
        assert!(!done.json["identities"].as_array().unwrap().iter().any(failing), "{}", done.text);
        done.json
    };
    let (first, newest) = (explain(&["--as-of", "1"]), explain(&[]));
    assert_eq!((&first["revision"], &newest["revision"]), (&json!("1"), &json!("2")));
    assert_eq!(first["charges"][0]["total"], billed(&early)[0]["actual"]["total"]);
    assert_ne!(first["charges"][1]["total"], newest["charges"][1]["total"]);
    assert_ne!(first["balance"]["revision"], newest["balance"]["revision"]);
    assert_eq!(explain(&["--as-of", "2999-01-01"]), newest);
    assert!(bench.run(&["explain", "202501", "--as-of", "1"]).text.contains("the period is open"));
    let nothing = bench.run(&["explain", "202501", "--as-of", "2020-01-01", "--json"]);
    assert_eq!((nothing.code, &nothing.json["error"]["code"]), (2, &json!("NoSuchRevision")), "{}", nothing.text);
}
