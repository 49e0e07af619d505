//! Encoding one column of a row group as a Parquet column chunk: dictionary, pages, indexes.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::hybrid::{Hybrid, width_of};
use super::leaf::{Bounds, Leaf, NULL, Values};
use crate::write::PAGE_ROWS;

/// A dictionary beyond this does not pay; the values are written plainly instead.
const DICTIONARY_BYTES_MAX: usize = 1 << 20;
/// A page of plain values ends here. It is shorter than one of codes: reading a few rows takes decompressing all of it.
const PLAIN_PAGE_ROWS: usize = 1 << 10;
const PAGE_BYTES_MAX: usize = 1 << 20;
/// Longest text that is worth a statistic of a column chunk or page.
const STATISTIC_BYTES_MAX: usize = 256;
const ZSTD_LEVEL: i32 = 1;
/// A chunk whose pages have at most this many bytes is not compressed: that would save little, and readers make two zstd
/// contexts for every chunk that is, which takes longer than reading a small one. Most columns of 32 Ki sorted rows are.
const UNPACKED_BYTES_MAX: usize = 20 << 10;

/// An encoded column chunk.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Dictionary and pages; empty if they are in the working file.
    pub(crate) bytes: Bytes,
    /// Where they are in the working file.
    pub(crate) staged_at: Option<u64>,
    /// What the file must know of it; its offsets count from the begin of the bytes.
    pub(crate) close: ColumnCloseResult,
}

/// Which statistics a chunk has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounded {
    Nothing,
    Chunk,
    Pages,
}

/// Compresses pages; one for each thread.
pub(crate) struct PageCompressor(zstd::bulk::Compressor<'static>);

impl PageCompressor {
    pub(crate) fn new() -> Result<Self, ParquetError> {
        Ok(Self(zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(|error| ParquetError::External(Box::new(error)))?))
    }

    fn compress(&mut self, page: &[u8]) -> Result<Bytes, ParquetError> {
        let compressed = self.0.compress(page).map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(compressed.into())
    }

    /// A page as it stands in the file.
    fn finish(&mut self, page: Vec<u8>, packed: bool) -> Result<Bytes, ParquetError> {
        if packed { self.compress(&page) } else { Ok(page.into()) }
    }
}

/// Rows of a page: the runs in it.
struct PageRows<'l> {
    runs: Vec<(u32, u32)>,
    values: &'l Values<'l>,
}

/// What is known of the pages that were written.
struct Pages<'c> {
    out: TrackedWrite<Vec<u8>>,
    compressor: &'c mut PageCompressor,
    uncompressed: usize,
    first_page: Option<u64>,
}

