//! status --calendar and --restated, and their twins over HTTP.

use serde_json::{Value, json};

use crate::program::{Bench, Done, Server};
use crate::reports::plain_client;

const A: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const B: &str = "ed570627-0265-4620-bb42-bae06bcfa914";
const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                      CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel\n";

/// An export of enrollment 100: rows of subscription, date and cost.
fn export(rows: &[(&str, &str, &str)]) -> String {
    let mut text = HEADER.to_owned();
    for (subscription, date, cost) in rows {
        let (month, year) = (&date[..2], &date[6..]);
        text.push_str(&format!("100,{month}/01/{year},{subscription},{date},m,1,{cost},{cost},USD,Usage,OnDemand\n"));
    }
    text
}

fn import(bench: &Bench, name: &str, rows: &[(&str, &str, &str)], more: &[&str]) {
    let file = bench.file(name, export(rows));
    let done = bench.import(&file, &[&["--dataset", "ActualCost"], more].concat());
    assert_eq!(done.code, 0, "{} {}", done.text, done.errors);
}

/// September to date in two runs, of which the second restates a day; then a day of December.
fn loaded() -> Bench {
    let bench = Bench::new();
    let first = [(A, "09/01/2023", "1.10"), (B, "09/01/2023", "2.20"), (A, "09/03/2023", "-0.000000000000000001")];
    import(&bench, "first.csv", &first, &["--taken-at", "2023-09-04"]);
    let second = [(A, "09/01/2023", "1.10"), (B, "09/01/2023", "2.5"), (B, "09/05/2023", "7"), (A, "09/03/2023", "0")];
    import(&bench, "second.csv", &second, &["--taken-at", "2023-09-06T12:00:00Z"]);
    let days = ["--days", "2023-12-30..2023-12-31", "--taken-at", "2024-01-02"];
    import(&bench, "third.csv", &[(A, "12/31/2023", "5")], &days);
    bench
}

fn calendar(bench: &Bench, more: &[&str]) -> Value {
    let done = bench.run(&[&["status", "--calendar", "--json"], more].concat());
    assert_eq!(done.code, 0, "{} {}", done.text, done.errors);
    done.json["calendar"].clone()
}

/// Ranges of a month: days, state, revision.
fn ranges(month: &Value) -> Vec<String> {
    let text = |range: &Value, member: &str| range[member].as_str().unwrap_or("-").to_owned();
    let ranges = month["ranges"].as_array().unwrap().iter();
    ranges
        .map(|range| {
            let words = ["from", "to", "state", "revision"].map(|member| text(range, member));
            format!("{}..{} {} {}", &words[0][8..], &words[1][8..], words[2], words[3])
        })
        .collect()
}

#[test]
fn the_calendar_tells_every_day_with_rows_and_exact_total() {
    let bench = loaded();
    let calendar = calendar(&bench, &[]);
    let [series] = &calendar["series"].as_array().unwrap()[..] else { panic!("{calendar}") };
    for (member, expected) in [("enrollment", "100"), ("dataset", "ActualCost"), ("currency", "USD")] {
        assert_eq!(series[member], expected, "{series}");
    }
    let months = series["months"].as_array().unwrap();
    assert_eq!(months.len(), 2, "{series}");
    assert_eq!(
        ranges(&months[0]),
        [
            "01..01 charges 2",
            "02..02 noCharges 2",
            "03..03 charges 2",
            "04..04 noCharges 2",
            "05..05 charges 2",
            "06..30 missing 2"
        ]
    );
    assert_eq!(months[0]["ranges"][0]["takenAt"], "2023-09-06T12:00:00Z");
    assert_eq!(
        months[0]["days"],
        json!([
            { "day": "2023-09-01", "rows": 2, "total": "3.6" },
            { "day": "2023-09-03", "rows": 1, "total": "0" },
            { "day": "2023-09-05", "rows": 1, "total": "7" },
        ])
    );
    assert_eq!((&months[0]["rows"], &months[0]["total"]), (&json!(4), &json!("10.6")));
    assert_eq!(months[0]["dayCounts"], json!({ "charges": 3, "noCharges": 2, "missing": 25, "notYet": 0 }));
    assert_eq!(ranges(&months[1]), ["01..29 missing -", "30..30 noCharges 3", "31..31 charges 3"]);
    assert_eq!(series["missingPeriods"], json!([{ "from": "202310", "to": "202311" }]));
    let text = bench.run(&["status", "--calendar"]).text;
    let missing = |days| "!".repeat(days);
    for expected in [
        format!("  202309  #.#.#{}     5      25         2 2023-09-06T12:00:00Z\n", missing(25)),
        "  202310..202311 nothing is held\n".to_owned(),
        format!("  202312  {}.#    2      29         3 2024-01-02T00:00:00Z\n", missing(29)),
        "# charges   . held, no charges   ! missing   ~ not there yet".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected}\n{text}");
    }
}

