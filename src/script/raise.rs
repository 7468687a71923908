//! Functions that raise values of Lua.
//!
//! What a function of Rust returns as an error is no value that a script can look into. And a script's call of a function of
//! Lua in `return f()` leaves no frame of the caller behind, so that an error could not be told its line. So what raises is a C function
//! around one of Rust: it raises the second thing that the inner function returns, if that is not nil.

use std::ffi::c_int;

use mlua::{Function, Lua, ffi};

/// A function that calls `inner` and raises its second result, or else returns its first.
///
/// # Errors
/// If Lua has no memory left.
pub(super) fn raising(lua: &Lua, inner: &Function) -> mlua::Result<Function> {
    // SAFETY: `inner` is on the stack as the only value; the closure takes it as its upvalue and is the only value left.
    // Memory errors are caught by `exec_raw`.
    unsafe {
        lua.exec_raw(inner.clone(), |state| {
            ffi::lua_pushcclosure(state, call_and_raise, 1);
        })
    }
}

/// Calls the function that is the upvalue with all arguments; leaves its two results on the stack.
///
/// # Safety
/// Only as part of a C function that Lua calls.
unsafe fn call_inner(state: *mut ffi::lua_State) {
    // SAFETY: Lua gives a C function room for 20 values beside its arguments, and the index is that of the one upvalue.
    // What `lua_call` raises goes past this frame, which has nothing to drop.
    unsafe {
        let arguments = ffi::lua_gettop(state);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, arguments, 2);
    }
}

unsafe extern "C-unwind" fn call_and_raise(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: Lua calls this as a C function; two results are on the stack behind the call, and the second is raised from the top.
    unsafe {
        call_inner(state);
        if ffi::lua_type(state, -1) != ffi::LUA_TNIL {
            ffi::lua_error(state);
        }
        ffi::lua_settop(state, -2);
    }
    1
}
