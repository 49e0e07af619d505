//! Files of reports, read by signed links.

use catalog::FinishedJob;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::*;

const CONTENT: &str = "\u{feff}Date,CostInBillingCurrency\r\n2023-09-01,1.50\r\n";

/// A finished report with one blob, and the link to it.
async fn link(world: &World) -> String {
    let location = world.ordered(&own_scope(), "{}").await;
    let blob = json!([{ "job": "job", "name": "part_1_0000.csv", "bytes": CONTENT.len() }]);
    world.finish(&FinishedJob::Completed(blob.to_string())).await;
    std::fs::write(world.blob_path("job", "part_1_0000.csv"), CONTENT).unwrap();
    let result: Value = world.ask_with_key(Method::GET, &location).send().await.unwrap().json().await.unwrap();
    let link = result["manifest"]["blobs"][0]["blobLink"].as_str().unwrap();
    link.strip_prefix(&world.server.http_url).unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_read_without_credential() {
    let world = World::start().await;
    let link = link(&world).await;
    let answer = world.ask(Method::GET, &link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), "text/csv");
    assert_eq!(header(&answer, "content-length"), CONTENT.len().to_string());
    assert_eq!(header(&answer, "x-ms-request-id").len(), 36);
    assert_eq!(answer.bytes().await.unwrap(), CONTENT);

    let head = world.ask(Method::HEAD, &link).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(header(&head, "content-length"), CONTENT.len().to_string());
}

#[tokio::test]
async fn a_large_blob_arrives_whole() {
    let world = World::start().await;
    let link = link(&world).await;
    let content = vec![b'x'; (20 << 20) + 7];
    std::fs::write(world.blob_path("job", "part_1_0000.csv"), &content).unwrap();
    let received = world.ask(Method::GET, &link).send().await.unwrap().bytes().await.unwrap();
    assert!(received == content);
}

#[tokio::test]
async fn altered_and_expired_links_are_refused() {
    let world = World::start().await;
    let link = link(&world).await;
    let refused = async |link: &str| {
        let (status, code, message) = error_of(world.ask(Method::GET, link).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (403, "AuthenticationFailed"), "{link}");
        message
    };
    let expiry = link.split_once("se=").unwrap().1.split_once('&').unwrap().0;
    let later = (expiry.parse::<i64>().unwrap() + 1).to_string();
    for (from, to) in [
        ("part_1_0000.csv", "part_1_0001.csv"),
        ("/reports/job/", "/reports/other/"),
        ("sp=r", "sp=rw"),
        ("sr=b", "sr=c"),
        ("sv=2", "sv=1"),
        ("sig=", "sig=x"),
        ("&sig=", "&sigh="),
        (expiry, later.as_str()),
        (expiry, "x"),
    ] {
        assert!(link.contains(from));
        let message = refused(&link.replace(from, to)).await;
        assert!(message.contains("altered"), "{message}");
    }
    let secret = world.catalog.secret("report-links", b"").await.unwrap();
    let query = reports::LinkSigner::new(secret).query("job", "part_1_0000.csv", now_ms() / 1000);
    let message = refused(&format!("/reports/job/part_1_0000.csv?{query}")).await;
    assert!(message.contains("expired"), "{message}");
}

#[tokio::test]
async fn a_blob_that_is_gone_is_not_found_and_parameters_are_given_once() {
    let world = World::start().await;
    let link = link(&world).await;
    let (status, code, _) = error_of(world.ask(Method::GET, &format!("{link}&SE=1")).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (400, "BadRequest"));
    std::fs::remove_file(world.blob_path("job", "part_1_0000.csv")).unwrap();
    let (status, code, _) = error_of(world.ask(Method::GET, &link).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "BlobNotFound"));
}

#[tokio::test]
async fn ranges_of_a_blob_are_its_bytes_and_a_known_blob_is_not_sent_again() {
    let world = World::start().await;
    let link = link(&world).await;
    let get = async |headers: &[(&str, &str)]| {
        let mut request = world.ask(Method::GET, &link);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    let whole = get(&[]).await;
    let tag = header(&whole, "etag").to_owned();
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    let length = CONTENT.len();
    for name in ["range", "x-ms-range"] {
        let part = get(&[(name, "bytes=10-29")]).await;
        assert_eq!((part.status(), part.content_length()), (StatusCode::PARTIAL_CONTENT, Some(20)));
        assert_eq!(header(&part, "content-range"), format!("bytes 10-29/{length}"));
        assert_eq!(part.bytes().await.unwrap(), CONTENT.as_bytes()[10..30]);
    }
    let end = get(&[("range", "bytes=-5"), ("if-range", &tag)]).await;
    assert_eq!(end.bytes().await.unwrap(), CONTENT.as_bytes()[length - 5..]);
    let other = get(&[("range", "bytes=-5"), ("if-range", "\"other\"")]).await;
    assert_eq!(other.status(), StatusCode::OK);
    assert_eq!(other.bytes().await.unwrap(), CONTENT);
    let beyond = get(&[("range", &format!("bytes={length}-"))]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&beyond, "content-range"), format!("bytes */{length}"));
    assert_eq!(get(&[("if-none-match", &tag)]).await.status(), StatusCode::NOT_MODIFIED);
}
