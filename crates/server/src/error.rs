//! Why a server does not start. Each message says what to do next.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting is wrong.
    #[error("{reason}")]
    Setting {
        /// Which one, where, and what it should be.
        reason: String,
    },
    /// The data folder cannot be used.
    #[error(
        "cannot write to the data folder {}: {source}; give this user the right to write there, or choose another \
         folder with --data", folder.display()
    )]
    DataFolder {
        /// The folder.
        folder: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Something else listens there.
    #[error(
        "cannot listen on {address}: another program does; stop it, or choose another port with {option} (port 0 takes \
         a free one)"
    )]
    AddressInUse {
        /// The address.
        address: SocketAddr,
        /// The option that names it.
        option: &'static str,
    },
    /// The user may not listen there.
    #[error(
        "cannot listen on {address}: this user may not; ports below 1024 need a privilege (docs/HOSTS.md names ways to \
         give it), or choose another port with {option}"
    )]
    ListenPrivilege {
        /// The address.
        address: SocketAddr,
        /// The option that names it.
        option: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose an address of this machine with {option}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The option that names it.
        option: &'static str,
        /// Cause.
        source: std::io::Error,
    },
    /// A file of the certificate authority cannot be used.
    #[error("cannot {doing}: {source}")]
    TlsFile {
        /// What was being done to what.
        doing: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A certificate cannot be made or used.
    #[error("cannot {doing}: {reason}")]
    Certificate {
        /// What was being done to what.
        doing: String,
        /// What is wrong.
        reason: String,
    },
    /// The owner's certificate or its key cannot be served.
    #[error("cannot use {}: {reason}", file.display())]
    OwnerCertificate {
        /// Which of the two files.
        file: PathBuf,
        /// What is wrong and what would be right. Nothing of a key.
        reason: String,
    },
    /// The authority's key is lost.
    #[error(
        "{} is there but its key {} is not; restore the key from a backup, or remove both and let clients trust the \
         new certificate", certificate.display(), key.display()
    )]
    KeyLost {
        /// The certificate of the authority.
        certificate: PathBuf,
        /// Where its key should be.
        key: PathBuf,
    },
    /// An OpenID Connect issuer cannot be used.
    #[error("issuers: {0}")]
    Issuers(#[from] access::IssuerSettingsError),
    /// The lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The catalog cannot be opened.
    #[error(transparent)]
    Catalog(#[from] catalog::CatalogError),
    /// The report service cannot be opened.
    #[error(transparent)]
    Reports(#[from] reports::ReportError),
    /// The secret of page tokens cannot be kept.
    #[error(transparent)]
    Pages(#[from] pages::PageError),
}
