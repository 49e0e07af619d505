//! The one division of the crate: a product of integers by another, exact whatever their sizes.
//!
//! SEMANTICS 2.5 rounds quotients such as `T × w / Σw`, whose numerator may need three times the 256 bits of its factors
//! although the quotient is small. [`divide`] works in 128 bits where the products fit, which is nearly always, else in
//! 256, and else bit by bit in 768, slowly but without a case that could overflow.

use std::cmp::Ordering;

use ethnum::U256;

use crate::error::MoneyError;

/// Number of 64-bit limbs of a [`Natural`]. The greatest numerator is that of a ratio: two magnitudes below 2^255 and
/// 10^56 < 2^187, together below 2^697.
const LIMBS: usize = 12;
const LIMBS_U256: usize = 4;

/// An integer quotient, rounded down, and where the exact one lies above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quotient {
    pub(crate) floor: U256,
    /// `None` where the quotient is exact, else the order of its fraction against one half.
    fraction_against_half: Option<Ordering>,
}

impl Quotient {
    pub(crate) fn is_exact(&self) -> bool {
        self.fraction_against_half.is_none()
    }

    /// The nearest integer, the even one where two are equally near.
    pub(crate) fn half_even(&self) -> Result<U256, MoneyError> {
        let rounds_up = match self.fraction_against_half {
            None | Some(Ordering::Less) => false,
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => self.floor.low() & 1 == 1,
        };
        if !rounds_up {
            return Ok(self.floor);
        }
        self.floor.checked_add(U256::ONE).ok_or(MoneyError::Overflow)
    }
}

/// The product of `numerator` divided by the product of `denominator`. Each product must stay below 2^768, which three
/// factors always do.
///
/// # Errors
/// [`MoneyError::ZeroDivisor`]; [`MoneyError::Overflow`] where the quotient exceeds 256 bits.
pub(crate) fn divide(numerator: &[U256], denominator: &[U256]) -> Result<Quotient, MoneyError> {
    if denominator.contains(&U256::ZERO) {
        return Err(MoneyError::ZeroDivisor);
    }
    if let (Some(dividend), Some(divisor)) = (narrow_product(numerator), narrow_product(denominator)) {
        return Ok(divide_narrow(dividend, divisor));
    }
    if let (Some(dividend), Some(divisor)) = (product(numerator), product(denominator)) {
        let (floor, remainder) = dividend.div_rem(divisor);
        // divisor - remainder instead of 2 × remainder, which could overflow.
        let fraction_against_half = (remainder != U256::ZERO).then(|| remainder.cmp(&(divisor - remainder)));
        return Ok(Quotient { floor, fraction_against_half });
    }
    divide_wide(&Natural::product(numerator), &Natural::product(denominator))
}

/// The product where it and each of its factors fit 128 bits.
fn narrow_product(factors: &[U256]) -> Option<u128> {
    factors.iter().try_fold(1u128, |product, factor| {
        let (high, low) = factor.into_words();
        if high == 0 { product.checked_mul(low) } else { None }
    })
}

fn divide_narrow(dividend: u128, divisor: u128) -> Quotient {
    let floor = if divisor == 1 { dividend } else { dividend / divisor };
    let remainder = dividend - floor * divisor;
    let fraction_against_half = (remainder != 0).then(|| remainder.cmp(&(divisor - remainder)));
    Quotient { floor: U256::new(floor), fraction_against_half }
}

fn product(factors: &[U256]) -> Option<U256> {
    factors.iter().try_fold(U256::ONE, |product, &factor| product.checked_mul(factor))
}

/// The long division of school, in binary. The remainder stays below the divisor, so it never needs more limbs.
#[cold]
fn divide_wide(dividend: &Natural, divisor: &Natural) -> Result<Quotient, MoneyError> {
    let mut quotient = Natural::ZERO;
    let mut remainder = Natural::ZERO;
    for position in (0..LIMBS * 64).rev() {
        remainder.double_and_add(dividend.bit(position));
        let fits = remainder.cmp(divisor) != Ordering::Less;
        if fits {
            remainder.subtract(divisor);
        }
        quotient.double_and_add(u64::from(fits));
    }
    let floor = quotient.to_u256().ok_or(MoneyError::Overflow)?;
    if remainder == Natural::ZERO {
        return Ok(Quotient { floor, fraction_against_half: None });
    }
    let mut rest = *divisor;
    rest.subtract(&remainder);
    Ok(Quotient { floor, fraction_against_half: Some(remainder.cmp(&rest)) })
}

/// A natural number below 2^768, the lowest limb first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Natural([u64; LIMBS]);

impl Natural {
    const ZERO: Natural = Natural([0; LIMBS]);

    fn product(factors: &[U256]) -> Natural {
        let mut product = Natural::ZERO;
        product.0[0] = 1;
        for &factor in factors {
            product = product.times(factor);
        }
        product
    }

    fn times(&self, factor: U256) -> Natural {
        let mut result = [0u64; LIMBS];
        for (position, limb) in limbs(factor).into_iter().enumerate() {
            let mut carry = 0u128;
            for (target, &own) in self.0.iter().enumerate() {
                let sum = u128::from(own) * u128::from(limb) + carry;
                match result.get_mut(position + target) {
                    Some(slot) => {
                        let sum = sum + u128::from(*slot);
                        *slot = sum as u64;
                        carry = sum >> 64;
                    }
                    None => {
                        assert!(sum == 0, "products of three magnitudes stay below 2^768");
                        carry = 0;
                    }
                }
            }
            assert!(carry == 0, "products of three magnitudes stay below 2^768");
        }
        Natural(result)
    }

