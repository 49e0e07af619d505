//! Writing charges as CSV with the digits that came in: UTF-8 with byte order mark, comma, quotes only where needed.
//!
//! Cost details (contract `cost-details-fields.md` section 5) have LF and dates `MM/DD/YYYY`. Files of the Enterprise
//! Reporting APIs (contract `enterprise-reporting-api.md` section 6) have CR LF, two lines before the header, and dates
//! `YYYY-MM-DD`. The usage reports before them have the same lines, a quoted header, a comma at the end of each line, dates
//! `MM/DD/YYYY` and no byte order mark.

mod cells;
mod rows;

use arrow::array::RecordBatch;
use memchr::{memchr2_iter, memchr3};

use crate::column::{EncodeError, lake_columns};
use crate::layout::Layout;
use crate::reporting::{ReportingVersion, Source};
use crate::schema::EXTRA_COLUMN;
use crate::usage_report;
use cells::Cells;

pub use rows::CsvRows;

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// What stands before the header in files of the Enterprise Reporting APIs: their clients skip two lines.
const PREFACE: &[u8] = b"\"Usage Data Extract\",\r\n\"\",\r\n";

/// Writes batches of charges as a CSV file of some form.
#[derive(Debug, Clone)]
pub struct CsvEncoder {
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    CostDetails { layout: Layout, unknown_columns: Vec<String> },
    Reporting(ReportingVersion),
    UsageReport,
}

impl CsvEncoder {
    /// An encoder for cost details in a layout; `unknown_columns` are written after the layout's own.
    pub fn new(layout: Layout, unknown_columns: Vec<String>) -> Self {
        Self { form: Form::CostDetails { layout, unknown_columns } }
    }

    /// An encoder for usage details of the Enterprise Reporting APIs.
    pub fn reporting(version: ReportingVersion) -> Self {
        Self { form: Form::Reporting(version) }
    }

    /// An encoder for the usage reports that were before those APIs.
    pub fn usage_report() -> Self {
        Self { form: Form::UsageReport }
    }

    /// Writes the byte order mark, where the form has one, and all lines up to and with the header.
    pub fn header(&self, out: &mut Vec<u8>) {
        match &self.form {
            Form::CostDetails { layout, unknown_columns } => {
                out.extend_from_slice(BOM);
                let own = layout.columns().iter().map(|(name, _)| *name);
                push_names(own.chain(unknown_columns.iter().map(String::as_str)), out);
            }
            Form::Reporting(version) => {
                out.extend_from_slice(BOM);
                out.extend_from_slice(PREFACE);
                push_names(version.columns().iter().map(|(name, _)| *name), out);
            }
            // Clients tell a month without data by how the text begins: a byte order mark would be in their way.
            Form::UsageReport => {
                out.extend_from_slice(PREFACE);
                let names: Vec<String> = usage_report::COLUMNS.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
                out.extend_from_slice(names.join(",").as_bytes());
            }
        }
        out.extend_from_slice(self.line_end());
    }

    /// The lake columns that the encoder reads.
    pub fn columns_read(&self) -> Vec<String> {
        let mut columns = Vec::new();
        match &self.form {
            Form::CostDetails { layout, unknown_columns } => {
                columns.extend(layout.columns().iter().flat_map(|(_, field)| lake_columns(*field)));
                columns.extend((!unknown_columns.is_empty()).then(|| EXTRA_COLUMN.to_owned()));
            }
            Form::Reporting(_) | Form::UsageReport => {
                columns.extend(self.sources().filter_map(|source| source.field()).flat_map(lake_columns));
                columns.push(EXTRA_COLUMN.to_owned());
            }
        }
        columns
    }

    /// A text that two encoders share exactly when they write the same bytes.
    pub fn identity(&self) -> String {
        match &self.form {
            Form::CostDetails { layout, unknown_columns } => format!("csv 1 {layout} {unknown_columns:?}"),
            Form::Reporting(version) => format!("reporting csv 1 {} columns", version.columns().len()),
            Form::UsageReport => "usage report csv 1".to_owned(),
        }
    }

