//! The token endpoint: a token for the id and the secret of a key (RFC 6749, section 4.4).
//!
//! Nothing else is granted. The audience is taken down, but not judged: the tokens are for this server alone, and clients
//! name it as they like.

use access::{AuthError, IssuedToken, Secret};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json as object};

use super::Protocol;
use super::tenant::Tenant;
use crate::address::BaseUrl;
use crate::arm::{ApiError, Format, LoginError, Query, decode_parameter, json, read_body};
use crate::clock::system_now_ms;
use crate::dispatch::Call;

/// Longest client id, grant, scope and resource; each is an identifier or an address.
const PARAMETER_BYTES_MAX: usize = 2048;
/// Ends a scope that asks for all that the client may do at a resource.
const ALL_OF_RESOURCE: &str = "/.default";

/// Gives a token for a key.
pub(crate) async fn token(
    call: &Call<'_>,
    protocol: Protocol,
    tenant: &str,
    body: &mut Body,
) -> Result<Response, ApiError> {
    let authenticator = &call.state.authenticator;
    let store = authenticator.tenant().to_string();
    let tenant = Tenant::parse(tenant)?;
    if let Tenant::None(word) = tenant {
        return Err(ApiError::Login(LoginError::NoTenant { given: word.to_owned(), tenant: store }));
    }
    let headers = &call.parts.headers;
    let form = Query::parse_form(&read_body(headers, body, Format::Form).await?)?;
    let request = TokenRequest::parse(headers, &form, protocol)?;
    let base = BaseUrl::of(&call.state.settings, call.parts)?;

    let issuer = tenant.issuer(&base, &store, protocol);
    let (client, secret) = (&request.client_id, request.client_secret.reveal());
    let now_ms = system_now_ms();
    let issued = authenticator.token(client, secret, request.audience(), &issuer, now_ms).await;
    let issued = issued.map_err(|error| match error {
        AuthError::Unknown | AuthError::Invalid(_) => ApiError::Login(LoginError::Secret(client.clone())),
        AuthError::Expired => ApiError::Login(LoginError::Expired(client.clone())),
        AuthError::Unavailable { issuer } => ApiError::IssuerUnavailable(issuer),
        AuthError::Catalog(error) => error.into(),
    })?;

    let mut response = json(StatusCode::OK, &answer(&issued, &request, protocol, now_ms.div_euclid(1000)));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct TokenRequest {
    client_id: String,
    client_secret: Secret,
    /// As asked: a scope, or a resource.
    target: String,
}

impl TokenRequest {
    fn parse(headers: &HeaderMap, form: &Query, protocol: Protocol) -> Result<Self, ApiError> {
        Self::read(headers, form, protocol).map_err(ApiError::Login)
    }

    fn read(headers: &HeaderMap, form: &Query, protocol: Protocol) -> Result<Self, LoginError> {
        let grant = parameter(form, "grant_type")?.ok_or(LoginError::Missing("grant_type"))?;
        if grant != "client_credentials" {
            return Err(LoginError::Grant(grant.to_owned()));
        }
        let id = parameter(form, "client_id")?;
        let secret = form.get("client_secret").filter(|secret| !secret.is_empty());
        let (client_id, client_secret) = match (basic(headers)?, id, secret) {
            (None, None, _) => return Err(LoginError::Missing("client_id")),
            (None, Some(_), None) => return Err(LoginError::NoSecret),
            (None, Some(id), Some(secret)) => (id.to_owned(), Secret::new(secret.to_owned())),
            // Some libraries name the client in both places.
            (Some((own, secret)), id, None) if id.is_none_or(|id| id == own) => (own, secret),
            (Some(_), ..) => return Err(LoginError::TwoCredentials),
        };
        let (scope, resource) = (parameter(form, "scope")?, parameter(form, "resource")?);
        // MSAL sends a scope to the old endpoint too.
        let (target, name) = match protocol {
            Protocol::V1 => (resource.or(scope), "resource"),
            Protocol::V2 => (scope.or(resource), "scope"),
        };
        let target = target.ok_or(LoginError::Missing(name))?.to_owned();
        Ok(Self { client_id, client_secret, target })
    }

    /// For whom the token is.
    fn audience(&self) -> &str {
        self.target.strip_suffix(ALL_OF_RESOURCE).unwrap_or(&self.target)
    }
}

/// A parameter of the form that is not secret.
fn parameter<'a>(form: &'a Query, name: &'static str) -> Result<Option<&'a str>, LoginError> {
    let value = form.get(name).filter(|value| !value.is_empty());
    check(value.unwrap_or_default(), name)?;
    Ok(value)
}

fn check(value: &str, name: &'static str) -> Result<(), LoginError> {
    let fits = value.len() <= PARAMETER_BYTES_MAX && !value.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(LoginError::Unfit(name)) }
}

/// Client id and secret of a `Basic` header, each encoded like a parameter (RFC 6749, section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret)>, LoginError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        _ => return Err(LoginError::NotBasic),
    };
    let read = || {
        let (scheme, encoded) = value.to_str().ok()?.trim().split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim_start()).ok()?).ok()?;
        let (id, secret) = decoded.split_once(':')?;
        scheme.eq_ignore_ascii_case("Basic").then_some(())?;
        Some((decode_parameter(id)?, Secret::new(decode_parameter(secret)?)))
    };
    let (id, secret) = read().ok_or(LoginError::NotBasic)?;
    check(&id, "client_id")?;
    Ok(Some((id, secret)))
}

