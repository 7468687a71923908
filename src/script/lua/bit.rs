//! `bit`: operations on 32-bit integers.

use mlua::{Lua, LuaString, MultiValue, Table};

use super::arguments::Arguments;

/// The low 32 bits of an argument rounded to the nearest integer, as adding 2^52 + 2^51 leaves them in a double.
fn bits(arguments: &Arguments<'_>, index: usize) -> mlua::Result<u32> {
    const INTEGERS_FROM_HERE: f64 = 6_755_399_441_055_744.0;
    Ok((arguments.number(index)? + INTEGERS_FROM_HERE).to_bits() as u32)
}

/// A result: the bits as a signed number.
fn signed(bits: u32) -> i32 {
    bits.cast_signed()
}

type Map = fn(u32) -> u32;
type Fold = fn(u32, u32) -> u32;

/// The library's table.
pub(super) fn library(lua: &Lua) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let unary: [(&str, Map); 3] = [
        ("tobit", |b| b),
        ("bnot", |b| !b),
        ("bswap", u32::swap_bytes),
    ];
    for (name, operation) in unary {
        library.raw_set(
            name,
            lua.create_function(move |lua, arguments: MultiValue| {
                Ok(signed(operation(bits(&Arguments::new(lua, arguments), 0)?)))
            })?,
        )?;
    }
    let folds: [(&str, Fold); 3] = [
        ("band", |a, b| a & b),
        ("bor", |a, b| a | b),
        ("bxor", |a, b| a ^ b),
    ];
    for (name, operation) in folds {
        library.raw_set(
            name,
            lua.create_function(move |lua, arguments: MultiValue| {
                let arguments = Arguments::new(lua, arguments);
                let mut result = bits(&arguments, 0)?;
                for index in 1..arguments.count() {
                    result = operation(result, bits(&arguments, index)?);
                }
                Ok(signed(result))
            })?,
        )?;
    }
    let shifts: [(&str, Fold); 5] = [
        ("lshift", |b, n| b << n),
        ("rshift", |b, n| b >> n),
        ("arshift", |b, n| (b.cast_signed() >> n).cast_unsigned()),
        ("rol", u32::rotate_left),
        ("ror", u32::rotate_right),
    ];
    for (name, operation) in shifts {
        library.raw_set(
            name,
            lua.create_function(move |lua, arguments: MultiValue| {
                let arguments = Arguments::new(lua, arguments);
                Ok(signed(operation(
                    bits(&arguments, 0)?,
                    bits(&arguments, 1)? & 31,
                )))
            })?,
        )?;
    }
    library.raw_set("tohex", lua.create_function(tohex)?)?;
    Ok(library)
}

/// `bit.tohex(x [, digits])`: that many of the low digits, in capitals for a negative number of them.
fn tohex(lua: &Lua, arguments: MultiValue) -> mlua::Result<LuaString> {
    let arguments = Arguments::new(lua, arguments);
    let value = bits(&arguments, 0)?;
    let digits = if arguments.count() < 2 {
        8
    } else {
        signed(bits(&arguments, 1)?)
    };
    let text = if digits < 0 {
        format!("{value:08X}")
    } else {
        format!("{value:08x}")
    };
    let shown = digits.unsigned_abs().min(8) as usize;
    lua.create_string(&text[8 - shown..])
}
