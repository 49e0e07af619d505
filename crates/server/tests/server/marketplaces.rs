//! Marketplace charges: real answers imported and asked for again, and the same rows through every API.

use std::path::Path;

use imports::{ImportError, ImportOptions, ImportOutcome, NoProgress, Store, import};
use ledger::Dataset;
use reqwest::Method;
use serde_json::Value;

use crate::world::*;

const SUBSCRIPTION: &str = "6b74c45b-9597-4939-a202-36b2ee8fbb3d";

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,AccountId,SubscriptionId,Date,MeterId,Quantity,\
                      EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,PublisherName,PlanName,\
                      PricingModel,Frequency,ProductOrderId\n";
/// Department, charge type, publisher, cost, frequency.
const ROWS: [(&str, &str, &str, &str, &str); 4] = [
    ("7", "Usage", "Marketplace", "1.500", "UsageBased"),
    ("8", "Usage", "Marketplace", "2.25", "UsageBased"),
    ("7", "Purchase", "Marketplace", "100", "Recurring"),
    ("7", "Usage", "Azure", "7", "UsageBased"),
];

fn export() -> String {
    let mut text = HEADER.to_owned();
    for (department, charge, publisher, cost, frequency) in ROWS {
        text.push_str(&format!(
            "{OWN},09/01/2023,{department},7{department},{OWN_SUBSCRIPTION},09/02/2023,m,3,0.5,{cost},USD,{charge},{publisher},\
             Contoso,Gold,OnDemand,{frequency},order-1\n"
        ));
    }
    text
}

fn recorded(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imports/tests/data/pages");
    std::fs::read_to_string(folder.join(format!("{file}.0.json"))).unwrap()
}

