//! Replies as Lua's values, and Lua's values as replies, by the rules that Redis documents.
//!
//! What is read here are replies that our own writer has written a moment ago, complete and well-formed.

use mlua::{Lua, Table, Value};

use crate::resp::{Protocol, Reply, ReplyError};

/// Tables in tables that a script may return.
const DEEPEST: usize = 1000;
/// Bytes of reply that a script may return.
const LONGEST: usize = 512 << 20;

/// A reply as a value. An error is a table with its text under `err`.
///
/// # Errors
/// If Lua has no memory left.
pub fn to_lua(lua: &Lua, reply: &[u8]) -> mlua::Result<Value> {
    let mut reader = Reader { lua, rest: reply };
    reader.value()
}

struct Reader<'l, 'r> {
    lua: &'l Lua,
    rest: &'r [u8],
}

impl<'r> Reader<'_, 'r> {
    fn value(&mut self) -> mlua::Result<Value> {
        let line = self.line();
        let Some((&kind, text)) = line.split_first() else {
            return Ok(Value::Nil);
        };
        Ok(match kind {
            b'+' => self.tagged("ok", text)?,
            b'-' => self.tagged("err", text)?,
            b':' => self.number(text),
            b'$' if text == b"-1" => Value::Boolean(false),
            b'$' => Value::String(self.lua.create_string(self.bulk(text))?),
            b'*' if text == b"-1" => Value::Boolean(false),
            b'*' | b'>' => {
                let len = parse(text);
                let table = self.lua.create_table_with_capacity(len.min(1 << 16), 0)?;
                for i in 1..=len {
                    let element = self.value()?;
                    table.raw_set(i, element)?;
                }
                Value::Table(table)
            }
            b'%' => {
                let map = self.lua.create_table()?;
                for _ in 0..parse(text) {
                    let (key, value) = (self.value()?, self.value()?);
                    if !key.is_nil() {
                        map.raw_set(key, value)?;
                    }
                }
                self.wrapped("map", Value::Table(map))?
            }
            b'~' => {
                let set = self.lua.create_table()?;
                for _ in 0..parse(text) {
                    let member = self.value()?;
                    if !member.is_nil() {
                        set.raw_set(member, true)?;
                    }
                }
                self.wrapped("set", Value::Table(set))?
            }
            b',' => {
                let text = String::from_utf8_lossy(text);
                let number = text.parse().unwrap_or(f64::NAN);
                self.wrapped("double", Value::Number(number))?
            }
            b'(' => self.tagged("big_number", text)?,
            b'=' => {
                let bytes = self.bulk(text);
                let (format, string) = bytes.split_at(bytes.len().min(4));
                let verbatim = self.lua.create_table()?;
                verbatim.raw_set(
                    "format",
                    self.lua.create_string(&format[..format.len().min(3)])?,
                )?;
                verbatim.raw_set("string", self.lua.create_string(string)?)?;
                self.wrapped("verbatim_string", Value::Table(verbatim))?
            }
            b'#' => Value::Boolean(text == b"t"),
            b'|' => {
                for _ in 0..parse(text) * 2 {
                    self.value()?;
                }
                self.value()?
            }
            _ => Value::Nil,
        })
    }

    fn line(&mut self) -> &'r [u8] {
        let end = memchr::memchr(b'\r', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(2..).unwrap_or_default();
        line
    }

    fn bulk(&mut self, len: &[u8]) -> &'r [u8] {
        let (bytes, rest) = self.rest.split_at(parse(len).min(self.rest.len()));
        self.rest = rest.get(2..).unwrap_or_default();
        bytes
    }

    fn number(&self, text: &[u8]) -> Value {
        let number = crate::value::number::parse_i64(text).unwrap_or_default();
        Value::Number(number as f64)
    }

    fn tagged(&self, tag: &str, text: &[u8]) -> mlua::Result<Value> {
        self.wrapped(tag, Value::String(self.lua.create_string(text)?))
    }

    fn wrapped(&self, tag: &str, value: Value) -> mlua::Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(tag, value)?;
        Ok(Value::Table(table))
    }
}

