//! Taking the lowest or highest members out: ZPOPMIN, ZPOPMAX, ZMPOP.

use super::remove::delete_if_empty;
use super::reply::Shape;
use super::view::{edit, pop, view_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::multi_pop::{MultiPop, at_least};
use crate::keyspace::{Access, Event, KeyMut};
use crate::resp::{Args, OwnedArgs, Reply, ReplyError};
use crate::value::number;
use crate::value::zset::Direction;

/// The command that takes from one end of one set.
fn command_for(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "zpopmin",
        Direction::Backward => "zpopmax",
    }
}

/// `ZPOPMIN key [count]`
pub(super) fn zpopmin(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop_one_key(ctx, args, Direction::Forward)
}

/// `ZPOPMAX key [count]`
pub(super) fn zpopmax(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    pop_one_key(ctx, args, Direction::Backward)
}

fn pop_one_key(ctx: &mut Context<'_>, args: Args<'_>, direction: Direction) -> CommandResult {
    let (count, shape) = match (args.len(), args.get(2)) {
        (4.., _) => return Err(ReplyError::SYNTAX),
        // Without a count there is one pair, which nothing has to hold together.
        (_, None) => (1, Shape::Flat),
        (_, Some(text)) => {
            let count = at_least(0, text).ok_or(ReplyError::NOT_POSITIVE)?;
            (count, Shape::new(true, ctx.reply))
        }
    };
    match edit(&mut ctx.keys, args.at(1))? {
        Some(found) if count > 0 => {
            take(ctx.reply, found, count, direction, shape)?;
        }
        _ => ctx.reply.array(0),
    }
    Ok(Outcome::Done)
}

/// What ZMPOP and BZMPOP are asked for: the arguments from the number of keys on, which is argument `at`.
pub(super) fn parse_multi(
    args: Args<'_>,
    at: usize,
) -> Result<MultiPop<'_, Direction>, ReplyError> {
    let places = [("MIN", Direction::Forward), ("MAX", Direction::Backward)];
    MultiPop::parse(args, at, places)
}

/// Takes what `request` asks for from one key, if it is there. Tells whether it was.
pub(super) fn take_several(
    keys: &mut Access<'_>,
    reply: &mut Reply,
    key: &[u8],
    request: &MultiPop<'_, Direction>,
) -> Result<bool, ReplyError> {
    let Some(found) = edit(keys, key)? else {
        return Ok(false);
    };
    reply.array(2);
    reply.bulk(key);
    let taken = take(reply, found, request.count, request.place, Shape::Pairs)?;
    take_as_effect(keys, key, request.place, taken);
    Ok(true)
}

/// What was taken is the effect: the command that takes as many from this one set.
fn take_as_effect(keys: &mut Access<'_>, key: &[u8], direction: Direction, taken: usize) {
    keys.effect_instead(|| {
        let command = command_for(direction).to_uppercase();
        let count = number::format_i64(taken as i64);
        let request = [command.as_bytes(), key, count.as_ref()];
        vec![OwnedArgs::from_iter(request)]
    });
}

/// `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
pub(super) fn zmpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse_multi(args, 1)?;
    for key in request.keys() {
        if take_several(&mut ctx.keys, ctx.reply, key, &request)? {
            return Ok(Outcome::Done);
        }
    }
    ctx.reply.null_array();
    Ok(Outcome::Done)
}

/// Takes one member from an end of the set under `key`, if it is there, and answers key, member and score. Tells whether it was.
pub(super) fn take_one(
    keys: &mut Access<'_>,
    reply: &mut Reply,
    key: &[u8],
    direction: Direction,
) -> Result<bool, ReplyError> {
    let Some(mut found) = edit(keys, key)? else {
        return Ok(false);
    };
    reply.array(3);
    reply.bulk(key);
    found.change(Event::zset(command_for(direction)), |record| {
        pop(record, 1, direction, |name, score| {
            Shape::Flat.member(reply, name, score);
        })
    })?;
    delete_if_empty(found)?;
    take_as_effect(keys, key, direction, 1);
    Ok(true)
}

/// Takes up to `count` members out of a set and answers them. Returns how many there were.
fn take(
    reply: &mut Reply,
    mut found: KeyMut<'_>,
    count: usize,
    direction: Direction,
    shape: Shape,
) -> Result<usize, ReplyError> {
    let count = count.min(view_of(found.record())?.len());
    shape.begin(reply, count);
    found.change(Event::zset(command_for(direction)), |record| {
        pop(record, count, direction, |name, score| {
            shape.member(reply, name, score);
        })
    })?;
    delete_if_empty(found)?;
    Ok(count)
}
