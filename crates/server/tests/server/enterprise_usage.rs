//! Usage details of the Enterprise Reporting API: pages, files and submitted reports, over generated charges.

use std::fmt::Write;

use access::{KeyHolder, Role, issue_key};
use catalog::{AuditEntry, FinishedJob, Job, NewJob, Policies};
use imports::{ImportOptions, NoProgress, Store};
use ledger::{Dataset, EnrollmentId, Scope};
use money::{Decimal, Limits, Total};
use reqwest::{Method, Response};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::world::*;

const SEED: &str = include_str!("../data/enterprise-usage-details.json");
const JOB: &str = include_str!("../data/enterprise-usage-job.json");
/// The published lists of columns.
const COLUMNS: &str = include_str!("../../../formats/tests/data/columns.json");
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Usage rows of September 2023, more than two pages of them, and rows that this API does not show.
const USAGE_ROWS: usize = 2345;
const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                      AccountOwnerId,SubscriptionId,SubscriptionName,Date,MeterId,MeterCategory,Quantity,EffectivePrice,\
                      CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,PricingModel,Tags,\
                      IsAzureCreditEligible,ProductName\n";

/// A JSON object with its members in order and its numbers as they are written.
#[derive(Debug, Clone)]
pub(crate) struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Members {
    pub(crate) fn of(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).unwrap().1.get()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        serde_json::from_str(self.get(name)).unwrap()
    }
}

struct Answer {
    status: u16,
    etag: String,
    text: String,
}

async fn answer_of(response: Response) -> Answer {
    let (status, etag) = (response.status().as_u16(), header(&response, "etag"));
    Answer { status, etag, text: body_of(response).await }
}

/// The body to the last byte: reading it as text would drop the byte order mark.
async fn body_of(response: Response) -> String {
    String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap()
}

async fn get(world: &World, path: &str) -> Answer {
    answer_of(world.ask_with_key(Method::GET, path).send().await.unwrap()).await
}

