//! What native enrollment to generate, and the limits of it.

use calendar::{BillingPeriod, CalendarError};
use money::Currency;

/// Far more than any enrollment.
const SUBSCRIPTIONS_MAX: u64 = 10_000;
/// A line costs some 600 bytes of memory.
const LINES_MAX: u64 = 1_000_000;
/// The kinds of lines come round after this many: fewer would leave rules without usage.
pub(super) const LINES_MIN: u64 = 20;
/// Ten times the greatest month that is measured.
const RECORDS_MAX: u64 = 100_000_000;
/// More than any enrollment holds at once.
const BENEFITS_MAX: u64 = 1_000;
/// A decade.
const MONTHS_MAX: u64 = 120;

/// What to generate. The same options give the same documents, always.
#[derive(Debug, Clone)]
pub struct NativeOptions {
    /// Everything random derives from this number.
    pub seed: u64,
    /// The enrollment number.
    pub enrollment: String,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The first month; the enrollment starts with it.
    pub first_month: BillingPeriod,
    /// How many months: 1 to 120.
    pub months: u32,
    /// How many usage records of all months together: at most 10⁸.
    pub usage_records: u64,
    /// How many lines of metering (a resource and a meter) there are; a record adds to one of them. 20 to 10⁶.
    pub lines: u64,
    /// How many subscriptions: 3 to 10,000.
    pub subscriptions: u32,
    /// How many reservations are bought, those of exchanges not counted: at most 1,000.
    pub reservations: u32,
    /// How many savings plans are bought, that of the trade-in not counted: at most 1,000.
    pub savings_plans: u32,
}

/// Why nothing is generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NativeError {
    /// A number is out of range.
    #[error("cannot generate with {name} {value}: expected {min} to {max}")]
    OutOfRange {
        /// The option.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The least value.
        min: u64,
        /// The greatest value.
        max: u64,
    },
    /// The months leave the calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

impl NativeOptions {
    /// An enrollment with so many usage records in these months: ten records to a line and day at most, and few enough
    /// lines that every one has usage.
    pub fn sized(currency: Currency, first_month: BillingPeriod, months: u32, usage_records: u64) -> Self {
        let line_days = u64::from(months.max(1)) * 31 * 10;
        Self {
            seed: 1,
            enrollment: "8622001".to_owned(),
            currency,
            first_month,
            months,
            usage_records,
            lines: (usage_records / line_days).clamp(2 * LINES_MIN, LINES_MAX),
            subscriptions: 12,
            reservations: 12,
            savings_plans: 3,
        }
    }

    /// Tells whether documents can be generated.
    ///
    /// # Errors
    /// The first option that is out of range.
    pub fn check(&self) -> Result<(), NativeError> {
        check_range("months", self.months.into(), 1, MONTHS_MAX)?;
        check_range("usage records", self.usage_records, 0, RECORDS_MAX)?;
        check_range("lines", self.lines, LINES_MIN, LINES_MAX)?;
        check_range("subscriptions", self.subscriptions.into(), 3, SUBSCRIPTIONS_MAX)?;
        check_range("reservations", self.reservations.into(), 0, BENEFITS_MAX)?;
        check_range("savings plans", self.savings_plans.into(), 0, BENEFITS_MAX)?;
        // The month after the last one is named too, by late usage.
        self.month(self.months)?;
        Ok(())
    }

    /// The month of an index, from 0.
    pub(super) fn month(&self, index: u32) -> Result<BillingPeriod, CalendarError> {
        self.first_month.add_months(i16::try_from(index).unwrap_or(i16::MAX))
    }

    /// How many records are of the month; earlier months have one more at most.
    pub(super) fn records_of_month(&self, index: u32) -> u64 {
        let months = u64::from(self.months);
        self.usage_records / months + u64::from(u64::from(index) < self.usage_records % months)
    }

    /// An amount in the currency: of so many units, and hundredths where the currency has them.
    pub(super) fn amount(&self, units: u64, hundredths: u64) -> String {
        match self.currency.minor_digits() {
            0 => units.to_string(),
            2 => format!("{units}.{:02}", hundredths % 100),
            digits => format!("{units}.{:0>width$}", hundredths % 100, width = usize::from(digits)),
        }
    }
}

fn check_range(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), NativeError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(NativeError::OutOfRange { name, value, min, max })
}
