//! The world in which scripts run: Lua 5.1 with the libraries and the protected globals that Redis and Valkey scripts see.
//!
//! What it promises to whoever runs scripts from strangers on one thread, one after the other, in one `Lua`:
//!
//! * A script leaves nothing behind: globals and libraries cannot be changed, and what else a script can set (the random numbers,
//!   the settings of `cjson`) starts afresh with `begin`.
//! * Nothing in here runs for long without asking the `Pulse`, or the instance's hook, whether it may go on. A `Stop` that either
//!   returns is not caught by `pcall`.
//! * No depth or length that a script announces overflows the stack or is allocated before it is there.
//!
//! `environment.lua` holds the protection, written where it is cheapest: in Lua. The libraries are in Rust over Lua's values where
//! the originals in C recurse, trust their input or cannot be interrupted.

mod arguments;
mod bit;
mod cjson;
mod cmsgpack;
pub mod failure;
mod number;
mod pattern;
mod random;
mod strings;
mod structure;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Instant;

use mlua::chunk::ChunkMode;
use mlua::{
    Error, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, LuaOptions, MultiValue, StdLib,
    Table, Value,
};

use arguments::Arguments;
use random::Random;

/// Asked now and then by what runs long in Rust, as a hook is by Lua. An error ends what runs; `failure::Stop` ends the script.
pub type Pulse = fn(&Lua) -> mlua::Result<()>;

/// What an instance is told when it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Called every few thousand steps of what runs in Rust.
    pub pulse: Pulse,
    /// The longest string, in bytes, that a library function builds.
    pub longest: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pulse: |_| Ok(()),
            longest: 512 << 20,
        }
    }
}

/// What belongs to an instance rather than to one environment: functions of `environment.lua`, and state that `begin` resets.
struct World {
    environment: Function,
    pcall: Function,
    random: Rc<Random>,
    json: Rc<cjson::Settings>,
}

/// Counts the steps of what runs in Rust, and asks the pulse.
#[derive(Debug, Clone)]
struct Pacer {
    pulse: Pulse,
    steps: Rc<Cell<usize>>,
}

impl Pacer {
    const STEPS: usize = 10_000;

    /// One step done, or several.
    #[inline]
    fn step(&self, lua: &Lua, count: usize) -> mlua::Result<()> {
        let steps = self.steps.get() + count;
        if steps < Self::STEPS {
            self.steps.set(steps);
            return Ok(());
        }
        self.steps.set(0);
        (self.pulse)(lua)
    }
}

/// A new instance of Lua with the libraries, ready for `environment`.
///
/// # Errors
/// If there is no memory for it.
pub fn open(options: Options) -> mlua::Result<Lua> {
    let lua = Lua::new_with(
        StdLib::TABLE | StdLib::STRING | StdLib::MATH,
        LuaOptions::new(),
    )?;
    let random = Rc::new(Random::default());
    let json = Rc::new(cjson::Settings::default());
    let native = native(&lua, options, &random, &json)?;
    let (environment, strings, pcall): (Function, Table, Function) = lua
        .load(bytecode(&lua)?)
        .set_mode(ChunkMode::Binary)
        .call((lua.globals(), native))?;
    lua.set_type_metatable::<mlua::LuaString>(Some(strings));
    lua.set_app_data(World {
        environment,
        pcall,
        random,
        json,
    });
    Ok(lua)
}

/// `environment.lua` compiled, once per process.
fn bytecode(lua: &Lua) -> mlua::Result<&'static [u8]> {
    static COMPILED: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(compiled) = COMPILED.get() {
        return Ok(compiled);
    }
    let source = lua
        .load(include_str!("environment.lua"))
        .set_name(format!("={}", failure::OWN));
    let compiled = source.into_function()?.dump(false);
    Ok(COMPILED.get_or_init(|| compiled))
}

/// What a script may have set.
#[derive(Debug)]
pub struct State {
    random: Rc<Random>,
    json: Rc<cjson::Settings>,
}

impl State {
    /// Puts back what the last script may have set, and gives the random numbers their seed. To be called before each script.
    pub fn begin(&self, seed: i32) {
        self.random.seed(seed);
        self.json.reset();
    }
}

