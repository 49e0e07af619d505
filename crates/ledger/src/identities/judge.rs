//! The answers about one billing period.

use std::collections::{BTreeMap, HashMap};

use calendar::Date;
use money::{Decimal, MoneyError, Total};

use super::balance;
use super::deferral::{BenefitDeferral, History};
use super::facts::{BenefitDay, PeriodFacts, index_of};
use super::outcome::{Difference, Differences, Identity, Outcome, Verdict};
use super::row::RowKind;
use super::statement::{ClassLines, cut_lines};
use super::terms::BenefitTerms;
use crate::billing::ChargeClass;
use crate::{BalanceSummary, Dataset};

/// What is known about a period beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct PeriodContext<'a> {
    /// Which datasets are held, in the order of [`Dataset::ALL`].
    pub held: [bool; 2],
    /// Whether the charges of the whole enrollment are held, not of some of its scopes.
    pub is_whole: bool,
    /// Whether the enrollment is billed here; else it is mirrored.
    pub is_native: bool,
    /// Fraction digits of the currency's minor unit; `None` where the currency is not known.
    pub minor_digits: Option<u8>,
    /// The balance summary of the period.
    pub balance: Option<&'a BalanceSummary>,
    /// The balance summary of the period before.
    pub previous_balance: Option<&'a BalanceSummary>,
    /// The terms of the benefits; `None`: their orders are not known.
    pub terms: Option<&'a [BenefitTerms]>,
    /// The last day that is amortized in a period that is still open (D-43), inclusive; `None`: the whole period is.
    pub complete_through: Option<Date>,
    /// Whether rows come with the scopes that show them.
    pub knows_scopes: bool,
}

/// What a period adds up to, and every identity with its answer.
#[derive(Debug, Clone)]
pub struct PeriodReport {
    /// What its rows add up to.
    pub facts: PeriodFacts,
    /// What its benefits did.
    pub benefits: Vec<BenefitDeferral>,
    /// Invoice lines by class; empty where the currency is not known.
    pub lines: BTreeMap<ChargeClass, ClassLines>,
    /// Refunds of purchases of closed periods (SEMANTICS 4.4 case 2); not above 0.
    pub late_refunds: Decimal,
    /// One for each of [`Identity::ALL`], in that order.
    pub outcomes: Vec<Outcome>,
}

impl PeriodContext<'_> {
    pub(super) fn both_held(&self) -> bool {
        self.held == [true; 2]
    }

    pub(super) fn holds(&self, dataset: Dataset) -> bool {
        self.held[index_of(dataset)]
    }

    /// The answer where a dataset is missing.
    pub(super) fn needs(&self, dataset: Dataset) -> Option<Verdict> {
        (!self.holds(dataset)).then(|| Verdict::Untold(format!("{dataset} is not held")))
    }

    pub(super) fn needs_both(&self) -> Option<Verdict> {
        Dataset::ALL.into_iter().find_map(|dataset| self.needs(dataset))
    }
}

impl History {
    /// Answers for a period, the next one after those taken before.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn report(&mut self, facts: PeriodFacts, context: &PeriodContext<'_>) -> Result<PeriodReport, MoneyError> {
        let deferral = self.judge(&facts, context)?;
        let late_refunds = late_refunds(&facts)?;
        let lines = lines_of(&facts, context)?;
        let mut outcomes = Vec::with_capacity(Identity::ALL.len());
        for identity in Identity::ALL {
            let verdict = match identity {
                Identity::I1 => prices(&facts)?,
                Identity::I2 => shared_rows(&facts, context, false)?,
                Identity::I3 => shared_rows(&facts, context, true)?,
                Identity::I4 => month(&facts, context)?,
                Identity::I5 => days(&facts, context)?,
                Identity::I6 => deferral.term.clone(),
                Identity::I7 => deferral.deferral.clone(),
                Identity::I8 if !context.knows_scopes => {
                    Verdict::Untold("the scopes of the rows were not looked at".into())
                }
                Identity::I8 => facts.wrong_scopes.clone().verdict(),
                Identity::I9 => Verdict::Untold("every API answers from these rows; its tests compare them".into()),
                Identity::Lines => balance::lines(&facts, context, &lines)?,
                Identity::B1 | Identity::B2 | Identity::B3 => balance::members(identity, context)?,
                Identity::B4 => balance::carried_over(context)?,
                Identity::B5 => balance::charges(&facts, context, late_refunds)?,
                Identity::B6 => balance::refunds(context, late_refunds)?,
            };
            outcomes.push(Outcome { identity, verdict });
        }
        Ok(PeriodReport { facts, benefits: deferral.benefits, lines, late_refunds, outcomes })
    }
}

