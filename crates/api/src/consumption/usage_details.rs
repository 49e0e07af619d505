//! `GET {scope}[/{billing period}]/providers/Microsoft.Consumption/usageDetails`: the rows of a scope, page by page, in the
//! shape of the api-version.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use formats::{JsonEncoder, RowContext};
use ledger::Scope;
use odata::{Grouping, PageSize};
use pages::PageQuestion;

use super::limits::Limit;
use super::request::{Asked, has_metric, parse_expand};
use super::{API_VERSIONS, answer, groups, page};
use crate::address::BaseUrl;
use crate::arm::{ApiError, SKIP_TOKEN, api_version, authenticate, next_link, parse_scope, refused, split_period};
use crate::dispatch::Call;

const READ_ACTION: &str = "Microsoft.Consumption/usageDetails/read";
/// From this version on an answer without rows is a 204.
pub(super) const EMPTY_SINCE: &str = "2021-10-01";
/// Ids of subscriptions have no slash in front up to this version; all later ones have it.
const PLAIN_IDS_UNTIL: &str = "2018-01-31";
/// Between these versions rows can be grouped.
const APPLY_SINCE: &str = "2018-03-31";
const APPLY_UNTIL: &str = "2019-01-01";

/// Answers with a page.
pub(crate) async fn usage_details(call: &Call<'_>, segments: &[String]) -> Result<Response, ApiError> {
    let state = call.state;
    let caller = authenticate(call).await?;
    let api_version = api_version(&call.query, API_VERSIONS)?;
    check_query(call, api_version)?;
    let (segments, period) = split_period(segments)?;
    let (scope, scope_text) = parse_scope(segments)?;
    let rows_max = usize::from(page_size(call)?.rows());
    let grouping = grouping(call, api_version)?;
    let expanded = parse_expand(call)?;
    let base = BaseUrl::of(&state.settings, call.parts)?;

    let token = call.query.get(SKIP_TOKEN).filter(|token| !token.is_empty());
    let permit = state.pages.permit(&caller, &scope, token).await;
    let permit = permit.map_err(|refusal| refused(refusal, &caller, &scope_text, READ_ACTION))?;

    let asked = Asked::read(call, &permit, api_version, period, Limit::List).await?;
    let context = RowContext {
        id_prefix: id_prefix(&scope, segments, api_version),
        first_open_period: asked.first_open_period(),
    };
    let form = grouping.map(|grouping| format!("{grouping:?}")).unwrap_or_default();
    let question = PageQuestion {
        permit: &permit,
        generation: asked.generation,
        dataset: asked.dataset,
        asked: asked.asked,
        window: asked.window,
        filter: asked.filter,
        form: &form,
    };
    let walk = state.pages.walk(question, token).await?;

    let (rows, next) = match grouping {
        None => {
            let encoder = JsonEncoder::usage_details(api_version, expanded);
            let page = state.pages.rows(&walk, &encoder, &context, rows_max).await?;
            (page.rows, page.next)
        }
        Some(grouping) => {
            let page = state.pages.groups(&walk, grouping == Grouping::TagsAndDay, rows_max).await?;
            (vec![groups::render(&page.groups, &context)], page.next)
        }
    };
    if rows.iter().all(Vec::is_empty) && api_version >= EMPTY_SINCE && state.settings.no_content {
        return Ok(answer(StatusCode::NO_CONTENT, Body::empty()));
    }
    let next = next.map(|token| next_link(&base, call.parts, &call.query, &token));
    Ok(page(rows, next.as_deref()))
}

fn check_query(call: &Call<'_>, api_version: &str) -> Result<(), ApiError> {
    if call.state.settings.emulate {
        return Ok(());
    }
    let mut known = vec!["api-version", "$filter", "$expand", "$top", SKIP_TOKEN];
    if has_metric(api_version) {
        known.push("metric");
    }
    if has_apply(api_version) {
        known.push("$apply");
    }
    call.query.refuse_others(&known)
}

fn has_apply(api_version: &str) -> bool {
    (APPLY_SINCE..=APPLY_UNTIL).contains(&api_version)
}

pub(super) fn page_size(call: &Call<'_>) -> Result<PageSize, ApiError> {
    match call.query.get("$top") {
        None => Ok(PageSize::default()),
        Some(text) => Ok(PageSize::parse(text)?),
    }
}

fn grouping(call: &Call<'_>, api_version: &str) -> Result<Option<Grouping>, ApiError> {
    match call.query.get("$apply").filter(|_| has_apply(api_version)) {
        None => Ok(None),
        Some(text) => Ok(Some(Grouping::parse(text)?)),
    }
}

/// How ids begin: subscriptions as the caller wrote them, billing scopes with the capitals of the original's ids.
pub(super) fn id_prefix(scope: &Scope, segments: &[String], api_version: &str) -> String {
    let nested = |enrollment: &Option<ledger::EnrollmentId>| {
        enrollment.as_ref().map(|number| format!("BillingAccounts/{number}/")).unwrap_or_default()
    };
    let billing = "/providers/Microsoft.Billing";
    match scope {
        Scope::BillingAccount(number) => format!("{billing}/BillingAccounts/{number}"),
        Scope::Department { enrollment, id } => format!("{billing}/{}Departments/{id}", nested(enrollment)),
        Scope::EnrollmentAccount { enrollment, id } => {
            format!("{billing}/{}EnrollmentAccounts/{id}", nested(enrollment))
        }
        Scope::Subscription(_) | Scope::ResourceGroup { .. } => {
            let slash = if api_version <= PLAIN_IDS_UNTIL { "" } else { "/" };
            format!("{slash}{}", segments.join("/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_as_the_original_spells_them() {
        let prefix = |path: &str, version| {
            let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
            id_prefix(&Scope::parse(path).unwrap(), &segments, version)
        };
        let subscription = "subscriptions/1CAAA5A3-2b66-438e-8ab4-bce37d518c5d";
        assert_eq!(prefix(subscription, "2018-01-31"), subscription);
        assert_eq!(prefix(subscription, "2018-03-31"), format!("/{subscription}"));
        for (path, expected) in [
            ("billingAccounts/12", "BillingAccounts/12"),
            ("departments/7", "Departments/7"),
            ("billingaccounts/12/departments/7", "BillingAccounts/12/Departments/7"),
            ("billingAccounts/12/enrollmentaccounts/9", "BillingAccounts/12/EnrollmentAccounts/9"),
        ] {
            let path = format!("providers/Microsoft.Billing/{path}");
            assert_eq!(prefix(&path, "2024-08-01"), format!("/providers/Microsoft.Billing/{expected}"));
        }
    }

    #[test]
    fn rows_are_grouped_in_the_versions_of_that_time() {
        for (version, expected) in
            [("2018-01-31", false), ("2018-03-31", true), ("2019-01-01", true), ("2019-04-01-preview", false)]
        {
            assert_eq!(has_apply(version), expected, "{version}");
        }
    }
}
