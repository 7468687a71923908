//! Replies as Lua's values, and what scripts return as replies, by the rules that Redis documents. On Lua's own stack: see
//! [`super::native`], whose rule holds here too.

use std::ffi::{c_char, c_int};

use mlua::ffi;

use crate::resp::{Args, Protocol, Reply, ReplyError};
use crate::value::number;

/// The field by which an error tells that it was counted when it happened; the peers' name.
pub(super) const COUNTED: &str = "ignore_error_stats_update";
/// Tables in tables that a script may return: a client has to take them apart again.
const DEEPEST: usize = 500;
/// Bytes of reply that a script may return.
const LONGEST: usize = 512 << 20;
/// Elements for which room is made in a table before they are there.
const MOST_ROOM: usize = 1 << 16;
/// Values that a run, a reply or a result needs on the stack at one depth.
pub(super) const ROOM: c_int = 16;

/// The protocol whose replies a script gets: RESP2 until it asks for RESP3.
pub fn protocol(resp3: bool) -> Protocol {
    match resp3 {
        true => Protocol::Resp3,
        false => Protocol::Resp2,
    }
}

/// # Safety
/// There is room for one value on the stack. May raise.
pub(super) unsafe fn push_bytes(state: *mut ffi::lua_State, bytes: &[u8]) {
    // SAFETY: the pointer and the length are those of a slice.
    unsafe { ffi::lua_pushlstring_(state, bytes.as_ptr().cast::<c_char>(), bytes.len()) };
}

/// # Safety
/// There is room for two values on the stack. May raise.
pub(super) unsafe fn push_array(state: *mut ffi::lua_State, args: Args<'_>) {
    // SAFETY: the table is on top, and behind it the element, which `lua_rawseti` takes.
    unsafe {
        ffi::lua_createtable(state, args.len().min(MOST_ROOM) as c_int, 0);
        for (i, arg) in args.iter().enumerate() {
            push_bytes(state, arg);
            ffi::lua_rawseti_(state, -2, i as c_int + 1);
        }
    }
}

/// A table with one field.
///
/// # Safety
/// There is room for three values on the stack. May raise.
pub(super) unsafe fn push_tagged(state: *mut ffi::lua_State, tag: &[u8], text: &[u8]) {
    // SAFETY: the table, the name and the value are on top.
    unsafe {
        ffi::lua_createtable(state, 0, 1);
        push_bytes(state, tag);
        push_bytes(state, text);
        ffi::lua_rawset(state, -3);
    }
}

/// Puts the table on top, which has just been filled, under `tag` into a new one.
///
/// # Safety
/// There is room for two values on the stack. May raise.
unsafe fn wrap(state: *mut ffi::lua_State, tag: &[u8]) {
    // SAFETY: the value is on top; the new table goes below it, then the name between.
    unsafe {
        ffi::lua_createtable(state, 0, 1);
        ffi::lua_insert(state, -2);
        push_bytes(state, tag);
        ffi::lua_insert(state, -2);
        ffi::lua_rawset(state, -3);
    }
}

/// A reply that our own writer has written, complete and well-formed, as a value; `rest` is what is behind it.
///
/// # Safety
/// `state` is that of a C function that Lua calls. May raise.
pub(super) unsafe fn push_reply(state: *mut ffi::lua_State, rest: &mut &[u8]) {
    let line = take_line(rest);
    let (kind, text) = match line.split_first() {
        Some((kind, text)) => (*kind, text),
        None => (b'_', line),
    };
    // SAFETY: room is made for what one depth needs; each branch leaves one value more than there was.
    unsafe {
        match kind {
            b'$' if text != b"-1" => return push_bytes(state, take(rest, length(text))),
            b':' => {
                let number = number::parse_i64(text).unwrap_or(0);
                return ffi::lua_pushnumber(state, number as f64);
            }
            _ => {}
        }
        if ffi::lua_checkstack(state, ROOM) == 0 {
            push_bytes(state, b"the reply is nested too deep");
            ffi::lua_error(state);
        }
        match kind {
            b'+' => push_tagged(state, b"ok", text),
            b'-' => push_tagged(state, b"err", text),
            b'$' | b'*' if text == b"-1" => ffi::lua_pushboolean(state, 0),
            b'*' | b'>' => {
                let len = length(text);
                ffi::lua_createtable(state, len.min(MOST_ROOM) as c_int, 0);
                for i in 1..=len {
                    push_reply(state, rest);
                    ffi::lua_rawseti_(state, -2, i as c_int);
                }
            }
            b'%' | b'~' => {
                ffi::lua_createtable(state, 0, length(text).min(MOST_ROOM) as c_int);
                for _ in 0..length(text) {
                    push_reply(state, rest);
                    match kind {
                        b'%' => push_reply(state, rest),
                        _ => ffi::lua_pushboolean(state, 1),
                    }
                    match ffi::lua_type(state, -2) {
                        ffi::LUA_TNIL => ffi::lua_settop(state, -3),
                        _ => ffi::lua_rawset(state, -3),
                    }
                }
                wrap(state, if kind == b'%' { b"map" } else { b"set" });
            }
            b',' => {
                let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                ffi::lua_pushnumber(state, number.unwrap_or(f64::NAN));
                wrap(state, b"double");
            }
            b'(' => push_tagged(state, b"big_number", text),
            b'=' => {
                let bytes = take(rest, length(text));
                let (format, string) = bytes.split_at(bytes.len().min(4));
                ffi::lua_createtable(state, 0, 2);
                push_bytes(state, b"format");
                push_bytes(state, format.strip_suffix(b":").unwrap_or(format));
                ffi::lua_rawset(state, -3);
                push_bytes(state, b"string");
                push_bytes(state, string);
                ffi::lua_rawset(state, -3);
                wrap(state, b"verbatim_string");
            }
            b'#' => ffi::lua_pushboolean(state, (text == b"t").into()),
            b'|' => {
                for _ in 0..length(text) * 2 {
                    push_reply(state, rest);
                    ffi::lua_settop(state, -2);
                }
                push_reply(state, rest);
            }
            _ => ffi::lua_pushnil(state),
        }
    }
}

