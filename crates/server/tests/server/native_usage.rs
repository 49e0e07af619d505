//! Usage over HTTP, how billing stands, and the server that bills by itself.

use std::io::Write;
use std::time::Duration;

use access::{KeyHolder, Role, issue_key, revoke_key};
use billing::{ApplyOptions, DocumentFill, apply, native_paths};
use calendar::{BillingPeriod, Date};
use catalog::AuditFilter;
use flate2::Compression;
use flate2::write::GzEncoder;
use imports::Store;
use ledger::billing::Instant;
use ledger::{EnrollmentId, Scope};
use reqwest::{Method, RequestBuilder, Response};
use samples::example;
use serde_json::{Value, json};

use crate::world::*;

const NUMBER: &str = "7000001";
const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";

/// A world with a native enrollment that begins with the current month, and keys of its roles.
struct Billed {
    world: World,
    writer: String,
    reader: String,
    store: Store,
}

impl Billed {
    async fn new(change: impl FnOnce(&mut lazurite_server::Overrides)) -> Self {
        let world = World::start_with(change).await;
        let store = Store::open(world.data()).await.unwrap();
        state_example(&world, &store).await;
        let writer = key(&world, NUMBER, Role::EnterpriseAdministrator).await;
        let reader = key(&world, NUMBER, Role::EnterpriseReader).await;
        Self { world, writer, reader, store }
    }

    fn post(&self, batch: &str, key: &str) -> RequestBuilder {
        let path = format!("/lazurite/v1/enrollments/{NUMBER}/usage/{batch}");
        self.world.ask(Method::POST, &path).bearer_auth(key)
    }

    async fn sent(&self, batch: &str, body: impl Into<reqwest::Body>) -> Response {
        self.post(batch, &self.writer).body(body).send().await.unwrap()
    }

    /// The statuses of sending usage and of reading periods.
    async fn tried(&self, key: &str) -> (u16, u16) {
        let sent = self.post("one", key).body(record("vm-small", "1")).send().await.unwrap();
        (sent.status().as_u16(), self.periods(key).await.status().as_u16())
    }

    async fn periods(&self, key: &str) -> Response {
        let path = format!("/lazurite/v1/enrollments/{NUMBER}/periods");
        self.world.ask(Method::GET, &path).bearer_auth(key).send().await.unwrap()
    }
}

async fn key(world: &World, number: &str, role: Role) -> String {
    let enrollment = EnrollmentId::parse(number).unwrap();
    let holder = KeyHolder { scope: Scope::BillingAccount(enrollment.clone()), enrollment, role };
    issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned()
}

fn today() -> Date {
    Instant(now_ms() * 1000).date().unwrap()
}

/// States the example's enrollment, prices and orders, from the current month on.
async fn state_example(world: &World, store: &Store) {
    let folder = world.data().join("example");
    std::fs::create_dir(&folder).unwrap();
    for file in example::files(NUMBER, BillingPeriod::of(today())).unwrap() {
        if !file.name.starts_with("usage") {
            std::fs::write(folder.join(file.name), file.text).unwrap();
        }
    }
    let options = ApplyOptions {
        received_at: Instant(now_ms() * 1000),
        fill: DocumentFill::default(),
        actor: "test".into(),
        dry_run: false,
        reopen: None,
    };
    apply(store, &native_paths(&[folder]).unwrap().documents, &options).await.unwrap();
}

