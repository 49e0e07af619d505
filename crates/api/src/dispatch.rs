//! From a request to its answer: path, route, method, handler, error body, common headers.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;

use access::Caller;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use futures::FutureExt;
use ledger::EnrollmentId;

use crate::address::BaseUrl;
use crate::arm::{ApiError, ErrorShape, Query, add_common_headers, drain, segments};
use crate::routes::{Endpoint, Matched, Route, find};
use crate::state::ApiState;
use crate::{
    billing_accounts, billing_periods, blobs, consumption, cost_details, enterprise_reporting, health, held, login,
    metrics, native, operations, resource_manager, sheet_files,
};

/// What the log may say about an answer; an extension of every answer. Paths and queries carry links and are not in it.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Name of the route, `unmatched` if there was none.
    pub route: &'static str,
    /// The id that the caller was told.
    pub request_id: String,
    /// Public id of the caller's credential, never the credential; `None` for nobody and for strangers.
    pub caller: Option<String>,
}

/// A request, taken apart.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a ApiState,
    pub(crate) parts: &'a Parts,
    pub(crate) query: Query,
    caller: &'a OnceLock<KnownCaller>,
}

/// What the logs may say about a caller whose credential was accepted.
#[derive(Debug)]
pub(crate) struct KnownCaller {
    /// Its public id.
    pub(crate) id: String,
    /// The enrollment on which it has roles, if there is only one.
    pub(crate) enrollment: Option<EnrollmentId>,
}

impl Call<'_> {
    /// Notes for the logs whose credential was accepted.
    pub(crate) fn note_caller(&self, caller: &Caller) {
        self.caller.get_or_init(|| {
            let mut enrollments = caller.enrollments();
            let enrollment = enrollments.pop().filter(|_| enrollments.is_empty());
            KnownCaller { id: caller.id().to_owned(), enrollment }
        });
    }
}

/// All routes over a store. Listeners add a [`Scheme`](crate::Scheme) extension and
/// [`ConnectInfo`](axum::extract::ConnectInfo) to each request.
pub fn router(state: ApiState) -> Router {
    Router::new().fallback(answer).with_state(state)
}

async fn answer(State(state): State<ApiState>, request: Request) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (parts, mut body) = request.into_parts();
    let mut route = None;
    let caller = OnceLock::new();
    // A broken invariant ends the request, not the connection with others waiting on it.
    let handled = AssertUnwindSafe(handle(&state, &parts, &mut body, &mut route, &caller)).catch_unwind().await;
    let handled = handled.unwrap_or_else(|_| Err(ApiError::Internal("the handler of the request panicked".into())));
    let emulate = state.settings.emulate;
    let shape = route.map_or(ErrorShape::ResourceManager, |route| route.error_shape(emulate));
    let route = route.map_or("unmatched", |route| route.name);
    let mut response = handled.unwrap_or_else(|error| {
        if error.is_refusal() {
            state.refusals.note(caller.get(), route, &error);
        }
        let tenant = state.authenticator.tenant().to_string();
        let authorization = BaseUrl::of(&state.settings, &parts).ok().map(|base| base.tenant(&tenant));
        error.into_response(&request_id, authorization.as_deref(), shape)
    });
    drain(&parts.headers, body);
    add_common_headers(&parts.headers, &mut response, &request_id);
    response.extensions_mut().insert(Answered {
        route,
        request_id,
        caller: caller.into_inner().map(|caller| caller.id),
    });
    response
}

