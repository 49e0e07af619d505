//! The order of the lake over plain batches of staged rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::SortOptions;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use formats::{BILLING_PERIOD_COLUMN, SOURCE_INDEX_COLUMN, SOURCE_ROW_COLUMN, staging_schema};
use ledger::Field;

use crate::error::LakeError;

/// The order of the lake, after the billing period: every scope is one stretch. The most significant field comes first; ids
/// compare without case (`true`). The source's own order breaks ties, so the order is total and repeatable.
pub(crate) const SORTED_BY: [(Field, bool); 8] = [
    (Field::InvoiceSectionId, true),
    (Field::InvoiceSectionName, false),
    (Field::AccountId, true),
    (Field::AccountName, false),
    (Field::SubscriptionId, true),
    (Field::ResourceId, true),
    (Field::MeterId, true),
    (Field::Date, false),
];

/// The columns of staged rows by which they are sorted.
fn sort_columns() -> impl Iterator<Item = (&'static str, bool)> {
    let fields = SORTED_BY.into_iter().map(|(field, caseless)| (field.column(), caseless));
    let ties = [SOURCE_INDEX_COLUMN, SOURCE_ROW_COLUMN].map(|column| (column, false));
    std::iter::once((BILLING_PERIOD_COLUMN, false)).chain(fields).chain(ties)
}

/// Makes comparable keys of staged rows.
pub(crate) struct SortKeys {
    converter: RowConverter,
}

impl SortKeys {
    pub(crate) fn new() -> Result<Self, LakeError> {
        let schema = staging_schema();
        let fields = sort_columns()
            .map(|(column, _)| {
                let field = schema.field_with_name(column).expect("sort columns are columns of the schema");
                SortField::new_with_options(field.data_type().clone(), SortOptions::new(false, true))
            })
            .collect();
        let converter = RowConverter::new(fields).map_err(LakeError::arrow("prepare sorting"))?;
        Ok(Self { converter })
    }

    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Rows, LakeError> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (name, caseless) in sort_columns() {
            let column = batch.column_by_name(name).expect("staged batches have the staging schema");
            columns.push(if caseless { lower_case(column) } else { column.clone() });
        }
        self.converter.convert_columns(&columns).map_err(LakeError::arrow("compare rows"))
    }
}

fn lower_case(column: &ArrayRef) -> ArrayRef {
    debug_assert_eq!(column.data_type(), &DataType::Utf8);
    let lowered: StringArray = column.as_string::<i32>().iter().map(|text| text.map(str::to_ascii_lowercase)).collect();
    Arc::new(lowered)
}
