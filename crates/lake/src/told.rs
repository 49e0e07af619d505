//! Columns that need not be read because the footer of a file tells what stands in every row: nothing, or one and the same
//! value. In a row group of sorted charges that are half of the columns, and each has a price: a reader, a pass over codes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, DictionaryArray, Int8Array, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, UInt32Array, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, FieldRef, Int32Type, Schema};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

/// Columns of which the footer tells every row of some row groups.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told(Vec<Column>);

#[derive(Debug, Clone)]
struct Column {
    field: FieldRef,
    /// What stands in every row, as an array of one; `None`: it is unknown.
    value: Option<ArrayRef>,
}

/// What the footer tells of a column of a row group.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value<'m> {
    Unknown,
    /// The bytes of the value that stands in every row.
    Same(&'m [u8]),
}

impl Told {
    /// Those of the given columns of which the footer tells the same of all of the given row groups.
    pub(crate) fn of(metadata: &ArrowReaderMetadata, groups: &[usize], columns: &[impl AsRef<str>]) -> Self {
        let group = |index: &usize| metadata.metadata().row_group(*index);
        let Some((first, others)) = groups.split_first() else { return Self::default() };
        let column = |index: usize| {
            let value = value_of(group(first), index)?;
            let [name] = group(first).column(index).column_path().parts() else { return None };
            if !columns.iter().any(|column| column.as_ref() == name)
                || !others.iter().all(|other| value_of(group(other), index) == Some(value))
            {
                return None;
            }
            let field = metadata.schema().field_with_name(name).ok()?;
            let value = match value {
                Value::Unknown => None,
                Value::Same(_) => Some(one(field.data_type(), group(first).column(index).statistics()?)?),
            };
            Some(Column { field: Arc::new(field.clone()), value })
        };
        Self((0..group(first).num_columns()).filter_map(column).collect())
    }

    /// Those of the given columns that must be read.
    pub(crate) fn others<'c>(&self, columns: &'c [impl AsRef<str>]) -> impl Iterator<Item = &'c str> {
        columns.iter().map(AsRef::as_ref).filter(|name| !self.0.iter().any(|column| column.field.name() == name))
    }

    /// Adds the columns to rows that were read without them.
    pub(crate) fn add_to(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        if self.0.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let mut fields = batch.schema().fields().to_vec();
        let mut columns = batch.columns().to_vec();
        let mut keys = None;
        for Column { field, value } in &self.0 {
            let column = match value {
                None => new_null_array(field.data_type(), rows),
                Some(one) => match one.as_any().downcast_ref::<DictionaryArray<Int32Type>>() {
                    Some(one) => {
                        let keys = keys.get_or_insert_with(|| Int32Array::from(vec![0; rows])).clone();
                        Arc::new(DictionaryArray::<Int32Type>::try_new(keys, one.values().clone())?)
                    }
                    None => take(one, &UInt32Array::from(vec![0; rows]), None)?,
                },
            };
            fields.push(field.clone());
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
    }

    /// So many rows that have these columns alone.
    pub(crate) fn rows(&self, count: usize) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        self.add_to(RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?)
    }
}

/// What stands in every row of a row group; `None` where the footer does not tell.
fn value_of(group: &RowGroupMetaData, column: usize) -> Option<Value<'_>> {
    let statistics = group.column(column).statistics()?;
    let nulls = statistics.null_count_opt()?;
    if nulls == u64::try_from(group.num_rows()).ok()? {
        return Some(Value::Unknown);
    }
    let exact = statistics.min_is_exact() && statistics.max_is_exact();
    let (least, greatest) = (statistics.min_bytes_opt()?, statistics.max_bytes_opt()?);
    (nulls == 0 && exact && least == greatest).then_some(Value::Same(least))
}

