//! Adding elements at the ends: LPUSH, RPUSH, LPUSHX, RPUSHX.

use super::view::{ListMut, edit};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, NewValue, Record};
use crate::resp::{Args, ReplyError};
use crate::value::list::End;

/// What a push at an end is announced as.
pub(super) const fn push_event(end: End) -> Event {
    match end {
        End::Head => Event::list("lpush"),
        End::Tail => Event::list("rpush"),
    }
}

/// `LPUSH key element [element ...]`
pub(super) fn lpush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(ctx, args, End::Head, Missing::Create)
}

/// `RPUSH key element [element ...]`
pub(super) fn rpush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(ctx, args, End::Tail, Missing::Create)
}

/// `LPUSHX key element [element ...]`
pub(super) fn lpushx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(ctx, args, End::Head, Missing::Leave)
}

/// `RPUSHX key element [element ...]`
pub(super) fn rpushx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    push(ctx, args, End::Tail, Missing::Leave)
}

/// What becomes of a key that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Leave,
}

fn push(ctx: &mut Context<'_>, args: Args<'_>, end: End, missing: Missing) -> CommandResult {
    let settings = &ctx.server.settings;
    let push_to = |record: &mut Record| ListMut::new(record, settings).push_all(end, args.rest(2));
    let len = change_or_create(ctx, args.at(1), push_event(end), missing, push_to)?;
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}

fn change_or_create(
    ctx: &mut Context<'_>,
    key: &[u8],
    event: Event,
    missing: Missing,
    push_to: impl FnOnce(&mut Record) -> usize,
) -> Result<usize, ReplyError> {
    if let Some(mut found) = edit(&mut ctx.keys, key)? {
        return Ok(found.change(event, push_to));
    }
    if missing == Missing::Leave {
        return Ok(0);
    }
    let mut record = ctx.keys.draft(key, NewValue::PackedList(b""));
    let len = push_to(&mut record);
    ctx.keys.put(ctx.keys.db, record, event);
    Ok(len)
}
