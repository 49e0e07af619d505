//! How an answer is held against an example: every member of the example is in the answer with its value, and every
//! member of the answer beyond it follows a rule.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::digits::Json;

/// What an answer's values follow beside the example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The billing period of the rows, `YYYYMM`.
    pub(super) period: &'a str,
    /// Whether that period is open at the server's clock: then charges are estimated, whatever the example says.
    pub(super) is_open: bool,
    /// Whether rows are groups: their names are made, which the examples repeat.
    pub(super) groups: bool,
}

/// Days and times, which have several spellings.
const INSTANTS: [&str; 5] = ["usageStart", "usageEnd", "date", "billingPeriodStartDate", "billingPeriodEndDate"];
/// Texts that the original sends blank where it knows nothing.
const BLANK: [&str; 6] =
    ["subscriptionName", "accountName", "departmentName", "product", "consumedService", "costCenter"];
const BILLING_PERIODS: &str = "providers/Microsoft.Billing/billingPeriods/";

/// The members of an example that a schema knows: those that a version can answer with.
pub(super) fn known(example: &Json, schema: &Value) -> Json {
    let schema = schema.get("anyOf").map_or(schema, |choice| &choice[0]);
    match example {
        Json::Object(members) => {
            let of = |(name, value): &(String, Json)| {
                let own = schema["properties"].get(name).or(schema.get("additionalProperties"));
                let own = own.filter(|own| **own != Value::Bool(false))?;
                Some((name.clone(), known(value, own)))
            };
            Json::Object(members.iter().filter_map(of).collect())
        }
        Json::List(items) => Json::List(items.iter().map(|item| known(item, &schema["items"])).collect()),
        other => other.clone(),
    }
}

/// What is wrong with rows of an answer, whatever their order.
pub(super) fn rows(examples: &[Json], answers: &[Json], rules: Rules<'_>) -> Vec<String> {
    if examples.len() != answers.len() {
        return vec![format!("{} rows for {}", answers.len(), examples.len())];
    }
    let mut left: Vec<&Json> = answers.iter().collect();
    let mut faults = Vec::new();
    for example in examples {
        let judged = left.iter().map(|answer| row(example, answer, rules));
        let (best, own) = judged.enumerate().min_by_key(|(_, faults)| faults.len()).unwrap();
        left.remove(best);
        faults.extend(own);
    }
    faults
}

/// What is wrong with a resource.
pub(super) fn row(example: &Json, answer: &Json, rules: Rules<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    compare("", example, answer, answer, rules, &mut faults);
    faults
}

fn compare(path: &str, example: &Json, answer: &Json, whole: &Json, rules: Rules<'_>, faults: &mut Vec<String>) {
    for (name, expected) in example.members() {
        let path = format!("{path}/{name}");
        let Some(actual) = answer.get(name) else {
            faults.push(format!("{path} is not there"));
            continue;
        };
        match (expected, actual) {
            (Json::Object(_), Json::Object(_)) => compare(&path, expected, actual, whole, rules, faults),
            _ if same(&path, expected, actual, whole, rules) => {}
            _ => faults.push(format!("{path} is {actual}, the example says {expected}")),
        }
    }
    for (name, actual) in answer.members() {
        let path = format!("{path}/{name}");
        if example.get(name).is_none() && !is_derived(&path, actual, whole) {
            faults.push(format!("{path} is {actual} and not in the example"));
        }
    }
}

fn same(path: &str, expected: &Json, actual: &Json, whole: &Json, rules: Rules<'_>) -> bool {
    let name = path.rsplit('/').next().unwrap();
    match (expected, actual) {
        (Json::Text(_), Json::Text(actual)) if path == "/name" && rules.groups => {
            whole.at(&["id"]).text().ends_with(&format!("/{actual}"))
        }
        (Json::Text(expected), Json::Text(actual)) if path == "/id" => {
            let own = |id: &str| match rules.groups {
                true => id.rsplit_once('/').unwrap().0.to_owned(),
                false => id.to_owned(),
            };
            is_same_id(&own(expected), &own(actual), rules.period)
        }
        (Json::Text(expected), Json::Text(actual)) if ["billingPeriodId", "invoiceId"].contains(&name) => {
            plain_id(expected) == plain_id(actual)
        }
        (Json::Text(expected), Json::Text(actual)) if INSTANTS.contains(&name) => instant(expected) == instant(actual),
        // Blanks that fill it up (COMPATIBILITY, "Balances").
        (Json::Text(expected), Json::Text(actual)) if name == "currency" => expected.trim_end() == actual,
        (Json::Boolean(_), Json::Boolean(actual)) if name == "isEstimated" => *actual == rules.is_open,
        // An object in the first version, later the text of one.
        (Json::Text(expected), Json::Object(_)) if name == "additionalProperties" => Json::parse(expected) == *actual,
        _ => expected == actual,
    }
}

