//! The owner's certificate: two PEM files that something else renews.
//!
//! A pair is checked as a whole before it is served: readable, the key belongs to the first certificate, good now. A
//! pair that is not good stops the start; later it is reported and the pair before it stays. Nothing of the key file
//! is ever printed, not even what is wrong with its lines.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{Error, InconsistentKeys, ServerConfig};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::certificate::server_config;
use super::validity::Validity;
use crate::error::ServerError;

/// A chain of ten certificates with large keys has 30 kB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Renewal happens earlier: certbot renews 30 days before the end.
const WARN_BEFORE: Duration = Duration::days(14);
/// How often the end is warned about.
const WARN_EVERY: Duration = Duration::days(1);

/// The owner's certificate and its key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key of the first certificate.
    pub key: PathBuf,
}

/// What the files hold; the key is in it, so it cannot be printed.
#[derive(PartialEq, Eq)]
struct Content {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The owner's certificate as it is served.
pub(crate) struct Owner {
    files: TlsFiles,
    /// Names that clients will use.
    names: Vec<String>,
    served: Content,
    validity: Validity,
    /// Why the files are not what is served, as it was logged.
    failure: Option<String>,
    warned_at: Option<OffsetDateTime>,
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Owner {
    /// Opens the files.
    pub(super) fn open(
        files: TlsFiles,
        names: Vec<String>,
        now: OffsetDateTime,
    ) -> Result<(Self, Arc<ServerConfig>), ServerError> {
        let served = read(&files)?;
        let pair = check(&files, &served, now)?;
        let mut owner = Self { files, names, served, validity: pair.validity, failure: None, warned_at: None };
        owner.warn_of_names(&pair.leaf);
        owner.warn_of_end(now);
        Ok((owner, pair.config))
    }

    /// Looks whether the files have changed, and gives the new certificate if they have and are good. What is wrong is
    /// logged once.
    pub(super) fn look(&mut self, now: OffsetDateTime) -> Option<Arc<ServerConfig>> {
        let file = self.files.certificate.display().to_string();
        let new = match self.changed(now) {
            Ok(None) => {
                self.failure = None;
                None
            }
            Ok(Some(pair)) => {
                (self.validity, self.failure, self.warned_at) = (pair.validity, None, None);
                let until = self.validity.until.map(text).unwrap_or_else(|| "the end of time".to_owned());
                tracing::info!("took over the changed certificate {file}, good until {until}");
                self.warn_of_names(&pair.leaf);
                Some(pair.config)
            }
            Err(error) => {
                let message = error.to_string();
                if self.failure.as_ref() != Some(&message) {
                    tracing::error!("the certificate before it stays in use: {message}");
                }
                self.failure = Some(message);
                None
            }
        };
        self.warn_of_end(now);
        new
    }

    fn changed(&mut self, now: OffsetDateTime) -> Result<Option<Pair>, ServerError> {
        let content = read(&self.files)?;
        if content == self.served {
            return Ok(None);
        }
        let pair = check(&self.files, &content, now)?;
        self.served = content;
        Ok(Some(pair))
    }

    fn warn_of_names(&self, leaf: &CertificateDer<'_>) {
        let file = self.files.certificate.display();
        for name in not_named(leaf, &self.names) {
            tracing::warn!("the certificate {file} does not name {name}: clients that ask there will refuse it");
        }
    }

    fn warn_of_end(&mut self, now: OffsetDateTime) {
        let Some(until) = self.validity.until.filter(|_| self.validity.ends_within(WARN_BEFORE, now)) else { return };
        if self.warned_at.is_some_and(|warned| now - warned < WARN_EVERY) {
            return;
        }
        self.warned_at = Some(now);
        let (file, at) = (self.files.certificate.display(), text(until));
        if until < now {
            tracing::error!("the certificate {file} expired on {at}: clients refuse it; renew it");
        } else {
            let days = (until - now).whole_days();
            tracing::warn!("the certificate {file} expires on {at}, in {days} days; renew it");
        }
    }
}

/// A pair that is good.
struct Pair {
    config: Arc<ServerConfig>,
    leaf: CertificateDer<'static>,
    validity: Validity,
}

fn read(files: &TlsFiles) -> Result<Content, ServerError> {
    let one = |path: &Path, option: &str| {
        bounded(path).map_err(|error| {
            refused(path, &format!("{error}; name a PEM file that this user may read with --tls-{option}"))
        })
    };
    Ok(Content { certificate: one(&files.certificate, "certificate")?, key: one(&files.key, "key")? })
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn check(files: &TlsFiles, content: &Content, now: OffsetDateTime) -> Result<Pair, ServerError> {
    let file = files.certificate.as_path();
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&content.certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| refused(file, "it is not PEM as expected between BEGIN CERTIFICATE and END CERTIFICATE"))?;
    let Some(leaf) = chain.first().cloned() else {
        return Err(refused(
            file,
            "it holds no certificate; expected PEM with -----BEGIN CERTIFICATE-----, the server's own certificate \
             first, then those that lead to the authority",
        ));
    };
    let key = private_key(&files.key, &content.key)?;
    let config = server_config(chain.clone(), key.clone_key()).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => mismatch(files, &chain, &key),
        Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => refused(file, &error.to_string()),
        error => refused(&files.key, &error.to_string()),
    })?;
    let validity = Validity::of(&leaf).map_err(|error| refused(file, &error.to_string()))?;
    if let Some(until) = validity.until.filter(|until| *until < now) {
        return Err(refused(file, &format!("it expired on {}; renew it", text(until))));
    }
    if let Some(from) = validity.from.filter(|from| *from > now) {
        let reason = format!("it is good only from {} on; is the clock of this machine right?", text(from));
        return Err(refused(file, &reason));
    }
    Ok(Pair { config, leaf, validity })
}

