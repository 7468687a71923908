//! Taking elements from the ends: LPOP, RPOP, LMPOP, LMOVE, RPOPLPUSH; and what the blocking commands share with them.

use bytes::Bytes;

use super::push::push_event;
use super::view::{ListMut, ListView, edit, reply_element};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::multi_pop::{MultiPop, at_least};
use crate::config::Settings;
use crate::keyspace::{Access, Event, KeyMut, NewValue, Record};
use crate::resp::{Args, OwnedArgs, Reply, ReplyError};
use crate::value::list::{Element, End};
use crate::value::number;

/// What taking from an end is announced as.
const fn pop_event(end: End) -> Event {
    match end {
        End::Head => Event::list("lpop"),
        End::Tail => Event::list("rpop"),
    }
}

/// Removes up to `count` elements from an end of a list, at least one, once `see` has seen them; and the key with the last
/// element.
pub(in crate::command) fn take(
    mut found: KeyMut<'_>,
    settings: &Settings,
    end: End,
    count: usize,
    see: impl FnMut(Element<'_>),
) -> Result<(), ReplyError> {
    let len = ListView::of(found.record())?.len();
    found.change(pop_event(end), |record| {
        let mut list = ListMut::new(record, settings);
        list.pop(end, count.min(len), see);
        if count < len {
            list.shrink();
        }
    });
    if count >= len {
        found.delete(Event::DEL);
    }
    Ok(())
}

/// Moves an element from an end of one list to an end of another, which is created if there is none and may be the same.
///
/// Returns the element; `None` if there is no list to take it from.
pub(in crate::command) fn move_element(
    keys: &mut Access<'_>,
    settings: &Settings,
    (source, from): (&[u8], End),
    (destination, to): (&[u8], End),
) -> Result<Option<Bytes>, ReplyError> {
    let Some(found) = edit(keys, source)? else {
        return Ok(None);
    };
    let Some(element) = ListView::of(found.record())?.peek(from) else {
        return Ok(None);
    };
    let element = element.to_shared();
    drop(found);
    let same = source == destination;
    let push_to = |record: &mut Record| {
        let mut list = ListMut::new(record, settings);
        if same {
            list.pop(from, 1, |_| {});
        }
        list.push(to, Element::Shared(&element));
    };
    // The push is announced before the pop, as the peers do.
    if let Some(mut found) = edit(keys, destination)? {
        found.change(push_event(to), push_to);
    } else {
        let mut record = keys.draft(destination, NewValue::PackedList(b""));
        push_to(&mut record);
        keys.put(keys.db, record, push_event(to));
    }
    if let Some(mut found) = edit(keys, source)? {
        if same {
            found.change(pop_event(from), |record| {
                ListMut::new(record, settings).shrink();
            });
        } else {
            take(found, settings, from, 1, |_| {})?;
        }
    }
    Ok(Some(element))
}

/// `LPOP key [count]`
pub(super) fn lpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(ctx, args, End::Head)
}

/// `RPOP key [count]`
pub(super) fn rpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop(ctx, args, End::Tail)
}

fn pop(ctx: &mut Context<'_>, args: Args<'_>, end: End) -> CommandResult {
    let count = match (args.len(), args.get(2)) {
        (4.., _) => return Err(ReplyError::wrong_arity(ctx.command.full_name())),
        (_, None) => None,
        (_, Some(text)) => Some(at_least(0, text).ok_or(ReplyError::NOT_POSITIVE)?),
    };
    let (settings, reply) = (&ctx.server.settings, &mut *ctx.reply);
    match (edit(&mut ctx.keys, args.at(1))?, count) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.null_array(),
        (Some(_), Some(0)) => reply.array(0),
        (Some(found), _) => {
            if let Some(count) = count {
                reply.array(count.min(ListView::of(found.record())?.len()));
            }
            take(found, settings, end, count.unwrap_or(1), |element| {
                reply_element(reply, element);
            })?;
        }
    }
    Ok(Outcome::Done)
}

/// The words for the ends.
const ENDS: [(&str, End); 2] = [("LEFT", End::Head), ("RIGHT", End::Tail)];

/// The end that a word names.
pub(in crate::command) fn end_of(word: &[u8]) -> Result<End, ReplyError> {
    let named = |(name, _): &&(&str, End)| word.eq_ignore_ascii_case(name.as_bytes());
    let (_, end) = ENDS.iter().find(named).ok_or(ReplyError::SYNTAX)?;
    Ok(*end)
}

/// What LMPOP and BLMPOP are asked for: the arguments from the number of keys on, which is argument `at`.
pub(super) fn parse_multi(args: Args<'_>, at: usize) -> Result<MultiPop<'_, End>, ReplyError> {
    MultiPop::parse(args, at, ENDS)
}

/// Takes what `request` asks for from one key, if it is there, and answers key and elements. Tells whether it was.
pub(super) fn take_several(
    keys: &mut Access<'_>,
    settings: &Settings,
    reply: &mut Reply,
    key: &[u8],
    request: &MultiPop<'_, End>,
) -> Result<bool, ReplyError> {
    let Some(found) = edit(keys, key)? else {
        return Ok(false);
    };
    let count = request.count.min(ListView::of(found.record())?.len());
    reply.array(2);
    reply.bulk(key);
    reply.array(count);
    take(found, settings, request.place, count, |element| {
        reply_element(reply, element);
    })?;
    keys.effect_instead(|| {
        let count = number::format_i64(count as i64);
        let request = [pop_command(request.place), key, count.as_ref()];
        vec![OwnedArgs::from_iter(request)]
    });
    Ok(true)
}

/// Takes one element from an end of the list under `key`, if it is there, and answers key and element. Tells whether it was.
pub(super) fn take_one(
    keys: &mut Access<'_>,
    settings: &Settings,
    reply: &mut Reply,
    key: &[u8],
    end: End,
) -> Result<bool, ReplyError> {
    let Some(found) = edit(keys, key)? else {
        return Ok(false);
    };
    reply.array(2);
    reply.bulk(key);
    take(found, settings, end, 1, |element| {
        reply_element(reply, element);
    })?;
    keys.effect_instead(|| vec![OwnedArgs::from_iter([pop_command(end), key])]);
    Ok(true)
}

/// The command that takes from an end of one list.
fn pop_command(end: End) -> &'static [u8] {
    match end {
        End::Head => b"LPOP",
        End::Tail => b"RPOP",
    }
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub(super) fn lmpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse_multi(args, 1)?;
    let settings = &ctx.server.settings;
    for key in request.keys() {
        if take_several(&mut ctx.keys, settings, ctx.reply, key, &request)? {
            return Ok(Outcome::Done);
        }
    }
    ctx.reply.null_array();
    Ok(Outcome::Done)
}

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT`
pub(super) fn lmove(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to) = (end_of(args.at(3))?, end_of(args.at(4))?);
    move_one(ctx, args, from, to)
}

/// `RPOPLPUSH source destination`
pub(super) fn rpoplpush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    move_one(ctx, args, End::Tail, End::Head)
}

fn move_one(ctx: &mut Context<'_>, args: Args<'_>, from: End, to: End) -> CommandResult {
    let (source, destination) = ((args.at(1), from), (args.at(2), to));
    match move_element(&mut ctx.keys, &ctx.server.settings, source, destination)? {
        Some(element) => ctx.reply.bulk_shared(&element),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}
