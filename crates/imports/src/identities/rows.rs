//! The rows of a batch of the lake, as identities look at them.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type};
use calendar::Date;
use formats::{scale_column, text_column};
use lake::LakeError;
use ledger::identities::{CellDigest, CheckedRow, RowDigest, ScopesOfRow, normalization_ratio};
use ledger::{ChargeType, Field, FieldKind, PricingModel, PublisherType};
use money::{Decimal, Limits};

/// What is read of a period before the one that is asked about: what its benefits cost.
pub(super) const BENEFIT_FIELDS: [Field; 12] = [
    Field::Date,
    Field::ChargeType,
    Field::PricingModel,
    Field::PublisherType,
    Field::ProductOrderId,
    Field::ReservationId,
    Field::BenefitId,
    Field::Frequency,
    Field::Term,
    Field::Quantity,
    Field::EffectivePrice,
    Field::Cost,
];

/// The columns of the lake that fields need.
pub(super) fn columns(fields: &[Field]) -> Vec<String> {
    let mut columns = Vec::new();
    for field in fields {
        columns.push(field.column().to_owned());
        if matches!(field.kind(), FieldKind::Cost | FieldKind::Number) {
            columns.extend([scale_column(*field), text_column(*field)]);
        }
    }
    columns
}

/// A batch whose cells can be looked at.
pub(super) struct Rows<'a> {
    columns: Vec<Column<'a>>,
    /// Position of a field among the columns, by the field's index.
    places: Vec<Option<usize>>,
    rows: usize,
}

struct Column<'a> {
    field: Field,
    cells: Cells<'a>,
}

enum Cells<'a> {
    /// Distinct texts with their digests, which are made when they are first needed.
    Text {
        column: &'a DictionaryArray<Int32Type>,
        values: &'a StringArray,
        digests: Vec<Option<CellDigest>>,
    },
    Date(&'a PrimitiveArray<Date32Type>),
    Boolean(&'a BooleanArray),
    Number {
        values: &'a PrimitiveArray<Decimal128Type>,
        scales: &'a PrimitiveArray<Int8Type>,
        texts: &'a ArrayRef,
    },
}

impl<'a> Rows<'a> {
    /// Looks up the columns of fields.
    pub(super) fn of(batch: &'a RecordBatch, fields: &[Field]) -> Result<Self, LakeError> {
        let mut columns = Vec::with_capacity(fields.len());
        let mut places = vec![None; Field::ALL.len()];
        for field in fields {
            let cells = cells(batch, *field).ok_or_else(|| foreign(*field, "is missing or of another type"))?;
            places[field.index()] = Some(columns.len());
            columns.push(Column { field: *field, cells });
        }
        Ok(Self { columns, places, rows: batch.num_rows() })
    }

    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// A row; its digest is that of the fields looked up.
    pub(super) fn row(&mut self, row: usize, scopes: ScopesOfRow) -> Result<CheckedRow<'a>, LakeError> {
        let digest = self.digest(row)?;
        let date = self.date(row)?;
        let pricing = self.text(Field::PricingModel, row);
        let charge_type = match self.text(Field::ChargeType, row) {
            // Rows of sources that know no charge type are usage.
            "" => ChargeType::Usage,
            text => ChargeType::read(text),
        };
        let pricing_model = PricingModel::read(pricing);
        let is_covered_by_reservation = charge_type == ChargeType::Usage && pricing_model == PricingModel::Reservation;
        let info = if is_covered_by_reservation { self.text(Field::AdditionalInfo, row) } else { "" };
        let benefit = match self.text(Field::ReservationId, row) {
            "" => self.text(Field::BenefitId, row).rsplit('/').next().unwrap_or_default(),
            reservation => reservation,
        };
        Ok(CheckedRow {
            date,
            charge_type,
            pricing: pricing_model,
            is_spot: pricing.eq_ignore_ascii_case("Spot"),
            publisher: PublisherType::read(self.text(Field::PublisherType, row)),
            credit_eligible: self.boolean(Field::IsAzureCreditEligible, row),
            subscription: self.text(Field::SubscriptionId, row),
            resource: self.text(Field::ResourceId, row),
            meter: self.text(Field::MeterId, row),
            part_number: self.text(Field::PartNumber, row),
            order: self.text(Field::ProductOrderId, row),
            benefit,
            recurs: self.text(Field::Frequency, row).eq_ignore_ascii_case("Recurring"),
            term_months: term_months(self.text(Field::Term, row)),
            quantity: self.number(Field::Quantity, row)?.ok_or_else(|| foreign(Field::Quantity, "is blank"))?,
            effective_price: self.number(Field::EffectivePrice, row)?,
            cost: self.number(Field::Cost, row)?.ok_or_else(|| foreign(Field::Cost, "is blank"))?,
            ratio: normalization_ratio(info),
            digest,
            scopes,
        })
    }

    fn digest(&mut self, row: usize) -> Result<RowDigest, LakeError> {
        let mut digest = RowDigest::default();
        for Column { field, cells } in &mut self.columns {
            let cell = match cells {
                Cells::Text { column, values, digests } => {
                    let key = column.key(row).filter(|key| !values.is_null(*key));
                    key.and_then(|key| {
                        if digests[key].is_none() {
                            digests[key] = CellDigest::of_text(*field, values.value(key));
                        }
                        digests[key]
                    })
                }
                Cells::Date(dates) => (!dates.is_null(row)).then(|| CellDigest::of_integer(*field, dates.value(row))),
                Cells::Boolean(values) => {
                    (!values.is_null(row)).then(|| CellDigest::of_integer(*field, values.value(row).into()))
                }
                Cells::Number { values, scales, texts } => {
                    number_at(*field, values, scales, texts, row)?.map(|value| CellDigest::of_number(*field, value))
                }
            };
            cell.into_iter().for_each(|cell| digest.add(cell));
        }
        Ok(digest)
    }

    fn cells_of(&self, field: Field) -> Option<&Cells<'a>> {
        self.places[field.index()].map(|place| &self.columns[place].cells)
    }

    /// The text of a cell; blank for unknown, and for fields that were not looked up.
    fn text(&self, field: Field, row: usize) -> &'a str {
        let Some(Cells::Text { column, values, .. }) = self.cells_of(field) else { return "" };
        let (column, values): (&'a DictionaryArray<Int32Type>, &'a StringArray) = (column, values);
        let key = column.key(row).filter(|key| !values.is_null(*key));
        key.map_or("", |key| values.value(key).trim())
    }

    fn boolean(&self, field: Field, row: usize) -> Option<bool> {
        let Some(Cells::Boolean(values)) = self.cells_of(field) else { return None };
        (!values.is_null(row)).then(|| values.value(row))
    }

    fn date(&self, row: usize) -> Result<Date, LakeError> {
        let days = match self.cells_of(Field::Date) {
            Some(Cells::Date(dates)) if !dates.is_null(row) => dates.value(row),
            _ => return Err(foreign(Field::Date, "is blank")),
        };
        Date::from_days(days).map_err(|error| foreign(Field::Date, &error.to_string()))
    }

    fn number(&self, field: Field, row: usize) -> Result<Option<Decimal>, LakeError> {
        match self.cells_of(field) {
            Some(Cells::Number { values, scales, texts }) => number_at(field, values, scales, texts, row),
            _ => Ok(None),
        }
    }
}

