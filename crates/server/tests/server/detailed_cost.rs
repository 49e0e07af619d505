//! Reports of the operation before Cost Details.

use catalog::FinishedJob;
use imports::{ImportOptions, NoProgress, Store};
use reqwest::{Method, Response, StatusCode};
use samples::bundled::EA_ACTUAL;
use serde_json::{Value, json};

use crate::cost_details::shape_of;
use crate::world::*;

const ORDER_EXAMPLE: &str =
    include_str!("../../../api/tests/data/GenerateDetailedCostReportByBillingAccountLegacyAndBillingPeriod.json");
const RESULT_EXAMPLE: &str =
    include_str!("../../../api/tests/data/GenerateDetailedCostReportOperationResultsBySubscriptionScope.json");
const STATUS_EXAMPLE: &str =
    include_str!("../../../api/tests/data/GenerateDetailedCostReportOperationStatusBySubscriptionScope.json");
const QUERY: &str = "api-version=2024-08-01";

fn example(text: &str, status: &str) -> Value {
    let example: Value = serde_json::from_str(text).unwrap();
    example["responses"][status].clone()
}

async fn order_at(world: &World, scope: &str, query: &str, body: &str) -> Response {
    let path = format!("/{scope}/providers/Microsoft.CostManagement/generateDetailedCostReport?{query}");
    let request = world.ask_with_key(Method::POST, &path).header("content-type", "application/json");
    request.body(body.to_owned()).send().await.unwrap()
}

