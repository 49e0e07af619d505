//! TLS: the owner's certificate, or one from a certificate authority of the store's own.
//!
//! The authority is made at first start under `{data}/tls/`. `ca.pem` is what clients trust; its key and name stay for
//! ever, its dates are renewed in its last year. The server certificate is renewed when its names change or its end
//! comes near, at the start and while the server runs. With an owner's certificate nothing of that is made; its files
//! are watched, because something else renews them.

mod authority;
mod certificate;
mod files;
mod owner;
mod validity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use time::OffsetDateTime;

use crate::error::ServerError;
use crate::settings::Settings;
use authority::Authority;
use files::Folder;
use owner::Owner;
pub use owner::TlsFiles;

/// Folder of keys and certificates beneath the data folder.
const FOLDER: &str = "tls";
/// How often a running server looks whether its own certificate must be renewed.
const RENEWAL_LOOK: std::time::Duration = std::time::Duration::from_secs(12 * 60 * 60);

/// TLS, ready for a listener.
pub(crate) struct Tls {
    /// What clients trust; `None` if that is the owner's affair.
    pub(crate) ca_path: Option<PathBuf>,
    pub(crate) config: RustlsConfig,
    pub(crate) keeper: Keeper,
}

/// Looks after a certificate for as long as the server runs. Connections are not disturbed.
#[derive(Debug)]
pub(crate) enum Keeper {
    Local { data: PathBuf, names: Vec<String> },
    Owner { owner: Box<Owner>, look_every: std::time::Duration },
}

/// Chooses the cryptography of this process: for clients and servers, once, before any TLS. Calling it again changes
/// nothing.
pub fn install_crypto_provider() {
    // An error means that there is a provider already.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Opens the certificate that the settings name, or the store's own authority and certificate. Blocking.
pub(crate) fn prepare(settings: &Settings, now: OffsetDateTime) -> Result<Tls, ServerError> {
    install_crypto_provider();
    let public_host = settings.api.public_url.iter().map(|url| url.host().to_owned());
    let names: Vec<String> = public_host.chain(settings.tls_names.iter().cloned()).collect();
    if let Some(files) = &settings.tls_files {
        let (owner, config) = Owner::open(files.clone(), names, now)?;
        let keeper = Keeper::Owner { owner: Box::new(owner), look_every: settings.tls_look };
        return Ok(Tls { ca_path: None, config: RustlsConfig::from_config(config), keeper });
    }
    let (ca_path, config) = local(&settings.data, &names, now)?;
    let keeper = Keeper::Local { data: settings.data.clone(), names };
    Ok(Tls { ca_path: Some(ca_path), config: RustlsConfig::from_config(config), keeper })
}

/// Opens or makes the authority and the server certificate.
fn local(data: &Path, names: &[String], now: OffsetDateTime) -> Result<(PathBuf, Arc<ServerConfig>), ServerError> {
    let folder = Folder::open(data.join(FOLDER))?;
    let authority = Authority::open(&folder, now)?;
    let config = certificate::open(&folder, &authority, names, now)?;
    Ok((authority.path, config))
}

impl Keeper {
    /// Looks again and again, and exchanges the certificate of `config` when there is another one.
    pub(crate) async fn run(mut self, config: RustlsConfig) {
        let pause = match &self {
            Self::Local { .. } => RENEWAL_LOOK,
            Self::Owner { look_every, .. } => *look_every,
        };
        loop {
            tokio::time::sleep(pause).await;
            let looked = tokio::task::spawn_blocking(move || {
                let new = self.look(OffsetDateTime::now_utc());
                (self, new)
            });
            match looked.await {
                Ok((keeper, new)) => {
                    self = keeper;
                    if let Some(new) = new {
                        config.reload_from_config(new);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "nobody looks after the server certificate any more: {error}");
                    return;
                }
            }
        }
    }

    fn look(&mut self, now: OffsetDateTime) -> Option<Arc<ServerConfig>> {
        match self {
            Self::Owner { owner, .. } => owner.look(now),
            Self::Local { data, names } => match local(data, names, now) {
                Ok((_, config)) => Some(config),
                Err(error) => {
                    tracing::error!(%error, "cannot look after the server certificate: {error}");
                    None
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn local(data: &Path, names: &[String], now: OffsetDateTime) -> Result<(), ServerError> {
        install_crypto_provider();
        super::local(data, names, now).map(|_| ())
    }

    fn read(data: &Path, name: &str) -> String {
        std::fs::read_to_string(data.join(FOLDER).join(name)).unwrap()
    }

    #[test]
    fn the_authority_is_kept_and_the_server_certificate_renewed_when_it_must_be() {
        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        local(data.path(), &names(&["box.example"]), now).unwrap();
        let (authority, first) = (read(data.path(), "ca.pem"), read(data.path(), "server.pem"));

        local(data.path(), &names(&["BOX.example", "localhost"]), now + Duration::days(359)).unwrap();
        assert_eq!(read(data.path(), "server.pem"), first);
        local(data.path(), &names(&["box.example"]), now + Duration::days(361)).unwrap();
        let second = read(data.path(), "server.pem");
        assert_ne!(second, first);
        local(data.path(), &names(&["box.example", "10.0.0.7"]), now).unwrap();
        assert_ne!(read(data.path(), "server.pem"), second);
        assert_eq!(read(data.path(), "ca.pem"), authority);
    }

    #[test]
    fn a_broken_server_certificate_is_replaced_and_a_lost_authority_is_not() {
        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        local(data.path(), &[], now).unwrap();
        std::fs::write(data.path().join("tls/server.key"), "x").unwrap();
        local(data.path(), &[], now).unwrap();
        assert!(read(data.path(), "server.key").contains("PRIVATE KEY"));

        std::fs::remove_file(data.path().join("tls/ca.key")).unwrap();
        let lost = local(data.path(), &[], now).unwrap_err();
        assert!(lost.to_string().contains("restore the key"), "{lost}");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let data = tempfile::tempdir().unwrap();
        local(data.path(), &[], OffsetDateTime::now_utc()).unwrap();
        let mode = |name| std::fs::metadata(data.path().join(FOLDER).join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("ca.key"), mode("server.key")), (0o600, 0o600));
    }

    #[test]
    fn the_authority_is_renewed_in_its_last_year_and_what_trusts_the_old_one_goes_on() {
        use rustls::RootCertStore;
        use rustls::client::verify_server_cert_signed_by_trust_anchor;
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, UnixTime};
        use rustls::server::ParsedCertificate;

        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        local(data.path(), &[], now).unwrap();
        let (old, key) = (read(data.path(), "ca.pem"), read(data.path(), "ca.key"));
        local(data.path(), &[], now + Duration::days(3650 - 366)).unwrap();
        assert_eq!(read(data.path(), "ca.pem"), old);

        let late = now + Duration::days(3650 - 364);
        local(data.path(), &[], late).unwrap();
        let new = read(data.path(), "ca.pem");
        assert!(new != old && read(data.path(), "ca.key") == key);
        local(data.path(), &[], late).unwrap();
        assert_eq!(read(data.path(), "ca.pem"), new);

        let der = |text: &str| CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
        let leaf = der(&read(data.path(), "server.pem"));
        let leaf = ParsedCertificate::try_from(&leaf).unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(late.unix_timestamp().try_into().unwrap()));
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.all;
        for authority in [old, new] {
            let mut roots = RootCertStore::empty();
            roots.add(der(&authority)).unwrap();
            verify_server_cert_signed_by_trust_anchor(&leaf, &roots, &[], at, algorithms).unwrap();
        }
    }
}
