//! Writing the rows of an answer on several threads, in order and in bounded memory.
//!
//! Each thread takes the next stretch of rows, reads and encodes it. The stretch whose turn it is goes to the sink piece by
//! piece; those after it wait, encoded, for their turn. Nobody is woken to write: whoever has the turn writes.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use formats::CsvEncoder;
use lake::Stretch;
use tokio::runtime::Handle;

use crate::error::ReportError;

/// About how much text is written at once.
const PIECE_BYTES: usize = 8 << 20;
/// A thread waits for its turn when it holds so much text that others come before.
const WAITING_BYTES_MAX: usize = 40 << 20;

/// Takes text in order. Blocking.
pub(crate) trait TextSink: Send {
    /// Takes whole rows; `ends` says where each of them ends. Gives memory back to be used again.
    fn take(&mut self, text: Vec<u8>, ends: &[usize]) -> Result<Vec<u8>, ReportError>;
}

/// Rows as text.
#[derive(Default)]
struct Piece {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Whose turn it is.
struct Turn {
    stretch: usize,
    /// The first failure; it ends the work of all threads.
    failure: Option<ReportError>,
    ended: bool,
}

struct Work<'a> {
    stretches: &'a [Stretch],
    encoder: &'a CsvEncoder,
    next: AtomicUsize,
    turn: Mutex<Turn>,
    turned: Condvar,
    sink: Mutex<&'a mut dyn TextSink>,
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

/// Encodes all stretches into the sink. Blocking; not to be called on a thread that drives the runtime of `handle`.
pub(crate) fn write_ordered(
    stretches: &[Stretch],
    encoder: &CsvEncoder,
    sink: &mut dyn TextSink,
    threads: NonZeroUsize,
    handle: &Handle,
) -> Result<(), ReportError> {
    let turn = Mutex::new(Turn { stretch: 0, failure: None, ended: false });
    let work = Work {
        stretches,
        encoder,
        next: AtomicUsize::new(0),
        turn,
        turned: Condvar::new(),
        sink: Mutex::new(sink),
        handle,
    };
    std::thread::scope(|scope| {
        let threads = threads.get().min(stretches.len());
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
            let Some(stretch) = self.stretches.get(number) else { return };
            match self.write(number, stretch, &mut spare) {
                Ok(()) => {}
                Err(Stopped::Elsewhere) => return,
                Err(Stopped::Here(error)) => return self.end(Some(error)),
            }
        }
    }

    /// Reads and encodes a stretch; what is written while others come before waits.
    fn write(&self, number: usize, stretch: &Stretch, spare: &mut Piece) -> Result<(), Stopped> {
        let mut waiting: Vec<Piece> = Vec::new();
        let mut waiting_bytes = 0;
        let mut rows = self.handle.block_on(stretch.open())?;
        while let Some(batch) = self.handle.block_on(rows.next_batch())? {
            let prepared = self.encoder.prepare(&batch)?;
            let mut row = 0;
            while row < prepared.len() {
                let mut piece = std::mem::take(spare);
                row += prepared.write_some(row, PIECE_BYTES, &mut piece.text, &mut piece.ends);
                if waiting_bytes > WAITING_BYTES_MAX || self.is_turn(number)? {
                    self.wait(number)?;
                    for waited in waiting.drain(..) {
                        self.give(waited)?;
                    }
                    waiting_bytes = 0;
                    *spare = self.give(piece)?;
                } else {
                    waiting_bytes += piece.text.len();
                    waiting.push(piece);
                }
            }
        }
        self.wait(number)?;
        for waited in waiting {
            *spare = self.give(waited)?;
        }
        let mut turn = self.turn();
        turn.stretch = number + 1;
        self.turned.notify_all();
        Ok(())
    }

    /// Gives a piece to the sink; an empty one comes back.
    fn give(&self, mut piece: Piece) -> Result<Piece, Stopped> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        piece.text = sink.take(piece.text, &piece.ends)?;
        piece.text.clear();
        piece.ends.clear();
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
