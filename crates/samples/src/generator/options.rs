//! What to generate, and the limits of it.

use super::month::Month;

/// Departments are numbered from 40001 with five digits.
const DEPARTMENTS_MAX: u32 = 1_000;
/// Accounts are numbered from 211234 with six digits.
const ACCOUNTS_MAX: u32 = 10_000;
/// Far more than any enrollment; a subscription costs some 200 bytes of memory.
const SUBSCRIPTIONS_MAX: u32 = 100_000;
/// A resource costs about 2.5 KB of prepared text, so this many cost about 250 MB.
const RESOURCES_MAX: u32 = 100_000;
/// A century: keeps every date within four-digit years.
const MONTHS_MAX: u32 = 1_200;
/// About a terabyte of text; also the bound under which a total provably fits its integers.
const ROWS_MAX: u64 = 1_000_000_000;
/// The last year of a first month; [`MONTHS_MAX`] months later a year still has four digits.
const YEAR_MAX: u16 = 9_899;

/// How much the text of a row varies beyond its resource and meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entropy {
    /// Text is a function of resource and meter; only date, quantity and cost vary. Compresses about as well as it can.
    Low,
    /// Besides, two rows in five carry an `AdditionalInfo` of random ids and tags that change with every row.
    High,
}

/// What to generate. The same options give the same bytes, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// Everything random derives from this number.
    pub seed: u64,
    /// The enrollment number: `BillingAccountId`.
    pub enrollment: String,
    /// The enrollment's name: `BillingAccountName`.
    pub enrollment_name: String,
    /// The billing currency, an ISO 4217 code.
    pub currency: String,
    /// Year and month (1–12) of the first file.
    pub first_month: (u16, u8),
    /// How many months, one file each: 1 to 1,200.
    pub months: u32,
    /// The exact number of rows of all months together, spread evenly over months and days: at most 10⁹.
    pub rows: u64,
    /// How many departments; the first has the id 40001. 1 to 1,000.
    pub departments: u32,
    /// How many enrollment accounts; the first has the id 211234. Dealt out to the departments in turn. 1 to 10,000.
    pub accounts: u32,
    /// How many subscriptions, dealt out to the accounts in turn: 1 to 100,000.
    pub subscriptions: u32,
    /// How many resources, each with one to three meters: 1 to 100,000.
    pub resources: u32,
    /// How much the text of rows varies.
    pub entropy: Entropy,
}

impl Default for GeneratorOptions {
    /// A middling enterprise: 4 departments, 9 accounts, 24 subscriptions, 2,000 resources; 10,000 rows of one month.
    fn default() -> Self {
        Self {
            seed: 1,
            enrollment: "8611001".to_owned(),
            // The comma is there for the quotes it asks for.
            enrollment_name: "Lazurite Samples, Ltd.".to_owned(),
            currency: "USD".to_owned(),
            first_month: (2025, 1),
            months: 1,
            rows: 10_000,
            departments: 4,
            accounts: 9,
            subscriptions: 24,
            resources: 2_000,
            entropy: Entropy::Low,
        }
    }
}

/// Why options are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A count is out of its range.
    #[error("cannot generate {value} {name}: the range is {min} to {max}")]
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
    /// A text is empty.
    #[error("cannot generate an export without {name}")]
    Empty {
        /// The option.
        name: &'static str,
    },
    /// The first month is not a month of the calendar.
    #[error("cannot start in month {month} of year {year}")]
    FirstMonth {
        /// The year asked for.
        year: u16,
        /// The month asked for.
        month: u8,
    },
    /// A month beyond the last was asked for.
    #[error("cannot write month {month_index} of {months}, counting from 0")]
    MonthIndex {
        /// The index asked for.
        month_index: u32,
        /// How many months the options have.
        months: u32,
    },
}

impl GeneratorOptions {
    /// Tells whether [`write()`](super::write()) accepts the options.
    ///
    /// # Errors
    /// The first option that is out of range.
    pub fn check(&self) -> Result<(), OptionsError> {
        check_range("departments", self.departments.into(), 1, DEPARTMENTS_MAX.into())?;
        check_range("accounts", self.accounts.into(), 1, ACCOUNTS_MAX.into())?;
        check_range("subscriptions", self.subscriptions.into(), 1, SUBSCRIPTIONS_MAX.into())?;
        check_range("resources", self.resources.into(), 1, RESOURCES_MAX.into())?;
        check_range("months", self.months.into(), 1, MONTHS_MAX.into())?;
        check_range("rows", self.rows, 0, ROWS_MAX)?;
        let texts = [("enrollment", &self.enrollment), ("currency", &self.currency)];
        for (name, text) in texts {
            if text.is_empty() {
                return Err(OptionsError::Empty { name });
            }
        }
        let (year, month) = self.first_month;
        if !(1..=YEAR_MAX).contains(&year) || !(1..=12).contains(&month) {
            return Err(OptionsError::FirstMonth { year, month });
        }
        Ok(())
    }

    /// How many rows the month gets; the months differ by one at most, earlier ones have more.
    pub(super) fn rows_of_month(&self, month_index: u32) -> u64 {
        let months = u64::from(self.months);
        self.rows / months + u64::from(u64::from(month_index) < self.rows % months)
    }

    /// The calendar month of an index. The options must have been checked.
    pub(super) fn month(&self, month_index: u32) -> Result<Month, OptionsError> {
        if month_index >= self.months {
            return Err(OptionsError::MonthIndex { month_index, months: self.months });
        }
        Ok(Month::after(self.first_month, month_index))
    }
}

fn check_range(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), OptionsError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(OptionsError::OutOfRange { name, value, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_accepted() {
        assert_eq!(GeneratorOptions::default().check(), Ok(()));
    }

    #[test]
    fn odd_options_are_refused() {
        let refused = |change: fn(&mut GeneratorOptions)| {
            let mut options = GeneratorOptions::default();
            change(&mut options);
            options.check().is_err()
        };
        assert!(refused(|options| options.departments = 0));
        assert!(refused(|options| options.resources = RESOURCES_MAX + 1));
        assert!(refused(|options| options.rows = ROWS_MAX + 1));
        assert!(refused(|options| options.months = 0));
        assert!(refused(|options| options.first_month = (2025, 13)));
        assert!(refused(|options| options.currency.clear()));
    }

    #[test]
    fn months_share_the_rows() {
        let options = GeneratorOptions { rows: 8, months: 3, ..GeneratorOptions::default() };
        assert_eq!([0, 1, 2].map(|index| options.rows_of_month(index)), [3, 3, 2]);
        assert_eq!(options.month(3), Err(OptionsError::MonthIndex { month_index: 3, months: 3 }));
    }
}
