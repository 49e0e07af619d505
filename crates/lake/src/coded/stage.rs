//! Where the rows of an import wait until everything is read: as numbers as long as memory allows, then encoded, in a
//! working file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use formats::{CellTable, CodedRows};
use object_store::ObjectStore;
use object_store::path::Path;

use super::chunk::Chunk;
use super::encode::{EncodedPeriod, encode_rows};
use super::files::{group_format, write_file};
use super::group::GroupFormat;
use crate::error::LakeError;
use crate::file::LakeFile;
use crate::write::FileTarget;

/// Rows that are sorted together. More make several sorted files.
const ROWS_MAX: usize = 1 << 20;
/// Bytes of rows and tables that are sorted together.
const MEMORY_MAX: usize = 192 << 20;
/// Fewer rows are encoded without threads of their own.
const THREADED_ROWS: usize = 1 << 15;

/// The rows of an import.
pub struct RowStage {
    folder: PathBuf,
    format: GroupFormat,
    threads: usize,
    pub(super) tables: Vec<CellTable>,
    pub(super) rows: Vec<CodedRows>,
    memory: usize,
    units: Vec<Unit>,
    staged: StagedBytes,
}

/// Rows that were encoded together before the end of the import.
struct Unit {
    sources: BTreeSet<i32>,
    periods: Vec<EncodedPeriod>,
}

/// Encoded column chunks in a working file, one behind the other.
#[derive(Default)]
pub(crate) struct StagedBytes {
    file: Option<Mutex<File>>,
    length: u64,
}

impl RowStage {
    /// A stage whose working files go to `folder`, which the caller removes afterwards.
    pub fn new(folder: PathBuf, threads: usize) -> Result<Self, LakeError> {
        let format = group_format()?;
        Ok(Self {
            folder,
            format,
            threads: threads.max(1),
            tables: Vec::new(),
            rows: Vec::new(),
            memory: 0,
            units: Vec::new(),
            staged: StagedBytes::default(),
        })
    }

    /// Takes rows and the table that their numbers are of.
    pub fn add(&mut self, table: CellTable, rows: Vec<CodedRows>) {
        if rows.is_empty() {
            return;
        }
        self.memory += table.memory();
        let number = self.tables.len();
        self.tables.push(table);
        for mut block in rows {
            block.table = number;
            self.memory += block.memory();
            self.rows.push(block);
        }
    }

    /// Whether the rows should be encoded before there are more, given what is not here yet.
    pub fn is_full(&self, rows_elsewhere: usize, memory_elsewhere: usize) -> bool {
        let rows: usize = self.rows.iter().map(CodedRows::len).sum();
        rows + rows_elsewhere >= ROWS_MAX || self.memory + memory_elsewhere >= MEMORY_MAX
    }

    /// Encodes all rows that wait and puts them aside. Sources that can turn out to be of different enrollments or datasets
    /// are kept apart, unless they are known to be `one_export`.
    pub fn encode(&mut self, one_export: bool) -> Result<(), LakeError> {
        let sources: BTreeSet<i32> = self.rows.iter().map(|block| block.source_index).collect();
        let together: Vec<BTreeSet<i32>> = match one_export {
            true => vec![sources],
            false => sources.into_iter().map(|source| BTreeSet::from([source])).collect(),
        };
        for sources in together {
            let mut periods = self.encoded(&sources)?;
            self.staged.put(&self.folder, &mut periods)?;
            self.units.push(Unit { sources, periods });
        }
        self.tables.clear();
        self.rows.clear();
        self.memory = 0;
        Ok(())
    }

    /// Writes the rows of some sources as files, one or more per billing period. The files are durable but not part of the
    /// table until they are committed. Blocking; to be used inside of a runtime's context.
    pub fn write(
        &mut self,
        sources: &BTreeSet<i32>,
        target: &FileTarget,
        table: &(Arc<dyn ObjectStore>, Path),
        progress: &dyn Fn(u64),
    ) -> Result<Vec<LakeFile>, LakeError> {
        let (own, others) = std::mem::take(&mut self.units)
            .into_iter()
            .partition::<Vec<_>, _>(|unit| unit.sources.iter().any(|source| sources.contains(source)));
        self.units = others;
        let mut periods: Vec<EncodedPeriod> = own.into_iter().flat_map(|unit| unit.periods).collect();
        periods.extend(self.encoded(sources)?);
        // Files of one period stand one after the other.
        periods.sort_by_key(|period| period.period);
        let mut files = Vec::with_capacity(periods.len());
        for period in periods {
            let file = write_file(period, target, table, files.len(), &self.format, &self.staged)?;
            progress(file.rows);
            files.push(file);
        }
        Ok(files)
    }

    fn encoded(&self, sources: &BTreeSet<i32>) -> Result<Vec<EncodedPeriod>, LakeError> {
        let own = || self.rows.iter().filter(|block| sources.contains(&block.source_index));
        let rows: usize = own().map(CodedRows::len).sum();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let threads = if rows < THREADED_ROWS { 1 } else { self.threads };
        encode_rows(&self.tables, own(), &self.format, threads)
    }
}

impl StagedBytes {
    /// Moves the bytes of all chunks to the working file.
    fn put(&mut self, folder: &std::path::Path, periods: &mut [EncodedPeriod]) -> Result<(), LakeError> {
        let failed = || LakeError::io("write a working file");
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = folder.join("encoded.bin");
                let options = File::options().read(true).write(true).create_new(true).open(path);
                none.insert(Mutex::new(options.map_err(failed())?))
            }
        };
        let file = file.get_mut().expect("nobody panics while they hold the lock");
        file.seek(SeekFrom::Start(self.length)).map_err(failed())?;
        let mut out = BufWriter::new(file);
        let groups = periods.iter_mut().flat_map(|period| &mut period.groups);
        for chunk in groups.flat_map(|group| group.chunks.iter_mut().flatten()) {
            out.write_all(&chunk.bytes).map_err(failed())?;
            chunk.staged_at = Some(self.length);
            self.length += chunk.bytes.len() as u64;
            chunk.bytes = Bytes::new();
        }
        out.flush().map_err(failed())
    }

    /// The bytes of a chunk, from memory or from the working file.
    pub(crate) fn bytes_of(&self, chunk: &Chunk) -> Result<Bytes, LakeError> {
        let (Some(offset), Some(file)) = (chunk.staged_at, &self.file) else { return Ok(chunk.bytes.clone()) };
        let failed = || LakeError::io("read a working file");
        let mut file = file.lock().expect("nobody panics while they hold the lock");
        let mut bytes = vec![0; usize::try_from(chunk.close.bytes_written).unwrap_or(usize::MAX)];
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
        file.read_exact(&mut bytes).map_err(failed())?;
        Ok(bytes.into())
    }
}

impl std::fmt::Debug for RowStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStage").field("blocks", &self.rows.len()).finish_non_exhaustive()
    }
}