/// Encodes a column. `dictionary` says whether one is wanted; whether it pays is seen here.
pub(crate) fn encode(
    leaf: &Leaf<'_>,
    descr: &ColumnDescPtr,
    dictionary: bool,
    bounded: Bounded,
    compressor: &mut PageCompressor,
) -> Result<Chunk, ParquetError> {
    let dictionary = dictionary && pays(leaf);
    let nullable = descr.max_def_level() > 0;
    let mut plain = Vec::new();
    if dictionary {
        (0..leaf.values.len() as u32).for_each(|code| leaf.values.write(code, &mut plain));
    }
    let texts: Vec<(PageRows<'_>, Vec<u8>)> = pages_of(leaf, dictionary)
        .into_iter()
        .map(|page| {
            let text = page.encode(nullable, dictionary);
            (page, text)
        })
        .collect();
    let packed = plain.len() + texts.iter().map(|(_, text)| text.len()).sum::<usize>() > UNPACKED_BYTES_MAX;
    let mut pages = Pages { out: TrackedWrite::new(Vec::new()), compressor, uncompressed: 0, first_page: None };
    let mut dictionary_offset = None;
    if dictionary {
        dictionary_offset = Some(0);
        let size = plain.len();
        let buf = pages.compressor.finish(plain, packed)?;
        let num_values = leaf.values.len() as u32;
        let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
        pages.write(page, size)?;
    }
    let mut offsets = OffsetIndexBuilder::new();
    let mut index = (bounded == Bounded::Pages).then(|| ColumnIndexBuilder::new(descr.physical_type()));
    let (mut rows, mut nulls, mut last_bounds, mut ascending) = (0u64, 0u64, None, true);
    for (page, text) in texts {
        let (page_rows, page_nulls) = page.counts();
        let size = text.len();
        let buf = pages.compressor.finish(text, packed)?;
        let encoding = if dictionary { Encoding::RLE_DICTIONARY } else { Encoding::PLAIN };
        let (def_level_encoding, rep_level_encoding) = (Encoding::RLE, Encoding::RLE);
        let num_values = page_rows as u32;
        let page_statistics = None;
        let data = Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics: page_statistics,
        };
        let (offset, written) = pages.write(data, size)?;
        pages.first_page.get_or_insert(offset);
        offsets.append_row_count(page_rows as i64);
        offsets.append_offset_and_size(offset as i64, i32::try_from(written).unwrap_or(i32::MAX));
        if let Some(builder) = &mut index {
            let bounds = leaf.values.bounds(page.runs.iter().map(|(code, _)| *code));
            ascending &= is_after(&leaf.values, last_bounds, bounds);
            last_bounds = bounds.or(last_bounds);
            append_to_index(builder, &leaf.values, bounds, page_nulls);
            builder.append_histograms(&None, &level_histogram(descr, page_nulls, page_rows - page_nulls));
        }
        rows += page_rows;
        nulls += page_nulls;
    }
    let bytes = pages.out.into_inner()?;
    let encodings = match dictionary {
        true => vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY],
        false => vec![Encoding::PLAIN, Encoding::RLE],
    };
    let compression = match packed {
        true => Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?),
        false => Compression::UNCOMPRESSED,
    };
    let mut metadata = ColumnChunkMetaData::builder(descr.clone())
        .set_encodings(encodings)
        .set_compression(compression)
        .set_num_values(rows as i64)
        .set_total_compressed_size(bytes.len() as i64)
        .set_total_uncompressed_size(pages.uncompressed as i64)
        .set_data_page_offset(pages.first_page.unwrap_or_default() as i64)
        .set_dictionary_page_offset(dictionary_offset);
    metadata = metadata.set_definition_level_histogram(level_histogram(descr, nulls, rows - nulls));
    // What stands in every row is told of every column: then it need not be read.
    let told = bounded != Bounded::Nothing || (nulls == 0 && leaf.values.len() == 1);
    let bounds = told.then(|| leaf.values.bounds(leaf.runs.iter().map(|(code, _)| *code))).flatten();
    let worth = told && (0..leaf.values.len() as u32).all(|code| leaf.values.size_of(code) <= STATISTIC_BYTES_MAX);
    // The number of unknown cells is told of every column: one that is unknown in all rows need not be read.
    metadata = metadata.set_statistics(leaf.values.statistics(bounds.filter(|_| worth), nulls));
    let column_index = match index {
        Some(mut builder) if worth => {
            builder.set_boundary_order(if ascending { BoundaryOrder::ASCENDING } else { BoundaryOrder::UNORDERED });
            Some(builder.build()?)
        }
        _ => None,
    };
    let close = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows,
        metadata: metadata.build()?,
        bloom_filter: None,
        column_index,
        offset_index: Some(offsets.build()),
    };
    Ok(Chunk { bytes: bytes.into(), staged_at: None, close })
}

/// Whether a dictionary is smaller than what it saves, and small enough for readers.
fn pays(leaf: &Leaf<'_>) -> bool {
    let values = leaf.values.len();
    let rows: usize = leaf.runs.iter().filter(|(code, _)| *code != NULL).map(|(_, count)| *count as usize).sum();
    let bytes: usize = (0..values as u32).map(|code| leaf.values.size_of(code)).sum();
    values > 0 && values < rows.max(2) && bytes <= DICTIONARY_BYTES_MAX && !matches!(leaf.values, Values::Booleans(_))
}

