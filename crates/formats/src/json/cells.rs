//! The cells of a batch, as writers of JSON ask for them.

use arrow::array::{Array, AsArray, Decimal128Array, DictionaryArray, Int8Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Int8Type, Int32Type};
use calendar::{BillingPeriod, Date};
use ledger::{Field, FieldKind};
use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use super::text::push_escaped;
use crate::column::{Column, EncodeError, Extras, integers};
use crate::extras;
use crate::schema::{EXTRA_COLUMN, SOURCE_HASH_COLUMN, SOURCE_ROW_COLUMN, scale_column, text_column};

/// Names of rows that have none of their own are made in this space.
const NAME_SPACE: Uuid = Uuid::from_u128(0x6f1d_5a6c_1b0e_5c3f_9a41_7c0d_93b8_42e7);

/// The cells of a batch. Texts stay as the batch has them: a page reads few of the texts of a dictionary.
pub(super) struct Cells {
    rows: usize,
    columns: Vec<Option<Column>>,
    texts: Vec<Option<Texts>>,
    numbers: Vec<Option<Numbers>>,
    extras: Extras,
    has_extras: bool,
    hashes: Texts,
    source_rows: Int64Array,
    pub(super) period: BillingPeriod,
    /// The period as ids spell it.
    period_name: String,
}

/// A column of texts.
pub(super) enum Texts {
    /// Distinct texts, and which of them each row has.
    Coded(DictionaryArray<Int32Type>, StringArray),
    /// One text a row.
    Plain(StringArray),
}

/// The three columns of a decimal field, to tell whether neighbours are the same.
pub(super) struct Numbers {
    values: Decimal128Array,
    scales: Int8Array,
    spelled: Texts,
}

impl Numbers {
    fn of(batch: &RecordBatch, field: Field) -> Result<Self, EncodeError> {
        let named = |column: &str| batch.column_by_name(column).ok_or_else(|| unusable(column));
        let (column, scale) = (field.column(), scale_column(field));
        let values = named(column)?.as_primitive_opt::<Decimal128Type>().ok_or_else(|| unusable(column))?.clone();
        let scales = named(&scale)?.as_primitive_opt::<Int8Type>().ok_or_else(|| unusable(&scale))?.clone();
        Ok(Self { values, scales, spelled: Texts::of(batch, &text_column(field))? })
    }

    /// Whether a row surely has the number of the row before, digit for digit.
    pub(super) fn same_as_before(&self, row: usize) -> bool {
        let of = |row: usize| (self.values.is_null(row), self.values.value(row), self.scales.value(row));
        of(row) == of(row - 1) && self.spelled.at(row).is_empty() && self.spelled.at(row - 1).is_empty()
    }
}

/// Makes names of rows: UUIDs of version 5 of a source's hash and the number of the row in it.
#[derive(Default)]
pub(super) struct Names {
    /// The hash that was last, and the digest of what stands before the number.
    last: Option<(String, Sha1)>,
}

