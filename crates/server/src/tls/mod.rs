//! TLS from a certificate authority of the store's own, made at first start under `{data}/tls/`.
//!
//! `ca.pem` is what clients trust; it stays the same for as long as its key does. The server certificate is renewed
//! when its names change or its end comes near, at the start and while the server runs.

mod authority;
mod certificate;
mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use time::OffsetDateTime;

use crate::error::ServerError;
use authority::Authority;
use files::Folder;

/// Folder of keys and certificates beneath the data folder.
const FOLDER: &str = "tls";

/// TLS, ready for a listener.
#[derive(Debug)]
pub(crate) struct Tls {
    pub(crate) ca_path: PathBuf,
    pub(crate) config: Arc<ServerConfig>,
}

/// Chooses the cryptography of this process: for clients and servers, once, before any TLS. Calling it again changes
/// nothing.
pub fn install_crypto_provider() {
    // An error means that there is a provider already.
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Opens or makes the authority and the server certificate. Blocking.
pub(crate) fn prepare(data: &Path, names: &[String], now: OffsetDateTime) -> Result<Tls, ServerError> {
    install_crypto_provider();
    let folder = Folder::open(data.join(FOLDER))?;
    let authority = Authority::open(&folder, now)?;
    let config = certificate::open(&folder, &authority, names, now)?;
    Ok(Tls { ca_path: authority.path, config })
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    fn read(data: &Path, name: &str) -> String {
        std::fs::read_to_string(data.join(FOLDER).join(name)).unwrap()
    }

    #[test]
    fn the_authority_is_kept_and_the_server_certificate_renewed_when_it_must_be() {
        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        prepare(data.path(), &names(&["box.example"]), now).unwrap();
        let (authority, first) = (read(data.path(), "ca.pem"), read(data.path(), "server.pem"));

        prepare(data.path(), &names(&["BOX.example", "localhost"]), now + Duration::days(359)).unwrap();
        assert_eq!(read(data.path(), "server.pem"), first);
        prepare(data.path(), &names(&["box.example"]), now + Duration::days(361)).unwrap();
        let second = read(data.path(), "server.pem");
        assert_ne!(second, first);
        prepare(data.path(), &names(&["box.example", "10.0.0.7"]), now).unwrap();
        assert_ne!(read(data.path(), "server.pem"), second);
        assert_eq!(read(data.path(), "ca.pem"), authority);
    }

    #[test]
    fn a_broken_server_certificate_is_replaced_and_a_lost_authority_is_not() {
        let data = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        prepare(data.path(), &[], now).unwrap();
        std::fs::write(data.path().join("tls/server.key"), "x").unwrap();
        prepare(data.path(), &[], now).unwrap();
        assert!(read(data.path(), "server.key").contains("PRIVATE KEY"));

        std::fs::remove_file(data.path().join("tls/ca.key")).unwrap();
        let lost = prepare(data.path(), &[], now).unwrap_err();
        assert!(lost.to_string().contains("restore the key"), "{lost}");
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let data = tempfile::tempdir().unwrap();
        prepare(data.path(), &[], OffsetDateTime::now_utc()).unwrap();
        let mode = |name| std::fs::metadata(data.path().join(FOLDER).join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("ca.key"), mode("server.key")), (0o600, 0o600));
    }
}
