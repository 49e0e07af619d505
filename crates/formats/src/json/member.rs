//! Members of a row: where an answer takes a value from, and what it writes for it.

use calendar::{BillingPeriod, Date};
use ledger::Field;
use serde_json::value::RawValue;

use super::cells::{Cells, Names};
use super::text::{is_json_number, push_decimal, push_escaped, push_plain, push_string, push_text};
use crate::column::{Column, lake_columns};
use crate::extras;
use crate::pages::json::members;
use crate::reporting::{DayPart, is_whole};
use crate::schema::{EXTRA_COLUMN, SOURCE_HASH_COLUMN, SOURCE_ROW_COLUMN};
use crate::tags::{is_json, tags_text};

/// A member of a JSON object.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) unknown: Unknown,
}

/// What stands for a value that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nothing: the member is absent.
    Absent,
    /// An empty text.
    Blank,
    /// `null`.
    Null,
    /// `0`: a placeholder of obsolete numbers (SEMANTICS 3.8).
    Zero,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A text, a decimal or a boolean cell.
    Cell(Field),
    /// A text kept from a page, else a field's.
    ExtraOr(&'static str, Field),
    /// A text kept from a page.
    Extra(&'static str),
    /// A decimal kept from a page.
    ExtraNumber(&'static str),
    /// A decimal kept from a page, else the field's for rows that do not come from a page.
    ExtraNumberOr(&'static str, Field),
    /// A whole number kept from a page.
    ExtraInteger(&'static str),
    /// A text cell that is a whole number.
    Integer(Field),
    /// The day of a date field at midnight: `2018-05-01T00:00:00.0000000Z`.
    Midnight(Field),
    /// The same without fraction and zone: `2018-05-01T00:00:00`.
    PlainMidnight(Field),
    /// A date field with the month in front: `03/01/2017`.
    UsDay(Field),
    /// A number of a date field.
    DayPart(DayPart, Field),
    /// The begin or end that a page gave, else begin or end of the row's day.
    UsageStart,
    UsageEnd,
    /// The same without fraction and zone.
    PlainStart,
    PlainEnd,
    /// Whether a Marketplace charge comes again: as a page said, else by its frequency.
    Recurring,
    /// The id that an Enterprise Reporting page gave, else the row's name.
    ChargeId,
    /// The opposite of a boolean cell.
    Not(Field),
    /// Whether the billing period is open.
    Estimated,
    /// Id of the billing period.
    BillingPeriodId,
    /// Id of the invoice that a page gave.
    InvoiceId,
    /// The tags cell as a JSON text of its own, in a string.
    TagsText,
    /// The object of texts that a JSON text holds; a text that holds none is written as a string.
    Object(Field),
    /// An object, if one of its members is known.
    Members(Vec<Member>),
    Null,
}

/// What rows do not know themselves.
#[derive(Debug, Clone)]
pub struct RowContext {
    /// Begin of ids: the scope that was asked for.
    pub id_prefix: String,
    /// Billing periods from this one on are open (SEMANTICS 5, D-34).
    pub first_open_period: BillingPeriod,
}

impl Value {
    fn fields(&self, found: &mut Vec<Field>) {
        match self {
            Self::Cell(field)
            | Self::ExtraOr(_, field)
            | Self::ExtraNumberOr(_, field)
            | Self::Integer(field)
            | Self::Midnight(field)
            | Self::PlainMidnight(field)
            | Self::UsDay(field)
            | Self::DayPart(_, field)
            | Self::Not(field)
            | Self::Object(field) => found.push(*field),
            Self::UsageStart | Self::UsageEnd | Self::PlainStart | Self::PlainEnd => found.push(Field::Date),
            Self::Recurring => found.push(Field::Frequency),
            Self::TagsText => found.push(Field::Tags),
            Self::Members(members) => members.iter().for_each(|member| member.value.fields(found)),
            Self::Extra(_)
            | Self::ExtraNumber(_)
            | Self::ExtraInteger(_)
            | Self::ChargeId
            | Self::Estimated
            | Self::BillingPeriodId
            | Self::InvoiceId
            | Self::Null => {}
        }
    }
}

/// The fields that members read, each once.
pub(super) fn fields(members: &[Member]) -> Vec<Field> {
    let mut found = Vec::new();
    members.iter().for_each(|member| member.value.fields(&mut found));
    found.sort_unstable();
    found.dedup();
    found
}

/// The lake columns of fields, with those that every answer reads.
pub(super) fn columns_read(fields: &[Field]) -> Vec<String> {
    let technical = [EXTRA_COLUMN, SOURCE_HASH_COLUMN, SOURCE_ROW_COLUMN].map(str::to_owned);
    fields.iter().flat_map(|field| lake_columns(*field)).chain(technical).collect()
}

impl Member {
    /// Appends `"name":value` with a comma before it unless it is the first; nothing for an absent member.
    pub(super) fn write(
        &self,
        cells: &Cells,
        row: usize,
        context: &RowContext,
        first: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        if !first {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(b"\":");
        let value = out.len();
        self.value.write(cells, row, context, out);
        if out.len() > value {
            return true;
        }
        match self.unknown {
            Unknown::Absent => {
                out.truncate(start);
                return false;
            }
            Unknown::Blank => out.extend_from_slice(b"\"\""),
            Unknown::Null => out.extend_from_slice(b"null"),
            Unknown::Zero => out.push(b'0'),
        }
        true
    }
}

/// Appends members between braces; what is not known may leave none.
fn write_members(members: &[Member], cells: &Cells, row: usize, context: &RowContext, out: &mut Vec<u8>) {
    out.push(b'{');
    write_listed(members, cells, row, context, out);
    out.push(b'}');
}

/// Appends members with commas between them.
pub(super) fn write_listed(members: &[Member], cells: &Cells, row: usize, context: &RowContext, out: &mut Vec<u8>) {
    let mut first = true;
    for member in members {
        first &= !member.write(cells, row, context, first, out);
    }
}

impl Value {
    /// Appends the value; nothing for one that is not known.
    fn write(&self, cells: &Cells, row: usize, context: &RowContext, out: &mut Vec<u8>) {
        match self {
            Self::Cell(field) => write_cell(cells, *field, row, out),
            Self::ExtraOr(name, field) => match cells.extra(row, name) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_cell(cells, *field, row, out),
            },
            Self::Extra(name) => {
                if let Some(text) = cells.extra(row, name) {
                    push_string(text.as_bytes(), out);
                }
            }
            Self::ExtraNumber(name) => write_extra_number(cells, name, row, out),
            Self::ExtraNumberOr(name, field) => {
                if cells.is_from_page(row) || cells.extra(row, name).is_some() {
                    write_extra_number(cells, name, row, out);
                } else {
                    write_cell(cells, *field, row, out);
                }
            }
            Self::ExtraInteger(name) => {
                if let Some(text) = cells.extra(row, name).filter(|text| is_whole(text.as_bytes())) {
                    out.extend_from_slice(text.as_bytes());
                }
            }
            Self::Integer(field) => {
                let text = cells.text(*field, row).as_bytes();
                if is_whole(text) {
                    out.extend_from_slice(text);
                }
            }
            Self::Midnight(field) => write_time(cells.date(*field, row), "T00:00:00.0000000Z", out),
            Self::PlainMidnight(field) => write_time(cells.date(*field, row), "T00:00:00", out),
            Self::UsDay(field) => {
                if let Some(day) = cells.date(*field, row) {
                    out.push(b'"');
                    day.write_us(out);
                    out.push(b'"');
                }
            }
            Self::DayPart(part, field) => {
                if let Some(day) = cells.date(*field, row) {
                    part.write(day, out);
                }
            }
            Self::UsageStart => match cells.extra(row, extras::USAGE_START) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T00:00:00.0000000Z", out),
            },
            Self::UsageEnd => match cells.extra(row, extras::USAGE_END) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T23:59:59.0000000Z", out),
            },
            Self::PlainStart => match cells.extra(row, extras::USAGE_START) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T00:00:00", out),
            },
            Self::PlainEnd => match cells.extra(row, extras::USAGE_END) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T23:59:59", out),
            },
            Self::Recurring => write_boolean(recurs(cells, row), out),
            Self::ChargeId => match cells.extra(row, extras::CHARGE_ID) {
                Some(text) => push_string(text.as_bytes(), out),
                None => {
                    out.push(b'"');
                    cells.push_name(row, &mut Names::default(), out);
                    out.push(b'"');
                }
            },
            Self::Not(field) => write_boolean(cells.boolean(*field, row).map(|value| !value), out),
            Self::Estimated => write_boolean(Some(cells.period >= context.first_open_period), out),
            Self::BillingPeriodId => {
                out.push(b'"');
                push_escaped(context.id_prefix.as_bytes(), out);
                out.extend_from_slice(b"/providers/Microsoft.Billing/billingPeriods/");
                cells.push_period_name(row, out);
                out.push(b'"');
            }
            Self::InvoiceId => {
                if let Some(name) = cells.extra(row, extras::INVOICE_NAME) {
                    let id = format!("{}/providers/Microsoft.Billing/invoices/{name}", context.id_prefix);
                    push_string(id.as_bytes(), out);
                }
            }
            Self::TagsText => {
                if let Some(text) = tags_text(cells.text(Field::Tags, row)) {
                    push_string(text.as_bytes(), out);
                }
            }
            Self::Object(field) => write_object(cells.text(*field, row), out),
            Self::Members(members) => {
                let start = out.len();
                write_members(members, cells, row, context, out);
                if out.len() == start + 2 {
                    out.truncate(start);
                }
            }
            Self::Null => out.extend_from_slice(b"null"),
        }
    }
}

