//! Balance summaries: imported in any form, served in both.

use access::issue_key;
use imports::{ImportOptions, NoProgress, Store};
use ledger::EnrollmentId;
use reqwest::{Method, Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::world::*;

/// The published examples: api-version, whether the path names the period, text.
const EXAMPLES: [(&str, bool, &str); 8] = [
    ("2018-03-31", false, include_str!("../../../api/tests/data/balances/2018-03-31-BalancesByBillingAccount.json")),
    (
        "2018-03-31",
        true,
        include_str!("../../../api/tests/data/balances/2018-03-31-BalancesByBillingAccountForBillingPeriod.json"),
    ),
    ("2018-10-01", false, include_str!("../../../api/tests/data/balances/2018-10-01-BalancesByBillingAccount.json")),
    (
        "2018-10-01",
        true,
        include_str!("../../../api/tests/data/balances/2018-10-01-BalancesByBillingAccountForBillingPeriod.json"),
    ),
    ("2019-10-01", false, include_str!("../../../api/tests/data/balances/2019-10-01-BalancesByBillingAccount.json")),
    (
        "2019-10-01",
        true,
        include_str!("../../../api/tests/data/balances/2019-10-01-BalancesByBillingAccountForBillingPeriod.json"),
    ),
    ("2024-08-01", false, include_str!("../../../api/tests/data/balances/2024-08-01-BalancesByBillingAccount.json")),
    (
        "2024-08-01",
        true,
        include_str!("../../../api/tests/data/balances/2024-08-01-BalancesByBillingAccountForBillingPeriod.json"),
    ),
];
const VERSIONS: [&str; 19] = [
    "2018-03-31",
    "2018-05-31",
    "2018-06-30",
    "2018-08-31",
    "2018-10-01",
    "2019-01-01",
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
const ACCOUNT: &str = "/providers/Microsoft.Billing/billingAccounts/123456";
/// The sample of the Enterprise Reporting article, of which detail sums and totals do not add up.
const ENTERPRISE: &str = r#"{"id":"enrollments/100/billingperiods/201507/balancesummaries","billingPeriodId":201507,"currencyCode":"USD","beginningBalance":0,"endingBalance":1.1,"newPurchases":1,"adjustments":1.1,"utilized":1.1,"serviceOverage":1,"chargesBilledSeparately":1,"totalOverage":1,"totalUsage":1.1,"azureMarketplaceServiceCharges":1,"newPurchasesDetails":[{"name":"","value":1}],"adjustmentDetails":[{"name":"Promo Credit","value":1.1},{"name":"SIE Credit","value":1.0}]}"#;

/// The body of an example, as it is written.
fn body_of(example: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Example<'a> {
        #[serde(borrow)]
        responses: std::collections::BTreeMap<String, std::collections::BTreeMap<String, &'a RawValue>>,
    }
    let example: Example<'_> = serde_json::from_str(example).unwrap();
    example.responses["200"]["body"].get().to_owned()
}

/// A JSON text without the blanks between its parts; numbers keep their digits.
fn compact(text: &str) -> String {
    let (mut compact, mut in_text, mut escaped) = (String::new(), false, false);
    for letter in text.chars() {
        if in_text || !letter.is_whitespace() {
            compact.push(letter);
        }
        if letter == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = letter == '\\' && !escaped;
    }
    compact
}

async fn import(world: &World, name: &str, text: &str, period: Option<&str>) {
    let path = world.data().join(name);
    std::fs::write(&path, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![path], force: true, ..ImportOptions::default() };
    options.fill.period = period.map(|period| period.parse().unwrap());
    imports::import(&store, &options, &NoProgress).await.unwrap();
}

async fn key_of(world: &World, number: &str) -> String {
    let holder = reader_of(EnrollmentId::parse(number).unwrap());
    issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned()
}

/// A world that holds one summary, with a key of its enrollment, in the current period.
async fn world_with(number: &str, text: &str, clock: &str) -> World {
    let mut world = World::start_with(|settings| settings.clock = Some(clock.to_owned())).await;
    import(&world, "balance.json", text, None).await;
    world.key = key_of(&world, number).await;
    world
}

async fn get(world: &World, path: &str) -> Response {
    world.ask_with_key(Method::GET, path).send().await.unwrap()
}

async fn text(world: &World, path: &str) -> String {
    let answer = get(world, path).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_examples_come_back_member_by_member() {
    let mut world = World::start_with(|settings| settings.clock = Some("fixed 2017-02-15T00:00:00Z".into())).await;
    for (number, (version, by_period, example)) in EXAMPLES.into_iter().enumerate() {
        let body = body_of(example);
        // The oldest example of the current period has an id that names no period.
        let named = body.contains("/billingPeriods/201702/");
        import(&world, &format!("{number}.json"), &body, (!named).then_some("201702")).await;
        if number == 0 {
            world.key = key_of(&world, "123456").await;
        }
        let between = if by_period { "/providers/Microsoft.Billing/billingPeriods/201702" } else { "" };
        let path = format!("{ACCOUNT}{between}/providers/Microsoft.Consumption/balances?api-version={version}");
        let id = "providers/Microsoft.Billing/billingAccounts/123456/providers/Microsoft.Billing/billingPeriods/201702/\
                  providers/Microsoft.Consumption/balances/balanceId1";
        let (before, after) = body.split_once("\"name\"").unwrap();
        assert!(before.contains("/balances/balanceId1"), "{before}");
        let expected = format!("{{\"id\":\"{id}\",\"name\"{}", compact(after)).replace("\"USD  \"", "\"USD\"");
        assert_eq!(text(&world, &path).await, expected, "{version} {by_period}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_version_answers_in_both_forms_of_the_path() {
    let newest = body_of(EXAMPLES[7].2);
    let world = world_with("123456", &newest, "fixed 2017-02-28T23:59:59Z").await;
    let whole =
        text(&world, &format!("{ACCOUNT}/providers/Microsoft.Consumption/balances?api-version=2024-08-01")).await;
    let older = whole.replace("\"overageRefund\":2012.61,", "");
    assert_ne!(whole, older);
    for version in VERSIONS {
        let expected = if version >= "2022-09-01" { &whole } else { &older };
        for between in [
            "",
            "/billingPeriods/201702",
            "/providers/Microsoft.Billing/billingPeriods/201702",
            "/PROVIDERS/microsoft.billing/billingperiods/201702-1",
            "/billingPeriods/20170201",
        ] {
            let path = format!("{ACCOUNT}{between}/providers/microsoft.consumption/Balances?api-version={version}");
            assert_eq!(&text(&world, &path).await, expected, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_summary_of_one_form_answers_both_and_invents_nothing() {
    let world = world_with("100", ENTERPRISE, "fixed 2015-07-01T00:00:00Z").await;
    for path in [
        "/v3/enrollments/100/balancesummary",
        "/v2/enrollments/100/balancesummary",
        "/V1/Enrollments/100/BalanceSummary/",
        "/v3/enrollments/100/billingPeriods/201507/balancesummary",
        "/v2/enrollments/100/billingperiods/201507/balancesummary",
    ] {
        let answer = world.ask(Method::GET, path).header("authorization", format!("bearer {}", world.key));
        let answer = answer.header("api-version", "1.0").send().await.unwrap();
        assert_eq!(header(&answer, "content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.text().await.unwrap(), ENTERPRISE, "{path}");
    }
    let path = "/providers/Microsoft.Billing/billingAccounts/100/providers/Microsoft.Consumption/balances";
    let arm = text(&world, &format!("{path}?api-version=2024-08-01")).await;
    let value: Value = serde_json::from_str(&arm).unwrap();
    let members: Vec<&str> = value["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "currency",
            "beginningBalance",
            "endingBalance",
            "newPurchases",
            "adjustments",
            "utilized",
            "serviceOverage",
            "chargesBilledSeparately",
            "totalOverage",
            "totalUsage",
            "azureMarketplaceServiceCharges",
            "priceHidden",
            "newPurchasesDetails",
            "adjustmentDetails",
        ],
        "the frequency is not known, nor is a refund"
    );
    assert_eq!(value["properties"]["priceHidden"], false);
    assert!(arm.contains(r#"{"name":"SIE Credit","value":1.0}"#), "{arm}");
    // A name is made where the source has none, and stays.
    let name = value["name"].as_str().unwrap();
    assert!(uuid::Uuid::try_parse(name).is_ok() && value["id"].as_str().unwrap().ends_with(name), "{value}");
    import(&world, "again.json", &ENTERPRISE.replace("1.1", "1.10"), None).await;
    let again: Value = serde_json::from_str(&text(&world, &format!("{path}?api-version=2021-10-01")).await).unwrap();
    assert_eq!(again["id"], value["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_keep_their_digits_and_totals_are_sums_where_they_are_missing() {
    // SEMANTICS 7, E15, without the totals, in CSV.
    let csv = "enrollment,billingPeriodId,currencyCode,beginningBalance,newPurchases,adjustments,utilized,serviceOverage,\
               chargesBilledSeparately,endingBalance,azureMarketplaceServiceCharges,overageRefund,adjustmentDetails\n\
               7,201702,USD,3396469.19,0,-0.0,474098.17,0,1E-2,2922371.020,609.82,2012.61,\"[{\"\"name\"\":\"\"a\"\",\"\"value\"\":1.00}]\"\n";
    let world = world_with("7", csv, "system").await;
    let path =
        "/providers/Microsoft.Billing/billingAccounts/7/billingPeriods/201702/providers/Microsoft.Consumption/balances";
    let answer = text(&world, &format!("{path}?api-version=2023-11-01")).await;
    let properties = r#""properties":{"currency":"USD","beginningBalance":3396469.19,"endingBalance":2922371.020,"newPurchases":0,"adjustments":-0.0,"utilized":474098.17,"serviceOverage":0,"chargesBilledSeparately":1E-2,"totalOverage":0.01,"totalUsage":474098.18,"azureMarketplaceServiceCharges":609.82,"priceHidden":false,"overageRefund":2012.61,"adjustmentDetails":[{"name":"a","value":1.00}]}}"#;
    assert!(answer.ends_with(properties), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_held_is_not_found_in_the_shape_of_its_api() {
    let world = world_with("100", ENTERPRISE, "fixed 2015-08-01T00:00:00Z").await;
    let arm = |rest: &str| {
        format!("/providers/Microsoft.Billing/billingAccounts/100{rest}/providers/Microsoft.Consumption/balances")
    };
    for path in [arm(""), arm("/billingPeriods/201506"), arm("/providers/Microsoft.Billing/billingPeriods/201508")] {
        let (status, code, message) = error_of(get(&world, &format!("{path}?api-version=2021-10-01")).await).await;
        assert_eq!((status, code.as_str()), (404, "NotFound"), "{path}");
        assert!(message.starts_with("No balance of enrollment 100 is held for 2015"), "{message}");
    }
    for (path, expected) in [
        ("/v3/enrollments/100/balancesummary", 404),
        ("/v3/enrollments/100/billingPeriods/201506/balancesummary", 404),
        ("/v4/enrollments/100/billingPeriods/201507/balancesummary", 404),
        ("/v3/enrollments/300/billingPeriods/201507/balancesummary", 404),
        ("/v3/enrollments/8611537/billingPeriods/201507/balancesummary", 403),
        ("/v3/enrollments/100/billingPeriods/2015-07/balancesummary", 400),
        ("/v3/enrollments/100/billingPeriods/201513/balancesummary", 400),
        ("/v3/enrollments/1%2000/balancesummary", 400),
        ("/v3/enrollments/100/balancesummary?period=201507", 400),
        ("/v4/enrollments/100/billingperiods", 404),
    ] {
        let (status, code, _) = error_of(get(&world, path).await).await;
        assert_eq!((status, code), (expected, expected.to_string()), "{path}");
    }
    let missing = world.ask(Method::GET, "/v3/enrollments/100/balancesummary").send().await.unwrap();
    assert!(header(&missing, "www-authenticate").starts_with("Bearer "));
    assert_eq!(error_of(missing).await.1, "401");
    let posted = world.ask_with_key(Method::POST, "/v3/enrollments/100/balancesummary").send().await.unwrap();
    assert_eq!(error_of(posted).await.1, "405");
    for (scope, version, status, code) in [
        ("billingAccounts/100", "", 400, "MissingApiVersionParameter"),
        ("billingAccounts/100", "api-version=2018-01-31", 400, "InvalidApiVersionParameter"),
        ("billingAccounts/100", "api-version=2021-10-01&x=1", 400, "BadRequest"),
        ("billingAccounts/100/billingPeriods/2015", "api-version=2021-10-01", 400, "BadRequest"),
        ("departments/7", "api-version=2021-10-01", 400, "BadRequest"),
    ] {
        let path = format!("/providers/Microsoft.Billing/{scope}/providers/Microsoft.Consumption/balances?{version}");
        let (answered, own, _) = error_of(get(&world, &path).await).await;
        assert_eq!((answered, own.as_str()), (status, code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_the_client_has_is_not_sent_again() {
    let world = world_with("100", ENTERPRISE, "fixed 2015-07-09T00:00:00Z").await;
    for path in ["/v3/enrollments/100/balancesummary", "/v3/enrollments/100/billingperiods"] {
        let first = get(&world, path).await;
        let tag = header(&first, "etag");
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
        let asked = async |tag: String| {
            world.ask_with_key(Method::GET, path).header("if-none-match", tag).send().await.unwrap()
        };
        for list in [tag.clone(), format!("W/{tag}, \"x\""), "*".to_owned()] {
            let again = asked(list).await;
            assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, tag.clone()));
            assert_eq!(again.text().await.unwrap(), "");
        }
        let other = asked("\"x\"".to_owned()).await;
        assert_eq!((other.status(), header(&other, "etag")), (StatusCode::OK, tag));
    }
    let before = header(&get(&world, "/v3/enrollments/100/balancesummary").await, "etag");
    import(&world, "newer.json", &ENTERPRISE.replace("1.0", "1.00"), None).await;
    assert_ne!(header(&get(&world, "/v3/enrollments/100/balancesummary").await, "etag"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn billing_periods_say_what_is_held_and_where() {
    let mut world = world_with("100", ENTERPRISE, "system").await;
    import(&world, "b.json", &ENTERPRISE.replace("201507", "201504"), None).await;
    let csv = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
               CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel\n\
               100,04/01/2015,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,04/05/2015,m,1,1,1,USD,Usage,OnDemand\n\
               100,05/01/2015,1caaa5a3-2b66-438e-8ab4-bce37d518c5d,05/05/2015,m,1,1,1,USD,Usage,OnDemand\n";
    let path = world.data().join("charges.csv");
    std::fs::write(&path, csv).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    for dataset in [ledger::Dataset::ActualCost, ledger::Dataset::AmortizedCost] {
        let mut options = ImportOptions { paths: vec![path.clone()], ..ImportOptions::default() };
        options.fill.dataset = Some(dataset);
        if dataset == ledger::Dataset::AmortizedCost {
            std::fs::write(&path, csv.replace("05/01/2015", "06/01/2015")).unwrap();
            options.days = Some("2015-04-01..2015-05-31".parse().unwrap());
        }
        imports::import(&store, &options, &NoProgress).await.unwrap();
    }
    let link = |period: &str, report: &str| format!("/v2/enrollments/100/billingperiods/{period}/{report}");
    let expected = json!([
        { "billingPeriodId": "201507", "billingStart": "2015-07-01T00:00:00Z", "billingEnd": "2015-07-31T11:59:59Z",
          "balanceSummary": link("201507", "balancesummary"), "usageDetails": null, "marketplaceCharges": null,
          "priceSheet": null },
        { "billingPeriodId": "201505", "billingStart": "2015-05-01T00:00:00Z", "billingEnd": "2015-05-31T11:59:59Z",
          "balanceSummary": null, "usageDetails": link("201505", "usagedetails"),
          "marketplaceCharges": link("201505", "marketplacecharges"), "priceSheet": null },
        { "billingPeriodId": "201504", "billingStart": "2015-04-01T00:00:00Z", "billingEnd": "2015-04-30T11:59:59Z",
          "balanceSummary": link("201504", "balancesummary"), "usageDetails": link("201504", "usagedetails"),
          "marketplaceCharges": link("201504", "marketplacecharges"), "priceSheet": null },
    ]);
    let answer = text(&world, "/V2/enrollments/100/BillingPeriods").await;
    assert_eq!(answer, serde_json::to_string(&expected).unwrap());
    // The links work as they are.
    let answer = text(&world, &link("201504", "balancesummary")).await;
    assert!(answer.contains("\"billingPeriodId\":201504"), "{answer}");
    // An enrollment of which nothing is held has no periods.
    world.key = key_of(&world, OTHER).await;
    assert_eq!(text(&world, &format!("/v3/enrollments/{OTHER}/billingperiods")).await, "[]");
}
