//! `cjson`: values as JSON, with the forms, the settings and the messages of Lua CJSON 2.1.
//!
//! Null is `cjson.null`, a light userdata. An empty table is an object. A table whose keys are all positive integers is an array, unless
//! it has far more holes than elements.

mod decode;
mod encode;

use std::cell::Cell;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, Value};

use super::arguments::Arguments;
use super::failure;
use super::{Options, Pacer};

/// No setting allows more nesting: references to the tables around a value are few in an instance of Lua.
const DEEPEST: usize = 2000;

/// What encoding does with a number that JSON has no form for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Refused,
    Written,
    Null,
}

/// The settings of a `cjson` table.
#[derive(Debug)]
pub(super) struct Settings {
    sparse_convert: Cell<bool>,
    sparse_ratio: Cell<i32>,
    sparse_safe: Cell<i32>,
    encode_max_depth: Cell<i32>,
    decode_max_depth: Cell<i32>,
    number_precision: Cell<i32>,
    keep_buffer: Cell<bool>,
    encode_invalid: Cell<Invalid>,
    decode_invalid: Cell<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sparse_convert: Cell::new(false),
            sparse_ratio: Cell::new(2),
            sparse_safe: Cell::new(10),
            encode_max_depth: Cell::new(1000),
            decode_max_depth: Cell::new(1000),
            number_precision: Cell::new(14),
            keep_buffer: Cell::new(true),
            encode_invalid: Cell::new(Invalid::Refused),
            decode_invalid: Cell::new(true),
        }
    }
}

impl Settings {
    /// Back to what they are at first.
    pub(super) fn reset(&self) {
        let fresh = Self::default();
        self.sparse_convert.swap(&fresh.sparse_convert);
        self.sparse_ratio.swap(&fresh.sparse_ratio);
        self.sparse_safe.swap(&fresh.sparse_safe);
        self.encode_max_depth.swap(&fresh.encode_max_depth);
        self.decode_max_depth.swap(&fresh.decode_max_depth);
        self.number_precision.swap(&fresh.number_precision);
        self.keep_buffer.swap(&fresh.keep_buffer);
        self.encode_invalid.swap(&fresh.encode_invalid);
        self.decode_invalid.swap(&fresh.decode_invalid);
    }
}

type Setting = fn(&Settings, &Arguments<'_>) -> mlua::Result<MultiValue>;

/// A `cjson` table over these settings.
pub(super) fn library(
    lua: &Lua,
    options: Options,
    pacer: &Pacer,
    settings: &Rc<Settings>,
) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let codec = (pacer.clone(), Rc::clone(settings));
    let (pacer_of, settings_of) = codec.clone();
    library.raw_set(
        "encode",
        lua.create_function(move |lua, arguments: MultiValue| {
            only_argument(lua, &arguments)?;
            let encoder = encode::Encoder::new(lua, &pacer_of, &settings_of, options.longest);
            lua.create_string(encoder.encode(&arguments[0])?)
        })?,
    )?;
    let (pacer_of, settings_of) = codec;
    library.raw_set(
        "decode",
        lua.create_function(move |lua, arguments: MultiValue| {
            only_argument(lua, &arguments)?;
            let text = Arguments::new(lua, arguments).string(0)?;
            decode::decode(lua, &pacer_of, &settings_of, &text.as_bytes())
        })?,
    )?;
    let of_settings: [(&str, usize, Setting); 7] = [
        ("encode_sparse_array", 3, |settings, arguments| {
            Ok(MultiValue::from_iter([
                flag(arguments, 0, &settings.sparse_convert)?,
                integer(arguments, 1, &settings.sparse_ratio, 0, i32::MAX)?,
                integer(arguments, 2, &settings.sparse_safe, 0, i32::MAX)?,
            ]))
        }),
        ("encode_max_depth", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([integer(
                arguments,
                0,
                &settings.encode_max_depth,
                1,
                i32::MAX,
            )?]))
        }),
        ("decode_max_depth", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([integer(
                arguments,
                0,
                &settings.decode_max_depth,
                1,
                i32::MAX,
            )?]))
        }),
        ("encode_number_precision", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([integer(
                arguments,
                0,
                &settings.number_precision,
                1,
                14,
            )?]))
        }),
        ("encode_keep_buffer", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([flag(
                arguments,
                0,
                &settings.keep_buffer,
            )?]))
        }),
        ("encode_invalid_numbers", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([invalid_numbers(
                arguments,
                &settings.encode_invalid,
            )?]))
        }),
        ("decode_invalid_numbers", 1, |settings, arguments| {
            Ok(MultiValue::from_iter([flag(
                arguments,
                0,
                &settings.decode_invalid,
            )?]))
        }),
    ];
    for (name, most, setting) in of_settings {
        let settings = Rc::clone(settings);
        library.raw_set(
            name,
            lua.create_function(move |lua, arguments: MultiValue| {
                let arguments = Arguments::new(lua, arguments);
                if arguments.count() > most {
                    return Err(arguments.bad(most, "found too many arguments"));
                }
                setting(&settings, &arguments)
            })?,
        )?;
    }
    let pacer = pacer.clone();
    library.raw_set(
        "new",
        lua.create_function(move |lua, ()| library_of_its_own(lua, options, &pacer))?,
    )?;
    library.raw_set("null", Value::NULL)?;
    library.raw_set("_NAME", "cjson")?;
    library.raw_set("_VERSION", "2.1.0")?;
    Ok(library)
}

