//! What a billed period hands on to the next one.

use std::collections::BTreeMap;

use calendar::Date;
use serde::{Deserialize, Serialize};

use crate::Amount;

/// The state of an enrollment at the end of a billing period: balance, credits and how purchases were paid. Amounts are in
/// the enrollment's currency and in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeriodBook {
    /// The period, `YYYYMM`.
    pub period: String,
    /// `endingBalance`: the sum of the credits less the debt.
    pub ending_balance: Amount,
    /// What is left of each credit, earliest expiry first; amounts above 0.
    pub credits: Vec<PoolCredit>,
    /// By how much debits exceed the credits (D-26); not negative. One of credits and debt is empty.
    pub debt: Amount,
    /// Benefits that were bought so far, by comparable order id.
    pub benefits: BTreeMap<String, BenefitBook>,
}

/// A credit of the prepayment pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolCredit {
    /// What is left of it.
    pub amount: Amount,
    /// The last day on which it can be used, inclusive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Date>,
}

/// How a benefit was priced and paid so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BenefitBook {
    /// Price of the whole term.
    pub price: Amount,
    /// Sum of the installments that were charged.
    pub paid: Amount,
    /// What of them the pool paid (F of SEMANTICS 4.4), by the expiry of the credits that did.
    pub funding: Vec<PoolCredit>,
}
