//! Roll-ups: the exact cost of a file by day, subscription, meter, charge type and pricing model, kept beside the lake, so
//! that totals are added up from thousands of groups instead of millions of rows.
//!
//! A roll-up is made by reading a finished file back, before the file is committed: what it adds up to must be what was
//! written. The log names it with the file, by its SHA-256. A file that has none, because an earlier version of this program
//! wrote it, or whose roll-up is damaged, is added up row by row.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Date32Type, Field as ArrowField, Int32Type, Schema, UInt64Type};
use bytes::Bytes;
use formats::{scale_column, text_column};
use futures::TryStreamExt;
use ledger::Field;
use money::{Decimal, Limits, Total};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::scan::FileAccess;
use crate::total::CostColumns;

/// Folder of roll-ups beneath the data folder.
pub const ROLLUPS: &str = "rollups";

/// The texts by which costs are rolled up, beside the day.
pub(crate) const FIELDS: [Field; 5] =
    [Field::SubscriptionId, Field::MeterId, Field::MeterCategory, Field::ChargeType, Field::PricingModel];
const DAY_COLUMN: &str = Field::Date.column();
const ROWS_COLUMN: &str = "rows";
const COST_COLUMN: &str = Field::Cost.column();

/// The groups of a file.
#[derive(Debug)]
pub(crate) struct Rollup {
    /// Distinct texts by field; the first is the unknown cell.
    pub(crate) texts: [Vec<Option<String>>; FIELDS.len()],
    pub(crate) groups: Vec<Group>,
}

/// Rows of a file that have day and texts in common.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// Days since 1970; `None` for rows without.
    pub(crate) day: Option<i32>,
    /// Places of the texts.
    pub(crate) texts: [u32; FIELDS.len()],
    pub(crate) rows: u64,
    pub(crate) cost: Total,
}

/// The texts of a group.
pub(crate) type Texts<'a> = [Option<&'a str>; FIELDS.len()];
type Key = (Option<i32>, [u32; FIELDS.len()]);

/// Adds rows up.
struct Adder {
    codes: [HashMap<String, u32>; FIELDS.len()],
    rollup: Rollup,
    groups: HashMap<Key, usize, ahash::RandomState>,
}

impl Adder {
    fn new() -> Self {
        let rollup = Rollup { texts: std::array::from_fn(|_| vec![None]), groups: Vec::new() };
        Self { codes: Default::default(), rollup, groups: HashMap::default() }
    }

    fn code(&mut self, field: usize, text: &str) -> u32 {
        if let Some(code) = self.codes[field].get(text) {
            return *code;
        }
        let texts = &mut self.rollup.texts[field];
        let code = u32::try_from(texts.len()).expect("a file has far less than 2^32 rows");
        texts.push(Some(text.to_owned()));
        self.codes[field].insert(text.to_owned(), code);
        code
    }

    /// Adds the rows of a batch; `None` if a column is missing or of another type.
    fn add(&mut self, batch: &RecordBatch) -> Result<Option<()>, LakeError> {
        let mut columns = Vec::with_capacity(FIELDS.len());
        for (index, field) in FIELDS.iter().enumerate() {
            let Some(column) = batch.column_by_name(field.column()).and_then(|c| c.as_dictionary_opt::<Int32Type>())
            else {
                return Ok(None);
            };
            let Some(values) = column.values().as_string_opt::<i32>() else { return Ok(None) };
            let codes: Vec<u32> = values.iter().map(|text| text.map_or(0, |text| self.code(index, text))).collect();
            columns.push((column, codes));
        }
        let Some(days) = batch.column_by_name(DAY_COLUMN).and_then(|days| days.as_primitive_opt::<Date32Type>()) else {
            return Ok(None);
        };
        let costs = CostColumns::of(batch)?;
        let mut last: Option<(Key, usize)> = None;
        for row in 0..batch.num_rows() {
            let day = (!days.is_null(row)).then(|| days.value(row));
            let mut texts = [0; FIELDS.len()];
            for (code, (column, codes)) in texts.iter_mut().zip(&columns) {
                *code = column.key(row).map_or(0, |key| codes[key]);
            }
            let key = (day, texts);
            let group = match last {
                Some((known, group)) if known == key => group,
                _ => *self.groups.entry(key).or_insert_with(|| {
                    self.rollup.groups.push(Group { day, texts, rows: 0, cost: Total::ZERO });
                    self.rollup.groups.len() - 1
                }),
            };
            last = Some((key, group));
            let group = &mut self.rollup.groups[group];
            group.rows += 1;
            costs.add(row, &mut group.cost)?;
        }
        Ok(Some(()))
    }
}

impl Rollup {
    /// Adds up all rows of a file.
    pub(crate) async fn of_rows(access: &FileAccess, file: &LakeFile) -> Result<Self, LakeError> {
        let doing = || format!("add up {}", file.path);
        let mut columns: Vec<String> = FIELDS.iter().map(|field| field.column().to_owned()).collect();
        columns.extend([DAY_COLUMN.to_owned(), COST_COLUMN.to_owned()]);
        columns.extend([scale_column(Field::Cost), text_column(Field::Cost)]);
        let mut batches = access.open(file, columns.iter().map(String::as_str), None).await?;
        let mut adder = Adder::new();
        while let Some(batch) = batches.try_next().await.map_err(LakeError::parquet(doing()))? {
            adder.add(&batch)?.ok_or_else(|| LakeError::ForeignFile {
                path: file.path.clone(),
                reason: "the columns to add up are missing or of another type".into(),
            })?;
        }
        Ok(adder.rollup)
    }

