//! An interpreter: Lua with the world that scripts see, and the stack on which it runs them.
//!
//! A script is ended by an error that is raised wherever it is, again and again until nothing of it is left; so no stack is
//! ever thrown away with Lua's frames on it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_int;
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use mlua::chunk::ChunkMode;
use mlua::state::{GcIncParams, GcMode};
use mlua::{Function, HookTriggers, Lua, Table, Value, VmState, ffi};

use super::convert::Output;
use super::library::Library;
use super::lua::failure::Stop;
use super::native::{self, Job, PROBLEM};
use super::store::{BuildDigestHasher, Script, Sha};
use super::{api, lua, memory};
use crate::resp::{Args, OwnedArgs, Protocol, Reply, ReplyError};
use crate::stats::ticks;

/// How long a script runs before others get their turn, in nanoseconds.
const TURN_NANOS: u64 = 500_000;
/// Instructions between two looks at the clock.
const INSTRUCTIONS: u32 = 2_000;
/// A script's stack. Only what is used of it is ever backed by memory. Lua bounds the depth of its calls into C, and so what it uses.
const STACK: usize = 8 << 20;
/// How long a library's code may run.
const LOAD_TIME: Duration = Duration::from_millis(500);
/// Percent of what was in use after a collection that may be in use before the next begins.
const GC_PAUSE: i32 = 400;
/// Functions that an interpreter keeps compiled.
const MOST_COMPILED: c_int = 1000;

/// Where the code of a library is while it is run.
const CODE: c_int = PROBLEM + 1;
/// The first place for what is kept.
const FIRST_FUNCTION: c_int = CODE + 1;

/// What a script is told that has to end.
pub const KILLED: &str = "Script killed by user with SCRIPT KILL.";

/// How a script has failed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What the client is told, with its code, without where it happened.
    pub text: Vec<u8>,
    /// Where: the chunk's name and the line.
    pub place: Option<(String, i64)>,
    /// It is a command's, and has been counted.
    pub is_counted: bool,
}

impl From<mlua::Error> for Failure {
    fn from(error: mlua::Error) -> Self {
        Self {
            text: format!("ERR {}", first_line(&error)).into_bytes(),
            place: None,
            is_counted: false,
        }
    }
}

/// What an error of the interpreter says, without the trace of calls.
pub(super) fn first_line(error: &mlua::Error) -> String {
    match error {
        mlua::Error::CallbackError { cause, .. } => first_line(cause),
        mlua::Error::RuntimeError(text) | mlua::Error::MemoryError(text) => text
            .split("\nstack traceback:")
            .next()
            .unwrap_or_default()
            .to_owned(),
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}
/// What a script does while it runs, shared by the two sides of its stack.
pub(super) struct Shared {
    yielder: Cell<*const Yielder<(), Pass>>,
    job: Cell<Option<Job>>,
    /// The job has ended by an error, which lies in the table of functions.
    pub(super) failed: Cell<bool>,
    /// The job could not be begun or its result not be written.
    broken: RefCell<Option<mlua::Error>>,
    /// What the job has returned.
    pub(super) output: RefCell<Output>,
    /// The request that the script wants executed.
    pub(super) request: RefCell<OwnedArgs>,
    /// The reply to it.
    pub(super) reply: RefCell<Reply>,
    /// What [`api`] and the caller tell each other.
    pub(super) api: api::State,
    turn_ends: Cell<ticks::Ticks>,
    /// The script has to end.
    pub(super) ends: Cell<bool>,
    /// The script's side has control.
    inside: Cell<bool>,
}

/// What goes over from the script's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Call,
    TurnOver,
    Done,
}

impl Shared {
    /// Lets the caller do something. Only from the script's side.
    fn pass(&self, what: Pass) {
        assert!(self.inside.get(), "a script runs on its own stack");
        let yielder = self.yielder.get();
        // SAFETY: the pointer was stored by the function at the bottom of the script's stack, which never returns while its stack
        // is in use, and `inside` is set only while that stack runs.
        unsafe { (*yielder).suspend(what) };
    }

    /// What is to be run next. None: nothing will be.
    pub(super) fn next_job(&self) -> Option<Job> {
        self.job.take()
    }

    /// The job has ended.
    pub(super) fn ended(&self) {
        self.pass(Pass::Done);
    }

    /// Has the request executed, and lets others have their turn if it is time.
    pub(super) fn call(&self) {
        self.pass(Pass::Call);
        if self.is_turn_over() {
            self.pass(Pass::TurnOver);
        }
    }

    fn is_turn_over(&self) -> bool {
        ticks::now() >= self.turn_ends.get()
    }