/// `cjson.new`: a table with settings of its own.
fn library_of_its_own(lua: &Lua, options: Options, pacer: &Pacer) -> mlua::Result<Table> {
    library(lua, options, pacer, &Rc::default())
}

fn only_argument(lua: &Lua, arguments: &MultiValue) -> mlua::Result<()> {
    match arguments.len() {
        1 => Ok(()),
        _ => Err(failure::bad_argument(lua, 1, "expected 1 argument")),
    }
}

/// A setting that is a number: what it is now, or from now on.
fn integer(
    arguments: &Arguments<'_>,
    index: usize,
    setting: &Cell<i32>,
    least: i32,
    most: i32,
) -> mlua::Result<Value> {
    if !arguments.get(index).is_nil() {
        let value = arguments.integer(index)? as i32;
        if value < least || value > most {
            return Err(arguments.bad(
                0,
                format_args!("expected integer between {least} and {most}"),
            ));
        }
        setting.set(value);
    }
    Ok(Value::Number(f64::from(setting.get())))
}

/// A setting that is on or off.
fn flag(arguments: &Arguments<'_>, index: usize, setting: &Cell<bool>) -> mlua::Result<Value> {
    match arguments.get(index) {
        Value::Nil => {}
        Value::Boolean(value) => setting.set(*value),
        _ => setting.set(option(arguments, index, &["off", "on"])? == 1),
    }
    Ok(Value::Boolean(setting.get()))
}

fn invalid_numbers(arguments: &Arguments<'_>, setting: &Cell<Invalid>) -> mlua::Result<Value> {
    const CHOICES: [Invalid; 3] = [Invalid::Refused, Invalid::Written, Invalid::Null];
    match arguments.get(0) {
        Value::Nil => {}
        Value::Boolean(value) => setting.set(CHOICES[usize::from(*value)]),
        _ => setting.set(CHOICES[option(arguments, 0, &["off", "on", "null"])?]),
    }
    match setting.get() {
        Invalid::Refused => Ok(Value::Boolean(false)),
        Invalid::Written => Ok(Value::Boolean(true)),
        Invalid::Null => arguments.text("null"),
    }
}

/// Which of these words an argument is.
fn option(arguments: &Arguments<'_>, index: usize, choices: &[&str]) -> mlua::Result<usize> {
    let word = arguments.string(index)?;
    let word = word.as_bytes();
    choices
        .iter()
        .position(|choice| choice.as_bytes() == &*word)
        .ok_or_else(|| {
            arguments.bad(
                index,
                format_args!("invalid option '{}'", String::from_utf8_lossy(&word)),
            )
        })
}
