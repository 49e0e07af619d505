//! Opening a source: plain, gzip, zstd or alone in a zip archive, hashed while it is read, bounded in how far it may expand.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::archive::{Entry, EntryReader, is_zip};
use crate::error::InputError;

/// A gzip or zip file cannot expand by more than 1032; real cost exports, repetitive as they are, stay below 100.
const EXPANSION_MAX: u64 = 250;
/// zstd finds repetitions that are far apart; it could expand by 30,000 and more.
const ZSTD_EXPANSION_MAX: u64 = 1000;
/// Most that a zstd stream may look back, as a power of two: what the zstd program takes without being asked.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// The ratio is judged from here on, so that tiny files of repeated text pass.
const EXPANSION_JUDGED_FROM_BYTES: u64 = 64 << 20;
/// What is looked at to tell a page from a file: more than the blanks before either.
const HEAD_BYTES: usize = 512;
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The last bytes of the magic of a frame that zstd passes over; the first is 50 to 5F. Packers on several threads begin with one.
const ZSTD_SKIPPABLE: [u8; 3] = [0x2A, 0x4D, 0x18];

/// How the bytes of a source are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Plain text.
    None,
    /// One or more gzip members.
    Gzip,
    /// One or more zstd frames.
    Zstd,
    /// The only file of a zip archive.
    Zip,
}

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }

    /// How many times its size a source may expand.
    fn expansion_max(self) -> u64 {
        if self == Self::Zstd { ZSTD_EXPANSION_MAX } else { EXPANSION_MAX }
    }
}

/// Keeps a copy of a source's text while it is read.
pub trait SourceCopy: Send {
    /// Takes the next bytes of text.
    fn take(&mut self, text: &[u8]) -> std::io::Result<()>;
    /// The text is complete.
    fn finish(&mut self) -> std::io::Result<()>;
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(out)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

enum Decoded<R: Read> {
    Plain(BufReader<Counted<R>>),
    Gzip(Box<MultiGzDecoder<BufReader<Counted<R>>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Counted<R>>>>),
    Zip(Box<EntryReader<BufReader<Counted<R>>>>),
}

/// A source's text, with the SHA-256 of what has been read.
pub struct SourceReader<R: Read> {
    file: String,
    decoded: Decoded<R>,
    compression: Compression,
    hash: Sha256,
    text_bytes: u64,
    failure: Option<InputError>,
    copy: Option<Box<dyn SourceCopy>>,
    /// Text that was looked at before it was asked for.
    ahead: Vec<u8>,
}

impl<R: Read> SourceReader<R> {
    /// Opens a source; its first bytes tell how it is stored. `file` names it in errors. A zip archive can only be read from
    /// a file, see [`SourceReader::open_file`].
    pub fn open(file: &str, input: R) -> Result<Self, InputError> {
        let failed = |source| InputError::Io { file: file.to_owned(), source };
        let mut reader = buffered(input);
        let head = std::io::BufRead::fill_buf(&mut reader).map_err(failed)?;
        if is_zip(head) {
            let reason = "a zip archive is not taken here; unpack it first".to_owned();
            return Err(InputError::Compressed { file: file.to_owned(), reason });
        }
        let (decoded, compression) = if head.starts_with(&GZIP_MAGIC) {
            (Decoded::Gzip(Box::new(MultiGzDecoder::new(reader))), Compression::Gzip)
        } else if is_zstd(head) {
            let mut decoder = zstd::Decoder::with_buffer(reader).map_err(failed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
            (Decoded::Zstd(Box::new(decoder)), Compression::Zstd)
        } else {
            (Decoded::Plain(reader), Compression::None)
        };
        Ok(Self::new(file, decoded, compression))
    }

    fn new(file: &str, decoded: Decoded<R>, compression: Compression) -> Self {
        Self {
            file: file.to_owned(),
            decoded,
            compression,
            hash: Sha256::new(),
            text_bytes: 0,
            failure: None,
            copy: None,
            ahead: Vec::new(),
        }
    }

    /// Keeps a copy of the text; it is finished when the end was read. What was looked at already is part of it.
    pub fn with_copy(mut self, mut copy: Box<dyn SourceCopy>) -> std::io::Result<Self> {
        copy.take(&self.ahead)?;
        self.copy = Some(copy);
        Ok(self)
    }

    /// How the source is stored.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Bytes taken from the input so far, as stored.
    pub fn input_bytes(&self) -> u64 {
        match &self.decoded {
            Decoded::Plain(reader) => reader.get_ref().bytes,
            Decoded::Gzip(decoder) => decoder.get_ref().get_ref().bytes,
            Decoded::Zstd(decoder) => decoder.get_ref().get_ref().bytes,
            Decoded::Zip(entry) => entry.get_ref().get_ref().bytes,
        }
    }

    /// Bytes of text so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// SHA-256 of the text read so far, in lower-case hexadecimal: of all of it once the end was reached.
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash.clone().finalize())
    }

