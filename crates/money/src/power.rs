//! Powers of ten, as tables: every scale change is a multiplication or a division by one of them.

use ethnum::U256;

/// The greatest exponent of [`power_of_ten_u128`]: 10^38 < 2^128 < 10^39.
pub(crate) const EXPONENT_MAX_U128: usize = 38;
/// The greatest exponent of [`power_of_ten`] that leaves room for a sign: 10^76 < 2^255 < 10^77.
pub(crate) const EXPONENT_MAX: usize = 76;

static POWERS_U128: [u128; EXPONENT_MAX_U128 + 1] = powers_u128();
/// For each exponent, the inverse of 5^exponent modulo 2^128, and the greatest number whose product with 5^exponent
/// stays below 2^128.
static INVERSES: [(u128, u128); EXPONENT_MAX_U128 + 1] = inverses();
static POWERS: [U256; EXPONENT_MAX + 1] = powers();

/// 10^`exponent`. Panics above 38; callers pass differences of scales, which are at most 28, or check first.
#[inline]
pub(crate) fn power_of_ten_u128(exponent: u8) -> u128 {
    POWERS_U128[usize::from(exponent)]
}

/// 10^`exponent`. Panics above 76; callers pass sums and differences of at most two scales, which are at most 56.
#[inline]
pub(crate) fn power_of_ten(exponent: u8) -> U256 {
    POWERS[usize::from(exponent)]
}

/// `number` / 10^`exponent` where that is a whole number; two multiplications instead of a division. `None` above 38.
///
/// A number is a multiple of 10^e if its last e bits are 0 and the rest is a multiple of 5^e; and it is that exactly if
/// its product with the inverse of 5^e, modulo 2^128, is small enough to be the quotient.
#[inline]
pub(crate) fn divided_by_power_of_ten(number: u128, exponent: u8) -> Option<u128> {
    let (inverse, quotient_max) = *INVERSES.get(usize::from(exponent))?;
    let without_twos = number >> exponent;
    let quotient = without_twos.wrapping_mul(inverse);
    (without_twos << exponent == number && quotient <= quotient_max).then_some(quotient)
}

const fn inverses() -> [(u128, u128); EXPONENT_MAX_U128 + 1] {
    let mut table = [(1, u128::MAX); EXPONENT_MAX_U128 + 1];
    let mut power: u128 = 1;
    let mut exponent = 1;
    while exponent <= EXPONENT_MAX_U128 {
        power *= 5;
        // Each step of Newton's iteration doubles the number of right bits; an odd number is its own inverse modulo 8.
        let mut inverse = power;
        let mut bits = 3;
        while bits < 128 {
            inverse = inverse.wrapping_mul(2_u128.wrapping_sub(power.wrapping_mul(inverse)));
            bits *= 2;
        }
        table[exponent] = (inverse, u128::MAX / power);
        exponent += 1;
    }
    table
}

const fn powers_u128() -> [u128; EXPONENT_MAX_U128 + 1] {
    let mut table = [1; EXPONENT_MAX_U128 + 1];
    let mut exponent = 1;
    while exponent <= EXPONENT_MAX_U128 {
        table[exponent] = table[exponent - 1] * 10;
        exponent += 1;
    }
    table
}

const fn powers() -> [U256; EXPONENT_MAX + 1] {
    let mut table = [U256::ONE; EXPONENT_MAX + 1];
    let mut exponent = 1;
    while exponent <= EXPONENT_MAX {
        table[exponent] = times_ten(table[exponent - 1]);
        exponent += 1;
    }
    table
}

/// The operators of `U256` are not `const`, so the carry between the words is made by hand, through 64-bit halves.
const fn times_ten(value: U256) -> U256 {
    let (high, low) = value.into_words();
    let lower_half = (low & u64::MAX as u128) * 10;
    let upper_half = (low >> 64) * 10 + (lower_half >> 64);
    U256::from_words(high * 10 + (upper_half >> 64), (upper_half << 64) | (lower_half & u64::MAX as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_powers_of_ten() {
        for exponent in 0..=38 {
            assert_eq!(power_of_ten_u128(exponent), 10u128.pow(exponent.into()));
        }
        for exponent in 0..=76 {
            assert_eq!(power_of_ten(exponent), U256::new(10).pow(exponent.into()));
        }
    }

    proptest::proptest! {
        #[test]
        fn exact_quotients_are_those_of_the_division(quotient: u128, rest in 0_u128..3, exponent in 0_u8..=40) {
            let expected = |number: u128, power: u128| number.is_multiple_of(power).then(|| number / power);
            let power = 10_u128.checked_pow(exponent.into());
            let numbers = [quotient, (quotient % (u128::MAX / power.unwrap_or(1))) * power.unwrap_or(1) + rest];
            for number in numbers {
                let found = divided_by_power_of_ten(number, exponent);
                proptest::prop_assert_eq!(found, power.and_then(|power| expected(number, power)));
            }
        }
    }
}
