//! What the owner of the server says about an issuer.

use std::net::IpAddr;
use std::path::PathBuf;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Where an issuer describes itself, after its name (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY_PATH: &str = ".well-known/openid-configuration";

/// An OpenID Connect issuer and what its tokens must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Its name, exactly as tokens (`iss`) and its discovery document write it.
    pub issuer: String,
    /// Audiences (`aud`) that mean this server. A token must name one of them.
    pub audiences: Vec<String>,
    /// Address of the discovery document, if it is not the issuer followed by `/.well-known/openid-configuration`.
    #[serde(default)]
    pub discovery: Option<String>,
    /// The claim that says who the token speaks for; for Microsoft Entra `oid` is the better one.
    #[serde(default = "default_subject_claim")]
    pub subject_claim: String,
    /// The claim that lists the groups.
    #[serde(default = "default_groups_claim")]
    pub groups_claim: String,
    /// PEM file of authorities that are trusted for this issuer's addresses, beside those of the system.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

/// Why an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerSettingsError {
    /// An address that would let others speak for the issuer, or is none.
    #[error("the {field} {address:?} is not a plain https:// address (http:// is for localhost alone)")]
    Address {
        /// Which setting.
        field: &'static str,
        /// Its value.
        address: String,
    },
    /// A setting that must say something.
    #[error("the issuer {issuer:?} needs {field} that is not empty")]
    Empty {
        /// The issuer.
        issuer: String,
        /// Which setting.
        field: &'static str,
    },
    /// Two descriptions of one issuer.
    #[error("the issuer {issuer:?} is configured twice")]
    Duplicate {
        /// The issuer.
        issuer: String,
    },
    /// The file of authorities cannot be read.
    #[error("cannot read the ca {path} of an issuer: {source}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The file of authorities holds none.
    #[error("the ca {path} of an issuer holds no certificates in PEM form")]
    Ca {
        /// The file.
        path: PathBuf,
    },
    /// No connections can be made with these settings.
    #[error("cannot prepare connections to the issuer {issuer:?}: {source}")]
    Client {
        /// The issuer.
        issuer: String,
        /// Cause.
        source: reqwest::Error,
    },
}

impl IssuerSettings {
    /// Refuses what could not work or would not be safe.
    pub fn check(&self) -> Result<(), IssuerSettingsError> {
        let wrong = |field, address: &str| IssuerSettingsError::Address { field, address: address.to_owned() };
        let issuer = trusted_address(&self.issuer).ok_or_else(|| wrong("issuer", &self.issuer))?;
        // An issuer is a prefix of addresses; a discovery address may have a query, as some of Microsoft Entra do.
        if issuer.query().is_some() || issuer.fragment().is_some() {
            return Err(wrong("issuer", &self.issuer));
        }
        let discovery = self.discovery_address();
        trusted_address(&discovery).ok_or_else(|| wrong("discovery", &discovery))?;
        let empty = |field| Err(IssuerSettingsError::Empty { issuer: self.issuer.clone(), field });
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return empty("an audience");
        }
        if self.subject_claim.is_empty() {
            return empty("a subject_claim");
        }
        if self.groups_claim.is_empty() { empty("a groups_claim") } else { Ok(()) }
    }

    /// Address of the discovery document.
    pub(super) fn discovery_address(&self) -> String {
        let issuer = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        self.discovery.clone().unwrap_or_else(|| format!("{issuer}/{DISCOVERY_PATH}"))
    }
}

/// An address whose answers can be believed: by TLS, or of this machine itself.
pub(super) fn trusted_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    is_trusted(&url).then_some(url)
}

/// See [`trusted_address`].
pub(super) fn is_trusted(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    is_safe && url.username().is_empty() && url.password().is_none()
}

fn default_subject_claim() -> String {
    "sub".to_owned()
}

fn default_groups_claim() -> String {
    "groups".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::oidc::Issuers;

    fn refused(settings: Vec<IssuerSettings>) -> String {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Issuers::new(settings).unwrap_err().to_string()
    }

    #[test]
    fn settings_that_are_not_safe_are_refused() {
        let good = |changes: Value| -> IssuerSettings {
            let mut all = json!({ "issuer": "https://id.example", "audiences": ["a"] });
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            serde_json::from_value(all).unwrap()
        };
        let defaults = good(json!({}));
        assert_eq!((defaults.subject_claim.as_str(), defaults.groups_claim.as_str()), ("sub", "groups"));
        for issuer in ["https://id.example/a", "https://id.example/a/"] {
            let discovery = good(json!({ "issuer": issuer })).discovery_address();
            assert_eq!(discovery, "https://id.example/a/.well-known/openid-configuration");
        }
        for address in ["https://id.example/a", "http://localhost:8080", "http://127.0.0.9", "http://[::1]:80/x"] {
            assert!(good(json!({ "issuer": address })).check().is_ok(), "{address}");
        }
        for (changes, part) in [
            (json!({ "issuer": "http://id.example" }), "issuer \"http://id.example\" is not a plain https://"),
            (json!({ "issuer": "http://localhost.example" }), "issuer \"http://localhost.example\" is not"),
            (json!({ "issuer": "http://127.0.0.1.example" }), "is not a plain https://"),
            (json!({ "issuer": "ftp://localhost" }), "is not a plain https://"),
            (json!({ "issuer": "https://user:word@id.example" }), "is not a plain https://"),
            (json!({ "issuer": "https://id.example?tenant=1" }), "is not a plain https://"),
            (json!({ "issuer": "id.example" }), "issuer \"id.example\" is not"),
            (json!({ "discovery": "http://id.example/d" }), "discovery \"http://id.example/d\" is not"),
            (json!({ "audiences": [] }), "needs an audience"),
            (json!({ "audiences": ["a", ""] }), "needs an audience"),
            (json!({ "subject_claim": "" }), "needs a subject_claim"),
            (json!({ "groups_claim": "" }), "needs a groups_claim"),
            (json!({ "ca": "/nowhere/ca.pem" }), "cannot read the ca /nowhere/ca.pem"),
            (json!({ "ca": concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/README.md") }), "holds no certificates"),
        ] {
            let message = refused(vec![good(changes)]);
            assert!(message.contains(part), "{message}");
        }
        let twice = refused(vec![defaults.clone(), good(json!({ "audiences": ["b"] }))]);
        assert_eq!(twice, "the issuer \"https://id.example\" is configured twice");
        assert!(
            serde_json::from_value::<IssuerSettings>(json!({ "issuer": "i", "audiences": [], "audience": 1 })).is_err()
        );
        assert!(!Issuers::new(Vec::new()).unwrap().names_issuer_of("a.b.c"));
    }
}