    /// Looks at the clock, and lets others have their turn if it is time.
    ///
    /// # Errors
    /// If the script has to end.
    pub(super) fn pulse(&self) -> mlua::Result<()> {
        if self.is_turn_over() && self.inside.get() {
            self.pass(Pass::TurnOver);
        }
        match self.ends.get() {
            true => Err(mlua::Error::external(Stop(KILLED.to_owned()))),
            false => Ok(()),
        }
    }
}

/// What Lua's hook and the libraries' pulse call.
fn pulse(lua: &Lua) -> mlua::Result<()> {
    let shared = lua
        .app_data_ref::<Rc<Shared>>()
        .map(|shared| Rc::clone(&shared));
    shared.map_or(Ok(()), |shared| shared.pulse())
}

/// An interpreter with its stack.
pub(super) struct Interpreter {
    pub(super) lua: Lua,
    pub(super) shared: Rc<Shared>,
    stack: ManuallyDrop<Coroutine<(), Pass, (), DefaultStack>>,
    /// How long a turn is.
    turn: ticks::Ticks,
    /// Whether a script's frames are on the stack.
    pub(super) running: bool,
    /// The globals of scripts, and those of libraries.
    scripts: lua::Environment,
    libraries: lua::Environment,
    /// What scripts may have set.
    state: lua::State,
    /// All that can be run, each in its place.
    functions: Table,
    /// The next place that is free.
    free: c_int,
    compiled: HashMap<Sha, c_int, BuildDigestHasher>,
    loaded: HashMap<String, Loaded>,
    /// Bytes that it used when it was new, and how many more it may use.
    base: usize,
    limit: usize,
    share: memory::Share,
}

/// What can be run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callable {
    place: c_int,
    is_script: bool,
}

/// A library whose code has been run.
struct Loaded {
    library: Arc<Library>,
    functions: HashMap<Vec<u8>, c_int>,
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // Lua's frames cannot be unwound: an interpreter that is thrown away in the middle, at the end of its thread, leaks them.
        if !self.running {
            // There is no job: the function at the bottom of the stack returns.
            self.shared.inside.set(true);
            self.stack.resume(());
            // SAFETY: the stack is dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.stack) };
        }
    }
}

impl Interpreter {
    pub(super) fn new(memory_limit: usize) -> mlua::Result<Box<Self>> {
        let lua = lua::open(lua::Options {
            pulse,
            longest: memory_limit,
        })?;
        let shared = Rc::new(Shared {
            yielder: Cell::new(ptr::null()),
            job: Cell::default(),
            failed: Cell::default(),
            broken: RefCell::default(),
            output: RefCell::default(),
            request: RefCell::default(),
            reply: RefCell::default(),
            api: api::State::default(),
            turn_ends: Cell::new(0),
            ends: Cell::new(false),
            inside: Cell::new(false),
        });
        lua.set_app_data(Rc::clone(&shared));
        let apis = api::tables(&lua, |namespace| api::table(&lua, &shared, namespace))?;
        let loading = api::tables(&lua, |namespace| {
            api::loading_table(&lua, &shared, namespace)
        })?;
        let scripts = lua::environment(&lua, &apis, &lua.create_table()?)?;
        let libraries = lua::environment(&lua, &apis, &loading)?;
        let functions = lua.create_table()?;
        reserve(&functions)?;
        let state = lua::state(&lua)?;
        lua.set_global_hook(
            HookTriggers::new().every_nth_instruction(INSTRUCTIONS),
            |lua, _| {
                let goes_on = pulse(lua);
                if goes_on.is_err() {
                    look_after_each(lua, 1);
                }
                goes_on.map(|()| VmState::Continue)
            },
        )?;
        let base = lua.used_memory();
        lua.set_memory_limit(base + memory_limit)?;
        // The world of scripts is most of what there is: it need not be walked for every few hundred scripts.
        lua.gc_set_mode(GcMode::Incremental(GcIncParams::default().pause(GC_PAUSE)));
        let stack =
            Coroutine::with_stack(DefaultStack::new(STACK).map_err(mlua::Error::external)?, {
                let (lua, shared) = (lua.clone(), Rc::clone(&shared));
                let handler = api::handler(&lua)?;
                let (globals, functions) = (scripts.globals().clone(), functions.clone());
                move |yielder: &Yielder<(), Pass>, ()| {
                    shared.yielder.set(ptr::from_ref(yielder));
                    let serve = || native::serve(&lua, &shared, &handler, &globals, &functions);
                    while let Err(error) = serve() {
                        shared.broken.replace(Some(error));
                        shared.ended();
                    }
                }
            });
        Ok(Box::new(Self {
            lua,
            shared,
            stack: ManuallyDrop::new(stack),
            turn: ticks::from_nanos(TURN_NANOS),
            running: false,
            scripts,
            libraries,
            state,
            functions,
            free: FIRST_FUNCTION,
            compiled: HashMap::default(),
            loaded: HashMap::new(),
            base,
            limit: memory_limit,
            share: memory::Share::default(),
        }))
    }