async fn handle(
    state: &ApiState,
    parts: &Parts,
    body: &mut Body,
    route: &mut Option<&'static Route>,
    caller: &OnceLock<KnownCaller>,
) -> Result<Response, ApiError> {
    let segments = segments(parts.uri.path())?;
    let call = Call { state, parts, query: Query::parse(parts.uri.query())?, caller };
    let matched = find(&segments, &call.query)?;
    *route = Some(matched.route);
    let allowed = matched.route.methods;
    if !allowed.contains(&parts.method) {
        return Err(ApiError::MethodNotAllowed { method: parts.method.clone(), allowed });
    }
    let Matched { route, scope, captures } = matched;
    match (route.endpoint, captures.as_slice()) {
        (Endpoint::Health, _) => Ok(health::health()),
        (Endpoint::Ready, _) => health::ready(state).await,
        (Endpoint::Metrics, _) => metrics::read(state).await,
        (Endpoint::Blob, [job, name]) => blobs::read(&call, job, name).await,
        (Endpoint::CloudMetadata, _) => login::metadata(&call),
        (Endpoint::OpenIdConfiguration(protocol), captures) => {
            login::configuration(&call, protocol, captures.first().copied())
        }
        (Endpoint::Token(protocol), [tenant]) => login::token(&call, protocol, tenant, body).await,
        (Endpoint::SigningKeys, [tenant]) => login::keys(tenant),
        (Endpoint::Subscriptions, _) => resource_manager::subscriptions(&call).await,
        (Endpoint::Subscription, [id]) => resource_manager::subscription(&call, id).await,
        (Endpoint::Tenants, _) => resource_manager::tenants(&call).await,
        (Endpoint::BillingAccounts, captures) => {
            billing_accounts::billing_accounts(&call, scope, captures.first().copied()).await
        }
        (Endpoint::Departments, [number]) => billing_accounts::departments(&call, scope, number, None).await,
        (Endpoint::Departments, [number, id]) => billing_accounts::departments(&call, scope, number, Some(id)).await,
        (Endpoint::EnrollmentAccounts, [number]) => {
            billing_accounts::enrollment_accounts(&call, scope, number, None, None).await
        }
        (Endpoint::EnrollmentAccounts, [number, id]) => {
            billing_accounts::enrollment_accounts(&call, scope, number, None, Some(id)).await
        }
        (Endpoint::DepartmentAccounts, [number, within]) => {
            billing_accounts::enrollment_accounts(&call, scope, number, Some(within), None).await
        }
        (Endpoint::DepartmentAccounts, [number, within, id]) => {
            billing_accounts::enrollment_accounts(&call, scope, number, Some(within), Some(id)).await
        }
        (Endpoint::Principals, captures) => billing_accounts::principals(&call, scope, captures.first().copied()).await,
        (Endpoint::BillingPeriods, _) => billing_periods::list(&call, scope).await,
        (Endpoint::BillingPeriod, [name]) => billing_periods::one(&call, scope, name).await,
        (Endpoint::CreateCostDetails, _) => cost_details::create(&call, scope, body).await,
        (Endpoint::PollCostDetails | Endpoint::DetailedCostResult | Endpoint::DownloadResult, [id])
            if sheet_files::is_operation(id) =>
        {
            sheet_files::result(&call, scope, id).await
        }
        (Endpoint::PollCostDetails, [id]) => cost_details::poll(&call, scope, id).await,
        (Endpoint::UsageDetails, _) => consumption::usage_details(&call, scope).await,
        (Endpoint::CreateDownload, _) => consumption::create_download(&call, scope, body).await,
        (Endpoint::DownloadResult, [id]) => consumption::download_result(&call, scope, id).await,
        (Endpoint::DownloadStatus, [id]) => consumption::download_status(&call, scope, id).await,
        (Endpoint::Charges, _) => consumption::charges(&call, scope).await,
        (Endpoint::Marketplaces, _) => consumption::marketplaces(&call, scope).await,
        (Endpoint::PriceSheet, _) => consumption::price_sheet(&call, scope).await,
        (Endpoint::PriceFile(through), _) => sheet_files::order_prices(&call, scope, body, through).await,
        (Endpoint::ReservationFile, _) => sheet_files::order_details(&call, scope, body).await,
        (Endpoint::ReservationFileResult, [id]) => sheet_files::result(&call, scope, id).await,
        (Endpoint::ReservationDetails, _) => consumption::reservation_details(&call, scope).await,
        (Endpoint::ReservationSummaries, _) => consumption::reservation_summaries(&call, scope).await,
        (Endpoint::ReservationTransactions, _) => consumption::reservation_transactions(&call, scope).await,
        (Endpoint::Balances, _) => consumption::balances(&call, scope).await,
        (Endpoint::BalanceSummary, [version, enrollment]) => {
            enterprise_reporting::balance_summary(&call, version, enrollment, None).await
        }
        (Endpoint::BalanceSummary, [version, enrollment, period]) => {
            enterprise_reporting::balance_summary(&call, version, enrollment, Some(period)).await
        }
        (Endpoint::EnterprisePeriods, [version, enrollment]) => {
            enterprise_reporting::billing_periods(&call, version, enrollment).await
        }
        (Endpoint::EnterpriseUsage, [version, enrollment]) => {
            enterprise_reporting::usage_details(&call, version, enrollment, None).await
        }
        (Endpoint::EnterpriseUsage, [version, enrollment, period]) => {
            enterprise_reporting::usage_details(&call, version, enrollment, Some(period)).await
        }
        (Endpoint::EnterpriseUsageByDates, [version, enrollment]) => {
            enterprise_reporting::usage_details_by_dates(&call, version, enrollment).await
        }
        (Endpoint::EnterpriseDownload, [version, enrollment]) => {
            enterprise_reporting::download(&call, version, enrollment).await
        }
        (Endpoint::EnterpriseSubmit, [version, enrollment]) => {
            enterprise_reporting::submit(&call, version, enrollment).await
        }
        (Endpoint::EnterprisePoll, [version, enrollment, id]) => {
            enterprise_reporting::poll(&call, version, enrollment, id).await
        }
        (Endpoint::EnterpriseMarketplace, [version, enrollment]) => {
            enterprise_reporting::marketplace_charges(&call, version, enrollment, None).await
        }
        (Endpoint::EnterpriseMarketplace, [version, enrollment, period]) => {
            enterprise_reporting::marketplace_charges(&call, version, enrollment, Some(period)).await
        }
        (Endpoint::EnterpriseMarketplaceByDates, [version, enrollment]) => {
            enterprise_reporting::marketplace_charges_by_dates(&call, version, enrollment).await
        }
        (Endpoint::EnterprisePrices, [version, enrollment]) => {
            enterprise_reporting::price_sheet(&call, version, enrollment, None).await
        }
        (Endpoint::EnterprisePrices, [version, enrollment, period]) => {
            enterprise_reporting::price_sheet(&call, version, enrollment, Some(period)).await
        }
        (Endpoint::EnterpriseReservationCharges, [version, enrollment]) => {
            enterprise_reporting::reservation_charges(&call, version, enrollment).await
        }
        (Endpoint::EnterpriseReservationDetails, [version, enrollment]) => {
            enterprise_reporting::reservation_details(&call, version, enrollment).await
        }
        (Endpoint::EnterpriseReservationSummaries, [version, enrollment]) => {
            enterprise_reporting::reservation_summaries(&call, version, enrollment).await
        }
        (Endpoint::NativeUsage, [enrollment, batch]) => native::post_usage(&call, enrollment, batch, body).await,
        (Endpoint::NativePeriods, [enrollment]) => native::periods(&call, enrollment).await,
        (Endpoint::HeldStatus, [enrollment]) => held::status(&call, enrollment).await,
        (Endpoint::Restatements, [enrollment]) => held::restatements(&call, enrollment).await,
        (Endpoint::Tags, _) => consumption::tags(&call, scope).await,
        (Endpoint::AggregatedCost, captures) => {
            consumption::aggregated_cost(&call, scope, captures.first().copied()).await
        }
        (Endpoint::Operations, _) => operations::list(&call, scope, route).await,
        (Endpoint::CreateDetailedCost, _) => cost_details::detailed::create(&call, scope, body).await,
        (Endpoint::DetailedCostResult, [id]) => cost_details::detailed::result(&call, scope, id).await,
        (Endpoint::DetailedCostStatus, [id]) => cost_details::detailed::status(&call, scope, id).await,
        (Endpoint::UsageReport, [enrollment]) => enterprise_reporting::usage_report(&call, enrollment).await,
        (endpoint, _) => Err(ApiError::Internal(format!("the route of {endpoint:?} captures too little").into())),
    }
}
