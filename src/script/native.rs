//! The way of every call between a script and the server, over Lua's own interface.
//!
//! Running a script and executing one command for it takes some thirty steps in Lua. Done through references that the safe
//! interface keeps for each value they cost several times what Lua itself needs; here they are done on Lua's stack, and all scripts of an
//! interpreter run within one call through the safe interface, which lasts for as long as the interpreter does.
//!
//! What raises in Lua leaves by a jump over the frames between.  So no function here that calls into Lua holds anything that has to be
//! dropped: slices and numbers only.

use std::ffi::{c_int, c_void};
use std::rc::Rc;

use mlua::{Function, Lua, Table, ffi};

use super::api::Namespace;
use super::convert::{
    self, COUNTED, ROOM, bytes_at, push_array, push_bytes, push_reply, push_tagged,
};
use super::interpreter::Shared;
use crate::resp::{Args, DoubleText};

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    /// The function's place in the table of functions.
    pub(super) function: c_int,
    /// Scripts find their keys and arguments in the globals; functions get them as parameters, and the code of a library gets none.
    pub(super) is_script: bool,
    pub(super) keys: Args<'static>,
    pub(super) arguments: Args<'static>,
}

/// Where the table of functions has the error that ended the last job.
pub(super) const PROBLEM: c_int = 1;

// What lies at the bottom of the stack while jobs are run.
const HANDLER: c_int = 1;
const GLOBALS: c_int = 2;
const FUNCTIONS: c_int = 3;
const KEYS: c_int = 4;
const ARGV: c_int = 5;

/// Runs jobs on the present stack, one after the other, until there is none. An error that a script does not catch is given to `handler`, called
/// where it is raised, and what that makes of it is left in `functions`.
///
/// # Errors
/// What is raised outside of a job's own code: there was no memory for its arguments or its result.
pub(super) fn serve(
    lua: &Lua,
    shared: &Shared,
    handler: &Function,
    globals: &Table,
    functions: &Table,
) -> mlua::Result<()> {
    // SAFETY: the closure gets its values in the order of the constants above, and leaves none; `exec_raw` catches what it raises. It
    // holds nothing that has to be dropped.
    unsafe {
        lua.exec_raw((handler, globals, functions), |state| {
            ffi::lua_checkstack(state, ROOM);
            push_bytes(state, b"KEYS");
            push_bytes(state, b"ARGV");
            while let Some(job) = shared.next_job() {
                run(state, shared, job);
                shared.ended();
            }
            ffi::lua_settop(state, 0);
        })
    }
}

/// # Safety
/// Only as part of [`serve`]. May raise.
unsafe fn run(state: *mut ffi::lua_State, shared: &Shared, job: Job) {
    // SAFETY: the indices are those of `serve`. Nobody else looks at the output while a script's stack runs.
    unsafe {
        let mut parameters = 2;
        ffi::lua_rawgeti_(state, FUNCTIONS, job.function);
        if job.is_script {
            parameters = 0;
            for (name, args) in [(KEYS, job.keys), (ARGV, job.arguments)] {
                ffi::lua_pushvalue(state, name);
                push_array(state, args);
                ffi::lua_rawset(state, GLOBALS);
            }
        } else {
            push_array(state, job.keys);
            push_array(state, job.arguments);
        }
        if ffi::lua_pcall(state, parameters, 1, HANDLER) == ffi::LUA_OK {
            let output = &mut *shared.output.as_ptr();
            convert::write(state, output, shared.api.resp3.get());
        } else {
            shared.failed.set(true);
            ffi::lua_rawseti_(state, FUNCTIONS, PROBLEM);
        }
    }
}

/// `redis.call`, or `redis.pcall` if it does not raise.
pub(super) fn caller(
    lua: &Lua,
    shared: &Rc<Shared>,
    namespace: Namespace,
    raises: bool,
) -> mlua::Result<Function> {
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
    // SAFETY: the upvalues are pushed and taken by the closure, which is the only value left.
    unsafe {
        lua.exec_raw((), |state| {
            ffi::lua_pushlightuserdata(state, pointer);
            ffi::lua_pushboolean(state, raises.into());
            ffi::lua_pushboolean(state, (namespace == Namespace::Server).into());
            ffi::lua_pushcclosure(state, call_command, 3);
        })
    }
}

unsafe extern "C-unwind" fn call_command(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this as a C function; the upvalues are those of `caller`, and the interpreter keeps what the first points to for
    // as long as it lives. Nothing below holds anything that has to be dropped while it calls into Lua, and nobody else looks at the reply
    // while a script's stack runs.
    unsafe {
        let shared = ffi::lua_touserdata(state, ffi::lua_upvalueindex(1)).cast::<Shared>();
        let raises = ffi::lua_toboolean(state, ffi::lua_upvalueindex(2)) != 0;
        let namespace = match ffi::lua_toboolean(state, ffi::lua_upvalueindex(3)) {
            0 => Namespace::Redis,
            _ => Namespace::Server,
        };
        let api = &(*shared).api;
        api.namespace.set(api.words(namespace));
        let is_error = match make_request(state, &*shared) {
            Ok(()) => {
                ffi::lua_settop(state, 0);
                (*shared).call();
                let mut rest = (*(*shared).reply.as_ptr()).contiguous();
                let is_error = rest.first() == Some(&b'-');
                push_reply(state, &mut rest);
                if is_error {
                    push_bytes(state, COUNTED.as_bytes());
                    ffi::lua_pushboolean(state, 1);
                    ffi::lua_rawset(state, -3);
                }
                is_error
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
        return Err("ERR Script attempted to access nonexistent global variable 'call'");
    }
    // SAFETY: the indices are those of arguments; a string's bytes live as long as it is on the stack.
    unsafe {
        let count = ffi::lua_gettop(state);
        if count == 0 {
            return Err(shared.api.namespace.get().choose(
                "ERR Please specify at least one argument for this redis lib call",
                "ERR Please specify at least one argument for this call",
            ));
        }
        let mut request = shared.request.borrow_mut();
        request.clear();
        for index in 1..=count {
            match ffi::lua_type(state, index) {
                ffi::LUA_TSTRING => request.push(bytes_at(state, index)),
                ffi::LUA_TNUMBER => {
                    let number = ffi::lua_tonumber(state, index);
                    let whole = number as i64;
                    if whole as f64 == number && whole.unsigned_abs() < 1 << 53 {
                        request.push(itoa::Buffer::new().format(whole).as_bytes());
                    } else {
                        request.push(&DoubleText::new(number));
                    }
                }
                _ => {
                    return Err(shared.api.namespace.get().choose(
                        "ERR Lua redis lib command arguments must be strings or integers",
                        "ERR Command arguments must be strings or integers",
                    ));
                }
            }
        }
    }
    Ok(())
}
