//! What the log says about requests, and what neither log, metrics nor error bodies may say.

use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::log::Log;
use crate::world::*;

#[tokio::test]
async fn a_request_is_one_line_that_says_who_asked_for_what() {
    let log = Log::start();
    let world = World::start().await;
    let answer = world.order("{}").await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let id = header(&answer, "x-ms-request-id");
    let [line] = log.of_request(&id).try_into().unwrap();
    let fields = &line["fields"];
    assert_eq!((&fields["http.method"], &fields["http.status"]), (&"POST".into(), &202.into()));
    assert_eq!(fields["http.route"], "generateCostDetailsReport");
    assert!(fields["duration_us"].as_u64().unwrap() <= fields["sent_us"].as_u64().unwrap());
    assert_eq!((&fields["bytes"], &fields["complete"]), (&0.into(), &true.into()));
    let keys = world.catalog.keys().await.unwrap();
    assert_eq!(fields["caller.id"], keys[0].id.as_str());
    assert_eq!(line["level"], "INFO");

    // The caller of a refused request is known, a stranger is nobody.
    let other = format!("providers/Microsoft.Billing/billingAccounts/{OTHER}");
    let refused = world.order_at(&other, VERSION, "{}").await;
    let id = header(&refused, "x-ms-request-id");
    let bytes = refused.text().await.unwrap().len();
    let [line] = log.of_request(&id).try_into().unwrap();
    assert_eq!(line["fields"]["caller.id"], keys[0].id.as_str());
    assert_eq!((&line["fields"]["bytes"], &line["fields"]["http.status"]), (&bytes.into(), &403.into()));
    let stranger = world.ask(Method::POST, &create_path(&own_scope(), VERSION)).bearer_auth("x").send().await.unwrap();
    let [line] = log.of_request(&header(&stranger, "x-ms-request-id")).try_into().unwrap();
    assert!(line["fields"].get("caller.id").is_none(), "{line}");

    // Supervisors ask every few seconds.
    let probe = world.ask(Method::GET, "/healthz").send().await.unwrap();
    let [line] = log.of_request(&header(&probe, "x-ms-request-id")).try_into().unwrap();
    assert_eq!(line["level"], "DEBUG");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_says_so() {
    let log = Log::start();
    let world = World::start().await;
    let content = vec![b'x'; 64 << 20];
    std::fs::write(world.blob_path("job", "part.csv"), content).unwrap();
    let secret = world.catalog.secret("report-links", b"").await.unwrap();
    let query = reports::LinkSigner::new(secret).query("job", "part.csv", i64::MAX);
    let answer = world.ask(Method::GET, &format!("/reports/job/part.csv?{query}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let id = header(&answer, "x-ms-request-id");
    drop(answer);
    log.wait_for(&format!("\"complete\":false,\"request.id\":\"{id}\"")).await;
    let [line] = log.of_request(&id).try_into().unwrap();
    assert!(line["fields"]["bytes"].as_u64().unwrap() < 64 << 20);
    assert!(line["fields"]["message"].as_str().unwrap().ends_with("cut off"), "{line}");
}

/// Requests with a secret in every place that a caller can put one.
fn leaks(world: &World, secret: &str) -> Vec<RequestBuilder> {
    let order = create_path(&own_scope(), VERSION);
    let mut requests = Vec::new();
    for path in [
        format!("/{secret}"),
        format!("/metrics/{secret}"),
        format!("/reports/{secret}/{secret}?sig={secret}&se={secret}"),
        format!("/reports/job/part.csv?sv=1&sr=b&sp=r&se=1&sig={secret}"),
        format!("/subscriptions/{secret}/providers/Microsoft.CostManagement/generateCostDetailsReport?{VERSION}"),
        format!("/{secret}/providers/Microsoft.CostManagement/generateCostDetailsReport?{VERSION}"),
        format!("/subscriptions/{OWN_SUBSCRIPTION}/providers/{secret}/x?api-version={secret}"),
        create_path(&format!("providers/Microsoft.Billing/billingAccounts/{secret}"), VERSION),
        create_path(&format!("providers/Microsoft.Billing/billingAccounts/{OWN}/departments/{secret}"), VERSION),
        create_path(&own_scope(), &format!("api-version={secret}")),
        create_path(&own_scope(), &format!("{VERSION}&key={secret}")),
        create_path(&own_scope(), &format!("{VERSION}&{secret}=1")),
        create_path(&own_scope(), &format!("{VERSION}&lazurite-layout={secret}")),
        create_path(&own_scope(), &format!("{VERSION}&lazurite-as-of={secret}")),
        create_path(&own_scope(), &format!("{VERSION}&{secret}=%zz")),
        format!("/{}/providers/Microsoft.CostManagement/costDetailsOperationResults/{secret}?{VERSION}", own_scope()),
    ] {
        for method in [Method::GET, Method::POST] {
            requests.push(world.ask_with_key(method, &path));
        }
        requests.push(world.ask(Method::GET, &path.replace('_', "%5F").replace('.', "%2E")));
    }
    for name in ["authorization", "cookie", "referer", "user-agent", "x-api-key", "content-type", "x-forwarded-host"] {
        requests.push(world.ask_with_key(Method::POST, &order).header(name, secret).body("{}"));
    }
    for scheme in ["Bearer", "Basic", "SharedKey"] {
        requests.push(world.ask(Method::POST, &order).header("authorization", format!("{scheme} {secret}x")));
    }
    for body in [
        secret.to_owned(),
        format!("\"{secret}\""),
        format!("{{\"{secret}\":1}}"),
        format!("{{\"metric\":\"{secret}\"}}"),
        format!("{{\"invoiceId\":\"{secret}\",\"billingPeriod\":\"{secret}\"}}"),
        format!("{{\"billingPeriod\":\"{secret}\"}}"),
        format!("{{\"timePeriod\":{{\"start\":\"{secret}\",\"end\":\"{secret}\"}}}}"),
    ] {
        requests.push(world.ask_with_key(Method::POST, &order).body(body));
    }
    requests.push(world.ask_with_key(Method::from_bytes(secret.as_bytes()).unwrap(), &order));
    requests.push(world.ask_with_key(Method::from_bytes(secret.as_bytes()).unwrap(), "/healthz"));
    requests
}

#[tokio::test]
async fn secrets_reach_neither_log_nor_metrics_nor_error_bodies_from_any_place() {
    let log = Log::start();
    let world = World::start().await;
    let own = ledger::EnrollmentId::parse(OWN).unwrap();
    let expired = access::issue_key(&world.catalog, &reader_of(own), "test", 0).await.unwrap().key.reveal().to_owned();
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lb25lIn0.c2lnbmF0dXJlLW9mLXNvbWVvbmU".to_owned();
    let mut asked = 0;
    for secret in [&world.key, &expired, &token] {
        for request in leaks(&world, secret) {
            let answer = request.send().await.unwrap();
            let (status, url) = (answer.status(), answer.url().clone());
            let body = answer.text().await.unwrap();
            // An order that is accepted gives the caller back what it wrote, with its report.
            assert!(status == StatusCode::ACCEPTED || status.is_client_error(), "{url}: {status} {body}");
            for part in [secret, &secret[4..]] {
                assert!(!body.contains(part), "{url}: {body}");
            }
            asked += 1;
        }
    }

    let signer = reports::LinkSigner::new(world.catalog.secret("report-links", b"").await.unwrap());
    let mut signatures = Vec::new();
    for (expires_at_s, change) in [(i64::MAX, ""), (1, ""), (i64::MAX, "x")] {
        let query = signer.query("job", "gone.csv", expires_at_s);
        signatures.push(query.split_once("sig=").unwrap().1.to_owned());
        for path in ["/reports/job/gone.csv", "/reports/job", "/healthz", "/nowhere"] {
            let answer = world.ask(Method::GET, &format!("{path}?{query}{change}")).send().await.unwrap();
            let body = answer.text().await.unwrap();
            assert!(!signatures.iter().any(|signature| body.contains(signature)), "{body}");
            asked += 1;
        }
    }

    // What is no request at all.
    let address = world.server.http_url.strip_prefix("http://").unwrap();
    let key = &world.key;
    for garbage in
        [format!("{key}\r\n\r\n"), format!("GET /{key} HTTP/9.9\r\n\r\n"), format!("GET / HTTP/1.1\r\n{key}\r\n\r\n")]
    {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(garbage.as_bytes()).await.unwrap();
        let mut answer = String::new();
        _ = stream.read_to_string(&mut answer).await;
        assert!(!answer.contains(&key[4..]), "{answer}");
    }

    let metrics = world.ask(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let log = log.text();
    assert!(log.lines().count() >= asked && metrics.contains("method=\"other\""));
    let query_of_link = "sr=b&sp=r".to_owned();
    let secrets = [&world.key, &expired, &token].into_iter().chain(&signatures).chain([&query_of_link]);
    for secret in secrets {
        assert!(!log.contains(&secret[4..]), "{secret}");
        assert!(!metrics.contains(&secret[4..]), "{secret}");
    }
    for number in [OWN, OTHER, OWN_SUBSCRIPTION] {
        assert!(!metrics.contains(number), "{metrics}");
    }
}

#[tokio::test]
async fn logins_leave_neither_secret_nor_token_in_the_log() {
    let log = Log::start();
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
    log.wait_for(&id).await;
    let text = log.text();
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