fn private_key(file: &Path, content: &[u8]) -> Result<PrivateKeyDer<'static>, ServerError> {
    if content.windows(b"ENCRYPTED".len()).any(|window| window == b"ENCRYPTED") {
        let path = file.display();
        let reason = format!("the key is encrypted; write it without password: openssl pkey -in {path} -out PLAIN.pem");
        return Err(refused(file, &reason));
    }
    // The reason of the library can quote a line of the file.
    PrivateKeyDer::from_pem_slice(content).map_err(|_| {
        refused(file, "it holds no private key; expected PEM with -----BEGIN PRIVATE KEY----- or one of its kinds")
    })
}

/// Says which of the two likely mistakes it is.
fn mismatch(files: &TlsFiles, chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>) -> ServerError {
    let (file, key_file) = (files.certificate.as_path(), files.key.display());
    let later = chain.iter().skip(1).position(|other| server_config(vec![other.clone()], key.clone_key()).is_ok());
    match later {
        Some(position) => refused(
            file,
            &format!(
                "the key {key_file} belongs to its certificate number {}; put the server's own certificate first",
                position + 2
            ),
        ),
        None => refused(file, &format!("the key {key_file} does not belong to it; give both files of one certificate")),
    }
}

/// The names that a certificate is not good for.
fn not_named<'a>(leaf: &CertificateDer<'_>, names: &'a [String]) -> Vec<&'a str> {
    let Ok(leaf) = ParsedCertificate::try_from(leaf) else { return Vec::new() };
    let named = |name: &str| {
        // A wildcard stands for any one label.
        let host = ServerName::try_from(name.replacen('*', "any", 1));
        host.is_ok_and(|host| verify_server_name(&leaf, &host).is_ok())
    };
    names.iter().map(String::as_str).filter(|name| !named(name)).collect()
}

fn refused(file: &Path, reason: &str) -> ServerError {
    ServerError::OwnerCertificate { file: file.to_owned(), reason: reason.to_owned() }
}

