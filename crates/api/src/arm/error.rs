//! The one place that makes error answers: status, code, message (contract `arm-conventions.md`, sections 2 to 5).
//!
//! An internal error tells the caller nothing but the request id, under which the log has the cause.

mod login;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use ledger::{EnrollmentId, Scope};
use serde::Serialize;

use super::body::Format;
use super::headers::json;
use crate::native::{RefusalDetail, UsageRefusal};
pub(crate) use login::LoginError;

/// Longest text of a caller that is repeated to it.
const EXCERPT_CHARS_MAX: usize = 80;
/// Shorter texts that begin like a credential are none.
const CREDENTIAL_BYTES_MIN: usize = 12;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request says something wrong; the text is for the caller.
    BadRequest(String),
    /// A subscription that is not named by a GUID.
    InvalidSubscriptionId(String),
    /// No api-version.
    MissingApiVersion,
    /// An api-version that the operation does not have.
    UnsupportedApiVersion { given: String, supported: &'static [&'static str] },
    /// No credential.
    MissingCredential,
    /// A header that holds no bearer credential.
    MalformedCredential,
    /// A credential that is not accepted; the text says why.
    InvalidCredential(&'static str),
    /// A credential whose time is over.
    ExpiredCredential,
    /// The caller has no role on the scope.
    Forbidden { code: &'static str, client: String, action: &'static str, scope: String },
    /// The caller has a role on the scope, but charges are not shown to it.
    CostDisabled { by: access::Disabled, enrollment: String, scope: String },
    /// Several enrollments that the caller may read have a scope of this id.
    AmbiguousScope { scope: String, nested: Vec<String> },
    /// A signed link that is refused.
    LinkRefused(reports::LinkError),
    /// Nobody knows the subscription.
    SubscriptionNotFound(String),
    /// Something else is unknown; the text is for the caller.
    NotFound(String),
    /// The path names a provider but no operation of it.
    UnknownResourceType { namespace: String, api_version: String },
    /// The blob of a good link is gone.
    BlobNotFound,
    /// The path is known, the method is not one of its methods.
    MethodNotAllowed { method: Method, allowed: &'static [Method] },
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is longer than any request.
    TooLarge { bytes_max: usize },
    /// The body is not JSON by its own account.
    UnsupportedMediaType { expected: Format },
    /// A login is refused.
    Login(LoginError),
    /// A token cannot be judged now.
    IssuerUnavailable(String),
    /// The store does not answer.
    NotReady(Box<dyn std::error::Error + Send + Sync>),
    /// Usage of a native enrollment that is not taken.
    Usage(UsageRefusal),
    /// Our fault.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// In which form a route's errors are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorShape {
    /// That of Azure Resource Manager.
    ResourceManager,
    /// The same in an array, as an article on usage details prints it; in emulation only (DESIGN 4.13).
    Array,
    /// That of the Enterprise Reporting API: the code is the status, as text.
    EnterpriseReporting,
    /// That of token endpoints (RFC 6749, section 5.2, with the members of the original).
    OAuth,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorDetails<'a>,
}

#[derive(Serialize)]
struct ErrorArray<'a> {
    error: [ErrorDetails<'a>; 1],
}

#[derive(Serialize)]
struct ErrorDetails<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[RefusalDetail]>::is_empty")]
    details: &'a [RefusalDetail],
}

