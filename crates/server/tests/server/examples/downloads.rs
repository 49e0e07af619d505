//! The official examples of `POST …/usageDetails/download`: orders, and the answers at their end.

use imports::{ImportOptions, NoProgress, Store};
use reqwest::Method;
use samples::bundled::EA_ACTUAL;

use super::digits::Json;
use super::openapi::{OpenApi, data, names};
use super::schema;
use crate::world::*;

/// Stands in the examples for the number of an operation.
const OPERATION: &str = "00000000-0000-0000-0000-000000000000";
const HOST: &str = "https://management.azure.com";

/// The scope of an example, as it is held here.
fn proper(text: &str) -> String {
    let scopes = [
        ("billingAccounts/1234", format!("billingAccounts/{OWN}")),
        ("subscriptions/00000000-0000-0000-0000-000000000000", format!("subscriptions/{OWN_SUBSCRIPTION}")),
    ];
    scopes.iter().fold(text.to_owned(), |text, (example, own)| text.replace(example, own))
}

/// A text with the pattern of another: the same length, and digits where it has digits.
fn is_like(text: &str, example: &str) -> bool {
    let same_kind = |(a, b): (char, char)| a == b || (a.is_ascii_digit() && b.is_ascii_digit());
    text.chars().count() == example.chars().count() && text.chars().zip(example.chars()).all(same_kind)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_a_download_is_answered_in_its_form() {
    let world = World::start_with(|settings| {
        settings.clock = Some("latest-held".to_owned());
        settings.workers = Some(1);
    })
    .await;
    let source = world.data().join("export.csv");
    std::fs::write(&source, EA_ACTUAL.bytes).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    imports::import(&store, &options, &NoProgress).await.unwrap();

    let mut asked = 0;
    for version in names("downloads") {
        let api = OpenApi::load(&version);
        let operations = api.operations();
        let operation = operations.iter().find(|one| one.path.ends_with("/usageDetails/download")).unwrap();
        let schema = schema::answer(&api, operation, 200).unwrap();
        for name in names(&format!("downloads/{version}")) {
            assert!(operation.examples().contains(&name.as_str()), "{name}");
            let example = std::fs::read_to_string(data().join(format!("downloads/{version}/{name}"))).unwrap();
            let example = Json::parse(&proper(&example));
            let parameters = example.at(&["parameters"]);
            let scope = parameters.at(&["scope"]).text();
            let metric =
                parameters.get("metric").map(|metric| format!("&metric={}", metric.text())).unwrap_or_default();
            let path =
                format!("/{scope}/providers/Microsoft.Consumption/usageDetails/download?api-version={version}{metric}");

            let order = world.ask_with_key(Method::POST, &path).send().await.unwrap();
            assert_eq!(order.status(), 202, "{path}");
            let location = header(&order, "location");
            let id = location.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
            for name in ["Location", "Azure-AsyncOperation"] {
                let expected = example.at(&["responses", "202", "headers", name]).text();
                let expected = expected.replace(HOST, &world.server.http_url).replace(OPERATION, &id);
                assert_eq!(header(&order, name), expected, "{name}");
            }
            assert!(header(&order, "Retry-After").parse::<u32>().is_ok());

            let text = loop {
                let answer = world.client.get(&location).bearer_auth(&world.key).send().await.unwrap();
                match answer.status().as_u16() {
                    202 => tokio::task::yield_now().await,
                    200 => break answer.text().await.unwrap(),
                    status => panic!("{status}: {}", answer.text().await.unwrap()),
                }
            };
            assert_eq!(schema::faults(&schema, &text), Vec::<String>::new(), "{text}");
            let (answer, expected) = (Json::parse(&text), example.at(&["responses", "200", "body"]));
            for member in ["id", "name"] {
                assert_eq!(answer.at(&[member]).text(), expected.at(&[member]).text().replace(OPERATION, &id));
            }
            let till = ["properties", "validTill"];
            assert!(is_like(answer.at(&till).text(), expected.at(&till).text()), "{text}");
            assert!(answer.at(&["properties", "downloadUrl"]).text().starts_with(&world.server.http_url));
            asked += 1;
        }
    }
    assert_eq!(asked, 4);
}