/// What scripts of an instance may have set.
///
/// # Errors
/// If the instance was not made by `open`.
pub fn state(lua: &Lua) -> mlua::Result<State> {
    let world = world(lua)?;
    Ok(State {
        random: Rc::clone(&world.random),
        json: Rc::clone(&world.json),
    })
}

fn world(lua: &Lua) -> mlua::Result<mlua::AppDataRef<'_, World>> {
    lua.app_data_ref::<World>()
        .ok_or_else(|| Error::runtime("this instance has no libraries for scripts"))
}

/// The globals of a kind of scripts. Several may live in one instance; they share the libraries.
#[derive(Debug, Clone)]
pub struct Environment {
    table: Table,
    globals: Table,
    meta: Table,
    loading: Table,
    pcall: Function,
}

/// An environment with the tables in `apis` as globals beside the libraries. While a library's code is [loaded](Environment::set_loading) there
/// are no globals but the tables in `loading`. Both are given by name.
///
/// # Errors
/// If there is no memory for it.
pub fn environment(lua: &Lua, apis: &Table, loading: &Table) -> mlua::Result<Environment> {
    let (make, pcall) = {
        let world = world(lua)?;
        (world.environment.clone(), world.pcall.clone())
    };
    let (table, globals, meta, loading) = make.call((apis, loading))?;
    Ok(Environment {
        table,
        globals,
        meta,
        loading,
        pcall,
    })
}

impl Environment {
    /// The table that chunks are loaded with (`Chunk::set_environment`), and that scripts know as `_G`.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where globals are kept that scripts can read and not replace.
    pub(super) fn globals(&self) -> &Table {
        &self.globals
    }

    /// Says whether what runs from now on is a library's code that registers functions.
    ///
    /// # Errors
    /// None, as nothing is allocated; Lua's interface has them.
    pub fn set_loading(&self, is_loading: bool) -> mlua::Result<()> {
        // Not by a function in Lua: whatever stops a script that will not end would stop it.
        let globals = if is_loading {
            &self.loading
        } else {
            &self.globals
        };
        self.meta.raw_set("__index", globals)
    }

    /// Sets a global that scripts can read and not replace, as `KEYS`. A table is given as it is: unlike the libraries it is not
    /// protected. `Value::Nil` takes a global away.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn set(&self, name: &str, value: impl IntoLua) -> mlua::Result<()> {
        self.globals.raw_set(name, value)
    }

    /// Calls a script's function as `pcall` does: what it raised, of whatever type, is the inner error.
    ///
    /// # Errors
    /// A `failure::Stop`, or what kept it from being called.
    pub fn call<R: FromLuaMulti>(
        &self,
        lua: &Lua,
        function: &Function,
        arguments: impl IntoLuaMulti,
    ) -> mlua::Result<Result<R, Value>> {
        let mut arguments = arguments.into_lua_multi(lua)?;
        arguments.push_front(Value::Function(function.clone()));
        let mut results: MultiValue = self.pcall.call(arguments)?;
        match results.pop_front() {
            Some(Value::Boolean(true)) => Ok(Ok(R::from_lua_multi(results, lua)?)),
            _ => Ok(Err(results.pop_front().unwrap_or(Value::Nil))),
        }
    }
}

