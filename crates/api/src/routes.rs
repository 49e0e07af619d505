//! The one table of routes. Paths compare without case.

use axum::http::Method;

use crate::arm::{ApiError, ErrorShape, Query, excerpt};
use crate::login::Protocol;

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
    /// Where a cloud has its parts.
    CloudMetadata,
    /// Where a tenant has its token endpoint.
    OpenIdConfiguration(Protocol),
    /// A token for a key.
    Token(Protocol),
    /// The public keys of tokens.
    SigningKeys,
    /// The subscriptions that the caller may read.
    Subscriptions,
    /// One of them.
    Subscription,
    /// The tenants of the caller.
    Tenants,
    /// The enrollments that the caller may read, or one of them.
    BillingAccounts,
    /// The departments of an enrollment, or one of them.
    Departments,
    /// The enrollment accounts of an enrollment, or one of them.
    EnrollmentAccounts,
    /// The enrollment accounts of a department, or one of them.
    DepartmentAccounts,
    /// The enrollment accounts of all enrollments by their owners, or one of them.
    Principals,
    /// The billing periods of a subscription.
    BillingPeriods,
    /// One of them.
    BillingPeriod,
    /// A new Cost Details report.
    CreateCostDetails,
    /// How a Cost Details report stands.
    PollCostDetails,
    /// Usage details of the Consumption API.
    UsageDetails,
    /// A new download of usage details.
    CreateDownload,
    /// What became of a download.
    DownloadResult,
    /// How a download stands.
    DownloadStatus,
    /// What charges add up to, by class.
    Charges,
    /// A balance summary of the Consumption API.
    Balances,
    /// A balance summary of the Enterprise Reporting API.
    BalanceSummary,
    /// The billing periods of the Enterprise Reporting API.
    EnterprisePeriods,
    /// Usage details of a billing period, of the Enterprise Reporting API.
    EnterpriseUsage,
    /// Usage details of a range of days, of the same.
    EnterpriseUsageByDates,
    /// The same as a file.
    EnterpriseDownload,
    /// A new report of the same.
    EnterpriseSubmit,
    /// How such a report stands.
    EnterprisePoll,
    /// A batch of usage of a native enrollment.
    NativeUsage,
    /// How the billing of a native enrollment stands.
    NativePeriods,
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

