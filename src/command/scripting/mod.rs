//! The `scripting` family: EVAL and its like, SCRIPT, FCALL, FUNCTION.
//!
//! A script is one command: it gets its locks before it begins and keeps them to its end.  If its source proves that it
//! touches no other keys than those that it declares, these are its locks, and scripts on different keys run at the same time on different
//! cores; any other script gets all locks.  So no script ever needs a lock that it does not have, and none has to be undone.
//!
//! A script that takes long is set aside: the connection is suspended, and the script's shards are reserved ([`wait_for`] is what
//! happens to those who meet that).

mod function;
mod program;
mod run;
mod script;

pub(super) use program::stays_within_keys;

use std::time::{Duration, Instant};

use super::context::{CommandResult, Context, Outcome, Suspension};
use super::help::help;
use super::table::KeySpec;
use super::table::words::{
    ACCESS, ALLOW_BUSY, Command, DENYOOM, Group, LOADING, Lock, MAY_REPLICATE, NO_MANDATORY_KEYS,
    NOSCRIPT, READONLY, RO, RW, SKIP_MONITOR, STALE, UPDATE, WRITE, counted_keys,
};
use crate::keyspace::Reserved;
use crate::resp::{Args, ReplyError};
use crate::script::Ticket;
use crate::script::engine::Options;
use crate::script::running::Kind;
use crate::server::Server;
use crate::session::Session;
use program::Programs;

const WRITES: &[KeySpec] = &[counted_keys(2, 1, &[RW, ACCESS, UPDATE])];
const READS: &[KeySpec] = &[counted_keys(2, 1, &[RO, ACCESS])];

/// A command that runs a program.
const fn running(name: &'static str) -> Command {
    Command::new(Group::Scripting, name, -3, run_program)
        .flags(&[
            NOSCRIPT,
            STALE,
            SKIP_MONITOR,
            NO_MANDATORY_KEYS,
            MAY_REPLICATE,
        ])
        .keys(WRITES)
        .lock(Lock::Script)
        .complexity("That of the program")
}

/// A command that runs a program which does not write.
const fn reading(name: &'static str) -> Command {
    Command::new(Group::Scripting, name, -3, run_program)
        .flags(&[NOSCRIPT, STALE, SKIP_MONITOR, NO_MANDATORY_KEYS, READONLY])
        .keys(READS)
        .lock(Lock::Script)
        .since("7.0.0")
        .complexity("That of the program")
}

fn run_program(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let programs = Programs::of(ctx.command);
    run::run(ctx, args, programs)
}