async fn load(world: &World, name: &str, text: &str) -> Result<ImportOutcome, ImportError> {
    let source = world.data().join(name);
    std::fs::write(&source, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.enrollment = Some(OWN.to_owned().try_into().unwrap());
    if name.ends_with(".csv") {
        options.fill.dataset = Some(Dataset::ActualCost);
    } else {
        options.fill.currency = Some("USD".parse().unwrap());
    }
    import(&store, &options, &NoProgress).await
}

async fn read(world: &World, path: &str) -> (u16, Value) {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// The answers of the original, item by item. It counted months of a subscription that were none of the calendar, so that a
/// charge of the current period was settled, which an enrollment's is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_charges_are_answered_again_value_for_value() {
    const PERIOD: &str = "/providers/Microsoft.Billing/billingPeriods/201804-1";
    for (file, period, query, today) in [
        ("cli_marketplace_list", "", "", "2018-04-20T00:00:00Z"),
        ("cli_marketplace_list_billing_period", PERIOD, "", "2018-05-20T00:00:00Z"),
        ("cli_marketplace_list_billing_period_filter", PERIOD, "&$top=1", "2018-05-20T00:00:00Z"),
    ] {
        let world = World::start_with(|settings| settings.clock = Some(format!("fixed {today}"))).await;
        let page = recorded(file);
        load(&world, "page.json", &page).await.unwrap();
        let path = format!(
            "/subscriptions/{SUBSCRIPTION}{period}/providers/Microsoft.Consumption/marketplaces?api-version=2018-01-31{query}"
        );
        let text = world.ask_with_key(Method::GET, &path).send().await.unwrap().text().await.unwrap();
        let text = if period.is_empty() { text.replace("\"isEstimated\":true", "\"isEstimated\":false") } else { text };
        // Numbers as they are spelled: both texts name the same members in the same order.
        let items = |text: &str| {
            let mut items: Vec<String> =
                text.split("{\"id\":").skip(1).map(|item| item.trim_end_matches([',', ']', '}']).to_owned()).collect();
            items.sort();
            items
        };
        let (found, expected) = (items(&text), items(&page));
        assert_eq!(found.len(), expected.len(), "{file}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_exports_are_shown_by_publisher_and_scope() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-10-20T00:00:00Z".into())).await;
    load(&world, "export.csv", &export()).await.unwrap();
    let own = own_scope();
    let at = |scope: &str, query: &str| {
        format!(
            "/{scope}/providers/Microsoft.Billing/billingPeriods/202309/providers/Microsoft.Consumption/marketplaces?{query}"
        )
    };
    let (_, all) = read(&world, &at(&own, "api-version=2024-08-01")).await;
    let items = all["value"].as_array().unwrap();
    let mut costs: Vec<String> = items.iter().map(|item| item["properties"]["pretaxCost"].to_string()).collect();
    costs.sort();
    assert_eq!(costs, ["1.5", "100", "2.25"]);
    let recurring = items.iter().find(|item| item["properties"]["isRecurringCharge"] == true).unwrap();
    let properties = &recurring["properties"];
    assert_eq!(
        (properties["publisherName"].as_str(), properties["planName"].as_str()),
        (Some("Contoso"), Some("Gold"))
    );
    assert_eq!(properties["orderNumber"], "order-1");
    assert!(properties.get("offerName").is_none(), "exports do not name offers");
    assert!(recurring["id"].as_str().unwrap().contains("/providers/Microsoft.Consumption/marketplaces/"));

    let (_, department) = read(&world, &at(&format!("{own}/departments/7"), "api-version=2024-08-01")).await;
    assert_eq!(department["value"].as_array().unwrap().len(), 1, "usage of the department alone");
    let (_, old) = read(&world, &at(&own, "api-version=2018-06-30&$top=2")).await;
    assert!(old["value"][0]["properties"].get("isRecurringCharge").is_none(), "it came later");
    let next = old["nextLink"].as_str().unwrap();
    let last: Value = world.client.get(next).bearer_auth(&world.key).send().await.unwrap().json().await.unwrap();
    assert_eq!((last["value"].as_array().unwrap().len(), last.get("nextLink")), (1, None));
    let details = next.replace("/marketplaces?", "/usageDetails?");
    assert_eq!(world.client.get(details).bearer_auth(&world.key).send().await.unwrap().status(), 400);
    let (status, _) =
        read(&world, &at(&own, "api-version=2024-08-01&$filter=properties/instanceName%20eq%20'x'")).await;
    assert_eq!(status, 204);

    for path in [
        format!("/v3/enrollments/{OWN}/billingPeriods/202309/marketplacecharges"),
        format!("/v3/enrollments/{OWN}/marketplacechargesbycustomdate?startTime=2023-09-01&endTime=2023-09-30"),
    ] {
        let (status, list) = read(&world, &path).await;
        let list = list.as_array().unwrap().clone();
        assert_eq!((status, list.len()), (200, 3), "{path}");
        let first = list.iter().find(|item| format!("{}", item["extendedCost"]) == "1.5").unwrap();
        assert_eq!(
            (first["usageStartDate"].as_str(), first["usageEndDate"].as_str()),
            (Some("2023-09-02T00:00:00"), Some("2023-09-02T23:59:59"))
        );
        assert_eq!((first["departmentId"].to_string(), first["offerName"].as_str()), ("7".to_owned(), Some("")));
        assert_eq!(first["isRecurringCharge"], false);
    }
    let (status, _) = read(&world, &format!("/v3/enrollments/{OWN}/billingPeriods/202308/marketplacecharges")).await;
    assert_eq!(status, 404);
    let (_, periods) = read(&world, &format!("/v2/enrollments/{OWN}/billingperiods")).await;
    assert_eq!(
        periods[0]["marketplaceCharges"],
        format!("/v2/enrollments/{OWN}/billingperiods/202309/marketplacecharges")
    );
}

/// The older generations tell Marketplace charges apart, so both answers are one set of charges; a source of all publishers
/// holds them too, and both together would count twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_the_marketplace_stand_beside_first_party_usage_and_not_beside_themselves() {
    let reporting = r#"[{"id":"x","subscriptionGuid":"1caaa5a3-2b66-438e-8ab4-bce37d518c5d","meterId":"m","usageStartDate":"2023-09-02T00:00:00",
        "usageEndDate":"2023-09-02T23:59:59","offerName":"Offer","instanceId":"/i","tags":"","orderNumber":"order-2","accountId":7,
        "publisherName":"Contoso","planName":"Gold","consumedQuantity":3,"resourceRate":0.5,"extendedCost":1.500,
        "isRecurringCharge":true}]"#;
    let world = World::start_with(|settings| {
        settings.clock = Some("fixed 2023-10-20T00:00:00Z".into());
        settings.workers = Some(1);
    })
    .await;
    let first_party: String =
        export().lines().filter(|line| !line.contains(",Marketplace,")).map(|line| format!("{line}\n")).collect();
    load(&world, "first.csv", &first_party).await.unwrap();
    let taken = load(&world, "marketplace.json", reporting).await.unwrap();
    assert_eq!((taken.imported[0].rows, taken.imported[0].total.as_str()), (1, "1.500"));
    assert!(taken.imported[0].replaces.is_empty(), "the charges of Azure stay");

    let report = world.answered(&own_scope(), VERSION, "{\"billingPeriod\":\"202309\"}").await;
    let link = report["manifest"]["blobs"][0]["blobLink"].as_str().unwrap();
    let csv = world.client.get(link).send().await.unwrap().text().await.unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.contains(",1.500,") && csv.contains("order-2") && csv.contains("Marketplace"), "{csv}");
    let path = format!("/v3/enrollments/{OWN}/billingPeriods/202309/marketplacecharges");
    let (_, list) = read(&world, &path).await;
    assert_eq!(
        (list[0]["id"].as_str(), list[0]["offerName"].as_str(), list[0]["isRecurringCharge"].as_bool()),
        (Some("x"), Some("Offer"), Some(true))
    );
    assert!(load(&world, "marketplace.json", reporting).await.unwrap().imported[0].unchanged);

    let refused = load(&world, "export.csv", &export()).await.unwrap_err();
    assert!(refused.to_string().contains("would count twice"), "{refused}");
    assert_eq!(read(&world, &path).await.1, list, "nothing changed");

    let other = World::start().await;
    load(&other, "export.csv", &export()).await.unwrap();
    let refused = load(&other, "marketplace.json", reporting).await.unwrap_err();
    assert!(refused.to_string().contains("would count twice"), "{refused}");
}

