//! The functions of `string` that search or repeat: `find`, `match`, `gmatch`, `gsub` and `rep`.

use memchr::memmem;
use mlua::{Lua, LuaString, MultiValue, Table, Value};

use super::arguments::Arguments;
use super::failure;
use super::pattern::{Matcher, Piece};
use super::{Options, Pacer};

/// The functions that replace those of the library in C.
pub(super) fn library(lua: &Lua, options: Options, pacer: &Pacer) -> mlua::Result<Table> {
    let library = lua.create_table()?;
    let with = |run: fn(&Lua, &Pacer, &Arguments<'_>) -> mlua::Result<MultiValue>| {
        let pacer = pacer.clone();
        lua.create_function(move |lua, arguments: MultiValue| {
            run(lua, &pacer, &Arguments::new(lua, arguments))
        })
    };
    library.raw_set(
        "find",
        with(|lua, pacer, arguments| search(lua, pacer, arguments, true))?,
    )?;
    library.raw_set(
        "match",
        with(|lua, pacer, arguments| search(lua, pacer, arguments, false))?,
    )?;
    let longest = options.longest;
    let gsub_pacer = pacer.clone();
    library.raw_set(
        "gsub",
        lua.create_function(move |lua, arguments: MultiValue| {
            gsub(lua, &gsub_pacer, longest, &Arguments::new(lua, arguments))
        })?,
    )?;
    library.raw_set(
        "rep",
        lua.create_function(move |lua, arguments: MultiValue| {
            rep(lua, longest, &Arguments::new(lua, arguments))
        })?,
    )?;
    Ok(library)
}

/// `string.find` and `string.match`.
fn search(
    lua: &Lua,
    pacer: &Pacer,
    arguments: &Arguments<'_>,
    find: bool,
) -> mlua::Result<MultiValue> {
    let (source, pattern) = (arguments.string(0)?, arguments.string(1)?);
    let (source, pattern) = (source.as_bytes(), pattern.as_bytes());
    let first = start(arguments.integer_or(2, 1)?, source.len());
    if find && (arguments.flag(3) || !is_special(&pattern)) {
        pacer.step(lua, (source.len() - first) / 64)?;
        return Ok(match memmem::find(&source[first..], &pattern) {
            Some(offset) => [first + offset + 1, first + offset + pattern.len()]
                .map(number)
                .into_iter()
                .collect(),
            None => MultiValue::from_iter([Value::Nil]),
        });
    }
    let (anchored, pattern) = without_anchor(&pattern);
    let mut matcher = Matcher::new(lua, pacer, &source, pattern);
    for at in first..=source.len() {
        if let Some(end) = matcher.match_at(at)? {
            if !find {
                return values(&matcher, at, end);
            }
            let captures = (0..matcher.captured()).map(|index| matcher.value(index, at, end));
            return [number(at + 1), number(end)]
                .into_iter()
                .map(Ok)
                .chain(captures)
                .collect();
        }
        if anchored {
            break;
        }
    }
    Ok(MultiValue::from_iter([Value::Nil]))
}

/// For `gmatch` and `gsub` with a function: where the next match from a position on begins and ends, and its captures, or nil.
/// `literally` is whether an anchor is none.
fn seek(lua: &Lua, pacer: &Pacer, arguments: &Arguments<'_>) -> mlua::Result<MultiValue> {
    let (source, pattern) = (arguments.string(0)?, arguments.string(1)?);
    let (source, whole) = (source.as_bytes(), pattern.as_bytes());
    let first = start(arguments.integer(2)?, usize::MAX);
    let (anchored, pattern) = if arguments.flag(3) {
        (false, &whole[..])
    } else {
        without_anchor(&whole)
    };
    let mut matcher = Matcher::new(lua, pacer, &source, pattern);
    for at in first..=source.len() {
        if let Some(end) = matcher.match_at(at)? {
            let captures = (0..matcher.count()).map(|index| matcher.value(index, at, end));
            return [number(at + 1), number(end)]
                .into_iter()
                .map(Ok)
                .chain(captures)
                .collect();
        }
        if anchored {
            break;
        }
    }
    Ok(MultiValue::from_iter([Value::Nil]))
}

/// The arguments of `gmatch` and `gsub`, checked: the string, the pattern, how many replacements at the most, whether the pattern is
/// anchored, and how long a result may be.
fn texts(longest: usize, arguments: &Arguments<'_>) -> mlua::Result<MultiValue> {
    let (source, pattern) = (arguments.string(0)?, arguments.string(1)?);
    let most = arguments.integer_or(2, source.as_bytes().len() as i64 + 1)?;
    let anchored = without_anchor(&pattern.as_bytes()).0;
    Ok(MultiValue::from_iter([
        Value::String(source),
        Value::String(pattern),
        Value::Number(most as f64),
        Value::Boolean(anchored),
        Value::Number(longest as f64),
    ]))
}

