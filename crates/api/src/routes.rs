//! The one table of routes. Paths compare without case.

use axum::http::Method;

use crate::arm::{ApiError, ErrorShape, Query, excerpt};
use crate::login::Protocol;
use crate::sheet_files::Through;

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
    /// Charges of the Marketplace, of the Consumption API.
    Marketplaces,
    /// The price sheet of a subscription's enrollment.
    PriceSheet,
    /// A new file of a price sheet.
    PriceFile(Through),
    /// A new file of reservation details.
    ReservationFile,
    /// What became of it.
    ReservationFileResult,
    /// What used reservations.
    ReservationDetails,
    /// How far reservations were used.
    ReservationSummaries,
    /// Purchases and returns of reservations.
    ReservationTransactions,
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
    /// Charges of the Marketplace of a billing period, of the same.
    EnterpriseMarketplace,
    /// Charges of the Marketplace of a range of days, of the same.
    EnterpriseMarketplaceByDates,
    /// The price sheet of a billing period, of the same.
    EnterprisePrices,
    /// Purchases and returns of reservations, of the same.
    EnterpriseReservationCharges,
    /// What used reservations, of the same.
    EnterpriseReservationDetails,
    /// How far reservations were used, of the same.
    EnterpriseReservationSummaries,
    /// A batch of usage of a native enrollment.
    NativeUsage,
    /// How the billing of a native enrollment stands.
    NativePeriods,
    /// Which days of an enrollment are held.
    HeldStatus,
    /// What changed between two revisions.
    Restatements,
    /// The tags of charges.
    Tags,
    /// The charges of a management group.
    AggregatedCost,
    /// What of a resource provider is answered.
    Operations,
    /// A new report of the operation before Cost Details.
    CreateDetailedCost,
    /// What became of such a report, or how a Cost Details report stands.
    DetailedCostResult,
    /// How such a report stands.
    DetailedCostStatus,
    /// A report of the API before Enterprise Reporting.
    UsageReport,
}

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name in logs.
    pub(crate) name: &'static str,
    pub(crate) endpoint: Endpoint,
    pub(crate) methods: &'static [Method],
    /// The resource provider behind the scope; `None` for paths without scope.
    pub(crate) namespace: Option<&'static str>,
    /// Segments behind the provider, or of the whole path; `*` stands for any one.
    pub(crate) pattern: &'static [&'static str],
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
            | Endpoint::EnterprisePoll
            | Endpoint::EnterpriseMarketplace
            | Endpoint::EnterpriseMarketplaceByDates
            | Endpoint::EnterprisePrices
            | Endpoint::EnterpriseReservationCharges
            | Endpoint::EnterpriseReservationDetails
            | Endpoint::EnterpriseReservationSummaries
            | Endpoint::UsageReport => ErrorShape::EnterpriseReporting,
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
const MARKETPLACE: &str = "marketplacecharges";
/// Paths of our own, which the original does not have.
const OWN: &str = "lazurite";
const OWN_VERSION: &str = "v1";

