//! Text → rows of sheets: answers of the Consumption and Enterprise Reporting APIs as they were fetched, and the CSV files of
//! price sheets, reservation details and reservation transactions.
//!
//! A row becomes one flat JSON object under the names of the newest API. Values keep their text, so that digits come back;
//! what nobody knows is kept under its own name. What stands around the facts of a resource begins with `@`.

mod csv;
mod json;
mod members;
mod stored;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use calendar::{BillingPeriod, Date};
use ledger::{EnrollmentId, Grain, SheetKind, SheetUnit};
use money::Currency;

use crate::error::{Excerpt, InputError, RowFault, RowPlace};
use crate::header::FillIns;
use crate::pages::begins_like_json;
use crate::source::SourceReader;

pub(crate) use self::csv::has_columns_of_sheets;
pub use self::members::{SheetMember, sheet_columns};
pub use self::stored::{StoredRow, pack_rows, unpack_rows};

use self::members::Row;

/// So much of a file tells what it holds.
const HEAD_BYTES: u64 = 1 << 16;
/// Digits of a billing period at the beginning of its name: `YYYYMM`.
const PERIOD_DIGITS: usize = 6;

/// What the beginning of a file says about the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetHint {
    /// Rows of sheets.
    Sheet,
    /// An answer without items, which can end one of sheets as well as one of charges.
    Blank,
    /// Something else.
    Other,
}

impl SheetHint {
    /// Looks at the beginning of a file. What cannot be read is something else: whoever reads it says why.
    pub fn of(input: File) -> Self {
        let mut head = Vec::new();
        let Ok(mut source) = SourceReader::open_file("", input) else { return Self::Other };
        // An error in the middle still leaves what came before it.
        _ = source.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        match begins_like_json(&head) {
            true if json::looks_like_sheet(&head) => Self::Sheet,
            true if json::is_blank(&head) => Self::Blank,
            false if csv::is_header(&head) => Self::Sheet,
            _ => Self::Other,
        }
    }
}

/// A row of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// What it is a row of.
    pub unit: SheetUnit,
    /// The row, a JSON object.
    pub json: String,
    /// What no other row of the unit has, in lower case; rows without such a thing are told by all that they say.
    pub key: String,
}

/// What a file of rows turned out to hold.
#[derive(Debug, Clone, Default)]
pub struct SheetFacts {
    /// The enrollment, if rows or options name it.
    pub enrollment: Option<EnrollmentId>,
    /// The one currency of all rows that say theirs.
    pub currency: Option<Currency>,
    /// Whether the file is an answer, which can have several pages; files of portals and exports have none.
    pub is_answer: bool,
    /// Whether the answer is a price sheet as a resource. Other answers tell by their rows alone what they are.
    pub of_prices: bool,
    /// Where the answer goes on; the last page goes on nowhere.
    pub next: Option<NextSheetPage>,
    /// Number of rows. Only an answer can have none: a page of one that has rows on others.
    pub rows: u64,
}

/// The address of the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextSheetPage {
    /// As it came.
    pub url: String,
    /// Without the place in the answer, in lower case: equal for all pages of an answer but the last.
    pub answer: String,
}

/// Reads all rows of a file, which is named so in errors, and hands them on one by one.
///
/// # Errors
/// The first row that cannot be understood, with its place; nothing of the file is to be used then.
pub fn read_sheet(
    file: &str,
    source: &mut SourceReader<File>,
    fill: &FillIns,
    take: &mut dyn FnMut(SheetRow),
) -> Result<SheetFacts, InputError> {
    let mut reading = Reading { file, fill, facts: SheetFacts::default(), parties: BTreeMap::new(), take };
    reading.facts.enrollment = fill.enrollment.clone();
    reading.facts.currency = fill.currency;
    if begins_like_json(source.head()?) {
        json::read(source, &mut reading)?;
    } else {
        csv::read(source, &mut reading)?;
    }
    match reading.facts.rows {
        0 if !reading.facts.is_answer => Err(reading.refused(None, "it has no rows; nothing is imported".to_owned())),
        _ => Ok(reading.facts),
    }
}

/// What all rows of a file share while it is read.
struct Reading<'r> {
    file: &'r str,
    fill: &'r FillIns,
    facts: SheetFacts,
    /// Parties of transactions that were read before it was known whose they are, each with its first place.
    parties: BTreeMap<Vec<String>, RowPlace>,
    take: &'r mut dyn FnMut(SheetRow),
}

