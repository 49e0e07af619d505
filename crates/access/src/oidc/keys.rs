//! The keys of one issuer: fetched when they are needed, kept for a while.
//!
//! Keys are fetched again after an hour, so that a withdrawn key ends, and when a token names an unknown one, so that a
//! new key begins at once. Whatever tokens say and however many come at once, an issuer is asked at most twice a minute.

use std::error::Error;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::{info, warn};

use super::settings::{IssuerSettings, IssuerSettingsError, is_trusted, trusted_address};
use crate::tokens::TokenError;

/// Keys older than this are fetched again.
const REFRESH_AFTER_MS: u64 = 60 * 60 * 1000;
/// Keys that cannot be fetched again are believed for a day: issuers announce new keys and withdraw old ones over days.
const KEYS_LIFE_MS: u64 = 24 * 60 * 60 * 1000;
/// Least time between two attempts to fetch, good or bad: anybody can send a token that names an unknown key.
const ATTEMPT_PAUSE_MS: u64 = 30 * 1000;
/// Longest wait for one document.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest document; those of large issuers have about 20 kB.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Longest chain of redirects.
const REDIRECTS_MAX: usize = 5;

/// Where the keys of an issuer come from, and those that came.
#[derive(Debug)]
pub(super) struct KeySource {
    issuer: String,
    discovery: String,
    client: Client,
    held: RwLock<Option<Arc<HeldKeys>>>,
    /// When fetching was last tried. Held locked while somebody fetches, so that the others wait for the same answer.
    last_attempt_ms: Mutex<Option<i64>>,
}

#[derive(Debug)]
struct HeldKeys {
    fetched_at_ms: i64,
    keys: Vec<Key>,
}

/// A key that may verify signatures.
#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why no keys came.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the address {address:?} is not https")]
    Address { address: String },
    #[error("cannot read {address}: {}", causes(.source))]
    Transport { address: Url, source: reqwest::Error },
    #[error("{address} answers with status {status}")]
    Status { address: Url, status: StatusCode },
    #[error("{address} answers more than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong { address: Url },
    #[error("{address} does not answer the document of an issuer: {source}")]
    Document { address: Url, source: serde_json::Error },
    #[error("the discovery document is that of {named:?}")]
    OtherIssuer { named: String },
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeySource {
    /// The source of checked settings.
    pub(super) fn new(settings: &IssuerSettings) -> Result<Self, IssuerSettingsError> {
        let mut builder = Client::builder().timeout(FETCH_TIMEOUT).redirect(Policy::custom(follow));
        if let Some(path) = &settings.ca {
            let pem =
                std::fs::read(path).map_err(|source| IssuerSettingsError::CaFile { path: path.clone(), source })?;
            let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(IssuerSettingsError::Ca { path: path.clone() });
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder
            .build()
            .map_err(|source| IssuerSettingsError::Client { issuer: settings.issuer.clone(), source })?;
        Ok(Self {
            issuer: settings.issuer.clone(),
            discovery: settings.discovery_address(),
            client,
            held: RwLock::new(None),
            last_attempt_ms: Mutex::new(None),
        })
    }

    /// The one key that a token with this header can be signed by.
    pub(super) async fn key_of(self: &Arc<Self>, header: &Header, now_ms: i64) -> Result<DecodingKey, TokenError> {
        let mut held = self.held(now_ms);
        let fits = held.as_ref().is_some_and(|held| held.fitting(header).next().is_some());
        let is_old = held.as_ref().is_none_or(|held| now_ms.abs_diff(held.fetched_at_ms) >= REFRESH_AFTER_MS);
        // Old keys serve while another request waits for new ones: an issuer that does not answer must not hold up all.
        if !fits || (is_old && !self.is_fetching()) {
            // A task of its own: a client that hangs up must not end the attempt that everybody waits for. If it
            // panics, nothing is held.
            _ = tokio::spawn(Arc::clone(self).refresh(now_ms)).await;
            held = self.held(now_ms);
        }
        let held = held.ok_or_else(|| TokenError::Unavailable { issuer: self.issuer.clone() })?;
        let mut fitting = held.fitting(header);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key.key.clone()),
            (None, _) => Err(TokenError::Invalid("its issuer has no such key")),
            (Some(_), Some(_)) => Err(TokenError::Invalid("it does not say which key of its issuer signed it")),
        }
    }

    /// The keys that are held and still believed. Requests read the clock apart from each other, so that keys may be
    /// a little younger than now; after a jump of the clock they are as good as old.
    fn held(&self, now_ms: i64) -> Option<Arc<HeldKeys>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| now_ms.abs_diff(held.fetched_at_ms) < KEYS_LIFE_MS)
    }

    fn is_fetching(&self) -> bool {
        self.last_attempt_ms.try_lock().is_err()
    }

    /// Fetches the keys, unless somebody just tried.
    async fn refresh(self: Arc<Self>, now_ms: i64) {
        let mut last_attempt_ms = self.last_attempt_ms.lock().await;
        if last_attempt_ms.is_some_and(|last| now_ms.abs_diff(last) < ATTEMPT_PAUSE_MS) {
            return;
        }
        *last_attempt_ms = Some(now_ms);
        let issuer = &self.issuer;
        match self.fetch().await {
            Ok(keys) => {
                info!(issuer, keys = keys.len(), "fetched {} keys of issuer {issuer}", keys.len());
                let held = Arc::new(HeldKeys { fetched_at_ms: now_ms, keys });
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
            }
            Err(reason) => warn!(issuer, %reason, "cannot fetch the keys of issuer {issuer}: {reason}"),
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, FetchError> {
        let discovery: Discovery = self.document(&self.discovery).await?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer { named: discovery.issuer });
        }
        let set: KeySet = self.document(&discovery.jwks_uri).await?;
        Ok(set.keys.into_iter().filter_map(Key::usable).collect())
    }

    async fn document<T: DeserializeOwned>(&self, address: &str) -> Result<T, FetchError> {
        let address = trusted_address(address).ok_or_else(|| FetchError::Address { address: address.to_owned() })?;
        let transport =
            |source: reqwest::Error| FetchError::Transport { address: address.clone(), source: source.without_url() };
        let mut response = self.client.get(address.clone()).send().await.map_err(transport)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(FetchError::Status { address, status });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                return Err(FetchError::TooLong { address });
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|source| FetchError::Document { address, source })
    }
}

impl HeldKeys {
    /// The keys that go with a header: with its algorithm, and with its key id if it has one.
    fn fitting(&self, header: &Header) -> impl Iterator<Item = &Key> {
        self.keys
            .iter()
            .filter(|key| key.algorithms.contains(&header.alg) && (header.kid.is_none() || header.kid == key.id))
    }
}

impl Key {
    /// Reads a key. Of those that are not for signatures, or of a kind that nobody here knows, there is none; such keys
    /// stand beside good ones.
    fn usable(json: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let common = &jwk.common;
        if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
            || common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify))
        {
            return None;
        }
        let mut algorithms = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
            _ => return None,
        };
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|algorithm| only.to_string().parse() == Ok(*algorithm));
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id, algorithms, key })
    }
}

/// Follows a redirect that stays with its scheme and can be believed; any other is an answer without a document.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_scheme = attempt.previous().last().is_some_and(|last| last.scheme() == attempt.url().scheme());
    if keeps_scheme && is_trusted(attempt.url()) && attempt.previous().len() <= REDIRECTS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// What a failure of the network was, down to its first cause.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
