//! Summaries of charges: exact sums by class, of each billing period, in the shape of each version.

use imports::{ImportOptions, NoProgress, Store, import};
use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::world::*;

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,SubscriptionId,\
                      Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,\
                      PricingModel,IsAzureCreditEligible\n";

/// Department, date, cost, charge type, publisher, eligibility.
const ROWS: [(&str, &str, &str, &str, &str, &str); 9] = [
    ("7", "09/01/2023", "400.0000000000000000000000000001", "Usage", "Azure", "True"),
    ("7", "09/02/2023", "80", "Usage", "Marketplace", "True"),
    ("7", "09/02/2023", "120.10", "Usage", "Azure", "False"),
    ("7", "09/30/2023", "55.25", "Usage", "Marketplace", "False"),
    ("7", "09/30/2023", "1", "Usage", "Azure", ""),
    ("8", "09/05/2023", "7", "Usage", "Azure", "True"),
    ("8", "09/05/2023", "1000", "Purchase", "Azure", "True"),
    ("7", "10/01/2023", "3.5", "Usage", "Azure", "True"),
    ("7", "10/20/2023", "4", "Usage", "Azure", "True"),
];

async fn world() -> World {
    let world = World::start().await;
    let mut text = HEADER.to_owned();
    for (department, date, cost, charge, publisher, eligible) in ROWS {
        let month = &date[..2];
        text.push_str(&format!(
            "{OWN},{month}/01/2023,{department},D{department},71,Shop,{OWN_SUBSCRIPTION},{date},m,1,1,{cost},USD,{charge},{publisher},\
             OnDemand,{eligible}\n"
        ));
    }
    let path = world.data().join("charges-of-classes.csv");
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..Default::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    let store = Store::open(world.data()).await.unwrap();
    import(&store, &options, &NoProgress).await.unwrap();
    world
}

