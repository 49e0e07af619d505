//! Consumption usage details: every version, scope, option and mistake, over the bundled exports.

use imports::{ImportOptions, NoProgress, Store};
use money::{Decimal, Limits, Total};
use reqwest::{Method, StatusCode};
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};
use serde_json::Value;

use crate::world::*;

const LEGACY: [&str; 9] = [
    "2017-04-24-preview",
    "2017-11-30",
    "2018-01-31",
    "2018-03-31",
    "2018-05-31",
    "2018-06-30",
    "2018-08-31",
    "2018-10-01",
    "2019-01-01",
];
const NEWER: [&str; 13] = [
    "2019-04-01-preview",
    "2019-05-01-preview",
    "2019-05-01",
    "2019-06-01",
    "2019-10-01",
    "2019-11-01",
    "2021-05-01",
    "2021-10-01",
    "2022-09-01",
    "2023-03-01",
    "2023-05-01",
    "2023-11-01",
    "2024-08-01",
];
/// Rows of the actual export that are first-party usage: one row is a purchase.
const USAGE_ROWS: usize = 10;

/// A world with both exports of September 2023, whose today is in that month.
async fn world() -> World {
    world_with(|_| {}).await
}

async fn world_with(change: impl FnOnce(&mut lazurite_server::Overrides)) -> World {
    let world = World::start_with(|settings| {
        settings.clock = Some("latest-held".into());
        change(settings);
    })
    .await;
    for export in [EA_ACTUAL, EA_AMORTIZED] {
        import(&world, export.bytes).await;
    }
    world
}