/// Cuts a column into pages, by rows, and by bytes where values are plain.
fn pages_of<'l>(leaf: &'l Leaf<'_>, dictionary: bool) -> Vec<PageRows<'l>> {
    let rows_max = if dictionary { PAGE_ROWS } else { PLAIN_PAGE_ROWS };
    let mut pages = Vec::new();
    let (mut runs, mut rows, mut bytes) = (Vec::new(), 0, 0);
    for (code, count) in &leaf.runs {
        let size = if dictionary || *code == NULL { 0 } else { leaf.values.size_of(*code) };
        let mut left = *count as usize;
        while left > 0 {
            let fitting = PAGE_BYTES_MAX.saturating_sub(bytes).checked_div(size).unwrap_or(left);
            let taken = left.min(rows_max - rows).min(fitting.max(usize::from(rows == 0)));
            if taken > 0 {
                runs.push((*code, taken as u32));
            }
            (left, rows, bytes) = (left - taken, rows + taken, bytes + taken * size);
            if rows == rows_max || taken == 0 {
                pages.push(PageRows { runs: std::mem::take(&mut runs), values: &leaf.values });
                (rows, bytes) = (0, 0);
            }
        }
    }
    if rows > 0 {
        pages.push(PageRows { runs, values: &leaf.values });
    }
    pages
}

impl PageRows<'_> {
    /// Rows and nulls.
    fn counts(&self) -> (u64, u64) {
        self.runs.iter().fold((0, 0), |(rows, nulls), (code, count)| {
            let count = u64::from(*count);
            (rows + count, nulls + if *code == NULL { count } else { 0 })
        })
    }

    /// The page's text before compression.
    fn encode(&self, nullable: bool, dictionary: bool) -> Vec<u8> {
        let mut page = Vec::new();
        if nullable {
            let mut levels = Hybrid::new(1);
            let mut pending = (true, 0);
            for (code, count) in &self.runs {
                let present = *code != NULL;
                if pending.0 != present {
                    levels.push(u32::from(pending.0), pending.1);
                    pending = (present, 0);
                }
                pending.1 += *count as usize;
            }
            levels.push(u32::from(pending.0), pending.1);
            let levels = levels.finish();
            page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            page.extend_from_slice(&levels);
        }
        let present = self.runs.iter().filter(|(code, _)| *code != NULL);
        if dictionary {
            let width = width_of(self.values.len());
            let mut codes = Hybrid::new(width);
            present.for_each(|(code, count)| codes.push(*code, *count as usize));
            page.push(width);
            page.extend_from_slice(&codes.finish());
        } else if let Values::Booleans(values) = self.values {
            let bits: Vec<bool> = present
                .flat_map(|(code, count)| std::iter::repeat_n(values[*code as usize], *count as usize))
                .collect();
            page.extend(bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))));
        } else {
            for (code, count) in present {
                (0..*count).for_each(|_| self.values.write(*code, &mut page));
            }
        }
        page
    }
}

impl Pages<'_> {
    /// Writes a page; gives its offset and its bytes in the chunk.
    fn write(&mut self, page: Page, uncompressed: usize) -> Result<(u64, usize), ParquetError> {
        let spec = SerializedPageWriter::new(&mut self.out).write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += spec.uncompressed_size;
        Ok((spec.offset, spec.compressed_size))
    }
}

/// How many rows of a nullable column are null and how many are not.
fn level_histogram(descr: &ColumnDescPtr, nulls: u64, present: u64) -> Option<LevelHistogram> {
    let mut levels = LevelHistogram::try_new(descr.max_def_level())?;
    levels.increment_by(0, nulls as i64);
    levels.increment_by(1, present as i64);
    Some(levels)
}

fn is_after(values: &Values<'_>, before: Bounds, next: Bounds) -> bool {
    match (before, next) {
        (Some((least, greatest)), Some((next_least, next_greatest))) => {
            !values.less(next_least, least) && !values.less(next_greatest, greatest)
        }
        _ => true,
    }
}

fn append_to_index(builder: &mut ColumnIndexBuilder, values: &Values<'_>, bounds: Bounds, nulls: u64) {
    let nulls = nulls as i64;
    match bounds {
        None => builder.append(true, Vec::new(), Vec::new(), nulls),
        Some((least, greatest)) => {
            builder.append(false, values.index_bytes(least), values.index_bytes(greatest), nulls);
        }
    }
}
