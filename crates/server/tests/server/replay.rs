//! Real answers of the original, imported and asked for again (recordings in `crates/imports/tests/data/pages`).
//!
//! Pay-as-you-go billing periods are not calendar months, so the recordings of `billingPeriods` of such a subscription
//! (`py_billing_period_list_*`) are left out: an enrollment's periods are months.

use std::collections::BTreeMap;
use std::path::Path;

use imports::{ImportOptions, NoProgress, Store};
use reqwest::Method;
use serde_json::value::RawValue;

use crate::world::*;

/// A recording: its file, the request, the subscription that its rows name where the request's was made anonymous (the
/// published id map), and today at the time.
struct Recording {
    file: &'static str,
    /// Between subscription and operation.
    period: &'static str,
    query: &'static str,
    subscription: &'static str,
    today: &'static str,
    /// Whether the original ignored a part of the filter, which only emulation does too.
    emulate: bool,
}

const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
const DEV_TEST: &str = "00043d42-773d-435b-b501-6d58f491875d";
const A98: &str = "a98d6dc5-eb8f-46cf-8938-f1fb08f03706";
const OCTOBER: &str = "/providers/Microsoft.Billing/billingPeriods/201710";
/// When the recordings of 2018 were made.
const FEBRUARY: &str = "2018-02-05T23:29:29Z";

const fn recording(
    file: &'static str,
    period: &'static str,
    query: &'static str,
    subscription: &'static str,
    today: &'static str,
) -> Recording {
    Recording { file, period, query, subscription, today, emulate: false }
}

const RECORDINGS: [Recording; 12] = [
    recording("cli_list_usages_billing_period", OCTOBER, "$top=5&api-version=2017-11-30", DEV_TEST, FEBRUARY),
    recording(
        "cli_list_usages_billing_period_expand",
        OCTOBER,
        "$expand=properties%2FadditionalProperties%2Cproperties%2FmeterDetails&$top=5&api-version=2017-11-30",
        DEV_TEST,
        FEBRUARY,
    ),
    recording(
        "cli_list_usages_subscription",
        "",
        "$expand=properties%2FadditionalProperties&$top=5&api-version=2017-11-30",
        DEV_TEST,
        "2017-11-29T00:00:00Z",
    ),
    recording(
        "cli_list_usages_subscription_custom_date_range",
        "",
        "$filter=properties%2FusageEnd%20ge%20%272017-10-11T23%3A59%3A59Z%27%20and%20properties%2FusageEnd%20le%20%27\
         2017-10-12T03%3A59%3A59Z%27&$top=5&api-version=2018-01-31",
        A98,
        FEBRUARY,
    ),
    recording("cli_usage_by_billing_period", OCTOBER, "$top=5&api-version=2018-01-31", A98, FEBRUARY),
    recording(
        "cli_usage_by_billing_period_expand",
        OCTOBER,
        "$expand=properties%2FadditionalProperties%2Cproperties%2FmeterDetails&$top=5&api-version=2018-01-31",
        A98,
        FEBRUARY,
    ),
    recording("cli_usage_list", "", "$top=5&api-version=2018-01-31", A98, FEBRUARY),
    recording(
        "cli_usage_list_expand",
        "",
        "$expand=properties%2FadditionalProperties%2Cproperties%2FmeterDetails&$top=5&api-version=2018-01-31",
        A98,
        FEBRUARY,
    ),
    recording(
        "cli_usage_list_properties",
        "",
        "$expand=properties%2FadditionalProperties&$top=5&api-version=2018-01-31",
        A98,
        FEBRUARY,
    ),
    recording(
        "py_billing_period_usage",
        "",
        "$expand=properties%2FadditionalProperties&api-version=2018-01-31",
        NOBODY,
        FEBRUARY,
    ),
    recording("py_subscription_usage", "", "$top=10&api-version=2018-01-31", NOBODY, FEBRUARY),
    Recording {
        emulate: true,
        ..recording(
            "py_subscription_usage_filter",
            "",
            "$expand=meterDetails&$filter=usageEnd%20le%202018-02-28T00%3A00%3A00Z&$top=10&api-version=2018-01-31",
            NOBODY,
            FEBRUARY,
        )
    },
];

fn recorded(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imports/tests/data/pages");
    std::fs::read_to_string(folder.join(format!("{file}.0.json"))).unwrap()
}

/// A world at a fixed clock that holds a page and nothing else.
async fn world(page: &str, today: &str, emulate: bool) -> World {
    let world = World::start_with(|settings| {
        settings.clock = Some(format!("fixed {today}"));
        settings.emulate = Some(emulate);
        settings.workers = Some(1);
    })
    .await;
    import(&world, page).await;
    world
}

