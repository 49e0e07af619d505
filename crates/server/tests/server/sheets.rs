//! Price sheets and reservations: real answers imported and asked for again, what is derived from charges, files, rights.

use std::collections::BTreeMap;
use std::path::Path;

use access::{IssuedKey, KeyHolder, Role, issue_key, revoke_key};
use catalog::Policies;
use imports::{ImportOptions, ImportOutcome, NoProgress, Store, import};
use ledger::{Dataset, EnrollmentId, Grain, Scope};
use reqwest::Method;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::world::*;

const ORDER: &str = "ca69259e-bd4f-45c3-bf28-3f353f9cce9b";
const RESERVATION: &str = "f37f4b70-52ba-4344-a8bd-28abfd21d640";
const WEEK: &str = "$filter=properties%2FUsageDate%20ge%202017-12-01T00%3A00%3A00Z%20and%20properties%2FUsageDate%20le%20\
                    2017-12-07T00%3A00%3A00Z";

fn recorded(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imports/tests/data/sheets");
    std::fs::read_to_string(folder.join(format!("{file}.0.json"))).unwrap()
}

/// Imports a text under a file name; the enrollment is the caller's.
async fn load(world: &World, name: &str, text: &str, change: impl FnOnce(&mut ImportOptions)) -> ImportOutcome {
    let source = world.data().join(name);
    std::fs::write(&source, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![source], ..ImportOptions::default() };
    options.fill.enrollment = Some(OWN.to_owned().try_into().unwrap());
    change(&mut options);
    import(&store, &options, &NoProgress).await.unwrap()
}

async fn read(world: &World, path: &str) -> (u16, String) {
    let answer = world.ask_with_key(Method::GET, path).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Every value of a JSON text under its path, by its spelling; texts by their content. Links are left out.
fn values(path: &str, value: &RawValue, found: &mut BTreeMap<String, String>) {
    let text = value.get();
    if path.ends_with("/nextLink") {
    } else if text.starts_with('{') {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
        members.iter().for_each(|(name, value)| values(&format!("{path}/{name}"), value, found));
    } else if text.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
        found.insert(format!("{path}/count"), items.len().to_string());
        items.iter().enumerate().for_each(|(at, item)| values(&format!("{path}/{at}"), item, found));
    } else if text.starts_with('"') {
        found.insert(path.to_owned(), serde_json::from_str(text).unwrap());
    } else {
        found.insert(path.to_owned(), text.to_owned());
    }
}

