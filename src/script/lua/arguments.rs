//! The arguments of a library function, checked and converted as Lua's auxiliary library does it, with its messages.

use mlua::{Lua, LuaString, MultiValue, Value};

use super::failure;

/// Arguments by their place, counted from zero; messages count from one.
pub(super) struct Arguments<'a> {
    lua: &'a Lua,
    values: MultiValue,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(lua: &'a Lua, values: MultiValue) -> Self {
        Self { lua, values }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// The value there, nil beyond the last.
    pub(super) fn get(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Nil)
    }

    pub(super) fn wrong(&self, index: usize, expected: &str) -> mlua::Error {
        failure::wrong_type(self.lua, index + 1, expected, self.values.get(index))
    }

    pub(super) fn bad(&self, index: usize, text: impl std::fmt::Display) -> mlua::Error {
        failure::bad_argument(self.lua, index + 1, text)
    }

    /// A string, or a number as the string Lua makes of it.
    pub(super) fn string(&self, index: usize) -> mlua::Result<LuaString> {
        match self.get(index) {
            Value::String(string) => Ok(string.clone()),
            number @ (Value::Integer(_) | Value::Number(_)) => self
                .lua
                .coerce_string(number.clone())?
                .ok_or_else(|| self.wrong(index, "string")),
            _ => Err(self.wrong(index, "string")),
        }
    }

    /// A text as a value.
    pub(super) fn text(&self, text: &str) -> mlua::Result<Value> {
        self.lua.create_string(text).map(Value::String)
    }

    /// Whether there is anything but nil and false.
    pub(super) fn flag(&self, index: usize) -> bool {
        !matches!(self.get(index), Value::Nil | Value::Boolean(false))
    }

    /// A number, or a string that reads as one.
    pub(super) fn number(&self, index: usize) -> mlua::Result<f64> {
        match self.get(index) {
            Value::Integer(integer) => Ok(*integer as f64),
            Value::Number(number) => Ok(*number),
            text @ Value::String(_) => self
                .lua
                .coerce_number(text.clone())?
                .ok_or_else(|| self.wrong(index, "number")),
            _ => Err(self.wrong(index, "number")),
        }
    }

    /// A number cut to an integer, as C's conversion does on the machines the peers run on.
    pub(super) fn integer(&self, index: usize) -> mlua::Result<i64> {
        self.number(index).map(truncate)
    }

    /// The integer, or this one if there is nil or nothing.
    pub(super) fn integer_or(&self, index: usize, default: i64) -> mlua::Result<i64> {
        if self.get(index).is_nil() {
            Ok(default)
        } else {
            self.integer(index)
        }
    }
}

/// A double as a 64-bit integer. What does not fit is the least integer, as x86-64 has it.
pub(super) fn truncate(number: f64) -> i64 {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if (-BEYOND..BEYOND).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}
