//! Sorting any number of rows in bounded memory: each batch becomes a sorted run, runs beyond the first go to disk.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{SortOptions, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::row::{RowConverter, Rows, SortField};
use formats::{BILLING_PERIOD_COLUMN, SOURCE_INDEX_COLUMN, SOURCE_ROW_COLUMN, staging_schema};
use ledger::Field;

use crate::error::LakeError;

/// Rows and bytes of one piece of a run: what a merge holds in memory per run.
const PIECE_ROWS_MAX: usize = 4096;
const PIECE_BYTES_MAX: usize = 4 << 20;

/// The order of the lake (PERFORMANCE, "Layout that made it"): every scope is one stretch. Ids compare without case;
/// the source's own order breaks ties, so the order is total and repeatable.
const SORT_COLUMNS: [(&str, bool); 11] = [
    (BILLING_PERIOD_COLUMN, false),
    (Field::InvoiceSectionId.column(), true),
    (Field::InvoiceSectionName.column(), false),
    (Field::AccountId.column(), true),
    (Field::AccountName.column(), false),
    (Field::SubscriptionId.column(), true),
    (Field::ResourceId.column(), true),
    (Field::MeterId.column(), true),
    (Field::Date.column(), false),
    (SOURCE_INDEX_COLUMN, false),
    (SOURCE_ROW_COLUMN, false),
];

/// Makes comparable keys of staged rows.
pub(crate) struct SortKeys {
    converter: RowConverter,
}

impl SortKeys {
    pub(crate) fn new() -> Result<Self, LakeError> {
        let schema = staging_schema();
        let fields = SORT_COLUMNS
            .iter()
            .map(|(column, _)| {
                let field = schema.field_with_name(column).expect("sort columns are columns of the schema");
                SortField::new_with_options(field.data_type().clone(), SortOptions::new(false, true))
            })
            .collect();
        let converter = RowConverter::new(fields).map_err(LakeError::arrow("prepare sorting"))?;
        Ok(Self { converter })
    }

    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Rows, LakeError> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(SORT_COLUMNS.len());
        for (name, caseless) in SORT_COLUMNS {
            let column = batch.column_by_name(name).expect("staged batches have the staging schema");
            columns.push(if caseless { lower_case(column) } else { column.clone() });
        }
        self.converter.convert_columns(&columns).map_err(LakeError::arrow("compare rows"))
    }
}

fn lower_case(column: &ArrayRef) -> ArrayRef {
    debug_assert_eq!(column.data_type(), &DataType::Utf8);
    let lowered: StringArray = column.as_string::<i32>().iter().map(|text| text.map(str::to_ascii_lowercase)).collect();
    Arc::new(lowered)
}

/// A sorted run: pieces in order, in memory or on disk.
#[derive(Debug)]
pub enum Run {
    /// Pieces in memory.
    Memory(Vec<RecordBatch>),
    /// Pieces in a file of the working folder.
    Disk(PathBuf),
}

/// Where the rows of an import wait, sorted, until everything is read.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    next_file: usize,
}

impl Stage {
    /// A stage whose files go to `folder`, which the caller removes afterwards.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, next_file: 0 }
    }

    /// Sorts a batch of staged rows into a run. `keep` leaves it in memory; only one run of an import should be.
    pub fn sort(&mut self, batch: &RecordBatch, keep: bool) -> Result<Run, LakeError> {
        let keys = SortKeys::new()?.of(batch)?;
        let mut order: Vec<u32> =
            (0..u32::try_from(batch.num_rows()).expect("a batch has far less than 2^32 rows")).collect();
        order.sort_unstable_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
        drop(keys);
        let bytes_per_row = batch.get_array_memory_size() / batch.num_rows().max(1);
        let piece_rows = (PIECE_BYTES_MAX / bytes_per_row.max(1)).clamp(1, PIECE_ROWS_MAX);
        let mut pieces = order.chunks(piece_rows).map(|rows| {
            let rows = UInt32Array::from(rows.to_vec());
            take_record_batch(batch, &rows).map_err(LakeError::arrow("sort rows"))
        });
        if keep {
            return Ok(Run::Memory(pieces.collect::<Result<_, _>>()?));
        }
        let mut file = self.run_file()?;
        pieces.try_for_each(|piece| file.push(&piece?))?;
        file.finish()
    }

    /// A new file for a run whose pieces are pushed in order.
    pub(crate) fn run_file(&mut self) -> Result<RunFile, LakeError> {
        let path = self.folder.join(format!("run-{:06}.arrow", self.next_file));
        self.next_file += 1;
        RunFile::create(path, &staging_schema())
    }
}

/// A run being written to disk.
pub(crate) struct RunFile {
    path: PathBuf,
    writer: StreamWriter<BufWriter<File>>,
}

impl RunFile {
    fn create(path: PathBuf, schema: &SchemaRef) -> Result<Self, LakeError> {
        let file = File::create(&path).map_err(LakeError::io("create a working file"))?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(LakeError::arrow("prepare a working file"))?;
        let writer = StreamWriter::try_new_with_options(BufWriter::new(file), schema, options)
            .map_err(LakeError::arrow("create a working file"))?;
        Ok(Self { path, writer })
    }

    pub(crate) fn push(&mut self, piece: &RecordBatch) -> Result<(), LakeError> {
        self.writer.write(piece).map_err(LakeError::arrow("write a working file"))
    }

    pub(crate) fn finish(mut self) -> Result<Run, LakeError> {
        self.writer.finish().map_err(LakeError::arrow("write a working file"))?;
        Ok(Run::Disk(self.path))
    }
}

/// The pieces of a run, one at a time.
pub(crate) enum Pieces {
    Memory(std::vec::IntoIter<RecordBatch>),
    Disk { reader: Box<StreamReader<BufReader<File>>>, path: PathBuf },
}

impl Pieces {
    pub(crate) fn of(run: Run) -> Result<Self, LakeError> {
        match run {
            Run::Memory(pieces) => Ok(Self::Memory(pieces.into_iter())),
            Run::Disk(path) => {
                let file = File::open(&path).map_err(LakeError::io("open a working file"))?;
                let reader = StreamReader::try_new(BufReader::new(file), None)
                    .map_err(LakeError::arrow("open a working file"))?;
                Ok(Self::Disk { reader: Box::new(reader), path })
            }
        }
    }

    pub(crate) fn next_piece(&mut self) -> Result<Option<RecordBatch>, LakeError> {
        match self {
            Self::Memory(pieces) => Ok(pieces.next()),
            Self::Disk { reader, .. } => reader.next().transpose().map_err(LakeError::arrow("read a working file")),
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if let Self::Disk { path, .. } = self {
            // The folder goes as a whole at the end; removing early only saves room.
            _ = std::fs::remove_file(path);
        }
    }
}