impl Route {
    /// In which form its errors are told.
    pub(crate) fn error_shape(&self, emulate: bool) -> ErrorShape {
        match self.endpoint {
            Endpoint::UsageDetails | Endpoint::CreateDownload if emulate => ErrorShape::Array,
            Endpoint::OpenIdConfiguration(_) | Endpoint::Token(_) | Endpoint::SigningKeys => ErrorShape::OAuth,
            Endpoint::BalanceSummary
            | Endpoint::EnterprisePeriods
            | Endpoint::EnterpriseUsage
            | Endpoint::EnterpriseUsageByDates
            | Endpoint::EnterpriseDownload
            | Endpoint::EnterpriseSubmit
            | Endpoint::EnterprisePoll => ErrorShape::EnterpriseReporting,
            _ => ErrorShape::ResourceManager,
        }
    }
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const WELL_KNOWN: &str = ".well-known";
const OPENID_CONFIGURATION: &str = "openid-configuration";
const COST_MANAGEMENT: Option<&str> = Some("Microsoft.CostManagement");

const BILLING: Option<&str> = Some("Microsoft.Billing");
const BILLING_ACCOUNTS: &str = "billingAccounts";
const DEPARTMENTS: &str = "departments";
const ACCOUNTS: &str = "enrollmentAccounts";
const CONSUMPTION: Option<&str> = Some("Microsoft.Consumption");
/// What every path of the Enterprise Reporting API has behind its version.
const ENROLLMENTS: &str = "enrollments";
const USAGE: &str = "usagedetails";
/// Paths of our own, which the original does not have.
const OWN: &str = "lazurite";
const OWN_VERSION: &str = "v1";

static ROUTES: [Route; 47] = [
    route("healthz", Endpoint::Health, READ, None, &["healthz"]),
    route("readyz", Endpoint::Ready, READ, None, &["readyz"]),
    route("metrics", Endpoint::Metrics, READ, None, &["metrics"]),
    route("cloud metadata", Endpoint::CloudMetadata, GET, None, &["metadata", "endpoints"]),
    // Before the blobs: a tenant may have any name.
    route("token", Endpoint::Token(Protocol::V2), POST, None, &["*", "oauth2", "v2.0", "token"]),
    route("token", Endpoint::Token(Protocol::V1), POST, None, &["*", "oauth2", "token"]),
    openid_configuration(Protocol::V2, &[WELL_KNOWN, OPENID_CONFIGURATION]),
    openid_configuration(Protocol::V1, &["*", WELL_KNOWN, OPENID_CONFIGURATION]),
    openid_configuration(Protocol::V2, &["*", "v2.0", WELL_KNOWN, OPENID_CONFIGURATION]),
    route("signing keys", Endpoint::SigningKeys, GET, None, &["*", "discovery", "v2.0", "keys"]),
    route("report blob", Endpoint::Blob, READ, None, &["reports", "*", "*"]),
    route("subscriptions", Endpoint::Subscriptions, GET, None, &["subscriptions"]),
    route("subscription", Endpoint::Subscription, GET, None, &["subscriptions", "*"]),
    route("tenants", Endpoint::Tenants, GET, None, &["tenants"]),
    route("billingAccounts", Endpoint::BillingAccounts, GET, BILLING, &[BILLING_ACCOUNTS]),
    route("billingAccounts", Endpoint::BillingAccounts, GET, BILLING, &[BILLING_ACCOUNTS, "*"]),
    route("departments", Endpoint::Departments, GET, BILLING, &[BILLING_ACCOUNTS, "*", DEPARTMENTS]),
    route("departments", Endpoint::Departments, GET, BILLING, &[BILLING_ACCOUNTS, "*", DEPARTMENTS, "*"]),
    route("enrollmentAccounts", Endpoint::EnrollmentAccounts, GET, BILLING, &[BILLING_ACCOUNTS, "*", ACCOUNTS]),
    route("enrollmentAccounts", Endpoint::EnrollmentAccounts, GET, BILLING, &[BILLING_ACCOUNTS, "*", ACCOUNTS, "*"]),
    route(
        "enrollmentAccounts",
        Endpoint::DepartmentAccounts,
        GET,
        BILLING,
        &[BILLING_ACCOUNTS, "*", DEPARTMENTS, "*", ACCOUNTS],
    ),
    route(
        "enrollmentAccounts",
        Endpoint::DepartmentAccounts,
        GET,
        BILLING,
        &[BILLING_ACCOUNTS, "*", DEPARTMENTS, "*", ACCOUNTS, "*"],
    ),
    route("enrollmentAccounts", Endpoint::Principals, GET, BILLING, &[ACCOUNTS]),
    route("enrollmentAccounts", Endpoint::Principals, GET, BILLING, &[ACCOUNTS, "*"]),
    route("billingPeriods", Endpoint::BillingPeriods, GET, BILLING, &["billingPeriods"]),
    route("billingPeriod", Endpoint::BillingPeriod, GET, BILLING, &["billingPeriods", "*"]),
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
    route("usageDetails", Endpoint::UsageDetails, GET, CONSUMPTION, &["usageDetails"]),
    route("usageDetails download", Endpoint::CreateDownload, POST, CONSUMPTION, &["usageDetails", "download"]),
    route("download result", Endpoint::DownloadResult, GET, CONSUMPTION, &["operationResults", "*"]),
    route("download status", Endpoint::DownloadStatus, GET, CONSUMPTION, &["operationStatus", "*"]),
    route("charges", Endpoint::Charges, GET, CONSUMPTION, &["charges"]),
    route("balances", Endpoint::Balances, GET, CONSUMPTION, &["balances"]),
    route("balancesummary", Endpoint::BalanceSummary, GET, None, &["*", ENROLLMENTS, "*", "balancesummary"]),
    route(
        "balancesummary",
        Endpoint::BalanceSummary,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "billingPeriods", "*", "balancesummary"],
    ),
    route("billingperiods", Endpoint::EnterprisePeriods, GET, None, &["*", ENROLLMENTS, "*", "billingperiods"]),
    route("usagedetails", Endpoint::EnterpriseUsage, GET, None, &["*", ENROLLMENTS, "*", USAGE]),
    route("usagedetails", Endpoint::EnterpriseUsage, GET, None, &["*", ENROLLMENTS, "*", "billingPeriods", "*", USAGE]),
    route(
        "usagedetailsbycustomdate",
        Endpoint::EnterpriseUsageByDates,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "usagedetailsbycustomdate"],
    ),
    route(
        "usagedetails download",
        Endpoint::EnterpriseDownload,
        GET,
        None,
        &["*", ENROLLMENTS, "*", USAGE, "download"],
    ),
    route("usagedetails submit", Endpoint::EnterpriseSubmit, POST, None, &["*", ENROLLMENTS, "*", USAGE, "submit"]),
    route("usagedetails poll", Endpoint::EnterprisePoll, GET, None, &["*", ENROLLMENTS, "*", USAGE, "reports", "*"]),
    route("usage batch", Endpoint::NativeUsage, POST, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "usage", "*"]),
    route("periods", Endpoint::NativePeriods, GET, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "periods"]),
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

