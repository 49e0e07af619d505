//! Access tokens: those of the store itself, for clients that trade a key for a token, and what the tokens of every
//! issuer have in common.
//!
//! A token is judged by its signature first and by its claims after that. Times are compared in whole seconds with the
//! caller's clock. Errors say what is wrong and never hold any part of the token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use catalog::{Catalog, CatalogError};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto, decode_header, encode};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::secret::{Secret, random_bytes};

/// Clocks of issuers and of this server may be this far apart.
pub(crate) const CLOCK_SKEW_S: i64 = 60;
/// Longest token that is looked at; one of the original has about 2 kB.
pub(crate) const TOKEN_BYTES_MAX: usize = 8 << 10;
/// A token of the store lives for an hour, as those of the original do by default.
const TOKEN_LIFE_S: i64 = 60 * 60;
/// Names of the store's entries in the catalog. The tenant is an entry of its own, so that it stays when the secret is
/// replaced.
const SECRET_ENTRY: &str = "access-tokens";
const TENANT_ENTRY: &str = "tenant";
/// Length of the signing secret: that of the hash (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;
/// The claim that marks the store's own tokens, and its value.
const MARK: (&str, &str) = ("lazurite", "access");
const WRONG_FORM: TokenError = TokenError::Invalid("it does not have the form of a token that is accepted here");

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No issuer that is trusted here made it, as far as it says itself.
    #[error("the access token is of no issuer that this server trusts")]
    Unknown,
    /// It is altered, or not meant for this server, or not meant for now.
    #[error("the access token is not valid: {0}")]
    Invalid(&'static str),
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// It cannot be judged, because the keys of its issuer cannot be had.
    #[error("the access token cannot be judged: the keys of its issuer {issuer} cannot be had")]
    Unavailable {
        /// The issuer.
        issuer: String,
    },
}

/// A new token of the store.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Secret,
    /// Seconds for which it will be accepted.
    pub expires_in_s: u64,
}

/// The store's own issuer of tokens, for clients that cannot send a key as it is.
#[derive(Debug, Clone)]
pub(crate) struct LocalIssuer {
    tenant: Uuid,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl LocalIssuer {
    /// The issuer of the store of a catalog. Its secret and its tenant are made once and kept.
    pub(crate) async fn open(catalog: &Catalog) -> Result<Self, CatalogError> {
        let secret = catalog.secret(SECRET_ENTRY, &random_bytes::<SECRET_BYTES>()).await?;
        // A short secret, above all an empty one, would let anybody sign.
        if secret.len() != SECRET_BYTES {
            let value = format!("{} bytes", secret.len());
            return Err(CatalogError::Foreign { what: "secret of access tokens", value });
        }
        let tenant = catalog.secret(TENANT_ENTRY, Uuid::new_v4().as_bytes()).await?;
        let tenant = Uuid::from_slice(&tenant)
            .map_err(|_| CatalogError::Foreign { what: "tenant", value: format!("{} bytes", tenant.len()) })?;
        let (signing, verifying) = (EncodingKey::from_secret(&secret), DecodingKey::from_secret(&secret));
        Ok(Self { tenant, signing, verifying })
    }

    /// The id of this store where clients expect that of a tenant. It is random, public and for ever, and tells nothing
    /// about the secret.
    pub(crate) fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// A token that stands for a key: for an hour, or until the key's end if that comes first. `issuer` is the address
    /// at which it was asked for.
    pub(crate) fn issue(
        &self,
        key_id: &str,
        audience: &str,
        issuer: &str,
        key_expires_at_ms: i64,
        now_ms: i64,
    ) -> IssuedToken {
        let now_s = seconds(now_ms);
        let end_s = seconds(key_expires_at_ms).min(now_s.saturating_add(TOKEN_LIFE_S)).max(now_s);
        let claims = json!({
            "iss": issuer, "aud": audience, "iat": now_s, "nbf": now_s, "exp": end_s,
            "sub": key_id, "oid": key_id, "appid": key_id, "azp": key_id,
            "tid": self.tenant, "ver": "2.0", MARK.0: MARK.1,
        });
        let token = encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .expect("texts and integers become JSON, and a secret of any length signs");
        IssuedToken { token: Secret::new(token), expires_in_s: (end_s - now_s).unsigned_abs() }
    }

    /// Whether a token says that a store like this one made it. Decides only who judges it; nothing is verified.
    pub(crate) fn is_own(token: &str) -> bool {
        unverified_claims(token).is_some_and(|claims| is_marked(&claims))
    }

    /// Accepts a token of this store and gives the id of its key, or says why not. Whether the key is still good is not
    /// known here.
    pub(crate) fn verify(&self, token: &str, now_ms: i64) -> Result<String, TokenError> {
        if read_header(token)?.alg != Algorithm::HS256 {
            return Err(TokenError::Invalid("its algorithm is not that of this server's tokens"));
        }
        let claims = signed_claims(token, Algorithm::HS256, &self.verifying)?;
        if !is_marked(&claims) {
            return Err(TokenError::Invalid("it is not an access token of this server"));
        }
        check_times(&claims, now_ms)?;
        claims.get("appid").and_then(Value::as_str).map(str::to_owned).ok_or(TokenError::Invalid("it names no key"))
    }
}

/// What a token says of itself, before anything is verified; `None` for what is no token.
pub(crate) fn unverified_claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// The header of a token of an algorithm that exists; `none` is not one. A header that demands more than we understand
/// is refused (RFC 7515, section 4.1.11).
pub(crate) fn read_header(token: &str) -> Result<Header, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(WRONG_FORM);
    }
    let header = decode_header(token).map_err(|_| WRONG_FORM)?;
    if header.crit.is_some() { Err(WRONG_FORM) } else { Ok(header) }
}