/// Whether a member that the example does not have follows from the rest of the answer.
fn is_derived(path: &str, actual: &Json, whole: &Json) -> bool {
    let Some(name) = path.strip_prefix("/properties/") else { return false };
    let properties = whole.at(&["properties"]);
    match name {
        // Not expanded.
        "meterDetails" => *actual == Json::Null,
        // The first examples say the subscription in ids only.
        "subscriptionGuid" => {
            let resource = properties.at(&["instanceId"]).text();
            resource.split('/').nth(2) == Some(actual.text())
        }
        name => BLANK.contains(&name) && actual.text().is_empty(),
    }
}

/// Ids are the same with and without a slash in front, and the examples of some versions leave the billing period out.
fn is_same_id(expected: &str, actual: &str, period: &str) -> bool {
    let (expected, actual) = (plain_id(expected), plain_id(actual));
    let without = actual.replace(&format!("{BILLING_PERIODS}{period}/"), "");
    if expected.contains(BILLING_PERIODS) { expected == actual } else { expected == without && without != actual }
}

/// An id without a slash in front and with the billing period by its six digits.
fn plain_id(id: &str) -> String {
    let id = id.strip_prefix('/').unwrap_or(id);
    let Some((before, after)) = id.split_once(BILLING_PERIODS) else { return id.to_owned() };
    let (period, rest) =
        after.split_once('/').map_or((after, String::new()), |(name, rest)| (name, format!("/{rest}")));
    format!("{before}{BILLING_PERIODS}{}{rest}", &period[..6])
}

fn instant(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules<'_> = Rules { period: "201702", is_open: true, groups: false };

    fn faults(example: &str, answer: &str) -> Vec<String> {
        row(&Json::parse(example), &Json::parse(answer), RULES)
    }

    #[test]
    fn numbers_are_compared_by_their_text() {
        assert!(faults(r#"{"a":1.0}"#, r#"{"a":1.0}"#).is_empty());
        assert_eq!(faults(r#"{"a":1.0}"#, r#"{"a":1}"#), ["/a is 1, the example says 1.0"]);
        assert_eq!(faults(r#"{"a":1}"#, r#"{"a":"1"}"#), [r#"/a is "1", the example says 1"#]);
    }

    #[test]
    fn members_are_neither_missing_nor_invented() {
        assert_eq!(faults(r#"{"a":{"b":null}}"#, r#"{"a":{}}"#), ["/a/b is not there"]);
        assert_eq!(faults("{}", r#"{"a":null}"#), ["/a is null and not in the example"]);
        let blank = r#"{"properties":{"product":""}}"#;
        assert!(faults(r#"{"properties":{}}"#, blank).is_empty());
        assert_eq!(faults(r#"{"properties":{}}"#, &blank.replace("\"\"", "\"x\"")).len(), 1);
    }

    #[test]
    fn ids_and_instants_are_the_same_in_other_spellings_only() {
        let id = "subscriptions/s/providers/Microsoft.Billing/billingPeriods/20170201/providers/x/1";
        let short = "/subscriptions/s/providers/x/1";
        assert!(is_same_id(&format!("/{id}"), &id.replace("20170201", "201702"), "201702"));
        assert!(is_same_id(short, id, "201702"));
        assert!(!is_same_id(short, &id.replace("201702", "201703"), "201702"));
        assert!(!is_same_id(id, short, "201702"));
        assert!(!is_same_id(short, short, "201702"));
        assert_eq!(instant("2017-02-13T00:00:00Z"), instant("2017-02-13T00:00:00.0000000Z"));
        assert_ne!(instant("2017-02-13T00:00:00Z"), instant("2017-02-13T00:00:01Z"));
    }

    #[test]
    fn rows_are_found_in_any_order_and_each_once() {
        let list = |text: &str| Json::parse(text).items().to_vec();
        let judge = |one: &str, other: &str| rows(&list(one), &list(other), RULES).len();
        assert_eq!(judge(r#"[{"a":1},{"a":2}]"#, r#"[{"a":2},{"a":1}]"#), 0);
        assert_eq!(judge(r#"[{"a":1},{"a":2}]"#, r#"[{"a":1},{"a":1}]"#), 1);
        assert_eq!(judge(r#"[{"a":1}]"#, r#"[{"a":1},{"a":1}]"#), 1);
    }
}
