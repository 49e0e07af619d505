//! The arithmetic of the proleptic Gregorian calendar, on plain numbers.
//!
//! Days are counted through years that begin on 1 March, so that the leap day is the last of its year and months have
//! the regular lengths 31, 30, 31, 30, 31 twice and a rest (Howard Hinnant, "chrono-compatible low-level date
//! algorithms"). All intermediate values are positive in the supported years.

/// The first supported year: earlier dates in a billing file are mistakes.
pub const YEAR_MIN: u16 = 1900;
/// The last supported year: the last one of four digits.
pub const YEAR_MAX: u16 = 9999;

/// 1900-01-01 as days since 1970-01-01.
pub(crate) const DAYS_MIN: i32 = days_from_civil(YEAR_MIN, 1, 1);
/// 9999-12-31 as days since 1970-01-01.
pub(crate) const DAYS_MAX: i32 = days_from_civil(YEAR_MAX, 12, 31);

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_OFFSET: u32 = 719_468;
const DAYS_PER_ERA: u32 = 146_097;
const YEARS_PER_ERA: u32 = 400;

/// Days since 1970-01-01 of a date that exists in the supported years.
pub(crate) const fn days_from_civil(year: u16, month: u8, day: u8) -> i32 {
    let month = month as u32;
    let year = year as u32 - (month <= 2) as u32;
    let era = year / YEARS_PER_ERA;
    let year_of_era = year % YEARS_PER_ERA;
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as u32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_PER_ERA + day_of_era) as i32 - EPOCH_OFFSET as i32
}

/// Year, month and day of a number of days since 1970-01-01 in the supported years.
pub(crate) const fn civil_from_days(days: i32) -> (u16, u8, u8) {
    let from_march = (days + EPOCH_OFFSET as i32) as u32;
    let era = from_march / DAYS_PER_ERA;
    let day_of_era = from_march % DAYS_PER_ERA;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * YEARS_PER_ERA + year_of_era + (month <= 2) as u32;
    (year as u16, month as u8, day as u8)
}

/// Number of days of a month; 0 for a month outside 1..=12.
pub(crate) const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year(year) => 29,
        2 => 28,
        _ => 0,
    }
}

const fn is_leap_year(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_years_follow_the_gregorian_rule() {
        for (year, days) in [(1900, 28), (2000, 29), (2023, 28), (2024, 29), (2100, 28), (2400, 29), (9996, 29)] {
            assert_eq!(days_in_month(year, 2), days, "{year}");
        }
        assert_eq!(days_in_month(2025, 0), 0);
        assert_eq!(days_in_month(2025, 13), 0);
    }

    #[test]
    fn every_supported_day_follows_the_one_before() {
        // Counts all days with nothing but the lengths of months, and compares both directions of the conversion.
        let mut days = DAYS_MIN;
        for year in YEAR_MIN..=YEAR_MAX {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), days);
                    assert_eq!(civil_from_days(days), (year, month, day));
                    days += 1;
                }
            }
        }
        assert_eq!(days, DAYS_MAX + 1);
        assert_eq!(days_from_civil(1970, 1, 1), 0);
    }
}
