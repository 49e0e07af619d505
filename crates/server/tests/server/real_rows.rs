//! From a published export to a downloaded report.

use imports::{ImportOptions, NoProgress, Store};
use samples::bundled::EA_ACTUAL;
use serde_json::Value;

use crate::world::*;

/// A world, on several threads as the importer demands, with the real export of September 2023 and a worker.
async fn world() -> World {
    let world = World::start_with(|settings| {
        settings.workers = Some(1);
        settings.clock = Some("latest-held".into());
    })
    .await;
    let source = world.data().join("export.csv");
    std::fs::write(&source, EA_ACTUAL.bytes).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    imports::import(&store, &options, &NoProgress).await.unwrap();
    world
}

/// All blobs of a report, one after the other, as their manifest says.
async fn download(world: &World, result: &Value) -> Vec<String> {
    assert_eq!(result["status"], "Completed", "{result}");
    let blobs = result["manifest"]["blobs"].as_array().unwrap();
    assert_eq!(result["manifest"]["blobCount"], blobs.len());
    let mut texts = Vec::new();
    for blob in blobs {
        let text = world.client.get(blob["blobLink"].as_str().unwrap()).send().await.unwrap();
        let text = String::from_utf8(text.bytes().await.unwrap().to_vec()).unwrap();
        assert_eq!(blob["byteCount"], text.len());
        texts.push(text);
    }
    assert_eq!(result["manifest"]["byteCount"], texts.iter().map(String::len).sum::<usize>());
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_of_the_latest_period_holds_the_rows_of_the_export() {
    let world = world().await;
    let result = world.answered(&own_scope(), VERSION, "{}").await;
    let texts = download(&world, &result).await;
    let [text] = texts.as_slice() else { panic!("{} blobs", texts.len()) };
    assert!(text.starts_with("\u{feff}InvoiceSectionName,AccountName,"), "{text}");
    assert_eq!(text.lines().count() as u64, 1 + EA_ACTUAL.rows);

    let again = world.answered(&own_scope(), VERSION, "{\"billingPeriod\":202309}").await;
    assert_ne!(again["name"], result["name"]);
    assert_eq!(download(&world, &again).await, texts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_layouts_and_earlier_states_have_their_own_rows() {
    let world = world().await;
    let days = r#"{"timePeriod":{"start":"2023-09-01","end":"2023-09-30T23:59:59Z"}}"#;
    let subscription = format!("subscriptions/{OWN_SUBSCRIPTION}");
    let result = world.answered(&subscription, &format!("{VERSION}&lazurite-layout=ea_2019_10_01"), days).await;
    let text = download(&world, &result).await.concat();
    let rows = text.lines().count() as u64 - 1;
    assert!((1..EA_ACTUAL.rows).contains(&rows), "the purchase is not seen at subscription scope: {text}");
    assert_eq!(text.lines().next().unwrap().split(',').count(), 27);

    let before = world.answered(&own_scope(), &format!("{VERSION}&lazurite-as-of=0"), days).await;
    assert_eq!(before["status"], "NoDataFound");
}
