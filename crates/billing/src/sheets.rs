//! Price sheets: which one prices a period, and reading it back.

use calendar::BillingPeriod;
use catalog::{InputKind, NativeInput};
use formats::native::{self, PriceSheetFill};
use imports::{Store, read_native_source};
use ledger::EnrollmentId;
use ledger::billing::PriceSheet;
use serde::{Deserialize, Serialize};

use crate::error::BillingError;
use crate::known::Known;

/// A price sheet that was taken; its text is kept beneath the store's sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownSheet {
    pub(crate) from: BillingPeriod,
    /// The last period, inclusive; `None`: until a later sheet begins.
    pub(crate) through: Option<BillingPeriod>,
    /// SHA-256 of its text.
    pub(crate) content: String,
    /// When it was received, in microseconds since 1970.
    pub(crate) received_at: i64,
}

/// What the catalog keeps of a price sheet.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SheetRecord {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    through: Option<String>,
    /// File name without folder.
    name: String,
    lines: usize,
}

impl KnownSheet {
    /// Reads what the catalog keeps.
    pub(crate) fn read(input: &NativeInput) -> Result<Self, String> {
        let record: SheetRecord = serde_json::from_str(&input.document).map_err(|error| error.to_string())?;
        let period = |text: &str| BillingPeriod::parse(text).map_err(|error| error.to_string());
        let through = record.through.as_deref().map(period).transpose()?;
        let (content, received_at) = (input.content.clone(), input.received_at);
        Ok(Self { from: period(&record.from)?, through, content, received_at })
    }

    /// Whether it says the same for the same periods, whenever it was received.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        (self.from, self.through, &self.content) == (other.from, other.through, &other.content)
    }

    /// What the catalog keeps.
    pub(crate) fn input(&self, name: &str, lines: usize) -> NativeInput {
        let record = SheetRecord {
            from: self.from.to_string(),
            through: self.through.map(|period| period.to_string()),
            name: name.to_owned(),
            lines,
        };
        NativeInput {
            id: 0,
            kind: InputKind::PriceSheet,
            name: String::new(),
            document: serde_json::to_string(&record).expect("plain members serialize"),
            content: self.content.clone(),
            received_at: self.received_at,
        }
    }

    fn is_valid_for(&self, period: BillingPeriod) -> bool {
        self.from <= period && self.through.is_none_or(|through| period <= through)
    }
}

/// The sheet that prices a period: the newest that was received and is valid for it. A sheet without last period ends
/// where a later one begins.
pub(crate) fn sheet_for(sheets: &[KnownSheet], period: BillingPeriod) -> Option<&KnownSheet> {
    let valid = || sheets.iter().filter(move |sheet| sheet.is_valid_for(period));
    let is_ended = |sheet: &&KnownSheet| sheet.through.is_none() && valid().any(|later| later.from > sheet.from);
    valid().rfind(|sheet| !is_ended(sheet))
}

/// Whether a sheet among others prices no period at all: for each of its own another one counts. Which one counts changes
/// only where a sheet begins and behind the last period of one.
pub(crate) fn prices_nothing(sheets: &[KnownSheet], sheet: &KnownSheet) -> bool {
    let after = |one: &KnownSheet| one.through.and_then(|through| through.next().ok());
    let mut changes = sheets.iter().flat_map(|one| [Some(one.from), after(one)]).flatten();
    !changes.any(|period| {
        sheet.is_valid_for(period) && sheet_for(sheets, period).is_some_and(|used| used.says_the_same(sheet))
    })
}

/// Reads the prices of a period.
pub(crate) async fn prices(
    store: &Store,
    known: &Known,
    period: BillingPeriod,
) -> Result<Option<PriceSheet>, BillingError> {
    match sheet_for(&known.sheets, period) {
        Some(sheet) => read_stored(store, known, sheet).await.map(Some),
        None => Ok(None),
    }
}

/// Which price sheets an enrollment has; none, if it is not native.
#[derive(Debug, Clone, Default)]
pub struct PriceSheets(Vec<KnownSheet>);

