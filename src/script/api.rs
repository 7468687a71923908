//! What scripts see as `redis`, and Valkey's scripts as `server`: the same functions, which speak of themselves as they were called.
//!
//! Each function gives what it returns, and what it raises; [`raise`] makes one of it that does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use mlua::{Function, Lua, Table, Value, Variadic};

use super::convert::COUNTED;
use super::interpreter::{Failure, Shared, first_line};
use super::lua::failure;
use super::store::{Flags, Sha};
use super::{native, raise};
use crate::resp::{DoubleText, OwnedArgs};

/// The version that scripts are told. As INFO's, so that they use what there is.
pub const VERSION: &str = "7.4.0";
const VERSION_NUMBER: i64 = 0x0007_0400;

/// The global table through which a script calls a function. Redis has no `server`, so what is called through that answers in Valkey's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Namespace {
    /// `redis`
    #[default]
    Redis,
    /// `server`
    Server,
}

impl Namespace {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Redis, Self::Server];

    /// The table's name.
    pub(super) fn name(self) -> &'static str {
        self.choose("redis", "server")
    }

    /// An error's text in which `redis.` stands for the table's name.
    fn speaks(self, text: &str) -> String {
        text.replace("redis.", self.choose("redis.", "server."))
    }

    /// Redis's words or Valkey's.
    pub fn choose<T>(self, redis: T, valkey: T) -> T {
        match self {
            Self::Redis => redis,
            Self::Server => valkey,
        }
    }
}

/// What a script has asked for, and what it is asked.
#[derive(Debug, Default)]
pub struct State {
    /// Replies shall be in RESP3 (`redis.setresp(3)`).
    pub resp3: Cell<bool>,
    /// A library's code is being run: functions may be registered, commands may not be called.
    pub(super) registering: Cell<bool>,
    /// What was registered.
    pub(super) registered: RefCell<Vec<Registered>>,
    /// The request asks only whether the command may be called (`redis.acl_check_cmd`).
    pub asks_only: Cell<bool>,
    /// Through which table it was made, or whose words its errors have.
    pub namespace: Cell<Namespace>,
    /// Errors have Valkey's words, through whichever table a function is called.
    pub(super) speaks_valkey: Cell<bool>,
}

impl State {
    /// Whether a library's code is being run.
    pub(super) fn is_registering(&self) -> bool {
        self.registering.get()
    }

    /// Whose words errors have of what is called through this table.
    pub(super) fn words(&self, called: Namespace) -> Namespace {
        match self.speaks_valkey.get() {
            true => Namespace::Server,
            false => called,
        }
    }

    pub(super) fn reset(&self) {
        self.resp3.set(false);
        self.asks_only.set(false);
    }
}

/// A function that a library has registered.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Its name.
    pub name: Vec<u8>,
    /// What it does, if it says so.
    pub description: Option<Vec<u8>>,
    /// What it says of itself.
    pub flags: Flags,
    pub(super) callback: Function,
}

/// What does nothing.
const NOTHING: &str = r"
return function() return true end, function() return false end, function() end
";

/// Errors in their several forms: a value, and what is wrong.
type Checked = mlua::Result<(Value, Value)>;

fn wrong(lua: &Lua, text: &str) -> Checked {
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set("err", format!("ERR {text}"))?;
    Ok((Value::Nil, Value::Table(table)))
}

type Inner = fn(&Lua, &Shared, Namespace, &[Value]) -> Checked;

/// The tables by their names, each of which `table` makes.
pub(super) fn tables(
    lua: &Lua,
    table: impl Fn(Namespace) -> mlua::Result<Table>,
) -> mlua::Result<Table> {
    let tables = lua.create_table()?;
    for namespace in Namespace::ALL {
        tables.raw_set(namespace.name(), table(namespace)?)?;
    }
    Ok(tables)
}

/// What scripts, and functions that are called, find in the table.
pub(super) fn table(lua: &Lua, shared: &Rc<Shared>, namespace: Namespace) -> mlua::Result<Table> {
    let functions: [(&str, Inner); 7] = [
        ("acl_check_cmd", may_call),
        ("setresp", setresp),
        ("log", log),
        ("set_repl", set_repl),
        ("sha1hex", sha1hex),
        ("error_reply", error_reply),
        ("status_reply", status_reply),
    ];
    let api = with_functions(lua, shared, namespace, &functions)?;
    api.raw_set("call", native::caller(lua, shared, namespace, true)?)?;
    api.raw_set("pcall", native::caller(lua, shared, namespace, false)?)?;
    let (replicate, breakpoint, debug): (Function, Function, Function) =
        lua.load(NOTHING).set_name("=redis").call(())?;
    api.raw_set("replicate_commands", replicate)?;
    api.raw_set("breakpoint", breakpoint)?;
    api.raw_set("debug", debug)?;
    for (name, value) in [
        ("REPL_NONE", 0),
        ("REPL_AOF", 1),
        ("REPL_SLAVE", 2),
        ("REPL_REPLICA", 2),
        ("REPL_ALL", 3),
    ] {
        api.raw_set(name, value)?;
    }
    Ok(api)
}

