//! Tokens for keys: asked for as every client asks, used for a report, refused in the words of the original.

use access::revoke_key;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::world::*;

const V2: &str = "/contoso.example/oauth2/v2.0/token";

/// A token request with these parameters after the grant.
fn request(world: &World, path: &str, parameters: &[(&str, &str)]) -> RequestBuilder {
    let form = [&[("grant_type", "client_credentials")], parameters].concat();
    world.post_form(path, &form)
}

/// The answer to a good request.
async fn granted(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    for (name, value) in [("cache-control", "no-store"), ("pragma", "no-cache")] {
        assert_eq!(header(&answer, name), value);
    }
    assert_eq!(header(&answer, "content-type"), "application/json; charset=utf-8");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// Status, error, number and description of a refusal.
async fn refused(request: RequestBuilder) -> (u16, String, Value, String) {
    let answer = request.send().await.unwrap();
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let (status, id) = (answer.status().as_u16(), header(&answer, "x-ms-request-id"));
    assert_eq!(header(&answer, "www-authenticate").starts_with("Basic "), status == 401);
    let body: Value = answer.json().await.unwrap();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    let expected = ["error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"];
    assert_eq!(members, expected);
    assert_eq!((&body["trace_id"], &body["correlation_id"]), (&json!(id), &json!(id)));
    assert_eq!(body["timestamp"].as_str().unwrap().len(), "2026-11-22 02:50:00Z".len());
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status, text("error"), body["error_codes"].clone(), text("error_description"))
}

