//! Long request bodies: written to a working file while they come in, decompressed on the way, bounded in bytes and time.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use imports::{Store, upload_folder};
use tempfile::TempDir;
use tokio::sync::mpsc::{Receiver, channel};

use super::UsageRefusal;
use crate::arm::ApiError;

/// A client that sends nothing for so long has gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Pieces of a body that may wait for the disk.
const PIECES_WAITING_MAX: usize = 8;
/// Name of the working file.
const FILE: &str = "body";

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// A body in a working file, which is removed with its value.
#[derive(Debug)]
pub(super) struct Upload {
    _folder: TempDir,
    path: PathBuf,
}

/// Why a body is not written.
enum Fault {
    TooLarge,
    NotGzip,
    Disk(io::Error),
}

impl Upload {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a body to a file. What is longer than `bytes_max`, as it is sent or without compression, is refused.
    pub(super) async fn receive(
        store: &Store,
        body: &mut Body,
        encoding: Encoding,
        bytes_max: u64,
    ) -> Result<Self, ApiError> {
        if body.size_hint().lower() > bytes_max {
            return Err(UsageRefusal::too_large(bytes_max));
        }
        let folder = upload_folder(store).map_err(|error| ApiError::Internal(error.into()))?;
        let path = folder.path().join(FILE);
        let (sender, receiver) = channel(PIECES_WAITING_MAX);
        let target = path.clone();
        let writing = tokio::task::spawn_blocking(move || write(&target, receiver, encoding, bytes_max));
        let mut came_to_its_end = Ok(());
        loop {
            let frame = match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
                Ok(Some(Err(_))) => {
                    came_to_its_end = Err(ApiError::BadRequest("The request body ended early.".to_owned()));
                    break;
                }
                Err(_) => {
                    came_to_its_end = Err(ApiError::RequestTimeout);
                    break;
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            // Who writes has found a fault: it is told below.
            if sender.send(data).await.is_err() {
                break;
            }
        }
        drop(sender);
        let written = writing.await.map_err(|error| ApiError::Internal(error.into()))?;
        came_to_its_end?;
        match written {
            Ok(()) => Ok(Self { _folder: folder, path }),
            Err(Fault::TooLarge) => Err(UsageRefusal::too_large(bytes_max)),
            Err(Fault::NotGzip) => Err(ApiError::BadRequest(
                "The request body is not gzip, as its Content-Encoding says, or it is cut off.".to_owned(),
            )),
            Err(Fault::Disk(error)) => Err(ApiError::Internal(error.into())),
        }
    }
}

/// Counts what is written, and ends at a limit.
struct Limited {
    file: BufWriter<File>,
    left: u64,
    is_full: bool,
    failed: Option<io::Error>,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len() as u64;
        if length > self.left {
            self.is_full = true;
            return Err(io::Error::other("the limit is reached"));
        }
        if let Err(error) = self.file.write_all(bytes) {
            let kind = error.kind();
            self.failed = Some(error);
            return Err(kind.into());
        }
        self.left -= length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Limited {
    /// What a failure of the writer above means.
    fn fault(&mut self, error: io::Error) -> Fault {
        match self.failed.take() {
            _ if self.is_full => Fault::TooLarge,
            Some(own) => Fault::Disk(own),
            None if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
            {
                Fault::NotGzip
            }
            None => Fault::Disk(error),
        }
    }
}

/// Writes the pieces to a file until there are no more. Blocking.
fn write(path: &Path, mut pieces: Receiver<Bytes>, encoding: Encoding, bytes_max: u64) -> Result<(), Fault> {
    let file = BufWriter::new(File::create(path).map_err(Fault::Disk)?);
    let mut limited = Limited { file, left: bytes_max, is_full: false, failed: None };
    match encoding {
        Encoding::Identity => {
            while let Some(piece) = pieces.blocking_recv() {
                limited.write_all(&piece).map_err(|error| limited.fault(error))?;
            }
            limited.flush().map_err(Fault::Disk)
        }
        Encoding::Gzip => {
            let mut decoder = MultiGzDecoder::new(limited);
            while let Some(piece) = pieces.blocking_recv() {
                if let Err(error) = decoder.write_all(&piece) {
                    return Err(decoder.get_mut().fault(error));
                }
            }
            if let Err(error) = decoder.try_finish() {
                return Err(decoder.get_mut().fault(error));
            }
            decoder.get_mut().flush().map_err(Fault::Disk)
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn written(pieces: &[&[u8]], encoding: Encoding, bytes_max: u64) -> Result<Vec<u8>, &'static str> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let (sender, receiver) = channel(pieces.len().max(1));
        for piece in pieces {
            sender.try_send(Bytes::copy_from_slice(piece)).unwrap();
        }
        drop(sender);
        match write(&path, receiver, encoding, bytes_max) {
            Ok(()) => Ok(std::fs::read(&path).unwrap()),
            Err(Fault::TooLarge) => Err("too large"),
            Err(Fault::NotGzip) => Err("not gzip"),
            Err(Fault::Disk(_)) => Err("disk"),
        }
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_written_within_its_limit_with_and_without_compression() {
        assert_eq!(written(&[b"ab", b"", b"c"], Encoding::Identity, 3), Ok(b"abc".to_vec()));
        assert_eq!(written(&[b"ab", b"c"], Encoding::Identity, 2), Err("too large"));
        assert_eq!(written(&[], Encoding::Identity, 0), Ok(Vec::new()));
        let packed = gzip(b"abcdef");
        let (head, tail) = packed.split_at(7);
        assert_eq!(written(&[head, tail], Encoding::Gzip, 6), Ok(b"abcdef".to_vec()));
        assert_eq!(written(&[head, tail, &gzip(b"gh")], Encoding::Gzip, 8), Ok(b"abcdefgh".to_vec()));
        assert_eq!(written(&[&gzip(&[b'x'; 100_000])], Encoding::Gzip, 99_999), Err("too large"));
    }

    #[test]
    fn what_is_no_gzip_or_cut_off_is_refused() {
        let packed = gzip(b"abcdef");
        assert_eq!(written(&[b"{\"quantity\":1}"], Encoding::Gzip, 1000), Err("not gzip"));
        assert_eq!(written(&[&packed[..packed.len() - 9]], Encoding::Gzip, 1000), Err("not gzip"));
    }
}