/// The addresses of an accepted order: of its result, and of its status.
async fn ordered(world: &World, body: &str) -> (String, String) {
    let answer = order_at(world, &own_scope(), QUERY, body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    (header(&answer, "location"), header(&answer, "azure-consumption-asyncoperation"))
}

async fn get(world: &World, url: &str) -> Response {
    world.client.get(url).bearer_auth(&world.key).send().await.unwrap()
}

async fn body(world: &World, url: &str) -> Value {
    let answer = get(world, url).await;
    assert_eq!(answer.status(), 200, "{url}");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_report_goes_from_accepted_over_running_to_the_shapes_of_the_official_examples() {
    let world = World::start().await;
    let order: Value = serde_json::from_str(ORDER_EXAMPLE).unwrap();
    let answer = order_at(&world, &own_scope(), QUERY, &order["parameters"]["parameters"].to_string()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let names: Vec<&String> = order["responses"]["202"]["headers"].as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| !header(&answer, name).is_empty()), "{names:?}");
    assert_eq!((header(&answer, "retry-after"), header(&answer, "azure-asyncoperation")), ("1".into(), String::new()));
    let (location, status) = (header(&answer, "location"), header(&answer, "azure-consumption-asyncoperation"));
    assert_eq!(answer.text().await.unwrap(), "");
    let operation = |kind: &str, id: &str| {
        format!("{}/{}/providers/Microsoft.CostManagement/{kind}/{id}?{QUERY}", world.server.http_url, own_scope())
    };
    let id = location.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert_eq!((&location, &status), (&operation("operationResults", id), &operation("operationStatus", id)));

    let running = get(&world, &location).await;
    assert_eq!((running.status(), header(&running, "location")), (StatusCode::ACCEPTED, location.clone()));
    assert_eq!(header(&running, "azure-consumption-asyncoperation"), status);
    let answer = get(&world, &status).await;
    assert_eq!((answer.status(), header(&answer, "retry-after")), (StatusCode::OK, "1".into()));
    let queued: Value = answer.json().await.unwrap();
    assert_eq!((&queued["status"], queued.get("properties"), queued.get("error")), (&json!("Queued"), None, None));

    let blob = json!([{ "job": id, "name": "part_1_0000.csv", "bytes": 32741 }]);
    assert_eq!(world.finish(&FinishedJob::Completed(blob.to_string())).await, id);
    let result = body(&world, &location).await;
    assert_eq!(shape_of(&result), shape_of(&example(RESULT_EXAMPLE, "200")["body"]));
    let expected = format!("{}/providers/Microsoft.CostManagement/operationResults/{id}", own_scope());
    assert_eq!((&result["id"], &result["name"]), (&json!(expected), &json!(id)));
    assert_eq!(result["type"], "Microsoft.Consumption/operationResult");
    let link = result["properties"]["downloadUrl"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/reports/{id}/part_1_0000.csv?sv=", world.server.http_url)), "{link}");
    let valid_till = result["properties"]["validTill"].as_str().unwrap();
    assert_eq!((valid_till.len(), &valid_till[19..]), (28, ".0000000Z"), "{valid_till}");

    let told = body(&world, &status).await;
    assert_eq!(shape_of(&told), shape_of(&example(STATUS_EXAMPLE, "200")["body"]));
    assert_eq!(
        (&told["status"], &told["type"]),
        (&json!("Completed"), &json!("Microsoft.Consumption/operationStatus"))
    );
    assert_eq!(told["error"], json!({ "code": "0", "message": null }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_that_of_a_cost_details_report() {
    let world = World::start_with(|settings| {
        settings.clock = Some("latest-held".to_owned());
        (settings.workers, settings.retry_after) = (Some(1), Some(0));
    })
    .await;
    let source = world.data().join("export.csv");
    std::fs::write(&source, EA_ACTUAL.bytes).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    imports::import(&store, &options, &NoProgress).await.unwrap();
    for (query, order) in [
        ("", r#"{"metric":"ActualCost","billingPeriod":"202309"}"#),
        ("", "{}"),
        ("&lazurite-layout=ea_2019_10_01", r#"{"timePeriod":{"start":"2023-09-01","end":"2023-09-30"}}"#),
    ] {
        let accepted = order_at(&world, &own_scope(), &format!("{QUERY}{query}"), order).await;
        let (location, status) = (header(&accepted, "location"), header(&accepted, "azure-consumption-asyncoperation"));
        loop {
            let told = body(&world, &status).await;
            match told["status"].as_str().unwrap() {
                "Queued" | "InProgress" => tokio::task::yield_now().await,
                "Completed" => break,
                other => panic!("{other}: {told}"),
            }
        }
        let result = body(&world, &location).await;
        let file = async |url: &Value| {
            let answer = world.client.get(url.as_str().unwrap()).send().await.unwrap();
            answer.bytes().await.unwrap()
        };
        let newer = world.answered(&own_scope(), &format!("{QUERY}{query}"), order).await;
        let own = file(&result["properties"]["downloadUrl"]).await;
        assert!(own.len() > 1000, "{order}");
        assert_eq!(own, file(&newer["manifest"]["blobs"][0]["blobLink"]).await, "{order}");
    }
}

#[tokio::test]
async fn each_operation_finds_its_own_reports() {
    let world = World::start().await;
    let (location, _) = ordered(&world, "{}").await;
    let id = location.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let at = |kind: &str, id: &str, version: &str| {
        let scope = own_scope();
        format!(
            "{}/{scope}/providers/Microsoft.CostManagement/{kind}/{id}?api-version={version}",
            world.server.http_url
        )
    };
    let status = async |url: String| get(&world, &url).await.status().as_u16();
    assert_eq!(status(at("operationResults", &id.to_uppercase(), "2020-12-01-preview")).await, 202);
    assert_eq!(status(at("costDetailsOperationResults", &id, "2024-08-01")).await, 404);
    // A Cost Details report is found at the same address, but has no status here.
    let newer = world.ordered(&own_scope(), "{}").await;
    let newer = newer.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    assert_eq!(status(at("operationResults", &newer, "2021-10-01")).await, 202);
    assert_eq!(status(at("operationStatus", &newer, "2021-10-01")).await, 404);
    for (kind, id, version, expected) in [
        ("operationResults", "x", "2021-10-01", 404),
        ("operationStatus", "x", "2024-08-01", 404),
        ("operationStatus", id.as_str(), "2019-11-01", 400),
        ("operationStatus", id.as_str(), "2024-08-01&x=1", 400),
    ] {
        assert_eq!(status(at(kind, id, version)).await, expected, "{kind} {version}");
    }
    assert_eq!(status(at("operationResults", &id, "2024-08-01").replace(OWN, OTHER)).await, 403);
    assert_eq!(world.client.get(&location).send().await.unwrap().status(), 401);
    let elsewhere = location.replace(&own_scope(), &format!("subscriptions/{OWN_SUBSCRIPTION}"));
    assert_eq!(status(elsewhere).await, 404);
}

#[tokio::test]
async fn what_has_no_file_is_said_at_both_addresses() {
    let world = World::start_with(|settings| settings.retry_after = Some(0)).await;
    for (end, status, code, message) in [
        (FinishedJob::NoData, "NoDataFound", "NoDataFound", "There are no charges in the scope and time asked about."),
        (FinishedJob::Failed("not held".into()), "Failed", "ReportFailed", "not held"),
    ] {
        let (location, at_status) = ordered(&world, "{}").await;
        world.finish(&end).await;
        let told = body(&world, &at_status).await;
        assert_eq!((&told["status"], told.get("properties")), (&json!(status), None));
        assert_eq!(told["error"], json!({ "code": code, "message": message }));
        let (status, code, text) = error_of(get(&world, &location).await).await;
        assert_eq!((status, code.as_str(), text.as_str()), (404, "NotFound", message));
    }
}

#[tokio::test]
async fn wrong_orders_are_refused_as_those_of_cost_details() {
    let world = World::start().await;
    let other = format!("providers/Microsoft.Billing/billingAccounts/{OTHER}");
    for (scope, query, body, expected) in [
        (own_scope(), QUERY, "{", (400, "BadRequest")),
        (own_scope(), QUERY, r#"{"invoiceId":"M1","customerId":"1"}"#, (400, "BadRequest")),
        (own_scope(), QUERY, r#"{"invoiceId":"M1"}"#, (400, "BadRequest")),
        (own_scope(), "api-version=2019-11-01", "{}", (400, "InvalidApiVersionParameter")),
        (own_scope(), "api-version=2024-08-01&x=1", "{}", (400, "BadRequest")),
        (other, QUERY, "{}", (403, "BillingAccessDenied")),
        (format!("{}/billingProfiles/1", own_scope()), QUERY, "{}", (400, "BadRequest")),
    ] {
        let (status, code, message) = error_of(order_at(&world, &scope, query, body).await).await;
        assert_eq!((status, code.as_str()), expected, "{scope} {body}: {message}");
    }
}
