//! `$expand`: the two properties that an answer leaves out unless asked for (contract `consumption-api.md` section 2).

use crate::OPTION_BYTES_MAX;
use crate::option_error::{OptionError, OptionProblem, QueryOption};
use crate::token::{Token, TokenKind, Tokens};

const KNOWN: &str = "properties/meterDetails, properties/additionalProperties or properties/additionalInfo";

/// Which expandable properties are asked for; none where `$expand` is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expansion {
    /// `meterDetails`.
    pub meter_details: bool,
    /// `additionalProperties` up to 2019-01-01, `additionalInfo` from 2019-04-01-preview on: one property with two
    /// names, of which every version takes both.
    pub additional_info: bool,
}

impl Expansion {
    /// Reads a decoded `$expand`: names joined by commas, with or without `properties/`, without regard to case. The
    /// published example requests use the bare names.
    ///
    /// # Errors
    /// [`OptionError`] for any other name.
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        if text.len() > OPTION_BYTES_MAX {
            return Err(OptionError { option: QueryOption::Expand, position: 1, problem: OptionProblem::TooLong });
        }
        let mut expansion = Self::default();
        let mut tokens = Tokens::new(text);
        loop {
            expansion.add(tokens.take())?;
            let mark = tokens.take();
            match mark.kind {
                TokenKind::End => return Ok(expansion),
                TokenKind::Comma => {}
                _ => return Err(unexpected(mark, "a comma or the end of the option")),
            }
        }
    }

    fn add(&mut self, token: Token<'_>) -> Result<(), OptionError> {
        let TokenKind::Word(word) = token.kind else {
            return Err(unexpected(token, KNOWN));
        };
        match word.to_ascii_lowercase().as_str() {
            "properties/meterdetails" | "meterdetails" => self.meter_details = true,
            "properties/additionalproperties" | "additionalproperties" => self.additional_info = true,
            "properties/additionalinfo" | "additionalinfo" => self.additional_info = true,
            _ => return Err(unexpected(token, KNOWN)),
        }
        Ok(())
    }
}

fn unexpected(token: Token<'_>, expected: &'static str) -> OptionError {
    let problem = OptionProblem::Expected { expected, found: token.kind.describe() };
    OptionError { option: QueryOption::Expand, position: token.position, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METER: Expansion = Expansion { meter_details: true, additional_info: false };
    const ADDITIONAL: Expansion = Expansion { meter_details: false, additional_info: true };
    const BOTH: Expansion = Expansion { meter_details: true, additional_info: true };

    #[test]
    fn names_of_old_and_new_versions_are_read() {
        for (text, expected) in [
            ("properties/meterDetails", METER),
            ("meterDetails", METER),
            ("METERDETAILS,meterdetails", METER),
            ("properties/additionalProperties", ADDITIONAL),
            ("additionalProperties", ADDITIONAL),
            ("properties/additionalInfo", ADDITIONAL),
            ("additionalInfo", ADDITIONAL),
            ("additionalInfo,additionalProperties", ADDITIONAL),
            ("meterDetails,additionalProperties", BOTH),
            ("meterDetails,additionalInfo", BOTH),
            (" properties/additionalInfo , Properties/MeterDetails ", BOTH),
        ] {
            assert_eq!(Expansion::parse(text), Ok(expected), "{text}");
        }
        assert_eq!(Expansion::default(), Expansion { meter_details: false, additional_info: false });
    }

    #[test]
    fn other_names_are_refused_with_the_known_ones() {
        for (text, position) in [
            ("", 1),
            ("tags", 1),
            ("meterDetails,", 14),
            ("meterDetails,,additionalInfo", 14),
            ("meterDetails additionalInfo", 14),
            ("meterDetails, properties/ädd", 15),
            ("'meterDetails'", 1),
            ("meterDetails(additionalInfo)", 13),
        ] {
            let error = Expansion::parse(text).expect_err(text);
            assert_eq!(error.position, position, "{text}: {error}");
            assert!(error.to_string().starts_with("$expand, character "), "{error}");
        }
        let message = Expansion::parse("properties/tags").unwrap_err().to_string();
        let expected = "$expand, character 1: expected properties/meterDetails, properties/additionalProperties or \
                        properties/additionalInfo, found `properties/tags`";
        assert_eq!(message, expected);
        let long = "meterDetails,".repeat(OPTION_BYTES_MAX);
        assert_eq!(Expansion::parse(&long).unwrap_err().problem, OptionProblem::TooLong);
    }
}
