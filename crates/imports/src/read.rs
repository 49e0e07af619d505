//! Reading all sources of a run into the rows of an import.

use std::fs::File;
use std::path::{Path, PathBuf};

use calendar::DateRange;
use formats::{
    BLOCK_BYTES, FillIns, InputError, OpenedSource, ReadOptions, ReadSummary, RejectSink, SourceBlocks, SourceReader,
    SourceRows,
};
use lake::RowStage;

use crate::crew::Crew;
use crate::error::ImportError;
use crate::options::Progress;
use crate::plan::RunPlan;
use crate::rejects::RejectsFile;
use crate::sources::{CompressedCopy, FramedCopy};

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
    pub(crate) rejects: Option<&'a mut RejectsFile>,
    pub(crate) folder: &'a Path,
    pub(crate) progress: &'a dyn Progress,
    /// How many threads read blocks.
    pub(crate) threads: usize,
}

/// Reads every source of a run. Blocking.
pub(crate) fn read_run(mut reading: Reading<'_>, stage: &mut RowStage) -> Result<Vec<SourceRead>, ImportError> {
    let mut sources = Vec::with_capacity(reading.run.files.len());
    for (index, path) in reading.run.files.iter().enumerate() {
        let source = read_source(&mut reading, index, path, stage)?;
        if source.summary.rejected > 0 && source.summary.periods.is_empty() {
            return Err(ImportError::NothingLeft { file: source.summary.file });
        }
        let rows = rows_of(&source.summary);
        if let (Some(expected), Some(manifest)) = (reading.run.expected_rows[index], &reading.run.manifest)
            && expected != rows
        {
            let reason = format!("{} has {rows} rows, the manifest says {expected}", source.summary.file);
            return Err(ImportError::IncompleteRun { manifest: manifest.display().to_string(), reason });
        }
        sources.push(source);
    }
    let total = sources.iter().map(|source| rows_of(&source.summary)).sum::<u64>();
    match (reading.run.expected_total, &reading.run.manifest) {
        (Some(expected), Some(manifest)) if expected != total => {
            let reason = format!("the parts have {total} rows, the manifest says {expected}");
            Err(ImportError::IncompleteRun { manifest: manifest.display().to_string(), reason })
        }
        _ => Ok(sources),
    }
}

fn rows_of(summary: &ReadSummary) -> u64 {
    summary.periods.values().map(|period| period.rows).sum::<u64>() + summary.rejected
}

fn read_source(
    reading: &mut Reading<'_>,
    index: usize,
    path: &Path,
    stage: &mut RowStage,
) -> Result<SourceRead, ImportError> {
    let shown = path.display().to_string();
    let input = |source| InputError::Io { file: shown.clone(), source };
    let file = File::open(path).map_err(input)?;
    let bytes = file.metadata().map_err(input)?.len();
    reading.progress.begin(&shown, bytes);
    let copy = reading.folder.join(format!("source-{index:05}.zst"));
    let keeping = || ImportError::io("keep a copy of the source");
    let options = ReadOptions {
        fill: reading.fill.clone(),
        days: reading.days,
        source_index: i32::try_from(index).expect("a command has at most 10,000 files"),
    };
    let rejects = reading.rejects.as_deref_mut().map(|rejects| rejects as &mut dyn RejectSink);
    let progress = reading.progress;
    let mut source = SourceReader::open_file(&shown, file)?;
    if SourceRows::is_page(&mut source)? {
        let kept = CompressedCopy::create(&copy).map_err(keeping())?;
        let mut source = source.with_copy(Box::new(kept)).map_err(keeping())?;
        let mut rows = SourceRows::of_page(&shown, &mut source, options, rejects)?;
        if let Some((table, rows)) = rows.take_slow() {
            stage.add(table, rows);
        }
        progress.read(bytes);
        return Ok(SourceRead { summary: rows.finish(&source), copy });
    }
    let mut blocks = SourceBlocks::new(source, BLOCK_BYTES);
    let mut kept = FramedCopy::create(&copy).map_err(keeping())?;
    let OpenedSource { rows, first } = SourceRows::open(&shown, &mut blocks, options, rejects, &mut kept)?;
    let crew = Crew::new(rows, kept, stage, reading.run.one_export, reading.threads)?;
    let rows = crew.read(&shown, &mut blocks, first, progress)?;
    progress.read(bytes);
    Ok(SourceRead { summary: rows.finish(&blocks.into_source()), copy })
}
