//! Reading the rows of an answer in stretches that can be read at the same time: each is what a question asks of one row
//! group. All stretches one after the other are the rows that a [`crate::Scan`] gives, in the same order.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use futures::TryStreamExt;
use ledger::ChargeQuery;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStream;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::FileReader;
use crate::rows::RowFilter;
use crate::scan::{FileAccess, batch_rows};
use crate::table::Snapshot;
use crate::told::Told;

/// Rows are picked while they are read where those that stand together are so many on average; else all are read and
/// those asked for are kept, because each jump costs about as much as this many rows.
const PICKED_RUN_ROWS_MIN: usize = 16;

/// The rows of one row group that a question asks for, not yet read.
pub struct Stretch {
    access: FileAccess,
    file: Arc<LakeFile>,
    filter: Arc<RowFilter>,
    metadata: ArrowReaderMetadata,
    group: usize,
    columns: Arc<[String]>,
}

/// The rows of a stretch, being read.
pub struct StretchRows {
    path: String,
    batches: Option<ParquetRecordBatchStream<FileReader>>,
    /// Which of the rows that are read are asked for; `None` for all.
    asked: Option<BooleanArray>,
    /// Rows read so far.
    position: usize,
    /// Columns that are not read.
    told: Told,
}

impl Snapshot {
    /// The stretches of an answer, in its order, with the lake columns that are read of each row. Reads footers only.
    pub async fn stretches(&self, query: &ChargeQuery, columns: &[String]) -> Result<Vec<Stretch>, LakeError> {
        let access = FileAccess::of(self);
        let columns: Arc<[String]> = columns.into();
        let mut stretches = Vec::new();
        for (file, filter) in self.candidates(query) {
            let metadata = access.metadata_with_plain_texts(&file).await?;
            let file = Arc::new(file);
            for group in 0..metadata.metadata().num_row_groups() {
                let (access, file, filter) = (access.clone(), file.clone(), filter.clone());
                let (metadata, columns) = (metadata.clone(), columns.clone());
                stretches.push(Stretch { access, file, filter, metadata, group, columns });
            }
        }
        Ok(stretches)
    }
}

/// Which rows of a stretch are asked for.
#[derive(Debug, Clone)]
pub enum Asked {
    /// All rows of the row group.
    All,
    /// None.
    Nothing,
    /// Those that are marked.
    Some(BooleanArray),
}

impl Stretch {
    /// The file that the rows are in.
    pub fn file(&self) -> &LakeFile {
        &self.file
    }

    /// Number of the row group in its file, from 0.
    pub fn group(&self) -> usize {
        self.group
    }

    /// Number of row groups of the file.
    pub fn groups_of_file(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Whether the question asks for the whole file, which is known without reading.
    pub fn is_of_whole_file(&self) -> bool {
        self.filter.matches_all(&self.file)
    }

    /// Finds the rows that are asked for; reads no more than the columns that decide.
    pub async fn asked(&self) -> Result<Asked, LakeError> {
        if self.is_of_whole_file() {
            return Ok(Asked::All);
        }
        let marked = self.marked().await?;
        Ok(match marked.true_count() {
            0 => Asked::Nothing,
            count if count == marked.len() => Asked::All,
            _ => Asked::Some(marked),
        })
    }

    /// Begins to read the rows that [`Self::asked`] found.
    pub fn read(&self, asked: Asked) -> Result<StretchRows, LakeError> {
        match asked {
            Asked::All => self.rows(None, None),
            Asked::Nothing => Ok(StretchRows::nothing()),
            Asked::Some(marked) => {
                let runs = runs(&marked);
                if marked.true_count() / runs.len().max(1) < PICKED_RUN_ROWS_MIN {
                    return self.rows(None, Some(marked));
                }
                self.rows(Some(RowSelection::from_consecutive_ranges(runs.into_iter(), marked.len())), None)
            }
        }
    }

    fn rows(&self, selection: Option<RowSelection>, asked: Option<BooleanArray>) -> Result<StretchRows, LakeError> {
        let told = Told::of(&self.metadata, &[self.group], &self.columns);
        let mut builder = self
            .access
            .rows(&self.file, &self.metadata, told.others(&self.columns))
            .with_row_groups(vec![self.group])
            // A whole row group at once where it is not too wide: its dictionaries are then prepared once.
            .with_batch_size(batch_rows(&self.file, &self.metadata));
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let path = self.file.path.clone();
        let batches = builder.build().map_err(LakeError::parquet(format!("read {path}")))?;
        Ok(StretchRows { path, batches: Some(batches), asked, position: 0, told })
    }

    /// Marks the rows of the row group that are asked for, by the columns that decide.
    async fn marked(&self) -> Result<BooleanArray, LakeError> {
        let doing = || format!("read {}", self.file.path);
        let mask = |batch: &RecordBatch| self.filter.mask(batch).ok_or_else(|| self.filter.unusable(&self.file));
        let columns = self.filter.columns();
        let told = Told::of(&self.metadata, &[self.group], &columns);
        if told.others(&columns).next().is_none() {
            let group = self.metadata.metadata().row_group(self.group);
            let rows = usize::try_from(group.num_rows()).unwrap_or_default();
            return mask(&told.rows(rows).map_err(LakeError::arrow(doing()))?);
        }
        let builder = self
            .access
            .rows(&self.file, &self.metadata, told.others(&columns))
            .with_row_groups(vec![self.group])
            .with_batch_size(batch_rows(&self.file, &self.metadata));
        let mut batches = builder.build().map_err(LakeError::parquet(doing()))?;
        let mut asked = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
            let batch = told.add_to(batch).map_err(LakeError::arrow(doing()))?;
            asked.extend(mask(&batch)?.values());
        }
        Ok(BooleanArray::from(asked))
    }
}

impl StretchRows {
    fn nothing() -> Self {
        Self { path: String::new(), batches: None, asked: None, position: 0, told: Told::default() }
    }

    /// The next rows, or `None` at the end. Text columns come dictionary-encoded, long texts that hardly repeat plain.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let doing = || format!("read {}", self.path);
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
            let Some(asked) = &self.asked else {
                return self.told.add_to(batch).map(Some).map_err(LakeError::arrow(doing()));
            };
            let own = asked.slice(self.position, batch.num_rows());
            self.position += batch.num_rows();
            if own.true_count() > 0 {
                let kept = filter_record_batch(&batch, &own).map_err(LakeError::arrow(doing()))?;
                return self.told.add_to(kept).map(Some).map_err(LakeError::arrow(doing()));
            }
        }
        Ok(None)
    }
}

/// The ranges of marked rows.
fn runs(asked: &BooleanArray) -> Vec<Range<usize>> {
    asked.values().set_slices().map(|(start, end)| start..end).collect()
}
