//! `$filter`: conditions on rows, joined by `and` (contract `consumption-api.md` section 3).
//!
//! The grammar is the one the API documents: `name operator 'value'` with the operators `eq`, `lt`, `gt`, `le` and `ge`,
//! such comparisons joined by `and` and put into parentheses at will. Names and words compare without case; a quote
//! inside a value is doubled. Comparisons of dates become bounds of days, all others [`Condition`]s.
//!
//! What is refused is refused with the position of the character at fault. The original instead ignores a comparison
//! that lacks its prefix or its quotes, and a filter that it cannot read; [`Strictness::AsOriginal`] does so too and
//! tells the caller (DESIGN 4.13).

mod dialect;
mod error;
mod moment;

#[cfg(test)]
mod tests;

use ledger::{ChargeFilter, Comparison, Condition};

pub use self::dialect::Dialect;
use self::dialect::{Edge, Meaning, Naming};
pub use self::error::{FilterError, FilterProblem};
use self::moment::Moment;
use crate::OPTION_BYTES_MAX;
use crate::token::{Token, TokenKind, Tokens, excerpt};

/// The most comparisons of a filter. Each of them is made for every row; clients send two or three.
pub const CLAUSES_MAX: usize = 64;

/// What becomes of a filter that is not right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// It is an error.
    #[default]
    Strict,
    /// It is ignored, in part or as a whole, as the original does.
    AsOriginal,
}

/// What a filter asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedFilter {
    /// The conditions.
    pub filter: ChargeFilter,
    /// What was ignored; always [`Ignored::Nothing`] with [`Strictness::Strict`].
    pub ignored: Ignored,
}

/// What of a filter was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// Nothing: every comparison counts.
    Nothing,
    /// Comparisons without prefix or quotes, one fault for each; the others count.
    Clauses(Vec<FilterError>),
    /// The whole filter, for a fault that leaves no comparison sure.
    Everything(FilterError),
}

/// Reads a decoded `$filter`.
///
/// # Errors
/// The first fault, with [`Strictness::Strict`]; nothing is an error with [`Strictness::AsOriginal`].
pub fn parse(text: &str, dialect: &'static Dialect, strictness: Strictness) -> Result<ParsedFilter, FilterError> {
    let mut parser = Parser {
        tokens: Tokens::new(text),
        dialect,
        strictness,
        clause_count: 0,
        filter: ChargeFilter::default(),
        ignored: Vec::new(),
    };
    let ignored = match parser.read_all(text) {
        Ok(()) if parser.ignored.is_empty() => Ignored::Nothing,
        Ok(()) => Ignored::Clauses(parser.ignored),
        Err(error) if strictness == Strictness::Strict => return Err(error),
        Err(error) => {
            return Ok(ParsedFilter { filter: ChargeFilter::default(), ignored: Ignored::Everything(error) });
        }
    };
    Ok(ParsedFilter { filter: parser.filter, ignored })
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    dialect: &'static Dialect,
    strictness: Strictness,
    clause_count: usize,
    filter: ChargeFilter,
    ignored: Vec<FilterError>,
}

impl<'a> Parser<'a> {
    fn read_all(&mut self, text: &str) -> Result<(), FilterError> {
        if text.len() > OPTION_BYTES_MAX {
            return Err(fault(1, FilterProblem::TooLong));
        }
        if self.tokens.peek().kind == TokenKind::End {
            return Err(fault(1, FilterProblem::Empty));
        }
        // All is joined by `and`, so parentheses change nothing and need no tree: they only have to match.
        let mut open_positions = Vec::new();
        loop {
            let mut token = self.tokens.take();
            while token.kind == TokenKind::Open {
                open_positions.push(token.position);
                token = self.tokens.take();
            }
            self.read_clause(token)?;
            let mut token = self.tokens.take();
            while token.kind == TokenKind::Close {
                open_positions.pop().ok_or(fault(token.position, FilterProblem::UnopenedParenthesis))?;
                token = self.tokens.take();
            }
            match (token.kind, open_positions.last()) {
                (TokenKind::End, None) => return Ok(()),
                (TokenKind::End, Some(&position)) => return Err(fault(position, FilterProblem::UnclosedParenthesis)),
                (TokenKind::Word(word), _) if word.eq_ignore_ascii_case("and") => {}
                (_, None) => return Err(unexpected(token, "`and` or the end of the filter")),
                (_, Some(_)) => return Err(unexpected(token, "`and` or `)`")),
            }
        }
    }

