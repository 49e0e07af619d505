//! API keys: 256 random bits, hashed at rest, shown once, valid for six months.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::{Catalog, CatalogError, KeySlot, NewKey};
use ledger::EnrollmentId;
use sha2::{Digest, Sha256};

use crate::secret::{Secret, random_bytes};

/// Begins every key, so that a leaked one is recognised by scanners.
const KEY_PREFIX: &str = "lzk_";
/// A key lives for six months of 30.5 days, in milliseconds (the keys of the original live for six months).
const KEY_LIFE_MS: i64 = 183 * 24 * 60 * 60 * 1000;
/// Longest bearer credential that is looked at; a JWT of the original has about 2 kB.
const BEARER_BYTES_MAX: usize = 8 << 10;
/// The one role of keys so far (SEMANTICS 6.1, "Enterprise Administrator (read only)").
const ENTERPRISE_READER: &str = "EnterpriseReader";

/// A new key. It cannot be shown again.
#[derive(Debug)]
pub struct IssuedKey {
    /// Public id.
    pub id: String,
    /// The key itself: the bearer token of every API generation.
    pub key: Secret,
    /// Which of the holder's two keys it is.
    pub slot: KeySlot,
    /// First millisecond since 1970 at which it is no longer accepted.
    pub expires_at_ms: i64,
}

/// Someone whose key was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    key_id: String,
    enrollment: EnrollmentId,
}

impl Caller {
    /// Public id of the key, for logs and refusals.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The enrollment that the key reads.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }
}

/// Why a credential is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No such key, or a revoked one; the two are not told apart.
    #[error("the access token is not a key of this server")]
    Unknown,
    /// The key's six months are over.
    #[error("the access token has expired")]
    Expired,
    /// The catalog could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Makes a key for an enrollment and keeps its hash.
pub async fn issue_key(catalog: &Catalog, enrollment: &EnrollmentId, now_ms: i64) -> Result<IssuedKey, CatalogError> {
    let key = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
    let id = uuid::Uuid::new_v4().to_string();
    let expires_at_ms = now_ms + KEY_LIFE_MS;
    let new = NewKey {
        id: id.clone(),
        enrollment: enrollment.clone(),
        role: ENTERPRISE_READER.to_owned(),
        hash: hash(&key),
        created_at_ms: now_ms,
        expires_at_ms,
    };
    let slot = catalog.add_key(&new).await?;
    Ok(IssuedKey { id, key: Secret::new(key), slot, expires_at_ms })
}

/// Accepts a bearer credential or says why not. Keys follow the system clock, whatever clock the charges follow
/// (DESIGN 4.10).
pub async fn authenticate(catalog: &Catalog, bearer: &str, now_ms: i64) -> Result<Caller, AuthError> {
    if bearer.len() > BEARER_BYTES_MAX {
        return Err(AuthError::Unknown);
    }
    // The key has 256 random bits, so a plain hash is as strong at rest as the key, and looking it up by hash gives
    // nothing away by time.
    let entry = catalog.key_by_hash(&hash(bearer)).await?.ok_or(AuthError::Unknown)?;
    if entry.revoked_at_ms.is_some() {
        return Err(AuthError::Unknown);
    }
    if entry.expires_at_ms <= now_ms {
        return Err(AuthError::Expired);
    }
    Ok(Caller { key_id: entry.id, enrollment: entry.enrollment })
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn catalog() -> (tempfile::TempDir, Catalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        (folder, catalog)
    }

    fn enrollment() -> EnrollmentId {
        EnrollmentId::parse("8611537").unwrap()
    }

    #[tokio::test]
    async fn a_key_is_accepted_until_it_expires_or_is_revoked() {
        let (_folder, catalog) = catalog().await;
        let issued = issue_key(&catalog, &enrollment(), 1000).await.unwrap();
        let caller = authenticate(&catalog, issued.key.reveal(), 2000).await.unwrap();
        assert_eq!((caller.key_id(), caller.enrollment()), (issued.id.as_str(), &enrollment()));
        assert!(authenticate(&catalog, issued.key.reveal(), issued.expires_at_ms - 1).await.is_ok());
        let late = authenticate(&catalog, issued.key.reveal(), issued.expires_at_ms).await;
        assert!(matches!(late, Err(AuthError::Expired)));
        assert!(catalog.revoke_key(&issued.id, 3000).await.unwrap());
        assert!(matches!(authenticate(&catalog, issued.key.reveal(), 4000).await, Err(AuthError::Unknown)));
    }

    #[tokio::test]
    async fn anything_else_is_unknown() {
        let (_folder, catalog) = catalog().await;
        let issued = issue_key(&catalog, &enrollment(), 1000).await.unwrap();
        let mut altered = issued.key.reveal().to_owned();
        altered.pop();
        for bearer in ["", "x", &issued.id, &altered, &"y".repeat(100_000)] {
            assert!(matches!(authenticate(&catalog, bearer, 2000).await, Err(AuthError::Unknown)));
        }
    }

    #[tokio::test]
    async fn a_holder_has_a_primary_and_a_secondary_key_and_no_third() {
        let (_folder, catalog) = catalog().await;
        let first = issue_key(&catalog, &enrollment(), 1000).await.unwrap();
        assert_eq!(first.slot, KeySlot::Primary);
        assert_eq!(issue_key(&catalog, &enrollment(), 1001).await.unwrap().slot, KeySlot::Secondary);
        let third = issue_key(&catalog, &enrollment(), 1002).await;
        assert!(third.unwrap_err().to_string().contains(&first.id));
        catalog.revoke_key(&first.id, 1003).await.unwrap();
        assert_eq!(issue_key(&catalog, &enrollment(), 1004).await.unwrap().slot, KeySlot::Primary);
    }

    #[tokio::test]
    async fn the_key_is_neither_stored_nor_printed() {
        let (folder, catalog) = catalog().await;
        let issued = issue_key(&catalog, &enrollment(), 1000).await.unwrap();
        catalog.close().await;
        let secret = issued.key.reveal();
        assert!(!format!("{issued:?}").contains(secret));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
