//! When keys are fetched, from where, and for how long they serve.

use rustls::pki_types::CertificateDer;

use super::*;

#[tokio::test]
async fn a_new_key_is_accepted_after_one_more_fetch_and_a_withdrawn_one_is_not() {
    let (provider, issuers, old) = usual().await;
    let new = Signer::new(Algorithm::RS256);
    let (old_token, new_token) = (old.sign(Some("k1"), &provider.claims()), new.sign(Some("k2"), &provider.claims()));
    assert!(issuers.verify(&old_token, NOW_MS).await.is_ok());
    provider.hold(&[old.jwk("k1"), new.jwk("k2")]);
    assert!(issuers.clone().verify(&new_token, NOW_MS + 30_000).await.is_ok());
    assert!(issuers.verify(&old_token, NOW_MS + 30_000).await.is_ok());
    assert_eq!(provider.key_reads(), 2);

    provider.hold(&[new.jwk("k2")]);
    assert!(issuers.verify(&old_token, NOW_MS + 30_000 + HOUR_MS - 1).await.is_ok());
    assert_eq!(issuers.verify(&old_token, NOW_MS + 30_000 + HOUR_MS).await, Err(NO_SUCH_KEY));
    assert!(issuers.verify(&new_token, NOW_MS + 30_000 + HOUR_MS).await.is_ok());
    assert_eq!(provider.key_reads(), 3);
}

#[tokio::test]
async fn a_storm_of_unknown_keys_fetches_once_in_thirty_seconds() {
    let (provider, issuers, signer) = usual().await;
    let storm = async |now_ms: i64| {
        let mut tokens = tokio::task::JoinSet::new();
        for index in 0..50 {
            let token = signer.sign(Some(&format!("unknown-{index}")), &provider.claims());
            let issuers = issuers.clone();
            tokens.spawn(async move { issuers.verify(&token, now_ms).await });
        }
        for refusal in tokens.join_all().await {
            assert_eq!(refusal, Err(NO_SUCH_KEY));
        }
        (provider.discovery_reads(), provider.key_reads())
    };
    assert_eq!(storm(NOW_MS).await, (1, 1));
    assert_eq!(storm(NOW_MS + 29_999).await, (1, 1));
    assert_eq!(storm(NOW_MS + 30_000).await, (2, 2));
    assert_eq!(storm(NOW_MS + 59_999).await, (2, 2));
    assert_eq!(storm(NOW_MS + 60_000).await, (3, 3));
    // After a jump of the clock nothing waits for the old time to come back.
    assert_eq!(storm(NOW_MS).await, (4, 4));
}

