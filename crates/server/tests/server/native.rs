//! Native enrollments: the worked examples of SEMANTICS section 7 go in as an operator's documents (`tests/native/examples`)
//! and come out of the public APIs, to the digit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use access::{KeyHolder, Role, issue_key};
use billing::{ApplyOptions, DocumentFill, IngestOptions, RunOptions, UsageChecks, UsageInput, native_paths};
use imports::Store;
use ledger::billing::Instant;
use ledger::{EnrollmentId, Scope};
use money::{Decimal, Limits};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::agreement::{numbers, table_of};
use crate::world::*;

/// The number of all examples' enrollment.
const NATIVE: &str = "7654321";
const VERSION: &str = "api-version=2024-08-01";

/// `expected.json` of an example, see the README beside the examples.
#[derive(Deserialize)]
struct Expected {
    steps: Option<Vec<Step>>,
    #[serde(flatten)]
    only: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    as_of: String,
    #[serde(default)]
    checks: Vec<Check>,
    #[serde(default)]
    balances: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Check {
    dataset: String,
    period: String,
    #[serde(rename = "where")]
    selects: BTreeMap<String, String>,
    rows: usize,
    #[serde(default)]
    sum: BTreeMap<String, String>,
    #[serde(default)]
    each: BTreeMap<String, String>,
    #[serde(default)]
    contains: BTreeMap<String, Vec<String>>,
}

type Row = BTreeMap<String, String>;

/// A server over the store of one native enrollment.
pub(crate) struct Native {
    pub(crate) world: World,
    store: Store,
    pub(crate) enrollment: EnrollmentId,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/native/examples")
}

pub(crate) fn instant(text: &str) -> Instant {
    let parsed = time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    Instant(i64::try_from(parsed.unix_timestamp_nanos() / 1000).unwrap())
}

impl Native {
    pub(crate) async fn start() -> Self {
        let mut world = World::start_with(|settings| settings.workers = Some(1)).await;
        let enrollment = EnrollmentId::parse(NATIVE).unwrap();
        let scope = Scope::BillingAccount(enrollment.clone());
        let holder = KeyHolder { scope, enrollment: enrollment.clone(), role: Role::EnterpriseReader };
        world.key = issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned();
        let store = Store::open_existing(world.data()).await.unwrap();
        Self { world, store, enrollment }
    }

    /// Takes the documents and the usage of an example's folder, as `lazurite bill` does.
    pub(crate) async fn take(&self, folder: &Path, received_at: Instant) {
        let files = ["enrollment.json", "prices.json", "orders.json", "usage.ndjson"].map(|name| folder.join(name));
        let paths = native_paths(&files.into_iter().filter(|path| path.exists()).collect::<Vec<_>>()).unwrap();
        let options = ApplyOptions {
            received_at,
            fill: DocumentFill::default(),
            actor: "test".to_owned(),
            dry_run: false,
            reopen: None,
        };
        billing::apply(&self.store, &paths.documents, &options).await.unwrap();
        for path in &paths.usage {
            let input = UsageInput::file(path).unwrap();
            let options = IngestOptions { received_at, is_strict: true, actor: "test".to_owned() };
            billing::ingest(&self.store, &UsageChecks::default(), &self.enrollment, None, &input, &options)
                .await
                .unwrap();
        }
    }

    pub(crate) async fn bill(&self, as_of: Instant) -> billing::RunOutcome {
        let options = RunOptions { as_of, period: None, actor: "test".to_owned(), reopen: None };
        billing::run(&self.store, &self.enrollment, &options).await.unwrap()
    }

    fn scope(&self) -> String {
        format!("providers/Microsoft.Billing/billingAccounts/{}", self.enrollment)
    }

    /// The rows of a Cost Details report.
    async fn rows(&self, dataset: &str, period: &str) -> Vec<Row> {
        let body = format!("{{\"metric\":\"{dataset}\",\"billingPeriod\":\"{period}\"}}");
        let result = self.world.answered(&self.scope(), VERSION, &body).await;
        if result["status"] == "NoDataFound" {
            return Vec::new();
        }
        assert_eq!(result["status"], "Completed", "{result}");
        let mut rows = Vec::new();
        for blob in result["manifest"]["blobs"].as_array().unwrap() {
            let text = self.world.client.get(blob["blobLink"].as_str().unwrap()).send().await.unwrap();
            rows.extend(table_of(&text.bytes().await.unwrap()));
        }
        rows
    }