impl PeriodReport {
    /// The answer about an identity.
    pub fn verdict(&self, identity: Identity) -> &Verdict {
        let found = self.outcomes.iter().find(|outcome| outcome.identity == identity);
        &found.expect("a report answers for every identity").verdict
    }

    /// The identities that fail.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.verdict.fails())
    }
}

fn prices(facts: &PeriodFacts) -> Result<Verdict, MoneyError> {
    let mut all = Differences::default();
    for wrong in &facts.wrong_prices {
        all.merge(wrong)?;
    }
    let untold: u64 = facts.priceless.iter().sum();
    if all.is_empty() && untold > 0 && untold == facts.rows(Dataset::ActualCost) + facts.rows(Dataset::AmortizedCost) {
        return Ok(Verdict::Untold("no row has an EffectivePrice".into()));
    }
    Ok(all.verdict())
}

/// I-2 and I-3: the rows that both datasets share.
fn shared_rows(facts: &PeriodFacts, context: &PeriodContext<'_>, covered: bool) -> Result<Verdict, MoneyError> {
    let mut differences = if covered { facts.priced_covered.clone() } else { Differences::default() };
    if let Some(untold) = context.needs_both() {
        return Ok(if differences.is_empty() { untold } else { differences.verdict() });
    }
    for ((day, kind), [actual, amortized]) in facts.shared.iter().filter(|((_, kind), _)| kind.is_covered() == covered)
    {
        let (left, right) = (actual.sums, amortized.sums);
        let off = right.cost.value().checked_sub(left.cost.value())?;
        let detail = if left.rows != right.rows || !off.is_zero() {
            let side = |sums: super::KindSums| {
                let rows = if sums.rows == 1 { "1 row".to_owned() } else { format!("{} rows", sums.rows) };
                if covered { rows } else { format!("{rows} with {}", sums.cost.value().to_shortest_string()) }
            };
            format!("{} in ActualCost, {} in AmortizedCost", side(left), side(right))
        } else if !actual.rows.same_charges(&amortized.rows) {
            format!("{} rows in both datasets, but not the same charges", left.rows)
        } else if actual.rows != amortized.rows {
            format!("{} rows charge the same in both datasets, but have other names, tags or places", left.rows)
        } else {
            continue;
        };
        let by = (!covered).then_some(off);
        differences.push(Difference { day: Some(*day), subject: kind.words().to_owned(), by, detail })?;
    }
    Ok(differences.verdict())
}

/// I-4.
fn month(facts: &PeriodFacts, context: &PeriodContext<'_>) -> Result<Verdict, MoneyError> {
    if let Some(untold) = context.needs_both() {
        return Ok(untold);
    }
    let transactions = facts.sum_of(Dataset::ActualCost, RowKind::is_benefit_transaction)?;
    let benefits = facts.sum_of(Dataset::AmortizedCost, |kind| kind.is_covered() || kind.is_unused())?;
    let actual = facts.total(Dataset::ActualCost).checked_sub(transactions)?;
    let amortized = facts.total(Dataset::AmortizedCost).checked_sub(benefits)?;
    let off = actual.checked_sub(amortized)?;
    let mut differences = Differences::default();
    if !off.is_zero() {
        differences.push(Difference {
            day: None,
            subject: facts.period.to_string(),
            by: Some(off),
            detail: format!(
                "without benefits ActualCost is {}, AmortizedCost {}",
                actual.to_shortest_string(),
                amortized.to_shortest_string()
            ),
        })?;
    }
    Ok(differences.verdict())
}

/// I-5, by the orders where they are known.
fn days(facts: &PeriodFacts, context: &PeriodContext<'_>) -> Result<Verdict, MoneyError> {
    if let Some(untold) = context.needs(Dataset::AmortizedCost) {
        return Ok(untold);
    }
    let Some(all_terms) = context.terms else { return days_among_themselves(facts) };
    let mut by_order: HashMap<&str, BTreeMap<Date, BenefitDay>> = HashMap::new();
    for benefit in &facts.benefits {
        let days = by_order.entry(benefit.order.as_str()).or_default();
        for (date, day) in &benefit.days {
            days.entry(*date).or_default().merge(day)?;
        }
    }
    let mut differences = Differences::default();
    let through = context.complete_through.map_or(facts.period.last_day(), |day| day.min(facts.period.last_day()));
    for terms in all_terms {
        let own = by_order.remove(terms.order_id.as_str()).unwrap_or_default();
        days_of(terms, &own, facts, through, &mut differences)?;
    }
    let mut strangers: Vec<_> = by_order.into_iter().filter(|(_, days)| !days.is_empty()).collect();
    strangers.sort_by_key(|(order, _)| *order);
    for (order, days) in strangers {
        let mut cost = Total::ZERO;
        days.values().try_for_each(|day| cost.merge(day.cost))?;
        let subject = format!("order {order}");
        let detail = "no order of this benefit is known".to_owned();
        differences.push(Difference { day: None, subject, by: Some(cost.value()), detail })?;
    }
    Ok(differences.verdict())
}