/// What the Marketplace alone says tells nothing of other charges: that they are not held is not zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marketplace_charges_alone_are_no_charges_of_azure() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2018-02-20T00:00:00Z".into())).await;
    let list = r#"[{"subscriptionGuid":"1caaa5a3-2b66-438e-8ab4-bce37d518c5d","meterId":"m","usageStartDate":"2018-02-02T00:00:00",
        "usageEndDate":"2018-02-02T23:59:59","consumedQuantity":3,"resourceRate":0.5,"extendedCost":1.5}]"#;
    load(&world, "marketplace.json", list).await.unwrap();
    let (status, charges) =
        read(&world, &format!("/v3/enrollments/{OWN}/billingPeriods/201802/marketplacecharges")).await;
    assert_eq!((status, charges.as_array().map(Vec::len)), (200, Some(1)), "{charges}");
    let (status, _) = read(&world, &format!("/v3/enrollments/{OWN}/billingPeriods/201802/usagedetails")).await;
    assert_eq!(status, 404);
    let path = format!(
        "/{}/providers/Microsoft.Billing/billingPeriods/201802/providers/Microsoft.Consumption/charges?api-version=2019-10-01",
        own_scope()
    );
    assert_eq!(read(&world, &path).await, (200, serde_json::json!({ "value": [] })));
}
