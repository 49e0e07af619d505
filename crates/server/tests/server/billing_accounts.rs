//! Enrollments, departments and enrollment accounts, as `az billing account list` and azure-mgmt-billing ask for them.

use access::{KeyHolder, Role, issue_key};
use imports::{ImportOptions, NoProgress, Store, import};
use ledger::{EnrollmentId, Scope};
use reqwest::Method;
use serde_json::{Value, json};

use crate::charges::HEADER;
use crate::world::*;

const VERSION: &str = "api-version=2024-04-01";
const BASE: &str = "/providers/Microsoft.Billing/billingAccounts";

/// Two departments; one account lies in both.
async fn world() -> World {
    let world = World::start().await;
    let mut text = format!("{HEADER}\n");
    for (department, account) in [("7,Retail", "71,Shop,a@x"), ("7,Retail", "72,Mall,b@x"), ("8,Labs", "72,Mall,b@x")] {
        text.push_str(&format!(
            "{OWN},09/01/2023,{department},{account},{OWN_SUBSCRIPTION},09/02/2023,m,1,1,1,USD,Usage,Azure,OnDemand,,rg,/r\n"
        ));
    }
    let path = world.data().join("charges-of-accounts.csv");
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    let store = Store::open(world.data()).await.unwrap();
    import(&store, &options, &NoProgress).await.unwrap();
    world
}

