//! Reading all sources of a run into the rows of an import.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use calendar::DateRange;
use formats::{
    BLOCK_BYTES, FillIns, InputError, OpenedSource, OtherProviders, ReadOptions, ReadSummary, RecordRows, RecordsDone,
    RejectSink, SourceBlocks, SourceDigest, SourceForm, SourceReader, SourceRows,
};
use lake::RowStage;

use crate::crew::Crew;
use crate::error::ImportError;
use crate::options::Progress;
use crate::plan::RunPlan;
use crate::rejects::RejectsFile;
use crate::sources::{CompressedCopy, FramedCopy};

/// Bytes of a Parquet file that are copied at once.
const COPY_BYTES: usize = 256 << 10;

/// What a run's files held.
#[derive(Debug, Default)]
pub(crate) struct RunRead {
    /// One source of each file, or two where a file holds both datasets.
    pub(crate) sources: Vec<SourceRead>,
    /// Rows that were put aside.
    pub(crate) rejected: u64,
    /// Rows of other providers that were left out.
    pub(crate) left_out: u64,
}

/// What one file held.
struct FileRead {
    sources: Vec<SourceRead>,
    done: RecordsDone,
}

/// A source that has been read.
#[derive(Debug)]
pub(crate) struct SourceRead {
    pub(crate) summary: ReadSummary,
    /// Its compressed text, in the working folder.
    pub(crate) copy: PathBuf,
}

/// What is needed to read a run.
pub(crate) struct Reading<'a> {
    pub(crate) run: &'a RunPlan,
    pub(crate) fill: &'a FillIns,
    /// Days that every row must be dated in.
    pub(crate) days: Option<DateRange>,
    pub(crate) other_providers: OtherProviders,
    pub(crate) rejects: Option<&'a mut RejectsFile>,
    pub(crate) folder: &'a Path,
    pub(crate) progress: &'a dyn Progress,
    /// Whether all files hold rows of one dataset, so that these can be encoded together.
    pub(crate) one_export: bool,
    /// How many threads read blocks.
    pub(crate) threads: usize,
}

/// Reads every source of a run. Blocking.
pub(crate) fn read_run(mut reading: Reading<'_>, stage: &mut RowStage) -> Result<RunRead, ImportError> {
    let mut read = RunRead::default();
    let mut total = 0;
    for (number, path) in reading.run.files.iter().enumerate() {
        let shown = path.display().to_string();
        let FileRead { sources, done } = read_file(&mut reading, number, read.sources.len(), stage)?;
        if done.rejected > 0 && sources.iter().all(|source| source.summary.periods.is_empty()) {
            return Err(ImportError::NothingLeft { file: shown });
        }
        reading.run.check_part(number, done.records)?;
        // Rows of both datasets are never encoded together.
        reading.one_export &= sources.iter().all(|source| !source.summary.both_datasets);
        total += done.records;
        read.rejected += done.rejected;
        read.left_out += done.left_out;
        read.sources.extend(sources);
    }
    reading.run.check_total(total)?;
    Ok(read)
}

