//! Columns of long texts that hardly repeat: they stand in the file without a dictionary, and making one of them while
//! reading takes longer than to write each text where it is wanted.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::Result;
use parquet::file::metadata::RowGroupMetaData;

/// Shorter texts, and those that are unknown in most rows, are cheaper with a dictionary: neighbours that are equal are then
/// seen by their codes.
const BYTES_PER_ROW_MIN: i64 = 16;

/// What a footer says, for reading columns as plain text that are such in most row groups.
pub(crate) fn with_plain_texts(metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata> {
    let groups = metadata.metadata().row_groups();
    let is_plain = |field: &Field| {
        let long = groups.iter().filter(|group| has_long_texts(group, field.name())).count();
        matches!(field.data_type(), DataType::Dictionary(..)) && 2 * long > groups.len()
    };
    let mut found = false;
    let fields = metadata.schema().fields().iter().map(|field| {
        if !is_plain(field) {
            return field.clone();
        }
        found = true;
        Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8))
    });
    let fields: Vec<_> = fields.collect();
    if !found {
        return Ok(metadata.clone());
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)
}

fn has_long_texts(group: &RowGroupMetaData, name: &str) -> bool {
    let chunk = group.columns().iter().find(|chunk| chunk.column_path().parts() == [name]);
    chunk.is_some_and(|chunk| {
        chunk.dictionary_page_offset().is_none()
            && chunk.uncompressed_size() / group.num_rows().max(1) >= BYTES_PER_ROW_MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
    use arrow::compute::cast;
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::properties::WriterProperties;

    #[test]
    fn long_texts_that_hardly_repeat_come_plain_and_the_same() {
        let column =
            |text: fn(usize) -> Option<String>| -> ArrayRef { Arc::new((0..40).map(text).collect::<StringArray>()) };
        let columns = [
            ("long", column(|row| (row % 10 > 0).then(|| format!("{row:0>30}")))),
            ("short", column(|row| Some(row.to_string()))),
            // Long in one row group of four.
            ("rarely", column(|row| (row < 10).then(|| format!("{row:0>90}")))),
        ];
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
        let properties =
            WriterProperties::builder().set_max_row_group_row_count(Some(10)).set_dictionary_enabled(false).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());

        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let names = ["long", "short", "rarely"];
        let schema = Arc::new(Schema::new(names.map(|name| Field::new(name, coded.clone(), true)).to_vec()));
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new().with_schema(schema)).unwrap();
        let own = with_plain_texts(&metadata).unwrap();
        let types: Vec<_> = own.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        assert_eq!(types, [DataType::Utf8, coded.clone(), coded]);
        let rows = ParquetRecordBatchReaderBuilder::new_with_metadata(file, own).with_batch_size(40).build().unwrap();
        let rows = rows.map(Result::unwrap).next().unwrap();
        for (own, expected) in rows.columns().iter().zip(batch.columns()) {
            let own = cast(own, &DataType::Utf8).unwrap();
            assert_eq!(own.as_string::<i32>(), expected.as_string::<i32>());
        }
    }
}