async fn import(world: &World, page: &str) {
    let source = world.data().join("page.json");
    std::fs::write(&source, page).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.enrollment = Some(OWN.to_owned().try_into().unwrap());
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

async fn ask(world: &World, path: &str) -> String {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{path}: {status}: {text}");
    text
}

/// Every value of a JSON text under its path: numbers and words by their spelling, texts by their content.
fn values(path: &str, value: &RawValue, found: &mut Vec<String>) {
    let text = value.get();
    if text.starts_with('{') {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
        found.push(format!("{path} is an object"));
        members.iter().for_each(|(name, value)| values(&format!("{path}/{name}"), value, found));
    } else if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        found.push(format!("{path} is a list"));
        items.iter().enumerate().for_each(|(at, item)| values(&format!("{path}/{at}"), item, found));
    } else if text.starts_with('"') {
        found.push(format!("{path} = {:?}", serde_json::from_str::<String>(text).unwrap()));
    } else {
        found.push(format!("{path} = {text}"));
    }
}

/// The rows of a page, each as its values, sorted.
fn rows(page: &str) -> Vec<Vec<String>> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(page).unwrap();
    let items: Vec<&RawValue> = serde_json::from_str(members["value"].get()).unwrap();
    let row = |item: &RawValue| {
        let mut found = Vec::new();
        values("", item, &mut found);
        found
    };
    let mut rows: Vec<Vec<String>> = items.into_iter().map(row).collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recording_is_answered_again_value_for_value() {
    for recording in RECORDINGS {
        let page = recorded(recording.file);
        let world = world(&page, recording.today, recording.emulate).await;
        let Recording { file, period, query, subscription, .. } = recording;
        let path =
            format!("/subscriptions/{subscription}{period}/providers/Microsoft.Consumption/usageDetails?{query}");
        let answer = ask(&world, &path).await;
        let (expected, found) = (rows(&page), rows(&answer));
        assert_eq!(found.len(), expected.len(), "{file}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{file}");
        }
        if recording.emulate {
            let strict = self::world(&page, recording.today, false).await;
            let refused = strict.ask_with_key(Method::GET, &path).send().await.unwrap();
            assert_eq!(refused.status(), 400, "{file}");
        }
    }
}

/// The texts of every generation over the same charges, by name.
async fn every_generation(world: &World) -> Vec<(&'static str, String)> {
    let subscription = format!("subscriptions/{NOBODY}");
    let consumption =
        |version| format!("/{subscription}/providers/Microsoft.Consumption/usageDetails?api-version={version}");
    let mut found = Vec::new();
    for version in ["2017-04-24-preview", "2018-01-31", "2018-10-01", "2019-05-01-preview", "2024-08-01"] {
        found.push((version, ask(world, &consumption(version)).await));
    }
    for version in ["v1", "v2", "v3"] {
        found.push((
            version,
            ask(world, &format!("/{version}/enrollments/{OWN}/billingPeriods/201802/usagedetails")).await,
        ));
    }
    let file = format!("/v3/enrollments/{OWN}/usagedetails/download?startTime=2018-02-01&endTime=2018-02-28");
    found.push(("CSV", ask(world, &file).await));
    let report = world.answered(&subscription, VERSION, "{\"billingPeriod\":\"201802\"}").await;
    let link = report["manifest"]["blobs"][0]["blobLink"].as_str().unwrap();
    found.push(("Cost Details", world.client.get(link).send().await.unwrap().text().await.unwrap()));
    found
}

/// Every generation is answered from the same charges, so one digit changed in the input changes one value in each of
/// them, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cost_changed_in_the_input_is_one_value_changed_in_every_generation() {
    const COST: &str = "\"pretaxCost\":1.06840616724986,";
    let page = recorded("py_billing_period_usage");
    let (before, after) = page.split_once(COST).unwrap();
    let changed = format!("{before}\"pretaxCost\":1.06840616724987,{after}");
    let world = world(&page, FEBRUARY, false).await;
    let old = every_generation(&world).await;
    import(&world, &changed).await;
    let new = every_generation(&world).await;
    for ((name, old), (_, new)) in old.iter().zip(&new) {
        assert!(old.matches("1.06840616724986").count() > 1, "{name}: the value is there more than once");
        let (same, rest) = common_beginning(old, new);
        assert!(rest.0.starts_with("6") && rest.1.starts_with("7"), "{name}: …{}", &same[same.len() - 80..]);
        assert_eq!(rest.0[1..], rest.1[1..], "{name}");
    }
    assert_eq!(old.len(), 10);
}

/// What two texts begin with, and the rest of each.
fn common_beginning<'a>(one: &'a str, other: &'a str) -> (&'a str, (&'a str, &'a str)) {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    (&one[..same], (&one[same..], &other[same..]))
}
