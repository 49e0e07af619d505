//! Records about transfers, the prepayment, credits and purchases that are no benefits.

use ledger::billing::{
    Credit, OtherPurchase, OtherRefund, Prepayment, Publisher, Recurrence, Transfer, TransferDirection,
};
use money::Decimal;

use super::{Record, benefit};
use crate::native::error::Fault;
use crate::native::members::{Members, required};
use crate::native::values;

pub(super) fn transfer(record: &mut Record<'_>, out: bool) -> Result<Transfer, Fault> {
    let direction = if out { TransferDirection::Out } else { TransferDirection::In };
    Ok(Transfer { id: record.id("id")?, order_id: record.id("orderId")?, date: record.date()?, direction })
}

pub(super) fn prepayment(record: &mut Record<'_>) -> Result<Prepayment, Fault> {
    let date = record.date()?;
    let coverage_start = record.members.text("coverageStart", values::date)?;
    let first = coverage_start.unwrap_or(date);
    let expires = record.members.text("expires", |text| after(text, first))?;
    Ok(Prepayment {
        id: record.id("id")?,
        name: record.name("name")?.unwrap_or_else(|| "Prepayment".to_owned()),
        date,
        coverage_start,
        amount: record.amount_positive("amount")?,
        expires,
    })
}

pub(super) fn credit(record: &mut Record<'_>) -> Result<Credit, Fault> {
    let date = record.date()?;
    let amount = required("amount", record.amount("amount")?)?;
    if amount.is_zero() {
        return Err(Fault::of("amount", &amount.to_string(), "expected a credit above 0 or a debit below 0"));
    }
    let expires = record.members.text("expires", |text| after(text, date))?;
    if expires.is_some() && amount.is_negative() {
        return Err(Fault::plain("expires", "a debit does not expire; expected no such member"));
    }
    Ok(Credit { id: record.id("id")?, name: required("name", record.name("name")?)?, date, amount, expires })
}

pub(super) fn purchase(record: &mut Record<'_>) -> Result<OtherPurchase, Fault> {
    let date = record.date()?;
    let publisher = required("publisher", record.members.object("publisher", publisher)?)?;
    let credit_eligible = record.members.switch("creditEligible")?.unwrap_or(!publisher.is_marketplace);
    let recurrence = record.members.text("recurrence", recurrence)?.unwrap_or(Recurrence::Once);
    let until = record.members.text("until", |text| after(text, date))?;
    if until.is_some() && recurrence == Recurrence::Once {
        return Err(Fault::plain("until", "the purchase does not come again; expected recurrence Monthly or Yearly"));
    }
    let resource = |text: &str| values::text(text, values::RESOURCE_ID_BYTES_MAX).map(str::to_owned);
    let meter = |text: &str| values::id(text).map(str::to_owned);
    Ok(OtherPurchase {
        order_id: record.id("orderId")?,
        order_name: record.name("orderName")?,
        date,
        quantity: quantity(record)?,
        amount: required("amount", record.amount_not_negative("amount")?)?,
        recurrence,
        until,
        subscription: benefit::subscription(record)?,
        resource_id: record.members.text("resourceId", resource)?,
        publisher,
        meter_id: record.members.text("meterId", meter)?,
        part_number: record.name("partNumber")?,
        product_name: record.name("productName")?,
        plan_name: record.name("planName")?,
        credit_eligible,
    })
}

pub(super) fn refund(record: &mut Record<'_>) -> Result<OtherRefund, Fault> {
    Ok(OtherRefund {
        id: record.id("id")?,
        order_id: record.id("orderId")?,
        date: record.date()?,
        quantity: quantity(record)?,
        amount: record.amount_positive("amount")?,
    })
}

fn quantity(record: &mut Record<'_>) -> Result<Decimal, Fault> {
    let read = |text: &str| values::positive(values::decimal(text, values::QUANTITY_LIMITS)?);
    Ok(record.members.number("quantity", read)?.unwrap_or(Decimal::from(1)))
}

fn publisher(mut members: Members<'_>) -> Result<Publisher, Fault> {
    let is_marketplace = required("type", members.text("type", values::publisher_type)?)?;
    let name = members.text("name", |text| values::text(text, values::NAME_BYTES_MAX).map(str::to_owned))?;
    members.finish()?;
    Ok(Publisher { is_marketplace, name })
}

fn recurrence(text: &str) -> Result<Recurrence, String> {
    match text {
        "Once" => Ok(Recurrence::Once),
        "Monthly" => Ok(Recurrence::Monthly),
        "Yearly" => Ok(Recurrence::Yearly),
        _ => Err("expected Once, Monthly or Yearly".to_owned()),
    }
}

/// A day that is not before another one.
fn after(text: &str, first: calendar::Date) -> Result<calendar::Date, String> {
    let date = values::date(text)?;
    if date < first { Err(format!("expected {first} or a later day")) } else { Ok(date) }
}