impl ApiError {
    /// A path that nothing answers.
    pub(crate) fn no_such_path() -> Self {
        Self::NotFound("No resource was found that matches the path of the request.".to_owned())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_)
            | Self::InvalidSubscriptionId(_)
            | Self::MissingApiVersion
            | Self::UnsupportedApiVersion { .. } => StatusCode::BAD_REQUEST,
            Self::MissingCredential
            | Self::MalformedCredential
            | Self::InvalidCredential(_)
            | Self::ExpiredCredential
            | Self::CostDisabled { .. } => StatusCode::UNAUTHORIZED,
            Self::AmbiguousScope { .. } => StatusCode::CONFLICT,
            Self::Forbidden { .. } | Self::LinkRefused(_) => StatusCode::FORBIDDEN,
            Self::SubscriptionNotFound(_)
            | Self::NotFound(_)
            | Self::UnknownResourceType { .. }
            | Self::BlobNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Login(error) => error.status(),
            Self::Usage(refusal) => refusal.status,
            Self::NotReady(_) | Self::IssuerUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether it says that somebody asked for what it may not have; the audit log keeps those.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// The scope that the refusal is about, if it says so.
    pub(crate) fn refused_scope(&self) -> &str {
        match self {
            Self::Forbidden { scope, .. } | Self::CostDisabled { scope, .. } => scope,
            _ => "",
        }
    }

