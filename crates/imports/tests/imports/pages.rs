//! Recorded pages of usage details as a source of charges.

use std::path::{Path, PathBuf};

use lazurite_imports::{ImportError, ImportOptions, ImportOutcome, verify};
use ledger::Dataset;
use serde_json::value::RawValue;

use crate::support::{A, B, Bench, Question, SEPTEMBER, cells, export, gzip};

/// Name, billing period, items and exact sum of every recording.
const RECORDINGS: [(&str, &str, u64, &str); 12] = [
    ("cli_list_usages_billing_period.0.json", "201710", 5, "39.47992388428992"),
    ("cli_list_usages_billing_period_expand.0.json", "201710", 5, "39.47992388428992"),
    ("cli_list_usages_subscription.0.json", "201711", 5, "14.580000452079566"),
    ("cli_list_usages_subscription_custom_date_range.0.json", "201802", 5, "4.411462129752531"),
    ("cli_usage_by_billing_period.0.json", "201710", 5, "0.615473030908314"),
    ("cli_usage_by_billing_period_expand.0.json", "201710", 5, "0.615473030908314"),
    ("cli_usage_list.0.json", "201802", 5, "7.641086758985484"),
    ("cli_usage_list_expand.0.json", "201802", 5, "7.641086758985484"),
    ("cli_usage_list_properties.0.json", "201802", 5, "7.641086758985484"),
    (WHOLE, "201802", 347, "50.254680527413995"),
    ("py_subscription_usage.0.json", "201802", 10, "8.830335712428468"),
    ("py_subscription_usage_filter.0.json", "201802", 10, "8.830335712428468"),
];
/// The recording that is a whole answer.
const WHOLE: &str = "py_billing_period_usage.0.json";

fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pages").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn of_100(paths: Vec<PathBuf>) -> ImportOptions {
    let mut options = ImportOptions { paths, ..Default::default() };
    options.fill.enrollment = Some("100".to_owned().try_into().unwrap());
    options
}

/// The answer in an official example.
fn example(name: &str) -> String {
    let whole = data(&format!("examples/{name}.json"));
    let mut part: &RawValue = serde_json::from_str(&whole).unwrap();
    for member in ["responses", "200", "body"] {
        let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(part.get()).unwrap();
        part = members[member];
    }
    part.get().to_owned()
}

