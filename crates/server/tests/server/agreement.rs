//! Every generation answers from the same charges: for random enrollments and at every scope, the sums of JSON pages, of
//! the CSV download, of the submitted report and of Cost Details, restricted by the table of DESIGN 4.12, are the same
//! decimal text.

use std::collections::BTreeMap;

use access::{KeyHolder, Role, issue_key};
use catalog::AuditEntry;
use formats::RecordReader;
use ledger::{EnrollmentId, Scope};
use money::{Decimal, Limits, Total};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::charges::{Charge, charge, export, one_of_each};
use crate::paging::import;
use crate::world::*;

/// Number of rows, exact sum of quantities, exact sum of costs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sums {
    rows: usize,
    quantity: String,
    cost: String,
}

#[derive(Default)]
struct Adding {
    rows: usize,
    quantity: Total,
    cost: Total,
}

impl Adding {
    fn add(&mut self, quantity: &str, cost: &str) {
        self.rows += 1;
        self.quantity.add(Decimal::parse(quantity.as_bytes(), Limits::QUANTITY).unwrap().value).unwrap();
        self.cost.add(Decimal::parse(cost.as_bytes(), Limits::COST).unwrap().value).unwrap();
    }

    fn sums(&self) -> Sums {
        let text = |total: &Total| total.value().to_shortest_string();
        Sums { rows: self.rows, quantity: text(&self.quantity), cost: text(&self.cost) }
    }
}

/// A scope with a key that is bound to it, as far as Enterprise Reporting keys are.
struct Part {
    scope: String,
    key: Option<String>,
}

struct Agreement {
    world: World,
    parts: Vec<Part>,
}

impl Agreement {
    async fn start() -> Self {
        let world = World::start_with(|settings| {
            settings.clock = Some("fixed 2023-09-15T00:00:00Z".into());
            settings.workers = Some(1);
        })
        .await;
        import(&world, &export(&one_of_each())).await;
        let enrollment = EnrollmentId::parse(OWN).unwrap();
        let audit = AuditEntry {
            at_ms: 0,
            actor: "test".to_owned(),
            action: "policy".to_owned(),
            enrollment: None,
            target: String::new(),
            detail: String::new(),
            times: 1,
        };
        let shown = |own: &mut catalog::Policies| {
            own.da_view_charges = true;
            own.ao_view_charges = true;
        };
        world.catalog.change_policies(&enrollment, shown, &audit).await.unwrap();
        let mut parts = vec![Part { scope: own_scope(), key: Some(world.key.clone()) }];
        for (path, role) in [
            ("departments/7", Role::DepartmentReader),
            ("departments/8", Role::DepartmentReader),
            ("enrollmentAccounts/71", Role::AccountOwner),
            ("enrollmentAccounts/72", Role::AccountOwner),
        ] {
            let scope = format!("{}/{path}", own_scope());
            let parsed = Scope::parse(&scope).unwrap();
            let holder = KeyHolder { scope: parsed, enrollment: enrollment.clone(), role };
            let key = issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned();
            parts.push(Part { scope, key: Some(key) });
        }
        for id in [OWN_SUBSCRIPTION, OTHER_SUBSCRIPTION] {
            parts.push(Part { scope: format!("subscriptions/{id}"), key: None });
        }
        Self { world, parts }
    }

    async fn get(&self, url: &str, key: &str) -> (StatusCode, String) {
        let answer = self.world.client.get(url).header("authorization", format!("bearer {key}")).send().await.unwrap();
        let status = answer.status();
        (status, String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap())
    }

    /// The sums of all pages from a path on.
    async fn pages(&self, path: &str, key: &str, members: [&str; 2]) -> Sums {
        let (mut adding, mut next) = (Adding::default(), Some(format!("{}{path}", self.world.server.http_url)));
        while let Some(url) = next {
            let (status, text) = self.get(&url, key).await;
            if status == StatusCode::NO_CONTENT {
                break;
            }
            assert_eq!(status, StatusCode::OK, "{url}: {text}");
            let [quantities, costs] = members.map(|member| numbers(&text, member));
            assert_eq!(quantities.len(), costs.len());
            quantities.iter().zip(&costs).for_each(|(quantity, cost)| adding.add(quantity, cost));
            let page: Value = serde_json::from_str(&text).unwrap();
            next = page["nextLink"].as_str().map(str::to_owned);
        }
        adding.sums()
    }

    /// The rows of a Cost Details report: all sums, and those of first-party usage.
    async fn cost_details(&self, scope: &str) -> (Sums, Sums) {
        let result = self.world.answered(scope, VERSION, "{\"billingPeriod\":\"202309\"}").await;
        if result["status"] == "NoDataFound" {
            return (Adding::default().sums(), Adding::default().sums());
        }
        let link = result["manifest"]["blobs"][0]["blobLink"].as_str().unwrap();
        let text = self.world.client.get(link).send().await.unwrap().bytes().await.unwrap();
        let (mut all, mut usage) = (Adding::default(), Adding::default());
        for row in table(&text, ["Quantity", "CostInBillingCurrency", "ChargeType", "PublisherType"]) {
            let [quantity, cost, charge, publisher] = row;
            all.add(&quantity, &cost);
            if charge.eq_ignore_ascii_case("usage") && !publisher.eq_ignore_ascii_case("marketplace") {
                usage.add(&quantity, &cost);
            }
        }
        (all.sums(), usage.sums())
    }

