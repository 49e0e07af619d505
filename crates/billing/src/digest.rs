//! What identifies everything that a period is billed from: equal digests are equal bills.

use calendar::{BillingPeriod, Date};
use lake::UsageFile;
use ledger::billing::{Instant, PeriodBook};
use sha2::{Digest, Sha256};

use crate::known::Known;
use crate::sheets::sheet_for;

/// Changes with every change of what the engine computes from the same input.
const ENGINE_VERSION: u32 = 1;

/// What a period is billed from.
pub(crate) struct Billed<'a> {
    pub(crate) known: &'a Known,
    pub(crate) period: BillingPeriod,
    /// The files of its usage.
    pub(crate) usage: Vec<&'a UsageFile>,
    /// What the period before handed on.
    pub(crate) previous: Option<&'a PeriodBook>,
    /// What was received until when.
    pub(crate) as_of: Instant,
    /// The day on which it is looked at: that of the instant, at most that of the close.
    pub(crate) day: Date,
    pub(crate) is_final: bool,
}

impl Billed<'_> {
    /// SHA-256 over everything that can be seen, in lower-case hexadecimal.
    pub(crate) fn digest(&self) -> String {
        let mut text = format!("engine {ENGINE_VERSION}\nperiod {}\nday {} {}\n", self.period, self.day, self.is_final);
        let mut line = |what: &str, value: &str| text.push_str(&format!("{what} {value}\n"));
        if let Some((_, content)) = &self.known.document {
            line("enrollment", content);
        }
        let mut orders: Vec<(&str, &str)> =
            self.known.orders.iter().map(|order| (order.name.as_str(), order.content.as_str())).collect();
        orders.sort_unstable();
        orders.iter().for_each(|(name, content)| line("order", &format!("{content} {name:?}")));
        if let Some(sheet) = sheet_for(&self.known.sheets, self.period) {
            line("prices", &sheet.content);
        }
        for file in &self.usage {
            let (first, last) = file.received;
            if last <= self.as_of.0 {
                line("usage", &file.sha256);
            } else if first <= self.as_of.0 {
                // Which of its records can be seen depends on the instant.
                line("usage", &format!("{} until {}", file.sha256, self.as_of.0));
            }
        }
        if let Some(book) = self.previous {
            line("previous", &serde_json::to_string(book).unwrap_or_default());
        }
        hex::encode(Sha256::digest(text.as_bytes()))
    }
}