impl PriceSheets {
    /// Reads what the catalog keeps of them.
    ///
    /// # Errors
    /// [`BillingError::Stored`] for input that cannot be read any more.
    pub async fn load(store: &Store, enrollment: &EnrollmentId) -> Result<Self, BillingError> {
        if !store.catalog().is_native(enrollment).await? {
            return Ok(Self::default());
        }
        Ok(Self(Known::load(store, enrollment, None).await?.sheets))
    }

    /// The sheet that prices a period, by the SHA-256 of its text.
    pub fn of(&self, period: BillingPeriod) -> Option<&str> {
        sheet_for(&self.0, period).map(|sheet| sheet.content.as_str())
    }
}

/// Reads a price sheet of an enrollment by the SHA-256 of its text; `None`: it has no such sheet that can price the period.
///
/// # Errors
/// [`BillingError::Stored`] for input that cannot be read any more.
pub async fn read_price_sheet(
    store: &Store,
    enrollment: &EnrollmentId,
    content: &str,
    period: BillingPeriod,
) -> Result<Option<PriceSheet>, BillingError> {
    let known = Known::load(store, enrollment, None).await?;
    match known.sheets.iter().find(|sheet| sheet.content == content && sheet.is_valid_for(period)) {
        Some(sheet) => read_stored(store, &known, sheet).await.map(Some),
        None => Ok(None),
    }
}

/// Reads a kept price sheet.
pub(crate) async fn read_stored(store: &Store, known: &Known, sheet: &KnownSheet) -> Result<PriceSheet, BillingError> {
    let stored = |reason: String| BillingError::Stored {
        enrollment: known.number.clone(),
        what: format!("price sheet {}", sheet.content),
        reason,
    };
    let text = read_native_source(store, &sheet.content).await?;
    let text = String::from_utf8(text).map_err(|error| stored(error.to_string()))?;
    let currency = known.document.as_ref().map(|(stated, _)| stated.enrollment.currency);
    let fill = PriceSheetFill { enrollment: None, from: Some(sheet.from), through: sheet.through, currency };
    let read = tokio::task::block_in_place(|| native::read_price_sheet("the stored price sheet", &text, &fill));
    Ok(read.map_err(|error| stored(error.to_string()))?.sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(from: &str, through: Option<&str>, content: &str) -> KnownSheet {
        let period = |text: &str| BillingPeriod::parse(text).unwrap();
        KnownSheet { from: period(from), through: through.map(period), content: content.to_owned(), received_at: 0 }
    }

    fn priced_by(sheets: &[KnownSheet], period: &str) -> Option<String> {
        sheet_for(sheets, period.parse().unwrap()).map(|sheet| sheet.content.clone())
    }

    #[test]
    fn the_newest_valid_sheet_prices_a_period_and_an_open_one_ends_where_a_later_one_begins() {
        let sheets = [
            sheet("202501", None, "a"),
            sheet("202504", None, "b"),
            sheet("202506", Some("202506"), "june"),
            sheet("202501", None, "a corrected"),
        ];
        assert_eq!(priced_by(&sheets, "202412"), None);
        for (period, expected) in
            [("202501", "a corrected"), ("202503", "a corrected"), ("202504", "b"), ("202506", "june"), ("202507", "b")]
        {
            assert_eq!(priced_by(&sheets, period).as_deref(), Some(expected), "{period}");
        }
        let corrected = [&sheets[..], &[sheet("202506", Some("202506"), "june again")]].concat();
        assert_eq!(priced_by(&corrected, "202506").as_deref(), Some("june again"));
        let idle = |sheets: &[KnownSheet]| {
            let idle = sheets.iter().filter(|sheet| prices_nothing(sheets, sheet));
            idle.map(|sheet| sheet.content.clone()).collect::<Vec<_>>()
        };
        assert_eq!(idle(&sheets), ["a"]);
        assert_eq!(idle(&corrected), ["a", "june"]);
        // What counts again behind the end of another one, or before its beginning, prices something.
        assert_eq!(idle(&[sheet("202501", None, "a"), sheet("202501", Some("202512"), "b")]), Vec::<String>::new());
        assert_eq!(idle(&[sheet("202501", Some("202503"), "a"), sheet("202502", None, "b")]), Vec::<String>::new());
        assert_eq!(idle(&[sheet("202502", Some("202503"), "a"), sheet("202501", Some("202503"), "b")]), ["a"]);
    }
}
