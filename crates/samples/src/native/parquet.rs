//! Usage records as Parquet: texts as dictionaries, days as dates, instants as timestamps, quantities as decimals.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondBuilder,
    UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, UInt32Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::lines::UsageLine;
use super::options::NativeOptions;
use super::usage::{QUANTITY_SCALE, UsageRecord};

/// Records of a batch that is handed to the writer.
const BATCH_RECORDS: usize = 65_536;
/// Records of a row group: what a reader holds at once.
const GROUP_RECORDS: usize = 1 << 20;
/// Digits of quantities, [`QUANTITY_SCALE`] of them behind the point.
const QUANTITY_PRECISION: u8 = 28;
/// Arrival is at 02:00 UTC.
const ARRIVAL_MICROS: i64 = 2 * HOUR_MICROS;
const HOUR_MICROS: i64 = 3_600_000_000;

/// The texts of a record, all of which its line has.
type Text = fn(&UsageLine) -> Option<&str>;

const TEXTS: [(&str, Text); 11] = [
    ("subscriptionId", |line| Some(&line.subscription_id)),
    ("resourceId", |line| Some(&line.resource_id)),
    ("meterId", |line| Some(&line.meter_id)),
    ("partNumber", |line| line.part_number.as_deref()),
    ("unitOfMeasure", |line| line.unit.as_deref()),
    ("pricingModel", |line| line.spot.then_some("Spot")),
    ("resourceGroup", |line| Some(&line.resource_group)),
    ("resourceLocation", |line| Some(&line.location)),
    ("consumedService", |line| Some(&line.consumed_service)),
    ("tags", |line| Some(&line.tags)),
    ("additionalInfo", |line| line.additional_info.as_deref()),
];

/// Writes all usage records as one Parquet file and tells how many there are.
///
/// # Errors
/// Options out of range as [`io::ErrorKind::InvalidInput`], and what `out` refuses.
pub fn write(options: &NativeOptions, out: impl Write + Send) -> io::Result<u64> {
    let mut usage = super::usage(options).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let dictionaries = dictionaries(usage.lines());
    let schema = schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_RECORDS))
        .build();
    let mut writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(failed)?;
    let mut count = 0;
    loop {
        let records: Vec<UsageRecord> = usage.by_ref().take(BATCH_RECORDS).collect();
        if records.is_empty() {
            break;
        }
        count += records.len() as u64;
        writer.write(&batch(&schema, &dictionaries, &records)?).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(count)
}

fn schema() -> SchemaRef {
    let text = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields: Vec<Field> = TEXTS.iter().map(|(name, _)| Field::new(*name, text.clone(), true)).collect();
    fields.push(Field::new("date", DataType::Date32, true));
    fields.push(Field::new("time", instant.clone(), true));
    fields.push(Field::new("quantity", DataType::Decimal128(QUANTITY_PRECISION, QUANTITY_SCALE as i8), false));
    fields.push(Field::new("receivedAt", instant, false));
    Arc::new(Schema::new(fields))
}

/// A text of every line once, and which of them a line has.
struct Dictionary {
    values: ArrayRef,
    keys: Vec<Option<u32>>,
}

fn dictionaries(lines: &[UsageLine]) -> Vec<Dictionary> {
    TEXTS.iter().map(|(_, text)| dictionary(lines, *text)).collect()
}

fn dictionary(lines: &[UsageLine], text: Text) -> Dictionary {
    let mut known = std::collections::HashMap::new();
    let mut values = Vec::new();
    let keys = lines
        .iter()
        .map(|line| {
            let text = text(line)?;
            Some(*known.entry(text).or_insert_with(|| {
                values.push(text);
                (values.len() - 1) as u32
            }))
        })
        .collect();
    Dictionary { values: Arc::new(StringArray::from(values)), keys }
}

fn batch(schema: &SchemaRef, dictionaries: &[Dictionary], records: &[UsageRecord]) -> io::Result<RecordBatch> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for dictionary in dictionaries {
        let keys: UInt32Array = records.iter().map(|record| dictionary.keys[record.line]).collect();
        let column = DictionaryArray::<UInt32Type>::try_new(keys, Arc::clone(&dictionary.values));
        columns.push(Arc::new(column.map_err(failed)?));
    }
    let mut days = Date32Builder::new();
    let mut times = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    let mut quantities =
        Decimal128Builder::new().with_precision_and_scale(QUANTITY_PRECISION, QUANTITY_SCALE as i8).map_err(failed)?;
    let mut received = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    for record in records {
        let midnight = i64::from(record.day.days()) * 24 * HOUR_MICROS;
        days.append_option(record.hour.is_none().then(|| record.day.days()));
        times.append_option(record.hour.map(|hour| midnight + i64::from(hour) * HOUR_MICROS));
        quantities.append_value(i128::from(record.quantity));
        received.append_value(i64::from(record.received.days()) * 24 * HOUR_MICROS + ARRIVAL_MICROS);
    }
    columns.push(Arc::new(days.finish()));
    columns.push(Arc::new(times.finish()));
    columns.push(Arc::new(quantities.finish()));
    columns.push(Arc::new(received.finish()));
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(failed)
}

fn failed<E: Into<ParquetError>>(error: E) -> io::Error {
    io::Error::other(error.into())
}
