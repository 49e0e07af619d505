//! Equality, order and hash of decimals go by value: `1.0 == 1.00`.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Decimal;
use crate::power::power_of_ten;

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa.cmp(&other.mantissa);
        }
        if let Some(order) = compare_narrow(self, other) {
            return order;
        }
        match (self.is_negative(), other.is_negative()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => compare_magnitudes(self, other),
            (true, true) => compare_magnitudes(other, self),
        }
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The one representation that all decimals of this value share.
        let reduced = self.shortest();
        reduced.mantissa.hash(state);
        reduced.scale.hash(state);
    }
}

/// The order of two numbers that have 128 bits at the greater of their scales, as nearly all do.
fn compare_narrow(left: &Decimal, right: &Decimal) -> Option<Ordering> {
    let scale = left.scale.max(right.scale);
    Some(left.mantissa_i128_at(scale)?.cmp(&right.mantissa_i128_at(scale)?))
}

/// Brings the one with the smaller scale to the scale of the other. Where that overflows 256 bits its magnitude is the
/// greater one, because the other fits.
fn compare_magnitudes(left: &Decimal, right: &Decimal) -> Ordering {
    if left.scale > right.scale {
        return compare_magnitudes(right, left).reverse();
    }
    match left.magnitude().checked_mul(power_of_ten(right.scale - left.scale)) {
        Some(scaled) => scaled.cmp(&right.magnitude()),
        None => Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use ethnum::I256;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_decimal, decimal};

    fn hash_of(value: Decimal) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
    }

    #[test]
    fn values_compare_across_scales() {
        for (left, right, expected) in [
            ("1.0", "1.00", Ordering::Equal),
            ("0", "0.000", Ordering::Equal),
            ("-1", "0.5", Ordering::Less),
            ("0.5", "-1", Ordering::Greater),
            ("1.01", "1.1", Ordering::Less),
            ("-1.01", "-1.1", Ordering::Greater),
            ("100", "99.999", Ordering::Greater),
        ] {
            assert_eq!(decimal(left).cmp(&decimal(right)), expected, "{left} {right}");
        }
    }

    #[test]
    fn magnitudes_beyond_alignment_compare() {
        let huge = Decimal::new(I256::MAX, 0).unwrap();
        let small = Decimal::new(I256::MAX, 28).unwrap();
        assert_eq!((huge.cmp(&small), small.cmp(&huge)), (Ordering::Greater, Ordering::Less));
        let deep = Decimal::new(-I256::MAX, 0).unwrap();
        assert!(deep < Decimal::new(-I256::MAX, 28).unwrap());
    }

    proptest! {
        #[test]
        fn equal_values_hash_alike(mantissa in any::<i64>(), scale in 0u8..=10, zeros in 0u8..=18) {
            let short = Decimal::from_i128(mantissa.into(), scale).unwrap();
            let long = Decimal::from_i128(i128::from(mantissa) * 10i128.pow(zeros.into()), scale + zeros).unwrap();
            prop_assert_eq!(short, long);
            prop_assert_eq!(hash_of(short), hash_of(long));
        }

        #[test]
        fn order_agrees_with_the_sign_of_the_difference(left in any_decimal(200), right in any_decimal(200)) {
            let difference = left.checked_sub(right);
            if let Ok(difference) = difference {
                let expected = difference.mantissa().cmp(&I256::ZERO);
                prop_assert_eq!(left.cmp(&right), expected);
                prop_assert_eq!(right.cmp(&left), expected.reverse());
            }
        }
    }
}
