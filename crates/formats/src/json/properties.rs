//! Rows put together from pieces have the bytes of rows written one member after the other, and hold the cells as they came.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cells::Names;
use super::member::write_listed;
use super::tests::{ALL, batch_of};
use super::text::push_escaped;
use super::*;
use crate::extras;
use crate::tags::tags_json;

const COLUMNS: &str = "BillingAccountId,BillingCurrencyCode,SubscriptionId,MeterId,ChargeType,PricingModel,Date,Quantity,\
    CostInBillingCurrency,UnitPrice,IsAzureCreditEligible,Tags,AdditionalInfo,ResourceName,MeterName,AccountId";
/// Columns that only pages and files of Enterprise Reporting have.
const UNKNOWN: &str =
    ",UsageDetailName,ETag,BillingPeriodName,UsageStart,BillableQuantity,ProductId,InvoiceName,Location";

/// A member after the other, as the contract lists them.
fn plainly(encoder: &JsonEncoder, batch: &RecordBatch, period: BillingPeriod, context: &RowContext) -> Vec<u8> {
    let cells = Cells::of(batch, &encoder.fields, period).unwrap();
    let mut out = Vec::new();
    for row in 0..batch.num_rows() {
        if row > 0 {
            out.push(b',');
        }
        if let Form::Resource { kind, collection } = encoder.form {
            out.extend_from_slice(if kind { b"{\"kind\":\"legacy\",\"id\":\"" } else { b"{\"id\":\"" });
            push_escaped(context.id_prefix.as_bytes(), &mut out);
            out.extend_from_slice(b"/providers/Microsoft.Billing/billingPeriods/");
            cells.push_period_name(row, &mut out);
            out.extend_from_slice(format!("/providers/Microsoft.Consumption/{collection}/").as_bytes());
            cells.push_name(row, &mut Names::default(), &mut out);
            out.extend_from_slice(b"\",\"name\":\"");
            cells.push_name(row, &mut Names::default(), &mut out);
            out.extend_from_slice(b"\",\"type\":\"Microsoft.Consumption/usageDetails\",\"tags\":");
            out.extend_from_slice(tags_json(cells.text(Field::Tags, row)).as_bytes());
            if kind && let Some(etag) = cells.extra(row, extras::ETAG) {
                out.extend_from_slice(b",\"etag\":");
                out.extend_from_slice(serde_json::to_string(etag).unwrap().as_bytes());
            }
            out.extend_from_slice(b",\"properties\":");
        }
        out.push(b'{');
        write_listed(&encoder.members, &cells, row, context, &mut out);
        out.extend_from_slice(if encoder.form == Form::Plain { b"}" } else { b"}}" });
    }
    out
}

fn encoders() -> Vec<JsonEncoder> {
    let versions = ["2017-04-24-preview", "2018-01-31", "2018-06-30", "2019-05-01", "2023-05-01", "2024-08-01"];
    let details = versions
        .iter()
        .flat_map(|version| [ALL, Expanded::default()].map(|expanded| JsonEncoder::usage_details(version, expanded)));
    let marketplaces = ["2018-01-31", "2018-10-01", "2024-08-01"].map(JsonEncoder::marketplaces);
    let charges = ReportingVersion::ALL.map(JsonEncoder::marketplace_charges);
    details.chain(ReportingVersion::ALL.map(JsonEncoder::reporting)).chain(marketplaces).chain(charges).collect()
}

fn context() -> RowContext {
    RowContext { id_prefix: "/subscriptions/\"s\"".into(), first_open_period: "202310".parse().unwrap() }
}

/// Texts as dictionaries, as the lake gives them.
fn coded(batch: &RecordBatch) -> RecordBatch {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let code = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => cast(column, &dictionary).unwrap(),
        _ => column.clone(),
    };
    let columns = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    RecordBatch::try_from_iter(columns.into_iter().zip(batch.columns().iter().map(code))).unwrap()
}

