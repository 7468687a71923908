//! The answers of commands for what Larder does not do: storing, replicating, clustering.
//!
//! Where a server that does none of this answers something useful, so does Larder; everything else is refused in words
//! that say why, so that nobody relies on what is not there.

use crate::command::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::session::ClientFlags;
use crate::value::number;

const NOTHING_IS_STORED: ReplyError =
    ReplyError::fixed("ERR Larder keeps its data in memory only: nothing is stored on disk");
const NOT_A_REPLICA: ReplyError =
    ReplyError::fixed("ERR Larder cannot be a replica: replication is not supported");
const NO_REPLICAS: ReplyError =
    ReplyError::fixed("ERR Larder cannot have replicas: replication is not supported");
const NO_REPLICA_TO_FAIL_OVER_TO: ReplyError =
    ReplyError::fixed("ERR FAILOVER requires connected replicas.");
const NO_FAILOVER: ReplyError = ReplyError::fixed("ERR No failover in progress.");
const NO_MODULES: ReplyError = ReplyError::fixed("ERR Larder has no modules and cannot load any");
const BAD_PORT: ReplyError = ReplyError::fixed("ERR Invalid master port");
const NOTHING_TO_CANCEL: ReplyError =
    ReplyError::fixed("ERR Background saving is currently not in progress or scheduled");

/// `SAVE`, `BGREWRITEAOF`
pub(super) fn save(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(NOTHING_IS_STORED)
}

/// `BGSAVE [SCHEDULE|CANCEL]`
pub(super) fn bgsave(_: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    Err(match args.get(1) {
        None => NOTHING_IS_STORED,
        Some(word) if args.len() == 2 && word.eq_ignore_ascii_case(b"SCHEDULE") => {
            NOTHING_IS_STORED
        }
        Some(word) if args.len() == 2 && word.eq_ignore_ascii_case(b"CANCEL") => NOTHING_TO_CANCEL,
        Some(_) => ReplyError::SYNTAX,
    })
}

/// `REPLICAOF host port`, `REPLICAOF NO ONE`: the latter is what a primary is anyway.
pub(super) fn replicaof(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (host, port) = (args.at(1), args.at(2));
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        ctx.reply.ok();
        return Ok(Outcome::Done);
    }
    match number::parse_i64(port) {
        Some(0..=65535) => Err(NOT_A_REPLICA),
        _ => Err(BAD_PORT),
    }
}

/// `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]`
pub(super) fn failover(_: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    Err(match args.get(1) {
        Some(word) if args.len() == 2 && word.eq_ignore_ascii_case(b"ABORT") => NO_FAILOVER,
        _ => NO_REPLICA_TO_FAIL_OVER_TO,
    })
}

/// `PSYNC`, `SYNC`, `REPLCONF`: what replicas say.
pub(super) fn no_replicas(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(NO_REPLICAS)
}

/// `MODULE LIST`: what others bring as modules is built in or not there.
pub(super) fn no_modules(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.array(0);
    Ok(Outcome::Done)
}

/// `MODULE LOAD`, `LOADEX`, `UNLOAD`
pub(super) fn module(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(NO_MODULES)
}

/// `READONLY`: every read is allowed already; the connection only remembers that it was said.
pub(super) fn readonly(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    set_readonly(ctx, true)
}

/// `READWRITE`
pub(super) fn readwrite(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    set_readonly(ctx, false)
}

fn set_readonly(ctx: &mut Context<'_>, on: bool) -> CommandResult {
    ctx.session.client().set_flags(ClientFlags::READONLY, on);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `ASKING`, and `CLUSTER` but for the subcommands that need no cluster.
pub(super) fn no_cluster(_: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    Err(ReplyError::NO_CLUSTER)
}