fn values_of(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    values("", serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")), &mut found);
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_reservations_are_answered_again_value_for_value() {
    let order = format!("/providers/Microsoft.Capacity/reservationorders/{ORDER}");
    let reservation = format!("{order}/reservations/{RESERVATION}");
    let recordings = [
        ("cli_list_reservations_details", &order, "reservationDetails", "2018-01-31", None),
        ("cli_list_reservations_details_with_reservationid", &reservation, "reservationDetails", "2018-01-31", None),
        ("cli_list_reservations_details_withreservationid", &reservation, "reservationDetails", "2017-11-30", None),
        ("cli_list_reservations_summaries_daily", &order, "reservationSummaries", "2018-01-31", Some(Grain::Daily)),
        (
            "cli_list_reservations_summaries_daily_with_reservationid",
            &reservation,
            "reservationSummaries",
            "2018-01-31",
            Some(Grain::Daily),
        ),
        (
            "cli_list_reservations_summaries_daily_withreservationid",
            &reservation,
            "reservationSummaries",
            "2017-11-30",
            Some(Grain::Daily),
        ),
        ("cli_list_reservations_summaries_monthly", &order, "reservationSummaries", "2018-01-31", Some(Grain::Monthly)),
        (
            "cli_list_reservations_summaries_monthly_with_reservationid",
            &reservation,
            "reservationSummaries",
            "2018-01-31",
            Some(Grain::Monthly),
        ),
    ];
    for (file, scope, collection, version, grain) in recordings {
        let world = World::start().await;
        let page = recorded(file);
        let outcome = load(&world, "answer.json", &page, |options| options.fill.grain = grain).await;
        assert!(outcome.missing.is_empty() && !outcome.sheets[0].unchanged, "{file}");
        let query = match grain {
            None => WEEK.to_owned(),
            Some(Grain::Daily) => format!("grain=daily&{WEEK}"),
            Some(Grain::Monthly) => "grain=monthly".to_owned(),
        };
        let path = format!("{scope}/providers/Microsoft.Consumption/{collection}?{query}&api-version={version}");
        let (status, answer) = read(&world, &path).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(values_of(&answer), values_of(&page), "{file}");
        let again = load(&world, "answer.json", &page, |options| options.fill.grain = grain).await;
        assert!(again.sheets[0].unchanged, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_price_sheets_are_answered_again_value_for_value_and_page_by_page() {
    const SUBSCRIPTION: &str = "subscriptions/a98d6dc5-eb8f-46cf-8938-f1fb08f03706";
    for (file, period, today) in [
        ("cli_pricesheet", "", "2018-02-05T00:00:00Z"),
        (
            "cli_pricesheet_billing_period",
            "/providers/Microsoft.Billing/billingPeriods/20171001",
            "2018-02-05T00:00:00Z",
        ),
    ] {
        let world = World::start_with(|settings| settings.clock = Some(format!("fixed {today}"))).await;
        let page = recorded(file);
        let outcome = load(&world, "prices.json", &page, |_| {}).await;
        assert_eq!((outcome.sheets[0].rows, outcome.missing.len()), (1000, 1), "the answer went on");
        // Charges of the subscription make it known.
        let own = world_charges(SUBSCRIPTION.rsplit('/').next().unwrap());
        load(&world, "charges.csv", &own, |options| options.fill.dataset = Some(Dataset::ActualCost)).await;
        let path = |query: &str| {
            format!(
                "/{SUBSCRIPTION}{period}/providers/Microsoft.Consumption/pricesheets/default?api-version=2018-01-31{query}"
            )
        };
        let (status, answer) = read(&world, &path("")).await;
        assert_eq!(status, 200, "{answer}");
        let expected = values_of(&page);
        assert_eq!(values_of(&answer), expected, "{file}");

        let mut prices = Vec::new();
        let mut next = format!("{}{}", world.server.http_url, path("&$top=300"));
        let mut pages = 0;
        loop {
            let text = world.client.get(&next).bearer_auth(&world.key).send().await.unwrap().text().await.unwrap();
            let sheet: Value = serde_json::from_str(&text).unwrap();
            prices.extend(
                sheet["properties"]["pricesheets"].as_array().unwrap().iter().map(|price| price["meterId"].clone()),
            );
            pages += 1;
            match sheet["properties"]["nextLink"].as_str() {
                Some(link) => next = link.to_owned(),
                None => break,
            }
        }
        assert_eq!((pages, prices.len()), (4, 1000));
        let marked = world.ask_with_key(Method::GET, &path("")).send().await.unwrap();
        assert_eq!(header(&marked, "lazurite-incomplete"), "true");
        assert_eq!(prices[999], expected["/properties/pricesheets/999/meterId"].as_str());
        for token in ["s1.x.0", "s1.0.1000", "s1.1.0", "s2.0.0"] {
            let (status, _) = read(&world, &path(&format!("&$skiptoken={token}"))).await;
            assert_eq!(status, 400, "{token}");
        }
        let later = path("&$skiptoken=s1.0.300").replace("20171001", "20171101");
        assert_eq!(read(&world, &later).await.0, if period.is_empty() { 200 } else { 400 }, "the period of the path");
        let (status, _) = read(&world, &path("").replace("20171001", "20171101")).await;
        assert_eq!(status, if period.is_empty() { 200 } else { 404 });
    }
}

/// One charge, so that a subscription is known.
fn world_charges(subscription: &str) -> String {
    format!(
        "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
         BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n{OWN},02/01/2018,{subscription},02/01/2018,m,1,1,1,USD,Usage,\
         Azure,OnDemand\n"
    )
}

/// Rows of AmortizedCost of a reservation: covered usage of two machines, what was left, and a purchase in ActualCost.
fn reservation_rows(dataset: Dataset) -> String {
    let mut text = "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
                    CostInBillingCurrency,BillingCurrencyCode,ChargeType,PublisherType,PricingModel,ResourceId,AdditionalInfo,\
                    ReservationId,ProductOrderId,ProductOrderName,Term,Frequency\n"
        .to_owned();
    let info = |ratio: &str| {
        format!("\"{{\"\"ServiceType\"\":\"\"Standard_D2s_v3\"\",\"\"RINormalizationRatio\"\":{ratio}}}\"")
    };
    let mut row = |day: &str, quantity: &str, charge: &str, resource: &str, info: &str| {
        let cost = if dataset == Dataset::AmortizedCost { "0.5" } else { "0" };
        text.push_str(&format!(
            "{OWN},09/01/2023,{OWN_SUBSCRIPTION},{day},m,{quantity},1,{cost},USD,{charge},Azure,Reservation,{resource},{info},r-1,o-1,\
             \"Reserved VM Instance, Standard_D2s_v3, US East, 1 Year\",12,UsageBased\n"
        ));
    };
    for day in ["09/01/2023", "09/02/2023"] {
        row(day, "6.25", "Usage", "/a", &info("2"));
        row(day, "4", "Usage", "/b", &info("1.0"));
        row(day, "1.5", "Usage", "/b", &info("1"));
        if dataset == Dataset::AmortizedCost {
            row(day, "6", "UnusedReservation", "", "");
        }
    }
    if dataset == Dataset::ActualCost {
        row("09/01/2023", "1", "Purchase", "", "");
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_imported_is_derived_from_charges_and_says_so() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-20T00:00:00Z".into())).await;
    let amortized = reservation_rows(Dataset::AmortizedCost);
    load(&world, "amortized.csv", &amortized, |options| options.fill.dataset = Some(Dataset::AmortizedCost)).await;
    let actual = reservation_rows(Dataset::ActualCost);
    load(&world, "actual.csv", &actual, |options| options.fill.dataset = Some(Dataset::ActualCost)).await;

    let of = |what: &str| format!("/{}/providers/Microsoft.Consumption/{what}", own_scope());
    let days = "startDate=2023-09-01&endDate=2023-09-30&api-version=2024-08-01";
    let (_, details) = read(&world, &of(&format!("reservationDetails?{days}"))).await;
    let details = values_of(&details);
    let value = |name: &str| details.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!(value("/value/count"), "4");
    assert_eq!(value("/value/0/tags/lazurite-derived"), "true");
    let first = |name: &str| value(&format!("/value/0/properties/{name}")).to_owned();
    assert_eq!(
        ["usageDate", "instanceId", "usedHours", "reservedHours", "totalReservedQuantity", "skuName"].map(first),
        ["2023-09-01T00:00:00Z", "/a", "12.50", "24.00", "1", "Standard_D2s_v3"].map(str::to_owned)
    );
    assert_eq!(value("/value/1/properties/usedHours"), "5.5");

    let (_, daily) = read(&world, &of(&format!("reservationSummaries?grain=daily&{days}"))).await;
    let daily = values_of(&daily);
    assert_eq!((daily["/value/count"].as_str(), daily["/value/1/properties/usedHours"].as_str()), ("2", "18.00"));
    assert_eq!(daily["/value/1/properties/avgUtilizationPercentage"], "75");
    assert!(!daily.contains_key("/value/1/properties/minUtilizationPercentage"), "charges do not tell hours");
    let monthly = of("reservationSummaries?grain=monthly&api-version=2018-01-31");
    let (_, monthly) = read(&world, &monthly).await;
    let monthly = values_of(&monthly);
    assert_eq!(monthly["/value/0/properties/usedHours"], "36.00");
    assert_eq!(monthly["/value/0/properties/reservedHours"], "48.00");
    assert!(!monthly.contains_key("/value/0/properties/kind"), "it came later");

    let path = of("reservationTransactions?$filter=properties/eventDate+ge+2023-09-20&api-version=2021-10-01");
    let (_, transactions) = read(&world, &path).await;
    let transactions = values_of(&transactions);
    let own = |name: &str| transactions[&format!("/value/0/properties/{name}")].clone();
    assert_eq!(transactions["/value/0/tags/0"], "lazurite-derived");
    assert_eq!(
        ["eventType", "reservationOrderId", "term", "billingMonth", "armSkuName", "currentEnrollment"].map(own),
        ["Purchase", "o-1", "P1Y", "20230901", "Standard_D2s_v3", OWN].map(str::to_owned)
    );

    // An imported day takes the place of what charges say of it, and of no other.
    let imported = r#"[{"reservationOrderId":"O-1","reservationId":"R-1","usageDate":"2023-09-02T00:00:00","skuName":"s",
        "instanceId":"/i","totalReservedQuantity":1,"reservedHours":24,"usedHours":18.000000000000000}]"#;
    load(&world, "details.json", imported, |_| {}).await;
    let (_, details) = read(&world, &of(&format!("reservationDetails?{days}"))).await;
    let details = values_of(&details);
    assert_eq!(
        (details["/value/count"].as_str(), details["/value/2/properties/usedHours"].as_str()),
        ("3", "18.000000000000000")
    );
    assert_eq!(details["/value/2/tags"], "null");

    let reporting = format!("/v2/enrollments/{OWN}/reservationdetails?startDate=2023-09-02&endDate=2023-09-02");
    let (status, details) = read(&world, &reporting).await;
    assert_eq!(status, 200);
    assert_eq!(
        details,
        r#"[{"reservationOrderId":"O-1","reservationId":"R-1","usageDate":"2023-09-02T00:00:00","skuName":"s","instanceId":"/i","#
            .to_owned()
            + r#""totalReservedQuantity":1,"reservedHours":24,"usedHours":18.000000000000000}]"#
    );
    let charges = |version: &str| {
        format!("/{version}/enrollments/{OWN}/reservationcharges?startDate=2023-09-01&endDate=2023-09-01")
    };
    let (_, v3) = read(&world, &charges("v3")).await;
    let (_, v4) = read(&world, &charges("v4")).await;
    assert!(!v3.contains("billingFrequency") && v4.contains("\"billingFrequency\":\"UsageBased\""), "{v3} {v4}");
    assert!(v3.contains("\"PurchasingsubscriptionGuid\":"));
    assert_eq!(read(&world, &charges("v1")).await.0, 404);
}

/// Details of a reservation on a day, one instance for each of the hours.
fn detail_rows(reservation: &str, day: &str, hours: &[&str]) -> String {
    let row = |(number, used): (usize, &&str)| {
        format!(
            "{{\"reservationOrderId\":\"O-1\",\"reservationId\":\"{reservation}\",\"usageDate\":\"{day}T00:00:00\",\
             \"instanceId\":\"/i{number}\",\"reservedHours\":48.0,\"usedHours\":{used}}}"
        )
    };
    format!("[{}]", hours.iter().enumerate().map(row).collect::<Vec<_>>().join(","))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn summaries_are_those_of_the_details_that_were_imported() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-20T00:00:00Z".into())).await;
    let amortized = reservation_rows(Dataset::AmortizedCost);
    load(&world, "amortized.csv", &amortized, |options| options.fill.dataset = Some(Dataset::AmortizedCost)).await;
    load(&world, "r1.json", &detail_rows("R-1", "2023-09-02", &["20.25", "10.5"]), |_| {}).await;
    load(&world, "r2.json", &detail_rows("R-2", "2023-09-03", &["7"]), |_| {}).await;

    let summaries = async |grain: &str| {
        let path = format!(
            "/{}/providers/Microsoft.Consumption/reservationSummaries?grain={grain}&startDate=2023-09-01&\
             endDate=2023-09-30&api-version=2024-08-01",
            own_scope()
        );
        let (status, text) = read(&world, &path).await;
        assert_eq!(status, 200, "{text}");
        let found = values_of(&text);
        let item = |number: usize| {
            let own = |name: &str| found[&format!("/value/{number}/properties/{name}")].clone();
            [own("reservationId").to_ascii_lowercase(), own("usageDate"), own("usedHours"), own("reservedHours")]
                .join(" ")
        };
        let count: usize = found["/value/count"].parse().unwrap();
        (0..count).map(item).collect::<Vec<_>>()
    };
    let daily = [
        "r-1 2023-09-01T00:00:00Z 18.00 24.00",
        "r-1 2023-09-02T00:00:00Z 30.75 48.0",
        "r-2 2023-09-03T00:00:00Z 7 48.0",
    ];
    assert_eq!(summaries("daily").await, daily, "of charges, of details beside charges, of details alone");
    let monthly = ["r-1 2023-09-01T00:00:00Z 48.75 72.00", "r-2 2023-09-01T00:00:00Z 7 48.0"];
    assert_eq!(summaries("monthly").await, monthly);

    // A summary of the original stands for itself, and for its day in the month.
    let own = r#"[{"reservationOrderId":"O-1","reservationId":"R-2","usageDate":"2023-09-03T00:00:00","reservedHours":24,
        "usedHours":6.5}]"#;
    load(&world, "own.json", own, |options| options.fill.grain = Some(Grain::Daily)).await;
    assert_eq!(summaries("daily").await[2], "r-2 2023-09-03T00:00:00Z 6.5 24");
    assert_eq!(summaries("monthly").await[1], "r-2 2023-09-01T00:00:00Z 6.5 24");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_say_when_rows_may_be_missing() {
    let world = World::start_with(|settings| settings.clock = Some("fixed 2023-09-20T00:00:00Z".into())).await;
    let incomplete = async |what: &str| {
        let path = format!("/{}/providers/Microsoft.Consumption/{what}&api-version=2024-08-01", own_scope());
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
        answer.headers().get("lazurite-incomplete").map(|value| value.to_str().unwrap().to_owned())
    };
    let open =
        format!("{{\"value\":{},\"nextLink\":\"https://h/x?$skiptoken=1\"}}", detail_rows("R-1", "2023-09-02", &["7"]));
    load(&world, "open.json", &open, |_| {}).await;
    load(&world, "whole.json", &detail_rows("R-1", "2023-09-03", &["8"]), |_| {}).await;
    let details = |first, last| format!("reservationDetails?startDate=2023-09-0{first}&endDate=2023-09-0{last}");
    assert_eq!(incomplete(&details(2, 3)).await.as_deref(), Some("true"));
    assert_eq!(incomplete(&details(3, 3)).await, None);
    let daily = "reservationSummaries?grain=daily&startDate=2023-09-02&endDate=2023-09-02";
    assert_eq!(incomplete(daily).await.as_deref(), Some("true"), "it is made of the details");
    let monthly = "reservationSummaries?grain=monthly&startDate=2023-09-01&endDate=2023-09-30";
    assert_eq!(incomplete(monthly).await.as_deref(), Some("true"), "two days are no month");
    let reporting = format!("/v2/enrollments/{OWN}/reservationdetails?startDate=2023-09-02&endDate=2023-09-02");
    let answer = world.ask_with_key(Method::GET, &reporting).send().await.unwrap();
    assert_eq!(header(&answer, "lazurite-incomplete"), "true");

    // Charges that do not tell of reservations: a day that was not imported is not known.
    let actual = reservation_rows(Dataset::ActualCost);
    load(&world, "actual.csv", &actual, |options| options.fill.dataset = Some(Dataset::ActualCost)).await;
    assert_eq!(incomplete(&details(3, 3)).await, None);
    assert_eq!(incomplete(&details(3, 4)).await.as_deref(), Some("true"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_ordered_polled_and_fetched_without_a_credential() {
    let world = World::start().await;
    let prices = "EnrollmentNumber,MeterID,MeterName,UnitOfMeasure,PartNumber,UnitPrice,CurrencyCode,IncludedQuantity\n\
                  8611537,m1,\"Data, out\",1 GB,AAA-1,0.0870000,USD,5\n";
    load(&world, "prices.csv", prices, |options| options.fill.period = Some("202309".parse().unwrap())).await;
    let amortized = reservation_rows(Dataset::AmortizedCost);
    load(&world, "amortized.csv", &amortized, |options| options.fill.dataset = Some(Dataset::AmortizedCost)).await;
    let cases = [
        (
            "billingPeriods/202309/providers/Microsoft.Consumption/pricesheets/download?api-version=2024-08-01",
            ("downloadUrl", "validTill"),
            "8611537,m1,\"Data, out\",,,,,,,,,1 GB,AAA-1,,,0.0870000,,,USD,5,,,\n",
        ),
        (
            "billingPeriods/202309/providers/Microsoft.CostManagement/pricesheets/default/download?api-version=2024-08-01",
            ("downloadUrl", "validTill"),
            "8611537,m1,\"Data, out\",,,,,,,,,1 GB,AAA-1,,,0.0870000,,,USD,5,,,\n",
        ),
        (
            "providers/Microsoft.CostManagement/generateReservationDetailsReport?startDate=2023-09-01&endDate=2023-09-01&\
             api-version=2024-08-01",
            ("reportUrl", "validUntil"),
            "o-1,r-1,24.00,Standard_D2s_v3,1,2023-09-01T00:00:00Z,12.50\n",
        ),
    ];
    for (path, (url, till), row) in cases {
        let order = world.ask_with_key(Method::POST, &format!("/{}/{path}", own_scope())).send().await.unwrap();
        assert_eq!(order.status(), 202, "{path}");
        let location = header(&order, "location");
        for _ in 0..2 {
            let answer = world.client.get(&location).bearer_auth(&world.key).send().await.unwrap();
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body["status"], "Completed", "{body}");
            assert!(body["properties"][till].is_string());
            let link = body["properties"][url].as_str().unwrap();
            let bytes = world.client.get(link).send().await.unwrap().bytes().await.unwrap();
            let text = std::str::from_utf8(&bytes).unwrap();
            assert!(text.starts_with('\u{feff}') && text.contains(row), "{path}: {text}");
        }
        assert_eq!(world.client.get(&location).send().await.unwrap().status(), 401);
    }
    let missing = format!(
        "/{}/billingPeriods/202310/providers/Microsoft.Consumption/pricesheets/download?api-version=2024-08-01",
        own_scope()
    );
    assert_eq!(world.ask_with_key(Method::POST, &missing).send().await.unwrap().status(), 404);
    let reporting = format!("/v3/enrollments/{OWN}/billingPeriods/202309/pricesheet");
    let (_, sheet) = read(&world, &reporting).await;
    assert_eq!(
        sheet,
        format!(
            "[{{\"id\":\"enrollments/{OWN}/billingperiods/202309/products/1/pricesheets\",\"billingPeriodId\":\"202309\",\"meterId\":\
             \"m1\",\"meterName\":\"Data, out\",\"unitOfMeasure\":\"1 GB\",\"includedQuantity\":5,\"partNumber\":\"AAA-1\",\
             \"unitPrice\":0.0870000,\"currencyCode\":\"USD\"}}]"
        )
    );
    let (_, periods) = read(&world, &format!("/v3/enrollments/{OWN}/billingperiods")).await;
    let periods: Value = serde_json::from_str(&periods).unwrap();
    assert_eq!(periods[0]["priceSheet"], format!("/v3/enrollments/{OWN}/billingperiods/202309/pricesheet"));
}

async fn set_policies(world: &World, da_view_charges: bool, ao_view_charges: bool) {
    let audit = catalog::AuditEntry {
        at_ms: 0,
        actor: "test".into(),
        action: "policy".into(),
        enrollment: None,
        target: String::new(),
        detail: String::new(),
        times: 1,
    };
    let own = EnrollmentId::parse(OWN).unwrap();
    let shown = Policies { da_view_charges, ao_view_charges, price_hidden: false };
    world.catalog.change_policies(&own, |policies| *policies = shown, &audit).await.unwrap();
}

async fn key_of(world: &World, scope: Scope, role: Role) -> IssuedKey {
    let holder = KeyHolder { scope, enrollment: EnrollmentId::parse(OWN).unwrap(), role };
    issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap()
}

/// SEMANTICS 6.4: prices are for enterprise roles, and for owners of a subscription while the policy is on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_of_a_subscription_are_for_enterprise_roles_and_owners_alone() {
    const OTHER: &str = "bbbbbbbb-0000-4000-8000-000000000000";
    let world = World::start().await;
    let charges = format!(
        "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,AccountId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,\
         CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel\n\
         {OWN},09/01/2023,7,71,{OWN_SUBSCRIPTION},09/01/2023,m1,1,1,1,USD,Usage,OnDemand\n\
         {OWN},09/01/2023,7,71,{OTHER},09/01/2023,m1,1,1,1,USD,Usage,OnDemand\n"
    );
    load(&world, "charges.csv", &charges, |options| options.fill.dataset = Some(Dataset::ActualCost)).await;
    let prices = format!(
        "EnrollmentNumber,MeterID,UnitOfMeasure,PartNumber,UnitPrice,CurrencyCode\n{OWN},m1,1 GB,AAA-1,1,USD\n"
    );
    load(&world, "prices.csv", &prices, |options| options.fill.period = Some("202309".parse().unwrap())).await;
    let (enrollment, own) = (own_scope(), format!("subscriptions/{OWN_SUBSCRIPTION}"));
    let (other, department) =
        (format!("subscriptions/{OTHER}"), "providers/Microsoft.Billing/departments/7".to_owned());
    let account = "providers/Microsoft.Billing/enrollmentAccounts/71".to_owned();
    let path = format!(
        "/{own}/providers/Microsoft.Billing/billingPeriods/202309/providers/Microsoft.Consumption/pricesheets/default?\
         api-version=2024-08-01"
    );
    for (scope, role, shown, expected) in [
        (&enrollment, Role::EnterpriseReader, false, 200),
        (&enrollment, Role::EnterpriseAdministrator, true, 200),
        (&own, Role::Owner, true, 200),
        (&own, Role::Owner, false, 401),
        (&other, Role::Owner, true, 403),
        (&own, Role::Contributor, true, 403),
        (&own, Role::Reader, true, 403),
        (&own, Role::CostManagementContributor, true, 403),
        (&own, Role::CostManagementReader, true, 403),
        (&department, Role::DepartmentAdministrator, true, 403),
        (&department, Role::DepartmentReader, true, 403),
        (&account, Role::AccountOwner, true, 403),
    ] {
        set_policies(&world, true, true).await;
        let key = key_of(&world, Scope::parse(scope).unwrap(), role).await;
        set_policies(&world, shown, shown).await;
        let answer = world.ask(Method::GET, &path).bearer_auth(key.key.reveal()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected, "{role} of {scope}: {}", answer.text().await.unwrap());
        // A scope has two keys at most.
        revoke_key(&world.catalog, &key.id, "test", now_ms()).await.unwrap();
    }
}

/// Prices and reservations are of the whole enrollment: what a department used, and what others pay, is not a department's
/// to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_part_read_neither_reservations_nor_price_files() {
    let world = World::start().await;
    let amortized = reservation_rows(Dataset::AmortizedCost);
    load(&world, "amortized.csv", &amortized, |options| options.fill.dataset = Some(Dataset::AmortizedCost)).await;
    set_policies(&world, true, true).await;
    let scope = Scope::parse(&format!("subscriptions/{OWN_SUBSCRIPTION}")).unwrap();
    let key = key_of(&world, scope, Role::CostManagementReader).await.key.reveal().to_owned();
    let account = own_scope();
    let days = "startDate=2023-09-01&endDate=2023-09-30";
    for (method, path) in [
        (Method::GET, format!("/{account}/providers/Microsoft.Consumption/reservationDetails?{days}&api-version=2024-08-01")),
        (Method::GET, format!("/{account}/providers/Microsoft.Consumption/reservationTransactions?api-version=2024-08-01")),
        (
            Method::GET,
            format!(
                "/providers/Microsoft.Capacity/reservationorders/o-1/providers/Microsoft.Consumption/reservationDetails?{days}&\
                 api-version=2024-08-01"
            ),
        ),
        (
            Method::GET,
            "/providers/Microsoft.Capacity/reservationorders/o-1/providers/Microsoft.Consumption/reservationSummaries?grain=\
             monthly&api-version=2024-08-01"
                .to_owned(),
        ),
        (
            Method::POST,
            format!("/{account}/billingPeriods/202309/providers/Microsoft.Consumption/pricesheets/download?api-version=2024-08-01"),
        ),
        (
            Method::POST,
            format!("/{account}/providers/Microsoft.CostManagement/generateReservationDetailsReport?{days}&api-version=2024-08-01"),
        ),
        (Method::GET, format!("/v2/enrollments/{OWN}/reservationdetails?{days}")),
        (Method::GET, format!("/v2/enrollments/{OWN}/reservationsummaries?grain=daily&{days}")),
        (Method::GET, format!("/v3/enrollments/{OWN}/reservationcharges?{days}")),
        (Method::GET, format!("/v3/enrollments/{OWN}/pricesheet")),
        (Method::GET, format!("/v3/enrollments/{OWN}/marketplacecharges")),
    ] {
        let answer = world.ask(method, &path).bearer_auth(&key).send().await.unwrap();
        assert!(matches!(answer.status().as_u16(), 401 | 403), "{path}: {}", answer.status());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_of_questions_about_reservations_are_told() {
    let world = World::start().await;
    let order = format!("/providers/Microsoft.Capacity/reservationorders/{ORDER}/providers/Microsoft.Consumption");
    for (path, expected) in [
        (format!("{order}/reservationDetails?api-version=2024-08-01"), "properties/usageDate ge"),
        (format!("{order}/reservationSummaries?{WEEK}&api-version=2024-08-01"), "grain is missing"),
        (format!("{order}/reservationSummaries?grain=hourly&{WEEK}&api-version=2024-08-01"), "daily or monthly"),
        (format!("{order}/reservationSummaries?grain=daily&api-version=2024-08-01"), "properties/usageDate ge"),
        (format!("{order}/reservationDetails?$filter=usageDate%20gt%20soon&api-version=2024-08-01"), "character 14"),
        (format!("{order}/reservationDetails?{WEEK}&$top=5&api-version=2024-08-01"), "$top"),
        (
            format!(
                "/subscriptions/{OWN_SUBSCRIPTION}/providers/Microsoft.Consumption/reservationDetails?{WEEK}&api-version=2024-08-01"
            ),
            "has no reservations",
        ),
    ] {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        let (status, _, message) = error_of(answer).await;
        assert!(status == 400 && message.contains(expected), "{path}: {status} {message}");
    }
    let (status, empty) = read(&world, &format!("{order}/reservationDetails?{WEEK}&api-version=2024-08-01")).await;
    assert_eq!((status, empty.as_str()), (200, r#"{"value":[]}"#));
}

/// Who walks from month to month sees every event, whichever month it was billed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_was_billed_in_another_month_is_answered_by_its_day() {
    let world = World::start().await;
    let list = r#"[{"eventDate":"2024-01-20T00:00:00","billingMonth":20240201,"reservationOrderId":"o","eventType":"Purchase",
        "quantity":1,"amount":365.00,"currency":"USD"}]"#;
    load(&world, "transactions.json", list, |_| {}).await;
    for (days, expected) in [
        ("startDate=2024-01-01&endDate=2024-01-31", 1),
        ("startDate=2024-02-01&endDate=2024-02-29", 0),
        ("startDate=2024-01-20&endDate=2024-01-20", 1),
    ] {
        let (status, answer) = read(&world, &format!("/v4/enrollments/{OWN}/reservationcharges?{days}")).await;
        let found: Vec<Value> = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, found.len()), (200, expected), "{days}: {answer}");
    }

    // Enterprise Reporting tells the same event without the month of its bill: it stays one, of that month.
    let reported = r#"[{"eventDate":"2024-01-20T00:00:00","reservationOrderId":"O","eventType":"Purchase","quantity":1,
        "amount":365.0,"currency":"USD"},{"eventDate":"2024-01-21T00:00:00","reservationOrderId":"o","eventType":"Refund",
        "quantity":1,"amount":-5,"currency":"USD"}]"#;
    load(&world, "reported.json", reported, |_| {}).await;
    let reporting = format!("/v4/enrollments/{OWN}/reservationcharges?startDate=2024-01-01&endDate=2024-02-29");
    let (_, answer) = read(&world, &reporting).await;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&answer).unwrap().len(), 2, "{answer}");
    for (month, expected) in [("01", "-5"), ("02", "365.00")] {
        let path = format!(
            "/{}/providers/Microsoft.Consumption/reservationTransactions?$filter=properties/eventDate+ge+2024-{month}-02+AND+\
             properties/eventDate+le+2024-{month}-03&api-version=2024-08-01",
            own_scope()
        );
        let (_, answer) = read(&world, &path).await;
        let found = values_of(&answer);
        assert_eq!(
            (found["/value/count"].as_str(), found["/value/0/properties/amount"].as_str()),
            ("1", expected),
            "{answer}"
        );
    }
}

