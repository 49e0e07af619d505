//! Segments: the finished text of whole Parquet files, kept as packed frames of about 1 MiB, so that a report that asks for
//! all of a file unpacks or copies them instead of encoding rows again.
//!
//! A segment is named after the content of its Parquet file, the encoder and the form of its frames, none of which ever
//! change; so it is right for every version of the store that has the file, and wrong for none. Segments are a cache: they
//! can be removed at any time, what is damaged is not used, and a segment that cannot be written is given up.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lake::leftover::{ORPHAN_AGE, is_older};
use lake::{LakeFile, make_private};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::codec::Codec;

/// Folder of segments beneath the data folder.
pub(crate) const SEGMENTS: &str = "segments";
/// Raised when frames are cut or indexed in another way.
const FORMAT: u32 = 2;
/// Begins the names of segments that are being written.
const UNFINISHED: &str = "unfinished-";
/// Ends a segment.
const MAGIC: &[u8; 8] = b"LZSEG001";
const DIGEST_BYTES: usize = 32;
/// Length of the index, its SHA-256, and the magic.
const TRAILER_BYTES: usize = 8 + DIGEST_BYTES + MAGIC.len();
/// Largest index that is read: of a file of some hundred million rows.
const INDEX_BYTES_MAX: u64 = 64 << 20;

/// A finished segment.
#[derive(Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    codec: Codec,
    index: Index,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Index {
    format: u32,
    /// The segment's own name: one that was copied over another is not taken for it.
    name: String,
    groups: Vec<GroupFrames>,
}

/// The frames of a row group, which stand one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupFrames {
    offset: u64,
    /// SHA-256 of the frames, in hexadecimal.
    sha256: String,
    pub(crate) rows: u64,
    pub(crate) frames: Vec<Frame>,
}

/// A frame: bytes as they stand in the file, and bytes of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) packed: u32,
    pub(crate) text: u32,
}

impl GroupFrames {
    /// Bytes of the text of all frames.
    pub(crate) fn text_bytes(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.text)).sum()
    }
}

/// Name of the segment of a file.
fn name(file: &LakeFile, identity: &str, codec: Codec) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{FORMAT}\n{}\n{}\n{identity}", file.path, file.sha256).as_bytes());
    format!("{}.{codec}", hex::encode(&hash.finalize()[..16]))
}

impl Segment {
    /// The segment of a file, if there is a whole one.
    pub(crate) fn find(data: &Path, file: &LakeFile, identity: &str, codec: Codec, groups: usize) -> Option<Self> {
        let name = name(file, identity, codec);
        let path = data.join(SEGMENTS).join(&name);
        // Opening a pipe would wait for its writer.
        std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let mut opened = File::open(&path).ok()?;
        let is_right = |index: &Index| index.name == name && index.groups.len() == groups;
        let Some(index) = read_index(&mut opened).filter(is_right) else {
            tracing::warn!("the segment {} is damaged and is made anew", path.display());
            _ = std::fs::remove_file(&path);
            return None;
        };
        // Those that are used stay longest.
        _ = opened.set_modified(SystemTime::now());
        Some(Self { path, codec, index })
    }

