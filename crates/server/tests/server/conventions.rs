//! What holds for every operation: credentials, versions, paths, methods, headers.

use reqwest::{Method, StatusCode};

use crate::world::*;

#[tokio::test]
async fn a_missing_credential_is_challenged() {
    let world = World::start().await;
    let answer = world.ask(Method::POST, &create_path(&own_scope(), VERSION)).send().await.unwrap();
    let challenge = header(&answer, "www-authenticate");
    assert!(challenge.starts_with("Bearer authorization_uri=\"http://127.0.0.1:"), "{challenge}");
    assert!(challenge.contains("error=\"invalid_token\"") && !challenge.contains("claims="), "{challenge}");
    let message = "Authentication failed. The 'Authorization' header is missing.";
    assert_eq!(error_of(answer).await, (401, "AuthenticationFailed".into(), message.into()));
}

#[tokio::test]
async fn other_credentials_are_refused() {
    let world = World::start().await;
    let path = create_path(&own_scope(), VERSION);
    let with = async |value: &str| {
        let answer = world.ask(Method::POST, &path).header("authorization", value).send().await.unwrap();
        assert!(header(&answer, "www-authenticate").starts_with("Bearer "));
        let (status, code, _) = error_of(answer).await;
        (status, code)
    };
    for value in ["Bearer x", "Bearer", "Bearer ", "Basic eDp5", &world.key, "Bearer lzk_", "\u{e9}"] {
        assert_eq!(with(value).await, (401, "InvalidAuthenticationToken".into()), "{value}");
    }
    let own = ledger::EnrollmentId::parse(OWN).unwrap();
    let old = access::issue_key(&world.catalog, &reader_of(own), "test", 0).await.unwrap();
    let expired = with(&format!("Bearer {}", old.key.reveal())).await;
    assert_eq!(expired, (401, "ExpiredAuthenticationToken".into()));

    let lower_case = world.ask(Method::POST, &path).header("authorization", format!("bearer  {}", world.key));
    assert_eq!(lower_case.send().await.unwrap().status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn scopes_of_others_are_refused_and_unknown_ones_not_found() {
    let world = World::start().await;
    let at = async |scope: &str| error_of(world.order_at(scope, VERSION, "{}").await).await;
    let (status, code, message) = at(&format!("providers/Microsoft.Billing/billingAccounts/{OTHER}")).await;
    assert_eq!((status, code.as_str()), (403, "BillingAccessDenied"));
    assert!(message.contains("does not have authorization to perform action 'Microsoft.CostManagement/"), "{message}");
    assert!(message.contains(&format!("over scope '/providers/Microsoft.Billing/billingAccounts/{OTHER}'")));
    let (status, code, _) = at(&format!("subscriptions/{OTHER_SUBSCRIPTION}")).await;
    assert_eq!((status, code.as_str()), (403, "RBACAccessDenied"));

    let message = format!("The subscription '{NOBODYS_SUBSCRIPTION}' could not be found.");
    let unknown = at(&format!("subscriptions/{NOBODYS_SUBSCRIPTION}")).await;
    assert_eq!(unknown, (404, "SubscriptionNotFound".into(), message));
    let (status, code, _) = at("providers/Microsoft.Billing/billingAccounts/1").await;
    assert_eq!((status, code.as_str()), (404, "NotFound"));
    let (status, code, _) = at("subscriptions/x").await;
    assert_eq!((status, code.as_str()), (400, "InvalidSubscriptionId"));
}

#[tokio::test]
async fn scopes_without_reports_are_bad_requests_that_name_the_others() {
    let world = World::start().await;
    let account = own_scope();
    for scope in [
        format!("{account}/billingProfiles/p"),
        format!("{account}/billingProfiles/p/invoiceSections/s"),
        format!("{account}/customers/c"),
        "providers/Microsoft.Management/managementGroups/m".into(),
        format!("subscriptions/{OWN_SUBSCRIPTION}/resourceGroups/rg"),
        String::new(),
    ] {
        let (status, code, message) = error_of(world.order_at(&scope, VERSION, "{}").await).await;
        assert_eq!((status, code.as_str()), (400, "BadRequest"), "{scope}");
        assert!(message.contains("billingAccounts") && message.contains("subscriptions"), "{message}");
    }
}

#[tokio::test]
async fn versions_are_checked() {
    let world = World::start().await;
    for version in [
        "2022-05-01",
        "2022-10-01",
        "2023-03-01",
        "2023-07-01-preview",
        "2023-08-01",
        "2023-09-01",
        "2023-11-01",
        "2024-08-01",
        "2025-03-01",
    ] {
        let answer = world.order_at(&own_scope(), &format!("Api-Version={version}"), "{}").await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert!(header(&answer, "location").ends_with(&format!("?api-version={version}")));
    }
    let missing = error_of(world.order_at(&own_scope(), "", "{}").await).await;
    let text = "The api-version query parameter (?api-version=) is required for all requests.";
    assert_eq!(missing, (400, "MissingApiVersionParameter".into(), text.into()));
    let (status, code, message) = error_of(world.order_at(&own_scope(), "api-version=2019-01-01", "{}").await).await;
    assert_eq!((status, code.as_str()), (400, "InvalidApiVersionParameter"));
    let text = "The api-version '2019-01-01' is invalid. The supported versions are '2022-05-01,2022-10-01,";
    assert!(message.starts_with(text), "{message}");
    for query in ["api-version=2022-10-01&API-VERSION=2022-10-01", "api-version=2022-10-01&lazurite-asof=1"] {
        let (status, code, _) = error_of(world.order_at(&own_scope(), query, "{}").await).await;
        assert_eq!((status, code.as_str()), (400, "BadRequest"), "{query}");
    }
}

#[tokio::test]
async fn paths_are_found_in_every_spelling() {
    let world = World::start().await;
    let upper = OWN_SUBSCRIPTION.to_uppercase();
    for path in [
        format!("//subscriptions/{upper}//providers/microsoft.costmanagement/generatecostdetailsreport/?{VERSION}"),
        format!(
            "/Subscriptions/{OWN_SUBSCRIPTION}/Providers/Microsoft%2ECostManagement/GENERATECOSTDETAILSREPORT?{VERSION}"
        ),
        format!(
            "/providers%2Fmicrosoft.billing%2FbillingAccounts%2F{OWN}/providers/Microsoft.CostManagement/\
             generateCostDetailsReport?{VERSION}"
        ),
    ] {
        let answer = world.ask_with_key(Method::POST, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{path}");
    }
    let (status, code, _) = error_of(world.ask(Method::GET, "/a%zz").send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (400, "BadRequest"));
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let world = World::start().await;
    for path in ["/", "/favicon.ico", "/reports", "/subscriptions/x/y", "/metadata", "/oauth2/token"] {
        let (status, code, _) = error_of(world.ask(Method::GET, path).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (404, "NotFound"), "{path}");
    }
    let path = format!("/subscriptions/{OWN_SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines?api-version=1");
    let text = "The resource type could not be found in the namespace 'Microsoft.Compute' for api version '1'.";
    let found = error_of(world.ask(Method::GET, &path).send().await.unwrap()).await;
    assert_eq!(found, (404, "InvalidResourceType".into(), text.into()));
}

#[tokio::test]
async fn other_methods_are_told_which_are_allowed() {
    let world = World::start().await;
    let poll = format!("/{}/providers/Microsoft.CostManagement/costDetailsOperationResults/x?{VERSION}", own_scope());
    let cases = [
        (Method::GET, create_path(&own_scope(), VERSION), "POST"),
        (Method::DELETE, create_path(&own_scope(), VERSION), "POST"),
        (Method::POST, poll, "GET"),
        (Method::PUT, "/healthz".into(), "GET, HEAD"),
        (Method::POST, "/reports/a/b".into(), "GET, HEAD"),
    ];
    for (method, path, allowed) in cases {
        let answer = world.ask(method, &path).send().await.unwrap();
        assert_eq!(header(&answer, "allow"), allowed, "{path}");
        let (status, code, _) = error_of(answer).await;
        assert_eq!((status, code.as_str()), (405, "MethodNotAllowed"));
    }
}

#[tokio::test]
async fn every_answer_has_the_common_headers() {
    let world = World::start().await;
    let plain = world.ask(Method::GET, "/healthz").send().await.unwrap();
    let id = header(&plain, "x-ms-request-id");
    assert_eq!(id.len(), 36);
    assert_eq!(header(&plain, "x-ms-correlation-request-id"), id);
    assert_eq!(header(&plain, "x-ms-client-request-id"), "");
    let routing = header(&plain, "x-ms-routing-request-id");
    assert!(routing.starts_with("LOCAL:2") && routing.ends_with(&format!("Z:{id}")), "{routing}");
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("expires", "-1"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "application/json; charset=utf-8"),
    ] {
        assert_eq!(header(&plain, name), value, "{name}");
    }

    let send = async |correlation: &str| {
        let request = world.ask(Method::GET, "/nowhere").header("x-ms-correlation-request-id", correlation);
        request.header("x-ms-client-request-id", "mine").send().await.unwrap()
    };
    let answer = send("theirs").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(header(&answer, "x-ms-correlation-request-id"), "theirs");
    assert_eq!(header(&answer, "x-ms-client-request-id"), "mine");
    assert_ne!(header(&answer, "x-ms-request-id"), id);
    for refused in ["a b", "", &"x".repeat(129)] {
        let answer = send(refused).await;
        assert_eq!(header(&answer, "x-ms-correlation-request-id"), header(&answer, "x-ms-request-id"), "{refused:?}");
    }
}

#[tokio::test]
async fn the_process_and_its_store_say_that_they_are_well() {
    let world = World::start().await;
    for path in ["/healthz", "/readyz", "/ReadyZ/"] {
        let answer = world.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.text().await.unwrap(), "{\"status\":\"ok\"}");
    }
    let log = world.data().join("charges/_delta_log");
    std::fs::rename(&log, world.data().join("away")).unwrap();
    let (status, code, message) = error_of(world.ask(Method::GET, "/readyz").send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (503, "ServiceUnavailable"));
    assert!(!message.contains("delta"), "{message}");
    assert_eq!(world.ask(Method::GET, "/healthz").send().await.unwrap().status(), StatusCode::OK);
    // Failures of ours say nothing but where to look.
    let answer = world.order("{}").await;
    let id = header(&answer, "x-ms-request-id");
    let (status, code, message) = error_of(answer).await;
    assert_eq!((status, code.as_str()), (500, "InternalServerError"));
    assert!(message.contains(&id) && !message.contains("delta"), "{message}");
}
