//! Billing periods of a subscription, as `az billing period list` and older clients ask for them.

use imports::{ImportOptions, NoProgress, Store, import};
use reqwest::Method;
use serde_json::{Value, json};

use crate::charges::HEADER;
use crate::world::*;

/// A world that holds a charge of each of these months.
async fn holding(months: &[(u16, u8)]) -> World {
    let world = World::start().await;
    let mut text = format!("{HEADER}\n");
    for (year, month) in months {
        text.push_str(&format!(
            "{OWN},{month:02}/01/{year},7,Retail,71,Shop,a@x,{OWN_SUBSCRIPTION},{month:02}/02/{year},m,1,1,1,USD,Usage,Azure,\
             OnDemand,,rg,/r\n"
        ));
    }
    let path = world.data().join("charges-of-months.csv");
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    let store = Store::open(world.data()).await.unwrap();
    import(&store, &options, &NoProgress).await.unwrap();
    world
}

fn path(rest: &str) -> String {
    let separator = if rest.contains('?') { '&' } else { '?' };
    format!(
        "/subscriptions/{OWN_SUBSCRIPTION}/providers/Microsoft.Billing/billingPeriods{rest}{separator}api-version=2018-03-01-preview"
    )
}

async fn read(world: &World, path: &str) -> Value {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["value"].as_array().unwrap().iter().map(|period| period["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_that_are_held_are_listed_newest_first_in_the_shape_of_the_original() {
    let world = holding(&[(2023, 9), (2024, 2), (2023, 12)]).await;
    let list = read(&world, &path("")).await;
    assert_eq!(names(&list), ["202402-1", "202312-1", "202309-1"]);
    let february = json!({
        "id": format!("/subscriptions/{OWN_SUBSCRIPTION}/providers/Microsoft.Billing/billingPeriods/202402-1"),
        "type": "Microsoft.Billing/billingPeriods",
        "name": "202402-1",
        "properties": { "billingPeriodStartDate": "2024-02-01", "billingPeriodEndDate": "2024-02-29" },
    });
    assert_eq!(list["value"][0], february);
    assert!(list.get("nextLink").is_none());
    for name in ["202402-1", "202402", "20240201"] {
        assert_eq!(read(&world, &path(&format!("/{name}"))).await, february, "{name}");
    }
    let old = path("").replace("2018-03-01-preview", "2017-04-24-preview");
    assert_eq!(read(&world, &old).await, list);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_sizes_are_those_of_the_original() {
    let world = holding(&[(2023, 9), (2023, 10), (2023, 11)]).await;
    for (query, expected) in [
        ("?$filter=billingPeriodEndDate%20gt%202023-09-30", vec!["202311-1", "202310-1"]),
        (
            "?$filter=billingPeriodEndDate+ge+'2023-09-30'+and+BillingPeriodEndDate+lt+2023-11-30",
            vec!["202310-1", "202309-1"],
        ),
        ("?$filter=billingPeriodEndDate%20eq%202023-10-31", vec!["202310-1"]),
        ("?$filter=billingPeriodEndDate%20gt%202030-01-01", vec![]),
        ("?$top=2", vec!["202311-1", "202310-1"]),
        ("?$top=100", vec!["202311-1", "202310-1", "202309-1"]),
        ("?$skiptoken=202311", vec!["202310-1", "202309-1"]),
    ] {
        let list = read(&world, &path(query)).await;
        assert_eq!(names(&list), expected, "{query}");
        assert!(list.get("nextLink").is_none(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_periods_than_a_page_has_are_walked_to_the_end() {
    let months: Vec<(u16, u8)> = (2014..2023).flat_map(|year| (1..=12).map(move |month| (year, month))).collect();
    let world = holding(&months).await;
    let first = read(&world, &path("")).await;
    let link = first["nextLink"].as_str().unwrap().strip_prefix(&world.server.http_url).unwrap();
    let second = read(&world, link).await;
    assert!(second.get("nextLink").is_none());
    let mut expected: Vec<String> = months.iter().map(|(year, month)| format!("{year}{month:02}-1")).collect();
    expected.reverse();
    assert_eq!(
        (names(&first).len(), [names(&first), names(&second)].concat()),
        (100, expected.iter().map(String::as_str).collect())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_refused() {
    let world = holding(&[(2023, 9)]).await;
    let other = path("").replace(OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION);
    let nobodys = path("").replace(OWN_SUBSCRIPTION, NOBODYS_SUBSCRIPTION);
    for (path, expected) in [
        (other, (403, "RBACAccessDenied")),
        (nobodys, (404, "SubscriptionNotFound")),
        (path("/202310-1"), (404, "NotFound")),
        (path("/september"), (400, "BadRequest")),
        (path("?$top=0"), (400, "BadRequest")),
        (path("?$top=101"), (400, "BadRequest")),
        (path("?$skiptoken=x"), (400, "BadRequest")),
        (path("?$filter=name%20eq%20x"), (400, "BadRequest")),
        (path("?$filter=billingPeriodEndDate%20gt%20yesterday"), (400, "BadRequest")),
        (path("?$expand=x"), (400, "BadRequest")),
        (path("").replace("2018-03-01-preview", "2018-03-01"), (400, "InvalidApiVersionParameter")),
        (
            format!("/{}/providers/Microsoft.Billing/billingPeriods?api-version=2018-03-01-preview", own_scope()),
            (400, "BadRequest"),
        ),
    ] {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
    let answer = world.ask(Method::GET, &path("")).bearer_auth("wrong").send().await.unwrap();
    assert_eq!(answer.status(), 401);
}