/// What `environment.lua` is given of Rust.
fn native(
    lua: &Lua,
    options: Options,
    random: &Rc<Random>,
    json: &Rc<cjson::Settings>,
) -> mlua::Result<Table> {
    let pacer = Pacer {
        pulse: options.pulse,
        steps: Rc::default(),
    };
    let native = lua.create_table()?;
    native.raw_set(
        "wrong",
        lua.create_function(
            |lua, (name, number, expected, found): (String, usize, String, Value)| {
                let text = format!("{expected} expected, got {}", failure::type_name(&found));
                Err::<(), _>(failure::bad_argument_of(lua, &name, number, text))
            },
        )?,
    )?;
    native.raw_set(
        "bad",
        lua.create_function(|lua, (name, number, text): (String, usize, String)| {
            Err::<(), _>(failure::bad_argument_of(lua, &name, number, text))
        })?,
    )?;
    native.raw_set(
        "fail",
        lua.create_function(|lua, text: String| Err::<(), _>(failure::error(lua, text)))?,
    )?;
    native.raw_set(
        "explain",
        lua.create_function(
            |lua, problem: Value| match failure::soften(lua, &problem)? {
                (Value::Error(stop), true) => Err(*stop),
                (value, _) => Ok(value),
            },
        )?,
    )?;
    native.raw_set(
        "located",
        lua.create_function(|lua, text: String| Ok(failure::located(lua, text)))?,
    )?;
    native.raw_set(
        "is_protected",
        lua.create_function(|_, table: Table| match table.metatable() {
            Some(metatable) => metatable
                .raw_get::<Value>("__metatable")
                .map(|guard| !guard.is_nil()),
            None => Ok(false),
        })?,
    )?;
    let pacer_of = pacer.clone();
    native.raw_set(
        "sort_numbers",
        lua.create_function(move |lua, (table, count): (Table, usize)| {
            sort_numbers(lua, &pacer_of, &table, count)
        })?,
    )?;
    native.raw_set("compile", lua.create_function(compile)?)?;
    native.raw_set("math", random::library(lua, random)?)?;
    native.raw_set("bit", bit::library(lua)?)?;
    native.raw_set("os", os(lua)?)?;
    native.raw_set("string", strings::library(lua, options, &pacer)?)?;
    strings::parts(lua, &native, options, &pacer)?;
    native.raw_set("struct", structure::library(lua, options, &pacer)?)?;
    native.raw_set("cjson", cjson::library(lua, options, &pacer, json)?)?;
    native.raw_set("cmsgpack", cmsgpack::library(lua, options, &pacer)?)?;
    Ok(native)
}

/// Sorts so many numbers of a table, upwards.
fn sort_numbers(lua: &Lua, pacer: &Pacer, table: &Table, count: usize) -> mlua::Result<()> {
    let mut numbers = Vec::new();
    for index in 1..=count {
        pacer.step(lua, 1)?;
        numbers.push(table.raw_get::<f64>(index)?);
    }
    numbers.sort_unstable_by(f64::total_cmp);
    for (index, number) in (1..).zip(numbers) {
        pacer.step(lua, 1)?;
        table.raw_set(index as i64, number)?;
    }
    Ok(())
}

/// `loadstring(text, name)` in an environment: the function, or nil and why not.
fn compile(lua: &Lua, arguments: MultiValue) -> mlua::Result<MultiValue> {
    /// Parsing cannot be interrupted.
    const LONGEST: usize = 16 << 20;
    let arguments = Arguments::new(lua, arguments);
    let Value::Table(environment) = arguments.get(0) else {
        return Ok(MultiValue::new());
    };
    let (text, name) = (arguments.string(1)?, arguments.string(2)?);
    let (text, name) = (text.as_bytes(), name.as_bytes());
    let refused = |problem: &str| {
        Ok(MultiValue::from_iter([
            Value::Nil,
            Value::String(lua.create_string(problem)?),
        ]))
    };
    // A position in a message shows at most the first line's first sixty bytes of the name.
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len())
        .min(200);
    let name = String::from_utf8_lossy(&name[..end]).into_owned();
    if text.first() == Some(&0x1b) {
        return refused(&format!(
            "{}:1: unexpected symbol near 'char(27)'",
            shown(&name)
        ));
    }
    if text.len() > LONGEST {
        return refused(&format!("{}:1: chunk too long", shown(&name)));
    }
    let chunk = lua
        .load(&*text)
        .set_name(name)
        .set_mode(ChunkMode::Text)
        .set_environment(environment.clone());
    match chunk.into_function() {
        Ok(function) => Ok(MultiValue::from_iter([Value::Function(function)])),
        Err(Error::SyntaxError { message, .. }) => refused(&message),
        Err(other) => Err(other),
    }
}

/// A chunk's name as positions show it.
fn shown(name: &str) -> String {
    match name.strip_prefix(['=', '@']) {
        Some(plain) => plain.to_owned(),
        None => {
            let line = name.lines().next().unwrap_or("");
            if line.len() == name.len() {
                format!("[string \"{line}\"]")
            } else {
                format!("[string \"{line}...\"]")
            }
        }
    }
}

/// `os`: the clock alone, in seconds since the instance was opened.
fn os(lua: &Lua) -> mlua::Result<Table> {
    let started = Instant::now();
    let os = lua.create_table()?;
    os.raw_set(
        "clock",
        lua.create_function(move |_, ()| Ok(started.elapsed().as_secs_f64()))?,
    )?;
    Ok(os)
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod tests;
