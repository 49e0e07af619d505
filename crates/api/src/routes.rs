//! The one table of routes. Paths compare without case.

use axum::http::Method;

use crate::arm::{ApiError, Query, excerpt};

/// What answers a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Whether the process runs.
    Health,
    /// Whether the store answers.
    Ready,
    /// What supervisors count.
    Metrics,
    /// The content of a report's file.
    Blob,
    /// A new Cost Details report.
    CreateCostDetails,
    /// How a Cost Details report stands.
    PollCostDetails,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name in logs.
    pub(crate) name: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) methods: &'static [Method],
    /// The resource provider behind the scope; `None` for paths without scope.
    namespace: Option<&'static str>,
    /// Segments behind the provider, or of the whole path; `*` stands for any one.
    pattern: &'static [&'static str],
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const COST_MANAGEMENT: Option<&str> = Some("Microsoft.CostManagement");

static ROUTES: [Route; 8] = [
    route("healthz", Endpoint::Health, READ, None, &["healthz"]),
    route("readyz", Endpoint::Ready, READ, None, &["readyz"]),
    route("metrics", Endpoint::Metrics, READ, None, &["metrics"]),
    route("report blob", Endpoint::Blob, READ, None, &["reports", "*", "*"]),
    route(
        "generateCostDetailsReport",
        Endpoint::CreateCostDetails,
        POST,
        COST_MANAGEMENT,
        &["generateCostDetailsReport"],
    ),
    route(
        "costDetailsOperationResults",
        Endpoint::PollCostDetails,
        GET,
        COST_MANAGEMENT,
        &["costDetailsOperationResults", "*"],
    ),
    route(
        "costDetailsOperationStatus",
        Endpoint::PollCostDetails,
        GET,
        COST_MANAGEMENT,
        &["costDetailsOperationStatus", "*"],
    ),
    route("operationResults", Endpoint::PollCostDetails, GET, COST_MANAGEMENT, &["operationResults", "*"]),
];

const fn route(
    name: &'static str,
    endpoint: Endpoint,
    methods: &'static [Method],
    namespace: Option<&'static str>,
    pattern: &'static [&'static str],
) -> Route {
    Route { name, endpoint, methods, namespace, pattern }
}

/// A route with what the path says beyond it.
#[derive(Debug)]
pub(crate) struct Matched<'a> {
    pub(crate) route: &'static Route,
    /// Segments before the provider, as the caller wrote them.
    pub(crate) scope: &'a [String],
    /// Segments that stand for a `*`.
    pub(crate) captures: Vec<&'a str>,
}

/// Looks a path up.
pub(crate) fn find<'a>(segments: &'a [String], query: &Query) -> Result<Matched<'a>, ApiError> {
    // A scope contains a provider of its own (`providers/Microsoft.Billing/…`): the last one has the operation.
    let provider = segments.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    let (scope, namespace, rest) = match provider.and_then(|at| Some((at, segments.get(at + 1)?))) {
        Some((at, namespace)) => (&segments[..at], Some(namespace.as_str()), &segments[at + 2..]),
        None => (&segments[..0], None, segments),
    };
    let found = ROUTES.iter().find_map(|route| {
        let same_namespace = match (route.namespace, namespace) {
            (Some(own), Some(given)) => own.eq_ignore_ascii_case(given),
            (None, None) => true,
            _ => false,
        };
        let captures = captures(route.pattern, rest).filter(|_| same_namespace)?;
        Some(Matched { route, scope, captures })
    });
    found.ok_or_else(|| match namespace {
        Some(namespace) => ApiError::UnknownResourceType {
            namespace: excerpt(namespace),
            api_version: excerpt(query.get("api-version").unwrap_or_default()),
        },
        None => ApiError::no_such_path(),
    })
}

fn captures<'a>(pattern: &[&str], segments: &'a [String]) -> Option<Vec<&'a str>> {
    if pattern.len() != segments.len() {
        return None;
    }
    let mut captures = Vec::new();
    for (expected, segment) in pattern.iter().zip(segments) {
        if *expected == "*" {
            captures.push(segment.as_str());
        } else if !expected.eq_ignore_ascii_case(segment) {
            return None;
        }
    }
    Some(captures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::segments;

    fn found(path: &str) -> Option<(Endpoint, String, String)> {
        let (segments, query) = (segments(path).unwrap(), Query::parse(None).unwrap());
        let matched = find(&segments, &query).ok()?;
        Some((matched.route.endpoint, matched.scope.join("/"), matched.captures.join(" ")))
    }

    #[test]
    fn paths_find_their_route_in_any_case() {
        let cases = [
            ("/HealthZ/", Endpoint::Health, "", ""),
            ("/reports/job/part.csv", Endpoint::Blob, "", "job part.csv"),
            (
                "//Subscriptions/A//providers/microsoft.costmanagement/GENERATECostDetailsReport",
                Endpoint::CreateCostDetails,
                "Subscriptions/A",
                "",
            ),
            (
                "/providers/Microsoft.Billing/billingAccounts/1/providers/Microsoft.CostManagement/operationResults/X",
                Endpoint::PollCostDetails,
                "providers/Microsoft.Billing/billingAccounts/1",
                "X",
            ),
        ];
        for (path, endpoint, scope, captures) in cases {
            assert_eq!(found(path), Some((endpoint, scope.to_owned(), captures.to_owned())), "{path}");
        }
    }

    #[test]
    fn other_paths_find_none() {
        for path in [
            "/",
            "/reports/job",
            "/generateCostDetailsReport",
            "/subscriptions/a/providers",
            "/subscriptions/a/providers/Microsoft.CostManagement",
            "/subscriptions/a/providers/Microsoft.Other/generateCostDetailsReport",
            "/subscriptions/a/providers/Microsoft.CostManagement/generateCostDetailsReport/x",
            "/subscriptions/a/providers/Microsoft.CostManagement/costDetailsOperationResults",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
