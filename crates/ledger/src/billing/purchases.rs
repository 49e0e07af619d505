//! Charges of orders: purchases and installments, refunds, settlements, and what comes again (SEMANTICS 3.1, 3.2, 3.6).

use std::collections::HashMap;

use calendar::{BillingPeriod, Date};
use money::{Decimal, MoneyError, half_even_quotient};

use super::benefit::{ALLOCATION_DIGITS, Source};
use super::charge::{Charge, Kind, LineFacts, OwnPrice};
use super::engine::{Item, Run};
use super::order::{Order, OtherPurchase, OtherRefund, Recurrence};
use super::ownership::{NOBODY, NOWHERE};
use super::unit::trimmed;
use crate::SubscriptionId;
use crate::ids::segment_after;
use crate::selection::comparable;

/// The unit of purchases whose meter the price sheet does not know.
const HOUR: &str = "1 Hour";
const MONTHS_PER_YEAR: i32 = 12;

impl Run<'_> {
    fn place_of(&self, subscription: SubscriptionId, day: Date) -> u32 {
        self.ownership.place(subscription, day).unwrap_or(NOWHERE)
    }

    /// Purchases, refunds and settlements of benefits.
    pub(super) fn benefit_charges(&mut self) -> Result<(), MoneyError> {
        let clock = self.clock;
        for (number, benefit) in self.benefits.iter().enumerate() {
            let source = benefit.source;
            let order_line = LineFacts { resource_id: source.facts().path(true), ..self.benefit_line(number) };
            let units = Decimal::from(source.units());
            let mut line = None;
            for installment in benefit.charged.iter().filter(|one| clock.is_now(one.date, BillingPeriod::of(one.date)))
            {
                let line = *line.get_or_insert_with(|| self.enter(order_line.clone(), Item::Order(source.order_id())));
                let place = self.place_of(source.subscription(), installment.date);
                let effective = per_unit(installment.amount, units)?;
                let row = (installment.date, line, place);
                self.benefit_row(Kind::BenefitPurchase, number, row, effective, (units, installment.amount));
            }
            for returned in &benefit.returns {
                let place = self.place_of(source.subscription(), returned.date);
                if clock.is_now(returned.date, returned.period) && !returned.refund.is_zero() {
                    // Refunds of closed periods go to the balance: no invoice line has them (SEMANTICS 4.2).
                    let line = match returned.is_of_closed {
                        true => self.enter_beside(order_line.clone()),
                        false => {
                            *line.get_or_insert_with(|| self.enter(order_line.clone(), Item::Order(source.order_id())))
                        }
                    };
                    let units = Decimal::from(returned.units);
                    let effective = per_unit(returned.refund, units)?;
                    let amounts = (units.checked_neg()?, returned.refund.checked_neg()?);
                    self.benefit_row(Kind::BenefitRefund, number, (returned.date, line, place), effective, amounts);
                }
                let own_period = BillingPeriod::of(returned.date) == clock.period;
                if own_period && clock.is_complete(returned.date) && !returned.settlement.is_zero() {
                    let line = self.enter_unused(number);
                    let zero = Decimal::ZERO;
                    let row = (returned.date, line, NOBODY);
                    self.benefit_row(Kind::Settlement, number, row, zero, (zero, trimmed(returned.settlement)));
                }
            }
        }
        Ok(())
    }

    /// What all charges of a benefit as a whole say.
    pub(super) fn benefit_line(&self, benefit: usize) -> LineFacts {
        let source = self.benefits[benefit].source;
        let meter = source.first_meter().unwrap_or_default();
        let priced = self.sheet.any_consumption(meter);
        let of_sheet = |text: fn(&super::PriceLine) -> &Option<String>| {
            priced.and_then(|line| text(line).clone()).unwrap_or_default()
        };
        let own = |text: &Option<String>| text.clone();
        let (part_number, product_name, location, credit_eligible) = match source {
            Source::Reservation(order) => {
                (own(&order.part_number), own(&order.product_name), own(&order.location), order.credit_eligible)
            }
            Source::SavingsPlan(order) => {
                (own(&order.part_number), own(&order.product_name), None, order.credit_eligible)
            }
        };
        LineFacts {
            subscription_id: source.subscription().to_string(),
            location: location.unwrap_or_default(),
            consumed_service: if source.is_reservation() { "Microsoft.Capacity" } else { "Microsoft.BillingBenefits" }
                .to_owned(),
            meter_id: meter.to_owned(),
            meter_name: of_sheet(|line| &line.meter_name),
            meter_category: of_sheet(|line| &line.meter_category),
            meter_sub_category: of_sheet(|line| &line.meter_sub_category),
            meter_region: of_sheet(|line| &line.meter_region),
            unit: priced.map_or(HOUR, |line| line.unit.as_str()).to_owned(),
            product_name: product_name.unwrap_or_else(|| of_sheet(|line| &line.product_name)),
            part_number: part_number.unwrap_or_default(),
            service_family: of_sheet(|line| &line.service_family),
            credit_eligible,
            ..LineFacts::default()
        }
    }

    /// Purchases that are no benefit, and their refunds.
    pub(super) fn other_charges(&mut self, orders: &[Order]) -> Result<(), MoneyError> {
        let clock = self.clock;
        let mut bought: HashMap<String, (&OtherPurchase, Option<u32>)> = HashMap::new();
        let mut refunds: Vec<&OtherRefund> = Vec::new();
        for order in orders {
            match order {
                Order::Purchase(order) => drop(bought.insert(comparable(&order.order_id), (order, None))),
                Order::Refund(order) => refunds.push(order),
                _ => {}
            }
        }
        let mut ids: Vec<String> = bought.keys().cloned().collect();
        ids.sort_unstable();
        for id in &ids {
            let Some((order, entered)) = bought.get_mut(id) else { continue };
            let Some(day) = occurrence(order, clock.period).filter(|day| *day <= clock.today) else {
                continue;
            };
            let line = *entered.get_or_insert_with(|| self.enter(purchase_line(order), Item::Order(&order.order_id)));
            let recurs = order.recurrence != Recurrence::Once;
            self.other_row(Kind::Purchase, order, (day, line), recurs, (order.quantity, order.amount))?;
        }
        refunds.sort_by_cached_key(|order| (order.date, comparable(&order.id)));
        for refund in refunds {
            let Some((order, entered)) = bought.get_mut(&comparable(&refund.order_id)) else { continue };
            if !clock.is_now(refund.date, BillingPeriod::of(refund.date)) {
                continue;
            }
            let line = *entered.get_or_insert_with(|| self.enter(purchase_line(order), Item::Order(&order.order_id)));
            let amounts = (refund.quantity.checked_neg()?, refund.amount.checked_neg()?);
            self.other_row(Kind::Refund, order, (refund.date, line), false, amounts)?;
        }
        Ok(())
    }

    fn other_row(
        &mut self,
        kind: Kind,
        order: &OtherPurchase,
        (day, line): (Date, u32),
        recurs: bool,
        (quantity, cost): (Decimal, Decimal),
    ) -> Result<(), MoneyError> {
        let effective = per_unit(cost, quantity)?;
        let own = self.own(OwnPrice { effective, amortized: cost, ratio: Decimal::ZERO, recurs });
        let place = self.place_of(order.subscription, day);
        self.rows.push(Charge { kind, day, line, place, benefit: None, own, quantity, cost });
        Ok(())
    }
}

