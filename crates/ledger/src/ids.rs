//! Identifiers of the billing hierarchy (SEMANTICS section 1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// Longest identifier that is accepted; the longest known billing account id has 91 characters.
const ID_BYTES_MAX: usize = 128;

/// The segment of a resource id, or of another path, behind another one, without regard to case; blank if there is none.
pub fn segment_after<'a>(resource_id: &'a str, name: &str) -> &'a str {
    let mut segments = resource_id.split('/');
    while let Some(segment) = segments.next() {
        if segment.eq_ignore_ascii_case(name) {
            return segments.next().unwrap_or_default();
        }
    }
    ""
}

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An enrollment number is made of letters, digits, `-`, `_`, `:` and `.` only.
    #[error("{text:?} is not an enrollment number: expected 1 to 128 letters or digits such as 1234567")]
    Enrollment {
        /// The refused text, cut to a printable length.
        text: String,
    },
    /// A subscription is named by a GUID.
    #[error("{text:?} is not a subscription id: expected a GUID such as 1caaa5a3-2b66-438e-8ab4-bce37d518c5d")]
    Subscription {
        /// The refused text, cut to a printable length.
        text: String,
    },
}

/// Cuts a text from outside to what an error message can carry.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The number of an enrollment, which is an EA billing account (`1234567`). Kept as received, compared, ordered and
/// hashed without regard to case (SEMANTICS 1, rule 1).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnrollmentId(String);

impl EnrollmentId {
    fn caseless(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for EnrollmentId {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for EnrollmentId {}

impl PartialOrd for EnrollmentId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EnrollmentId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.caseless().cmp(other.caseless())
    }
}

impl Hash for EnrollmentId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.caseless().for_each(|byte| state.write_u8(byte));
    }
}

impl EnrollmentId {
    /// Parses an enrollment number; surrounding blanks are refused.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
        let well_formed = (1..=ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && text.bytes().any(|b| b.is_ascii_alphanumeric())
            && !text.starts_with('.');
        if well_formed { Ok(Self(text.to_owned())) } else { Err(IdError::Enrollment { text: excerpt(text) }) }
    }

    /// The number as it was received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Ids compare without regard to case (SEMANTICS 1, rule 1).
    pub fn matches(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EnrollmentId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<EnrollmentId> for String {
    fn from(id: EnrollmentId) -> Self {
        id.0
    }
}

/// The GUID of a subscription, in its canonical lower-case form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubscriptionId(uuid::Uuid);

impl SubscriptionId {
    /// Parses a hyphenated GUID in any case.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let refused = || IdError::Subscription { text: excerpt(text) };
        if text.len() != 36 {
            return Err(refused());
        }
        uuid::Uuid::try_parse(text).map(Self).map_err(|_| refused())
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl TryFrom<String> for SubscriptionId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<SubscriptionId> for String {
    fn from(id: SubscriptionId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrollment_number_is_kept_and_compared_without_case() {
        let id = EnrollmentId::parse("8611537").unwrap();
        assert_eq!(id.as_str(), "8611537");
        assert!(EnrollmentId::parse("abC").unwrap().matches("ABc"));
        assert_eq!(EnrollmentId::parse("abC").unwrap(), EnrollmentId::parse("ABc").unwrap());
        for refused in ["", " 1", "1/2", "..", "a b", "é", &"1".repeat(129)] {
            assert!(EnrollmentId::parse(refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_subscription_id_is_a_hyphenated_guid_in_any_case() {
        let id = SubscriptionId::parse("1CAAA5A3-2B66-438E-8AB4-BCE37D518C5D").unwrap();
        assert_eq!(id.to_string(), "1caaa5a3-2b66-438e-8ab4-bce37d518c5d");
        for refused in ["", "1caaa5a32b66438e8ab4bce37d518c5d", "{1caaa5a3-2b66-438e-8ab4-bce37d518c5d}"] {
            assert!(SubscriptionId::parse(refused).is_err(), "{refused:?}");
        }
    }
}
