//! A zip archive with one file in it, as portals and mail programs send exports.

use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Read, Result, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::InputError;

/// What archives begin with, and those with nothing in them.
const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
/// Files that some systems add to every archive.
const SYSTEM_FOLDER: &str = "__MACOSX/";
/// What each record of an archive's directory begins with, and what may follow the last one: the end, or that of large archives.
const RECORD: &[u8] = b"PK\x01\x02";
const ENDS: [&[u8]; 2] = [b"PK\x05\x06", b"PK\x06\x06"];
/// Length of a record without its name, extra fields and comment, and where their lengths stand in it.
const RECORD_BYTES: usize = 46;
const RECORD_LENGTHS: [usize; 3] = [28, 30, 32];
/// Longest directory that is looked at: an archive with one file in it has a short one.
const DIRECTORY_BYTES_MAX: u64 = 16 << 20;
/// Lengths of what may stand behind a file's data: sizes and checksum that were not known before.
const DESCRIPTOR_BYTES: [u64; 5] = [0, 12, 16, 20, 24];
/// So many names are shown of an archive with several files.
const NAMES_SHOWN: usize = 3;

/// Whether bytes begin a zip archive.
pub(crate) fn is_zip(head: &[u8]) -> bool {
    MAGICS.iter().any(|magic| head.starts_with(magic))
}

/// The only file of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Where its bytes begin in the archive.
    pub(crate) start: u64,
    is_stored: bool,
    packed_bytes: u64,
    text_bytes: u64,
    crc: u32,
}

impl Entry {
    /// Finds the file in an archive; reads its directory only.
    pub(crate) fn find(file: &str, archive: &File) -> std::result::Result<Self, InputError> {
        let refused = |reason: String| InputError::Compressed { file: file.to_owned(), reason };
        let damaged = |error: zip::result::ZipError| refused(format!("the zip archive is damaged ({error})"));
        let input = archive;
        let mut archive = ZipArchive::new(archive).map_err(damaged)?;
        let (mut found, mut names, mut places) = (None, Vec::new(), Vec::new());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
            let end = entry.data_start().and_then(|start| start.checked_add(entry.compressed_size()));
            places.push((entry.header_start(), end.unwrap_or(u64::MAX)));
            let name = entry.name().map_err(damaged)?.into_owned();
            let is_hidden = name.rsplit('/').next().is_some_and(|own| own.starts_with('.'));
            if entry.is_dir() || is_hidden || name.starts_with(SYSTEM_FOLDER) {
                continue;
            }
            if entry.encrypted() {
                return Err(refused(format!("{name} in it is encrypted; unpack it first")));
            }
            let is_stored = match entry.compression() {
                CompressionMethod::Stored => true,
                CompressionMethod::Deflated => false,
                other => return Err(refused(format!("{name} in it is packed with {other}; unpack it first"))),
            };
            let start = entry.data_start().ok_or_else(|| refused(format!("{name} in it has no place")))?;
            let (packed_bytes, text_bytes, crc) = (entry.compressed_size(), entry.size(), entry.crc32());
            found = Some(Self { start, is_stored, packed_bytes, text_bytes, crc });
            names.push(name);
        }
        // Whatever the directory does not name, or names twice, would be lost in silence.
        let directory = archive.central_directory_start();
        let io = |source| InputError::Io { file: file.to_owned(), source };
        match records(input, directory).map_err(io)? {
            Some(count) if count == archive.len() => {}
            Some(count) => {
                let reason = format!("its directory has {count} records, of which {} are told apart", archive.len());
                return Err(refused(format!(
                    "the zip archive cannot be taken as one file ({reason}); unpack it first"
                )));
            }
            None => return Err(refused("the zip archive is damaged (its directory does not end)".to_owned())),
        }
        if !are_side_by_side(places, directory) {
            return Err(refused("the zip archive is damaged (it has bytes that belong to no file)".to_owned()));
        }
        match (found, names.len()) {
            (Some(found), 1) => Ok(found),
            (None, _) => Err(refused("the zip archive has no file in it".to_owned())),
            (_, count) => {
                names.truncate(NAMES_SHOWN);
                let names = names.join(", ");
                let more = if count > NAMES_SHOWN { ", …" } else { "" };
                Err(refused(format!(
                    "the zip archive has {count} files in it ({names}{more}); unpack it and name those that belong together"
                )))
            }
        }
    }
}

