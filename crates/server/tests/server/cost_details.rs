//! Ordering reports and asking how they stand.

use catalog::FinishedJob;
use ledger::Place;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::*;

const RESULT_EXAMPLE: &str =
    include_str!("../../../api/tests/data/CostDetailsOperationResultsBySubscriptionScope.json");
const ORDER_EXAMPLE: &str = include_str!(
    "../../../api/tests/data/GenerateCostDetailsReportByBillingAccountEnterpriseAgreementCustomerAndBillingPeriod.json"
);

/// Names and kinds of all members, in order.
fn shape(value: &Value, path: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| shape(value, &format!("{path}.{name}"), into))
        }
        Value::Array(entries) => entries.iter().for_each(|entry| shape(entry, &format!("{path}[]"), into)),
        Value::String(_) => into.push(format!("{path} text")),
        Value::Number(_) => into.push(format!("{path} number")),
        _ => into.push(format!("{path} {value}")),
    }
}

pub(crate) fn shape_of(value: &Value) -> Vec<String> {
    let mut into = Vec::new();
    shape(value, "", &mut into);
    into
}

#[tokio::test]
async fn a_report_goes_from_accepted_over_running_to_the_shape_of_the_official_example() {
    let world = World::start().await;
    let example: Value = serde_json::from_str(RESULT_EXAMPLE).unwrap();
    let example = &example["responses"]["200"]["body"];
    let order = example["manifest"]["requestContext"]["requestBody"].to_string();
    let scope = format!("subscriptions/{OWN_SUBSCRIPTION}");

    let answer = world.order_at(&scope, "api-version=2022-05-01", &order).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&answer, "retry-after"), "1");
    assert_eq!(header(&answer, "azure-asyncoperation"), "");
    let location = header(&answer, "location");
    let prefix =
        format!("{}/{scope}/providers/Microsoft.CostManagement/costDetailsOperationResults/", world.server.http_url);
    let id = location.strip_prefix(&prefix).unwrap().strip_suffix("?api-version=2022-05-01").unwrap().to_owned();
    assert_eq!(answer.text().await.unwrap(), "");

    let poll = async || world.client.get(&location).bearer_auth(&world.key).send().await.unwrap();
    let running = poll().await;
    assert_eq!(running.status(), StatusCode::ACCEPTED);
    assert_eq!((header(&running, "location"), header(&running, "retry-after")), (location.clone(), "1".into()));
    assert_eq!(running.text().await.unwrap(), "");

    let blob = json!([{ "job": id, "name": "part_1_0000.csv", "bytes": 32741 }]);
    assert_eq!(world.finish(&FinishedJob::Completed(blob.to_string())).await, id);
    let finished = poll().await;
    assert_eq!(finished.status(), StatusCode::OK);
    assert_eq!(header(&finished, "content-type"), "application/json; charset=utf-8");
    let result: Value = finished.json().await.unwrap();
    assert_eq!(shape_of(&result), shape_of(example));
    assert_eq!(result["name"], json!(id));
    let expected = format!("{scope}/providers/Microsoft.CostManagement/costDetailsOperationResults/{id}");
    assert_eq!(result["id"], json!(expected));
    assert_eq!(result["status"], "Completed");
    let manifest = &result["manifest"];
    assert_eq!(manifest["manifestVersion"], "2022-05-01");
    assert_eq!(manifest["byteCount"], 32741);
    assert_eq!(manifest["requestContext"]["requestScope"], json!(scope));
    assert_eq!(manifest["requestContext"]["requestBody"], example["manifest"]["requestContext"]["requestBody"]);
    let link = manifest["blobs"][0]["blobLink"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/reports/{id}/part_1_0000.csv?sv=", world.server.http_url)), "{link}");
    let valid_till = result["validTill"].as_str().unwrap();
    assert_eq!((valid_till.len(), &valid_till[19..]), (28, ".0000000Z"), "{valid_till}");
}

#[tokio::test]
async fn the_official_order_by_billing_period_is_accepted() {
    let world = World::start().await;
    let example: Value = serde_json::from_str(ORDER_EXAMPLE).unwrap();
    let answer = world.order(&example["parameters"]["parameters"].to_string()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let names: Vec<&String> = example["responses"]["202"]["headers"].as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| !header(&answer, name).is_empty()), "{names:?}");
    assert_eq!(world.stored_question().await["period"], "202205");
}

