//! DEL, UNLINK, EXISTS, TOUCH and TYPE.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::Event;
use crate::resp::Args;

/// `DEL key [key ...]`, and UNLINK: big values are always freed off the request's way.
pub(super) fn del(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let deleted = args
        .rest(1)
        .iter()
        .filter(|key| ctx.keys.remove(key, Event::DEL))
        .count();
    ctx.reply.int(deleted as i64);
    Ok(Outcome::Done)
}

/// `EXISTS key [key ...]`: a key named twice counts twice.
pub(super) fn exists(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let present = args
        .rest(1)
        .iter()
        .filter(|key| ctx.keys.look(key).is_some())
        .count();
    ctx.reply.int(present as i64);
    Ok(Outcome::Done)
}

/// `TOUCH key [key ...]`
pub(super) fn touch(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    // TOUCH touches even where CLIENT NO-TOUCH is on.
    ctx.keys.no_touch = false;
    let present = args
        .rest(1)
        .iter()
        .filter(|key| ctx.keys.read(key).is_some())
        .count();
    ctx.reply.int(present as i64);
    Ok(Outcome::Done)
}

/// `TYPE key`
pub(super) fn type_of(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let found = ctx.keys.look(args.at(1));
    ctx.reply
        .simple(found.map_or("none", |record| record.kind().value_type().name()));
    Ok(Outcome::Done)
}
