//! From a bearer credential to its caller.

use catalog::{Catalog, CatalogError};

use crate::caller::Caller;
use crate::keys::accept_key;

/// Longest bearer credential that is looked at; a JWT of the original has about 2 kB.
const BEARER_BYTES_MAX: usize = 8 << 10;

/// Why a credential is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such key, or a revoked one; the two are not told apart.
    #[error("the access token is not a key of this server")]
    Unknown,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// The catalog could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Accepts a bearer credential or says why not.
pub async fn authenticate(catalog: &Catalog, bearer: &str, now_ms: i64) -> Result<Caller, AuthError> {
    if bearer.len() > BEARER_BYTES_MAX {
        return Err(AuthError::Unknown);
    }
    Ok(Caller::of_key(accept_key(catalog, bearer, now_ms).await?)?)
}
