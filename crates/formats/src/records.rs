//! A strict CSV record reader over a byte stream, in bounded memory.
//!
//! It accepts RFC 4180 text with LF or CRLF line ends, a byte order mark, doubled quotes and newlines inside quoted
//! cells. It refuses what a lenient reader would silently repair, because a repaired row is a wrong row: an unclosed
//! quote, text after a closing quote, and cells or records beyond the limits. Blank lines are skipped.

use std::borrow::Cow;
use std::io::Read;

use memchr::{memchr, memchr_iter, memchr2};

use crate::error::{RowFault, RowPlace};

/// Largest cell, in bytes. Azure bounds tags at about 40 kB; a larger cell is damage, not data.
pub const CELL_BYTES_MAX: usize = 1 << 20;
/// Largest record, in bytes: all columns of a row together.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// Most columns in a record; the widest known layout has 105.
pub(crate) const COLUMNS_MAX: usize = 512;
const READ_BYTES: usize = 1 << 18;
const BOM: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) doubled_quotes: bool,
}

/// Splits a stream into records.
#[derive(Debug)]
pub struct RecordReader<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
    began: bool,
    line: u64,
    spans: Vec<Span>,
    /// Line and bytes of the record that was found last.
    current: (u64, std::ops::Range<usize>),
}

/// One record; borrowed from the reader until the next one is read.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Where the record stands.
    pub place: RowPlace,
    /// The record's bytes as they came, without line end.
    pub raw: &'a [u8],
    /// The bytes that the cells are pieces of: the record's own, or what a page's item was turned into.
    pub(crate) cells: &'a [u8],
    pub(crate) spans: &'a [Span],
}

/// Why a stream ended before its records did.
#[derive(Debug)]
pub enum RecordError {
    /// The stream could not be read.
    Io(std::io::Error),
    /// The text is not CSV.
    Syntax(RowFault),
}

enum Split {
    Complete { end: usize, next: usize, lines: u64 },
    Incomplete,
}

impl RecordReader<std::io::Empty> {
    /// Reads records of a text in memory whose first line has this number; `whole` says that nothing comes after it. A byte
    /// order mark is understood where a reader begins, which [`Self::go_on`] says it does not.
    pub(crate) fn over(text: Vec<u8>, line: u64, whole: bool) -> Self {
        let mut reader = Self::new(std::io::empty());
        (reader.buffer, reader.line, reader.ended) = (text, line, whole);
        reader
    }

    /// Says that the text is not the beginning of its source.
    pub(crate) fn go_on(mut self) -> Self {
        self.began = true;
        self
    }
}

