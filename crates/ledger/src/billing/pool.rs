//! The prepayment pool of an enrollment (SEMANTICS 4.3): credits with their expiry, and the debt that debits can leave.

use calendar::Date;
use money::{Decimal, MoneyError};

use super::book::PoolCredit;
use crate::Amount;

/// Credits, earliest expiry first and those without expiry last (D-25), or a debt (D-26).
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    credits: Vec<Lot>,
    debt: Decimal,
}

/// A credit; the amount is above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lot {
    pub(super) amount: Decimal,
    /// Last day on which it can be used; `None`: no end.
    pub(super) expires: Option<Date>,
}

impl Lot {
    /// Sorts credits without expiry behind all others.
    pub(super) fn order(&self) -> (bool, Option<Date>) {
        (self.expires.is_none(), self.expires)
    }
}

impl Pool {
    /// The pool that a book hands on.
    pub(super) fn of(credits: &[PoolCredit], debt: &Amount) -> Self {
        let credits = credits.iter().map(|one| Lot { amount: one.amount.value(), expires: one.expires }).collect();
        Self { credits, debt: debt.value() }
    }

    /// What is left, negative for a debt.
    pub(super) fn balance(&self) -> Result<Decimal, MoneyError> {
        let sum = self.credits.iter().try_fold(Decimal::ZERO, |sum, lot| sum.checked_add(lot.amount))?;
        sum.checked_sub(self.debt)
    }

    pub(super) fn credits(&self) -> &[Lot] {
        &self.credits
    }

    pub(super) fn debt(&self) -> Decimal {
        self.debt
    }

    /// Puts money in; it first fills the hole that debits left.
    pub(super) fn credit(&mut self, amount: Decimal, expires: Option<Date>) -> Result<(), MoneyError> {
        let fills = amount.min(self.debt);
        self.debt = self.debt.checked_sub(fills)?;
        let amount = amount.checked_sub(fills)?;
        if amount.is_zero() {
            return Ok(());
        }
        match self.credits.iter_mut().find(|lot| lot.expires == expires) {
            Some(lot) => lot.amount = lot.amount.checked_add(amount)?,
            None => {
                self.credits.push(Lot { amount, expires });
                self.credits.sort_by_key(Lot::order);
            }
        }
        Ok(())
    }

    /// Takes money out, earliest expiry first; what is not there becomes debt. Gives what was taken of each credit.
    pub(super) fn debit(&mut self, amount: Decimal) -> Result<Vec<Lot>, MoneyError> {
        let mut rest = amount;
        let mut taken = Vec::new();
        for lot in &mut self.credits {
            let part = lot.amount.min(rest);
            if part > Decimal::ZERO {
                lot.amount = lot.amount.checked_sub(part)?;
                rest = rest.checked_sub(part)?;
                taken.push(Lot { amount: part, expires: lot.expires });
            }
        }
        self.credits.retain(|lot| !lot.amount.is_zero());
        self.debt = self.debt.checked_add(rest)?;
        Ok(taken)
    }

    /// Takes out what expires on `last` or before (D-28), and gives its sum.
    pub(super) fn expire(&mut self, last: Date, all: bool) -> Result<Decimal, MoneyError> {
        let mut lost = Decimal::ZERO;
        let mut kept = Vec::new();
        for lot in std::mem::take(&mut self.credits) {
            if all || lot.expires.is_some_and(|expires| expires <= last) {
                lost = lost.checked_add(lot.amount)?;
            } else {
                kept.push(lot);
            }
        }
        self.credits = kept;
        Ok(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes(), money::Limits::COST).unwrap().value
    }

    fn day(text: &str) -> Option<Date> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn e19_the_credit_that_expires_first_pays_first() {
        let mut pool = Pool::default();
        pool.credit(decimal("200"), day("2026-03-31")).unwrap();
        pool.credit(decimal("50"), None).unwrap();
        pool.credit(decimal("900"), day("2025-10-31")).unwrap();
        let taken = pool.debit(decimal("650")).unwrap();
        assert_eq!(taken, [Lot { amount: decimal("650"), expires: day("2025-10-31") }]);
        assert_eq!(pool.expire("2025-10-31".parse().unwrap(), false).unwrap(), decimal("250"));
        assert_eq!(pool.balance().unwrap(), decimal("250"));
        let taken = pool.debit(decimal("210")).unwrap();
        assert_eq!(taken.iter().map(|lot| lot.amount.to_string()).collect::<Vec<_>>(), ["200", "10"]);
    }

    #[test]
    fn e20_debt_is_filled_before_credits_grow() {
        let mut pool = Pool::default();
        pool.credit(decimal("100"), None).unwrap();
        pool.debit(decimal("160")).unwrap();
        assert_eq!(pool.balance().unwrap(), decimal("-60"));
        pool.credit(decimal("200"), day("2026-01-31")).unwrap();
        assert_eq!((pool.balance().unwrap(), pool.debt()), (decimal("140"), Decimal::ZERO));
        assert_eq!(pool.credits().len(), 1);
    }
}