/// The claims of a token that a key signed. Nothing else is judged: the library would compare times with the system's
/// clock, and refuse claims of forms that do not matter here.
pub(crate) fn signed_claims(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, TokenError> {
    let (message, signature) = token.rsplit_once('.').ok_or(WRONG_FORM)?;
    if !crypto::verify(signature, message.as_bytes(), key, algorithm).map_err(|_| WRONG_FORM)? {
        return Err(TokenError::Invalid("its signature is wrong"));
    }
    unverified_claims(token).ok_or(WRONG_FORM)
}

/// Judges when a token starts and ends. The end must be there (RFC 7519, section 4.1.4: from then on it is not
/// accepted).
pub(crate) fn check_times(claims: &Claims, now_ms: i64) -> Result<(), TokenError> {
    let now_s = seconds(now_ms);
    let end_s = time(claims, "exp")?.ok_or(TokenError::Invalid("it has no end"))?;
    if now_s >= end_s.saturating_add(CLOCK_SKEW_S) {
        return Err(TokenError::Expired);
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|start_s| now_s < start_s.saturating_sub(CLOCK_SKEW_S)) {
            return Err(TokenError::Invalid("its time has not come"));
        }
    }
    Ok(())
}

/// A time claim. Fractions of seconds, which the standard allows and nobody needs, are refused.
fn time(claims: &Claims, name: &str) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value.as_i64().map(Some).ok_or(TokenError::Invalid("its times are not whole seconds"))
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

