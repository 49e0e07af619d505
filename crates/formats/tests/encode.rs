//! The encoder against the obvious one: the `csv` crate writes the cells that were read, one by one.

#![allow(clippy::unwrap_used, missing_docs)]

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use lazurite_formats::{ChargeReader, CsvEncoder, Layout, ReadOptions, SourceReader, row_ends};
use ledger::{Field, FieldKind};
use proptest::prelude::*;

const LAYOUT: Layout = Layout::Ea20240801;

/// A cell that is accepted in a column and comes back as it came.
fn cell(field: Field) -> BoxedStrategy<String> {
    match field {
        Field::BillingAccountId => Just("8611001".to_owned()).boxed(),
        Field::BillingCurrencyCode => Just("USD".to_owned()).boxed(),
        Field::BillingPeriodStartDate | Field::BillingPeriodEndDate => Just("01/01/2025".to_owned()).boxed(),
        Field::ChargeType => prop_oneof![Just("Usage".to_owned()), Just("Refund, \"late\"".to_owned())].boxed(),
        _ => match field.kind() {
            FieldKind::Text => prop_oneof![
                3 => "[a-z0-9-]{0,12}",
                1 => "[a-z,\"\r\n\t é{}:=;'\u{0}]{0,20}",
                1 => Just(String::new()),
                1 => Just("\"".repeat(9)),
            ]
            .boxed(),
            FieldKind::Date => "(0[1-9]|1[0-2])/(0[1-9]|1[0-9]|2[0-8])/20[0-9]{2}".boxed(),
            FieldKind::Boolean => prop_oneof!["True", "False", ""].boxed(),
            FieldKind::Cost => number("[+-]?[0-9]{1,11}(\\.[0-9]{0,25})?([eE]-[0-3])?", field),
            FieldKind::Number => number("-?[0-9]{1,10}(\\.[0-9]{0,18})?", field),
        },
    }
}

fn number(pattern: &'static str, field: Field) -> BoxedStrategy<String> {
    let required = matches!(field, Field::Cost | Field::Quantity);
    let short = "-?[0-9]{1,4}(\\.[0-9]{1,6})?";
    let some = prop_oneof![2 => pattern, 3 => short, 1 => Just("0.0000000072922557592391990000".to_owned())];
    let fits = move |text: &String| field.kind() == FieldKind::Cost || text.len() < 24;
    let some = some.prop_filter("quantities and prices have fewer digits", fits);
    if required { some.boxed() } else { prop_oneof![4 => some, 1 => Just(String::new())].boxed() }
}

/// Rows that mostly repeat the one before, as sorted ones do.
fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    let row: Vec<BoxedStrategy<String>> = LAYOUT.columns().iter().map(|(_, field)| cell(*field)).collect();
    let columns = row.len();
    let change = (0..columns).prop_flat_map(|column| (Just(column), cell(LAYOUT.columns()[column].1)));
    let changes = prop::collection::vec(prop::collection::vec(change, 0..4), 0..60);
    (row, changes).prop_map(|(first, changes)| {
        let mut rows = vec![first];
        for changes in changes {
            let mut next = rows[rows.len() - 1].clone();
            for (column, cell) in changes {
                next[column] = cell;
            }
            rows.push(next);
        }
        rows
    })
}

fn written(header: bool, rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if header {
        writer.write_record(LAYOUT.columns().iter().map(|(name, _)| *name)).unwrap();
    }
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

fn coded(batch: &RecordBatch) -> RecordBatch {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let is_text = column.data_type() == &DataType::Utf8;
        (field.name().clone(), if is_text { cast(column, &dictionary).unwrap() } else { column.clone() })
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)).collect::<Vec<_>>())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_written_as_the_obvious_writer_does(rows in rows(), piece in 1_usize..4000) {
        let source = written(true, &rows);
        let reader = SourceReader::open("f", &source[..]).unwrap();
        let mut reader = ChargeReader::open("f", reader, ReadOptions::default(), None).unwrap();
        let batch = reader.next_batch().unwrap().unwrap();
        prop_assert_eq!(batch.num_rows(), rows.len());
        let expected = written(false, &rows);
        let encoder = CsvEncoder::new(LAYOUT, Vec::new());
        for batch in [coded(&batch), batch] {
            let (mut text, mut ends) = (Vec::new(), Vec::new());
            encoder.rows(&batch, &mut text, &mut ends).unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&text), String::from_utf8_lossy(&expected));
            prop_assert_eq!(row_ends(&text), ends);
            let prepared = encoder.prepare(&batch).unwrap();
            let (mut pieces, mut row) = (Vec::new(), 0);
            while row < prepared.len() {
                let mut own = Vec::new();
                row += prepared.write_some(row, piece, &mut own, &mut Vec::new());
                pieces.extend(own);
            }
            prop_assert_eq!(pieces, text);
        }
    }
}