async fn read(world: &World, path: &str, key: &str) -> (u16, Value) {
    let answer = world.ask(Method::GET, path).bearer_auth(key).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn names(world: &World, path: &str, key: &str) -> Vec<String> {
    let (status, list) = read(world, path, key).await;
    assert_eq!(status, 200, "{path}: {list}");
    assert!(list.get("nextLink").is_none());
    list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_shown_with_what_the_store_knows_of_it() {
    let world = world().await;
    let account = json!({
        "id": format!("{BASE}/{OWN}"),
        "name": OWN,
        "type": "Microsoft.Billing/billingAccounts",
        "properties": {
            "displayName": OWN,
            "agreementType": "EnterpriseAgreement",
            "accountType": "Enterprise",
            "enrollmentDetails": { "currency": "USD" },
        },
    });
    for version in ["2020-05-01", "2024-04-01", "2019-10-01-preview"] {
        let list = read(&world, &format!("{BASE}?api-version={version}&expand=soldTo"), &world.key).await;
        assert_eq!(list, (200, json!({ "value": [account] })), "{version}");
    }
    assert_eq!(read(&world, &format!("{BASE}/{OWN}?{VERSION}"), &world.key).await, (200, account));

    let department = json!({
        "id": format!("{BASE}/{OWN}/departments/7"),
        "name": "7",
        "type": "Microsoft.Billing/billingAccounts/departments",
        "properties": { "displayName": "Retail" },
    });
    assert_eq!(names(&world, &format!("{BASE}/{OWN}/departments?{VERSION}"), &world.key).await, ["7", "8"]);
    assert_eq!(read(&world, &format!("{BASE}/{OWN}/departments/7?{VERSION}"), &world.key).await, (200, department));

    let shop = json!({
        "id": format!("{BASE}/{OWN}/enrollmentAccounts/71"),
        "name": "71",
        "type": "Microsoft.Billing/billingAccounts/enrollmentAccounts",
        "properties": {
            "displayName": "Shop", "accountOwner": "a@x", "departmentId": "7", "departmentDisplayName": "Retail",
        },
    });
    assert_eq!(names(&world, &format!("{BASE}/{OWN}/enrollmentAccounts?{VERSION}"), &world.key).await, ["71", "72"]);
    for place in ["", "/departments/7"] {
        let path = format!("{BASE}/{OWN}{place}/enrollmentAccounts/71?{VERSION}");
        assert_eq!(read(&world, &path, &world.key).await, (200, shop.clone()), "{path}");
    }
    let of = |department: &str| format!("{BASE}/{OWN}/departments/{department}/enrollmentAccounts?{VERSION}");
    assert_eq!(names(&world, &of("7"), &world.key).await, ["71", "72"]);
    assert_eq!(names(&world, &of("8"), &world.key).await, ["72"]);
    // An account of two departments is told without any.
    let (_, mall) = read(&world, &format!("{BASE}/{OWN}/enrollmentAccounts/72?{VERSION}"), &world.key).await;
    assert_eq!(mall["properties"], json!({ "displayName": "Mall", "accountOwner": "b@x" }));

    let old = "/providers/Microsoft.Billing/enrollmentAccounts?api-version=2018-03-01-preview";
    let (_, principals) = read(&world, old, &world.key).await;
    let first = json!({
        "id": "/providers/Microsoft.Billing/enrollmentAccounts/71",
        "name": "71",
        "type": "Microsoft.Billing/enrollmentAccounts",
        "properties": { "principalName": "a@x" },
    });
    assert_eq!(principals["value"][0], first);
    assert_eq!(read(&world, &old.replace("Accounts?", "Accounts/71?"), &world.key).await, (200, first));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_shown_what_it_may_not_read() {
    let world = world().await;
    let key = async |scope: &str, role: Role| {
        let enrollment = EnrollmentId::parse(OWN).unwrap();
        let scope = Scope::parse(scope).unwrap();
        let holder = KeyHolder { enrollment, scope, role };
        issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned()
    };
    let accounts = format!("{BASE}/{OWN}/enrollmentAccounts?{VERSION}");
    let departments = format!("{BASE}/{OWN}/departments?{VERSION}");
    let list = format!("{BASE}?{VERSION}");

    let set = async |shown: bool| {
        let policies = catalog::Policies { da_view_charges: shown, ao_view_charges: shown, price_hidden: false };
        let audit = catalog::AuditEntry {
            at_ms: now_ms(),
            actor: "test".into(),
            action: "policy".into(),
            enrollment: None,
            target: OWN.into(),
            detail: String::new(),
            times: 1,
        };
        let enrollment = EnrollmentId::parse(OWN).unwrap();
        world.catalog.change_policies(&enrollment, |own| *own = policies, &audit).await.unwrap();
    };
    set(true).await;
    let labs = key("departments/8", Role::DepartmentReader).await;
    let shop = key("enrollmentAccounts/71", Role::AccountOwner).await;
    let reader = key(&format!("subscriptions/{OWN_SUBSCRIPTION}"), Role::Reader).await;

    assert_eq!(names(&world, &list, &labs).await, [OWN]);
    assert_eq!(names(&world, &departments, &labs).await, ["8"]);
    assert_eq!(names(&world, &accounts, &labs).await, ["72"]);
    assert_eq!(names(&world, &departments, &shop).await, Vec::<String>::new());
    assert_eq!(names(&world, &accounts, &shop).await, ["71"]);
    // The department of an account is not told to who does not see it.
    let (_, own) = read(&world, &accounts, &shop).await;
    assert_eq!(own["value"][0]["properties"], json!({ "displayName": "Shop", "accountOwner": "a@x" }));

    assert!(names(&world, &list, &reader).await.is_empty());
    for (path, key, expected) in [
        (format!("{BASE}/{OWN}/departments/7?{VERSION}"), &labs, (403, "BillingAccessDenied")),
        (format!("{BASE}/{OWN}/enrollmentAccounts/72?{VERSION}"), &shop, (403, "BillingAccessDenied")),
        (format!("{BASE}/{OWN}/departments/8/enrollmentAccounts?{VERSION}"), &shop, (403, "BillingAccessDenied")),
        (format!("{BASE}/{OWN}?{VERSION}"), &reader, (403, "BillingAccessDenied")),
        (format!("{BASE}/{OTHER}?{VERSION}"), &world.key, (403, "BillingAccessDenied")),
        (format!("{BASE}/1?{VERSION}"), &world.key, (404, "NotFound")),
        (format!("{BASE}/{OWN}/departments/9?{VERSION}"), &world.key, (404, "NotFound")),
        (format!("{BASE}/{OWN}/departments/8/enrollmentAccounts/71?{VERSION}"), &world.key, (404, "NotFound")),
        (format!("{BASE}?api-version=2018-03-01-preview"), &world.key, (400, "InvalidApiVersionParameter")),
        (format!("{BASE}?{VERSION}&filter=x"), &world.key, (400, "BadRequest")),
        (format!("/subscriptions/{OWN_SUBSCRIPTION}{BASE}?{VERSION}"), &world.key, (404, "NotFound")),
    ] {
        let answer = world.ask(Method::GET, &path).bearer_auth(key).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
    assert_eq!(read(&world, &list, "wrong").await.0, 401);

    // Who may not read charges while the switches are off is shown nothing.
    set(false).await;
    for own in [&labs, &shop] {
        assert!(names(&world, &list, own).await.is_empty());
    }
    assert_eq!(names(&world, &departments, &world.key).await, ["7", "8"]);
}