/// What a library's code finds in the table while it is loaded.
pub(super) fn loading_table(
    lua: &Lua,
    shared: &Rc<Shared>,
    namespace: Namespace,
) -> mlua::Result<Table> {
    let functions: [(&str, Inner); 2] = [("register_function", register), ("log", log)];
    with_functions(lua, shared, namespace, &functions)
}

/// A table of these functions and of what is in every table.
fn with_functions(
    lua: &Lua,
    shared: &Rc<Shared>,
    namespace: Namespace,
    functions: &[(&str, Inner)],
) -> mlua::Result<Table> {
    let api = lua.create_table()?;
    for &(name, function) in functions {
        let shared = Rc::clone(shared);
        let call = move |lua: &Lua, args: Variadic<Value>| {
            function(lua, &shared, shared.api.words(namespace), &args)
        };
        let function = lua.create_function(call)?;
        api.raw_set(name, raise::raising(lua, &function)?)?;
    }
    for (name, value) in [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REDIS_VERSION_NUM", VERSION_NUMBER),
        ("VALKEY_VERSION_NUM", VERSION_NUMBER),
        ("SERVER_VERSION_NUM", VERSION_NUMBER),
    ] {
        api.raw_set(name, value)?;
    }
    for name in ["REDIS_VERSION", "VALKEY_VERSION", "SERVER_VERSION"] {
        api.raw_set(name, VERSION)?;
    }
    api.raw_set("SERVER_NAME", "redis")?;
    Ok(api)
}

/// What is called where an error is raised that nobody catches.
pub(super) fn handler(lua: &Lua) -> mlua::Result<Function> {
    lua.create_function(|lua, error: Value| describe(lua, error))
}

/// Called where an error is raised that nobody catches: the error as a table, with the place.
fn describe(lua: &Lua, error: Value) -> mlua::Result<Table> {
    let softened = failure::soften(lua, &error)?;
    let table = match softened {
        (Value::Table(table), _) => table,
        (value, _) => {
            let mut text = b"ERR ".to_vec();
            match value {
                Value::String(string) => text.extend_from_slice(&string.as_bytes()),
                Value::Error(error) => text.extend_from_slice(first_line(&error).as_bytes()),
                other => text.extend_from_slice(other.to_string().unwrap_or_default().as_bytes()),
            }
            let table = lua.create_table()?;
            table.raw_set("err", lua.create_string(text)?)?;
            table
        }
    };
    for level in 1..20 {
        let place = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let short = source.source.as_deref().unwrap_or_default().to_owned();
            (short, frame.current_line())
        });
        let Some((source, line)) = place else { break };
        if source.starts_with("@user_")
            && let Some(line) = line
        {
            let place = lua.create_table()?;
            place.raw_set("source", source)?;
            place.raw_set("line", line)?;
            // Beside the error, which may be the script's own table and of any shape.
            let pair = lua.create_table()?;
            pair.raw_set("error", table)?;
            pair.raw_set("place", place)?;
            return Ok(pair);
        }
    }
    let pair = lua.create_table()?;
    pair.raw_set("error", table)?;
    Ok(pair)
}

/// How a run has failed: `problem` is what [`describe`] has made of the error, or Lua itself where there was no memory for that.
pub(super) fn failure(problem: Value) -> Failure {
    let mut failure = Failure {
        text: b"ERR error object is not a string".to_vec(),
        place: None,
        is_counted: false,
    };
    let pair = match problem {
        Value::Table(pair) => pair,
        Value::String(text) => {
            // Not enough memory: then nothing more is done where it is raised.
            failure.text = [b"ERR ", &*text.as_bytes()].concat();
            return failure;
        }
        Value::Error(error) => return (*error).into(),
        _ => return failure,
    };
    if let Ok(Value::Table(place)) = pair.raw_get("place")
        && let (Ok(source), Ok(line)) = (place.raw_get("source"), place.raw_get("line"))
    {
        failure.place = Some((source, line));
    }
    if let Ok(Value::Table(error)) = pair.raw_get("error")
        && let Ok(Value::String(text)) = error.raw_get("err")
    {
        failure.text = text.as_bytes().to_vec();
        failure.is_counted = error.raw_get(COUNTED).unwrap_or(false);
    }
    failure
}