    /// The reason behind an I/O error that this reader returned, if it is the reader's own.
    pub fn take_failure(&mut self) -> Option<InputError> {
        self.failure.take()
    }

    /// The first bytes of the text, which are read all the same: enough to tell what the text is.
    pub(crate) fn head(&mut self) -> Result<&[u8], InputError> {
        self.look(HEAD_BYTES)
    }

    /// The first bytes of the text, about so many of them, which are read all the same. Nothing was read yet.
    pub(crate) fn look(&mut self, bytes: usize) -> Result<&[u8], InputError> {
        while self.ahead.len() < bytes {
            let mut piece = [0; HEAD_BYTES];
            match self.decode(&mut piece) {
                Ok(0) => break,
                Ok(read) => self.ahead.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let io = InputError::Io { file: self.file.clone(), source };
                    return Err(self.take_failure().unwrap_or(io));
                }
            }
        }
        Ok(&self.ahead)
    }

    fn fail(&mut self, failure: InputError) -> std::io::Error {
        let error = std::io::Error::other(failure.to_string());
        self.failure = Some(failure);
        error
    }
}

impl SourceReader<File> {
    /// Opens a file, which may be a zip archive with one file in it.
    ///
    /// # Errors
    /// [`InputError::Compressed`] for archives with no or several files, and for what is encrypted or packed in an uncommon
    /// way; else as [`SourceReader::open`].
    pub fn open_file(file: &str, mut input: File) -> Result<Self, InputError> {
        let failed = |source| InputError::Io { file: file.to_owned(), source };
        let mut head = Vec::new();
        input.by_ref().take(4).read_to_end(&mut head).map_err(failed)?;
        if !is_zip(&head) {
            input.rewind().map_err(failed)?;
            return Self::open(file, input);
        }
        let entry = Entry::find(file, &input)?;
        input.seek(SeekFrom::Start(entry.start)).map_err(failed)?;
        let content = Decoded::Zip(Box::new(EntryReader::new(buffered(input), entry)));
        Ok(Self::new(file, content, Compression::Zip))
    }
}

fn is_zstd(head: &[u8]) -> bool {
    head.starts_with(&ZSTD_MAGIC)
        || head.split_first().is_some_and(|(first, rest)| first & 0xF0 == 0x50 && rest.starts_with(&ZSTD_SKIPPABLE))
}

fn buffered<R: Read>(input: R) -> BufReader<Counted<R>> {
    BufReader::with_capacity(1 << 16, Counted { inner: input, bytes: 0 })
}

impl<R: Read> Read for SourceReader<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.ahead.is_empty() {
            return self.decode(out);
        }
        let count = self.ahead.len().min(out.len());
        out[..count].copy_from_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        Ok(count)
    }
}

impl<R: Read> SourceReader<R> {
    /// Takes text from the input, hashes and copies it.
    fn decode(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let outcome = match &mut self.decoded {
            Decoded::Plain(reader) => reader.read(out),
            Decoded::Gzip(decoder) => decoder.read(out),
            Decoded::Zstd(decoder) => decoder.read(out),
            Decoded::Zip(entry) => entry.read(out),
        };
        let read = match outcome {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Err(error),
            Err(error) if self.compression != Compression::None => {
                let (file, name) = (self.file.clone(), self.compression.name());
                let reason = match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => format!("the {name} data end early; the file is truncated"),
                    _ => format!("the {name} data are damaged ({error})"),
                };
                return Err(self.fail(InputError::Compressed { file, reason }));
            }
            Err(error) => return Err(error),
        };
        self.hash.update(&out[..read]);
        if read > 0 {
            self.copy.as_mut().map_or(Ok(()), |copy| copy.take(&out[..read]))?;
        } else if !out.is_empty() {
            self.copy.take().map_or(Ok(()), |mut copy| copy.finish())?;
        }
        self.text_bytes += read as u64;
        let judged = self.compression != Compression::None && self.text_bytes > EXPANSION_JUDGED_FROM_BYTES;
        let ratio = self.compression.expansion_max();
        if judged && self.text_bytes / self.input_bytes().max(1) > ratio {
            let file = self.file.clone();
            return Err(self.fail(InputError::Bomb { file, ratio }));
        }
        Ok(read)
    }
}

impl<R: Read> std::fmt::Debug for SourceReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceReader")
            .field("file", &self.file)
            .field("text_bytes", &self.text_bytes)
            .finish_non_exhaustive()
    }
}
