//! DEBUG: tools for tests, of clients and of the server itself.
//!
//! They are refused unless `enable-debug-command` allows them. A tool is an entry of [`TOOLS`]; the names, the arguments
//! and the errors are those of the peers as far as a tool makes sense here. Tools that crash a server, and those that look
//! into structures that Larder does not have, do not exist.

mod data;
mod inspect;
mod protocol;
mod switches;

use std::ops::RangeInclusive;

use crate::command::help::list;
use crate::command::{CommandResult, Context, Handler, Outcome};
use crate::resp::{Args, ReplyError};

const NOT_ALLOWED: ReplyError = ReplyError::fixed(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a \
     local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

/// One of DEBUG's subcommands.
struct Tool {
    name: &'static str,
    syntax: &'static str,
    summary: &'static str,
    /// How many arguments may follow its name.
    arguments: RangeInclusive<usize>,
    run: Handler,
}

const fn tool(
    name: &'static str,
    syntax: &'static str,
    summary: &'static str,
    arguments: RangeInclusive<usize>,
    run: Handler,
) -> Tool {
    Tool {
        name,
        syntax,
        summary,
        arguments,
        run,
    }
}

const MANY: usize = usize::MAX;

const TOOLS: &[Tool] = &[
    tool(
        "CHANGE-REPL-ID",
        "",
        "Gives the data set another replication id.",
        0..=0,
        switches::change_repl_id,
    ),
    tool(
        "DICT-RESIZING",
        "<0|1>",
        "Accepted: tables grow and shrink as they need to.",
        1..=1,
        switches::accept,
    ),
    tool(
        "DIGEST",
        "",
        "A digest of all keys of all databases, whatever their order and encoding.",
        0..=0,
        inspect::digest,
    ),
    tool(
        "DIGEST-VALUE",
        "[<key> ...]",
        "A digest of each key's value; zeros for a key that is not there.",
        0..=MANY,
        inspect::digest_value,
    ),
    tool(
        "ERROR",
        "<text>",
        "Replies with an error of this text.",
        1..=1,
        protocol::error,
    ),
    tool(
        "HTSTATS",
        "<db> [full]",
        "The size of a database's tables.",
        1..=2,
        inspect::htstats,
    ),
    tool(
        "LISTPACK",
        "<key>",
        "How many elements and bytes a packed collection has.",
        1..=1,
        inspect::listpack,
    ),
    tool(
        "LOADAOF",
        "",
        "Accepted: nothing is stored.",
        0..=0,
        data::loadaof,
    ),
    tool(
        "LOG",
        "<message>",
        "Writes a message to the log.",
        1..=1,
        data::log,
    ),
    tool(
        "OBJECT",
        "<key> [fast]",
        "Where and how a key's value is held.",
        1..=2,
        inspect::object,
    ),
    tool(
        "PAUSE-CRON",
        "<0|1>",
        "Stops or resumes what the server does by itself: sweeping, sampling, the log line.",
        1..=1,
        switches::pause_cron,
    ),
    tool(
        "POPULATE",
        "<count> [<prefix> [<size>]]",
        "Creates strings under <prefix>:<number> (key:<number>) that are not there yet.",
        1..=3,
        data::populate,
    ),
    tool(
        "PROTOCOL",
        "<type>",
        "Replies with an example of a type: string, integer, double, bignum, null, array, set, map, attrib, push, \
         verbatim, true, false.",
        1..=1,
        protocol::example,
    ),
    tool(
        "QUICKLIST-PACKED-THRESHOLD",
        "<size>",
        "Accepted when it is a size: which elements have a node of their own follows from list-max-listpack-size.",
        1..=1,
        switches::quicklist_packed_threshold,
    ),
    tool(
        "RELOAD",
        "[MERGE] [NOFLUSH] [NOSAVE]",
        "Accepted: nothing is stored, and the keys stay.",
        0..=MANY,
        data::reload,
    ),
    tool(
        "REPLYBUFFER",
        "PEAK-RESET-TIME <milliseconds|NEVER|RESET>, REPLYBUFFER RESIZING <0|1>",
        "Accepted: a reply buffer that is empty gives its memory back.",
        2..=2,
        switches::reply_buffer,
    ),
    tool(
        "SET-ACTIVE-EXPIRE",
        "<0|1>",
        "Switches the sweeper of expired keys off or on.",
        1..=1,
        switches::set_active_expire,
    ),
    tool(
        "SET-SKIP-CHECKSUM-VALIDATION",
        "<0|1>",
        "Accepted: there are no checksums.",
        1..=1,
        switches::accept,
    ),
    tool(
        "SLEEP",
        "<seconds>",
        "Answers after some seconds, which may have a fraction. Only this connection waits.",
        1..=1,
        data::sleep,
    ),
    tool(
        "STRINGMATCH-LEN",
        "<length> <pattern>",
        "Whether a text of so many letters a matches a pattern.",
        2..=2,
        protocol::stringmatch_len,
    ),
    tool("HELP", "", "Prints this help.", 0..=0, help),
];

/// `DEBUG subcommand [argument ...]`
pub(super) fn debug(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_local = ctx.session.client().origin.local;
    if !ctx.server.settings.enable_debug_command().allows(is_local) {
        return Err(NOT_ALLOWED);
    }
    let named = |tool: &&Tool| args.at(1).eq_ignore_ascii_case(tool.name.as_bytes());
    let arguments = args.len() - 2;
    match TOOLS.iter().find(named) {
        Some(tool) if tool.arguments.contains(&arguments) => (tool.run)(ctx, args),
        _ => Err(unknown(args)),
    }
}

/// The error for what is no tool, or has the wrong arguments.
fn unknown(args: Args<'_>) -> ReplyError {
    ReplyError::subcommand_syntax(args.at(1), "debug")
}

/// `DEBUG HELP`
fn help(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let tools = TOOLS
        .iter()
        .map(|tool| (tool.name, tool.syntax, tool.summary));
    list(ctx.reply, "debug", tools);
    Ok(Outcome::Done)
}

/// The number that a text begins with, as C's `atoi` reads it: 0 if there is none.
fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let sign = usize::from(text.first().is_some_and(|byte| matches!(byte, b'-' | b'+')));
    let digits = text[sign..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = std::str::from_utf8(&text[..sign + digits]).unwrap_or_default();
    number.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::leading_number;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        for (text, number) in [
            ("1", 1),
            (" -12x", -12),
            ("+3", 3),
            ("x", 0),
            ("", 0),
            ("-", 0),
        ] {
            assert_eq!(leading_number(text.as_bytes()), number, "{text}");
        }
    }
}