#[tokio::test]
async fn all_poll_routes_answer_in_the_permitted_scope_only() {
    let world = World::start().await;
    let location = world.ordered(&own_scope(), "{}").await;
    let status = async |path: &str| world.ask_with_key(Method::GET, path).send().await.unwrap().status().as_u16();
    for route in ["costDetailsOperationStatus", "operationResults", "COSTDETAILSOPERATIONRESULTS"] {
        assert_eq!(status(&location.replace("costDetailsOperationResults", route)).await, 202, "{route}");
    }
    let path = location.split_once('?').unwrap().0;
    assert_eq!(status(&format!("/{path}?{VERSION}")).await, 202);
    assert_eq!(
        status(&format!("{}?{VERSION}", path.replace(&own_scope(), &format!("subscriptions/{OWN_SUBSCRIPTION}"))))
            .await,
        404
    );
    assert_eq!(status(&location.replace(OWN, OTHER)).await, 403);
    assert_eq!(status(path).await, 400);
    assert_eq!(world.ask(Method::GET, &location).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let unknown =
        format!("/{}/providers/Microsoft.CostManagement/costDetailsOperationResults/x?{VERSION}", own_scope());
    let (status, code, _) = error_of(world.ask_with_key(Method::GET, &unknown).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (404, "NotFound"));
}

#[tokio::test]
async fn reports_without_rows_have_no_manifest_and_failed_ones_an_error() {
    let world = World::start_with(|settings| settings.retry_after = Some(0)).await;
    let result = async |location: String| -> Value {
        world.ask_with_key(Method::GET, &location).send().await.unwrap().json().await.unwrap()
    };
    let empty = world.ordered(&own_scope(), "{}").await;
    world.finish(&FinishedJob::NoData).await;
    let empty = result(empty).await;
    assert_eq!(empty["status"], "NoDataFound");
    assert_eq!(empty.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "status", "validTill"]);

    let failed = world.ordered(&own_scope(), "{}").await;
    world.finish(&FinishedJob::Failed("not held".into())).await;
    let failed = result(failed).await;
    assert_eq!(failed["status"], "Failed");
    assert_eq!(failed["error"], json!({ "code": "ReportFailed", "message": "not held" }));
    assert!(failed.get("manifest").is_none());
}