async fn read(world: &World, path: &str) -> (u16, String) {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn department(id: &str) -> String {
    format!("{}/departments/{id}", own_scope())
}

fn path(scope: &str, period: &str, query: &str) -> String {
    format!("/{scope}{period}/providers/Microsoft.Consumption/charges?{query}")
}

#[derive(serde::Deserialize)]
struct List {
    value: Vec<Summary>,
}

#[derive(serde::Deserialize)]
struct Summary {
    properties: Properties,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    usage_start: String,
    usage_end: String,
    azure_charges: Box<RawValue>,
    charges_billed_separately: Box<RawValue>,
    azure_marketplace_charges: Box<RawValue>,
}

/// Start, end and amounts of each summary, with the digits as they were written.
fn told(body: &str) -> Vec<(String, String, [String; 3])> {
    let list: List = serde_json::from_str(body).unwrap();
    let one = |summary: Summary| {
        let own = summary.properties;
        let amounts = [own.azure_charges, own.charges_billed_separately, own.azure_marketplace_charges];
        (own.usage_start, own.usage_end, amounts.map(|amount| amount.get().to_owned()))
    };
    list.value.into_iter().map(one).collect()
}

fn summary(start: &str, end: &str, amounts: [&str; 3]) -> (String, String, [String; 3]) {
    (start.to_owned(), end.to_owned(), amounts.map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_are_added_up_exactly_by_billing_period() {
    let world = world().await;
    let september = summary("2023-09-01", "2023-09-30", ["481.0000000000000000000000000001", "120.10", "55.25"]);
    let october = summary("2023-10-01", "2023-10-31", ["7.5", "0", "0"]);
    let version = "api-version=2024-08-01";
    let of = |month: &str| format!("/providers/Microsoft.Billing/billingPeriods/{month}");
    for (scope, period, query, expected) in [
        (department("7"), of("202309"), "", vec![september.clone()]),
        (department("7"), of("202310-1"), "", vec![october.clone()]),
        (
            department("7"),
            String::new(),
            "&$filter=usageStart eq '2023-09-01' AND usageEnd eq '2023-10-31'",
            vec![september, october],
        ),
        (
            department("7"),
            String::new(),
            "&startDate=2023-09-02&endDate=2023-10-01",
            vec![
                summary("2023-09-02", "2023-09-30", ["81", "120.10", "55.25"]),
                summary("2023-10-01", "2023-10-01", ["3.5", "0", "0"]),
            ],
        ),
        // A purchase belongs to no department.
        (department("8"), of("202309"), "", vec![summary("2023-09-01", "2023-09-30", ["7", "0", "0"])]),
        (department("8"), of("202310"), "", vec![summary("2023-10-01", "2023-10-31", ["0", "0", "0"])]),
        (department("8"), of("202312"), "", vec![]),
        (
            own_scope(),
            of("202309"),
            "",
            vec![summary("2023-09-01", "2023-09-30", ["1488.0000000000000000000000000001", "120.10", "55.25"])],
        ),
        (
            format!("{}/enrollmentAccounts/71", own_scope()),
            of("202309"),
            "",
            vec![summary("2023-09-01", "2023-09-30", ["488.0000000000000000000000000001", "120.10", "55.25"])],
        ),
    ] {
        let path = path(&scope, &period, &format!("{version}{query}"));
        let (status, body) = read(&world, &path).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert_eq!(told(&body), expected, "{path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_has_its_shape() {
    let world = world().await;
    let scope = department("7");
    let of = async |version: &str| {
        let path =
            path(&scope, "/providers/Microsoft.Billing/billingPeriods/202309", &format!("api-version={version}"));
        let (status, body) = read(&world, &path).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let newest = of("2024-08-01").await;
    let one = &newest["value"][0];
    let name = one["name"].as_str().unwrap();
    assert_eq!(one["id"], format!("/{scope}/providers/Microsoft.Consumption/charges/{name}"));
    assert_eq!((&one["type"], &one["kind"]), (&json!("Microsoft.Consumption/charges"), &json!("legacy")));
    let period =
        format!("/providers/Microsoft.Billing/BillingAccounts/{OWN}/providers/Microsoft.Billing/billingPeriods/202309");
    assert_eq!(
        (&one["properties"]["billingPeriodId"], &one["properties"]["currency"]),
        (&json!(period), &json!("USD"))
    );
    for (version, is_list, long_name, has_kind) in [
        ("2018-08-31", false, false, false),
        ("2018-10-01", false, false, false),
        ("2019-01-01", false, false, false),
        ("2019-06-01", false, false, false),
        ("2019-10-01", true, true, true),
        ("2019-11-01", true, false, true),
        ("2021-05-01", true, false, true),
        ("2021-10-01", true, true, true),
    ] {
        let answer = of(version).await;
        let own = if is_list { &answer["value"][0] } else { &answer };
        let has = |name: &str| own["properties"].get(name).is_some();
        assert_eq!((has("azureMarketplaceCharges"), has("marketplaceCharges")), (long_name, !long_name), "{version}");
        assert_eq!(own.get("kind").is_some(), has_kind, "{version}");
        assert_eq!(own["name"], name, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_refused() {
    let world = world().await;
    let version = "api-version=2024-08-01";
    let subscription = format!("subscriptions/{OWN_SUBSCRIPTION}");
    for (path, expected) in [
        (path(&department("9"), "", version), (404, "NotFound")),
        (
            path(&format!("providers/Microsoft.Billing/billingAccounts/{OTHER}"), "", version),
            (403, "BillingAccessDenied"),
        ),
        (path(&subscription, "", version), (400, "BadRequest")),
        (path(&department("7"), "", "api-version=2018-06-30"), (400, "InvalidApiVersionParameter")),
        (path(&department("7"), "", &format!("{version}&$apply=x")), (400, "BadRequest")),
        (path(&department("7"), "", &format!("{version}&startDate=2023-09-01")), (400, "BadRequest")),
        (
            path(&department("7"), "", &format!("{version}&startDate=2023-09-02&endDate=2023-09-01")),
            (400, "BadRequest"),
        ),
        (path(&department("7"), "", &format!("{version}&$filter=usageStart eq x")), (400, "BadRequest")),
        (
            path(&department("7"), "/providers/Microsoft.Billing/billingPeriods/202312", "api-version=2018-10-01"),
            (404, "NotFound"),
        ),
    ] {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        let (status, code, message) = error_of(answer).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
}