#[tokio::test]
async fn concurrent_first_tokens_share_one_fetch() {
    let (provider, issuers, signer) = usual().await;
    let mut tokens = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (issuers, token) = (issuers.clone(), signer.sign(Some("k1"), &provider.claims()));
        tokens.spawn(async move { issuers.verify(&token, NOW_MS).await });
    }
    assert!(tokens.join_all().await.iter().all(Result::is_ok));
    assert_eq!((provider.discovery_reads(), provider.key_reads()), (1, 1));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_end_the_fetch() {
    let (provider, issuers, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    {
        let mut verifying = Box::pin(issuers.verify(&token, NOW_MS));
        let waker = std::task::Waker::noop();
        assert!(verifying.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    assert!(issuers.verify(&token, NOW_MS).await.is_ok());
    assert_eq!(provider.key_reads(), 1);
}

#[tokio::test]
async fn old_keys_serve_while_another_request_waits_for_new_ones() {
    let (provider, issuers, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    assert!(issuers.verify(&token, NOW_MS).await.is_ok());
    let gate = provider.shared.gate.lock().await;
    let (waiting_issuers, waiting_token) = (issuers.clone(), token.clone());
    let waiting = tokio::spawn(async move { waiting_issuers.verify(&waiting_token, NOW_MS + HOUR_MS).await });
    while provider.discovery_reads() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(issuers.verify(&token, NOW_MS + HOUR_MS).await.is_ok());
    assert!(!waiting.is_finished());
    drop(gate);
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(provider.key_reads(), 2);
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_makes_its_tokens_unavailable() {
    let (mut provider, _, signer) = usual().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    provider.issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let token = signer.sign(Some("k1"), &provider.claims());
    let issuers = provider.issuers();
    assert_eq!(issuers.verify(&token, NOW_MS).await, unavailable(&provider));
    assert_eq!(issuers.verify(&token, NOW_MS + 1).await, unavailable(&provider));
}

#[tokio::test]
async fn an_issuer_that_comes_up_late_is_asked_again_after_thirty_seconds() {
    let (provider, issuers, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    provider.change(|answers| answers.is_down = true);
    assert_eq!(issuers.verify(&token, NOW_MS).await, unavailable(&provider));
    provider.change(|answers| answers.is_down = false);
    assert_eq!(issuers.verify(&token, NOW_MS + 29_999).await, unavailable(&provider));
    assert_eq!(provider.discovery_reads(), 1);
    assert!(issuers.verify(&token, NOW_MS + 30_000).await.is_ok());
}

#[tokio::test]
async fn cached_keys_serve_for_a_day_while_the_issuer_is_down() {
    let (provider, issuers, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    assert!(issuers.verify(&token, NOW_MS).await.is_ok());
    provider.change(|answers| answers.is_down = true);
    assert!(issuers.verify(&token, NOW_MS + HOUR_MS - 1).await.is_ok());
    assert_eq!(provider.discovery_reads(), 1);
    for (now_ms, reads) in [(HOUR_MS, 2), (HOUR_MS + 29_999, 2), (HOUR_MS + 30_000, 3), (DAY_MS - 1, 4)] {
        assert!(issuers.verify(&token, NOW_MS + now_ms).await.is_ok());
        assert_eq!(provider.discovery_reads(), reads);
    }
    let unknown = signer.sign(Some("k2"), &provider.claims());
    assert_eq!(issuers.verify(&unknown, NOW_MS + DAY_MS - 1).await, Err(NO_SUCH_KEY));
    assert_eq!(issuers.verify(&token, NOW_MS + DAY_MS).await, unavailable(&provider));
    provider.change(|answers| answers.is_down = false);
    assert!(issuers.verify(&token, NOW_MS + DAY_MS + 30_000).await.is_ok());
}

#[tokio::test]
async fn documents_that_cannot_be_believed_are_not() {
    let (provider, _, signer) = usual().await;
    let token = signer.sign(Some("k1"), &provider.claims());
    let good_keys = json!({ "keys": [signer.jwk("k1")] }).to_string();
    let spaces = |count: usize| " ".repeat(count);
    let refuses = async || provider.issuers().verify(&token, NOW_MS).await == unavailable(&provider);

    provider.describe(&format!("{}/", provider.issuer), &format!("{}/keys", provider.issuer));
    assert!(refuses().await, "another issuer");
    provider.describe(&provider.issuer, &format!("{}/keys", off_loopback(&provider.issuer)));
    assert!(refuses().await, "keys without tls");
    provider.change(|answers| answers.discovery = "<html>".to_owned());
    assert!(refuses().await, "no document");
    assert_eq!(provider.key_reads(), 0);

    provider.describe(&provider.issuer, &format!("{}/keys", provider.issuer));
    provider.change(|answers| answers.discovery.push_str(&spaces(1 << 20)));
    assert!(refuses().await, "a discovery document that is too long");
    provider.describe(&provider.issuer, &format!("{}/keys", provider.issuer));
    provider.change(|answers| answers.keys = format!("{good_keys}{}", spaces((1 << 20) - good_keys.len() + 1)));
    assert!(refuses().await, "keys that are too long");
    assert_eq!(provider.key_reads(), 1);
    provider.change(|answers| answers.keys = format!("{good_keys}{}", spaces((1 << 20) - good_keys.len())));
    assert!(!refuses().await, "the longest keys");
}

#[tokio::test]
async fn redirects_are_followed_only_to_places_that_can_be_believed() {
    let (provider, _, signer) = usual().await;
    let origin = provider.issuer.trim_end_matches("/realm").to_owned();
    let token = signer.sign(Some("k1"), &provider.claims());
    let discovery = provider.shared.answers.lock().unwrap().discovery.clone();
    for (location, is_good) in [
        (format!("{origin}/moved"), true),
        (format!("{}/moved", off_loopback(&origin)), false),
        (format!("{origin}/again"), false),
    ] {
        // At `/moved` there is one document with everything.
        let mut all: Value = serde_json::from_str(&discovery).unwrap();
        all["keys"] = json!([signer.jwk("k1")]);
        provider.change(|answers| {
            answers.redirect = Some(location.clone());
            answers.keys = all.to_string();
        });
        assert_eq!(provider.issuers().verify(&token, NOW_MS).await.is_ok(), is_good, "{location}");
    }
}

#[tokio::test]
async fn an_authority_of_the_owner_is_trusted_beside_those_of_the_system() {
    let (provider, document) = tls_provider(|document| format!("200 OK\r\nContent-Length: {}", document.len())).await;
    let token = Signer::new(Algorithm::ES256).sign(Some("k1"), &provider.claims());
    assert_eq!(provider.issuers().verify(&token, NOW_MS).await, unavailable(&provider));
    assert_eq!(trusting(&provider).verify(&token, NOW_MS).await.unwrap().subject, "ann");
    assert!(document.contains(&provider.issuer));
}

#[tokio::test]
async fn a_redirect_never_leaves_tls() {
    let plain = Provider::start(&[]).await;
    let location = plain.issuer.clone();
    let (provider, document) = tls_provider(move |_| format!("302 Found\r\nLocation: {location}/moved")).await;
    plain.change(|answers| answers.keys = document);
    let token = Signer::new(Algorithm::ES256).sign(Some("k1"), &provider.claims());
    assert_eq!(trusting(&provider).verify(&token, NOW_MS).await, unavailable(&provider));
    assert_eq!(plain.key_reads(), 0);
}

fn trusting(provider: &Provider) -> Issuers {
    let ca = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ca.pem");
    issuers(IssuerSettings { ca: Some(ca), ..provider.settings() })
}

/// An issuer with TLS: it answers every request with one document of everything, below a given head.
async fn tls_provider(head: impl FnOnce(&str) -> String) -> (Provider, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://{}", listener.local_addr().unwrap());
    let keys = [Signer::new(Algorithm::ES256).jwk("k1")];
    let document = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys"), "keys": keys }).to_string();
    let answer = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n{document}", head(&document));
    std::thread::spawn(move || serve_tls(&listener, answer.as_bytes()));
    (Provider { issuer, shared: Arc::default() }, document)
}

/// Serves for as long as the tests run.
fn serve_tls(listener: &std::net::TcpListener, answer: &[u8]) {
    use std::io::{Read, Write};

    let certificate = CertificateDer::from_pem_slice(include_bytes!("../../../tests/data/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/data/server.key")).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into());
    let config = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    for stream in listener.incoming() {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
        // A client that does not trust the certificate hangs up here.
        if stream.read(&mut [0; 4096]).is_ok() {
            stream.write_all(answer).unwrap();
            stream.conn.send_close_notify();
            _ = stream.flush();
        }
    }
}
