//! `GET /{version}/enrollments/{enrollment}[/billingPeriods/{period}]/usagedetails` and `…/usagedetailsbycustomdate`: rows,
//! page by page. Clients look `nextLink` up on every page: it is always there, and null on the last one.

use access::Caller;
use axum::response::Response;
use calendar::BillingPeriod;
use formats::{JsonEncoder, ReportingVersion, RowContext};
use ledger::{ChargeFilter, Dataset, Generation, Window};
use pages::{PageError, PageQuestion};

use super::asked::{END, Limit, START, enrollment_of, meant, named, nothing_held, without_data};
use super::{check_query, part, version};
use crate::address::BaseUrl;
use crate::arm::{ApiError, SKIP_TOKEN, authenticate, billing_period, next_link, tagged_text};
use crate::dispatch::Call;

/// Rows of a page.
const PAGE_ROWS: usize = 1000;

/// Answers with a page of a billing period, the current one if the path names none.
pub(crate) async fn usage_details(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
    period: Option<&str>,
) -> Result<Response, ApiError> {
    let version = version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[SKIP_TOKEN])?;
    let period = period.map(billing_period).transpose()?;
    page(call, &caller, version, enrollment, period.map(Window::Period)).await
}

/// Answers with a page of a range of days.
pub(crate) async fn usage_details_by_dates(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    let version = version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[START, END, SKIP_TOKEN])?;
    let asked = named(call, Limit::ThreeYears)?;
    page(call, &caller, version, enrollment, asked).await
}

async fn page(
    call: &Call<'_>,
    caller: &Caller,
    version: ReportingVersion,
    enrollment: &str,
    asked: Option<Window>,
) -> Result<Response, ApiError> {
    let state = call.state;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let permit = part(call, caller, enrollment).await?;

    let window = meant(call, &permit, asked).await?;
    let question = PageQuestion {
        permit: &permit,
        generation: Generation::EnterpriseReporting,
        dataset: Dataset::ActualCost,
        asked,
        window,
        filter: ChargeFilter::default(),
        form: "",
    };
    let token = call.query.get(SKIP_TOKEN).filter(|token| !token.is_empty());
    let walk = state.pages.walk(question, token).await.map_err(|error| match error {
        PageError::NotHeld(reason) => without_data(&window, format!("{reason}.")),
        error => error.into(),
    })?;
    if walk.nothing_held() {
        return Err(nothing_held("usage details", &permit, &window));
    }
    let encoder = JsonEncoder::reporting(version);
    // Rows of this generation say neither id nor whether their period is open.
    let context = RowContext { id_prefix: String::new(), first_open_period: BillingPeriod::of(calendar::Date::MAX) };
    let page = state.pages.rows(&walk, &encoder, &context, PAGE_ROWS).await?;

    let next = page.next.map(|token| next_link(&base, call.parts, &call.query, &token));
    let id = id(&enrollment_of(&permit), &walk.window());
    Ok(tagged_text(&call.parts.headers, render(&id, &page.rows.concat(), next.as_deref())))
}

/// Names what all pages of an answer are about; the contract does not say what it is.
fn id(enrollment: &str, window: &Window) -> String {
    match window {
        Window::Period(period) => format!("enrollments/{enrollment}/billingperiods/{period}/usagedetails"),
        Window::Dates(days) => {
            format!("enrollments/{enrollment}/usagedetailsbycustomdate/{}/{}", days.start(), days.end())
        }
    }
}

fn render(id: &str, rows: &[u8], next_link: Option<&str>) -> Vec<u8> {
    let mut body = Vec::with_capacity(rows.len() + 512);
    body.extend_from_slice(format!("{{\"id\":{},\"data\":[", serde_json::Value::from(id)).as_bytes());
    body.extend_from_slice(rows);
    body.extend_from_slice(format!("],\"nextLink\":{}}}", serde_json::Value::from(next_link)).as_bytes());
    body
}
