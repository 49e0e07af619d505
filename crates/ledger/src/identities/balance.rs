//! The equations of SEMANTICS 4.3: a balance summary by itself, after the one before, and against the charges.

use std::collections::BTreeMap;

use money::{Decimal, MoneyError, Total};

use super::facts::PeriodFacts;
use super::judge::PeriodContext;
use super::outcome::{Difference, Differences, Identity, Verdict};
use super::statement::ClassLines;
use crate::billing::ChargeClass;
use crate::{BalanceAmount, BalanceSummary, Dataset};

/// Names of adjustments that give back what the prepayment paid (SEMANTICS 4.4), in lower case: their beginnings.
const REFUND_ADJUSTMENTS: [&str; 3] = ["return of reservation", "exchange adjustment", "trade-in"];
/// The adjustment for charges below 0 (D-27), in lower case.
const USAGE_CORRECTION: &str = "usage correction credit";

/// B1, B2 and B3.
pub(super) fn members(identity: Identity, context: &PeriodContext<'_>) -> Result<Verdict, MoneyError> {
    let Some(summary) = context.balance else { return Ok(no_summary()) };
    let member = match identity {
        Identity::B1 => BalanceAmount::EndingBalance,
        Identity::B2 => BalanceAmount::TotalOverage,
        _ => BalanceAmount::TotalUsage,
    };
    // The lists belong to the members that B1 adds up.
    let of_identity = |found: BalanceAmount| {
        found == member
            || (identity == Identity::B1 && matches!(found, BalanceAmount::NewPurchases | BalanceAmount::Adjustments))
    };
    let mut differences = Differences::default();
    for broken in summary.broken_identities().iter().filter(|broken| of_identity(broken.member)) {
        differences.push(Difference {
            day: None,
            subject: broken.member.name().to_owned(),
            by: Some(broken.by),
            detail: format!("is {}, but {} is {}", broken.stated, broken.definition, broken.expected),
        })?;
    }
    if differences.is_empty() && !summary.tells(member) {
        return Ok(Verdict::Untold(format!("the balance summary does not state {} or a part of it", member.name())));
    }
    Ok(differences.verdict())
}

/// B4.
pub(super) fn carried_over(context: &PeriodContext<'_>) -> Result<Verdict, MoneyError> {
    let Some(summary) = context.balance else { return Ok(no_summary()) };
    let Some(previous) = context.previous_balance else {
        return Ok(Verdict::Untold("there is no balance summary of the month before".into()));
    };
    let Some(broken) = summary.broken_carry_over(previous) else {
        let told = summary.amount(BalanceAmount::BeginningBalance).is_some()
            && previous.amount(BalanceAmount::EndingBalance).is_some();
        let reason = || Verdict::Untold("one of the two balance summaries does not state it".into());
        return Ok(if told { Verdict::Holds } else { reason() });
    };
    let mut differences = Differences::default();
    differences.push(Difference {
        day: None,
        subject: broken.member.name().to_owned(),
        by: Some(broken.by),
        detail: format!("is {}, but {} is {}", broken.stated, broken.definition, broken.expected),
    })?;
    Ok(differences.verdict())
}

/// B5.
pub(super) fn charges(
    facts: &PeriodFacts,
    context: &PeriodContext<'_>,
    late_refunds: Decimal,
) -> Result<Verdict, MoneyError> {
    let summary = match whole_actual(context) {
        Ok(summary) => summary,
        Err(untold) => return Ok(untold),
    };
    let [Some(usage), Some(marketplace)] =
        [BalanceAmount::TotalUsage, BalanceAmount::AzureMarketplaceServiceCharges].map(|which| value(summary, which))
    else {
        return Ok(Verdict::Untold("the balance summary does not state all totals".into()));
    };
    let Some(correction) = adjustments(summary, |name| name == USAGE_CORRECTION)? else {
        return Ok(Verdict::Untold("the balance summary does not itemise its adjustments".into()));
    };
    let stated = usage.checked_add(marketplace)?.checked_sub(correction)?;
    let rows = facts.total(Dataset::ActualCost).checked_sub(late_refunds)?;
    let detail = format!(
        "the charges without refunds of closed periods are {}, the balance summary has {}",
        rows.to_shortest_string(),
        stated.to_shortest_string()
    );
    agreement("ActualCost", rows.checked_sub(stated)?, detail)
}

/// B6.
pub(super) fn refunds(context: &PeriodContext<'_>, late_refunds: Decimal) -> Result<Verdict, MoneyError> {
    let summary = match whole_actual(context) {
        Ok(summary) => summary,
        Err(untold) => return Ok(untold),
    };
    let is_refund = |name: &str| REFUND_ADJUSTMENTS.iter().any(|beginning| name.starts_with(beginning));
    let adjusted = adjustments(summary, is_refund)?;
    let (Some(adjusted), Some(overage)) = (adjusted, value(summary, BalanceAmount::OverageRefund)) else {
        let reason = "the balance summary does not state overageRefund or does not itemise its adjustments";
        return Ok(Verdict::Untold(reason.into()));
    };
    let stated = overage.checked_add(adjusted)?;
    let rows = late_refunds.checked_neg()?;
    let detail = format!(
        "the charges give back {}, the balance summary {}",
        rows.to_shortest_string(),
        stated.to_shortest_string()
    );
    agreement("refunds of closed periods", rows.checked_sub(stated)?, detail)
}

