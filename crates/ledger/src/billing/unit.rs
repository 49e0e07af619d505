//! Units of measure: a block and a unit (SEMANTICS 2.1).

use std::fmt;

use money::{Decimal, Limits, half_even_quotient};

/// Most fraction digits of a price and of a quantity (SEMANTICS 2.4).
const NUMBER_DIGITS_MAX: u8 = 18;
/// Largest block: a thousand times the largest that is known, and small enough that prices per block stay prices.
const BLOCK_MAX: u64 = 1_000_000_000_000;
/// Longest unit of measure, in bytes.
const UNIT_BYTES_MAX: usize = 64;

/// A unit of measure such as `100 Hours`, `10K` or `1 GB/Month`: as spelled, with its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitOfMeasure {
    text: String,
    block: Decimal,
    /// What is measured, comparable: lower case, singular.
    dimension: String,
}

/// A text that is no unit of measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a unit of measure: expected a block and a unit such as 1 Hour, 100 Hours, 10K, 10,000 s or 1 GB/Month"
)]
pub struct UnitError {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl UnitOfMeasure {
    /// Reads a unit of measure. The block is the leading number, with commas between thousands and a suffix K, M or B
    /// attached to it; without a leading number it is 1.
    ///
    /// # Errors
    /// [`UnitError`] for a blank or overlong text and for a block that is not above 0.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let refused = || UnitError { text: crate::ids::excerpt(text) };
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > UNIT_BYTES_MAX || trimmed.chars().any(char::is_control) {
            return Err(refused());
        }
        let digits_end = trimmed.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').unwrap_or(trimmed.len());
        let (number, rest) = trimmed.split_at(digits_end);
        let suffix = |letter| rest.strip_prefix(letter).filter(|after| !number.is_empty() && ends_word(after));
        let scaled = [(['K', 'k'], 1_000), (['M', 'm'], 1_000_000), (['B', 'b'], 1_000_000_000)];
        let scaled = scaled.into_iter().find_map(|(letter, factor)| Some((factor, suffix(letter)?)));
        let (factor, unit) = scaled.unwrap_or((1, rest));
        let block = if number.is_empty() {
            Decimal::from(1)
        } else {
            let plain = number.replace(',', "");
            let parsed = Decimal::parse(plain.as_bytes(), Limits::QUANTITY).map_err(|_| refused())?;
            parsed.value.checked_mul(Decimal::from(factor)).map_err(|_| refused())?
        };
        if block <= Decimal::ZERO || block > Decimal::from(BLOCK_MAX) {
            return Err(refused());
        }
        Ok(Self { text: trimmed.to_owned(), block, dimension: dimension(unit) })
    }

    /// As spelled, without blanks around it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many base units one unit holds.
    pub fn block(&self) -> Decimal {
        self.block
    }

    /// Whether both measure the same, whatever their blocks.
    pub fn same_dimension(&self, other: &Self) -> bool {
        self.dimension == other.dimension
    }

    /// A quantity of base units in blocks, at most 18 fraction digits: exact where the quotient has no more, else
    /// half-even.
    ///
    /// # Errors
    /// What the division refuses: a number beyond 255 bits.
    pub fn in_blocks(&self, base: Decimal) -> Result<Decimal, money::MoneyError> {
        half_even_quotient(base, self.block, NUMBER_DIGITS_MAX).map(trimmed)
    }

    /// A quantity in blocks of `self` as one in blocks of another unit, at most 18 fraction digits.
    pub(super) fn convert(&self, quantity: Decimal, to: &Self) -> Result<Decimal, money::MoneyError> {
        if self.block == to.block {
            return Ok(quantity);
        }
        half_even_quotient(quantity.checked_mul(self.block)?, to.block, NUMBER_DIGITS_MAX).map(trimmed)
    }

    /// A price per block of `self` as a price per block of `row`: `price × block(row) / block(self)`, at most 18 fraction
    /// digits (SEMANTICS 2.1).
    ///
    /// # Errors
    /// What multiplication and division refuse: a number beyond 255 bits.
    pub fn rescale(&self, price: Decimal, row: &Self) -> Result<Decimal, money::MoneyError> {
        if self.block == row.block {
            return Ok(price);
        }
        half_even_quotient(price.checked_mul(row.block)?, self.block, NUMBER_DIGITS_MAX).map(trimmed)
    }
}

impl fmt::Display for UnitOfMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a block's suffix ends before this text: `10K`, `10K/Month`, `1M Calls`, but not `1Month`.
fn ends_word(after: &str) -> bool {
    after.bytes().next().is_none_or(|next| !next.is_ascii_alphabetic())
}

/// What is measured, comparable: lower case, without blanks around it and without the plural's s.
fn dimension(unit: &str) -> String {
    let unit = unit.trim().to_ascii_lowercase();
    let words = unit.split('/').map(|word| {
        let word = word.trim();
        if word.len() > 1 { word.strip_suffix('s').unwrap_or(word) } else { word }
    });
    words.collect::<Vec<_>>().join("/")
}

/// The same number without zeros at the end of its fraction.
pub(super) fn trimmed(value: Decimal) -> Decimal {
    value.shortest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes(), Limits::COST).unwrap().value
    }

    #[test]
    fn blocks_are_those_of_the_table() {
        let table = [
            ("1 Hour", "1"),
            ("10K", "10000"),
            ("100 Hours", "100"),
            ("10K/Month", "10000"),
            ("1 GB/Month", "1"),
            ("1M", "1000000"),
            ("1/Month", "1"),
            ("1/Day", "1"),
            ("10,000 s", "10000"),
            ("100 GB", "100"),
            ("1 GB Second", "1"),
            ("Hours", "1"),
            ("1 MB", "1"),
            ("2.5 GB", "2.5"),
            ("1B Calls", "1000000000"),
        ];
        for (text, block) in table {
            assert_eq!(UnitOfMeasure::parse(text).unwrap().block(), decimal(block), "{text}");
        }
        for text in ["", "  ", "0 Hours", "-1 Hour", "1.2.3 GB", &"x".repeat(65)] {
            let parsed = UnitOfMeasure::parse(text);
            assert!(parsed.is_err() || parsed.unwrap().block() == decimal("1"), "{text}");
        }
        for text in ["0 Hours", "1001B", "99999999999999999999B Hours", "0.0 GB"] {
            assert!(UnitOfMeasure::parse(text).is_err(), "{text}");
        }
        for text in ["1é", "1éHour", "ß", "1k", "10Kß"] {
            assert!(UnitOfMeasure::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn e11_quantities_and_prices_scale_with_the_block() {
        let sheet = UnitOfMeasure::parse("100 Hours").unwrap();
        let metering = UnitOfMeasure::parse("1 Hour").unwrap();
        assert!(sheet.same_dimension(&metering));
        assert!(!sheet.same_dimension(&UnitOfMeasure::parse("100 GB").unwrap()));
        assert_eq!(sheet.in_blocks(decimal("24")).unwrap().to_string(), "0.24");
        assert_eq!(sheet.rescale(decimal("12.50"), &metering).unwrap().to_string(), "0.125");
        let calls = UnitOfMeasure::parse("10K").unwrap();
        assert_eq!(calls.in_blocks(decimal("1351")).unwrap().to_string(), "0.1351");
    }
}
