//! Reading and checking one row: every cell by its field's kind, then the facts that the file must agree on.

use std::borrow::Cow;

use calendar::BillingPeriod;
use ledger::{EnrollmentId, Field, Scope, comparable};
use money::Currency;

use crate::batch::Cell;
use crate::cells::{self, CellFault};
use crate::error::{Excerpt, InputError, RowFault, RowPlace};
use crate::header::Header;
use crate::reader::ReadOptions;
use crate::records::Record;
use crate::summary::ReadSummary;

/// A row's cells in field order, and what was computed of them.
pub(crate) struct Row<'t> {
    pub(crate) cells: Vec<Cell<'t>>,
    pub(crate) period: BillingPeriod,
    /// Whether nothing but its date tells the billing period.
    pub(crate) period_derived: bool,
}

/// Why a row was not read.
pub(crate) enum RowRefusal {
    Row(RowFault),
    File(InputError),
}

/// What is needed to read one row.
pub(crate) struct Reading<'r> {
    pub(crate) header: &'r Header,
    pub(crate) options: &'r ReadOptions,
    pub(crate) summary: &'r mut ReadSummary,
}

impl Reading<'_> {
    /// Reads a row and takes its facts into the summary.
    pub(crate) fn row<'t>(&mut self, record: &Record<'t>) -> Result<Row<'t>, RowRefusal> {
        let Some(text) = record.text() else {
            let bad = (0..record.len()).find(|index| std::str::from_utf8(&record.bytes(*index)).is_err());
            let column = bad.and_then(|index| self.header.names().get(index).cloned());
            let value = bad.map(|index| Excerpt::of(&record.bytes(index)));
            let expected = "the cell is not valid UTF-8; expected a file in UTF-8".to_owned();
            return Err(RowRefusal::Row(RowFault { place: record.place, column, value, expected }));
        };
        if !self.header.fits(record, text) {
            let side = if record.len() < self.header.width() { "short" } else { "long" };
            let expected =
                format!("the row is too {side}: it has {} cells, expected {}", record.len(), self.header.width());
            return Err(RowRefusal::Row(RowFault { place: record.place, column: None, value: None, expected }));
        }
        let mut cells = Vec::with_capacity(Field::ALL.len());
        for field in Field::ALL {
            cells.push(self.cell(*field, record, text)?);
        }
        let (period, period_derived) = self.period(&cells, record.place)?;
        self.check_enrollment(&cells, record.place)?;
        self.check_currency(&cells, record.place)?;
        self.check_bounds(&cells, record.place)?;
        self.summary.observe(&cells, record.place);
        self.fill(&mut cells, period);
        Ok(Row { cells, period, period_derived })
    }

    fn cell<'t>(&self, field: Field, record: &Record<'t>, text: &'t str) -> Result<Cell<'t>, RowRefusal> {
        let Some(index) = self.header.position(field) else { return Ok(Cell::Unknown) };
        let cell = self.header.cell(record, text, index);
        cells::read(field, &cell).map_err(|fault| match fault {
            CellFault::Blank => {
                let what =
                    if record.place.item().is_some() { "the member is missing or blank" } else { "the cell is blank" };
                self.fault(field, record.place, "", &format!("{what}; expected a value"))
            }
            CellFault::Expected(expected) => self.fault(field, record.place, &cell, &expected),
        })
    }

    fn fault(&self, field: Field, row: RowPlace, value: &str, expected: &str) -> RowRefusal {
        let value = (!value.is_empty()).then(|| Excerpt::of(value.as_bytes()));
        let column = Some(self.header.spelling(field).to_owned());
        RowRefusal::Row(RowFault { place: row, column, value, expected: expected.to_owned() })
    }

    fn contradiction(&self, field: Field, row: RowPlace, reason: String) -> RowRefusal {
        let file = self.summary.file.clone();
        let (spelling, name) = (self.header.spelling(field), field.name());
        let (reason, column) = match row.item() {
            None => (format!("{row}, column {spelling}: {reason}"), name),
            Some(_) => (format!("{row}, {spelling}: {reason}"), spelling),
        };
        let column = row.column(Some(column)).map(String::from);
        RowRefusal::File(InputError::Contradiction { file, reason, line: Some(row.line), column })
    }

    fn missing(&self, fact: &'static str, option: &'static str) -> RowRefusal {
        RowRefusal::File(InputError::MissingFact { file: self.summary.file.clone(), fact, option })
    }

    /// The billing period is a fact of the row; it is derived from Date only where the source has none (DESIGN 4.4). Says
    /// also whether it was derived.
    fn period(&self, cells: &[Cell<'_>], row: RowPlace) -> Result<(BillingPeriod, bool), RowRefusal> {
        let date_of = |field: Field| match &cells[field.index()] {
            Cell::Date(date) => Some(*date),
            _ => None,
        };
        let own = date_of(Field::BillingPeriodStartDate)
            .or_else(|| date_of(Field::BillingPeriodEndDate))
            .map(BillingPeriod::of);
        let stated = self.options.fill.period;
        match (own, stated) {
            (Some(own), Some(stated)) if own != stated => Err(self.contradiction(
                Field::BillingPeriodStartDate,
                row,
                format!("the row belongs to billing period {own}, but --period says {stated}"),
            )),
            (Some(period), _) | (None, Some(period)) => Ok((period, false)),
            (None, None) => date_of(Field::Date)
                .map(|date| (BillingPeriod::of(date), true))
                .ok_or_else(|| self.missing("billing period", "--period YYYYMM")),
        }
    }

    fn check_enrollment(&self, cells: &[Cell<'_>], row: RowPlace) -> Result<(), RowRefusal> {
        match (&cells[Field::BillingAccountId.index()], &self.summary.enrollment) {
            (Cell::Text(cell), Some(known)) if !known.matches(cell) => {
                let reason = format!(
                    "the row belongs to enrollment {cell}, but the file to {known}; expected rows of one enrollment"
                );
                Err(self.contradiction(Field::BillingAccountId, row, reason))
            }
            (Cell::Text(cell), None) if EnrollmentId::parse(cell).is_err() => {
                Err(self.fault(Field::BillingAccountId, row, cell, "expected an enrollment number such as 1234567"))
            }
            // A blank cell is not filled from other rows: only the caller can say whose it is.
            (Cell::Unknown, _) if self.options.fill.enrollment.is_none() => {
                Err(self.missing("enrollment", "--enrollment NUMBER"))
            }
            _ => Ok(()),
        }
    }

    fn check_currency(&self, cells: &[Cell<'_>], row: RowPlace) -> Result<(), RowRefusal> {
        let Cell::Text(cell) = &cells[Field::BillingCurrencyCode.index()] else {
            return match self.options.fill.currency {
                Some(_) => Ok(()),
                None => Err(self.missing("currency", "--currency CODE")),
            };
        };
        let Ok(currency) = cell.parse::<Currency>() else {
            return Err(self.fault(Field::BillingCurrencyCode, row, cell, "expected an ISO currency code such as USD"));
        };
        match self.summary.currency {
            Some(known) if known != currency => {
                let reason =
                    format!("the row is in {currency}, but the file in {known}; an enrollment has one currency");
                Err(self.contradiction(Field::BillingCurrencyCode, row, reason))
            }
            _ => Ok(()),
        }
    }

    /// Rows must lie inside the scope and the days that the import replaces, else they would be lost or doubled by
    /// the next one.
    fn check_bounds(&self, cells: &[Cell<'_>], row: RowPlace) -> Result<(), RowRefusal> {
        if let (Some(days), Cell::Date(date)) = (self.options.days, &cells[Field::Date.index()])
            && !days.contains(*date)
        {
            let reason = format!("the row is dated {date}, outside the days {days} that the import replaces");
            return Err(self.contradiction(Field::Date, row, reason));
        }
        let Some(scope) = &self.options.fill.scope else { return Ok(()) };
        let outside = SCOPE_FIELDS.iter().find_map(|field| {
            let text = match &cells[field.index()] {
                Cell::Text(text) => Some(text.as_ref()),
                _ => None,
            };
            outside_scope(scope, *field, text).map(|cell| (*field, cell))
        });
        match outside {
            Some((field, cell)) => {
                let reason = format!("the row's {cell:?} lies outside the source scope {scope}");
                Err(self.contradiction(field, row, reason))
            }
            None => Ok(()),
        }
    }

    /// Fills the columns that the file's generation lacks with what the options and the row itself say (DESIGN 4.8).
    fn fill(&self, cells: &mut [Cell<'_>], period: BillingPeriod) {
        if let (false, Some(enrollment)) = (self.header.has(Field::BillingAccountId), &self.summary.enrollment) {
            cells[Field::BillingAccountId.index()] = Cell::Text(Cow::Owned(enrollment.to_string()));
        }
        if let (false, Some(currency)) = (self.header.has(Field::BillingCurrencyCode), self.summary.currency) {
            cells[Field::BillingCurrencyCode.index()] = Cell::Text(Cow::Owned(currency.to_string()));
        }
        if !self.header.has(Field::BillingPeriodStartDate) && !self.header.has(Field::BillingPeriodEndDate) {
            cells[Field::BillingPeriodStartDate.index()] = Cell::Date(period.first_day());
            cells[Field::BillingPeriodEndDate.index()] = Cell::Date(period.last_day());
        }
    }
}

/// Fields that can lie outside of a source scope, in the order in which they are looked at.
pub(crate) const SCOPE_FIELDS: [Field; 4] =
    [Field::InvoiceSectionId, Field::AccountId, Field::SubscriptionId, Field::ResourceGroup];

/// The cell of one of [`SCOPE_FIELDS`] if it lies outside of the scope. Departments and accounts may be unknown in a row,
/// subscriptions and resource groups may not.
pub(crate) fn outside_scope<'c>(scope: &Scope, field: Field, cell: Option<&'c str>) -> Option<&'c str> {
    let known = || Some(cell.unwrap_or_default());
    let (cell, expected) = match (scope, field) {
        (Scope::Department { id, .. }, Field::InvoiceSectionId) => (cell, id.clone()),
        (Scope::EnrollmentAccount { id, .. }, Field::AccountId) => (cell, id.clone()),
        (Scope::Subscription(id), Field::SubscriptionId) => (known(), id.to_string()),
        (Scope::ResourceGroup { subscription, .. }, Field::SubscriptionId) => (known(), subscription.to_string()),
        (Scope::ResourceGroup { name, .. }, Field::ResourceGroup) => (known(), name.clone()),
        _ => return None,
    };
    cell.filter(|cell| !cell.eq_ignore_ascii_case(&expected) && comparable(cell) != comparable(&expected))
}
