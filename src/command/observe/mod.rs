//! What operators watch a server by: SLOWLOG and COMMANDLOG, MONITOR, LATENCY.
//!
//! What is remembered is in [`crate::observe`]; how it gets there is in [`super::observed`].

mod doctor;
mod graph;
mod latency;
mod log;

use super::context::{CommandResult, Context, Outcome};
use super::help::help;
use super::table::words::{ADMIN, Command, Group, LOADING, NOSCRIPT, STALE};
use crate::resp::{Args, ReplyError};

/// Hints about what each node must be asked for.
const GET_TIPS: &[&str] = &["request_policy:all_nodes", "nondeterministic_output"];
const LEN_TIPS: &[&str] = &[
    "request_policy:all_nodes",
    "response_policy:agg_sum",
    "nondeterministic_output",
];
const RESET_TIPS: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];
const LATENCY_TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_nodes",
    "response_policy:special",
];

const OF_LOG: &str = "O(N), N being the number of entries";

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Server, "commandlog", -2, help)
        .since("8.1.0")
        .summary("Tells which commands were slow or large.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "get", 4, log::get_of_kind)
                .flags(&[ADMIN, LOADING, STALE])
                .since("8.1.0")
                .summary("Returns the newest entries of a log: id, Unix time, microseconds or bytes, arguments, client's address and name.")
                .syntax("count:integer <type: SLOW|LARGE-REQUEST|LARGE-REPLY>")
                .complexity(OF_LOG)
                .tips(GET_TIPS),
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("8.1.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "len", 3, log::len_of_kind)
                .flags(&[ADMIN, LOADING, STALE])
                .since("8.1.0")
                .summary("Counts the entries of a log.")
                .syntax("<type: SLOW|LARGE-REQUEST|LARGE-REPLY>")
                .tips(LEN_TIPS),
            Command::new(Group::Server, "reset", 3, log::reset_kind)
                .flags(&[ADMIN, LOADING, STALE])
                .since("8.1.0")
                .summary("Forgets the entries of a log.")
                .syntax("<type: SLOW|LARGE-REQUEST|LARGE-REPLY>")
                .complexity(OF_LOG)
                .tips(RESET_TIPS),
        ]),
    Command::new(Group::Server, "latency", -2, help)
        .since("2.8.13")
        .summary("Tells which events took long, and how long commands take.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "doctor", 2, doctor::doctor)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.13")
                .summary("Says what has been slow, and what helps.")
                .tips(LATENCY_TIPS),
            Command::new(Group::Server, "graph", 3, graph::graph)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.13")
                .summary("Draws the samples of an event.")
                .syntax("event")
                .tips(LATENCY_TIPS),
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("2.8.13")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "histogram", -2, latency::histogram)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("7.0.0")
                .summary("Returns how many executions of commands took at most how long.")
                .syntax("[command...]")
                .complexity("O(N), N being the number of commands named")
                .tips(LATENCY_TIPS),
            Command::new(Group::Server, "history", 3, latency::history)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.13")
                .summary("Returns the samples of an event.")
                .syntax("event")
                .tips(LATENCY_TIPS),
            Command::new(Group::Server, "latest", 2, latency::latest)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.13")
                .summary("Returns the last sample of every event.")
                .tips(LATENCY_TIPS),
            Command::new(Group::Server, "reset", -2, latency::reset)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.8.13")
                .summary("Forgets the samples of events, or of all.")
                .syntax("[event...]")
                .tips(&["request_policy:all_nodes", "response_policy:agg_sum"]),
        ]),
    Command::new(Group::Server, "monitor", 1, monitor)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .since("1.0.0")
        .summary("Shows every command that is executed from now on."),
    Command::new(Group::Server, "slowlog", -2, help)
        .since("2.2.12")
        .summary("Tells which commands were slow.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Server, "get", -2, log::get_slow)
                .flags(&[ADMIN, LOADING, STALE])
                .since("2.2.12")
                .summary("Returns the newest entries: id, Unix time, microseconds, arguments, client's address and name.")
                .syntax("[count:integer]")
                .complexity(OF_LOG)
                .tips(GET_TIPS),
            Command::new(Group::Server, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("6.2.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Server, "len", 2, log::len_slow)
                .flags(&[ADMIN, LOADING, STALE])
                .since("2.2.12")
                .summary("Counts the entries.")
                .tips(LEN_TIPS),
            Command::new(Group::Server, "reset", 2, log::reset_slow)
                .flags(&[ADMIN, LOADING, STALE])
                .since("2.2.12")
                .summary("Forgets all entries.")
                .complexity(OF_LOG)
                .tips(RESET_TIPS),
        ]),
];

/// `MONITOR`. Who monitors already is not answered, as nobody else does.
fn monitor(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if ctx.session.must_not_wait {
        return Err(ReplyError::fixed(
            "ERR MONITOR isn't allowed for DENY BLOCKING client",
        ));
    }
    if !ctx.session.is_monitoring {
        ctx.session.start_monitoring(&ctx.server.observers);
        ctx.reply.ok();
    }
    Ok(Outcome::Done)
}