async fn import(world: &World, text: &[u8]) {
    let source = world.data().join("export.csv");
    std::fs::write(&source, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

fn path(scope: &str, query: &str) -> String {
    format!("/{scope}/providers/Microsoft.Consumption/usageDetails?{query}")
}

/// Status and text of an answer.
async fn ask(world: &World, path: &str) -> (u16, String) {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// All rows of a walk from a path on.
async fn walk(world: &World, path: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (status, text) = ask(world, &path).await;
        assert_eq!(status, 200, "{path}: {text}");
        let mut page: Value = serde_json::from_str(&text).unwrap();
        let Value::Array(own) = page["value"].take() else { panic!("{text}") };
        assert!(!own.is_empty(), "{path}");
        rows.extend(own);
        next = page["nextLink"].as_str().map(|link| link.strip_prefix(&world.server.http_url).unwrap().to_owned());
    }
    rows
}

/// The exact sum of a member in the text of an answer.
fn sum(text: &str, member: &str) -> String {
    let mut total = Total::default();
    for piece in text.split(&format!("\"{member}\":")).skip(1) {
        let number = piece.split([',', '}']).next().unwrap();
        total.add(Decimal::parse(number.as_bytes(), Limits::COST).unwrap().value).unwrap();
    }
    total.value().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_answers_in_the_shape_of_its_time() {
    let world = world().await;
    for version in LEGACY {
        let (status, text) = ask(&world, &path(&own_scope(), &format!("api-version={version}"))).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        let rows = body["value"].as_array().unwrap();
        assert_eq!((status, rows.len()), (200, USAGE_ROWS), "{version}");
        // The purchase of 3.25 is not usage.
        assert_eq!(sum(&text, "pretaxCost"), "5.2950077867419368", "{version}");
        assert!(rows[0].get("kind").is_none() && rows[0]["properties"].get("cost").is_none(), "{version}");
    }
    for version in NEWER {
        let (status, text) = ask(&world, &path(&own_scope(), &format!("api-version={version}"))).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        let rows = body["value"].as_array().unwrap();
        assert_eq!((status, rows.len() as u64), (200, EA_ACTUAL.rows), "{version}");
        assert_eq!(sum(&text, "cost"), EA_ACTUAL.total, "{version}");
        let kind = (version >= "2019-10-01").then_some("legacy");
        assert_eq!(rows[0].get("kind").and_then(Value::as_str), kind, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metric_chooses_the_dataset() {
    let world = world().await;
    for (metric, member, expected) in [
        ("ActualCost", "cost", EA_ACTUAL.total),
        ("amortizedcost", "cost", EA_AMORTIZED.total),
        ("Usage", "cost", "5.2950077867419368"),
    ] {
        let query = format!("api-version=2024-08-01&metric={metric}");
        let (_, text) = ask(&world, &path(&own_scope(), &query)).await;
        assert_eq!(sum(&text, member), expected, "{metric}");
    }
    let (status, text) = ask(&world, &path(&own_scope(), "api-version=2024-08-01&metric=cost")).await;
    assert!(status == 400 && text.contains("actualcost, amortizedcost and usage"), "{text}");
    let (status, _) = ask(&world, &path(&own_scope(), "api-version=2018-10-01&metric=actualcost")).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_any_size_are_the_whole_answer() {
    let world = world().await;
    for (scope, version) in [(own_scope(), "2024-08-01"), (format!("subscriptions/{OWN_SUBSCRIPTION}"), "2018-01-31")] {
        let whole = walk(&world, &path(&scope, &format!("api-version={version}"))).await;
        assert!(whole.len() > 3);
        for top in 1..=whole.len() + 1 {
            let paged = walk(&world, &path(&scope, &format!("api-version={version}&$top={top}"))).await;
            assert_eq!(paged, whole, "{scope} $top={top}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_keeps_to_the_snapshot_of_its_first_page() {
    let world = world().await;
    let before = walk(&world, &path(&own_scope(), "api-version=2024-08-01")).await;
    let (_, text) = ask(&world, &path(&own_scope(), "api-version=2024-08-01&$top=4")).await;
    let mut page: Value = serde_json::from_str(&text).unwrap();
    let link = page["nextLink"].as_str().unwrap().strip_prefix(&world.server.http_url).unwrap().to_owned();
    let restated = String::from_utf8(EA_ACTUAL.bytes.to_vec()).unwrap().replace("09/04/2023", "09/05/2023");
    import(&world, restated.as_bytes()).await;
    let Value::Array(mut rows) = page["value"].take() else { panic!() };
    rows.extend(walk(&world, &link).await);
    assert_eq!(rows, before);
    assert_ne!(walk(&world, &path(&own_scope(), "api-version=2024-08-01")).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn next_links_survive_what_clients_do_to_them() {
    let world = world().await;
    let filter = "properties/usageStart ge '2023-09-01' and properties/usageEnd le '2023-09-30'";
    let encoded = filter.replace(' ', "%20").replace('\'', "%27");
    let first = path(&own_scope(), &format!("api-version=2024-08-01&$filter={encoded}&$top=5&$expand=meterDetails"));
    let (_, text) = ask(&world, &first).await;
    let page: Value = serde_json::from_str(&text).unwrap();
    let link = page["nextLink"].as_str().unwrap().strip_prefix(&world.server.http_url).unwrap().to_owned();
    let (_, second) = ask(&world, &link).await;
    assert!(second.contains("meterCategory"));
    for spelled in [
        link.replace('$', "%24"),
        link.replace("%20", "+"),
        link.replace("%2F", "/").replace("%27", "'"),
        link.replace('&', "&&").to_lowercase().replace(&token(&link).to_lowercase(), &token(&link)),
    ] {
        let (status, text) = ask(&world, &spelled).await;
        assert_eq!((status, rows_of(&text)), (200, rows_of(&second)), "{spelled}");
    }
    // Another page size is no other question.
    let (status, _) = ask(&world, &link.replace("$top=5", "$top=2")).await;
    assert_eq!(status, 200);
}

fn token(link: &str) -> String {
    link.split_once("$skiptoken=").unwrap().1.to_owned()
}

fn rows_of(text: &str) -> Value {
    serde_json::from_str::<Value>(text).unwrap()["value"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_other_questions_and_altered_ones_are_refused() {
    let world = world().await;
    let (_, text) = ask(&world, &path(&own_scope(), "api-version=2024-08-01&$top=4")).await;
    let page: Value = serde_json::from_str(&text).unwrap();
    let token = token(page["nextLink"].as_str().unwrap());
    let altered = format!("{}{}", if token.starts_with('B') { 'C' } else { 'B' }, &token[1..]);
    let cut = &token[..token.len() - 1];
    for query in [
        format!("api-version=2024-08-01&metric=amortizedcost&$skiptoken={token}"),
        format!("api-version=2018-10-01&$skiptoken={token}"),
        format!("api-version=2024-08-01&$filter=properties/chargeType%20eq%20'Usage'&$skiptoken={token}"),
        format!("api-version=2024-08-01&$skiptoken={altered}"),
        format!("api-version=2024-08-01&$skiptoken={cut}"),
        "api-version=2024-08-01&$skiptoken=nonsense".to_owned(),
    ] {
        let (status, text) = ask(&world, &path(&own_scope(), &query)).await;
        assert!(status == 400 && text.contains("$skiptoken"), "{query}: {text}");
    }
    let other_scope = format!("subscriptions/{OWN_SUBSCRIPTION}");
    let (status, _) = ask(&world, &path(&other_scope, &format!("api-version=2024-08-01&$skiptoken={token}"))).await;
    assert_eq!(status, 400);
    let period = format!("{}/providers/Microsoft.Billing/billingPeriods/202309", own_scope());
    let (status, _) = ask(&world, &path(&period, &format!("api-version=2024-08-01&$skiptoken={token}"))).await;
    assert_eq!(status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_select_rows_and_their_mistakes_are_pointed_at() {
    let world = world().await;
    let count = async |filter: &str| {
        let query = format!("api-version=2024-08-01&$filter={}", filter.replace(' ', "%20").replace('\'', "%27"));
        let (status, text) = ask(&world, &path(&own_scope(), &query)).await;
        assert!(status == 200 || status == 204, "{filter}: {text}");
        if text.is_empty() { 0 } else { rows_of(&text).as_array().unwrap().len() }
    };
    assert_eq!(count("properties/chargeType eq 'purchase'").await, 1);
    assert_eq!(count("properties/chargeType eq 'Usage'").await, USAGE_ROWS);
    assert_eq!(count("properties/resourceGroup eq 'no such group'").await, 0);
    assert_eq!(count("tags eq 'costcenter:SubACM'").await, 3);
    assert_eq!(count("properties/usageEnd ge '2023-09-21' AND properties/usageEnd le '2023-09-21'").await, 1);
    assert_eq!(count("properties/usageStart ge '2023-10-01' and properties/usageEnd le '2023-10-31'").await, 0);
    // One bound alone does not leave the current period.
    assert_eq!(count("properties/usageStart ge '2014-05-01'").await as u64, EA_ACTUAL.rows);
    let query = "api-version=2024-08-01&$filter=properties/chargeType%20ne%20%27Usage%27";
    let (status, text) = ask(&world, &path(&own_scope(), query)).await;
    assert!(status == 400 && text.contains("$filter, character 23"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_not_zero_and_not_held_is_said() {
    let world = World::start().await;
    import(&world, EA_ACTUAL.bytes).await;
    let august = format!("{}/providers/Microsoft.Billing/billingPeriods/202308", own_scope());
    let (status, text) = ask(&world, &path(&august, "api-version=2024-08-01")).await;
    assert_eq!((status, text.as_str()), (204, ""));
    let (status, text) = ask(&world, &path(&august, "api-version=2019-10-01")).await;
    assert_eq!((status, text.as_str()), (200, "{\"value\":[]}"));
    // Some official clients cannot read a 204.
    let lenient = World::start_with(|settings| settings.no_content = Some(false)).await;
    let (status, text) = ask(&lenient, &path(&august, "api-version=2024-08-01")).await;
    assert_eq!((status, text.as_str()), (200, "{\"value\":[]}"));
    let september = format!("{}/billingPeriods/20230901", own_scope());
    let (status, text) = ask(&world, &path(&september, "api-version=2024-08-01&metric=amortizedcost")).await;
    assert!(status == 404 && text.contains("held is ActualCost"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_add_up_what_their_rows_say() {
    let world = world().await;
    for (apply, dated) in [("groupby((tags))", false), ("groupby((tags,properties/usageStart))", true)] {
        let query = format!("api-version=2018-10-01&$apply={apply}");
        let (_, text) = ask(&world, &path(&own_scope(), &query)).await;
        assert_eq!(sum(&text, "pretaxCost"), "5.2950077867419368", "{apply}");
        let groups = rows_of(&text);
        assert_eq!(groups[0]["properties"].get("usageStart").is_some(), dated);
        assert!(groups.as_array().unwrap().len() < USAGE_ROWS);
        let paged = walk(&world, &path(&own_scope(), &format!("{query}&$top=2"))).await;
        assert_eq!(Value::Array(paged), groups);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_parameters_are_refused_and_emulation_takes_them_as_the_original_does() {
    let wrong = [
        "$top=0",
        "$top=1001",
        "$expand=properties/x",
        "$filter=usageEnd%20le%202023-09-30",
        "$filter=x",
        "startDate=2023-09-01",
    ];
    let world = world().await;
    for query in wrong {
        let (status, text) = ask(&world, &path(&own_scope(), &format!("api-version=2018-01-31&{query}"))).await;
        let body: Value = serde_json::from_str(&text).unwrap();
        assert!(status == 400 && body["error"]["code"] == "BadRequest", "{query}: {text}");
    }
    let world = world_with(|settings| settings.emulate = Some(true)).await;
    for query in &wrong[2..] {
        let (status, text) = ask(&world, &path(&own_scope(), &format!("api-version=2018-01-31&{query}"))).await;
        assert_eq!((status, rows_of(&text).as_array().unwrap().len()), (200, USAGE_ROWS), "{query}");
    }
    let (status, text) = ask(&world, &path(&own_scope(), "api-version=2018-01-31&$top=0")).await;
    let body: Value = serde_json::from_str(&text).unwrap();
    assert!(status == 400 && body["error"][0]["code"] == "BadRequest", "{text}");
    let years =
        "$filter=properties/usageStart%20ge%20%272022-01-01%27%20and%20properties/usageEnd%20le%20%272023-09-30%27";
    let (status, text) = ask(&world, &path(&own_scope(), &format!("api-version=2018-01-31&{years}"))).await;
    assert!(status == 400 && text.contains("12 months"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scopes_and_periods_are_read_in_every_form() {
    let world = world().await;
    let hierarchy = world.catalog.hierarchy(&OWN.to_owned().try_into().unwrap()).await.unwrap();
    let id = hierarchy.departments().next().unwrap().id.clone();
    let nested = format!("{}/departments/{id}", own_scope());
    let whole = walk(&world, &path(&nested, "api-version=2024-08-01")).await;
    assert!(!whole.is_empty());
    for scope in [
        format!("providers/Microsoft.Billing/departments/{id}"),
        format!("/PROVIDERS/microsoft.billing/Departments/{id}"),
        format!("{nested}/providers/Microsoft.Billing/billingPeriods/202309"),
        format!("{nested}/billingPeriods/202309-1"),
        format!("{nested}/billingPeriods/20230930"),
    ] {
        assert_eq!(walk(&world, &path(&scope, "api-version=2024-08-01")).await.len(), whole.len(), "{scope}");
    }
    let group = format!("subscriptions/{OWN_SUBSCRIPTION}/resourceGroups/rg");
    for (scope, expected) in [
        (group, StatusCode::BAD_REQUEST),
        (format!("{nested}/billingPeriods/2023"), StatusCode::BAD_REQUEST),
        (format!("subscriptions/{NOBODYS_SUBSCRIPTION}"), StatusCode::NOT_FOUND),
    ] {
        let (status, text) = ask(&world, &path(&scope, "api-version=2024-08-01")).await;
        assert_eq!(status, expected, "{scope}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_holds_the_rows_of_the_list() {
    let world = world_with(|settings| settings.workers = Some(1)).await;
    let query = "api-version=2019-05-01-preview&metric=amortizedcost";
    for (scope, query, rows) in [
        (own_scope(), query.to_owned(), EA_AMORTIZED.rows),
        (own_scope(), "api-version=2019-04-01-preview".to_owned(), EA_ACTUAL.rows),
        (
            format!("{}/providers/Microsoft.Billing/billingPeriods/202309", own_scope()),
            "api-version=2019-05-01-preview&$filter=properties/usageStart+ge+'2023-09-21'+and+properties/usageStart+le+'2023-10-04'"
                .to_owned(),
            1,
        ),
    ] {
        let order = format!("/{scope}/providers/Microsoft.Consumption/usageDetails/download?{query}");
        let order = world.ask_with_key(Method::POST, &order).send().await.unwrap();
        assert_eq!(order.status(), StatusCode::ACCEPTED);
        let (location, status) = (header(&order, "location"), header(&order, "azure-asyncoperation"));
        assert!(location.contains(&format!("{}/providers/Microsoft.Consumption/operationResults/", own_scope())));
        loop {
            let answer: Value = world.client.get(&status).bearer_auth(&world.key).send().await.unwrap().json().await.unwrap();
            match answer["status"].as_str().unwrap() {
                "InProgress" => tokio::task::yield_now().await,
                "Succeeded" => break,
                other => panic!("{other}: {answer}"),
            }
        }
        let answer: Value = world.client.get(&location).bearer_auth(&world.key).send().await.unwrap().json().await.unwrap();
        let valid_till = answer["properties"]["validTill"].as_str().unwrap();
        assert_eq!(valid_till.len(), "03/05/2019 20:13:06".len(), "{valid_till}");
        let file = world.client.get(answer["properties"]["downloadUrl"].as_str().unwrap()).send().await.unwrap();
        let text = String::from_utf8(file.bytes().await.unwrap().to_vec()).unwrap();
        assert!(text.starts_with("\u{feff}BillingAccountId,BillingAccountName,"), "{text}");
        assert_eq!(text.lines().count() as u64, 1 + rows, "{query}");
        // Nobody finds it as another kind of report.
        let id = location.rsplit('/').next().unwrap().split('?').next().unwrap();
        let other = format!("/{}/providers/Microsoft.CostManagement/costDetailsOperationResults/{id}?{VERSION}", own_scope());
        let (status, _) = ask(&world, &other).await;
        assert_eq!(status, 404);
    }
}
