//! The fast way of reading a source against the obvious one, record by record, on tables that nobody should write.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use calendar::{BillingPeriod, Date};
use ledger::{EnrollmentId, Field};
use money::{Decimal, Limits};
use proptest::prelude::*;

use super::*;
use crate::batch::{Cell, ChargeBatchBuilder};
use crate::cells::DecimalCell;
use crate::error::RowFault;
use crate::reader::{ChargeReader, ReadOptions, RejectSink, Rejected};
use crate::schema::{staging_schema, stored_scale};
use crate::source::SourceReader;
use crate::summary::ReadSummary;

const HEADER: &str = "BillingAccountId,BillingAccountName,InvoiceSectionName,SubscriptionId,Date,ResourceId,MeterId,Tags,\
                      Quantity,EffectivePrice,CostInBillingCurrency,x,ChargeType,PricingModel,BillingCurrencyCode,\
                      BillingPeriodStartDate,IsAzureCreditEligible,y";

/// Keeps nothing.
struct NoCopy;

impl crate::source::SourceCopy for NoCopy {
    fn take(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What was rejected: line, reason and text of each row.
#[derive(Default, Debug, PartialEq)]
struct Kept(Vec<(RowFault, Vec<u8>)>);

impl RejectSink for Kept {
    fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()> {
        self.0.push((rejected.fault.clone(), rejected.raw.to_vec()));
        Ok(())
    }
}

/// What reading gave: all rows, and what the source held, or the refusal.
type Outcome = (Result<(RecordBatch, String), String>, Kept);

fn told(summary: &ReadSummary) -> String {
    let mut places: Vec<_> = summary.places.iter().collect();
    places.sort();
    format!("{:?}", (summary, &places)).replace(&format!("{:?}", summary.places), "")
}

fn obviously(text: &[u8], options: &ReadOptions, rejects: bool) -> Outcome {
    let mut kept = Kept::default();
    let read = || {
        let sink = rejects.then_some(&mut kept as &mut dyn RejectSink);
        let source = SourceReader::open("f", text)?;
        let mut reader = ChargeReader::open("f", source, options.clone(), sink)?;
        let mut batches = Vec::new();
        while let Some(batch) = reader.next_batch()? {
            batches.push(batch);
        }
        let batch = concat_batches(&staging_schema(), &batches).unwrap();
        Ok::<_, crate::InputError>((batch, told(&reader.finish())))
    };
    let outcome = { read }().map_err(|error| error.to_string());
    (outcome, kept)
}

fn by_spans(text: &[u8], options: &ReadOptions, rejects: bool, (block_bytes, readers): (usize, usize)) -> Outcome {
    let mut kept = Kept::default();
    let read = || {
        let sink = rejects.then_some(&mut kept as &mut dyn RejectSink);
        let mut blocks = SourceBlocks::new(SourceReader::open("f", text)?, block_bytes);
        let OpenedSource { mut rows, first, .. } =
            SourceRows::open("f", &mut blocks, options.clone(), sink, &mut NoCopy)?;
        let mut readers: Vec<_> =
            (0..readers).filter(|_| rows.plan().has_spans()).map(|_| BlockReader::new(rows.plan().clone())).collect();
        let mut done: Vec<(usize, CodedRows)> = Vec::new();
        let (mut number, mut next) = (0, Some(first));
        while let Some(block) = next {
            let member = if readers.is_empty() { 0 } else { number % readers.len() };
            let read = readers.get_mut(member).and_then(|reader| reader.read(&block));
            done.extend(rows.take(&block, read)?.map(|rows| (member, rows)));
            number += 1;
            next = blocks.next_block("f", block.text)?;
        }
        let mut tables: Vec<CellTable> = readers.iter_mut().map(BlockReader::take_table).collect();
        if let Some((table, slow)) = rows.take_slow() {
            done.extend(slow.into_iter().map(|rows| (tables.len(), rows)));
            tables.push(table);
        }
        done.sort_by_key(|(_, rows)| if rows.is_empty() { 0 } else { rows.source_row(0) });
        let batch = decoded(&tables, &done);
        Ok::<_, crate::InputError>((batch, told(&rows.finish(&blocks.into_source()))))
    };
    let outcome = { read }().map_err(|error| error.to_string());
    (outcome, kept)
}

/// Coded rows as plain ones.
fn decoded(tables: &[CellTable], blocks: &[(usize, CodedRows)]) -> RecordBatch {
    let mut builder = ChargeBatchBuilder::new();
    for (table, rows) in blocks {
        let table = &tables[*table];
        for row in 0..rows.len() {
            let mut cells: Vec<u32> = vec![0; table.columns().len()];
            for (span, entry) in rows.spans().iter().zip(rows.codes(row)) {
                let span = table.span(*span);
                span.columns().iter().zip(span.cells(*entry)).for_each(|(column, code)| cells[*column] = *code);
            }
            let period = BillingPeriod::parse(&rows.period(row).to_string()).unwrap();
            builder.begin_row(period, rows.source_index, rows.source_row(row));
            for field in Field::ALL {
                builder.cell(
                    *field,
                    &match field {
                        Field::Quantity => number(*field, rows.quantity(), row),
                        Field::Cost => number(*field, rows.cost(), row),
                        _ => cell(*field, &table.columns()[field.index()], cells[field.index()]),
                    },
                );
            }
            for (index, name) in table.unknown().iter().enumerate() {
                let column = Field::ALL.len() + index;
                if cells[column] > 0 {
                    builder.extra_cell(name, text(&table.columns()[column], cells[column]));
                }
            }
            builder.end_row();
        }
    }
    builder.finish()
}

fn text(column: &CellColumn, code: u32) -> &str {
    std::str::from_utf8(column.text(code)).unwrap()
}

fn cell(field: Field, column: &CellColumn, code: u32) -> Cell<'_> {
    match column.values() {
        _ if code == 0 => Cell::Unknown,
        CellValues::Text => Cell::Text(text(column, code).into()),
        CellValues::Dates(days) => Cell::Date(Date::from_days(days[code as usize]).unwrap()),
        CellValues::Booleans(values) => Cell::Boolean(values[code as usize]),
        CellValues::Decimals(values) => {
            let stored = values[code as usize];
            decimal(field, stored.value, stored.scale, stored.spelled.then(|| text(column, code)))
        }
    }
}

fn number(field: Field, numbers: &Numbers, row: usize) -> Cell<'_> {
    decimal(field, numbers.value(row), numbers.scale(row), numbers.spelling(row))
}