#[test]
fn the_calendar_of_an_earlier_state_or_of_one_month_is_that_and_the_rest_stays() {
    let bench = loaded();
    let before = calendar(&bench, &["--as-of", "1"]);
    let month = &before["series"][0]["months"][0];
    assert_eq!(month["days"][1]["total"], "-0.000000000000000001");
    assert_eq!(ranges(month)[3], "04..30 missing 1");
    let whole = calendar(&bench, &[]);
    let december = calendar(&bench, &["--period", "202312", "--enrollment", "100"]);
    assert_eq!(december["series"][0]["months"], json!([whole["series"][0]["months"][1]]));
    assert_eq!(calendar(&bench, &["--enrollment", "101"])["series"], json!([]));
    // What scripts read of the list has nothing more and nothing less.
    let plain = bench.run(&["status", "--json"]).json;
    assert!(plain.get("calendar").is_none() && plain.get("restatements").is_none());
    let mut told = bench.run(&["status", "--json", "--calendar", "--restated"]).json;
    for member in ["calendar", "restatements"] {
        assert!(told.as_object_mut().unwrap().remove(member).is_some());
    }
    assert_eq!(told, plain);
}

#[test]
fn a_month_that_is_not_over_misses_nothing_after_its_newest_day() {
    let bench = Bench::new();
    // The clock of the machine decides, and its month may end while the test runs.
    let month = |now: time::OffsetDateTime| format!("{:02}/01/{}", u8::from(now.month()), now.year());
    let first_day = month(time::OffsetDateTime::now_utc());
    import(&bench, "now.csv", &[(A, &first_day, "1")], &[]);
    let calendar = calendar(&bench, &[]);
    if month(time::OffsetDateTime::now_utc()) == first_day {
        let month = &calendar["series"][0]["months"][0];
        assert_eq!(month["dayCounts"]["missing"], 0, "{calendar}");
        assert_eq!(month["ranges"][0]["state"], "charges", "{calendar}");
        let last = month["ranges"].as_array().unwrap().last().unwrap();
        let today = calendar["today"].as_str().unwrap();
        assert!(last["to"].as_str().unwrap() >= today && (last["state"] == "notYet" || last["state"] == "charges"));
    }
}

fn restated(bench: &Bench, more: &[&str]) -> Done {
    bench.run(&[&["status"], more].concat())
}

