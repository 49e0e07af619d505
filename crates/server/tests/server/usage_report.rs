//! Usage reports of the API that was before Enterprise Reporting.

use access::Role;
use imports::{ImportOptions, NoProgress, Store};
use ledger::{Dataset, EnrollmentId};
use reqwest::Method;

use crate::enterprise_usage::{Members, key_of};
use crate::world::*;

const SAMPLE: &str = include_str!("../data/usage-report.json");
/// The published lists of columns.
const COLUMNS: &str = include_str!("../../../formats/tests/data/columns.json");
const PREFACE: &str = "\"Usage Data Extract\",\r\n\"\",\r\n";
/// More than are read at once.
const USAGE_ROWS: usize = 7001;
const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                      AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
                      BillingCurrencyCode,ChargeType,PublisherType,PricingModel,Tags,ResourceId\n";

struct Answer {
    status: u16,
    content_type: String,
    text: String,
}

async fn get(world: &World, query: &str) -> Answer {
    get_of(world, OWN, query).await
}

async fn get_of(world: &World, enrollment: &str, query: &str) -> Answer {
    let answer =
        world.ask_with_key(Method::GET, &format!("/rest/{enrollment}/usage-report?{query}")).send().await.unwrap();
    let (status, content_type) = (answer.status().as_u16(), header(&answer, "content-type"));
    Answer { status, content_type, text: String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap() }
}

fn line(number: usize, charge: &str, publisher: &str) -> String {
    let (department, day) = (7 + number % 2, 1 + number % 30);
    let cost = match number % 4 {
        0 => format!("{number}.50"),
        1 => format!("0.{number:018}"),
        2 => format!("-0.{number}000"),
        _ => number.to_string(),
    };
    let tags = if number.is_multiple_of(3) { "\"\"\"team\"\": \"\"a,b\"\"\"" } else { "" };
    format!(
        "{OWN},09/01/2023,{department},Dept {department},71,Shop,o@x,{OWN_SUBSCRIPTION},09/{day:02}/2023,meter {number},\
         {number}.0,0.10,{cost},USD,{charge},{publisher},OnDemand,{tags},\"/r/{number},\"\n"
    )
}

async fn import(world: &World, text: &str, dataset: Dataset, period: Option<&str>) {
    let source = world.data().join("export.csv");
    std::fs::write(&source, text).unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.dataset = Some(dataset);
    options.fill.enrollment = Some(EnrollmentId::parse(OWN).unwrap());
    options.fill.currency = Some("USD".parse().unwrap());
    options.fill.period = period.map(|period| period.parse().unwrap());
    let store = Store::open(world.data()).await.unwrap();
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

async fn world_of(rows: usize) -> World {
    let world = World::start_with(|settings| settings.clock = Some("latest-held".into())).await;
    let mut text = HEADER.to_owned();
    (0..rows).for_each(|number| text.push_str(&line(number, "Usage", "Azure")));
    for (charge, publisher) in [("Usage", "Marketplace"), ("Purchase", "Azure")] {
        text.push_str(&line(5, charge, publisher));
    }
    import(&world, &text, Dataset::ActualCost, None).await;
    world
}

/// The names of a file's columns, and the cells of its rows.
fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = text.strip_prefix(PREFACE).unwrap_or_else(|| panic!("{text:.200}"));
    let mut records = formats::RecordReader::new(text.as_bytes());
    let mut rows = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        let cell = |at| String::from_utf8(record.bytes(at).into_owned()).unwrap();
        rows.push((0..record.len()).map(cell).collect::<Vec<_>>());
    }
    (rows.remove(0), rows)
}

fn rows(text: &str) -> Vec<Members> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:.200}"))
}