fn one(outcome: &ImportOutcome) -> (Dataset, &str, u64, &str) {
    assert_eq!(outcome.imported.len(), 1);
    let period = &outcome.imported[0];
    (period.dataset, &period.period, period.rows, &period.total)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recording_imports_with_its_rows_and_its_exact_sum() {
    for (name, period, rows, total) in RECORDINGS {
        let bench = Bench::new().await;
        let options = of_100(vec![bench.file(name, data(name))]);
        let outcome = bench.import(options.clone()).await.unwrap();
        assert_eq!(one(&outcome), (Dataset::ActualCost, period, rows, total), "{name}");
        assert_eq!(outcome.missing.is_empty(), name == WHOLE, "{name}");
        let held = bench.store.catalog().held_at(1).await.unwrap();
        assert!(held.iter().all(|holding| holding.incomplete == (name != WHOLE)), "{name}");
        assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
        let again = bench.import(options).await.unwrap();
        assert!(again.imported[0].unchanged && bench.version().await == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_items_of_a_recording_come_back_digit_for_digit() {
    let bench = Bench::new().await;
    let text = data(WHOLE).replacen("\"pretaxCost\":0,", "\"pretaxCost\":7.9493720367E-05,", 1);
    bench.import(of_100(vec![bench.file(WHOLE, &text)])).await.unwrap();
    let question = Question { period: "201802", unknown_columns: &["UsageDetailName", "IsEstimated"], ..SEPTEMBER };
    let items: Vec<serde_json::Value> = {
        let page: serde_json::Value = serde_json::from_str(&data(WHOLE)).unwrap();
        page["value"].as_array().unwrap().clone()
    };
    let text_of = |member: &str| -> Vec<String> {
        let mut texts: Vec<String> =
            items.iter().map(|item| item["properties"][member].as_str().unwrap_or_default().to_owned()).collect();
        texts.sort();
        texts
    };
    for (column, member) in [
        ("ResourceId", "instanceId"),
        ("ResourceName", "instanceName"),
        ("ProductName", "product"),
        ("InvoiceSectionName", "departmentName"),
        ("AdditionalInfo", "additionalProperties"),
    ] {
        assert_eq!(bench.column(&question, column).await, text_of(member), "{column}");
    }
    // The spelling of numbers is that of the page's text.
    let mut costs: Vec<String> =
        text.split("\"pretaxCost\":").skip(1).map(|rest| rest.split(',').next().unwrap().to_owned()).collect();
    costs.sort();
    assert!(costs.iter().any(|cost| cost.contains("E-")));
    assert_eq!(bench.column(&question, "CostInBillingCurrency").await, costs);
    let mut names = bench.column(&question, "UsageDetailName").await;
    names.dedup();
    assert_eq!(names.len(), 331);
    assert!(bench.column(&question, "IsEstimated").await.iter().all(|cell| cell == "True"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_cost_changes_the_total_by_exactly_that() {
    let bench = Bench::new().await;
    let changed = data(WHOLE).replacen("7.5961945895719", "8.5961945895719", 1);
    let outcome = bench.import(of_100(vec![bench.file("p.json", changed)])).await.unwrap();
    assert_eq!(one(&outcome).3, "51.254680527413995");
}

#[tokio::test(flavor = "multi_thread")]
async fn official_examples_of_every_form_import() {
    let (actual, amortized) = (Some(Dataset::ActualCost), Some(Dataset::AmortizedCost));
    for (name, dataset, period, rows, total) in [
        ("2018-01-31/UsageDetailsList", None, "201702", 1, "0.67"),
        ("2018-10-01/UsageDetailsExpand", None, "201702", 1, "0.67"),
        ("2019-05-01-preview/UsageDetailsExpand", actual, "201903", 1, "0.000342194841184"),
        // A row of it reports an unused reservation.
        ("2019-10-01/UsageDetailsListForBillingPeriodByManagementGroup", None, "201903", 2, "0.001164016113132"),
        ("2024-08-01/UsageDetailsListByMetricAmortizedCost", amortized, "201904", 1, "0.000001968949998"),
        ("2024-08-01/UsageDetailsExpand", actual, "201903", 1, "0.000342194841184"),
    ] {
        let bench = Bench::new().await;
        let mut options = of_100(vec![bench.file("p.json", example(name))]);
        options.fill.enrollment = None;
        if name.starts_with("2018") {
            options.fill.enrollment = Some("xxxxxxxx".to_owned().try_into().unwrap());
        }
        options.fill.dataset = dataset;
        let outcome = bench.import(options.clone()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let imported = one(&outcome);
        assert_eq!((imported.1, imported.2, imported.3), (period, rows, total), "{name}");
        assert_eq!(outcome.imported[0].enrollment.as_str(), "xxxxxxxx");
        if dataset.is_some() {
            options.fill.dataset = None;
            assert!(bench.import(options).await.unwrap_err().to_string().contains("--dataset"), "{name}");
        }
    }
    for (name, expected) in [
        ("2018-03-31/UsageDetailsListForBillingPeriodGroupByTag", "$apply"),
        ("2018-10-01/UsageDetailsListGroupByTagDate", "$apply"),
        ("2024-08-01/UsageDetailsListByMCACustomer", "Microsoft Customer Agreement"),
    ] {
        let bench = Bench::new().await;
        let error = bench.import(of_100(vec![bench.file("p.json", example(name))])).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(expected), "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_without_a_field_come_back_as_unknown_columns() {
    let bench = Bench::new().await;
    let page = example("2018-10-01/UsageDetailsExpand").replace("\"unit\": \"GB\"", "\"unit\": \"GB\", \"new\": 1.50");
    bench.import(of_100(vec![bench.file("p.json", page)])).await.unwrap();
    let expected = [
        ("InvoiceName", "201703-123456789"),
        ("UsageDetailName", "usageDetailsId1"),
        ("BillableQuantity", "0.00328"),
        ("IsEstimated", "False"),
        ("TotalIncludedQuantity", "0"),
        ("PretaxStandardRate", "0.138"),
        ("ServiceName", "Bandwidth"),
        ("ServiceTier", "Bandwidth - Outbound Data Transfer"),
        ("ResourceGuid", "00000000-0000-0000-0000-000000000000"),
        ("Location", "EU West"),
        ("meterDetails.new", "1.50"),
    ];
    let record = bench.store.catalog().import_records(1).await.unwrap().remove(0).2;
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let listed = record["enrollments"][0]["unknownColumns"].as_array().unwrap();
    assert_eq!(listed.len(), expected.len());
    for (name, value) in expected {
        let question = Question { period: "201702", unknown_columns: &[name], ..SEPTEMBER };
        assert_eq!(bench.column(&question, name).await, [value], "{name}");
        assert!(listed.contains(&name.into()), "{name}");
    }
    let question = Question { period: "201702", ..SEPTEMBER };
    for (name, value) in [
        ("MeterRegion", "Zone 2"),
        ("UnitOfMeasure", "GB"),
        ("IsAzureCreditEligible", "False"),
        ("Date", "02/13/2017"),
        ("InvoiceSectionName", "My department name"),
        ("ResourceLocation", "eastasia"),
        ("BillingPeriodEndDate", "02/28/2017"),
    ] {
        assert_eq!(bench.column(&question, name).await, [value], "{name}");
    }
}

/// A page of one item of Enterprise Reporting or of Consumption since 2019.
fn reporting(cost: &str, next: &str) -> String {
    format!(
        r#"{{"id":"x","data":[{{"date":"2023-09-0{cost}T00:00:00","subscriptionGuid":"{A}","meterId":"m","consumedQuantity":1,
        "cost":{cost},"chargesBilledSeparately":true,"tags":"{{\"a\":\"b\"}}"}}],"nextLink":{next}}}"#
    )
}

fn since_2019(cost: &str, next: &str) -> String {
    format!(
        r#"{{"value":[{{"kind":"legacy","properties":{{"billingAccountId":"100","date":"2023-09-0{cost}","subscriptionId":"{A}",
        "meterId":"m","quantity":1,"cost":{cost},"billingCurrency":"USD","chargeType":"Usage"}}}}],"nextLink":{next}}}"#
    )
}

