//! The orders document: a list of records that are read one by one, now and again later from the text that is kept.

use ledger::EnrollmentId;
use ledger::billing::Order;
use money::Currency;

use super::document::Document;
use super::enrollment;
use super::error::{Fault, NativeError};
use super::members::required;
use super::order::read_order;
use super::values;

/// Most records of a document.
const ORDERS_MAX: usize = 100_000;

/// A record of an orders document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedOrder {
    /// What identifies it among the enrollment's records: the order id of purchases, the id of other transactions.
    pub id: String,
    /// What it means: one order, or a return and the purchases that replace it.
    pub orders: Vec<Order>,
    /// Its own JSON text, for [`read_order`].
    pub text: String,
}

/// An orders document, read and checked record by record. Whether the orders can be true together is not judged here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedOrders {
    /// Whose orders they are.
    pub enrollment: EnrollmentId,
    /// The currency of their amounts, where document or caller say it.
    pub currency: Option<Currency>,
    /// The records, in the order of the document.
    pub orders: Vec<StatedOrder>,
}

/// Reads an orders document. `currency` is the enrollment's, where it is known: the document's must be the same, and
/// amounts have no more fraction digits than it has.
///
/// # Errors
/// [`NativeError`] for text that is no such document and for the first record that is not as it should be.
pub fn read_orders(file: &str, text: &str, currency: Option<Currency>) -> Result<StatedOrders, NativeError> {
    let document = Document::new(file, text)?;
    let mut members = document.open("orders")?;
    let mut front = || -> Result<_, Fault> {
        let enrollment = required("enrollment", members.text("enrollment", enrollment::number)?)?;
        let same = |text: &str| match (values::currency(text)?, currency) {
            (stated, Some(own)) if stated != own => Err(format!("the enrollment's currency is {own}; expected {own}")),
            (stated, _) => Ok(stated),
        };
        let currency = members.text("currency", same)?.or(currency);
        let orders = required("orders", members.array("orders")?)?;
        Ok((enrollment, currency, orders))
    };
    let (enrollment, currency, records) = front().map_err(|fault| document.fault(fault))?;
    members.finish().map_err(|fault| document.fault(fault))?;
    document.check_count("orders", records.len(), ORDERS_MAX)?;
    let mut orders = Vec::with_capacity(records.len());
    for (index, json) in records.into_iter().enumerate() {
        let read = read_order(json, currency).map_err(|fault| document.record_fault(index as u64 + 1, json, fault))?;
        let id = read.first().map(|order| order.id().to_owned()).unwrap_or_default();
        orders.push(StatedOrder { id, orders: read, text: json.to_owned() });
    }
    Ok(StatedOrders { enrollment, currency, orders })
}
