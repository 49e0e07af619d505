//! What a scrape tells.

use std::collections::BTreeSet;

use catalog::FinishedJob;
use lazurite_server::{Server, Settings};
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::*;

async fn scrape(world: &World) -> String {
    let answer = world.ask(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.text().await.unwrap()
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

/// The lines about the store, which every process over it tells alike.
fn of_store(text: &str) -> Vec<&str> {
    let families = ["reports", "report_duration_seconds_total", "imports_total", "enrollments", "revision"];
    let about = |line: &&str| {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        families.iter().any(|family| name.strip_prefix("lazurite_") == Some(*family))
    };
    let mut lines: Vec<&str> = text.lines().filter(about).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status() {
    let world = World::start().await;
    for _ in 0..2 {
        assert_eq!(world.order("{}").await.status(), StatusCode::ACCEPTED);
    }
    let unknown = world.ask(Method::DELETE, "/nowhere").send().await.unwrap().text().await.unwrap();
    world.ask(Method::HEAD, "/healthz").send().await.unwrap();
    let text = scrape(&world).await;
    for line in [
        r#"lazurite_http_requests_total{route="generateCostDetailsReport",method="POST",status="202"} 2"#,
        r#"lazurite_http_requests_total{route="unmatched",method="DELETE",status="404"} 1"#,
        r#"lazurite_http_requests_total{route="healthz",method="HEAD",status="200"} 1"#,
        r#"lazurite_http_request_duration_seconds_count{route="generateCostDetailsReport"} 2"#,
        r#"lazurite_http_request_duration_seconds_bucket{le="+Inf",route="generateCostDetailsReport"} 2"#,
        r#"lazurite_http_response_bytes_total{route="generateCostDetailsReport"} 0"#,
        &format!("lazurite_http_response_bytes_total{{route=\"unmatched\"}} {}", unknown.len()),
        // The scrape itself.
        "lazurite_http_requests_in_flight 1",
        "# TYPE lazurite_http_request_duration_seconds histogram",
        "# UNIT lazurite_http_request_duration_seconds seconds",
        &format!("lazurite_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        has(&text, line);
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn every_process_tells_the_same_about_the_store() {
    let world = World::start().await;
    let text = scrape(&world).await;
    for line in [
        "lazurite_imports_total 1",
        "lazurite_enrollments 2",
        "lazurite_revision 0",
        r#"lazurite_reports{state="queued"} 0"#,
        r#"lazurite_report_duration_seconds_total{state="failed"} 0.0"#,
    ] {
        has(&text, line);
    }
    for body in ["{}", "{\"billingPeriod\":202309}", "{\"metric\":\"AmortizedCost\"}", "{\"billingPeriod\":202308}"] {
        assert_eq!(world.order(body).await.status(), StatusCode::ACCEPTED);
    }
    world.finish(&FinishedJob::NoData).await;
    world.finish(&FinishedJob::Failed("x".into())).await;
    world.catalog.claim_job("another worker", now_ms(), i64::MAX).await.unwrap().unwrap();
    let text = scrape(&world).await;
    for (state, jobs) in [("queued", 1), ("running", 1), ("completed", 0), ("no_data", 1), ("failed", 1)] {
        has(&text, &format!("lazurite_reports{{state=\"{state}\"}} {jobs}"));
    }
    let other = Server::start(Settings::load(None, &overrides(world.data())).unwrap()).await.unwrap();
    let theirs = world.client.get(format!("{}/metrics", other.http_url)).send().await.unwrap().text().await.unwrap();
    assert_eq!(of_store(&theirs), of_store(&text));
    assert_eq!(of_store(&text).len(), 5 + 3 + 3);
}

#[tokio::test]
async fn labels_come_from_closed_sets() {
    let world = World::start().await;
    for path in ["/lazurite", "/reports/a/b", &create_path("subscriptions/x", VERSION), "/a%zz"] {
        for method in ["GET", "POST", "MKCOL", "get"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            world.ask_with_key(method, path).send().await.unwrap();
        }
    }
    let text = scrape(&world).await;
    let values = text.lines().filter(|line| line.starts_with("lazurite_http_requests_total{"));
    let values: BTreeSet<&str> = values.flat_map(|line| line.split('"').skip(1).step_by(2)).collect();
    let known = [
        "400",
        "401",
        "403",
        "404",
        "405",
        "GET",
        "POST",
        "generateCostDetailsReport",
        "other",
        "report blob",
        "unmatched",
    ];
    assert!(values.is_subset(&known.into()), "{values:?}");
}

#[tokio::test]
async fn metrics_are_read_only_and_can_be_left_out() {
    let world = World::start().await;
    assert_eq!(world.ask(Method::HEAD, "/Metrics/").send().await.unwrap().status(), StatusCode::OK);
    let answer = world.ask(Method::POST, "/metrics").send().await.unwrap();
    assert_eq!((answer.status(), header(&answer, "allow").as_str()), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    let world = World::start_with(|settings| settings.metrics = Some(false)).await;
    let (status, code, _) = error_of(world.ask(Method::GET, "/metrics").send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "NotFound"));
}

/// Asks over a connection of its own and leaves it open.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"# EOF\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_others_to_end() {
    let world = World::start_with(|settings| settings.connections_max = Some(2)).await;
    let address = world.server.http_url.strip_prefix("http://").unwrap().to_owned();
    let mut first = TcpStream::connect(&address).await.unwrap();
    let mut second = TcpStream::connect(&address).await.unwrap();
    has(&ask(&mut second).await, "lazurite_connections 2");
    let third = tokio::spawn(async move { ask(&mut TcpStream::connect(&address).await.unwrap()).await });
    // HTTPS counts too.
    let (client, url) = (world.client.clone(), format!("{}/healthz", world.server.https_url));
    let fourth = tokio::spawn(async move { client.get(url).send().await.unwrap().status() });
    for _ in 0..50 {
        has(&ask(&mut first).await, "lazurite_connections 2");
    }
    assert!(!third.is_finished() && !fourth.is_finished());
    drop(first);
    drop(second);
    third.await.unwrap();
    assert_eq!(fourth.await.unwrap(), StatusCode::OK);
}
