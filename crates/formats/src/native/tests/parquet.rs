//! Usage as Parquet: types, dictionaries, row groups, refusals.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::Int32Type;
use bytes::Bytes;

use super::*;

fn file(columns: Vec<(&str, ArrayRef)>, row_group_rows: usize) -> Bytes {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(row_group_rows)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn same(value: &str, count: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec![value; count]))
}

fn refused(columns: Vec<(&str, ArrayRef)>) -> String {
    UsageReader::parquet("u.parquet", file(columns, 100), UsageOrigin::File).unwrap_err().to_string()
}

#[test]
fn every_type_gives_what_text_gives() {
    let lines = [
        format!(
            "{{\"subscriptionId\":\"{SUBSCRIPTION}\",\"meterId\":\"m\",\"date\":\"2025-01-01\",\"quantity\":1.5,\"tags\":\"{{ }}\"}}"
        ),
        format!(
            "{{\"subscriptionId\":\"{SUBSCRIPTION}\",\"meterId\":\"n\",\"time\":\"2025-01-01T05:00:00Z\",\"quantity\":2,\"receivedAt\":\"2025-01-02T00:00:00Z\"}}"
        ),
    ];
    let expected = super::usage::ndjson(&lines.join("\n"), UsageOrigin::File);
    let hour = 1_735_707_600_000_i64;
    let day = 20_089;
    let dates: [ArrayRef; 2] = [Arc::new(Date32Array::from(vec![Some(day), None])), texts(&[Some("2025-01-01"), None])];
    let times: [ArrayRef; 3] = [
        Arc::new(TimestampMillisecondArray::from(vec![None, Some(hour)]).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(vec![None, Some(hour * 1_000_000)])),
        texts(&[Some(""), Some("2025-01-01T05:00:00Z")]),
    ];
    let quantities: [ArrayRef; 2] = [
        Arc::new(Decimal128Array::from(vec![1_500, 2_000]).with_precision_and_scale(20, 3).unwrap()),
        texts(&[Some("1.5"), Some("2")]),
    ];
    let meters: [ArrayRef; 3] = [
        texts(&[Some("m"), Some("n")]),
        Arc::new(LargeStringArray::from(vec!["m", "n"])),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(["m", "n"])),
    ];
    for index in 0..3 {
        for row_group_rows in [1, 100] {
            let columns = vec![
                ("subscription_id", same(SUBSCRIPTION, 2)),
                ("MeterId", meters[index].clone()),
                ("DATE", dates[index % 2].clone()),
                ("time", times[index].clone()),
                ("quantity", quantities[index % 2].clone()),
                ("tags", texts(&[Some("{}"), None])),
                ("receivedAt", texts(&[None, Some("2025-01-02T00:00:00Z")])),
            ];
            let bytes = file(columns, row_group_rows);
            assert_eq!(recognise("u", &bytes).unwrap(), NativeKind::Usage(UsageForm::Parquet));
            let read = records(UsageReader::parquet("u", bytes, UsageOrigin::File).unwrap());
            assert_eq!(read, expected, "{index}");
        }
    }
}

fn columns(quantity: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    let count = quantity.len();
    vec![
        ("subscriptionId", same(SUBSCRIPTION, count)),
        ("meterId", same("m", count)),
        ("date", same("2025-01-01", count)),
        ("quantity", quantity),
    ]
}

#[test]
fn columns_that_cannot_be_right_refuse_the_file() {
    let floats = refused(columns(Arc::new(Float64Array::from(vec![1.0]))));
    assert!(
        floats.starts_with("u.parquet: column quantity: the column has type Float64; expected DECIMAL"),
        "{floats}"
    );
    assert!(floats.contains("write it as decimal or text"), "{floats}");
    let wide = Decimal128Array::from(vec![1]).with_precision_and_scale(38, 19).unwrap();
    assert!(refused(columns(Arc::new(wide))).contains("column quantity: the column has type Decimal128(38, 19)"));
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let mut unknown = columns(whole.clone());
    unknown.push(("cost", whole.clone()));
    assert!(refused(unknown).contains("column cost: unknown column"));
    let mut twice = columns(whole.clone());
    twice.push(("Meter ID", same("m", 1)));
    assert!(refused(twice).contains("column Meter ID: the column is there twice"));
    let mut missing = columns(whole.clone());
    missing.remove(1);
    assert!(refused(missing).contains("column meterId: the column is missing"));
    let mut numbers = columns(whole.clone());
    numbers[1].1 = whole.clone();
    assert!(refused(numbers).contains("column meterId: the column has type Int64; expected text (UTF8)"));
    let good = file(columns(whole), 100);
    let cut = UsageReader::parquet("u", good.slice(..good.len() - 9), UsageOrigin::File).unwrap_err();
    assert!(cut.to_string().contains("the Parquet data cannot be read"), "{cut}");
}

