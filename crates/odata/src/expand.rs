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
