//! The server certificate: kept while it fits, renewed otherwise.

use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::authority::{Authority, EARLIER, failure, name};
use super::files::{Folder, Secrecy};
use crate::error::ServerError;

const CERTIFICATE: &str = "server.pem";
const KEY: &str = "server.key";
/// What the certificate says, written after it: a certificate without it is renewed.
const FACTS: &str = "server.json";
/// Some clients refuse server certificates of more than 398 days.
const LIFE: Duration = Duration::days(390);
/// A certificate that ends sooner is renewed.
const RENEW_BEFORE: Duration = Duration::days(30);
/// Names that every server certificate has.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    names: Vec<String>,
    not_after_s: i64,
    authority: String,
}

/// Opens the certificate of these names or makes one.
pub(super) fn open(
    folder: &Folder,
    authority: &Authority,
    extra_names: &[String],
    now: OffsetDateTime,
) -> Result<Arc<ServerConfig>, ServerError> {
    let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).into();
    for name in extra_names {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if let Some(config) = kept(folder, authority, &names, now)? {
        return Ok(config);
    }
    let (certificate, key) = make(folder, authority, names, now)?;
    read(&certificate, &key)
        .map_err(|reason| ServerError::Certificate { doing: "use the new server certificate".to_owned(), reason })
}

/// The certificate in the folder, if it is good for these names for some time to come.
fn kept(
    folder: &Folder,
    authority: &Authority,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Option<Arc<ServerConfig>>, ServerError> {
    let facts = folder.read(FACTS)?.and_then(|text| serde_json::from_str::<Facts>(&text).ok());
    let fits = facts.is_some_and(|facts| {
        facts.names == names
            && facts.authority == authority.id
            && facts.not_after_s > (now + RENEW_BEFORE).unix_timestamp()
    });
    match (folder.read(CERTIFICATE)?, folder.read(KEY)?) {
        (Some(certificate), Some(key)) if fits => Ok(read(&certificate, &key).ok()),
        _ => Ok(None),
    }
}

fn make(
    folder: &Folder,
    authority: &Authority,
    names: Vec<String>,
    now: OffsetDateTime,
) -> Result<(String, String), ServerError> {
    let doing = "make the server certificate";
    let key = KeyPair::generate().map_err(failure(doing))?;
    let mut params = CertificateParams::new(names.clone()).map_err(failure(doing))?;
    params.distinguished_name = name("Lazurite server");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = now - EARLIER;
    params.not_after = now + LIFE;
    let certificate = params.signed_by(&key, &authority.issuer).map_err(failure(doing))?.pem();
    let key = key.serialize_pem();
    let facts = Facts { names, not_after_s: params.not_after.unix_timestamp(), authority: authority.id.clone() };
    let facts = serde_json::to_string(&facts).expect("plain text members serialize");
    folder.remove(FACTS)?;
    folder.replace(KEY, &key, Secrecy::Key)?;
    folder.replace(CERTIFICATE, &certificate, Secrecy::Public)?;
    folder.replace(FACTS, &facts, Secrecy::Public)?;
    tracing::info!("made a server certificate: {}", folder.path(CERTIFICATE).display());
    Ok((certificate, key))
}

fn read(certificate: &str, key: &str) -> Result<Arc<ServerConfig>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| error.to_string())?;
    server_config(chain, key).map_err(|error| error.to_string())
}

/// How every certificate is served. The key must belong to the first certificate.
pub(super) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
