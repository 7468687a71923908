//! `cmsgpack`: values as MessagePack.
//!
//! A table whose keys are the integers from one to their number is an array (the empty table too), another one is a map. Tables inside
//! of sixteen others become nil, so that tables that contain themselves come to an end.

use mlua::{IntoLua, Lua, LuaString, MultiValue, Table, Value};

use super::arguments::{Arguments, truncate};
use super::failure;
use super::{Options, Pacer};

/// Tables within so many others are packed as nil.
const PACK_DEPTH: usize = 16;

/// How deep arrays and maps may be nested when they are unpacked.
const UNPACK_DEPTH: usize = 2_000;

/// How many values can be unpacked at once.
const RESULTS: usize = 7_990;

const TOO_MANY: &str =
    "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)";

/// What arguments say about which values are wanted: how many, and from where on.
type Range = fn(&Arguments<'_>) -> mlua::Result<(i64, i64)>;

/// The library's table.
pub(super) fn library(lua: &Lua, options: Options, pacer: &Pacer) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let pacer_of = pacer.clone();
    library.raw_set(
        "pack",
        lua.create_function(move |lua, arguments: MultiValue| {
            if arguments.is_empty() {
                return Err(failure::bad_argument(
                    lua,
                    0,
                    "MessagePack pack needs input.",
                ));
            }
            let mut packer = Packer {
                lua,
                pacer: &pacer_of,
                longest: options.longest,
                bytes: Vec::new(),
            };
            for value in &arguments {
                packer.value(value, 0)?;
            }
            lua.create_string(packer.bytes)
        })?,
    )?;
    let unpacks: [(&str, Range); 3] = [
        ("unpack", |_| Ok((0, 0))),
        ("unpack_one", |arguments| {
            Ok((1, arguments.integer_or(1, 0)?))
        }),
        ("unpack_limit", |arguments| {
            Ok((arguments.integer(1)?, arguments.integer_or(2, 0)?))
        }),
    ];
    for (name, range) in unpacks {
        let pacer = pacer.clone();
        library.raw_set(
            name,
            lua.create_function(move |lua, arguments: MultiValue| {
                let arguments = Arguments::new(lua, arguments);
                let (limit, offset) = range(&arguments)?;
                unpack(lua, &pacer, &arguments.string(0)?.as_bytes(), limit, offset)
            })?,
        )?;
    }
    library.raw_set("_NAME", "cmsgpack")?;
    library.raw_set("_VERSION", "lua-cmsgpack 0.4.0")?;
    library.raw_set("_COPYRIGHT", "Copyright (C) 2012, Redis Ltd.")?;
    library.raw_set("_DESCRIPTION", "MessagePack C implementation for Lua")?;
    Ok(library)
}

struct Packer<'a> {
    lua: &'a Lua,
    pacer: &'a Pacer,
    longest: usize,
    bytes: Vec<u8>,
}

