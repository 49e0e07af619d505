//! An amount with the digits that its source gave it.

use std::fmt;

use money::{Decimal, DecimalSyntaxError, Limits};
use serde::{Deserialize, Serialize};

/// An amount of a balance summary: its value, and its text, which is a JSON number. Equal amounts have equal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount {
    value: Decimal,
    text: String,
}

impl Amount {
    /// Reads an amount. The text is kept if it is a JSON number, as `1.0`, `-0` and `1E+3` are; other spellings of a
    /// number (`+1`, `.5`, `007`) become the plain one.
    ///
    /// # Errors
    /// What [`Decimal::parse`] refuses, within the limits of a cost.
    pub fn parse(text: &str) -> Result<Self, DecimalSyntaxError> {
        let value = Decimal::parse(text.as_bytes(), Limits::COST)?.value;
        Ok(if is_json_number(text) { Self { value, text: text.to_owned() } } else { Self::from(value) })
    }

    /// The exact value.
    pub fn value(&self) -> Decimal {
        self.value
    }

    /// The text: a JSON number.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether the text of a number is spelled as in JSON: no plus, no needless zero, digits on both sides of a point.
fn is_json_number(number: &str) -> bool {
    let plain = number.strip_prefix('-').unwrap_or(number);
    let mantissa = plain.split(['e', 'E']).next().unwrap_or(plain);
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let starts_well = integer == "0" || integer.starts_with(|first: char| ('1'..='9').contains(&first));
    starts_well && !fraction.is_empty()
}

impl From<Decimal> for Amount {
    fn from(value: Decimal) -> Self {
        Self { value, text: value.to_string() }
    }
}

impl TryFrom<String> for Amount {
    type Error = DecimalSyntaxError;
    fn try_from(text: String) -> Result<Self, DecimalSyntaxError> {
        Self::parse(&text)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.text
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_can_say_is_kept_and_the_rest_is_said_plainly() {
        for text in ["0", "1.0", "3396469.19", "-0", "-0.50", "1E+3", "2.5e-7", "1.1E05", "10", "123456789012345678.00"]
        {
            assert_eq!(Amount::parse(text).unwrap().as_str(), text);
        }
        for (text, plain) in [("+1", "1"), (".5", "0.5"), ("5.", "5"), ("007", "7"), ("-.5", "-0.5"), ("00.10", "0.10")]
        {
            assert_eq!(Amount::parse(text).unwrap().as_str(), plain);
        }
        assert_eq!(Amount::parse("1E+3").unwrap().value(), Decimal::from(1000));
        for text in ["", "NaN", "Infinity", "1,5", " 1", "1e400", "1e-29", "1234567890123456789012345", "--1", "0x1"] {
            assert!(Amount::parse(text).is_err(), "{text}");
        }
    }
}