    /// A balance summary as the API writes it, with the digits of its numbers.
    async fn balance(&self, period: &str) -> BTreeMap<String, Box<RawValue>> {
        #[derive(Deserialize)]
        struct Balance {
            properties: BTreeMap<String, Box<RawValue>>,
        }
        let scope = self.scope();
        let path = format!("/{scope}/billingPeriods/{period}/providers/Microsoft.Consumption/balances?{VERSION}");
        let answer = self.world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        serde_json::from_str::<Balance>(&answer.text().await.unwrap()).unwrap().properties
    }

    async fn holds(&self, step: &Step) {
        let mut reports: BTreeMap<(&str, &str), Vec<Row>> = BTreeMap::new();
        for check in &step.checks {
            let key = (check.dataset.as_str(), check.period.as_str());
            let rows = match reports.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(missing) => missing.insert(self.rows(&check.dataset, &check.period).await),
            };
            check.holds(rows, &step.as_of);
        }
        for expected in &step.balances {
            let period = expected["period"].as_str().unwrap();
            let found = self.balance(period).await;
            for (member, value) in expected.iter().filter(|(member, _)| *member != "period") {
                let at = format!("{}: {period}, {member}", step.as_of);
                match value {
                    Value::String(amount) => assert_eq!(found[member].get(), amount, "{at}"),
                    details => assert_eq!(listed(&found[member]), stated(details), "{at}"),
                }
            }
        }
    }
}

/// Details as they are served, amounts by their digits.
fn listed(details: &RawValue) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Detail {
        name: String,
        value: Box<RawValue>,
    }
    let details: Vec<Detail> = serde_json::from_str(details.get()).unwrap();
    details.into_iter().map(|detail| (detail.name, detail.value.get().to_owned())).collect()
}

fn stated(details: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    details.as_array().unwrap().iter().map(|detail| (text(&detail["name"]), text(&detail["value"]))).collect()
}

fn decimal(text: &str) -> Option<Decimal> {
    Decimal::parse(text.as_bytes(), Limits::TOTAL).ok().map(|parsed| parsed.value)
}

/// Whether a cell is what an example says: dates, numbers and switches by value.
fn is_same(cell: &str, expected: &str) -> bool {
    let date = match cell.split('/').collect::<Vec<_>>()[..] {
        [month, day, year] => format!("{year}-{month}-{day}"),
        _ => cell.to_owned(),
    };
    let same_number = || decimal(cell).is_some_and(|cell| Some(cell) == decimal(expected));
    date == expected || cell.eq_ignore_ascii_case(expected) || same_number()
}

impl Check {
    fn holds(&self, rows: &[Row], as_of: &str) {
        let at = format!("{as_of}: {} {} where {:?}", self.dataset, self.period, self.selects);
        let selected: Vec<&Row> =
            rows.iter().filter(|row| self.selects.iter().all(|(column, value)| is_same(&row[column], value))).collect();
        assert_eq!(selected.len(), self.rows, "{at}: {rows:#?}");
        for (column, expected) in &self.sum {
            let cells = selected.iter().map(|row| decimal(&row[column]).unwrap());
            let sum = cells.fold(Decimal::ZERO, |sum, cell| sum.checked_add(cell).unwrap());
            assert_eq!(Some(sum), decimal(expected), "{at}: sum of {column} is {sum}");
        }
        for row in selected {
            for (column, expected) in &self.each {
                assert!(is_same(&row[column], expected), "{at}: {column} is {:?}, not {expected:?}", row[column]);
            }
            for (column, texts) in &self.contains {
                for text in texts {
                    assert!(row[column].contains(text), "{at}: {column} {:?} lacks {text:?}", row[column]);
                }
            }
        }
    }
}