static ROUTES: [Route; 75] = [
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
    route("usageDetails", Endpoint::UsageDetails, GET, CONSUMPTION, &["usageDetails"]),
    route("usageDetails download", Endpoint::CreateDownload, POST, CONSUMPTION, &["usageDetails", "download"]),
    route("download result", Endpoint::DownloadResult, GET, CONSUMPTION, &["operationResults", "*"]),
    route("download status", Endpoint::DownloadStatus, GET, CONSUMPTION, &["operationStatus", "*"]),
    route("charges", Endpoint::Charges, GET, CONSUMPTION, &["charges"]),
    route("marketplaces", Endpoint::Marketplaces, GET, CONSUMPTION, &["marketplaces"]),
    route("pricesheets", Endpoint::PriceSheet, GET, CONSUMPTION, &["pricesheets", "default"]),
    route(
        "pricesheets download",
        Endpoint::PriceFile(Through::Consumption),
        POST,
        CONSUMPTION,
        &["pricesheets", "download"],
    ),
    route(
        "pricesheets download",
        Endpoint::PriceFile(Through::CostManagement),
        POST,
        COST_MANAGEMENT,
        &["pricesheets", "default", "download"],
    ),
    route(
        "generateReservationDetailsReport",
        Endpoint::ReservationFile,
        POST,
        COST_MANAGEMENT,
        &["generateReservationDetailsReport"],
    ),
    route(
        "reservationDetailsOperationResults",
        Endpoint::ReservationFileResult,
        GET,
        COST_MANAGEMENT,
        &["reservationDetailsOperationResults", "*"],
    ),
    route("reservationDetails", Endpoint::ReservationDetails, GET, CONSUMPTION, &["reservationDetails"]),
    route("reservationSummaries", Endpoint::ReservationSummaries, GET, CONSUMPTION, &["reservationSummaries"]),
    route("reservationTransactions", Endpoint::ReservationTransactions, GET, CONSUMPTION, &["reservationTransactions"]),
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
    route("marketplacecharges", Endpoint::EnterpriseMarketplace, GET, None, &["*", ENROLLMENTS, "*", MARKETPLACE]),
    route(
        "marketplacecharges",
        Endpoint::EnterpriseMarketplace,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "billingPeriods", "*", MARKETPLACE],
    ),
    route(
        "marketplacechargesbycustomdate",
        Endpoint::EnterpriseMarketplaceByDates,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "marketplacechargesbycustomdate"],
    ),
    route("pricesheet", Endpoint::EnterprisePrices, GET, None, &["*", ENROLLMENTS, "*", "pricesheet"]),
    route(
        "pricesheet",
        Endpoint::EnterprisePrices,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "billingPeriods", "*", "pricesheet"],
    ),
    route(
        "reservationcharges",
        Endpoint::EnterpriseReservationCharges,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "reservationcharges"],
    ),
    route(
        "reservationdetails",
        Endpoint::EnterpriseReservationDetails,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "reservationdetails"],
    ),
    route(
        "reservationsummaries",
        Endpoint::EnterpriseReservationSummaries,
        GET,
        None,
        &["*", ENROLLMENTS, "*", "reservationsummaries"],
    ),
    route("usage batch", Endpoint::NativeUsage, POST, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "usage", "*"]),
    route("periods", Endpoint::NativePeriods, GET, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "periods"]),
    route("status", Endpoint::HeldStatus, GET, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "status"]),
    route("restatements", Endpoint::Restatements, GET, None, &[OWN, OWN_VERSION, ENROLLMENTS, "*", "restatements"]),
    route("tags", Endpoint::Tags, GET, CONSUMPTION, &["tags"]),
    route("aggregatedCost", Endpoint::AggregatedCost, GET, CONSUMPTION, &["aggregatedCost"]),
    // So the older versions spell it with a billing period: without `providers` in front of the last provider.
    route(
        "aggregatedCost",
        Endpoint::AggregatedCost,
        GET,
        BILLING,
        &["billingPeriods", "*", "Microsoft.Consumption", "aggregatedCost"],
    ),
    route("operations", Endpoint::Operations, GET, CONSUMPTION, &["operations"]),
    route("operations", Endpoint::Operations, GET, COST_MANAGEMENT, &["operations"]),
    route("operations", Endpoint::Operations, GET, BILLING, &["operations"]),
    route(
        "generateDetailedCostReport",
        Endpoint::CreateDetailedCost,
        POST,
        COST_MANAGEMENT,
        &["generateDetailedCostReport"],
    ),
    route("operationResults", Endpoint::DetailedCostResult, GET, COST_MANAGEMENT, &["operationResults", "*"]),
    route("operationStatus", Endpoint::DetailedCostStatus, GET, COST_MANAGEMENT, &["operationStatus", "*"]),
    route("usage-report", Endpoint::UsageReport, GET, None, &["rest", "*", "usage-report"]),
];

/// All routes, in the order in which they are looked up.
pub(crate) fn all() -> &'static [Route] {
    &ROUTES
}

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
                Endpoint::DetailedCostResult,
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
            ("/v3/enrollments/100/MarketplaceCharges", Endpoint::EnterpriseMarketplace, "", "v3 100"),
            (
                "/v3/enrollments/100/billingperiods/201702/marketplacecharges",
                Endpoint::EnterpriseMarketplace,
                "",
                "v3 100 201702",
            ),
            (
                "/v3/enrollments/100/marketplacechargesByCustomDate",
                Endpoint::EnterpriseMarketplaceByDates,
                "",
                "v3 100",
            ),
            (
                "/subscriptions/A/providers/Microsoft.Consumption/Marketplaces",
                Endpoint::Marketplaces,
                "subscriptions/A",
                "",
            ),
            ("/lazurite/v1/enrollments/100/usage/Day-1", Endpoint::NativeUsage, "", "100 Day-1"),
            ("/Lazurite/V1/Enrollments/100/Periods", Endpoint::NativePeriods, "", "100"),
            ("/lazurite/v1/enrollments/100/Status", Endpoint::HeldStatus, "", "100"),
            ("/lazurite/v1/enrollments/100/restatements", Endpoint::Restatements, "", "100"),
            ("/providers/microsoft.costmanagement/Operations", Endpoint::Operations, "", ""),
            ("/Rest/100/Usage-Report", Endpoint::UsageReport, "", "100"),
            (
                "/providers/Microsoft.CostManagement/billingAccounts/1/providers/Microsoft.Consumption/tags",
                Endpoint::Tags,
                "providers/Microsoft.CostManagement/billingAccounts/1",
                "",
            ),
            (
                "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Billing/billingPeriods/201702\
                 /Microsoft.Consumption/aggregatedcost",
                Endpoint::AggregatedCost,
                "providers/Microsoft.Management/managementGroups/m",
                "201702",
            ),
            (
                "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Billing/billingPeriods/201702\
                 /providers/Microsoft.Consumption/aggregatedCost",
                Endpoint::AggregatedCost,
                "providers/Microsoft.Management/managementGroups/m/providers/Microsoft.Billing/billingPeriods/201702",
                "",
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
