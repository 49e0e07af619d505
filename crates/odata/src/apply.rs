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

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_refused(text: &str, position: usize, words: &str) {
        let error = Grouping::parse(text).expect_err(text);
        let message = error.to_string();
        assert_eq!(error.position, position, "{text}: {message}");
        assert!(message.starts_with("$apply, character ") && message.contains(words), "{text}: {message}");
    }

    #[test]
    fn the_two_documented_forms_are_read() {
        for text in ["groupby((tags))", " GroupBy ( ( TAGS ) ) "] {
            assert_eq!(Grouping::parse(text), Ok(Grouping::Tags), "{text}");
        }
        for text in [
            "groupby((tags,properties/usageStart))",
            "groupby((tags, properties/usagestart))",
            "groupby((properties/usageStart,tags))",
        ] {
            assert_eq!(Grouping::parse(text), Ok(Grouping::TagsAndDay), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused_at_the_character() {
        assert_refused("", 1, "expected groupby((tags))");
        assert_refused("aggregate((tags))", 1, "found `aggregate`");
        assert_refused("groupby(tags)", 9, "expected `(`");
        assert_refused("groupby((tags)", 15, "expected `)`, found the end");
        assert_refused("groupby((tags)))", 16, "expected the end");
        assert_refused("groupby(())", 10, "expected tags or properties/usageStart");
        assert_refused("groupby((meterId))", 10, "found `meterId`");
        assert_refused("groupby((tags,tags))", 15, "expected properties/usageStart");
        assert_refused("groupby((tags,usageStart))", 15, "found `usageStart`");
        assert_refused("groupby((properties/usageStart))", 31, "expected `,tags`");
        assert_refused("groupby((tags properties/usageStart))", 15, "expected `)` or `,properties/usageStart`");
        assert_refused("groupby((tags,properties/usageStart,tags))", 36, "expected `)`");
        assert_refused("groupby((tags),aggregate(properties/pretaxCost with sum as c))", 15, "found `,`");
        assert_refused("groupby((tags)) 'ä", 17, "found a single quote");
        assert_refused(&"(".repeat(OPTION_BYTES_MAX + 1), 1, "longer than 8192 bytes");
    }
}