/// One native enrollment, asked through every generation: the same rows and the same sums.
#[tokio::test(flavor = "multi_thread")]
async fn every_generation_answers_a_native_enrollment() {
    let native = Native::start().await;
    let as_of = instant("2025-07-05T04:00:00Z");
    native.take(&examples().join("E08"), as_of).await;
    native.bill(as_of).await;
    let all = native.rows("ActualCost", "202506").await;
    let cost = |rows: &[&Row]| {
        let cells = rows.iter().map(|row| decimal(&row["CostInBillingCurrency"]).unwrap());
        cells.fold(Decimal::ZERO, |sum, cell| sum.checked_add(cell).unwrap())
    };
    let is_first_party = |row: &&Row| row["ChargeType"] == "Usage" && row["PublisherType"] != "Marketplace";
    let all: Vec<&Row> = all.iter().collect();
    let first_party: Vec<&Row> = all.iter().copied().filter(is_first_party).collect();
    assert_eq!(Some(cost(&all)), decimal("655.35"), "SEMANTICS 7, E8");
    assert!(!first_party.is_empty() && first_party.len() < all.len());
    let scope = native.scope();
    let consumption = |period: &str, version: &str| {
        format!("/{scope}{period}/providers/Microsoft.Consumption/usageDetails?api-version={version}")
    };
    let filter = "&$filter=properties/usageEnd ge '2025-06-01' AND properties/usageEnd le '2025-06-30'";
    let enterprise = |version: &str| format!("/{version}/enrollments/{NATIVE}/billingPeriods/202506/usagedetails");
    let nested = "/providers/Microsoft.Billing/billingPeriods/202506";
    let questions = [
        (format!("{}{filter}", consumption("", "2024-08-01")), "cost", &all),
        (consumption(nested, "2018-10-01"), "pretaxCost", &first_party),
        (enterprise("v2"), "Cost", &first_party),
        (enterprise("v3"), "cost", &first_party),
    ];
    for (path, member, expected) in questions {
        let answer = native.world.ask_with_key(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let costs = numbers(&answer.text().await.unwrap(), member);
        assert_eq!(costs.len(), expected.len(), "{path}");
        let sum = costs.iter().fold(Decimal::ZERO, |sum, one| sum.checked_add(decimal(one).unwrap()).unwrap());
        assert_eq!(sum, cost(expected), "{path}");
    }
    let path = format!("/v3/enrollments/{NATIVE}/billingPeriods/202506/balancesummary");
    let answer = native.world.ask_with_key(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let summary = answer.text().await.unwrap();
    assert_eq!(
        (numbers(&summary, "utilized"), numbers(&summary, "totalUsage")),
        (vec!["300.00".into()], vec!["600.10".into()])
    );
}

/// The prices that an operator bills by are the price sheet of its enrollment.
#[tokio::test(flavor = "multi_thread")]
async fn the_prices_of_a_native_enrollment_are_its_price_sheet() {
    const OWN: &str = "11111111-1111-4111-8111-111111111111";
    let native = Native::start().await;
    let as_of = instant("2025-07-05T04:00:00Z");
    native.take(&examples().join("E08"), as_of).await;
    native.bill(as_of).await;
    let folder = tempfile::tempdir().unwrap();
    let later = json!({
        "kind": "priceSheet", "enrollment": NATIVE, "currency": "USD", "from": "202507", "lines": [
            { "meterId": "vm", "unitOfMeasure": "1 Hour", "unitPrice": "0.1100", "marketPrice": "0.2", "partNumber": "P-1" },
            { "meterId": "vm", "unitOfMeasure": "1 Hour", "unitPrice": "700", "partNumber": "P-2",
              "priceType": "ReservedInstance", "termMonths": 12 },
            { "meterId": "disk", "unitOfMeasure": "1 GB/Month", "unitPrice": "0.000000000000000001", "includedQuantity": "5" },
        ],
    });
    std::fs::write(folder.path().join("prices.json"), later.to_string()).unwrap();
    native.take(folder.path(), as_of).await;

    let get = async |path: &str| {
        let answer = native.world.ask_with_key(Method::GET, path).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let reporting = |period: &str| format!("/v3/enrollments/{NATIVE}/billingPeriods/{period}/pricesheet");
    let (_, june) = get(&reporting("202506")).await;
    assert_eq!(numbers(&june, "unitPrice"), ["0.10", "0.08", "120.10"]);
    let (_, july) = get(&reporting("202507")).await;
    assert_eq!(numbers(&july, "unitPrice"), ["0.1100", "0.000000000000000001"], "of usage alone: {july}");
    assert_eq!(numbers(&july, "includedQuantity"), ["0", "5"]);
    assert_eq!(get(&reporting("202505")).await.0, 404, "before the first sheet");
    let (_, periods) = get(&format!("/v3/enrollments/{NATIVE}/billingperiods")).await;
    assert!(periods.contains(&format!("/v3/enrollments/{NATIVE}/billingperiods/202506/pricesheet")), "{periods}");

    let path = format!(
        "/subscriptions/{OWN}/providers/Microsoft.Billing/billingPeriods/202506/providers/Microsoft.Consumption/pricesheets/\
         default?api-version=2024-08-01&$top=2&$expand=properties/meterDetails"
    );
    let (status, first) = get(&path).await;
    let sheet: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((status, numbers(&first, "unitPrice")), (200, vec!["0.10".to_owned(), "0.08".to_owned()]), "{first}");
    assert_eq!(sheet["properties"]["pricesheets"][0]["meterDetails"]["meterName"], "D2 v5");
    let next = sheet["properties"]["nextLink"].as_str().unwrap();
    let rest = native.world.client.get(next).bearer_auth(&native.world.key).send().await.unwrap().text().await.unwrap();
    assert_eq!(numbers(&rest, "unitPrice"), ["120.10"]);
    let before = next.replace("billingPeriods/202506", "billingPeriods/202505").replace("-202506.", "-202505.");
    assert_ne!(before, next);
    let forged = native.world.client.get(before).bearer_auth(&native.world.key).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::BAD_REQUEST, "the sheet does not price that period");

    let order = format!(
        "/{}/billingPeriods/202507/providers/Microsoft.CostManagement/pricesheets/default/download?api-version=2024-08-01",
        native.scope()
    );
    let order = native.world.ask_with_key(Method::POST, &order).send().await.unwrap();
    let operation = header(&order, "location");
    let made = native.world.client.get(&operation).bearer_auth(&native.world.key).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let link = made["properties"]["downloadUrl"].as_str().unwrap();
    let text = native.world.client.get(link).send().await.unwrap().text().await.unwrap();
    let period = "2025-07-01T00:00:00Z,2025-07-31T00:00:00Z";
    assert!(text.contains(&format!("1 Hour,P-1,{period},0.1100,,0.2,USD,0,,,Consumption\n")), "{text}");
    assert!(text.contains(&format!("1 Hour,P-2,{period},700,,,USD,0,,P1Y,ReservedInstance\n")), "{text}");
}

async fn example(name: &str) {
    let folder = examples().join(name);
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let steps = match expected.steps {
        Some(steps) => steps,
        None => vec![serde_json::from_value(serde_json::to_value(expected.only).unwrap()).unwrap()],
    };
    assert!(!steps.is_empty());
    let native = Native::start().await;
    native.take(&folder, instant(&steps[0].as_of)).await;
    for step in &steps {
        native.bill(instant(&step.as_of)).await;
        native.holds(step).await;
    }
}

macro_rules! examples {
    ($( $(#[$doc:meta])* $name:ident $folder:literal; )*) => {
        $( $(#[$doc])* #[tokio::test(flavor = "multi_thread")] async fn $name() { example($folder).await; } )*
    };
}

examples! {
    e1_the_365_dollar_reservation "E01";
    e2_indivisible_price_partial_use "E02";
    e3_leap_year "E03";
    e4_three_years_billed_monthly "E04";
    e5_savings_plan_with_unused_commitment "E05";
    e6_refund_mixed_funding "E06";
    e7_prepayment_runs_out_within_the_month "E07";
    e8_four_classes "E08";
    e9_credits "E09";
    e10_included_quantity_and_tiers "E10";
    e11_units "E11";
    e12_exchange "E12";
    e13_size_flexibility "E13";
    e14_rounding_line "E14";
    e15_published_figures "E15";
    e16_move_in_mid_month "E16";
    e17_late_and_corrected "E17";
    e18_refund_before_the_cut_off "E18";
    e19_expiry "E19";
    e20_debt "E20";
}
