//! OpenID configurations: where a tenant has its token endpoint.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json as object;

use super::Protocol;
use super::tenant::Tenant;
use crate::address::BaseUrl;
use crate::arm::{ApiError, json};
use crate::dispatch::Call;

/// The configuration of a tenant; without a tenant, of the one that the store has.
pub(crate) fn configuration(call: &Call<'_>, protocol: Protocol, tenant: Option<&str>) -> Result<Response, ApiError> {
    let tenant = tenant.map_or(Ok(Tenant::Store), Tenant::parse)?;
    let base = BaseUrl::of(&call.state.settings, call.parts)?;
    let store = call.state.authenticator.tenant().to_string();

    let own = base.tenant(tenant.word(&store));
    let oauth = match tenant.protocol(protocol) {
        Protocol::V1 => format!("{own}/oauth2"),
        Protocol::V2 => format!("{own}/oauth2/v2.0"),
    };
    let configuration = object!({
        "token_endpoint": format!("{oauth}/token"),
        // Libraries demand it, for logins of persons; there are none here, and nothing is behind it.
        "authorization_endpoint": format!("{oauth}/authorize"),
        "issuer": tenant.issuer(&base, &store, protocol),
        "jwks_uri": format!("{own}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    Ok(json(StatusCode::OK, &configuration))
}

/// The public keys of tokens: none, for only this server itself judges its tokens.
pub(crate) fn keys(tenant: &str) -> Result<Response, ApiError> {
    Tenant::parse(tenant)?;
    Ok(json(StatusCode::OK, &object!({ "keys": [] })))
}