impl<R: Read> RecordReader<R> {
    /// Reads records from the beginning of a stream.
    pub fn new(input: R) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            ended: false,
            began: false,
            line: 1,
            spans: Vec::new(),
            current: (1, 0..0),
        }
    }

    /// The stream that is read.
    pub fn input(&self) -> &R {
        &self.input
    }

    /// The stream that is read; reading from it would lose records.
    pub fn input_mut(&mut self) -> &mut R {
        &mut self.input
    }

    /// Gives the stream back.
    pub fn into_input(self) -> R {
        self.input
    }

    /// Finds the next record of what is in memory; false if there is none that is whole. A stream that has ended is whole
    /// as it is.
    pub(crate) fn advance_within(&mut self) -> Result<bool, RecordError> {
        if !self.began {
            if !self.ended && self.buffer.len() < BOM.len() {
                return Ok(false);
            }
            self.began = true;
            if self.buffer.starts_with(BOM) {
                self.start = BOM.len();
            }
        }
        loop {
            if self.start == self.buffer.len() {
                return Ok(false);
            }
            match self.split()? {
                Split::Incomplete if self.ended => return Err(self.unclosed()),
                Split::Incomplete if self.buffer.len() - self.start > RECORD_BYTES_MAX => return Err(self.too_long()),
                Split::Incomplete => return Ok(false),
                Split::Complete { end, .. } if end - self.start > RECORD_BYTES_MAX => return Err(self.too_long()),
                Split::Complete { end, next, lines } => {
                    if self.pass(end, next, lines) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// The line that comes next.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Bytes of what is in memory that records, blank lines and the byte order mark took.
    pub(crate) fn consumed(&self) -> usize {
        self.start
    }

    /// Whether nothing comes after what is in memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.ended
    }

    /// What is in memory.
    pub(crate) fn into_whole(self) -> Vec<u8> {
        self.buffer
    }

    /// The next record, or `None` at the end of the stream.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        Ok(self.advance()?.then(|| self.record()))
    }

    /// The record that [`Self::advance`] found.
    pub(crate) fn record(&self) -> Record<'_> {
        let (line, range) = self.current.clone();
        let raw = &self.buffer[range];
        Record { place: RowPlace::of_line(line), raw, cells: raw, spans: &self.spans }
    }

    /// Finds the next record; false at the end of the stream.
    pub(crate) fn advance(&mut self) -> Result<bool, RecordError> {
        if !self.began {
            self.began = true;
            while self.buffer.len() < BOM.len() && !self.ended {
                self.fill()?;
            }
            if self.buffer.starts_with(BOM) {
                self.start = BOM.len();
            }
        }
        loop {
            if self.start == self.buffer.len() && self.ended {
                return Ok(false);
            }
            match self.split()? {
                Split::Incomplete if self.ended => {
                    return Err(self.unclosed());
                }
                Split::Incomplete => self.fill()?,
                Split::Complete { end, next, lines } => {
                    if self.pass(end, next, lines) {
                        return Ok(true);
                    }
                }
            }
        }
    }

    /// Goes on behind a record; false if it was a blank line.
    fn pass(&mut self, end: usize, next: usize, lines: u64) -> bool {
        let (start, line) = (self.start, self.line);
        self.start = next;
        self.line += lines;
        self.current = (line, start..end);
        start < end
    }

    fn unclosed(&self) -> RecordError {
        self.fault(None, "a quoted cell is not closed before the end of the file")
    }

    fn too_long(&self) -> RecordError {
        self.fault(None, "the record is longer than 4 MiB; is a quote missing?")
    }

    /// Makes room and reads more. The unread rest moves to the front, so that the buffer stays below one record and
    /// one read.
    fn fill(&mut self) -> Result<(), RecordError> {
        if self.buffer.len() - self.start > RECORD_BYTES_MAX {
            return Err(self.too_long());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        // Reading grows with the record, so that a long one is scanned a few times only.
        let wanted = READ_BYTES.max(length);
        self.buffer.resize(length + wanted, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[length..]) {
                Ok(read) => break read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(RecordError::Io(error)),
            }
        };
        self.buffer.truncate(length + read);
        self.ended = read == 0;
        Ok(())
    }

    /// Finds the cells of the record at `start`; span positions are relative to it.
    fn split(&mut self) -> Result<Split, RecordError> {
        self.spans.clear();
        let text = &self.buffer[self.start..];
        let mut position = 0;
        let mut lines = 0;
        loop {
            if self.spans.len() == COLUMNS_MAX {
                return Err(self.fault(None, "the record has more than 512 columns"));
            }
            let quoted = text.get(position) == Some(&b'"');
            let cell =
                if quoted { quoted_cell(text, position, self.ended) } else { plain_cell(text, position, self.ended) };
            let Some((span, after)) = cell else {
                if text.len() - position > CELL_BYTES_MAX {
                    return Err(
                        self.fault(Some(self.spans.len()), "the cell is longer than 1 MiB; is a quote missing?")
                    );
                }
                return Ok(Split::Incomplete);
            };
            if span.end - span.start > CELL_BYTES_MAX {
                return Err(self.fault(Some(self.spans.len()), "the cell is longer than 1 MiB; is a quote missing?"));
            }
            if quoted {
                lines += memchr_iter(b'\n', &text[span.start..span.end]).count() as u64;
            }
            self.spans.push(span);
            match &text[after..] {
                [] => return Ok(Split::Complete { end: self.start + after, next: self.start + after, lines }),
                [b',', ..] => position = after + 1,
                [b'\n', ..] => {
                    let (end, next) = (self.start + after, self.start + after + 1);
                    return Ok(Split::Complete { end, next, lines: lines + 1 });
                }
                [b'\r', b'\n', ..] => {
                    let (end, next) = (self.start + after, self.start + after + 2);
                    return Ok(Split::Complete { end, next, lines: lines + 1 });
                }
                [b'\r'] => return Ok(Split::Complete { end: self.start + after, next: self.start + after + 1, lines }),
                _ => {
                    let column = Some(self.spans.len() - 1);
                    return Err(self.fault(
                        column,
                        "text follows the closing quote of a cell; quotes inside a cell must be doubled",
                    ));
                }
            }
        }
    }

    fn fault(&self, column: Option<usize>, expected: &str) -> RecordError {
        RecordError::Syntax(RowFault {
            place: RowPlace::of_line(self.line),
            column: column.map(|index| format!("number {}", index + 1)),
            value: None,
            expected: expected.to_owned(),
        })
    }
}

/// A cell without quotes: up to the comma or line end. `None`: the end is not in the buffer yet.
pub(crate) fn plain_cell(text: &[u8], position: usize, ended: bool) -> Option<(Span, usize)> {
    let end = match memchr2(b',', b'\n', &text[position..]) {
        Some(offset) => position + offset,
        None if ended => text.len(),
        None => return None,
    };
    let at_line_end = text.get(end) != Some(&b',');
    let cut = if at_line_end && end > position && text[end - 1] == b'\r' { end - 1 } else { end };
    Some((Span { start: position, end: cut, doubled_quotes: false }, cut))
}

