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
    /// What was stated less what it should be, in the summary's currency.
    pub by: Decimal,
}

impl fmt::Display for BrokenIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but {} is {}", self.member.name(), self.stated, self.definition, self.expected)
    }
}

/// What a member should be.
struct Definition {
    member: BalanceAmount,
    words: &'static str,
    /// `None`: a part of it is unknown.
    value: Option<Decimal>,
}

impl BalanceSummary {
    /// What the source stated against its own other members. An identity with an unknown part says nothing.
    pub fn broken_identities(&self) -> Vec<BrokenIdentity> {
        let definitions = self.definitions().into_iter();
        definitions.filter_map(|definition| self.broken(definition)).collect()
    }

    /// Whether an identity of the member can be told: it is stated, and so is what defines it.
    pub fn tells(&self, member: BalanceAmount) -> bool {
        let own = self.amounts.contains_key(&member);
        own && self.definitions().iter().any(|definition| definition.member == member && definition.value.is_some())
    }

    /// B4: what the summary begins with is what the one of the month before ended with. `None` where it holds and where
    /// one of the two does not say.
    pub fn broken_carry_over(&self, previous: &Self) -> Option<BrokenIdentity> {
        let ending = previous.amounts.get(&BalanceAmount::EndingBalance).map(super::Amount::value);
        let words = "endingBalance of the month before";
        self.broken(Definition { member: BalanceAmount::BeginningBalance, words, value: ending })
    }

    fn stated(&self, which: BalanceAmount) -> Option<Decimal> {
        self.amounts.get(&which).map(super::Amount::value)
    }

    fn broken(&self, definition: Definition) -> Option<BrokenIdentity> {
        let (stated, expected) = (self.stated(definition.member)?, definition.value?);
        (stated != expected).then(|| BrokenIdentity {
            member: definition.member,
            stated: stated.to_string(),
            definition: definition.words,
            expected: expected.to_string(),
            by: stated.checked_sub(expected).unwrap_or_default(),
        })
    }

    fn definitions(&self) -> Vec<Definition> {
        use BalanceAmount::{
            Adjustments, BeginningBalance, ChargesBilledSeparately, EndingBalance, NewPurchases, ServiceOverage,
            TotalOverage, TotalUsage, Utilized,
        };
        let sum = |parts: &[BalanceAmount]| add(parts.iter().map(|part| self.stated(*part)));
        let ending = sum(&[BeginningBalance, NewPurchases, Adjustments])
            .and_then(|credit| credit.checked_sub(self.stated(Utilized)?).ok());
        let details = |details: &Option<Vec<BalanceDetail>>| {
            let details = details.as_ref()?;
            add(details.iter().map(|detail| detail.value.as_ref().map(super::Amount::value)))
        };
        let define = |member, words, value| Definition { member, words, value };
        vec![
            define(EndingBalance, "beginningBalance + newPurchases + adjustments - utilized", ending),
            define(
                TotalOverage,
                "serviceOverage + chargesBilledSeparately",
                sum(&[ServiceOverage, ChargesBilledSeparately]),
            ),
            define(TotalUsage, "utilized + totalOverage", sum(&[Utilized, TotalOverage])),
            define(NewPurchases, "the sum of newPurchasesDetails", details(&self.new_purchases_details)),
            define(Adjustments, "the sum of adjustmentDetails", details(&self.adjustment_details)),
        ]
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
