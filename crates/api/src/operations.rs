//! `GET /providers/{namespace}/operations`: what of a resource provider is answered here (contract
//! `cost-management-other.md`). The lists are made of the table of routes, so they name nothing that is not there.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::arm::{ApiError, api_version, authenticate, json};
use crate::consumption;
use crate::dispatch::Call;
use crate::routes::{self, Endpoint, Route};

/// A resource provider, as far as its list goes.
struct Provider {
    namespace: &'static str,
    versions: &'static [&'static str],
    /// From this version on operations have an id. Versions compare like their text.
    id_since: Option<&'static str>,
}

static PROVIDERS: [Provider; 3] = [
    Provider { namespace: "Microsoft.Consumption", versions: consumption::API_VERSIONS, id_since: Some("2019-10-01") },
    Provider {
        namespace: "Microsoft.CostManagement",
        versions: COST_MANAGEMENT_VERSIONS,
        id_since: Some("2022-05-01"),
    },
    Provider { namespace: "Microsoft.Billing", versions: BILLING_VERSIONS, id_since: None },
];
const COST_MANAGEMENT_VERSIONS: &[&str] = &[
    "2019-11-01",
    "2020-12-01-preview",
    "2021-10-01",
    "2022-05-01",
    "2022-10-01",
    "2023-03-01",
    "2023-07-01-preview",
    "2023-08-01",
    "2023-09-01",
    "2023-11-01",
    "2024-08-01",
    "2025-03-01",
];
const BILLING_VERSIONS: &[&str] =
    &["2017-04-24-preview", "2018-03-01-preview", "2019-10-01-preview", "2020-05-01", "2024-04-01"];
/// Segments of a pattern that name a resource and no kind of them.
const NAMES: [&str; 2] = ["*", "default"];

#[derive(Serialize)]
struct List {
    value: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    display: Display,
}

#[derive(Serialize)]
struct Display {
    provider: &'static str,
    resource: String,
    operation: &'static str,
}

/// Lists the operations of the route's provider. They are the same for everybody.
pub(crate) async fn list(call: &Call<'_>, scope: &[String], route: &Route) -> Result<Response, ApiError> {
    if !scope.is_empty() {
        return Err(ApiError::no_such_path());
    }
    authenticate(call).await?;
    let provider = PROVIDERS.iter().find(|provider| Some(provider.namespace) == route.namespace);
    let provider = provider.ok_or_else(|| ApiError::Internal("operations of no provider".into()))?;
    let api_version = api_version(&call.query, provider.versions)?;
    if !call.state.settings.emulate {
        call.query.refuse_others(&["api-version"])?;
    }
    let has_id = provider.id_since.is_some_and(|since| api_version >= since);
    Ok(json(StatusCode::OK, &List { value: operations(provider, has_id) }))
}

/// The operations of a provider's routes, each once.
fn operations(provider: &Provider, has_id: bool) -> Vec<Operation> {
    let mut found: Vec<Operation> = Vec::new();
    for route in routes::all().iter().filter(|route| route.namespace == Some(provider.namespace) && is_answered(route))
    {
        let kinds: Vec<&str> = route.pattern.iter().copied().filter(|segment| !NAMES.contains(segment)).collect();
        let (verb, operation) =
            if route.methods.contains(&Method::POST) { ("action", "Action") } else { ("read", "Read") };
        let name = format!("{}/{}/{verb}", provider.namespace, kinds.join("/"));
        if found.iter().any(|known| known.name == name) {
            continue;
        }
        let resource = kinds.last().map(|kind| capitalised(kind)).unwrap_or_default();
        let display = Display { provider: provider.namespace, resource, operation };
        found.push(Operation { id: has_id.then(|| name.clone()), name, display });
    }
    found
}

/// Whether there is more to a route than saying that nothing is found.
fn is_answered(route: &Route) -> bool {
    route.endpoint != Endpoint::AggregatedCost
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_a_provider_that_answers_is_an_operation_and_nothing_else_is() {
        for provider in &PROVIDERS {
            let names: Vec<String> = operations(provider, true).into_iter().map(|own| own.name).collect();
            let own = |route: &&Route| route.namespace == Some(provider.namespace);
            assert!(names.len() <= routes::all().iter().filter(own).count());
            for (name, expected) in [
                ("operations/read", true),
                ("usageDetails/read", provider.namespace == "Microsoft.Consumption"),
                ("usageDetails/download/action", provider.namespace == "Microsoft.Consumption"),
                ("generateCostDetailsReport/action", provider.namespace == "Microsoft.CostManagement"),
                ("billingAccounts/departments/read", provider.namespace == "Microsoft.Billing"),
                ("aggregatedCost/read", false),
                ("budgets/read", false),
            ] {
                let name = format!("{}/{name}", provider.namespace);
                assert_eq!(names.contains(&name), expected, "{name}");
            }
            assert!(names.iter().all(|name| !name.contains('*')), "{names:?}");
        }
    }

    #[test]
    fn kinds_of_resources_begin_with_a_capital() {
        assert_eq!((capitalised("usageDetails"), capitalised("")), ("UsageDetails".to_owned(), String::new()));
    }
}