#[test]
fn restatements_tell_what_each_revision_changed() {
    let bench = loaded();
    let done = restated(&bench, &["--restated", "--by", "day,subscription", "--json"]);
    assert_eq!(done.code, 0, "{}", done.errors);
    let [one] = &done.json["restatements"].as_array().unwrap()[..] else { panic!("{}", done.text) };
    for (member, expected) in [
        ("enrollment", json!("100")),
        ("dataset", json!("ActualCost")),
        ("period", json!("202309")),
        ("currency", json!("USD")),
        ("since", json!("1")),
        ("until", json!("2")),
        ("rowsBefore", json!(3)),
        ("rows", json!(4)),
        ("totalBefore", json!("3.299999999999999999")),
        ("difference", json!("7.300000000000000001")),
    ] {
        assert_eq!(one[member], expected, "{member}: {one}");
    }
    assert_eq!(one["before"][0]["revision"], "1");
    assert_eq!(one["before"][0]["takenAt"], "2023-09-04T00:00:00Z");
    assert_eq!((&one["after"][0]["revision"], &one["after"][0]["covers"]), (&json!("2"), &json!("202309")));
    // The differences are those that total tells of the same month.
    let asked = ["total", "--enrollment", "100", "--period", "202309", "--by", "day,subscription", "--since", "1"];
    let total = bench.run(&[&asked[..], &["--json"]].concat());
    assert_eq!((&one["changes"], &one["difference"]), (&total.json["changes"], &total.json["difference"]));
    assert_eq!(one["changes"].as_array().unwrap().len(), 3);
    let text = restated(&bench, &["--restated", "--by", "day"]).text;
    for expected in [
        "revision 2, taken at 2023-09-06T12:00:00Z: ActualCost 202309 of enrollment 100 (USD), ",
        "  held before by revision 1\n",
        "  3 -> 4 rows\t3.299999999999999999 -> 10.6",
        "    2023-09-05\t0 -> 1 rows\t0 -> 7\t+7\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn restatements_begin_where_they_are_asked_to_and_wrong_questions_are_refused() {
    let bench = loaded();
    let count = |more: &[&str]| {
        let done = restated(&bench, &[&["--json"], more].concat());
        done.json["restatements"].as_array().unwrap_or_else(|| panic!("{}", done.text)).len()
    };
    assert_eq!((count(&["--restated", "0"]), count(&["--restated", "1"]), count(&["--restated", "2"])), (1, 1, 0));
    assert_eq!((count(&["--restated", "--as-of", "1"]), count(&["--restated", "--period", "202312"])), (0, 0));
    assert!(restated(&bench, &["--restated", "2"]).text.contains("nothing that was held before was restated"));
    // Charges that move between days change nothing of the month, and are told all the same.
    let moved = [(A, "12/30/2023", "5")];
    import(&bench, "moved.csv", &moved, &["--days", "2023-12-30..2023-12-31", "--taken-at", "2024-01-03"]);
    let done = restated(&bench, &["--restated", "3", "--json"]);
    assert_eq!(done.json["restatements"][0]["difference"], "0", "{}", done.text);
    assert_eq!(count(&["--restated", "3", "--by", "day"]), 1);
    for (arguments, reason) in [
        (&["--by", "day"][..], "--restated"),
        (&["--enrollment", "100"], "--calendar"),
        (&["--period", "202309"], "--calendar"),
        (&["--restated", "9"], "has no version 9"),
        (&["--restated", "2", "--as-of", "1"], "begins at revision 2"),
        (&["--restated", "--by", "day,day"], "twice"),
        (&["--restated", "--by", "month"], "is not a dimension"),
    ] {
        let done = restated(&bench, arguments);
        assert!(done.code == 2 && done.errors.contains(reason), "{arguments:?}: {} {}", done.code, done.errors);
    }
    // After history was ended, what is left of it is told.
    assert_eq!(bench.run(&["prune", "--keep-from", "2", "--yes"]).code, 0);
    assert_eq!(count(&["--restated"]), 1);
    assert_eq!(restated(&bench, &["--restated", "1"]).code, 2);
}

fn get(server: &Server, key: &str, path: &str) -> Value {
    let url = format!("{}/lazurite/v1/enrollments/100/{path}", server.http());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let answer = plain_client().get(url).bearer_auth(key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    })
}

#[test]
fn the_server_tells_what_the_program_does() {
    let bench = loaded();
    let key = bench.key("100");
    let server = bench.serve(&[]);
    let told = bench.run(&["status", "--json", "--calendar", "--restated", "1", "--by", "day,subscription"]).json;
    let status = get(&server, &key, "status");
    // Both were asked about a moment of their own.
    assert_eq!(status["calendar"]["series"], told["calendar"]["series"]);
    assert_eq!((&status["revision"], &status["enrollment"]), (&json!("3"), &json!("100")));
    let restated = get(&server, &key, "restatements?since=1&until=2&by=day,subscription");
    assert_eq!(restated["restatements"], told["restatements"]);
}

#[test]
fn charges_of_the_marketplace_alone_are_a_series_of_their_own() {
    let bench = Bench::new();
    import(&bench, "all.csv", &[(A, "09/01/2023", "1.10")], &["--taken-at", "2023-10-04"]);
    for (cost, taken) in [("1.5", "2023-10-04"), ("1.6", "2023-10-05")] {
        let answer = json!({"value": [{"type": "Microsoft.Consumption/usageDetails", "properties": {
            "usageStart": "2023-09-02T00:00:00Z", "usageEnd": "2023-09-02T23:59:59Z", "instanceId": "/i",
            "consumedQuantity": 3, "pretaxCost": serde_json::from_str::<Value>(cost).unwrap(), "currency": "USD",
            "subscriptionGuid": A,
        }}]});
        let file = bench.file("answer.json", answer.to_string());
        let done = bench.import(&file, &["--enrollment", "100", "--dataset", "ActualCost", "--taken-at", taken]);
        assert_eq!(done.code, 0, "{} {}", done.text, done.errors);
    }
    let of = |series: &Value| (series["publishers"].clone(), series["months"][0]["total"].clone());
    let calendar = calendar(&bench, &[]);
    let series: Vec<_> = calendar["series"].as_array().unwrap().iter().map(of).collect();
    assert_eq!(series, [(json!("All"), json!("1.1")), (json!("Marketplace"), json!("1.6"))]);
    let done = bench.run(&["status", "--calendar", "--restated"]);
    let alone = "providers/Microsoft.Billing/billingAccounts/100 (Marketplace alone)";
    assert_eq!(done.text.matches(alone).count(), 2, "calendar and restatements: {}", done.text);
}
