//! An interpreter and the stack that it runs on.
//!
//! A worker's thread keeps a few interpreters.  Running a script takes one: it goes on, on a stack of its own, until it wants
//! a command executed ([`Event::Call`]), has used up its turn ([`Event::TurnOver`]) or is done, and then its caller has
//! control again.  A script that takes long is [set aside](Run::set_aside) with its interpreter, stack and all, under its
//! ticket, and the thread does something else; other scripts get another interpreter.
//!
//! A script is ended by an error that is raised wherever it is, again and again until nothing of it is left; so no stack is
//! ever thrown away with Lua's frames on it.

use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::convert::{self, Output};
pub use super::interpreter::{Failure, KILLED};
use super::interpreter::{Interpreter, Pass, first_line};
use super::library::Library;
use super::local::LocalScript;
use super::store::Flags;
use super::{Ticket, api};
use crate::resp::{Args, OwnedArgs, Protocol, Reply, ReplyError};
use crate::stats::ticks;

/// Interpreters that a thread keeps for later.
const KEPT: usize = 2;
/// Scripts set aside at the same time by one thread.
pub const MOST_SET_ASIDE: usize = 64;

/// Why a script's caller has control again.
#[derive(Debug)]
pub enum Event {
    /// It wants a command executed: [`Run::request`] is the request, and [`Run::answer`] takes the reply.
    Call,
    /// It has used up its turn.
    TurnOver,
    /// It has ended: what it returns is the [`Run::output`].
    Done(Result<(), Failure>),
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
    Script(LocalScript),
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
    /// Under which it is set aside, once it has been.
    ticket: Option<Ticket>,
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
        if let Some(interpreter) = self.interpreter.take()
            && !interpreter.running
        {
            keep(interpreter);
        }
    }
}

/// How a server runs scripts.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What a script may use, in bytes. An interpreter keeps the one that it was made with.
    pub memory_limit: usize,
    /// Whether errors have Valkey's words, through whichever table a function is called.
    pub speaks_valkey: bool,
}

/// An interpreter that nothing runs on.
fn idle(options: Options) -> Result<Box<Interpreter>, ReplyError> {
    let interpreter = match INTERPRETERS.with_borrow_mut(|all| all.idle.pop()) {
        Some(interpreter) => interpreter,
        None => Interpreter::new(options.memory_limit).map_err(|error| {
            ReplyError::err(format!(
                "cannot start an interpreter: {}",
                first_line(&error)
            ))
        })?,
    };
    interpreter
        .shared
        .api
        .speaks_valkey
        .set(options.speaks_valkey);
    Ok(interpreter)
}

/// Keeps an interpreter that nothing runs on for later.
fn keep(mut interpreter: Box<Interpreter>) {
    if interpreter.tidies() {
        interpreter.show_memory();
        INTERPRETERS.with_borrow_mut(|all| {
            if all.idle.len() < KEPT {
                all.idle.push(interpreter);
            }
        });
    }
}

impl Run {
    /// Begins to run a program, and goes on until something happens. Its result is to be written in `protocol`. `ticket`: that of its
    /// request, if something in it was set aside before.
    ///
    /// # Errors
    /// If it does not compile, or there is no memory for it.
    pub fn start(
        program: Program,
        ticket: Option<Ticket>,
        keys: Args<'_>,
        arguments: Args<'_>,
        db: usize,
        protocol: Protocol,
        options: Options,
    ) -> Result<(Self, Event), ReplyError> {
        let mut interpreter = idle(options)?;
        let compiled = match &program {
            Program::Script(script) => interpreter.compile(script),
            Program::Function(library, name) => interpreter.function(library, name),
        };
        let started = ticks::now();
        let mut run = Self {
            interpreter: Some(interpreter),
            ticket,
            started,
            db,
            program,
            shown: None,
            wrote: false,
        };
        let interpreter = run.interpreter_mut();
        let pass = interpreter.start(compiled?, keys, arguments, protocol, started);
        let event = run.event(pass);
        Ok((run, event))
    }

    /// Checks that a script compiles.
    ///
    /// # Errors
    /// The compiler's.
    pub fn check(script: &LocalScript, options: Options) -> Result<(), ReplyError> {
        let mut interpreter = idle(options)?;
        let compiled = interpreter.compile(script);
        keep(interpreter);
        compiled.map(drop)
    }

    /// Runs a library's code, and tells which functions it registers.
    ///
    /// # Errors
    /// If it does not compile or fails.
    pub fn load(
        library: &Arc<Library>,
        options: Options,
    ) -> Result<Vec<api::Registered>, ReplyError> {
        let mut interpreter = idle(options)?;
        let registered = interpreter.load(library);
        keep(interpreter);
        registered
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

    /// Under which it is set aside.
    pub fn ticket(&mut self) -> Ticket {
        *self.ticket.get_or_insert_with(Ticket::next)
    }

    /// Keeps the script for later, under its ticket.
    pub fn set_aside(mut self) -> Ticket {
        let ticket = self.ticket();
        self.interpreter_mut().show_memory();
        INTERPRETERS.with_borrow_mut(|all| all.set_aside.insert(ticket, self));
        ticket
    }

    /// How many scripts this thread has set aside.
    pub fn set_aside_count() -> usize {
        INTERPRETERS.with_borrow(|all| all.set_aside.len())
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

    /// Gives back the request's memory.
    pub fn give_back(&mut self, request: OwnedArgs) {
        self.interpreter_mut().shared.request.replace(request);
    }

    /// Where the reply to the request goes.
    pub fn reply(&mut self) -> RefMut<'_, Reply> {
        self.interpreter_mut().shared.reply.borrow_mut()
    }

    /// What it has returned.
    pub fn output(&mut self) -> RefMut<'_, Output> {
        self.interpreter_mut().shared.output.borrow_mut()
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
