//! The fast way of reading a source against the obvious one, for tests and for the fuzz target `charges_csv`.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use calendar::{BillingPeriod, Date};
use ledger::Field;
use money::{Decimal, Limits};

use super::*;
use crate::batch::{Cell, ChargeBatchBuilder};
use crate::cells::DecimalCell;
use crate::encode::{CsvEncoder, row_ends};
use crate::error::RowFault;
use crate::layout::Layout;
use crate::reader::{ChargeReader, ReadOptions, RejectSink, Rejected};
use crate::schema::{staging_schema, stored_scale};
use crate::source::{SourceCopy, SourceReader};
use crate::summary::ReadSummary;

/// What must hold of any bytes: both ways of reading give the same rows or the same refusal, whatever the size of blocks and
/// the number of readers. What is read is written as an export, as a whole and in pieces; and what that reads as
/// is written as the same bytes.
pub fn check(bytes: &[u8]) {
    let size = bytes.len().max(1);
    for rejects in [false, true] {
        let options = ReadOptions::default();
        let (expected, kept) = obviously(bytes, &options, rejects);
        for shape in [(size, 1), (size / 3 + 1, 2), (7, 3), (size, 0)] {
            let (found, also_kept) = by_spans(bytes, &options, rejects, shape);
            assert_eq!(found, expected, "blocks of {} bytes, {} readers", shape.0, shape.1);
            assert_eq!(also_kept, kept, "blocks of {} bytes, {} readers", shape.0, shape.1);
        }
        if let Ok((batch, _)) = expected {
            check_written(&batch);
        }
    }
}

fn check_written(batch: &RecordBatch) {
    let encoder = CsvEncoder::new(Layout::Ea20240801, Vec::new());
    let (mut text, mut ends) = (Vec::new(), Vec::new());
    encoder.header(&mut text);
    let header = text.len();
    encoder.rows(batch, &mut text, &mut ends).unwrap();
    assert_eq!(row_ends(&text[header..]).iter().map(|end| end + header).collect::<Vec<_>>(), ends);
    let prepared = encoder.prepare(batch).unwrap();
    let (mut pieces, mut row) = (text[..header].to_vec(), 0);
    while row < prepared.len() {
        row += prepared.write_some(row, 100, &mut pieces, &mut Vec::new());
    }
    assert_eq!(pieces, text);
    let source = SourceReader::open("f", &text[..]).unwrap();
    // The layout has no cells of columns that are not known, and a row without any of its own names no enrollment.
    let Ok(mut again) = ChargeReader::open("f", source, ReadOptions::default(), None) else { return };
    let mut second = text[..header].to_vec();
    while let Some(batch) = again.next_batch().unwrap() {
        encoder.rows(&batch, &mut second, &mut Vec::new()).unwrap();
    }
    assert_eq!(String::from_utf8_lossy(&second), String::from_utf8_lossy(&text));
}

/// Keeps nothing.
pub(super) struct NoCopy;

impl SourceCopy for NoCopy {
    fn take(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What was rejected: line, reason and text of each row.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Kept(Vec<(RowFault, Vec<u8>)>);

impl RejectSink for Kept {
    fn reject(&mut self, rejected: Rejected<'_>) -> std::io::Result<()> {
        self.0.push((rejected.fault.clone(), rejected.raw.to_vec()));
        Ok(())
    }
}

/// What reading gave: all rows, and what the source held, or the refusal.
pub(super) type Outcome = (Result<(RecordBatch, String), String>, Kept);

fn told(summary: &ReadSummary) -> String {
    let mut places: Vec<_> = summary.places.iter().collect();
    places.sort();
    format!("{:?}", (summary, &places)).replace(&format!("{:?}", summary.places), "")
}

pub(super) fn obviously(text: &[u8], options: &ReadOptions, rejects: bool) -> Outcome {
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

pub(super) fn by_spans(
    text: &[u8],
    options: &ReadOptions,
    rejects: bool,
    (block_bytes, readers): (usize, usize),
) -> Outcome {
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
