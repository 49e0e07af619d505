//! Billing months: their days and their text in an EA export.

/// One calendar month. Made by the options, which refuse years and months out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Month {
    year: u16,
    number: u8,
}

impl Month {
    /// The month `index` months after the given one, which must be 1–12 of a year below 10000.
    pub(super) fn after(first: (u16, u8), index: u32) -> Self {
        let (year, number) = first;
        let months = u32::from(year) * 12 + u32::from(number) - 1 + index;
        let year = u16::try_from(months / 12).expect("the options limit years and months");
        Self { year, number: (months % 12) as u8 + 1 }
    }

    /// How many days the month has, in the Gregorian calendar.
    pub(super) fn days(self) -> u8 {
        match self.number {
            4 | 6 | 9 | 11 => 30,
            2 if self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400)) => 29,
            2 => 28,
            _ => 31,
        }
    }

    /// `YYYYMM`.
    pub(super) fn period(self) -> String {
        format!("{:04}{:02}", self.year, self.number)
    }

    /// `MM/DD/YYYY`, the dates of EA exports.
    pub(super) fn date_text(self, day: u8) -> String {
        format!("{:02}/{day:02}/{:04}", self.number, self.year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_over_the_year() {
        assert_eq!(Month::after((2024, 11), 0).period(), "202411");
        assert_eq!(Month::after((2024, 11), 2).period(), "202501");
        assert_eq!(Month::after((2024, 12), 12).period(), "202512");
    }

    #[test]
    fn knows_leap_years() {
        assert_eq!(Month::after((2024, 2), 0).days(), 29);
        assert_eq!(Month::after((2023, 2), 0).days(), 28);
        assert_eq!(Month::after((1900, 2), 0).days(), 28);
        assert_eq!(Month::after((2000, 2), 0).days(), 29);
        assert_eq!(Month::after((2025, 7), 0).date_text(4), "07/04/2025");
    }
}
