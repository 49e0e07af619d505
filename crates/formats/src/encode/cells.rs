//! The columns of an answer, prepared for one batch and written row by row. Each cell is followed by the comma or the line
//! end that stands after it.

use arrow::array::{Array, BooleanArray, RecordBatch, StringArray};
use calendar::Date;
use ledger::Field;

use super::push_cell;
use crate::column::{CodedTexts, Column, DecimalCell, Decimals, EncodeError, Extras, mark};
use crate::json::{is_json_number, push_plain};
use crate::reporting::{DayPart, Source, is_whole};
use crate::tags::tags_text;

/// A column of the answer.
pub(super) struct Cells {
    kind: Kind,
    /// What follows each cell.
    end: &'static [u8],
}

/// Appends the cell of a text.
type Write = fn(&[u8], &mut Vec<u8>);
/// Appends the cell of a day.
type WriteDay = fn(Date, &mut Vec<u8>);

enum Kind {
    /// Cells that are written already, `end` included.
    Written(CodedTexts),
    /// What is written in every row, `end` included.
    Same(Vec<u8>),
    /// Texts that are written where they stand.
    Plain(StringArray, Write),
    /// A decimal as the source spelled it.
    Decimal(Decimals),
    /// A decimal without exponent.
    Digits(Decimals),
    /// A column that the charge schema does not know.
    Extra { extras: Extras, name: String },
    /// Such a column, else a field.
    ExtraOr { extras: Extras, name: &'static str, field: CodedTexts },
    /// A whole number in such a column, else 0.
    ObsoleteId { extras: Extras, name: &'static str },
}

impl Cells {
    /// A field, as cost details write it.
    pub(super) fn of_field(batch: &RecordBatch, field: Field, end: &'static [u8]) -> Result<Self, EncodeError> {
        let column = Column::of(batch, field, |cell, out| ended(cell, push_cell, end, out))?;
        Ok(Self { kind: Kind::of(column, push_cell, Date::write_us, write_boolean, end), end })
    }

    /// A column that the charge schema does not know.
    pub(super) fn extra(batch: &RecordBatch, name: &str, end: &'static [u8]) -> Result<Self, EncodeError> {
        Ok(Self { kind: Kind::Extra { extras: Extras::of(batch)?, name: name.to_owned() }, end })
    }

    /// A column of the Enterprise Reporting APIs.
    pub(super) fn of_source(batch: &RecordBatch, source: Source, end: &'static [u8]) -> Result<Self, EncodeError> {
        let of_day = |field, write: Write, write_day: WriteDay| -> Result<Kind, EncodeError> {
            let column = Column::of(batch, field, |cell, out| ended(cell, write, end, out))?;
            Ok(Kind::of(column, write, write_day, write_opposite, end))
        };
        let column = |field, write: Write| of_day(field, write, Date::write_iso);
        let kind = match source {
            Source::Text(field) | Source::Day(field) | Source::Not(field) => column(field, push_cell)?,
            Source::UsDay(field) => of_day(field, push_cell, Date::write_us)?,
            Source::DayPart(DayPart::Day, field) => of_day(field, push_cell, |day, out| DayPart::Day.write(day, out))?,
            Source::DayPart(DayPart::Month, field) => {
                of_day(field, push_cell, |day, out| DayPart::Month.write(day, out))?
            }
            Source::DayPart(DayPart::Year, field) => {
                of_day(field, push_cell, |day, out| DayPart::Year.write(day, out))?
            }
            Source::Number(field) => match column(field, push_cell)? {
                Kind::Decimal(decimals) => Kind::Digits(decimals),
                other => other,
            },
            Source::Extra(name) => Kind::Extra { extras: Extras::of(batch)?, name: name.to_owned() },
            Source::ExtraOr(name, field) => {
                let texts = CodedTexts::named(batch, field.column(), |cell, out| ended(cell, push_cell, end, out))?;
                Kind::ExtraOr { extras: Extras::of(batch)?, name, field: texts }
            }
            Source::Id(field) => column(field, push_whole)?,
            Source::ObsoleteId(name) => Kind::ObsoleteId { extras: Extras::of(batch)?, name },
            Source::Tags => column(Field::Tags, push_tags)?,
        };
        Ok(Self { kind, end })
    }

    /// Takes the next column in where both are the same in every row, or gives it back.
    pub(super) fn join(&mut self, other: Self) -> Option<Self> {
        match (&mut self.kind, other.kind) {
            (Kind::Same(text), Kind::Same(next)) => {
                text.extend_from_slice(&next);
                None
            }
            (_, kind) => Some(Self { kind, end: other.end }),
        }
    }

    /// Adds to `changed` the rows whose cell may be another one than that of the row before.
    pub(super) fn mark_changes(&self, changed: &mut [bool]) {
        match &self.kind {
            Kind::Written(texts) => mark(texts.codes(), changed),
            Kind::Same(_) => {}
            Kind::Plain(texts, _) => (1..changed.len()).for_each(|row| {
                changed[row] |= plain_at(texts, row) != plain_at(texts, row - 1);
            }),
            Kind::Decimal(decimals) | Kind::Digits(decimals) => decimals.mark_changes(changed),
            Kind::Extra { extras, .. } | Kind::ObsoleteId { extras, .. } => extras.mark_changes(changed),
            Kind::ExtraOr { extras, field, .. } => {
                extras.mark_changes(changed);
                mark(field.codes(), changed);
            }
        }
    }

    /// Appends the cell of a row, nothing for an unknown one, and what follows it.
    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Written(texts) => return out.extend_from_slice(texts.at(row)),
            Kind::Same(text) => return out.extend_from_slice(text),
            Kind::Plain(texts, write) => write(plain_at(texts, row), out),
            Kind::Decimal(decimals) => match decimals.at(row) {
                Some(DecimalCell::Spelled(text)) => push_cell(text.as_bytes(), out),
                Some(DecimalCell::Scaled(value, scale)) => money::write_scaled(value, scale, out),
                None => {}
            },
            Kind::Digits(decimals) => match decimals.at(row) {
                Some(DecimalCell::Spelled(text)) if !is_plain(text) => push_plain(text, out),
                Some(DecimalCell::Spelled(text)) => push_cell(text.as_bytes(), out),
                Some(DecimalCell::Scaled(value, scale)) => money::write_scaled(value, scale, out),
                None => {}
            },
            Kind::Extra { extras, name } => {
                if let Some(value) = extras.at(row, name) {
                    push_cell(value.as_bytes(), out);
                }
            }
            Kind::ExtraOr { extras, name, field } => match extras.at(row, name).filter(|cell| !cell.is_empty()) {
                Some(value) => push_cell(value.as_bytes(), out),
                None => return out.extend_from_slice(field.at(row)),
            },
            Kind::ObsoleteId { extras, name } => {
                push_whole(extras.at(row, name).unwrap_or_default().as_bytes(), out);
            }
        }
        out.extend_from_slice(self.end);
    }
}

