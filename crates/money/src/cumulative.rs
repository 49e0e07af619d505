//! `CUM`, sharing an amount out over time so that the parts sum exactly to it (SEMANTICS 2.5 no. 1 and 2, 3.3).
//!
//! The amount due up to part k is `A(k) = he(T × k / N, n)` and part k is `A(k) − A(k−1)`. No rounding error
//! accumulates, any two parts differ by at most 10^-n, and any run of parts is the difference of two values of `A`, so a
//! month of a three-year term costs two divisions.

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::error::MoneyError;
use crate::rounding::{Ratio, half_even, half_even_ratio};

/// An amount shared out over equal parts, see [`cumulative`].
#[derive(Clone, Copy, Debug)]
pub struct Cumulative {
    total: Decimal,
    parts: u32,
    digits: u8,
}

/// `CUM(total, parts)` at `digits` fraction digits: 12 for amortization by day (SEMANTICS 3.3), where `parts` is the
/// number of days of the term.
///
/// # Errors
/// [`MoneyError::ZeroDivisor`] for no parts. [`MoneyError::Inexact`] where the total itself has non-zero digits beyond
/// `digits`: then no such parts sum to it. [`MoneyError::ScaleTooLarge`] for more than 28 digits,
/// [`MoneyError::Overflow`] where the total with `digits` fraction digits exceeds 255 bits.
pub fn cumulative(total: Decimal, parts: u32, digits: u8) -> Result<Cumulative, MoneyError> {
    // he(T × N / N, n) is T with n fraction digits, and refuses what all smaller A(k) would refuse.
    let whole = half_even_ratio(total, Ratio::new(parts, parts)?, digits)?;
    if half_even(total, digits) != total {
        return Err(MoneyError::Inexact { digits });
    }
    Ok(Cumulative { total: whole, parts, digits })
}

/// The installments of a price billed monthly: `CUM` in the minor units of the currency (SEMANTICS 2.5 no. 2). Part 1 is
/// charged on the start day.
///
/// # Errors
/// As [`cumulative`]; [`MoneyError::Inexact`] in particular for a price that is not in minor units.
pub fn installments(total: Decimal, count: u32, currency: Currency) -> Result<Cumulative, MoneyError> {
    cumulative(total, count, currency.minor_digits())
}

impl Cumulative {
    /// The amount that is shared out, with the fraction digits of the parts.
    pub fn total(&self) -> Decimal {
        self.total
    }

    /// Number of parts, N; at least 1.
    pub fn part_count(&self) -> u32 {
        self.parts
    }

    /// `A(part)`: the sum of the parts 1 to `part` inclusive; zero for 0, the total for N.
    ///
    /// # Errors
    /// [`MoneyError::PartOutOfRange`] above N.
    pub fn through(&self, part: u32) -> Result<Decimal, MoneyError> {
        if part > self.parts {
            return Err(MoneyError::PartOutOfRange { part, parts: self.parts });
        }
        Ok(self.accumulated(part))
    }

    /// The amount of one part, 1 to N.
    ///
    /// # Errors
    /// [`MoneyError::PartOutOfRange`] for 0 and above N.
    pub fn part(&self, part: u32) -> Result<Decimal, MoneyError> {
        if part == 0 || part > self.parts {
            return Err(MoneyError::PartOutOfRange { part, parts: self.parts });
        }
        Ok(difference(self.accumulated(part), self.accumulated(part - 1)))
    }

    /// The amounts of all parts from the first to the last.
    pub fn parts(&self) -> impl Iterator<Item = Decimal> + use<> {
        let this = *self;
        let mut before = this.accumulated(0);
        (1..=this.parts).map(move |part| {
            let after = this.accumulated(part);
            let amount = difference(after, before);
            before = after;
            amount
        })
    }

    fn accumulated(&self, part: u32) -> Decimal {
        let ratio = Ratio::new(part, self.parts).expect("there is at least one part");
        half_even_ratio(self.total, ratio, self.digits).expect("|A(k)| <= |T|, which fits at this scale")
    }
}

/// Both have the sign of the total, so the difference is no greater than it.
fn difference(after: Decimal, before: Decimal) -> Decimal {
    after.checked_sub(before).expect("the difference of two sums of parts is not greater than the total")
}

#[cfg(test)]
mod tests;