impl Reading<'_> {
    /// Takes a row, checked.
    fn row(&mut self, kind: RowKind, place: RowPlace, row: &Row) -> Result<(), InputError> {
        let fault = |fault: RowFault| InputError::Row { file: self.file.to_owned(), fault };
        row.check(kind, place).map_err(fault)?;
        let day = self.day(kind, place, row)?;
        let kind = self.kind(kind, place, day)?;
        self.learn_enrollment(kind, place, row)?;
        self.learn_currency(place, row)?;
        let reservation = (row.text("reservationOrderId"), row.text("reservationId"));
        let unit = match kind {
            SheetKind::ReservationTransactions if row.text("billingMonth").is_empty() => SheetUnit::of_events(day),
            _ => SheetUnit::of(kind, day, (&reservation.0, &reservation.1)),
        };
        self.facts.rows += 1;
        (self.take)(SheetRow { unit, json: row.to_json(), key: row.key(kind) });
        Ok(())
    }

    /// The day of a row, or a day of its month.
    fn day(&self, kind: RowKind, place: RowPlace, row: &Row) -> Result<Date, InputError> {
        match kind {
            RowKind::Prices => self.period(place, row).map(BillingPeriod::first_day),
            RowKind::Details | RowKind::Summaries => self.date(place, row, "usageDate"),
            RowKind::Transactions => {
                let event = self.date(place, row, "eventDate")?;
                let month = row.text("billingMonth");
                if month.is_empty() {
                    return Ok(event);
                }
                let period = month.get(..PERIOD_DIGITS).and_then(|digits| BillingPeriod::parse(digits).ok());
                let period = period.ok_or_else(|| self.fault(place, "billingMonth", &month, "expected YYYYMMDD"))?;
                Ok(period.first_day())
            }
        }
    }

    /// The civil date of a time, whatever its zone: the day that the original means.
    fn date(&self, place: RowPlace, row: &Row, name: &'static str) -> Result<Date, InputError> {
        let text = row.text(name);
        civil_date(&text)
            .ok_or_else(|| self.fault(place, name, &text, "expected a day such as 2023-09-01 or 2023-09-01T00:00:00Z"))
    }

    /// The billing period of prices: the row's own, else the option's, else that which the row's days are.
    fn period(&self, place: RowPlace, row: &Row) -> Result<BillingPeriod, InputError> {
        let id = row.text("billingPeriodId");
        let name = id.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let own = name.get(..PERIOD_DIGITS).and_then(|digits| BillingPeriod::parse(digits).ok());
        match (own, self.fill.period) {
            (None, _) if !id.is_empty() => {
                Err(self.fault(place, "billingPeriodId", &id, "expected an id that ends in a billing period, YYYYMM"))
            }
            (Some(own), Some(given)) if own != given => {
                let reason = format!("a price is of {own}, but --period is {given}");
                Err(self.refused(Some(place), reason))
            }
            (Some(period), _) => Ok(period),
            (None, given) => self.period_of_days(place, row, given),
        }
    }

    /// `EffectiveStartDate` and `EffectiveEndDate` are the days of the sheet's billing period (Price Sheet API 2024-08-01).
    fn period_of_days(
        &self,
        place: RowPlace,
        row: &Row,
        given: Option<BillingPeriod>,
    ) -> Result<BillingPeriod, InputError> {
        const FIRST: &str = "effectiveStartDate";
        const LAST: &str = "effectiveEndDate";
        let day = |name| if row.text(name).is_empty() { Ok(None) } else { self.date(place, row, name).map(Some) };
        let (first, last) = (day(FIRST)?, day(LAST)?);
        match (given, first, last) {
            (Some(given), first, last)
                if first.is_some_and(|first| first > given.last_day())
                    || last.is_some_and(|last| last < given.first_day()) =>
            {
                let (first, last) = (row.text(FIRST), row.text(LAST));
                let reason = format!("a price is effective from {first} to {last}, but the billing period is {given}");
                Err(self.refused(Some(place), reason))
            }
            (Some(given), ..) => Ok(given),
            (None, Some(first), Some(last)) if BillingPeriod::of(first) == BillingPeriod::of(last) => {
                Ok(BillingPeriod::of(first))
            }
            (None, ..) => Err(InputError::MissingFact {
                file: self.file.to_owned(),
                fact: "billing period",
                option: "--period YYYYMM",
            }),
        }
    }

    /// The kind of a sheet. Summaries do not say whether they are of days or of months unless a day tells.
    fn kind(&self, kind: RowKind, place: RowPlace, day: Date) -> Result<SheetKind, InputError> {
        let grain = match kind {
            RowKind::Prices => return Ok(SheetKind::Prices),
            RowKind::Details => return Ok(SheetKind::ReservationDetails),
            RowKind::Transactions => return Ok(SheetKind::ReservationTransactions),
            RowKind::Summaries => self.fill.grain,
        };
        match grain {
            Some(Grain::Monthly) if day.day() != 1 => {
                let reason = format!("a summary is of {day}, which is no month; --grain is monthly");
                Err(self.refused(Some(place), reason))
            }
            Some(grain) => Ok(grain.kind()),
            None => Err(InputError::MissingFact {
                file: self.file.to_owned(),
                fact: "grain (whether its summaries are of days or of months)",
                option: "--grain daily or --grain monthly",
            }),
        }
    }

    fn learn_enrollment(&mut self, kind: SheetKind, place: RowPlace, row: &Row) -> Result<(), InputError> {
        let own = row.enrollment();
        let own = own.map_err(|text| self.fault(place, "enrollmentNumber", &text, "expected an enrollment number"))?;
        let own = match kind {
            SheetKind::ReservationTransactions => own.or(self.party(place, row)?),
            _ => own,
        };
        let Some(own) = own else { return Ok(()) };
        match &self.facts.enrollment {
            Some(known) if !known.matches(own.as_str()) => {
                let reason = format!("a row is of enrollment {own}, expected {known}");
                Err(self.refused(Some(place), reason))
            }
            Some(_) => Ok(()),
            None => {
                let strange = self.parties.iter().find(|(named, _)| !named.iter().any(|party| own.matches(party)));
                if let Some((named, place)) = strange {
                    let reason = format!("a transaction is of enrollment {}, expected {own}", named[0]);
                    return Err(self.refused(Some(*place), reason));
                }
                self.facts.enrollment = Some(own);
                Ok(())
            }
        }
    }

    /// A transaction is of the enrollment that bought the reservation, or that has it now. Whose it is, if the row tells.
    fn party(&mut self, place: RowPlace, row: &Row) -> Result<Option<EnrollmentId>, InputError> {
        let parties = ["purchasingEnrollment", "currentEnrollment"].map(|name| row.text(name));
        let mut named: Vec<&String> = parties.iter().filter(|party| !party.is_empty()).collect();
        named.dedup();
        match (&self.facts.enrollment, &named[..]) {
            (Some(own), [first, ..]) if !named.iter().any(|party| own.matches(party)) => {
                let reason = format!("a transaction is of enrollment {first}, expected {own}");
                Err(self.refused(Some(place), reason))
            }
            (None, [only]) => Ok(EnrollmentId::parse(only).ok()),
            (None, [_, ..]) => {
                self.parties.entry(named.into_iter().cloned().collect()).or_insert(place);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn learn_currency(&mut self, place: RowPlace, row: &Row) -> Result<(), InputError> {
        for name in ["currencyCode", "currency"] {
            let text = row.text(name);
            let code = text.trim();
            if code.is_empty() {
                continue;
            }
            let own = Currency::parse(code).map_err(|_| self.fault(place, name, code, "expected an ISO code"))?;
            match self.facts.currency {
                Some(known) if known != own => {
                    let reason = format!("a row is in {own}, expected {known}");
                    return Err(self.refused(Some(place), reason));
                }
                _ => self.facts.currency = Some(own),
            }
        }
        Ok(())
    }

    fn fault(&self, place: RowPlace, name: &str, value: &str, expected: &str) -> InputError {
        let value = (!value.is_empty()).then(|| Excerpt::of(value.as_bytes()));
        let fault = RowFault { place, column: Some(name.to_owned()), value, expected: expected.to_owned() };
        InputError::Row { file: self.file.to_owned(), fault }
    }

    fn refused(&self, place: Option<RowPlace>, reason: String) -> InputError {
        let line = place.map(|place| place.line);
        let reason = place.map_or_else(|| reason.clone(), |place| format!("{place}: {reason}"));
        InputError::Contradiction { file: self.file.to_owned(), reason, line, column: None }
    }
}

/// The civil date of a time in any zone, or of a day.
fn civil_date(text: &str) -> Option<Date> {
    /// `+05:30`
    const OFFSET_BYTES: usize = 6;
    let (_, clock) = text.split_once('T').unwrap_or_default();
    let offset = clock.len().checked_sub(OFFSET_BYTES).and_then(|at| clock.get(at..));
    let is_offset = |offset: &&str| {
        let bytes = offset.as_bytes();
        matches!(bytes, [b'+' | b'-', hour @ .., b':', _, _] if hour.len() == 2)
            && bytes.iter().filter(|byte| byte.is_ascii_digit()).count() == 4
    };
    let local = &text[..text.len() - offset.filter(is_offset).map_or(0, str::len)];
    Date::parse_any(local.as_bytes()).ok()
}

/// What a row is, as far as its members tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    Prices,
    Details,
    /// Of days or of months.
    Summaries,
    Transactions,
}

#[cfg(test)]
mod tests;
