//! Every field of a billed charge comes back from the staged batches.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int8Type, Int32Type, Int64Type};
use ledger::billing::{BillInput, ChargeRow, FieldValue, Order, PeriodBill, UsageBook, bill};
use ledger::{Dataset, Field, FieldKind};
use money::{Decimal, Total};

use super::usage::instant;
use super::*;
use crate::batch::DecimalColumn;
use crate::schema::stored_scale;
use crate::{scale_column, staging_schema, text_column};

/// January of an enrollment with everything: reservations, a savings plan, tiers, spot and Marketplace.
fn january() -> PeriodBill {
    let enrollment = read_enrollment("e", &example("enrollment")).unwrap().enrollment;
    let stated = read_orders("o", &example("orders"), Some(enrollment.currency)).unwrap();
    let wanted = ["R1", "S1", "P1", "M1"];
    let orders: Vec<Order> = stated
        .orders
        .into_iter()
        .filter(|order| wanted.contains(&order.id.as_str()))
        .flat_map(|order| order.orders)
        .collect();
    // A price with all the digits that one may have.
    let sheet = example("priceSheet").replace("\"unitPrice\": \"0.40\"", "\"unitPrice\": \"0.400000000000000001\"");
    let prices = read_price_sheet("p", &sheet, &PriceSheetFill::default()).unwrap().sheet;
    let text = example("usage.ndjson").replace("\"-3\",\"pricingModel\":\"Spot\"", "\"30.50\"");
    let mut usage = UsageBook::default();
    for record in records(UsageReader::ndjson("u", input(&text), UsageOrigin::File)) {
        let record = record.unwrap();
        let line = usage.line(&record.line);
        usage.add(line, record.day, record.hour, record.quantity).unwrap();
    }
    let as_of = instant("2025-02-05T00:00:00Z");
    let period = enrollment.start;
    let input = BillInput {
        enrollment: &enrollment,
        period,
        prices: Some(&prices),
        orders: &orders,
        usage,
        previous: None,
        as_of,
    };
    bill(input).unwrap()
}

fn assert_number(batch: &RecordBatch, row: usize, field: Field, number: Decimal) {
    let column = |name: &str| batch.column_by_name(name).unwrap().clone();
    let expected = number.to_shortest_string();
    let spelled = column(&text_column(field));
    let spelled = spelled.as_string::<i32>();
    let values = column(field.column());
    let values = values.as_primitive::<Decimal128Type>();
    let scale = column(&scale_column(field));
    let scale = scale.as_primitive::<Int8Type>().value(row).cast_unsigned();
    if spelled.is_valid(row) {
        assert!(values.is_null(row), "{field:?}: only what the column cannot hold is spelled");
        assert_eq!(spelled.value(row), expected, "{field:?}");
        return;
    }
    let value = Decimal::from_rescaled_i128(values.value(row), stored_scale(field), scale).unwrap();
    assert_eq!(value.to_string(), expected, "{field:?}");
}

fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    let column = column.as_dictionary::<Int32Type>();
    column.key(row).map(|key| column.values().as_string::<i32>().value(key))
}

fn assert_row(batch: &RecordBatch, row: usize, charge: ChargeRow<'_>) {
    for field in Field::ALL {
        let column = batch.column_by_name(field.column()).unwrap();
        match charge.value(*field) {
            FieldValue::Unknown => assert!(column.is_null(row), "{field:?}"),
            FieldValue::Text(text) => assert_eq!(text_at(column, row), Some(text.as_ref()), "{field:?}"),
            FieldValue::Date(date) => {
                assert_eq!(column.as_primitive::<Date32Type>().value(row), date.days(), "{field:?}")
            }
            FieldValue::Boolean(value) => assert_eq!(column.as_boolean().value(row), value, "{field:?}"),
            FieldValue::Number(number) => assert_number(batch, row, *field, number),
        }
    }
}

/// The columns are those of staged rows, but for dictionaries.
fn assert_columns(batch: &RecordBatch) {
    let schema = batch.schema();
    assert_eq!(schema.fields().len(), staging_schema().fields().len());
    for (own, staged) in schema.fields().iter().zip(staging_schema().fields()) {
        let plain = match own.data_type() {
            DataType::Dictionary(_, plain) => plain.as_ref(),
            other => other,
        };
        assert_eq!((own.name(), plain, own.is_nullable()), (staged.name(), staged.data_type(), staged.is_nullable()));
    }
}

#[test]
fn every_field_comes_back() {
    let bill = january();
    assert!(bill.held_back.is_empty(), "{:?}", bill.held_back);
    for dataset in Dataset::ALL {
        let mut charges = native_charges(&bill, dataset);
        let mut expected = bill.charges(dataset);
        let (mut rows, mut total) = (0, Total::ZERO);
        let mut kinds = std::collections::BTreeSet::new();
        for batch in charges.by_ref() {
            let batch = batch.unwrap();
            assert_columns(&batch);
            for row in 0..batch.num_rows() {
                let charge = expected.next().unwrap();
                assert_row(&batch, row, charge);
                rows += 1;
                total.add(charge.cost()).unwrap();
                if let FieldValue::Text(kind) = charge.value(Field::ChargeType) {
                    kinds.insert(kind.into_owned());
                }
                let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
                assert_eq!(number("source_row"), rows);
                let period = batch.column_by_name("billing_period").unwrap().as_primitive::<Int32Type>().value(row);
                let index = batch.column_by_name("source_index").unwrap().as_primitive::<Int32Type>().value(row);
                assert_eq!((period, index), (202_501, 0));
            }
        }
        assert!(expected.next().is_none());
        let summary = charges.into_summary();
        assert_eq!((i64::try_from(summary.rows).unwrap(), summary.total.value()), (rows, total.value()));
        assert!(summary.days.contains(&"2025-01-01".parse().unwrap()), "{:?}", summary.days);
        let production = |place: &ledger::Place| place.subscription_name.as_deref() == Some("Production");
        assert!(summary.places.iter().any(production), "{:?}", summary.places);
        let wanted = match dataset {
            Dataset::ActualCost => ["Purchase", "Usage"].as_slice(),
            Dataset::AmortizedCost => ["Purchase", "UnusedReservation", "UnusedSavingsPlan", "Usage"].as_slice(),
        };
        assert!(wanted.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
    }
}

#[test]
fn numbers_that_the_column_cannot_hold_are_spelled() {
    let wide = Decimal::parse(b"123456789012.50", money::Limits::COST).unwrap().value;
    assert_eq!(Field::Cost.kind(), FieldKind::Cost);
    for (field, spelling) in [(Field::Cost, Some("123456789012.5")), (Field::Quantity, None)] {
        let mut column = DecimalColumn::new(field);
        column.append_shortest(wide);
        let mut arrays = Vec::new();
        column.finish(&mut arrays);
        let [value, scale, text] = &arrays[..] else { panic!() };
        assert_eq!(text.as_string::<i32>().iter().next().flatten(), spelling, "{field:?}");
        assert_eq!(value.is_null(0), spelling.is_some(), "{field:?}");
        assert_eq!(scale.as_primitive::<Int8Type>().value(0), 1);
    }
}