fn link(path: &str, token: u32) -> String {
    format!("\"https://h/{path}?metric=AmortizedCost&$skiptoken={token}\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_enterprise_reporting_are_parts_of_one_import() {
    let bench = Bench::new().await;
    bench.file("p/1.json", reporting("1", &link("a", 1)));
    bench.file("p/2.json.gz", gzip(reporting("2", &link("a", 2)).as_bytes()));
    bench.file("p/3.json", reporting("3", "null"));
    let mut options = of_100(vec![bench.folder.path().join("p")]);
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("--currency"));
    options.fill.currency = Some("USD".parse().unwrap());
    let outcome = bench.import(options.clone()).await.unwrap();
    assert_eq!(one(&outcome), (Dataset::ActualCost, "202309", 3, "6"));
    assert!(outcome.missing.is_empty());
    assert_eq!(bench.column(&SEPTEMBER, "IsAzureCreditEligible").await, ["False"; 3]);
    assert_eq!(bench.column(&SEPTEMBER, "Tags").await, [r#"{"a":"b"}"#; 3]);
    // The walk again, without its last page: refused, for the whole answer is held; forced, another revision, and incomplete.
    std::fs::remove_file(bench.folder.path().join("p/3.json")).unwrap();
    let refused = bench.import(options.clone()).await;
    assert!(
        matches!(&refused, Err(error @ ImportError::IncompleteAnswer { .. }) if error.to_string().contains("--force"))
    );
    assert_eq!(bench.version().await, 1);
    let outcome = bench.import(ImportOptions { force: true, ..options.clone() }).await.unwrap();
    assert_eq!(one(&outcome).2, 2);
    assert!(outcome.missing[0].contains("1 of 1") && outcome.missing[0].contains("1.json"), "{:?}", outcome.missing);
    let held = bench.store.catalog().held_at(2).await.unwrap();
    assert!(held.iter().all(|holding| holding.incomplete));
    // What is incomplete already may be replaced by what is, too.
    std::fs::remove_file(bench.folder.path().join("p/2.json.gz")).unwrap();
    assert_eq!(one(&bench.import(options).await.unwrap()).2, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_question_does_not_end_a_walk() {
    let in_month = |text: String, month: &str| text.replace("2023-09", &format!("2023-{month}"));
    let walk = in_month(since_2019("1", &link("a", 1)), "03");
    let other = in_month(since_2019("2", "null"), "04");
    let last = in_month(since_2019("3", "null"), "03");
    let empty_of_reporting = r#"{"data":[]}"#.to_owned();
    for (pages, complete) in
        [(vec![&walk, &other], false), (vec![&walk, &empty_of_reporting], false), (vec![&other, &walk, &last], true)]
    {
        let bench = Bench::new().await;
        let files = pages.iter().enumerate().map(|(number, text)| bench.file(&format!("w{number}.json"), text));
        let days = Some("2023-03-01..2023-04-30".parse().unwrap());
        let outcome = bench.import(ImportOptions { days, ..of_100(files.collect()) }).await.unwrap();
        assert_eq!(outcome.missing.is_empty(), complete, "{:?}", outcome.missing);
        let held = bench.store.catalog().held_at(1).await.unwrap();
        assert!(held.iter().all(|holding| holding.incomplete != complete));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn walks_are_told_apart_and_each_needs_its_last_page() {
    let bench = Bench::new().await;
    bench.file("p/1.json", since_2019("1", &link("a", 1)));
    bench.file("p/2.json", since_2019("2", &link("b", 2)));
    bench.file("p/3.json", since_2019("3", "\"\""));
    let options = of_100(vec![bench.folder.path().join("p")]);
    let outcome = bench.import(options.clone()).await.unwrap();
    // The last page says no metric; those before it do.
    assert_eq!(one(&outcome), (Dataset::AmortizedCost, "202309", 3, "6"));
    assert!(outcome.missing[0].contains("1 of 2"), "{:?}", outcome.missing);
    // An empty page ends a walk like any other.
    bench.file("p/4.json", r#"{"value":[]}"#);
    let outcome = bench.import(options).await.unwrap();
    assert!(outcome.missing.is_empty() && outcome.imported[0].rows == 3);
    let held = bench.store.catalog().held_at(2).await.unwrap();
    assert!(held.iter().all(|holding| !holding.incomplete));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_count_twice_is_refused() {
    let bench = Bench::new().await;
    let refused = async |files: [(&str, String); 2], expected: &str| {
        let mut options = of_100(files.map(|(name, text)| bench.file(name, text)).to_vec());
        options.fill.dataset = Some(Dataset::AmortizedCost);
        let error = bench.import(options).await.unwrap_err();
        assert!(error.is_refusal() && error.to_string().contains(expected), "{error}");
    };
    let page = since_2019("1", "null");
    refused([("a.json", page.clone()), ("b.json", page.clone())], "count").await;
    refused([("a.json", page.clone()), ("b.json", format!("{page}\n"))], "mostly the same rows").await;
    let next = link("a", 1);
    refused([("a.json", since_2019("1", &next)), ("b.json", since_2019("2", &next))], "both are the same page").await;
    // The same items with and without their expandable parts, recorded one after the other.
    let listed = ["cli_usage_list.0.json", "cli_usage_list_expand.0.json"].map(|name| (name, data(name)));
    let mut options = of_100(listed.map(|(name, text)| bench.file(name, text)).to_vec());
    assert!(bench.import(options.clone()).await.unwrap_err().to_string().contains("mostly the same rows"));
    options.parts = true;
    options.dry_run = true;
    assert_eq!(one(&bench.import(options).await.unwrap()).2, 10);
    refused([("a.json", page), ("b.csv", export(&[(A, "09/05/2023", "5")]))], "a page and a file").await;
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_both_datasets_do_not_lend_each_other_theirs() {
    let bench = Bench::new().await;
    let actual = link("a", 1).replace("Amortized", "Actual");
    let files = [
        bench.file("a.json", since_2019("1", &actual)),
        bench.file("b.json", since_2019("2", &link("a", 2))),
        bench.file("c.json", since_2019("3", "null")),
    ];
    let error = bench.import(of_100(files.to_vec())).await.unwrap_err().to_string();
    assert!(error.contains("c.json") && error.contains("of both"), "{error}");
    // Older forms are actual cost, which says nothing of the newer ones beside them.
    let files = [bench.file("d.json", data(WHOLE)), bench.file("c.json", since_2019("3", "null"))];
    assert!(bench.import(of_100(files.to_vec())).await.unwrap_err().to_string().contains("--dataset"));
    assert_eq!(bench.version().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_refused_with_their_place_and_change_nothing() {
    let bench = Bench::new().await;
    let whole = data(WHOLE);
    let cases = [
        (whole[..whole.len() / 2].to_owned(), "truncated", "InvalidJson"),
        (
            whole.replacen("\"usageQuantity\":24", "\"usageQuantity\":\"24 h\"", 2),
            "value[0], properties.usageQuantity",
            "InvalidRow",
        ),
        (whole.replacen("\"pretaxCost\":0,", "\"pretaxCost\":null,", 1), "properties.pretaxCost", "InvalidRow"),
        (
            whole.replacen("\"currency\":\"USD\"", "\"currency\":\"EUR\"", 1),
            "value[1], properties.currency",
            "Contradiction",
        ),
        (format!("[{whole}]"), "no item of the list has usageStartDate", "NotUsageDetails"),
    ];
    for (text, expected, code) in cases {
        let error = bench.import(of_100(vec![bench.file("p.json", text)])).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(bench.version().await, 0);
    let sources = std::fs::read_dir(bench.folder.path().join("data/sources"));
    assert_eq!(sources.map_or(0, Iterator::count), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_put_aside_leave_the_rest_and_their_json() {
    let bench = Bench::new().await;
    let rejects = bench.folder.path().join("rejects.csv");
    let text = data(WHOLE).replacen("7.5961945895719", "\"oops\"", 1);
    let options = ImportOptions { rejects: Some(rejects.clone()), ..of_100(vec![bench.file("p.json", text)]) };
    let outcome = bench.import(options).await.unwrap();
    assert_eq!((outcome.rejected, one(&outcome).2, one(&outcome).3), (1, 346, "42.658485937842095"));
    let rows = cells(&std::fs::read(rejects).unwrap());
    assert_eq!(rows[1][2], "value[0].properties.pretaxCost");
    let item: serde_json::Value = serde_json::from_str(&rows[1][4]).unwrap();
    assert_eq!(item["properties"]["pretaxCost"], "oops");
}

/// The sample as the service writes such a file.
fn reporting_csv(preface: usize) -> String {
    let lines = ["\"Usage Data Extract\",\r\n", "\"\",\r\n", "\"\",\r\n"];
    format!("\u{FEFF}{}{}", lines[..preface].concat(), data("ea-reporting-v3.csv").replace('\n', "\r\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_files_of_enterprise_reporting_import_with_and_without_preface() {
    for preface in 0..=3 {
        let bench = Bench::new().await;
        let text = reporting_csv(preface).replacen(",example-subscription-id,0,", ",example-subscription-id,17,", 1);
        let mut options = of_100(vec![bench.file("usage.csv", text)]);
        options.fill.currency = Some("USD".parse().unwrap());
        let outcome = bench.import(options).await.unwrap();
        assert_eq!(one(&outcome), (Dataset::ActualCost, "202110", 6, "3.504510206102199"));
        let unknown = ["SubscriptionNumber", "ProductId", "ServiceTier", "Location", "ResourceGuid"];
        let question = Question { period: "202110", unknown_columns: &unknown, ..SEPTEMBER };
        let numbers = bench.column(&question, "SubscriptionNumber").await;
        assert_eq!((numbers.iter().filter(|cell| cell.is_empty()).count(), numbers[5].as_str()), (5, "17"));
        assert!(bench.column(&question, "ProductId").await.contains(&"1046428".to_owned()));
        assert!(bench.column(&question, "ServiceTier").await.contains(&"Blob Storage".to_owned()));
        assert_eq!(bench.column(&question, "IsAzureCreditEligible").await, ["True"; 6]);
        assert!(bench.column(&question, "SubscriptionId").await.contains(&"example-subscription-id".to_owned()));
        assert!(bench.column(&question, "InvoiceSectionId").await.contains(&"114176".to_owned()));
        assert!(bench.column(&question, "AccountOwnerId").await.contains(&"bill.williams@example.com".to_owned()));
    }
    let bench = Bench::new().await;
    let four = format!("\"\",\n{}", reporting_csv(3).trim_start_matches('\u{FEFF}'));
    assert!(bench.import(of_100(vec![bench.file("usage.csv", four)])).await.is_err());
    let mut options = of_100(vec![bench.file("usage.csv", reporting_csv(2))]);
    options.fill.currency = Some("USD".parse().unwrap());
    options.fill.dataset = Some(Dataset::AmortizedCost);
    assert!(bench.import(options).await.unwrap_err().to_string().contains("actual cost only"));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_files_of_earlier_versions_have_33_columns() {
    let rows = cells(data("ea-reporting-v3.csv").as_bytes());
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row[..33].iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let bench = Bench::new().await;
    let mut options = of_100(vec![bench.file("usage.csv", text)]);
    options.fill.currency = Some("USD".parse().unwrap());
    let outcome = bench.import(options).await.unwrap();
    assert_eq!(one(&outcome), (Dataset::ActualCost, "202110", 6, "3.504510206102199"));
}

/// A usage file of Enterprise Reporting with rows of (date, cost), each of another resource.
fn usage_csv(rows: &[(&str, &str)]) -> String {
    let sample = cells(data("ea-reporting-v3.csv").as_bytes());
    let header = &sample[0];
    let mut text = format!("{}\n", header.join(","));
    for (date, cost) in rows {
        let changed = header.iter().zip(&sample[1]).map(|(name, cell)| {
            let cell = match name.to_ascii_lowercase().as_str() {
                "date" => (*date).to_owned(),
                "cost" => (*cost).to_owned(),
                "instanceid" => format!("/r/{date}/{cost}"),
                "consumedquantity" => "1".to_owned(),
                "meterid" => "m".to_owned(),
                "subscriptionguid" => A.to_owned(),
                _ => cell.replace('"', "\"\""),
            };
            format!("\"{cell}\"")
        });
        text.push_str(&changed.collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

fn reported(paths: Vec<PathBuf>) -> ImportOptions {
    let mut options = of_100(paths);
    options.fill.currency = Some("USD".parse().unwrap());
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_row_without_billing_period_does_not_replace_the_month_before() {
    let bench = Bench::new().await;
    let march = usage_csv(&[("03/01/2023", "100"), ("03/30/2023", "150"), ("03/31/2023", "50")]);
    bench.import(reported(vec![bench.file("mar.csv", march)])).await.unwrap();
    let april = usage_csv(&[("03/31/2023", "1"), ("04/02/2023", "50")]);
    let mut options = reported(vec![bench.file("apr.csv", april)]);
    let error = bench.import(options.clone()).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    for part in ["202303 (1 rows)", "202304 (1 rows)", "--period YYYYMM", "--days FROM..TO"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(bench.version().await, 1);
    options.fill.period = Some("202304".parse().unwrap());
    assert_eq!(one(&bench.import(options).await.unwrap()).1, "202304");
    let costs = async |period| bench.column(&Question { period, ..SEPTEMBER }, "CostInBillingCurrency").await;
    assert_eq!(costs("202303").await, ["100", "150", "50"]);
    assert_eq!(costs("202304").await, ["1", "50"]);
    assert!(verify(&bench.store, &|_, _| {}).await.unwrap().is_ok());
}

/// A page of Consumption until 2019 with one item at a day of April 2023.
fn until_2019(start: &str, details: &str) -> String {
    format!(
        r#"{{"value":[{{"id":"/subscriptions/{A}/x","name":"n","type":"Microsoft.Consumption/usageDetails","properties":{{
        "billingPeriodId":"/subscriptions/{A}/providers/Microsoft.Billing/billingPeriods/20230401","usageStart":"{start}",
        "usageEnd":"{start}","instanceId":"/r/1","subscriptionGuid":"{A}","meterId":"M","usageQuantity":1.0,"pretaxCost":50.0,
        "currency":"USD","isEstimated":false{details}}}}}]}}"#
    )
}

/// The same charge as a page of Enterprise Reporting.
fn reporting_of(day: &str, resource: &str) -> String {
    format!(
        r#"{{"data":[{{"date":"{day}T00:00:00","instanceId":"{resource}","subscriptionGuid":"{A}","meterId":"m","cost":50,
        "consumedQuantity":1,"chargesBilledSeparately":false}}],"nextLink":null}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_charges_in_two_spellings_are_refused() {
    let bench = Bench::new().await;
    let old = until_2019("2023-04-02T00:00:00Z", "");
    let details = r#","meterDetails":{"meterName":"x","unit":"1"}"#;
    let file = usage_csv(&[("2023-04-02", "50.00")]);
    let exported = export(&[(&A.to_uppercase(), "04/02/2023", "50")]).replace("/r/50", "/R/2023-04-02/50.00");
    let reported_page = reporting_of("2023-04-02", "/R/1");
    let pretty = |text: &str| {
        let page: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&page).unwrap()
    };
    let pairs = [
        ("a.csv", exported.clone(), "b.csv", file.clone()),
        ("a.json", reported_page.clone(), "b.json", old.clone()),
        ("a.json", reported_page.clone(), "b.json", pretty(&reported_page)),
        ("a.json", old.clone(), "b.json", until_2019("2023-04-02T00:00:00.0000000Z", "")),
        ("a.json", old.clone(), "b.json", until_2019("2023-04-02T00:00:00Z", details)),
    ];
    for (number, (first, own, second, other)) in pairs.into_iter().enumerate() {
        let paths =
            vec![bench.file(&format!("{number}/{first}"), own), bench.file(&format!("{number}/{second}"), other)];
        let mut options = reported(paths);
        options.fill.dataset = Some(Dataset::ActualCost);
        let refused = bench.import(options.clone()).await;
        assert!(
            matches!(&refused, Err(error @ ImportError::Doubled { .. }) if error.is_refusal()),
            "{number}: {refused:?}"
        );
        options.parts = true;
        options.dry_run = true;
        assert_eq!(one(&bench.import(options).await.unwrap()).2, 2, "{number}");
    }
    assert_eq!(bench.version().await, 0);
    // Other resources and other days are parts.
    let parts = [
        (reporting_of("2023-04-02", "/r/2"), reported_page.clone()),
        (reporting_of("2023-04-03", "/r/1"), old.clone()),
        (reporting_of("2023-04-04", "/r/1"), until_2019("2023-04-04T00:00:00Z", "").replace("/r/1", "/r/2")),
    ];
    for (own, other) in parts {
        let options = reported(vec![bench.file("own.json", own), bench.file("other.json", other)]);
        assert_eq!(one(&bench.import(options).await.unwrap()).2, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_one_subscription_does_not_take_the_place_of_others() {
    let bench = Bench::new().await;
    let september = export(&[(A, "09/01/2023", "1"), (B, "09/02/2023", "2")]);
    let whole = bench.file("whole.csv", september.replace("09/", "02/").replace("2023", "2018"));
    let mut options = of_100(vec![whole]);
    options.fill.dataset = Some(Dataset::ActualCost);
    bench.import(options).await.unwrap();
    let answer = data(WHOLE).replace("\"nextLink\"", "\"next\"");
    let mut of_one = of_100(vec![bench.file("one.json", answer)]);
    let refused = bench.import(ImportOptions { dry_run: true, ..of_one.clone() }).await.unwrap_err();
    assert!(matches!(refused, ImportError::LostSubscriptions { .. }), "{refused}");
    assert!(refused.to_string().contains("--scope subscriptions/") && bench.version().await == 1, "{refused}");
    // Who says that it is about all of the enrollment is believed.
    of_one.fill.scope = Some(ledger::Scope::parse("providers/Microsoft.Billing/billingAccounts/100").unwrap());
    let taken = bench.import(of_one).await.unwrap();
    assert_eq!((taken.imported[0].rows, taken.imported[0].replaces.as_slice()), (347, ["1".to_owned()].as_slice()));
}
