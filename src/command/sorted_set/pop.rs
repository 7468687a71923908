//! Taking the lowest or highest members out: ZPOPMIN, ZPOPMAX, ZMPOP.

use super::remove::delete_if_empty;
use super::reply::Shape;
use super::view::{edit, pop, view_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::multi_pop::{MultiPop, at_least};
use crate::keyspace::{Event, KeyMut};
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

/// `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
pub(super) fn zmpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let places = [("MIN", Direction::Forward), ("MAX", Direction::Backward)];
    let request = MultiPop::parse(args, 1, places)?;
    let direction = request.place;
    for key in request.keys() {
        let found = edit(&mut ctx.keys, key)?;
        let taken = found.map(|found| {
            ctx.reply.array(2);
            ctx.reply.bulk(key);
            take(ctx.reply, found, request.count, direction, Shape::Pairs)
        });
        if let Some(taken) = taken.transpose()? {
            ctx.keys.effect_instead(|| {
                let command = command_for(direction).to_uppercase();
                let count = number::format_i64(taken as i64);
                let request = [command.as_bytes(), key, count.as_ref()];
                vec![OwnedArgs::from_iter(request)]
            });
            return Ok(Outcome::Done);
        }
    }
    ctx.reply.null_array();
    Ok(Outcome::Done)
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