impl Packer<'_> {
    /// A value within so many tables.
    fn value(&mut self, value: &Value, depth: usize) -> mlua::Result<()> {
        self.pacer.step(self.lua, 1)?;
        if self.bytes.len() > self.longest {
            return Err(failure::error(self.lua, "resulting string too large"));
        }
        match value {
            Value::String(text) => {
                let text = text.as_bytes();
                if self.bytes.len() + text.len() > self.longest {
                    return Err(failure::error(self.lua, "resulting string too large"));
                }
                self.pacer.step(self.lua, text.len() / 64)?;
                match text.len() {
                    length @ 0..32 => self.bytes.push(0xa0 | length as u8),
                    length @ 32..=0xff => self.bytes.extend_from_slice(&[0xd9, length as u8]),
                    length => self.header(0xda, length),
                }
                self.bytes.extend_from_slice(&text);
            }
            Value::Boolean(value) => self.bytes.push(0xc2 | u8::from(*value)),
            Value::Integer(value) => self.integer(*value),
            Value::Number(value) => self.number(*value),
            Value::Table(table) if depth < PACK_DEPTH => self.table(table, depth)?,
            _ => self.bytes.push(0xc0),
        }
        Ok(())
    }

    fn table(&mut self, table: &Table, depth: usize) -> mlua::Result<()> {
        let (count, is_array) = self.measure(table)?;
        if is_array {
            self.count(0x90, 0xdc, count);
            for index in 1..=count {
                let value = table.raw_get(index)?;
                self.value(&value, depth + 1)?;
            }
        } else {
            self.count(0x80, 0xde, count);
            table.for_each(|key: Value, value: Value| {
                self.value(&key, depth + 1)?;
                self.value(&value, depth + 1)
            })?;
        }
        Ok(())
    }

    /// How many elements a table has, and whether it is an array. Values are not looked at: as booleans they cost nothing.
    fn measure(&self, table: &Table) -> mlua::Result<(usize, bool)> {
        let (mut count, mut most, mut only_positions) = (0_usize, 0.0_f64, true);
        table.for_each(|key: Value, _: bool| {
            let key = match key {
                Value::Integer(key) => key as f64,
                Value::Number(key) => key,
                _ => 0.0,
            };
            only_positions &= key > 0.0 && key.fract() == 0.0 && key <= f64::from(i32::MAX);
            most = most.max(key);
            count += 1;
            self.pacer.step(self.lua, 1)
        })?;
        Ok((count, only_positions && most == count as f64))
    }

    /// The header of an array or a map.
    fn count(&mut self, small: u8, large: u8, count: usize) {
        match count {
            0..16 => self.bytes.push(small | count as u8),
            _ => self.header(large, count),
        }
    }

    /// A length of 16 bits behind this byte, or of 32 behind the next.
    fn header(&mut self, tag: u8, length: usize) {
        match u16::try_from(length) {
            Ok(length) => {
                self.bytes.push(tag);
                self.bytes.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => {
                self.bytes.push(tag + 1);
                self.bytes.extend_from_slice(&(length as u32).to_be_bytes());
            }
        }
    }

    fn number(&mut self, value: f64) {
        if value.is_finite() && truncate(value) as f64 == value {
            return self.integer(truncate(value));
        }
        let short = value as f32;
        if f64::from(short) == value {
            self.bytes.push(0xca);
            self.bytes.extend_from_slice(&short.to_be_bytes());
        } else {
            self.bytes.push(0xcb);
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// An integer in as few bytes as it takes.
    fn integer(&mut self, value: i64) {
        let bytes = value.to_be_bytes();
        let (tag, width) = match value {
            -32..=127 => return self.bytes.push(value as u8),
            128..=0xff => (0xcc, 1),
            0x100..=0xffff => (0xcd, 2),
            0x1_0000..=0xffff_ffff => (0xce, 4),
            0x1_0000_0000.. => (0xcf, 8),
            -0x80..-32 => (0xd0, 1),
            -0x8000..-0x80 => (0xd1, 2),
            -0x8000_0000..-0x8000 => (0xd2, 4),
            _ => (0xd3, 8),
        };
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&bytes[8 - width..]);
    }
}

/// Up to `limit` values from an offset on, behind the offset of what is left; or all values, if both are zero.
fn unpack(
    lua: &Lua,
    pacer: &Pacer,
    bytes: &[u8],
    limit: i64,
    offset: i64,
) -> mlua::Result<MultiValue> {
    let length = bytes.len();
    if offset < 0 || limit < 0 {
        let (offset, length) = (offset as i32, length as i32);
        let text =
            format!("Invalid request to unpack with offset of {offset} and limit of {length}.");
        return Err(failure::error(lua, text));
    }
    let Some(rest) = usize::try_from(offset)
        .ok()
        .and_then(|offset| bytes.get(offset..))
    else {
        let text = format!(
            "Start offset {} greater than input length {}.",
            offset as i32, length as i32
        );
        return Err(failure::error(lua, text));
    };
    let all = limit == 0 && offset == 0;
    let mut unpacker = Unpacker { lua, pacer, rest };
    let mut values = Vec::new();
    while !unpacker.rest.is_empty() && (all || (values.len() as i64) < limit) {
        if values.len() >= RESULTS {
            return Err(failure::error(lua, TOO_MANY));
        }
        values.push(unpacker.value()?);
    }
    if !all {
        let left = unpacker.rest.len();
        let next = if left == 0 {
            -1.0
        } else {
            (length - left) as f64
        };
        values.insert(0, Value::Number(next));
    }
    Ok(MultiValue::from_vec(values))
}

struct Unpacker<'a> {
    lua: &'a Lua,
    pacer: &'a Pacer,
    rest: &'a [u8],
}

/// What an object's first bytes say.
enum Object<'a> {
    Value(Value),
    Text(&'a [u8]),
    Array(usize),
    Map(usize),
}

/// An array or a map being filled.
enum Open {
    Array {
        table: Table,
        index: usize,
        length: usize,
    },
    Map {
        table: Table,
        key: Option<Value>,
        left: usize,
    },
}