fn record(meter: &str, quantity: &str) -> String {
    let day = today();
    json!({ "subscriptionId": SUBSCRIPTION, "meterId": meter, "date": day.to_string(), "quantity": quantity })
        .to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_taken_once_under_its_id() {
    let billed = Billed::new(|_| {}).await;
    let text = format!("{}\n{}\n", record("vm-small", "3"), record("no-such-meter", "1"));
    let first = billed.sent("day-1", text.clone()).await;
    assert_eq!(first.status(), 200);
    let answer: Value = first.json().await.unwrap();
    let expected = json!({
        "enrollment": NUMBER, "batchId": "day-1", "received": 2, "accepted": 2, "refused": 0, "unchanged": false,
        "refusals": [], "more": 0,
    });
    assert_eq!(answer, expected);
    let packed = billed.post("day-1", &billed.writer).header("content-encoding", "gzip").body(gzip(&text));
    let again: Value = packed.send().await.unwrap().json().await.unwrap();
    assert_eq!((&again["unchanged"], &again["accepted"]), (&json!(true), &json!(2)));
    let (status, code, message) = error_of(billed.sent("day-1", record("vm-small", "4")).await).await;
    assert_eq!((status, code.as_str()), (409, "BatchChanged"));
    assert!(message.contains("day-1"), "{message}");
    let audit = AuditFilter { limit: 100, ..AuditFilter::default() };
    let entries = billed.world.catalog.audit(&audit).await.unwrap();
    let batches: Vec<_> = entries.iter().filter(|entry| entry.action == "usage.batch").collect();
    assert_eq!(batches.len(), 1);
    assert_eq!((batches[0].target.as_str(), batches[0].detail.as_str()), ("day-1", "2 records accepted, 0 refused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_refused_one_by_one_or_strictly_all() {
    let billed = Billed::new(|_| {}).await;
    let late = record("vm-small", "1").replace("\"quantity\"", "\"receivedAt\":\"2020-01-01T00:00:00Z\",\"quantity\"");
    let stranger = record("vm-small", "1").replace(SUBSCRIPTION, "00000000-0000-4000-8000-000000000000");
    let broken = b"{\"subscriptionId\":\"\xff\"}".to_vec();
    let mut text =
        format!("{}\n{}\n{late}\n{stranger}\n", record("vm-small", "1"), record("vm-small", "x")).into_bytes();
    text.extend(broken);
    let strict = billed.post("b?strict=true", &billed.writer).body(text.clone()).send().await.unwrap();
    assert_eq!(strict.status(), 400);
    let strict: Value = strict.json().await.unwrap();
    assert_eq!(strict["error"]["code"], "RecordsRefused");
    assert_eq!(strict["error"]["details"].as_array().unwrap().len(), 4, "{strict}");
    let answer: Value = billed.sent("b", text).await.json().await.unwrap();
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(1), &json!(4)), "{answer}");
    let refused: Vec<_> = answer["refusals"].as_array().unwrap().iter().map(|one| one["record"].clone()).collect();
    assert_eq!(refused, [2, 3, 4, 5]);
    assert_eq!(answer["refusals"][0]["field"], "quantity");
    assert_eq!(answer["refusals"][1]["field"], "receivedAt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_which_no_record_is_accepted_is_an_error_and_stays_one() {
    let billed = Billed::new(|_| {}).await;
    let text = format!("{}\n{}\n", record("vm-small", "x"), record("vm-small", "y"));
    for _ in 0..2 {
        let sent = billed.sent("bad", text.clone()).await;
        assert_eq!(sent.status(), 422);
        let body: Value = sent.json().await.unwrap();
        assert_eq!(body["error"]["code"], "NoRecordAccepted", "{body}");
        assert_eq!(body["error"]["details"][1]["record"], 2, "{body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("None of the 2 records of batch bad") && message.contains("new batch"), "{message}");
    }
    // The id is used up; one record that is accepted makes it a success, and so does a batch without records.
    assert_eq!(error_of(billed.sent("bad", record("vm-small", "1")).await).await.0, 409);
    let mixed = billed.sent("mixed", format!("{text}{}", record("vm-small", "1"))).await;
    assert_eq!(mixed.status(), 200);
    assert_eq!(billed.sent("empty", "").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_bodies_are_refused_and_change_nothing() {
    let billed = Billed::new(|settings| settings.usage_bytes_max = Some(1000)).await;
    let long = record("vm-small", "1").repeat(20);
    for body in [long.clone().into_bytes(), gzip(&long)] {
        let encoding = if body.starts_with(b"{") { "identity" } else { "gzip" };
        let sent =
            billed.post("long", &billed.writer).header("content-encoding", encoding).body(body).send().await.unwrap();
        let (status, code, _) = error_of(sent).await;
        assert_eq!((status, code.as_str()), (413, "RequestEntityTooLarge"));
    }
    for (name, value, expected) in [
        ("content-type", "application/json", 415),
        ("content-encoding", "br", 415),
        ("content-encoding", "gzip", 400),
        ("content-type", "application/vnd.apache.parquet", 400),
    ] {
        let sent = billed.post("x", &billed.writer).header(name, value).body(record("vm-small", "1"));
        assert_eq!(error_of(sent.send().await.unwrap()).await.0, expected, "{name}: {value}");
    }
    let unknown = billed.post("x?lenient=true", &billed.writer).body(record("vm-small", "1")).send().await.unwrap();
    assert_eq!(error_of(unknown).await.0, 400);
    let csv = format!("subscriptionId,meterId,date,quantity\n{SUBSCRIPTION},vm-small,{},1\n", today());
    let taken = billed.post("x", &billed.writer).header("content-type", "text/csv").body(csv).send().await.unwrap();
    let taken: Value = taken.json().await.unwrap();
    assert_eq!((&taken["accepted"], &taken["unchanged"]), (&json!(1), &json!(false)), "{taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_send_usage_and_see_periods() {
    let billed = Billed::new(|_| {}).await;
    let stranger = billed.world.key.clone();
    for (who, key, post, read) in [
        ("administrator", &billed.writer, 200, 200),
        ("reader", &billed.reader, 403, 200),
        ("another enrollment's", &stranger, 403, 403),
        ("nobody", &"lzk_nobody".to_owned(), 401, 401),
    ] {
        assert_eq!(billed.tried(key).await, (post, read), "{who}");
    }
    // A holder has two keys at most: the reader's makes room for others.
    let catalog = &billed.world.catalog;
    let reader = catalog
        .keys()
        .await
        .unwrap()
        .into_iter()
        .find(|one| one.role == "EnterpriseReader" && one.enrollment.matches(NUMBER));
    revoke_key(catalog, &reader.unwrap().id, "test", now_ms()).await.unwrap();
    let purchaser = key(&billed.world, NUMBER, Role::EnterprisePurchaser).await;
    assert_eq!(billed.tried(&purchaser).await, (403, 200), "purchaser");
    let ask = |path: &str| billed.world.ask(Method::POST, path).bearer_auth(&billed.writer).body("{}").send();
    assert_eq!(ask("/lazurite/v1/enrollments/999/usage/x").await.unwrap().status(), 404);
    // An administrator of a mirrored enrollment is told that it is not billed here.
    let mirrored = key(&billed.world, OWN, Role::EnterpriseAdministrator).await;
    let path = format!("/lazurite/v1/enrollments/{OWN}/usage/x");
    let sent = billed.world.ask(Method::POST, &path).bearer_auth(&mirrored).body(record("vm-small", "1"));
    let (status, _, message) = error_of(sent.send().await.unwrap()).await;
    assert_eq!(status, 404, "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_bills_what_came_in() {
    let billed = Billed::new(|settings| (settings.bill, settings.bill_after) = (Some("auto".into()), Some(0))).await;
    let text = format!("{}\n{}\n", record("vm-small", "3"), record("no-such-meter", "1"));
    assert_eq!(billed.sent("day-1", text).await.status(), 200);
    let mut state = Value::Null;
    for _ in 0..600 {
        state = billed.periods(&billed.reader).await.json().await.unwrap();
        if !state["periods"][0]["heldBack"].as_array().is_none_or(Vec::is_empty) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let period = &state["periods"][0];
    assert_eq!(period["state"], "open", "{state}");
    assert_eq!(period["period"], BillingPeriod::of(today()).to_string());
    assert_eq!(period["heldBack"][0]["meterId"], "no-such-meter");
    assert!(period["revision"].is_string() && period["closesAt"].is_string(), "{state}");
    let number = EnrollmentId::parse(NUMBER).unwrap();
    assert!(billed.world.catalog.balance(&number, BillingPeriod::of(today())).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_bills_at_its_start_what_is_due() {
    let billed = Billed::new(|_| {}).await;
    assert_eq!(billed.sent("day-1", record("vm-small", "3")).await.status(), 200);
    let nothing: Value = billed.periods(&billed.reader).await.json().await.unwrap();
    assert_eq!(nothing["periods"], json!([]));
    let mut settings = overrides(billed.world.data());
    settings.bill = Some("on".into());
    let second =
        lazurite_server::Server::start(lazurite_server::Settings::load(None, &settings).unwrap()).await.unwrap();
    let number = EnrollmentId::parse(NUMBER).unwrap();
    let mut held = Vec::new();
    for _ in 0..600 {
        held = billed.store.catalog().billed_periods(&number).await.unwrap();
        if !held.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(held.len(), 1);
    second.shutdown().await;
}
