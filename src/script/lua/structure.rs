//! `struct`: values as the bytes of C structures, by a format string.
//!
//! `b B h H l L T` are signed and unsigned integers of 1, 2, 8 and again 8 bytes, `i I` of as many as follow (4), `f d` are floats, `s`
//! is a string with its zero byte, `c` one of as many bytes as follow (1; 0 is all there are, or as many as the number before says),
//! `x` is a byte of padding. `<` and `>` set the order of bytes, `!` the greatest alignment.

use mlua::{Lua, LuaString, MultiValue, Table, Value};

use super::arguments::{Arguments, truncate};
use super::failure;
use super::{Options, Pacer};

/// The widest integer, in bytes.
const WIDEST: usize = 32;

/// What a function of C can leave on Lua's stack.
const RESULTS: usize = 7_990;

/// The library's table.
pub(super) fn library(lua: &Lua, options: Options, pacer: &Pacer) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let pacer_of = pacer.clone();
    library.raw_set(
        "pack",
        lua.create_function(move |lua, arguments: MultiValue| {
            pack(
                lua,
                &pacer_of,
                options.longest,
                &Arguments::new(lua, arguments),
            )
        })?,
    )?;
    let pacer_of = pacer.clone();
    library.raw_set(
        "unpack",
        lua.create_function(move |lua, arguments: MultiValue| {
            unpack(lua, &pacer_of, &Arguments::new(lua, arguments))
        })?,
    )?;
    let pacer_of = pacer.clone();
    library.raw_set(
        "size",
        lua.create_function(move |lua, arguments: MultiValue| {
            size(lua, &pacer_of, &Arguments::new(lua, arguments))
        })?,
    )?;
    Ok(library)
}

/// A format being read. A zero byte ends it.
struct Format<'a> {
    lua: &'a Lua,
    rest: &'a [u8],
    big_endian: bool,
    align: usize,
}

/// One letter of a format, with the size it has or was given.
struct Field {
    letter: u8,
    size: usize,
}

impl<'a> Format<'a> {
    fn new(lua: &'a Lua, text: &'a [u8]) -> Self {
        Self {
            lua,
            rest: text,
            big_endian: false,
            align: 1,
        }
    }

    fn next(&mut self) -> mlua::Result<Option<Field>> {
        let letter = match self.rest.split_first() {
            None | Some((0, _)) => return Ok(None),
            Some((&letter, rest)) => {
                self.rest = rest;
                letter
            }
        };
        let size = match letter {
            b'b' | b'B' | b'x' => 1,
            b'h' | b'H' => 2,
            b'f' => 4,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'c' => self.number(1)?,
            b'i' | b'I' => match self.number(4)? {
                size if size > WIDEST => {
                    let text = format!("integral size {size} is larger than limit of {WIDEST}");
                    return Err(failure::error(self.lua, text));
                }
                size => size,
            },
            _ => 0,
        };
        Ok(Some(Field { letter, size }))
    }

    /// The number that follows, if one does.
    fn number(&mut self, default: usize) -> mlua::Result<usize> {
        let mut number: Option<i32> = None;
        while let Some((&digit, rest)) = self
            .rest
            .split_first()
            .filter(|(digit, _)| digit.is_ascii_digit())
        {
            let next = number
                .unwrap_or(0)
                .checked_mul(10)
                .and_then(|tens| tens.checked_add(i32::from(digit - b'0')));
            number = Some(next.ok_or_else(|| failure::error(self.lua, "integral size overflow"))?);
            self.rest = rest;
        }
        Ok(number.map_or(default, |number| number as usize))
    }

    /// How many bytes of padding a field needs behind so many bytes.
    fn padding(&self, length: usize, field: &Field) -> usize {
        if field.size == 0 || field.letter == b'c' {
            return 0;
        }
        let size = field.size.min(self.align);
        size.wrapping_sub(length & (size - 1)) & (size - 1)
    }

    /// A letter that stands for no field.
    fn control(&mut self, letter: u8) -> mlua::Result<()> {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number(8)?;
                if !align.is_power_of_two() {
                    return Err(failure::error(
                        self.lua,
                        format_args!("alignment {align} is not a power of 2"),
                    ));
                }
                self.align = align;
            }
            other => {
                let text = format!("invalid format option '{}'", char::from(other));
                return Err(failure::bad_argument(self.lua, 1, text));
            }
        }
        Ok(())
    }
}

