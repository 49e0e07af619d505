//! Reading all sources of a run into sorted working files, on threads of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use calendar::DateRange;
use formats::{ChargeReader, FillIns, InputError, ReadOptions, ReadSummary, RejectSink, SourceReader};
use lake::{Run, Stage};

use crate::error::ImportError;
use crate::options::Progress;
use crate::plan::RunPlan;
use crate::rejects::RejectsFile;
use crate::sources::CompressedCopy;

/// Batches that may wait between reading and sorting; each holds at most 32 MiB of text.
const BATCHES_WAITING_MAX: usize = 1;

/// A source that has been read.
#[derive(Debug)]
pub(crate) struct SourceRead {
    pub(crate) summary: ReadSummary,
    pub(crate) runs: Vec<Run>,
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
}

/// Reads every source of a run. Blocking.
pub(crate) fn read_run(mut reading: Reading<'_>, stage: &mut Stage) -> Result<Vec<SourceRead>, ImportError> {
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
    stage: &mut Stage,
) -> Result<SourceRead, ImportError> {
    let shown = path.display().to_string();
    let input = |source| InputError::Io { file: shown.clone(), source };
    let file = File::open(path).map_err(input)?;
    let bytes = file.metadata().map_err(input)?.len();
    reading.progress.begin(&shown, bytes);
    let copy = reading.folder.join(format!("source-{index:05}.zst"));
    let kept = CompressedCopy::create(&copy).map_err(ImportError::io("keep a copy of the source"))?;
    let source = SourceReader::open(&shown, file)?.with_copy(Box::new(kept));
    let options = ReadOptions {
        fill: reading.fill.clone(),
        days: reading.days,
        source_index: i32::try_from(index).expect("a command has at most 10,000 files"),
    };
    let rejects = reading.rejects.as_deref_mut().map(|rejects| rejects as &mut dyn RejectSink);
    let mut reader = ChargeReader::open(&shown, source, options, rejects)?;
    let progress = reading.progress;
    // One thread reads and checks rows while another sorts the batch before.
    let runs = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES_WAITING_MAX);
        let sorter = scope.spawn(move || {
            let mut runs = Vec::new();
            for batch in receiver {
                // One batch of the whole import stays in memory, so that small imports touch no disk.
                let keep = index == 0 && runs.is_empty();
                runs.push(stage.sort(&batch, keep)?);
            }
            Ok::<_, ImportError>(runs)
        });
        let read = loop {
            match reader.next_batch() {
                Ok(Some(batch)) => {
                    progress.read(reader.input_bytes());
                    if sender.send(batch).is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(ImportError::from(error)),
            }
        };
        drop(sender);
        let sorted = sorter.join().map_err(|_| ImportError::Worker { reason: "the sorting thread panicked".into() })?;
        read.and(sorted)
    })?;
    progress.read(bytes);
    Ok(SourceRead { summary: reader.finish(), runs, copy })
}
