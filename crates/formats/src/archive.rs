//! A zip archive with one file in it, as portals and mail programs send exports.

use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Read, Result, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::InputError;

/// What archives begin with, and those with nothing in them.
const MAGICS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
/// Files that some systems add to every archive.
const SYSTEM_FOLDER: &str = "__MACOSX/";
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
        let mut archive = ZipArchive::new(archive).map_err(damaged)?;
        let (mut found, mut names) = (None, Vec::new());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
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
            if self.read_bytes > expected.text_bytes || self.crc.sum() != expected.crc {
                return Err(Error::new(ErrorKind::InvalidData, "its checksum or length is not what the archive says"));
            }
        }
        Ok(read)
    }
}
