//! The tokens of Lua 5.1.
//!
//! Everything Lua takes apart is taken apart the same way; some things that Lua refuses pass, which does no harm: such a
//! source never runs.

/// The source is not Lua, or more deeply nested than anybody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A token. Names, numbers and strings are parts of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name that is no keyword.
    Name(&'a [u8]),
    /// A number, as written.
    Number(&'a [u8]),
    /// A string; its content, unless escapes or line ends make that differ from what is written.
    Text(Option<&'a [u8]>),
    /// A keyword or a symbol, as written.
    Sign(&'static [u8]),
    /// The end of the source.
    End,
}

const KEYWORDS: &[&[u8]] = &[
    b"and",
    b"break",
    b"do",
    b"else",
    b"elseif",
    b"end",
    b"false",
    b"for",
    b"function",
    b"if",
    b"in",
    b"local",
    b"nil",
    b"not",
    b"or",
    b"repeat",
    b"return",
    b"then",
    b"true",
    b"until",
    b"while",
];

/// A longer one comes before those it begins with.
const SYMBOLS: &[&[u8]] = &[
    b"...", b"..", b"==", b"~=", b"<=", b">=", b"+", b"-", b"*", b"/", b"%", b"^", b"#", b"<",
    b">", b"=", b"(", b")", b"{", b"}", b"[", b"]", b";", b":", b",", b".",
];

/// Yields the tokens of a source one by one.
pub(super) struct Tokens<'a> {
    source: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(source: &'a [u8]) -> Tokens<'a> {
        Tokens { source, at: 0 }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'a>, Unreadable> {
        self.skip_blanks()?;
        let Some(first) = self.byte(0) else {
            return Ok(Token::End);
        };
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => Ok(self.word()),
            b'0'..=b'9' => Ok(self.number()),
            b'.' if self.byte(1).is_some_and(|next| next.is_ascii_digit()) => Ok(self.number()),
            b'"' | b'\'' => self.quoted(first),
            b'[' => match self.long_bracket() {
                Some(level) => self.long_text(level).map(Token::Text),
                None => self.symbol(),
            },
            _ => self.symbol(),
        }
    }

    /// The byte that many places ahead.
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    /// Takes bytes as long as they please.
    fn take_while(&mut self, pleases: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.source[self.at..];
        let length = rest
            .iter()
            .position(|byte| !pleases(*byte))
            .unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Skips blanks and comments.
    fn skip_blanks(&mut self) -> Result<(), Unreadable> {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
            if !self.source[self.at..].starts_with(b"--") {
                return Ok(());
            }
            self.at += 2;
            match self.long_bracket() {
                Some(level) => {
                    self.long_text(level)?;
                }
                None => {
                    self.take_while(|byte| byte != b'\n' && byte != b'\r');
                }
            }
        }
    }

    fn word(&mut self) -> Token<'a> {
        let word = self.take_while(is_of_name);
        match KEYWORDS.binary_search(&word) {
            Ok(found) => Token::Sign(KEYWORDS[found]),
            Err(_) => Token::Name(word),
        }
    }

    /// A number is cut off as generously as Lua does it; whether it is one is not asked.
    fn number(&mut self) -> Token<'a> {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
        if matches!(self.byte(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
        }
        self.take_while(is_of_name);
        Token::Number(&self.source[start..self.at])
    }

    fn quoted(&mut self, quote: u8) -> Result<Token<'a>, Unreadable> {
        self.at += 1;
        let start = self.at;
        let mut is_plain = true;
        loop {
            self.take_while(|byte| !matches!(byte, b'\\' | b'\n' | b'\r') && byte != quote);
            match self.byte(0) {
                Some(b'\\') => {
                    // An escaped line end may be two bytes, one of which must not end the string.
                    let line_end = matches!(
                        (self.byte(1), self.byte(2)),
                        (Some(b'\r'), Some(b'\n')) | (Some(b'\n'), Some(b'\r'))
                    );
                    is_plain = false;
                    self.at = (self.at + 2 + usize::from(line_end)).min(self.source.len());
                }
                Some(byte) if byte == quote => {
                    let text = &self.source[start..self.at];
                    self.at += 1;
                    return Ok(Token::Text(is_plain.then_some(text)));
                }
                _ => return Err(Unreadable),
            }
        }
    }

    /// The level of the long bracket that opens here, if one does: how many `=` stand in it.
    fn long_bracket(&self) -> Option<usize> {
        let inside = self.source[self.at..].strip_prefix(b"[")?;
        let level = inside.iter().take_while(|byte| **byte == b'=').count();
        (inside.get(level) == Some(&b'[')).then_some(level)
    }

    /// The string between long brackets, the first of which opens here.
    fn long_text(&mut self, level: usize) -> Result<Option<&'a [u8]>, Unreadable> {
        self.at += level + 2;
        let start = self.at;
        loop {
            self.take_while(|byte| byte != b']');
            let end = self.at;
            self.byte(0).ok_or(Unreadable)?;
            self.at += 1;
            if self.take_while(|byte| byte == b'=').len() == level && self.byte(0) == Some(b']') {
                self.at += 1;
                let text = &self.source[start..end];
                let text = text.strip_prefix(b"\n").unwrap_or(text);
                return Ok((!text.contains(&b'\r')).then_some(text));
            }
        }
    }

    fn symbol(&mut self) -> Result<Token<'a>, Unreadable> {
        let rest = &self.source[self.at..];
        let symbol = SYMBOLS
            .iter()
            .find(|symbol| rest.starts_with(symbol))
            .ok_or(Unreadable)?;
        self.at += symbol.len();
        Ok(Token::Sign(symbol))
    }
}

