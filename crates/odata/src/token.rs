//! Cuts an option's text into tokens, each with the 1-based position of its first character.

/// The most characters of a request that a message repeats.
const EXCERPT_CHARACTERS_MAX: usize = 40;

/// A piece of an option's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// Position of its first character, counted from 1; of the end one more than there are characters.
    pub(crate) position: usize,
    /// What it is.
    pub(crate) kind: TokenKind<'a>,
}

/// The kinds of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// A run of other characters without blanks.
    Word(&'a str),
    /// What stands between single quotes, its doubled quotes not yet undone.
    Quoted(&'a str),
    /// A single quote that no other one closes; nothing comes after it.
    Unclosed,
    /// Nothing is left.
    End,
}

/// Hands out the tokens of a text. It reads each character once.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    rest: &'a str,
    position: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text, position: 1 }
    }

    /// The next token; [`TokenKind::End`] for ever after the last one.
    pub(crate) fn take(&mut self) -> Token<'a> {
        self.take_while(is_blank);
        let position = self.position;
        let kind = match self.rest.chars().next() {
            None => TokenKind::End,
            Some('(') => self.take_mark(TokenKind::Open),
            Some(')') => self.take_mark(TokenKind::Close),
            Some(',') => self.take_mark(TokenKind::Comma),
            Some('\'') => self.take_quoted(),
            Some(_) => TokenKind::Word(self.take_while(is_word)),
        };
        Token { position, kind }
    }

    /// The token that [`Tokens::take`] would hand out.
    pub(crate) fn peek(&self) -> Token<'a> {
        self.clone().take()
    }

    fn take_mark(&mut self, kind: TokenKind<'a>) -> TokenKind<'a> {
        self.advance(1);
        kind
    }

    fn take_quoted(&mut self) -> TokenKind<'a> {
        self.advance(1);
        let mut characters = self.rest.char_indices().peekable();
        while let Some((end, character)) = characters.next() {
            if character == '\'' && characters.next_if(|&(_, next)| next == '\'').is_none() {
                let content = &self.rest[..end];
                self.advance(end + 1);
                return TokenKind::Quoted(content);
            }
        }
        self.advance(self.rest.len());
        TokenKind::Unclosed
    }

    fn take_while(&mut self, accepts: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !accepts(character)).unwrap_or(self.rest.len());
        let taken = &self.rest[..end];
        self.advance(end);
        taken
    }

    /// Steps over so many bytes, which end at a character's end.
    fn advance(&mut self, size_bytes: usize) {
        let (taken, rest) = self.rest.split_at(size_bytes);
        self.position += taken.chars().count();
        self.rest = rest;
    }
}

impl TokenKind<'_> {
    /// The token as a message repeats it.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Open => "`(`".to_owned(),
            Self::Close => "`)`".to_owned(),
            Self::Comma => "`,`".to_owned(),
            Self::Word(word) => format!("`{}`", excerpt(word)),
            Self::Quoted(content) => format!("the text '{}'", excerpt(content)),
            Self::Unclosed => "a single quote".to_owned(),
            Self::End => "the end".to_owned(),
        }
    }
}

/// A text of the request as a message may repeat it: cut to a printable length, control characters escaped.
pub(crate) fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    let mut characters = text.chars();
    for character in characters.by_ref().take(EXCERPT_CHARACTERS_MAX) {
        if character.is_control() {
            excerpt.extend(character.escape_default());
        } else {
            excerpt.push(character);
        }
    }
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

fn is_blank(character: char) -> bool {
    character.is_ascii_whitespace()
}

fn is_word(character: char) -> bool {
    !is_blank(character) && !matches!(character, '(' | ')' | ',' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<(usize, TokenKind<'_>)> {
        let mut tokens = Tokens::new(text);
        let mut found = Vec::new();
        loop {
            let token = tokens.take();
            found.push((token.position, token.kind));
            if token.kind == TokenKind::End {
                return found;
            }
        }
    }

    #[test]
    fn positions_count_characters_from_one() {
        use TokenKind::{Close, Comma, End, Open, Quoted, Word};
        let expected = vec![
            (1, Open),
            (2, Word("tags")),
            (7, Word("eq")),
            (10, Quoted("ä''ö")),
            (16, Comma),
            (18, Close),
            (19, End),
        ];
        assert_eq!(tokens("(tags eq 'ä''ö', )"), expected);
        assert_eq!(tokens(" \t"), vec![(3, End)]);
    }

    #[test]
    fn a_quote_without_its_partner_is_found_where_it_opens() {
        for text in ["ä '", "ä 'b", "ä 'b''", "ä 'b''''"] {
            let found = tokens(text);
            assert_eq!(found[1], (3, TokenKind::Unclosed), "{text}");
            assert_eq!(found[2], (text.chars().count() + 1, TokenKind::End), "{text}");
        }
        assert_eq!(tokens("''")[0], (1, TokenKind::Quoted("")));
        assert_eq!(tokens("''''")[0], (1, TokenKind::Quoted("''")));
    }

    #[test]
    fn messages_repeat_little_and_no_control_characters() {
        assert_eq!(excerpt("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(excerpt(&"ä".repeat(41)), format!("{}…", "ä".repeat(40)));
        assert_eq!(excerpt(&"ä".repeat(40)), "ä".repeat(40));
    }
}
