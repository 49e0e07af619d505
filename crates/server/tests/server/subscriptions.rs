//! Subscriptions and tenants, as `az` asks for them at each login.

use access::{KeyHolder, Role, issue_key};
use catalog::{AuditEntry, Policies};
use ledger::{EnrollmentId, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::*;

const LIST: &str = "/subscriptions?api-version=2022-12-01";

async fn read(world: &World, path: &str, key: &str) -> Value {
    world.ask(Method::GET, path).bearer_auth(key).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_caller_is_shown_its_subscriptions_in_the_shape_of_the_original() {
    let world = World::start().await;
    let tenants = read(&world, "/tenants?api-version=2022-12-01", &world.key).await;
    let tenant = tenants["value"][0]["tenantId"].as_str().unwrap().to_owned();
    let expected = json!({ "value": [{
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant,
        "countryCode": "",
        "displayName": "Lazurite",
        "domains": [],
        "tenantCategory": "Home",
    }] });
    assert_eq!(tenants, expected);
    let own = json!({
        "id": format!("/subscriptions/{OWN_SUBSCRIPTION}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": OWN_SUBSCRIPTION,
        "tenantId": tenant,
        "displayName": OWN_SUBSCRIPTION,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    });
    let list = json!({ "value": [own], "count": { "type": "Total", "value": 1 } });
    assert_eq!(read(&world, LIST, &world.key).await, list);
    assert_eq!(read(&world, "//Subscriptions/?Api-Version=2014-04-01-preview", &world.key).await, list);
    let one = format!("/subscriptions/{}?api-version=2022-12-01", OWN_SUBSCRIPTION.to_uppercase());
    assert_eq!(read(&world, &one, &world.key).await, own);
}

#[tokio::test]
async fn a_policy_hides_subscriptions_as_it_refuses_them() {
    let world = World::start().await;
    let enrollment = EnrollmentId::parse(OWN).unwrap();
    let set = async |ao_view_charges: bool| {
        let audit = AuditEntry {
            at_ms: now_ms(),
            actor: "test".into(),
            action: "policy".into(),
            enrollment: Some(enrollment.clone()),
            target: OWN.into(),
            detail: String::new(),
            times: 1,
        };
        let policies = Policies { ao_view_charges, ..Policies::default() };
        world.catalog.change_policies(&enrollment, |own| *own = policies, &audit).await.unwrap();
    };
    set(true).await;
    let scope = Scope::parse(&format!("subscriptions/{OWN_SUBSCRIPTION}")).unwrap();
    let holder = KeyHolder { enrollment: enrollment.clone(), scope, role: Role::Reader };
    let key = issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key;
    assert_eq!(read(&world, LIST, key.reveal()).await["count"]["value"], 1);
    set(false).await;
    let hidden = json!({ "value": [], "count": { "type": "Total", "value": 0 } });
    assert_eq!(read(&world, LIST, key.reveal()).await, hidden);
    let one = format!("/subscriptions/{OWN_SUBSCRIPTION}?api-version=2022-12-01");
    let answer = world.ask(Method::GET, &one).bearer_auth(key.reveal()).send().await.unwrap();
    let (status, code, _) = error_of(answer).await;
    assert_eq!((status, code.as_str()), (401, "AccountCostDisabled"));
}

#[tokio::test]
async fn others_are_refused() {
    let world = World::start().await;
    let at = async |path: &str, key: &str| {
        let answer = world.ask(Method::GET, path).bearer_auth(key).send().await.unwrap();
        let (status, code, _) = error_of(answer).await;
        (status, code)
    };
    let version = "api-version=2022-12-01";
    let key = world.key.as_str();
    for (path, expected) in [
        (format!("/subscriptions/{OTHER_SUBSCRIPTION}?{version}"), (403, "RBACAccessDenied")),
        (format!("/subscriptions/{NOBODYS_SUBSCRIPTION}?{version}"), (404, "SubscriptionNotFound")),
        (format!("/subscriptions/x?{version}"), (400, "InvalidSubscriptionId")),
        ("/subscriptions".into(), (400, "MissingApiVersionParameter")),
        ("/subscriptions?api-version=2014-03-31".into(), (400, "InvalidApiVersionParameter")),
        ("/tenants?api-version=latest".into(), (400, "InvalidApiVersionParameter")),
        (format!("{LIST}&$filter=x"), (400, "BadRequest")),
    ] {
        let (status, code) = at(&path, key).await;
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
    for path in [LIST, "/tenants?api-version=2022-12-01"] {
        assert_eq!(at(path, "wrong").await, (401, "InvalidAuthenticationToken".into()));
    }
}
