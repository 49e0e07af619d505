//! Text ⇄ balance summaries: the JSON of both API generations as it was fetched, and CSV with the same names.
//!
//! Whatever the form, a summary keeps the digits of its amounts and the order of its lists, and what the text does not
//! say stays unknown. Members that nobody knows are passed over: the text itself is kept by the importer.

mod csv;
mod id;
mod json;

use std::io::Read;

use calendar::BillingPeriod;
use ledger::{Amount, BalanceSummary, EnrollmentId};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::error::{Excerpt, InputError};
use crate::header::FillIns;
use crate::source::SourceReader;

/// Largest text of balance summaries: one takes less than 2 kB, and an enrollment has twelve a year.
pub const BALANCES_BYTES_MAX: usize = 16 << 20;
/// So much of a file tells what it holds.
const HEAD_BYTES: u64 = 1 << 16;
const BOM: &[u8] = b"\xEF\xBB\xBF";
/// What only balance summaries say, in either form.
const WORDS: [&str; 4] =
    ["\"beginningBalance\"", "\"endingBalance\"", "Microsoft.Consumption/balances", "/balancesummaries"];

/// What the beginning of a file says about the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalanceHint {
    /// Balance summaries.
    Balances,
    /// JSON that does not look like them.
    OtherJson,
    /// Something else.
    Other,
}

impl BalanceHint {
    /// Looks at the beginning of a file, plain or gzip. What cannot be read is something else: whoever reads it says why.
    pub fn of(input: impl Read) -> Self {
        let mut head = Vec::new();
        let Ok(mut source) = SourceReader::open("", input) else { return Self::Other };
        // An error in the middle still leaves what came before it.
        _ = source.by_ref().take(HEAD_BYTES).read_to_end(&mut head);
        let text = head.strip_prefix(BOM).unwrap_or(&head).trim_ascii_start();
        if !text.starts_with(b"{") && !text.starts_with(b"[") {
            return if csv::is_header(text) { Self::Balances } else { Self::Other };
        }
        let text = String::from_utf8_lossy(text);
        if WORDS.iter().any(|word| text.contains(word)) { Self::Balances } else { Self::OtherJson }
    }
}

/// A summary as its text states it.
#[derive(Debug, Clone)]
pub struct StatedBalance {
    /// The enrollment, if its id names it.
    pub enrollment: Option<EnrollmentId>,
    /// The billing period, if it names it.
    pub period: Option<BillingPeriod>,
    /// The currency, if it names it.
    pub currency: Option<Currency>,
    /// SHA-256 of the summary's own text, in lower-case hexadecimal.
    pub content: String,
    /// Where it is in its file.
    place: Place,
    members: Members,
}

/// A summary and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Of which month.
    pub period: BillingPeriod,
    /// What it says.
    pub summary: BalanceSummary,
    /// SHA-256 of the summary's own text, in lower-case hexadecimal.
    pub content: String,
}

/// Where a summary is in its file.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The line of CSV.
    line: Option<u64>,
    /// The path of JSON, such as `value[3].`; empty where there is only one.
    path: String,
}

/// What a summary says beside currency and place.
#[derive(Debug, Clone, Default)]
struct Members {
    amounts: std::collections::BTreeMap<ledger::BalanceAmount, Amount>,
    billing_frequency: Option<String>,
    price_hidden: Option<bool>,
    new_purchases_details: Option<Vec<ledger::BalanceDetail>>,
    adjustment_details: Option<Vec<ledger::BalanceDetail>>,
    name: Option<String>,
}

/// Reads the text of a file. `file` names it in errors.
pub fn read_balances(file: &str, text: &[u8]) -> Result<Vec<StatedBalance>, InputError> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let first = text.trim_ascii_start().first();
    let found = if matches!(first, Some(b'{' | b'[')) { json::read(file, text) } else { csv::read(file, text) }?;
    match found.is_empty() {
        true => Err(InputError::Empty { file: file.to_owned() }),
        false => Ok(found),
    }
}

impl StatedBalance {
    /// Completes what the text does not say from the options, and refuses options that contradict it.
    pub fn resolve(self, file: &str, fill: &FillIns) -> Result<Balance, InputError> {
        let enrollment =
            self.agree(file, "enrollment", "--enrollment", self.enrollment.as_ref(), fill.enrollment.as_ref())?;
        let period = self.agree(file, "billing period", "--period", self.period.as_ref(), fill.period.as_ref())?;
        let currency = self.agree(file, "currency", "--currency", self.currency.as_ref(), fill.currency.as_ref())?;
        let members = self.members;
        let summary = BalanceSummary {
            currency,
            amounts: members.amounts,
            billing_frequency: members.billing_frequency,
            price_hidden: members.price_hidden,
            new_purchases_details: members.new_purchases_details,
            adjustment_details: members.adjustment_details,
            name: members.name,
        };
        Ok(Balance { enrollment, period, summary, content: self.content })
    }

    fn agree<T: PartialEq + Clone + std::fmt::Display>(
        &self,
        file: &str,
        fact: &'static str,
        option: &'static str,
        stated: Option<&T>,
        given: Option<&T>,
    ) -> Result<T, InputError> {
        match (stated, given) {
            (Some(stated), Some(given)) if stated != given => Err(InputError::Contradiction {
                file: file.to_owned(),
                reason: format!(
                    "{}the balance summary is of {fact} {stated}, but {option} is {given}",
                    self.place.path
                ),
                line: self.place.line,
                column: None,
            }),
            (Some(known), _) | (None, Some(known)) => Ok(known.clone()),
            (None, None) => Err(InputError::MissingFact { file: file.to_owned(), fact, option }),
        }
    }
}

/// A value that cannot be understood.
struct Fault {
    member: String,
    value: Option<Excerpt>,
    expected: String,
}

impl Fault {
    fn new(member: &str, value: &str, expected: impl Into<String>) -> Self {
        Self { member: member.to_owned(), value: Some(Excerpt::of(value.as_bytes())), expected: expected.into() }
    }

    fn at(self, file: &str, place: &Place) -> InputError {
        let member = format!("{}{}", place.path, self.member);
        InputError::Balance {
            file: file.to_owned(),
            line: place.line,
            member,
            value: self.value,
            expected: self.expected,
        }
    }
}

/// A currency code; the original pads it with blanks.
fn currency(member: &str, text: &str) -> Result<Option<Currency>, Fault> {
    match text.trim() {
        "" => Ok(None),
        code => {
            Currency::parse(code).map(Some).map_err(|_| Fault::new(member, text, "expected an ISO code such as USD"))
        }
    }
}

fn content_of(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests;