async fn submit(world: &World, path: &str) -> Members {
    let answer = answer_of(world.ask_with_key(Method::POST, path).send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert!(!answer.etag.is_empty());
    Members::of(&answer.text)
}

fn path(version: &str, rest: &str) -> String {
    format!("/{version}/enrollments/{OWN}/{rest}")
}

/// The path of an address of the server.
fn local(world: &World, url: &str) -> String {
    url.strip_prefix(&world.server.http_url).unwrap_or_else(|| panic!("{url}")).to_owned()
}

async fn poll(world: &World, job: &Members) -> Members {
    let answer = get(world, &local(world, &job.text("reportUrl"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Members::of(&answer.text)
}

/// A line of an export: department, account, day of September, quantity, cost, charge type, publisher type, tags.
fn line(number: usize, charge: &str, publisher: &str) -> String {
    let department = 7 + number % 2;
    let account = 70 + number % 3;
    let day = 1 + number % 30;
    // Digits of every length, a spelling with exponent, zeros at the end, and costs below zero.
    let cost = match number % 5 {
        0 => format!("{number}.50"),
        1 => format!("0.{number:018}"),
        2 => format!("-{number}E-7"),
        3 => format!("-0.{number}000"),
        _ => number.to_string(),
    };
    let tags = if number.is_multiple_of(4) { "\"\"\"team\"\": \"\"a,b\"\"\"" } else { "" };
    let eligible = ["True", "False", ""][number % 3];
    format!(
        "{OWN},09/01/2023,{department},Dept {department},{account},Account {account},owner{account}@x,{OWN_SUBSCRIPTION},\
         Sub,09/{day:02}/2023,meter {number},Storage,{number}.0,0.10,{cost},USD,{charge},{publisher},OnDemand,{tags},\
         {eligible},\"Product, \"\"{number}\"\"\"\n"
    )
}

fn export() -> String {
    let mut text = HEADER.to_owned();
    for number in 0..USAGE_ROWS {
        text.push_str(&line(number, "Usage", "Azure"));
    }
    for (charge, publisher) in [("Usage", "Marketplace"), ("Purchase", "Azure"), ("RoundingAdjustment", "Azure")] {
        write!(text, "{}", line(5, charge, publisher)).unwrap();
    }
    text
}

async fn import(world: &World, text: &str, dataset: Dataset, period: Option<&str>) {
    let source = world.data().join("export.csv");
    std::fs::write(&source, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.dataset = Some(dataset);
    options.fill.enrollment = Some(EnrollmentId::parse(OWN).unwrap());
    options.fill.period = period.map(|period| period.parse().unwrap());
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

async fn world_with(change: impl FnOnce(&mut lazurite_server::Overrides)) -> World {
    let world = World::start_with(|settings| {
        settings.clock = Some("latest-held".into());
        change(settings);
    })
    .await;
    import(&world, &export(), Dataset::ActualCost, None).await;
    world
}

async fn world() -> World {
    world_with(|_| {}).await
}

/// A key of a part of the enrollment, with the policies that it needs.
pub(crate) async fn key_of(world: &World, scope: &str, role: Role) -> String {
    let text = || "test".to_owned();
    let audit = AuditEntry {
        at_ms: 0,
        actor: text(),
        action: text(),
        enrollment: None,
        target: text(),
        detail: text(),
        times: 1,
    };
    let on = Policies { da_view_charges: true, ao_view_charges: true, price_hidden: false };
    let enrollment = EnrollmentId::parse(OWN).unwrap();
    world.catalog.change_policies(&enrollment, |own| *own = on, &audit).await.unwrap();
    let holder = KeyHolder { enrollment, scope: Scope::parse(scope).unwrap(), role };
    issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned()
}

/// Rows of all pages from a path on, and how many rows each page has.
async fn walk(world: &World, first: &str) -> (Vec<Members>, Vec<usize>) {
    let (mut rows, mut sizes, mut next) = (Vec::new(), Vec::new(), Some(first.to_owned()));
    let mut id = None;
    while let Some(path) = next {
        let answer = get(world, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let page = Members::of(&answer.text);
        assert_eq!(page.names(), ["id", "data", "nextLink"]);
        assert_eq!(*id.get_or_insert(page.text("id")), page.text("id"), "one id for all pages");
        let data: Vec<Members> = serde_json::from_str(page.get("data")).unwrap();
        sizes.push(data.len());
        rows.extend(data);
        next = serde_json::from_str::<Option<String>>(page.get("nextLink")).unwrap().map(|link| local(world, &link));
    }
    (rows, sizes)
}

/// The rows of a file: its names, and the cells of each row.
fn table(file: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text =
        file.strip_prefix("\u{feff}\"Usage Data Extract\",\r\n\"\",\r\n").unwrap_or_else(|| panic!("{file:.200}"));
    let mut records = formats::RecordReader::new(text.as_bytes());
    let mut rows = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        let cell = |at| String::from_utf8(record.bytes(at).into_owned()).unwrap();
        rows.push((0..record.len()).map(cell).collect::<Vec<_>>());
    }
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "every line ends in CR LF");
    (rows.remove(0), rows)
}

fn sum<'a>(numbers: impl Iterator<Item = &'a str>) -> String {
    let mut total = Total::default();
    numbers.for_each(|text| total.add(Decimal::parse(text.as_bytes(), Limits::COST).unwrap().value).unwrap());
    total.value().to_shortest_string()
}

/// The exact sum of the generated rows that are shown, of one department or of all.
fn expected_sum(department: Option<usize>) -> String {
    let lines: Vec<String> = (0..USAGE_ROWS)
        .filter(|number| department.is_none_or(|department| 7 + number % 2 == department))
        .map(|number| line(number, "Usage", "Azure"))
        .collect();
    sum(lines.iter().map(|line| line.split(',').nth(14).unwrap()))
}

/// What a cell of a file must be where the JSON form has a member.
fn cell_of(name: &str, member: &str) -> String {
    match serde_json::from_str::<Value>(member).unwrap() {
        Value::Null => String::new(),
        Value::Bool(value) => if value { "True" } else { "False" }.to_owned(),
        Value::String(text) if name == "Date" => text.trim_end_matches("T00:00:00").to_owned(),
        Value::String(text) => text,
        _ if member.contains(['e', 'E']) => Decimal::parse(member.as_bytes(), Limits::COST).unwrap().value.to_string(),
        _ => member.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_have_the_members_of_the_article_in_its_order() {
    let world = world().await;
    let seed = Members::of(SEED);
    let sample: Vec<Members> = serde_json::from_str(seed.get("data")).unwrap();
    for version in ["v1", "V2", "v3"] {
        let answer = get(&world, &path(version, "usagedetails")).await;
        let page = Members::of(&answer.text);
        assert_eq!((answer.status, page.names()), (200, seed.names()));
        assert_eq!(page.text("id"), format!("enrollments/{OWN}/billingperiods/202309/usagedetails"));
        let rows: Vec<Members> = serde_json::from_str(page.get("data")).unwrap();
        let names = rows[0].names();
        if version == "v3" {
            let first = [
                "serviceName",
                "serviceTier",
                "location",
                "chargesBilledSeparately",
                "partNumber",
                "resourceGuid",
                "offerId",
                "cost",
            ];
            assert_eq!(names[..8], first);
            let old: Vec<&str> = sample[0].names().into_iter().filter(|name| *name != "Cost").collect();
            assert_eq!(names[8..], old);
        } else {
            assert_eq!(names, sample[0].names(), "{version}");
        }
        // A number where the article has one, a text where it has one.
        for (name, value) in &sample[0].0 {
            let own = rows[0].get(name);
            assert_eq!(own.starts_with('"'), value.get().starts_with('"'), "{version} {name}: {own}");
        }
        assert!(rows[0].text("date").ends_with("T00:00:00"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_files_and_submitted_reports_are_the_same_rows_to_the_last_digit() {
    let world = world_with(|settings| settings.workers = Some(1)).await;
    let published: Value = serde_json::from_str(COLUMNS).unwrap();
    for (version, columns) in [("v2", "ea_reporting_v2_csv_unconfirmed"), ("v3", "ea_reporting_v3_csv")] {
        let (rows, sizes) = walk(&world, &path(version, "billingPeriods/202309/usagedetails")).await;
        assert_eq!(sizes, [1000, 1000, USAGE_ROWS - 2000], "first-party usage only");
        assert_eq!(sum(rows.iter().map(|row| row.get("cost"))), expected_sum(None));

        let response = world.ask_with_key(Method::GET, &path(version, "usagedetails/download?billingPeriod=202309"));
        let response = response.send().await.unwrap();
        assert_eq!(header(&response, "content-type"), "text/csv");
        let file = answer_of(response).await;
        assert_eq!(file.status, 200);
        let (names, cells) = table(&file.text);
        assert_eq!(serde_json::json!(names), published[columns]);
        assert_eq!(cells.len(), USAGE_ROWS);
        for (row, members) in cells.iter().zip(&rows) {
            for (name, cell) in names.iter().zip(row) {
                assert_eq!(*cell, cell_of(name, members.get(name)), "{version} {name}");
            }
        }
        let cost = names.iter().position(|name| name == "Cost").unwrap();
        assert_eq!(sum(cells.iter().map(|row| row[cost].as_str())), expected_sum(None));
        assert!(cells.iter().all(|row| !row[cost].contains(['e', 'E'])), "no exponents");

        let mut job = submit(&world, &path(version, "usagedetails/submit?billingPeriod=202309")).await;
        assert_eq!(job.names(), Members::of(JOB).names());
        while ["1", "2"].contains(&job.get("status")) {
            tokio::task::yield_now().await;
            job = poll(&world, &job).await;
        }
        assert_eq!(job.get("status"), "3");
        // The link needs no credential.
        let blob = body_of(world.client.get(job.text("blobPath")).send().await.unwrap()).await;
        assert_eq!(blob, file.text, "{version}");
    }
    let days = "startTime=2023-09-03&endTime=2023-09-04";
    let (rows, _) = walk(&world, &path("v3", &format!("usagedetailsbycustomdate?{days}"))).await;
    let file = get(&world, &path("v3", &format!("usagedetails/download?{days}"))).await;
    let (_, cells) = table(&file.text);
    assert!(!rows.is_empty() && rows.len() == cells.len());
    assert!(rows.iter().all(|row| ["2023-09-03T00:00:00", "2023-09-04T00:00:00"].contains(&row.text("date").as_str())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_the_object_of_the_article_through_all_its_states() {
    let world = world().await;
    let job = submit(&world, &path("V3", "usageDetails/Submit?billingPeriod=202309")).await;
    assert_eq!(job.names(), Members::of(JOB).names());
    let id = job.text("id");
    assert_eq!((job.text("enrollmentNumber").as_str(), job.get("status"), job.get("blobPath")), (OWN, "1", "\"\""));
    let (start, end) = (job.text("startDate"), job.text("endDate"));
    assert_eq!((start.as_str(), end.as_str()), ("2023-09-01T00:00:00", "2023-09-30T00:00:00"));
    let url = format!("{}/v3/enrollments/{OWN}/usagedetails/reports/{id}", world.server.http_url);
    assert_eq!(job.text("reportUrl"), url);
    let requested = job.text("requestedOn");
    assert!(requested.len() == 28 && requested.ends_with(".0000000Z"), "{requested}");

    let claimed = world.catalog.claim_job("test", now_ms(), i64::MAX).await.unwrap().unwrap();
    assert_eq!(claimed.id, id);
    let polled = poll(&world, &job).await;
    assert_eq!(polled.get("status"), "2");
    assert_eq!((polled.text("requestedOn"), polled.text("id")), (requested, id.clone()));

    let days = submit(&world, &path("v2", "usagedetails/submit?startTime=2023-09-10&endTime=2023-09-12")).await;
    let (start, end) = (days.text("startDate"), days.text("endDate"));
    assert_eq!((start.as_str(), end.as_str()), ("2023-09-10T00:00:00", "2023-09-12T00:00:00"));
    assert!(days.text("reportUrl").contains("/v2/enrollments/"));

    let completed = FinishedJob::Completed(format!("[{{\"job\":\"{id}\",\"name\":\"part_1_0000.csv\",\"bytes\":3}}]"));
    for (end, status) in [(completed, "3"), (FinishedJob::Failed("no".to_owned()), "4"), (FinishedJob::NoData, "5")] {
        let now = ended(&world, &claimed, now_ms(), &end).await;
        assert_eq!(now.get("status"), status);
        assert_eq!(now.text("blobPath").is_empty(), status != "3");
        // An hour after the request there is no file any more; what failed stays so.
        let later = ended(&world, &claimed, now_ms() - HOUR_MS, &end).await;
        assert_eq!(later.get("status"), if status == "3" { "7" } else { status });
        assert_eq!(later.get("blobPath"), "\"\"");
    }
    // One that was not even begun within the hour is over too.
    let late = world.copy(&claimed, now_ms() - HOUR_MS).await;
    let answer = get(&world, &path("v3", &format!("usagedetails/reports/{late}"))).await;
    assert_eq!(Members::of(&answer.text).get("status"), "7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_good_until_an_hour_after_the_request_exactly() {
    let world = world().await;
    submit(&world, &path("v3", "usagedetails/submit?billingPeriod=202309")).await;
    let claimed = world.catalog.claim_job("test", now_ms(), i64::MAX).await.unwrap().unwrap();
    std::fs::write(world.blob_path(&claimed.id, "part_1_0000.csv"), "abc").unwrap();
    let end =
        FinishedJob::Completed(format!("[{{\"job\":\"{}\",\"name\":\"part_1_0000.csv\",\"bytes\":3}}]", claimed.id));
    // Asked for 50 minutes ago and finished now: ten minutes are left.
    let asked_ms = now_ms() - HOUR_MS / 6 * 5;
    let job = ended(&world, &claimed, asked_ms, &end).await;
    let link = job.text("blobPath");
    let end_s: i64 = link.split("&se=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
    assert_eq!(end_s, asked_ms / 1000 + 3600);
    let content = world.client.get(&link).send().await.unwrap();
    assert_eq!((content.status().as_u16(), content.text().await.unwrap().as_str()), (200, "abc"));
    let altered = link.replace(&format!("&se={end_s}"), &format!("&se={}", end_s + 60));
    assert_eq!(world.client.get(altered).send().await.unwrap().status().as_u16(), 403);
}

/// A copy of a job that was asked for at an instant and ended now, as a poll tells it.
async fn ended(world: &World, job: &Job, created_at_ms: i64, end: &FinishedJob) -> Members {
    let id = world.copy(job, created_at_ms).await;
    loop {
        let next = world.catalog.claim_job("test", now_ms(), i64::MAX).await.unwrap().unwrap();
        if next.id == id {
            break;
        }
    }
    assert!(world.catalog.finish_job(&id, "test", end, now_ms()).await.unwrap());
    let answer = get(world, &path("v3", &format!("usagedetails/reports/{id}"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Members::of(&answer.text)
}

impl World {
    /// The same job, asked for at another instant.
    async fn copy(&self, job: &Job, created_at_ms: i64) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let (digest, request) = (job.digest.clone(), job.request.clone());
        self.catalog.add_job(&NewJob { id: id.clone(), digest, request, created_at_ms }).await.unwrap();
        id
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_other_kinds_and_enrollments_are_not_found() {
    let world = world().await;
    let own = submit(&world, &path("v3", "usagedetails/submit?billingPeriod=202309")).await.text("id");
    let operation = world.ordered(&own_scope(), r#"{"billingPeriod":"202309"}"#).await;
    let cost_details = operation.rsplit('/').next().unwrap().split('?').next().unwrap();
    for id in [cost_details, "nonsense", "00000000-0000-0000-0000-000000000000"] {
        let answer = world.ask_with_key(Method::GET, &path("v3", &format!("usagedetails/reports/{id}")));
        let (status, code, _) = error_of(answer.send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (404, "404"), "{id}");
    }
    assert_eq!(get(&world, &operation.replace(cost_details, &own)).await.status, 404);
    // Neither by the other enrollment's path nor with its key.
    let other =
        issue_key(&world.catalog, &reader_of(EnrollmentId::parse(OTHER).unwrap()), "test", now_ms()).await.unwrap();
    let elsewhere = format!("/v3/enrollments/{OTHER}/usagedetails/reports/{own}");
    let with = async |key: &str, path: &str| {
        world.ask(Method::GET, path).bearer_auth(key).send().await.unwrap().status().as_u16()
    };
    assert_eq!(with(other.key.reveal(), &elsewhere).await, 404);
    assert_eq!(with(other.key.reveal(), &path("v3", &format!("usagedetails/reports/{own}"))).await, 403);
    assert_eq!(with(&world.key, &path("v2", &format!("usagedetails/reports/{}", own.to_uppercase()))).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_department_sees_its_part_of_everything() {
    let mut world = world_with(|settings| settings.workers = Some(1)).await;
    let whole = submit(&world, &path("v3", "usagedetails/submit?billingPeriod=202309")).await;
    let first = get(&world, &path("v3", "usagedetails")).await;
    let link = Members::of(&first.text).text("nextLink");
    world.key = key_of(&world, "departments/7", Role::DepartmentReader).await;

    let (rows, sizes) = walk(&world, &path("v3", "usagedetails")).await;
    assert_eq!(sizes, [1000, USAGE_ROWS.div_ceil(2) - 1000]);
    assert!(rows.iter().all(|row| row.get("departmentId") == "7"));
    assert_eq!(sum(rows.iter().map(|row| row.get("cost"))), expected_sum(Some(7)));
    let file = get(&world, &path("v3", "usagedetails/download?billingPeriod=202309")).await;
    assert_eq!(table(&file.text).1.len(), rows.len());
    let mut job = submit(&world, &path("v3", "usagedetails/submit?billingPeriod=202309")).await;
    while ["1", "2"].contains(&job.get("status")) {
        tokio::task::yield_now().await;
        job = poll(&world, &job).await;
    }
    let blob = body_of(world.client.get(job.text("blobPath")).send().await.unwrap()).await;
    assert_eq!(blob, file.text);

    // What was given to the whole enrollment stays its own.
    assert_eq!(get(&world, &local(&world, &whole.text("reportUrl"))).await.status, 404);
    assert_eq!(get(&world, &local(&world, &link)).await.status, 400);
    assert_eq!(get(&world, &path("v3", "balancesummary")).await.status, 403);

    world.key = key_of(&world, "enrollmentAccounts/71", Role::AccountOwner).await;
    let (rows, _) = walk(&world, &path("v2", "usagedetails")).await;
    assert!(!rows.is_empty() && rows.iter().all(|row| row.get("accountId") == "71"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_without_data_is_told_from_an_empty_one() {
    let world = world().await;
    import(&world, HEADER, Dataset::ActualCost, Some("202308")).await;
    import(&world, &export().replace("09/01/2023", "10/01/2023").replace(",09/", ",10/"), Dataset::AmortizedCost, None)
        .await;
    let status = async |rest: &str| {
        let answer = get(&world, &path("v3", rest)).await;
        (answer.status, answer.text)
    };
    let days = "startTime=2022-01-01&endTime=2022-01-31";
    assert_eq!(status("billingPeriods/202201/usagedetails").await.0, 404);
    assert_eq!(status("usagedetails/download?billingPeriod=202201").await.0, 404);
    assert_eq!(status(&format!("usagedetailsbycustomdate?{days}")).await.0, 400);
    assert_eq!(status(&format!("usagedetails/download?{days}")).await.0, 400);
    let (code, text) = status("billingPeriods/202308/usagedetails").await;
    let expected =
        format!("{{\"id\":\"enrollments/{OWN}/billingperiods/202308/usagedetails\",\"data\":[],\"nextLink\":null}}");
    assert_eq!((code, text), (200, expected));
    let (code, text) = status("usagedetails/download?billingPeriod=202308").await;
    assert_eq!((code, table(&text).1.len()), (200, 0));

    // Not held is not zero.
    let october = "startTime=2023-10-05&endTime=2023-10-06";
    for (method, rest, expected) in [
        (Method::GET, "billingPeriods/202310/usagedetails".to_owned(), 404),
        (Method::GET, "usagedetails/download?billingPeriod=202310".to_owned(), 404),
        (Method::POST, "usagedetails/submit?billingPeriod=202310".to_owned(), 404),
        (Method::GET, format!("usagedetailsbycustomdate?{october}"), 400),
        (Method::POST, format!("usagedetails/submit?{october}"), 400),
    ] {
        let answer = world.ask_with_key(method, &path("v3", &rest)).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code), (expected, expected.to_string()), "{rest}");
        assert!(message.contains("held is AmortizedCost"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_held_ends_a_job_as_no_data_found() {
    let world = world_with(|settings| settings.workers = Some(1)).await;
    import(&world, HEADER, Dataset::ActualCost, Some("202308")).await;
    for period in ["202201", "202308"] {
        let mut job = submit(&world, &path("v2", &format!("usagedetails/submit?billingPeriod={period}"))).await;
        while ["1", "2"].contains(&job.get("status")) {
            tokio::task::yield_now().await;
            job = poll(&world, &job).await;
        }
        assert_eq!((job.get("status"), job.get("blobPath")), ("5", "\"\""), "{period}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn times_are_named_as_the_article_says() {
    let world = world().await;
    let october = export().replace("09/01/2023", "10/01/2023").replace(",09/", ",10/");
    import(&world, &october, Dataset::ActualCost, None).await;
    let id = async |rest: &str| {
        let answer = get(&world, &path("v3", rest)).await;
        assert_eq!(answer.status, 200, "{rest}: {}", answer.text);
        Members::of(&answer.text).text("id").replace(&format!("enrollments/{OWN}/"), "")
    };
    let current = "billingperiods/202310/usagedetails";
    let days = "usagedetailsbycustomdate/2023-09-05/2023-09-06";
    for (rest, expected) in [
        ("usagedetails", current),
        ("usagedetailsbycustomdate", current),
        ("usagedetailsbycustomdate?startTime=2023-09-05", current),
        ("usagedetailsbycustomdate?endTime=2023-09-05", current),
        ("usagedetailsbycustomdate?startTime=2023-09-05&endTime=2023-09-06", days),
        ("UsageDetailsByCustomDate?STARTTIME=2023-09-05T00:00:00Z&endtime=2023-09-06T23:59:59", days),
    ] {
        assert_eq!(id(rest).await, expected, "{rest}");
    }
    let of = async |query: &str| {
        let job = submit(&world, &path("v3", &format!("usagedetails/submit?{query}"))).await;
        format!("{} {}", &job.text("startDate")[..10], &job.text("endDate")[..10])
    };
    assert_eq!(of("billingPeriod=202309").await, "2023-09-01 2023-09-30");
    assert_eq!(of("").await, "2023-10-01 2023-10-31");
    assert_eq!(of("billingPeriod=202309&startTime=2023-10-02").await, "2023-09-01 2023-09-30");
    assert_eq!(of("billingPeriod=202309&startTime=2023-10-02&endTime=2023-10-03").await, "2023-10-02 2023-10-03");

    for rest in [
        "usagedetails?$top=5",
        "usagedetails?startTime=2023-09-05",
        "usagedetails?$skiptoken=nonsense",
        "billingPeriods/2023/usagedetails",
        "usagedetailsbycustomdate?startTime=09/05/2023&endTime=2023-09-06",
        "usagedetailsbycustomdate?startTime=20230905&endTime=2023-09-06",
        "usagedetailsbycustomdate?startTime=2023-09-31&endTime=2023-10-06",
        "usagedetailsbycustomdate?startTime=&endTime=2023-10-06",
        "usagedetailsbycustomdate?startTime=2023-09-07&endTime=2023-09-06",
        "usagedetailsbycustomdate?billingPeriod=202309",
        "usagedetails/download?billingPeriod=",
        "usagedetails/download?billingPeriod=202313",
        "usagedetails/download?start=2023-09-05",
    ] {
        let answer = world.ask_with_key(Method::GET, &path("v3", rest)).send().await.unwrap();
        let (status, code, _) = error_of(answer).await;
        assert_eq!((status, code.as_str()), (400, "400"), "{rest}");
    }
    for (method, rest, expected) in [
        (Method::GET, path("v1", "usagedetails/download?billingPeriod=202309"), 404),
        (Method::POST, path("v1", "usagedetails/submit?billingPeriod=202309"), 404),
        (Method::GET, path("v4", "usagedetails"), 404),
        (Method::GET, path("v3", "usagedetails/submit"), 405),
        (Method::POST, path("v3", "usagedetails"), 405),
        (Method::GET, "/v3/enrollments/4444444/usagedetails".to_owned(), 404),
        (Method::GET, format!("/v3/enrollments/{OTHER}/usagedetails"), 403),
    ] {
        let answer = world.ask_with_key(method, &rest).send().await.unwrap();
        assert_eq!(error_of(answer).await.0, expected, "{rest}");
    }
    // Any length of time, unless the original is emulated.
    assert_eq!(id("usagedetailsbycustomdate?startTime=2014-05-01&endTime=2033-12-31").await.len(), 46);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emulation_has_the_limits_of_the_original() {
    let world = world_with(|settings| settings.emulate = Some(true)).await;
    let status = async |method: Method, rest: &str| {
        world.ask_with_key(method, &path("v3", rest)).send().await.unwrap().status().as_u16()
    };
    let month = "startTime=2023-08-15&endTime=2023-09-14";
    let more = "startTime=2023-08-15&endTime=2023-09-15";
    assert_eq!(status(Method::GET, &format!("usagedetails/download?{month}")).await, 200);
    assert_eq!(status(Method::GET, &format!("usagedetails/download?{more}")).await, 400);
    let years = "startTime=2020-09-15&endTime=2023-09-14";
    let longer = "startTime=2020-09-15&endTime=2023-09-15";
    for (days, expected) in [(more, 200), (years, 200), (longer, 400)] {
        assert_eq!(status(Method::GET, &format!("usagedetailsbycustomdate?{days}")).await, expected, "{days}");
        assert_eq!(status(Method::POST, &format!("usagedetails/submit?{days}")).await, expected, "{days}");
    }
    assert_eq!(status(Method::GET, "usagedetails?unknown=1").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_has_is_not_sent_again_until_it_changes() {
    let world = world().await;
    let paths = ["usagedetails", "usagedetails/download?billingPeriod=202309", "usagedetailsbycustomdate"];
    let ask = async |rest: &str, tag: &str| {
        let request = world.ask_with_key(Method::GET, &path("v2", rest)).header("if-none-match", tag);
        answer_of(request.send().await.unwrap()).await
    };
    let mut tags = Vec::new();
    for rest in paths {
        let tag = get(&world, &path("v2", rest)).await.etag;
        let again = ask(rest, &tag).await;
        assert_eq!((again.status, again.text.as_str(), &again.etag), (304, "", &tag), "{rest}");
        assert_eq!(ask(rest, "\"other\"").await.status, 200);
        tags.push(tag);
    }
    let other = get(&world, &path("v3", "usagedetails/download?billingPeriod=202309")).await.etag;
    assert_ne!(other, tags[1], "another version is another file");
    import(&world, &export().replace(",4.0,", ",5.0,"), Dataset::ActualCost, None).await;
    for (rest, tag) in paths.iter().zip(&tags) {
        assert_eq!(ask(rest, tag).await.status, 200, "{rest}");
    }
}

/// How retired clients write it: the scheme in lower case, and a header for a version that is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_headers_of_retired_clients_are_understood() {
    let world = world().await;
    let request = world.ask(Method::GET, &path("v3", "usagedetails"));
    let request = request.header("authorization", format!("bearer {}", world.key)).header("api-version", "1.0");
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    let (status, code, _) = error_of(world.ask(Method::GET, &path("v3", "usagedetails")).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (401, "401"));
}
