//! The pages of a Parquet file, looked at before they are read: how large each says that it is, and whether it is no larger
//! than that. The Parquet library makes room for whatever a page says, and unpacks gzip without end.

use std::io::{Error, ErrorKind, Read, Result};

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;

use super::shared::unreadable;

/// Largest page, unpacked. Most writers make pages of 1 MiB, some one page of each row group.
const PAGE_BYTES_MAX: u64 = 128 << 20;
/// Most bytes of the pages that are open at once: the largest ones of all columns of a row group.
const OPEN_BYTES_MAX: u64 = 1 << 30;
/// Longest header of a page; it may repeat the least and the greatest value.
const HEADER_BYTES_MAX: u64 = 8 << 20;
/// Deepest nesting of a header; theirs is 3.
const DEPTH_MAX: usize = 8;

/// What is wrong with a column.
pub(super) struct BadColumn {
    pub(super) name: String,
    pub(super) reason: String,
}

/// Looks at all pages of a file.
pub(super) fn check<R: ChunkReader>(input: &R, metadata: &ParquetMetaData) -> std::result::Result<(), BadColumn> {
    for group in metadata.row_groups() {
        let mut open = 0;
        for column in group.columns() {
            let bad = |reason: String| BadColumn { name: column.column_path().string(), reason };
            open += open_bytes(input, column).map_err(bad)?;
            if open > OPEN_BYTES_MAX {
                let reason = format!(
                    "with it, the largest pages of a row group have more than {OPEN_BYTES_MAX} bytes; write smaller pages"
                );
                return Err(bad(reason));
            }
        }
    }
    Ok(())
}

/// Bytes of the largest dictionary and the largest other page of a column.
fn open_bytes<R: ChunkReader>(input: &R, column: &ColumnChunkMetaData) -> std::result::Result<u64, String> {
    let damaged = || "it is damaged: its pages lie outside of it".to_owned();
    let is_gzip = match column.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) => false,
        Compression::GZIP(_) => true,
        other => return Err(format!("it is packed with {other}; expected no packing, snappy, gzip or zstd")),
    };
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let start = u64::try_from(start).map_err(|_| damaged())?;
    let length = u64::try_from(column.compressed_size()).map_err(|_| damaged())?;
    let end = start.checked_add(length).filter(|end| *end <= input.len()).ok_or_else(damaged)?;
    let (mut at, mut dictionary, mut largest) = (start, 0, 0);
    while at < end {
        let mut reader = Counted { inner: input.get_read(at).map_err(|error| unreadable(&error))?, bytes: 0 };
        let header = PageHeader::read(&mut reader).map_err(|error| format!("a page of it is damaged ({error})"))?;
        if header.bytes > PAGE_BYTES_MAX {
            let bytes = header.bytes;
            return Err(format!(
                "a page of it has {bytes} bytes; expected at most {PAGE_BYTES_MAX}: write smaller pages"
            ));
        }
        let body = at + reader.bytes;
        at = body.checked_add(header.packed_bytes).filter(|next| *next <= end).ok_or_else(damaged)?;
        if is_gzip && header.is_packed && header.bytes > 0 {
            check_gzip(reader.inner, &header).map_err(|error| format!("a page of it is damaged ({error})"))?;
        }
        let kind = if header.is_dictionary { &mut dictionary } else { &mut largest };
        *kind = header.bytes.max(*kind);
    }
    Ok(dictionary + largest)
}

/// Unpacks a page, to see that it is no larger than it says.
fn check_gzip(input: impl Read, header: &PageHeader) -> Result<()> {
    let mut packed = input.take(header.packed_bytes);
    std::io::copy(&mut packed.by_ref().take(header.plain_bytes), &mut std::io::sink())?;
    let expected = header.bytes.saturating_sub(header.plain_bytes);
    let unpacked = std::io::copy(&mut MultiGzDecoder::new(packed).take(expected + 1), &mut std::io::sink())?;
    if unpacked > expected {
        return Err(Error::new(ErrorKind::InvalidData, "it is larger than it says"));
    }
    Ok(())
}

/// What a page says about itself.
#[derive(Default)]
struct PageHeader {
    is_dictionary: bool,
    /// Size of the page, unpacked.
    bytes: u64,
    /// Size of the page as it is stored.
    packed_bytes: u64,
    /// Bytes at its beginning that are not packed: the levels of newer pages.
    plain_bytes: u64,
    is_packed: bool,
}

/// Numbers of a header's members, and of those of a newer page's own header.
const PAGE_TYPE: i64 = 1;
const BYTES: i64 = 2;
const PACKED_BYTES: i64 = 3;
const NEWER_PAGE: i64 = 8;
const DEFINITION_BYTES: i64 = 5;
const REPETITION_BYTES: i64 = 6;
const IS_PACKED: i64 = 7;
const DICTIONARY_PAGE: i64 = 2;