fn cells<'a>(batch: &'a RecordBatch, field: Field) -> Option<Cells<'a>> {
    let column = batch.column_by_name(field.column())?;
    Some(match field.kind() {
        FieldKind::Text => {
            let column = column.as_dictionary_opt::<Int32Type>()?;
            let values = column.values().as_string_opt::<i32>()?;
            Cells::Text { column, values, digests: vec![None; values.len()] }
        }
        FieldKind::Date => Cells::Date(column.as_primitive_opt::<Date32Type>()?),
        FieldKind::Boolean => Cells::Boolean(column.as_boolean_opt()?),
        FieldKind::Cost | FieldKind::Number => Cells::Number {
            values: column.as_primitive_opt::<Decimal128Type>()?,
            scales: batch.column_by_name(&scale_column(field))?.as_primitive_opt::<Int8Type>()?,
            texts: batch.column_by_name(&text_column(field))?,
        },
    })
}

/// A number: from its text where the narrow column cannot hold it.
fn number_at(
    field: Field,
    values: &PrimitiveArray<Decimal128Type>,
    scales: &PrimitiveArray<Int8Type>,
    texts: &ArrayRef,
    row: usize,
) -> Result<Option<Decimal>, LakeError> {
    if !values.is_null(row) {
        let scale = scales.value(row).unsigned_abs();
        let value = Decimal::from_rescaled_i128(values.value(row), values.scale().unsigned_abs(), scale);
        return value.map(Some).ok_or_else(|| foreign(field, "has more digits than its scale says"));
    }
    let Some(text) = text_at(texts, row) else { return Ok(None) };
    match Decimal::parse(text.as_bytes(), Limits::COST) {
        Ok(parsed) => Ok(Some(parsed.value)),
        Err(error) => Err(foreign(field, &format!("is {text:?}, which is no number: {error}"))),
    }
}

fn text_at(texts: &ArrayRef, row: usize) -> Option<&str> {
    let dictionary = texts.as_dictionary_opt::<Int32Type>()?;
    let key = dictionary.key(row)?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    (!values.is_null(key)).then(|| values.value(key))
}

/// Months, as cost files write terms; price sheets and some pages write `P1Y`.
fn term_months(text: &str) -> Option<u16> {
    match text {
        "P1Y" => Some(12),
        "P3Y" => Some(36),
        months => months.parse().ok(),
    }
}

fn foreign(field: Field, reason: &str) -> LakeError {
    LakeError::ForeignFile { path: "a batch".into(), reason: format!("its column {} {reason}", field.column()) }
}

impl Rows<'_> {
    /// Whether each row names a department, and an account, by any of their cells. A department called `Unassigned`
    /// without an id is none (D-01).
    pub(super) fn named(&self) -> Vec<(bool, bool)> {
        let is_none = |text: &str| text.is_empty() || text.eq_ignore_ascii_case(ledger::UNASSIGNED);
        (0..self.rows)
            .map(|row| {
                let has = |field| !self.text(field, row).is_empty();
                let department = has(Field::InvoiceSectionId) || !is_none(self.text(Field::InvoiceSectionName, row));
                let account = [Field::AccountId, Field::AccountName, Field::AccountOwnerId].into_iter().any(has);
                (department, account)
            })
            .collect()
    }
}
