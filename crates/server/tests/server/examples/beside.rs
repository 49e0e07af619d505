//! The official examples of Marketplace charges, price sheets and reservations, of every version that has them: imported as they
//! stand, asked for again, held against the OpenAPI file of the version and against the example.
//!
//! The examples are not of one world: answers are of other days, periods and enrollments than their requests. So each is
//! asked for the time and the scope of its answer, in the form of its request.

use std::collections::BTreeMap;

use imports::{ImportOptions, NoProgress, Store};
use ledger::{Dataset, EnrollmentId, Grain};

use super::cases::{NUMBER, SUBSCRIPTION, proper};
use super::digits::Json;
use super::openapi::{OpenApi, Operation, data, names};
use super::{ACCOUNT, DEPARTMENT, apply_hierarchy, key_of, schema};
use crate::world::*;

const FOLDER: &str = "beside";
/// Ids of the path that stand for the enrollment, department and account of the test.
const OWNERS: [&str; 3] = ["billingAccountId", "departmentId", "enrollmentAccountId"];
/// Days and times, which have several spellings, by their day.
const TIMES: [&str; 4] = ["usageStart", "usageEnd", "usageDate", "eventDate"];
/// Members that answers have and examples leave out: what is known of the row all the same, and what is null.
const MORE: [&str; 5] = ["meterDetails", "tags", "nextLink", "download", "additionalInfo"];

/// Operations by the examples that they list, of one version.
fn operations(api: &OpenApi) -> BTreeMap<String, Operation<'_>> {
    let mut found = BTreeMap::new();
    for (path, methods) in api.document["paths"].as_object().unwrap() {
        for (method, details) in methods.as_object().unwrap() {
            let operation = || Operation { method, path, details };
            for example in operation().examples() {
                found.insert(example.to_owned(), operation());
            }
        }
    }
    found
}

struct Example {
    name: String,
    parameters: Json,
    body: Json,
}

impl Example {
    fn load(version: &str, name: &str) -> Self {
        let text = std::fs::read_to_string(data().join(format!("{FOLDER}/{version}/{name}"))).unwrap();
        // The enrollment of the transactions is the test's.
        let text = if name.contains("Transactions") { text.replace("123456", NUMBER) } else { text };
        let example = Json::parse(&proper(&text));
        let body = example.at(&["responses", "200", "body"]).clone();
        let example = Self { name: name.to_owned(), parameters: example.at(&["parameters"]).clone(), body };
        // The department and the account of the test have other names, and one subscription.
        match example.fact("subscriptionGuid").map(str::to_owned) {
            Some(own) => {
                let named = example.body.to_string().replace("Department1", DEPARTMENT).replace("Account1", ACCOUNT);
                Self { body: Json::parse(&named.replace(&own, SUBSCRIPTION)), ..example }
            }
            None => example,
        }
    }

    fn is(&self, what: &str) -> bool {
        self.name.starts_with(what)
    }

    fn rows(&self) -> &[Json] {
        match self.body.get("value") {
            Some(value) => value.items(),
            None => self.body.at(&["properties", "pricesheets"]).items(),
        }
    }

    /// A fact of the first row.
    fn fact(&self, name: &str) -> Option<&str> {
        let row = &self.rows()[0];
        row.get("properties").unwrap_or(row).get(name).map(Json::text)
    }

    /// The billing period of the first row, `YYYYMM`.
    fn period(&self) -> String {
        match self.fact("billingPeriodId") {
            Some(id) => id.rsplit('/').next().unwrap()[..6].to_owned(),
            None => self.day().unwrap()[..7].replace('-', ""),
        }
    }

    fn day(&self) -> Option<&str> {
        ["usageDate", "eventDate"].into_iter().find_map(|name| self.fact(name)).map(|time| &time[..10])
    }

    fn grain(&self) -> Option<Grain> {
        self.parameters.get("grain").map(|grain| grain.text().parse().unwrap())
    }

