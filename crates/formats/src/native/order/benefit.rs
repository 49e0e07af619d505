//! Records about reservations and savings plans: purchases, returns, exchanges and trade-ins.

use std::collections::BTreeSet;

use calendar::{Date, Term};
use ledger::SubscriptionId;
use ledger::billing::{
    BenefitBilling, BenefitScope, Order, Reservation, ReservedMeter, Return, ReturnReason, SavingsPlan,
};
use money::Decimal;

use super::Record;
use crate::native::error::Fault;
use crate::native::members::{Members, items, required, string};
use crate::native::values;

/// Most meters of a reservation.
const METERS_MAX: usize = 1_000;
/// Most subscriptions of a management group.
const GROUP_MAX: usize = 10_000;
/// Most purchases of an exchange.
const PURCHASES_MAX: usize = 100;

pub(super) fn reservation(record: &mut Record<'_>, date: Date) -> Result<Reservation, Fault> {
    let meters = items("meters", record.members.array("meters")?, meter)?;
    if meters.is_empty() || meters.len() > METERS_MAX {
        return Err(Fault::plain("meters", format!("expected 1 to {METERS_MAX} meters")));
    }
    let mut known = BTreeSet::new();
    if let Some(twice) = meters.iter().find(|meter| !known.insert(ledger::comparable(&meter.meter_id))) {
        return Err(Fault::of("meters", &twice.meter_id, "the meter is there twice; expected it once"));
    }
    Ok(Reservation {
        order_id: record.id("orderId")?,
        order_name: record.name("orderName")?,
        reservation_id: record.id("reservationId")?,
        name: record.name("name")?,
        date,
        term: term(record, date)?,
        units: required("units", record.members.number("units", values::units)?)?,
        price: record.amount_not_negative("price")?,
        billing: billing(record)?,
        subscription: subscription(record)?,
        scope: scope(record)?,
        meters,
        part_number: record.name("partNumber")?,
        product_name: record.name("productName")?,
        location: record.name("location")?,
        credit_eligible: record.members.switch("creditEligible")?.unwrap_or(true),
    })
}

pub(super) fn savings_plan(record: &mut Record<'_>, date: Date) -> Result<SavingsPlan, Fault> {
    Ok(SavingsPlan {
        order_id: record.id("orderId")?,
        order_name: record.name("orderName")?,
        plan_id: record.id("planId")?,
        name: record.name("name")?,
        date,
        term: term(record, date)?,
        commitment: required("commitment", record.members.number("commitment", values::commitment)?)?,
        price: record.amount_not_negative("price")?,
        billing: billing(record)?,
        subscription: subscription(record)?,
        scope: scope(record)?,
        part_number: record.name("partNumber")?,
        product_name: record.name("productName")?,
        credit_eligible: record.members.switch("creditEligible")?.unwrap_or(true),
    })
}

pub(super) fn plain_return(record: &mut Record<'_>) -> Result<Return, Fault> {
    returned(record, ReturnReason::Return)
}

/// A return and the reservations that are bought for it.
pub(super) fn exchange(record: &mut Record<'_>) -> Result<Vec<Order>, Fault> {
    let mut returned = returned(record, ReturnReason::Exchange)?;
    let (date, currency) = (returned.date, record.currency);
    let purchases = items("purchases", record.members.array("purchases")?, |members| {
        let mut purchase = Record { members, currency };
        let bought = reservation(&mut purchase, date)?;
        purchase.members.finish()?;
        Ok(bought)
    })?;
    if purchases.is_empty() || purchases.len() > PURCHASES_MAX {
        return Err(Fault::plain("purchases", format!("expected 1 to {PURCHASES_MAX} reservations")));
    }
    returned.replaced_by = purchases.iter().map(|purchase| purchase.order_id.clone()).collect();
    let mut orders = vec![Order::Return(returned)];
    orders.extend(purchases.into_iter().map(Order::Reservation));
    Ok(orders)
}

/// A return and the savings plan that is bought for it.
pub(super) fn trade_in(record: &mut Record<'_>) -> Result<Vec<Order>, Fault> {
    let mut returned = returned(record, ReturnReason::TradeIn)?;
    let (date, currency) = (returned.date, record.currency);
    let purchase = record.members.object("purchase", |members| {
        let mut purchase = Record { members, currency };
        let bought = savings_plan(&mut purchase, date)?;
        purchase.members.finish()?;
        Ok(bought)
    })?;
    let purchase = required("purchase", purchase)?;
    returned.replaced_by = vec![purchase.order_id.clone()];
    Ok(vec![Order::Return(returned), Order::SavingsPlan(purchase)])
}

