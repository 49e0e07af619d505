//! Rows that are dated outside of their billing period: every route that is asked for their days finds them, though nothing
//! is held of the billing period that the days are of.

use imports::{ImportOptions, NoProgress, Store, import};
use ledger::Dataset;
use reqwest::Method;
use serde_json::Value;

use crate::agreement::{numbers, table_of};
use crate::world::*;

const DAYS: &str = "2023-10-01..2023-10-31";

/// A world with September, two rows of which are of October.
async fn world() -> World {
    let world = World::start_with(|settings| settings.workers = Some(1)).await;
    let mut text = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                    CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n"
        .to_owned();
    for (day, cost) in [("09/30/2023", "5"), ("10/01/2023", "0.25"), ("10/02/2023", "1.5")] {
        text.push_str(&format!(
            "{OWN},09/01/2023,{OWN_SUBSCRIPTION},{day},m,1,{cost},{cost},USD,Usage,Azure,OnDemand\n"
        ));
    }
    let source = world.data().join("charges.csv");
    std::fs::write(&source, text).unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.dataset = Some(Dataset::ActualCost);
    import(&Store::open(world.data()).await.unwrap(), &options, &NoProgress).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_finds_them_by_their_days() {
    let world = world().await;
    let report = async |first: &str, last: &str| {
        let body = format!("{{\"metric\":\"ActualCost\",\"timePeriod\":{{\"start\":\"{first}\",\"end\":\"{last}\"}}}}");
        let result = world.answered(&own_scope(), "api-version=2024-08-01", &body).await;
        match result["status"].as_str() {
            Some("Completed") => {
                let link = result["manifest"]["blobs"][0]["blobLink"].as_str().unwrap().to_owned();
                let text = world.client.get(link).send().await.unwrap().bytes().await.unwrap();
                table_of(&text).into_iter().map(|row| row["CostInBillingCurrency"].clone()).collect()
            }
            other => vec![other.unwrap().to_owned()],
        }
    };
    assert_eq!(report("2023-10-01", "2023-10-31").await, ["0.25", "1.5"]);
    assert_eq!(report("2023-10-03", "2023-10-31").await, ["NoDataFound"], "no row is of these days");

    let read = async |path: String| {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let by_date =
        |first: &str| format!("/v3/enrollments/{OWN}/usagedetailsbycustomdate?startTime={first}&endTime=2023-10-31");
    let (status, usage) = read(by_date("2023-10-01")).await;
    assert_eq!((status, numbers(&usage, "cost")), (200, vec!["0.25".to_owned(), "1.5".to_owned()]), "{usage}");
    assert_eq!(read(by_date("2023-10-03")).await.0, 400);
    let (first, last) = DAYS.split_once("..").unwrap();
    let path = format!(
        "/{}/providers/Microsoft.Consumption/charges?startDate={first}&endDate={last}&api-version=2024-08-01",
        own_scope()
    );
    let (_, charges) = read(path).await;
    assert_eq!(numbers(&charges, "azureCharges"), ["1.75"], "{charges}");
    let charges: Value = serde_json::from_str(&charges).unwrap();
    assert_eq!(charges["value"][0]["properties"]["usageStart"], first);
    assert_eq!(charges["value"][0]["properties"]["usageEnd"], last);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_of_them_are_no_answer_where_the_other_dataset_is_held() {
    let world = world().await;
    let amortized = format!(
        "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
         BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n{OWN},10/01/2023,{OWN_SUBSCRIPTION},09/30/2023,m,1,9,9,USD,\
         Usage,Azure,OnDemand\n"
    );
    let source = world.data().join("amortized.csv");
    std::fs::write(&source, amortized).unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.dataset = Some(Dataset::AmortizedCost);
    import(&Store::open(world.data()).await.unwrap(), &options, &NoProgress).await.unwrap();
    let body = r#"{"metric":"AmortizedCost","timePeriod":{"start":"2023-09-01","end":"2023-09-30"}}"#;
    let result = world.answered(&own_scope(), "api-version=2024-08-01", body).await;
    assert_ne!(result["status"], "Completed", "{result}");
}
