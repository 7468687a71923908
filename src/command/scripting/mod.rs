//! Scripts and functions: there is no interpreter yet, so their library is empty, and says so.
//!
//! Tools that clean a server up before they use it (`FUNCTION FLUSH`, `SCRIPT FLUSH`) work; what would need a script to
//! run is unknown.

use std::time::{Duration, Instant};

use super::context::{CommandResult, Context, Outcome, Suspension};
use super::help::help;
use super::table::words::{ALLOW_BUSY, Command, Group, LOADING, NOSCRIPT, STALE, WRITE};
use crate::keyspace::Reserved;
use crate::resp::{Args, ReplyError};
use crate::script::Ticket;
use crate::script::running::Kind;
use crate::server::Server;
use crate::session::Session;

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Scripting, "function", -2, help)
        .since("7.0.0")
        .summary("Tells about libraries of functions and manages them.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Scripting, "flush", -2, function_flush)
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
            Command::new(Group::Scripting, "list", -2, function_list)
                .flags(&[NOSCRIPT])
                .since("7.0.0")
                .summary("Lists the libraries with their functions.")
                .syntax("[LIBRARYNAME library-name-pattern:string] [WITHCODE]")
                .complexity("O(N), N being the number of functions")
                .tips(&["nondeterministic_output_order"]),
            Command::new(Group::Scripting, "stats", 2, function_stats)
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
            Command::new(Group::Scripting, "exists", -3, script_exists)
                .flags(&[NOSCRIPT, STALE])
                .since("2.6.0")
                .summary("Tells which scripts are cached.")
                .syntax("sha1...")
                .complexity("O(N), N being the number of scripts asked for")
                .tips(&[
                    "request_policy:all_shards",
                    "response_policy:agg_logical_and",
                ]),
            Command::new(Group::Scripting, "flush", -2, script_flush)
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
        ]),
];

/// Empties what is empty; `error` says what the option may be.
fn flush(ctx: &mut Context<'_>, args: Args<'_>, error: &'static str) -> CommandResult {
    let is_known =
        |word: &[u8]| word.eq_ignore_ascii_case(b"SYNC") || word.eq_ignore_ascii_case(b"ASYNC");
    if args.len() > 3 || args.get(2).is_some_and(|word| !is_known(word)) {
        return Err(ReplyError::fixed(error));
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `FUNCTION FLUSH [ASYNC | SYNC]`
fn function_flush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    flush(
        ctx,
        args,
        "ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
    )
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
fn script_flush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    flush(ctx, args, "ERR SCRIPT FLUSH only support SYNC|ASYNC option")
}

/// `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`
fn function_list(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut words = args.rest(2).iter();
    let (mut pattern, mut with_code) = (false, false);
    while let Some(word) = words.next() {
        if !with_code && word.eq_ignore_ascii_case(b"WITHCODE") {
            with_code = true;
        } else if !pattern && word.eq_ignore_ascii_case(b"LIBRARYNAME") {
            pattern = true;
            words
                .next()
                .ok_or(ReplyError::fixed("ERR library name argument was not given"))?;
        } else {
            return Err(ReplyError::err(format!(
                "Unknown argument {}",
                String::from_utf8_lossy(word)
            )));
        }
    }
    ctx.reply.array(0);
    Ok(Outcome::Done)
}

/// `FUNCTION STATS`: nothing runs, and there is no engine that could hold anything.
fn function_stats(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk(b"running_script");
    reply.null();
    reply.bulk(b"engines");
    reply.map(0);
    Ok(Outcome::Done)
}

/// `SCRIPT EXISTS sha1 [sha1 ...]`
fn script_exists(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let asked = args.len() - 2;
    ctx.reply.array(asked);
    (0..asked).for_each(|_| ctx.reply.int(0));
    Ok(Outcome::Done)
}

/// Whether a request's script keeps to the keys that it declares.
pub(super) fn stays_within_keys(
    _server: &Server,
    _command: &'static super::table::Command,
    _args: Args<'_>,
) -> bool {
    false
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
        return Err(match run.kind {
            Kind::Script => ReplyError::fixed(
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            ),
            Kind::Function => ReplyError::fixed(
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
            ),
        });
    }
    let client = (session.worker(), session.id());
    let waits = server
        .keyspace
        .reservations
        .wait(seen, |waiting| waiting.clients.push(client));
    Ok(waits.then_some(Suspension::Reserved(until)))
}