/// Holds where the charges are not off from the balance summary.
fn agreement(subject: &str, off: Decimal, detail: String) -> Result<Verdict, MoneyError> {
    let mut differences = Differences::default();
    if !off.is_zero() {
        differences.push(Difference { day: None, subject: subject.into(), by: Some(off), detail })?;
    }
    Ok(differences.verdict())
}

/// Invoice lines (SEMANTICS 2.5): rounding adjustments are what cutting leaves over, and the classes of the balance
/// summary are the sums of cut lines.
pub(super) fn lines(
    facts: &PeriodFacts,
    context: &PeriodContext<'_>,
    lines: &BTreeMap<ChargeClass, ClassLines>,
) -> Result<Verdict, MoneyError> {
    if let Some(untold) = context.needs(Dataset::ActualCost) {
        return Ok(untold);
    }
    if context.minor_digits.is_none() || facts.classless > 0 {
        return Ok(Verdict::Untold("currency or credit eligibility of some charges is not known".into()));
    }
    if !context.is_native && (!context.is_whole || facts.rounding.is_empty()) {
        return Ok(Verdict::Untold(
            "no rounding adjustments are held, so that the lines are not known to be cut".into(),
        ));
    }
    let mut differences = Differences::default();
    for (class, sums) in lines {
        let expected = sums.cut.value().checked_sub(sums.exact.value())?;
        let off = sums.rounding.value().checked_sub(expected)?;
        if !off.is_zero() {
            let [rounding, expected] = [sums.rounding.value(), expected].map(|amount| amount.to_shortest_string());
            differences.push(Difference {
                day: None,
                subject: format!("rounding adjustment of {}", class.words()),
                by: Some(off),
                detail: format!("is {rounding}, the lines leave {expected}"),
            })?;
        }
    }
    if let Some(summary) = context.balance.filter(|_| context.is_whole) {
        compare_classes(summary, lines, &mut differences)?;
    }
    Ok(differences.verdict())
}

fn compare_classes(
    summary: &BalanceSummary,
    lines: &BTreeMap<ChargeClass, ClassLines>,
    differences: &mut Differences,
) -> Result<(), MoneyError> {
    use BalanceAmount::{AzureMarketplaceServiceCharges, ChargesBilledSeparately, ServiceOverage, Utilized};
    let correction = adjustments(summary, |name| name == USAGE_CORRECTION)?;
    let eligible = match (value(summary, Utilized), value(summary, ServiceOverage), correction) {
        (Some(utilized), Some(overage), Some(correction)) => {
            Some(utilized.checked_add(overage)?.checked_sub(correction)?)
        }
        _ => None,
    };
    let classes = [
        (ChargeClass::Eligible, eligible, "utilized + serviceOverage - usage correction"),
        (ChargeClass::BilledSeparately, value(summary, ChargesBilledSeparately), "chargesBilledSeparately"),
        (ChargeClass::Marketplace, value(summary, AzureMarketplaceServiceCharges), "azureMarketplaceServiceCharges"),
    ];
    for (class, stated, name) in classes {
        let Some(stated) = stated else { continue };
        let cut = lines.get(&class).map_or(Decimal::ZERO, |sums| sums.cut.value());
        let off = stated.checked_sub(cut)?;
        if !off.is_zero() {
            differences.push(Difference {
                day: None,
                subject: name.to_owned(),
                by: Some(off),
                detail: format!("is {}, the lines add up to {}", stated.to_shortest_string(), cut.to_shortest_string()),
            })?;
        }
    }
    Ok(())
}

/// The summary, where it can be compared with the charges.
fn whole_actual<'a>(context: &PeriodContext<'a>) -> Result<&'a BalanceSummary, Verdict> {
    let Some(summary) = context.balance else { return Err(no_summary()) };
    if let Some(untold) = context.needs(Dataset::ActualCost) {
        return Err(untold);
    }
    if !context.is_whole {
        return Err(Verdict::Untold("the charges held are those of some scopes, not of the whole enrollment".into()));
    }
    if summary.price_hidden == Some(true) {
        return Err(Verdict::Untold("the balance summary hides its amounts".into()));
    }
    Ok(summary)
}

fn no_summary() -> Verdict {
    Verdict::Untold("there is no balance summary".into())
}

fn value(summary: &BalanceSummary, which: BalanceAmount) -> Option<Decimal> {
    summary.amount(which).map(|amount| amount.value())
}

/// The sum of the adjustments with certain names; `None` where they are not itemised but are not 0.
fn adjustments(summary: &BalanceSummary, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Decimal>, MoneyError> {
    let Some(details) = &summary.adjustment_details else {
        let nothing = value(summary, BalanceAmount::Adjustments).is_some_and(|amount| amount.is_zero());
        return Ok(nothing.then_some(Decimal::ZERO));
    };
    let mut total = Total::ZERO;
    for detail in details {
        let name = detail.name.as_deref().unwrap_or_default().trim().to_lowercase();
        if let (true, Some(amount)) = (is_wanted(&name), &detail.value) {
            total.add(amount.value())?;
        }
    }
    Ok(Some(total.value()))
}