fn is_marked(claims: &Claims) -> bool {
    claims.get(MARK.0).and_then(Value::as_str) == Some(MARK.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_750_000_000_000;
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    const KEY: &str = "3f0e7f5c-6f0c-4c5e-9a39-0d3f3c1f8a11";

    async fn store() -> (tempfile::TempDir, Catalog, LocalIssuer) {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let issuer = LocalIssuer::open(&catalog).await.unwrap();
        (folder, catalog, issuer)
    }

    fn issue(issuer: &LocalIssuer) -> String {
        let issued = issuer.issue(KEY, "https://management.core.windows.net/", "https://box/t", i64::MAX, NOW_MS);
        issued.token.reveal().to_owned()
    }

    fn sign(issuer: &LocalIssuer, claims: &Value) -> String {
        encode(&Header::default(), claims, &issuer.signing).unwrap()
    }

    fn unsigned(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(header), part(claims))
    }

    #[tokio::test]
    async fn a_token_names_its_key_and_holds_the_claims_of_the_original() {
        let (_folder, catalog, issuer) = store().await;
        let token = issue(&issuer);
        assert_eq!(issuer.verify(&token, NOW_MS), Ok(KEY.to_owned()));
        assert!(LocalIssuer::is_own(&token));
        assert_eq!(decode_header(&token).unwrap().typ.as_deref(), Some("JWT"));
        let claims = unverified_claims(&token).unwrap();
        for name in ["sub", "oid", "appid", "azp"] {
            assert_eq!(claims[name], KEY);
        }
        assert_eq!((&claims["iss"], &claims["ver"]), (&json!("https://box/t"), &json!("2.0")));
        assert_eq!(claims["aud"], "https://management.core.windows.net/");
        assert_eq!(claims["tid"], issuer.tenant().to_string());
        assert_eq!((&claims["iat"], &claims["nbf"]), (&json!(1_750_000_000), &json!(1_750_000_000)));

        let reopened = LocalIssuer::open(&catalog).await.unwrap();
        assert_eq!(reopened.tenant(), issuer.tenant());
        assert_eq!(reopened.verify(&token, NOW_MS), Ok(KEY.to_owned()));
    }

    #[tokio::test]
    async fn a_token_lives_for_an_hour_and_not_longer_than_its_key() {
        let (_folder, _catalog, issuer) = store().await;
        let life = |key_expires_at_ms| {
            let issued = issuer.issue(KEY, "a", "i", key_expires_at_ms, NOW_MS);
            let end_s = unverified_claims(issued.token.reveal()).unwrap()["exp"].as_i64().unwrap();
            (issued.expires_in_s, end_s - NOW_MS / 1000)
        };
        assert_eq!(life(NOW_MS + DAY_MS), (3600, 3600));
        assert_eq!(life(NOW_MS + 90_999), (90, 90));
        assert_eq!(life(NOW_MS), (0, 0));
        assert_eq!(life(NOW_MS - DAY_MS), (0, 0));
    }

    #[tokio::test]
    async fn a_token_is_accepted_until_its_end_and_a_minute_of_skew() {
        let (_folder, _catalog, issuer) = store().await;
        let token = issue(&issuer);
        assert_eq!(issuer.verify(&token, NOW_MS + 3_660_000 - 1), Ok(KEY.to_owned()));
        assert_eq!(issuer.verify(&token, NOW_MS + 3_660_000), Err(TokenError::Expired));
        assert_eq!(issuer.verify(&token, NOW_MS - 60_000), Ok(KEY.to_owned()));
        let early = issuer.verify(&token, NOW_MS - 60_001);
        assert_eq!(early, Err(TokenError::Invalid("its time has not come")));
    }

    #[tokio::test]
    async fn a_token_that_was_altered_or_made_elsewhere_is_refused() {
        let (_folder, _catalog, issuer) = store().await;
        let (_other_folder, _other_catalog, other) = store().await;
        let wrong_signature = Err(TokenError::Invalid("its signature is wrong"));
        let token = issue(&issuer);
        assert_ne!(issuer.tenant(), other.tenant());
        assert_eq!(issuer.verify(&issue(&other), NOW_MS), wrong_signature);

        let [header, payload, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let other_key = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap().replace(KEY, "admin");
        let altered = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(other_key));
        assert_eq!(issuer.verify(&altered, NOW_MS), wrong_signature);
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let altered = format!("{header}.{payload}.{first}{}", &signature[1..]);
        assert_eq!(issuer.verify(&altered, NOW_MS), wrong_signature);
        assert_eq!(issuer.verify(&format!("{header}.{payload}."), NOW_MS), wrong_signature);
    }

    #[tokio::test]
    async fn other_algorithms_and_forms_are_refused() {
        let (_folder, _catalog, issuer) = store().await;
        let claims = Value::Object(unverified_claims(&issue(&issuer)).unwrap());
        let wrong_form = Err(WRONG_FORM);
        assert_eq!(issuer.verify(&unsigned(&json!({ "alg": "none" }), &claims), NOW_MS), wrong_form);
        assert_eq!(issuer.verify(&unsigned(&json!({ "typ": "JWT" }), &claims), NOW_MS), wrong_form);
        let longer = encode(&Header::new(Algorithm::HS512), &claims, &issuer.signing).unwrap();
        let refusal = issuer.verify(&longer, NOW_MS).unwrap_err();
        assert_eq!(refusal, TokenError::Invalid("its algorithm is not that of this server's tokens"));
        let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
        assert_eq!(issuer.verify(&encode(&critical, &claims, &issuer.signing).unwrap(), NOW_MS), wrong_form);
        let mut long = claims.clone();
        long["filler"] = json!("x".repeat(TOKEN_BYTES_MAX));
        assert_eq!(issuer.verify(&sign(&issuer, &long), NOW_MS), wrong_form);
        for token in ["", "lzk_x", "..", "a.b.c", "a.b.c.d.e"] {
            assert_eq!(issuer.verify(token, NOW_MS), wrong_form);
            assert!(!LocalIssuer::is_own(token));
        }
    }

    #[tokio::test]
    async fn a_well_signed_token_still_needs_the_mark_an_end_and_a_key() {
        let (_folder, _catalog, issuer) = store().await;
        let without = |name: &str| {
            let mut claims = unverified_claims(&issue(&issuer)).unwrap();
            claims.remove(name).unwrap();
            sign(&issuer, &Value::Object(claims))
        };
        let refusal = |token: &str| issuer.verify(token, NOW_MS).unwrap_err().to_string();
        let unmarked = without(MARK.0);
        assert!(!LocalIssuer::is_own(&unmarked));
        assert_eq!(refusal(&unmarked), "the access token is not valid: it is not an access token of this server");
        assert_eq!(refusal(&without("exp")), "the access token is not valid: it has no end");
        assert_eq!(refusal(&without("appid")), "the access token is not valid: it names no key");
        let mut claims = unverified_claims(&issue(&issuer)).unwrap();
        claims["exp"] = json!("1750003600");
        let text = sign(&issuer, &Value::Object(claims));
        assert_eq!(refusal(&text), "the access token is not valid: its times are not whole seconds");
    }

    #[tokio::test]
    async fn neither_secret_nor_token_is_printed() {
        let (_folder, catalog, issuer) = store().await;
        let secret = catalog.secret(SECRET_ENTRY, &[]).await.unwrap();
        let issued = issuer.issue(KEY, "a", "i", i64::MAX, NOW_MS);
        let printed = format!("{issuer:?} {issued:?}");
        assert!(!printed.contains(&format!("{secret:?}")) && !printed.contains(issued.token.reveal()), "{printed}");
        assert!(printed.contains("redacted"), "{printed}");
    }

    #[tokio::test]
    async fn a_secret_that_is_too_short_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        catalog.secret(SECRET_ENTRY, &[]).await.unwrap();
        let error = LocalIssuer::open(&catalog).await.unwrap_err().to_string();
        assert!(error.contains("\"0 bytes\" as secret of access tokens"), "{error}");
    }
}
