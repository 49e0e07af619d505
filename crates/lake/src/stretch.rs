//! Reading the rows of an answer in stretches that can be read at the same time: each is what a question asks of one row
//! group. All stretches one after the other are the rows that a [`crate::Scan`] gives, in the same order.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{FieldRef, Schema};
use futures::TryStreamExt;
use ledger::ChargeQuery;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::reader::FileReader;
use crate::rows::RowFilter;
use crate::scan::{FileAccess, batch_rows};
use crate::table::Snapshot;

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
    /// Columns that are unknown in every row.
    unknown: Vec<FieldRef>,
}

impl Snapshot {
    /// The stretches of an answer, in its order, with the lake columns that are read of each row. Reads footers only.
    pub async fn stretches(&self, query: &ChargeQuery, columns: &[String]) -> Result<Vec<Stretch>, LakeError> {
        let access = FileAccess::of(self);
        let columns: Arc<[String]> = columns.into();
        let mut stretches = Vec::new();
        for (file, filter) in self.candidates(query) {
            let metadata = access.metadata(&file).await?;
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
        let unknown = self.unknown();
        let is_read = |column: &&str| !unknown.iter().any(|field| field.name() == column);
        let columns = self.columns.iter().map(String::as_str).filter(is_read);
        let mut builder = self
            .access
            .rows(&self.file, &self.metadata, columns)
            .with_row_groups(vec![self.group])
            // A whole row group at once where it is not too wide: its dictionaries are then prepared once.
            .with_batch_size(batch_rows(&self.file, &self.metadata));
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let path = self.file.path.clone();
        let batches = builder.build().map_err(LakeError::parquet(format!("read {path}")))?;
        Ok(StretchRows { path, batches: Some(batches), asked, position: 0, unknown })
    }

    /// The columns of the answer that are unknown in every row of the row group, which its footer tells. They are not read.
    fn unknown(&self) -> Vec<FieldRef> {
        let group = self.metadata.metadata().row_group(self.group);
        let nulls_only = |chunk: &&ColumnChunkMetaData| {
            let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
            chunk.column_path().parts().len() == 1 && nulls == u64::try_from(group.num_rows()).ok()
        };
        let names = group.columns().iter().filter(nulls_only).map(|chunk| chunk.column_path().string());
        let asked = names.filter(|name| self.columns.contains(name));
        asked.filter_map(|name| self.metadata.schema().field_with_name(&name).ok().cloned().map(Arc::new)).collect()
    }

    /// Marks the rows of the row group that are asked for, by the columns that decide.
    async fn marked(&self) -> Result<BooleanArray, LakeError> {
        let doing = || format!("read {}", self.file.path);
        let builder = self
            .access
            .rows(&self.file, &self.metadata, self.filter.columns().into_iter())
            .with_row_groups(vec![self.group])
            .with_batch_size(batch_rows(&self.file, &self.metadata));
        let mut batches = builder.build().map_err(LakeError::parquet(doing()))?;
        let mut asked = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
            let mask = self.filter.mask(&batch).ok_or_else(|| self.filter.unusable(&self.file))?;
            asked.extend(mask.values());
        }
        Ok(BooleanArray::from(asked))
    }
}

impl StretchRows {
    fn nothing() -> Self {
        Self { path: String::new(), batches: None, asked: None, position: 0, unknown: Vec::new() }
    }

    /// Adds the columns that were not read.
    fn with_unknown(&self, batch: RecordBatch) -> Result<RecordBatch, LakeError> {
        if self.unknown.is_empty() {
            return Ok(batch);
        }
        let rows = batch.num_rows();
        let mut fields = batch.schema().fields().to_vec();
        let mut columns = batch.columns().to_vec();
        fields.extend(self.unknown.iter().cloned());
        columns.extend(self.unknown.iter().map(|field| new_null_array(field.data_type(), rows)));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(LakeError::arrow(format!("read {}", self.path)))
    }

    /// The next rows, or `None` at the end. Text columns come dictionary-encoded.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let doing = || format!("read {}", self.path);
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
            let Some(asked) = &self.asked else { return self.with_unknown(batch).map(Some) };
            let own = asked.slice(self.position, batch.num_rows());
            self.position += batch.num_rows();
            if own.true_count() > 0 {
                let kept = filter_record_batch(&batch, &own).map_err(LakeError::arrow(doing()))?;
                return self.with_unknown(kept).map(Some);
            }
        }
        Ok(None)
    }
}

/// The ranges of marked rows.
fn runs(asked: &BooleanArray) -> Vec<Range<usize>> {
    asked.values().set_slices().map(|(start, end)| start..end).collect()
}
