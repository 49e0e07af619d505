//! API keys: 256 random bits, hashed at rest, shown once, valid for six months.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::{AuditEntry, Catalog, CatalogError, KeyEntry, KeySlot, NewKey};
use ledger::{EnrollmentId, Scope};
use sha2::{Digest, Sha256};

use crate::auth::AuthError;
use crate::role::{Level, Role, RoleError};
use crate::secret::{Secret, random_bytes};

/// Begins every key, so that a leaked one is recognised by scanners.
const KEY_PREFIX: &str = "lzk_";
/// A key lives for six months of 30.5 days, in milliseconds (the keys of the original live for six months).
const KEY_LIFE_MS: i64 = 183 * 24 * 60 * 60 * 1000;

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

/// What a key will read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// What of the enrollment.
    pub scope: Scope,
    /// The role that the key has there.
    pub role: Role,
}

/// Why a key is not made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The role does not fit the scope.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The key could read nothing because of a switch (SEMANTICS 6.2).
    #[error(
        "the key could read nothing: {policy} is {state} for enrollment {enrollment}. Change that first: lazurite enrollment \
         policy --enrollment {enrollment} --{policy} {needed}"
    )]
    Disabled {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Name of the switch on the command line.
        policy: &'static str,
        /// How it stands.
        state: &'static str,
        /// How it would have to stand.
        needed: &'static str,
    },
    /// The key to be replaced is not there, or was revoked, or has expired.
    #[error("there is no active key {id:?}; lazurite key list shows the keys")]
    NoSuchKey {
        /// Its id.
        id: String,
    },
    /// The catalog refused or could not be asked.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Makes a key and keeps its hash.
pub async fn issue_key(catalog: &Catalog, holder: &KeyHolder, actor: &str, now_ms: i64) -> Result<IssuedKey, KeyError> {
    holder.role.check(&holder.scope)?;
    let policies = catalog.policies(&holder.enrollment).await?;
    let disabled = match holder.role.level() {
        _ if policies.price_hidden => Some(("price-hidden", "on", "off")),
        Level::Department if !policies.da_view_charges => Some(("da-view-charges", "off", "on")),
        Level::Account | Level::Subscription if !policies.ao_view_charges => Some(("ao-view-charges", "off", "on")),
        _ => None,
    };
    if let Some((policy, state, needed)) = disabled {
        return Err(KeyError::Disabled { enrollment: holder.enrollment.clone(), policy, state, needed });
    }
    let (key, new) = fresh(holder, now_ms);
    let audit = audit(holder, actor, "key.create", &new.id, now_ms);
    let slot = catalog.add_key(&new, &audit).await?;
    Ok(IssuedKey { id: new.id, key, slot, expires_at_ms: new.expires_at_ms })
}

/// Makes a key in place of another one, which ends at this moment. Holder, role and slot stay.
pub async fn rotate_key(catalog: &Catalog, id: &str, actor: &str, now_ms: i64) -> Result<IssuedKey, KeyError> {
    let gone = || KeyError::NoSuchKey { id: id.to_owned() };
    let old = catalog.key(id).await?.ok_or_else(gone)?;
    let role = old.role.parse::<Role>()?;
    let holder = KeyHolder { enrollment: old.enrollment, scope: old.scope, role };
    let (key, new) = fresh(&holder, now_ms);
    let audit = AuditEntry { detail: format!("replaces {id}"), ..audit(&holder, actor, "key.rotate", &new.id, now_ms) };
    let slot = catalog.replace_key(id, &new, &audit).await?.ok_or_else(gone)?;
    Ok(IssuedKey { id: new.id, key, slot, expires_at_ms: new.expires_at_ms })
}

/// Revokes a key.
pub async fn revoke_key(catalog: &Catalog, id: &str, actor: &str, now_ms: i64) -> Result<(), KeyError> {
    let gone = || KeyError::NoSuchKey { id: id.to_owned() };
    let old = catalog.key(id).await?.ok_or_else(gone)?;
    let holder = KeyHolder { enrollment: old.enrollment, scope: old.scope, role: old.role.parse::<Role>()? };
    let audit = audit(&holder, actor, "key.revoke", id, now_ms);
    if catalog.revoke_key(id, now_ms, &audit).await? { Ok(()) } else { Err(gone()) }
}