fn text_cell(batch: &RecordBatch, field: Field, row: usize) -> Option<String> {
    let column = cast(batch.column_by_name(field.column()).unwrap(), &DataType::Utf8).unwrap();
    let texts = column.as_string::<i32>();
    (!texts.is_null(row)).then(|| texts.value(row).to_owned())
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Rows of few distinct cells, so that neighbours share some of them, as in a sorted file.
fn tables() -> impl Strategy<Value = String> {
    let text = || prop_oneof![3 => "[a-z\"\\\\,\r\n\té😀{}:\u{1}\u{7f}]{0,12}", 1 => Just(String::new())];
    let tags =
        prop_oneof![text(), Just("\"a\": \"b,c\"".to_owned()), Just("{\"a\":1e999}".to_owned()), Just(String::new())];
    let cost = "[+-]?[0-9]{1,18}(\\.[0-9]{0,28})?|[+-]?[0-9](\\.[0-9]{1,12})?[eE]-[0-9]|0\\.0{1,28}";
    let quantity = "-?[0-9]{0,9}\\.[0-9]{1,18}";
    let row = (
        ("0[1-4]", quantity, cost, prop_oneof![Just(String::new()), Just("0.10".to_owned()), Just("1E-7".to_owned())]),
        (prop_oneof![Just(""), Just("True"), Just("FALSE")], tags, text(), text()),
        (text(), prop_oneof![Just("".to_owned()), Just("007".to_owned()), text()]),
        proptest::collection::vec(
            prop_oneof![2 => Just(String::new()), 1 => text(), 1 => "[0-9]{1,5}(\\.[0-9]{1,3})?"],
            8,
        ),
    );
    let distinct = proptest::collection::vec(row, 1..5);
    (distinct, proptest::collection::vec(any::<proptest::sample::Index>(), 1..24), any::<bool>()).prop_map(
        |(distinct, picks, unknown)| {
            let mut csv = format!("{COLUMNS}{}\n", if unknown { UNKNOWN } else { "" });
            for (number, pick) in picks.iter().enumerate() {
                let ((day, quantity, cost, price), (eligible, tags, info, name), (meter, account), more) =
                    pick.get(&distinct);
                // Costs differ from row to row in places, as they do.
                let cost = if number % 3 == 0 { cost.as_str() } else { "12.340" };
                csv.push_str(&format!("1,USD,s,m,Usage,OnDemand,09/{day}/2023,{quantity},{cost},{price},{eligible}"));
                let texts = [tags, info, name, meter, account];
                let more = if unknown { more.as_slice() } else { &[] };
                texts.into_iter().chain(more).for_each(|cell| csv.push_str(&format!(",{}", quoted(cell))));
                csv.push('\n');
            }
            csv
        },
    )
}

proptest! {
    #[test]
    fn rows_from_pieces_are_those_of_plain_writing(table in tables()) {
        let plain = batch_of(&table);
        let period = "202309".parse().unwrap();
        for batch in [coded(&plain), plain] {
            for encoder in encoders() {
                let (mut out, mut ends) = (Vec::new(), Vec::new());
                encoder.rows(&batch, period, &context(), &mut out, &mut ends).unwrap();
                let expected = plainly(&encoder, &batch, period, &context());
                prop_assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&expected));
                prop_assert_eq!((ends.len(), ends.last()), (batch.num_rows(), Some(&out.len())));
            }
        }
    }

    /// What any reader of JSON finds in a row is what the cells say, numbers digit for digit.
    #[test]
    fn rows_hold_the_cells_as_they_came(table in tables()) {
        let batch = coded(&batch_of(&table));
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        let encoder = JsonEncoder::usage_details("2024-08-01", ALL);
        encoder.rows(&batch, "202309".parse().unwrap(), &context(), &mut out, &mut ends).unwrap();
        let text = format!("[{}]", String::from_utf8(out).unwrap());
        let rows: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&text).unwrap();
        let mut records = crate::records::RecordReader::new(table.as_bytes());
        records.next_record().unwrap();
        for (index, row) in rows.iter().enumerate() {
            let properties = &row["properties"];
            for (member, field) in [("resourceName", Field::ResourceName), ("additionalInfo", Field::AdditionalInfo)] {
                let cell = text_cell(&batch, field, index).map(Value::String);
                prop_assert_eq!(properties.get(member), cell.as_ref());
            }
            let record = records.next_record().unwrap().unwrap();
            let cell = |column: usize| String::from_utf8(record.bytes(column).into_owned()).unwrap();
            for (member, column) in [("quantity", 7), ("cost", 8), ("unitPrice", 9)] {
                let written = number_of(&text, index, member);
                let came = cell(column);
                if text::is_json_number(&came) {
                    prop_assert_eq!(written, Some(came));
                } else {
                    let of = |text: String| money::Decimal::parse(text.as_bytes(), money::Limits::COST).unwrap().value;
                    prop_assert_eq!(written.map(of), (!came.is_empty()).then(|| of(came)));
                }
            }
        }
    }
}

/// The digits of a member as they stand in the text.
fn number_of(text: &str, row: usize, member: &str) -> Option<String> {
    type Members = std::collections::BTreeMap<String, Box<RawValue>>;
    let rows: Vec<Members> = serde_json::from_str(text).unwrap();
    let properties: Members = serde_json::from_str(rows[row]["properties"].get()).unwrap();
    properties.get(member).map(|value| value.get().to_owned())
}

#[test]
fn more_distinct_texts_than_a_table_should_hold_are_looked_up_by_hash() {
    let batch = coded(&batch_of(&format!("{COLUMNS}\n1,USD,s,m,Usage,OnDemand,09/01/2023,1,1,,,,,name,,\n")));
    let values: Vec<String> = (0..5000).map(|number| format!("name {number}")).collect();
    let keys = arrow::array::Int32Array::from(vec![4321]);
    let texts: ArrayRef = Arc::new(arrow::array::StringArray::from(values));
    let column = arrow::array::DictionaryArray::<Int32Type>::new(keys, texts);
    let replaced = batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let columns = replaced.into_iter().zip(batch.columns()).map(|(name, own)| {
        let is_name = name == Field::ResourceName.column();
        (name, if is_name { Arc::new(column.clone()) as ArrayRef } else { own.clone() })
    });
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let encoder = JsonEncoder::usage_details("2024-08-01", ALL);
    let mut out = Vec::new();
    encoder.rows(&batch, "202309".parse().unwrap(), &context(), &mut out, &mut Vec::new()).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\"resourceName\":\"name 4321\""));
}