#[tokio::test]
async fn a_token_for_a_key_orders_a_report_until_the_key_is_revoked() {
    let world = World::start().await;
    let id = world.key_id().await;
    let credentials = [("client_id", id.as_str()), ("client_secret", world.key.as_str())];
    let scope = ("scope", "https://management.azure.com/.default");
    let resource = ("resource", "https://management.core.windows.net/");

    let modern = granted(request(&world, V2, &[&credentials[..], &[scope]].concat())).await;
    assert_eq!((&modern["token_type"], &modern["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(modern.as_object().unwrap().len(), 4);
    let old = granted(request(&world, "/x/oauth2/token", &[&credentials[..], &[resource]].concat())).await;
    assert_eq!((&old["expires_in"], &old["resource"]), (&json!("3600"), &json!(resource.1)));
    let time = |name: &str| old[name].as_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(time("expires_on") - time("not_before"), 3600);
    // ADAL and MSAL at a server of one's own; a doubled slash; another case; the header instead of the body.
    for request in [
        request(&world, "/adfs/oauth2/token", &[&credentials[..], &[scope]].concat()),
        request(&world, "//x/oauth2/v2.0/token?client-request-id=1", &[&credentials[..], &[scope]].concat()),
        request(&world, "/X/OAuth2/V2.0/Token/", &[("client_id", &id.to_uppercase()), credentials[1], scope]),
        request(&world, V2, &[scope]).basic_auth(&id, Some(&world.key)),
        request(&world, V2, &[scope, credentials[0]]).basic_auth(&id, Some(&world.key)),
    ] {
        granted(request).await;
    }

    let order = async |token: &Value| {
        let path = create_path(&own_scope(), VERSION);
        world.ask(Method::POST, &path).bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap()
    };
    for token in [&modern, &old] {
        let answer = order(token).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let location = header(&answer, "location");
        let poll = world.client.get(location).bearer_auth(token["access_token"].as_str().unwrap());
        assert_eq!(poll.send().await.unwrap().status(), StatusCode::ACCEPTED);
    }

    revoke_key(&world.catalog, &id, "test", now_ms()).await.unwrap();
    let (status, code, _) = error_of(order(&modern).await).await;
    assert_eq!((status, code.as_str()), (401, "InvalidAuthenticationToken"));
    let (status, error, numbers, _) = refused(request(&world, V2, &[&credentials[..], &[scope]].concat())).await;
    assert_eq!((status, error.as_str(), numbers), (401, "invalid_client", json!([7000215])));
}

#[tokio::test]
async fn wrong_secrets_are_refused_in_the_words_of_the_original() {
    let world = World::start().await;
    let own = ledger::EnrollmentId::parse(OWN).unwrap();
    let id = world.key_id().await;
    let scope = ("scope", "x/.default");
    for (client, secret) in [(id.as_str(), "wrong"), ("app1", world.key.as_str()), ("app1", "wrong")] {
        for request in [
            request(&world, V2, &[("client_id", client), ("client_secret", secret), scope]),
            request(&world, V2, &[scope]).basic_auth(client, Some(secret)),
        ] {
            let (status, error, numbers, text) = refused(request).await;
            assert_eq!((status, error.as_str(), numbers), (401, "invalid_client", json!([7000215])));
            let expected = format!("AADSTS7000215: Invalid client secret provided for app '{client}'.");
            assert!(text.starts_with(&expected) && !text.contains(secret), "{text}");
        }
    }
    let old = access::issue_key(&world.catalog, &reader_of(own), "test", 0).await.unwrap();
    let credentials = [("client_id", old.id.as_str()), ("client_secret", old.key.reveal()), scope];
    let (status, error, numbers, _) = refused(request(&world, V2, &credentials)).await;
    assert_eq!((status, error.as_str(), numbers), (401, "invalid_client", json!([7000222])));
    let none = [("client_id", id.as_str()), scope];
    let (status, error, numbers, _) = refused(request(&world, V2, &none)).await;
    assert_eq!((status, error.as_str(), numbers), (401, "invalid_client", json!([7000218])));
    let (status, error, numbers, _) = refused(request(&world, V2, &none).bearer_auth(&world.key)).await;
    assert_eq!((status, error.as_str(), numbers), (401, "invalid_client", json!([7000218])));
}

#[tokio::test]
async fn a_tenant_must_be_named() {
    let world = World::start().await;
    let id = world.key_id().await;
    let parameters = [("client_id", id.as_str()), ("client_secret", world.key.as_str()), ("scope", "x")];
    for word in ["organizations", "Common", "consumers"] {
        for path in ["oauth2/v2.0/token", "oauth2/token"] {
            let (status, error, numbers, text) =
                refused(request(&world, &format!("/{word}/{path}"), &parameters)).await;
            assert_eq!((status, error.as_str(), numbers), (400, "unauthorized_client", json!([50059])));
            let (_, named) = text.rsplit_once("--tenant ").unwrap();
            let named = named.strip_suffix(").").unwrap();
            granted(request(&world, &format!("/{named}/oauth2/v2.0/token"), &parameters)).await;
        }
    }
    let (status, error, numbers, _) = refused(request(&world, "/a_b/oauth2/v2.0/token", &parameters)).await;
    assert_eq!((status, error.as_str(), numbers), (400, "invalid_tenant", json!([90002])));
}

#[tokio::test]
async fn other_requests_are_refused_with_the_reason() {
    let world = World::start().await;
    let id = world.key_id().await;
    let good = format!("grant_type=client_credentials&client_id={id}&client_secret={}&scope=x", world.key);
    let post =
        |content_type: &str, body: String| world.ask(Method::POST, V2).header("content-type", content_type).body(body);
    let form = "application/x-www-form-urlencoded;charset=utf-8";
    granted(post(form, good.clone())).await;
    let cases = [
        (form, String::new(), 400, "invalid_request", "'grant_type'"),
        (form, good.replace("client_credentials", "password"), 400, "unsupported_grant_type", "'password'"),
        (
            form,
            good.replace("client_credentials", "refresh_token"),
            400,
            "unsupported_grant_type",
            "client_credentials",
        ),
        (form, good.replace("&scope=x", ""), 400, "invalid_request", "'scope'"),
        (form, good.replace("&scope=x", "&scope=%00"), 400, "invalid_request", "'scope'"),
        (form, format!("{good}{}", "x".repeat(3000)), 400, "invalid_request", "'scope'"),
        (form, format!("{good}&scope=y"), 400, "invalid_request", "more than once"),
        (form, format!("{good}&x=%zz"), 400, "invalid_request", "percent-encoded"),
        (form, good.replace("&client_id", "&other"), 400, "invalid_request", "'client_id'"),
        (form, format!("{good}&x={}", "x".repeat(70_000)), 413, "invalid_request", "65536 bytes"),
        ("application/json", "{}".to_owned(), 415, "invalid_request", "application/x-www-form-urlencoded"),
    ];
    for (content_type, body, status, error, text) in cases {
        let (found_status, found_error, _, found_text) = refused(post(content_type, body)).await;
        assert_eq!((found_status, found_error.as_str()), (status, error), "{found_text}");
        assert!(found_text.contains(text) && !found_text.contains(&world.key), "{found_text}");
    }
    let twice = post(form, good).basic_auth(&id, Some(&world.key));
    let (status, error, ..) = refused(twice).await;
    assert_eq!((status, error.as_str()), (400, "invalid_request"));
}
