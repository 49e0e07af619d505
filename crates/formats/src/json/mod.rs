//! Writing charges as JSON rows of the page-wise API generations. Numbers are written from the digits that came in.

mod member;
mod shapes;
mod text;

use arrow::array::RecordBatch;
use calendar::BillingPeriod;
use ledger::Field;

pub use member::RowContext;
pub use shapes::Expanded;
pub(crate) use text::{is_json_number, push_plain};

use crate::column::EncodeError;
use crate::extras;
use crate::reporting::ReportingVersion;
use crate::tags::tags_json;
use member::{Cells, Member, columns_read, fields, write_members};
use text::push_escaped;

/// Writes batches of charges as JSON objects.
#[derive(Debug, Clone)]
pub struct JsonEncoder {
    form: Form,
    members: Vec<Member>,
    fields: Vec<Field>,
}

/// What stands around the members of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Plain,
    /// A resource with properties, from some version on with its kind.
    Resource { kind: bool },
}

impl JsonEncoder {
    /// An encoder for usage details of an api-version of the Consumption API.
    pub fn usage_details(api_version: &str, expanded: Expanded) -> Self {
        let members = if api_version < shapes::NEWER_FORM {
            shapes::legacy(api_version, expanded)
        } else {
            shapes::newer(api_version, expanded)
        };
        Self::of(Form::Resource { kind: api_version >= shapes::KIND }, members)
    }

    /// An encoder for usage details of the Enterprise Reporting APIs.
    pub fn reporting(version: ReportingVersion) -> Self {
        Self::of(Form::Plain, shapes::reporting(version))
    }

    fn of(form: Form, members: Vec<Member>) -> Self {
        let mut fields = fields(&members);
        if !fields.contains(&Field::Tags) {
            fields.push(Field::Tags);
        }
        Self { form, members, fields }
    }

    /// The lake columns that the encoder reads.
    pub fn columns_read(&self) -> Vec<String> {
        columns_read(&self.fields)
    }

    /// Appends all rows of a batch of one billing period, with a comma before each but the first of `out`, and, to
    /// `ends`, where each row ends in `out`.
    pub fn rows(
        &self,
        batch: &RecordBatch,
        period: BillingPeriod,
        context: &RowContext,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), EncodeError> {
        let cells = Cells::of(batch, &self.fields, period)?;
        for row in 0..batch.num_rows() {
            if !out.is_empty() {
                out.push(b',');
            }
            match self.form {
                Form::Plain => write_members(&self.members, &cells, row, context, out),
                Form::Resource { kind } => self.resource(&cells, row, kind, context, out),
            }
            ends.push(out.len());
        }
        Ok(())
    }

    fn resource(&self, cells: &Cells, row: usize, kind: bool, context: &RowContext, out: &mut Vec<u8>) {
        out.push(b'{');
        if kind {
            out.extend_from_slice(b"\"kind\":\"legacy\",");
        }
        out.extend_from_slice(b"\"id\":\"");
        push_escaped(context.id_prefix.as_bytes(), out);
        out.extend_from_slice(b"/providers/Microsoft.Billing/billingPeriods/");
        cells.push_period_name(row, out);
        out.extend_from_slice(b"/providers/Microsoft.Consumption/usageDetails/");
        cells.push_name(row, out);
        out.extend_from_slice(b"\",\"name\":\"");
        cells.push_name(row, out);
        out.extend_from_slice(b"\",\"type\":\"Microsoft.Consumption/usageDetails\",\"tags\":");
        let tags = String::from_utf8_lossy(cells.text(Field::Tags, row));
        out.extend_from_slice(tags_json(&tags).as_bytes());
        if kind && let Some(etag) = cells.extra(row, extras::ETAG) {
            out.extend_from_slice(b",\"etag\":\"");
            push_escaped(etag.as_bytes(), out);
            out.push(b'"');
        }
        out.extend_from_slice(b",\"properties\":");
        write_members(&self.members, cells, row, context, out);
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests;
