//! Answers that are written while they are read, without a job: for requests that wait for the whole file.

use std::io::Write;

use bytes::Bytes;
use formats::CsvEncoder;
use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use lake::{Scan, Snapshot};
use ledger::ChargeQuery;
use tokio::runtime::Handle;

use crate::codec::Codec;
use crate::error::ReportError;
use crate::ordered::{Answer, Piece, Sink, write_ordered};
use crate::question::{Question, Verdict};
use crate::service::{Reports, digest};

/// An answer about to be written.
pub struct DirectAnswer {
    digest: String,
    nothing_held: bool,
    encoder: CsvEncoder,
    query: ChargeQuery,
    snapshot: Snapshot,
    reports: Reports,
}

impl std::fmt::Debug for DirectAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DirectAnswer").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// What is still to be written.
enum Rest {
    All(CsvEncoder, Scan),
    Rows(CsvEncoder, Scan),
}

impl Reports {
    /// Begins the answer to a question, on the state of the store of this moment. Nothing is read yet.
    pub async fn direct(&self, question: &Question) -> Result<DirectAnswer, ReportError> {
        let (stored, snapshot) = self.pin(question).await?;
        let nothing_held = match &stored.verdict {
            Some(Verdict::OtherDataset(message)) => return Err(ReportError::NotHeld(message.clone())),
            Some(Verdict::NothingHeld) => true,
            None => false,
        };
        let readable = "what was just written is readable";
        let digest = digest(&stored, &snapshot, u64::MAX).expect(readable);
        let (query, encoder) = (stored.query().expect(readable), stored.encoder().expect(readable));
        Ok(DirectAnswer { digest, nothing_held, encoder, query, snapshot, reports: self.clone() })
    }
}

impl DirectAnswer {
    /// Equal for equal questions over the same files: their answers have the same bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether nothing at all is held of the time asked about.
    pub fn nothing_held(&self) -> bool {
        self.nothing_held
    }

    /// The file, header first, then piece by piece: a piece has the rows of one batch, and the next one is made when it is
    /// asked for.
    pub fn pieces(self) -> BoxStream<'static, Result<Bytes, ReportError>> {
        let scan = self.snapshot.scan(&self.query, &self.encoder.columns_read());
        try_unfold(Rest::All(self.encoder, scan), next_piece).boxed()
    }

    /// Writes the file, header first, on all threads. Gives its number of rows, and `out` back. As plain text, it has the same
    /// bytes as [`Self::pieces`]; in another form, it has the same content.
    pub async fn write_to<W: Write + Send + 'static>(self, codec: Codec, out: W) -> Result<(u64, W), ReportError> {
        let stretches = self.snapshot.stretches(&self.query, &self.encoder.columns_read()).await?;
        let handle = Handle::current();
        let written = tokio::task::spawn_blocking(move || {
            let mut header = Vec::new();
            self.encoder.header(&mut header);
            let mut bytes = Vec::new();
            codec.pack(&header, &mut bytes).map_err(unwritten)?;
            let mut file = OneFile { out, rows: 0 };
            file.take(Piece { bytes, ..Piece::default() })?;
            let segments = self.reports.segments(&stretches, &self.encoder, codec);
            let threads = self.reports.settings.threads;
            let (encoder, segments) = (&self.encoder, segments.as_ref());
            write_ordered(&Answer { stretches: &stretches, encoder, codec, segments, threads }, &mut file, &handle)?;
            file.out.flush().map_err(unwritten)?;
            Ok((file.rows, file.out))
        });
        written.await.unwrap_or_else(|error| Err(ReportError::Interrupted { reason: error.to_string() }))
    }
}

/// One file of any length.
struct OneFile<W> {
    out: W,
    rows: u64,
}

impl<W: Write + Send> Sink for OneFile<W> {
    fn take(&mut self, piece: Piece) -> Result<Piece, ReportError> {
        self.out.write_all(&piece.bytes).map_err(unwritten)?;
        self.rows += piece.rows;
        Ok(piece)
    }
}

fn unwritten(source: std::io::Error) -> ReportError {
    ReportError::Write { doing: "write the report".to_owned(), source }
}

async fn next_piece(rest: Rest) -> Result<Option<(Bytes, Rest)>, ReportError> {
    match rest {
        Rest::All(encoder, scan) => {
            let mut text = Vec::new();
            encoder.header(&mut text);
            Ok(Some((text.into(), Rest::Rows(encoder, scan))))
        }
        Rest::Rows(encoder, mut scan) => {
            let handle = tokio::runtime::Handle::current();
            // Decoding and encoding keep a core busy; other requests must not wait behind them.
            let made = tokio::task::spawn_blocking(move || {
                let Some(batch) = handle.block_on(scan.next_batch())? else { return Ok(None) };
                let mut text = Vec::new();
                encoder.rows(&batch, &mut text, &mut Vec::new())?;
                Ok(Some((text.into(), Rest::Rows(encoder, scan))))
            });
            made.await.unwrap_or_else(|error| Err(ReportError::Interrupted { reason: error.to_string() }))
        }
    }
}
