//! For random charges, questions and page sizes, while imports replace the period: the pages of a walk are disjoint,
//! complete, and equal to the single answer of their snapshot.

use imports::{ImportOptions, NoProgress, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::Value;

use crate::charges::{Charge, charge, export, one_of_each};
use crate::world::*;

const FILTERS: [&str; 7] = [
    "",
    "properties/usageStart ge '2023-09-05' and properties/usageEnd le '2023-09-20'",
    "properties/usageEnd ge '2023-09-10'",
    "properties/resourceGroup eq 'rg1'",
    "properties/chargeType eq 'Usage'",
    "tags eq 'ENV:dev'",
    "(properties/usageStart le '2023-09-25T00:00:00Z') AND properties/publisherType eq 'marketplace'",
];
const VERSIONS: [&str; 4] = ["2018-10-01", "2019-05-01-preview", "2021-10-01", "2024-08-01"];

#[derive(Debug, Clone)]
struct Case {
    charges: Vec<Charge>,
    /// What replaces the period after each page, as long as there are any.
    later: Vec<Vec<Charge>>,
    filter: usize,
    version: usize,
    scope: usize,
    top: u16,
}

fn case() -> impl Strategy<Value = Case> {
    let charges = || prop::collection::vec(charge(), 1..24);
    let later = prop::collection::vec(charges(), 0..3);
    (charges(), later, 0..FILTERS.len(), 0..VERSIONS.len(), 0..4_usize, 1_u16..8)
        .prop_map(|(charges, later, filter, version, scope, top)| Case { charges, later, filter, version, scope, top })
}

pub(crate) async fn import(world: &World, text: &str) {
    let source = world.data().join("export.csv");
    std::fs::write(&source, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.dataset = Some(ledger::Dataset::ActualCost);
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

/// A page as status, rows and the path of the next one.
async fn page(world: &World, path: &str) -> (Vec<String>, Option<String>) {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    match status {
        200 => {}
        204 => return (Vec::new(), None),
        // A scope that no row of the case names; once a walk has begun it goes on.
        404 if !path.contains("skiptoken") => return (Vec::new(), None),
        _ => panic!("{path}: {status}: {text}"),
    }
    let page: Value = serde_json::from_str(&text).unwrap();
    let rows = page["value"].as_array().unwrap().iter().map(Value::to_string).collect();
    let next = page["nextLink"].as_str().map(|link| link.strip_prefix(&world.server.http_url).unwrap().to_owned());
    (rows, next)
}

async fn holds(world: &World, case: &Case) -> Result<(), TestCaseError> {
    import(world, &export(&case.charges)).await;
    let scope = match case.scope {
        0 => own_scope(),
        1 => format!("{}/departments/7", own_scope()),
        2 => format!("{}/enrollmentAccounts/71", own_scope()),
        _ => format!("subscriptions/{OWN_SUBSCRIPTION}"),
    };
    let filter = FILTERS[case.filter].replace(' ', "%20").replace('\'', "%27");
    let filter = if filter.is_empty() { filter } else { format!("&$filter={filter}") };
    let version = VERSIONS[case.version];
    let path = |top: u16| {
        format!("/{scope}/providers/Microsoft.Consumption/usageDetails?api-version={version}{filter}&$top={top}")
    };
    let (single, none) = page(world, &path(1000)).await;
    prop_assert_eq!(none, None);

    let mut later = case.later.iter();
    let (mut walked, mut next) = (Vec::new(), Some(path(case.top)));
    while let Some(path) = next {
        let (rows, following) = page(world, &path).await;
        prop_assert!(rows.len() == usize::from(case.top) || following.is_none(), "a short page is the last one");
        walked.extend(rows);
        next = following;
        if let Some(charges) = later.next() {
            import(world, &export(charges)).await;
        }
    }
    prop_assert_eq!(&walked, &single);
    let mut distinct = walked.clone();
    distinct.sort_unstable();
    distinct.dedup();
    prop_assert_eq!(distinct.len(), walked.len(), "a row came twice");
    Ok(())
}

#[test]
fn the_pages_of_a_walk_are_the_single_answer_of_their_snapshot() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world =
        runtime.block_on(World::start_with(|settings| settings.clock = Some("fixed 2023-09-15T00:00:00Z".into())));
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner.run(&case(), |case| runtime.block_on(holds(&world, &case))).unwrap();
}

/// An import that gives a department another name changes what its scope means. Who sees all of the enrollment goes on
/// with the rows of the first page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_department_that_is_renamed_ends_no_walk_of_an_administrator() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-15T00:00:00Z".into())).await;
    let charges: Vec<Charge> = (0..3).flat_map(|_| one_of_each()).collect();
    let text = export(&charges);
    import(&world, &text).await;
    let path = format!(
        "/{}/departments/7/providers/Microsoft.Consumption/usageDetails?api-version=2024-08-01&$top=",
        own_scope()
    );
    let (whole, _) = page(&world, &format!("{path}1000")).await;
    let (first, next) = page(&world, &format!("{path}1")).await;
    import(&world, &text.replace(",Retail,", ",Stores,")).await;
    let (mut walked, mut next) = (first, next);
    while let Some(path) = next {
        let (rows, following) = page(&world, &path).await;
        walked.extend(rows);
        next = following;
    }
    assert!(whole.len() > 3);
    assert_eq!(walked, whole);
}