const fn openid_configuration(protocol: Protocol, pattern: &'static [&'static str]) -> Route {
    route("openid-configuration", Endpoint::OpenIdConfiguration(protocol), GET, None, pattern)
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
            ("//Contoso.com/OAuth2/V2.0/Token", Endpoint::Token(Protocol::V2), "", "Contoso.com"),
            ("/reports/oauth2/token", Endpoint::Token(Protocol::V1), "", "reports"),
            ("//Subscriptions/A", Endpoint::Subscription, "", "A"),
            (
                "/subscriptions/A/providers/Microsoft.Billing/billingPeriods",
                Endpoint::BillingPeriods,
                "subscriptions/A",
                "",
            ),
            (
                "/Subscriptions/A/Providers/microsoft.billing/BILLINGPERIODS/201702-1",
                Endpoint::BillingPeriod,
                "Subscriptions/A",
                "201702-1",
            ),
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
            (
                "/providers/Microsoft.Billing/billingAccounts/1/billingPeriods/201702/providers/microsoft.consumption/Balances",
                Endpoint::Balances,
                "providers/Microsoft.Billing/billingAccounts/1/billingPeriods/201702",
                "",
            ),
            ("/V3/Enrollments/100/BalanceSummary", Endpoint::BalanceSummary, "", "V3 100"),
            ("/v2/enrollments/100/billingperiods/201702/balancesummary", Endpoint::BalanceSummary, "", "v2 100 201702"),
            ("/v1/enrollments/100/billingPeriods", Endpoint::EnterprisePeriods, "", "v1 100"),
            ("/v3/enrollments/100/UsageDetails", Endpoint::EnterpriseUsage, "", "v3 100"),
            ("/v3/enrollments/100/billingperiods/201702/usagedetails", Endpoint::EnterpriseUsage, "", "v3 100 201702"),
            ("/v2/enrollments/100/usageDetailsByCustomDate", Endpoint::EnterpriseUsageByDates, "", "v2 100"),
            ("/v2/enrollments/100/usagedetails/download", Endpoint::EnterpriseDownload, "", "v2 100"),
            ("/v2/enrollments/100/usagedetails/submit", Endpoint::EnterpriseSubmit, "", "v2 100"),
            ("/v2/enrollments/100/usagedetails/reports/X", Endpoint::EnterprisePoll, "", "v2 100 X"),
            ("/lazurite/v1/enrollments/100/usage/Day-1", Endpoint::NativeUsage, "", "100 Day-1"),
            ("/Lazurite/V1/Enrollments/100/Periods", Endpoint::NativePeriods, "", "100"),
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
            "/oauth2/token",
            "/subscriptions/a/locations",
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