    /// Rows and exact sum of all groups.
    pub(crate) fn sums(&self) -> Result<(u64, Total), LakeError> {
        let mut total = Total::ZERO;
        let mut rows = 0;
        for group in &self.groups {
            rows += group.rows;
            total.merge(group.cost).map_err(|source| LakeError::Sum { what: "a roll-up".into(), source })?;
        }
        Ok((rows, total))
    }

    /// The groups, in an order of their own: texts, day, rows, cost as text. Equal for equal rows.
    pub(crate) fn canonical(&self) -> Vec<(Texts<'_>, Option<i32>, u64, String)> {
        let texts = |group: &Group| std::array::from_fn(|at| self.texts[at][group.texts[at] as usize].as_deref());
        let cost = |group: &Group| group.cost.value().to_string();
        let mut groups: Vec<_> =
            self.groups.iter().map(|group| (texts(group), group.day, group.rows, cost(group))).collect();
        groups.sort_unstable();
        groups
    }

    /// The groups as a Parquet file, equal for equal rows.
    fn to_parquet(&self) -> Result<Vec<u8>, LakeError> {
        let groups = self.canonical();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(groups.iter().map(|group| group.1).collect::<Date32Array>())];
        for field in 0..FIELDS.len() {
            columns.push(Arc::new(groups.iter().map(|group| group.0[field]).collect::<StringArray>()));
        }
        columns.push(Arc::new(groups.iter().map(|group| Some(group.2)).collect::<UInt64Array>()));
        columns.push(Arc::new(groups.iter().map(|group| Some(group.3.as_str())).collect::<StringArray>()));
        let batch = RecordBatch::try_new(schema(), columns).map_err(LakeError::arrow("write a roll-up"))?;
        let level = ZstdLevel::try_new(1).expect("1 is a zstd level");
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties))
            .map_err(LakeError::parquet("write a roll-up"))?;
        writer.write(&batch).map_err(LakeError::parquet("write a roll-up"))?;
        writer.into_inner().map_err(LakeError::parquet("write a roll-up"))
    }

    /// Reads what [`Self::to_parquet`] wrote; `None` if it is something else.
    fn from_parquet(bytes: Bytes) -> Option<Self> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).ok()?.build().ok()?;
        let mut adder = Adder::new();
        for batch in reader {
            let batch = batch.ok()?;
            if batch.schema().fields() != schema().fields() {
                return None;
            }
            let days = batch.column(0).as_primitive_opt::<Date32Type>()?;
            let texts: Vec<&StringArray> =
                (0..FIELDS.len()).map(|field| batch.column(field + 1).as_string_opt::<i32>()).collect::<Option<_>>()?;
            let rows = batch.column(FIELDS.len() + 1).as_primitive_opt::<UInt64Type>()?;
            let costs = batch.column(FIELDS.len() + 2).as_string_opt::<i32>()?;
            for row in 0..batch.num_rows() {
                let mut codes = [0; FIELDS.len()];
                for (field, code) in codes.iter_mut().enumerate() {
                    *code = if texts[field].is_null(row) { 0 } else { adder.code(field, texts[field].value(row)) };
                }
                let mut cost = Total::ZERO;
                cost.add(Decimal::parse(costs.value(row).as_bytes(), Limits::TOTAL).ok()?.value).ok()?;
                let day = (!days.is_null(row)).then(|| days.value(row));
                adder.rollup.groups.push(Group { day, texts: codes, rows: rows.value(row), cost });
            }
        }
        Some(adder.rollup)
    }

    /// About how much memory it takes.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let texts: usize = self.texts.iter().flatten().map(|text| 32 + text.as_ref().map_or(0, String::len)).sum();
        (texts + self.groups.len() * size_of::<Group>()) as u64
    }
}

fn schema() -> Arc<Schema> {
    let mut fields = vec![ArrowField::new(DAY_COLUMN, DataType::Date32, true)];
    fields.extend(FIELDS.iter().map(|field| ArrowField::new(field.column(), DataType::Utf8, true)));
    fields.push(ArrowField::new(ROWS_COLUMN, DataType::UInt64, true));
    fields.push(ArrowField::new(COST_COLUMN, DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

/// Where the roll-up of a file is, seen from the data folder.
fn path_of(file: &LakeFile) -> Path {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    Path::from_iter([ROLLUPS, name])
}

/// Makes and keeps the roll-up of a file that was just written; gives its SHA-256. The file is read back: rows and sum of
/// what is read must be those that were written. `data` is the store as seen from the data folder.
pub(crate) async fn make(
    access: &FileAccess,
    data: &Arc<dyn ObjectStore>,
    file: &LakeFile,
) -> Result<String, LakeError> {
    let rollup = Rollup::of_rows(access, file).await?;
    let (rows, total) = rollup.sums()?;
    let read = (rows, total.value().to_string());
    if read != (file.rows, file.total.clone()) {
        let (rows, total) = read;
        return Err(LakeError::ForeignFile {
            path: file.path.clone(),
            reason: format!(
                "read back, it has {rows} rows of {total}; written were {} rows of {}",
                file.rows, file.total
            ),
        });
    }
    let bytes = rollup.to_parquet()?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let path = path_of(file);
    data.put(&path, bytes.into()).await.map_err(LakeError::storage(format!("write {path}")))?;
    Ok(sha256)
}

/// The roll-up that is kept of a file; `None` if there is none or it is not the one that the log names.
pub(crate) async fn kept(data: &Arc<dyn ObjectStore>, file: &LakeFile) -> Option<Rollup> {
    let sha256 = file.rollup_sha256.as_ref()?;
    let bytes = data.get(&path_of(file)).await.ok()?.bytes().await.ok()?;
    (hex::encode(Sha256::digest(&bytes)) == *sha256).then(|| Rollup::from_parquet(bytes)).flatten()
}
