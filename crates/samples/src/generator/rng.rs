//! The generator's own randomness: reproducible, integer only, not for secrets.
//!
//! SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a counter stepped by
//! the golden ratio and a 64-bit finalizer. Eight bytes of state, about a nanosecond a number, passes BigCrush. Written
//! here because the bytes of a generated export must not change with the release of a dependency.

/// 2⁶⁴ divided by the golden ratio, made odd: the step of the counter.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// What a sequence of numbers is for. Sequences are independent, so that another number of rows, say, does not change
/// the resources.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Subscriptions = 1,
    Resources = 2,
    Purchases = 3,
    Prices = 4,
    Rows = 5,
    NativeLines = 6,
    NativeOrders = 7,
    NativeUsage = 8,
}

/// One sequence of pseudo-random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The sequence number `index` of the stream.
    pub(crate) fn new(seed: u64, stream: Stream, index: u64) -> Self {
        Self { state: mix(mix(mix(seed) ^ stream as u64) ^ index) }
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `limit`, which must not be 0. Multiply and shift: the bias is below limit / 2⁶⁴, irrelevant here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        assert!(limit > 0, "cannot draw a number below 0");
        let product = u128::from(self.next()) * u128::from(limit);
        (product >> 64) as u64
    }

    /// True in `numerator` of `denominator` cases.
    pub(crate) fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// One of the items, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len() as u64) as usize;
        &items[index]
    }

    /// The text of a random GUID, version 4.
    pub(crate) fn guid(&mut self) -> [u8; 36] {
        guid_text(self.next(), self.next())
    }

    /// The same as a string.
    pub(crate) fn guid_string(&mut self) -> String {
        into_string(self.guid())
    }
}

/// A GUID that depends on a name alone: meters keep their ids over enrollments and seeds.
pub(crate) fn named_guid(name: &str) -> String {
    let hash = hash_text(name);
    into_string(guid_text(mix(hash), mix(hash ^ STEP)))
}

/// FNV-1a, 64 bits, finalized: enough to tell a few thousand names apart.
pub(crate) fn hash_text(text: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    mix(hash)
}

fn into_string(guid: [u8; 36]) -> String {
    String::from_utf8(guid.to_vec()).expect("hexadecimal digits and hyphens are ASCII")
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

fn guid_text(high: u64, low: u64) -> [u8; 36] {
    // Version 4 in the seventh byte, variant 10 in the ninth (RFC 9562).
    let high = (high & !0xF000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let bits = (u128::from(high) << 64) | u128::from(low);
    let mut text = [b'-'; 36];
    let mut shift = 128;
    for (position, character) in text.iter_mut().enumerate() {
        if matches!(position, 8 | 13 | 18 | 23) {
            continue;
        }
        shift -= 4;
        *character = HEX_DIGITS[(bits >> shift) as usize & 0xF];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_splitmix64() {
        // First numbers of the reference implementation for state 0.
        let mut random = Random { state: 0 };
        assert_eq!(random.next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.next(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn streams_and_indexes_differ() {
        let first = Random::new(1, Stream::Rows, 0).next();
        assert_ne!(first, Random::new(1, Stream::Rows, 1).next());
        assert_ne!(first, Random::new(1, Stream::Prices, 0).next());
        assert_ne!(first, Random::new(2, Stream::Rows, 0).next());
    }

    #[test]
    fn guids_are_well_formed() {
        let text = guid_text(u64::MAX, 0);
        assert_eq!(&text, b"ffffffff-ffff-4fff-8000-000000000000");
        assert_ne!(named_guid("Standard_D2s_v5"), named_guid("Standard_D4s_v5"));
    }

    #[test]
    fn below_stays_below() {
        let mut random = Random::new(7, Stream::Rows, 0);
        for limit in 1..200 {
            assert!(random.below(limit) < limit);
        }
    }
}