fn parse(len: &[u8]) -> usize {
    let len = crate::value::number::parse_i64(len).unwrap_or_default();
    usize::try_from(len).unwrap_or_default()
}

/// Writes what a script has returned. `booleans`: the script has asked for RESP3, which has them.
///
/// # Errors
/// If it is nested too deep or too long; then what was written is to be taken back.
pub fn write(reply: &mut Reply, value: &Value, booleans: bool) -> Result<(), ReplyError> {
    Writer { reply, booleans }.value(value, 0)
}

struct Writer<'r> {
    reply: &'r mut Reply,
    booleans: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), ReplyError> {
        if depth > DEEPEST {
            return Err(ReplyError::fixed("ERR reached lua stack limit"));
        }
        if self.reply.pending() > LONGEST {
            return Err(ReplyError::fixed("ERR the script returns too much"));
        }
        match value {
            Value::String(text) => self.reply.bulk(&text.as_bytes()),
            Value::Integer(number) => self.reply.int(*number),
            // As C converts: towards zero.
            Value::Number(number) => self.reply.int(*number as i64),
            Value::Boolean(value) if self.booleans => self.reply.bool(*value),
            Value::Boolean(true) => self.reply.int(1),
            Value::Table(table) => self.table(table, depth)?,
            _ => self.reply.null(),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> Result<(), ReplyError> {
        // Most tables are arrays: one look tells.
        let first: Value = get(table, 1);
        if first.is_nil() {
            if let Value::String(text) = get(table, "err") {
                let text = text.as_bytes();
                let text = text.strip_prefix(b"-").unwrap_or(&text);
                self.reply.error(&ReplyError::from_bytes(text.to_vec()));
                return Ok(());
            }
            if let Value::String(text) = get(table, "ok") {
                self.reply.simple(&one_line(&text.as_bytes()));
                return Ok(());
            }
            match get(table, "double") {
                Value::Number(number) => {
                    self.reply.double(number);
                    return Ok(());
                }
                Value::Integer(number) => {
                    self.reply.double(number as f64);
                    return Ok(());
                }
                _ => {}
            }
            if let Value::Table(map) = get(table, "map") {
                return self.pairs(&map, depth, true);
            }
            if let Value::Table(set) = get(table, "set") {
                return self.pairs(&set, depth, false);
            }
            if let Value::String(number) = get(table, "big_number") {
                self.reply.bignum(&one_line(&number.as_bytes()));
                return Ok(());
            }
            if let Value::Table(verbatim) = get(table, "verbatim_string")
                && let (Value::String(format), Value::String(string)) =
                    (get(&verbatim, "format"), get(&verbatim, "string"))
            {
                let mut format = String::from_utf8_lossy(&format.as_bytes()).into_owned();
                format.retain(|c| c.is_ascii_graphic());
                format = format.chars().chain("txt".chars()).take(3).collect();
                self.reply.verbatim(&format, &string.as_bytes());
                return Ok(());
            }
            self.reply.array(0);
            return Ok(());
        }
        let at = self.reply.defer();
        let mut element = first;
        let mut len = 0;
        while !element.is_nil() {
            self.value(&element, depth + 1)?;
            len += 1;
            element = get(table, len + 1);
        }
        self.reply.array_at(at, len);
        Ok(())
    }

    fn pairs(&mut self, table: &Table, depth: usize, values: bool) -> Result<(), ReplyError> {
        let at = self.reply.defer();
        let mut len = 0;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) =
                pair.map_err(|_| ReplyError::fixed("ERR the script returns what cannot be read"))?;
            self.value(&key, depth + 1)?;
            if values {
                self.value(&value, depth + 1)?;
            }
            len += 1;
        }
        match values {
            true => self.reply.map_at(at, len),
            false => self.reply.set_at(at, len),
        }
        Ok(())
    }
}

fn get(table: &Table, key: impl mlua::IntoLua) -> Value {
    table.raw_get(key).unwrap_or(Value::Nil)
}

fn one_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace(['\r', '\n'], " ")
}

/// The protocol whose replies a script gets: RESP2 until it asks for RESP3.
pub fn protocol(resp3: bool) -> Protocol {
    match resp3 {
        true => Protocol::Resp3,
        false => Protocol::Resp2,
    }
}
