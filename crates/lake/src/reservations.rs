//! What charges say of reservations: how they were used, and what was paid and given back for them.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal128Type, Int8Type, Int32Type};
use calendar::{BillingPeriod, Date};
use formats::{scale_column, text_column};
use ledger::identities::normalization_ratio;
use ledger::reservations::{ReservationRow, ReservationUse, ReservationUser};
use ledger::segment_after;
use ledger::{ChargeQuery, ChargeType, Field, FieldKind, PricingModel};
use money::{Decimal, Limits};

use crate::error::LakeError;
use crate::table::Snapshot;

const USE_FIELDS: [Field; 9] = [
    Field::Date,
    Field::ChargeType,
    Field::PricingModel,
    Field::ProductOrderId,
    Field::ReservationId,
    Field::BenefitId,
    Field::ResourceId,
    Field::AdditionalInfo,
    Field::Quantity,
];
const PURCHASE_FIELDS: [Field; 19] = [
    Field::Date,
    Field::ChargeType,
    Field::PricingModel,
    Field::ProductOrderId,
    Field::ProductOrderName,
    Field::ProductName,
    Field::BenefitName,
    Field::Quantity,
    Field::Cost,
    Field::BillingCurrencyCode,
    Field::SubscriptionId,
    Field::SubscriptionName,
    Field::AccountName,
    Field::AccountOwnerId,
    Field::InvoiceSectionName,
    Field::CostCenter,
    Field::ResourceLocation,
    Field::Term,
    Field::Frequency,
];
/// Most instances and days that are told apart; they are held in memory.
pub const USES_MAX: usize = 200_000;

/// A purchase or a return of a reservation, as its row says it. Blank texts are not known.
#[derive(Debug, Clone)]
pub struct ReservationPurchase {
    /// The row's billing period.
    pub period: BillingPeriod,
    /// The day of the row.
    pub date: Date,
    /// Purchase or Refund.
    pub charge_type: ChargeType,
    /// Units bought; below 0 for returns.
    pub quantity: Decimal,
    /// In the billing currency; below 0 for returns.
    pub amount: Decimal,
    texts: Vec<(Field, String)>,
}

impl ReservationPurchase {
    /// The text of a cell; blank where it is not known.
    pub fn text(&self, field: Field) -> &str {
        self.texts.iter().find(|(own, _)| *own == field).map_or("", |(_, text)| text.as_str())
    }
}

impl Snapshot {
    /// How reservations were used, of the rows that a question over AmortizedCost asks for. `None`: there are more than
    /// [`USES_MAX`] instances and days.
    pub async fn reservation_use(
        &self,
        query: &ChargeQuery,
        order: Option<&str>,
    ) -> Result<Option<ReservationUse>, LakeError> {
        let mut found = ReservationUse::default();
        let mut scan = self.scan(query, &columns(&USE_FIELDS));
        while let Some((batch, _)) = scan.next_batch_of_period().await? {
            let rows = Rows(&batch);
            for row in 0..batch.num_rows() {
                let charge = ChargeType::read(rows.text(Field::ChargeType, row)?);
                let pricing = PricingModel::read(rows.text(Field::PricingModel, row)?);
                let is_use = charge == ChargeType::Usage && pricing == PricingModel::Reservation;
                if !is_use && charge != ChargeType::UnusedReservation {
                    continue;
                }
                let info = rows.text(Field::AdditionalInfo, row)?;
                let user = ReservationUser {
                    instance: rows.text(Field::ResourceId, row)?,
                    sku: member_text(info, "ServiceType"),
                    ratio: normalization_ratio(info),
                };
                let reservation = match rows.text(Field::ReservationId, row)? {
                    "" => rows.text(Field::BenefitId, row)?.rsplit('/').next().unwrap_or_default(),
                    reservation => reservation,
                };
                let own = match rows.text(Field::ProductOrderId, row)? {
                    "" => segment_after(rows.text(Field::BenefitId, row)?, "reservationOrders"),
                    own => own,
                };
                if order.is_some_and(|asked| !asked.eq_ignore_ascii_case(own)) {
                    continue;
                }
                let use_of_row = ReservationRow {
                    date: rows.date(row)?,
                    order: own,
                    reservation,
                    quantity: rows.number(Field::Quantity, row)?.unwrap_or(Decimal::ZERO),
                    user: is_use.then_some(user),
                };
                let sum = |source| LakeError::Sum { what: "reservation-hours".into(), source };
                found.add(use_of_row).map_err(sum)?;
            }
            if found.len() > USES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// Purchases and returns of reservations, of the rows that a question over ActualCost asks for, in the order of the lake.
    /// `None`: there are more than [`USES_MAX`].
    pub async fn reservation_purchases(
        &self,
        query: &ChargeQuery,
    ) -> Result<Option<Vec<ReservationPurchase>>, LakeError> {
        let mut found = Vec::new();
        let mut scan = self.scan(query, &columns(&PURCHASE_FIELDS));
        while let Some((batch, period)) = scan.next_batch_of_period().await? {
            let rows = Rows(&batch);
            for row in 0..batch.num_rows() {
                let charge_type = ChargeType::read(rows.text(Field::ChargeType, row)?);
                let pricing = PricingModel::read(rows.text(Field::PricingModel, row)?);
                let is_of_benefit = matches!(charge_type, ChargeType::Purchase | ChargeType::Refund);
                if !is_of_benefit || pricing != PricingModel::Reservation {
                    continue;
                }
                let of_text = PURCHASE_FIELDS.into_iter().filter(|field| field.kind() == FieldKind::Text);
                let texts: Result<Vec<(Field, String)>, LakeError> =
                    of_text.map(|field| Ok((field, rows.text(field, row)?.to_owned()))).collect();
                found.push(ReservationPurchase {
                    period,
                    date: rows.date(row)?,
                    charge_type,
                    quantity: rows.number(Field::Quantity, row)?.unwrap_or(Decimal::ZERO),
                    amount: rows.number(Field::Cost, row)?.unwrap_or(Decimal::ZERO),
                    texts: texts?,
                });
            }
            if found.len() > USES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }
}

/// The text of a member of AdditionalInfo, which exports write with braces and without; blank where there is none.
fn member_text<'t>(info: &'t str, name: &str) -> &'t str {
    let quoted = format!("\"{name}\"");
    let after = info.find(&quoted).map(|at| info[at + quoted.len()..].trim_start());
    let value = after.and_then(|after| after.strip_prefix(':')).map(str::trim_start);
    let text = value.and_then(|value| value.strip_prefix('"')).unwrap_or_default();
    // Sizes have no escapes.
    text.split_once('"').map_or("", |(text, _)| text)
}

/// The columns of the lake that fields need.
fn columns(fields: &[Field]) -> Vec<String> {
    let mut columns = Vec::new();
    for field in fields {
        columns.push(field.column().to_owned());
        if matches!(field.kind(), FieldKind::Cost | FieldKind::Number) {
            columns.extend([scale_column(*field), text_column(*field)]);
        }
    }
    columns
}

/// A batch whose cells are looked at one by one.
struct Rows<'a>(&'a RecordBatch);

