//! One record of an orders document: its `type` says which members it has.

mod benefit;
mod other;

use calendar::Date;
use ledger::billing::Order;
use money::Currency;

use super::error::Fault;
use super::members::{Members, required};
use super::values;

const TYPES: &str = "expected reservation, savingsPlan, return, exchange, tradeIn, transferOut, transferIn, prepayment, credit, purchase or refund";

/// Reads a record of an orders document from its JSON text: one order, or a return and the purchases that replace it.
/// Amounts have at most as many fraction digits as `currency`, or as any currency has.
///
/// # Errors
/// The [`Fault`] of the member that is not as it should be.
pub fn read_order(text: &str, currency: Option<Currency>) -> Result<Vec<Order>, Fault> {
    let mut record = Record { members: Members::parse(text)?, currency };
    let kind = required("type", record.members.text("type", |kind| Ok(kind.to_owned()))?)?;
    let orders = match kind.as_str() {
        "reservation" => vec![Order::Reservation(record.dated(benefit::reservation)?)],
        "savingsPlan" => vec![Order::SavingsPlan(record.dated(benefit::savings_plan)?)],
        "return" => vec![Order::Return(benefit::plain_return(&mut record)?)],
        "exchange" => benefit::exchange(&mut record)?,
        "tradeIn" => benefit::trade_in(&mut record)?,
        "transferOut" => vec![Order::Transfer(other::transfer(&mut record, true)?)],
        "transferIn" => vec![Order::Transfer(other::transfer(&mut record, false)?)],
        "prepayment" => vec![Order::Prepayment(other::prepayment(&mut record)?)],
        "credit" => vec![Order::Credit(other::credit(&mut record)?)],
        "purchase" => vec![Order::Purchase(other::purchase(&mut record)?)],
        "refund" => vec![Order::Refund(other::refund(&mut record)?)],
        unknown => return Err(Fault::of("type", unknown, TYPES)),
    };
    record.members.finish()?;
    Ok(orders)
}

/// The members of a record, and the currency of its amounts.
struct Record<'a> {
    members: Members<'a>,
    currency: Option<Currency>,
}

impl Record<'_> {
    /// Reads what needs the day of the record.
    fn dated<T>(&mut self, read: fn(&mut Self, Date) -> Result<T, Fault>) -> Result<T, Fault> {
        let date = self.date()?;
        read(self, date)
    }

    fn date(&mut self) -> Result<Date, Fault> {
        required("date", self.members.text("date", values::date)?)
    }

    fn id(&mut self, name: &'static str) -> Result<String, Fault> {
        required(name, self.members.text(name, |text| values::id(text).map(str::to_owned))?)
    }

    fn name(&mut self, name: &'static str) -> Result<Option<String>, Fault> {
        self.members.text(name, |text| values::text(text, values::NAME_BYTES_MAX).map(str::to_owned))
    }

    fn amount(&mut self, name: &'static str) -> Result<Option<money::Decimal>, Fault> {
        let currency = self.currency;
        self.members.number(name, |text| values::amount(text, currency))
    }

    fn amount_not_negative(&mut self, name: &'static str) -> Result<Option<money::Decimal>, Fault> {
        let currency = self.currency;
        self.members.number(name, |text| values::not_negative(values::amount(text, currency)?))
    }

    fn amount_positive(&mut self, name: &'static str) -> Result<money::Decimal, Fault> {
        let currency = self.currency;
        let amount = self.members.number(name, |text| values::positive(values::amount(text, currency)?))?;
        required(name, amount)
    }
}