/// `string.gsub` with a string or a table without a metatable for the replacement.
fn gsub(
    lua: &Lua,
    pacer: &Pacer,
    longest: usize,
    arguments: &Arguments<'_>,
) -> mlua::Result<(LuaString, usize)> {
    let (source, pattern) = (arguments.string(0)?, arguments.string(1)?);
    let (source, pattern) = (source.as_bytes(), pattern.as_bytes());
    let replacement = match arguments.get(2) {
        Value::Table(table) => Replacement::Table(table),
        Value::String(_) | Value::Integer(_) | Value::Number(_) => {
            Replacement::Text(arguments.string(2)?)
        }
        _ => return Err(arguments.bad(2, "string/function/table expected")),
    };
    let most = arguments.integer_or(3, source.len() as i64 + 1)?;
    let (anchored, pattern) = without_anchor(&pattern);
    let mut matcher = Matcher::new(lua, pacer, &source, pattern);
    let mut result = Text {
        lua,
        longest,
        bytes: Vec::new(),
    };
    let (mut at, mut count) = (0, 0);
    while (count as i64) < most {
        let matched = matcher.match_at(at)?;
        if let Some(end) = matched {
            count += 1;
            match &replacement {
                Replacement::Text(text) => {
                    expand(&matcher, &mut result, &text.as_bytes(), at, end)?
                }
                Replacement::Table(table) => {
                    let value: Value = table.raw_get(matcher.value(0, at, end)?)?;
                    result.substitute(value, &source[at..end])?;
                }
            }
        }
        match matched {
            Some(end) if end > at => at = end,
            _ if at < source.len() => {
                result.add(&source[at..=at])?;
                at += 1;
            }
            _ => break,
        }
        if anchored {
            break;
        }
    }
    result.add(&source[at..])?;
    Ok((lua.create_string(&result.bytes)?, count))
}

/// What `environment.lua` makes `gmatch` and `gsub` with a function of.
pub(super) fn parts(
    lua: &Lua,
    native: &Table,
    options: Options,
    pacer: &Pacer,
) -> mlua::Result<()> {
    let pacer = pacer.clone();
    native.raw_set(
        "seek",
        lua.create_function(move |lua, arguments: MultiValue| {
            seek(lua, &pacer, &Arguments::new(lua, arguments))
        })?,
    )?;
    native.raw_set(
        "texts",
        lua.create_function(move |lua, arguments: MultiValue| {
            texts(options.longest, &Arguments::new(lua, arguments))
        })?,
    )
}

/// `string.rep`.
fn rep(lua: &Lua, longest: usize, arguments: &Arguments<'_>) -> mlua::Result<LuaString> {
    let text = arguments.string(0)?;
    let count = usize::try_from(arguments.integer(1)?).unwrap_or(0);
    let bytes = text.as_bytes();
    match bytes.len().checked_mul(count) {
        Some(length) if length <= longest => lua.create_string(bytes.repeat(count)),
        _ => Err(too_large(lua)),
    }
}

enum Replacement<'a> {
    Text(LuaString),
    Table(&'a Table),
}

/// A result being built, no longer than it may get.
struct Text<'a> {
    lua: &'a Lua,
    longest: usize,
    bytes: Vec<u8>,
}

impl Text<'_> {
    #[inline]
    fn add(&mut self, bytes: &[u8]) -> mlua::Result<()> {
        if self.bytes.len() + bytes.len() > self.longest {
            return Err(too_large(self.lua));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What a table or a function gave for a match: nil and false keep it.
    fn substitute(&mut self, value: Value, matched: &[u8]) -> mlua::Result<()> {
        match value {
            Value::Nil | Value::Boolean(false) => self.add(matched),
            Value::String(text) => self.add(&text.as_bytes()),
            number @ (Value::Integer(_) | Value::Number(_)) => {
                match self.lua.coerce_string(number)? {
                    Some(text) => self.add(&text.as_bytes()),
                    None => Ok(()),
                }
            }
            other => {
                let problem = format!(
                    "invalid replacement value (a {})",
                    failure::type_name(&other)
                );
                Err(failure::error(self.lua, problem))
            }
        }
    }
}

/// A replacement's text, with `%0` to `%9` for the match and its captures.
fn expand(
    matcher: &Matcher<'_>,
    result: &mut Text<'_>,
    text: &[u8],
    start: usize,
    end: usize,
) -> mlua::Result<()> {
    let mut rest = text;
    while let Some(escape) = memchr::memchr(b'%', rest) {
        result.add(&rest[..escape])?;
        let selector = rest.get(escape + 1).copied().unwrap_or(0);
        let piece = match selector {
            b'1'..=b'9' => matcher.piece(usize::from(selector - b'1'), start, end)?,
            b'0' => matcher.whole(start, end),
            _ => Piece::Text(std::slice::from_ref(&selector)),
        };
        match piece {
            Piece::Text(bytes) => result.add(bytes)?,
            Piece::Position(position) => result.add(position.to_string().as_bytes())?,
        }
        rest = rest.get(escape + 2..).unwrap_or_default();
    }
    result.add(rest)
}

/// The values a match gives.
fn values(matcher: &Matcher<'_>, start: usize, end: usize) -> mlua::Result<MultiValue> {
    (0..matcher.count())
        .map(|index| matcher.value(index, start, end))
        .collect()
}

/// A pattern and whether it is bound to the place where the search starts.
fn without_anchor(pattern: &[u8]) -> (bool, &[u8]) {
    match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    }
}

/// Whether a pattern is more than the text it stands for. A zero byte ends what is looked at.
fn is_special(pattern: &[u8]) -> bool {
    pattern
        .iter()
        .take_while(|&&byte| byte != 0)
        .any(|byte| b"^$*+?.([%-".contains(byte))
}

/// Where a search begins, from a position that counts from one or, if negative, from the end.
fn start(position: i64, length: usize) -> usize {
    let from_end = if position < 0 {
        position.saturating_add(length as i64 + 1)
    } else {
        position
    };
    usize::try_from(from_end.saturating_sub(1))
        .unwrap_or(0)
        .min(length)
}

fn number(value: usize) -> Value {
    Value::Number(value as f64)
}

fn too_large(lua: &Lua) -> mlua::Error {
    failure::error(lua, "resulting string too large")
}