impl Names {
    fn push(&mut self, hash: &str, source_row: i64, out: &mut Vec<u8>) {
        let (_, begun) = match &mut self.last {
            Some(last) if last.0 == hash => last,
            last => {
                let begun = Sha1::new().chain_update(NAME_SPACE).chain_update(hash).chain_update(b" ");
                last.insert((hash.to_owned(), begun))
            }
        };
        let digest = begun.clone().chain_update(source_row.to_string()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        let name = Builder::from_sha1_bytes(bytes).into_uuid();
        out.extend_from_slice(name.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    }
}

fn unusable(column: &str) -> EncodeError {
    EncodeError { column: column.to_owned() }
}

impl Texts {
    fn of(batch: &RecordBatch, column: &str) -> Result<Self, EncodeError> {
        let array = batch.column_by_name(column).ok_or_else(|| unusable(column))?;
        if let Some(coded) = array.as_dictionary_opt::<Int32Type>() {
            let values = coded.values().as_string_opt::<i32>().ok_or_else(|| unusable(column))?;
            return Ok(Self::Coded(coded.clone(), values.clone()));
        }
        Ok(Self::Plain(array.as_string_opt::<i32>().ok_or_else(|| unusable(column))?.clone()))
    }

    /// The text of a row; empty for an unknown one.
    fn at(&self, row: usize) -> &str {
        match self {
            Self::Coded(coded, values) => coded.key(row).map_or("", |key| values.value(key)),
            Self::Plain(values) if values.is_null(row) => "",
            Self::Plain(values) => values.value(row),
        }
    }
}

impl Cells {
    pub(super) fn of(batch: &RecordBatch, fields: &[Field], period: BillingPeriod) -> Result<Self, EncodeError> {
        let mut columns: Vec<Option<Column>> = Field::ALL.iter().map(|_| None).collect();
        let mut texts: Vec<Option<Texts>> = Field::ALL.iter().map(|_| None).collect();
        let mut numbers: Vec<Option<Numbers>> = Field::ALL.iter().map(|_| None).collect();
        for field in fields {
            match field.kind() {
                FieldKind::Text => texts[field.index()] = Some(Texts::of(batch, field.column())?),
                FieldKind::Date | FieldKind::Boolean => {}
                FieldKind::Cost | FieldKind::Number => numbers[field.index()] = Some(Numbers::of(batch, *field)?),
            }
            if field.kind() != FieldKind::Text {
                columns[field.index()] = Some(Column::of(batch, *field, |_, _| {})?);
            }
        }
        let has_extras = batch.column_by_name(EXTRA_COLUMN).is_some_and(|map| map.null_count() < map.len());
        Ok(Self {
            rows: batch.num_rows(),
            columns,
            texts,
            numbers,
            extras: Extras::of(batch)?,
            has_extras,
            hashes: Texts::of(batch, SOURCE_HASH_COLUMN)?,
            source_rows: integers(batch, SOURCE_ROW_COLUMN)?,
            period,
            period_name: period.to_string(),
        })
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// A column that is no text.
    pub(super) fn column(&self, field: Field) -> Option<&Column> {
        self.columns[field.index()].as_ref()
    }

    /// A column of texts.
    pub(super) fn texts(&self, field: Field) -> Option<&Texts> {
        self.texts[field.index()].as_ref()
    }

    /// A column of decimals.
    pub(super) fn numbers(&self, field: Field) -> Option<&Numbers> {
        self.numbers[field.index()].as_ref()
    }

    /// The text of a cell; empty for an unknown one.
    pub(super) fn text(&self, field: Field, row: usize) -> &str {
        self.texts(field).map_or("", |texts| texts.at(row))
    }

    /// Whether any row has a cell of a column that no layout knows.
    pub(super) fn has_extras(&self) -> bool {
        self.has_extras
    }

    pub(super) fn extra(&self, row: usize, name: &str) -> Option<&str> {
        self.extras.at(row, name).filter(|cell| !cell.is_empty())
    }

    /// Whether the row comes from a page of usage details: it has the members that it came with and no others.
    pub(super) fn is_from_page(&self, row: usize) -> bool {
        self.extra(row, extras::USAGE_DETAIL_NAME).is_some()
    }

    pub(super) fn date(&self, field: Field, row: usize) -> Option<Date> {
        match self.column(field)? {
            Column::Date(dates) => dates[row],
            _ => None,
        }
    }

    pub(super) fn boolean(&self, field: Field, row: usize) -> Option<bool> {
        match self.column(field)? {
            Column::Boolean(values) => (!values.is_null(row)).then(|| values.value(row)),
            _ => None,
        }
    }

    /// The name of a usage detail: its own, else made of where the row was read (DESIGN 4.4).
    pub(super) fn push_name(&self, row: usize, names: &mut Names, out: &mut Vec<u8>) {
        match self.extra(row, extras::USAGE_DETAIL_NAME) {
            Some(name) => push_escaped(name.as_bytes(), out),
            None => names.push(self.hashes.at(row), self.source_rows.value(row), out),
        }
    }

    /// The billing period as ids spell it.
    pub(super) fn push_period_name(&self, row: usize, out: &mut Vec<u8>) {
        match self.extra(row, extras::BILLING_PERIOD_NAME) {
            Some(name) => push_escaped(name.as_bytes(), out),
            None => out.extend_from_slice(self.period_name.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_uuids_of_version_5() {
        let hashes = ["ab".repeat(32), "cd".repeat(32)];
        let mut names = Names::default();
        for (hash, row) in [(0, 0), (0, 1), (1, 1), (0, i64::MAX), (1, -1)] {
            let mut made = Vec::new();
            names.push(&hashes[hash], row, &mut made);
            let expected = Uuid::new_v5(&NAME_SPACE, format!("{} {row}", hashes[hash]).as_bytes());
            assert_eq!(String::from_utf8_lossy(&made), expected.to_string());
        }
    }
}
