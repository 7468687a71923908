//! Changing a string in place: counters, APPEND, SETRANGE; and DELIFEQ.

use super::in_place::change_bytes;
use super::value::{StringView, new_string};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Access, Event, Expiry, NewValue, Value};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;

/// `INCR key`
pub(super) fn incr(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(ctx, args.at(1), 1, Event::string("incrby"))
}

/// `DECR key`
pub(super) fn decr(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    add(ctx, args.at(1), -1, Event::string("incrby"))
}

/// `INCRBY key increment`
pub(super) fn incrby(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let increment = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    add(ctx, args.at(1), increment, Event::string("incrby"))
}

/// `DECRBY key decrement`
pub(super) fn decrby(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let decrement = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let increment = decrement
        .checked_neg()
        .ok_or_else(|| ReplyError::new("ERR decrement would overflow"))?;
    add(ctx, args.at(1), increment, Event::string("incrby"))
}

fn add(ctx: &mut Context<'_>, key: &[u8], increment: i64, event: Event) -> CommandResult {
    let sum = if let Some(mut found) = ctx.keys.edit(key) {
        let (old, is_int) = match found.value() {
            Value::Int(value) => (value, true),
            _ => {
                let mut string = StringView::of(found.record())?;
                (
                    number::parse_i64(string.bytes()).ok_or(ReplyError::NOT_INTEGER)?,
                    false,
                )
            }
        };
        let sum = old.checked_add(increment).ok_or(ReplyError::OVERFLOW)?;
        if is_int {
            found.change(event, |record| record.set_int(sum));
        } else {
            found.set_value(NewValue::Int(sum), event);
        }
        sum
    } else {
        ctx.keys.create(key, NewValue::Int(increment), None, event);
        increment
    };
    ctx.reply.int(sum);
    Ok(Outcome::Done)
}

/// `INCRBYFLOAT key increment`
pub(super) fn incrbyfloat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.at(1);
    let sum = {
        let found = ctx.keys.peek(key);
        let mut string = found.map_or(Ok(StringView::Bytes(b"0")), StringView::of)?;
        number::add_floats(string.bytes(), args.at(2)).map_err(|error| match error {
            number::FloatError::NotFloat => ReplyError::NOT_FLOAT,
            number::FloatError::NotFinite => ReplyError::NAN_OR_INFINITY,
        })?
    };
    ctx.keys.set(
        key,
        NewValue::Str(sum.as_bytes()),
        Expiry::Keep,
        Event::string("incrbyfloat"),
    );
    ctx.keys.effect_instead(|| {
        vec![OwnedArgs::from_iter([
            &b"SET"[..],
            key,
            sum.as_bytes(),
            b"KEEPTTL",
        ])]
    });
    ctx.reply.bulk(sum.as_bytes());
    Ok(Outcome::Done)
}

/// Whether a string may have this many bytes.
fn check_length(ctx: &Context<'_>, length: usize) -> Result<(), ReplyError> {
    if length as u64 > ctx.server.settings.proto_max_bulk_len() as u64 {
        return Err(ReplyError::STRING_TOO_LONG);
    }
    Ok(())
}

/// `APPEND key value`
pub(super) fn append(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, tail) = (args.at(1), args.at(2));
    let event = Event::string("append");
    let Some(record) = ctx.keys.peek(key) else {
        ctx.keys.create(key, new_string(&args, 2), None, event);
        ctx.reply.int(tail.len() as i64);
        return Ok(Outcome::Done);
    };
    let old = StringView::of(record)?.bytes().len();
    check_length(ctx, old.saturating_add(tail.len()))?;
    // Even an empty tail makes the string one that was changed in place.
    write_at(&mut ctx.keys, key, old, tail, event);
    ctx.reply.int((old + tail.len()) as i64);
    Ok(Outcome::Done)
}

/// `SETRANGE key offset value`
pub(super) fn setrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let offset = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let offset =
        usize::try_from(offset).map_err(|_| ReplyError::new("ERR offset is out of range"))?;
    let (key, part) = (args.at(1), args.at(3));
    let event = Event::string("setrange");
    let found = ctx.keys.peek(key);
    let absent = found.is_none();
    let old = found.map_or(Ok(0), |record| Ok(StringView::of(record)?.bytes().len()))?;
    if part.is_empty() {
        ctx.reply.int(old as i64);
        return Ok(Outcome::Done);
    }
    check_length(ctx, offset.saturating_add(part.len()))?;
    if absent {
        let nothing = Event::silent("setrange");
        ctx.keys.create(key, NewValue::Raw(b""), None, nothing);
    }
    write_at(&mut ctx.keys, key, offset, part, event);
    ctx.reply.int(old.max(offset + part.len()) as i64);
    Ok(Outcome::Done)
}

/// Writes `part` at `offset` into the string under `key`, which exists; what lies between its end and `offset` is zero.
fn write_at(keys: &mut Access<'_>, key: &[u8], offset: usize, part: &[u8], event: Event) {
    let Some(mut found) = keys.edit(key) else {
        return;
    };
    found.change(event, |record| {
        change_bytes(record, offset + part.len(), |bytes| {
            bytes[offset..offset + part.len()].copy_from_slice(part);
        });
    });
}

/// `DELIFEQ key value`
pub(super) fn delifeq(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut deleted = false;
    if let Some(found) = ctx.keys.edit(args.at(1)) {
        deleted = StringView::of(found.record())?.bytes() == args.at(2);
        if deleted {
            found.delete(Event::DEL);
        }
    }
    if deleted {
        ctx.keys
            .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", args.at(1)])]);
    }
    ctx.reply.int(i64::from(deleted));
    Ok(Outcome::Done)
}
