//! Decimal arithmetic for tests, digit by digit in base ten: slow, short, and nothing like the generator's own.

/// Fraction digits every value is held with: a product of 8 and 16, or a cost of 28, fits.
const SCALE: usize = 28;

/// A non-negative decimal; digits from the least significant one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Digits(Vec<u8>);

impl Digits {
    /// Reads plain decimal text.
    pub(crate) fn parse(text: &str) -> Self {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        assert!(!whole.is_empty() && (whole == "0" || !whole.starts_with('0')), "odd number {text}");
        assert!(fraction.len() <= SCALE && !text.ends_with('.'), "odd number {text}");
        let padded = format!("{whole}{fraction:0<SCALE$}");
        assert!(padded.bytes().all(|byte| byte.is_ascii_digit()), "odd number {text}");
        Self(padded.bytes().rev().map(|byte| byte - b'0').collect()).without_leading_zeros()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        let length = self.0.len().max(other.0.len()) + 1;
        self.0.resize(length, 0);
        let mut carry = 0;
        for (index, digit) in self.0.iter_mut().enumerate() {
            let sum = *digit + other.0.get(index).copied().unwrap_or(0) + carry;
            *digit = sum % 10;
            carry = sum / 10;
        }
        *self = std::mem::take(self).without_leading_zeros();
    }

    /// |self − other|.
    pub(crate) fn distance(&self, other: &Self) -> Self {
        let (larger, smaller) = if self.is_below(other) { (other, self) } else { (self, other) };
        let mut digits = larger.0.clone();
        let mut borrow = 0;
        for (index, digit) in digits.iter_mut().enumerate() {
            let taken = smaller.0.get(index).copied().unwrap_or(0) + borrow;
            borrow = u8::from(*digit < taken);
            *digit = *digit + 10 * borrow - taken;
        }
        Self(digits).without_leading_zeros()
    }

    /// The product, which must be exact at the scale.
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut sums = vec![0_u32; self.0.len() + other.0.len() + 1];
        for (left_index, left) in self.0.iter().enumerate().filter(|(_, digit)| **digit > 0) {
            for (right_index, right) in other.0.iter().enumerate() {
                sums[left_index + right_index] += u32::from(*left) * u32::from(*right);
            }
        }
        let mut digits = Vec::new();
        let mut carry = 0;
        for sum in sums {
            digits.push(((sum + carry) % 10) as u8);
            carry = (sum + carry) / 10;
        }
        digits.resize(digits.len().max(SCALE), 0);
        let kept = digits.split_off(SCALE);
        assert!(digits.iter().all(|digit| *digit == 0), "the product has more than {SCALE} fraction digits");
        Self(kept).without_leading_zeros()
    }

    pub(crate) fn is_below(&self, other: &Self) -> bool {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev())).is_lt()
    }

    /// Plain decimal text without trailing zeros.
    pub(crate) fn to_text(&self) -> String {
        let mut digits = self.0.clone();
        digits.resize(digits.len().max(SCALE + 1), 0);
        let text: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let (whole, fraction) = text.split_at(text.len() - SCALE);
        format!("{whole}.{fraction}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn without_leading_zeros(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }
}

/// Fraction digits of plain decimal text, zeros counted.
pub(crate) fn fraction_digits(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| fraction.len())
}

#[test]
fn arithmetic_of_the_tests_is_right() {
    let text = |digits: Digits| digits.to_text();
    let mut sum = Digits::parse("99.95");
    sum.add(&Digits::parse("0.0500000000000000000000000001"));
    assert_eq!(text(sum), "100.0000000000000000000000000001");
    assert_eq!(text(Digits::parse("0.03225806").times(&Digits::parse("15"))), "0.4838709");
    assert_eq!(text(Digits::parse("1.5").distance(&Digits::parse("10"))), "8.5");
    assert_eq!(text(Digits::default()), "0");
    assert!(Digits::parse("0.9").is_below(&Digits::parse("1")));
}