/// `he(Cost / Quantity, 12)`, which is not negative.
fn per_unit(cost: Decimal, quantity: Decimal) -> Result<Decimal, MoneyError> {
    half_even_quotient(cost, quantity, ALLOCATION_DIGITS).map(trimmed)
}

/// The day on which a purchase is charged in a period: its own, or the same day of a later month, or the last day of a
/// shorter one.
fn occurrence(order: &OtherPurchase, period: BillingPeriod) -> Option<Date> {
    let months = |period: BillingPeriod| i32::from(period.year()) * MONTHS_PER_YEAR + i32::from(period.month());
    let later = months(period) - months(BillingPeriod::of(order.date));
    let comes = match order.recurrence {
        Recurrence::Once => later == 0,
        Recurrence::Monthly => later >= 0,
        Recurrence::Yearly => later >= 0 && later % MONTHS_PER_YEAR == 0,
    };
    let day = period.day_or_last(order.date.day());
    (comes && order.until.is_none_or(|until| day <= until)).then_some(day)
}

/// How often a purchase was charged up to a day, that day included.
pub(super) fn charged_times(order: &OtherPurchase, until: Date) -> u32 {
    let mut times = 0;
    let mut period = BillingPeriod::of(order.date);
    while period <= BillingPeriod::of(until) {
        times += u32::from(occurrence(order, period).is_some_and(|day| day <= until));
        match period.next() {
            Ok(next) if order.recurrence != Recurrence::Once => period = next,
            _ => break,
        }
    }
    times
}

fn purchase_line(order: &OtherPurchase) -> LineFacts {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let resource_id = text(&order.resource_id);
    LineFacts {
        subscription_id: order.subscription.to_string(),
        resource_name: resource_id.rsplit('/').next().unwrap_or_default().to_owned(),
        resource_group: segment_after(&resource_id, "resourceGroups").to_owned(),
        consumed_service: segment_after(&resource_id, "providers").to_owned(),
        resource_id,
        meter_id: text(&order.meter_id),
        product_name: text(&order.product_name),
        part_number: text(&order.part_number),
        plan_name: text(&order.plan_name),
        publisher_name: text(&order.publisher.name),
        is_marketplace: order.publisher.is_marketplace,
        credit_eligible: order.credit_eligible,
        order_id: order.order_id.clone(),
        order_name: text(&order.order_name),
        ..LineFacts::default()
    }
}
