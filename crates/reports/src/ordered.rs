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

/// About how much text is written at once: so much that writing takes longer than the way to it, so little that it is still
/// in the cache of the core that made it.
const PIECE_BYTES: usize = 1 << 20;
/// A thread waits for its turn when it holds so much text that others come before.
const WAITING_BYTES_MAX: usize = 40 << 20;
/// A frame has whole rows of one stretch, and ends with the row with which its text has this many bytes. Raise
/// `segment::FORMAT` with it.
const FRAME_BYTES: usize = 1 << 20;

/// Takes the bytes of an answer in order. Blocking.
pub(crate) trait Sink: Send {
    /// Takes whole rows. Gives memory back to be used again.
    fn take(&mut self, piece: Piece) -> Result<Piece, ReportError>;

    /// About how many bytes it wants at once.
    fn piece_bytes(&self) -> usize {
        PIECE_BYTES
    }
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
    piece_bytes: usize,
    /// Memory of pieces that were written, with what was in it.
    spare: Mutex<Vec<Piece>>,
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
    let piece_bytes = sink.piece_bytes();
    let (sink, spare) = (Mutex::new(sink), Mutex::default());
    let work =
        Work { answer, next: AtomicUsize::new(0), turn, turned: Condvar::new(), sink, piece_bytes, spare, handle };
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
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(stretch) = self.answer.stretches.get(number) else { return };
            let mut outlet = Outlet { work: self, number, waiting: Vec::new(), waiting_bytes: 0 };
            match self.write(stretch, &mut outlet).and_then(|()| outlet.finish()) {
                Ok(()) => {}
                Err(Stopped::Elsewhere) => return,
                Err(Stopped::Here(error)) => return self.end(Some(error)),
            }
        }
    }

    fn write(&self, stretch: &Stretch, outlet: &mut Outlet<'_, '_>) -> Result<(), Stopped> {
        let asked = self.handle.block_on(stretch.asked())?;
        if let (Asked::All, Some(segment)) = (&asked, self.answer.segments.and_then(|own| own.held(stretch)))
            && self.give_finished(segment, stretch.group(), outlet)?
        {
            return Ok(());
        }
        let rows = stretch.read(asked)?;
        let segments = self.answer.segments.filter(|segments| segments.is_made(stretch));
        match (self.answer.codec, segments) {
            (Codec::Plain, None) => self.encode(rows, outlet),
            (codec, segments) => self.encode_frames(rows, codec, segments.map(|own| (own, stretch)), outlet),
        }
    }

    /// Gives the rows of a row group from its finished text. `false`: it is damaged, and nothing was given.
    fn give_finished(&self, segment: &Segment, group: usize, outlet: &mut Outlet<'_, '_>) -> Result<bool, Stopped> {
        let damaged = |error: &std::io::Error| {
            segment.discard(error);
            Ok(false)
        };
        let packed = match segment.packed(group) {
            Ok(packed) => packed,
            Err(error) => return damaged(&error),
        };
        let group = segment.frames(group);
        // The rows of a group are counted with its first piece.
        let mut rows = group.rows;
        if self.answer.codec != Codec::Plain {
            outlet.put(Piece { bytes: packed, rows, ends: Vec::new() })?;
            return Ok(true);
        }
        let mut rest = &packed[..];
        let (mut piece, mut filled) = (self.used_piece(), 0);
        for (number, frame) in group.frames.iter().enumerate() {
            let (own, others) = rest.split_at(frame.packed as usize);
            rest = others;
            let end = filled + frame.text as usize;
            // What is in the memory is written over, not cleared before.
            if piece.bytes.len() < end {
                piece.bytes.resize(end, 0);
            }
            if let Err(source) = segment.codec().unpack_to(own, &mut piece.bytes[filled..end]) {
                if rows == group.rows {
                    return damaged(&source);
                }
                // Frames whose hash is right cannot be read: nothing but an error of this program does that.
                segment.discard(&source);
                return Err(ReportError::Write { doing: "unpack a segment".to_owned(), source }.into());
            }
            filled = end;
            if filled >= self.piece_bytes || number + 1 == group.frames.len() {
                piece.bytes.truncate(filled);
                piece.ends.clear();
                piece.rows = std::mem::take(&mut rows);
                outlet.put(piece)?;
                (piece, filled) = (self.used_piece(), 0);
            }
        }
        Ok(true)
    }

    /// Writes rows as plain text.
    fn encode(&self, mut rows: StretchRows, outlet: &mut Outlet<'_, '_>) -> Result<(), Stopped> {
        while let Some(batch) = self.handle.block_on(rows.next_batch())? {
            let prepared = self.answer.encoder.prepare(&batch)?;
            let mut row = 0;
            while row < prepared.len() {
                let mut piece = self.empty_piece();
                let written = prepared.write_some(row, self.piece_bytes, &mut piece.bytes, &mut piece.ends);
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
        let mut piece = self.empty_piece();
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
                if codec == Codec::Plain && piece.bytes.len() >= self.piece_bytes {
                    outlet.put(piece)?;
                    piece = self.empty_piece();
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

    /// Gives a piece to the sink.
    fn give(&self, piece: Piece) -> Result<(), Stopped> {
        let piece = self.sink.lock().unwrap_or_else(PoisonError::into_inner).take(piece)?;
        // Packed pieces are made of memory of their own: kept, they would add up to the whole report.
        if self.answer.codec == Codec::Plain {
            self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        }
        Ok(())
    }

    /// Memory of a piece that was written, with what was in it.
    fn used_piece(&self) -> Piece {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn empty_piece(&self) -> Piece {
        let Piece { mut bytes, mut ends, .. } = self.used_piece();
        bytes.clear();
        ends.clear();
        Piece { bytes, rows: 0, ends }
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
}

impl Outlet<'_, '_> {
    fn put(&mut self, piece: Piece) -> Result<(), Stopped> {
        if self.waiting_bytes <= WAITING_BYTES_MAX && !self.work.is_turn(self.number)? {
            self.waiting_bytes += piece.bytes.len();
            self.waiting.push(piece);
            return Ok(());
        }
        self.flush()?;
        self.work.give(piece)
    }

    /// Waits for the turn and gives what waited.
    fn flush(&mut self) -> Result<(), Stopped> {
        self.work.wait(self.number)?;
        for waited in self.waiting.drain(..) {
            self.work.give(waited)?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Ends the turn.
    fn finish(mut self) -> Result<(), Stopped> {
        self.flush()?;
        let mut turn = self.work.turn();
        turn.stretch = self.number + 1;
        self.work.turned.notify_all();
        Ok(())
    }
}