impl<'a> Unpacker<'a> {
    /// The next value with all that is inside it.
    fn value(&mut self) -> mlua::Result<Value> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.pacer.step(self.lua, 1)?;
            let table = match self.object()? {
                Object::Array(length) => {
                    let table = self.descend(open.len())?;
                    if length > 0 {
                        open.push(Open::Array {
                            table,
                            index: 1,
                            length,
                        });
                        continue;
                    }
                    table
                }
                Object::Map(left) => {
                    let table = self.descend(open.len())?;
                    if left > 0 {
                        open.push(Open::Map {
                            table,
                            key: None,
                            left,
                        });
                        continue;
                    }
                    table
                }
                Object::Text(text) => {
                    self.pacer.step(self.lua, text.len() / 64)?;
                    if open.is_empty() {
                        return self.lua.create_string(text).map(Value::String);
                    }
                    match self.put(&mut open, LuaString::wrap(text))? {
                        Some(table) => table,
                        None => continue,
                    }
                }
                Object::Value(value) if open.is_empty() => return Ok(value),
                Object::Value(value) => match self.put(&mut open, value)? {
                    Some(table) => table,
                    None => continue,
                },
            };
            // A table is complete, and it may complete those around it.
            let mut complete = table;
            loop {
                if open.is_empty() {
                    return Ok(Value::Table(complete));
                }
                match self.put(&mut open, complete)? {
                    Some(around) => complete = around,
                    None => break,
                }
            }
        }
    }

    /// Puts a value where it belongs; the table it belongs to, taken off, if that is complete now.
    fn put(&self, open: &mut Vec<Open>, value: impl IntoLua) -> mlua::Result<Option<Table>> {
        let complete = match open.last_mut() {
            Some(Open::Array {
                table,
                index,
                length,
            }) => {
                table.raw_set(*index, value)?;
                *index += 1;
                *index > *length
            }
            Some(Open::Map { table, key, left }) => match key.take() {
                None => {
                    *key = Some(value.into_lua(self.lua)?);
                    false
                }
                Some(Value::Nil) => return Err(mlua::Error::runtime("table index is nil")),
                Some(Value::Number(number)) if number.is_nan() => {
                    return Err(mlua::Error::runtime("table index is NaN"));
                }
                Some(key) => {
                    table.raw_set(key, value)?;
                    *left -= 1;
                    *left == 0
                }
            },
            None => false,
        };
        if !complete {
            return Ok(None);
        }
        Ok(open.pop().map(|level| match level {
            Open::Array { table, .. } | Open::Map { table, .. } => table,
        }))
    }

    fn descend(&self, around: usize) -> mlua::Result<Table> {
        if around >= UNPACK_DEPTH {
            return Err(failure::error(self.lua, TOO_MANY));
        }
        self.lua.create_table()
    }

    /// The next object's first bytes.
    fn object(&mut self) -> mlua::Result<Object<'a>> {
        let [tag] = self.take::<1>()?;
        let number = |value: f64| Ok(Object::Value(Value::Number(value)));
        match tag {
            0x00..=0x7f => number(f64::from(tag)),
            0xe0..=0xff => number(f64::from(tag.cast_signed())),
            0x80..=0x8f => Ok(Object::Map(usize::from(tag & 0x0f))),
            0x90..=0x9f => Ok(Object::Array(usize::from(tag & 0x0f))),
            0xa0..=0xbf => self.text(usize::from(tag & 0x1f)),
            0xc0 => Ok(Object::Value(Value::Nil)),
            0xc2 => Ok(Object::Value(Value::Boolean(false))),
            0xc3 => Ok(Object::Value(Value::Boolean(true))),
            0xca => number(f64::from(f32::from_be_bytes(self.take()?))),
            0xcb => number(f64::from_be_bytes(self.take()?)),
            0xcc => number(f64::from(u8::from_be_bytes(self.take()?))),
            0xcd => number(f64::from(u16::from_be_bytes(self.take()?))),
            0xce => number(f64::from(u32::from_be_bytes(self.take()?))),
            // The peers take this one for signed as well.
            0xcf | 0xd3 => number(i64::from_be_bytes(self.take()?) as f64),
            0xd0 => number(f64::from(i8::from_be_bytes(self.take()?))),
            0xd1 => number(f64::from(i16::from_be_bytes(self.take()?))),
            0xd2 => number(f64::from(i32::from_be_bytes(self.take()?))),
            0xd9 => self.length::<1>().and_then(|length| self.text(length)),
            0xda => self.length::<2>().and_then(|length| self.text(length)),
            0xdb => self.length::<4>().and_then(|length| self.text(length)),
            0xdc => self.length::<2>().map(Object::Array),
            0xdd => self.length::<4>().map(Object::Array),
            0xde => self.length::<2>().map(Object::Map),
            0xdf => self.length::<4>().map(Object::Map),
            _ => Err(failure::error(self.lua, "Bad data format in input.")),
        }
    }

    fn length<const WIDTH: usize>(&mut self) -> mlua::Result<usize> {
        Ok(self
            .take::<WIDTH>()?
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte)))
    }

    fn text(&mut self, length: usize) -> mlua::Result<Object<'a>> {
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.missing())?;
        self.rest = rest;
        Ok(Object::Text(text))
    }

    fn take<const WIDTH: usize>(&mut self) -> mlua::Result<[u8; WIDTH]> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.missing())?;
        self.rest = rest;
        Ok(*bytes)
    }

    #[cold]
    fn missing(&self) -> mlua::Error {
        failure::error(self.lua, "Missing bytes in input.")
    }
}
