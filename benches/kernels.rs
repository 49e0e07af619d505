//! The kernels that touch every byte, each by itself: decimal text, CSV and JSON encoding, splitting records, writing
//! Parquet. They run on one batch of generated charges in the order of the lake, with texts as dictionaries, as reports
//! and pages get it. Only public functions are used, so that a kernel can be rewritten without touching its measurement.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::DataType;
use criterion::{BatchSize, Criterion, Throughput};
use formats::{
    ChargeReader, CsvEncoder, Expanded, JsonEncoder, Layout, ReadOptions, RecordReader, RowContext, SOURCE_HASH_COLUMN,
    SourceReader,
};
use money::{Decimal, Limits};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use samples::generator::{Entropy, GeneratorOptions, write};

const ROWS: u64 = 20_000;
/// Rows of one page of an API.
const PAGE_ROWS: usize = 1000;
/// The order of the lake, in the columns that differ within an enrollment.
const ORDER: [&str; 5] = ["invoice_section_id", "subscription_id", "resource_id", "meter_id", "date"];

type Anything<T> = Result<T, Box<dyn Error>>;

/// A generated export, and its rows as the lake gives them.
struct Input {
    name: &'static str,
    text: Vec<u8>,
    batch: RecordBatch,
}

fn main() -> Anything<()> {
    let mut criterion = Criterion::default().configure_from_args();
    decimals(&mut criterion)?;
    for (name, entropy) in [("low", Entropy::Low), ("high", Entropy::High)] {
        let input = Input::generated(name, entropy)?;
        records(&mut criterion, &input);
        csv(&mut criterion, &input)?;
        json(&mut criterion, &input)?;
        parquet(&mut criterion, &input)?;
    }
    criterion.final_summary();
    Ok(())
}

impl Input {
    fn generated(name: &'static str, entropy: Entropy) -> Anything<Self> {
        let mut text = Vec::new();
        write(&GeneratorOptions { rows: ROWS, entropy, ..GeneratorOptions::default() }, 0, &mut text)?;
        let source = SourceReader::open("generated", text.as_slice())?;
        let mut reader = ChargeReader::open("generated", source, ReadOptions::default(), None)?;
        let mut batches = Vec::new();
        while let Some(batch) = reader.next_batch()? {
            batches.push(batch);
        }
        let schema = batches.first().ok_or("no batch was read")?.schema();
        let batch = as_the_lake_gives(&concat_batches(&schema, &batches)?)?;
        Ok(Self { name, text, batch })
    }
}

/// Sorted rows, texts as dictionaries, and the hash of the source that a commit adds.
fn as_the_lake_gives(staged: &RecordBatch) -> Anything<RecordBatch> {
    let key = |name: &str| staged.column_by_name(name).cloned().ok_or(format!("no column {name}"));
    let keys: Result<Vec<SortColumn>, String> =
        ORDER.iter().map(|name| Ok(SortColumn { values: cast_plain(&key(name)?)?, options: None })).collect();
    let sorted = take_record_batch(staged, &lexsort_to_indices(&keys?, None)?)?;
    let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (field, column) in sorted.schema().fields().iter().zip(sorted.columns()) {
        let is_text = matches!(field.data_type(), DataType::Utf8 | DataType::Dictionary(..));
        let column = if is_text { cast(&cast_plain(column)?, &coded)? } else { column.clone() };
        columns.push((field.name().clone(), column));
    }
    let hash: ArrayRef = Arc::new(StringArray::from(vec!["0".repeat(64); sorted.num_rows()]));
    columns.push((SOURCE_HASH_COLUMN.to_owned(), cast(&hash, &coded)?));
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// A column of texts without dictionary; every other column as it is.
fn cast_plain(column: &ArrayRef) -> Result<ArrayRef, String> {
    match column.data_type() {
        DataType::Dictionary(..) => cast(column, &DataType::Utf8).map_err(|error| error.to_string()),
        _ => Ok(column.clone()),
    }
}

/// Text to decimal and back, of few and of 28 fraction digits.
fn decimals(criterion: &mut Criterion) -> Anything<()> {
    let mut group = criterion.benchmark_group("decimal");
    for (name, text) in [("short", "17.547264"), ("long", "5777.2507567755389802028991999844")] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("parse {name}"), |bench| {
            bench.iter(|| Decimal::parse(black_box(text.as_bytes()), Limits::COST));
        });
        let value = Decimal::parse(text.as_bytes(), Limits::COST)?.value;
        let mut out = Vec::with_capacity(64);
        group.bench_function(format!("print {name}"), |bench| {
            bench.iter(|| {
                out.clear();
                black_box(&value).write_to(&mut out);
            });
        });
    }
    group.finish();
    Ok(())
}

fn records(criterion: &mut Criterion, input: &Input) {
    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Bytes(input.text.len() as u64));
    group.bench_function(format!("split {}", input.name), |bench| {
        bench.iter(|| {
            let mut reader = RecordReader::new(input.text.as_slice());
            let mut fields = 0;
            while let Ok(Some(record)) = reader.next_record() {
                fields += record.len();
            }
            fields
        });
    });
    group.finish();
}

fn csv(criterion: &mut Criterion, input: &Input) -> Anything<()> {
    let encoder = CsvEncoder::new(Layout::Ea20240801, Vec::new());
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    encoder.rows(&input.batch, &mut out, &mut ends)?;
    let mut group = criterion.benchmark_group("csv");
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function(format!("encode {}", input.name), |bench| {
        bench.iter(|| {
            out.clear();
            ends.clear();
            encoder.rows(black_box(&input.batch), &mut out, &mut ends)
        });
    });
    group.finish();
    Ok(())
}

/// The rows of one page: preparing the columns counts.
fn json(criterion: &mut Criterion, input: &Input) -> Anything<()> {
    let encoder = JsonEncoder::usage_details("2024-08-01", Expanded::default());
    let page = input.batch.slice(input.batch.num_rows() / 2, PAGE_ROWS);
    let period = "202501".parse()?;
    let context = RowContext { id_prefix: "subscriptions/s".to_owned(), first_open_period: period };
    let (mut out, mut ends) = (Vec::new(), Vec::new());
    encoder.rows(&page, period, &context, &mut out, &mut ends)?;
    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(out.len() as u64));
    group.bench_function(format!("encode a page {}", input.name), |bench| {
        bench.iter(|| {
            out.clear();
            ends.clear();
            encoder.rows(black_box(&page), period, &context, &mut out, &mut ends)
        });
    });
    group.finish();
    Ok(())
}

/// The library's own writer with the settings of the lake, to hold ours against.
fn parquet(criterion: &mut Criterion, input: &Input) -> Anything<()> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut group = criterion.benchmark_group("parquet");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(input.text.len() as u64));
    group.bench_function(format!("write {}", input.name), |bench| {
        bench.iter_batched(
            || (input.batch.clone(), properties.clone()),
            |(batch, properties)| -> Result<Vec<u8>, parquet::errors::ParquetError> {
                let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
                writer.write(&batch)?;
                writer.into_inner()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
    Ok(())
}