/// Whether a Marketplace charge comes again; `None` for one of which nothing says it.
fn recurs(cells: &Cells, row: usize) -> Option<bool> {
    match cells.extra(row, extras::IS_RECURRING_CHARGE) {
        Some("True") => return Some(true),
        Some("False") => return Some(false),
        _ => {}
    }
    let frequency = cells.text(Field::Frequency, row);
    (!frequency.is_empty()).then(|| frequency.eq_ignore_ascii_case("Recurring"))
}

fn write_cell(cells: &Cells, field: Field, row: usize, out: &mut Vec<u8>) {
    match cells.column(field) {
        Some(Column::Decimal(decimals)) => {
            if let Some(cell) = decimals.at(row) {
                push_decimal(&cell, out);
            }
        }
        Some(Column::Boolean(_)) => write_boolean(cells.boolean(field, row), out),
        Some(Column::Date(dates)) => write_time(dates[row], "T00:00:00.0000000Z", out),
        Some(Column::Text(_) | Column::Plain(_) | Column::Same(_)) | None => {
            push_text(cells.text(field, row).as_bytes(), out)
        }
    }
}

fn write_extra_number(cells: &Cells, name: &str, row: usize, out: &mut Vec<u8>) {
    match cells.extra(row, name) {
        Some(text) if is_json_number(text) => out.extend_from_slice(text.as_bytes()),
        Some(text) => push_plain(text, out),
        None => {}
    }
}

