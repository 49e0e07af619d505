//! From when to when a certificate is good, as the library reads it that judges certificates in handshakes.

use std::time::Duration as UnsignedDuration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use time::{Duration, OffsetDateTime};

/// 10000-01-01, after the last instant that a certificate can name.
const AFTER_ALL: UnsignedDuration = UnsignedDuration::from_secs(253_402_300_800);

/// From when to when a certificate is good. A bound that it does not have (1970 and 9999 stand for that) is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Option<OffsetDateTime>,
    pub(super) until: Option<OffsetDateTime>,
}

impl Validity {
    /// Reads it from a certificate.
    ///
    /// The library tells both bounds only when it refuses a certificate because of one. It looks at them before
    /// anything else, so it is asked at the beginning and at the end of time, trusting nobody.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let refusal = |at: UnsignedDuration| {
            let at = UnixTime::since_unix_epoch(at);
            verify_server_cert_signed_by_trust_anchor(&certificate, &RootCertStore::empty(), &[], at, &[])
        };
        let from = match refusal(UnsignedDuration::ZERO) {
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => Some(not_before),
            _ => None,
        };
        let until = match refusal(AFTER_ALL) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Some(not_after),
            _ => None,
        };
        Ok(Self { from: from.and_then(instant), until: until.and_then(instant) })
    }

    /// Whether it ends within some time from an instant.
    pub(super) fn ends_within(&self, time: Duration, now: OffsetDateTime) -> bool {
        self.until.is_some_and(|until| until <= now + time)
    }
}

fn instant(time: UnixTime) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(time.as_secs()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use time::macros::datetime;

    use super::*;

    fn of(from: OffsetDateTime, until: OffsetDateTime) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (from, until);
        let validity = Validity::of(params.self_signed(&key).unwrap().der()).unwrap();
        (validity.from, validity.until)
    }

    #[test]
    fn both_bounds_are_read() {
        for (from, until) in [
            (datetime!(2020-01-01 00:00 UTC), datetime!(2020-02-01 12:34:56 UTC)),
            (datetime!(2049-12-31 23:59:59 UTC), datetime!(2050-01-01 00:00 UTC)),
            (datetime!(1975-01-01 00:00 UTC), datetime!(9999-12-31 23:59:59 UTC)),
        ] {
            assert_eq!(of(from, until), (Some(from), Some(until)));
        }
        assert!(Validity::of(&CertificateDer::from(b"x".to_vec())).is_err());
    }
}
