//! Identities of a balance summary (SEMANTICS 4.3, and the lists of 4.1), checked with exact sums. Only a source can break
//! them here, and published samples do.

use std::fmt;

use money::Decimal;

use super::{BalanceAmount, BalanceDetail, BalanceSummary};

/// A member of a summary that is not what the others make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenIdentity {
    /// The member.
    pub member: BalanceAmount,
    /// What the source stated.
    pub stated: String,
    /// What it should be.
    pub definition: &'static str,
    /// What that is.
    pub expected: String,
}

impl fmt::Display for BrokenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but {} is {}", self.member.name(), self.stated, self.definition, self.expected)
    }
}

impl BalanceSummary {
    /// What the source stated against its own other members. An identity with an unknown part says nothing.
    pub fn broken_identities(&self) -> Vec<BrokenIdentity> {
        use BalanceAmount::{
            Adjustments, BeginningBalance, ChargesBilledSeparately, EndingBalance, NewPurchases, ServiceOverage,
            TotalOverage, TotalUsage, Utilized,
        };
        let value = |which| self.amounts.get(&which).map(super::Amount::value);
        let sum = |parts: &[BalanceAmount]| add(parts.iter().map(|part| value(*part)));
        let ending = sum(&[BeginningBalance, NewPurchases, Adjustments])
            .and_then(|credit| credit.checked_sub(value(Utilized)?).ok());
        let details = |details: &Option<Vec<BalanceDetail>>| {
            let details = details.as_ref()?;
            add(details.iter().map(|detail| detail.value.as_ref().map(super::Amount::value)))
        };
        let checks = [
            (EndingBalance, "beginningBalance + newPurchases + adjustments - utilized", ending),
            (TotalOverage, "serviceOverage + chargesBilledSeparately", sum(&[ServiceOverage, ChargesBilledSeparately])),
            (TotalUsage, "utilized + totalOverage", sum(&[Utilized, TotalOverage])),
            (NewPurchases, "the sum of newPurchasesDetails", details(&self.new_purchases_details)),
            (Adjustments, "the sum of adjustmentDetails", details(&self.adjustment_details)),
        ];
        let broken = |(member, definition, expected): (BalanceAmount, &'static str, Option<Decimal>)| {
            let (stated, expected) = (value(member)?, expected?);
            (stated != expected).then(|| BrokenIdentity {
                member,
                stated: stated.to_string(),
                definition,
                expected: expected.to_string(),
            })
        };
        checks.into_iter().filter_map(broken).collect()
    }
}

/// An exact sum; unknown if a part is.
fn add(parts: impl Iterator<Item = Option<Decimal>>) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    for part in parts {
        sum = sum.checked_add(part?).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::super::tests::summary;
    use super::super::{Amount, BalanceAmount::*};
    use super::*;

    #[test]
    fn the_published_arm_figures_hold_and_the_enterprise_sample_does_not() {
        // SEMANTICS 4.3: the ARM sample obeys B1.
        let arm = summary(&[
            (BeginningBalance, "3396469.19"),
            (NewPurchases, "0"),
            (Adjustments, "0"),
            (Utilized, "474098.17"),
            (EndingBalance, "2922371.02"),
            (ServiceOverage, "0"),
            (ChargesBilledSeparately, "0"),
            (TotalOverage, "0.00"),
            (TotalUsage, "474098.170"),
        ]);
        assert_eq!(arm.broken_identities(), []);
        let mut enterprise = summary(&[
            (BeginningBalance, "0"),
            (NewPurchases, "1"),
            (Adjustments, "1.1"),
            (Utilized, "1.1"),
            (EndingBalance, "1.1"),
            (ServiceOverage, "1"),
            (ChargesBilledSeparately, "1"),
            (TotalOverage, "1"),
            (TotalUsage, "1.1"),
        ]);
        let detail = |value| BalanceDetail { name: None, value: Amount::parse(value).ok() };
        enterprise.new_purchases_details = Some(vec![detail("1")]);
        enterprise.adjustment_details = Some(vec![detail("1.1"), detail("1.0")]);
        let broken: Vec<String> = enterprise.broken_identities().iter().map(ToString::to_string).collect();
        assert_eq!(
            broken,
            [
                "endingBalance is 1.1, but beginningBalance + newPurchases + adjustments - utilized is 1.0",
                "totalOverage is 1, but serviceOverage + chargesBilledSeparately is 2",
                "totalUsage is 1.1, but utilized + totalOverage is 2.1",
                "adjustments is 1.1, but the sum of adjustmentDetails is 2.1",
            ]
        );
    }

    #[test]
    fn what_is_unknown_breaks_nothing() {
        assert_eq!(summary(&[(EndingBalance, "5"), (TotalUsage, "5"), (Utilized, "1")]).broken_identities(), []);
        let mut own = summary(&[(Adjustments, "5")]);
        own.adjustment_details = Some(vec![BalanceDetail { name: None, value: None }]);
        assert_eq!(own.broken_identities(), []);
    }
}
