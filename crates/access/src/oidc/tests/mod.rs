//! Real tokens of real keys, judged against an issuer on this machine. Time is an argument, so no test waits.

mod claims;
mod fetching;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{AlgorithmFamily, EncodingKey, Header, encode};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;

const NOW_S: i64 = 1_750_000_000;
const NOW_MS: i64 = NOW_S * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
const AUDIENCE: &str = "api://lazurite";
const NO_SUCH_KEY: TokenError = TokenError::Invalid("its issuer has no such key");
const WRONG_SIGNATURE: TokenError = TokenError::Invalid("its signature is wrong");
/// The public half of `ed25519.pem`, by `openssl pkey -pubout`.
const ED25519_X: &str = "kEEtTOgyVkwIbrxOYwwovDjf11z3XQ6xuOT8xid6MHQ";

/// A key of the issuer.
struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn new(algorithm: Algorithm) -> Self {
        let pem: &[u8] = match algorithm {
            Algorithm::ES256 => include_bytes!("../../../tests/data/ec-p256.pem"),
            Algorithm::ES384 => include_bytes!("../../../tests/data/ec-p384.pem"),
            Algorithm::EdDSA => include_bytes!("../../../tests/data/ed25519.pem"),
            _ => include_bytes!("../../../tests/data/rsa.pem"),
        };
        let der = PrivateKeyDer::from_pem_slice(pem).unwrap();
        let key = match algorithm.family() {
            AlgorithmFamily::Ec => EncodingKey::from_ec_der(der.secret_der()),
            AlgorithmFamily::Ed => EncodingKey::from_ed_der(der.secret_der()),
            _ => EncodingKey::from_rsa_der(der.secret_der()),
        };
        Self { algorithm, key }
    }

    /// The public key, with the algorithm that it is for.
    fn jwk(&self, kid: &str) -> Value {
        if self.algorithm == Algorithm::EdDSA {
            return json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": ED25519_X });
        }
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk
    }

    fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

/// What an issuer answers; a test may change it at any time.
#[derive(Default)]
struct Answers {
    discovery: String,
    keys: String,
    is_down: bool,
    redirect: Option<String>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Answers>,
    /// Nothing is answered while a test holds it.
    gate: tokio::sync::Mutex<()>,
    discovery_reads: AtomicUsize,
    key_reads: AtomicUsize,
}

/// An issuer on a port of its own.
struct Provider {
    issuer: String,
    shared: Arc<Shared>,
}

impl Provider {
    async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realm", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let provider = Self { issuer, shared };
        provider.describe(&provider.issuer, &format!("{}/keys", provider.issuer));
        provider.hold(keys);
        provider
    }

    fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.shared.answers.lock().unwrap());
    }

    fn describe(&self, issuer: &str, jwks_uri: &str) {
        let discovery = json!({ "issuer": issuer, "jwks_uri": jwks_uri, "response_types_supported": ["id_token"] });
        self.change(|answers| answers.discovery = discovery.to_string());
    }

    fn hold(&self, keys: &[Value]) {
        self.change(|answers| answers.keys = json!({ "keys": keys }).to_string());
    }

    fn key_reads(&self) -> usize {
        self.shared.key_reads.load(Ordering::SeqCst)
    }

    fn discovery_reads(&self) -> usize {
        self.shared.discovery_reads.load(Ordering::SeqCst)
    }

    fn settings(&self) -> IssuerSettings {
        serde_json::from_value(json!({ "issuer": self.issuer, "audiences": ["other", AUDIENCE] })).unwrap()
    }

    fn issuers(&self) -> Issuers {
        issuers(self.settings())
    }

    /// Claims of a good token that lives for a month.
    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "groups": ["billing", "readers"],
            "iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 30 * 24 * 60 * 60,
        })
    }

    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    let is_discovery = uri.path() == "/realm/.well-known/openid-configuration";
    let reads = if is_discovery { &shared.discovery_reads } else { &shared.key_reads };
    reads.fetch_add(1, Ordering::SeqCst);
    drop(shared.gate.lock().await);
    let answers = shared.answers.lock().unwrap();
    match &answers.redirect {
        _ if answers.is_down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(location) if uri.path() != "/moved" => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        _ if is_discovery => answers.discovery.clone().into_response(),
        _ => answers.keys.clone().into_response(),
    }
}

/// Clients need cryptography, which the program chooses at its start.
fn issuers(settings: IssuerSettings) -> Issuers {
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Issuers::new(vec![settings]).unwrap()
}

fn unavailable(provider: &Provider) -> Result<Identity, TokenError> {
    Err(TokenError::Unavailable { issuer: provider.issuer.clone() })
}

/// An address that reaches this machine, on Linux at least, but is none of its loopback addresses.
fn off_loopback(address: &str) -> String {
    address.replace("127.0.0.1", "0.0.0.0")
}

/// An issuer with the P-256 key `k1`.
async fn usual() -> (Provider, Issuers, Signer) {
    let signer = Signer::new(Algorithm::ES256);
    let provider = Provider::start(&[signer.jwk("k1")]).await;
    let issuers = provider.issuers();
    (provider, issuers, signer)
}
