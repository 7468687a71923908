//! Commands about whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.

use crate::command::scripting;
use crate::command::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// `DBSIZE`
pub(super) fn dbsize(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let seen = ctx.server.keyspace.reservations.ended();
    let keys = match ctx.keys.count() {
        Ok(keys) => keys,
        Err(met) => return scripting::wait_or_retry(ctx, met, seen),
    };
    ctx.reply.int(i64::try_from(keys).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}

/// `FLUSHDB [ASYNC|SYNC]`
pub(super) fn flushdb(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let db = ctx.session.db();
    flush(ctx, args, Some(db))
}

/// `FLUSHALL [ASYNC|SYNC]`
pub(super) fn flushall(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    flush(ctx, args, None)
}

fn flush(ctx: &mut Context<'_>, args: Args<'_>, db: Option<usize>) -> CommandResult {
    let later = match (args.len(), args.get(1)) {
        (1, _) => ctx.server.settings.lazyfree_lazy_user_flush(),
        (2, Some(word)) if word.eq_ignore_ascii_case(b"ASYNC") => true,
        (2, Some(word)) if word.eq_ignore_ascii_case(b"SYNC") => false,
        _ => return Err(ReplyError::SYNTAX),
    };
    ctx.keys.flush(db, later);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `SWAPDB index1 index2`
pub(super) fn swapdb(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let index = |at: usize, which: &str| {
        number::parse_i64(args.at(at))
            .and_then(|index| i32::try_from(index).ok())
            .ok_or_else(|| ReplyError::err(format_args!("invalid {which} DB index")))
    };
    let (first, second) = (index(1, "first")?, index(2, "second")?);
    let databases = ctx.server.keyspace.databases();
    let in_range = |index: i32| {
        usize::try_from(index)
            .ok()
            .filter(|index| *index < databases)
            .ok_or(ReplyError::DB_INDEX)
    };
    ctx.keys.swap_databases(in_range(first)?, in_range(second)?);
    ctx.reply.ok();
    Ok(Outcome::Done)
}