/// Reads the file of this number, whose first source has that place among all.
fn read_file(
    reading: &mut Reading<'_>,
    number: usize,
    first_source: usize,
    stage: &mut RowStage,
) -> Result<FileRead, ImportError> {
    let path = &reading.run.files[number];
    let shown = path.display().to_string();
    let input = |source| InputError::Io { file: shown.clone(), source };
    let file = File::open(path).map_err(input)?;
    let bytes = file.metadata().map_err(input)?.len();
    let progress = reading.progress;
    progress.begin(&shown, bytes);
    let copy = reading.folder.join(format!("source-{number:05}.zst"));
    let keeping = || ImportError::io("keep a copy of the source");
    let options = ReadOptions {
        fill: reading.fill.clone(),
        days: reading.days,
        source_index: i32::try_from(first_source).expect("a command has at most 10,000 files of two sources"),
        other_providers: reading.other_providers,
    };
    let (one_export, folder, threads) = (reading.one_export, reading.folder, reading.threads);
    let rejects = reading.rejects.as_deref_mut().map(|rejects| rejects as &mut dyn RejectSink);
    let mut source = SourceReader::open_file(&shown, file)?;
    let form = SourceForm::of(&mut source)?;
    if form == SourceForm::Csv {
        let mut blocks = SourceBlocks::new(source, BLOCK_BYTES);
        let mut kept = FramedCopy::create(&copy).map_err(keeping())?;
        let OpenedSource { rows, first } = SourceRows::open(&shown, &mut blocks, options, rejects, &mut kept)?;
        let crew = Crew::new(rows, kept, stage, one_export, threads)?;
        let rows = crew.read(&shown, &mut blocks, first, progress)?;
        progress.read(bytes);
        return Ok(FileRead::of_one(rows.finish(&blocks.into_source()), copy));
    }
    let kept = CompressedCopy::create(&copy).map_err(keeping())?;
    let mut source = source.with_copy(Box::new(kept)).map_err(keeping())?;
    let mut rows = match form {
        SourceForm::Parquet => {
            let (file, digest) = put_aside(&shown, &mut source, folder)?;
            RecordRows::of_parquet(&shown, file, digest, options, rejects)?
        }
        SourceForm::Focus => RecordRows::of_focus(&shown, source, options, rejects)?,
        SourceForm::Csv | SourceForm::Page => {
            let mut rows = SourceRows::of_page(&shown, &mut source, options, rejects)?;
            if let Some((table, rows)) = rows.take_slow() {
                stage.add(table, rows);
            }
            progress.read(bytes);
            return Ok(FileRead::of_one(rows.finish(&source), copy));
        }
    };
    read_records(&mut rows, stage, one_export, progress)?;
    progress.read(bytes);
    let (summaries, done) = rows.finish()?;
    let sources = summaries.into_iter().map(|summary| SourceRead { summary, copy: copy.clone() }).collect();
    Ok(FileRead { sources, done })
}

/// Reads all records of a source; when they are many, they are encoded in between.
fn read_records(
    rows: &mut RecordRows<'_>,
    stage: &mut RowStage,
    one_export: bool,
    progress: &dyn Progress,
) -> Result<(), ImportError> {
    let one_export = one_export && !rows.has_both_datasets();
    while rows.read_some()? {
        let (count, memory) = rows.waiting();
        if stage.is_full(count, memory) {
            rows.take_slow().into_iter().for_each(|(table, rows)| stage.add(table, rows));
            stage.encode(one_export)?;
        }
        progress.read(rows.read_bytes());
    }
    rows.take_slow().into_iter().for_each(|(table, rows)| stage.add(table, rows));
    Ok(())
}

/// Puts the bytes of a Parquet file, which is not read from its beginning to its end, into a working file: what is read
/// is what was hashed and kept, even if the file changes meanwhile.
fn put_aside(shown: &str, source: &mut SourceReader<File>, folder: &Path) -> Result<(File, SourceDigest), ImportError> {
    let mut file = tempfile::tempfile_in(folder).map_err(ImportError::io("make a working file"))?;
    let mut piece = vec![0; COPY_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => file.write_all(&piece[..read]).map_err(ImportError::io("write a working file"))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let io = InputError::Io { file: shown.to_owned(), source: error };
                return Err(source.take_failure().unwrap_or(io).into());
            }
        }
    }
    Ok((file, SourceDigest { hash: source.hash_hex(), bytes: source.text_bytes() }))
}

impl FileRead {
    fn of_one(summary: ReadSummary, copy: PathBuf) -> Self {
        let rows: u64 = summary.periods.values().map(|period| period.rows).sum();
        let done = RecordsDone { records: rows + summary.rejected, rejected: summary.rejected, left_out: 0 };
        Self { sources: vec![SourceRead { summary, copy }], done }
    }
}
