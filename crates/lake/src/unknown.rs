//! Columns that need not be read because no row has anything there, which the footer of a file tells.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{FieldRef, Schema};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

/// Columns that are unknown in every row of some row groups.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unknown(Vec<FieldRef>);

impl Unknown {
    /// Those of the given columns that are unknown in all of the given row groups.
    pub(crate) fn of(metadata: &ArrowReaderMetadata, groups: &[usize], columns: &[String]) -> Self {
        let Some((first, others)) = groups.split_first() else { return Self::default() };
        let group = |index: &usize| metadata.metadata().row_group(*index);
        let in_first = (0..group(first).num_columns()).filter(|column| is_unknown(group(first), *column));
        let everywhere = in_first.filter(|column| others.iter().all(|other| is_unknown(group(other), *column)));
        let names = everywhere.map(|column| group(first).column(column).column_path().string());
        let asked = names.filter(|name| columns.contains(name));
        Self(asked.filter_map(|name| metadata.schema().field_with_name(&name).ok().cloned().map(Arc::new)).collect())
    }

    /// Those of the given columns that must be read.
    pub(crate) fn others<'c>(&self, columns: &'c [String]) -> impl Iterator<Item = &'c str> {
        columns.iter().map(String::as_str).filter(|column| !self.0.iter().any(|field| field.name() == column))
    }

    /// Adds the columns to rows that were read without them.
    pub(crate) fn add_to(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.0.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let mut fields = batch.schema().fields().to_vec();
        let mut columns = batch.columns().to_vec();
        fields.extend(self.0.iter().cloned());
        columns.extend(self.0.iter().map(|field| new_null_array(field.data_type(), rows)));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
    }
}

/// Whether a column is flat and has nothing but nulls in a row group.
fn is_unknown(group: &RowGroupMetaData, column: usize) -> bool {
    let chunk = group.column(column);
    let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
    chunk.column_path().parts().len() == 1 && nulls == u64::try_from(group.num_rows()).ok()
}
