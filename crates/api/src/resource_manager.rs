//! Subscriptions and tenants, as Azure Resource Manager lists them. `az` asks for them at each login.

use access::{VisibleSubscription, visible_subscriptions};
use axum::http::StatusCode;
use axum::response::Response;
use ledger::{Scope, SubscriptionId};
use serde_json::{Value, json as object};
use uuid::Uuid;

use crate::arm::{ApiError, api_version_from, authenticate, excerpt, json, permit};
use crate::dispatch::Call;

/// The operations answer alike in all versions, of which there are many; this is the first.
const FIRST_VERSION: &str = "2014-04-01";
const SUPPORTED_VERSIONS: &[&str] = &["2014-04-01 and every later date"];
const READ_ACTION: &str = "Microsoft.Resources/subscriptions/read";

/// Lists the subscriptions whose charges the caller may read. One answer holds them all: the hierarchy that it is made
/// of is held in memory as a whole.
pub(crate) async fn subscriptions(call: &Call<'_>) -> Result<Response, ApiError> {
    let caller = authenticate(call).await?;
    check_query(call)?;
    let found = visible_subscriptions(&call.state.catalog, &caller).await?;
    let tenant = call.state.authenticator.tenant();
    let value: Vec<Value> = found.iter().map(|one| subscription_object(one, tenant)).collect();
    let count = object!({ "type": "Total", "value": value.len() });
    Ok(json(StatusCode::OK, &object!({ "value": value, "count": count })))
}

/// One of them.
pub(crate) async fn subscription(call: &Call<'_>, id: &str) -> Result<Response, ApiError> {
    let caller = authenticate(call).await?;
    check_query(call)?;
    let id = SubscriptionId::parse(id).map_err(|_| ApiError::InvalidSubscriptionId(excerpt(id)))?;
    let catalog = &call.state.catalog;

    permit(catalog, &caller, &Scope::Subscription(id), &format!("subscriptions/{id}"), READ_ACTION).await?;

    let found = visible_subscriptions(catalog, &caller).await?.into_iter().find(|one| one.id == id);
    // A permit and a list differ only when the roles changed between them.
    let found = found.ok_or_else(|| ApiError::SubscriptionNotFound(id.to_string()))?;
    Ok(json(StatusCode::OK, &subscription_object(&found, call.state.authenticator.tenant())))
}

/// Lists the one tenant of the store.
pub(crate) async fn tenants(call: &Call<'_>) -> Result<Response, ApiError> {
    authenticate(call).await?;
    check_query(call)?;
    let tenant = call.state.authenticator.tenant();
    let tenant = object!({
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant,
        "countryCode": "",
        "displayName": "Lazurite",
        "domains": [],
        "tenantCategory": "Home",
    });
    Ok(json(StatusCode::OK, &object!({ "value": [tenant] })))
}

fn check_query(call: &Call<'_>) -> Result<(), ApiError> {
    api_version_from(&call.query, FIRST_VERSION, SUPPORTED_VERSIONS)?;
    if call.state.settings.emulate { Ok(()) } else { call.query.refuse_others(&["api-version"]) }
}

fn subscription_object(subscription: &VisibleSubscription, tenant: Uuid) -> Value {
    let id = subscription.id.to_string();
    object!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": tenant,
        "displayName": subscription.name.as_deref().unwrap_or(&id),
        // `az` hides those in any other state.
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}
