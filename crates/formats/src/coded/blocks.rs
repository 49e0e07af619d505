//! Cutting the text of a source into blocks that end where records end.
//!
//! A line end lies between records where the quotes before it are even in number. Files whose quotes do not pair up fool
//! this rule; what is read then is found out by whoever puts the blocks together again, because nothing else than a
//! record may begin a block.

use std::io::Read;

use memchr::{memchr_iter, memrchr};

use crate::error::InputError;
use crate::records::RECORD_BYTES_MAX;
use crate::source::SourceReader;

/// Bytes of a block: it stays in a core's cache while it is hashed, compressed and read.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Bytes that are asked for at once.
const READ_BYTES: usize = 256 << 10;
/// A block without a line end is given up at this size.
const UNCUT_BYTES_MAX: usize = 2 * RECORD_BYTES_MAX;

/// A stretch of a source's text.
#[derive(Debug, Default)]
pub struct Block {
    /// The text.
    pub text: Vec<u8>,
    /// Whether the source ends with it.
    pub last: bool,
}

/// Cuts a source into blocks.
#[derive(Debug)]
pub struct SourceBlocks<R: Read> {
    source: SourceReader<R>,
    rest: Vec<u8>,
    block_bytes: usize,
    ended: bool,
    /// Why there is no more text; told when the records before it were given.
    failure: Option<InputError>,
}

impl<R: Read> SourceBlocks<R> {
    /// Blocks of about `block_bytes` bytes.
    pub fn new(source: SourceReader<R>, block_bytes: usize) -> Self {
        Self { source, rest: Vec::new(), block_bytes: block_bytes.max(1), ended: false, failure: None }
    }

    /// The next block, in a buffer that is used again; `None` after the last one. The last one may be empty.
    pub fn next_block(&mut self, file: &str, mut text: Vec<u8>) -> Result<Option<Block>, InputError> {
        if let Some(failure) = self.failure.take() {
            self.ended = true;
            return Err(failure);
        }
        if self.ended {
            return Ok(None);
        }
        text.clear();
        text.append(&mut self.rest);
        let mut wanted = self.block_bytes.max(text.len());
        loop {
            match self.fill(file, &mut text, wanted) {
                Ok(false) => {}
                Ok(true) => {
                    self.ended = true;
                    return Ok(Some(Block { text, last: true }));
                }
                Err(failure) => {
                    // A record that was cut is not judged: what is missing may be why it looks wrong.
                    text.truncate(record_end(&text).unwrap_or_default());
                    self.failure = Some(failure);
                    return Ok(Some(Block { text, last: false }));
                }
            }
            match record_end(&text) {
                Some(end) => {
                    self.rest.extend_from_slice(&text[end..]);
                    text.truncate(end);
                    return Ok(Some(Block { text, last: false }));
                }
                None if text.len() >= UNCUT_BYTES_MAX => return Ok(Some(Block { text, last: false })),
                None => wanted = text.len() + self.block_bytes,
            }
        }
    }

    /// Bytes taken from the input so far, as stored; for progress.
    pub fn input_bytes(&self) -> u64 {
        self.source.input_bytes()
    }

    /// Gives the source back; all of it was read if the last block was given.
    pub fn into_source(self) -> SourceReader<R> {
        self.source
    }

    /// Reads until there are at least `wanted` bytes; true at the end of the source.
    fn fill(&mut self, file: &str, text: &mut Vec<u8>, wanted: usize) -> Result<bool, InputError> {
        while text.len() < wanted {
            let length = text.len();
            text.resize(length + READ_BYTES.min(self.block_bytes), 0);
            let read = match self.source.read(&mut text[length..]) {
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    text.truncate(length);
                    continue;
                }
                Err(error) => {
                    text.truncate(length);
                    let io = InputError::Io { file: file.to_owned(), source: error };
                    return Err(self.source.take_failure().unwrap_or(io));
                }
            };
            text.truncate(length + read);
            if read == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Where the last record of a text ends that begins with a record.
fn record_end(text: &[u8]) -> Option<usize> {
    let quotes = |text: &[u8]| memchr_iter(b'"', text).count();
    let mut open = quotes(text) % 2 == 1;
    let mut end = text.len();
    while let Some(line_end) = memrchr(b'\n', &text[..end]) {
        open ^= quotes(&text[line_end..end]) % 2 == 1;
        if !open {
            return Some(line_end + 1);
        }
        end = line_end;
    }
    None
}