    /// Begins a turn, and goes on until something happens.
    pub(super) fn go(&mut self) -> Pass {
        self.begin_turn(ticks::now());
        self.go_on()
    }

    fn begin_turn(&self, now: ticks::Ticks) {
        self.shared.turn_ends.set(now.saturating_add(self.turn));
    }

    /// Goes on in the present turn until something happens.
    pub(super) fn go_on(&mut self) -> Pass {
        self.running = true;
        self.shared.inside.set(true);
        let resumed = self.stack.resume(());
        self.shared.inside.set(false);
        match resumed {
            CoroutineResult::Yield(pass) => {
                self.running = pass != Pass::Done;
                pass
            }
            CoroutineResult::Return(()) => {
                unreachable!(
                    "the function at the bottom of the stack returns only when there is no job"
                )
            }
        }
    }

    /// Begins to run what is in a place, and goes on until something happens. What it returns is written in `protocol`.
    pub(super) fn start(
        &mut self,
        what: Callable,
        keys: Args<'_>,
        arguments: Args<'_>,
        protocol: Protocol,
        now: ticks::Ticks,
    ) -> Pass {
        assert!(!self.running, "an interpreter runs one script at a time");
        let shared = &self.shared;
        if shared.ends.replace(false) {
            // Its last script was ended.
            look_after_each(&self.lua, INSTRUCTIONS);
        }
        shared.api.reset();
        {
            let mut output = shared.output.borrow_mut();
            output.clear();
            output.reply.set_protocol(protocol);
        }
        // SAFETY: `native::run` takes the job and makes Lua's values of the arguments before a script's first instruction, so within
        // `go_on` below; nothing keeps them.
        let (keys, arguments) = unsafe {
            (
                std::mem::transmute::<Args<'_>, Args<'static>>(keys),
                std::mem::transmute::<Args<'_>, Args<'static>>(arguments),
            )
        };
        shared.job.set(Some(Job {
            function: what.place,
            is_script: what.is_script,
            keys,
            arguments,
        }));
        self.state.begin(now as i32);
        self.begin_turn(now);
        self.go_on()
    }

    /// The compiled form of a script.
    pub(super) fn compile(&mut self, script: &Script) -> Result<Callable, ReplyError> {
        let place = match self.compiled.get(&script.sha) {
            Some(place) => *place,
            None => self.compile_new(script).map_err(|error| {
                ReplyError::err(format!(
                    "Error compiling script (new function): {}",
                    first_line(&error)
                ))
            })?,
        };
        Ok(Callable {
            place,
            is_script: true,
        })
    }

    #[cold]
    fn compile_new(&mut self, script: &Script) -> mlua::Result<c_int> {
        let function = compile(
            &self.lua,
            &script.body,
            "@user_script",
            self.scripts.table(),
        )?;
        self.make_places()?;
        let place = self.keep(&function)?;
        self.compiled.insert(script.sha, place);
        Ok(place)
    }

    /// Gives a function a place.
    fn keep(&mut self, function: &Function) -> mlua::Result<c_int> {
        self.functions.raw_set(self.free, function)?;
        self.free += 1;
        Ok(self.free - 1)
    }

    /// Forgets all functions if there are many.
    fn make_places(&mut self) -> mlua::Result<()> {
        match self.free > MOST_COMPILED {
            true => self.forget(),
            false => Ok(()),
        }
    }

    /// Forgets all functions.
    fn forget(&mut self) -> mlua::Result<()> {
        self.compiled.clear();
        self.loaded.clear();
        self.free = FIRST_FUNCTION;
        self.functions.clear()?;
        reserve(&self.functions)
    }

    /// Runs a library's code, which registers functions. It gets no other turns but its own, and not long.
    pub(super) fn load(&mut self, library: &Library) -> Result<Vec<api::Registered>, ReplyError> {
        compile(
            &self.lua,
            &library.code,
            "@user_function",
            self.libraries.table(),
        )
        .and_then(|code| self.functions.raw_set(CODE, code))
        .map_err(|error| {
            ReplyError::err(format!("Error compiling function: {}", first_line(&error)))
        })?;
        let code = Callable {
            place: CODE,
            is_script: false,
        };
        let nothing = OwnedArgs::default();
        let deadline = Instant::now() + LOAD_TIME;
        self.set_loading(true)?;
        let mut pass = self.start(
            code,
            nothing.view(),
            nothing.view(),
            Protocol::Resp2,
            ticks::now(),
        );
        loop {
            match pass {
                Pass::Done => break,
                Pass::Call => {
                    unreachable!("a library's code may not call commands while it is loaded")
                }
                Pass::TurnOver => {
                    if Instant::now() > deadline {
                        self.end();
                    }
                    pass = self.go();
                }
            }
        }
        self.set_loading(false)?;
        let _ = self.functions.raw_set(CODE, false);
        let registered = self.shared.api.registered.take();
        match self.result() {
            Ok(()) => {}
            Err(_) if self.shared.ends.get() => {
                return Err(ReplyError::fixed("ERR FUNCTION LOAD timeout"));
            }
            Err(failure) => {
                let text = String::from_utf8_lossy(&failure.text).into_owned();
                let text = text.strip_prefix("ERR ").unwrap_or(&text);
                return Err(ReplyError::err(format!(
                    "Error registering functions: {text}"
                )));
            }
        }
        Ok(registered)
    }

