//! Blobs in packed form: put together of the frames of segments, so that a compressed download costs about what copying it
//! costs. Its text is that of the blob, byte for byte.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use catalog::JobState;
use formats::CsvEncoder;
use futures::stream::{BoxStream, iter};
use futures::{FutureExt, StreamExt};
use lake::Stretch;

use crate::blob::BlobContent;
use crate::codec::Codec;
use crate::error::ReportError;
use crate::segment::Segment;
use crate::service::{Reports, stored_question};
use crate::writer::StoredBlob;

/// So many parts are made ready while one is sent.
const PARTS_AHEAD: usize = 2;

/// What a blob has of a row group.
struct Part {
    segment: Arc<Segment>,
    group: usize,
    /// Which bytes of the group's text.
    text: Range<u64>,
}

impl Reports {
    /// A blob as frames of `codec`, one after the other; `None` if the finished text of some of its rows is not there, as for
    /// every report of a part of an enrollment, or is damaged. The frames come from segments: as they are where those have the
    /// same form, else packed anew.
    pub async fn packed_blob(
        &self,
        blob: &BlobContent,
        codec: Codec,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, ReportError>>>, ReportError> {
        let StoredBlob { job, name, .. } = blob.stored();
        let Some(job) = self.catalog.job(job).await?.filter(|job| job.state == JobState::Completed) else {
            return Ok(None);
        };
        let blobs: Vec<StoredBlob> =
            serde_json::from_str(job.result.as_deref().unwrap_or_default()).unwrap_or_default();
        let question = stored_question(&job)?;
        let (Some(query), Some(encoder)) = (question.query(), question.encoder()) else { return Ok(None) };
        let mut header = Vec::new();
        encoder.header(&mut header);
        let Some(text) = text_of(&blobs, name, header.len() as u64) else { return Ok(None) };
        let snapshot = self.lake.snapshot_at(question.version).await?;
        let stretches = snapshot.stretches(&query, &encoder.columns_read()).await?;
        let reports = self.clone();
        let parts = tokio::task::spawn_blocking(move || reports.parts(&stretches, &encoder, codec, text)).await;
        let Some(parts) = parts.map_err(interrupted)? else { return Ok(None) };
        let mut begin = Vec::new();
        codec.pack(&header, &mut begin).map_err(unread)?;
        let packed = iter(parts)
            .map(move |part| tokio::task::spawn_blocking(move || part.packed(codec)))
            .buffered(PARTS_AHEAD)
            .map(|part| Ok(part.map_err(interrupted)?.map_err(unread)?.into()));
        let begin = async move { Ok(Bytes::from(begin)) };
        Ok(Some(begin.into_stream().chain(packed).boxed()))
    }

    /// The parts of a range of the text of all rows; `None` if some of it is not there. Blocking.
    fn parts(&self, stretches: &[Stretch], encoder: &CsvEncoder, codec: Codec, text: Range<u64>) -> Option<Vec<Part>> {
        self.settings.segments.as_ref()?;
        let identity = encoder.identity();
        let mut parts = Vec::new();
        let mut known: Option<(String, Arc<Segment>)> = None;
        let mut start = 0;
        for stretch in stretches {
            let file = stretch.file();
            let segment = match known.take() {
                Some((path, segment)) if path == file.path => segment,
                _ => {
                    let find = |codec| {
                        let data = self.lake.root().folder();
                        Segment::find(data, file, &identity, codec, stretch.groups_of_file())
                    };
                    let is_whole = stretch.is_of_whole_file();
                    Arc::new(find(codec).or_else(|| find(Codec::Zstd)).filter(|_| is_whole)?)
                }
            };
            let end = start + segment.frames(stretch.group()).text_bytes();
            let own = text.start.max(start)..text.end.min(end);
            if !own.is_empty() {
                // Nothing is begun that cannot be ended: who reads frames cannot tell where the last one should have been.
                segment.packed(stretch.group()).inspect_err(|error| segment.discard(error)).ok()?;
                let text = own.start - start..own.end - start;
                parts.push(Part { segment: segment.clone(), group: stretch.group(), text });
            }
            known = Some((file.path.clone(), segment));
            start = end;
        }
        // All of the text must be there, to the byte.
        let bytes: u64 = parts.iter().map(|part| part.text.end - part.text.start).sum();
        (bytes == text.end - text.start).then_some(parts)
    }
}

/// Which bytes of the text of all rows a blob has; `header` bytes of each blob are none of it.
fn text_of(blobs: &[StoredBlob], name: &str, header: u64) -> Option<Range<u64>> {
    let mut start = 0;
    for blob in blobs {
        let end = start + blob.bytes.checked_sub(header)?;
        if blob.name == name {
            return Some(start..end);
        }
        start = end;
    }
    None
}

impl Part {
    /// The part as frames. Blocking.
    fn packed(&self, codec: Codec) -> std::io::Result<Vec<u8>> {
        let packed = self.segment.packed(self.group).inspect_err(|error| self.segment.discard(error))?;
        let group = self.segment.frames(self.group);
        let is_ready = self.segment.codec() == codec;
        if is_ready && self.text == (0..group.text_bytes()) {
            return Ok(packed);
        }
        let (mut out, mut text) = (Vec::new(), Vec::new());
        let (mut rest, mut start) = (&packed[..], 0);
        for frame in &group.frames {
            let (own, others) = rest.split_at(frame.packed as usize);
            let end = start + u64::from(frame.text);
            let wanted = self.text.start.max(start)..self.text.end.min(end);
            if is_ready && wanted == (start..end) {
                out.extend_from_slice(own);
            } else if !wanted.is_empty() {
                text.clear();
                self.segment.codec().unpack(own, frame.text as usize, &mut text)?;
                let within = |place: u64| usize::try_from(place - start).unwrap_or(usize::MAX);
                codec.pack(&text[within(wanted.start)..within(wanted.end)], &mut out)?;
            }
            (rest, start) = (others, end);
        }
        Ok(out)
    }
}

fn unread(source: std::io::Error) -> ReportError {
    ReportError::Write { doing: "pack a blob".to_owned(), source }
}

fn interrupted(error: tokio::task::JoinError) -> ReportError {
    ReportError::Interrupted { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_blob_has_its_part_of_the_text() {
        let blob = |name: &str, bytes| StoredBlob { job: String::new(), name: name.to_owned(), bytes };
        let blobs = [blob("a", 110), blob("b", 60), blob("c", 11)];
        let found = ["a", "b", "c", "d"].map(|name| text_of(&blobs, name, 10));
        assert_eq!(found, [Some(0..100), Some(100..150), Some(150..151), None]);
        // A blob without its header is none of ours.
        assert_eq!(text_of(&blobs, "c", 12), None);
    }
}
