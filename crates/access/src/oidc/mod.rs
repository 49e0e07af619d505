//! Tokens of OpenID Connect issuers that the owner of the server trusts, such as Microsoft Entra.
//!
//! What a token says of its issuer only chooses whose keys judge it. A token is accepted when one of those keys signed
//! it with a public-key algorithm, when it was made for this server (`aud`), and when it is its time. What cannot be
//! judged is refused.

mod keys;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use crate::tokens::{Claims, TokenError, check_times, read_header, signed_claims, unverified_claims};
use keys::KeySource;
pub use settings::{IssuerSettings, IssuerSettingsError};

/// Algorithms of issuers' tokens: those of public keys. With a shared secret whoever can verify a token can make one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Longest subject; OpenID Connect allows 255 characters of ASCII.
const SUBJECT_BYTES_MAX: usize = 256;
/// Groups of one identity that are kept; Microsoft Entra puts at most 200 into a token. Fewer groups never give more
/// rights.
const GROUPS_MAX: usize = 1000;

/// Who a token speaks for, by the word of its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer, as it is configured.
    pub issuer: String,
    /// Who it is: unique within the issuer.
    pub subject: String,
    /// Groups of the subject, as the issuer names them.
    pub groups: Vec<String>,
}

/// The issuers that are trusted, with their keys. A clone shares the keys.
#[derive(Debug, Clone)]
pub struct Issuers {
    issuers: Arc<[Issuer]>,
}

#[derive(Debug)]
struct Issuer {
    settings: IssuerSettings,
    keys: Arc<KeySource>,
}

impl Issuers {
    /// Takes issuers over. Nothing is fetched until a token needs it.
    ///
    /// # Panics
    /// When there are issuers and the process has not chosen its cryptography for TLS before.
    pub fn new(settings: Vec<IssuerSettings>) -> Result<Self, IssuerSettingsError> {
        let mut issuers: Vec<Issuer> = Vec::with_capacity(settings.len());
        for settings in settings {
            settings.check()?;
            if issuers.iter().any(|issuer| issuer.settings.issuer == settings.issuer) {
                return Err(IssuerSettingsError::Duplicate { issuer: settings.issuer });
            }
            let keys = Arc::new(KeySource::new(&settings)?);
            issuers.push(Issuer { settings, keys });
        }
        Ok(Self { issuers: issuers.into() })
    }

    /// Whether a token says that one of these issuers made it. Decides only who judges it; nothing is verified.
    pub fn names_issuer_of(&self, token: &str) -> bool {
        self.issuer_of(token).is_some()
    }

    /// Accepts a token and says who it speaks for, or says why not.
    pub async fn verify(&self, token: &str, now_ms: i64) -> Result<Identity, TokenError> {
        let issuer = self.issuer_of(token).ok_or(TokenError::Unknown)?;
        let header = read_header(token)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(TokenError::Invalid("its algorithm is not accepted"));
        }
        let key = issuer.keys.key_of(&header, now_ms).await?;
        // The signature covers the very claims by which the issuer was chosen.
        let claims = signed_claims(token, header.alg, &key)?;
        check_times(&claims, now_ms)?;
        issuer.settings.identity(&claims)
    }

    fn issuer_of(&self, token: &str) -> Option<&Issuer> {
        let claims = unverified_claims(token)?;
        let named = claims.get("iss")?.as_str()?;
        self.issuers.iter().find(|issuer| issuer.settings.issuer == named)
    }
}

impl IssuerSettings {
    /// The identity in verified claims.
    fn identity(&self, claims: &Claims) -> Result<Identity, TokenError> {
        let audiences = match claims.get("aud") {
            Some(text @ Value::String(_)) => std::slice::from_ref(text),
            Some(Value::Array(list)) => list,
            _ => &[],
        };
        let is_ours = |audience: &Value| audience.as_str().is_some_and(|text| self.audiences.iter().any(|a| a == text));
        if !audiences.iter().any(is_ours) {
            return Err(TokenError::Invalid("it was not made for this server"));
        }
        let subject = match claims.get(&self.subject_claim) {
            Some(Value::String(text)) if !text.is_empty() && text.len() <= SUBJECT_BYTES_MAX => text.clone(),
            _ => return Err(TokenError::Invalid("it does not say who it speaks for")),
        };
        let wrong_groups = || TokenError::Invalid("its groups are not a list of texts");
        let mut groups = Vec::new();
        if let Some(list) = claims.get(&self.groups_claim) {
            for group in list.as_array().ok_or_else(wrong_groups)? {
                groups.push(group.as_str().ok_or_else(wrong_groups)?.to_owned());
            }
        }
        groups.truncate(GROUPS_MAX);
        Ok(Identity { issuer: self.issuer.clone(), subject, groups })
    }
}