fn days_of(
    terms: &BenefitTerms,
    days: &BTreeMap<Date, BenefitDay>,
    facts: &PeriodFacts,
    through: Date,
    differences: &mut Differences,
) -> Result<(), MoneyError> {
    let none = BenefitDay::default();
    for date in facts.period.days() {
        let covered = terms.day(date).filter(|_| date <= through);
        let own = days.get(&date);
        if own.is_none() && covered.is_none() {
            continue;
        }
        let (amount, hours) = covered.unwrap_or_default();
        let own = own.unwrap_or(&none);
        let off = own.cost.value().checked_sub(amount)?;
        let difference =
            |by, detail| Difference { day: Some(date), subject: format!("order {}", terms.order_id), by, detail };
        let texts = [own.cost.value(), amount].map(|amount| amount.to_shortest_string());
        if !off.is_zero() {
            differences
                .push(difference(Some(off), format!("covered and unused cost {}, the day {}", texts[0], texts[1])))?;
        }
        let found = own.hours.value();
        if terms.is_reservation && found != hours {
            let missing = if own.without_ratio > 0 { ", some rows without ratio" } else { "" };
            let detail = format!(
                "{} reservation-hours used and unused{missing}, the day has {}",
                found.to_shortest_string(),
                hours.to_shortest_string()
            );
            differences.push(difference(None, detail))?;
        }
    }
    // Days outside of the period: a benefit's rows are dated in it.
    for (date, day) in days.iter().filter(|(date, _)| !facts.period.contains(**date)) {
        let detail = "the row's billing period is another month".to_owned();
        let subject = format!("order {}", terms.order_id);
        differences.push(Difference { day: Some(*date), subject, by: Some(day.cost.value()), detail })?;
    }
    Ok(())
}

/// Without orders only this can be told: whether the days of each benefit agree among themselves.
fn days_among_themselves(facts: &PeriodFacts) -> Result<Verdict, MoneyError> {
    let mut uneven = Vec::new();
    for benefit in facts.benefits.iter().filter(|benefit| !benefit.days.is_empty()) {
        let costs = || benefit.days.values().map(|day| day.cost.value());
        let (Some(least), Some(most)) = (costs().min(), costs().max()) else { continue };
        let day_amount_step = Decimal::from_i128(1, 12)?;
        if most.checked_sub(least)? > day_amount_step {
            let [least, most] = [least, most].map(|amount| amount.to_shortest_string());
            let what = if benefit.is_reservation { "reservation" } else { "savings plan" };
            uneven.push(format!("{what} {} costs {least} to {most} a day", benefit.name));
        }
    }
    if facts.benefits.is_empty() {
        return Ok(Verdict::Holds);
    }
    let mut reason = match facts.benefits.len() {
        1 => "the terms of 1 benefit are not known; ".to_owned(),
        count => format!("the terms of {count} benefits are not known; "),
    };
    match uneven.first() {
        None => reason.push_str("the days of each cost the same"),
        Some(first) => reason.push_str(&format!("{} have days of different cost: {first}", uneven.len())),
    }
    Ok(Verdict::Untold(reason))
}

fn late_refunds(facts: &PeriodFacts) -> Result<Decimal, MoneyError> {
    let mut total = Total::ZERO;
    facts.late_refunds().try_for_each(|(_, sums)| total.merge(sums.refunds))?;
    Ok(total.value())
}

/// The invoice lines by class; empty where the currency is not known.
fn lines_of(facts: &PeriodFacts, context: &PeriodContext<'_>) -> Result<BTreeMap<ChargeClass, ClassLines>, MoneyError> {
    let Some(minor_digits) = context.minor_digits else { return Ok(BTreeMap::new()) };
    let mut lines = facts.lines.clone();
    for (order, refunds) in &facts.refunds {
        if facts.orders.get(order).is_some_and(|sums| sums.has_purchase) {
            for (key, refund) in refunds {
                lines.entry(*key).or_default().merge(*refund)?;
            }
        }
    }
    let sums = lines.iter().map(|((class, _), total)| (*class, total.value()));
    let mut classes = cut_lines(sums, minor_digits)?;
    for (class, rounding) in &facts.rounding {
        classes.entry(*class).or_default().rounding.merge(*rounding)?;
    }
    Ok(classes)
}
