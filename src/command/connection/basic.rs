//! PING, ECHO, SELECT, QUIT, RESET.

use super::auth::set_protocol;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Protocol, ReplyError};
use crate::value::number;

/// `PING [message]`: in RESP2's subscriber mode it answers in the shape of a message.
pub(super) fn ping(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(ReplyError::wrong_arity("ping"));
    }
    let message = args.get(1);
    if ctx.session.in_subscriber_mode(ctx.reply.protocol()) {
        ctx.reply.array(2);
        ctx.reply.bulk(b"pong");
        ctx.reply.bulk(message.unwrap_or_default());
        return Ok(Outcome::Done);
    }
    match message {
        Some(message) => ctx.reply.bulk(message),
        None => ctx.reply.simple("PONG"),
    }
    Ok(Outcome::Done)
}

/// `ECHO message`
pub(super) fn echo(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match args.shared(1) {
        Some(message) => ctx.reply.bulk_shared(&message),
        None => ctx.reply.bulk(args.at(1)),
    }
    Ok(Outcome::Done)
}

/// `SELECT index`
pub(super) fn select(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let index = number::parse_i64(args.at(1)).ok_or(ReplyError::NOT_INTEGER)?;
    if i32::try_from(index).is_err() {
        return Err(ReplyError::err(format_args!(
            "value is out of range, value must between {} and {}",
            i32::MIN,
            i32::MAX
        )));
    }
    let db = usize::try_from(index).map_err(|_| ReplyError::DB_INDEX)?;
    if db >= ctx.server.settings.databases() {
        return Err(ReplyError::DB_INDEX);
    }
    ctx.session.select(db);
    ctx.keys.open_database(db);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `QUIT`: the connection is closed once the reply is written.
pub(super) fn quit(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.ok();
    ctx.session.closing = true;
    Ok(Outcome::Done)
}

/// `RESET`: as if the connection had just been made.
pub(super) fn reset(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    crate::command::tracking::stop(ctx.session, ctx.server);
    ctx.session.stop_monitoring(&ctx.server.observers);
    ctx.session.reset(&ctx.server.pubsub);
    ctx.server.users.forget_login(ctx.session);
    set_protocol(ctx, Protocol::Resp2);
    ctx.reply.set_muted(false);
    ctx.reply.simple("RESET");
    Ok(Outcome::Done)
}
