//! DEBUG's switches: parts of the server that tests turn off, and those of the peers that have no counterpart here.

use std::sync::atomic::Ordering;

use super::{leading_number, unknown};
use crate::command::{CommandResult, Context, Outcome};
use crate::config::value::parse_memory;
use crate::resp::{Args, ReplyError};
use crate::server::random_id;

const BAD_THRESHOLD: ReplyError =
    ReplyError::fixed("ERR argument must be a memory value bigger than 1 and smaller than 4gb");

/// A switch that has nothing to switch.
pub(super) fn accept(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `DEBUG SET-ACTIVE-EXPIRE 0|1`
pub(super) fn set_active_expire(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let on = leading_number(args.at(2)) != 0;
    ctx.server.active_expire.store(on, Ordering::Relaxed);
    accept(ctx, args)
}

/// `DEBUG PAUSE-CRON 0|1`
pub(super) fn pause_cron(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let paused = leading_number(args.at(2)) != 0;
    ctx.server.cron_paused.store(paused, Ordering::Relaxed);
    accept(ctx, args)
}

/// `DEBUG CHANGE-REPL-ID`
pub(super) fn change_repl_id(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    *ctx.server.facts.replication_id.lock() = random_id();
    accept(ctx, args)
}

/// `DEBUG QUICKLIST-PACKED-THRESHOLD size`
pub(super) fn quicklist_packed_threshold(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let size = std::str::from_utf8(args.at(2)).ok().and_then(parse_memory);
    match size {
        Some(0..0x1_0000_0000) => accept(ctx, args),
        _ => Err(BAD_THRESHOLD),
    }
}

/// `DEBUG REPLYBUFFER PEAK-RESET-TIME milliseconds|NEVER|RESET`, `DEBUG REPLYBUFFER RESIZING 0|1`
pub(super) fn reply_buffer(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let what = args.at(2);
    if what.eq_ignore_ascii_case(b"peak-reset-time") || what.eq_ignore_ascii_case(b"resizing") {
        return accept(ctx, args);
    }
    Err(unknown(args))
}
