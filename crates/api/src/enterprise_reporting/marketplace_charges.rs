//! `GET /{version}/enrollments/{enrollment}[/billingPeriods/{period}]/marketplacecharges` and
//! `…/marketplacechargesbycustomdate`: charges of Marketplace publishers, the whole answer as one list (contract section 8).
//! Keys of a department or an account get none (contract section 2).

use access::Caller;
use axum::response::Response;
use calendar::BillingPeriod;
use formats::{JsonEncoder, ReportingVersion, RowContext};
use ledger::{ChargeFilter, Dataset, Generation, Window};
use pages::{PageError, PageQuestion};

use super::asked::{END, Limit, START, meant, named, nothing_held, without_data};
use super::{check_query, enrollment_scope, version};
use crate::arm::{ApiError, authenticate, billing_period, permit, tagged_text};
use crate::dispatch::Call;

const READ_ACTION: &str = "Microsoft.Consumption/marketplaces/read";
/// Rows that are read at a time.
const PAGE_ROWS: usize = 1000;
/// Longest answer: it is put together in memory. Marketplace charges of a month are some thousands.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// Answers with the charges of a billing period, the current one if the path names none.
pub(crate) async fn marketplace_charges(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
    period: Option<&str>,
) -> Result<Response, ApiError> {
    let version = version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[])?;
    let period = period.map(billing_period).transpose()?;
    list(call, &caller, version, (enrollment, period.map(Window::Period))).await
}

/// Answers with the charges of a range of days.
pub(crate) async fn marketplace_charges_by_dates(
    call: &Call<'_>,
    version_text: &str,
    enrollment: &str,
) -> Result<Response, ApiError> {
    let version = version(version_text)?;
    let caller = authenticate(call).await?;
    check_query(call, &[START, END])?;
    let asked = named(call, Limit::ThreeYears)?;
    list(call, &caller, version, (enrollment, asked)).await
}

async fn list(
    call: &Call<'_>,
    caller: &Caller,
    version: ReportingVersion,
    (enrollment, asked): (&str, Option<Window>),
) -> Result<Response, ApiError> {
    let state = call.state;
    let (scope, text) = enrollment_scope(enrollment)?;

    let permit = permit(&state.catalog, caller, &scope, &text, READ_ACTION).await?;

    let window = meant(call, &permit, asked).await?;
    let question = PageQuestion {
        permit: &permit,
        generation: Generation::Marketplaces,
        dataset: Dataset::ActualCost,
        asked,
        window,
        filter: ChargeFilter::default(),
        form: "",
    };
    let encoder = JsonEncoder::marketplace_charges(version);
    // Rows of this generation say neither id nor whether their period is open.
    let context = RowContext { id_prefix: String::new(), first_open_period: BillingPeriod::of(calendar::Date::MAX) };
    let mut body = b"[".to_vec();
    let mut token: Option<String> = None;
    loop {
        let walk = state.pages.walk(question.clone(), token.as_deref()).await.map_err(|error| match error {
            PageError::NotHeld(reason) => without_data(&window, format!("{reason}.")),
            error => error.into(),
        })?;
        if walk.nothing_held() {
            return Err(nothing_held("Marketplace charges", &permit, &window));
        }
        let page = state.pages.rows(&walk, &encoder, &context, PAGE_ROWS).await?;
        if token.is_some() {
            body.push(b',');
        }
        page.rows.iter().for_each(|piece| body.extend_from_slice(piece));
        if body.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::BadRequest(
                "The answer is longer than 128 MiB. Ask for fewer days: marketplacechargesbycustomdate?startTime=…&endTime=…."
                    .to_owned(),
            ));
        }
        match page.next {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    body.push(b']');
    Ok(tagged_text(&call.parts.headers, body))
}
