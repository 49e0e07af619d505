//! Batches of usage: taken once, record by record, and never into what is closed.

use bytes::Bytes;
use formats::native::UsageForm;
use lazurite_billing::{BillingError, IngestOptions, UsageInput, ingest};

use crate::support::{Bench, SUBSCRIPTION, at, daily, hourly, number, orders, reservation};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_taken_once() {
    let bench = Bench::native().await;
    let first = bench.usage("b1", "2025-01-06", &daily("2025-01-05", "3")).await.unwrap();
    assert_eq!((first.accepted, first.refused, first.is_unchanged), (1, 0, false));
    let before = bench.state().await;
    let again = bench.usage("b1", "2025-01-07", &daily("2025-01-05", "3")).await.unwrap();
    assert!(again.is_unchanged && again.accepted == 1 && again.version == first.version);
    let changed = bench.usage("b1", "2025-01-07", &daily("2025-01-05", "4")).await.unwrap_err();
    assert!(matches!(changed, BillingError::BatchChanged { .. }), "{changed}");
    assert_eq!(bench.state().await, before);
    for id in ["", "a b", "é", &"x".repeat(129)] {
        let refused = bench.usage(id, "2025-01-07", &daily("2025-01-05", "4")).await.unwrap_err();
        assert!(matches!(refused, BillingError::BatchId { .. }), "{refused}");
    }
    let other = bench.usage("b2", "2025-01-07", &daily("2025-01-05", "3")).await.unwrap();
    assert!(!other.is_unchanged);
    assert_eq!(bench.store.catalog().usage_batches(&number()).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_refused_one_by_one_or_the_batch_as_a_whole() {
    let bench = Bench::native().await;
    let stranger = daily("2025-01-05", "1").replace("11111111-1111", "22222222-2222");
    let early = daily("2024-12-31", "1").replace("}", ",\"receivedAt\":\"2025-01-02T00:00:00Z\"}");
    let lines = format!("{}{stranger}{early}{}", daily("2025-01-05", "1"), daily("2025-01-05", "x"));
    let before = bench.state().await;
    let refused = bench.ingest("b1", "2025-01-06", &lines, true).await.unwrap_err();
    assert!(matches!(&refused, BillingError::RecordsRefused { refused: 3, records: 4, .. }), "{refused}");
    assert_eq!(bench.state().await, before);
    let taken = bench.ingest("b1", "2025-01-06", &lines, false).await.unwrap();
    assert_eq!((taken.accepted, taken.refused), (1, 3));
    let told: Vec<(u64, &str)> = taken.refusals.iter().map(|one| (one.record, one.field.as_str())).collect();
    assert_eq!(told, [(2, "subscriptionId"), (3, "date"), (4, "quantity")]);
    let again = bench.ingest("b1", "2025-01-06", &lines, false).await.unwrap();
    assert!(again.is_unchanged && again.refusals == taken.refusals);
    let unpriced = daily("2025-01-05", "1").replace("\"vm\"", "\"unpriced\"");
    assert_eq!(bench.usage("b2", "2025-01-06", &unpriced).await.unwrap().accepted, 1);
    let outcome = bench.bill("2025-01-07").await.unwrap();
    assert_eq!(outcome.periods[0].held_back[0].meter_id, "unpriced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_taken_with_the_clock_of_the_service() {
    let bench = Bench::native().await;
    let body = daily("2025-01-05", "1").replace("}", ",\"receivedAt\":\"2025-01-06T00:00:00Z\"}");
    let input = UsageInput::request("request", UsageForm::Ndjson, Bytes::from(body));
    let options = IngestOptions { received_at: at("2025-01-06"), is_strict: false, actor: "client".to_owned() };
    let taken = ingest(&bench.store, &bench.checks, &number(), Some("b"), &input, &options).await.unwrap();
    assert_eq!((taken.accepted, taken.refusals[0].field.as_str()), (0, "receivedAt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hourly_and_daily_usage_of_a_benefit_day_are_not_mixed() {
    let bench = Bench::native().await;
    bench.apply(&[bench.file("o.json", orders(&reservation("r1", "2025-01-03")))], "2025-01-03").await.unwrap();
    // Before the benefit, and of other meters, kinds may be mixed.
    let free = format!("{}{}", daily("2025-01-02", "1"), hourly("2025-01-02", 3, "1"));
    bench.usage("b0", "2025-01-06", &free).await.unwrap();
    bench.usage("b1", "2025-01-06", &hourly("2025-01-05", 7, "1")).await.unwrap();
    let before = bench.state().await;
    let refused = bench.usage("b2", "2025-01-06", &daily("2025-01-05", "3")).await.unwrap_err();
    assert!(refused.to_string().contains("benefit r1 could cover hourly usage of 2025-01-05"), "{refused}");
    let both = format!("{}{}", daily("2025-01-06", "1"), hourly("2025-01-06", 3, "1"));
    assert!(bench.usage("b2", "2025-01-07", &both).await.is_err());
    assert_eq!(bench.state().await, before);
    // What a correction took back is not there any more.
    bench.usage("b3", "2025-01-06", &hourly("2025-01-05", 7, "-1")).await.unwrap();
    bench.usage("b2", "2025-01-06", &daily("2025-01-05", "3")).await.unwrap();
    bench.bill("2025-01-07").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_cannot_be_there_is_refused() {
    let bench = Bench::native().await;
    let record = |date: &str, received: &str| {
        format!(r#"{{"subscriptionId":"{SUBSCRIPTION}","meterId":"vm","date":"{date}","quantity":1{received}}}"#)
    };
    let before = bench.state().await;
    for (line, said) in [
        (record("2025-02-11", ""), "was not yet there"),
        (record("2024-12-31", ""), "lies before 202501"),
        (record("2025-01-31", r#","receivedAt":"2099-01-01T00:00:00Z""#), "lies in the future"),
    ] {
        let error = bench.usage("one", "2025-02-10", &line).await.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(bench.state().await, before, "{said}");
    }
}
