//! `cjson.encode`.

use std::fmt;

use mlua::{Error, Function, Lua, Table, Value};

use super::super::{Pacer, failure, number};
use super::{DEEPEST, Invalid, Settings};

/// Tables nested deeper than this are walked with a stack of our own.
const RECURSION: usize = 16;

/// One value becoming text.
pub(super) struct Encoder<'a> {
    lua: &'a Lua,
    pacer: &'a Pacer,
    settings: &'a Settings,
    longest: usize,
    text: Vec<u8>,
}

/// A table being written, from its next element on.
enum Open {
    Array {
        table: Table,
        index: usize,
        length: usize,
    },
    Object {
        table: Table,
        key: Value,
    },
}

impl<'a> Encoder<'a> {
    pub(super) fn new(
        lua: &'a Lua,
        pacer: &'a Pacer,
        settings: &'a Settings,
        longest: usize,
    ) -> Self {
        Self {
            lua,
            pacer,
            settings,
            longest,
            text: Vec::with_capacity(256),
        }
    }

    pub(super) fn encode(mut self, value: &Value) -> mlua::Result<Vec<u8>> {
        match self.value(value, 0) {
            Ok(()) => Ok(self.text),
            Err(problem) => Err(match failure::root(&problem) {
                Error::ExternalError(refusal) if refusal.is::<Refusal>() => {
                    failure::error(self.lua, refusal)
                }
                _ => problem,
            }),
        }
    }

    /// A value inside of so many tables.
    fn value(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        match value {
            Value::Table(table) if depth < RECURSION => self.table(table, depth + 1),
            Value::Table(table) => self.deep(table, depth + 1),
            _ => self.leaf(value),
        }
    }

    /// A table, as a level of recursion.
    fn table(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        self.check_depth(depth)?;
        match self.array_length(table)? {
            Some(length) => {
                self.text.push(b'[');
                for index in 1..=length {
                    if index > 1 {
                        self.text.push(b',');
                    }
                    let value = table.raw_get(index)?;
                    self.value(&value, depth)?;
                }
                self.text.push(b']');
            }
            None => {
                self.text.push(b'{');
                let mut first = true;
                table.for_each(|key: Value, value: Value| {
                    self.key(&key, first)?;
                    first = false;
                    self.value(&value, depth)
                })?;
                self.text.push(b'}');
            }
        }
        Ok(())
    }

    /// A table and all inside it, without recursion.
    fn deep(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        let next: Function = self.lua.globals().raw_get("next")?;
        let mut open = Vec::new();
        self.begin(table.clone(), depth, &mut open)?;
        while let Some(level) = open.last_mut() {
            let value = match level {
                Open::Array {
                    table,
                    index,
                    length,
                } => {
                    if index == length {
                        self.text.push(b']');
                        open.pop();
                        continue;
                    }
                    if *index > 0 {
                        self.text.push(b',');
                    }
                    *index += 1;
                    table.raw_get(*index)?
                }
                Open::Object { table, key } => {
                    let first = key.is_nil();
                    let (following, value): (Value, Value) = next.call((&*table, &*key))?;
                    if following.is_nil() {
                        self.text.push(b'}');
                        open.pop();
                        continue;
                    }
                    key.clone_from(&following);
                    self.key(&following, first)?;
                    value
                }
            };
            match value {
                Value::Table(table) => self.begin(table, depth + open.len(), &mut open)?,
                leaf => self.leaf(&leaf)?,
            }
        }
        Ok(())
    }

