//! Who is asking, and whether they may (contract `arm-conventions.md`, section 3; SEMANTICS 6.4).

use access::{AuthError, Caller, Permit, PricePermit, Refusal};
use axum::http::{HeaderMap, header};
use catalog::Catalog;
use ledger::Scope;

use super::{ApiError, excerpt};
use crate::clock::system_now_ms;
use crate::dispatch::Call;

/// The caller of a request. Credentials follow the system clock.
pub(crate) async fn authenticate(call: &Call<'_>) -> Result<Caller, ApiError> {
    let token = bearer(&call.parts.headers)?;
    match call.state.authenticator.authenticate(token, system_now_ms()).await {
        Ok(caller) => {
            call.note_caller(&caller);
            Ok(caller)
        }
        Err(AuthError::Unknown) => Err(ApiError::InvalidCredential("it is not known here")),
        Err(AuthError::Invalid(reason)) => Err(ApiError::InvalidCredential(reason)),
        Err(AuthError::Expired) => Err(ApiError::ExpiredCredential),
        Err(AuthError::Unavailable { issuer }) => Err(ApiError::IssuerUnavailable(issuer)),
        Err(AuthError::Catalog(error)) => Err(error.into()),
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let wrong_form = || ApiError::MalformedCredential;
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(ApiError::MissingCredential)?;
    if values.next().is_some() {
        return Err(wrong_form());
    }
    let (scheme, token) = value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or_else(wrong_form)?;
    let token = token.trim_start();
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() { Ok(token) } else { Err(wrong_form()) }
}

/// The scope of a path and its text as the caller wrote it.
pub(crate) fn parse_scope(segments: &[String]) -> Result<(Scope, String), ApiError> {
    let text = segments.join("/");
    match Scope::parse(&text) {
        Ok(scope) => Ok((scope, text)),
        Err(_) => match segments {
            [kind, id] if kind.eq_ignore_ascii_case("subscriptions") => {
                Err(ApiError::InvalidSubscriptionId(excerpt(id)))
            }
            _ => Err(unsupported_scope(&text)),
        },
    }
}

/// The permit of a caller for a scope, which was written as `text`.
pub(crate) async fn permit(
    catalog: &Catalog,
    caller: &Caller,
    scope: &Scope,
    text: &str,
    action: &'static str,
) -> Result<Permit, ApiError> {
    access::permit(catalog, caller, scope).await.map_err(|refusal| refused(refusal, caller, text, action))
}

/// Decides whose prices a caller may read at a scope whose charges it may read, which was written as `text`.
pub(crate) async fn permit_prices(
    catalog: &Catalog,
    caller: &Caller,
    permit: &Permit,
    text: &str,
    action: &'static str,
) -> Result<PricePermit, ApiError> {
    access::permit_prices(catalog, caller, permit).await.map_err(|refusal| refused(refusal, caller, text, action))
}

/// What a caller is told who is refused a scope, which was written as `text`.
pub(crate) fn refused(refusal: Refusal, caller: &Caller, text: &str, action: &'static str) -> ApiError {
    match refusal {
        Refusal::NoRole { scope } => ApiError::Forbidden {
            code: match scope {
                Scope::Subscription(_) | Scope::ResourceGroup { .. } => "RBACAccessDenied",
                _ => "BillingAccessDenied",
            },
            client: caller.id().to_owned(),
            action,
            scope: text.to_owned(),
        },
        Refusal::Disabled { enrollment, by, .. } => {
            ApiError::CostDisabled { by, enrollment: enrollment.to_string(), scope: text.to_owned() }
        }
        Refusal::Ambiguous { nested, .. } => ApiError::AmbiguousScope {
            scope: text.to_owned(),
            nested: nested.iter().map(|scope| format!("/{scope}")).collect(),
        },
        Refusal::Unknown { scope: Scope::Subscription(id) } => ApiError::SubscriptionNotFound(id.to_string()),
        Refusal::Unknown { .. } => ApiError::NotFound(format!("The scope '{}' could not be found.", excerpt(text))),
        Refusal::Unsupported { .. } => unsupported_scope(text),
        Refusal::Catalog(error) => error.into(),
    }
}

/// The refusal of a scope at which there are no charges.
pub(crate) fn unsupported_scope(text: &str) -> ApiError {
    ApiError::BadRequest(format!(
        "The scope '{}' is not supported. Supported are billing accounts \
         (providers/Microsoft.Billing/billingAccounts/ENROLLMENT), departments and enrollment accounts \
         (providers/Microsoft.Billing/departments/ID and …/enrollmentAccounts/ID, or the same below a billing account), and \
         subscriptions (subscriptions/GUID).",
        excerpt(text)
    ))
}
