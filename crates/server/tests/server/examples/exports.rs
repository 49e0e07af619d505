//! Examples have few members. What whole exports make of the rest is valid too.

use imports::{ImportOptions, NoProgress, Store};
use reqwest::Method;
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};

use super::openapi::{OpenApi, Operation};
use super::schema;
use crate::world::*;

/// First version of the newer rows.
const NEWER: &str = "2019-04-01-preview";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_exports_are_valid_at_every_version() {
    let world = World::start_with(|settings| settings.clock = Some("latest-held".to_owned())).await;
    let store = Store::open(world.data()).await.unwrap();
    for export in [EA_ACTUAL, EA_AMORTIZED] {
        let path = world.data().join("export.csv");
        std::fs::write(&path, export.bytes).unwrap();
        let options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
        imports::import(&store, &options, &NoProgress).await.unwrap();
    }
    let (mut faults, mut newest) = (Vec::new(), String::new());
    for api in OpenApi::all() {
        let operations = api.operations();
        let is_list = |one: &&Operation<'_>| one.method == "get" && one.path.ends_with("/usageDetails");
        let schema = schema::answer(&api, operations.iter().find(is_list).unwrap(), 200).unwrap();
        let version = api.version.as_str();
        let queries = match version < NEWER {
            true => ["", "&$top=3", "&$expand=properties/meterDetails,properties/additionalProperties"],
            false => ["", "&$top=3&metric=amortizedcost", "&$expand=meterDetails,additionalInfo&metric=amortizedcost"],
        };
        for query in queries {
            let route = "providers/Microsoft.Consumption/usageDetails";
            let path = format!("/{}/{route}?api-version={version}{query}", own_scope());
            let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert_eq!(status, 200, "{path}: {text}");
            assert_eq!(text.starts_with("{\"nextLink\":"), query.contains("$top"), "{path}");
            faults.extend(schema::faults(&schema, &text).into_iter().map(|fault| format!("{path}: {fault}")));
            newest = text;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    for (member, values) in schema::LIVE {
        let all = values.iter().all(|value| newest.contains(&format!("\"{member}\":\"{value}\"")));
        assert!(all, "not every value of {member} is needed");
    }
}