fn fresh(holder: &KeyHolder, now_ms: i64) -> (Secret, NewKey) {
    let key = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
    let new = NewKey {
        id: uuid::Uuid::new_v4().to_string(),
        enrollment: holder.enrollment.clone(),
        scope: holder.scope.clone(),
        role: holder.role.to_string(),
        hash: hash(&key),
        created_at_ms: now_ms,
        expires_at_ms: now_ms + KEY_LIFE_MS,
    };
    (Secret::new(key), new)
}

fn audit(holder: &KeyHolder, actor: &str, action: &str, id: &str, now_ms: i64) -> AuditEntry {
    AuditEntry {
        at_ms: now_ms,
        actor: actor.to_owned(),
        action: action.to_owned(),
        enrollment: Some(holder.enrollment.clone()),
        target: id.to_owned(),
        detail: format!("{} on {}", holder.role, holder.scope.key()),
        times: 1,
    }
}

/// Accepts a key or says why not. Keys follow the system clock, whatever clock the charges follow (DESIGN 4.10).
pub(crate) async fn accept_key(catalog: &Catalog, key: &str, now_ms: i64) -> Result<KeyEntry, AuthError> {
    // The key has 256 random bits, so a plain hash is as strong at rest as the key, and looking it up by hash gives
    // nothing away by time.
    live(catalog.key_by_hash(&hash(key)).await?, now_ms)
}

/// The key of an id, if it is still good.
pub(crate) async fn accept_key_id(catalog: &Catalog, id: &str, now_ms: i64) -> Result<KeyEntry, AuthError> {
    live(catalog.key(id).await?, now_ms)
}

