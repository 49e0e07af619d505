//! Cloud metadata: from it `az`, Terraform and SDKs learn where a cloud has its parts. All of ours are this server.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json as object};

use crate::address::BaseUrl;
use crate::arm::{ApiError, api_version_from, json};
use crate::dispatch::Call;

/// The version before the first one with today's members.
const OLD_VERSION: &str = "2015-01-01";
/// From this version on the answer is one cloud, before it a list of clouds. `az` breaks on the other form.
const FIRST_VERSION_OF_ONE: &str = "2022-09-01";

/// This server as a cloud.
pub(crate) fn metadata(call: &Call<'_>) -> Result<Response, ApiError> {
    let version = api_version_from(&call.query, OLD_VERSION, &["2015-01-01 and every later date"])?;
    let base = BaseUrl::of(&call.state.settings, call.parts)?;
    let answer = match version {
        OLD_VERSION => old_cloud(&base),
        version if version >= FIRST_VERSION_OF_ONE => cloud(&base),
        _ => Value::Array(vec![cloud(&base)]),
    };
    Ok(json(StatusCode::OK, &answer))
}

fn cloud(base: &BaseUrl) -> Value {
    let (server, host) = (base.server(), base.host());
    object!({
        "name": "Lazurite",
        "resourceManager": server,
        "portal": server,
        "authentication": {
            "loginEndpoint": server,
            "audiences": [base.audience()],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": server,
        "graphAudience": server,
        "media": server,
        "batch": server,
        "gallery": server,
        "sqlManagement": server,
        "vmImageAliasDoc": server,
        "activeDirectoryDataLake": server,
        "suffixes": { "storage": host, "keyVaultDns": host, "sqlServerHostname": host },
    })
}

fn old_cloud(base: &BaseUrl) -> Value {
    let server = base.server();
    object!({
        "galleryEndpoint": server,
        "graphEndpoint": server,
        "portalEndpoint": server,
        "authentication": { "loginEndpoint": server, "audiences": [base.audience()] },
    })
}
