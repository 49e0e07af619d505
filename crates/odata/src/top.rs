//! `$top`: the size of a page (contract `consumption-api.md` section 2). It is no total: a next page still comes.

use crate::option_error::{OptionError, OptionProblem, QueryOption};
use crate::token::TokenKind;

/// The most rows of a page, and as many as a page has where nothing is asked for.
pub const PAGE_ROWS_MAX: u16 = 1000;

/// A number of rows from 1 to [`PAGE_ROWS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageSize(u16);

impl PageSize {
    /// Reads a decoded `$top`: decimal digits alone.
    ///
    /// # Errors
    /// [`OptionError`] for everything that is no number from 1 to [`PAGE_ROWS_MAX`].
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        // Whatever does not begin with digits only is at fault at its first other character, a number at its start.
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = digits == text.len() && digits > 0;
        let rows = if is_number { text.parse().ok() } else { None };
        match rows {
            Some(rows @ 1..=PAGE_ROWS_MAX) => Ok(Self(rows)),
            _ => {
                let found = if text.is_empty() { TokenKind::End } else { TokenKind::Word(text) };
                let problem = OptionProblem::Expected { expected: "a number from 1 to 1000", found: found.describe() };
                let position = if is_number { 1 } else { digits + 1 };
                Err(OptionError { option: QueryOption::Top, position, problem })
            }
        }
    }

    /// Number of rows.
    pub const fn rows(self) -> u16 {
        self.0
    }
}

impl Default for PageSize {
    /// [`PAGE_ROWS_MAX`].
    fn default() -> Self {
        Self(PAGE_ROWS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_one_to_a_thousand_rows() {
        for (text, rows) in [("1", 1), ("50", 50), ("1000", 1000), ("0007", 7)] {
            assert_eq!(PageSize::parse(text).map(PageSize::rows), Ok(rows));
        }
        assert_eq!(PageSize::default().rows(), PAGE_ROWS_MAX);
    }

    #[test]
    fn other_texts_are_refused_at_the_character() {
        let long = "9".repeat(100_000);
        for (text, position) in [
            ("", 1),
            ("0", 1),
            ("1001", 1),
            ("65537", 1),
            (&long, 1),
            ("-1", 1),
            (" 5", 1),
            ("5 ", 2),
            ("10.0", 3),
            ("1e3", 2),
            ("٣", 1),
        ] {
            let error = PageSize::parse(text).unwrap_err();
            assert_eq!(error.position, position, "{error}");
            let message = error.to_string();
            assert!(message.contains("expected a number from 1 to 1000, found ") && message.len() < 200, "{message}");
        }
    }
}
