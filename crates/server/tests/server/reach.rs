//! Which addresses clients are given: HTTPS, forwarded headers, `public_url`.

use reqwest::{Method, StatusCode};

use crate::world::*;

#[tokio::test]
async fn https_is_trusted_with_the_authority_under_every_local_name() {
    let world = World::start_with(|settings| {
        settings.public_url = None;
        settings.tls_names = Some(vec!["box.example".into()]);
    })
    .await;
    let port = world.server.https_url.rsplit_once(':').unwrap().1.to_owned();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}{}", create_path(&own_scope(), VERSION));
        let answer = world.client.post(url).bearer_auth(&world.key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let location = header(&answer, "location");
        assert!(location.starts_with(&format!("https://{host}:{port}/")), "{location}");
    }
    let stranger = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    assert!(stranger.get(format!("{}/healthz", world.server.https_url)).send().await.is_err());
}

#[tokio::test]
async fn forwarded_headers_count_from_trusted_proxies_only() {
    let location = async |world: &World| {
        let request = world.ask_with_key(Method::POST, &create_path(&own_scope(), VERSION));
        let request = request.header("x-forwarded-proto", "https").header("x-forwarded-host", "billing.example");
        header(&request.send().await.unwrap(), "location")
    };
    let world = World::start().await;
    assert!(location(&world).await.starts_with(&world.server.http_url));
    let world = World::start_with(|settings| settings.trusted_proxies = Some(vec!["127.0.0.0/8".into()])).await;
    assert!(location(&world).await.starts_with("https://billing.example/providers/"));
    let world = World::start_with(|settings| settings.public_url = Some("https://ea.example/billing/".into())).await;
    assert!(location(&world).await.starts_with("https://ea.example/billing/providers/"));
}

#[tokio::test]
async fn a_host_that_cannot_stand_in_an_address_is_refused() {
    let world = World::start().await;
    let request = world.ask_with_key(Method::POST, &create_path(&own_scope(), VERSION)).header("host", "a\"b");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}
