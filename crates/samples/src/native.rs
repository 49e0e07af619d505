//! A generator of native enrollments: hierarchy, price sheet, orders and metered usage, any size, reproducible.
//!
//! The same options give the same documents. They hold what billing has rules for: moves in mid-period, tiers and
//! included quantities, units with blocks, savings plan rates that are and are not worth it, reservations of every scope
//! with size flexibility, upfront and monthly, returns in whole and in part, an exchange, a trade-in, prepayments and
//! credits that expire, Marketplace purchases that come again, Spot usage, usage by the day and by the hour (a day has
//! one kind only), and usage that comes late or corrects what came before.
//!
//! [`write_usage`] and [`parquet::write`] stream: memory grows with the number of lines of metering, not with records.

mod catalogue;
mod enrollment;
mod lines;
mod options;
mod orders;
pub mod parquet;
mod prices;
mod usage;

use std::io::{self, Write};

use serde_json::Value;

pub use self::lines::UsageLine;
pub use self::options::{NativeError, NativeOptions};
pub use self::usage::{QUANTITY_SCALE, Usage, UsageRecord};

use self::enrollment::Hierarchy;

/// The enrollment document.
///
/// # Errors
/// [`NativeError`] for options out of range.
pub fn enrollment(options: &NativeOptions) -> Result<Value, NativeError> {
    options.check()?;
    Hierarchy::new(options)?.document(options)
}

/// The price sheet, for all months.
///
/// # Errors
/// [`NativeError`] for options out of range.
pub fn prices(options: &NativeOptions) -> Result<Value, NativeError> {
    options.check()?;
    Ok(prices::document(options))
}

/// The orders of all months.
///
/// # Errors
/// [`NativeError`] for options out of range.
pub fn orders(options: &NativeOptions) -> Result<Value, NativeError> {
    options.check()?;
    orders::document(options, &Hierarchy::new(options)?)
}

/// The usage records of all months, month by month.
///
/// # Errors
/// [`NativeError`] for options out of range.
pub fn usage(options: &NativeOptions) -> Result<Usage, NativeError> {
    options.check()?;
    let hierarchy = Hierarchy::new(options)?;
    Usage::new(options, lines::lines(options, &hierarchy))
}

/// Writes the usage records as NDJSON and tells how many there are.
///
/// # Errors
/// Options out of range as [`io::ErrorKind::InvalidInput`], and what `out` refuses.
pub fn write_usage(options: &NativeOptions, out: &mut dyn Write) -> io::Result<u64> {
    let mut usage = usage(options).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let mut text = String::new();
    let mut count = 0;
    while let Some(record) = usage.next() {
        text.clear();
        record.write_json(usage.line(&record), &mut text);
        text.push('\n');
        out.write_all(text.as_bytes())?;
        count += 1;
    }
    Ok(count)
}
