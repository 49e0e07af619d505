//! Writing the rows of an answer on several threads, in order and in bounded memory.
//!
//! Each thread takes the next stretch of rows, reads and encodes it. The stretch whose turn it is goes to the sink piece by
//! piece; those after it wait, encoded, for their turn. Nobody is woken to write: whoever has the turn writes.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use formats::CsvEncoder;
use lake::{Asked, Stretch, StretchRows};
use tokio::runtime::Handle;

use crate::codec::Codec;
use crate::error::ReportError;
use crate::segment::Segment;
use crate::segments::{Frames, Segments};

/// About how much text is written at once.
const PIECE_BYTES: usize = 8 << 20;
/// A thread waits for its turn when it holds so much text that others come before.
const WAITING_BYTES_MAX: usize = 40 << 20;
/// A frame has whole rows of one stretch, and ends with the row with which its text has this many bytes. Raise
/// `segment::FORMAT` with it.
const FRAME_BYTES: usize = 1 << 20;

/// Takes the bytes of an answer in order. Blocking.
pub(crate) trait Sink: Send {
    /// Takes whole rows. Gives memory back to be used again.
    fn take(&mut self, piece: Piece) -> Result<Piece, ReportError>;
}

/// Rows as they are written.
#[derive(Default)]
pub(crate) struct Piece {
    /// Text, or frames of it.
    pub(crate) bytes: Vec<u8>,
    /// How many rows.
    pub(crate) rows: u64,
    /// Where each row ends in the text, if that is known.
    pub(crate) ends: Vec<usize>,
}

/// An answer to be written.
pub(crate) struct Answer<'a> {
    pub(crate) stretches: &'a [Stretch],
    pub(crate) encoder: &'a CsvEncoder,
    pub(crate) codec: Codec,
    /// Finished text of whole files; `None`: every row is encoded.
    pub(crate) segments: Option<&'a Segments>,
    pub(crate) threads: NonZeroUsize,
}

/// Whose turn it is.
struct Turn {
    stretch: usize,
    /// The first failure; it ends the work of all threads.
    failure: Option<ReportError>,
    ended: bool,
}

struct Work<'a> {
    answer: &'a Answer<'a>,
    next: AtomicUsize,
    turn: Mutex<Turn>,
    turned: Condvar,
    sink: Mutex<&'a mut dyn Sink>,
    handle: &'a Handle,
}

/// Why a thread stops before its end: another one failed, or it failed itself.
enum Stopped {
    Elsewhere,
    Here(ReportError),
}

impl<E: Into<ReportError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Here(error.into())
    }
}

/// Writes an answer into the sink. Blocking; not to be called on a thread that drives the runtime of `handle`.
pub(crate) fn write_ordered<'a>(
    answer: &'a Answer<'a>,
    sink: &'a mut dyn Sink,
    handle: &'a Handle,
) -> Result<(), ReportError> {
    let turn = Mutex::new(Turn { stretch: 0, failure: None, ended: false });
    let sink = Mutex::new(sink);
    let work = Work { answer, next: AtomicUsize::new(0), turn, turned: Condvar::new(), sink, handle };
    std::thread::scope(|scope| {
        let threads = answer.threads.get().min(answer.stretches.len());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.run())).collect();
        for worker in workers {
            if worker.join().is_err() {
                let reason = "a thread that encoded rows panicked".to_owned();
                work.end(Some(ReportError::Interrupted { reason }));
            }
        }
    });
    let turn = work.turn.into_inner().unwrap_or_else(PoisonError::into_inner);
    turn.failure.map_or(Ok(()), Err)
}

/// Ends the work of all threads if its own panics.
struct EndOnPanic<'a, 'b>(&'a Work<'b>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(Some(ReportError::Interrupted { reason: "a thread that encoded rows panicked".to_owned() }));
        }
    }
}

