//! Signed links to blobs: they name one blob, need no header and expire.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Version of the signed text; a change of its form makes a new one.
const LINK_VERSION: &str = "2026-11-01";

/// A link's parts, as they came in.
#[derive(Debug, Clone, Copy)]
pub struct BlobLink<'a> {
    /// The job that made the blob.
    pub job: &'a str,
    /// The blob's file name.
    pub name: &'a str,
    /// Version of the signature (`sv`).
    pub version: &'a str,
    /// First second since 1970 at which the link is refused (`se`).
    pub expires_at_s: i64,
    /// The signature (`sig`).
    pub signature: &'a str,
}

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The signature does not fit the link.
    #[error("the signature of the link does not fit; it was altered or comes from another server")]
    Altered,
    /// The link's time is over.
    #[error("the link has expired; ask for the report's status again to get a new one")]
    Expired,
}

/// Makes and checks links with a secret of the store.
#[derive(Clone)]
pub struct LinkSigner {
    secret: Vec<u8>,
}

impl std::fmt::Debug for LinkSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSigner(redacted)")
    }
}

impl LinkSigner {
    /// A signer with the store's secret.
    pub fn new(secret: Vec<u8>) -> Self {
        Self { secret }
    }

    fn mac(&self, job: &str, name: &str, version: &str, expires_at_s: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("HMAC takes keys of any length");
        mac.update(format!("{version}\nr\n{job}\n{name}\n{expires_at_s}").as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// The query string of a link that is good for one blob until `expires_at_s`, in seconds since 1970.
    pub fn query(&self, job: &str, name: &str, expires_at_s: i64) -> String {
        let signature = self.mac(job, name, LINK_VERSION, expires_at_s);
        format!("sv={LINK_VERSION}&sr=b&sp=r&se={expires_at_s}&sig={signature}")
    }

    /// Checks a link. Links follow the system clock, whatever clock the charges follow (DESIGN 4.10).
    pub fn check(&self, link: &BlobLink<'_>, now_s: i64) -> Result<(), LinkError> {
        let expected = self.mac(link.job, link.name, link.version, link.expires_at_s);
        let fits: bool = expected.as_bytes().ct_eq(link.signature.as_bytes()).into();
        if !fits || link.version != LINK_VERSION {
            return Err(LinkError::Altered);
        }
        if now_s >= link.expires_at_s { Err(LinkError::Expired) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_one_blob_until_it_expires() {
        let signer = LinkSigner::new(b"secret".to_vec());
        let query = signer.query("job", "part_0.csv", 1000);
        let signature = query.rsplit("sig=").next().unwrap();
        let link = BlobLink { job: "job", name: "part_0.csv", version: LINK_VERSION, expires_at_s: 1000, signature };
        assert_eq!(signer.check(&link, 999), Ok(()));
        assert_eq!(signer.check(&link, 1000), Err(LinkError::Expired));
        let altered = [
            BlobLink { job: "other", ..link },
            BlobLink { name: "part_1.csv", ..link },
            BlobLink { expires_at_s: 2000, ..link },
            BlobLink { version: "2020-01-01", ..link },
            BlobLink { signature: "", ..link },
            BlobLink { signature: &signature[1..], ..link },
        ];
        for link in altered {
            assert_eq!(signer.check(&link, 0), Err(LinkError::Altered), "{link:?}");
        }
        let other = LinkSigner::new(b"another".to_vec());
        assert_eq!(other.check(&link, 0), Err(LinkError::Altered));
        assert!(!format!("{signer:?}").contains("secret\""));
    }
}
