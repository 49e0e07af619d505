//! Rows of a batch as JSON: which parts a row has, and by what cells the pieces of each part differ.

use ledger::Field;

use super::Form;
use super::cells::{Cells, Names};
use super::member::{Member, RowContext, Value, write_listed};
use super::pieces::{Assembly, PARTS_MAX, Pieces};
use super::text::push_escaped;
use crate::column::Column;
use crate::extras;
use crate::tags::tags_json;

/// Room for the parts of a row that are no members.
const OTHER_PARTS: usize = 8;

/// The rows of a batch, ready to be put together.
pub(super) fn assembly(form: Form, members: &[Member], cells: &Cells, context: &RowContext) -> Assembly {
    let rows = cells.rows();
    let constant = |text: &[u8]| Pieces::constant(rows, |_, out| out.extend_from_slice(text));
    let mut parts = Vec::with_capacity(members.len() + OTHER_PARTS);
    let end: &[u8] = match form {
        Form::Plain => b"}",
        Form::Resource { kind, collection } => {
            resource((kind, collection), cells, context, &mut parts);
            b"}}"
        }
    };
    parts.push(constant(b"{"));
    listed(members, cells, context, &mut parts);
    parts.push(constant(end));
    Assembly::of(parts, rows)
}

/// What stands before the properties of a resource.
fn resource((kind, collection): (bool, &'static str), cells: &Cells, context: &RowContext, parts: &mut Vec<Pieces>) {
    let rows = cells.rows();
    let mut names = Names::default();
    let name = Pieces::by_runs(rows, |_| false, |row, out| cells.push_name(row, &mut names, out));
    parts.push(by_extras(cells, |row, out| {
        out.push(b'{');
        if kind {
            out.extend_from_slice(b"\"kind\":\"legacy\",");
        }
        out.extend_from_slice(b"\"id\":\"");
        push_escaped(context.id_prefix.as_bytes(), out);
        out.extend_from_slice(b"/providers/Microsoft.Billing/billingPeriods/");
        cells.push_period_name(row, out);
        out.extend_from_slice(b"/providers/Microsoft.Consumption/");
        out.extend_from_slice(collection.as_bytes());
        out.push(b'/');
    }));
    parts.push(name.clone());
    parts.push(Pieces::constant(rows, |_, out| out.extend_from_slice(b"\",\"name\":\"")));
    parts.push(name);
    // Marketplace charges call themselves usage details too, as recorded answers have it.
    parts.push(by_field(cells, Field::Tags, |row, out| {
        out.extend_from_slice(b"\",\"type\":\"Microsoft.Consumption/usageDetails\",\"tags\":");
        out.extend_from_slice(tags_json(cells.text(Field::Tags, row)).as_bytes());
    }));
    parts.push(by_extras(cells, |row, out| {
        if kind && let Some(etag) = cells.extra(row, extras::ETAG) {
            out.extend_from_slice(b",\"etag\":\"");
            push_escaped(etag.as_bytes(), out);
            out.push(b'"');
        }
        out.extend_from_slice(b",\"properties\":");
    }));
}

/// The members of an object, between its braces. All parts begin with their comma but the first, which reaches up to the
/// first member that no row lacks, so that its commas are right whatever is absent.
fn listed(members: &[Member], cells: &Cells, context: &RowContext, parts: &mut Vec<Pieces>) {
    let rows = cells.rows();
    let mut own: Vec<Pieces> = members.iter().map(|member| pieces(member, cells, context)).collect();
    let sure = own.iter().position(Pieces::is_never_empty);
    let fits = members.len() + OTHER_PARTS <= PARTS_MAX;
    let first_count = sure.filter(|_| fits).map_or(own.len(), |index| index + 1);
    let rest = own.split_off(first_count);
    let same = |row: usize| own.iter().all(|part| part.same_as_before(row));
    let (head, _) = members.split_at(first_count);
    parts.push(Pieces::by_runs(rows, same, |row, out| write_listed(head, cells, row, context, out)));
    parts.extend(rest);
}

/// What a member writes, with a comma before it; nothing for an absent one.
fn pieces(member: &Member, cells: &Cells, context: &RowContext) -> Pieces {
    let write = |row: usize, out: &mut Vec<u8>| {
        member.write(cells, row, context, false, out);
    };
    match &member.value {
        Value::Cell(field)
        | Value::Integer(field)
        | Value::Midnight(field)
        | Value::PlainMidnight(field)
        | Value::UsDay(field)
        | Value::DayPart(_, field)
        | Value::Not(field)
        | Value::Object(field) => by_field(cells, *field, write),
        Value::TagsText => by_field(cells, Field::Tags, write),
        Value::Estimated | Value::Null => Pieces::constant(cells.rows(), write),
        Value::ExtraOr(_, field) | Value::ExtraNumberOr(_, field) if !cells.has_extras() => {
            by_field(cells, *field, write)
        }
        Value::UsageStart | Value::UsageEnd | Value::PlainStart | Value::PlainEnd if !cells.has_extras() => {
            by_field(cells, Field::Date, write)
        }
        Value::Members(inner) => {
            let parts: Vec<Pieces> = inner.iter().map(|member| pieces(member, cells, context)).collect();
            Pieces::by_runs(cells.rows(), |row| parts.iter().all(|part| part.same_as_before(row)), write)
        }
        Value::ExtraOr(..)
        | Value::Extra(_)
        | Value::ExtraNumber(_)
        | Value::ExtraNumberOr(..)
        | Value::ExtraInteger(_)
        | Value::UsageStart
        | Value::UsageEnd
        | Value::PlainStart
        | Value::PlainEnd
        | Value::BillingPeriodId
        | Value::InvoiceId => by_extras(cells, write),
        // Two cells of the row decide, or none.
        Value::Recurring | Value::ChargeId => Pieces::by_runs(cells.rows(), |_| false, write),
    }
}

/// Pieces of what depends on the cells of columns that no layout knows, and on nothing else but the batch.
fn by_extras(cells: &Cells, write: impl FnMut(usize, &mut Vec<u8>)) -> Pieces {
    if cells.has_extras() {
        Pieces::by_runs(cells.rows(), |_| false, write)
    } else {
        Pieces::constant(cells.rows(), write)
    }
}

/// Pieces of what depends on one cell.
fn by_field(cells: &Cells, field: Field, write: impl FnMut(usize, &mut Vec<u8>)) -> Pieces {
    let rows = cells.rows();
    if let Some(texts) = cells.texts(field) {
        return Pieces::by_text(rows, texts, write);
    }
    if let Some(numbers) = cells.numbers(field) {
        return Pieces::by_runs(rows, |row| numbers.same_as_before(row), write);
    }
    match cells.column(field) {
        Some(Column::Date(dates)) => Pieces::by_key(rows, |row| dates[row], write),
        Some(Column::Boolean(_)) => Pieces::by_key(rows, |row| cells.boolean(field, row), write),
        _ => Pieces::by_runs(rows, |_| false, write),
    }
}