    fn set_loading(&self, is_loading: bool) -> Result<(), ReplyError> {
        self.shared.api.registering.set(is_loading);
        let set = self.libraries.set_loading(is_loading);
        set.map_err(|error| ReplyError::err(first_line(&error)))
    }

    /// Shows others how much memory it uses.
    pub(super) fn show_memory(&mut self) {
        self.share.set(self.lua.used_memory());
    }

    /// Gives back what the last script has left, if it is much: memory that is not collected yet counts against the limit. False if it cannot
    /// be used any more.
    pub(super) fn tidies(&mut self) -> bool {
        let used = |this: &Self| this.lua.used_memory().saturating_sub(this.base);
        if used(self) <= self.limit / 2 {
            return true;
        }
        self.forget().is_ok() && self.lua.gc_collect().is_ok() && used(self) <= self.limit / 2
    }

    /// Makes the script end: errors are raised wherever it is until nothing of it is left.
    pub(super) fn end(&self) {
        self.shared.ends.set(true);
    }

    /// How the script has ended.
    pub(super) fn result(&self) -> Result<(), Failure> {
        if let Some(error) = self.shared.broken.take() {
            return Err(error.into());
        }
        match self.shared.failed.replace(false) {
            true => {
                let problem: Value = self.functions.raw_get(PROBLEM)?;
                self.functions.raw_set(PROBLEM, false)?;
                Err(api::failure(problem))
            }
            false => Ok(()),
        }
    }
}

/// Has the hook called after so many instructions of the coroutine that runs now. A script that is ended must not get to
/// where it catches the error and goes on, so then it is called after each.
fn look_after_each(lua: &Lua, instructions: u32) {
    // Not in a protected call: where a script has used up all the depth that there is for calls, that would fail.
    let thread = Value::Thread(lua.current_thread());
    let state = thread.to_pointer().cast_mut().cast::<ffi::lua_State>();
    // SAFETY: what a value of a thread points to is its state, which lives as long as the value. Nothing is allocated or raised.
    unsafe {
        let hook = ffi::lua_gethook(state);
        ffi::lua_sethook(state, hook, ffi::LUA_MASKCOUNT, instructions as c_int);
    }
}

/// Makes the places that are always there.
fn reserve(functions: &Table) -> mlua::Result<()> {
    (PROBLEM..FIRST_FUNCTION).try_for_each(|place| functions.raw_set(place, false))
}

/// Compiles a chunk whose globals are those of `environment`.
fn compile(lua: &Lua, source: &[u8], name: &str, environment: &Table) -> mlua::Result<Function> {
    // The first line may name the language. Line numbers stay.
    let start = match source.starts_with(b"#!") {
        true => memchr::memchr(b'\n', source).unwrap_or(source.len()),
        false => 0,
    };
    lua.load(&source[start..])
        .set_name(name)
        .set_mode(ChunkMode::Text)
        .set_environment(environment.clone())
        .into_function()
}

impl Interpreter {
    /// A function of a library, whose code is run when it has not been, or has been replaced.
    pub(super) fn function(
        &mut self,
        library: &Arc<Library>,
        name: &[u8],
    ) -> Result<Callable, ReplyError> {
        let loaded = self.loaded.get(&library.name);
        if !loaded.is_some_and(|loaded| Arc::ptr_eq(&loaded.library, library)) {
            let registered = self.load(library)?;
            self.keep_library(library, registered)
                .map_err(|error| ReplyError::err(first_line(&error)))?;
        }
        let loaded = self.loaded.get(&library.name);
        let place = loaded.and_then(|loaded| loaded.functions.get(name));
        Ok(Callable {
            place: *place.ok_or(ReplyError::fixed("ERR Function not found"))?,
            is_script: false,
        })
    }

    fn keep_library(
        &mut self,
        library: &Arc<Library>,
        registered: Vec<api::Registered>,
    ) -> mlua::Result<()> {
        self.make_places()?;
        let mut functions = HashMap::new();
        for one in registered {
            functions.insert(one.name, self.keep(&one.callback)?);
        }
        let loaded = Loaded {
            library: Arc::clone(library),
            functions,
        };
        self.loaded.insert(library.name.clone(), loaded);
        Ok(())
    }
}
