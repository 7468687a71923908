//! Errors that scripts see: texts as Lua's own functions give them, the position first.
//!
//! A function in Rust raises an object. Before a script gets to see it, `pcall` and its like in `environment.lua` have it turned into
//! what Lua's functions raise: a text, or the value given to `throw`.

use std::fmt;

use mlua::{Error, Lua, Value};

/// Ends a script: what a hook or a pulse returns (as `Error::external`) when no `pcall` may catch it.
#[derive(Debug, Clone)]
pub struct Stop(pub String);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stop {}

/// Stands for a Lua value that is being raised; the value itself waits in `InFlight`.
#[derive(Debug)]
struct Thrown;

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value was raised as an error")
    }
}

impl std::error::Error for Thrown {}

/// Where the value that is being raised is kept, in the registry. Nothing runs between raising and catching, so one place is enough.
const IN_FLIGHT: &str = "larder.in_flight";

/// The error that raises a Lua value, a table for example, as `error(value)` does. To be returned at once.
pub fn throw(lua: &Lua, value: Value) -> Error {
    match lua.set_named_registry_value(IN_FLIGHT, value) {
        Ok(()) => Error::external(Thrown),
        Err(problem) => problem,
    }
}

/// What positions call `environment.lua`.
pub(super) const OWN: &str = "[environment]";

/// The error `luaL_error` would raise: the text behind the position of the script's function that called.
pub fn error(lua: &Lua, text: impl fmt::Display) -> Error {
    Error::RuntimeError(located(lua, text))
}

/// A text behind the position of the script's function that called.
pub(super) fn located(lua: &Lua, text: impl fmt::Display) -> String {
    let position = lua.inspect_stack(outermost(lua) + 1, |frame| {
        let source = frame.source();
        match (source.short_src, frame.current_line()) {
            (Some(source), Some(line)) if line > 0 => format!("{source}:{line}: "),
            _ => String::new(),
        }
    });
    format!("{}{text}", position.unwrap_or_default())
}

/// The error `luaL_argerror` would raise for the argument of this number.
pub fn bad_argument(lua: &Lua, number: usize, text: impl fmt::Display) -> Error {
    let own = lua.inspect_stack(0, |frame| frame.names().name.map(|name| name.into_owned()));
    bad_argument_of(lua, own.flatten().as_deref().unwrap_or("?"), number, text)
}

/// The same for a function of this name, if the script's call does not tell how it knows it.
pub(super) fn bad_argument_of(
    lua: &Lua,
    own: &str,
    number: usize,
    text: impl fmt::Display,
) -> Error {
    let (name, method) = lua
        .inspect_stack(outermost(lua), |frame| {
            let names = frame.names();
            (
                names.name.map(|name| name.into_owned()),
                names.name_what == Some("method"),
            )
        })
        .unwrap_or_default();
    let name = name.as_deref().unwrap_or(own);
    match (method, number) {
        (true, 1) => error(lua, format_args!("calling '{name}' on bad self ({text})")),
        (true, _) => error(
            lua,
            format_args!("bad argument #{} to '{name}' ({text})", number - 1),
        ),
        (false, _) => error(
            lua,
            format_args!("bad argument #{number} to '{name}' ({text})"),
        ),
    }
}

/// The error for an argument of the wrong type. `None` is an argument that was not given.
pub fn wrong_type(lua: &Lua, number: usize, expected: &str, found: Option<&Value>) -> Error {
    let found = found.map_or("no value", type_name);
    bad_argument(
        lua,
        number,
        format_args!("{expected} expected, got {found}"),
    )
}

/// Lua's name of a value's type.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::LightUserData(_) | Value::UserData(_) | Value::Error(_) => "userdata",
        other if other.is_number() => "number",
        other if other.is_integer() => "number",
        other => other.type_name(),
    }
}

/// The frame that stands for the library function as the script called it: the running one, or the outermost of those of
/// `environment.lua` around it.
fn outermost(lua: &Lua) -> usize {
    let mut level = 0;
    while lua.inspect_stack(level + 1, |frame| {
        frame.source().short_src.as_deref() == Some(OWN)
    }) == Some(true)
    {
        level += 1;
    }
    level
}

/// What a script may know of an error object, and whether it stops the script.
pub fn soften(lua: &Lua, problem: &Value) -> mlua::Result<(Value, bool)> {
    let Value::Error(error) = problem else {
        return Ok((problem.clone(), false));
    };
    match root(error) {
        Error::ExternalError(external) if external.is::<Stop>() => Ok((problem.clone(), true)),
        Error::ExternalError(external) if external.is::<Thrown>() => {
            let value = lua.named_registry_value(IN_FLIGHT)?;
            lua.set_named_registry_value(IN_FLIGHT, Value::Nil)?;
            Ok((value, false))
        }
        Error::RuntimeError(text) | Error::MemoryError(text) => {
            Ok((Value::String(lua.create_string(text)?), false))
        }
        other => Ok((Value::String(lua.create_string(other.to_string())?), false)),
    }
}

/// The error that a function returned first, without the wrappings of the calls it passed.
pub fn root(error: &Error) -> &Error {
    let mut error = error;
    while let Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } = error {
        error = cause;
    }
    error
}

/// The text of `Stop`, if this error is one.
pub fn stopped(error: &Error) -> Option<&Stop> {
    match root(error) {
        Error::ExternalError(external) => external.downcast_ref(),
        _ => None,
    }
}