/// Puts a script's arguments into the request. False if there is one that is neither a string nor a number.
fn fill(request: &mut OwnedArgs, args: &[Value]) -> bool {
    request.clear();
    for arg in args {
        match arg {
            Value::String(text) => request.push(&text.as_bytes()),
            Value::Integer(number) => request.push(itoa::Buffer::new().format(*number).as_bytes()),
            Value::Number(number) => request.push(&DoubleText::new(*number)),
            _ => return false,
        }
    }
    true
}

fn may_call(lua: &Lua, shared: &Shared, namespace: Namespace, args: &[Value]) -> Checked {
    if args.is_empty() {
        return wrong(
            lua,
            namespace.choose(
                "Please specify at least one argument for this redis.acl_check_cmd() call",
                "Please specify at least one argument for this call",
            ),
        );
    }
    if !fill(&mut shared.request.borrow_mut(), args) {
        return wrong(
            lua,
            namespace.choose(
                "redis.acl_check_cmd() command arguments must be strings or integers",
                "Command arguments must be strings or integers",
            ),
        );
    }
    shared.api.asks_only.set(true);
    shared.call();
    shared.api.asks_only.set(false);
    match shared.reply.borrow_mut().contiguous().first() {
        Some(b'-') => {
            let text = "Invalid command passed to redis.acl_check_cmd()";
            wrong(lua, &namespace.speaks(text))
        }
        first => Ok((Value::Boolean(first == Some(&b'+')), Value::Nil)),
    }
}

fn setresp(lua: &Lua, shared: &Shared, namespace: Namespace, args: &[Value]) -> Checked {
    if args.len() != 1 {
        return wrong(
            lua,
            &namespace.speaks("redis.setresp() requires one argument."),
        );
    }
    match number(&args[0]) {
        Some(2) => shared.api.resp3.set(false),
        Some(3) => shared.api.resp3.set(true),
        _ => return wrong(lua, "RESP version must be 2 or 3."),
    }
    Ok((Value::Nil, Value::Nil))
}

fn log(lua: &Lua, _: &Shared, namespace: Namespace, args: &[Value]) -> Checked {
    if args.len() < 2 {
        return wrong(
            lua,
            &namespace.speaks("redis.log() requires two arguments or more."),
        );
    }
    let Some(level) = number(&args[0]) else {
        return wrong(lua, "First argument must be a number (log level).");
    };
    if !(0..=3).contains(&level) {
        return wrong(lua, "Invalid log level.");
    }
    let words: Vec<String> = args.iter().skip(1).filter_map(text).collect();
    let line: String = words.join(" ").chars().take(1024).collect();
    match level {
        0 => tracing::debug!(target: "larder::script", "{line}"),
        1 | 2 => tracing::info!(target: "larder::script", "{line}"),
        _ => tracing::warn!(target: "larder::script", "{line}"),
    }
    Ok((Value::Nil, Value::Nil))
}

fn set_repl(lua: &Lua, _: &Shared, namespace: Namespace, args: &[Value]) -> Checked {
    if args.len() != 1 {
        return wrong(
            lua,
            &namespace.speaks("redis.set_repl() requires one argument."),
        );
    }
    match number(&args[0]) {
        Some(0..=3) => Ok((Value::Nil, Value::Nil)),
        _ => wrong(
            lua,
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
        ),
    }
}

fn sha1hex(lua: &Lua, _: &Shared, _: Namespace, args: &[Value]) -> Checked {
    let [only] = args else {
        return wrong(lua, "wrong number of arguments");
    };
    let sha = match only {
        Value::String(text) => Sha::of(&text.as_bytes()),
        other => Sha::of(text(other).unwrap_or_default().as_bytes()),
    };
    Ok((
        Value::String(lua.create_string(sha.as_bytes())?),
        Value::Nil,
    ))
}

fn error_reply(lua: &Lua, _: &Shared, _: Namespace, args: &[Value]) -> Checked {
    reply_table(lua, args, "err")
}

fn status_reply(lua: &Lua, _: &Shared, _: Namespace, args: &[Value]) -> Checked {
    reply_table(lua, args, "ok")
}

