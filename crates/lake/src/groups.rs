//! Charges added up by their tags, and by their day where that is asked for.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type};
use calendar::{BillingPeriod, Date};
use formats::{scale_column, tags_compact, text_column};
use ledger::{ChargeQuery, Field};
use money::{Decimal, Limits, Total};

use crate::error::LakeError;
use crate::table::Snapshot;

/// Most groups of an answer; they are held in memory.
pub const GROUPS_MAX: usize = 100_000;

/// What the rows of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// Billing period of the rows.
    pub period: BillingPeriod,
    /// Day of the rows, where the question asks for days.
    pub day: Option<Date>,
    /// Tags of the rows as compact JSON: tags that say the same are the same, however a source spells them.
    pub tags: String,
    /// ISO code of the currency; empty for rows without.
    pub currency: String,
}

/// Exact sums of a group.
#[derive(Debug, Clone, Default)]
pub struct GroupSums {
    /// Sum of the quantities, whatever their units.
    pub quantity: Total,
    /// Sum of the costs, in the currency of the key.
    pub cost: Total,
}

impl Snapshot {
    /// Adds up the rows of a question by tags and, with `by_day`, by day. `None`: there are more than [`GROUPS_MAX`]
    /// groups.
    pub async fn groups(
        &self,
        query: &ChargeQuery,
        by_day: bool,
    ) -> Result<Option<BTreeMap<GroupKey, GroupSums>>, LakeError> {
        let mut columns =
            [Field::Tags, Field::Date, Field::BillingCurrencyCode].map(Field::column).map(str::to_owned).to_vec();
        for field in [Field::Quantity, Field::Cost] {
            columns.extend([field.column().to_owned(), scale_column(field), text_column(field)]);
        }
        let mut groups = BTreeMap::new();
        let mut scan = self.scan(query, &columns);
        while let Some((batch, period)) = scan.next_batch_of_period().await? {
            let unusable = || LakeError::ForeignFile {
                path: "a batch".into(),
                reason: "the columns to add up are missing or of another type".into(),
            };
            let tags = batch.column_by_name(Field::Tags.column()).ok_or_else(unusable)?;
            let currencies = batch.column_by_name(Field::BillingCurrencyCode.column()).ok_or_else(unusable)?;
            let days =
                batch.column_by_name(Field::Date.column()).and_then(|days| days.as_primitive_opt::<Date32Type>());
            let days = days.ok_or_else(unusable)?;
            for row in 0..batch.num_rows() {
                let day = (by_day && !days.is_null(row)).then(|| Date::from_days(days.value(row)).ok()).flatten();
                let key = GroupKey {
                    period,
                    day,
                    tags: tags_compact(text(tags, row).unwrap_or_default()),
                    currency: text(currencies, row).unwrap_or_default().to_owned(),
                };
                let sums: &mut GroupSums = groups.entry(key).or_default();
                add(&batch, Field::Quantity, row, &mut sums.quantity)?;
                add(&batch, Field::Cost, row, &mut sums.cost)?;
            }
            if groups.len() > GROUPS_MAX {
                return Ok(None);
            }
        }
        Ok(Some(groups))
    }
}

fn text(array: &ArrayRef, row: usize) -> Option<&str> {
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let index = dictionary.key(row)?;
    dictionary.values().as_string_opt::<i32>().map(|values| values.value(index))
}

/// Adds the decimal cell of a row, if it has one.
fn add(batch: &RecordBatch, field: Field, row: usize, total: &mut Total) -> Result<(), LakeError> {
    let foreign = |reason: String| LakeError::ForeignFile { path: "a batch".into(), reason };
    let column = |name: &str| batch.column_by_name(name).ok_or_else(|| foreign(format!("it has no column {name}")));
    let values = column(field.column())?.as_primitive_opt::<Decimal128Type>();
    let scales = column(&scale_column(field))?.as_primitive_opt::<Int8Type>();
    let (Some(values), Some(scales)) = (values, scales) else {
        return Err(foreign(format!("its column {} is of another type", field.column())));
    };
    let value = match text(column(&text_column(field))?, row) {
        Some(text) => Decimal::parse(text.as_bytes(), Limits::COST).ok().map(|parsed| parsed.value),
        None if values.is_null(row) => return Ok(()),
        None => {
            let stored_scale = values.scale().unsigned_abs();
            Decimal::from_rescaled_i128(values.value(row), stored_scale, scales.value(row).unsigned_abs())
        }
    };
    let value = value.ok_or_else(|| foreign(format!("the {} of row {row} cannot be read", field.column())))?;
    total.add(value).map_err(|source| LakeError::Sum { what: "a group".into(), source })
}
