//! Adding and removing named members, asking for them, moving them.

use super::view::{SetMut, SetView, delete_if_empty, edit, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::set::BATCH;

const SADD: Event = Event::set("sadd");
const SREM: Event = Event::set("srem");

/// `SADD key member [member ...]`
pub(super) fn sadd(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let added = add(ctx, args.at(1), args.rest(2))?;
    ctx.reply.int(added as i64);
    Ok(Outcome::Done)
}

/// Adds `names`, at least one, to the set under `key`, which is created if there is none; tells how many are new.
fn add(ctx: &mut Context<'_>, key: &[u8], names: Args<'_>) -> Result<usize, ReplyError> {
    let settings = &ctx.server.settings;
    if let Some(mut found) = edit(&mut ctx.keys, key)? {
        return Ok(found.change_if(SADD, |record| {
            let mut set = SetMut::new(record, settings);
            set.expect(names.len());
            let added = set.insert_all(names);
            (added, added > 0)
        }));
    }
    let mut record = ctx.keys.draft(key, NewValue::IntSet(b""));
    let mut set = SetMut::new(&mut record, settings);
    set.expect_first(names.at(0), names.len());
    let added = set.insert_all(names);
    ctx.keys.put(ctx.keys.db, record, SADD);
    Ok(added)
}

/// `SREM key member [member ...]`
pub(super) fn srem(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    let mut removed = 0;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        removed = found.change_if(SREM, |record| {
            let mut set = SetMut::new(record, settings);
            let names = args.rest(2);
            let removed = names.iter().filter(|name| set.remove(name)).count();
            (removed, removed > 0)
        });
        delete_if_empty(found);
    }
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}

/// `SISMEMBER key member`
pub(super) fn sismember(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let set = read(&mut ctx.keys, args.at(1))?;
    let present = set.is_some_and(|set| set.contains(args.at(2)));
    ctx.reply.int(i64::from(present));
    Ok(Outcome::Done)
}

/// `SMISMEMBER key member [member ...]`
pub(super) fn smismember(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let set = read(&mut ctx.keys, args.at(1))?;
    let mut names = args.rest(2);
    ctx.reply.array(names.len());
    while !names.is_empty() {
        let present = set.map_or([false; BATCH], |set| set.contains_each(names.iter()));
        for present in present.iter().take(names.len()) {
            ctx.reply.int(i64::from(*present));
        }
        names = names.rest(BATCH);
    }
    Ok(Outcome::Done)
}

/// `SCARD key`
pub(super) fn scard(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = read(&mut ctx.keys, args.at(1))?.map_or(0, SetView::len);
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}

/// `SMEMBERS key`
pub(super) fn smembers(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let set = read(&mut ctx.keys, args.at(1))?;
    ctx.reply.set(set.map_or(0, SetView::len));
    if let Some(set) = set {
        set.each(|member| ctx.reply.bulk(member));
    }
    Ok(Outcome::Done)
}

/// `SMOVE source destination member`
pub(super) fn smove(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (source, destination, name) = (args.at(1), args.at(2), args.at(3));
    let settings = &ctx.server.settings;
    let present = match ctx.keys.peek(source) {
        // Then nobody asks what the destination is.
        None => false,
        Some(record) => {
            let present = SetView::of(record)?.contains(name);
            ctx.keys.peek(destination).map(SetView::of).transpose()?;
            present
        }
    };
    ctx.reply.int(i64::from(present));
    if !present || source == destination {
        return Ok(Outcome::Done);
    }
    if let Some(mut found) = edit(&mut ctx.keys, source)? {
        found.change(SREM, |record| SetMut::new(record, settings).remove(name));
        delete_if_empty(found);
    }
    add(ctx, destination, args.rest(3))?;
    Ok(Outcome::Done)
}