#[tokio::test]
async fn workers_answer_what_needs_no_rows() {
    let world = World::start_with(|settings| settings.workers = Some(1)).await;
    for (body, expected) in [
        (r#"{"billingPeriod":"202210"}"#, "NoDataFound"),
        (r#"{"billingPeriod":"202309","metric":"AmortizedCost"}"#, "Failed"),
    ] {
        let result = world.answered(&own_scope(), VERSION, body).await;
        assert_eq!(result["status"], expected, "{result}");
    }
    world.server.shutdown().await;
}

#[tokio::test]
async fn the_body_is_echoed_as_written() {
    let world = World::start().await;
    for (body, echo) in [
        ("", "{}"),
        (
            " { \"metric\" : \"actualcost\",\n \"billingPeriod\": 202309 } ",
            "{ \"metric\" : \"actualcost\",\n \"billingPeriod\": 202309 }",
        ),
    ] {
        let location = world.ordered(&own_scope(), body).await;
        world.finish(&FinishedJob::Completed("[]".into())).await;
        let text = world.ask_with_key(Method::GET, &location).send().await.unwrap().text().await.unwrap();
        assert!(text.contains(&format!("\"requestBody\":{echo}}}")), "{text}");
    }
}

#[tokio::test]
async fn wrong_orders_are_refused_with_the_documented_texts() {
    let world = World::start().await;
    let cases = [
        ("{", "Invalid Request Payload"),
        ("{\"metric\":\"ActualCost\",\"x\":1}", "Invalid Request Payload"),
        ("{\"metric\":\"ActualCost\",\"metric\":\"ActualCost\"}", "Invalid Request Payload"),
        (
            r#"{"billingPeriod":"202309","invoiceId":"1"}"#,
            "Invalid request payload:  can only have either timePeriod or invoiceId or billingPeriod",
        ),
    ];
    for (body, text) in cases {
        assert_eq!(error_of(world.order(body).await).await, (400, "BadRequest".into(), text.into()), "{body}");
    }
    for body in
        [r#"{"invoiceId":"1"}"#, r#"{"metric":"x"}"#, r#"{"timePeriod":{"start":"2023-02-30","end":"2023-03-01"}}"#]
    {
        let (status, code, _) = error_of(world.order(body).await).await;
        assert_eq!((status, code.as_str()), (400, "BadRequest"), "{body}");
    }
}

#[tokio::test]
async fn only_json_is_read_and_only_so_much_of_it() {
    let world = World::start().await;
    let path = create_path(&own_scope(), VERSION);
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = world.ask_with_key(Method::POST, &path).header("content-type", content_type);
        request.body(body).send().await.unwrap()
    };
    let (status, code, _) = error_of(send("text/plain", b"{}".to_vec()).await).await;
    assert_eq!((status, code.as_str()), (415, "UnsupportedMediaType"));
    for content_type in ["application/json", "application/json; charset=UTF-8"] {
        assert_eq!(send(content_type, b"{}".to_vec()).await.status(), StatusCode::ACCEPTED);
    }
    // What PowerShell says about no body at all.
    assert_eq!(send("application/x-www-form-urlencoded", Vec::new()).await.status(), StatusCode::ACCEPTED);
    assert_eq!(world.ask_with_key(Method::POST, &path).body("{}").send().await.unwrap().status(), StatusCode::ACCEPTED);

    let mut longest = b"{}".to_vec();
    longest.resize(64 << 10, b' ');
    assert_eq!(send("application/json", longest.clone()).await.status(), StatusCode::ACCEPTED);
    longest.push(b' ');
    let (status, code, _) = error_of(send("application/json", longest).await).await;
    assert_eq!((status, code.as_str()), (413, "RequestEntityTooLarge"));
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_before_they_are_read() {
    let world = World::start().await;
    let path = create_path(&own_scope(), VERSION);
    let (status, code, _) =
        error_of(world.ask_with_key(Method::POST, &path).body(vec![b' '; 100 << 20]).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (413, "RequestEntityTooLarge"));
    // The refusal of a stranger is heard as well.
    let answer = world.ask(Method::POST, &path).body(vec![b' '; 100 << 20]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn options_beyond_the_original_reach_the_question() {
    let world = World::start().await;
    let query = format!("{VERSION}&lazurite-layout=ea_2019_10_01&lazurite-as-of=0&lazurite-unknown-columns=true");
    let answer = world.order_at(&own_scope(), &query, r#"{"billingPeriod":"20230915"}"#).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(header(&answer, "location").ends_with(&format!("?{VERSION}")));
    let question = world.stored_question().await;
    assert_eq!((&question["layout"], &question["version"]), (&json!("ea_2019_10_01"), &json!(0)));
    assert_eq!(question["period"], "202309");
    for option in [
        "lazurite-layout=x",
        "lazurite-as-of=7",
        "lazurite-as-of=yesterday",
        "lazurite-as-of=1969-12-31T00:00:00Z",
        "lazurite-unknown-columns=1",
    ] {
        let answer = world.order_at(&own_scope(), &format!("{VERSION}&{option}"), "{}").await;
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), (400, "BadRequest"), "{option}");
        assert!(message.contains(option.split_once('=').unwrap().0), "{message}");
    }
}

#[tokio::test]
async fn the_current_period_follows_the_clock() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-15T00:00:00Z".into())).await;
    world.ordered(&own_scope(), "{}").await;
    assert_eq!(world.stored_question().await["period"], "202309");
    // Nothing is in the lake: the newest held day is today.
    let world = World::start_with(|settings| settings.clock = Some("latest-held".into())).await;
    world.ordered(&own_scope(), "{}").await;
    assert!(world.stored_question().await["period"].as_str().unwrap() > "202601");
}

#[tokio::test]
async fn limits_of_the_original_hold_in_emulation_only() {
    let clock = Some("fixed 2023-09-15T00:00:00Z".to_owned());
    let order = |start: &str, end: &str| json!({ "timePeriod": { "start": start, "end": end } }).to_string();
    let old = order("2022-08-01", "2022-08-02");
    let long = order("2023-01-01", "2023-06-30");
    let world = World::start_with(|settings| settings.clock = clock.clone()).await;
    for body in [&old, &long] {
        assert_eq!(world.order(body).await.status(), StatusCode::ACCEPTED);
    }
    let emulator = World::start_with(|settings| (settings.clock, settings.emulate) = (clock, Some(true))).await;
    let text = async |body: &str| error_of(emulator.order(body).await).await.2;
    assert_eq!(text(&old).await, "Start date must be after 2022-08-14.");
    assert_eq!(text(&long).await, "The maximum allowed date range is 1 months");
    assert_eq!(emulator.order(&order("2023-08-01", "2023-08-31")).await.status(), StatusCode::ACCEPTED);
    let lenient = emulator.order_at(&own_scope(), &format!("{VERSION}&x=1"), "{}").await;
    assert_eq!(lenient.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_location_of_a_scope_with_odd_letters_can_be_asked() {
    let world = World::start().await;
    let id = "7?x#y z%";
    let mut import = entry();
    (import.version, import.id) = (1, "odd".into());
    import.enrollments[0].places = vec![Place { department_id: Some(id.into()), ..Place::default() }];
    world.catalog.take_over(1, Some(&import)).await.unwrap();
    let location = world.ordered("providers/Microsoft.Billing/departments/7%3Fx%23y%20z%25", "{}").await;
    assert!(location.starts_with("/providers/Microsoft.Billing/departments/7%3Fx%23y%20z%25/providers/"), "{location}");
    assert_eq!(world.ask_with_key(Method::GET, &location).send().await.unwrap().status(), StatusCode::ACCEPTED);
}