/// Whether a name can have it, behind its first letter.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &[u8]) -> Result<Vec<Token<'_>>, Unreadable> {
        let mut tokens = Tokens::new(source);
        let mut found = Vec::new();
        loop {
            match tokens.next()? {
                Token::End => return Ok(found),
                token => found.push(token),
            }
        }
    }

    #[test]
    fn the_lists_are_in_their_order() {
        assert!(KEYWORDS.is_sorted());
        for (at, symbol) in SYMBOLS.iter().enumerate() {
            assert!(!SYMBOLS[..at].iter().any(|other| symbol.starts_with(other)));
        }
    }

    #[test]
    fn strings_are_known_when_nothing_in_them_is_rewritten() {
        for (source, text) in [
            (&b"'a'"[..], Some(&b"a"[..])),
            (b"\"it's\"", Some(b"it's")),
            (b"'a\\'b'", None),
            (b"'\\\r\n'", None),
            (b"'\\\n\r'", None),
            (b"[[a]]", Some(b"a")),
            (b"[[\na]]", Some(b"a")),
            (b"[[\r\na]]", None),
            (b"[==[a]=]]==]", Some(b"a]=]")),
            (b"[[]]]", Some(b"")),
        ] {
            assert_eq!(
                tokens(source).unwrap()[0],
                Token::Text(text),
                "{}",
                source.escape_ascii()
            );
        }
        for unfinished in [
            &b"'a"[..],
            b"'a\\'",
            b"'\\",
            b"'a\n'",
            b"[[a]",
            b"[=[a]]",
            b"--[[",
            b"[==[",
        ] {
            assert_eq!(
                tokens(unfinished),
                Err(Unreadable),
                "{}",
                unfinished.escape_ascii()
            );
        }
    }

    #[test]
    fn numbers_end_where_lua_ends_them() {
        for (source, rest) in [
            ("1", 0),
            ("0x1F", 0),
            (".5", 0),
            ("1e+5", 0),
            ("1e5", 0),
            ("1..2", 0),
            ("0xe+1", 2),
            ("1-1", 2),
        ] {
            assert_eq!(tokens(source.as_bytes()).unwrap().len(), 1 + rest);
        }
        assert_eq!(tokens(b"a..b").unwrap().len(), 3);
    }

    #[test]
    fn comments_are_blank() {
        assert_eq!(tokens(b"--a\n--[[b\n]]--[==[]]]==]--[=c\r").unwrap(), []);
        assert_eq!(tokens(b"a--").unwrap(), [Token::Name(b"a")]);
        assert_eq!(tokens(b"$"), Err(Unreadable));
        assert_eq!(tokens(b"\0"), Err(Unreadable));
    }
}