fn decimal(field: Field, value: Option<i128>, scale: i8, spelling: Option<&str>) -> Cell<'_> {
    let parsed = match spelling {
        Some(text) => Decimal::parse(text.as_bytes(), Limits::COST).unwrap(),
        None => {
            let value = Decimal::from_rescaled_i128(value.unwrap(), stored_scale(field), scale.unsigned_abs()).unwrap();
            DecimalCell { value, canonical: true }
        }
    };
    Cell::Decimal { parsed, spelling: spelling.unwrap_or_default().into() }
}

/// A cell of one of the columns: mostly in order.
fn any_cell(column: usize) -> BoxedStrategy<String> {
    let name = HEADER.split(',').nth(column).unwrap();
    let usual: Vec<&str> = match name {
        "BillingAccountId" => vec!["123"],
        "BillingCurrencyCode" => vec!["USD"],
        "Date" => vec!["01/02/2025", "2025-01-03", "01/04/2025"],
        "BillingPeriodStartDate" => vec!["01/01/2025", "02/01/2025"],
        "Quantity" | "EffectivePrice" | "CostInBillingCurrency" => {
            vec!["1", "2.50", "0.000", "1E-7", "+7", "\"3.5\"", "-0.25", "12345678901234"]
        }
        "ChargeType" => vec!["Usage"],
        "PricingModel" => vec!["OnDemand", "Reservation", ""],
        "IsAzureCreditEligible" => vec!["True", "false", ""],
        _ => vec!["a", "b", "", "\"c,d\"", "\"two\nlines\"", "\"say \"\"x\"\"\"", "é", " "],
    };
    let odd =
        vec!["", "zz", "\"", "\"a\"b", "5\"", "\"\"", "456", "EUR", "Purchase", "\r", "\n", "x\ry", "1,5", "\u{1}"];
    prop_oneof![
        60 => prop::sample::select(usual).prop_map(str::to_owned),
        1 => prop::sample::select(odd).prop_map(str::to_owned),
    ]
    .boxed()
}

