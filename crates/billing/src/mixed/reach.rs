//! Which usage benefits could cover, and on which days.

use std::collections::{BTreeMap, HashMap};

use calendar::{Date, Term};
use ledger::billing::{BenefitScope, Order, PriceSheet, PriceType, TransferDirection, UsageLine, UsagePricing};
use ledger::{SubscriptionId, comparable};

/// A benefit as far as its coverage goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Benefit {
    order_id: String,
    /// First day.
    from: Date,
    /// First day after it.
    until: Option<Date>,
    scope: BenefitScope,
    covers: Covers,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Covers {
    /// Comparable meter ids.
    Meters(Vec<String>),
    /// Meters with a savings plan price of this term.
    Plan(Term),
}

/// All benefits of an enrollment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    benefits: Vec<Benefit>,
}

/// Benefits by comparable meter id, under the prices of one period.
pub(crate) type Meters = HashMap<String, Vec<u32>>;

impl Reach {
    /// The benefits of these orders, without the days after they were given back or left the enrollment.
    pub(crate) fn of(orders: &[Order]) -> Self {
        let mut benefits: BTreeMap<String, (Benefit, Option<u32>)> = BTreeMap::new();
        for order in orders {
            let (order_id, date, term, scope, covers, units) = match order {
                Order::Reservation(own) => {
                    let meters = own.meters.iter().map(|meter| comparable(&meter.meter_id)).collect();
                    (&own.order_id, own.date, own.term, &own.scope, Covers::Meters(meters), Some(own.units))
                }
                Order::SavingsPlan(own) => {
                    (&own.order_id, own.date, own.term, &own.scope, Covers::Plan(own.term), None)
                }
                _ => continue,
            };
            let until = term.last_covered_day(date).and_then(Date::next).ok();
            let benefit = Benefit { order_id: order_id.clone(), from: date, until, scope: scope.clone(), covers };
            benefits.insert(comparable(order_id), (benefit, units));
        }
        for order in orders {
            match order {
                Order::Return(own) => {
                    let Some((benefit, units)) = benefits.get_mut(&comparable(&own.order_id)) else { continue };
                    let left = own.units.and_then(|back| units.map(|units| units.saturating_sub(back))).unwrap_or(0);
                    *units = units.map(|_| left);
                    if left == 0 {
                        benefit.until = Some(benefit.until.map_or(own.date, |until| until.min(own.date)));
                    }
                }
                Order::Transfer(own) => {
                    let Some((benefit, _)) = benefits.get_mut(&comparable(&own.order_id)) else { continue };
                    match own.direction {
                        TransferDirection::In => benefit.from = benefit.from.max(own.date),
                        TransferDirection::Out => {
                            benefit.until = Some(benefit.until.map_or(own.date, |until| until.min(own.date)));
                        }
                    }
                }
                _ => {}
            }
        }
        Self { benefits: benefits.into_values().map(|(benefit, _)| benefit).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.benefits.is_empty()
    }

    pub(crate) fn has_plans(&self) -> bool {
        self.benefits.iter().any(|benefit| matches!(benefit.covers, Covers::Plan(_)))
    }

    pub(crate) fn order_id(&self, benefit: u32) -> &str {
        self.benefits.get(benefit as usize).map_or("", |benefit| &benefit.order_id)
    }

    /// Which benefits could cover each meter.
    pub(crate) fn meters(&self, sheet: Option<&PriceSheet>) -> Meters {
        let mut meters = Meters::new();
        for (index, benefit) in (0u32..).zip(&self.benefits) {
            let mut add = |meter: String| {
                let own = meters.entry(meter).or_default();
                if own.last() != Some(&index) {
                    own.push(index);
                }
            };
            match &benefit.covers {
                Covers::Meters(own) => own.iter().cloned().for_each(&mut add),
                Covers::Plan(term) => {
                    let lines = sheet.map(PriceSheet::lines).unwrap_or_default();
                    let priced = lines.iter().filter(|line| line.price_type == PriceType::SavingsPlan(*term));
                    priced.map(|line| comparable(&line.meter_id)).for_each(&mut add);
                }
            }
        }
        meters
    }

    /// The benefits that could cover usage of a line on a day.
    pub(crate) fn benefits(&self, meters: &Meters, line: &UsageLine, day: Date) -> Vec<u32> {
        let Some(candidates) = meters.get(&comparable(&line.meter_id)) else { return Vec::new() };
        let Ok(subscription) = SubscriptionId::parse(&line.subscription_id) else { return Vec::new() };
        let group = group_of(line.resource_group.as_deref(), &line.resource_id);
        candidates.iter().copied().filter(|benefit| self.covers(*benefit, subscription, group, day)).collect()
    }

    /// Whether a benefit covers a subscription and resource group on a day.
    pub(crate) fn covers(&self, benefit: u32, subscription: SubscriptionId, group: &str, day: Date) -> bool {
        let Some(own) = self.benefits.get(benefit as usize) else { return false };
        if day < own.from || own.until.is_some_and(|until| day >= until) {
            return false;
        }
        match &own.scope {
            BenefitScope::ResourceGroup { subscription: only, resource_group } => {
                *only == subscription && resource_group.eq_ignore_ascii_case(group)
            }
            BenefitScope::Subscription(only) => *only == subscription,
            BenefitScope::ManagementGroup { subscriptions, .. } => subscriptions.contains(&subscription),
            BenefitScope::Shared => true,
        }
    }
}

/// Whether benefits may cover usage that is priced like this (D-42).
pub(crate) fn is_coverable(line: &UsageLine) -> bool {
    line.pricing == UsagePricing::OnDemand
}

/// The resource group of usage: as stated, else the one in the resource id.
pub(crate) fn group_of<'a>(stated: Option<&'a str>, resource_id: &'a str) -> &'a str {
    stated.unwrap_or_else(|| {
        let mut parts = resource_id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("resourceGroups"));
        parts.nth(1).unwrap_or_default()
    })
}
