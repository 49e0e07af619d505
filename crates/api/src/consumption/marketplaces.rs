//! `GET {scope}[/{billing period}]/providers/Microsoft.Consumption/marketplaces`: charges of Marketplace publishers, page by
//! page (contract `consumption-api.md` section 7). They are rows like all others; Cost Details has them too.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use formats::{JsonEncoder, RowContext};
use ledger::{Dataset, Generation};
use pages::PageQuestion;

use super::limits::Limit;
use super::request::Asked;
use super::usage_details::{EMPTY_SINCE, id_prefix, page_size};
use super::{API_VERSIONS, answer, page};
use crate::address::BaseUrl;
use crate::arm::{ApiError, SKIP_TOKEN, api_version, authenticate, next_link, parse_scope, refused, split_period};
use crate::dispatch::Call;

/// Versions that have the operation: all from 2018-01-31 on.
const MARKETPLACE_VERSIONS: &[&str] = API_VERSIONS.split_at(2).1;
const PARAMETERS: &[&str] = &["api-version", "$filter", "$top", SKIP_TOKEN];
const READ_ACTION: &str = "Microsoft.Consumption/marketplaces/read";
/// Keeps tokens of these pages and those of usage details apart.
const FORM: &str = "marketplaces";

/// Answers with a page.
pub(crate) async fn marketplaces(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, MARKETPLACE_VERSIONS)?;
    if !state.settings.emulate {
        call.query.refuse_others(PARAMETERS)?;
    }
    let (segments, period) = split_period(segments)?;
    let (scope, scope_text) = parse_scope(segments)?;
    let rows_max = usize::from(page_size(call)?.rows());
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let token = call.query.get(SKIP_TOKEN).filter(|token| !token.is_empty());
    let permit = state.pages.permit(&caller, &scope, token).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &scope_text, READ_ACTION))?;

    let asked = Asked::read(call, &permit, api_version, period, Limit::List).await?;
    let context = RowContext {
        id_prefix: id_prefix(&scope, segments, api_version),
        first_open_period: asked.first_open_period(),
    };
    let question = PageQuestion {
        permit: &permit,
        generation: Generation::Marketplaces,
        dataset: Dataset::ActualCost,
        asked: asked.asked,
        window: asked.window,
        filter: asked.filter,
        form: FORM,
    };
    let walk = state.pages.walk(question, token).await?;
    let found = state.pages.rows(&walk, &JsonEncoder::marketplaces(api_version), &context, rows_max).await?;

    if found.rows.iter().all(Vec::is_empty) && api_version >= EMPTY_SINCE && state.settings.no_content {
        return Ok(answer(StatusCode::NO_CONTENT, Body::empty()));
    }
    let next = found.next.map(|token| next_link(&base, call.parts, &call.query, &token));
    Ok(page(found.rows, next.as_deref()))
}