/// Transactions as the Consumption API tells them, or, without a month, as Enterprise Reporting does.
fn events(list: &[(&str, &str, &str, &str)]) -> String {
    let event = |(day, month, order, amount): &(&str, &str, &str, &str)| {
        let month = if month.is_empty() { String::new() } else { format!("\"billingMonth\":{month},") };
        format!(
            "{{\"eventDate\":\"{day}T00:00:00\",{month}\"reservationOrderId\":\"{order}\",\"eventType\":\"Purchase\",\
             \"quantity\":1,\"amount\":{amount},\"currency\":\"USD\"}}"
        )
    };
    format!("[{}]", list.iter().map(event).collect::<Vec<_>>().join(","))
}

/// Orders of the transactions that each API tells, and whether it says that some may be missing.
async fn told(world: &World, first: &str, last: &str) -> [(Vec<String>, bool); 2] {
    let consumption = format!(
        "/{}/providers/Microsoft.Consumption/reservationTransactions?$filter=properties/eventDate+ge+{first}+AND+\
         properties/eventDate+le+{last}&api-version=2024-08-01",
        own_scope()
    );
    let reporting = format!("/v4/enrollments/{OWN}/reservationcharges?startDate={first}&endDate={last}");
    let mut found = Vec::new();
    for path in [consumption, reporting] {
        let answer = world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let is_incomplete = answer.headers().contains_key("lazurite-incomplete");
        let text = answer.text().await.unwrap();
        let values = values_of(&text);
        let mut orders: Vec<String> = values
            .iter()
            .filter(|(path, _)| path.ends_with("/reservationOrderId"))
            .map(|(_, value)| value.clone())
            .collect();
        orders.sort_unstable();
        found.push((orders, is_incomplete));
    }
    found.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_apis_tell_of_transactions_side_by_side_in_any_order() {
    let of_reporting = events(&[("2024-02-10", "", "o2", "50"), ("2024-02-28", "", "o3", "70")]);
    let february = events(&[("2024-02-10", "20240201", "o2", "50"), ("2024-02-15", "20240201", "o4", "9")]);
    let march = events(&[("2024-02-28", "20240301", "o3", "70")]);
    // An event that was billed two months later.
    let late = events(&[("2024-01-31", "20240301", "o9", "100")]);
    let late_march = format!("{},{}", &march[..march.len() - 1], &late[1..]);
    for order in [[0, 1, 2], [1, 2, 0], [2, 0, 1]] {
        let world = World::start().await;
        let files = [("r.json", &of_reporting), ("f.json", &february), ("m.json", &late_march)];
        for index in order {
            load(&world, files[index].0, files[index].1, |_| {}).await;
        }
        let expect = |orders: &[&str]| (orders.iter().map(|order| (*order).to_owned()).collect::<Vec<_>>(), false);
        let [by_bill, by_event] = told(&world, "2024-02-01", "2024-02-29").await;
        assert_eq!((by_bill, by_event), (expect(&["o2", "o4"]), expect(&["o2", "o3", "o4"])), "{order:?}");
        let [by_bill, by_event] = told(&world, "2024-03-01", "2024-03-31").await;
        assert_eq!((by_bill, by_event), (expect(&["o3", "o9"]), expect(&[])), "{order:?}");
        assert_eq!(told(&world, "2024-01-01", "2024-01-31").await[1], expect(&["o9"]), "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_that_charges_do_not_tell_of_is_not_one_without_transactions() {
    let world = World::start().await;
    let charges = |month: &str| {
        format!(
            "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
             BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n{OWN},{month}/01/2024,{OWN_SUBSCRIPTION},{month}/01/2024,m,1,\
             1,1,USD,Usage,Azure,OnDemand\n"
        )
    };
    for (month, dataset) in
        [("01", Dataset::ActualCost), ("01", Dataset::AmortizedCost), ("02", Dataset::AmortizedCost)]
    {
        load(&world, "charges.csv", &charges(month), |options| options.fill.dataset = Some(dataset)).await;
    }
    let path =
        |first: &str, last: &str| format!("/v4/enrollments/{OWN}/reservationcharges?startDate={first}&endDate={last}");
    let (status, answer) = read(&world, &path("2024-02-01", "2024-02-29")).await;
    assert_eq!(status, 404, "{answer}");
    assert!(answer.contains("2024-02-01..2024-02-29") && answer.contains("ActualCost"), "{answer}");
    assert_eq!(told(&world, "2024-01-01", "2024-01-31").await, [(Vec::new(), false), (Vec::new(), false)]);
    assert_eq!(told(&world, "2024-01-01", "2024-02-29").await, [(Vec::new(), true), (Vec::new(), true)]);
    // What an answer about some days does not tell, charges do; what both tell, in whatever month charges date it, is one.
    let purchases = reservation_rows(Dataset::ActualCost);
    load(&world, "purchases.csv", &purchases, |options| options.fill.dataset = Some(Dataset::ActualCost)).await;
    let purchased = || (vec!["o-1".to_owned()], false);
    assert_eq!(told(&world, "2023-09-01", "2023-09-30").await, [purchased(), purchased()]);
    load(&world, "part.json", &events(&[("2023-09-03", "", "o-2", "7")]), |_| {}).await;
    let [_, by_event] = told(&world, "2023-09-01", "2023-09-30").await;
    assert_eq!(by_event, (vec!["o-1".to_owned(), "o-2".to_owned()], false));
    let both = events(&[("2023-09-02", "", "O-1", "0"), ("2023-09-03", "", "o-2", "7")]);
    load(&world, "both.json", &both, |_| {}).await;
    let [_, by_event] = told(&world, "2023-09-01", "2023-09-30").await;
    assert_eq!(by_event, (vec!["O-1".to_owned(), "o-2".to_owned()], false), "dated a day beside the charge");

    // An answer about the month ends the doubt.
    load(&world, "t.json", &events(&[("2024-02-10", "20240201", "o", "5")]), |_| {}).await;
    let own = (vec!["o".to_owned()], false);
    assert_eq!(told(&world, "2024-01-01", "2024-02-29").await, [own.clone(), own]);
}
