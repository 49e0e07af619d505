//! What is deferred of each benefit, from period to period (I-6, I-7).

use std::collections::BTreeMap;

use calendar::{BillingPeriod, Date, Term};
use money::{Decimal, MoneyError, Total};

use super::facts::{OrderSums, PeriodFacts};
use super::judge::PeriodContext;
use super::outcome::{Difference, Differences, Verdict};
use super::terms::BenefitTerms;

/// What the periods of an enrollment so far say about its benefits. Periods come in ascending order; a period that is
/// left out makes unknown what is deferred.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By comparable order id.
    benefits: BTreeMap<String, Carried>,
    /// The first of the periods that follow each other without a gap, and the last.
    stretch: Option<(BillingPeriod, BillingPeriod)>,
}

/// What a benefit did in a period, as told line by line. Amounts are in the enrollment's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenefitDeferral {
    /// The order as spelled.
    pub order: String,
    /// What was deferred at the beginning; `None`: its purchase is not held.
    pub before: Option<Decimal>,
    /// Purchases and installments of the period.
    pub purchases: Decimal,
    /// Refunds of the period; not above 0.
    pub refunds: Decimal,
    /// What its covered usage, unused and settlement rows cost in the period.
    pub amortized: Decimal,
    /// What is deferred at the end; `None`: its purchase is not held.
    pub after: Option<Decimal>,
}

/// A benefit over all periods so far.
#[derive(Debug, Clone, Default)]
struct Carried {
    name: String,
    paid: Total,
    amortized: Total,
    settlement: Total,
    /// Whether everything since its purchase was seen.
    is_whole: bool,
    first_purchase: Option<Date>,
    recurs: bool,
    has_refund: bool,
    term_months: Option<u16>,
    /// Whether the end of its term was told.
    is_over: bool,
}

/// What I-6 and I-7 answer, and what they were told from.
pub(super) struct DeferralReport {
    pub(super) term: Verdict,
    pub(super) deferral: Verdict,
    pub(super) benefits: Vec<BenefitDeferral>,
}

impl Carried {
    fn deferred(&self) -> Result<Decimal, MoneyError> {
        self.paid.value().checked_sub(self.amortized.value())
    }

    fn take(&mut self, sums: &OrderSums) -> Result<(), MoneyError> {
        self.paid.merge(sums.purchases)?;
        self.paid.merge(sums.refunds)?;
        self.amortized.merge(sums.amortized)?;
        self.settlement.merge(sums.settlement)?;
        self.recurs |= sums.recurs;
        self.has_refund |= sums.has_refund;
        self.term_months = self.term_months.or(sums.term_months);
        self.first_purchase = self.first_purchase.or(sums.first_purchase);
        self.is_over = false;
        Ok(())
    }

    /// The last covered day as purchase and term tell it.
    fn last_day(&self) -> Option<Date> {
        Term::new(self.term_months?).ok()?.last_covered_day(self.first_purchase?).ok()
    }
}

impl History {
    /// Takes a period that is not asked about itself. Whether both datasets are held is in the context.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] where a sum exceeds 255 bits.
    pub fn carry(&mut self, facts: &PeriodFacts, context: &PeriodContext<'_>) -> Result<(), MoneyError> {
        self.take(facts, context).map(|_| ())
    }

    /// Takes a period and gives each benefit's line, by comparable order id.
    fn take(
        &mut self,
        facts: &PeriodFacts,
        context: &PeriodContext<'_>,
    ) -> Result<BTreeMap<String, BenefitDeferral>, MoneyError> {
        let first = self.go_on_to(facts.period, context);
        let mut lines = BTreeMap::new();
        let none = OrderSums::default();
        let unseen = facts.orders.keys().filter(|order| !self.benefits.contains_key(*order));
        let new: Vec<String> = unseen.cloned().collect();
        for order in new {
            let sums = &facts.orders[&order];
            let is_whole = context.both_held() && begins_here(&order, sums, first, facts.period, context);
            self.benefits.insert(order, Carried { name: sums.name.clone(), is_whole, ..Carried::default() });
        }
        for (order, carried) in &mut self.benefits {
            let sums = facts.orders.get(order).unwrap_or(&none);
            let before = carried.is_whole.then(|| carried.deferred()).transpose()?;
            if facts.orders.contains_key(order) {
                carried.take(sums)?;
            }
            let line = BenefitDeferral {
                order: carried.name.clone(),
                before,
                purchases: sums.purchases.value(),
                refunds: sums.refunds.value(),
                amortized: sums.amortized.value(),
                after: carried.is_whole.then(|| carried.deferred()).transpose()?,
            };
            lines.insert(order.clone(), line);
        }
        Ok(lines)
    }

    /// The first period without a gap before this one. Behind a gap nothing is known of earlier benefits.
    fn go_on_to(&mut self, period: BillingPeriod, context: &PeriodContext<'_>) -> BillingPeriod {
        let follows = self.stretch.is_some_and(|(_, last)| last.next().is_ok_and(|next| next == period));
        if !follows || !context.both_held() {
            self.benefits.values_mut().for_each(|benefit| benefit.is_whole = false);
        }
        let first = self.stretch.filter(|_| follows).map_or(period, |(first, _)| first);
        self.stretch = Some((first, period));
        first
    }

