//! The official examples of tags, asked at every version that has the operation; and the lists of operations, which are held
//! against the OpenAPI files too.

use std::collections::BTreeSet;

use imports::{ImportOptions, NoProgress, Store};
use ledger::Dataset;
use reqwest::Method;

use super::digits::Json;
use super::openapi::{OpenApi, data, names};
use super::schema;
use crate::world::*;

const HEADER: &str = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,CostInBillingCurrency,\
                      BillingCurrencyCode,ChargeType,PublisherType,PricingModel,Tags\n";
/// From this version on answers have pages.
const PAGED_SINCE: &str = "2019-10-01";

/// The keys of an answer.
fn keys(body: &Json) -> BTreeSet<String> {
    let tags = body.at(&["properties", "tags"]).items();
    tags.iter().map(|tag| tag.at(&["key"]).text().to_owned()).collect()
}

/// A world with charges that have these tags.
async fn world(keys: &BTreeSet<String>) -> World {
    let world = World::start_with(|settings| settings.clock = Some("latest-held".to_owned())).await;
    let mut text = HEADER.to_owned();
    for key in keys {
        let tags = format!("{{\"\"{key}\"\":\"\"of {key}\"\"}}");
        text.push_str(&format!(
            "{OWN},09/01/2023,{OWN_SUBSCRIPTION},09/01/2023,m,1,1,USD,Usage,Azure,OnDemand,\"{tags}\"\n"
        ));
    }
    let path = world.data().join("tags.csv");
    std::fs::write(&path, text).unwrap();
    let mut options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
    options.fill.dataset = Some(Dataset::ActualCost);
    imports::import(&Store::open(world.data()).await.unwrap(), &options, &NoProgress).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_tags_is_answered_in_the_shape_of_its_version() {
    let example = |version: &str| {
        let text = std::fs::read_to_string(data().join(format!("tags/{version}/Tags.json"))).unwrap();
        Json::parse(&text).at(&["responses", "200", "body"]).clone()
    };
    let examples = names("tags");
    let expected = keys(&example(&examples[0]));
    assert_eq!(expected.len(), 9);
    let world = world(&expected).await;
    let mut asked = 0;
    for api in OpenApi::all() {
        let Some(operation) = api.operation_at("/providers/Microsoft.Consumption/tags") else { continue };
        let version = &api.version;
        let example = examples.contains(version).then(|| example(version));
        assert!(example.as_ref().is_none_or(|example| keys(example) == expected), "{version}");
        let schema = schema::answer(&api, &operation, 200).unwrap();
        let scopes = [format!("providers/Microsoft.CostManagement/billingAccounts/{OWN}"), own_scope()];
        for scope in &scopes[..if operation.is_of_any_scope() { 2 } else { 1 }] {
            let path = format!("/{scope}/providers/Microsoft.Consumption/tags?api-version={version}");
            let parts: &[&str] = if version.as_str() >= PAGED_SINCE { &["", "&$top=4"] } else { &[""] };
            for part in parts {
                let answer = world.ask_with_key(Method::GET, &format!("{path}{part}")).send().await.unwrap();
                assert_eq!(answer.status(), 200, "{path}{part}");
                let text = answer.text().await.unwrap();
                assert_eq!(schema::faults(&schema, &text), Vec::<String>::new(), "{path}{part}: {text}");
                let own = Json::parse(&text);
                let count = if part.is_empty() { 9 } else { 4 };
                assert!(keys(&own).is_subset(&expected) && keys(&own).len() == count, "{text}");
                assert_eq!(own.at(&["type"]).text(), "Microsoft.Consumption/tags");
                assert!(own.at(&["id"]).text().starts_with(&format!("{scope}/providers/Microsoft.Consumption/tags/")));
                let members =
                    |body: &Json| body.members().iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
                assert!(example.as_ref().is_none_or(|example| members(example) == members(&own)), "{text}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 3 + 3 * 2 + 3 * 2 * 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operations_are_listed_in_the_shape_of_each_version() {
    let world = World::start().await;
    for api in OpenApi::all() {
        let operation = api.operation_at("/providers/Microsoft.Consumption/operations").unwrap();
        let path = format!("{}?api-version={}", operation.path, api.version);
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.unwrap();
        let schema = schema::answer(&api, &operation, 200).unwrap();
        assert_eq!(schema::faults(&schema, &text), Vec::<String>::new(), "{path}: {text}");
    }
}
