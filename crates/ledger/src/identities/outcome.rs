//! What a check answers: which identity, and whether it holds, fails or cannot be told.

use std::fmt;

use calendar::Date;
use money::{Decimal, MoneyError, Total};

/// Most differences of an identity that are kept: the first ones found. The others are counted.
const DIFFERENCES_KEPT_MAX: usize = 5;

/// An identity of SEMANTICS 3.7, an equation of 4.3, or the rule of invoice lines in 2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// Quantity times price is the cost.
    I1,
    /// Rows without benefit are the same in both datasets.
    I2,
    /// Covered usage is the same in both datasets but for its price.
    I3,
    /// The month's totals differ by the benefits alone.
    I4,
    /// What a benefit costs on a day is its day amount.
    I5,
    /// What a benefit costs over its term is what was paid for it.
    I6,
    /// What is deferred carries over.
    I7,
    /// Scopes add up to the enrollment.
    I8,
    /// Usage details are the same rows.
    I9,
    /// Invoice lines and rounding adjustments (SEMANTICS 2.5 no. 3 and 4).
    Lines,
    /// The ending balance.
    B1,
    /// The total overage.
    B2,
    /// The total usage.
    B3,
    /// The balance carries over.
    B4,
    /// Charges and balance summary.
    B5,
    /// Refunds and balance summary.
    B6,
}

impl Identity {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 16] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::Lines,
        Self::B1,
        Self::B2,
        Self::B3,
        Self::B4,
        Self::B5,
        Self::B6,
    ];

    /// Its name in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "I-1",
            Self::I2 => "I-2",
            Self::I3 => "I-3",
            Self::I4 => "I-4",
            Self::I5 => "I-5",
            Self::I6 => "I-6",
            Self::I7 => "I-7",
            Self::I8 => "I-8",
            Self::I9 => "I-9",
            Self::Lines => "lines",
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::B3 => "B3",
            Self::B4 => "B4",
            Self::B5 => "B5",
            Self::B6 => "B6",
        }
    }

    /// What it says, in a line.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::I1 => "quantity x effective price = cost, row by row",
            Self::I2 => "rows without benefit are the same in both datasets",
            Self::I3 => "covered usage is the same in both datasets but for price and cost, which are 0 in ActualCost",
            Self::I4 => "actual - benefit purchases and refunds = amortized - covered usage and unused",
            Self::I5 => "covered + unused = day amount of the benefit, and its hours",
            Self::I6 => "amortized over the whole term = purchases + refunds",
            Self::I7 => "deferred = deferred before + purchases + refunds - amortized",
            Self::I8 => "departments or accounts + rows of none + billing account only = all",
            Self::I9 => "usage details = these rows",
            Self::Lines => "rounding adjustment = sum of cut invoice lines - sum of charges, by class",
            Self::B1 => "endingBalance = beginningBalance + newPurchases + adjustments - utilized",
            Self::B2 => "totalOverage = serviceOverage + chargesBilledSeparately",
            Self::B3 => "totalUsage = utilized + totalOverage",
            Self::B4 => "beginningBalance = endingBalance of the month before",
            Self::B5 => "actual without refunds of closed periods = totalUsage + azureMarketplaceServiceCharges",
            Self::B6 => "-refunds of closed periods = overageRefund + refund adjustments",
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A place where an identity fails. It prints as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The day, where there is one.
    pub day: Option<Date>,
    /// What is compared: a row, a benefit, a kind of charge, a member of a balance.
    pub subject: String,
    /// By how much, in the enrollment's currency unless `detail` says otherwise; `None` where no number says it.
    pub by: Option<Decimal>,
    /// Both sides, in words.
    pub detail: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "{day} ")?;
        }
        write!(f, "{}: {}", self.subject, self.detail)?;
        match self.by {
            Some(by) => write!(f, "; off by {}", by.to_shortest_string()),
            None => Ok(()),
        }
    }
}

/// The answer about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds, exactly.
    Holds,
    /// It fails.
    Fails {
        /// In how many places.
        count: u64,
        /// The sum of all that is off, with its signs; `None` where the differences are no amounts.
        by: Option<Decimal>,
        /// The first places.
        first: Vec<Difference>,
    },
    /// The data do not tell, and why.
    Untold(String),
}

impl Verdict {
    /// Whether it fails.
    pub const fn fails(&self) -> bool {
        matches!(self, Self::Fails { .. })
    }
}

/// An identity with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub identity: Identity,
    /// The answer.
    pub verdict: Verdict,
}

/// Differences while they are found.
#[derive(Debug, Clone, Default)]
pub(super) struct Differences {
    count: u64,
    by: Total,
    has_amount: bool,
    first: Vec<Difference>,
}

impl Differences {
    pub(super) fn push(&mut self, difference: Difference) -> Result<(), MoneyError> {
        self.count += 1;
        if let Some(by) = difference.by {
            self.by.add(by)?;
            self.has_amount = true;
        }
        if self.first.len() < DIFFERENCES_KEPT_MAX {
            self.first.push(difference);
        }
        Ok(())
    }

    /// Takes the differences of another look.
    pub(super) fn merge(&mut self, other: &Self) -> Result<(), MoneyError> {
        self.count += other.count;
        self.by.merge(other.by)?;
        self.has_amount |= other.has_amount;
        let room = DIFFERENCES_KEPT_MAX - self.first.len();
        self.first.extend(other.first.iter().take(room).cloned());
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The answer where everything could be looked at.
    pub(super) fn verdict(self) -> Verdict {
        if self.is_empty() {
            return Verdict::Holds;
        }
        Verdict::Fails { count: self.count, by: self.has_amount.then(|| self.by.value()), first: self.first }
    }
}