/// A cell in quotes; the span is what lies between them.
pub(crate) fn quoted_cell(text: &[u8], position: usize, ended: bool) -> Option<(Span, usize)> {
    let start = position + 1;
    let mut from = start;
    let mut doubled_quotes = false;
    loop {
        let quote = from + memchr(b'"', &text[from..])?;
        match text.get(quote + 1) {
            Some(b'"') => {
                doubled_quotes = true;
                from = quote + 2;
            }
            // What follows decides whether the cell is over: wait for it, and for the LF of a CRLF.
            None if !ended => return None,
            Some(b'\r') if text.len() == quote + 2 && !ended => return None,
            _ => return Some((Span { start, end: quote, doubled_quotes }, quote + 1)),
        }
    }
}

impl<'a> Record<'a> {
    /// Number of cells.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no cell; never true for a record of a reader.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The text that the cells are pieces of, if it is UTF-8.
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.cells).ok()
    }

    /// A cell's bytes, quotes undone. Empty beyond the last cell.
    pub fn bytes(&self, index: usize) -> Cow<'a, [u8]> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed(&[]) };
        let cell = &self.cells[span.start..span.end];
        if !span.doubled_quotes {
            return Cow::Borrowed(cell);
        }
        let mut undone = Vec::with_capacity(cell.len());
        let mut rest = cell;
        while let Some(quote) = memchr(b'"', rest) {
            undone.extend_from_slice(&rest[..=quote]);
            rest = rest.get(quote + 2..).unwrap_or_default();
        }
        undone.extend_from_slice(rest);
        Cow::Owned(undone)
    }

    /// A cell as text, cut out of the record's `text`, which the caller has checked once.
    pub(crate) fn cell<'t>(&self, text: &'t str, index: usize) -> Cow<'t, str> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed("") };
        let cell = &text[span.start..span.end];
        if span.doubled_quotes { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Delivers a few bytes at a time, so that every border falls inside a read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(self.1).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn rows(text: &[u8], step: usize) -> Result<Vec<(u64, Vec<String>)>, RecordError> {
        let mut reader = RecordReader::new(Trickle(text, step));
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record()? {
            let text = record.text().unwrap();
            rows.push((record.place.line, (0..record.len()).map(|i| record.cell(text, i).into_owned()).collect()));
        }
        Ok(rows)
    }

    #[test]
    fn bom_crlf_quotes_newlines_and_blank_lines_are_understood_at_every_read_size() {
        let text = b"\xEF\xBB\xBFa,b\r\n\"x\"\"y\",\"two\nlines\"\r\n\r\n,\n\"\",last\"quote\"";
        for step in 1..text.len() {
            let rows = rows(text, step).unwrap();
            assert_eq!(rows[0], (1, vec!["a".into(), "b".into()]));
            assert_eq!(rows[1], (2, vec!["x\"y".into(), "two\nlines".into()]));
            assert_eq!(rows[2], (5, vec![String::new(), String::new()]));
            assert_eq!(rows[3], (6, vec![String::new(), "last\"quote\"".into()]));
            assert_eq!(rows.len(), 4);
        }
    }

    fn refusal(text: &[u8]) -> RowFault {
        match rows(text, 7) {
            Err(RecordError::Syntax(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unclosed_quote_is_refused_with_its_line() {
        let fault = refusal(b"a,b\n1,2\n\"open,\n\n");
        assert_eq!(fault.place.line, 3);
        assert!(fault.expected.contains("not closed"));
    }

    #[test]
    fn text_after_a_closing_quote_is_refused() {
        let fault = refusal(b"a,b\n1,\"x\"y\n");
        assert_eq!((fault.place.line, fault.column.as_deref()), (2, Some("number 2")));
    }

    #[test]
    fn a_huge_cell_is_refused_in_bounded_memory() {
        let mut reader = RecordReader::new(std::io::repeat(b'x').take(1 << 30));
        assert!(matches!(reader.next_record(), Err(RecordError::Syntax(_))));
        assert!(reader.buffer.capacity() <= 16 << 20, "{}", reader.buffer.capacity());
        let quoted = b"\"".chain(std::io::repeat(b'x')).take(1 << 30);
        let mut reader = RecordReader::new(quoted);
        assert!(matches!(reader.next_record(), Err(RecordError::Syntax(_))));
        assert!(reader.buffer.capacity() <= 16 << 20, "{}", reader.buffer.capacity());
    }

    proptest! {
        #[test]
        fn any_table_comes_back(table in prop::collection::vec(prop::collection::vec("[a\",\r\n é]{0,6}", 2..4), 1..5), step in 1usize..9) {
            let mut text = String::new();
            for row in &table {
                let cells: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                text.push_str(&cells.join(","));
                text.push_str("\r\n");
            }
            let read: Vec<Vec<String>> = rows(text.as_bytes(), step).unwrap().into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, table);
        }
    }
}
