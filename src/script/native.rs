//! The way of every call between a script and the server, over Lua's own interface.
//!
//! Running a script and executing one command for it takes some forty steps in Lua. Done through references that the safe
//! interface keeps for each value they cost several times what Lua itself needs; here they are done on Lua's stack.
//!
//! What raises in Lua leaves by a jump over the frames between.  So no function here that calls into Lua holds anything that has to be
//! dropped: slices and numbers only.

use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;

use mlua::{Function, Lua, Table, Value, ffi};

use super::engine::Shared;
use crate::resp::{Args, DoubleText};
use crate::value::number;

/// Elements for which room is made in a table before they are there.
const MOST_ROOM: usize = 1 << 16;
/// Values that a run or a reply needs on the stack at one depth.
const ROOM: c_int = 8;

/// What is run.
pub(super) struct Job {
    pub(super) function: Rc<Function>,
    /// Where scripts find KEYS and ARGV; functions get them as their parameters.
    pub(super) globals: Option<Rc<Table>>,
}

/// Runs a job on the present stack: what it returns, or what `handler`, called where it is raised, has made of its error.
pub(super) fn run(
    lua: &Lua,
    shared: &Shared,
    job: &Job,
    handler: &Function,
) -> mlua::Result<Result<Value, Value>> {
    let mut failed = false;
    let globals = job.globals.as_deref();
    // SAFETY: the closure gets the handler, the function and the globals or nil as the only values and leaves one result; `exec_raw`
    // catches what it raises. It holds nothing that has to be dropped. Nobody else looks at the arguments before Lua code runs, and
    // nothing does afterwards.
    let value = unsafe {
        lua.exec_raw::<Value>((handler, &*job.function, globals), |state| {
            ffi::lua_checkstack(state, ROOM);
            let keys = (*shared.keys.as_ptr()).view();
            let arguments = (*shared.arguments.as_ptr()).view();
            let parameters = if ffi::lua_type(state, 3) == ffi::LUA_TTABLE {
                push_bytes(state, b"KEYS");
                push_array(state, keys);
                ffi::lua_rawset(state, 3);
                push_bytes(state, b"ARGV");
                push_array(state, arguments);
                ffi::lua_rawset(state, 3);
                ffi::lua_settop(state, 2);
                0
            } else {
                ffi::lua_settop(state, 2);
                push_array(state, keys);
                push_array(state, arguments);
                2
            };
            failed = ffi::lua_pcall(state, parameters, 1, 1) != ffi::LUA_OK;
            ffi::lua_remove(state, 1);
        })?
    };
    Ok(if failed { Err(value) } else { Ok(value) })
}

/// `redis.call`, or `redis.pcall` if it does not raise.
pub(super) fn caller(lua: &Lua, shared: &Rc<Shared>, raises: bool) -> mlua::Result<Function> {
    let pointer = Rc::as_ptr(shared).cast_mut().cast::<c_void>();
    // The function must not outlive what it points to.
    if lua
        .app_data_ref::<Rc<Shared>>()
        .is_none_or(|kept| !Rc::ptr_eq(&kept, shared))
    {
        return Err(mlua::Error::runtime(
            "the interpreter does not keep its state",
        ));
    }
    // SAFETY: the two upvalues are pushed and taken by the closure, which is the only value left.
    unsafe {
        lua.exec_raw((), |state| {
            ffi::lua_pushlightuserdata(state, pointer);
            ffi::lua_pushboolean(state, raises.into());
            ffi::lua_pushcclosure(state, call_command, 2);
        })
    }
}

unsafe extern "C-unwind" fn call_command(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this as a C function; the upvalues are those of `caller`, and the interpreter keeps what the first points to for
    // as long as it lives. Nothing below holds anything that has to be dropped while it calls into Lua.
    unsafe {
        let shared = ffi::lua_touserdata(state, ffi::lua_upvalueindex(1)).cast::<Shared>();
        let raises = ffi::lua_toboolean(state, ffi::lua_upvalueindex(2)) != 0;
        let is_error = match make_request(state, &*shared) {
            Ok(()) => {
                ffi::lua_settop(state, 0);
                (*shared).call();
                let reply = (*shared).reply.as_ptr();
                let mut rest: &[u8] = &*reply;
                push_reply(state, &mut rest);
                (*reply).first() == Some(&b'-')
            }
            Err(problem) => {
                ffi::lua_settop(state, 0);
                push_tagged(state, b"err", problem.as_bytes());
                true
            }
        };
        if is_error && raises {
            ffi::lua_error(state);
        }
    }
    1
}

/// Puts the arguments on the stack into the request.
///
/// # Safety
/// `state` is that of a C function that Lua calls. Calls nothing that raises.
unsafe fn make_request(state: *mut ffi::lua_State, shared: &Shared) -> Result<(), &'static str> {
    if shared.api.is_registering() {
        return Err("ERR redis.call/pcall can only be called inside a script invocation");
    }
    // SAFETY: the indices are those of arguments; a string's bytes live as long as it is on the stack.
    unsafe {
        let count = ffi::lua_gettop(state);
        if count == 0 {
            return Err("ERR Please specify at least one argument for this redis lib call");
        }
        let mut request = shared.request.borrow_mut();
        request.clear();
        for index in 1..=count {
            match ffi::lua_type(state, index) {
                ffi::LUA_TSTRING => {
                    let mut len = 0;
                    let bytes = ffi::lua_tolstring(state, index, &mut len).cast::<u8>();
                    request.push(std::slice::from_raw_parts(bytes, len));
                }
                ffi::LUA_TNUMBER => {
                    let number = ffi::lua_tonumber(state, index);
                    let whole = number as i64;
                    if whole as f64 == number && whole.unsigned_abs() < 1 << 53 {
                        request.push(itoa::Buffer::new().format(whole).as_bytes());
                    } else {
                        request.push(&DoubleText::new(number));
                    }
                }
                _ => return Err("ERR Lua redis lib command arguments must be strings or integers"),
            }
        }
    }
    Ok(())
}

/// # Safety
/// There is room for one value on the stack. May raise.
unsafe fn push_bytes(state: *mut ffi::lua_State, bytes: &[u8]) {
    // SAFETY: the pointer and the length are those of a slice.
    unsafe { ffi::lua_pushlstring_(state, bytes.as_ptr().cast::<c_char>(), bytes.len()) };
}

/// # Safety
/// There is room for two values on the stack. May raise.
unsafe fn push_array(state: *mut ffi::lua_State, args: Args<'_>) {
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
unsafe fn push_tagged(state: *mut ffi::lua_State, tag: &[u8], text: &[u8]) {
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
unsafe fn push_reply(state: *mut ffi::lua_State, rest: &mut &[u8]) {
    let line = take_line(rest);
    let (kind, text) = match line.split_first() {
        Some((kind, text)) => (*kind, text),
        None => (b'_', line),
    };
    // SAFETY: room is made for what one depth needs; each branch leaves one value more than there was.
    unsafe {
        if ffi::lua_checkstack(state, ROOM) == 0 {
            push_bytes(state, b"the reply is nested too deep");
            ffi::lua_error(state);
        }
        match kind {
            b'+' => push_tagged(state, b"ok", text),
            b'-' => push_tagged(state, b"err", text),
            b':' => ffi::lua_pushnumber(state, number::parse_i64(text).unwrap_or(0) as f64),
            b'$' | b'*' if text == b"-1" => ffi::lua_pushboolean(state, 0),
            b'$' => push_bytes(state, take(rest, length(text))),
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
