//! Price sheets, as JSON documents and as CSV: own ones and those that EA customers download.

mod csv;
mod json;
mod line;

use calendar::BillingPeriod;
use ledger::EnrollmentId;
use ledger::billing::{PriceLine, PriceSheet};
use money::Currency;

use super::document::Document;
use super::error::{Fault, NativeError};

pub(crate) use csv::is_column;

/// Most lines of a price sheet; those of EA customers have some hundred thousand.
const LINES_MAX: usize = 1_000_000;

/// What the caller knows about a price sheet; it fills what the file does not say, and must not contradict it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceSheetFill {
    /// Whose prices they are.
    pub enrollment: Option<EnrollmentId>,
    /// The first billing period of the prices.
    pub from: Option<BillingPeriod>,
    /// The last billing period of the prices, inclusive.
    pub through: Option<BillingPeriod>,
    /// Their currency.
    pub currency: Option<Currency>,
}

/// A price sheet, read and checked.
#[derive(Debug, Clone)]
pub struct StatedPriceSheet {
    /// Whose prices they are, where file or caller say it.
    pub enrollment: Option<EnrollmentId>,
    /// The first billing period of the prices.
    pub from: BillingPeriod,
    /// The last billing period of the prices, inclusive; `None`: until another sheet begins.
    pub through: Option<BillingPeriod>,
    /// The prices.
    pub sheet: PriceSheet,
}

/// Reads a price sheet: JSON where the text begins with `{`, else CSV.
///
/// # Errors
/// [`NativeError`] for text that is no price sheet, for the first line that is not as it should be, for lines with one
/// key, and for facts that neither file nor `fill` state or that they state differently.
pub fn read_price_sheet(file: &str, text: &str, fill: &PriceSheetFill) -> Result<StatedPriceSheet, NativeError> {
    let document = Document::new(file, text)?;
    let read = if document.text.trim_start().starts_with('{') { json::read(&document)? } else { csv::read(&document)? };
    let Read { facts, lines } = read;
    let facts = facts.filled(fill).map_err(|fault| document.fault(fault))?;
    let missing = |fact, option| NativeError::Missing { file: file.to_owned(), fact, option };
    let from = facts.from.ok_or_else(|| missing("first billing period", "--prices-from YYYYMM"))?;
    if facts.through.is_some_and(|through| through < from) {
        let expected = format!("the prices end before they begin; expected {from} or a later period");
        return Err(document.fault(Fault::plain("through", expected)));
    }
    let currency = facts.currency.ok_or_else(|| missing("currency", "--currency CODE"))?;
    let sheet = PriceSheet::new(currency, lines)
        .map_err(|source| NativeError::Prices { file: file.to_owned(), source: Box::new(source) })?;
    Ok(StatedPriceSheet { enrollment: facts.enrollment, from, through: facts.through, sheet })
}

/// What a file holds.
struct Read {
    facts: PriceSheetFill,
    lines: Vec<PriceLine>,
}

impl PriceSheetFill {
    /// What the file says and, where it says nothing, what the caller says.
    fn filled(self, fill: &Self) -> Result<Self, Fault> {
        Ok(Self {
            enrollment: agreed("enrollment", self.enrollment, fill.enrollment.clone())?,
            from: agreed("from", self.from, fill.from)?,
            through: agreed("through", self.through, fill.through)?,
            currency: agreed("currency", self.currency, fill.currency)?,
        })
    }
}

fn agreed<T: PartialEq + ToString>(name: &str, stated: Option<T>, filled: Option<T>) -> Result<Option<T>, Fault> {
    match (stated, filled) {
        (Some(stated), Some(filled)) if stated != filled => {
            let expected = format!("the caller says {}; expected the same", filled.to_string());
            Err(Fault::of(name, &stated.to_string(), expected))
        }
        (stated, filled) => Ok(stated.or(filled)),
    }
}