fn write_boolean(value: Option<bool>, out: &mut Vec<u8>) {
    match value {
        Some(true) => out.extend_from_slice(b"true"),
        Some(false) => out.extend_from_slice(b"false"),
        None => {}
    }
}

fn write_time(day: Option<Date>, time: &str, out: &mut Vec<u8>) {
    if let Some(day) = day {
        out.push(b'"');
        out.extend_from_slice(day.to_string().as_bytes());
        out.extend_from_slice(time.as_bytes());
        out.push(b'"');
    }
}

/// A text that holds a JSON object becomes the object; a blank one nothing. All its values are texts, as the OpenAPI file of
/// the first version says: a number is its digits in a text, what else is no text its JSON. What is unknown is absent.
pub(super) fn write_object(text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        return;
    }
    let object = is_json(text).then(|| serde_json::from_str::<&RawValue>(text).ok()).flatten();
    let Some(members) = object.and_then(|object| members(object).ok()) else {
        push_string(text.as_bytes(), out);
        return;
    };
    out.push(b'{');
    let known = members.iter().filter(|member| member.value.get() != "null");
    for (index, member) in known.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_string(member.name.as_bytes(), out);
        out.push(b':');
        match member.value.get() {
            text if text.starts_with('"') => out.extend_from_slice(text.as_bytes()),
            other => push_string(other.as_bytes(), out),
        }
    }
    out.push(b'}');
}
