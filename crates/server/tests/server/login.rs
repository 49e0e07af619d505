//! What clients read before they log in: cloud metadata and OpenID configurations. All of it is public.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::*;

async fn read(world: &World, path: &str) -> Value {
    let answer = world.ask(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    assert_eq!(header(&answer, "content-type"), "application/json; charset=utf-8");
    let text = answer.text().await.unwrap();
    for secret in [OWN, OTHER, OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION] {
        assert!(!text.contains(secret), "{path} tells of {secret}");
    }
    serde_json::from_str(&text).unwrap()
}

/// The tenant of the store, as anybody can learn it.
async fn tenant(world: &World) -> String {
    let configuration = read(world, "/.well-known/openid-configuration").await;
    let issuer = configuration["issuer"].as_str().unwrap().to_owned();
    let tenant = issuer.strip_prefix(&format!("{}/", world.server.http_url)).unwrap();
    tenant.strip_suffix("/v2.0").unwrap().to_owned()
}

#[tokio::test]
async fn the_metadata_are_one_cloud_or_a_list_by_version() {
    let world = World::start().await;
    let server = world.server.http_url.clone();
    let expected = json!({
        "name": "Lazurite",
        "resourceManager": server,
        "portal": server,
        "authentication": {
            "loginEndpoint": server,
            "audiences": [format!("{server}/")],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": server,
        "graphAudience": server,
        "media": server,
        "batch": server,
        "gallery": server,
        "sqlManagement": server,
        "vmImageAliasDoc": server,
        "activeDirectoryDataLake": server,
        "suffixes": { "storage": "127.0.0.1", "keyVaultDns": "127.0.0.1", "sqlServerHostname": "127.0.0.1" },
    });
    let at = async |version: &str| read(&world, &format!("/metadata/endpoints?api-version={version}")).await;
    for version in ["2022-09-01", "2024-01-01-preview"] {
        assert_eq!(at(version).await, expected, "{version}");
    }
    for version in ["2018-05-01", "2019-05-01", "2020-06-01"] {
        assert_eq!(at(version).await, json!([expected]), "{version}");
    }
    let old = json!({
        "galleryEndpoint": server,
        "graphEndpoint": server,
        "portalEndpoint": server,
        "authentication": { "loginEndpoint": server, "audiences": [format!("{server}/")] },
    });
    assert_eq!(at("2015-01-01").await, old);
    for path in ["//metadata/endpoints", "/Metadata/Endpoints/"] {
        assert_eq!(read(&world, &format!("{path}?api-version=2022-09-01")).await, expected, "{path}");
    }
    for (query, code) in [
        ("", "MissingApiVersionParameter"),
        ("api-version=x", "InvalidApiVersionParameter"),
        ("api-version=2014-12-31", "InvalidApiVersionParameter"),
    ] {
        let answer = world.ask(Method::GET, &format!("/metadata/endpoints?{query}")).send().await.unwrap();
        let (status, found, _) = error_of(answer).await;
        assert_eq!((status, found.as_str()), (400, code), "{query}");
    }
}

#[tokio::test]
async fn the_configuration_names_endpoints_of_a_tenant_that_works() {
    let world = World::start().await;
    let server = world.server.http_url.clone();
    let store = tenant(&world).await;
    let check = async |path: &str, own: &str, oauth: &str, issuer: &str| {
        let expected = json!({
            "token_endpoint": format!("{server}/{own}/{oauth}/token"),
            "authorization_endpoint": format!("{server}/{own}/{oauth}/authorize"),
            "issuer": format!("{server}/{issuer}"),
            "jwks_uri": format!("{server}/{own}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        assert_eq!(read(&world, path).await, expected, "{path}");
        let keys = read(&world, &format!("/{own}/discovery/v2.0/keys")).await;
        assert_eq!(keys, json!({ "keys": [] }));
    };
    let (v1, v2, issuer) = ("oauth2", "oauth2/v2.0", format!("{store}/v2.0"));
    for path in [
        "/.well-known/openid-configuration".to_owned(),
        format!("/{store}/v2.0/.well-known/openid-configuration"),
        "//contoso.example/v2.0/.well-known/openid-configuration".to_owned(),
        "/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/.well-known/openid-configuration?client-request-id=1".to_owned(),
    ] {
        check(&path, &store, v2, &issuer).await;
    }
    check("/contoso.example/.well-known/openid-configuration", &store, v1, &store).await;
    for path in ["/adfs/.well-known/openid-configuration", "/ADFS/v2.0/.well-known/openid-configuration"] {
        check(path, "adfs", v1, "adfs").await;
    }
    // A logout of az reads this one.
    check("/organizations/v2.0/.well-known/openid-configuration", "organizations", v2, &issuer).await;
    check("/common/.well-known/openid-configuration", "common", v1, &store).await;
}

#[tokio::test]
async fn every_address_is_that_under_which_the_client_asks() {
    let world = World::start().await;
    let port = world.server.https_url.rsplit_once(':').unwrap().1.to_owned();
    for host in ["localhost", "127.0.0.1"] {
        let server = format!("https://{host}:{port}");
        for (path, member) in [
            ("/metadata/endpoints?api-version=2022-09-01", "/authentication/loginEndpoint"),
            ("/x/v2.0/.well-known/openid-configuration", "/token_endpoint"),
        ] {
            let answer: Value = world.client.get(format!("{server}{path}")).send().await.unwrap().json().await.unwrap();
            let found = answer.pointer(member).unwrap().as_str().unwrap();
            assert!(found.starts_with(&server), "{found}");
        }
    }
    let world = World::start_with(|settings| settings.public_url = Some("https://ea.example:8443/".into())).await;
    let cloud = read(&world, "/metadata/endpoints?api-version=2022-09-01").await;
    assert_eq!(cloud["resourceManager"], "https://ea.example:8443");
    assert_eq!(cloud["suffixes"]["storage"], "ea.example");
}

#[tokio::test]
async fn the_challenge_names_the_tenant() {
    let world = World::start().await;
    let answer = world.ask(Method::GET, "/subscriptions?api-version=2022-12-01").send().await.unwrap();
    let challenge = header(&answer, "www-authenticate");
    let store = tenant(&world).await;
    let expected = format!("Bearer authorization_uri=\"{}/{store}\", ", world.server.http_url);
    assert!(challenge.starts_with(&expected), "{challenge}");
}

#[tokio::test]
async fn what_is_no_tenant_and_no_get_is_refused() {
    let world = World::start().await;
    for tenant in ["a_b", "a%20b", "%3Cscript%3E", "t%C3%A4", &"x".repeat(254)] {
        for path in ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"] {
            let answer = world.ask(Method::GET, &format!("/{tenant}/{path}")).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{tenant}");
            let body: Value = answer.json().await.unwrap();
            assert_eq!((&body["error"], &body["error_codes"]), (&json!("invalid_tenant"), &json!([90002])));
        }
    }
    for (path, allowed) in [
        ("/metadata/endpoints?api-version=2022-09-01", "GET"),
        ("/.well-known/openid-configuration", "GET"),
        ("/x/.well-known/openid-configuration", "GET"),
        ("/x/v2.0/.well-known/openid-configuration", "GET"),
        ("/x/discovery/v2.0/keys", "GET"),
        ("/x/oauth2/token", "POST"),
        ("/x/oauth2/v2.0/token", "POST"),
        ("/subscriptions?api-version=2022-12-01", "GET"),
        ("/tenants?api-version=2022-12-01", "GET"),
    ] {
        for method in [Method::HEAD, Method::PUT, if allowed == "GET" { Method::POST } else { Method::GET }] {
            let answer = world.ask(method.clone(), path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(header(&answer, "allow"), allowed);
        }
    }
}