    /// Appends all rows of a batch and, to `ends`, where each row ends in `out`. Text columns may be plain or
    /// dictionary-encoded.
    pub fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>, ends: &mut Vec<usize>) -> Result<(), EncodeError> {
        self.prepare(batch)?.write(out, ends);
        Ok(())
    }

    /// Prepares the rows of a batch for writing, each distinct text once. Text columns may be plain or dictionary-encoded.
    pub fn prepare(&self, batch: &RecordBatch) -> Result<CsvRows, EncodeError> {
        let last = self.width() - 1;
        let end = |index: usize| -> &'static [u8] { if index < last { b"," } else { self.line_end() } };
        let mut cells = Vec::with_capacity(self.width());
        match &self.form {
            Form::CostDetails { layout, unknown_columns } => {
                for (_, field) in layout.columns() {
                    cells.push(Cells::of_field(batch, *field, end(cells.len()))?);
                }
                for name in unknown_columns {
                    cells.push(Cells::extra(batch, name, end(cells.len()))?);
                }
            }
            Form::Reporting(_) | Form::UsageReport => {
                for source in self.sources() {
                    cells.push(Cells::of_source(batch, source, end(cells.len()))?);
                }
            }
        }
        Ok(CsvRows::of(cells, batch.num_rows()))
    }

    /// Number of columns.
    fn width(&self) -> usize {
        match &self.form {
            Form::CostDetails { layout, unknown_columns } => layout.columns().len() + unknown_columns.len(),
            Form::Reporting(version) => version.columns().len(),
            Form::UsageReport => usage_report::COLUMNS.len(),
        }
    }

    /// Where the columns have their values from; nothing for cost details, whose columns are fields.
    fn sources(&self) -> Box<dyn Iterator<Item = Source>> {
        match &self.form {
            Form::CostDetails { .. } => Box::new(std::iter::empty()),
            Form::Reporting(version) => Box::new(version.columns().iter().map(|(_, source)| *source)),
            Form::UsageReport => Box::new(usage_report::COLUMNS.iter().map(|(_, _, source)| *source)),
        }
    }

    const fn line_end(&self) -> &'static [u8] {
        match self.form {
            Form::CostDetails { .. } => b"\n",
            Form::Reporting(_) => b"\r\n",
            Form::UsageReport => b",\r\n",
        }
    }
}

/// Where each row ends in text that a [`CsvEncoder`] wrote.
pub fn row_ends(text: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut quoted = false;
    for position in memchr2_iter(b'"', b'\n', text) {
        match text[position] {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            _ => ends.push(position + 1),
        }
    }
    ends
}

fn push_names<'a>(names: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_cell(name.as_bytes(), out);
    }
}