    /// The form of its frames.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn frames(&self, group: usize) -> &GroupFrames {
        &self.index.groups[group]
    }

    /// The frames of a row group as they stand in the file.
    pub(crate) fn packed(&self, group: usize) -> std::io::Result<Vec<u8>> {
        let frames = self.frames(group);
        let bytes: u64 = frames.frames.iter().map(|frame| u64::from(frame.packed)).sum();
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(frames.offset))?;
        let mut packed = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
        file.take(bytes).read_to_end(&mut packed)?;
        let damaged = packed.len() as u64 != bytes || digest(&packed) != frames.sha256;
        if damaged { Err(std::io::ErrorKind::InvalidData.into()) } else { Ok(packed) }
    }

    /// Removes a segment whose content turned out to be damaged.
    pub(crate) fn discard(&self, error: &std::io::Error) {
        tracing::warn!(%error, "the segment {} is damaged and is made anew", self.path.display());
        _ = std::fs::remove_file(&self.path);
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn read_index(file: &mut File) -> Option<Index> {
    let length = file.metadata().ok()?.len();
    let mut trailer = [0; TRAILER_BYTES];
    file.seek(SeekFrom::Start(length.checked_sub(TRAILER_BYTES as u64)?)).ok()?;
    file.read_exact(&mut trailer).ok()?;
    let (bytes, rest) = trailer.split_first_chunk::<8>()?;
    let (digest, magic) = rest.split_at(DIGEST_BYTES);
    let bytes = u64::from_le_bytes(*bytes);
    if magic != MAGIC || bytes > INDEX_BYTES_MAX {
        return None;
    }
    let frames_end = length.checked_sub(TRAILER_BYTES as u64 + bytes)?;
    file.seek(SeekFrom::Start(frames_end)).ok()?;
    let mut index = Vec::new();
    file.take(bytes).read_to_end(&mut index).ok()?;
    if Sha256::digest(&index)[..] != *digest {
        return None;
    }
    let index: Index = serde_json::from_slice(&index).ok()?;
    (index.format == FORMAT).then_some(index)
}

/// A segment being written, by several threads and in any order.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    file: NamedTempFile,
    folder: PathBuf,
    name: String,
    bytes: u64,
    groups: Vec<Option<GroupFrames>>,
}

impl SegmentWriter {
    pub(crate) fn create(
        data: &Path,
        file: &LakeFile,
        identity: &str,
        codec: Codec,
        groups: usize,
    ) -> std::io::Result<Self> {
        let folder = data.join(SEGMENTS);
        make_private(&folder)?;
        Ok(Self {
            file: tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&folder)?,
            folder,
            name: name(file, identity, codec),
            bytes: 0,
            groups: vec![None; groups],
        })
    }

    /// Takes the frames of a row group; `packed` has them one after the other.
    pub(crate) fn take(&mut self, group: usize, rows: u64, frames: Vec<Frame>, packed: &[u8]) -> std::io::Result<()> {
        self.file.write_all(packed)?;
        self.groups[group] = Some(GroupFrames { offset: self.bytes, sha256: digest(packed), rows, frames });
        self.bytes += packed.len() as u64;
        Ok(())
    }

    /// Whether all row groups are there.
    pub(crate) fn is_complete(&self) -> bool {
        self.groups.iter().all(Option::is_some)
    }

    /// Gives the segment its name, once its content is on the disk.
    pub(crate) fn finish(mut self) -> std::io::Result<()> {
        let target = self.folder.join(&self.name);
        let index = Index { format: FORMAT, name: self.name, groups: self.groups.into_iter().flatten().collect() };
        let index = serde_json::to_vec(&index)?;
        self.file.write_all(&index)?;
        self.file.write_all(&(index.len() as u64).to_le_bytes())?;
        self.file.write_all(&Sha256::digest(&index))?;
        self.file.write_all(MAGIC)?;
        self.file.as_file().sync_all()?;
        self.file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Removes the segments that were not used for longest, until those that are left have at most `bytes_max`, and what
/// writers left that ended early.
pub(crate) fn evict(data: &Path, bytes_max: u64) -> std::io::Result<()> {
    let mut held = Vec::new();
    for entry in std::fs::read_dir(data.join(SEGMENTS))? {
        let entry = entry?;
        let about = entry.metadata()?;
        let written = about.modified()?;
        let is_unfinished = entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED));
        match (about.is_file(), is_unfinished) {
            (true, false) => held.push((written, about.len(), entry.path())),
            (true, true) if is_older(written, ORPHAN_AGE) => std::fs::remove_file(entry.path())?,
            _ => {}
        }
    }
    held.sort_by(|a, b| b.cmp(a));
    let mut bytes = 0_u64;
    for (_, own, path) in held {
        bytes = bytes.saturating_add(own);
        if bytes > bytes_max {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