    /// The enrollment that the refusal is about, if it says so.
    pub(crate) fn refused_enrollment(&self) -> Option<EnrollmentId> {
        match self {
            Self::CostDisabled { enrollment, .. } => EnrollmentId::parse(enrollment).ok(),
            Self::Forbidden { scope, .. } => Scope::parse(scope).ok()?.enrollment().cloned(),
            _ => None,
        }
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::InvalidSubscriptionId(_) => "InvalidSubscriptionId",
            Self::MissingApiVersion => "MissingApiVersionParameter",
            Self::UnsupportedApiVersion { .. } => "InvalidApiVersionParameter",
            Self::MissingCredential | Self::LinkRefused(_) => "AuthenticationFailed",
            Self::MalformedCredential | Self::InvalidCredential(_) => "InvalidAuthenticationToken",
            Self::ExpiredCredential => "ExpiredAuthenticationToken",
            Self::Forbidden { code, .. } => code,
            Self::CostDisabled { by, .. } => by.code(),
            Self::AmbiguousScope { .. } => "AmbiguousScope",
            Self::SubscriptionNotFound(_) => "SubscriptionNotFound",
            Self::NotFound(_) => "NotFound",
            Self::UnknownResourceType { .. } => "InvalidResourceType",
            Self::BlobNotFound => "BlobNotFound",
            Self::MethodNotAllowed { .. } => "MethodNotAllowed",
            Self::RequestTimeout => "RequestTimeout",
            Self::TooLarge { .. } => "RequestEntityTooLarge",
            Self::UnsupportedMediaType { .. } => "UnsupportedMediaType",
            Self::Login(error) => error.code(),
            Self::Usage(refusal) => refusal.code,
            Self::NotReady(_) | Self::IssuerUnavailable(_) => "ServiceUnavailable",
            Self::Internal(_) => "InternalServerError",
        }
    }

    /// What is told one by one beside the message.
    fn details(&self) -> &[RefusalDetail] {
        match self {
            Self::Usage(refusal) => &refusal.details,
            _ => &[],
        }
    }

    /// What the caller is told. Documented texts of the original are kept to the letter.
    fn message(&self, request_id: &str) -> String {
        match self {
            Self::BadRequest(text) | Self::NotFound(text) => text.clone(),
            Self::InvalidSubscriptionId(id) => {
                format!("The provided subscription identifier '{id}' is malformed or invalid.")
            }
            Self::MissingApiVersion => {
                "The api-version query parameter (?api-version=) is required for all requests.".to_owned()
            }
            Self::UnsupportedApiVersion { given, supported } => {
                let supported = supported.join(",");
                format!("The api-version '{given}' is invalid. The supported versions are '{supported}'.")
            }
            Self::MissingCredential => "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            Self::MalformedCredential => {
                "Authentication failed. The 'Authorization' header is provided in an invalid format.".to_owned()
            }
            Self::InvalidCredential(reason) => format!("The access token is invalid: {reason}."),
            Self::IssuerUnavailable(issuer) => {
                format!("The access token cannot be judged now: the keys of its issuer {issuer} cannot be had.")
            }
            Self::ExpiredCredential => "The access token has expired.".to_owned(),
            Self::Forbidden { client, action, scope, .. } => format!(
                "The client '{client}' with object id '{client}' does not have authorization to perform action \
                 '{action}' over scope '/{scope}' or the scope is invalid. If access was recently granted, please \
                 refresh your credentials."
            ),
            Self::CostDisabled { by: access::Disabled::Department, enrollment, .. } => format!(
                "Department administrators of enrollment {enrollment} do not see charges. An enterprise administrator can \
                 turn the policy 'DA view charges' on."
            ),
            Self::CostDisabled { by: access::Disabled::Account, enrollment, .. } => format!(
                "Account owners and subscription users of enrollment {enrollment} do not see charges. An enterprise \
                 administrator can turn the policy 'AO view charges' on."
            ),
            Self::CostDisabled { by: access::Disabled::Indirect, enrollment, .. } => {
                format!("The partner of the indirect enrollment {enrollment} has not released its prices.")
            }
            Self::AmbiguousScope { scope, nested } => format!(
                "The scope '{}' exists in several enrollments. Name the enrollment: {}.",
                excerpt(scope),
                nested.join(" or ")
            ),
            Self::LinkRefused(error) => format!("Server failed to authenticate the request: {error}."),
            Self::SubscriptionNotFound(id) => format!("The subscription '{id}' could not be found."),
            Self::UnknownResourceType { namespace, api_version } => format!(
                "The resource type could not be found in the namespace '{namespace}' for api version '{api_version}'."
            ),
            Self::BlobNotFound => "The specified blob does not exist.".to_owned(),
            Self::MethodNotAllowed { method, .. } => {
                format!("The requested resource does not support http method '{}'.", excerpt(method.as_str()))
            }
            Self::RequestTimeout => "The request body did not arrive in time.".to_owned(),
            Self::TooLarge { bytes_max } => format!("The request body is longer than {bytes_max} bytes."),
            Self::UnsupportedMediaType { expected } => {
                format!("The content type of the request is not supported; expected {}.", expected.media_type())
            }
            Self::Login(error) => error.to_string(),
            Self::Usage(refusal) => refusal.message.clone(),
            Self::NotReady(_) => "The store does not answer; its log says why.".to_owned(),
            Self::Internal(_) => format!("The server failed; its log has the cause under request id {request_id}."),
        }
    }

    /// The answer. What is our fault is logged here, once. `authorization` is where a token could be had.
    pub(crate) fn into_response(self, request_id: &str, authorization: Option<&str>, shape: ErrorShape) -> Response {
        if let Self::Internal(error) | Self::NotReady(error) = &self {
            tracing::error!(request.id = request_id, %error, "request {request_id}: {error}");
        }
        let message = redact(&self.message(request_id));
        let mut response = match shape {
            ErrorShape::ResourceManager => {
                let body =
                    ErrorBody { error: ErrorDetails { code: self.code(), message: &message, details: self.details() } };
                json(self.status(), &body)
            }
            ErrorShape::Array => {
                let error = [ErrorDetails { code: self.code(), message: &message, details: &[] }];
                json(self.status(), &ErrorArray { error })
            }
            ErrorShape::EnterpriseReporting => {
                let status = self.status();
                let error = ErrorDetails { code: status.as_str(), message: &message, details: &[] };
                json(status, &ErrorBody { error })
            }
            ErrorShape::OAuth => login::response(&self, &message, request_id),
        };
        let headers = response.headers_mut();
        match self {
            Self::MissingCredential
            | Self::MalformedCredential
            | Self::InvalidCredential(_)
            | Self::ExpiredCredential => {
                // No claims= in it: clients with continuous access evaluation would try to answer that challenge.
                let missing = matches!(self, Self::MissingCredential);
                let description = if missing {
                    "The authentication failed because of missing 'Authorization' header."
                } else {
                    "The access token is not valid."
                };
                let authorization = authorization.map(|uri| format!("authorization_uri=\"{uri}\", "));
                let challenge = format!(
                    "Bearer {}error=\"invalid_token\", error_description=\"{description}\"",
                    authorization.unwrap_or_default()
                );
                if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                    headers.insert(header::WWW_AUTHENTICATE, challenge);
                }
            }
            // The credential is good: another one of the same caller would not help.
            Self::CostDisabled { .. } => {
                let challenge = authorization.map(|uri| format!("Bearer authorization_uri=\"{uri}\""));
                if let Ok(challenge) = HeaderValue::from_str(challenge.as_deref().unwrap_or("Bearer")) {
                    headers.insert(header::WWW_AUTHENTICATE, challenge);
                }
            }
            Self::Login(error) if error.status() == StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lazurite\""));
            }
            Self::MethodNotAllowed { allowed, .. } => {
                let allowed = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
                if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                    headers.insert(header::ALLOW, allowed);
                }
            }
            _ => {}
        }
        response
    }
}

