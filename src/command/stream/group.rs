//! Consumer groups: XGROUP and XACK.

use super::view::{edit, group_in, no_group_of, parse_id, stream_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, KeyMut, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::stream::{Group, Log, Stream, StreamId};

/// A consumer was created, by the way or on request.
pub(super) const CONSUMER_CREATED: Event = Event::stream("xgroup-createconsumer");

const GROUP_CREATED: Event = Event::stream("xgroup-create");

const NO_STREAM: ReplyError = ReplyError::fixed(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
     to create an empty stream automatically.",
);

/// `[MKSTREAM] [ENTRIESREAD entries-read]`
#[derive(Debug, Default)]
struct Options {
    creates: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: Args<'_>, may_create: bool) -> Result<Self, ReplyError> {
        let mut options = Self::default();
        let mut at = 5;
        let most = if may_create { 8 } else { 7 };
        while let Some(word) = args.get(at) {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            match args.get(at + 1) {
                _ if may_create && is(b"MKSTREAM") => options.creates = true,
                Some(read) if is(b"ENTRIESREAD") => {
                    let read = number::parse_i64(read).ok_or(ReplyError::NOT_INTEGER)?;
                    options.entries_read = match read {
                        -1 => None,
                        ..-1 => {
                            return Err(ReplyError::fixed(
                                "ERR value for ENTRIESREAD must be positive or -1",
                            ));
                        }
                        _ => u64::try_from(read).ok(),
                    };
                    at += 1;
                }
                _ => return Err(wrong_syntax(args)),
            }
            at += 1;
        }
        if args.len() > most {
            return Err(wrong_syntax(args));
        }
        Ok(options)
    }
}

fn wrong_syntax(args: Args<'_>) -> ReplyError {
    ReplyError::subcommand_syntax(args.at(1), "xgroup")
}

/// The key's stream, to be changed; it must be there.
fn stream<'c>(ctx: &'c mut Context<'_>, key: &[u8]) -> Result<KeyMut<'c>, ReplyError> {
    edit(&mut ctx.keys, key)?.ok_or(NO_STREAM)
}

/// The key's stream, to be changed; it must be there and have the group.
fn stream_with_group<'c>(
    ctx: &'c mut Context<'_>,
    key: &[u8],
    group: &[u8],
) -> Result<KeyMut<'c>, ReplyError> {
    let found = stream(ctx, key)?;
    match group_in(Some(&found), group)? {
        Some(_) => Ok(found),
        None => Err(no_group_of(key, group)),
    }
}

/// `XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]`
pub(super) fn create(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, true)?;
    let (key, name) = (args.at(2), args.at(3));
    let last_id = |log: Option<&Log>| match args.at(4) {
        b"$" => Ok(log.map_or(StreamId::MIN, Log::last_id)),
        id => parse_id(id),
    };
    if let Some(mut found) = edit(&mut ctx.keys, key)? {
        let stream = stream_of(found.record())?;
        let last_id = last_id(Some(&stream.log))?;
        if stream.groups.contains_key(name) {
            return Err(ReplyError::fixed(
                "BUSYGROUP Consumer Group name already exists",
            ));
        }
        found.change(GROUP_CREATED, |record| {
            let group = Group::new(last_id, options.entries_read);
            record.stream_mut().groups.insert(name.into(), group);
        });
    } else if options.creates {
        let group = Group::new(last_id(None)?, options.entries_read);
        let mut stream = Box::<Stream>::default();
        stream.groups.insert(name.into(), group);
        ctx.keys
            .create(key, NewValue::Stream(stream), None, GROUP_CREATED);
    } else {
        return Err(NO_STREAM);
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]`
pub(super) fn set_id(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let options = Options::parse(args, false)?;
    let name = args.at(3);
    let mut found = stream_with_group(ctx, args.at(2), name)?;
    let last_id = match args.at(4) {
        b"$" => stream_of(found.record())?.log.last_id(),
        id => StreamId::parse_bound(id, 0).ok_or(super::view::INVALID_ID)?,
    };
    found.change(Event::stream("xgroup-setid"), |record| {
        if let Some(group) = record.stream_mut().groups.get_mut(name) {
            group.last_id = last_id;
            group.entries_read = options.entries_read;
        }
    });
    drop(found);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `XGROUP DESTROY key group`: whether there was such a group.
pub(super) fn destroy(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut found = stream(ctx, args.at(2))?;
    let destroyed = found.change_if(Event::stream("xgroup-destroy"), |record| {
        let group = record.stream_mut().groups.remove(args.at(3));
        let destroyed = group.is_some();
        (destroyed, destroyed)
    });
    drop(found);
    ctx.reply.int(destroyed.into());
    Ok(Outcome::Done)
}

/// `XGROUP CREATECONSUMER key group consumer`: whether there was no such consumer.
pub(super) fn create_consumer(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let mut found = stream_with_group(ctx, args.at(2), args.at(3))?;
    let created = found.change_if(CONSUMER_CREATED, |record| {
        let group = record.stream_mut().groups.get_mut(args.at(3));
        let created = match group {
            Some(group) if group.find(args.at(4)).is_none() => {
                group.find_or_create(args.at(4), now);
                true
            }
            _ => false,
        };
        (created, created)
    });
    drop(found);
    ctx.reply.int(created.into());
    Ok(Outcome::Done)
}

/// `XGROUP DELCONSUMER key group consumer`: how much was pending for it.
pub(super) fn delete_consumer(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut found = stream_with_group(ctx, args.at(2), args.at(3))?;
    let pending = found.change_if(Event::stream("xgroup-delconsumer"), |record| {
        let group = record.stream_mut().groups.get_mut(args.at(3));
        let pending = group.and_then(|group| group.delete(args.at(4)));
        (pending.unwrap_or(0), pending.is_some())
    });
    drop(found);
    ctx.reply.int(pending as i64);
    Ok(Outcome::Done)
}

/// `XACK key group id [id ...]`: how many of them were pending.
pub(super) fn xack(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (name, ids) = (args.at(2), args.rest(3));
    let mut acknowledged = 0;
    let mut found = ctx.keys.read_to_edit(args.at(1));
    if group_in(found.as_ref(), name)?.is_some()
        && let Some(found) = &mut found
    {
        // All ids are read before the first one is taken off.
        ids.iter().try_for_each(|id| parse_id(id).map(drop))?;
        acknowledged = found.change_if(Event::silent("xack"), |record| {
            let group = record.stream_mut().groups.get_mut(name);
            let acknowledged = group.map_or(0, |group| {
                let ids = ids.iter().filter_map(|id| parse_id(id).ok());
                ids.filter(|id| group.acknowledge(*id)).count()
            });
            (acknowledged, acknowledged > 0)
        });
    }
    drop(found);
    ctx.reply.int(acknowledged as i64);
    Ok(Outcome::Done)
}
