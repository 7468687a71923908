//! An interpreter and the stack that it runs on.
//!
//! A worker's thread keeps a few interpreters.  Running a script takes one: it goes on, on a stack of its own, until it wants
//! a command executed ([`Event::Call`]), has used up its turn ([`Event::TurnOver`]) or is done, and then its caller has
//! control again.  A script that takes long is [set aside](Run::set_aside) with its interpreter, stack and all, under its
//! ticket, and the thread does something else; other scripts get another interpreter.
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

use super::library::Library;
use super::lua::failure::Stop;
use super::native::{self, Job};
use super::store::{BuildDigestHasher, Flags, Script, Sha};
use super::{Ticket, api, convert, lua};
use crate::resp::{Args, OwnedArgs, ReplyError};
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
/// Interpreters that a thread keeps for later.
const KEPT: usize = 2;
/// Scripts set aside at the same time by one thread.
pub const MOST_SET_ASIDE: usize = 64;
/// Compiled scripts that an interpreter keeps.
const MOST_COMPILED: usize = 1000;

/// Why a script's caller has control again.
#[derive(Debug)]
pub enum Event {
    /// It wants a command executed: [`Run::request`] is the request, and [`Run::answer`] takes the reply.
    Call,
    /// It has used up its turn.
    TurnOver,
    /// It has ended.
    Done(Result<Value, Failure>),
}

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
    job: RefCell<Option<Job>>,
    result: RefCell<Option<mlua::Result<Result<Value, Value>>>>,
    /// The keys and arguments of the job.
    pub(super) keys: RefCell<OwnedArgs>,
    pub(super) arguments: RefCell<OwnedArgs>,
    /// The request that the script wants executed.
    pub(super) request: RefCell<OwnedArgs>,
    /// The reply to it.
    pub(super) reply: RefCell<Vec<u8>>,
    /// What [`api`] and the caller tell each other.
    pub(super) api: api::State,
    turn_ends: Cell<ticks::Ticks>,
    /// The script has to end.
    ends: Cell<bool>,
    /// The script's side has control.
    inside: Cell<bool>,
}

/// What goes over from the script's side.
enum Pass {
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

/// What a script is told that has to end.
pub const KILLED: &str = "Script killed by user with SCRIPT KILL.";

/// An interpreter with its stack.
struct Interpreter {
    lua: Lua,
    shared: Rc<Shared>,
    stack: ManuallyDrop<Coroutine<(), Pass, (), DefaultStack>>,
    /// How long a turn is.
    turn: ticks::Ticks,
    /// Whether the script's frames are on the stack.
    running: bool,
    /// The globals of scripts, and those of libraries.
    scripts: lua::Environment,
    functions: lua::Environment,
    /// Where scripts find KEYS and ARGV.
    globals: Rc<Table>,
    compiled: HashMap<Sha, Rc<Function>, BuildDigestHasher>,
    libraries: HashMap<String, Loaded>,
    /// Bytes that it used when it was new, and how many more it may use.
    base: usize,
    limit: usize,
}

/// A library whose code has been run.
struct Loaded {
    library: Arc<Library>,
    functions: HashMap<Vec<u8>, Rc<Function>>,
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        // Lua's frames cannot be unwound: an interpreter that is thrown away in the middle, at the end of its thread, leaks them.
        if !self.running {
            // SAFETY: the stack is dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.stack) };
        }
    }
}

