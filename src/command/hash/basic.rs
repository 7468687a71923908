//! Reading and writing fields.

use super::view::{FieldView, change, change_or_create, delete_if_empty, edit, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::Event;
use crate::resp::{Args, OwnedArgs, Reply, ReplyError};
use crate::value::hash::FieldExpiry;
use crate::value::number;

const HSET: Event = Event::hash("hset");

/// `HSET key field value [field value ...]`: how many fields are new.
pub(super) fn hset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let new = set_pairs(ctx, args)?;
    ctx.reply.int(new as i64);
    Ok(Outcome::Done)
}

/// `HMSET key field value [field value ...]`
pub(super) fn hmset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    set_pairs(ctx, args)?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

fn set_pairs(ctx: &mut Context<'_>, args: Args<'_>) -> Result<usize, ReplyError> {
    if !args.len().is_multiple_of(2) {
        return Err(ReplyError::wrong_arity(ctx.command.full_name()));
    }
    change_or_create(ctx, args.at(1), args.rest(2), 2, HSET, |hash| {
        let pairs = (2..args.len()).step_by(2);
        pairs
            .filter(|at| !hash.insert(args.at(*at), args.at(at + 1), FieldExpiry::Never))
            .count()
    })
}

/// `HSETNX key field value`
pub(super) fn hsetnx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let present = match ctx.keys.peek(args.at(1)) {
        Some(record) => super::view::HashView::of(record, now)?
            .get(args.at(2))
            .is_some(),
        None => false,
    };
    if !present {
        change_or_create(ctx, args.at(1), args.rest(2), 2, HSET, |hash| {
            hash.insert(args.at(2), args.at(3), FieldExpiry::Never)
        })?;
    }
    ctx.reply.int(i64::from(!present));
    Ok(Outcome::Done)
}

fn reply_value(reply: &mut Reply, value: Option<&[u8]>) {
    match value {
        Some(value) => reply.bulk(value),
        None => reply.null(),
    }
}

/// `HGET key field`
pub(super) fn hget(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let value = match ctx.keys.read(args.at(1)) {
        Some(record) => super::view::HashView::of(record, now)?.value(args.at(2)),
        None => None,
    };
    reply_value(ctx.reply, value);
    Ok(Outcome::Done)
}

/// `HMGET key field [field ...]`
pub(super) fn hmget(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| super::view::HashView::of(record, now))
        .transpose()?;
    ctx.reply.array(args.len() - 2);
    for name in args.rest(2).iter() {
        reply_value(ctx.reply, hash.and_then(|hash| hash.value(name)));
    }
    Ok(Outcome::Done)
}

/// What HGETALL, HKEYS and HVALS show of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Both,
    Names,
    Values,
}

/// `HGETALL key`
pub(super) fn hgetall(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show_all(ctx, args, Show::Both)
}

/// `HKEYS key`
pub(super) fn hkeys(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show_all(ctx, args, Show::Names)
}

/// `HVALS key`
pub(super) fn hvals(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    show_all(ctx, args, Show::Values)
}

fn show_all(ctx: &mut Context<'_>, args: Args<'_>, show: Show) -> CommandResult {
    let now = ctx.now;
    let hash = ctx
        .keys
        .read(args.at(1))
        .map(|record| super::view::HashView::of(record, now))
        .transpose()?;
    let reply = &mut *ctx.reply;
    // Expired fields are counted but not shown: the number is known only at the end.
    let at = reply.defer();
    let mut count = 0;
    if let Some(hash) = hash {
        hash.each(|field| {
            count += 1;
            if show != Show::Values {
                reply.bulk(field.name);
            }
            if show != Show::Names {
                reply.bulk(field.value);
            }
        });
    }
    match show {
        Show::Both => reply.map_at(at, count),
        Show::Names | Show::Values => reply.array_at(at, count),
    }
    Ok(Outcome::Done)
}

/// `HLEN key`
pub(super) fn hlen(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = read(ctx, args.at(1))?.map_or(0, super::view::HashView::len);
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}