fn take_line<'r>(rest: &mut &'r [u8]) -> &'r [u8] {
    let end = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
    take(rest, end)
}

/// So many bytes, and the line's end behind them.
fn take<'r>(rest: &mut &'r [u8], len: usize) -> &'r [u8] {
    let (taken, behind) = rest.split_at(len.min(rest.len()));
    *rest = behind.get(2..).unwrap_or_default();
    taken
}

fn length(text: &[u8]) -> usize {
    let len = number::parse_i64(text).unwrap_or(0);
    usize::try_from(len).unwrap_or(0)
}

/// What a script's result becomes.
#[derive(Debug, Default)]
pub struct Output {
    /// The reply, in the protocol of the client that asks.
    pub reply: Reply,
    /// The errors in it that have not been counted.
    pub errors: Vec<ReplyError>,
    /// Why it cannot be a reply.
    pub problem: Option<ReplyError>,
}

impl Output {
    pub(super) fn clear(&mut self) {
        self.reply.clear();
        self.errors.clear();
        self.problem = None;
    }
}

/// Writes the value on top, which a script has returned, and takes it away. `booleans`: the script has asked for RESP3, which has them.
///
/// # Safety
/// There is room for [`ROOM`] values on the stack. May raise.
pub(super) unsafe fn write(state: *mut ffi::lua_State, output: &mut Output, booleans: bool) {
    // SAFETY: as the caller promises.
    unsafe { write_value(state, output, booleans, 0) };
}

/// # Safety
/// As [`write`].
unsafe fn write_value(
    state: *mut ffi::lua_State,
    output: &mut Output,
    booleans: bool,
    depth: usize,
) {
    // SAFETY: the value is on top, and a table's own branch takes it away.
    unsafe {
        match ffi::lua_type(state, -1) {
            ffi::LUA_TSTRING => output.reply.bulk(bytes_at(state, -1)),
            // As C converts: towards zero.
            ffi::LUA_TNUMBER => output.reply.int(ffi::lua_tonumber(state, -1) as i64),
            ffi::LUA_TBOOLEAN => {
                let value = ffi::lua_toboolean(state, -1) != 0;
                match (value, booleans) {
                    (_, true) => output.reply.bool(value),
                    (true, false) => output.reply.int(1),
                    (false, false) => output.reply.null(),
                }
            }
            ffi::LUA_TTABLE => write_table(state, output, booleans, depth),
            _ => output.reply.null(),
        }
        ffi::lua_settop(state, -2);
    }
}

/// Writes the table on top, and leaves it.
///
/// # Safety
/// As [`write`].
unsafe fn write_table(
    state: *mut ffi::lua_State,
    output: &mut Output,
    booleans: bool,
    depth: usize,
) {
    // SAFETY: room is made for what one depth needs, and every field that is looked at is taken away again.
    unsafe {
        if depth > DEEPEST || ffi::lua_checkstack(state, ROOM) == 0 {
            output.problem = Some(ReplyError::fixed("ERR reached lua stack limit"));
            return output.reply.null();
        }
        // Most tables are arrays: one look tells.
        ffi::lua_rawgeti_(state, -1, 1);
        if ffi::lua_type(state, -1) == ffi::LUA_TNIL {
            ffi::lua_settop(state, -2);
            return write_tagged(state, output, booleans, depth);
        }
        let at = output.reply.defer();
        let mut len = 0;
        while ffi::lua_type(state, -1) != ffi::LUA_TNIL && output.problem.is_none() {
            write_value(state, output, booleans, depth + 1);
            if output.reply.pending() > LONGEST {
                output.problem = Some(ReplyError::fixed("ERR the script returns too much"));
            }
            len += 1;
            ffi::lua_rawgeti_(state, -1, len as c_int + 1);
        }
        ffi::lua_settop(state, -2);
        output.reply.array_at(at, len);
    }
}

