//! Writing charges as JSON rows of the page-wise API generations. Numbers are written from the digits that came in.

mod cells;
mod member;
mod pieces;
mod rows;
mod shapes;
mod text;

use arrow::array::RecordBatch;
use calendar::BillingPeriod;
use ledger::Field;

pub use member::RowContext;
pub use shapes::Expanded;
pub(crate) use text::{is_json_number, push_plain};

use crate::column::EncodeError;
use crate::reporting::ReportingVersion;
use cells::Cells;
use member::{Member, columns_read, fields};

/// Writes batches of charges as JSON objects.
#[derive(Debug, Clone)]
pub struct JsonEncoder {
    form: Form,
    members: Vec<Member>,
    fields: Vec<Field>,
}

/// By so much longer than the first row of a batch may its rows be on the average without a second allocation.
const ROW_BYTES_MORE: usize = 256;
/// More than a page is not reserved: one row can be as long as thousands.
const RESERVED_BYTES_MAX: usize = 4 << 20;

/// What stands around the members of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Plain,
    /// A resource with properties, from some version on with its kind; `collection` is its place in ids.
    Resource { kind: bool, collection: &'static str },
}

impl JsonEncoder {
    /// An encoder for usage details of an api-version of the Consumption API.
    pub fn usage_details(api_version: &str, expanded: Expanded) -> Self {
        let members = if api_version < shapes::NEWER_FORM {
            shapes::legacy(api_version, expanded)
        } else {
            shapes::newer(api_version, expanded)
        };
        Self::of(Form::Resource { kind: api_version >= shapes::KIND, collection: "usageDetails" }, members)
    }

    /// An encoder for Marketplace charges of an api-version of the Consumption API.
    pub fn marketplaces(api_version: &str) -> Self {
        Self::of(Form::Resource { kind: false, collection: "marketplaces" }, shapes::marketplaces(api_version))
    }

    /// An encoder for Marketplace charges of the Enterprise Reporting APIs.
    pub fn marketplace_charges(version: ReportingVersion) -> Self {
        Self::of(Form::Plain, shapes::marketplace_charges(version))
    }

    /// An encoder for usage details of the Enterprise Reporting APIs.
    pub fn reporting(version: ReportingVersion) -> Self {
        Self::of(Form::Plain, shapes::reporting(version))
    }

    /// An encoder for the usage reports that were before those APIs.
    pub fn usage_report() -> Self {
        Self::of(Form::Plain, shapes::usage_report())
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
        let start = out.len();
        let mut rows = rows::assembly(self.form, &self.members, &cells, context);
        ends.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            if !out.is_empty() {
                out.push(b',');
            }
            rows.push(row, out);
            if row == 0 {
                // The other rows are about as long as the first.
                let rows_bytes = (out.len() - start + ROW_BYTES_MORE).saturating_mul(batch.num_rows());
                out.reserve(rows_bytes.min(RESERVED_BYTES_MAX));
            }
            ends.push(out.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
