//! XINFO: what a stream, its groups and their consumers are made of.

use super::range::reply_entries;
use super::view::{no_group_of, read, reply_entry, reply_id};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;
use crate::value::stream::{Entry, Group, Stream, StreamId};

/// Entries of each kind that FULL shows if it is not told how many.
const DEFAULT_COUNT: usize = 10;

fn int(reply: &mut Reply, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.int(value);
}

fn int_or_null(reply: &mut Reply, name: &str, value: Option<i64>) {
    reply.bulk(name.as_bytes());
    match value {
        Some(value) => reply.int(value),
        None => reply.null(),
    }
}

fn id(reply: &mut Reply, name: &str, value: StreamId) {
    reply.bulk(name.as_bytes());
    reply_id(reply, value);
}

/// The stream under a key that must be there.
fn stream<'c>(
    ctx: &'c mut Context<'_>,
    key: &[u8],
) -> Result<(&'c Stream, &'c mut Reply), ReplyError> {
    let stream = read(&mut ctx.keys, key)?.ok_or(ReplyError::NO_KEY)?;
    Ok((stream, ctx.reply))
}

/// `[FULL [COUNT count]]`: how many entries of each kind FULL shows.
fn parse_full(args: Args<'_>) -> Result<Option<usize>, ReplyError> {
    let options = args.rest(3);
    let is = |at: usize, option: &[u8]| {
        let word = options.get(at);
        word.is_some_and(|word| word.eq_ignore_ascii_case(option))
    };
    match options.len() {
        0 => Ok(None),
        1 if is(0, b"FULL") => Ok(Some(DEFAULT_COUNT)),
        3 if is(0, b"FULL") && is(1, b"COUNT") => {
            let count = number::parse_i64(options.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
            Ok(Some(match usize::try_from(count) {
                Ok(0) => usize::MAX,
                Ok(count) => count,
                Err(_) => DEFAULT_COUNT,
            }))
        }
        _ => Err(ReplyError::subcommand_syntax(args.at(1), "xinfo")),
    }
}

/// `XINFO STREAM key [FULL [COUNT count]]`
pub(super) fn xinfo_stream(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (stream, reply) = stream(ctx, args.at(2))?;
    let full = parse_full(args)?;
    let log = &stream.log;
    reply.map(if full.is_some() { 9 } else { 10 });
    int(reply, "length", log.len() as i64);
    // The peers' index of blocks is a radix tree. Ours has one node for all of them.
    int(reply, "radix-tree-keys", log.blocks() as i64);
    int(reply, "radix-tree-nodes", log.blocks() as i64 + 1);
    id(reply, "last-generated-id", log.last_id());
    id(reply, "max-deleted-entry-id", log.max_deleted_id());
    int(reply, "entries-added", log.entries_added() as i64);
    id(reply, "recorded-first-entry-id", log.first_id());
    match full {
        Some(most) => {
            reply.bulk(b"entries");
            reply_entries(reply, log.iter(), Some(most));
            reply.bulk(b"groups");
            reply.array(stream.groups.len());
            for (name, group) in &stream.groups {
                full_group(reply, stream, name, group, most);
            }
        }
        None => {
            int(reply, "groups", stream.groups.len() as i64);
            let last = log.last_entry_id();
            for (name, entry) in [
                ("first-entry", log.iter().next()),
                ("last-entry", log.get(last)),
            ] {
                reply.bulk(name.as_bytes());
                entry_or_null(reply, entry);
            }
        }
    }
    Ok(Outcome::Done)
}

fn entry_or_null(reply: &mut Reply, entry: Option<Entry<'_>>) {
    match entry {
        Some(entry) => reply_entry(reply, &entry),
        None => reply.null(),
    }
}

/// A group as FULL shows it, with up to `most` pending entries, and as many of each consumer.
fn full_group(reply: &mut Reply, stream: &Stream, name: &[u8], group: &Group, most: usize) {
    reply.map(7);
    reply.bulk(b"name");
    reply.bulk(name);
    progress(reply, stream, group);
    int(reply, "pel-count", group.pending().len() as i64);
    reply.bulk(b"pending");
    reply.array(group.pending().len().min(most));
    for (id, pending) in group.pending().iter().take(most) {
        reply.array(4);
        reply_id(reply, *id);
        reply.bulk(group.consumer(pending.owner).name());
        reply.int(pending.delivered);
        reply.int(pending.count as i64);
    }
    reply.bulk(b"consumers");
    reply.array(group.consumers().len());
    for (key, consumer) in group.consumers() {
        reply.map(5);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        int(reply, "seen-time", consumer.seen);
        int(reply, "active-time", consumer.active.unwrap_or(-1));
        int(reply, "pel-count", consumer.pending().len() as i64);
        reply.bulk(b"pending");
        reply.array(consumer.pending().len().min(most));
        for (id, pending) in group.pending_of(key, StreamId::MIN).take(most) {
            reply.array(3);
            reply_id(reply, id);
            reply.int(pending.delivered);
            reply.int(pending.count as i64);
        }
    }
}

/// How far a group has read.
fn progress(reply: &mut Reply, stream: &Stream, group: &Group) {
    id(reply, "last-delivered-id", group.last_id);
    let read = group.entries_read.map(|read| read as i64);
    int_or_null(reply, "entries-read", read);
    int_or_null(reply, "lag", group.lag(&stream.log));
}

/// `XINFO GROUPS key`
pub(super) fn xinfo_groups(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (stream, reply) = stream(ctx, args.at(2))?;
    reply.array(stream.groups.len());
    for (name, group) in &stream.groups {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(name);
        int(reply, "consumers", group.consumers().len() as i64);
        int(reply, "pending", group.pending().len() as i64);
        progress(reply, stream, group);
    }
    Ok(Outcome::Done)
}

/// `XINFO CONSUMERS key group`
pub(super) fn xinfo_consumers(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name, now) = (args.at(2), args.at(3), ctx.now);
    let (stream, reply) = stream(ctx, key)?;
    let group = stream.groups.get(name);
    let group = group.ok_or_else(|| no_group_of(key, name))?;
    reply.array(group.consumers().len());
    for (_, consumer) in group.consumers() {
        let since = |moment: i64| now.saturating_sub(moment).max(0);
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        int(reply, "pending", consumer.pending().len() as i64);
        int(reply, "idle", since(consumer.seen));
        int(reply, "inactive", consumer.active.map_or(-1, since));
    }
    Ok(Outcome::Done)
}