impl Interpreter {
    fn new(memory_limit: usize) -> mlua::Result<Box<Self>> {
        let lua = lua::open(lua::Options {
            pulse,
            longest: memory_limit,
        })?;
        let shared = Rc::new(Shared {
            yielder: Cell::new(ptr::null()),
            job: RefCell::default(),
            result: RefCell::default(),
            keys: RefCell::default(),
            arguments: RefCell::default(),
            request: RefCell::default(),
            reply: RefCell::default(),
            api: api::State::default(),
            turn_ends: Cell::new(0),
            ends: Cell::new(false),
            inside: Cell::new(false),
        });
        lua.set_app_data(Rc::clone(&shared));
        let environment = |is_library: bool| {
            let api = api::table(&lua, &shared, is_library)?;
            lua::environment(&lua, &api)
        };
        let (scripts, functions) = (environment(false)?, environment(true)?);
        let globals = Rc::new(scripts.globals().clone());
        let handler = api::handler(&lua)?;
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
                move |yielder: &Yielder<(), Pass>, ()| {
                    shared.yielder.set(ptr::from_ref(yielder));
                    loop {
                        let job = shared.job.take();
                        let job = job.expect("the stack goes on when there is a job");
                        let result = native::run(&lua, &shared, &job, &handler);
                        drop(job);
                        shared.result.replace(Some(result));
                        shared.pass(Pass::Done);
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
            functions,
            globals,
            compiled: HashMap::default(),
            libraries: HashMap::new(),
            base,
            limit: memory_limit,
        }))
    }

    /// Begins a turn, and goes on until something happens.
    fn go(&mut self) -> Pass {
        let turn = ticks::now().saturating_add(self.turn);
        self.shared.turn_ends.set(turn);
        self.go_on()
    }

    /// Goes on in the present turn until something happens.
    fn go_on(&mut self) -> Pass {
        self.running = true;
        self.shared.inside.set(true);
        let resumed = self.stack.resume(());
        self.shared.inside.set(false);
        match resumed {
            CoroutineResult::Yield(pass) => {
                self.running = !matches!(pass, Pass::Done);
                pass
            }
            CoroutineResult::Return(()) => {
                unreachable!("the function at the bottom of the stack never returns")
            }
        }
    }

    fn start(&mut self, job: Job, keys: Args<'_>, arguments: Args<'_>) -> Result<(), ReplyError> {
        let shared = &self.shared;
        if shared.ends.replace(false) {
            // Its last script was ended.
            look_after_each(&self.lua, INSTRUCTIONS);
        }
        shared.api.reset();
        shared.keys.borrow_mut().copy_from(keys);
        shared.arguments.borrow_mut().copy_from(arguments);
        shared.job.replace(Some(job));
        lua::begin(&self.lua, ticks::now() as i32)
            .map_err(|error| ReplyError::err(first_line(&error)))
    }

    /// The compiled form of a script.
    fn compile(&mut self, script: &Script) -> Result<Rc<Function>, ReplyError> {
        if let Some(function) = self.compiled.get(&script.sha) {
            return Ok(Rc::clone(function));
        }
        let function = compile(
            &self.lua,
            &script.body,
            "@user_script",
            self.scripts.table(),
        )
        .map_err(|error| {
            ReplyError::err(format!(
                "Error compiling script (new function): {}",
                first_line(&error)
            ))
        })?;
        if self.compiled.len() >= MOST_COMPILED {
            self.compiled.clear();
        }
        let function = Rc::new(function);
        self.compiled.insert(script.sha, Rc::clone(&function));
        Ok(function)
    }

    /// Runs a library's code, which registers functions. It gets no other turns but its own, and not long.
    fn load(&mut self, library: &Library) -> Result<Vec<api::Registered>, ReplyError> {
        let compiled = compile(
            &self.lua,
            &library.code,
            "@user_function",
            self.functions.table(),
        )
        .map_err(|error| {
            ReplyError::err(format!("Error compiling function: {}", first_line(&error)))
        })?;
        let job = Job {
            function: Rc::new(compiled),
            globals: None,
        };
        let nothing = OwnedArgs::default();
        self.start(job, nothing.view(), nothing.view())?;
        self.shared.api.registering.set(true);
        let deadline = Instant::now() + LOAD_TIME;
        loop {
            match self.go() {
                Pass::Done => break,
                Pass::Call => {
                    unreachable!("a library's code may not call commands while it is loaded")
                }
                Pass::TurnOver => {
                    if Instant::now() > deadline {
                        self.end();
                    }
                }
            }
        }
        self.shared.api.registering.set(false);
        let registered = self.shared.api.registered.take();
        match self.result() {
            Ok(_) => {}
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

    /// Gives back what the last script has left, if it is much: memory that is not collected yet counts against the limit. False if it cannot
    /// be used any more.
    fn tidies(&mut self) -> bool {
        let used = |this: &Self| this.lua.used_memory().saturating_sub(this.base);
        if used(self) <= self.limit / 2 {
            return true;
        }
        self.compiled.clear();
        self.libraries.clear();
        self.lua.gc_collect().is_ok() && used(self) <= self.limit / 2
    }

    /// Makes the script end: errors are raised wherever it is until nothing of it is left.
    fn end(&self) {
        self.shared.ends.set(true);
    }

    fn result(&mut self) -> Result<Value, Failure> {
        let result = self.shared.result.take().expect("the script has ended");
        api::outcome(result)
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

/// The interpreters of a thread.
#[derive(Default)]
struct Interpreters {
    #[expect(clippy::vec_box, reason = "an interpreter is moved for every script")]
    idle: Vec<Box<Interpreter>>,
    set_aside: HashMap<Ticket, Run>,
}

thread_local! {
    static INTERPRETERS: RefCell<Interpreters> = RefCell::default();
}

/// What is to be run.
#[derive(Debug, Clone)]
pub enum Program {
    /// A script.
    Script(Arc<Script>),
    /// A function of a library.
    Function(Arc<Library>, Vec<u8>),
}

impl Program {
    /// What it says of itself.
    pub fn flags(&self) -> Flags {
        match self {
            Self::Script(script) => script.flags,
            Self::Function(library, name) => {
                let mut functions = library.functions.iter();
                let found = functions.find(|function| function.name == *name);
                found.map(|function| function.flags).unwrap_or_default()
            }
        }
    }
}

/// A script that runs.
pub struct Run {
    interpreter: Option<Box<Interpreter>>,
    /// Under which it is set aside.
    pub ticket: Ticket,
    /// When it began.
    started: ticks::Ticks,
    /// The database that was selected when it began.
    pub db: usize,
    /// What runs.
    pub program: Program,
    /// What others see of it, once it has been set aside.
    pub shown: Option<Arc<super::running::Run>>,
    /// It has executed a command that writes.
    pub wrote: bool,
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut interpreter) = self.interpreter.take()
            && !interpreter.running
        {
            if !interpreter.tidies() {
                return;
            }
            INTERPRETERS.with_borrow_mut(|all| {
                if all.idle.len() < KEPT {
                    all.idle.push(interpreter);
                }
            });
        }
    }
}

impl Run {
    /// Begins to run a program.
    ///
    /// # Errors
    /// If it does not compile, or there is no memory for it.
    pub fn start(
        program: Program,
        ticket: Ticket,
        keys: Args<'_>,
        arguments: Args<'_>,
        db: usize,
        memory_limit: usize,
    ) -> Result<Self, ReplyError> {
        let mut run = Self::idle(program, ticket, memory_limit)?;
        run.db = db;
        let interpreter = run
            .interpreter
            .as_mut()
            .expect("it has just been given one");
        let job = match &run.program {
            Program::Script(script) => Job {
                function: interpreter.compile(script)?,
                globals: Some(Rc::clone(&interpreter.globals)),
            },
            Program::Function(library, name) => Job {
                function: interpreter.function(library, name)?,
                globals: None,
            },
        };
        interpreter.start(job, keys, arguments)?;
        Ok(run)
    }

    /// Checks that a script compiles.
    ///
    /// # Errors
    /// The compiler's.
    pub fn check(script: &Arc<Script>, memory_limit: usize) -> Result<(), ReplyError> {
        let program = Program::Script(Arc::clone(script));
        let mut run = Self::idle(program, Ticket(0), memory_limit)?;
        run.interpreter_mut().compile(script).map(drop)
    }

    /// Runs a library's code, and tells which functions it registers.
    ///
    /// # Errors
    /// If it does not compile or fails.
    pub fn load(
        library: &Arc<Library>,
        memory_limit: usize,
    ) -> Result<Vec<api::Registered>, ReplyError> {
        let program = Program::Function(Arc::clone(library), Vec::new());
        let mut run = Self::idle(program, Ticket(0), memory_limit)?;
        run.interpreter_mut().load(library)
    }

    fn idle(program: Program, ticket: Ticket, memory_limit: usize) -> Result<Self, ReplyError> {
        let interpreter = match INTERPRETERS.with_borrow_mut(|all| all.idle.pop()) {
            Some(interpreter) => interpreter,
            None => Interpreter::new(memory_limit).map_err(|error| {
                ReplyError::err(format!(
                    "cannot start an interpreter: {}",
                    first_line(&error)
                ))
            })?,
        };
        Ok(Self {
            interpreter: Some(interpreter),
            ticket,
            started: ticks::now(),
            db: 0,
            program,
            shown: None,
            wrote: false,
        })
    }

    /// When it began.
    pub fn started(&self) -> Instant {
        let nanos = ticks::to_nanos(ticks::now().wrapping_sub(self.started));
        let now = Instant::now();
        now.checked_sub(Duration::from_nanos(nanos)).unwrap_or(now)
    }

    /// Whether it has been told to end.
    pub fn has_to_end(&self) -> bool {
        let interpreter = self.interpreter.as_ref();
        interpreter.is_some_and(|interpreter| interpreter.shared.ends.get())
    }

    /// The script that was set aside under a ticket.
    pub fn resume(ticket: Ticket) -> Option<Self> {
        INTERPRETERS.with_borrow_mut(|all| all.set_aside.remove(&ticket))
    }

    /// Keeps the script for later, under its ticket.
    pub fn set_aside(self) {
        INTERPRETERS.with_borrow_mut(|all| all.set_aside.insert(self.ticket, self));
    }

    /// How many scripts this thread has set aside.
    pub fn set_aside_count() -> usize {
        INTERPRETERS.with_borrow(|all| all.set_aside.len())
    }

    /// The memory that this thread's interpreters use.
    pub fn memory() -> usize {
        INTERPRETERS.with_borrow(|all| all.idle.iter().map(|one| one.lua.used_memory()).sum())
    }

    /// Begins a turn, and goes on until something happens.
    pub fn go(&mut self) -> Event {
        let pass = self.interpreter_mut().go();
        self.event(pass)
    }

    /// Goes on in the present turn until something happens.
    pub fn go_on(&mut self) -> Event {
        let pass = self.interpreter_mut().go_on();
        self.event(pass)
    }

    fn event(&mut self, pass: Pass) -> Event {
        let interpreter = self.interpreter_mut();
        match pass {
            Pass::Call => Event::Call,
            Pass::TurnOver => Event::TurnOver,
            Pass::Done => Event::Done(interpreter.result()),
        }
    }

    /// Makes it end, at the next [`Run::go`] or soon after.
    pub fn end(&self) {
        if let Some(interpreter) = &self.interpreter {
            interpreter.end();
        }
    }

    /// The request that the script wants executed; taken away until it is given back with [`Run::answer`].
    pub fn request(&mut self) -> OwnedArgs {
        self.interpreter_mut().shared.request.take()
    }

    /// Notes that it is about to change something. False if it has to end instead.
    pub fn note_write(&mut self) -> bool {
        let may = self.shown.as_ref().is_none_or(|shown| shown.note_write());
        self.wrote |= may;
        may
    }

    /// The reply to the request, and the request's memory.
    pub fn answer(&mut self, request: OwnedArgs, reply: impl FnOnce(&mut Vec<u8>)) {
        let shared = &self.interpreter_mut().shared;
        shared.request.replace(request);
        let mut buffer = shared.reply.borrow_mut();
        buffer.clear();
        reply(&mut buffer);
    }

    /// What the script has asked for.
    pub fn api(&mut self) -> &api::State {
        &self.interpreter_mut().shared.api
    }

    /// Whether replies shall be in RESP3.
    pub fn protocol(&mut self) -> crate::resp::Protocol {
        convert::protocol(self.api().resp3.get())
    }

    fn interpreter_mut(&mut self) -> &mut Interpreter {
        self.interpreter
            .as_mut()
            .expect("only dropping takes it away")
    }
}

impl Interpreter {
    /// A function of a library, whose code is run when it has not been, or has been replaced.
    fn function(
        &mut self,
        library: &Arc<Library>,
        name: &[u8],
    ) -> Result<Rc<Function>, ReplyError> {
        let loaded = self.libraries.get(&library.name);
        if !loaded.is_some_and(|loaded| Arc::ptr_eq(&loaded.library, library)) {
            let registered = self.load(library)?.into_iter();
            let functions = registered
                .map(|one| (one.name, Rc::new(one.callback)))
                .collect();
            if self.libraries.len() >= MOST_COMPILED {
                self.libraries.clear();
            }
            let loaded = Loaded {
                library: Arc::clone(library),
                functions,
            };
            self.libraries.insert(library.name.clone(), loaded);
        }
        let found = self
            .libraries
            .get(&library.name)
            .and_then(|loaded| loaded.functions.get(name));
        found
            .cloned()
            .ok_or(ReplyError::fixed("ERR Function not found"))
    }
}
