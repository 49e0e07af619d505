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

#[tokio::test]
async fn logins_leave_neither_secret_nor_token_in_the_log() {
    let log = log();
    let world = World::start().await;
    let client_id = world.key_id().await;
    let wrong = format!("{}x", world.key);
    let form = [("grant_type", "client_credentials"), ("client_id", &client_id), ("scope", "https://x/.default")];
    let path = "/contoso/oauth2/v2.0/token";
    let good = world.post_form(path, &[&form[..], &[("client_secret", &world.key)]].concat());
    let good = good.send().await.unwrap();
    assert_eq!(good.status(), StatusCode::OK);
    let id = header(&good, "x-ms-request-id");
    let token: serde_json::Value = good.json().await.unwrap();
    // Right and wrong secrets in every place, the query and the client id included.
    let query = format!("{path}?client_secret={}", world.key);
    for request in [
        world.post_form(path, &[&form[..], &[("client_secret", &wrong)]].concat()),
        world.post_form(path, &form).basic_auth(&client_id, Some(&wrong)),
        world.post_form(path, &form).bearer_auth(&world.key),
        world.post_form(path, &[("grant_type", "password"), ("password", &world.key)]),
        world.post_form(path, &[("grant_type", "client_credentials"), ("client_id", &world.key)]),
        world.post_form(&query, &form),
    ] {
        let status = request.send().await.unwrap().status().as_u16();
        assert!(matches!(status, 400 | 401), "{status}");
    }
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains(&id), "the log is not this one");
    for secret in [world.key.as_str(), token["access_token"].as_str().unwrap(), "contoso"] {
        assert!(!text.contains(secret), "{secret}");
    }

    let data = world.data().to_owned();
    let World { server, folder: _folder, key, .. } = world;
    server.shutdown().await;
    let catalog = catalog::Catalog::open(&data).await.unwrap();
    let filter = catalog::AuditFilter { limit: 100, ..catalog::AuditFilter::default() };
    let refused = catalog.audit(&filter).await.unwrap();
    assert!(!format!("{refused:?}").contains(&key));
    let refused: Vec<_> = refused.iter().filter(|entry| entry.action == "refused").collect();
    assert_eq!(refused.iter().map(|entry| entry.times).sum::<u64>(), 5, "{refused:?}");
    for entry in refused {
        assert_eq!((entry.actor.as_str(), entry.target.as_str()), ("nobody", ""));
        assert_eq!(entry.detail, "invalid_client at token");
    }
}
