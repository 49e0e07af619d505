//! The columns of an answer, prepared for one batch and written row by row.

use arrow::array::{Array, RecordBatch};
use ledger::Field;

use super::push_cell;
use crate::column::{Column, DecimalCell, EncodeError, Extras};
use crate::json::{is_json_number, push_plain};
use crate::reporting::{Source, is_whole};
use crate::tags::tags_text;

/// A column of the answer.
pub(super) enum Cells {
    /// A field, as cost details write it.
    Own(Column),
    /// A column that the charge schema does not know.
    Extra { extras: Extras, name: String },
    /// Such a column, else a field.
    ExtraOr { extras: Extras, name: &'static str, column: Column },
    /// A whole number in such a column, else 0.
    ObsoleteId { extras: Extras, name: &'static str },
    /// A decimal without exponent.
    Plain(Column),
    /// A day as `YYYY-MM-DD`.
    Day(Column),
    /// The opposite of a boolean.
    Not(Column),
}

impl Cells {
    /// A column of the Enterprise Reporting APIs.
    pub(super) fn of_source(batch: &RecordBatch, source: Source) -> Result<Self, EncodeError> {
        let column = |field| Column::of(batch, field, push_cell);
        Ok(match source {
            Source::Text(field) => Self::Own(column(field)?),
            Source::Number(field) => Self::Plain(column(field)?),
            Source::Extra(name) => Self::Extra { extras: Extras::of(batch)?, name: name.to_owned() },
            Source::ExtraOr(name, field) => Self::ExtraOr { extras: Extras::of(batch)?, name, column: column(field)? },
            Source::Id(field) => Self::Own(Column::of(batch, field, push_whole)?),
            Source::ObsoleteId(name) => Self::ObsoleteId { extras: Extras::of(batch)?, name },
            Source::Day(field) => Self::Day(column(field)?),
            Source::Not(field) => Self::Not(column(field)?),
            Source::Tags => Self::Own(Column::of(batch, Field::Tags, push_tags)?),
        })
    }

    /// Appends the cell of a row; nothing for an unknown one.
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Own(column) => write_column(column, row, out),
            Self::Extra { extras, name } => {
                if let Some(value) = extras.at(row, name) {
                    push_cell(value.as_bytes(), out);
                }
            }
            Self::ExtraOr { extras, name, column } => match extras.at(row, name).filter(|cell| !cell.is_empty()) {
                Some(value) => push_cell(value.as_bytes(), out),
                None => write_column(column, row, out),
            },
            Self::ObsoleteId { extras, name } => {
                push_whole(extras.at(row, name).unwrap_or_default().as_bytes(), out);
            }
            Self::Plain(Column::Decimal(decimals)) => match decimals.at(row) {
                Some(DecimalCell::Spelled(text)) if !is_plain(text) => push_plain(text, out),
                Some(cell) => write_decimal(&cell, out),
                None => {}
            },
            Self::Day(Column::Date(dates)) => {
                if let Some(date) = dates[row] {
                    date.write_iso(out);
                }
            }
            Self::Not(Column::Boolean(values)) => {
                if !values.is_null(row) {
                    write_boolean(!values.value(row), out);
                }
            }
            Self::Plain(column) | Self::Day(column) | Self::Not(column) => write_column(column, row, out),
        }
    }
}

#[inline]
fn write_column(column: &Column, row: usize, out: &mut Vec<u8>) {
    match column {
        Column::Text(texts) => out.extend_from_slice(texts.at(row)),
        Column::Date(dates) => {
            if let Some(date) = dates[row] {
                date.write_us(out);
            }
        }
        Column::Boolean(values) => {
            if !values.is_null(row) {
                write_boolean(values.value(row), out);
            }
        }
        Column::Decimal(decimals) => {
            if let Some(cell) = decimals.at(row) {
                write_decimal(&cell, out);
            }
        }
    }
}

fn write_decimal(cell: &DecimalCell<'_>, out: &mut Vec<u8>) {
    match cell {
        DecimalCell::Spelled(text) => push_cell(text.as_bytes(), out),
        DecimalCell::Scaled(value, scale) => money::write_scaled(*value, *scale, out),
    }
}

fn write_boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"True" } else { b"False" });
}

/// Whether a number is spelled in plain digits, as readers of numbers take it.
fn is_plain(text: &str) -> bool {
    is_json_number(text) && !text.contains(['e', 'E'])
}

/// Appends a whole number, and 0 for every other text.
fn push_whole(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(if is_whole(text) { text } else { b"0" });
}

fn push_tags(cell: &[u8], out: &mut Vec<u8>) {
    if let Some(text) = tags_text(&String::from_utf8_lossy(cell)) {
        push_cell(text.as_bytes(), out);
    }
}
