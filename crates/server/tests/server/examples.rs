//! The official examples of usage details and balances, of every version: our answer to the request of each, over data
//! made of it, validates against the OpenAPI file of the version and carries the example's values.

mod beside;
mod cases;
mod compare;
mod decoys;
mod digits;
mod downloads;
mod exports;
mod openapi;
mod schema;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use access::issue_key;
use catalog::AuditEntry;
use imports::{ImportOptions, NoProgress, Store};
use ledger::{AppliedAccount, AppliedDepartment, AppliedHierarchy, AppliedSubscription, EnrollmentId, Since};
use reqwest::Method;

use crate::world::*;
use cases::{Case, Import, NUMBER, Question, SUBSCRIPTION};
use compare::Rules;
use digits::Json;
use openapi::OpenApi;

/// Examples that nothing here asks for, and why.
const OUT_OF_SCOPE: [(&str, &str); 7] = [
    ("UsageDetailsListByManagementGroup", "management groups are not a scope of an enrollment's bill"),
    ("UsageDetailsListForBillingPeriodByManagementGroup", "the same"),
    ("UsageDetailsListByMCABillingAccount", "a Microsoft Customer Agreement: rows of kind modern"),
    ("UsageDetailsListByMCABillingProfile", "the same"),
    ("UsageDetailsListByMCAInvoiceSection", "the same"),
    ("UsageDetailsListByMCACustomer", "the same"),
    ("UsageDetailsListForInvoice", "invoices are a scope of subscriptions without an enrollment, in the first version"),
];
/// Examples of `POST …/usageDetails/download`, which `downloads` asks.
const DOWNLOADS: [&str; 2] = ["UsageDetailsDownload", "UsageDetailsDownloadByMetricUsage"];
/// Versions of which examples are missing, and the versions whose examples they are asked instead, best first. Of those
/// only members that the version knows are compared.
const NEIGHBOURS: [(&str, &[&str]); 8] = [
    ("2017-04-24-preview", &["2018-01-31"]),
    ("2017-11-30", &["2018-01-31"]),
    ("2018-05-31", &["2018-10-01"]),
    ("2018-06-30", &["2018-10-01"]),
    ("2019-01-01", &["2018-10-01"]),
    ("2019-04-01-preview", &["2019-05-01-preview", "2019-10-01"]),
    ("2019-05-01-preview", &["2019-10-01"]),
    ("2021-10-01", &["2024-08-01"]),
];
/// What the OpenAPI file of each version lists: examples of its own, examples of a neighbour, examples out of scope, and
/// downloads.
const COVERAGE: [(&str, [usize; 4]); 13] = [
    ("2017-04-24-preview", [0, 3, 1, 0]),
    ("2017-11-30", [0, 3, 0, 0]),
    ("2018-01-31", [3, 0, 0, 0]),
    ("2018-03-31", [14, 0, 0, 0]),
    ("2018-05-31", [0, 12, 0, 0]),
    ("2018-06-30", [0, 14, 2, 0]),
    ("2018-10-01", [14, 0, 2, 0]),
    ("2019-01-01", [0, 14, 2, 0]),
    ("2019-04-01-preview", [0, 15, 2, 2]),
    ("2019-05-01-preview", [13, 2, 2, 2]),
    ("2019-10-01", [15, 0, 6, 0]),
    ("2021-10-01", [0, 15, 6, 0]),
    ("2024-08-01", [15, 0, 6, 0]),
];

/// All cases, and of each version how many are of each kind.
fn cases() -> (Vec<Case>, BTreeMap<String, [usize; 4]>) {
    let (mut found, mut counts) = (Vec::new(), BTreeMap::new());
    for api in OpenApi::all() {
        let counts: &mut [usize; 4] = counts.entry(api.version.clone()).or_default();
        for operation in api.operations() {
            for file in operation.examples() {
                let name = file.strip_suffix(".json").unwrap();
                if DOWNLOADS.contains(&name) {
                    assert_eq!(operation.method, "post", "{file}");
                    counts[3] += 1;
                    continue;
                }
                if OUT_OF_SCOPE.iter().any(|(own, _)| *own == name) {
                    counts[2] += 1;
                    continue;
                }
                let from = version_with(&api.version, file);
                counts[usize::from(from != api.version)] += 1;
                found.push(Case::load(&api, &operation, &from, file));
            }
        }
    }
    (found, counts)
}