fn pack(
    lua: &Lua,
    pacer: &Pacer,
    longest: usize,
    arguments: &Arguments<'_>,
) -> mlua::Result<LuaString> {
    let text = arguments.string(0)?;
    let text = text.as_bytes();
    let mut format = Format::new(lua, &text);
    let mut bytes: Vec<u8> = Vec::new();
    let mut index = 1;
    while let Some(field) = format.next()? {
        pacer.step(lua, 1)?;
        bytes.resize(bytes.len() + format.padding(bytes.len(), &field), 0);
        match field.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                let value = integer_bits(arguments.number(index)?);
                let mut image = [0; WIDEST];
                image[..8].copy_from_slice(&value.to_le_bytes());
                let image = &mut image[..field.size];
                if format.big_endian {
                    image.reverse();
                }
                bytes.extend_from_slice(image);
                index += 1;
            }
            b'x' => bytes.push(0),
            b'f' => {
                let value = arguments.number(index)? as f32;
                bytes.extend_from_slice(&if format.big_endian {
                    value.to_be_bytes()
                } else {
                    value.to_le_bytes()
                });
                index += 1;
            }
            b'd' => {
                let value = arguments.number(index)?;
                bytes.extend_from_slice(&if format.big_endian {
                    value.to_be_bytes()
                } else {
                    value.to_le_bytes()
                });
                index += 1;
            }
            b'c' | b's' => {
                let value = arguments.string(index)?;
                let value = value.as_bytes();
                index += 1;
                let size = if field.size == 0 {
                    value.len()
                } else {
                    field.size
                };
                let Some(value) = value.get(..size) else {
                    return Err(arguments.bad(index, "string too short"));
                };
                if bytes.len() + size > longest {
                    return Err(failure::error(lua, "resulting string too large"));
                }
                pacer.step(lua, size / 64)?;
                bytes.extend_from_slice(value);
                if field.letter == b's' {
                    bytes.push(0);
                }
            }
            letter => format.control(letter)?,
        }
    }
    lua.create_string(bytes)
}

fn unpack(lua: &Lua, pacer: &Pacer, arguments: &Arguments<'_>) -> mlua::Result<MultiValue> {
    let (text, data) = (arguments.string(0)?, arguments.string(1)?);
    let (text, data) = (text.as_bytes(), data.as_bytes());
    let mut at = arguments.integer_or(2, 1)? as usize;
    if at == 0 {
        return Err(arguments.bad(2, "offset must be 1 or greater"));
    }
    at -= 1;
    let mut format = Format::new(lua, &text);
    let mut results: Vec<Value> = Vec::new();
    while let Some(field) = format.next()? {
        pacer.step(lua, 1)?;
        at = at.saturating_add(format.padding(at, &field));
        let piece = |size: usize| {
            let end = at.checked_add(size);
            end.and_then(|end| data.get(at..end))
                .ok_or_else(|| arguments.bad(1, "data string too short"))
        };
        let mut size = field.size;
        let image = piece(size)?;
        if results.len() >= RESULTS {
            return Err(failure::error(lua, "stack overflow (too many results)"));
        }
        match field.letter {
            b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                results.push(Value::Number(read_integer(
                    image,
                    format.big_endian,
                    field.letter.is_ascii_lowercase(),
                )));
            }
            b'x' => {}
            b'f' => {
                let mut bytes = [0; 4];
                bytes.copy_from_slice(image);
                let value = if format.big_endian {
                    f32::from_be_bytes(bytes)
                } else {
                    f32::from_le_bytes(bytes)
                };
                results.push(Value::Number(f64::from(value)));
            }
            b'd' => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(image);
                let value = if format.big_endian {
                    f64::from_be_bytes(bytes)
                } else {
                    f64::from_le_bytes(bytes)
                };
                results.push(Value::Number(value));
            }
            b'c' => {
                let mut image = image;
                if size == 0 {
                    let length = match results.pop() {
                        Some(value) => lua.coerce_number(value)?,
                        None => None,
                    };
                    let length = length
                        .ok_or_else(|| failure::error(lua, "format 'c0' needs a previous size"))?;
                    size = usize::try_from(truncate(length)).unwrap_or(usize::MAX);
                    image = piece(size)?;
                }
                results.push(Value::String(lua.create_string(image)?));
            }
            b's' => {
                let rest = &data[at..];
                let length = memchr::memchr(0, rest)
                    .ok_or_else(|| failure::error(lua, "unfinished string in data"))?;
                size = length + 1;
                results.push(Value::String(lua.create_string(&rest[..length])?));
            }
            letter => format.control(letter)?,
        }
        at += size;
    }
    results.push(Value::Number(at as f64 + 1.0));
    Ok(MultiValue::from_vec(results))
}

fn size(lua: &Lua, pacer: &Pacer, arguments: &Arguments<'_>) -> mlua::Result<f64> {
    let text = arguments.string(0)?;
    let text = text.as_bytes();
    let mut format = Format::new(lua, &text);
    let mut length = 0_usize;
    while let Some(field) = format.next()? {
        pacer.step(lua, 1)?;
        length = length.wrapping_add(format.padding(length, &field));
        match field.letter {
            b's' => return Err(arguments.bad(0, "option 's' has no fixed size")),
            b'c' if field.size == 0 => {
                return Err(arguments.bad(0, "option 'c0' has no fixed size"));
            }
            letter if !letter.is_ascii_alphanumeric() => format.control(letter)?,
            _ => {}
        }
        length = length.wrapping_add(field.size);
    }
    Ok(length as f64)
}

/// The low 64 bits of a number, as C's conversions to its integers leave them.
fn integer_bits(number: f64) -> u64 {
    if number < 9_223_372_036_854_775_808.0 {
        truncate(number).cast_unsigned()
    } else {
        truncate(number - 9_223_372_036_854_775_808.0).cast_unsigned() ^ 1 << 63
    }
}

/// An integer of any width as the number it is. What is beyond the low 64 bits is not looked at.
fn read_integer(image: &[u8], big_endian: bool, signed: bool) -> f64 {
    let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let value = if big_endian {
        image.iter().fold(0, fold)
    } else {
        image.iter().rev().fold(0, fold)
    };
    if !signed || image.is_empty() {
        return value as f64;
    }
    let spare = 64 - 8 * image.len().min(8);
    ((value << spare).cast_signed() >> spare) as f64
}