macro_rules! internal {
    ($($error:ty),*) => {
        $(impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::Internal(error.into())
            }
        })*
    };
}

/// What is wrong with a page is the caller's mistake, but for our own failures.
impl From<pages::PageError> for ApiError {
    fn from(error: pages::PageError) -> Self {
        use pages::PageError;
        match error {
            PageError::Token(_)
            | PageError::OtherQuestion
            | PageError::RightsChanged
            | PageError::TooManyGroups
            | PageError::TooManyRows
            | PageError::TooManyTags => Self::BadRequest(format!("{error}.")),
            PageError::Sum(_) | PageError::DamagedSheet { .. } => Self::Internal(error.into()),
            PageError::NotHeld(_) => Self::NotFound(format!("{error}.")),
            PageError::Lake(lake::LakeError::NoSuchVersion { .. } | lake::LakeError::EndedVersion { .. }) => {
                Self::BadRequest("The pages of $skiptoken are gone: ask again from the first page.".to_owned())
            }
            PageError::Lake(error) => error.into(),
            PageError::Catalog(error) => error.into(),
            PageError::Encode(error) => Self::Internal(error.into()),
        }
    }
}

impl From<odata::FilterError> for ApiError {
    fn from(error: odata::FilterError) -> Self {
        Self::BadRequest(format!("{error}."))
    }
}

impl From<odata::OptionError> for ApiError {
    fn from(error: odata::OptionError) -> Self {
        Self::BadRequest(format!("{error}."))
    }
}

internal!(catalog::CatalogError, lake::LakeError, reports::ReportError, axum::Error, serde_json::Error);

/// Hides credentials that the caller wrote where they do not belong: clients log the errors that they get. Our keys and
/// JSON Web Tokens are known by their beginnings.
fn redact(message: &str) -> String {
    let in_credential = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let mut redacted = String::with_capacity(message.len());
    for piece in message.split_inclusive(|letter| !in_credential(letter)) {
        let word = piece.trim_end_matches(|letter| !in_credential(letter));
        let starts = [word.to_ascii_lowercase().find("lzk_"), word.find("eyJ")];
        match starts.into_iter().flatten().min().filter(|start| word.len() - start >= CREDENTIAL_BYTES_MIN) {
            Some(start) => redacted.extend([&word[..start], "[redacted]", &piece[word.len()..]]),
            None => redacted.push_str(piece),
        }
    }
    redacted
}

/// Cuts a text of the caller to what a message can carry.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(EXCERPT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_wherever_they_stand() {
        let key = "lzk_AbC-d_0123456789";
        let token = "eyJhbGciOi.eyJpc3Mi.c2ln-_";
        for secret in [key, token, &key.to_uppercase()] {
            for (before, after) in [("", ""), ("the id '", "' is wrong."), ("x", ", "), ("\u{e9}/", "\u{e9}")] {
                assert_eq!(redact(&format!("{before}{secret}{after}")), format!("{before}[redacted]{after}"));
            }
        }
        for plain in ["", "\u{e9}\u{e9}", "the api-version '2022-10-01' is invalid. Use 'lzk_wrong'.", "key eyJ"] {
            assert_eq!(redact(plain), plain);
        }
    }
}