fn returned(record: &mut Record<'_>, reason: ReturnReason) -> Result<Return, Fault> {
    Ok(Return {
        id: record.id("id")?,
        order_id: record.id("orderId")?,
        date: record.date()?,
        units: record.members.number("units", values::units)?,
        refund: record.amount_not_negative("refund")?,
        reason,
        replaced_by: Vec::new(),
    })
}

/// The term; its last day must be one that the calendar has.
fn term(record: &mut Record<'_>, date: Date) -> Result<Term, Fault> {
    let read = |text: &str| {
        let term = values::term_months(text)?;
        term.last_covered_day(date).map_err(|error| format!("the term ends too late: {error}"))?;
        Ok(term)
    };
    required("termMonths", record.members.number("termMonths", read)?)
}

fn billing(record: &mut Record<'_>) -> Result<BenefitBilling, Fault> {
    let read = |text: &str| match text {
        "Upfront" => Ok(BenefitBilling::Upfront),
        "Monthly" => Ok(BenefitBilling::Monthly),
        _ => Err("expected Upfront or Monthly".to_owned()),
    };
    Ok(record.members.text("billing", read)?.unwrap_or(BenefitBilling::Upfront))
}

pub(super) fn subscription(record: &mut Record<'_>) -> Result<SubscriptionId, Fault> {
    required("subscriptionId", record.members.text("subscriptionId", values::subscription)?)
}

fn meter(mut members: Members<'_>) -> Result<ReservedMeter, Fault> {
    let meter_id = required("meterId", members.text("meterId", |text| values::id(text).map(str::to_owned))?)?;
    let ratio = |text: &str| values::positive(values::decimal(text, values::QUANTITY_LIMITS)?);
    let ratio = members.number("ratio", ratio)?.unwrap_or(Decimal::from(1));
    members.finish()?;
    Ok(ReservedMeter { meter_id, ratio })
}

fn scope(record: &mut Record<'_>) -> Result<BenefitScope, Fault> {
    Ok(record.members.object("scope", stated_scope)?.unwrap_or(BenefitScope::Shared))
}

fn stated_scope(mut members: Members<'_>) -> Result<BenefitScope, Fault> {
    let kind = required("type", members.text("type", |kind| Ok(kind.to_owned()))?)?;
    let scope = match kind.as_str() {
        "Shared" => BenefitScope::Shared,
        "Subscription" => BenefitScope::Subscription(scope_subscription(&mut members)?),
        "ResourceGroup" => {
            let subscription = scope_subscription(&mut members)?;
            let group = |text: &str| values::id(text).map(str::to_owned);
            let resource_group = required("resourceGroup", members.text("resourceGroup", group)?)?;
            BenefitScope::ResourceGroup { subscription, resource_group }
        }
        "ManagementGroup" => {
            let id = required("id", members.text("id", |text| values::id(text).map(str::to_owned))?)?;
            BenefitScope::ManagementGroup { id, subscriptions: group_subscriptions(&mut members)? }
        }
        unknown => {
            let expected = "expected Shared, Subscription, ResourceGroup or ManagementGroup";
            return Err(Fault::of("type", unknown, expected));
        }
    };
    members.finish()?;
    Ok(scope)
}

fn scope_subscription(members: &mut Members<'_>) -> Result<SubscriptionId, Fault> {
    required("subscriptionId", members.text("subscriptionId", values::subscription)?)
}

fn group_subscriptions(members: &mut Members<'_>) -> Result<Vec<SubscriptionId>, Fault> {
    let stated = required("subscriptionIds", members.array("subscriptionIds")?)?;
    if stated.is_empty() || stated.len() > GROUP_MAX {
        return Err(Fault::plain("subscriptionIds", format!("expected 1 to {GROUP_MAX} subscriptions")));
    }
    let mut subscriptions = Vec::with_capacity(stated.len());
    for (index, json) in stated.into_iter().enumerate() {
        let read = string(json).and_then(|text| values::subscription(&text));
        let field = format!("subscriptionIds[{index}]");
        subscriptions.push(read.map_err(|expected| Fault::of(&field, json.trim_matches('"'), expected))?);
    }
    Ok(subscriptions)
}