impl Kind {
    /// A column as it came, its few distinct days and booleans written once.
    fn of(
        column: Column,
        write_text: Write,
        write_day: WriteDay,
        write_boolean: fn(bool, &mut Vec<u8>),
        end: &'static [u8],
    ) -> Self {
        match column {
            Column::Text(texts) => Self::Written(texts),
            Column::Plain(texts) => Self::Plain(texts, write_text),
            Column::Same(text) => Self::Same(text),
            Column::Date(dates) => {
                let days = days(&dates, write_day, end);
                days.into_single().map_or_else(Self::Written, Self::Same)
            }
            Column::Boolean(values) => Self::Written(booleans(&values, write_boolean, end)),
            Column::Decimal(decimals) => Self::Decimal(decimals),
        }
    }
}

/// The text of a row; empty for an unknown one.
fn plain_at(texts: &StringArray, row: usize) -> &[u8] {
    if texts.is_null(row) { b"" } else { texts.value(row).as_bytes() }
}

fn ended(cell: &[u8], write: impl Fn(&[u8], &mut Vec<u8>), end: &[u8], out: &mut Vec<u8>) {
    write(cell, out);
    out.extend_from_slice(end);
}

/// A column of days, each distinct one written once.
fn days(dates: &[Option<Date>], write: WriteDay, end: &[u8]) -> CodedTexts {
    let mut distinct: Vec<Option<Date>> = Vec::new();
    let mut last = None;
    let mut code_of = std::collections::HashMap::new();
    let codes = dates.iter().map(|date| match last {
        Some((known, code)) if known == *date => code,
        _ => {
            let code = *code_of.entry(*date).or_insert_with(|| {
                distinct.push(*date);
                distinct.len() as i32 - 1
            });
            last = Some((*date, code));
            code
        }
    });
    let codes: Vec<i32> = codes.collect();
    CodedTexts::written(codes, distinct.len(), |code, out| {
        if let Some(date) = distinct[code] {
            write(date, out);
        }
        out.extend_from_slice(end);
    })
}

/// A column of booleans: false, true, unknown.
fn booleans(values: &BooleanArray, write: fn(bool, &mut Vec<u8>), end: &[u8]) -> CodedTexts {
    let codes: Vec<i32> = values.iter().map(|value| value.map_or(2, i32::from)).collect();
    CodedTexts::written(codes, 3, |code, out| {
        if code < 2 {
            write(code == 1, out);
        }
        out.extend_from_slice(end);
    })
}

fn write_boolean(value: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if value { b"True" } else { b"False" });
}

fn write_opposite(value: bool, out: &mut Vec<u8>) {
    write_boolean(!value, out);
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