/// `HSTRLEN key field`
pub(super) fn hstrlen(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = read(ctx, args.at(1))?
        .and_then(|hash| hash.value(args.at(2)))
        .map_or(0, <[u8]>::len);
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}

/// `HEXISTS key field`
pub(super) fn hexists(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let present = read(ctx, args.at(1))?.is_some_and(|hash| hash.get(args.at(2)).is_some());
    ctx.reply.int(i64::from(present));
    Ok(Outcome::Done)
}

/// `HDEL key field [field ...]`
pub(super) fn hdel(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let removed = remove_fields(ctx, args.at(1), args.rest(2))?;
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}

/// Removes the fields that are there; how many they were.
pub(super) fn remove_fields(
    ctx: &mut Context<'_>,
    key: &[u8],
    names: Args<'_>,
) -> Result<usize, ReplyError> {
    let (server, now) = (ctx.server, ctx.now);
    let Some(mut found) = edit(ctx, key, names.iter())? else {
        return Ok(0);
    };
    let hash = super::view::HashView::of(found.record(), now)?;
    if names.iter().all(|name| hash.get(name).is_none()) {
        return Ok(0);
    }
    let removed = change(&mut found, &server.settings, Event::hash("hdel"), |hash| {
        names.iter().filter(|name| hash.remove(name)).count()
    });
    delete_if_empty(found);
    Ok(removed)
}

/// The field of a counter as it is: its value and its expiry, which the new value keeps.
fn old_field(ctx: &mut Context<'_>, args: Args<'_>) -> Result<Option<Vec<u8>>, ReplyError> {
    let now = ctx.now;
    let Some(record) = ctx.keys.peek(args.at(1)) else {
        return Ok(None);
    };
    let field: Option<FieldView<'_>> = super::view::HashView::of(record, now)?.get(args.at(2));
    Ok(field.map(|field| field.value.to_vec()))
}

fn set_keeping_expiry(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    value: &[u8],
    event: Event,
) -> Result<(), ReplyError> {
    change_or_create(ctx, args.at(1), args.rest(2), 2, event, |hash| {
        hash.insert(args.at(2), value, FieldExpiry::Keep)
    })?;
    Ok(())
}

/// `HINCRBY key field increment`
pub(super) fn hincrby(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let increment = number::parse_i64(args.at(3)).ok_or(ReplyError::NOT_INTEGER)?;
    let old = match old_field(ctx, args)? {
        Some(text) => number::parse_i64(&text)
            .ok_or_else(|| ReplyError::new("ERR hash value is not an integer"))?,
        None => 0,
    };
    let sum = old.checked_add(increment).ok_or(ReplyError::OVERFLOW)?;
    set_keeping_expiry(
        ctx,
        args,
        itoa::Buffer::new().format(sum).as_bytes(),
        Event::hash("hincrby"),
    )?;
    ctx.reply.int(sum);
    Ok(Outcome::Done)
}

/// `HINCRBYFLOAT key field increment`
pub(super) fn hincrbyfloat(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let increment = number::Extended::parse(args.at(3)).ok_or(ReplyError::NOT_FLOAT)?;
    if !increment.is_finite() {
        return Err(ReplyError::new("ERR value is NaN or Infinity"));
    }
    let old = old_field(ctx, args)?.unwrap_or_else(|| b"0".to_vec());
    let sum = number::add_floats(&old, args.at(3)).map_err(|error| match error {
        number::FloatError::NotFloat => ReplyError::new("ERR hash value is not a float"),
        number::FloatError::NotFinite => ReplyError::NAN_OR_INFINITY,
    })?;
    set_keeping_expiry(ctx, args, sum.as_bytes(), Event::hash("hincrbyfloat"))?;
    ctx.keys.effect_instead(|| {
        vec![OwnedArgs::from_iter([
            &b"HSETEX"[..],
            args.at(1),
            b"KEEPTTL",
            b"FIELDS",
            b"1",
            args.at(2),
            sum.as_bytes(),
        ])]
    });
    ctx.reply.bulk(sum.as_bytes());
    Ok(Outcome::Done)
}