/// The text of a value: of a number its digits.
fn cell(value: &str) -> String {
    serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_forms_hold_the_rows_of_enterprise_reporting_in_full() {
    let world = world_of(USAGE_ROWS).await;
    let newer =
        world.ask_with_key(Method::GET, &format!("/v3/enrollments/{OWN}/usagedetails/download?billingPeriod=202309"));
    let newer = newer.send().await.unwrap().bytes().await.unwrap();
    let newer = String::from_utf8(newer.to_vec()).unwrap();
    let (newer_names, newer) = table(newer.strip_prefix('\u{feff}').unwrap());
    assert_eq!(newer.len(), USAGE_ROWS);

    let file = get(&world, "month=2023-09&type=detail&fmt=Csv").await;
    assert_eq!((file.status, file.content_type.as_str()), (200, "text/csv"));
    let (names, cells) = table(&file.text);
    let published: serde_json::Value = serde_json::from_str(COLUMNS).unwrap();
    let expected = published["ea_gen0_detail_csv"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    // A comma stands at the end of each line.
    assert_eq!(names, expected.chain([""]).collect::<Vec<_>>());

    let list = get(&world, "month=2023-09&type=detail&fmt=Json").await;
    assert_eq!((list.status, list.content_type.as_str()), (200, "application/json; charset=utf-8"));
    let members = rows(&list.text);
    assert_eq!((cells.len(), members.len()), (USAGE_ROWS, USAGE_ROWS));
    for ((cells, members), newer) in cells.iter().zip(&members).zip(&newer) {
        for (name, own) in names.iter().zip(cells).filter(|(name, _)| !name.is_empty()) {
            let member = name.replace([' ', '-'], "").replace("ID", "Id");
            assert_eq!(cell(members.get(&member)).replace("null", ""), *own, "{name}");
            let renamed = match member.as_str() {
                "ExtendedCost" => "Cost",
                "AccountOwnerId" => "AccountOwnerEmail",
                "Month" | "Day" | "Year" => continue,
                same => same,
            };
            let at = newer_names.iter().position(|name| name.eq_ignore_ascii_case(renamed)).unwrap();
            let day = |text: &str| format!("{}/{}/{}", &text[5..7], &text[8..], &text[..4]);
            let expected = if renamed == "Date" { day(&newer[at]) } else { newer[at].clone() };
            assert_eq!(*own, expected, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_have_the_members_of_the_sample() {
    let world = world_of(40).await;
    let sample = rows(SAMPLE);
    for query in ["month=2023-09&type=detail&fmt=Json", "MONTH=2023-9&Type=Detail&Fmt=json", "type=detail&fmt=JSON"] {
        let own = rows(&get(&world, query).await.text);
        assert_eq!(own.len(), 40, "{query}");
        for row in &own {
            assert_eq!(row.names(), sample[0].names());
            // A number where the sample has one, a text where it has one.
            for name in row.names().into_iter().filter(|name| *name != "Tags") {
                assert_eq!(row.get(name).starts_with('"'), sample[0].get(name).starts_with('"'), "{name}");
            }
            let [month, day, year] = ["Month", "Day", "Year"].map(|name| row.get(name).parse::<u16>().unwrap());
            assert_eq!(row.text("Date"), format!("{month:02}/{day:02}/{year}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_without_rows_is_a_text_of_no_rows_in_both_forms() {
    let world = world_of(3).await;
    import(&world, HEADER, Dataset::ActualCost, Some("202308")).await;
    for query in [
        "month=2022-07&type=detail&fmt=Json",
        "month=2022-07&type=detail",
        "month=2023-08&type=detail&fmt=Json",
        "month=2023-08&type=detail&fmt=Csv",
    ] {
        let answer = get(&world, query).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, "text/csv"), "{query}");
        let (names, rows) = table(&answer.text);
        assert_eq!((names.len(), rows.len()), (32, 0), "{query}");
    }
    // Held in another dataset only: that is said.
    let row = line(1, "Usage", "Azure").replace("09/", "10/");
    import(&world, &format!("{HEADER}{row}"), Dataset::AmortizedCost, None).await;
    for query in ["month=2023-10&type=detail&fmt=Json", "month=2023-10&type=detail"] {
        let answer = get(&world, query).await;
        assert_eq!(answer.status, 404, "{query}");
        assert!(answer.text.contains("AmortizedCost"), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_kept_is_imported_and_comes_back() {
    let world = world_of(50).await;
    let query = "month=2023-09&type=detail";
    let file = get(&world, query).await.text;
    // Taken for another month's, so that nothing of the export is left.
    let moved = file.replace(",09/", ",11/").replace("/2023,9,", "/2023,11,");
    import(&world, &moved, Dataset::ActualCost, None).await;
    let again = get(&world, "month=2023-11&type=detail").await.text;
    assert_eq!(sorted(&again), sorted(&moved));
    assert_eq!(get(&world, query).await.text, file);
}

/// The lines of a file, whatever the order of its rows.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_department_sees_its_part() {
    let mut world = world_of(21).await;
    world.key = key_of(&world, "departments/7", Role::DepartmentReader).await;
    let own = rows(&get(&world, "month=2023-09&type=detail&fmt=Json").await.text);
    assert_eq!(own.len(), 11);
    assert!(own.iter().all(|row| row.text("DepartmentName") == "Dept 7"));
    assert_eq!(table(&get(&world, "month=2023-09&type=detail").await.text).1.len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_known_is_refused_and_not_made_up() {
    let world = world_of(3).await;
    for (enrollment, query, status, part) in [
        (OWN, "month=2023-09", 400, "type: expected one of detail"),
        (OWN, "month=2023-09&type=details", 400, "'details'"),
        (OWN, "month=2023-09&type=detail&fmt=xml", 400, "expected Csv or Json"),
        (OWN, "month=202309&type=detail", 400, "YYYY-MM"),
        (OWN, "month=2023-13&type=detail", 400, "month"),
        (OWN, "month=2023-09&type=detail&format=Json", 400, "'format'"),
        (OWN, "month=2023-09&type=summary", 404, "balancesummary"),
        (OWN, "month=2023-09&type=storecharge&fmt=Json", 404, "/v3/enrollments/8611537/marketplacecharges"),
        (OWN, "month=2023-09&type=pricesheet", 404, "/v3/enrollments/8611537/billingPeriods/202309/pricesheet"),
        (OTHER, "month=2023-09&type=detail", 403, "does not have authorization"),
        (OTHER, "month=2023-09&type=summary", 403, "does not have authorization"),
        ("12345", "month=2023-09&type=detail", 404, "could not be found"),
    ] {
        let answer = get_of(&world, enrollment, query).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
        let body: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(body["error"]["code"], status.to_string());
        assert!(body["error"]["message"].as_str().unwrap().contains(part), "{query}: {body}");
    }
    let path = format!("/REST/{OWN}/Usage-Report?month=2023-09&type=detail");
    assert_eq!(world.ask(Method::GET, &path).send().await.unwrap().status(), 401);
    let answer = world.ask(Method::GET, &path).header("api-version", "1.0");
    let answer = answer.header("authorization", format!("bearer {}", world.key)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
