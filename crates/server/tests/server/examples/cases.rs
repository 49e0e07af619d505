//! Official examples as cases: what is imported, what is asked at which time, and what is expected.

use calendar::BillingPeriod;
use ledger::Dataset;

use super::decoys::{self, Chosen};
use super::digits::Json;
use super::openapi::{OpenApi, Operation, data};

/// The enrollment, department and account of the examples of usage details.
pub(super) const NUMBER: &str = "1234";
/// The subscription of all of them but the oldest, which get another one in the place of `subid`.
pub(super) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// What no real answer has, or what an example says against itself: replaced everywhere in the example, in the request
/// and in the body alike.
const SUBSTITUTIONS: [(&str, &str); 5] = [
    // No id of a subscription. The same example says this one in `subscriptionGuid`.
    ("subid\"", "fe167397-a38d-43c3-9bb3-8e2907e56a41\""),
    ("/subid/", "/fe167397-a38d-43c3-9bb3-8e2907e56a41/"),
    // No number of an enrollment. The scopes of the same examples say this one.
    ("\"xxxxxxxx\"", "\"1234\""),
    // Days that the example's own row misses by a year.
    ("'2018-01-14'", "'2017-01-14'"),
    ("'2018-02-14'", "'2017-02-14'"),
];
/// Examples whose rows say April in their properties say March in their ids.
const APRIL: &str = "\"billingPeriodStartDate\": \"2019-04-01T";
/// The first version has no prefix in filters.
const PLAIN_FILTER_UNTIL: &str = "2017-04-24-preview";
/// Parameters that some examples give to an operation that does not have them.
const STRAY: [&str; 1] = ["billingPeriodName"];
/// From this version on rows have the metric that they were asked for with.
const METRIC_SINCE: &str = "2019-04-01-preview";

pub(super) struct Case {
    /// The version that is asked.
    pub(super) version: String,
    /// The version that the example is of.
    pub(super) from: String,
    pub(super) name: String,
    /// Method and path of the operation in the OpenAPI file.
    pub(super) operation: (String, String),
    /// The answer in the example.
    pub(super) body: Json,
    /// Whether the answer's rows are groups of rows.
    pub(super) groups: bool,
    pub(super) period: BillingPeriod,
    /// What is held when the example is asked, the example itself last.
    pub(super) imports: Vec<Import>,
    pub(super) questions: Vec<Question>,
}

/// Something to import.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) text: String,
    pub(super) enrollment: &'static str,
    pub(super) dataset: Option<Dataset>,
    pub(super) is_balance: bool,
    pub(super) period: BillingPeriod,
}

/// A request and its time.
pub(super) struct Question {
    pub(super) path: String,
    /// The server's clock, as its setting spells it.
    pub(super) clock: String,
    /// Whether the period of the rows is open then.
    pub(super) is_open: bool,
}

impl Case {
    /// The case of an example of a version, asked at the same version or at another.
    pub(super) fn load(api: &OpenApi, operation: &Operation<'_>, from: &str, name: &str) -> Self {
        let text = std::fs::read_to_string(data().join(format!("examples/{from}/{name}"))).unwrap();
        let example = Json::parse(&proper(&text));
        let body = example.at(&["responses", "200", "body"]).clone();
        let parameters = example.at(&["parameters"]);
        let is_balance = operation.path.ends_with("/balances");
        let period = match is_balance {
            // Of the current period, in the example that names no other.
            true => "201702".parse().unwrap(),
            false => period_of(&body.at(&["value"]).items()[0]),
        };
        let groups = parameters.get("$apply").is_some();
        let imports = match is_balance {
            true => balances_of(&body, period),
            false => pages_of(&body, parameters, period, from),
        };
        Self {
            version: api.version.clone(),
            from: from.to_owned(),
            name: name.to_owned(),
            operation: (operation.method.to_owned(), operation.path.to_owned()),
            questions: questions(api, operation, parameters, period),
            body,
            groups,
            period,
            imports,
        }
    }

    /// The operation in its OpenAPI file.
    pub(super) fn operation_in<'a>(&self, api: &'a OpenApi) -> Operation<'a> {
        let (method, path) = &self.operation;
        let mut all = api.operations().into_iter();
        all.find(|operation| operation.method == *method && operation.path == *path).unwrap()
    }

    /// The resources in an answer: rows, or the one that it is.
    pub(super) fn resources(body: &Json) -> &[Json] {
        body.get("value").map_or(std::slice::from_ref(body), Json::items)
    }
}

/// An example with proper ids.
pub(super) fn proper(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in SUBSTITUTIONS {
        text = text.replace(from, to);
    }
    if text.contains(APRIL) { text.replace("201903", "201904") } else { text }
}

