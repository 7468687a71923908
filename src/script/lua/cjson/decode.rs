//! `cjson.decode`.

use std::ops::Range;

use memchr::memchr3;
use mlua::{IntoLua, Lua, LuaString, Table, Value};

use super::super::{Pacer, failure, number};
use super::{DEEPEST, Settings};

/// What stands at a place of the text. Texts are in `Parser::string`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String,
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    Error(&'static str),
}

impl Token {
    /// What messages call it.
    fn name(self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::String => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Error(problem) => problem,
        }
    }
}

/// The last string: a piece of the text, or what its escapes came to.
enum Text {
    Piece(Range<usize>),
    Unescaped,
}

/// A table being filled.
enum Open {
    Array(Table, usize),
    Object(Table, LuaString),
}

struct Parser<'a> {
    lua: &'a Lua,
    pacer: &'a Pacer,
    settings: &'a Settings,
    text: &'a [u8],
    at: usize,
    /// Where the last token begins, or where it is wrong.
    index: usize,
    string: Text,
    unescaped: Vec<u8>,
}

/// The value that a text stands for.
pub(super) fn decode(
    lua: &Lua,
    pacer: &Pacer,
    settings: &Settings,
    text: &[u8],
) -> mlua::Result<Value> {
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err(failure::error(
            lua,
            "JSON parser does not support UTF-16 or UTF-32",
        ));
    }
    let string = Text::Piece(0..0);
    let mut parser = Parser {
        lua,
        pacer,
        settings,
        text,
        at: 0,
        index: 0,
        string,
        unescaped: Vec::new(),
    };
    let value = parser.value()?;
    match parser.token()? {
        Token::End => Ok(value),
        other => Err(parser.unexpected("the end", other)),
    }
}

