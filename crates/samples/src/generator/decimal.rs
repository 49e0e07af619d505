//! Exact, non-negative decimals in scaled 128-bit integers, and their text.
//!
//! No generated figure is negative or needs more than 38 digits: quantities have 8 fraction digits and stay below 10⁶,
//! prices have 16 and stay below 10⁴. An operation that would overflow panics, it never wraps or rounds.

/// Fraction digits a cost may have (SEMANTICS 2.4).
pub(super) const COST_SCALE_MAX: u8 = 28;

/// Decimal digits of 2¹²⁸, and one more.
const DIGITS_MAX: usize = 40;

/// 128-bit division is slow, so it is done once per 18 digits, which a `u64` holds.
const CHUNK_DIGITS: usize = 18;
const CHUNK: u128 = 10_u128.pow(CHUNK_DIGITS as u32);

/// `units` × 10⁻ˢᶜᵃˡᵉ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    units: u128,
    scale: u8,
}

impl Decimal {
    /// `units` × 10⁻ˢᶜᵃˡᵉ, as given: trailing zeros are kept.
    pub(super) const fn new(units: u128, scale: u8) -> Self {
        assert!(scale <= COST_SCALE_MAX, "no figure has more than 28 fraction digits");
        Self { units, scale }
    }

    /// The integer that counts units of the last fraction digit.
    pub(super) fn units(self) -> u128 {
        self.units
    }

    /// How many fraction digits the value is held with.
    pub(super) fn scale(self) -> u8 {
        self.scale
    }

    /// The exact product; its scale is the sum of both.
    pub(super) fn times(self, other: Self) -> Self {
        let units = self.units.checked_mul(other.units).expect("quantities and prices have at most 38 digits together");
        Self::new(units, self.scale + other.scale)
    }

    /// The same value without trailing fraction zeros.
    pub(super) fn trimmed(self) -> Self {
        let mut trimmed = self;
        while trimmed.scale > 0 && trimmed.units.is_multiple_of(10) {
            trimmed = Self { units: trimmed.units / 10, scale: trimmed.scale - 1 };
        }
        trimmed
    }

    /// The same value with `zeros` more trailing fraction zeros.
    pub(super) fn padded(self, zeros: u8) -> Self {
        let units = self.units.checked_mul(10_u128.pow(u32::from(zeros))).expect("padding stays within 38 digits");
        Self::new(units, self.scale + zeros)
    }

    /// Appends plain decimal text without trailing zeros: the form of computed values.
    pub(super) fn push_shortest(self, out: &mut Vec<u8>) {
        let (digits, start) = digits(self.units);
        let point = DIGITS_MAX - usize::from(self.scale);
        let mut end = DIGITS_MAX;
        while end > point && digits[end - 1] == b'0' {
            end -= 1;
        }
        push_plain(&digits, start.min(point - 1), point, end, out);
    }

    /// Appends plain decimal text with all fraction digits, zeros too: the form in which a source gave the value.
    pub(super) fn push_as_held(self, out: &mut Vec<u8>) {
        let (digits, start) = digits(self.units);
        let point = DIGITS_MAX - usize::from(self.scale);
        push_plain(&digits, start.min(point - 1), point, DIGITS_MAX, out);
    }

    /// Plain decimal text without trailing zeros.
    pub(super) fn to_text(self) -> String {
        let mut text = Vec::new();
        self.push_shortest(&mut text);
        String::from_utf8(text).expect("digits are ASCII")
    }
}

/// All digits of a number, right-aligned among zeros, and where the first significant one stands.
fn digits(value: u128) -> ([u8; DIGITS_MAX], usize) {
    let mut digits = [b'0'; DIGITS_MAX];
    let mut start = DIGITS_MAX;
    let mut chunk_end = DIGITS_MAX;
    let mut rest = value;
    while rest > 0 {
        let (higher, mut chunk) = if rest < CHUNK { (0, rest as u64) } else { (rest / CHUNK, (rest % CHUNK) as u64) };
        let mut position = chunk_end;
        while chunk > 0 {
            position -= 1;
            digits[position] = b'0' + (chunk % 10) as u8;
            chunk /= 10;
            start = position;
        }
        chunk_end = chunk_end.saturating_sub(CHUNK_DIGITS);
        rest = higher;
    }
    (digits, start)
}

fn push_plain(digits: &[u8; DIGITS_MAX], start: usize, point: usize, end: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&digits[start..point]);
    if end > point {
        out.push(b'.');
        out.extend_from_slice(&digits[point..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_held(value: Decimal) -> String {
        let mut text = Vec::new();
        value.push_as_held(&mut text);
        String::from_utf8(text).expect("digits are ASCII")
    }

    #[test]
    fn prints_plain_text() {
        assert_eq!(Decimal::new(0, 0).to_text(), "0");
        assert_eq!(Decimal::new(0, 28).to_text(), "0");
        assert_eq!(Decimal::new(24, 0).to_text(), "24");
        assert_eq!(Decimal::new(2400, 0).to_text(), "2400");
        assert_eq!(Decimal::new(2400, 2).to_text(), "24");
        assert_eq!(Decimal::new(3_225_806, 8).to_text(), "0.03225806");
        assert_eq!(Decimal::new(10_u128.pow(36), 18).to_text(), "1000000000000000000");
        assert_eq!(Decimal::new(u128::MAX, 28).to_text(), "34028236692.0938463463374607431768211455");
    }

    #[test]
    fn keeps_the_zeros_of_a_source() {
        assert_eq!(as_held(Decimal::new(72_922_557_592_391_990_000, 28)), "0.0000000072922557592391990000");
        assert_eq!(as_held(Decimal::new(5, 0).padded(3)), "5.000");
    }

    #[test]
    fn multiplies_exactly() {
        let product = Decimal::new(2_480_634_996, 8).times(Decimal::new(1_000_000_000_000_001, 16));
        assert_eq!(product.to_text(), "2.4806349960000024806349960".trim_end_matches('0'));
        assert_eq!(Decimal::new(1500, 4).trimmed(), Decimal::new(15, 2));
    }
}
