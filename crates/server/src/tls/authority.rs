//! The certificate authority of a store. Everything about it but its dates follows from its key.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};

use super::files::{Folder, Secrecy};
use super::validity::Validity;
use crate::error::ServerError;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
/// Clients are told to trust it once: ten years.
const LIFE: Duration = Duration::days(3650);
/// With the same key and name: what trusts the old certificate goes on doing so until that ends.
const RENEW_BEFORE: Duration = Duration::days(365);
/// Clocks of clients differ.
pub(super) const EARLIER: Duration = Duration::days(1);

/// The authority, ready to sign.
pub(super) struct Authority {
    pub(super) path: PathBuf,
    /// Identifies the key.
    pub(super) id: String,
    pub(super) issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Opens the authority or makes one.
    pub(super) fn open(folder: &Folder, now: OffsetDateTime) -> Result<Self, ServerError> {
        let path = folder.path(CERTIFICATE);
        let certificate = folder.read(CERTIFICATE)?;
        let key = match folder.read(KEY)? {
            Some(key) => key,
            None if certificate.is_some() => {
                return Err(ServerError::KeyLost { certificate: path, key: folder.path(KEY) });
            }
            None => {
                let key = KeyPair::generate().map_err(failure("make the key of the certificate authority"))?;
                folder.keep_first(KEY, &key.serialize_pem(), Secrecy::Key)?
            }
        };
        let key = KeyPair::from_pem(&key).map_err(failure("read ca.key of the certificate authority"))?;
        let params = params(&key, now);
        let ends = certificate.as_deref().map(|certificate| ends_soon(certificate, now));
        if ends != Some(false) {
            let made = params.self_signed(&key).map_err(failure("make the certificate authority"))?.pem();
            if ends.is_none() {
                folder.keep_first(CERTIFICATE, &made, Secrecy::Public)?;
                tracing::info!("made a certificate authority: {}", path.display());
            } else {
                folder.replace(CERTIFICATE, &made, Secrecy::Public)?;
                tracing::warn!(
                    "renewed the certificate authority {}: clients that trust the old certificate go on until it ends, \
                     within a year; let them trust the new one before",
                    path.display()
                );
            }
        }
        let id = hex::encode(params.key_identifier(&key));
        Ok(Self { path, id, issuer: Issuer::new(params, key) })
    }
}

/// Whether the authority's certificate must be renewed. One that cannot be read is left to its owner.
fn ends_soon(certificate: &str, now: OffsetDateTime) -> bool {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).ok();
    let validity = certificate.and_then(|certificate| Validity::of(&certificate).ok());
    validity.is_some_and(|validity| validity.ends_within(RENEW_BEFORE, now))
}

/// Python 3.13 checks strictly: the constraints are critical, key usage and both key identifiers are there.
fn params(key: &KeyPair, now: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    let short_id: String = hex::encode(params.key_identifier(key)).chars().take(8).collect();
    params.distinguished_name = name(&format!("Lazurite local CA {short_id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - EARLIER;
    params.not_after = now + LIFE;
    params
}

pub(super) fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Lazurite");
    name.push(DnType::CommonName, common_name);
    name
}

pub(super) fn failure(doing: &str) -> impl FnOnce(rcgen::Error) -> ServerError {
    let doing = doing.to_owned();
    move |error| ServerError::Certificate { doing, reason: error.to_string() }
}
