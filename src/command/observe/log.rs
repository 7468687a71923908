//! SLOWLOG and COMMANDLOG: one is the slow part of the other.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::observe::LogKind;
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// How many entries SLOWLOG GET returns if it is not told.
const DEFAULT_COUNT: usize = 10;

/// `SLOWLOG GET [count]`
pub(super) fn get_slow(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = match args.len() {
        2 => DEFAULT_COUNT,
        3 => count(args.at(2))?,
        _ => return Err(ReplyError::subcommand_syntax(args.at(1), "slowlog")),
    };
    get(ctx, LogKind::Slow, count)
}

/// `SLOWLOG LEN`
pub(super) fn len_slow(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    len(ctx, LogKind::Slow)
}

/// `SLOWLOG RESET`
pub(super) fn reset_slow(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    reset(ctx, LogKind::Slow)
}

/// `COMMANDLOG GET count type`
pub(super) fn get_of_kind(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let count = count(args.at(2))?;
    get(ctx, kind(args.at(3))?, count)
}

/// `COMMANDLOG LEN type`
pub(super) fn len_of_kind(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    len(ctx, kind(args.at(2))?)
}

/// `COMMANDLOG RESET type`
pub(super) fn reset_kind(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    reset(ctx, kind(args.at(2))?)
}

/// -1 is all.
fn count(text: &[u8]) -> Result<usize, ReplyError> {
    match number::parse_i64(text) {
        Some(-1) => Ok(usize::MAX),
        Some(count @ 0..) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => Err(ReplyError::fixed(
            "ERR count should be greater than or equal to -1",
        )),
    }
}

fn kind(name: &[u8]) -> Result<LogKind, ReplyError> {
    let is_meant = |kind: &LogKind| name.eq_ignore_ascii_case(kind.name().as_bytes());
    LogKind::ALL
        .into_iter()
        .find(is_meant)
        .ok_or(ReplyError::fixed(
            "ERR type should be one of the following: slow, large-request, large-reply",
        ))
}

fn get(ctx: &mut Context<'_>, kind: LogKind, count: usize) -> CommandResult {
    let entries = ctx.server.observers.log(kind).newest(count);
    let reply = &mut *ctx.reply;
    let int = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.int(int(entry.id));
        reply.int(entry.time);
        reply.int(int(entry.value));
        reply.array(entry.args.len());
        for arg in &entry.args {
            reply.bulk(arg);
        }
        reply.bulk(entry.addr.as_bytes());
        reply.bulk(&entry.name);
    }
    Ok(Outcome::Done)
}

fn len(ctx: &mut Context<'_>, kind: LogKind) -> CommandResult {
    let len = ctx.server.observers.log(kind).len();
    ctx.reply.int(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

fn reset(ctx: &mut Context<'_>, kind: LogKind) -> CommandResult {
    ctx.server.observers.log(kind).reset();
    ctx.reply.ok();
    Ok(Outcome::Done)
}
