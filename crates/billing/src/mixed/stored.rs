//! Looking at stored usage for benefits: texts once per dictionary, rows only where a meter is of interest.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, Date32Array, Decimal128Array, DictionaryArray, Int8Array, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type};
use calendar::{BillingPeriod, Date};
use formats::native::{UsageFact, UsageStoreError};
use futures::TryStreamExt;
use lake::UsageSnapshot;
use ledger::{SubscriptionId, comparable};

use super::reach::{Meters, Reach, group_of};
use super::{Seen, UsageKind};
use crate::error::BillingError;
use crate::known::Known;

/// The columns of a batch of stored usage that decide about coverage.
pub(crate) struct StoredRows<'a> {
    subscription: &'a DictionaryArray<Int32Type>,
    meter: &'a DictionaryArray<Int32Type>,
    resource: &'a DictionaryArray<Int32Type>,
    group: &'a DictionaryArray<Int32Type>,
    pricing: &'a DictionaryArray<Int32Type>,
    date: &'a Date32Array,
    late: &'a Date32Array,
    hour: &'a Int8Array,
    quantity: &'a Decimal128Array,
}

impl<'a> StoredRows<'a> {
    pub(crate) fn of(batch: &'a RecordBatch) -> Result<Self, BillingError> {
        Ok(Self {
            subscription: texts(batch, UsageFact::SubscriptionId)?,
            meter: texts(batch, UsageFact::MeterId)?,
            resource: texts(batch, UsageFact::ResourceId)?,
            group: texts(batch, UsageFact::ResourceGroup)?,
            pricing: texts(batch, UsageFact::PricingModel)?,
            date: primitive(batch, "date", |array| array.as_primitive_opt::<Date32Type>())?,
            late: primitive(batch, "late_date", |array| array.as_primitive_opt::<Date32Type>())?,
            hour: primitive(batch, "hour", |array| array.as_primitive_opt::<Int8Type>())?,
            quantity: primitive(batch, "quantity", |array| array.as_primitive_opt::<Decimal128Type>())?,
        })
    }

    /// Remembers which kinds of positive usage each benefit could cover on each day.
    pub(crate) fn see(&self, reach: &Reach, meters: &Meters, seen: &mut Seen) -> Result<(), BillingError> {
        self.each(reach, meters, |row, benefit, day, kind| {
            if self.quantity.value(row) > 0 {
                seen.entry((benefit, day, kind)).or_insert_with(|| value(self.meter, row).to_owned());
            }
        })
    }

    /// Calls for every row and benefit that could cover it.
    fn each(
        &self,
        reach: &Reach,
        meters: &Meters,
        mut found: impl FnMut(usize, u32, Date, UsageKind),
    ) -> Result<(), BillingError> {
        let none: Vec<u32> = Vec::new();
        let of_meter = |text: &str| meters.get(&comparable(text)).unwrap_or(&none);
        let candidates: Vec<&Vec<u32>> = strings(self.meter).into_iter().map(of_meter).collect();
        if candidates.iter().all(|benefits| benefits.is_empty()) {
            return Ok(());
        }
        let subscriptions: Vec<Option<SubscriptionId>> =
            strings(self.subscription).into_iter().map(|text| SubscriptionId::parse(text).ok()).collect();
        for row in 0..self.date.len() {
            let Some(benefits) = self.meter.key(row).map(|key| candidates[key]) else { continue };
            let is_spot = self.pricing.key(row).is_some() && value(self.pricing, row) == "Spot";
            if benefits.is_empty() || is_spot || self.late.is_valid(row) {
                continue;
            }
            let Some(subscription) = self.subscription.key(row).and_then(|key| subscriptions[key]) else { continue };
            let wrong = |_| UsageStoreError::Value { column: "date", row };
            let day = Date::from_days(self.date.value(row)).map_err(wrong)?;
            let kind = if self.hour.is_valid(row) { UsageKind::Hourly } else { UsageKind::Daily };
            let stated = self.group.key(row).map(|_| value(self.group, row));
            let group = group_of(stated, value(self.resource, row));
            for benefit in benefits.iter().filter(|benefit| reach.covers(**benefit, subscription, group, day)) {
                found(row, *benefit, day, kind);
            }
        }
        Ok(())
    }
}

/// A meter of a kind of usage that a benefit could cover on a day, with a sum above 0 after all corrections.
pub(crate) async fn usage_of(
    snapshot: &UsageSnapshot,
    known: &Known,
    reach: &Reach,
    meters: &Meters,
    (benefit, day, kind): (u32, Date, UsageKind),
) -> Result<Option<String>, BillingError> {
    // By everything that makes a line of its own, and the hour.
    let mut sums: HashMap<(Vec<String>, i8), (i128, String)> = HashMap::new();
    let mut batches = snapshot.read(&known.number, BillingPeriod::of(day));
    while let Some(batch) = batches.try_next().await? {
        let rows = StoredRows::of(&batch)?;
        let facts = UsageFact::ALL.iter().map(|fact| texts(&batch, *fact)).collect::<Result<Vec<_>, _>>()?;
        rows.each(reach, meters, |row, own, own_day, own_kind| {
            if (own, own_day, own_kind) == (benefit, day, kind) {
                let line = facts.iter().map(|column| value(column, row).to_owned()).collect();
                let hour = if rows.hour.is_valid(row) { rows.hour.value(row) } else { -1 };
                let sum = sums.entry((line, hour)).or_insert_with(|| (0, value(rows.meter, row).to_owned()));
                sum.0 = sum.0.saturating_add(rows.quantity.value(row));
            }
        })?;
    }
    Ok(sums.into_values().filter(|(sum, _)| *sum > 0).map(|(_, meter)| meter).min())
}

fn texts(batch: &RecordBatch, fact: UsageFact) -> Result<&DictionaryArray<Int32Type>, BillingError> {
    let column = batch.column_by_name(fact.column()).and_then(|array| array.as_dictionary_opt::<Int32Type>());
    let missing = || UsageStoreError::Column { column: fact.column(), expected: "dictionary of text".to_owned() };
    Ok(column.ok_or_else(missing)?)
}

fn primitive<'a, T>(
    batch: &'a RecordBatch,
    name: &'static str,
    cast: impl Fn(&'a dyn Array) -> Option<&'a T>,
) -> Result<&'a T, BillingError> {
    let column = batch.column_by_name(name).and_then(|array| cast(array.as_ref()));
    Ok(column.ok_or_else(|| UsageStoreError::Column { column: name, expected: "its stored type".to_owned() })?)
}

/// The texts of a dictionary, by key.
fn strings(texts: &DictionaryArray<Int32Type>) -> Vec<&str> {
    let values = texts.values().as_string_opt::<i32>();
    values.map(|values| (0..values.len()).map(|index| values.value(index)).collect()).unwrap_or_default()
}

/// The text of a row; blank where there is none.
fn value(texts: &DictionaryArray<Int32Type>, row: usize) -> &str {
    let values = texts.values().as_string_opt::<i32>();
    match (texts.key(row), values) {
        (Some(key), Some(values)) => values.value(key),
        _ => "",
    }
}
