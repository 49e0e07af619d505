//! What the log says about requests, and what it must not say.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use reqwest::{Method, StatusCode};

use crate::world::*;

/// A log that the test reads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log of all tests of this process: which thread logs what is left to the runtimes.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}

#[tokio::test]
async fn a_request_is_one_line_without_links_and_keys() {
    let log = log();
    let world = World::start().await;
    let answer = world.order("{}").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let id = header(&answer, "x-ms-request-id");
    let secret = world.catalog.secret("report-links", b"").await.unwrap();
    let query = reports::LinkSigner::new(secret).query("job", "part.csv", i64::MAX);
    let signature = query.split_once("sig=").unwrap().1;
    let gone = world.ask(Method::GET, &format!("/reports/job/part.csv?{query}")).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request = |id: &str| lines.iter().filter(|line| line["fields"]["request.id"] == id).count();
    assert_eq!(of_request(&id), 1);
    let line = lines.iter().find(|line| line["fields"]["request.id"] == id.as_str()).unwrap();
    let fields = &line["fields"];
    assert_eq!((&fields["http.method"], &fields["http.status"]), (&"POST".into(), &202.into()));
    assert_eq!(fields["http.route"], "generateCostDetailsReport");
    assert!(fields["duration_us"].is_u64());
    assert_eq!(line["level"], "INFO");
    for secret in [world.key.as_str(), signature, "part.csv?"] {
        assert!(!text.contains(secret), "{secret}");
    }
}