fn live(entry: Option<KeyEntry>, now_ms: i64) -> Result<KeyEntry, AuthError> {
    let entry = entry.filter(|entry| entry.revoked_at_ms.is_none()).ok_or(AuthError::Unknown)?;
    if entry.expires_at_ms <= now_ms { Err(AuthError::Expired) } else { Ok(entry) }
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use catalog::{AuditFilter, Policies};

    use super::*;

    async fn catalog() -> (tempfile::TempDir, Catalog) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        (folder, catalog)
    }

    fn holder(scope: &str, role: Role) -> KeyHolder {
        let enrollment = EnrollmentId::parse("8611537").unwrap();
        KeyHolder { enrollment, scope: Scope::parse(scope).unwrap(), role }
    }

    fn reader() -> KeyHolder {
        holder("billingAccounts/8611537", Role::EnterpriseReader)
    }

    async fn issue(catalog: &Catalog, now_ms: i64) -> Result<IssuedKey, KeyError> {
        issue_key(catalog, &reader(), "tester", now_ms).await
    }

    #[tokio::test]
    async fn a_key_is_accepted_until_it_expires_or_is_revoked() {
        let (_folder, catalog) = catalog().await;
        let issued = issue(&catalog, 1000).await.unwrap();
        let entry = accept_key(&catalog, issued.key.reveal(), 2000).await.unwrap();
        assert_eq!((entry.id.as_str(), &entry.enrollment), (issued.id.as_str(), &reader().enrollment));
        assert!(accept_key(&catalog, issued.key.reveal(), issued.expires_at_ms - 1).await.is_ok());
        let late = accept_key(&catalog, issued.key.reveal(), issued.expires_at_ms).await;
        assert!(matches!(late, Err(AuthError::Expired)));
        revoke_key(&catalog, &issued.id, "tester", 3000).await.unwrap();
        assert!(matches!(accept_key(&catalog, issued.key.reveal(), 4000).await, Err(AuthError::Unknown)));
        let again = revoke_key(&catalog, &issued.id, "tester", 5000).await;
        assert!(matches!(again, Err(KeyError::NoSuchKey { .. })));
        let actions: Vec<String> = catalog
            .audit(&AuditFilter { limit: 9, ..AuditFilter::default() })
            .await
            .unwrap()
            .into_iter()
            .map(|one| one.action)
            .collect();
        assert_eq!(actions, ["key.create", "key.revoke"]);
    }

    #[tokio::test]
    async fn anything_else_is_unknown() {
        let (_folder, catalog) = catalog().await;
        let issued = issue(&catalog, 1000).await.unwrap();
        let mut altered = issued.key.reveal().to_owned();
        altered.pop();
        for key in ["", "x", &issued.id, &altered, &"y".repeat(100_000)] {
            assert!(matches!(accept_key(&catalog, key, 2000).await, Err(AuthError::Unknown)));
        }
    }

    #[tokio::test]
    async fn each_holder_has_a_primary_and_a_secondary_key_and_no_third() {
        let (_folder, catalog) = catalog().await;
        let first = issue(&catalog, 1000).await.unwrap();
        assert_eq!(first.slot, KeySlot::Primary);
        assert_eq!(issue(&catalog, 1001).await.unwrap().slot, KeySlot::Secondary);
        let third = issue(&catalog, 1002).await;
        assert!(third.unwrap_err().to_string().contains(&first.id));
        revoke_key(&catalog, &first.id, "tester", 1003).await.unwrap();
        assert_eq!(issue(&catalog, 1004).await.unwrap().slot, KeySlot::Primary);
        // A department of the same enrollment is another holder.
        let policies = Policies { da_view_charges: true, ..Policies::default() };
        let note = audit(&reader(), "tester", "policy", "", 0);
        catalog.change_policies(&reader().enrollment, |own| *own = policies, &note).await.unwrap();
        let department = holder("departments/7", Role::DepartmentReader);
        assert_eq!(issue_key(&catalog, &department, "tester", 1005).await.unwrap().slot, KeySlot::Primary);
    }

    #[tokio::test]
    async fn a_key_that_could_read_nothing_is_refused_with_the_command_that_changes_that() {
        let (_folder, catalog) = catalog().await;
        let cases = [
            ("departments/7", Role::DepartmentReader, "--da-view-charges on"),
            ("enrollmentAccounts/7", Role::AccountOwner, "--ao-view-charges on"),
            ("subscriptions/1caaa5a3-2b66-438e-8ab4-bce37d518c5d", Role::Reader, "--ao-view-charges on"),
        ];
        for (scope, role, option) in cases {
            let refused = issue_key(&catalog, &holder(scope, role), "tester", 0).await.unwrap_err().to_string();
            let command = format!("lazurite enrollment policy --enrollment 8611537 {option}");
            assert!(refused.contains(&command), "{refused}");
        }
        let misplaced = issue_key(&catalog, &holder("departments/7", Role::AccountOwner), "tester", 0).await;
        let misplaced = misplaced.unwrap_err().to_string();
        assert!(misplaced.ends_with("roles there are DepartmentAdministrator, DepartmentReader"), "{misplaced}");
    }

    #[tokio::test]
    async fn a_rotated_key_ends_and_its_successor_has_its_holder_role_and_slot() {
        let (_folder, catalog) = catalog().await;
        issue(&catalog, 1000).await.unwrap();
        let second = issue(&catalog, 1001).await.unwrap();
        let next = rotate_key(&catalog, &second.id, "tester", 1002).await.unwrap();
        assert_eq!(next.slot, KeySlot::Secondary);
        assert!(matches!(accept_key(&catalog, second.key.reveal(), 1003).await, Err(AuthError::Unknown)));
        let entry = accept_key(&catalog, next.key.reveal(), 1003).await.unwrap();
        assert_eq!((entry.scope, entry.role.as_str()), (reader().scope, "EnterpriseReader"));
        let again = rotate_key(&catalog, &second.id, "tester", 1004).await;
        assert!(matches!(again, Err(KeyError::NoSuchKey { .. })));
    }

    #[tokio::test]
    async fn the_key_is_neither_stored_nor_printed() {
        let (folder, catalog) = catalog().await;
        let issued = issue(&catalog, 1000).await.unwrap();
        catalog.close().await;
        let secret = issued.key.reveal();
        assert!(!format!("{issued:?}").contains(secret));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}
