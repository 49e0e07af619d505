//! A generator of EA cost exports: any size, any number of months, reproducible.
//!
//! [`write()`] streams one month of an invented enrollment in the layout `ea_2024_08_01`: UTF-8 with BOM, LF, quotes
//! only where needed, dates `MM/DD/YYYY`, rows in date order. It promises that the same options give the same bytes,
//! that the stated total is the exact sum of the cost cells, and that memory does not grow with the number of rows.
//!
//! The enrollment has no reservations and no savings plans: every row is OnDemand or Spot usage or an OnDemand
//! Marketplace purchase, which ActualCost and AmortizedCost show alike (SEMANTICS 3.1), so one file serves as either.
//! Cost is exactly Quantity × EffectivePrice, but for a small fraction of rows that carry a cost of 24 to 28 fraction
//! digits within the tolerance of SEMANTICS 2.4, as Azure's own files do.

mod cells;
mod decimal;
mod hierarchy;
mod inventory;
mod layout;
mod meters;
mod month;
mod options;
mod prices;
mod regions;
mod resources;
pub(crate) mod rng;
mod rows;
mod templates;
mod total;

use std::io::{self, Write};

pub use self::options::{Entropy, GeneratorOptions, OptionsError};

use self::hierarchy::Hierarchy;
use self::month::Month;
use self::rng::{Random, Stream};
use self::rows::RowWriter;
use self::templates::Templates;

/// What one generated month holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthSummary {
    /// The billing period, `YYYYMM`.
    pub period: String,
    /// How many charges were written, the header not counted.
    pub rows: u64,
    /// The exact sum of the cost column: plain decimal text without trailing zeros.
    pub total: String,
}

/// Writes the export of one month, header first, and tells what it wrote. `month_index` counts from 0, the first month
/// of the options. Months are independent of each other and may be written in any order, or in parallel.
///
/// # Errors
/// Options out of range are an [`OptionsError`] wrapped as [`io::ErrorKind::InvalidInput`], before anything is written.
/// Every other error is that of `out`; what it received by then is not a whole file.
pub fn write(options: &GeneratorOptions, month_index: u32, out: &mut dyn Write) -> io::Result<MonthSummary> {
    let month = options
        .check()
        .and_then(|()| options.month(month_index))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

    let hierarchy = Hierarchy::new(options);
    let templates = Templates::new(options, &hierarchy, month);
    let random = Random::new(options.seed, Stream::Rows, u64::from(month_index));
    let mut writer = RowWriter::new(random, options.entropy, out);
    writer.write_header()?;
    let rows = options.rows_of_month(month_index);
    let mut usage = templates.usage_order(writer.random());
    for day in 1..=month.days() {
        let date = month.date_text(day);
        let mut rows_left = rows_of_day(rows, month, day);
        for purchase in templates.purchases_on(day) {
            if rows_left > 0 {
                writer.write_row(purchase, &date)?;
                rows_left -= 1;
            }
        }
        for _ in 0..rows_left {
            writer.write_row(usage.next_line(), &date)?;
        }
    }
    let total = writer.finish()?;
    Ok(MonthSummary { period: month.period(), rows, total: total.to_text() })
}

/// The day's share of a month's rows; the shares differ by one at most and add up to the whole.
fn rows_of_day(rows: u64, month: Month, day: u8) -> u64 {
    let days = u64::from(month.days());
    let through = |day: u64| rows * day / days;
    through(u64::from(day)) - through(u64::from(day) - 1)
}