/// Whether files, from header to end, fill the archive up to its directory.
fn are_side_by_side(mut places: Vec<(u64, u64)>, directory: u64) -> bool {
    places.sort_unstable();
    let begins = places.iter().map(|(header, _)| *header).chain([directory]);
    let ends = [0].into_iter().chain(places.iter().map(|(_, end)| *end));
    let mut between = ends.zip(begins).enumerate().map(|(number, (end, begin))| (number, begin.checked_sub(end)));
    between.all(|(number, gap)| gap.is_some_and(|gap| gap == 0 || (number > 0 && DESCRIPTOR_BYTES.contains(&gap))))
}

/// How many records an archive's directory has; `None` if something else stands among them.
fn records(mut archive: &File, directory: u64) -> Result<Option<usize>> {
    let mut bytes = Vec::new();
    archive.seek(SeekFrom::Start(directory))?;
    archive.take(DIRECTORY_BYTES_MAX).read_to_end(&mut bytes)?;
    let (mut rest, mut count) = (&bytes[..], 0);
    while rest.starts_with(RECORD) {
        let length = |at: usize| rest.get(at..at + 2).map(|two| usize::from(u16::from_le_bytes([two[0], two[1]])));
        let lengths: Option<usize> = RECORD_LENGTHS.into_iter().map(length).sum();
        let Some(next) = lengths.and_then(|lengths| rest.get(RECORD_BYTES + lengths..)) else { return Ok(None) };
        (rest, count) = (next, count + 1);
    }
    Ok(ENDS.iter().any(|end| rest.starts_with(end)).then_some(count))
}

/// The text of an entry, checked against its length and checksum.
pub(crate) struct EntryReader<R: BufRead> {
    content: Content<R>,
    entry: Entry,
    crc: Crc,
    read_bytes: u64,
}

enum Content<R: BufRead> {
    Stored(Take<R>),
    Deflated(DeflateDecoder<Take<R>>),
}

impl<R: BufRead> EntryReader<R> {
    /// Reads on where the entry begins.
    pub(crate) fn new(input: R, entry: Entry) -> Self {
        let input = input.take(entry.packed_bytes);
        let content =
            if entry.is_stored { Content::Stored(input) } else { Content::Deflated(DeflateDecoder::new(input)) };
        Self { content, entry, crc: Crc::new(), read_bytes: 0 }
    }

    /// What it reads from.
    pub(crate) fn get_ref(&self) -> &R {
        match &self.content {
            Content::Stored(input) => input.get_ref(),
            Content::Deflated(decoder) => decoder.get_ref().get_ref(),
        }
    }
}

impl<R: BufRead> Read for EntryReader<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let read = match &mut self.content {
            Content::Stored(input) => input.read(out)?,
            Content::Deflated(decoder) => decoder.read(out)?,
        };
        self.crc.update(&out[..read]);
        self.read_bytes += read as u64;
        if read == 0 && !out.is_empty() {
            let expected = self.entry;
            if self.read_bytes < expected.text_bytes {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let is_used_up = match &self.content {
                Content::Stored(input) => input.limit() == 0,
                Content::Deflated(decoder) => decoder.get_ref().limit() == 0,
            };
            if !is_used_up || self.read_bytes > expected.text_bytes || self.crc.sum() != expected.crc {
                return Err(Error::new(ErrorKind::InvalidData, "its checksum or length is not what the archive says"));
            }
        }
        Ok(read)
    }
}