    /// The request: the path of the operation with the example's parameters, for the answer's own time and owner.
    fn request(&self, api: &OpenApi, operation: &Operation<'_>) -> String {
        let own = |(name, value): &(String, Json)| {
            let text = match name.as_str() {
                "billingPeriodName" => self.period(),
                "subscriptionId" => SUBSCRIPTION.to_owned(),
                name if OWNERS.contains(&name) => NUMBER.to_owned(),
                "resourceScope" | "scope" if value.text().contains("Microsoft.Billing") => {
                    let (before, _) = value.text().rsplit_once('/').unwrap();
                    format!("{before}/{NUMBER}")
                }
                "startDate" | "endDate" => self.day().unwrap().to_owned(),
                "reservationId" | "reservationOrderId" => self.fact(name).unwrap().to_owned(),
                "$filter" => self.filter(value.text()),
                _ => match value {
                    Json::Text(text) => text.clone(),
                    other => other.to_string(),
                },
            };
            (name.clone(), Json::Text(text))
        };
        let parameters = Json::Object(self.parameters.members().iter().map(own).collect());
        let path = operation.path_of(&parameters, None);
        let declared = api.parameters(operation);
        let mut query = vec![("api-version", api.version.clone())];
        for (_, name) in declared.iter().filter(|(place, name)| *place == "query" && *name != "api-version") {
            query.extend(parameters.get(name).map(|value| (*name, value.text().to_owned())));
        }
        let url = reqwest::Url::parse_with_params(&format!("http://host{path}"), &query).unwrap();
        format!("{}?{}", url.path(), url.query().unwrap())
    }

    /// The filter of the request with the day of the answer in it.
    fn filter(&self, text: &str) -> String {
        let Some(day) = self.day() else { return text.to_owned() };
        let word = |word: &str| {
            let is_day = word.len() == 10 && word.as_bytes()[4] == b'-';
            if is_day { day.to_owned() } else { word.to_owned() }
        };
        // Some examples show the blanks as they are encoded.
        text.replace('+', " ").split(' ').map(word).collect::<Vec<_>>().join(" ")
    }
}

async fn load(world: &World, name: &str, text: &str, change: impl FnOnce(&mut ImportOptions)) {
    let path = world.data().join(name);
    std::fs::write(&path, text).unwrap();
    let store = Store::open(world.data()).await.unwrap();
    let mut options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
    options.fill.enrollment = Some(EnrollmentId::parse(NUMBER).unwrap());
    change(&mut options);
    imports::import(&store, &options, &NoProgress).await.unwrap_or_else(|error| panic!("{error}: {text}"));
}

/// A charge of the subscription in another month, so that it is known.
fn charge(currency: &str) -> String {
    format!(
        "BillingAccountId,BillingPeriodStartDate,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
         BillingCurrencyCode,ChargeType,PublisherType,PricingModel\n{NUMBER},01/01/2016,{SUBSCRIPTION},01/01/2016,m,1,1,1,\
         {currency},Usage,Azure,OnDemand\n"
    )
}

