//! Errors of the login side, in the form that identity libraries read: `error`, `error_description`, `error_codes`.
//!
//! Libraries show the description to their user and act on `error` and on the numbers, which are those of the original.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use super::super::headers::json;
use super::{ApiError, excerpt};

/// Why somebody is not logged in. No member holds a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// A tenant that cannot be one.
    #[error("AADSTS90002: Tenant '{}' not found. A tenant of this server is a word of letters, digits, dots and hyphens.", excerpt(.0))]
    Tenant(String),
    /// A token is asked of a tenant that only stands for others.
    #[error(
        "AADSTS50059: '{}' names no tenant, and a key has no other one to ask. Name the tenant, such as '{tenant}' (az login --tenant {tenant}).",
        excerpt(given)
    )]
    NoTenant {
        /// What was given.
        given: String,
        /// The tenant of this server.
        tenant: String,
    },
    /// A parameter is missing.
    #[error("AADSTS900144: The request body must contain the following parameter: '{0}'.")]
    Missing(&'static str),
    /// A parameter that is too long, or that has control characters in it.
    #[error("AADSTS90023: The parameter '{0}' is too long or holds control characters.")]
    Unfit(&'static str),
    /// Credentials in the header and in the body.
    #[error("AADSTS90023: The request has credentials both in its Authorization header and in its body.")]
    TwoCredentials,
    /// A grant other than that of client credentials.
    #[error("AADSTS70003: The grant type '{}' is not supported; expected client_credentials.", excerpt(.0))]
    Grant(String),
    /// Neither secret nor header.
    #[error("AADSTS7000218: The request body must contain the following parameter: 'client_secret'.")]
    NoSecret,
    /// An `Authorization` header of another form.
    #[error("AADSTS7000218: The Authorization header must be 'Basic' with client id and client secret.")]
    NotBasic,
    /// No key has this id and this secret.
    #[error("AADSTS7000215: Invalid client secret provided for app '{}'. The client id is the id of an API key, the client secret the key itself.", excerpt(.0))]
    Secret(String),
    /// The key has ended.
    #[error("AADSTS7000222: The provided client secret for app '{}' is expired: create or rotate an API key.", excerpt(.0))]
    Expired(String),
}

impl LoginError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoSecret | Self::NotBasic | Self::Secret(_) | Self::Expired(_) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The word that libraries act on.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "invalid_tenant",
            Self::NoTenant { .. } => "unauthorized_client",
            Self::Missing(_) | Self::Unfit(_) | Self::TwoCredentials => "invalid_request",
            Self::Grant(_) => "unsupported_grant_type",
            Self::NoSecret | Self::NotBasic | Self::Secret(_) | Self::Expired(_) => "invalid_client",
        }
    }

    const fn number(&self) -> u32 {
        match self {
            Self::Tenant(_) => 90_002,
            Self::NoTenant { .. } => 50_059,
            Self::Missing(_) => 900_144,
            Self::Unfit(_) | Self::TwoCredentials => 90_023,
            Self::Grant(_) => 70_003,
            Self::NoSecret | Self::NotBasic => 7_000_218,
            Self::Secret(_) => 7_000_215,
            Self::Expired(_) => 7_000_222,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    error_description: &'a str,
    error_codes: &'a [u32],
    timestamp: String,
    trace_id: &'a str,
    correlation_id: &'a str,
}

/// The answer to a request that asked for a login. Errors of other kinds become the nearest word of the standard.
pub(super) fn response(error: &ApiError, message: &str, request_id: &str) -> Response {
    let number = match error {
        ApiError::Login(error) => Some(error.number()),
        _ => None,
    };
    let status = error.status();
    let code = match error {
        ApiError::Login(error) => error.code(),
        _ if status == StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        _ if status.is_server_error() => "server_error",
        _ => "invalid_request",
    };
    let time = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let body = Body {
        error: code,
        error_description: message,
        error_codes: number.as_slice(),
        timestamp: OffsetDateTime::now_utc().format(time).unwrap_or_default(),
        trace_id: request_id,
        correlation_id: request_id,
    };
    let mut response = json(status, &body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_one_in_the_description() {
        for error in [
            LoginError::Tenant("x".into()),
            LoginError::NoTenant { given: "common".into(), tenant: "t".into() },
            LoginError::Missing("scope"),
            LoginError::Unfit("scope"),
            LoginError::TwoCredentials,
            LoginError::Grant("password".into()),
            LoginError::NoSecret,
            LoginError::NotBasic,
            LoginError::Secret("app".into()),
            LoginError::Expired("app".into()),
        ] {
            assert!(error.to_string().starts_with(&format!("AADSTS{}: ", error.number())), "{error}");
        }
    }
}
