//! Usage as one JSON object per line.

use std::io::{BufRead, BufReader, Read};

use ledger::billing::UsageLine;
use memchr::memchr;

use super::fact::UsageFact;
use super::lines::Lines;
use super::reader::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, DATE, QUANTITY, RECEIVED_AT, TIME, UsageBatch, UsageSource, check_received,
    when,
};
use super::{UsageOrigin, UsageRecord};
use crate::native::error::{Fault, NativeError, RecordRefusal};
use crate::native::members::{Members, required, string};
use crate::native::values;

/// Longest line, in bytes: tags and additional info have 64 KiB each, all else is short.
const LINE_BYTES_MAX: usize = 1 << 20;
const READ_BYTES: usize = 1 << 17;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A stream of lines.
pub(super) struct NdjsonSource {
    file: String,
    input: BufReader<Box<dyn Read + Send>>,
    origin: UsageOrigin,
    lines: Lines,
    line: u64,
    records: u64,
    buffer: Vec<u8>,
}

impl NdjsonSource {
    pub(super) fn new(file: &str, input: Box<dyn Read + Send>, origin: UsageOrigin) -> Self {
        let input = BufReader::with_capacity(READ_BYTES, input);
        let file = file.to_owned();
        Self { file, input, origin, lines: Lines::default(), line: 0, records: 0, buffer: Vec::new() }
    }

    /// Reads the next line into the buffer; false at the end.
    fn next_line(&mut self) -> Result<bool, NativeError> {
        self.buffer.clear();
        loop {
            let piece = match self.input.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(NativeError::Io { file: self.file.clone(), source }),
            };
            if piece.is_empty() {
                self.line += u64::from(!self.buffer.is_empty());
                return Ok(!self.buffer.is_empty());
            }
            let end = memchr(b'\n', piece);
            self.buffer.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
            let used = end.map_or(piece.len(), |end| end + 1);
            self.input.consume(used);
            if self.buffer.len() > LINE_BYTES_MAX {
                let reason = format!("the line has more than {LINE_BYTES_MAX} bytes; expected one record per line");
                return Err(NativeError::Syntax { file: self.file.clone(), line: Some(self.line + 1), reason });
            }
            if end.is_some() {
                self.line += 1;
                return Ok(true);
            }
        }
    }
}

impl UsageSource for NdjsonSource {
    fn next_batch(&mut self) -> Result<Option<UsageBatch>, NativeError> {
        self.lines.forget_many();
        let (mut records, mut size) = (Vec::new(), 0);
        while records.len() < BATCH_RECORDS_MAX && size < BATCH_BYTES_MAX && self.next_line()? {
            size += self.buffer.len();
            let bytes =
                if self.line == 1 { self.buffer.strip_prefix(BOM).unwrap_or(&self.buffer) } else { &self.buffer };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.records += 1;
            let read = match std::str::from_utf8(bytes) {
                Ok(text) => record(text, self.records, self.origin, &mut self.lines),
                Err(_) => Err(Fault::plain("", "the line is not valid UTF-8; expected text in UTF-8")),
            };
            let refused = |fault| RecordRefusal { number: self.records, line: Some(self.line), fault };
            records.push(read.map_err(refused));
        }
        Ok((!records.is_empty()).then(|| self.lines.batch(records)))
    }
}

/// Reads a record from its JSON text.
fn record(text: &str, number: u64, origin: UsageOrigin, lines: &mut Lines) -> Result<UsageRecord, Fault> {
    let mut members = Members::parse(text)?;
    let mut line = UsageLine::default();
    for fact in UsageFact::ALL {
        let Some(json) = members.raw(fact.name()) else {
            if fact.is_required() {
                return required(fact.name(), None);
            }
            continue;
        };
        put(fact, json, &mut line).map_err(|expected| Fault::of(fact.name(), json.trim_matches('"'), expected))?;
    }
    let date = members.text(DATE, values::date)?;
    let time = members.text(TIME, values::hour)?;
    let quantity = members.number(QUANTITY, |text| values::decimal(text, values::QUANTITY_LIMITS))?;
    let received_at = members.text(RECEIVED_AT, values::instant)?;
    members.finish()?;
    let quantity = required(QUANTITY, quantity)?;
    let (day, hour) = when(date, time)?;
    check_received(received_at, (day, hour), origin)?;
    Ok(UsageRecord { number, line: lines.number(line), day, hour, quantity, received_at })
}

/// JSON objects may also come as text.
fn put(fact: UsageFact, json: &str, line: &mut UsageLine) -> Result<(), String> {
    if fact.is_json() && json.starts_with('{') {
        fact.put(line, &fact.check(json)?);
    } else {
        fact.put(line, &fact.check(&string(json)?)?);
    }
    Ok(())
}