/// Appends a cell, quoted when it holds a comma, a quote or a line break.
fn push_cell(cell: &[u8], out: &mut Vec<u8>) {
    if memchr3(b',', b'"', b'\n', cell).is_none() && memchr::memchr(b'\r', cell).is_none() {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for piece in cell.split_inclusive(|byte| *byte == b'"') {
        out.extend_from_slice(piece);
        if piece.ends_with(b"\"") {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use ledger::Field;

    use super::*;
    use crate::reader::{ChargeReader, ReadOptions};
    use crate::source::SourceReader;
    use arrow::array::ArrayRef;
    use arrow::compute::cast;
    use arrow::datatypes::DataType;

    const TEXT: &str = "BillingAccountId,BillingCurrencyCode,Date,Quantity,CostInBillingCurrency,SubscriptionId,MeterId,\
                        ChargeType,PricingModel,Tags,IsAzureCreditEligible,x\n\
                        1,USD,09/01/2023,1.50,2.250,s,m,Usage,OnDemand,\"\"\"a\"\": \"\"b,c\"\"\",TRUE,extra\n\
                        1,USD,2023-09-02,2,1E-7,s,m,Usage,OnDemand,\"two\nlines\",,\n";

    fn batch() -> RecordBatch {
        let source = SourceReader::open("f", TEXT.as_bytes()).unwrap();
        let mut reader = ChargeReader::open("f", source, ReadOptions::default(), None).unwrap();
        reader.next_batch().unwrap().unwrap()
    }

    fn encoded(batch: &RecordBatch) -> (String, Vec<usize>) {
        let encoder = CsvEncoder::new(Layout::Ea20240801, vec!["x".into()]);
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        encoder.rows(batch, &mut text, &mut ends).unwrap();
        (String::from_utf8(text).unwrap(), ends)
    }

    #[test]
    fn cells_are_quoted_where_needed_and_keep_their_digits() {
        let (text, ends) = encoded(&batch());
        let (first, second) = text.split_at(ends[0]);
        assert!(first.contains(",09/01/2023,") && first.contains(",1.50,") && first.contains(",2.250,"));
        assert!(
            first.contains(",\"\"\"a\"\": \"\"b,c\"\"\",") && first.contains(",True,") && first.ends_with(",extra\n")
        );
        assert!(second.contains(",1E-7,") && second.contains("\"two\nlines\"") && second.ends_with(",\n"));
        assert_eq!(ends.len(), 2);
        assert_eq!(ends[1], text.len());
        assert_eq!(row_ends(text.as_bytes()), ends);
    }

    #[test]
    fn dictionaries_and_plain_text_encode_alike() {
        let plain = batch();
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let columns: Vec<(String, ArrayRef)> = plain
            .schema()
            .fields()
            .iter()
            .zip(plain.columns())
            .map(|(field, column)| {
                let column = if column.data_type() == &DataType::Utf8 {
                    cast(column, &dictionary).unwrap()
                } else {
                    column.clone()
                };
                (field.name().clone(), column)
            })
            .collect();
        let coded = RecordBatch::try_from_iter(columns).unwrap();
        assert_eq!(encoded(&coded), encoded(&plain));
    }

    proptest::proptest! {
        /// Whatever spelling of a number is accepted, the same spelling is written again; text too.
        #[test]
        fn accepted_cells_come_back_as_they_came(
            cost in "[+-]?[0-9]{1,20}(\\.[0-9]{0,20})?([eE]-[0-7])?",
            quantity in "-?[0-9]{0,6}\\.[0-9]{1,18}",
            tags in "[a-z\",\r\n é{}:]{0,20}",
        ) {
            let quoted = tags.replace('"', "\"\"");
            let text = format!(
                "BillingAccountId,BillingCurrencyCode,Date,Quantity,CostInBillingCurrency,SubscriptionId,MeterId,ChargeType,\
                 PricingModel,Tags\n1,USD,09/01/2023,{quantity},{cost},s,m,Usage,OnDemand,\"{quoted}\"\n"
            );
            let source = SourceReader::open("f", text.as_bytes()).unwrap();
            let mut reader = ChargeReader::open("f", source, ReadOptions::default(), None).unwrap();
            let batch = reader.next_batch().unwrap().unwrap();
            let (mut out, mut ends) = (Vec::new(), Vec::new());
            CsvEncoder::new(Layout::Ea20240801, Vec::new()).rows(&batch, &mut out, &mut ends).unwrap();
            let mut records = crate::records::RecordReader::new(out.as_slice());
            let record = records.next_record().unwrap().unwrap();
            let cell = |field: Field| {
                let columns = Layout::Ea20240801.columns();
                let index = columns.iter().position(|(_, own)| *own == field).unwrap();
                String::from_utf8(record.bytes(index).into_owned()).unwrap()
            };
            proptest::prop_assert_eq!(cell(Field::Cost), cost);
            proptest::prop_assert_eq!(cell(Field::Quantity), quantity);
            proptest::prop_assert_eq!(cell(Field::Tags), tags);
        }
    }

    #[test]
    fn a_batch_without_the_columns_is_refused() {
        let encoder = CsvEncoder::new(Layout::Ea20240801, Vec::new());
        let part = batch().project(&[3]).unwrap();
        assert!(encoder.rows(&part, &mut Vec::new(), &mut Vec::new()).is_err());
    }

    fn reporting(version: ReportingVersion) -> Vec<Vec<String>> {
        let encoder = CsvEncoder::reporting(version);
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        encoder.header(&mut text);
        assert!(text.starts_with(b"\xEF\xBB\xBF\"Usage Data Extract\",\r\n\"\",\r\nAccountId,AccountName,"));
        encoder.rows(&batch(), &mut text, &mut ends).unwrap();
        assert_eq!((ends.len(), ends[1]), (2, text.len()));
        assert!(text[..ends[0]].ends_with(b"\r\n") && text.ends_with(b"\r\n"));
        let mut records = crate::records::RecordReader::new(&text[..]);
        let mut rows = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            rows.push((0..record.len()).map(|at| String::from_utf8(record.bytes(at).into_owned()).unwrap()).collect());
        }
        rows.split_off(2)
    }

    #[test]
    fn files_of_the_reporting_apis_have_plain_numbers_iso_days_and_tags_with_braces() {
        let rows = reporting(ReportingVersion::V3);
        assert!(rows.iter().all(|row| row.len() == 40));
        let cell = |row: usize, name: &str| {
            let column = rows[0].iter().position(|column| column == name).unwrap();
            rows[row][column].as_str()
        };
        for (name, first, second) in [
            ("Date", "2023-09-01", "2023-09-02"),
            ("ConsumedQuantity", "1.50", "2"),
            ("Cost", "2.250", "0.0000001"),
            ("ResourceRate", "", ""),
            ("AccountId", "0", "0"),
            ("ProductId", "0", "0"),
            ("SubscriptionId", "0", "0"),
            ("SubscriptionGuid", "s", "s"),
            ("MeterId", "m", "m"),
            ("ResourceGuid", "m", "m"),
            ("Tags", "{\"a\": \"b,c\"}", "{\"lazurite-unparsed\":\"two\\nlines\"}"),
            ("ChargesBilledSeparately", "False", ""),
        ] {
            assert_eq!((cell(1, name), cell(2, name)), (first, second), "{name}");
        }
        let older = reporting(ReportingVersion::V2);
        assert_eq!(older[1], rows[1][..33]);
    }

    #[test]
    fn usage_reports_have_a_comma_at_the_end_of_each_line_and_the_day_in_four_columns() {
        let encoder = CsvEncoder::usage_report();
        let mut text = Vec::new();
        encoder.header(&mut text);
        assert!(text.starts_with(b"\"Usage Data Extract\",\r\n\"\",\r\n\"AccountOwnerId\",\"Account Name\","));
        assert!(text.ends_with(b",\"Resource Group\",\r\n"));
        encoder.rows(&batch(), &mut text, &mut Vec::new()).unwrap();
        let mut records = crate::records::RecordReader::new(&text[..]);
        let mut rows = Vec::new();
        while let Some(record) = records.next_record().unwrap() {
            let cells = (0..record.len()).map(|at| String::from_utf8(record.bytes(at).into_owned()).unwrap());
            rows.push(cells.collect::<Vec<_>>());
        }
        let rows = rows.split_off(2);
        assert!(rows.len() == 3 && rows.iter().all(|row| row.len() == 32 && row[31].is_empty()));
        let cell = |row: usize, name: &str| {
            let column = rows[0].iter().position(|column| column == name).unwrap();
            rows[row][column].as_str()
        };
        for (name, first, second) in [
            ("Date", "09/01/2023", "09/02/2023"),
            ("Month", "9", "9"),
            ("Day", "1", "2"),
            ("Year", "2023", "2023"),
            ("Consumed Quantity", "1.50", "2"),
            ("ExtendedCost", "2.250", "0.0000001"),
            ("ResourceRate", "", ""),
            ("SubscriptionId", "0", "0"),
            ("SubscriptionGuid", "s", "s"),
            ("Tags", "{\"a\": \"b,c\"}", "{\"lazurite-unparsed\":\"two\\nlines\"}"),
        ] {
            assert_eq!((cell(1, name), cell(2, name)), (first, second), "{name}");
        }
    }
}
