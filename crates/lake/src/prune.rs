//! Which row groups of a file are worth looking at for a filter, told by dictionaries.
//!
//! A filter that wants a text in a column asks for no row of a row group in whose dictionary no text passes. A dictionary is
//! a thousandth of its column, and rows of one resource group, say, stand in one or two row groups. Nothing is
//! left out on suspicion: a column that is not wholly of dictionary codes, or a dictionary that is not as expected,
//! keeps its row group.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::reader::FileReader;
use crate::rows::Required;

/// Larger dictionaries are not looked at: the lake writes none.
const DICTIONARY_BYTES_MAX: u64 = 4 << 20;

/// Tells of row groups whether they can have a row that passes every one of the tests.
pub(crate) async fn may_match(
    reader: &mut FileReader,
    metadata: &ParquetMetaData,
    groups: &[usize],
    required: &[Required<'_>],
) -> Result<Vec<bool>> {
    let mut kept = vec![true; groups.len()];
    for required in required {
        let dictionaries: Vec<(usize, Dictionary<'_>)> = groups
            .iter()
            .enumerate()
            .filter(|(index, _)| kept[*index])
            .filter_map(|(index, group)| Some((index, Dictionary::of(metadata.row_group(*group), required.column())?)))
            .collect();
        let ranges = dictionaries.iter().map(|(_, dictionary)| dictionary.range.clone()).collect();
        let parts = reader.get_byte_ranges(ranges).await?;
        for ((index, dictionary), bytes) in dictionaries.iter().zip(parts) {
            kept[*index] = dictionary.may_hold(bytes, |text| required.accepts(text))?;
        }
    }
    Ok(kept)
}

/// A dictionary that holds every text of a column of a row group.
struct Dictionary<'m> {
    column: &'m ColumnChunkMetaData,
    rows: usize,
    /// Where it stands in the file, header included.
    range: Range<u64>,
}

impl<'m> Dictionary<'m> {
    /// `None` where the column may have texts elsewhere.
    fn of(group: &'m RowGroupMetaData, name: &str) -> Option<Self> {
        let column = group.columns().iter().find(|column| column.column_path().parts() == [name])?;
        if !is_wholly_coded(column) {
            return None;
        }
        let start = u64::try_from(column.dictionary_page_offset()?).ok()?;
        let end = u64::try_from(column.data_page_offset()).ok()?;
        let fits = start == column.byte_range().0 && end > start && end - start <= DICTIONARY_BYTES_MAX;
        let rows = usize::try_from(group.num_rows()).ok()?;
        fits.then_some(Self { column, rows, range: start..end })
    }

    /// Whether a text passes, or what stands there is not understood.
    fn may_hold(&self, bytes: Bytes, accepts: impl Fn(&str) -> bool) -> Result<bool> {
        let data = PageLocation { offset: self.column.data_page_offset(), compressed_page_size: 0, first_row_index: 0 };
        let part = Arc::new(FilePart { start: self.range.start, bytes });
        let mut pages = SerializedPageReader::new(part, self.column, self.rows, Some(vec![data]))?;
        let Some(Page::DictionaryPage { buf, num_values, encoding, .. }) = pages.get_next_page()? else {
            return Ok(true);
        };
        let is_plain = matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY);
        Ok(!is_plain || any_text(buf, num_values, accepts).unwrap_or(true))
    }
}

/// Whether all data pages of a column are of codes.
fn is_wholly_coded(column: &ColumnChunkMetaData) -> bool {
    if let Some(mask) = column.page_encoding_stats_mask() {
        return mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY);
    }
    let is_data = |page: parquet::basic::PageType| page != parquet::basic::PageType::DICTIONARY_PAGE;
    let is_coded = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    column
        .page_encoding_stats()
        .is_some_and(|stats| stats.iter().filter(|page| is_data(page.page_type)).all(|page| is_coded(page.encoding)))
}

/// Whether any of the texts of a plain dictionary passes; `None` if it does not read as `count` texts.
fn any_text(mut bytes: Bytes, count: u32, accepts: impl Fn(&str) -> bool) -> Option<bool> {
    for _ in 0..count {
        let length = usize::try_from(bytes.try_get_u32_le().ok()?).ok()?;
        if bytes.len() < length {
            return None;
        }
        let text = bytes.split_to(length);
        if accepts(std::str::from_utf8(&text).ok()?) {
            return Some(true);
        }
    }
    Some(false)
}

/// A part of a file that was read, at its place in the file.
struct FilePart {
    start: u64,
    bytes: Bytes,
}

impl FilePart {
    fn from(&self, start: u64) -> Result<Bytes> {
        let outside = || ParquetError::EOF(format!("byte {start} was not read"));
        let skipped = start.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        let skipped = skipped.filter(|skipped| *skipped <= self.bytes.len()).ok_or_else(outside)?;
        Ok(self.bytes.slice(skipped..))
    }
}

impl Length for FilePart {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for FilePart {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let rest = self.from(start)?;
        if rest.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes from byte {start} were not read")));
        }
        Ok(rest.slice(..length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(texts: &[&str]) -> Bytes {
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.into()
    }

    #[test]
    fn texts_of_a_dictionary_are_tested_until_one_passes() {
        let bytes = dictionary(&["a", "", "rg é"]);
        assert_eq!(any_text(bytes.clone(), 3, |text| text == "rg é"), Some(true));
        assert_eq!(any_text(bytes.clone(), 3, |text| text == "rg"), Some(false));
        assert_eq!(any_text(Bytes::new(), 0, |_| true), Some(false));
    }

    #[test]
    fn what_is_not_a_dictionary_tells_nothing() {
        let bytes = dictionary(&["a", "b"]);
        assert_eq!(any_text(bytes.slice(..bytes.len() - 1), 2, |_| false), None);
        assert_eq!(any_text(bytes.clone(), 3, |_| false), None);
        assert_eq!(any_text(Bytes::from_static(b"\xff\xff\xff\xff"), 1, |_| false), None);
        assert_eq!(any_text(Bytes::from_static(b"\x01\x00\x00\x00\xff"), 1, |_| false), None);
    }
}