impl PageHeader {
    fn read<R: Read>(reader: &mut Counted<R>) -> Result<Self> {
        let mut header = Self { is_packed: true, ..Self::default() };
        read_struct(reader, 0, &mut |place, value| {
            let size = || u64::try_from(value).map_err(|_| damage("a size is negative"));
            match place {
                [PAGE_TYPE] => header.is_dictionary = value == DICTIONARY_PAGE,
                [BYTES] => header.bytes = size()?,
                [PACKED_BYTES] => header.packed_bytes = size()?,
                [NEWER_PAGE, DEFINITION_BYTES | REPETITION_BYTES] => header.plain_bytes += size()?,
                [NEWER_PAGE, IS_PACKED] => header.is_packed = value != 0,
                _ => {}
            }
            Ok(())
        })?;
        Ok(header)
    }
}

fn damage(reason: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

/// Counts the bytes of a header, which must end some time.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Counted<R> {
    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.inner.read_exact(&mut byte)?;
        self.pass(1)?;
        Ok(byte[0])
    }

    fn skip(&mut self, count: u64) -> Result<()> {
        self.pass(count)?;
        let skipped = std::io::copy(&mut self.inner.by_ref().take(count), &mut std::io::sink())?;
        if skipped == count { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn pass(&mut self, count: u64) -> Result<()> {
        self.bytes = self.bytes.saturating_add(count);
        if self.bytes > HEADER_BYTES_MAX { Err(damage("its header has no end")) } else { Ok(()) }
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(damage("a number of its header has no end"))
    }

    /// A number with a sign, which stands in the last bit.
    fn number(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

/// Numbers and truth values by where they stand: the number of the member, within that of the struct around it.
type Take<'t> = dyn FnMut(&[i64], i64) -> Result<()> + 't;

/// Reads a struct of Thrift's compact form.
fn read_struct<R: Read>(reader: &mut Counted<R>, depth: usize, take: &mut Take<'_>) -> Result<()> {
    let mut member = 0;
    loop {
        let head = reader.byte()?;
        if head == 0 {
            return Ok(());
        }
        member = if head >> 4 == 0 { reader.number()? } else { i64::from(head >> 4) + member };
        read_value(reader, head & 0x0F, false, depth, &mut |place: &[i64], value: i64| match place {
            [] => take(&[member], value),
            [inner] => take(&[member, *inner], value),
            _ => Ok(()),
        })?;
    }
}

fn read_value<R: Read>(
    reader: &mut Counted<R>,
    kind: u8,
    in_list: bool,
    depth: usize,
    take: &mut Take<'_>,
) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(damage("its header is nested too deeply"));
    }
    match kind {
        1 | 2 if in_list => reader.skip(1),
        1 | 2 => take(&[], i64::from(kind == 1)),
        3 => reader.skip(1),
        4..=6 => {
            let number = reader.number()?;
            take(&[], number)
        }
        7 => reader.skip(8),
        8 => {
            let length = reader.varint()?;
            reader.skip(length)
        }
        9 | 10 => {
            let head = reader.byte()?;
            let count = if head >> 4 == 15 { reader.varint()? } else { u64::from(head >> 4) };
            for _ in 0..count {
                read_value(reader, head & 0x0F, true, depth + 1, &mut |_, _| Ok(()))?;
            }
            Ok(())
        }
        12 => read_struct(reader, depth + 1, take),
        _ => Err(damage("its header has what no page has")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(PageHeader, u64)> {
        let mut reader = Counted { inner: bytes, bytes: 0 };
        PageHeader::read(&mut reader).map(|header| (header, reader.bytes))
    }

    #[test]
    fn sizes_are_read_whatever_stands_beside_them() {
        // type 0, 300 bytes, 200 packed, a checksum, and the header of a newer page: 5 rows and 3 bytes of levels, not packed.
        let bytes = [0x15, 0, 0x15, 0xD8, 4, 0x15, 0x90, 3, 0x15, 7, 0x4C, 0x15, 10, 0x45, 6, 0x15, 0, 0x12, 0, 0, 9];
        let (header, length) = read(&bytes).unwrap();
        assert_eq!((header.bytes, header.packed_bytes, header.plain_bytes, length), (300, 200, 3, 20));
        assert!(!header.is_packed && !header.is_dictionary);
        let (dictionary, _) = read(&[0x15, 4, 0x15, 2, 0x15, 2, 0x48, 1, b'x', 0x19, 0x21, 1, 2, 0]).unwrap();
        assert!(dictionary.is_dictionary && dictionary.is_packed);
    }

    #[test]
    fn headers_that_are_damaged_end() {
        for bytes in [
            &[][..],
            &[0x15],
            &[0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            &[0x25, 1, 0],
            &[0x1B, 1],
            &[0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0x19, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0x1C; 64],
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn gzip_is_unpacked_no_further_than_it_says() {
        let mut encoder = flate2::write::GzEncoder::new(b"levels".to_vec(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &[0; 100_000]).unwrap();
        let packed = encoder.finish().unwrap();
        let page = |bytes: u64| PageHeader {
            bytes: bytes + 6,
            packed_bytes: packed.len() as u64,
            plain_bytes: 6,
            is_packed: true,
            is_dictionary: false,
        };
        assert!(check_gzip(&packed[..], &page(100_000)).is_ok());
        assert!(check_gzip(&packed[..], &page(99_999)).unwrap_err().to_string().contains("larger than it says"));
    }
}