fn answer(issued: &IssuedToken, request: &TokenRequest, protocol: Protocol, now_s: i64) -> Value {
    let (token, life_s) = (issued.token.reveal(), issued.expires_in_s);
    match protocol {
        // The old endpoint writes numbers as text.
        Protocol::V1 => object!({
            "token_type": "Bearer",
            "expires_in": life_s.to_string(),
            "ext_expires_in": life_s.to_string(),
            "expires_on": now_s.saturating_add_unsigned(life_s).to_string(),
            "not_before": now_s.to_string(),
            "resource": request.audience(),
            "access_token": token,
        }),
        Protocol::V2 => object!({
            "token_type": "Bearer",
            "expires_in": life_s,
            "ext_expires_in": life_s,
            "access_token": token,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: &[&str], form: &str, protocol: Protocol) -> Result<(String, String, String), LoginError> {
        let values = authorization.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap()));
        let form = Query::parse_form(form.as_bytes()).unwrap();
        let request = TokenRequest::read(&HeaderMap::from_iter(values), &form, protocol)?;
        let audience = request.audience().to_owned();
        Ok((request.client_id, request.client_secret.reveal().to_owned(), audience))
    }

    fn basic_value(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn every_client_is_understood() {
        let box_scope = "https%3A%2F%2F127.0.0.1%3A8443";
        for (form, protocol, audience) in [
            // The four of the contract: az, Python, JavaScript, ADAL.
            (
                format!("client_info=1&claims=%7B%7D&scope={box_scope}%2F%2F.default"),
                Protocol::V2,
                "https://127.0.0.1:8443/",
            ),
            (
                "client_info=1&scope=https%3A%2F%2Fmanagement.azure.com%2F.default".to_owned(),
                Protocol::V2,
                "https://management.azure.com",
            ),
            (
                format!("scope={box_scope}%2F.default&x-client-SKU=msal.js.node&client-request-id=1"),
                Protocol::V2,
                "https://127.0.0.1:8443",
            ),
            (
                "resource=https%3A%2F%2Fmanagement.core.windows.net%2F".to_owned(),
                Protocol::V1,
                "https://management.core.windows.net/",
            ),
            (
                "scope=https://management.azure.com//.default\r\n".to_owned(),
                Protocol::V1,
                "https://management.azure.com/",
            ),
        ] {
            let form = format!("client_id=a%2Db&grant_type=client_credentials&client_secret=s%2B+s&{form}");
            let expected = ("a-b".to_owned(), "s+ s".to_owned(), audience.to_owned());
            assert_eq!(read(&[], &form, protocol).unwrap(), expected, "{form}");
        }
    }

    #[test]
    fn the_header_may_hold_the_credentials() {
        let form = "grant_type=client_credentials&scope=x";
        let expected = ("a b".to_owned(), "s:+".to_owned(), "x".to_owned());
        for value in [basic_value("a+b:s:%2b"), basic_value("a%20b:s%3A%2B").replace("Basic ", "basic  ")] {
            assert_eq!(read(&[&value], form, Protocol::V2).unwrap(), expected, "{value}");
            assert_eq!(read(&[&value], &format!("{form}&client_id=a+b"), Protocol::V2).unwrap(), expected);
        }
        let two = [basic_value("a:b"), basic_value("a:b")];
        for wrong in [&["Bearer x"][..], &["Basic"], &["Basic !"], &[&basic_value("a")], &[&two[0], &two[1]]] {
            assert!(matches!(read(wrong, form, Protocol::V2), Err(LoginError::NotBasic)), "{wrong:?}");
        }
        for more in ["client_secret=b", "client_id=b"] {
            let twice = read(&[&two[0]], &format!("{form}&{more}"), Protocol::V2);
            assert!(matches!(twice, Err(LoginError::TwoCredentials)), "{more}");
        }
    }

    #[test]
    fn what_is_missing_or_unfit_is_named() {
        let grant = "grant_type=client_credentials";
        let long = "x".repeat(PARAMETER_BYTES_MAX + 1);
        let cases = [
            (String::new(), "'grant_type'"),
            ("grant_type=".into(), "'grant_type'"),
            ("grant_type=password&username=u&password=p".into(), "'password' is not supported"),
            (grant.into(), "'client_id'"),
            (format!("{grant}&client_id=a"), "'client_secret'"),
            (format!("{grant}&client_id=a&client_secret="), "'client_secret'"),
            (format!("{grant}&client_id=a&client_secret=b"), "'scope'"),
            (format!("{grant}&client_id=a&client_secret=b&scope={long}"), "'scope' is too long"),
            (format!("{grant}&client_id=a&client_secret=b&scope=x%0Ay"), "'scope' is too long or holds control"),
            (format!("{grant}&client_id={long}&client_secret=b&scope=x"), "'client_id' is too long"),
        ];
        for (form, expected) in cases {
            let refused = read(&[], &form, Protocol::V2).unwrap_err().to_string();
            assert!(refused.contains(expected) && !refused.contains("password=p"), "{form}: {refused}");
        }
    }
}
