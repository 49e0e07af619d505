//! What can go wrong with money. Two enums, because they have two audiences: [`DecimalSyntaxError`] is about the text of
//! one cell of a source and is reported with the cell's position; [`MoneyError`] is about values that are already held.

use thiserror::Error;

/// An operation on amounts that has no exact answer in the types of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The result needs more than 255 bits beside its sign.
    #[error("amount exceeds 255 bits")]
    Overflow,
    /// More fraction digits were asked for, or are needed, than a decimal can hold (SEMANTICS 2.4).
    #[error("scale {scale} exceeds the limit of {scale_max} fraction digits")]
    ScaleTooLarge {
        /// Number of fraction digits asked for or needed.
        scale: u8,
        /// The greatest number of fraction digits a decimal holds.
        scale_max: u8,
    },
    /// The value has non-zero digits beyond the fraction digits it has to be expressed in.
    #[error("amount has more than {digits} fraction digits")]
    Inexact {
        /// Number of fraction digits the value had to fit into.
        digits: u8,
    },
    /// A ratio has a denominator of zero.
    #[error("cannot divide by zero")]
    ZeroDivisor,
    /// The weights of a split sum to zero, so they say nothing about where the amount belongs.
    #[error("cannot split an amount over weights that sum to zero")]
    ZeroWeights,
    /// The part that shall take the residual of a split does not exist.
    #[error("cannot give the residual to part {index} of {parts}")]
    ResidualOutOfRange {
        /// The 0-based index that was asked for.
        index: usize,
        /// Number of parts of the split.
        parts: usize,
    },
    /// A part beyond the last one was asked for.
    #[error("part {part} is outside 1..={parts}")]
    PartOutOfRange {
        /// The 1-based part that was asked for.
        part: u32,
        /// Number of parts.
        parts: u32,
    },
    /// The text is not a currency code.
    #[error("currency code is not three ASCII letters")]
    CurrencyCode,
}

/// A text that is not a decimal number, or has more digits than its column may have.
///
/// Positions are 0-based byte offsets into the text that was parsed. The text itself is not repeated: the caller holds
/// it and knows the file, line and column it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalSyntaxError {
    /// There is no text.
    #[error("number is empty")]
    Empty,
    /// The text is longer than any number this product reads.
    #[error("number is {length} bytes long, at most {length_max} are read")]
    TooLong {
        /// Length of the text in bytes, capped at `u32::MAX`.
        length: u32,
        /// The limit, [`TEXT_LENGTH_MAX`](crate::TEXT_LENGTH_MAX).
        length_max: u32,
    },
    /// A byte that cannot stand where it stands: a blank, a thousands separator, a letter, a byte outside ASCII.
    #[error("unexpected character '{}' at byte {position} of a number", byte.escape_ascii())]
    UnexpectedByte {
        /// Where it stands.
        position: u8,
        /// The byte.
        byte: u8,
    },
    /// There is a sign, a point or an exponent, but no digit of the number itself.
    #[error("number has no digits")]
    NoDigits,
    /// The exponent letter is not followed by a digit.
    #[error("exponent has no digits")]
    NoExponentDigits,
    /// The exponent is beyond anything that could be a price, a quantity or a cost.
    #[error("exponent is outside -{exponent_max}..={exponent_max}")]
    ExponentOutOfRange {
        /// The greatest absolute value of an exponent that is read.
        exponent_max: u16,
    },
    /// More fraction digits than the column may have, trailing zeros included (SEMANTICS 2.4, D-09).
    #[error("number has {digits} fraction digits, at most {digits_max} are accepted")]
    TooManyFractionDigits {
        /// Number of fraction digits as written; with an exponent, those of the resulting number.
        digits: u16,
        /// The limit of the column.
        digits_max: u8,
    },
    /// More integer digits than the column may have, leading zeros not counted.
    #[error("number has {digits} integer digits, at most {digits_max} are accepted")]
    TooManyIntegerDigits {
        /// Number of integer digits without leading zeros; with an exponent, those of the resulting number.
        digits: u16,
        /// The limit of the column.
        digits_max: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_errors_stay_small() {
        // A result of a parse is moved tens of millions of times per import.
        assert!(size_of::<DecimalSyntaxError>() <= 12);
    }

    #[test]
    fn messages_say_what_was_wrong() {
        let blank = DecimalSyntaxError::UnexpectedByte { position: 3, byte: b' ' };
        assert_eq!(blank.to_string(), "unexpected character ' ' at byte 3 of a number");
        let foreign = DecimalSyntaxError::UnexpectedByte { position: 0, byte: 0xe2 };
        assert_eq!(foreign.to_string(), "unexpected character '\\xe2' at byte 0 of a number");
        let long = DecimalSyntaxError::TooManyFractionDigits { digits: 29, digits_max: 28 };
        assert_eq!(long.to_string(), "number has 29 fraction digits, at most 28 are accepted");
        assert_eq!(MoneyError::Inexact { digits: 2 }.to_string(), "amount has more than 2 fraction digits");
    }
}
