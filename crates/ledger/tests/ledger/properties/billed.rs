//! The rows of a bill, as identities look at them and as text.

use calendar::Date;
use ledger::billing::{ChargeRow, FieldValue, PeriodBill};
use ledger::identities::{
    CellDigest, CheckedRow, PeriodCheck, PeriodFacts, RowDigest, ScopesOfRow, normalization_ratio,
};
use ledger::{ChargeType, Dataset, Field, PricingModel, PublisherType};
use money::Decimal;

use super::scopes::Scopes;

/// What the rows of a bill add up to, and in which of these scopes each is shown.
pub(crate) fn facts(bill: &PeriodBill, scopes: &Scopes) -> PeriodFacts {
    let mut check = PeriodCheck::new(bill.period);
    for dataset in Dataset::ALL {
        for row in bill.charges(dataset) {
            let cells = Cells::of(&row);
            check.add(dataset, &cells.checked(scopes.of_row(&row))).unwrap();
        }
    }
    check.finish().unwrap()
}

/// Every cell of every row, as text.
pub(crate) fn texts(bill: &PeriodBill, dataset: Dataset) -> Vec<String> {
    bill.charges(dataset).map(|row| row_text(&row)).collect()
}

/// Every cell of a row, as text.
pub(crate) fn row_text(row: &ChargeRow<'_>) -> String {
    let cells = Field::ALL.iter().map(|field| format!("{:?}", row.value(*field)));
    cells.collect::<Vec<_>>().join("|")
}

/// The cells of a row.
struct Cells {
    texts: Vec<String>,
    numbers: Vec<Option<Decimal>>,
    date: Date,
    eligible: Option<bool>,
    digest: RowDigest,
}

impl Cells {
    fn of(row: &ChargeRow<'_>) -> Self {
        let mut cells = Self {
            texts: vec![String::new(); Field::ALL.len()],
            numbers: vec![None; Field::ALL.len()],
            date: Date::MAX,
            eligible: None,
            digest: RowDigest::default(),
        };
        for field in Field::ALL {
            let digest = match row.value(*field) {
                FieldValue::Unknown => None,
                FieldValue::Text(text) => {
                    cells.texts[field.index()] = text.to_string();
                    CellDigest::of_text(*field, &text)
                }
                FieldValue::Date(date) => {
                    cells.date = if *field == Field::Date { date } else { cells.date };
                    Some(CellDigest::of_integer(*field, date.days()))
                }
                FieldValue::Boolean(value) => {
                    cells.eligible = Some(value);
                    Some(CellDigest::of_integer(*field, value.into()))
                }
                FieldValue::Number(number) => {
                    cells.numbers[field.index()] = Some(number);
                    Some(CellDigest::of_number(*field, number))
                }
            };
            digest.into_iter().for_each(|digest| cells.digest.add(digest));
        }
        cells
    }

    fn text(&self, field: Field) -> &str {
        &self.texts[field.index()]
    }

    fn checked(&self, scopes: ScopesOfRow) -> CheckedRow<'_> {
        let reservation = self.text(Field::ReservationId);
        let plan = self.text(Field::BenefitId).rsplit('/').next().unwrap_or_default();
        let charge_type = ChargeType::read(self.text(Field::ChargeType));
        let ratio = normalization_ratio(self.text(Field::AdditionalInfo));
        CheckedRow {
            date: self.date,
            charge_type,
            pricing: PricingModel::read(self.text(Field::PricingModel)),
            is_spot: self.text(Field::PricingModel) == "Spot",
            publisher: PublisherType::read(self.text(Field::PublisherType)),
            credit_eligible: self.eligible,
            subscription: self.text(Field::SubscriptionId),
            resource: self.text(Field::ResourceId),
            meter: self.text(Field::MeterId),
            part_number: self.text(Field::PartNumber),
            order: self.text(Field::ProductOrderId),
            benefit: if reservation.is_empty() { plan } else { reservation },
            recurs: self.text(Field::Frequency) == "Recurring",
            term_months: self.text(Field::Term).parse().ok(),
            quantity: self.numbers[Field::Quantity.index()].unwrap(),
            effective_price: self.numbers[Field::EffectivePrice.index()],
            cost: self.numbers[Field::Cost.index()].unwrap(),
            ratio: ratio.filter(|_| charge_type == ChargeType::Usage),
            digest: self.digest,
            scopes,
        }
    }
}
