//! PUBLISH, SPUBLISH, and PUBSUB's view of who listens.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::mailbox::Kind;
use crate::resp::{Args, ReplyError};

/// `PUBLISH channel message`
pub(super) fn publish(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let server = ctx.server;
    let receivers = server
        .pubsub
        .publish(args.at(1), args.at(2), &server.mailboxes);
    count(ctx, receivers)
}

/// `SPUBLISH shardchannel message`
pub(super) fn spublish(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let server = ctx.server;
    let receivers = server
        .pubsub
        .publish_to_shard(args.at(1), args.at(2), &server.mailboxes);
    count(ctx, receivers)
}

/// `PUBSUB CHANNELS [pattern]`
pub(super) fn channels(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    names(ctx, Kind::Channel, args)
}

/// `PUBSUB SHARDCHANNELS [pattern]`
pub(super) fn shardchannels(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    names(ctx, Kind::Shard, args)
}

/// `PUBSUB NUMSUB [channel [channel ...]]`
pub(super) fn numsub(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscribers(ctx, Kind::Channel, args)
}

/// `PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]`
pub(super) fn shardnumsub(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    subscribers(ctx, Kind::Shard, args)
}

/// `PUBSUB NUMPAT`
pub(super) fn numpat(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let patterns = ctx.server.pubsub.count(Kind::Pattern);
    count(ctx, patterns)
}

fn names(ctx: &mut Context<'_>, kind: Kind, args: Args<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(ReplyError::subcommand_syntax(args.at(1), "pubsub"));
    }
    let names = ctx.server.pubsub.channels(kind, args.get(2));
    ctx.reply.array(names.len());
    for name in &names {
        ctx.reply.bulk(name);
    }
    Ok(Outcome::Done)
}

fn subscribers(ctx: &mut Context<'_>, kind: Kind, args: Args<'_>) -> CommandResult {
    let channels = args.rest(2);
    ctx.reply.array(2 * channels.len());
    for channel in channels {
        ctx.reply.bulk(channel);
        let subscribers = ctx.server.pubsub.subscribers(kind, channel);
        ctx.reply
            .int(i64::try_from(subscribers).unwrap_or(i64::MAX));
    }
    Ok(Outcome::Done)
}

fn count(ctx: &mut Context<'_>, count: usize) -> CommandResult {
    ctx.reply.int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(Outcome::Done)
}
