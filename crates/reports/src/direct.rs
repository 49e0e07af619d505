//! Answers that are written while they are read, without a job: for requests that wait for the whole file.

use bytes::Bytes;
use formats::CsvEncoder;
use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use lake::Scan;

use crate::error::ReportError;
use crate::question::{Question, Verdict};
use crate::service::{Reports, digest};

/// An answer about to be written.
pub struct DirectAnswer {
    digest: String,
    nothing_held: bool,
    encoder: CsvEncoder,
    scan: Scan,
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
        let scan = snapshot.scan(&query, &encoder.columns_read());
        Ok(DirectAnswer { digest, nothing_held, encoder, scan })
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
        try_unfold(Rest::All(self.encoder, self.scan), next_piece).boxed()
    }
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
