//! SUBSCRIBE, UNSUBSCRIBE and their forms for patterns and shard channels.
//!
//! Each name gets a confirmation of its own: an array in RESP2, a push in RESP3, with the number of subscriptions that
//! are left; shard channels are counted apart from channels and patterns.

use crate::command::acl;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::mailbox::Kind;
use crate::resp::{Args, Protocol};

/// `SUBSCRIBE channel [channel ...]`
pub(super) fn subscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    join(ctx, Kind::Channel, args)
}

/// `PSUBSCRIBE pattern [pattern ...]`
pub(super) fn psubscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    join(ctx, Kind::Pattern, args)
}

/// `SSUBSCRIBE shardchannel [shardchannel ...]`
pub(super) fn ssubscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    join(ctx, Kind::Shard, args)
}

/// `UNSUBSCRIBE [channel [channel ...]]`
pub(super) fn unsubscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    leave(ctx, Kind::Channel, args)
}

/// `PUNSUBSCRIBE [pattern [pattern ...]]`
pub(super) fn punsubscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    leave(ctx, Kind::Pattern, args)
}

/// `SUNSUBSCRIBE [shardchannel [shardchannel ...]]`
pub(super) fn sunsubscribe(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    leave(ctx, Kind::Shard, args)
}

fn join(ctx: &mut Context<'_>, kind: Kind, args: Args<'_>) -> CommandResult {
    let verb = match kind {
        Kind::Channel => "subscribe",
        Kind::Pattern => "psubscribe",
        Kind::Shard => "ssubscribe",
    };
    let subscriber = ctx.session.subscriber();
    for name in args.rest(1) {
        ctx.server
            .pubsub
            .join(kind, name, subscriber, &mut ctx.session.subscriptions);
        confirm(ctx, kind, verb, Some(name));
    }
    ctx.session.publish_subscriptions();
    if !acl::may_call(ctx.server, ctx.session, ctx.command, args) {
        // Its user was changed meanwhile: who changed it may have looked too early to see what it listens to.
        ctx.session.closing = true;
    }
    Ok(Outcome::Done)
}

/// Leaves what is named; everything of the kind if nothing is.
fn leave(ctx: &mut Context<'_>, kind: Kind, args: Args<'_>) -> CommandResult {
    let verb = match kind {
        Kind::Channel => "unsubscribe",
        Kind::Pattern => "punsubscribe",
        Kind::Shard => "sunsubscribe",
    };
    let named = args.rest(1);
    let all = if named.is_empty() {
        ctx.session.subscriptions.of(kind)
    } else {
        Vec::new()
    };
    if named.is_empty() && all.is_empty() {
        confirm(ctx, kind, verb, None);
    }
    let subscriber = ctx.session.subscriber();
    for name in named.iter().chain(all.iter().map(|name| &name[..])) {
        ctx.server
            .pubsub
            .leave(kind, name, subscriber, &mut ctx.session.subscriptions);
        confirm(ctx, kind, verb, Some(name));
    }
    ctx.session.publish_subscriptions();
    Ok(Outcome::Done)
}

/// Tells the client what it has joined or left, and how many subscriptions it has now.
fn confirm(ctx: &mut Context<'_>, kind: Kind, verb: &str, name: Option<&[u8]>) {
    let count = ctx.session.subscriptions.told(kind);
    let reply = &mut *ctx.reply;
    // A push is not a reply: CLIENT REPLY does not hold it back.
    let muted = reply.is_muted();
    reply.set_muted(muted && reply.protocol() == Protocol::Resp2);
    reply.push(3);
    reply.bulk(verb.as_bytes());
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.int(i64::try_from(count).unwrap_or(i64::MAX));
    reply.set_muted(muted);
}
