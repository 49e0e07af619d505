//! Threads that read a source: one takes its text from the disk and hashes it, the others compress and read blocks, and the
//! caller's own puts them together in file order.
//!
//! They work in rounds. Between rounds nobody reads, so that the rows of all threads can be encoded when they are many. How
//! many blocks are under way is bounded by the buffers there are.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use formats::{Block, BlockReader, BlockRows, CodedRows, InputError, SourceBlocks, SourceRows};
use lake::RowStage;

use crate::error::ImportError;
use crate::options::Progress;
use crate::sources::{FrameCompressor, FramedCopy};

/// Blocks of a round: what is read before anybody looks at how much memory is used.
const ROUND_BLOCKS: usize = 64;
/// Buffers beside those that threads work on.
const BUFFERS_WAITING: usize = 4;

/// The threads of one source.
pub(crate) struct Crew<'c, 's> {
    rows: SourceRows<'s>,
    copy: FramedCopy,
    stage: &'c mut RowStage,
    one_export: bool,
    members: Vec<Member>,
}

/// What one thread knows, and the rows that it has read.
struct Member {
    /// `None`: the rows of this source must be read one by one.
    reader: Option<BlockReader>,
    compressor: FrameCompressor,
    rows: Vec<CodedRows>,
}

/// A block that somebody has worked on.
struct Done {
    member: usize,
    block: Block,
    read: Option<BlockRows>,
    frame: std::io::Result<Vec<u8>>,
}

/// What a source's thread hands on: the next block, or why there is none.
type Next = (usize, Result<Block, InputError>);

impl Member {
    fn work(&mut self, member: usize, block: Block) -> Done {
        let frame = self.compressor.frame(&block.text);
        let read = self.reader.as_mut().and_then(|reader| reader.read(&block));
        Done { member, block, read, frame }
    }
}

impl<'c, 's> Crew<'c, 's> {
    pub(crate) fn new(
        rows: SourceRows<'s>,
        copy: FramedCopy,
        stage: &'c mut RowStage,
        one_export: bool,
        threads: usize,
    ) -> Result<Self, ImportError> {
        let mut members = Vec::new();
        for _ in 0..threads.max(1) {
            let compressor = FrameCompressor::new().map_err(ImportError::io("keep a copy of the source"))?;
            let reader = rows.plan().has_spans().then(|| BlockReader::new(rows.plan().clone()));
            members.push(Member { reader, compressor, rows: Vec::new() });
        }
        Ok(Self { rows, copy, stage, one_export, members })
    }

    /// Reads the source to its end; `first` is what was read of it already.
    pub(crate) fn read(
        mut self,
        file: &str,
        blocks: &mut SourceBlocks<File>,
        first: Block,
        progress: &dyn Progress,
    ) -> Result<SourceRows<'s>, ImportError> {
        let mut ended = first.last;
        let first = self.members[0].work(0, first);
        let mut read = vec![Vec::new()];
        take(&mut self.rows, &mut self.copy, &mut read, first)?;
        self.members[0].rows.extend(read.into_iter().flatten());
        while !ended {
            ended = self.round(file, blocks, progress)?;
            let memory: usize = self.members.iter().map(Member::memory).sum();
            let rows: usize = self.members.iter().flat_map(|member| &member.rows).map(CodedRows::len).sum();
            if !ended && self.stage.is_full(rows, memory + self.rows.memory()) {
                self.hand_over();
                self.stage.encode(self.one_export)?;
            }
        }
        self.hand_over();
        Ok(self.rows)
    }

    /// One round; true at the end of the source.
    fn round(
        &mut self,
        file: &str,
        blocks: &mut SourceBlocks<File>,
        progress: &dyn Progress,
    ) -> Result<bool, ImportError> {
        let Self { rows, copy, members, .. } = self;
        let buffers = members.len() + BUFFERS_WAITING;
        let (give_block, take_block) = sync_channel::<Next>(buffers);
        let (give_done, take_done) = sync_channel::<(usize, Result<Done, InputError>)>(buffers);
        let (give_buffer, take_buffer) = sync_channel::<Vec<u8>>(buffers);
        let take_block = Mutex::new(take_block);
        for _ in 0..buffers {
            give_buffer.send(Vec::new()).expect("the channel holds all buffers");
        }
        let mut read: Vec<Vec<CodedRows>> = members.iter().map(|_| Vec::new()).collect();
        let ended = std::thread::scope(|scope| {
            let source = scope.spawn(move || supply(file, blocks, &take_buffer, give_block, progress));
            let mut workers = Vec::new();
            for (number, member) in members.iter_mut().enumerate() {
                let (take_block, give_done) = (&take_block, give_done.clone());
                workers.push(scope.spawn(move || labour(number, member, take_block, &give_done)));
            }
            drop(give_done);
            let taken = take_all(take_done, give_buffer, |done| take(rows, copy, &mut read, done));
            let panicked = workers.into_iter().fold(false, |any, worker| worker.join().is_err() | any);
            match (source.join(), panicked) {
                (Ok(ended), false) => taken.map(|()| ended),
                _ => Err(ImportError::Worker { reason: "a reading thread panicked".into() }),
            }
        })?;
        for (member, read) in members.iter_mut().zip(read) {
            member.rows.extend(read);
        }
        Ok(ended)
    }

    /// Gives all rows, and the tables that their numbers are of, to the stage.
    fn hand_over(&mut self) {
        for member in &mut self.members {
            if let Some(reader) = &mut member.reader
                && !member.rows.is_empty()
            {
                self.stage.add(reader.take_table(), std::mem::take(&mut member.rows));
            }
        }
        if let Some((table, rows)) = self.rows.take_slow() {
            self.stage.add(table, rows);
        }
    }
}