impl<'a> Rows<'a> {
    fn column(&self, name: &str) -> Result<&'a ArrayRef, LakeError> {
        self.0.column_by_name(name).ok_or_else(|| foreign(name))
    }

    /// The text of a cell; blank for an unknown one.
    fn text(&self, field: Field, row: usize) -> Result<&'a str, LakeError> {
        Ok(text_at(self.column(field.column())?, row).ok_or_else(|| foreign(field.column()))?.unwrap_or_default())
    }

    fn date(&self, row: usize) -> Result<Date, LakeError> {
        let name = Field::Date.column();
        let days = self.column(name)?.as_primitive_opt::<Date32Type>().ok_or_else(|| foreign(name))?;
        Date::from_days(days.value(row)).map_err(|_| foreign(name))
    }

    /// The number of a cell: from its text where the narrow column cannot hold it.
    fn number(&self, field: Field, row: usize) -> Result<Option<Decimal>, LakeError> {
        let unusable = || foreign(field.column());
        let values = self.column(field.column())?.as_primitive_opt::<Decimal128Type>().ok_or_else(unusable)?;
        let scales = self.column(&scale_column(field))?.as_primitive_opt::<Int8Type>().ok_or_else(unusable)?;
        if !values.is_null(row) {
            let (stored, own) = (values.scale().unsigned_abs(), scales.value(row).unsigned_abs());
            return Decimal::from_rescaled_i128(values.value(row), stored, own).map(Some).ok_or_else(unusable);
        }
        match text_at(self.column(&text_column(field))?, row).ok_or_else(unusable)? {
            None => Ok(None),
            Some(text) => {
                Decimal::parse(text.as_bytes(), Limits::COST).map(|parsed| Some(parsed.value)).map_err(|_| unusable())
            }
        }
    }
}

/// A text; `None` for a column that is none of texts.
fn text_at(array: &ArrayRef, row: usize) -> Option<Option<&str>> {
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Some((!plain.is_null(row)).then(|| plain.value(row)));
    }
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    Some(dictionary.key(row).filter(|key| !values.is_null(*key)).map(|key| values.value(key)))
}

fn foreign(column: &str) -> LakeError {
    let reason = format!("its column {column} is missing or of another type");
    LakeError::ForeignFile { path: "a batch".into(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_machine_stands_in_further_facts() {
        assert_eq!(
            member_text(r#"{"VCPUs":2,"ServiceType" : "Standard_DS2_v2","x":1}"#, "ServiceType"),
            "Standard_DS2_v2"
        );
        for none in ["", "{}", r#"{"ServiceType":7}"#, r#"{"ServiceType":"open"#] {
            assert_eq!(member_text(none, "ServiceType"), "", "{none}");
        }
    }
}