/// Writes the table on top, which is not an array: what its fields say it is.
///
/// # Safety
/// As [`write`].
unsafe fn write_tagged(
    state: *mut ffi::lua_State,
    output: &mut Output,
    booleans: bool,
    depth: usize,
) {
    // SAFETY: room was made; every field that is looked at stays above the table until all is done.
    unsafe {
        let table = ffi::lua_gettop(state);
        if field(state, table, b"err") == ffi::LUA_TSTRING {
            field(state, table, COUNTED.as_bytes());
            let is_counted = ffi::lua_toboolean(state, -1) != 0;
            write_error(output, bytes_at(state, -2), is_counted);
        } else if field(state, table, b"ok") == ffi::LUA_TSTRING {
            with_line(bytes_at(state, -1), |line| output.reply.simple(line));
        } else if field(state, table, b"double") == ffi::LUA_TNUMBER {
            output.reply.double(ffi::lua_tonumber(state, -1));
        } else if field(state, table, b"map") == ffi::LUA_TTABLE {
            write_pairs(state, output, booleans, depth, true);
        } else if field(state, table, b"set") == ffi::LUA_TTABLE {
            write_pairs(state, output, booleans, depth, false);
        } else if field(state, table, b"big_number") == ffi::LUA_TSTRING {
            with_line(bytes_at(state, -1), |line| output.reply.bignum(line));
        } else if field(state, table, b"verbatim_string") == ffi::LUA_TTABLE
            && field(state, ffi::lua_gettop(state), b"format") == ffi::LUA_TSTRING
            && field(state, ffi::lua_gettop(state) - 1, b"string") == ffi::LUA_TSTRING
        {
            write_verbatim(output, bytes_at(state, -2), bytes_at(state, -1));
        } else {
            output.reply.array(0);
        }
        ffi::lua_settop(state, table);
    }
}

/// Writes the keys of the table on top, and their values too if `is_map`.
///
/// # Safety
/// As [`write`].
unsafe fn write_pairs(
    state: *mut ffi::lua_State,
    output: &mut Output,
    booleans: bool,
    depth: usize,
    is_map: bool,
) {
    // SAFETY: `lua_next` takes the last key and leaves the next with its value; a key is copied before it is written, which takes
    // it away.
    unsafe {
        let at = output.reply.defer();
        let mut len = 0;
        ffi::lua_pushnil(state);
        while output.problem.is_none() && ffi::lua_next(state, -2) != 0 {
            if ffi::lua_checkstack(state, ROOM) == 0 {
                output.problem = Some(ReplyError::fixed("ERR reached lua stack limit"));
            }
            ffi::lua_pushvalue(state, -2);
            write_value(state, output, booleans, depth + 1);
            match is_map {
                true => write_value(state, output, booleans, depth + 1),
                false => ffi::lua_settop(state, -2),
            }
            len += 1;
        }
        match is_map {
            true => output.reply.map_at(at, len),
            false => output.reply.set_at(at, len),
        }
    }
}

/// Puts a field of the table at `table` on top, and tells its type.
///
/// # Safety
/// There is room for one value on the stack. May raise.
unsafe fn field(state: *mut ffi::lua_State, table: c_int, name: &[u8]) -> c_int {
    // SAFETY: the name on top is replaced by the field.
    unsafe {
        push_bytes(state, name);
        ffi::lua_rawget(state, table);
        ffi::lua_type(state, -1)
    }
}

/// The bytes of the string at `index`.
///
/// # Safety
/// It is a string, and stays on the stack for as long as the bytes are used.
pub(super) unsafe fn bytes_at<'s>(state: *mut ffi::lua_State, index: c_int) -> &'s [u8] {
    let mut len = 0;
    // SAFETY: a string's bytes lie where they are as long as something refers to it, and asking a string for them converts nothing.
    unsafe {
        let bytes = ffi::lua_tolstring(state, index, &mut len).cast::<u8>();
        std::slice::from_raw_parts(bytes, len)
    }
}

fn write_error(output: &mut Output, text: &[u8], is_counted: bool) {
    let error = ReplyError::from_bytes(text.to_vec());
    output.reply.error(&error);
    if !is_counted {
        output.errors.push(error);
    }
}

fn write_verbatim(output: &mut Output, format: &[u8], text: &[u8]) {
    let mut format = String::from_utf8_lossy(format).into_owned();
    format.retain(|c| c.is_ascii_graphic());
    format = format.chars().chain("txt".chars()).take(3).collect();
    output.reply.verbatim(&format, text);
}

/// Text as one line.
fn with_line(text: &[u8], write: impl FnOnce(&str)) {
    match str::from_utf8(text) {
        Ok(text) if !text.contains(['\r', '\n']) => write(text),
        _ => write(&String::from_utf8_lossy(text).replace(['\r', '\n'], " ")),
    }
}
