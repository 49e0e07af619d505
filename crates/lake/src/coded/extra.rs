//! The map of unknown columns: keys and values with their levels.

use parquet::column::writer::{ColumnWriter, ColumnWriterImpl, get_column_writer, get_typed_column_writer};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::chunk::Chunk;

/// Levels of a row's map without entries, of a key, and of a value.
const EMPTY: i16 = 1;
const KEY: i16 = 2;
const VALUE: i16 = 3;

/// The further cells of some rows.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    keys: Vec<ByteArray>,
    values: Vec<ByteArray>,
    repetition: Vec<i16>,
    key_levels: Vec<i16>,
    value_levels: Vec<i16>,
}

impl Extras {
    /// Appends a row with these cells.
    pub(crate) fn push<'c>(&mut self, cells: impl Iterator<Item = (&'c str, &'c [u8])>) {
        let before = self.keys.len();
        for (name, cell) in cells {
            self.repetition.push(i16::from(self.keys.len() > before));
            self.key_levels.push(KEY);
            self.value_levels.push(VALUE);
            self.keys.push(name.into());
            self.values.push(cell.to_vec().into());
        }
        if self.keys.len() == before {
            self.repetition.push(0);
            self.key_levels.push(EMPTY);
            self.value_levels.push(EMPTY);
        }
    }

    /// The chunks of keys and of values.
    pub(crate) fn encode(
        &self,
        key: &ColumnDescPtr,
        value: &ColumnDescPtr,
        properties: &WriterPropertiesPtr,
    ) -> Result<[Chunk; 2], ParquetError> {
        let keys = self.chunk(&self.keys, &self.key_levels, key, properties)?;
        let values = self.chunk(&self.values, &self.value_levels, value, properties)?;
        Ok([keys, values])
    }

    fn chunk(
        &self,
        texts: &[ByteArray],
        levels: &[i16],
        descr: &ColumnDescPtr,
        properties: &WriterPropertiesPtr,
    ) -> Result<Chunk, ParquetError> {
        let mut out = TrackedWrite::new(Vec::new());
        let pages = Box::new(SerializedPageWriter::new(&mut out));
        let writer: ColumnWriter<'_> = get_column_writer(descr.clone(), properties.clone(), pages);
        let mut writer: ColumnWriterImpl<'_, ByteArrayType> = get_typed_column_writer(writer);
        writer.write_batch(texts, Some(levels), Some(&self.repetition))?;
        let close = writer.close()?;
        Ok(Chunk { bytes: out.into_inner()?.into(), staged_at: None, close })
    }
}
