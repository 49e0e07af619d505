//! The lists of operations, and the one operation that never finds anything.

use reqwest::Method;
use serde_json::Value;

use crate::world::*;

async fn refused(world: &World, path: &str) -> (u16, String, String) {
    error_of(world.ask_with_key(Method::GET, path).send().await.unwrap()).await
}

#[tokio::test]
async fn operations_are_those_that_are_answered() {
    let world = World::start().await;
    for (namespace, version, has_id, some) in [
        ("Microsoft.Consumption", "2017-04-24-preview", false, "usageDetails/read"),
        ("Microsoft.Consumption", "2024-08-01", true, "tags/read"),
        ("microsoft.costmanagement", "2019-11-01", false, "generateDetailedCostReport/action"),
        ("Microsoft.CostManagement", "2025-03-01", true, "generateCostDetailsReport/action"),
        ("Microsoft.Billing", "2018-03-01-preview", false, "billingPeriods/read"),
        ("Microsoft.Billing", "2024-04-01", false, "billingAccounts/departments/read"),
    ] {
        let path = format!("/providers/{namespace}/operations?api-version={version}");
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let body: Value = answer.json().await.unwrap();
        let list = body["value"].as_array().unwrap();
        assert!(body.get("nextLink").is_none());
        let mut names: Vec<&str> = list.iter().map(|operation| operation["name"].as_str().unwrap()).collect();
        let provider = names[0].split('/').next().unwrap();
        assert!(provider.eq_ignore_ascii_case(namespace), "{path}");
        let found = list.iter().find(|operation| operation["name"] == format!("{provider}/{some}")).unwrap();
        assert_eq!(found["display"]["provider"], provider);
        let verb = if some.ends_with("action") { "Action" } else { "Read" };
        assert_eq!(found["display"]["operation"], verb);
        for operation in list {
            let id = has_id.then(|| operation["name"].clone());
            assert_eq!(operation.get("id").cloned(), id, "{path}");
        }
        assert!(!names.iter().any(|name| name.to_ascii_lowercase().contains("aggregatedcost")));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{path}");
    }
}

#[tokio::test]
async fn lists_of_operations_are_given_to_callers_with_a_version() {
    let world = World::start().await;
    let list = "/providers/Microsoft.Consumption/operations";
    for (path, expected) in [
        (list.to_owned(), (400, "MissingApiVersionParameter")),
        (format!("{list}?api-version=2016-01-01"), (400, "InvalidApiVersionParameter")),
        (format!("{list}?api-version=2024-08-01&$top=1"), (400, "BadRequest")),
        (format!("/{}{list}?api-version=2024-08-01", own_scope()), (404, "NotFound")),
        ("/providers/Microsoft.Other/operations?api-version=2024-08-01".to_owned(), (404, "InvalidResourceType")),
    ] {
        let (status, code, message) = refused(&world, &path).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
    let path = format!("{list}?api-version=2024-08-01");
    assert_eq!(world.ask(Method::GET, &path).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_management_group_is_not_found_in_any_spelling_of_its_path() {
    let world = World::start().await;
    let group = "/providers/Microsoft.Management/managementGroups/m1";
    let period = "/providers/Microsoft.Billing/billingPeriods/202309";
    for path in [
        format!("{group}/providers/Microsoft.Consumption/aggregatedcost?api-version=2018-06-30"),
        format!("{group}/providers/Microsoft.Consumption/aggregatedCost?api-version=2024-08-01"),
        format!(
            "{group}/providers/Microsoft.Consumption/aggregatedcost?api-version=2018-10-01&$filter=usageStart ge '2023-09-01'"
        ),
        format!("{group}{period}/Microsoft.Consumption/aggregatedcost?api-version=2019-01-01"),
        format!("{group}{period}/providers/Microsoft.Consumption/aggregatedCost?api-version=2021-10-01"),
    ] {
        let (status, code, message) = refused(&world, &path).await;
        assert_eq!((status, code.as_str()), (404, "NotFound"), "{path}: {message}");
        assert!(message.contains("'m1'") && message.contains("no management groups"), "{message}");
        assert_eq!(world.ask(Method::GET, &path).send().await.unwrap().status(), 401, "{path}");
    }
    for (path, expected) in [
        (
            format!("{group}/providers/Microsoft.Consumption/aggregatedcost?api-version=2018-05-31"),
            "InvalidApiVersionParameter",
        ),
        (
            format!("{group}/billingPeriods/x/providers/Microsoft.Consumption/aggregatedcost?api-version=2024-08-01"),
            "BadRequest",
        ),
        (format!("{group}{period}x/Microsoft.Consumption/aggregatedcost?api-version=2018-10-01"), "BadRequest"),
        (
            format!("/{}/providers/Microsoft.Consumption/aggregatedcost?api-version=2024-08-01", own_scope()),
            "BadRequest",
        ),
        (format!("{group}/providers/Microsoft.Consumption/aggregatedcost?api-version=2024-08-01&x=1"), "BadRequest"),
    ] {
        let (status, code, message) = refused(&world, &path).await;
        assert_eq!((status, code.as_str()), (400, expected), "{path}: {message}");
    }
}
