//! Writing dates: ISO for everything new, `MM/DD/YYYY` for the files that have it.

use std::fmt;

use super::Date;

impl Date {
    /// Appends `MM/DD/YYYY`, the spelling of EA cost files.
    #[inline]
    pub fn write_us(self, out: &mut Vec<u8>) {
        let (year, month, day) = self.year_month_day();
        let [y1, y2, y3, y4] = year_digits(year);
        let [m1, m2] = pair(month);
        let [d1, d2] = pair(day);
        out.extend_from_slice(&[m1, m2, b'/', d1, d2, b'/', y1, y2, y3, y4]);
    }

    /// Appends `YYYY-MM-DD`.
    #[inline]
    pub fn write_iso(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.iso());
    }

    fn iso(self) -> [u8; 10] {
        let (year, month, day) = self.year_month_day();
        let [y1, y2, y3, y4] = year_digits(year);
        let [m1, m2] = pair(month);
        let [d1, d2] = pair(day);
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
    }
}

impl fmt::Display for Date {
    /// `YYYY-MM-DD`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.iso();
        formatter.pad(std::str::from_utf8(&iso).expect("digits and hyphens are ASCII"))
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Date({self})")
    }
}

fn year_digits(year: u16) -> [u8; 4] {
    let [y1, y2] = pair((year / 100) as u8);
    let [y3, y4] = pair((year % 100) as u8);
    [y1, y2, y3, y4]
}

fn pair(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_both_spellings() {
        for ((year, month, day), iso, us) in [
            ((1900, 1, 1), "1900-01-01", "01/01/1900"),
            ((2023, 9, 15), "2023-09-15", "09/15/2023"),
            ((2024, 2, 29), "2024-02-29", "02/29/2024"),
            ((9999, 12, 31), "9999-12-31", "12/31/9999"),
        ] {
            let date = Date::new(year, month, day).unwrap();
            assert_eq!(date.to_string(), iso);
            let mut out = b"x,".to_vec();
            date.write_us(&mut out);
            out.push(b',');
            date.write_iso(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("x,{us},{iso}"));
        }
        let date = Date::new(2023, 9, 15).unwrap();
        assert_eq!(format!("{date:>12}|{date:?}"), "  2023-09-15|Date(2023-09-15)");
    }
}
