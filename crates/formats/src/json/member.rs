//! Members of a row: where an answer takes a value from, and what it writes for it.

use arrow::array::{Array, Int64Array, RecordBatch};
use calendar::{BillingPeriod, Date};
use ledger::Field;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::text::{is_json_number, push_decimal, push_escaped, push_plain, push_string, push_text};
use crate::column::{CodedTexts, Column, EncodeError, Extras, integers, lake_columns};
use crate::extras;
use crate::pages::json::members;
use crate::reporting::is_whole;
use crate::schema::{EXTRA_COLUMN, SOURCE_HASH_COLUMN, SOURCE_ROW_COLUMN};
use crate::tags::{is_json, tags_text};

/// Names of rows that have none of their own are made in this space.
const NAME_SPACE: Uuid = Uuid::from_u128(0x6f1d_5a6c_1b0e_5c3f_9a41_7c0d_93b8_42e7);

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
    /// The begin or end that a page gave, else begin or end of the row's day.
    UsageStart,
    UsageEnd,
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

/// The cells of a batch.
pub(super) struct Cells {
    columns: Vec<Option<Column>>,
    extras: Extras,
    hashes: CodedTexts,
    rows: Int64Array,
    pub(super) period: BillingPeriod,
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
            | Self::Not(field)
            | Self::Object(field) => found.push(*field),
            Self::UsageStart | Self::UsageEnd => found.push(Field::Date),
            Self::TagsText => found.push(Field::Tags),
            Self::Members(members) => members.iter().for_each(|member| member.value.fields(found)),
            Self::Extra(_)
            | Self::ExtraNumber(_)
            | Self::ExtraInteger(_)
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

impl Cells {
    pub(super) fn of(batch: &RecordBatch, fields: &[Field], period: BillingPeriod) -> Result<Self, EncodeError> {
        let mut columns: Vec<Option<Column>> = Field::ALL.iter().map(|_| None).collect();
        for field in fields {
            // The tags are JSON already, or become it.
            let write = if *field == Field::Tags { push_raw } else { push_text };
            columns[field.index()] = Some(Column::of(batch, *field, write)?);
        }
        Ok(Self {
            columns,
            extras: Extras::of(batch)?,
            hashes: CodedTexts::named(batch, SOURCE_HASH_COLUMN, push_raw)?,
            rows: integers(batch, SOURCE_ROW_COLUMN)?,
            period,
        })
    }

    fn column(&self, field: Field) -> Option<&Column> {
        self.columns[field.index()].as_ref()
    }

    pub(super) fn extra(&self, row: usize, name: &str) -> Option<&str> {
        self.extras.at(row, name).filter(|cell| !cell.is_empty())
    }

    /// Whether the row comes from a page of usage details: it has the members that it came with and no others.
    fn is_from_page(&self, row: usize) -> bool {
        self.extra(row, extras::USAGE_DETAIL_NAME).is_some()
    }

    fn date(&self, field: Field, row: usize) -> Option<Date> {
        match self.column(field)? {
            Column::Date(dates) => dates[row],
            _ => None,
        }
    }

    fn boolean(&self, field: Field, row: usize) -> Option<bool> {
        match self.column(field)? {
            Column::Boolean(values) => (!values.is_null(row)).then(|| values.value(row)),
            _ => None,
        }
    }

    /// The text of a cell as it was prepared; empty for an unknown one.
    pub(super) fn text(&self, field: Field, row: usize) -> &[u8] {
        match self.column(field) {
            Some(Column::Text(texts)) => texts.at(row),
            _ => b"",
        }
    }

    /// The name of a usage detail: its own, else made of where the row was read (DESIGN 4.4).
    pub(super) fn push_name(&self, row: usize, out: &mut Vec<u8>) {
        if let Some(name) = self.extra(row, extras::USAGE_DETAIL_NAME) {
            push_escaped(name.as_bytes(), out);
            return;
        }
        let mut origin = self.hashes.at(row).to_vec();
        origin.push(b' ');
        origin.extend_from_slice(self.rows.value(row).to_string().as_bytes());
        let name = Uuid::new_v5(&NAME_SPACE, &origin);
        out.extend_from_slice(name.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    }

    /// The billing period as ids spell it.
    pub(super) fn push_period_name(&self, row: usize, out: &mut Vec<u8>) {
        match self.extra(row, extras::BILLING_PERIOD_NAME) {
            Some(name) => push_escaped(name.as_bytes(), out),
            None => out.extend_from_slice(self.period.to_string().as_bytes()),
        }
    }
}

fn push_raw(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(text);
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
pub(super) fn write_members(members: &[Member], cells: &Cells, row: usize, context: &RowContext, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut first = true;
    for member in members {
        first &= !member.write(cells, row, context, first, out);
    }
    out.push(b'}');
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
                let text = cells.text(*field, row);
                let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
                if is_whole(text) {
                    out.extend_from_slice(text);
                }
            }
            Self::Midnight(field) => write_time(cells.date(*field, row), "T00:00:00.0000000Z", out),
            Self::PlainMidnight(field) => write_time(cells.date(*field, row), "T00:00:00", out),
            Self::UsageStart => match cells.extra(row, extras::USAGE_START) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T00:00:00.0000000Z", out),
            },
            Self::UsageEnd => match cells.extra(row, extras::USAGE_END) {
                Some(text) => push_string(text.as_bytes(), out),
                None => write_time(cells.date(Field::Date, row), "T23:59:59.0000000Z", out),
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
                if let Some(text) = tags_text(&String::from_utf8_lossy(cells.text(Field::Tags, row))) {
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

fn write_cell(cells: &Cells, field: Field, row: usize, out: &mut Vec<u8>) {
    match cells.column(field) {
        Some(Column::Text(texts)) => out.extend_from_slice(texts.at(row)),
        Some(Column::Decimal(decimals)) => {
            if let Some(cell) = decimals.at(row) {
                push_decimal(&cell, out);
            }
        }
        Some(Column::Boolean(_)) => write_boolean(cells.boolean(field, row), out),
        Some(Column::Date(dates)) => write_time(dates[row], "T00:00:00.0000000Z", out),
        None => {}
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

/// A JSON string that holds an object becomes the object. All its values are texts, as the OpenAPI file of the first version
/// says: a number is its digits in a text, what else is no text its JSON. What is unknown is absent.
pub(super) fn write_object(string: &[u8], out: &mut Vec<u8>) {
    let text = serde_json::from_slice::<String>(string).ok();
    let object = text.as_deref().filter(|text| is_json(text));
    let object = object.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let Some(members) = object.and_then(|object| members(object).ok()) else {
        out.extend_from_slice(string);
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