#[test]
fn wrong_rows_are_refused_without_the_others() {
    let count = 6;
    let mut all = columns(Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4), Some(5), Some(-6)])));
    all[1].1 = texts(&[Some("m"), Some("m"), Some("m/1"), None, Some("m"), Some("m")]);
    all[2].1 = texts(&[
        Some("2025-01-01"),
        Some("2025-01-01"),
        Some("2025-01-01"),
        Some("2025-01-01"),
        Some("2025-02-30"),
        Some("2025-01-01"),
    ]);
    let read = records(UsageReader::parquet("u", file(all, 4), UsageOrigin::File).unwrap());
    let messages: Vec<&str> = read.iter().filter_map(|record| record.as_ref().err().map(String::as_str)).collect();
    assert_eq!(read.len(), count);
    assert_eq!(messages[0], "record 2: quantity: the value is missing; expected a value");
    assert!(messages[1].starts_with("record 3: meterId: \"m/1\": the id has one of"), "{}", messages[1]);
    assert_eq!(messages[2], "record 4: meterId: the value is blank; expected a value");
    assert!(
        messages[3].starts_with("record 5: date: \"2025-02-30\": date 2025-02-30 does not exist"),
        "{}",
        messages[3]
    );
    let last = read[5].as_ref().unwrap();
    assert_eq!((last.number, last.quantity.to_string()), (6, "-6".to_owned()));
    // Rows that say the same share their line.
    assert!(Arc::ptr_eq(&last.line, &read[0].as_ref().unwrap().line));
    let half = TimestampMillisecondArray::from(vec![1_735_709_400_000_i64]);
    let mut hourly = columns(Arc::new(Int64Array::from(vec![1])));
    hourly[2] = ("time", Arc::new(half));
    let read = records(UsageReader::parquet("u", file(hourly, 4), UsageOrigin::File).unwrap());
    assert!(read[0].as_ref().unwrap_err().contains("expected the beginning of an hour"), "{read:?}");
    let mut far = columns(Arc::new(Int64Array::from(vec![1])));
    far.push(("receivedAt", Arc::new(TimestampMillisecondArray::from(vec![1_i64 << 62]))));
    let mut reader = UsageReader::parquet("u", file(far, 4), UsageOrigin::File).unwrap();
    let error = reader.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("column receivedAt cannot be read"), "{error}");
    let big = Decimal128Array::from(vec![10i128.pow(23)]).with_precision_and_scale(38, 3).unwrap();
    let read = records(UsageReader::parquet("u", file(columns(Arc::new(big)), 4), UsageOrigin::File).unwrap());
    assert!(read[0].as_ref().unwrap_err().contains("at most 20 integer"), "{read:?}");
}

#[test]
fn texts_without_dictionaries_read_like_others() {
    // Long enough that a reader sees from the size that there are no codes, of quantities as text too.
    let count = 40_000;
    let ids = |row: usize| format!("/{}/{}", "r".repeat(250), row % 30_000);
    let resources: ArrayRef = Arc::new(StringArray::from_iter((0..count).map(|row| (row % 5 != 0).then(|| ids(row)))));
    let quantities: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("{}{row}.5", "0".repeat(110)))));
    let file = |has_dictionaries: bool| {
        let mut columns = columns(quantities.clone());
        columns.push(("resourceId", resources.clone()));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(39_000))
            .set_dictionary_enabled(has_dictionaries)
            .set_dictionary_page_size_limit(64 << 20)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        Bytes::from(writer.into_inner().unwrap())
    };
    let [coded, plain] =
        [true, false].map(|has| records(UsageReader::parquet("u", file(has), UsageOrigin::File).unwrap()));
    assert_eq!(coded, plain);
    for (row, read) in plain.into_iter().enumerate() {
        let expected = if row % 5 != 0 { ids(row) } else { String::new() };
        let read = read.unwrap();
        assert_eq!(
            (read.line.resource_id.as_str(), read.quantity.to_string()),
            (expected.as_str(), format!("{row}.5"))
        );
    }
}