fn text(instant: OffsetDateTime) -> String {
    instant.format(&Rfc3339).unwrap_or_else(|_| instant.to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use tempfile::TempDir;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-01 00:00 UTC);

    struct Desk {
        folder: TempDir,
        files: TlsFiles,
    }

    /// A certificate of one name and its key, as PEM.
    fn made(from: OffsetDateTime, until: OffsetDateTime) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["billing.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (from, until);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn good() -> (String, String) {
        made(NOW - Duration::days(1), NOW + Duration::days(90))
    }

    impl Desk {
        fn new() -> Self {
            super::super::install_crypto_provider();
            let folder = tempfile::tempdir().unwrap();
            let files = TlsFiles { certificate: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
            Self { folder, files }
        }

        fn put(&self, certificate: &str, key: &str) {
            std::fs::write(&self.files.certificate, certificate).unwrap();
            std::fs::write(&self.files.key, key).unwrap();
        }

        fn open(&self) -> Result<Owner, String> {
            let opened = Owner::open(self.files.clone(), vec!["billing.example".into()], NOW);
            opened.map(|(owner, _)| owner).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn pairs_that_are_not_good_are_refused_by_the_name_of_the_file() {
        let desk = Desk::new();
        let (certificate, key) = good();
        let (other, other_key) = good();
        let (old, old_key) = made(NOW - Duration::days(90), NOW - Duration::seconds(1));
        let (early, early_key) = made(NOW + Duration::seconds(1), NOW + Duration::days(90));
        let secret = key.lines().nth(1).unwrap();
        let cases = [
            ("", key.as_str(), "chain.pem: it holds no certificate; expected PEM"),
            (&key, &key, "chain.pem: it holds no certificate"),
            ("-----BEGIN CERTIFICATE-----\n?\n", &key, "chain.pem: it is not PEM"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key, "chain.pem: invalid peer cert"),
            (&certificate, "", "key.pem: it holds no private key; expected PEM"),
            (&certificate, &certificate, "key.pem: it holds no private key"),
            (&certificate, &format!("-----BEGIN PRIVATE KEY-----\n?{secret}"), "key.pem: it holds no private key"),
            (&certificate, &format!("-----BEGIN {secret}\n"), "key.pem: it holds no private key"),
            (&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key.pem: "),
            (&certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "key.pem: the key is encrypted"),
            (&certificate, &other_key, "does not belong to it"),
            (&format!("{other}{certificate}"), &key, "chain.pem: the key"),
            (
                &format!("{other}{certificate}"),
                &key,
                "its certificate number 2; put the server's own certificate first",
            ),
            (&old, &old_key, "chain.pem: it expired on 2026-10-31T23:59:59Z; renew it"),
            (&early, &early_key, "chain.pem: it is good only from 2026-11-01T00:00:01Z on"),
        ];
        for (certificate, key, expected) in cases {
            desk.put(certificate, key);
            let refused = desk.open().unwrap_err();
            assert!(refused.starts_with("cannot use ") && refused.contains(expected), "{expected}: {refused}");
            assert!(!refused.contains(secret), "{refused}");
        }
        desk.put(&certificate, &key);
        desk.open().unwrap();
    }

    #[test]
    fn files_that_cannot_be_read_are_named_with_their_option() {
        let desk = Desk::new();
        let (certificate, key) = good();
        let refused = desk.open().unwrap_err();
        assert!(refused.contains("chain.pem") && refused.contains("--tls-certificate"), "{refused}");
        std::fs::write(&desk.files.certificate, certificate).unwrap();
        let refused = desk.open().unwrap_err();
        assert!(refused.contains("key.pem") && refused.contains("--tls-key"), "{refused}");
        std::fs::create_dir(&desk.files.key).unwrap();
        assert!(desk.open().unwrap_err().contains("key.pem"));
        std::fs::remove_dir(&desk.files.key).unwrap();
        std::fs::write(&desk.files.key, format!("{key}{}", " ".repeat(1 << 20))).unwrap();
        assert!(desk.open().unwrap_err().contains("longer than 1048576 bytes"));
    }

    #[test]
    fn a_changed_pair_is_taken_over_and_a_broken_one_is_not() {
        let desk = Desk::new();
        let (certificate, key) = good();
        desk.put(&certificate, &key);
        let mut owner = desk.open().unwrap();
        assert!(owner.look(NOW).is_none());
        let (new, new_key) = good();
        // What a look between two writes sees.
        desk.put(&new, &key);
        assert!(owner.look(NOW).is_none());
        let failure = owner.failure.clone().unwrap();
        assert!(failure.contains("does not belong"), "{failure}");
        desk.put(&new, &new_key);
        assert!(owner.look(NOW).is_some() && owner.failure.is_none());
        assert!(owner.look(NOW).is_none());

        std::fs::remove_file(&desk.files.key).unwrap();
        assert!(owner.look(NOW).is_none() && owner.failure.is_some());
        // As they were: nothing to do, nothing wrong any more.
        desk.put(&new, &new_key);
        assert!(owner.look(NOW).is_none() && owner.failure.is_none());
        drop(desk.folder);
        assert!(owner.look(NOW).is_none() && owner.failure.is_some());
    }

    #[test]
    fn the_end_is_warned_about_once_a_day() {
        let desk = Desk::new();
        let (certificate, key) = good();
        desk.put(&certificate, &key);
        let mut owner = desk.open().unwrap();
        let end = NOW + Duration::days(90);
        let mut warned = |now| {
            owner.look(now);
            owner.warned_at == Some(now)
        };
        let times = [
            (end - Duration::days(15), false),
            (end - Duration::days(14), true),
            (end - Duration::days(14) + Duration::hours(23), false),
            (end - Duration::days(13), true),
            (end + Duration::days(1), true),
        ];
        for (now, expected) in times {
            assert_eq!(warned(now), expected, "{now}");
        }
    }

    #[test]
    fn names_are_looked_for_in_the_certificate() {
        let (certificate, _) = good();
        let leaf = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let missing = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            not_named(&leaf, &names).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(missing(&["billing.example", "BILLING.example"]), [""; 0]);
        assert_eq!(missing(&["*.billing.example", "10.0.0.7"]), ["*.billing.example", "10.0.0.7"]);
    }
}