impl Parser<'_> {
    /// A value with all that is inside it.
    fn value(&mut self) -> mlua::Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        let mut token = self.token()?;
        loop {
            // What the token begins: a table, which may be left at once, or a value to put where it belongs.
            match token {
                Token::ArrayBegin => {
                    let table = self.descend(open.len())?;
                    token = self.token()?;
                    if token != Token::ArrayEnd {
                        open.push(Open::Array(table, 1));
                        continue;
                    }
                    if let Some(value) = self.put(&mut open, table)? {
                        return Ok(value);
                    }
                }
                Token::ObjectBegin => {
                    let table = self.descend(open.len())?;
                    token = self.token()?;
                    if token != Token::ObjectEnd {
                        let key = self.key(token)?;
                        open.push(Open::Object(table, key));
                        token = self.token()?;
                        continue;
                    }
                    if let Some(value) = self.put(&mut open, table)? {
                        return Ok(value);
                    }
                }
                _ => {
                    if let Some(value) = self.leaf(&mut open, token)? {
                        return Ok(value);
                    }
                }
            }
            // What follows a value: the next one, or the ends of tables.
            loop {
                let following = self.token()?;
                let table = match (open.last_mut(), following) {
                    (Some(Open::Array(_, index)), Token::Comma) => {
                        *index += 1;
                        token = self.token()?;
                        break;
                    }
                    (Some(Open::Object(..)), Token::Comma) => {
                        let token_of_key = self.token()?;
                        let next = self.key(token_of_key)?;
                        if let Some(Open::Object(_, key)) = open.last_mut() {
                            *key = next;
                        }
                        token = self.token()?;
                        break;
                    }
                    (Some(Open::Array(..)), Token::ArrayEnd)
                    | (Some(Open::Object(..)), Token::ObjectEnd) => match open.pop() {
                        Some(Open::Array(table, _) | Open::Object(table, _)) => table,
                        None => return Ok(Value::Nil),
                    },
                    (Some(Open::Array(..)), other) => {
                        return Err(self.unexpected("comma or array end", other));
                    }
                    (_, other) => return Err(self.unexpected("comma or object end", other)),
                };
                if let Some(value) = self.put(&mut open, table)? {
                    return Ok(value);
                }
            }
        }
    }

    /// A value that is no table, put where it belongs, or given back if that is nowhere.
    fn leaf(&mut self, open: &mut [Open], token: Token) -> mlua::Result<Option<Value>> {
        match token {
            Token::String => {
                let bytes = match &self.string {
                    Text::Piece(range) => &self.text[range.clone()],
                    Text::Unescaped => &self.unescaped,
                };
                if open.is_empty() {
                    return self
                        .lua
                        .create_string(bytes)
                        .map(|string| Some(Value::String(string)));
                }
                self.put(open, LuaString::wrap(bytes))
            }
            Token::Number(number) => self.put(open, Value::Number(number)),
            Token::Boolean(boolean) => self.put(open, boolean),
            Token::Null => self.put(open, Value::NULL),
            other => Err(self.unexpected("value", other)),
        }
    }

    /// Puts a value into the innermost open table, or gives it back.
    #[inline]
    fn put(&self, open: &mut [Open], value: impl IntoLua) -> mlua::Result<Option<Value>> {
        match open.last() {
            Some(Open::Array(table, index)) => table.raw_set(*index, value)?,
            Some(Open::Object(table, key)) => table.raw_set(key, value)?,
            None => return value.into_lua(self.lua).map(Some),
        }
        Ok(None)
    }

    /// A new table inside of so many.
    fn descend(&self, around: usize) -> mlua::Result<Table> {
        let depth = around + 1;
        if depth as i64 > i64::from(self.settings.decode_max_depth.get()) || depth > DEEPEST {
            let text = format!(
                "Found too many nested data structures ({depth}) at character {}",
                self.at
            );
            return Err(failure::error(self.lua, text));
        }
        self.lua.create_table()
    }

    /// An object's key, which this token should be, up to behind its colon.
    fn key(&mut self, token: Token) -> mlua::Result<LuaString> {
        if token != Token::String {
            return Err(self.unexpected("object key string", token));
        }
        let key = match &self.string {
            Text::Piece(range) => self.lua.create_string(&self.text[range.clone()])?,
            Text::Unescaped => self.lua.create_string(&self.unescaped)?,
        };
        match self.token()? {
            Token::Colon => Ok(key),
            other => Err(self.unexpected("colon", other)),
        }
    }

    /// The next token. A zero byte ends the text, as its end does.
    fn token(&mut self) -> mlua::Result<Token> {
        self.pacer.step(self.lua, 1)?;
        while matches!(self.byte(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.index = self.at;
        let single = match self.byte(0) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            0 => return Ok(Token::End),
            b'"' => {
                let start = self.at;
                let token = self.string_token();
                self.pacer.step(self.lua, (self.at - start) / 64)?;
                return Ok(token);
            }
            b'-' | b'0'..=b'9' => return Ok(self.number_token()),
            b'+' | b'f' | b'i' | b'I' | b'n' | b'N' | b't' => return Ok(self.word_token()),
            _ => return Ok(Token::Error("invalid token")),
        };
        self.at += 1;
        Ok(single)
    }

    fn word_token(&mut self) -> Token {
        let words: [(&[u8], Token); 3] = [
            (b"true", Token::Boolean(true)),
            (b"false", Token::Boolean(false)),
            (b"null", Token::Null),
        ];
        for (word, token) in words {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return token;
            }
        }
        if self.settings.decode_invalid.get() && self.is_invalid_number() {
            return self.number_token();
        }
        Token::Error("invalid token")
    }

    fn number_token(&mut self) -> Token {
        if !self.settings.decode_invalid.get() && self.is_invalid_number() {
            return Token::Error("invalid number");
        }
        // Small integers are most of what there is.
        let digits = self.text[self.at..]
            .iter()
            .take(16)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if (1..16).contains(&digits)
            && !matches!(self.byte(digits), b'.' | b'e' | b'E' | b'x' | b'X')
        {
            let value = self.text[self.at..self.at + digits]
                .iter()
                .fold(0_u64, |sum, byte| sum * 10 + u64::from(byte - b'0'));
            self.at += digits;
            return Token::Number(value as f64);
        }
        match number::read(&self.text[self.at..]) {
            (_, 0) => Token::Error("invalid number"),
            (value, length) => {
                self.at += length;
                Token::Number(value)
            }
        }
    }

    /// Whether this is a number to C but not to JSON.
    fn is_invalid_number(&self) -> bool {
        if self.byte(0) == b'+' {
            return true;
        }
        let sign = usize::from(self.byte(0) == b'-');
        match self.byte(sign) {
            b'0' => matches!(self.byte(sign + 1), b'x' | b'X' | b'0'..=b'9'),
            0..=b'9' => false,
            _ => {
                let word = self
                    .text
                    .get(self.at + sign..self.at + sign + 3)
                    .unwrap_or_default();
                word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"nan")
            }
        }
    }

    fn string_token(&mut self) -> Token {
        self.at += 1;
        let start = self.at;
        // Without an escape it is a piece of the text.
        let plain = memchr3(b'"', b'\\', 0, &self.text[start..]).map(|length| start + length);
        if let Some(end) = plain
            && self.text[end] == b'"'
        {
            self.at = end + 1;
            self.string = Text::Piece(start..end);
            return Token::String;
        }
        self.unescaped.clear();
        loop {
            let length =
                memchr3(b'"', b'\\', 0, &self.text[self.at..]).unwrap_or(self.text.len() - self.at);
            self.unescaped
                .extend_from_slice(&self.text[self.at..self.at + length]);
            self.at += length;
            match self.byte(0) {
                b'"' => {
                    self.at += 1;
                    self.string = Text::Unescaped;
                    return Token::String;
                }
                b'\\' => {
                    if let Err(problem) = self.escape() {
                        self.index = self.at;
                        return Token::Error(problem);
                    }
                }
                _ => {
                    self.index = self.at;
                    return Token::Error("unexpected end of string");
                }
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<(), &'static str> {
        let byte = match self.byte(1) {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'u' => return self.unicode_escape().ok_or("invalid unicode escape code"),
            _ => return Err("invalid escape code"),
        };
        self.unescaped.push(byte);
        self.at += 2;
        Ok(())
    }

    /// `\uXXXX`, or two of them for a pair of surrogates.
    fn unicode_escape(&mut self) -> Option<()> {
        let mut code = self.code_unit(2)?;
        let mut length = 6;
        if code & 0xF800 == 0xD800 {
            if code & 0x400 != 0 || self.byte(6) != b'\\' || self.byte(7) != b'u' {
                return None;
            }
            let low = self.code_unit(8)?;
            if low & 0xFC00 != 0xDC00 {
                return None;
            }
            code = ((code & 0x3FF) << 10 | (low & 0x3FF)) + 0x1_0000;
            length = 12;
        }
        let character = char::from_u32(code)?;
        self.unescaped
            .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += length;
        Some(())
    }

    /// Four hexadecimal digits, so far from here.
    fn code_unit(&self, offset: usize) -> Option<u32> {
        (0..4).try_fold(0, |code, index| {
            Some(code << 4 | char::from(self.byte(offset + index)).to_digit(16)?)
        })
    }

    #[inline]
    fn byte(&self, offset: usize) -> u8 {
        self.text.get(self.at + offset).copied().unwrap_or(0)
    }

    #[cold]
    fn unexpected(&self, expected: &str, found: Token) -> mlua::Error {
        let text = format!(
            "Expected {expected} but found {} at character {}",
            found.name(),
            self.index + 1
        );
        failure::error(self.lua, text)
    }
}