/// The example's request as the operation has it; where all of the scope is one parameter, once more with the billing
/// period in it. A period that is not named is the current one; one that is named is long closed.
fn questions(api: &OpenApi, operation: &Operation<'_>, parameters: &Json, period: BillingPeriod) -> Vec<Question> {
    let declared = api.parameters(operation);
    let of_route = ["subscriptionId", "billingAccountId", "departmentId", "enrollmentAccountId"];
    for (name, _) in parameters.members() {
        let known = declared.iter().any(|(_, own)| own == name);
        let in_scope = operation.is_of_any_scope() && of_route.contains(&name.as_str());
        assert!(known || in_scope || STRAY.contains(&name.as_str()), "{name} is not a parameter of {}", operation.path);
    }
    let mut query: Vec<(&str, String)> = vec![("api-version", api.version.clone())];
    for (_, name) in declared.iter().filter(|(place, name)| *place == "query" && *name != "api-version") {
        match parameters.get(name) {
            None => {}
            Some(Json::Text(text)) if *name == "$filter" && api.version.as_str() <= PLAIN_FILTER_UNTIL => {
                query.push((name, text.replace("properties/", "")));
            }
            Some(Json::Text(text)) => query.push((name, text.clone())),
            Some(value) => query.push((name, value.to_string())),
        }
    }
    let question = |in_scope: Option<&str>| {
        let path = operation.path_of(parameters, in_scope);
        let url = reqwest::Url::parse_with_params(&format!("http://host{}", path.replace(' ', "%20")), &query).unwrap();
        let is_open = in_scope.is_none() && !operation.path.contains("{billingPeriodName}");
        let (month, day) = if is_open { (period, 20) } else { (period.add_months(2).unwrap(), 10) };
        Question {
            path: format!("{}?{}", url.path(), url.query().unwrap()),
            clock: format!("fixed {}-{day}T00:00:00Z", &month.first_day().to_string()[..7]),
            is_open,
        }
    };
    let named = parameters.get("billingPeriodName").map(Json::text).filter(|_| operation.is_of_any_scope());
    [Some(question(None)), named.map(|name| question(Some(name)))].into_iter().flatten().collect()
}

/// The billing period that a row says.
fn period_of(row: &Json) -> BillingPeriod {
    let properties = row.at(&["properties"]);
    let text = match properties.get("billingPeriodId") {
        Some(id) => id.text().rsplit('/').next().unwrap()[..6].to_owned(),
        None => properties.at(&["billingPeriodStartDate"]).text()[..7].replace('-', ""),
    };
    text.parse().unwrap()
}

/// An example of a balance, and one of another month.
fn balances_of(body: &Json, period: BillingPeriod) -> Vec<Import> {
    let own = Import { text: body.to_string(), enrollment: "123456", dataset: None, is_balance: true, period };
    vec![decoys::earlier_balance(&own), own]
}

/// A page of an example's rows, with rows that its request must leave out; with a metric, another page of the other.
fn pages_of(body: &Json, parameters: &Json, period: BillingPeriod, from: &str) -> Vec<Import> {
    let text = |name: &str| parameters.get(name).map(Json::text);
    let dataset = match text("metric") {
        _ if from < METRIC_SINCE => None,
        Some("amortizedcost") => Some(Dataset::AmortizedCost),
        _ => Some(Dataset::ActualCost),
    };
    let is_billing_account =
        parameters.get("billingAccountId").is_some() || text("scope").is_some_and(|scope| scope.contains("BillingAcc"));
    let chosen = Chosen {
        is_part: !is_billing_account,
        filter: text("$filter").unwrap_or_default(),
        metric: text("metric"),
        period,
    };
    let mut rows = match parameters.get("$apply") {
        Some(_) => rows_of_groups(body),
        None => body.at(&["value"]).items().to_vec(),
    };
    rows.extend(decoys::rows(&rows[0], &chosen));
    let text = Json::Object(vec![("value".to_owned(), Json::List(rows))]).to_string();
    let own = Import { text, enrollment: NUMBER, dataset, is_balance: false, period };
    let other = dataset.filter(|_| chosen.metric.is_some()).map(|dataset| decoys::other_dataset(&own, dataset));
    other.into_iter().chain([own]).collect()
}

/// Rows of which groups are the sums: of each group one row with all of it, and one of another meter with nothing.
fn rows_of_groups(groups: &Json) -> Vec<Json> {
    let mut rows = Vec::new();
    for group in groups.at(&["value"]).items() {
        let first = period_of(group).first_day().to_string();
        let row = |meter: &str, amount: Option<&str>| {
            let mut properties = group.at(&["properties"]).members().to_vec();
            for (name, value) in &mut properties {
                if let (Some(amount), "usageQuantity" | "pretaxCost") = (amount, name.as_str()) {
                    *value = Json::Number(amount.to_owned());
                }
            }
            if group.at(&["properties"]).get("usageStart").is_none() {
                properties.push(("usageStart".to_owned(), Json::Text(format!("{first}T00:00:00Z"))));
            }
            properties.push(("meterId".to_owned(), Json::Text(meter.to_owned())));
            let members = group.members().iter().map(|(name, value)| match name.as_str() {
                "properties" => (name.clone(), Json::Object(properties.clone())),
                _ => (name.clone(), value.clone()),
            });
            Json::Object(members.collect())
        };
        rows.push(row("00000000-0000-0000-0000-000000000001", None));
        rows.push(row("00000000-0000-0000-0000-000000000002", Some("0")));
    }
    rows
}
