use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use proptest::prelude::*;

use super::*;

fn file(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn plain() -> WriterProperties {
    WriterProperties::builder().build()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// All rows as the lines that they become, and the cells that are cut out of them.
fn read(bytes: Vec<u8>) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut records = ParquetRecords::open("f.parquet", Bytes::from(bytes)).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    while let Some(next) = records.next_record().map_err(|error| error.to_string())? {
        let record = next.map_err(|bad| bad.fault.to_string())?;
        assert_eq!(record.place, RowPlace::of_row(rows.len() as u64 + 1));
        let text = record.text().ok_or("no UTF-8")?;
        let cells = (0..record.len()).map(|index| record.cell(text, index).into_owned()).collect();
        rows.push((text.to_owned(), cells));
    }
    Ok(rows)
}

fn columns() -> Vec<(&'static str, ArrayRef)> {
    let decimals = Decimal128Array::from(vec![Some(150), Some(-7), None]).with_precision_and_scale(38, 2).unwrap();
    vec![
        (" Tags ", texts(&[Some("\"a\": \"b,c\""), Some("two\nlines"), None])),
        ("Cost", Arc::new(decimals)),
        ("Date", Arc::new(Date32Array::from(vec![Some(19_601), Some(0), None]))),
        ("Time", Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None, Some(1)]).with_timezone("UTC"))),
        ("Eligible", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
    ]
}

fn expected() -> Vec<Vec<&'static str>> {
    vec![
        vec!["\"a\": \"b,c\"", "1.5", "2023-09-01", "1970-01-01T00:00:00Z", "True"],
        vec!["two\nlines", "-0.07", "1970-01-01", "", ""],
        vec!["", "", "", "1970-01-01T00:00:00.000001Z", "False"],
    ]
}

#[test]
fn rows_are_lines_of_csv_however_the_file_is_written() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        for (version, dictionaries, row_group) in [
            (WriterVersion::PARQUET_1_0, true, 100),
            (WriterVersion::PARQUET_1_0, false, 1),
            (WriterVersion::PARQUET_2_0, true, 2),
            (WriterVersion::PARQUET_2_0, false, 100),
        ] {
            let properties = WriterProperties::builder()
                .set_compression(compression)
                .set_writer_version(version)
                .set_dictionary_enabled(dictionaries)
                .set_max_row_group_row_count(Some(row_group));
            let rows = read(file(columns(), properties.build())).unwrap();
            assert_eq!(rows.iter().map(|(_, cells)| cells.clone()).collect::<Vec<_>>(), expected(), "{compression}");
            assert_eq!(rows[0].0, "\"\"\"a\"\": \"\"b,c\"\"\",1.5,2023-09-01,1970-01-01T00:00:00Z,True");
        }
    }
}

#[test]
fn names_are_those_of_the_file_without_blanks_around_them() {
    let records = ParquetRecords::open("f", Bytes::from(file(columns(), plain()))).unwrap();
    assert_eq!(records.names(), ["Tags", "Cost", "Date", "Time", "Eligible"]);
}

#[test]
fn columns_without_exact_digits_are_refused_by_name() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.1]));
    let error = read(file(vec![("CostInBillingCurrency", floats)], plain())).unwrap_err();
    assert!(error.starts_with("f.parquet, column CostInBillingCurrency: it has type Float64: binary"), "{error}");
    assert!(error.contains("expected DECIMAL or text"), "{error}");
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]));
    assert!(read(file(vec![("Tags", lists)], plain())).unwrap_err().contains("column Tags: it holds lists"));
}

#[test]
fn packings_that_no_export_has_are_refused() {
    let properties = WriterProperties::builder().set_compression(Compression::LZ4_RAW).build();
    let error = read(file(columns(), properties)).unwrap_err();
    assert!(error.contains("LZ4_RAW") && error.contains("expected no packing, snappy, gzip or zstd"), "{error}");
}

#[test]
fn cells_and_rows_that_are_too_long_are_put_aside_by_row() {
    let long = "x".repeat(CELL_BYTES_MAX + 1);
    let error = read(file(vec![("a", texts(&[Some("x"), Some(&long)]))], plain())).unwrap_err();
    assert!(error.starts_with("row 2, column a: \"xxx") && error.ends_with("longer than 1 MiB"), "{error}");
    let wide = "x".repeat(CELL_BYTES_MAX);
    let names = ["a", "b", "c", "d", "e"];
    let error = read(file(names.map(|name| (name, texts(&[Some(&wide)]))).to_vec(), plain())).unwrap_err();
    assert!(error.starts_with("row 1, column d") && error.ends_with("longer than 4 MiB"), "{error}");
}

#[test]
fn files_that_end_early_or_lie_about_their_end_are_refused() {
    let whole = file(columns(), plain());
    for cut in [0, 3, 4, 7, 8, whole.len() / 2, whole.len() - 1] {
        assert!(read(whole[..cut].to_vec()).is_err(), "{cut}");
    }
    let end = whole.len();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        read(changed).unwrap_err()
    };
    assert!(changed(end - 4, b"PARE").contains("encrypted"));
    assert!(changed(end - 4, b"PARX").contains("truncated or damaged"));
    assert!(changed(end - 8, &u32::MAX.to_le_bytes()).contains("truncated or damaged"));
    let mut long = vec![0; FOOTER_BYTES_MAX as usize + 100];
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&(FOOTER_BYTES_MAX + 1).to_le_bytes());
    long[at + 4..].copy_from_slice(b"PAR1");
    assert!(read(long).unwrap_err().contains("footer"));
    let many: Vec<String> = (0..=COLUMNS_MAX).map(|index| format!("c{index}")).collect();
    let many = many.iter().map(|name| (name.as_str(), texts(&[None]))).collect();
    assert!(read(file(many, plain())).unwrap_err().contains("513 columns; expected at most 512"));
}

proptest! {
    /// A damaged file is refused or read; nothing ends the program.
    #[test]
    fn no_damage_breaks_the_reader(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        gzip in any::<bool>(),
    ) {
        let compression = if gzip { Compression::GZIP(GzipLevel::default()) } else { Compression::SNAPPY };
        let mut bytes = file(columns(), WriterProperties::builder().set_compression(compression).build());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = read(bytes);
    }
}
