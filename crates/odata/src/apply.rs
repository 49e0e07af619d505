//! `$apply`: rows added up by their tags (contract `consumption-api.md` section 2; 2018-03-31 to 2019-01-01).

use crate::OPTION_BYTES_MAX;
use crate::option_error::{OptionError, OptionProblem, QueryOption};
use crate::token::{Token, TokenKind, Tokens};

/// By what rows are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// `groupby((tags))`
    Tags,
    /// `groupby((tags,properties/usageStart))`: by tags and day.
    TagsAndDay,
}

impl Grouping {
    /// Reads a decoded `$apply`: one of the two documented forms, without regard to case and blanks, the names in
    /// either order.
    ///
    /// # Errors
    /// [`OptionError`] for everything else.
    pub fn parse(text: &str) -> Result<Self, OptionError> {
        if text.len() > OPTION_BYTES_MAX {
            return Err(OptionError { option: QueryOption::Apply, position: 1, problem: OptionProblem::TooLong });
        }
        let mut tokens = Tokens::new(text);
        let function = tokens.take();
        if !is_word(function, "groupby") {
            return Err(unexpected(function, "groupby((tags)) or groupby((tags,properties/usageStart))"));
        }
        expect(&mut tokens, TokenKind::Open, "`(`")?;
        expect(&mut tokens, TokenKind::Open, "`(`")?;
        let grouping = read_names(&mut tokens)?;
        expect(&mut tokens, TokenKind::Close, "`)`")?;
        expect(&mut tokens, TokenKind::End, "the end of the option")?;
        Ok(grouping)
    }
}

/// Reads the names and the parenthesis that closes them.
fn read_names(tokens: &mut Tokens<'_>) -> Result<Grouping, OptionError> {
    let first = tokens.take();
    let other = if is_word(first, "tags") {
        "properties/usageStart"
    } else if is_word(first, "properties/usageStart") {
        "tags"
    } else {
        return Err(unexpected(first, "tags or properties/usageStart"));
    };
    let mark = tokens.take();
    match mark.kind {
        TokenKind::Close if other != "tags" => return Ok(Grouping::Tags),
        TokenKind::Comma => {}
        _ if other == "tags" => return Err(unexpected(mark, "`,tags`")),
        _ => return Err(unexpected(mark, "`)` or `,properties/usageStart`")),
    }
    let second = tokens.take();
    if !is_word(second, other) {
        return Err(unexpected(second, other));
    }
    expect(tokens, TokenKind::Close, "`)`")?;
    Ok(Grouping::TagsAndDay)
}

fn expect(tokens: &mut Tokens<'_>, kind: TokenKind<'_>, expected: &'static str) -> Result<(), OptionError> {
    let token = tokens.take();
    if token.kind == kind { Ok(()) } else { Err(unexpected(token, expected)) }
}

fn is_word(token: Token<'_>, expected: &str) -> bool {
    matches!(token.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(expected))
}

fn unexpected(token: Token<'_>, expected: &'static str) -> OptionError {
    let problem = OptionProblem::Expected { expected, found: token.kind.describe() };
    OptionError { option: QueryOption::Apply, position: token.position, problem }
}
