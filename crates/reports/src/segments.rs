//! The segments of one answer: which files have one, and those that are made while the answer is written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lake::Stretch;

use crate::codec::Codec;
use crate::segment::{Frame, Segment, SegmentWriter, evict};

/// How segments are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSettings {
    /// Most bytes that all segments of a store take; those that were not used for longest go first.
    pub bytes_max: u64,
}

impl Default for SegmentSettings {
    fn default() -> Self {
        Self { bytes_max: 4 << 30 }
    }
}

/// The segments of one answer.
pub(crate) struct Segments {
    data: PathBuf,
    identity: String,
    codec: Codec,
    bytes_max: u64,
    held: HashMap<String, Arc<Segment>>,
    made: HashMap<String, Mutex<Option<SegmentWriter>>>,
}

/// The frames of a row group, being packed for a segment.
#[derive(Default)]
pub(crate) struct Frames {
    pub(crate) rows: u64,
    pub(crate) frames: Vec<Frame>,
    pub(crate) packed: Vec<u8>,
}

impl Frames {
    /// Packs a text as the next frame.
    pub(crate) fn pack(&mut self, codec: Codec, text: &[u8], rows: u64) -> std::io::Result<()> {
        let before = self.packed.len();
        codec.pack(text, &mut self.packed)?;
        let too_long = |_| std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        let short = |length: usize| u32::try_from(length).map_err(too_long);
        let (packed, text) = (short(self.packed.len() - before)?, short(text.len())?);
        self.frames.push(Frame { packed, text });
        self.rows += rows;
        Ok(())
    }
}

impl Segments {
    /// Looks up the segments of the files of an answer, and begins those of whole files that have none. Frames are in the
    /// form that the answer wants; a plain answer is made of zstd frames.
    pub(crate) fn of(
        data: &Path,
        stretches: &[Stretch],
        identity: String,
        wanted: Codec,
        settings: &SegmentSettings,
    ) -> Self {
        let codec = if wanted == Codec::Plain { Codec::Zstd } else { wanted };
        let (mut held, mut made) = (HashMap::new(), HashMap::new());
        for stretch in stretches {
            let file = stretch.file();
            if held.contains_key(&file.path) || made.contains_key(&file.path) {
                continue;
            }
            let groups = stretch.groups_of_file();
            if let Some(segment) = Segment::find(data, file, &identity, codec, groups) {
                held.insert(file.path.clone(), Arc::new(segment));
            } else if stretch.is_of_whole_file() && settings.bytes_max > 0 {
                match SegmentWriter::create(data, file, &identity, codec, groups) {
                    Ok(writer) => _ = made.insert(file.path.clone(), Mutex::new(Some(writer))),
                    Err(error) => tracing::warn!(%error, "cannot make a segment of {}: {error}", file.path),
                }
            }
        }
        Self { data: data.to_owned(), identity, codec, bytes_max: settings.bytes_max, held, made }
    }

    /// The segment of a stretch's file, if there is one.
    pub(crate) fn held(&self, stretch: &Stretch) -> Option<&Segment> {
        self.held.get(&stretch.file().path).map(Arc::as_ref)
    }

    /// Whether a segment of the stretch's file is being made.
    pub(crate) fn is_made(&self, stretch: &Stretch) -> bool {
        self.made.contains_key(&stretch.file().path)
    }

    /// The form of the frames.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes the frames of a stretch. What cannot be written ends the segment and nothing else.
    pub(crate) fn take(&self, stretch: &Stretch, frames: Frames) {
        let Some(writer) = self.made.get(&stretch.file().path) else { return };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match writer.as_mut() {
            Some(open) => open.take(stretch.group(), frames.rows, frames.frames, &frames.packed),
            None => return,
        };
        let outcome = match (taken, writer.as_ref().is_some_and(SegmentWriter::is_complete)) {
            (Ok(()), true) => writer.take().map_or(Ok(()), SegmentWriter::finish),
            (Ok(()), false) => return,
            (Err(error), _) => Err(error),
        };
        *writer = None;
        match outcome.and_then(|()| evict(&self.data, self.bytes_max)) {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "cannot keep a segment of {}: {error}", stretch.file().path),
        }
    }
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments").field("identity", &self.identity).finish_non_exhaustive()
    }
}