/// The version whose example a version is asked.
fn version_with(version: &str, file: &str) -> String {
    let neighbours = NEIGHBOURS.iter().filter(|(own, _)| *own == version).flat_map(|(_, others)| *others);
    let is_there = |version: &&str| openapi::data().join(format!("examples/{version}/{file}")).exists();
    let found = std::iter::once(version).chain(neighbours.copied()).find(is_there);
    found.unwrap_or_else(|| panic!("no example {file} for {version}")).to_owned()
}

#[test]
fn every_example_is_asked_or_has_a_reason() {
    let (cases, counts) = cases();
    let expected: BTreeMap<String, [usize; 4]> =
        COVERAGE.iter().map(|(version, counts)| ((*version).to_owned(), *counts)).collect();
    assert_eq!(counts, expected);
    let asked: BTreeSet<(String, String)> = cases.iter().map(|case| (case.from.clone(), case.name.clone())).collect();
    for version in openapi::names("examples") {
        for name in openapi::names(&format!("examples/{version}")) {
            assert!(asked.contains(&(version.clone(), name.clone())), "{version}/{name} is asked nowhere");
        }
    }
}

/// The strictness is not made for our answers: what the examples say themselves is valid as well.
#[test]
fn the_examples_are_valid_themselves() {
    let mut faults = Vec::new();
    for case in cases().0.iter().filter(|case| case.version == case.from) {
        let api = OpenApi::load(&case.version);
        let schema = schema::answer(&api, &case.operation_in(&api), 200).unwrap();
        let own = schema::faults(&schema, &case.body.to_string());
        faults.extend(own.into_iter().map(|fault| format!("{} {}: {fault}", case.version, case.name)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_wrong_answer_is_not_valid() {
    let of = |version: &str, name: &str| {
        let api = OpenApi::load(version);
        let mut all = api.operations().into_iter();
        let operation = all.find(|operation| operation.examples().contains(&name)).unwrap();
        let case = Case::load(&api, &operation, version, name);
        (schema::answer(&api, &operation, 200).unwrap(), case.body.to_string())
    };
    let wrong = [
        ("2018-01-31", "UsageDetailsExpand.json", "\"isEstimated\":false", "\"isEstimated\":\"false\""),
        ("2018-01-31", "UsageDetailsExpand.json", "\"unit\":", "\"unitOfMeasure\":"),
        ("2018-01-31", "UsageDetailsExpand.json", "\"pretaxCost\":0.67", "\"pretaxCost\":\"0.67\""),
        ("2018-01-31", "UsageDetailsExpand.json", "\"usageStart\":\"2017-02-13T00:00:00Z\"", "\"usageStart\":\"2017\""),
        ("2019-10-01", "UsageDetailsExpand.json", "\"meterId\":\"00000000", "\"meterId\":\"000000"),
        ("2018-01-31", "UsageDetailsExpand.json", "\"value\":", "\"values\":"),
        ("2018-01-31", "UsageDetailsExpand.json", "\"name\":\"u", "\"etag\":\"\",\"name\":\"u"),
        ("2018-01-31", "UsageDetailsExpand.json", "\"dev\":\"tools\"", "\"dev\":1"),
        ("2019-10-01", "UsageDetailsExpand.json", "\"kind\":\"legacy\",", ""),
        ("2019-10-01", "UsageDetailsExpand.json", "\"kind\":\"legacy\"", "\"kind\":\"modern\""),
        ("2019-10-01", "UsageDetailsExpand.json", "\"quantity\":", "\"benefitId\":\"\",\"quantity\":"),
        ("2019-10-01", "BalancesByBillingAccount.json", "\"value\":1.1", "\"value\":null"),
        ("2019-10-01", "BalancesByBillingAccount.json", "\"Month\"", "\"Week\""),
        ("2019-10-01", "BalancesByBillingAccount.json", "\"utilized\":", "\"overageRefund\":1,\"utilized\":"),
    ];
    for (version, name, right, altered) in wrong {
        let (schema, body) = of(version, name);
        assert!(body.contains(right), "{version} {name}: {right}");
        assert_eq!(schema::faults(&schema, &body), [""; 0], "{version} {name}");
        assert_ne!(schema::faults(&schema, &body.replacen(right, altered, 1)), [""; 0], "{version} {name}: {altered}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_official_example_is_answered_with_its_values_in_the_shape_of_its_version() {
    let (cases, _) = cases();
    let mut by_clock: BTreeMap<&str, Vec<(&Case, &Question)>> = BTreeMap::new();
    for case in &cases {
        for question in &case.questions {
            by_clock.entry(&question.clock).or_default().push((case, question));
        }
    }
    let mut faults = Vec::new();
    let mut asked = 0;
    for (clock, mut questions) in by_clock {
        // Several versions are asked the same example: it is imported once for all of them.
        questions.sort_by_key(|(case, _)| &case.imports);
        let mut world = World::start_with(|settings| settings.clock = Some(clock.to_owned())).await;
        apply_hierarchy(&world).await;
        let (mut keys, mut held): (_, &[Import]) = (BTreeMap::new(), &[]);
        for (case, question) in questions {
            if *held != *case.imports {
                held = &case.imports;
                for one in held {
                    import(&world, one).await;
                }
            }
            let enrollment = case.imports[0].enrollment;
            if !keys.contains_key(enrollment) {
                keys.insert(enrollment, key_of(&world, enrollment).await);
            }
            world.key.clone_from(&keys[enrollment]);
            let own = judge(&world, case, question).await;
            let place = format!("{} {} of {}: {}", case.version, case.name, case.from, question.path);
            faults.extend(own.into_iter().map(|fault| format!("{place}: {fault}")));
            asked += 1;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    // Those of any scope that name a billing period are asked with and without it.
    assert_eq!((cases.len(), asked), (152, 227));
}

/// What is wrong with the answer to a case.
async fn judge(world: &World, case: &Case, question: &Question) -> Vec<String> {
    let answer = world.ask_with_key(Method::GET, &question.path).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    if status != 200 {
        return vec![format!("{status} {text}")];
    }
    let api = OpenApi::load(&case.version);
    let schema = schema::answer(&api, &case.operation_in(&api), status).unwrap();
    let mut faults = schema::faults(&schema, &text);
    let answer = Json::parse(&text);
    let known = |resource: &Json| match case.version == case.from {
        true => resource.clone(),
        false => compare::known(resource, schema::row(&schema)),
    };
    let expected: Vec<Json> = Case::resources(&case.body).iter().map(known).collect();
    let period = case.period.to_string();
    let rules = Rules { period: &period, is_open: question.is_open, groups: case.groups };
    faults.extend(compare::rows(&expected, Case::resources(&answer), rules));
    faults
}

/// Names of the department and the account of the examples.
const DEPARTMENT: &str = "Invoice Section 1";
const ACCOUNT: &str = "Account Name 1";

/// The department and the account of the examples, as their owner states them: rows of the older versions name neither.
async fn apply_hierarchy(world: &World) {
    let since = || vec![Since { from: None, id: Some(NUMBER.to_owned()) }];
    let stated = AppliedHierarchy {
        departments: vec![AppliedDepartment {
            id: NUMBER.to_owned(),
            name: Some(DEPARTMENT.to_owned()),
            cost_center: None,
        }],
        accounts: vec![AppliedAccount {
            id: NUMBER.to_owned(),
            name: Some(ACCOUNT.to_owned()),
            owner: None,
            cost_center: None,
            department: since(),
        }],
        subscriptions: vec![AppliedSubscription {
            id: SUBSCRIPTION.to_owned().try_into().unwrap(),
            name: None,
            cost_center: None,
            account: since(),
        }],
    };
    stated.check().unwrap();
    let audit = |_: &EnrollmentId, _: &AppliedHierarchy| AuditEntry {
        at_ms: 0,
        actor: "test".to_owned(),
        action: "enrollment.apply".to_owned(),
        enrollment: None,
        target: String::new(),
        detail: String::new(),
        times: 1,
    };
    let stated = [(EnrollmentId::parse(NUMBER).unwrap(), stated)];
    world.catalog.apply_hierarchies(&stated, audit, false).await.unwrap().unwrap();
}

/// Makes a page or a balance the only one that is held of its billing periods.
async fn import(world: &World, import: &Import) {
    let path = world.data().join("example.json");
    std::fs::write(&path, &import.text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![path], force: true, ..ImportOptions::default() };
    options.fill.enrollment = Some(EnrollmentId::parse(import.enrollment).unwrap());
    options.fill.dataset = import.dataset;
    options.fill.period = import.is_balance.then_some(import.period);
    imports::import(&store, &options, &NoProgress).await.unwrap_or_else(|error| panic!("{error}: {}", import.text));
}

/// A key that reads an enrollment.
async fn key_of(world: &World, number: &str) -> String {
    let holder = reader_of(EnrollmentId::parse(number).unwrap());
    issue_key(&world.catalog, &holder, "test", now_ms()).await.unwrap().key.reveal().to_owned()
}