    /// Reads `name operator 'value'`, of which the name is already taken.
    fn read_clause(&mut self, name: Token<'a>) -> Result<(), FilterError> {
        if self.clause_count == CLAUSES_MAX {
            return Err(fault(name.position, FilterProblem::TooManyClauses));
        }
        self.clause_count += 1;
        let (meaning, prefix_fault) = self.read_name(name)?;
        let operator = self.tokens.take();
        let comparison = read_comparison(operator)?;
        let value = self.tokens.take();
        // Where the content begins behind the value's begin.
        let mut content_offset = 1;
        let (content, quotes_fault) = match value.kind {
            TokenKind::Quoted(content) => (content, None),
            TokenKind::Word(word) if self.dialect.bare_values => {
                content_offset = 0;
                (word, None)
            }
            TokenKind::Word(word) => {
                ("", Some(fault(value.position, FilterProblem::MissingQuotes { found: excerpt(word) })))
            }
            _ => return Err(unexpected(value, "a value in single quotes")),
        };
        if let Some(form_fault) = prefix_fault.or(quotes_fault) {
            return self.pass_over(form_fault);
        }
        match meaning {
            Meaning::Moment(edge) | Meaning::Bound(edge) => {
                let comparison = match (meaning, comparison, edge) {
                    (Meaning::Bound(_), Comparison::Equal, Edge::Start) => Comparison::GreaterOrEqual,
                    (Meaning::Bound(_), Comparison::Equal, Edge::End) => Comparison::LessOrEqual,
                    (_, comparison, _) => comparison,
                };
                let moment = Moment::parse(content)
                    .map_err(|(offset, problem)| fault(value.position + content_offset + offset, problem))?;
                self.filter.days = self.filter.days.and(moment.bounds(edge, comparison));
            }
            Meaning::Text(field) => {
                let text = content.replace("''", "'");
                self.filter.conditions.push(Condition::Text { field, comparison, text });
            }
            Meaning::Tags => {
                if comparison != Comparison::Equal {
                    let problem = FilterProblem::TagOperator { found: written(operator) };
                    return Err(fault(operator.position, problem));
                }
                let tag = read_tag(content);
                self.filter.conditions.push(tag.map_err(|problem| fault(value.position, problem))?);
            }
        }
        Ok(())
    }

    /// What a name stands for, and its fault where its prefix is missing.
    fn read_name(&self, token: Token<'a>) -> Result<(Meaning, Option<FilterError>), FilterError> {
        let TokenKind::Word(word) = token.kind else {
            return Err(unexpected(token, "a name such as properties/usageStart"));
        };
        match self.dialect.find(word) {
            Naming::Right(name) => Ok((name.meaning, None)),
            Naming::Unprefixed(name) => {
                let problem = FilterProblem::MissingPrefix { found: excerpt(word), right: name.text };
                let fault = fault(token.position, problem);
                if self.strictness == Strictness::Strict { Err(fault) } else { Ok((name.meaning, Some(fault))) }
            }
            Naming::Unknown if is_refused(word) || is_comparison(word) || word.eq_ignore_ascii_case("and") => {
                Err(unexpected(token, "a name such as properties/usageStart"))
            }
            Naming::Unknown if self.tokens.peek().kind == TokenKind::Open => {
                Err(fault(token.position, FilterProblem::Function { found: excerpt(word) }))
            }
            Naming::Unknown => {
                let problem = FilterProblem::UnknownName { found: excerpt(word), known: self.dialect.names() };
                Err(fault(token.position, problem))
            }
        }
    }

    /// Leaves out a clause for a fault of its form.
    fn pass_over(&mut self, form_fault: FilterError) -> Result<(), FilterError> {
        if self.strictness == Strictness::Strict {
            return Err(form_fault);
        }
        self.ignored.push(form_fault);
        Ok(())
    }
}

fn fault(position: usize, problem: FilterProblem) -> FilterError {
    FilterError { position, problem }
}

/// The fault of a token that stands where something else is needed.
fn unexpected(token: Token<'_>, expected: &'static str) -> FilterError {
    let problem = match token.kind {
        TokenKind::Unclosed => FilterProblem::UnclosedText,
        TokenKind::Word(word) if is_refused(word) => FilterProblem::RefusedOperator { found: excerpt(word) },
        kind => FilterProblem::Expected { expected, found: kind.describe() },
    };
    fault(token.position, problem)
}

/// Whether the contract names the word as not supported.
fn is_refused(word: &str) -> bool {
    ["ne", "or", "not"].iter().any(|refused| refused.eq_ignore_ascii_case(word))
}

fn is_comparison(word: &str) -> bool {
    comparison_of(word).is_some()
}

fn comparison_of(word: &str) -> Option<Comparison> {
    let known = [
        ("eq", Comparison::Equal),
        ("lt", Comparison::Less),
        ("le", Comparison::LessOrEqual),
        ("gt", Comparison::Greater),
        ("ge", Comparison::GreaterOrEqual),
    ];
    known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|&(_, comparison)| comparison)
}

fn read_comparison(token: Token<'_>) -> Result<Comparison, FilterError> {
    let found = match token.kind {
        TokenKind::Word(word) => comparison_of(word),
        _ => None,
    };
    found.ok_or_else(|| unexpected(token, "eq, lt, gt, le or ge"))
}

fn written(token: Token<'_>) -> String {
    match token.kind {
        TokenKind::Word(word) => excerpt(word),
        kind => kind.describe(),
    }
}

/// Reads `key:value`; the first colon divides them.
fn read_tag(content: &str) -> Result<Condition, FilterProblem> {
    let text = content.replace("''", "'");
    match text.split_once(':') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Condition::Tag { key: key.to_owned(), value: value.to_owned() })
        }
        _ => Err(FilterProblem::TagSyntax { found: excerpt(&text) }),
    }
}
