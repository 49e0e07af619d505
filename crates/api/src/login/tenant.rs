//! Tenants, as paths name them.

use crate::address::BaseUrl;
use crate::arm::{ApiError, LoginError};
use crate::login::Protocol;

/// Longest tenant: that of a domain name.
const TENANT_BYTES_MAX: usize = 253;
/// Words that stand for other people's tenants. Libraries ask for their configuration, but a token needs a tenant.
const NO_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];
/// The word by which libraries know a server of one's own: they ask Microsoft nothing then, and use endpoints of the
/// first generation only.
const OWN_SERVER: &str = "adfs";

/// A word that stands for a tenant.
pub(super) enum Tenant<'a> {
    /// The one of the store, by its id or by any other word.
    Store,
    /// A server of one's own, which has no tenants.
    OwnServer,
    /// None in particular.
    None(&'a str),
}

impl<'a> Tenant<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, ApiError> {
        let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        if !fits || !(1..=TENANT_BYTES_MAX).contains(&text.len()) {
            return Err(ApiError::Login(LoginError::Tenant(text.to_owned())));
        }
        if let Some(word) = NO_TENANTS.into_iter().find(|word| word.eq_ignore_ascii_case(text)) {
            return Ok(Self::None(word));
        }
        Ok(if text.eq_ignore_ascii_case(OWN_SERVER) { Self::OwnServer } else { Self::Store })
    }

    /// The word in the addresses of its endpoints; `store` is the id of the store's tenant.
    pub(super) fn word(&self, store: &'a str) -> &'a str {
        match self {
            Self::Store => store,
            Self::OwnServer => OWN_SERVER,
            Self::None(word) => word,
        }
    }

    /// The generation of its endpoints, given the one that is asked about.
    pub(super) fn protocol(&self, asked: Protocol) -> Protocol {
        match self {
            Self::OwnServer => Protocol::V1,
            _ => asked,
        }
    }

    /// Who issues its tokens. `az` takes the first segment of the path for the tenant from then on, so it is always one
    /// that gives tokens.
    pub(super) fn issuer(&self, base: &BaseUrl, store: &str, asked: Protocol) -> String {
        match (self, self.protocol(asked)) {
            (Self::OwnServer, _) => base.tenant(OWN_SERVER),
            (_, Protocol::V1) => base.tenant(store),
            (_, Protocol::V2) => format!("{}/v2.0", base.tenant(store)),
        }
    }
}
