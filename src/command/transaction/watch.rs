//! WATCH and UNWATCH.

use std::sync::Arc;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};

/// `WATCH key [key ...]`
pub(super) fn watch(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let db = ctx.session.db();
    let limit = ctx.server.settings.client_query_buffer_limit();
    let mut watch = ctx.session.watch.take().unwrap_or_default();
    let mut result = Ok(Outcome::Done);
    for key in args.rest(1) {
        if watch.bytes() + key.len() > limit {
            result = Err(ReplyError::fixed(
                "ERR the watched keys of one client may not take more than client-query-buffer-limit",
            ));
            break;
        }
        // A key whose time has come goes now: that it is gone later is no change.
        ctx.keys.peek(key);
        if watch.add(db, key) {
            ctx.keys.watch(key, watch.watched());
        }
    }
    let watched = Arc::clone(watch.watched());
    ctx.session.watch(watch, &watched);
    if result.is_ok() {
        ctx.reply.ok();
    }
    result
}

/// `UNWATCH`
pub(super) fn unwatch(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.session.unwatch();
    ctx.reply.ok();
    Ok(Outcome::Done)
}
