//! From a published export to a downloaded report.

use std::io::Read;

use imports::{ImportOptions, NoProgress, Store};
use samples::bundled::EA_ACTUAL;
use serde_json::Value;

use crate::world::*;

/// A world, on several threads as the importer demands, with the real export of September 2023 and a worker.
async fn world() -> World {
    world_with(|_| {}).await
}

async fn world_with(change: impl FnOnce(&mut lazurite_server::Overrides)) -> World {
    let world = World::start_with(|settings| {
        settings.workers = Some(1);
        settings.clock = Some("latest-held".into());
        change(settings);
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

/// The text of an answer that was sent in a coding.
fn decoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match coding {
        "gzip" => _ = flate2::read::MultiGzDecoder::new(body).read_to_end(&mut text).unwrap(),
        "zstd" => text = zstd::stream::decode_all(body).unwrap(),
        _ => panic!("{coding}"),
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_compressed_for_those_who_accept_it() {
    let world = world().await;
    let result = world.answered(&own_scope(), VERSION, "{}").await;
    let link = result["manifest"]["blobs"][0]["blobLink"].as_str().unwrap().to_owned();
    let details = format!("/{}/providers/Microsoft.Consumption/usageDetails?api-version=2024-08-01", own_scope());
    let older = format!("/v3/enrollments/{OWN}/usagedetails/download?billingPeriod=202309");
    let url = |path: &str| format!("{}{path}", world.server.http_url);
    for url in [link.clone(), url(&details), url(&older)] {
        let ask = |accepted: &str| {
            world.client.get(&url).bearer_auth(&world.key).header("accept-encoding", accepted.to_owned()).send()
        };
        let plain = ask("identity").await.unwrap();
        assert_eq!((plain.status().as_u16(), header(&plain, "content-encoding")), (200, String::new()), "{url}");
        assert_eq!(header(&plain, "vary").to_ascii_lowercase(), "accept-encoding", "{url}");
        let text = plain.bytes().await.unwrap();
        for coding in ["gzip", "zstd"] {
            let answer = ask(&format!("br, {coding};q=0.5")).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(header(&answer, "content-encoding"), coding, "{url}");
            assert_eq!(header(&answer, "vary").to_ascii_lowercase(), "accept-encoding");
            let tag = header(&answer, "etag");
            let body = answer.bytes().await.unwrap();
            assert!(body.len() < text.len(), "{url}");
            assert_eq!(decoded(coding, &body), text, "{url}");
            if !tag.is_empty() {
                let known = world.client.get(&url).bearer_auth(&world.key).header("accept-encoding", coding);
                let known = known.header("if-none-match", &tag).send().await.unwrap();
                assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0), "{url}");
            }
        }
    }
    // A range is one of the text.
    let range = world.client.get(&link).header("accept-encoding", "zstd").header("range", "bytes=3-9").send();
    let range = range.await.unwrap();
    assert_eq!((range.status().as_u16(), header(&range, "content-encoding")), (206, String::new()));
    assert_eq!(&range.bytes().await.unwrap()[..], b"Invoice");
    // Who asks for the length alone gets that of the text, and who cannot tell where a body ends gets no frames.
    let head = world.client.head(&link).header("accept-encoding", "zstd").send().await.unwrap();
    let bytes = result["manifest"]["blobs"][0]["byteCount"].to_string();
    assert_eq!((header(&head, "content-encoding"), header(&head, "content-length")), (String::new(), bytes));
    let old = world.client.get(&link).version(reqwest::Version::HTTP_10).header("accept-encoding", "zstd");
    assert_eq!(header(&old.send().await.unwrap(), "content-encoding"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_not_compressed_where_that_is_turned_off() {
    let world = world_with(|settings| settings.compress = Some(false)).await;
    let result = world.answered(&own_scope(), VERSION, "{}").await;
    let link = result["manifest"]["blobs"][0]["blobLink"].as_str().unwrap().to_owned();
    let details = format!("/{}/providers/Microsoft.Consumption/usageDetails?api-version=2024-08-01", own_scope());
    for url in [link, format!("{}{details}", world.server.http_url)] {
        let answer = world.client.get(&url).bearer_auth(&world.key).header("accept-encoding", "gzip, zstd");
        let answer = answer.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), header(&answer, "content-encoding")), (200, String::new()), "{url}");
    }
}