    fn bit(&self, position: usize) -> u64 {
        (self.0[position / 64] >> (position % 64)) & 1
    }

    fn double_and_add(&mut self, bit: u64) {
        let mut carry = bit;
        for limb in &mut self.0 {
            let next = *limb >> 63;
            *limb = (*limb << 1) | carry;
            carry = next;
        }
        assert!(carry == 0, "a remainder is below its divisor and a quotient below its dividend");
    }

    /// Takes away a number that is not greater.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (limb, &taken) in self.0.iter_mut().zip(&other.0) {
            (*limb, borrow) = limb.borrowing_sub(taken, borrow);
        }
        assert!(!borrow, "only smaller numbers are subtracted");
    }

    fn cmp(&self, other: &Natural) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }

    fn to_u256(self) -> Option<U256> {
        let (low, high) = self.0.split_at(LIMBS_U256);
        if high.iter().any(|&limb| limb != 0) {
            return None;
        }
        let word = |upper: u64, lower: u64| u128::from(upper) << 64 | u128::from(lower);
        Some(U256::from_words(word(low[3], low[2]), word(low[1], low[0])))
    }
}

fn limbs(value: U256) -> [u64; LIMBS_U256] {
    let (high, low) = value.into_words();
    [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::any_magnitude;

    fn wide(numerator: &[U256], denominator: &[U256]) -> Result<Quotient, MoneyError> {
        divide_wide(&Natural::product(numerator), &Natural::product(denominator))
    }

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (numerator, expected) in [(4u8, 2u8), (5, 2), (6, 3), (7, 4), (9, 4), (11, 6), (0, 0), (1, 0), (3, 2)] {
            let quotient = divide(&[numerator.into()], &[U256::new(2)]).unwrap();
            assert_eq!(quotient.half_even().unwrap(), U256::from(expected), "{numerator} / 2");
        }
        assert_eq!(divide(&[U256::new(7)], &[U256::new(5)]).unwrap().half_even().unwrap(), 1);
        assert_eq!(divide(&[U256::new(8)], &[U256::new(5)]).unwrap().half_even().unwrap(), 2);
    }

    #[test]
    fn limits_are_errors() {
        assert_eq!(divide(&[U256::ONE], &[U256::ONE, U256::ZERO]), Err(MoneyError::ZeroDivisor));
        assert_eq!(divide(&[U256::MAX, U256::new(2)], &[U256::ONE]), Err(MoneyError::Overflow));
        let last = divide(&[U256::MAX, U256::new(3)], &[U256::new(3)]).unwrap();
        assert!(last.is_exact());
        assert_eq!(last.floor, U256::MAX);
        // 2^256 - 1/2 lies half way between the greatest integer, which is odd, and one too great.
        let beyond = wide(&[U256::MAX, U256::new(2), U256::MAX], &[U256::new(2), U256::MAX]).unwrap();
        assert_eq!(beyond.half_even(), Ok(U256::MAX));
        let half_beyond = Quotient { floor: U256::MAX, fraction_against_half: Some(Ordering::Equal) };
        assert_eq!(half_beyond.half_even(), Err(MoneyError::Overflow));
    }

    #[test]
    fn greatest_factors_fit() {
        let all = [U256::MAX, U256::MAX, U256::MAX];
        assert_eq!(divide(&all, &[U256::MAX, U256::MAX]).unwrap().floor, U256::MAX);
        assert!(divide(&[U256::ONE], &all).unwrap().half_even().unwrap() == 0);
    }

    proptest! {
        #[test]
        fn the_narrowest_division_agrees(
            a in any_magnitude(64), b in any_magnitude(63), c in any_magnitude(64), d in any_magnitude(63),
        ) {
            prop_assume!(c != 0 && d != 0);
            prop_assert!(narrow_product(&[a, b]).is_some());
            prop_assert_eq!(divide(&[a, b], &[c, d]), wide(&[a, b], &[c, d]));
        }

        #[test]
        fn wide_and_narrow_division_agree(
            a in any_magnitude(128), b in any_magnitude(128), c in any_magnitude(128), d in any_magnitude(128),
        ) {
            prop_assume!(c != 0 && d != 0);
            let narrow = divide(&[a, b], &[c, d]);
            prop_assert!(product(&[a, b]).is_some());
            prop_assert_eq!(narrow, wide(&[a, b], &[c, d]));
        }

        #[test]
        fn wide_division_inverts_multiplication(
            quotient in any_magnitude(255), divisor in any_magnitude(255), other in any_magnitude(200), rest in any_magnitude(255),
        ) {
            prop_assume!(divisor != 0 && other != 0);
            let exact = wide(&[quotient, divisor, other], &[divisor, other]).unwrap();
            prop_assert!(exact.is_exact());
            prop_assert_eq!(exact.floor, quotient);

            // quotient × divisor + rest, with rest below divisor.
            let rest = rest % divisor;
            let mut dividend = Natural::product(&[quotient, divisor]);
            let mut carry = 0;
            for (limb, added) in dividend.0.iter_mut().zip(limbs(rest).into_iter().chain([0; 8])) {
                let sum = u128::from(*limb) + u128::from(added) + carry;
                *limb = sum as u64;
                carry = sum >> 64;
            }
            let divided = divide_wide(&dividend, &Natural::product(&[divisor])).unwrap();
            prop_assert_eq!(divided.floor, quotient);
            let expected = (rest != 0).then(|| rest.cmp(&(divisor - rest)));
            prop_assert_eq!(divided.fraction_against_half, expected);
        }
    }
}