impl Work<'_> {
    fn run(&self) {
        let _guard = EndOnPanic(self);
        let mut spare = Piece::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(stretch) = self.answer.stretches.get(number) else { return };
            let mut outlet = Outlet { work: self, number, waiting: Vec::new(), waiting_bytes: 0, spare };
            match self.write(stretch, &mut outlet).and_then(|()| outlet.finish()) {
                Ok(piece) => spare = piece,
                Err(Stopped::Elsewhere) => return,
                Err(Stopped::Here(error)) => return self.end(Some(error)),
            }
        }
    }

    fn write(&self, stretch: &Stretch, outlet: &mut Outlet<'_, '_>) -> Result<(), Stopped> {
        let asked = self.handle.block_on(stretch.asked())?;
        if let (Asked::All, Some(segment)) = (&asked, self.answer.segments.and_then(|own| own.held(stretch))) {
            match self.pieces_of(segment, stretch.group()) {
                Ok(pieces) => return pieces.into_iter().try_for_each(|piece| outlet.put(piece)),
                Err(error) => segment.discard(&error),
            }
        }
        let rows = stretch.read(asked)?;
        let segments = self.answer.segments.filter(|segments| segments.is_made(stretch));
        match (self.answer.codec, segments) {
            (Codec::Plain, None) => self.encode(rows, outlet),
            (codec, segments) => self.encode_frames(rows, codec, segments.map(|own| (own, stretch)), outlet),
        }
    }

    /// The rows of a row group, from its finished text.
    fn pieces_of(&self, segment: &Segment, group: usize) -> std::io::Result<Vec<Piece>> {
        let mut rows = segment.frames(group).rows;
        let texts = match self.answer.codec {
            Codec::Plain => segment.texts(group, PIECE_BYTES)?,
            _ => vec![segment.packed(group)?],
        };
        // The rows of a group are counted with its first piece.
        let piece = |bytes| Piece { bytes, rows: std::mem::take(&mut rows), ends: Vec::new() };
        Ok(texts.into_iter().map(piece).collect())
    }

    /// Writes rows as plain text.
    fn encode(&self, mut rows: StretchRows, outlet: &mut Outlet<'_, '_>) -> Result<(), Stopped> {
        while let Some(batch) = self.handle.block_on(rows.next_batch())? {
            let prepared = self.answer.encoder.prepare(&batch)?;
            let mut row = 0;
            while row < prepared.len() {
                let mut piece = outlet.empty_piece();
                let written = prepared.write_some(row, PIECE_BYTES, &mut piece.bytes, &mut piece.ends);
                piece.rows = written as u64;
                row += written;
                outlet.put(piece)?;
            }
        }
        Ok(())
    }

    /// Writes rows, frame by frame, in the form that is asked for, and packs them for a segment that is being made.
    fn encode_frames(
        &self,
        mut rows: StretchRows,
        codec: Codec,
        segment: Option<(&Segments, &Stretch)>,
        outlet: &mut Outlet<'_, '_>,
    ) -> Result<(), Stopped> {
        let packed_as = segment.map_or(codec, |(segments, _)| segments.codec());
        let mut frames = Frames::default();
        let mut packed = Ok(());
        let mut piece = outlet.empty_piece();
        let mut text = Vec::new();
        while let Some(batch) = self.handle.block_on(rows.next_batch())? {
            let prepared = self.answer.encoder.prepare(&batch)?;
            let mut row = 0;
            while row < prepared.len() {
                text.clear();
                let start = if codec == Codec::Plain { piece.bytes.len() } else { 0 };
                let out = if codec == Codec::Plain { &mut piece.bytes } else { &mut text };
                let written = prepared.write_some(row, start + FRAME_BYTES, out, &mut piece.ends);
                row += written;
                piece.rows += written as u64;
                packed = packed.and_then(|()| frames.pack(packed_as, &out[start..], written as u64));
                if codec == Codec::Plain && piece.bytes.len() >= PIECE_BYTES {
                    outlet.put(piece)?;
                    piece = outlet.empty_piece();
                }
            }
        }
        match (codec, packed) {
            (Codec::Plain, Err(error)) => tracing::warn!(%error, "cannot keep a segment: {error}"),
            (_, Err(source)) => {
                return Err(ReportError::Write { doing: "pack the report".to_owned(), source }.into());
            }
            (_, Ok(())) => {
                if codec != Codec::Plain {
                    piece.bytes.extend_from_slice(&frames.packed);
                    piece.ends.clear();
                }
                if let Some((segments, stretch)) = segment {
                    segments.take(stretch, frames);
                }
            }
        }
        outlet.put(piece)
    }

    /// Gives a piece to the sink; an empty one comes back.
    fn give(&self, piece: Piece) -> Result<Piece, Stopped> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = sink.take(piece)?;
        piece.bytes.clear();
        piece.ends.clear();
        piece.rows = 0;
        Ok(piece)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_turn(&self, number: usize) -> Result<bool, Stopped> {
        let turn = self.turn();
        if turn.ended { Err(Stopped::Elsewhere) } else { Ok(turn.stretch == number) }
    }

    fn wait(&self, number: usize) -> Result<(), Stopped> {
        let mut turn = self.turn();
        while !turn.ended && turn.stretch != number {
            turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        if turn.ended { Err(Stopped::Elsewhere) } else { Ok(()) }
    }

    fn end(&self, failure: Option<ReportError>) {
        let mut turn = self.turn();
        turn.ended = true;
        turn.failure = turn.failure.take().or(failure);
        self.turned.notify_all();
    }
}

/// Where the pieces of a stretch go: to the sink in its turn, and wait until then.
struct Outlet<'a, 'b> {
    work: &'a Work<'b>,
    number: usize,
    waiting: Vec<Piece>,
    waiting_bytes: usize,
    spare: Piece,
}

impl Outlet<'_, '_> {
    fn empty_piece(&mut self) -> Piece {
        std::mem::take(&mut self.spare)
    }

    fn put(&mut self, piece: Piece) -> Result<(), Stopped> {
        if self.waiting_bytes <= WAITING_BYTES_MAX && !self.work.is_turn(self.number)? {
            self.waiting_bytes += piece.bytes.len();
            self.waiting.push(piece);
            return Ok(());
        }
        self.flush()?;
        self.spare = self.work.give(piece)?;
        Ok(())
    }

    /// Waits for the turn and gives what waited.
    fn flush(&mut self) -> Result<(), Stopped> {
        self.work.wait(self.number)?;
        for waited in self.waiting.drain(..) {
            self.spare = self.work.give(waited)?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Ends the turn; an empty piece comes back.
    fn finish(mut self) -> Result<Piece, Stopped> {
        self.flush()?;
        let mut turn = self.work.turn();
        turn.stretch = self.number + 1;
        self.work.turned.notify_all();
        Ok(self.spare)
    }
}
