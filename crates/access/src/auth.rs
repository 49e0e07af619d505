//! From a bearer credential to its caller.
//!
//! A credential is a key, a token that the store itself gave for a key, or a token of an issuer that its owner trusts. A
//! token only says who somebody is: what its holder may read is looked up anew for every request, so that a revoked key
//! or role ends at once.

use catalog::{Catalog, CatalogError, KeyEntry};
use uuid::Uuid;

use crate::caller::Caller;
use crate::keys::{accept_key, accept_key_id};
use crate::oidc::Issuers;
use crate::tokens::{IssuedToken, LocalIssuer, TOKEN_BYTES_MAX, TokenError};

/// Why a credential is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such key, or a revoked one; the two are not told apart. Or a token of an issuer that is not trusted here.
    #[error("the access token is not a key of this server, and of no issuer that it trusts")]
    Unknown,
    /// A token that is altered, or not meant for this server, or not meant for now.
    #[error("the access token is not valid: {0}")]
    Invalid(&'static str),
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// It cannot be judged now: the keys of its issuer cannot be had.
    #[error("the keys of the issuer {issuer} cannot be had")]
    Unavailable {
        /// The issuer.
        issuer: String,
    },
    /// The catalog could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Unknown => Self::Unknown,
            TokenError::Invalid(reason) => Self::Invalid(reason),
            TokenError::Expired => Self::Expired,
            TokenError::Unavailable { issuer } => Self::Unavailable { issuer },
        }
    }
}

/// Accepts credentials, and gives tokens for keys. A clone shares everything.
#[derive(Debug, Clone)]
pub struct Authenticator {
    catalog: Catalog,
    local: LocalIssuer,
    issuers: Issuers,
}

impl Authenticator {
    /// Accepts the keys of a catalog and the tokens of these issuers.
    pub async fn open(catalog: Catalog, issuers: Issuers) -> Result<Self, CatalogError> {
        let local = LocalIssuer::open(&catalog).await?;
        Ok(Self { catalog, local, issuers })
    }

    /// The id of this store where clients expect that of a tenant. Public.
    pub fn tenant(&self) -> Uuid {
        self.local.tenant()
    }

    /// Accepts a bearer credential or says why not. Credentials follow the system clock, whatever clock the charges
    /// follow (DESIGN 4.10).
    pub async fn authenticate(&self, bearer: &str, now_ms: i64) -> Result<Caller, AuthError> {
        if bearer.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Unknown);
        }
        // From here on the request is judged by what was committed before it.
        self.catalog.look().await?;
        if LocalIssuer::is_own(bearer) {
            let id = self.local.verify(bearer, now_ms)?;
            return Ok(Caller::of_key(accept_key_id(&self.catalog, &id, now_ms).await?)?);
        }
        if self.issuers.names_issuer_of(bearer) {
            let identity = self.issuers.verify(bearer, now_ms).await?;
            let granted = self.catalog.assignments_of(&identity.issuer, &identity.subject, &identity.groups).await?;
            return Ok(Caller::of_subject(identity.subject, granted)?);
        }
        Ok(Caller::of_key(accept_key(&self.catalog, bearer, now_ms).await?)?)
    }

    /// A token for the holder of a key, whose id and key come as client id and client secret. `issuer` is the address at
    /// which it is asked for.
    pub async fn token(
        &self,
        client_id: &str,
        client_secret: &str,
        audience: &str,
        issuer: &str,
        now_ms: i64,
    ) -> Result<IssuedToken, AuthError> {
        if client_secret.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Unknown);
        }
        self.catalog.look().await?;
        let KeyEntry { id, expires_at_ms, .. } = accept_key(&self.catalog, client_secret, now_ms).await?;
        if !id.eq_ignore_ascii_case(client_id) {
            return Err(AuthError::Unknown);
        }
        Ok(self.local.issue(&id, audience, issuer, expires_at_ms, now_ms))
    }
}

#[cfg(test)]
mod tests {
    use ledger::{EnrollmentId, Scope};

    use super::*;
    use crate::keys::{IssuedKey, KeyHolder, issue_key, revoke_key};
    use crate::role::Role;

    async fn store() -> (tempfile::TempDir, Catalog, Authenticator, IssuedKey) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let authenticator = Authenticator::open(catalog.clone(), Issuers::new(Vec::new()).unwrap()).await.unwrap();
        let enrollment = EnrollmentId::parse("8611537").unwrap();
        let scope = Scope::BillingAccount(enrollment.clone());
        let holder = KeyHolder { enrollment, scope, role: Role::EnterpriseReader };
        let key = issue_key(&catalog, &holder, "tester", 0).await.unwrap();
        (folder, catalog, authenticator, key)
    }

    #[tokio::test]
    async fn a_token_for_a_key_is_the_key_for_as_long_as_both_are_good() {
        let (_folder, catalog, authenticator, key) = store().await;
        let issued = authenticator.token(&key.id, key.key.reveal(), "a", "https://box/t/v2.0", 0).await.unwrap();
        assert_eq!(issued.expires_in_s, 3600);
        let caller = authenticator.authenticate(issued.token.reveal(), 1000).await.unwrap();
        assert_eq!(caller, authenticator.authenticate(key.key.reveal(), 1000).await.unwrap());
        assert_eq!(caller.id(), key.id);
        let late = authenticator.authenticate(issued.token.reveal(), 2 * 3600 * 1000).await;
        assert!(matches!(late, Err(AuthError::Expired)), "{late:?}");
        revoke_key(&catalog, &key.id, "tester", 2000).await.unwrap();
        let revoked = authenticator.authenticate(issued.token.reveal(), 3000).await;
        assert!(matches!(revoked, Err(AuthError::Unknown)), "{revoked:?}");
    }

    #[tokio::test]
    async fn a_token_needs_the_key_of_its_client() {
        let (_folder, catalog, authenticator, key) = store().await;
        let enrollment = EnrollmentId::parse("8611537").unwrap();
        let scope = Scope::BillingAccount(enrollment.clone());
        let holder = KeyHolder { enrollment, scope, role: Role::EnterpriseReader };
        let other = issue_key(&catalog, &holder, "tester", 0).await.unwrap();
        for (id, secret) in [(&*key.id, other.key.reveal()), (&*key.id, ""), ("", key.key.reveal()), ("x", "y")] {
            let refused = authenticator.token(id, secret, "a", "i", 0).await;
            assert!(matches!(refused, Err(AuthError::Unknown)), "{id} {refused:?}");
        }
    }

    #[tokio::test]
    async fn a_token_of_another_store_is_refused() {
        let (_folder, _catalog, authenticator, _key) = store().await;
        let (_other_folder, _other_catalog, other, key) = store().await;
        let issued = other.token(&key.id, key.key.reveal(), "a", "i", 0).await.unwrap();
        let refused = authenticator.authenticate(issued.token.reveal(), 1).await;
        assert!(matches!(refused, Err(AuthError::Invalid(_))), "{refused:?}");
    }
}
