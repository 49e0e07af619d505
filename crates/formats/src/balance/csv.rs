//! Balance summaries as CSV: one a line, under the names that the JSON members have. Lists are cells of JSON text.

use ledger::{Amount, BalanceAmount, BalanceDetail};
use serde_json::value::RawValue;

use super::{Fault, Place, StatedBalance, content_of, currency, id, json};
use crate::error::{InputError, RowFault};
use crate::header::normalised;
use crate::records::{Record, RecordError, RecordReader};

/// Other names of members, normalised.
const ALIASES: [(&str, &str); 3] =
    [("enrollmentnumber", "enrollment"), ("billingaccountid", "enrollment"), ("currencycode", "currency")];
/// Columns that tell a balance summary from cost exports.
const OWN_COLUMNS: [&str; 2] = ["beginningbalance", "endingbalance"];

/// Whether a text begins with the header of balance summaries.
pub(super) fn is_header(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut names = line.split(',').map(|name| normalised(name.trim().trim_matches('"')));
    names.any(|name| OWN_COLUMNS.contains(&name.as_str()))
}

/// Reads a whole text.
pub(super) fn read(file: &str, text: &[u8]) -> Result<Vec<StatedBalance>, InputError> {
    let mut reader = RecordReader::new(text);
    let failed = |error| match error {
        RecordError::Io(source) => InputError::Io { file: file.to_owned(), source },
        RecordError::Syntax(fault) => InputError::Syntax { file: file.to_owned(), fault },
    };
    let Some(header) = reader.next_record().map_err(failed)? else { return Ok(Vec::new()) };
    let columns = Columns::of(file, &header)?;
    // A cell's meaning depends on its column: the header is part of what identifies a line.
    let header = header.raw.to_vec();
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().map_err(failed)? {
        let place = Place { line: Some(record.place.line), path: String::new() };
        if record.len() != columns.0.len() {
            let expected = format!("{} cells, expected {} as in the header", record.len(), columns.0.len());
            let fault = RowFault { place: record.place, column: None, value: None, expected };
            return Err(InputError::Row { file: file.to_owned(), fault });
        }
        let content = content_of(&[&header[..], b"\n", record.raw].concat());
        found.push(columns.summary(&record, content, &place).map_err(|fault| fault.at(file, &place))?);
    }
    Ok(found)
}

/// The names of the columns, normalised.
struct Columns(Vec<String>);

impl Columns {
    fn of(file: &str, header: &Record<'_>) -> Result<Self, InputError> {
        let refused = |reason: String| InputError::Header { file: file.to_owned(), line: Some(1), reason };
        let mut names: Vec<String> = Vec::new();
        for index in 0..header.len() {
            let cell = header.bytes(index);
            let name = std::str::from_utf8(&cell).map_err(|_| refused("a column name is not UTF-8".to_owned()))?;
            let name = normalised(name.trim());
            let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, own)| (*own).to_owned());
            if names.contains(&name) {
                return Err(refused(format!("two columns are {name}")));
            }
            names.push(name);
        }
        Ok(Self(names))
    }

    fn text<'r>(&self, record: &'r Record<'_>, name: &str) -> Result<Option<std::borrow::Cow<'r, str>>, Fault> {
        let column = normalised(name);
        let Some(index) = self.0.iter().position(|known| *known == column) else { return Ok(None) };
        let text = match record.bytes(index) {
            std::borrow::Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(std::borrow::Cow::Borrowed),
            std::borrow::Cow::Owned(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(std::borrow::Cow::Owned(text)),
                Err(error) => Err(error.utf8_error()),
            },
        };
        let text = text.map_err(|_| Fault::new(name, "", "expected UTF-8"))?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }

    fn summary(&self, record: &Record<'_>, content: String, place: &Place) -> Result<StatedBalance, Fault> {
        let owned = |name: &str| Ok::<_, Fault>(self.text(record, name)?.map(|text| text.trim().to_owned()));
        let id = owned("id")?.unwrap_or_default();
        let (mut enrollment, mut period) = id::parts("id", &id)?;
        if let Some(number) = owned("enrollment")? {
            let (own, _) = id::parts("enrollment", &format!("enrollments/{number}"))?;
            if enrollment.is_some() && enrollment != own {
                return Err(Fault::new("enrollment", &number, "expected the enrollment of the id"));
            }
            enrollment = own;
        }
        if let Some(name) = owned("billingPeriodId")? {
            let own = Some(id::period("billingPeriodId", &name)?);
            if period.is_some() && period != own {
                return Err(Fault::new("billingPeriodId", &name, "expected the billing period of the id"));
            }
            period = own;
        }
        let mut members = super::Members {
            billing_frequency: owned("billingFrequency")?,
            price_hidden: owned("priceHidden")?.map(|text| boolean("priceHidden", &text)).transpose()?,
            new_purchases_details: self.details(record, "newPurchasesDetails")?,
            adjustment_details: self.details(record, "adjustmentDetails")?,
            name: owned("name")?,
            ..super::Members::default()
        };
        for which in BalanceAmount::ALL {
            if let Some(text) = owned(which.name())? {
                let amount =
                    Amount::parse(&text).map_err(|error| Fault::new(which.name(), &text, error.to_string()))?;
                members.amounts.insert(which, amount);
            }
        }
        if members.amounts.is_empty() {
            return Err(Fault::new("endingBalance", "", "expected at least one amount"));
        }
        let currency = owned("currency")?.map(|text| currency("currency", &text)).transpose()?.flatten();
        Ok(StatedBalance { enrollment, period, currency, content, place: place.clone(), members })
    }

    fn details(&self, record: &Record<'_>, name: &str) -> Result<Option<Vec<BalanceDetail>>, Fault> {
        let Some(text) = self.text(record, name)? else { return Ok(None) };
        let list: &RawValue =
            serde_json::from_str(&text).map_err(|error| Fault::new(name, &text, error.to_string()))?;
        json::read_details(name, list).map(Some)
    }
}

fn boolean(name: &str, text: &str) -> Result<bool, Fault> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Fault::new(name, text, "expected true or false")),
    }
}