    /// What a submitted report holds.
    async fn submitted(&self, key: &str) -> Sums {
        let url =
            format!("{}/v3/enrollments/{OWN}/usagedetails/submit?billingPeriod=202309", self.world.server.http_url);
        let order = self.world.client.request(Method::POST, url).bearer_auth(key).send().await.unwrap();
        assert!(order.status().is_success());
        let mut job: Value = order.json().await.unwrap();
        while matches!(job["status"].as_i64(), Some(1 | 2)) {
            tokio::task::yield_now().await;
            let (_, text) = self.get(job["reportUrl"].as_str().unwrap(), key).await;
            job = serde_json::from_str(&text).unwrap();
        }
        match job["status"].as_i64() {
            Some(3) => {
                let text = self.world.client.get(job["blobPath"].as_str().unwrap()).send().await.unwrap();
                file_sums(&text.bytes().await.unwrap())
            }
            Some(5) => Adding::default().sums(),
            other => panic!("{other:?}: {job}"),
        }
    }

    async fn holds(&self, charges: Vec<Charge>) -> Result<(), TestCaseError> {
        let charges: Vec<Charge> = one_of_each().into_iter().chain(charges).collect();
        import(&self.world, &export(&charges)).await;
        for Part { scope, key } in &self.parts {
            let (all, usage) = self.cost_details(scope).await;
            let path = |version: &str| {
                format!("/{scope}/providers/Microsoft.Consumption/usageDetails?api-version={version}&$top=7")
            };
            let own = &self.world.key;
            let legacy = self.pages(&path("2018-10-01"), own, ["usageQuantity", "pretaxCost"]).await;
            prop_assert_eq!(&legacy, &usage, "{} at 2018-10-01", scope);
            let newer = self.pages(&path("2024-08-01"), own, ["quantity", "cost"]).await;
            prop_assert_eq!(&newer, &all, "{} at 2024-08-01", scope);
            let Some(key) = key else { continue };
            let enterprise = |version: &str| format!("/{version}/enrollments/{OWN}/billingPeriods/202309/usagedetails");
            let second = self.pages(&enterprise("v2"), key, ["consumedQuantity", "Cost"]).await;
            prop_assert_eq!(&second, &usage, "{} by v2", scope);
            let third = self.pages(&enterprise("v3"), key, ["consumedQuantity", "cost"]).await;
            prop_assert_eq!(&third, &usage, "{} by v3", scope);
            let url = format!(
                "{}/v2/enrollments/{OWN}/usagedetails/download?billingPeriod=202309",
                self.world.server.http_url
            );
            let (status, text) = self.get(&url, key).await;
            prop_assert_eq!(status, StatusCode::OK);
            prop_assert_eq!(&file_sums(text.as_bytes()), &usage, "{} as CSV", scope);
            prop_assert_eq!(&self.submitted(key).await, &usage, "{} submitted", scope);
        }
        Ok(())
    }
}

/// The number texts of a member.
pub(crate) fn numbers(text: &str, member: &str) -> Vec<String> {
    let pieces = text.split(&format!("\"{member}\":")).skip(1).map(ToOwned::to_owned).collect::<Vec<_>>();
    pieces.iter().map(|piece| piece.split([',', '}']).next().unwrap().to_owned()).collect()
}

/// Sums of an Enterprise Reporting file.
fn file_sums(text: &[u8]) -> Sums {
    let text = std::str::from_utf8(text).unwrap();
    let header = text.find("AccountId,").unwrap();
    let mut adding = Adding::default();
    for [quantity, cost] in table(&text.as_bytes()[header..], ["ConsumedQuantity", "Cost"]) {
        adding.add(&quantity, &cost);
    }
    adding.sums()
}

/// All rows of a CSV text, by the names of the header.
pub(crate) fn table_of(text: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = RecordReader::new(text);
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let cells = (0..record.len()).map(|index| String::from_utf8(record.bytes(index).into_owned()).unwrap());
        if names.is_empty() {
            names = cells.collect();
        } else {
            rows.push(names.iter().cloned().zip(cells).collect());
        }
    }
    rows
}

/// Columns of a CSV text.
fn table<const N: usize>(text: &[u8], columns: [&str; N]) -> Vec<[String; N]> {
    let mut reader = RecordReader::new(text);
    let mut positions = None;
    let mut rows = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let cell = |index: usize| String::from_utf8(record.bytes(index).into_owned()).unwrap();
        match positions {
            None => {
                let names: Vec<String> = (0..record.len()).map(cell).collect();
                positions = Some(columns.map(|column| names.iter().position(|name| name == column).unwrap()));
            }
            Some(positions) => rows.push(positions.map(cell)),
        }
    }
    rows
}

#[test]
fn all_generations_add_up_to_the_same_digits_at_every_scope() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let agreement = runtime.block_on(Agreement::start());
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let charges = prop::collection::vec(charge(), 0..40);
    runner.run(&charges, |charges| runtime.block_on(agreement.holds(charges))).unwrap();
}