    fn begin(&mut self, table: Table, depth: usize, open: &mut Vec<Open>) -> mlua::Result<()> {
        self.check_depth(depth)?;
        match self.array_length(&table)? {
            Some(length) => {
                self.text.push(b'[');
                open.push(Open::Array {
                    table,
                    index: 0,
                    length,
                });
            }
            None => {
                self.text.push(b'{');
                open.push(Open::Object {
                    table,
                    key: Value::Nil,
                });
            }
        }
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> mlua::Result<()> {
        if depth as i64 > i64::from(self.settings.encode_max_depth.get()) || depth > DEEPEST {
            return Err(refusal(format!(
                "Cannot serialise, excessive nesting ({depth})"
            )));
        }
        Ok(())
    }

    /// The length of a table that is an array. Values are not looked at: as booleans they cost nothing.
    fn array_length(&self, table: &Table) -> mlua::Result<Option<usize>> {
        let (mut most, mut count) = (0.0_f64, 0_usize);
        if let Some(first) = table.pairs::<Value, bool>().next()
            && !matches!(first?.0, Value::Integer(1..) | Value::Number(_))
        {
            return Ok(None);
        }
        let mut only_positions = true;
        table.for_each(|key: Value, _: bool| {
            let key = match key {
                Value::Integer(key) => key as f64,
                Value::Number(key) => key,
                _ => 0.0,
            };
            only_positions &= key >= 1.0 && key.floor() == key;
            if key > most {
                // The peers count in 32 bits, in which what is beyond becomes the least number.
                most = if key <= f64::from(i32::MAX) {
                    key
                } else {
                    f64::from(i32::MIN)
                };
            }
            count += 1;
            self.pacer.step(self.lua, 1)
        })?;
        if !only_positions {
            return Ok(None);
        }
        let (ratio, safe) = (
            f64::from(self.settings.sparse_ratio.get()),
            f64::from(self.settings.sparse_safe.get()),
        );
        if ratio > 0.0 && most > count as f64 * ratio && most > safe {
            if self.settings.sparse_convert.get() {
                return Ok(None);
            }
            return Err(refused("table", "excessively sparse array"));
        }
        Ok((most > 0.0).then_some(most as usize))
    }

    /// A comma, if there is something before it, and an object's key.
    fn key(&mut self, key: &Value, first: bool) -> mlua::Result<()> {
        if !first {
            self.text.push(b',');
        }
        match key {
            Value::String(key) => {
                self.string(&key.as_bytes())?;
                self.text.push(b':');
            }
            Value::Integer(_) | Value::Number(_) => {
                self.text.push(b'"');
                self.leaf(key)?;
                self.text.extend_from_slice(b"\":");
            }
            other => {
                return Err(refused(
                    failure::type_name(other),
                    "table key must be a number or string",
                ));
            }
        }
        Ok(())
    }

    /// A value that is no table.
    fn leaf(&mut self, value: &Value) -> mlua::Result<()> {
        self.pacer.step(self.lua, 1)?;
        if self.text.len() > self.longest {
            return Err(too_large());
        }
        match value {
            Value::String(text) => self.string(&text.as_bytes()),
            Value::Integer(number) => self.number(*number as f64),
            Value::Number(number) => self.number(*number),
            Value::Boolean(true) => self.word(b"true"),
            Value::Boolean(false) => self.word(b"false"),
            Value::Nil => self.word(b"null"),
            Value::LightUserData(pointer) if pointer.0.is_null() => self.word(b"null"),
            other => Err(refused(failure::type_name(other), "type not supported")),
        }
    }

    fn word(&mut self, word: &[u8]) -> mlua::Result<()> {
        self.text.extend_from_slice(word);
        Ok(())
    }

    fn number(&mut self, value: f64) -> mlua::Result<()> {
        if !value.is_finite() {
            match self.settings.encode_invalid.get() {
                Invalid::Refused => return Err(refused("number", "must not be NaN or Inf")),
                Invalid::Null => return self.word(b"null"),
                Invalid::Written if value.is_nan() => return self.word(b"nan"),
                Invalid::Written => {}
            }
        }
        number::write(
            &mut self.text,
            value,
            self.settings.number_precision.get() as usize,
        );
        Ok(())
    }

    fn string(&mut self, text: &[u8]) -> mlua::Result<()> {
        self.pacer.step(self.lua, text.len() / 64)?;
        if self.text.len() + text.len() > self.longest {
            return Err(too_large());
        }
        self.text.push(b'"');
        let mut rest = text;
        while let Some(special) = rest.iter().position(|&byte| must_be_escaped(byte)) {
            self.text.extend_from_slice(&rest[..special]);
            self.escape(rest[special]);
            rest = &rest[special + 1..];
            if self.text.len() > self.longest {
                return Err(too_large());
            }
        }
        self.text.extend_from_slice(rest);
        self.text.push(b'"');
        Ok(())
    }

    fn escape(&mut self, byte: u8) {
        let letter = match byte {
            b'"' | b'\\' | b'/' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let digits = [
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ];
                self.text.extend_from_slice(b"\\u00");
                self.text.extend_from_slice(&digits);
                return;
            }
        };
        self.text.extend_from_slice(&[b'\\', letter]);
    }
}

#[cold]
fn refused(kind: &str, reason: &str) -> Error {
    refusal(format!("Cannot serialise {kind}: {reason}"))
}

#[cold]
fn too_large() -> Error {
    refusal("resulting string too large".to_owned())
}

fn refusal(text: String) -> Error {
    Error::external(Refusal(text))
}

/// Why a value cannot be encoded, before it has a position: while a table is walked, the function that walks it is on Lua's stack.
#[derive(Debug)]
struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

fn must_be_escaped(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | b'/' | 0x7f)
}