    pub(super) fn judge(
        &mut self,
        facts: &PeriodFacts,
        context: &PeriodContext<'_>,
    ) -> Result<DeferralReport, MoneyError> {
        let mut lines = self.take(facts, context)?;
        let through = context.complete_through.map_or(facts.period.last_day(), |day| day.min(facts.period.last_day()));
        let mut term = Told::default();
        let mut deferral = Told::default();
        let mut ended = 0u64;
        for (order, carried) in &mut self.benefits {
            let terms = context.terms.and_then(|terms| terms.iter().find(|terms| terms.order_id == *order));
            if !carried.is_whole || terms.is_some_and(|terms| terms.moved) {
                if facts.orders.contains_key(order) {
                    deferral.untold += 1;
                }
                continue;
            }
            deferral.check(expected_difference(carried, terms, through)?)?;
            let is_quiet = facts.orders.get(order).is_none_or(|sums| sums.amortized_rows == 0);
            if !carried.is_over && is_over(carried, terms, through, is_quiet) {
                carried.is_over = true;
                ended += 1;
                let deferred = carried.deferred()?;
                term.check((!deferred.is_zero()).then(|| Difference {
                    day: None,
                    subject: format!("order {}", carried.name),
                    by: Some(deferred),
                    detail: format!(
                        "paid {} in all, amortized {}",
                        carried.paid.value().to_shortest_string(),
                        carried.amortized.value().to_shortest_string()
                    ),
                }))?;
            }
        }
        lines.retain(|_, line| {
            let moves = [line.purchases, line.refunds, line.amortized].iter().any(|amount| !amount.is_zero());
            moves || line.before != line.after || line.after.is_none_or(|after| !after.is_zero())
        });
        let untold_term = (ended == 0).then(|| "no term of a benefit whose purchase is held ends here".to_owned());
        Ok(DeferralReport {
            term: context.needs_both().unwrap_or_else(|| term.verdict(untold_term)),
            deferral: context.needs_both().unwrap_or_else(|| deferral.verdict(None)),
            benefits: lines.into_values().collect(),
        })
    }
}

/// Differences, and benefits about which nothing can be told.
#[derive(Default)]
struct Told {
    differences: Differences,
    untold: u64,
}

impl Told {
    fn check(&mut self, difference: Option<Difference>) -> Result<(), MoneyError> {
        difference.map_or(Ok(()), |difference| self.differences.push(difference))
    }

    fn verdict(self, reason: Option<String>) -> Verdict {
        if !self.differences.is_empty() {
            return self.differences.verdict();
        }
        let unknown = (self.untold > 0).then(|| {
            format!("{} of the benefits began before what is held, or are not charged here as a whole", self.untold)
        });
        unknown.or(reason).map_or(Verdict::Holds, Verdict::Untold)
    }
}

/// Whether everything of a new benefit has been seen: its orders say so, or its only purchase is here, or its first
/// installment is, as nothing of it was seen in the period before.
fn begins_here(
    order: &str,
    sums: &OrderSums,
    first: BillingPeriod,
    period: BillingPeriod,
    context: &PeriodContext<'_>,
) -> bool {
    let terms = context.terms.and_then(|terms| terms.iter().find(|terms| terms.order_id == order));
    if let Some(begins) = terms.and_then(BenefitTerms::first_day) {
        return begins >= first.first_day();
    }
    sums.has_purchase && (!sums.recurs || first < period)
}

/// Whether nothing more of a benefit is to come.
fn is_over(carried: &Carried, terms: Option<&BenefitTerms>, through: Date, is_quiet: bool) -> bool {
    match terms {
        Some(terms) => {
            let ended = terms.last_day().is_none_or(|last| last <= through);
            // What is left of the price is settled on the day of return, when that is over.
            ended && terms.returned.is_none_or(|day| day <= through)
        }
        // How much of it was given back is not known: it ends when no day of it is charged any more.
        None if carried.has_refund => is_quiet,
        None => carried.last_day().is_some_and(|last| last <= through),
    }
}

/// I-7: what was amortized is what the terms say; without terms, no more can be amortized than was paid at once.
fn expected_difference(
    carried: &Carried,
    terms: Option<&BenefitTerms>,
    through: Date,
) -> Result<Option<Difference>, MoneyError> {
    let deferred = carried.deferred()?;
    let difference = |by: Decimal, detail: String| Difference {
        day: None,
        subject: format!("order {}", carried.name),
        by: Some(by),
        detail,
    };
    let Some(terms) = terms else {
        let overdrawn = !carried.recurs && deferred.is_negative();
        let words = || format!("{} is deferred of what was paid at once", deferred.to_shortest_string());
        return Ok(overdrawn.then(|| difference(deferred, words())));
    };
    let expected = terms.through(through)?.checked_add(carried.settlement.value())?;
    let expected = carried.paid.value().checked_sub(expected)?;
    let off = deferred.checked_sub(expected)?;
    let words =
        || format!("{} is deferred; its terms give {}", deferred.to_shortest_string(), expected.to_shortest_string());
    Ok((!off.is_zero()).then(|| difference(off, words())))
}