fn any_table() -> impl Strategy<Value = Vec<u8>> {
    let columns: Vec<_> = (0..HEADER.split(',').count()).map(any_cell).collect();
    let row = (columns, prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n", ""]));
    (prop::collection::vec(row, 0..40), prop::option::weighted(0.1, any::<prop::sample::Index>())).prop_map(
        |(rows, bad)| {
            let mut text = format!("{HEADER}\n").into_bytes();
            for (cells, end) in &rows {
                text.extend_from_slice(cells.join(",").as_bytes());
                text.extend_from_slice(end.as_bytes());
            }
            if let Some(bad) = bad {
                let at = HEADER.len() + 1 + bad.index(text.len() - HEADER.len());
                text.insert(at.min(text.len()), 0xFF);
            }
            text
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_of_reading_give_the_same(
        text in any_table(),
        block_bytes in prop_oneof![1usize..400, Just(1usize << 20)],
        readers in prop::sample::select(vec![0usize, 1, 2, 4]),
        rejects: bool,
        knows_enrollment: bool,
    ) {
        let mut options = ReadOptions::default();
        if knows_enrollment {
            options.fill.enrollment = EnrollmentId::parse("123").ok();
            options.fill.currency = "USD".parse().ok();
        }
        let expected = obviously(&text, &options, rejects);
        let found = by_spans(&text, &options, rejects, (block_bytes, readers));
        prop_assert_eq!(found, expected);
    }
}

fn plain_rows(count: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..count {
        let (day, resource) = (row / 40 % 28 + 1, row % 40);
        text += &format!(
            "123,Name,Dept,s{},01/{day:02}/2025,/r/{resource},m{},\"t{row}\",{row},0.5,{row}.25,{},Usage,OnDemand,USD,\
             01/01/2025,True,\n",
            resource % 3,
            resource % 5,
            if row % 2 == 0 { "e" } else { "" }
        );
    }
    text
}

#[test]
fn rows_in_order_are_read_by_spans_and_spans_that_do_not_repeat_are_split() {
    let text = plain_rows(80_000);
    let options = ReadOptions::default();
    let source = SourceReader::open("f", text.as_bytes()).unwrap();
    let mut blocks = SourceBlocks::new(source, 64 << 10);
    let opened = SourceRows::open("f", &mut blocks, options.clone(), None, &mut NoCopy).unwrap();
    let (mut rows, mut next) = (opened.rows, Some(opened.first));
    let mut reader = BlockReader::new(rows.plan().clone());
    let mut divisions = Vec::new();
    while let Some(block) = next {
        let read = reader.read(&block);
        let read = rows.take(&block, read).unwrap().expect("all rows are in order");
        divisions.push(read.spans().len());
        next = blocks.next_block("f", block.text).unwrap();
    }
    assert!(rows.take_slow().is_none());
    // The tags are new in each row, and stand in the middle of a span.
    assert!(divisions.first() < divisions.last() && divisions.is_sorted(), "{divisions:?}");
    let expected = obviously(text.as_bytes(), &options, false);
    assert_eq!(by_spans(text.as_bytes(), &options, false, (64 << 10, 2)), expected);
}

#[test]
fn a_row_that_is_refused_is_the_first_one_of_the_file() {
    let mut text = plain_rows(2_000).into_bytes();
    text.extend_from_slice(b"123,Name,Dept,s,bad day,/r,m,t,1,1,1,,Usage,OnDemand,USD,01/01/2025,True,\n");
    text.extend_from_slice(b"123,Name,Dept,s,01/02/2025,/r,m,t,bad,1,1,,Usage,OnDemand,USD,01/01/2025,True,\n");
    for readers in [1, 2, 4] {
        let (outcome, _) = by_spans(&text, &ReadOptions::default(), false, (1_000, readers));
        let refusal = outcome.unwrap_err();
        assert!(refusal.starts_with("f, line 2002, column Date: \"bad day\""), "{refusal}");
    }
}