/// What is wrong with the answer to an example.
async fn judge(api: &OpenApi, operation: &Operation<'_>, example: &Example) -> Vec<String> {
    let period = example.period();
    // Of an example that names no period its own is the current one.
    let clock = format!("fixed {}-{}-20T00:00:00Z", &period[..4], &period[4..]);
    let mut world = World::start_with(|settings| settings.clock = Some(clock)).await;
    apply_hierarchy(&world).await;
    let currency = ["currency", "currencyCode"].into_iter().find_map(|name| example.fact(name)).unwrap_or("USD");
    load(&world, "charge.csv", &charge(currency), |options| options.fill.dataset = Some(Dataset::ActualCost)).await;
    // Ids of some rows say whose they are.
    let own = format!("/billingAccounts/{NUMBER}/");
    let body = ["12345", "123456"]
        .iter()
        .fold(example.body.to_string(), |body, number| body.replace(&format!("/billingAccounts/{number}/"), &own));
    load(&world, "example.json", &body, |options| options.fill.grain = example.grain()).await;
    world.key = key_of(&world, NUMBER).await;
    let path = example.request(api, operation);
    let answer = world.ask_with_key(reqwest::Method::GET, &path).send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    if status != 200 {
        return vec![format!("{path}: {status} {text}")];
    }
    let schema = schema::answer(api, operation, 200).unwrap();
    // Recorded answers have a download in versions that document none, and `null` in it.
    let is_recorded = |fault: &String| example.is("PriceSheet") && fault.contains("download");
    let mut faults: Vec<String> =
        schema::faults(&schema, &text).into_iter().filter(|fault| !is_recorded(fault)).collect();
    compare("", &example.body, &Json::parse(&text), &mut faults);
    faults.into_iter().map(|fault| format!("{path}: {fault}")).collect()
}

/// Every member of the example is in the answer with its value, and no other is but those that are known to be more.
fn compare(path: &str, expected: &Json, actual: &Json, faults: &mut Vec<String>) {
    let name = path.rsplit('/').next().unwrap_or_default();
    match (expected, actual) {
        (Json::Object(members), Json::Object(_)) => {
            for (name, value) in members {
                match actual.get(name) {
                    Some(own) => compare(&format!("{path}/{name}"), value, own, faults),
                    // There is no other page.
                    None if name == "nextLink" => {}
                    None => faults.push(format!("{path}/{name} is not there")),
                }
            }
            for (name, value) in actual.members() {
                if expected.get(name).is_none() && !MORE.contains(&name.as_str()) {
                    faults.push(format!("{path}/{name} is {value} and not in the example"));
                }
            }
        }
        (Json::List(items), Json::List(own)) if items.len() == own.len() => {
            items.iter().zip(own).for_each(|(item, own)| compare(&format!("{path}/item"), item, own, faults));
        }
        (Json::Text(expected), Json::Text(actual)) if TIMES.contains(&name) => {
            if expected[..10] != actual[..10] {
                faults.push(format!("{path} is {actual}, the example says {expected}"));
            }
        }
        // Ids say the owner of the test; links and what the clock decides are the server's own.
        _ if ["id", "billingPeriodId", "nextLink", "isEstimated"].contains(&name) => {}
        // As recorded answers call Marketplace charges.
        (Json::Text(expected), Json::Text(actual)) if name == "type" && expected.ends_with("arketPlaces") => {
            assert_eq!(actual, "Microsoft.Consumption/usageDetails");
        }
        (Json::Text(expected), Json::Text(actual)) if expected.eq_ignore_ascii_case(actual) => {}
        _ if expected == actual => {}
        _ => faults.push(format!("{path} is {actual}, the example says {expected}")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_official_example_of_what_stands_beside_charges_is_answered_with_its_values() {
    let (mut faults, mut asked) = (Vec::new(), BTreeMap::new());
    for version in names(FOLDER) {
        let api = OpenApi::load(&version);
        let operations = operations(&api);
        for name in names(&format!("{FOLDER}/{version}")) {
            let example = Example::load(&version, &name);
            let operation = operations.get(&name).unwrap_or_else(|| panic!("{version} lists no {name}"));
            let own = judge(&api, operation, &example).await;
            faults.extend(own.into_iter().map(|fault| format!("{version} {name}: {fault}")));
            *asked.entry(version.clone()).or_insert(0) += 1;
            assert!(["Marketplaces", "PriceSheet", "Reservation"].iter().any(|what| example.is(what)), "{name}");
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let expected = [("2018-01-31", 11), ("2018-03-31", 17), ("2018-10-01", 17), ("2019-10-01", 21), ("2024-08-01", 21)];
    assert_eq!(asked, expected.map(|(version, count)| (version.to_owned(), count)).into());
}
