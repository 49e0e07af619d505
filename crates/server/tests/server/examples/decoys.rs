//! Rows beside those of an example that its request must leave out: an answer with them is wrong.

use calendar::BillingPeriod;
use ledger::Dataset;

use super::cases::{Import, SUBSCRIPTION};
use super::digits::Json;

const ELSEWHERE: &str = "22222222-2222-2222-2222-222222222222";

/// What a request chooses by.
pub(super) struct Chosen<'a> {
    /// Every scope but a billing account.
    pub(super) is_part: bool,
    pub(super) filter: &'a str,
    pub(super) metric: Option<&'a str>,
    pub(super) period: BillingPeriod,
}

/// Rows that differ from an example's row in what its request chooses by.
pub(super) fn rows(row: &Json, chosen: &Chosen<'_>) -> Vec<Json> {
    let row = row.to_string().replace("usageDetailsId1", "decoy").replace("usageDetails_Id1", "decoy");
    let mut rows = vec![earlier(&row, chosen.period)];
    if chosen.is_part {
        rows.push(elsewhere(&row));
    }
    if chosen.filter.contains("tags eq 'dev:tools'") {
        rows.push(altered(&row, "\"dev\":\"tools\"", "\"dev\":\"toolsmith\""));
    }
    if chosen.metric == Some("usage") {
        rows.push(altered(&row, "\"chargeType\":\"Usage\"", "\"chargeType\":\"Purchase\""));
    }
    rows
}

/// The rows of a page with another cost, as the other dataset.
pub(super) fn other_dataset(import: &Import, dataset: Dataset) -> Import {
    let text = altered(&Json::parse(&import.text).to_string(), "\"cost\":0.", "\"cost\":7.").to_string();
    let dataset = match dataset {
        Dataset::ActualCost => Dataset::AmortizedCost,
        Dataset::AmortizedCost => Dataset::ActualCost,
    };
    Import { text, dataset: Some(dataset), ..*import }
}

/// A balance of the month before.
pub(super) fn earlier_balance(import: &Import) -> Import {
    let text = altered(&import.text, "\"endingBalance\":", "\"endingBalance\":1");
    Import { text: text.to_string().replace("201702", "201701"), period: "201701".parse().unwrap(), ..*import }
}

/// A row of the month before: no day of it is within the example's filters.
fn earlier(row: &str, period: BillingPeriod) -> Json {
    let before = period.add_months(-1).unwrap();
    let (first, last) = (before.first_day().to_string(), before.last_day().to_string());
    let Json::Object(mut members) = Json::parse(row) else { panic!("{row}") };
    for (name, value) in &mut members {
        let Json::Object(properties) = value else { continue };
        for (member, value) in properties.iter_mut().filter(|_| name == "properties") {
            let text = match member.as_str() {
                "billingPeriodId" => value.text().replace(&period.to_string(), &before.to_string()),
                "usageStart" | "date" => format!("{}-13T00:00:00Z", &first[..7]),
                "usageEnd" => format!("{}-13T23:59:59Z", &first[..7]),
                "billingPeriodStartDate" => format!("{first}T00:00:00Z"),
                "billingPeriodEndDate" => format!("{last}T00:00:00Z"),
                _ => continue,
            };
            *value = Json::Text(text);
        }
    }
    Json::Object(members)
}

/// A row of another subscription, department and account.
fn elsewhere(row: &str) -> Json {
    let mut row = row.replace("fe167397-a38d-43c3-9bb3-8e2907e56a41", ELSEWHERE).replace(SUBSCRIPTION, ELSEWHERE);
    for name in ["Invoice Section 1", "Account Name 1", "My department name", "My account name"] {
        row = row.replace(name, "Elsewhere");
    }
    Json::parse(&row)
}

fn altered(text: &str, from: &str, to: &str) -> Json {
    assert!(text.contains(from), "no {from} in {text}");
    Json::parse(&text.replace(from, to))
}