/// The least value as an array of one; `None` for types that are read.
fn one(data_type: &DataType, statistics: &Statistics) -> Option<ArrayRef> {
    Some(match (data_type, statistics) {
        (DataType::Utf8, Statistics::ByteArray(own)) => {
            Arc::new(StringArray::from(vec![own.min_opt()?.as_utf8().ok()?]))
        }
        (DataType::Dictionary(key, value), Statistics::ByteArray(own))
            if (key.as_ref(), value.as_ref()) == (&DataType::Int32, &DataType::Utf8) =>
        {
            let values = Arc::new(StringArray::from(vec![own.min_opt()?.as_utf8().ok()?]));
            Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(vec![0]), values).ok()?)
        }
        (DataType::Date32, Statistics::Int32(own)) => Arc::new(Date32Array::from(vec![*own.min_opt()?])),
        (DataType::Int8, Statistics::Int32(own)) => {
            Arc::new(Int8Array::from(vec![i8::try_from(*own.min_opt()?).ok()?]))
        }
        (DataType::Int64, Statistics::Int64(own)) => Arc::new(Int64Array::from(vec![*own.min_opt()?])),
        (DataType::Boolean, Statistics::Boolean(own)) => Arc::new(BooleanArray::from(vec![*own.min_opt()?])),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
    use parquet::file::properties::WriterProperties;

    fn texts(cells: [Option<&str>; 4]) -> ArrayRef {
        Arc::new(cells.into_iter().collect::<DictionaryArray<Int32Type>>())
    }

    /// Columns of two row groups of two rows, and the groups in which the footer tells every row.
    fn table() -> Vec<(&'static str, ArrayRef, &'static [usize])> {
        let long = "x".repeat(5000);
        vec![
            ("same", texts([Some("a"); 4]), &[0, 1]),
            ("empty", texts([Some(""); 4]), &[0, 1]),
            ("varying", texts([Some("a"), Some("b"), Some("b"), Some("a")]), &[]),
            ("other", texts([Some("a"), Some("a"), Some("é"), Some("é")]), &[0, 1]),
            ("unknown", texts([None; 4]), &[0, 1]),
            ("partly", texts([Some("a"), None, None, None]), &[1]),
            ("cut", texts([Some(&long); 4]), &[]),
            ("plain", Arc::new(StringArray::from(vec!["a", "a", "b", "c"])), &[0]),
            ("day", Arc::new(Date32Array::from(vec![7, 7, 7, 8])), &[0]),
            ("scale", Arc::new(Int8Array::from(vec![-3; 4])), &[0, 1]),
            ("row", Arc::new(Int64Array::from(vec![1, 2, i64::MAX, i64::MAX])), &[1]),
            ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(true), None, None])), &[0, 1]),
        ]
    }

    #[test]
    fn what_the_footer_tells_is_what_would_be_read() {
        let table = table();
        let batch = RecordBatch::try_from_iter_with_nullable(
            table.iter().map(|(name, column, _)| (*name, column.clone(), true)),
        );
        let batch = batch.unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());
        let options = ArrowReaderOptions::new().with_schema(batch.schema());
        let metadata = ArrowReaderMetadata::load(&file, options).unwrap();
        assert_eq!(metadata.metadata().num_row_groups(), 2);
        let names: Vec<&str> = table.iter().map(|(name, _, _)| *name).collect();
        for groups in [vec![0], vec![1], vec![0, 1]] {
            let told = Told::of(&metadata, &groups, &names);
            for (name, _, told_in) in &table {
                let is_read = told.others(&names).any(|other| other == *name);
                let may_be_told = groups.iter().all(|group| told_in.contains(group));
                // Told of both, but not the same.
                let differs = *name == "other" || *name == "flag";
                assert_eq!(is_read, !may_be_told || (groups.len() == 2 && differs), "{name} in {groups:?}");
            }
            let mask = parquet::arrow::ProjectionMask::columns(metadata.parquet_schema(), told.others(&names));
            let read = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata.clone())
                .with_row_groups(groups.clone())
                .with_projection(mask)
                .build()
                .unwrap();
            let read = told.add_to(read.map(Result::unwrap).next().unwrap()).unwrap();
            let expected = batch.slice(2 * groups[0], 2 * groups.len());
            for name in &names {
                assert_eq!(read.column_by_name(name), expected.column_by_name(name), "{name} in {groups:?}");
            }
        }
    }

    #[test]
    fn rows_without_a_read_have_what_is_told() {
        let column = Column { field: Arc::new(arrow::datatypes::Field::new("n", DataType::Int8, true)), value: None };
        let rows = Told(vec![column]).rows(3).unwrap();
        assert_eq!((rows.num_rows(), rows.column(0).null_count()), (3, 3));
        assert_eq!(Told::default().rows(5).unwrap().num_rows(), 5);
    }
}