/// Takes a block of the file into the rows of the source, and its copy into the copy.
fn take(
    rows: &mut SourceRows<'_>,
    copy: &mut FramedCopy,
    read: &mut [Vec<CodedRows>],
    done: Done,
) -> Result<Vec<u8>, ImportError> {
    let Done { member, block, read: block_rows, frame } = done;
    let keeping = || ImportError::io("keep a copy of the source");
    copy.push(&frame.map_err(keeping())?).map_err(keeping())?;
    read[member].extend(rows.take(&block, block_rows)?);
    Ok(block.text)
}

/// Reads blocks as long as there are buffers for them; true if the source has ended.
fn supply(
    file: &str,
    blocks: &mut SourceBlocks<File>,
    take_buffer: &Receiver<Vec<u8>>,
    give_block: SyncSender<Next>,
    progress: &dyn Progress,
) -> bool {
    for number in 0..ROUND_BLOCKS {
        // Whoever takes the blocks ended early.
        let Ok(buffer) = take_buffer.recv() else { return false };
        let next = match blocks.next_block(file, buffer) {
            Ok(Some(block)) => Ok(block),
            Ok(None) => return true,
            Err(error) => Err(error),
        };
        progress.read(blocks.input_bytes());
        let ended = next.as_ref().map_or(true, |block| block.last);
        if give_block.send((number, next)).is_err() {
            return false;
        }
        if ended {
            return true;
        }
    }
    false
}

/// Works on blocks until there are none.
fn labour(
    number: usize,
    member: &mut Member,
    take_block: &Mutex<Receiver<Next>>,
    give_done: &SyncSender<(usize, Result<Done, InputError>)>,
) {
    loop {
        let next = take_block.lock().expect("no thread panics while it waits").recv();
        let Ok((place, block)) = next else { return };
        if give_done.send((place, block.map(|block| member.work(number, block)))).is_err() {
            return;
        }
    }
}

/// Takes what is done in the order of the file, and gives the buffers back.
fn take_all(
    take_done: Receiver<(usize, Result<Done, InputError>)>,
    give_buffer: SyncSender<Vec<u8>>,
    mut take: impl FnMut(Done) -> Result<Vec<u8>, ImportError>,
) -> Result<(), ImportError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (place, done) in take_done {
        early.insert(place, done);
        while let Some(done) = early.remove(&next) {
            let buffer = take(done?)?;
            // The source may have ended.
            _ = give_buffer.send(buffer);
            next += 1;
        }
    }
    Ok(())
}

impl Member {
    fn memory(&self) -> usize {
        self.rows.iter().map(CodedRows::memory).sum::<usize>() + self.reader.as_ref().map_or(0, BlockReader::memory)
    }
}
