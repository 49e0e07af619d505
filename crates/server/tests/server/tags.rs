//! Tags of charges: keys and values by scope, time and version, page by page.

use access::Role;
use catalog::{AuditEntry, Policies};
use imports::{ImportOptions, NoProgress, Store};
use ledger::{Dataset, EnrollmentId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::enterprise_usage::key_of;
use crate::world::*;

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                      SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,ChargeType,\
                      PublisherType,PricingModel,Tags\n";

/// Department, date, charge type, tags.
const ROWS: [(&str, &str, &str, &str); 8] = [
    ("7", "09/01/2023", "Usage", r#""env": "prod","team": "a""#),
    ("7", "09/02/2023", "Usage", r#"{"env":"dev","Env":"x"}"#),
    ("7", "09/02/2023", "Usage", r#"{"env":"dev"}"#),
    ("8", "09/03/2023", "Usage", r#"{"env":"test","cost center":"17"}"#),
    ("7", "09/03/2023", "Purchase", r#"{"bought":"yes"}"#),
    ("7", "09/04/2023", "Usage", ""),
    ("8", "09/05/2023", "Usage", "17"),
    ("7", "10/02/2023", "Usage", r#"{"later":""}"#),
];
const NEWEST: &str = "api-version=2024-08-01";

async fn import(world: &World, rows: &[(&str, &str, &str, &str)], dataset: Dataset) {
    let mut text = HEADER.to_owned();
    for (department, date, charge, tags) in rows {
        let (month, tags) = (&date[..2], tags.replace('"', "\"\""));
        text.push_str(&format!(
            "{OWN},{month}/01/2023,{department},D{department},71,Shop,{OWN_SUBSCRIPTION},{date},m,1,1,1,USD,{charge},Azure,OnDemand,\
             \"{tags}\"\n"
        ));
    }
    let path = world.data().join("charges-with-tags.csv");
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
    options.fill.dataset = Some(dataset);
    let store = Store::open(world.data()).await.unwrap();
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

async fn world() -> World {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-15T00:00:00Z".into())).await;
    import(&world, &ROWS, Dataset::ActualCost).await;
    world
}

fn path(scope: &str, query: &str) -> String {
    format!("/{scope}/providers/Microsoft.Consumption/tags?{query}")
}

async fn read(world: &World, path: &str) -> Value {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn status(world: &World, path: &str) -> u16 {
    world.ask_with_key(Method::GET, path).send().await.unwrap().status().as_u16()
}

/// `key=value,value` of each tag, in the order of the answer.
fn told(body: &Value) -> Vec<String> {
    let tags = body["properties"]["tags"].as_array().unwrap().iter();
    tags.map(|tag| {
        let values = tag["value"].as_array().into_iter().flatten().map(|value| value.as_str().unwrap());
        format!("{}={}", tag["key"].as_str().unwrap(), values.collect::<Vec<_>>().join(","))
    })
    .collect()
}

/// The path of a link.
fn link(world: &World, body: &Value, name: &str) -> Option<String> {
    let link = body["properties"].get(name)?.as_str().unwrap();
    Some(link.strip_prefix(&world.server.http_url).unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_values_are_those_of_the_charges_that_the_scope_shows_at_the_time() {
    let world = world().await;
    let department = |id: &str| format!("{}/departments/{id}", own_scope());
    let whole = ["Env=x", "bought=yes", "cost center=17", "env=dev,prod,test", "lazurite-unparsed=17", "team=a"];
    for (path, expected) in [
        (path(&own_scope(), NEWEST), &whole[..]),
        (path(&own_scope(), &format!("{NEWEST}&$expand=properties/tags/value")), &whole),
        (path(&format!("providers/Microsoft.CostManagement/billingAccounts/{OWN}"), NEWEST), &whole),
        // A purchase belongs to no department.
        (path(&department("7"), NEWEST), &["Env=x", "env=dev,prod", "team=a"]),
        (path(&department("8"), NEWEST), &["cost center=17", "env=test", "lazurite-unparsed=17"]),
        (
            path(&format!("subscriptions/{OWN_SUBSCRIPTION}"), NEWEST),
            &["Env=x", "cost center=17", "env=dev,prod,test", "lazurite-unparsed=17", "team=a"],
        ),
        (path(&format!("{}/providers/Microsoft.Billing/billingPeriods/202310", own_scope()), NEWEST), &["later="]),
        (path(&format!("{}/billingPeriods/202310-1", own_scope()), NEWEST), &["later="]),
        (
            path(&department("7"), &format!("{NEWEST}&startDate=2023-09-02&endDate=2023-10-31")),
            &["Env=x", "env=dev", "later="],
        ),
    ] {
        assert_eq!(told(&read(&world, &path).await), expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_has_its_shape() {
    let world = world().await;
    let newest = read(&world, &path(&own_scope(), NEWEST)).await;
    let name = newest["name"].as_str().unwrap();
    assert_eq!(newest["id"], format!("{}/providers/Microsoft.Consumption/tags/{name}", own_scope()));
    assert_eq!(newest["type"], "Microsoft.Consumption/tags");
    assert!(newest["eTag"].as_str().unwrap().starts_with('"'));
    assert_eq!(newest["properties"]["tags"][1], json!({ "key": "bought", "value": ["yes"] }));
    let empty = format!("{}/billingPeriods/202212", own_scope());
    for (version, has_values, empty_status) in [
        ("2018-03-31", false, 200),
        ("2018-10-01", false, 200),
        ("2019-01-01", false, 204),
        ("2019-06-01", false, 204),
        ("2019-10-01", true, 204),
        ("2021-10-01", true, 204),
    ] {
        let own = read(&world, &path(&own_scope(), &format!("api-version={version}"))).await;
        let tag = &own["properties"]["tags"][1];
        assert_eq!((&tag["key"], tag.get("value").is_some()), (&json!("bought"), has_values), "{version}");
        assert!(own["properties"].get("nextLink").is_none() && own["properties"].get("previousLink").is_none());
        let (top, values) = (format!("api-version={version}&$top=1"), format!("api-version={version}"));
        assert_eq!(status(&world, &path(&own_scope(), &top)).await, if has_values { 200 } else { 400 }, "{version}");
        assert_eq!(status(&world, &path(&empty, &values)).await, empty_status, "{version}");
    }
    let world = World::start_with(|settings| settings.no_content = Some(false)).await;
    assert_eq!(told(&read(&world, &path(&empty, NEWEST)).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_walked_forwards_and_backwards_whatever_is_imported_meanwhile() {
    let world = world().await;
    let first = read(&world, &path(&own_scope(), &format!("{NEWEST}&$top=2"))).await;
    assert!(link(&world, &first, "previousLink").is_none());
    import(&world, &[("7", "09/01/2023", "Usage", r#"{"AAA":"new"}"#)], Dataset::ActualCost).await;
    let second = read(&world, &link(&world, &first, "nextLink").unwrap()).await;
    let third = read(&world, &link(&world, &second, "nextLink").unwrap()).await;
    assert!(link(&world, &third, "nextLink").is_none());
    let pages = [&first, &second, &third].map(told);
    assert_eq!(
        pages,
        [["Env=x", "bought=yes"], ["cost center=17", "env=dev,prod,test"], ["lazurite-unparsed=17", "team=a"]]
    );
    let back = read(&world, &link(&world, &third, "previousLink").unwrap()).await;
    assert_eq!(told(&back), pages[1]);
    let back = read(&world, &link(&world, &back, "previousLink").unwrap()).await;
    assert_eq!(told(&back), pages[0]);
    assert!(link(&world, &back, "previousLink").is_none());
    assert_ne!(first["eTag"], second["eTag"]);
    assert_eq!(told(&read(&world, &path(&own_scope(), NEWEST)).await), ["AAA=new"]);

    // A token belongs to its question.
    let next = link(&world, &first, "nextLink").unwrap();
    for other in [
        next.replace("/tags?", "/usageDetails?"),
        next.replace(&own_scope(), &format!("{}/departments/7", own_scope())),
    ] {
        assert_eq!(status(&world, &other).await, 400, "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_refused() {
    let world = world().await;
    let of = |query: &str| path(&own_scope(), query);
    let more = |query: &str| of(&format!("{NEWEST}&{query}"));
    let management = "providers/Microsoft.Management/managementGroups/m";
    for (path, expected) in [
        (path(&format!("providers/Microsoft.Billing/billingAccounts/{OTHER}"), NEWEST), (403, "BillingAccessDenied")),
        (
            path(&format!("providers/Microsoft.CostManagement/billingAccounts/{OTHER}"), NEWEST),
            (403, "BillingAccessDenied"),
        ),
        (path(&format!("{}/departments/9", own_scope()), NEWEST), (404, "NotFound")),
        (path(&format!("subscriptions/{OWN_SUBSCRIPTION}/resourceGroups/rg"), NEWEST), (400, "BadRequest")),
        (path(management, NEWEST), (400, "BadRequest")),
        (of(""), (400, "MissingApiVersionParameter")),
        (of("api-version=2018-05-31"), (400, "InvalidApiVersionParameter")),
        (of("api-version=2018-10-01&startDate=2023-09-01"), (400, "BadRequest")),
        (more("$top=0"), (400, "BadRequest")),
        (more("$expand=properties/tags"), (400, "BadRequest")),
        (more("startDate=2023-09-01"), (400, "BadRequest")),
        (more("startDate=2023-09-02&endDate=2023-09-01"), (400, "BadRequest")),
        (more("$skiptoken=x"), (400, "BadRequest")),
        (more("$filter=x"), (400, "BadRequest")),
    ] {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
    assert_eq!(world.ask(Method::GET, &of(NEWEST)).bearer_auth("wrong").send().await.unwrap().status(), 401);

    // Of October only the other dataset is held.
    let other = World::start_with(|settings| settings.clock = Some("fixed 2023-10-15T00:00:00Z".into())).await;
    import(&other, &ROWS[7..], Dataset::AmortizedCost).await;
    let (status, code, message) = error_of(other.ask_with_key(Method::GET, &of(NEWEST)).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "NotFound"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_those_of_the_charges() {
    let mut world = world().await;
    world.key = key_of(&world, "departments/7", Role::DepartmentReader).await;
    let department = path(&format!("{}/departments/7", own_scope()), NEWEST);
    assert_eq!(told(&read(&world, &department).await), ["Env=x", "env=dev,prod", "team=a"]);
    assert_eq!(status(&world, &path(&own_scope(), NEWEST)).await, 403);
    let subscription = path(&format!("subscriptions/{OWN_SUBSCRIPTION}"), NEWEST);
    assert_eq!(told(&read(&world, &subscription).await), ["Env=x", "env=dev,prod", "team=a"]);
    let audit = AuditEntry {
        at_ms: 0,
        actor: "test".to_owned(),
        action: "test".to_owned(),
        enrollment: None,
        target: String::new(),
        detail: String::new(),
        times: 1,
    };
    for (policies, expected) in [
        (Policies { da_view_charges: false, ao_view_charges: true, price_hidden: false }, "DepartmentCostDisabled"),
        (Policies { da_view_charges: true, ao_view_charges: true, price_hidden: true }, "IndirectCostDisabled"),
    ] {
        let own = EnrollmentId::parse(OWN).unwrap();
        world.catalog.change_policies(&own, |own| *own = policies, &audit).await.unwrap();
        let (status, code, _) = error_of(world.ask_with_key(Method::GET, &department).send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), (401, expected));
    }
}