pub(super) const COMMANDS: &[Command] = &[
    running("eval")
        .since("2.6.0")
        .summary("Runs a script.")
        .syntax("script:string numkeys:integer [key...] [arg:string...]"),
    running("evalsha")
        .since("2.6.0")
        .summary("Runs a cached script, named by its digest.")
        .syntax("sha1:string numkeys:integer [key...] [arg:string...]"),
    reading("evalsha_ro")
        .summary("Runs a cached script, named by its digest, that does not write.")
        .syntax("sha1:string numkeys:integer [key...] [arg:string...]"),
    reading("eval_ro")
        .summary("Runs a script that does not write.")
        .syntax("script:string numkeys:integer [key...] [arg:string...]"),
    running("fcall")
        .since("7.0.0")
        .summary("Calls a function of a library.")
        .syntax("function:string numkeys:integer [key...] [arg:string...]"),
    reading("fcall_ro")
        .summary("Calls a function of a library that does not write.")
        .syntax("function:string numkeys:integer [key...] [arg:string...]"),
    Command::new(Group::Scripting, "function", -2, help)
        .since("7.0.0")
        .summary("Tells about libraries of functions and manages them.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Scripting, "delete", 3, function::delete)
                .flags(&[WRITE, NOSCRIPT])
                .lock(Lock::None)
                .since("7.0.0")
                .summary("Removes a library.")
                .syntax("library-name:string")
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "dump", 2, function::dump)
                .flags(&[NOSCRIPT])
                .since("7.0.0")
                .summary("Returns all libraries as bytes for FUNCTION RESTORE.")
                .complexity("O(N), N being the number of libraries"),
            Command::new(Group::Scripting, "flush", -2, function::flush)
                .flags(&[WRITE, NOSCRIPT])
                .since("7.0.0")
                .summary("Removes all libraries.")
                .syntax("[flush-type: ASYNC|SYNC]")
                .complexity("O(N), N being the number of functions")
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("7.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Scripting, "kill", 2, function::kill)
                .flags(&[NOSCRIPT, ALLOW_BUSY])
                .since("7.0.0")
                .summary("Ends functions that take long and have not written.")
                .tips(&["request_policy:all_shards", "response_policy:one_succeeded"]),
            Command::new(Group::Scripting, "list", -2, function::list)
                .flags(&[NOSCRIPT])
                .since("7.0.0")
                .summary("Lists the libraries with their functions.")
                .syntax("[LIBRARYNAME library-name-pattern:string] [WITHCODE]")
                .complexity("O(N), N being the number of functions")
                .tips(&["nondeterministic_output_order"]),
            Command::new(Group::Scripting, "load", -3, function::load)
                .flags(&[WRITE, DENYOOM, NOSCRIPT])
                .since("7.0.0")
                .summary("Adds a library.")
                .syntax("[REPLACE] function-code:string")
                .complexity("That of the library's code")
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "restore", -3, function::restore)
                .flags(&[WRITE, DENYOOM, NOSCRIPT])
                .since("7.0.0")
                .summary("Adds the libraries that FUNCTION DUMP has returned.")
                .syntax("serialized-value:string [policy: FLUSH|APPEND|REPLACE]")
                .complexity("O(N), N being the number of functions")
                .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "stats", 2, function::stats)
                .flags(&[NOSCRIPT, ALLOW_BUSY])
                .since("7.0.0")
                .summary("Tells which function runs, and what the engines hold.")
                .tips(&[
                    "nondeterministic_output",
                    "request_policy:all_shards",
                    "response_policy:special",
                ]),
        ]),
    Command::new(Group::Scripting, "script", -2, help)
        .since("2.6.0")
        .summary("Tells about cached scripts and manages them.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Scripting, "debug", -3, script::debug)
                .flags(&[NOSCRIPT])
                .since("3.2.0")
                .summary("Switches a debugger off; Larder has none.")
                .syntax("<mode: YES|SYNC|NO> [engine:string@9.1.0]"),
            Command::new(Group::Scripting, "exists", -3, script::exists)
                .flags(&[NOSCRIPT, STALE])
                .since("2.6.0")
                .summary("Tells which scripts are cached.")
                .syntax("sha1...")
                .complexity("O(N), N being the number of scripts asked for")
                .tips(&[
                    "request_policy:all_shards",
                    "response_policy:agg_logical_and",
                ]),
            Command::new(Group::Scripting, "flush", -2, script::flush)
                .flags(&[NOSCRIPT, STALE])
                .since("2.6.0")
                .summary("Removes all cached scripts.")
                .syntax("[flush-type: ASYNC|SYNC@6.2.0]")
                .complexity("O(N), N being the number of scripts")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Scripting, "kill", 2, script::kill)
                .flags(&[NOSCRIPT, ALLOW_BUSY])
                .since("2.6.0")
                .summary("Ends scripts that take long and have not written.")
                .tips(&["request_policy:all_shards", "response_policy:one_succeeded"]),
            Command::new(Group::Scripting, "load", 3, script::load)
                .flags(&[NOSCRIPT, STALE])
                .since("2.6.0")
                .summary("Caches a script and returns its digest.")
                .syntax("script:string")
                .complexity("O(N), N being the length of the script")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Scripting, "show", 3, script::show)
                .flags(&[NOSCRIPT, STALE])
                .since("8.0.0")
                .summary("Returns the source of a cached script.")
                .syntax("sha1:string"),
        ]),
];

/// Whether a request asks for one of the two ways of flushing; both are at once.
fn names_flush_type(args: Args<'_>) -> bool {
    let is_known =
        |word: &[u8]| word.eq_ignore_ascii_case(b"SYNC") || word.eq_ignore_ascii_case(b"ASYNC");
    args.len() <= 3 && args.get(2).is_none_or(is_known)
}

/// What a connection does that has met a script which holds on to a key. `seen` is how many reservations had ended before
/// it tried. `None`: that script has ended meanwhile.
///
/// # Errors
/// `BUSY` if the script has been running for too long.
pub(super) fn wait_for(
    server: &Server,
    session: &Session,
    met: Reserved,
    seen: u64,
) -> Result<Option<Suspension>, ReplyError> {
    let Some(run) = server.scripts.running.get(Ticket(met.holder)) else {
        return Ok(None);
    };
    let patience = Duration::from_millis(server.settings.busy_reply_threshold());
    let until = run.started + patience;
    if Instant::now() >= until {
        return Err(busy(run.kind));
    }
    let client = (session.worker(), session.id());
    let waits = server
        .keyspace
        .reservations
        .wait(seen, |waiting| waiting.clients.push(client));
    Ok(waits.then_some(Suspension::Reserved(until)))
}

/// [`wait_for`] for a handler that walks the keyspace and has met a reserved shard: the request is tried again.
///
/// # Errors
/// As there.
pub(super) fn wait_or_retry(ctx: &Context<'_>, met: Reserved, seen: u64) -> CommandResult {
    let waits = wait_for(ctx.server, ctx.session, met, seen)?;
    let at_once = Suspension::Reserved(Instant::now());
    Ok(Outcome::Suspend(waits.unwrap_or(at_once)))
}

/// How this server runs scripts.
fn options(server: &Server) -> Options {
    Options {
        memory_limit: server.settings.script_memory_limit(),
        speaks_valkey: !server.settings.extended_redis_compatibility(),
    }
}

/// What others are told while something of this kind takes too long.
fn busy(kind: Kind) -> ReplyError {
    ReplyError::fixed(match kind {
        Kind::Script => {
            "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
        }
        Kind::Function => {
            "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
        }
    })
}