fn reply_table(lua: &Lua, args: &[Value], field: &str) -> Checked {
    let [Value::String(text)] = args else {
        return wrong(lua, "wrong number or type of arguments");
    };
    let text = text.as_bytes();
    let mut line: Vec<u8> = Vec::new();
    if field == "err" {
        match text.strip_prefix(b"-") {
            Some(rest) => line.extend_from_slice(rest),
            None if text.contains(&b' ') => line.extend_from_slice(&text),
            None => {
                line.extend_from_slice(b"ERR ");
                line.extend_from_slice(&text);
            }
        }
    } else {
        line.extend_from_slice(&text);
    }
    let table = lua.create_table_with_capacity(0, 1)?;
    table.raw_set(field, lua.create_string(line)?)?;
    Ok((Value::Table(table), Value::Nil))
}

/// `register_function(name, callback)` or `register_function{function_name=, callback=, flags=, description=}`
fn register(lua: &Lua, shared: &Shared, namespace: Namespace, args: &[Value]) -> Checked {
    let read = match args {
        _ if !shared.api.registering.get() => {
            Err("redis.register_function can only be called on FUNCTION LOAD command")
        }
        [Value::Table(table)] => named(table)?,
        [_] => Err(
            "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
        ),
        [name, callback] => positional(name, callback),
        _ => Err("wrong number of arguments to redis.register_function"),
    };
    let registered = read.and_then(|new| {
        if !super::library::is_name(&new.name) {
            return Err(
                "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
            );
        }
        let mut registered = shared.api.registered.borrow_mut();
        if registered.iter().any(|other| other.name == new.name) {
            return Err("Function already exists in the library");
        }
        registered.push(new);
        Ok(())
    });
    match registered {
        Ok(()) => Ok((Value::Nil, Value::Nil)),
        Err(text) => wrong(lua, &namespace.speaks(text)),
    }
}

/// A function to be registered, or what is wrong with how it was given.
type Read = Result<Registered, &'static str>;

fn positional(name: &Value, callback: &Value) -> Read {
    let Value::String(name) = name else {
        return Err("first argument to redis.register_function must be a string");
    };
    let Value::Function(callback) = callback else {
        return Err("second argument to redis.register_function must be a function");
    };
    Ok(Registered {
        name: name.as_bytes().to_vec(),
        description: None,
        flags: Flags {
            declared: true,
            ..Flags::default()
        },
        callback: callback.clone(),
    })
}

fn named(table: &Table) -> mlua::Result<Read> {
    let (mut name, mut callback, mut description) = (None, None, None);
    let mut flags = Flags {
        declared: true,
        ..Flags::default()
    };
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Value::String(key) = key else {
            return Ok(Err(
                "named argument key given to redis.register_function is not a string",
            ));
        };
        match (&*key.as_bytes(), value) {
            (b"function_name", Value::String(text)) => name = Some(text.as_bytes().to_vec()),
            (b"description", Value::String(text)) => description = Some(text.as_bytes().to_vec()),
            (b"callback", Value::Function(function)) => callback = Some(function),
            (b"flags", Value::Table(names)) => {
                for flag in names.sequence_values::<Value>() {
                    let is_known = match flag? {
                        Value::String(flag) => flags.set(&flag.as_bytes()),
                        _ => false,
                    };
                    if !is_known {
                        return Ok(Err("unknown flag given"));
                    }
                }
            }
            (key, _) => return Ok(Err(wrong_argument(key))),
        }
    }
    let Some(name) = name else {
        return Ok(Err(
            "redis.register_function must get a function name argument",
        ));
    };
    let Some(callback) = callback else {
        return Ok(Err("redis.register_function must get a callback argument"));
    };
    Ok(Ok(Registered {
        name,
        description,
        flags,
        callback,
    }))
}

/// What is wrong with a named argument that is not of its type, or has no such name.
fn wrong_argument(name: &[u8]) -> &'static str {
    match name {
        b"function_name" => {
            "function_name argument given to redis.register_function must be a string"
        }
        b"description" => "description argument given to redis.register_function must be a string",
        b"callback" => "callback argument given to redis.register_function must be a function",
        b"flags" => {
            "flags argument to redis.register_function must be a table representing function flags"
        }
        _ => "unknown argument given to redis.register_function",
    }
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Number(number) => Some(*number as i64),
        Value::String(text) => text.to_str().ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// A string or a number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(String::from_utf8_lossy(&text.as_bytes()).into_owned()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
