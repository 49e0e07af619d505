//! Writing charges as cost details CSV (contract `cost-details-fields.md` section 5): UTF-8, comma, LF, quotes only
//! where needed, dates `MM/DD/YYYY`, booleans `True` / `False`, decimals with the digits that came in.

use arrow::array::{Array, RecordBatch};
use memchr::memchr3;

use crate::column::{Column, DecimalCell, EncodeError, Extras, lake_columns};
use crate::layout::Layout;
use crate::schema::EXTRA_COLUMN;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Writes batches of charges in the columns of a layout, with unknown columns at the end when they are asked for.
#[derive(Debug, Clone)]
pub struct CsvEncoder {
    layout: Layout,
    unknown_columns: Vec<String>,
}

/// A column of the answer, prepared for one batch.
enum Cells {
    Own(Column),
    Extra { extras: Extras, name: String },
}

impl CsvEncoder {
    /// An encoder for a layout; `unknown_columns` are written after the layout's own.
    pub fn new(layout: Layout, unknown_columns: Vec<String>) -> Self {
        Self { layout, unknown_columns }
    }

    /// Writes the byte order mark and the header line.
    pub fn header(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(BOM);
        let own = self.layout.columns().iter().map(|(name, _)| *name);
        for (index, name) in own.chain(self.unknown_columns.iter().map(String::as_str)).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_cell(name.as_bytes(), out);
        }
        out.push(b'\n');
    }

    /// The lake columns that the encoder reads.
    pub fn columns_read(&self) -> Vec<String> {
        let mut columns = Vec::new();
        for (_, field) in self.layout.columns() {
            columns.extend(lake_columns(*field));
        }
        if !self.unknown_columns.is_empty() {
            columns.push(EXTRA_COLUMN.to_owned());
        }
        columns
    }

    /// A text that two encoders share exactly when they write the same bytes.
    pub fn identity(&self) -> String {
        format!("csv 1 {} {:?}", self.layout, self.unknown_columns)
    }

    /// Appends all rows of a batch and, to `ends`, where each row ends in `out`. Text columns may be plain or
    /// dictionary-encoded.
    pub fn rows(&self, batch: &RecordBatch, out: &mut Vec<u8>, ends: &mut Vec<usize>) -> Result<(), EncodeError> {
        let mut columns = Vec::with_capacity(self.layout.columns().len() + self.unknown_columns.len());
        for (_, field) in self.layout.columns() {
            columns.push(Cells::Own(Column::of(batch, *field, push_cell)?));
        }
        for name in &self.unknown_columns {
            columns.push(Cells::Extra { extras: Extras::of(batch)?, name: name.clone() });
        }
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                column.write(row, out);
            }
            out.push(b'\n');
            ends.push(out.len());
        }
        Ok(())
    }
}

impl Cells {
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Own(Column::Text(texts)) => out.extend_from_slice(texts.at(row)),
            Self::Own(Column::Date(dates)) => {
                if let Some(date) = dates[row] {
                    date.write_us(out);
                }
            }
            Self::Own(Column::Boolean(values)) => {
                if !values.is_null(row) {
                    out.extend_from_slice(if values.value(row) { b"True" } else { b"False" });
                }
            }
            Self::Own(Column::Decimal(decimals)) => match decimals.at(row) {
                Some(DecimalCell::Spelled(text)) => push_cell(text.as_bytes(), out),
                Some(DecimalCell::Scaled(value, scale)) => money::write_scaled(value, scale, out),
                None => {}
            },
            Self::Extra { extras, name } => {
                if let Some(value) = extras.at(row, name) {
                    push_cell(value.as_bytes(), out);
                }
            }
        }
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
}
