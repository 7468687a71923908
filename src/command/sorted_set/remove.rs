//! Removing members that are named, or that lie in a range.

use super::range::{Bounds, By};
use super::view::{edit, remove, remove_range, view_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, KeyMut};
use crate::resp::{Args, ReplyError};
use crate::value::zset::Direction;

/// A sorted set without members is no key.
pub(super) fn delete_if_empty(found: KeyMut<'_>) -> Result<(), ReplyError> {
    if view_of(found.record())?.is_empty() {
        found.delete(Event::DEL);
    }
    Ok(())
}

/// `ZREM key member [member ...]`
pub(super) fn zrem(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut removed = 0;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        removed = found.change_if(Event::zset("zrem"), |record| {
            let members = args.rest(2);
            let removed = members.iter().filter(|name| remove(record, name)).count();
            (removed, removed > 0)
        });
        delete_if_empty(found)?;
    }
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}

/// `ZREMRANGEBYRANK key start stop`
pub(super) fn zremrangebyrank(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_bounds(ctx, args, By::Rank, "zremrangebyrank")
}

/// `ZREMRANGEBYSCORE key min max`
pub(super) fn zremrangebyscore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_bounds(ctx, args, By::Score, "zremrangebyscore")
}

/// `ZREMRANGEBYLEX key min max`
pub(super) fn zremrangebylex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    remove_bounds(ctx, args, By::Lex, "zremrangebylex")
}

fn remove_bounds(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    by: By,
    event: &'static str,
) -> CommandResult {
    let bounds = Bounds::parse(by, args.at(2), args.at(3))?;
    let mut removed = 0;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        let ranks = bounds.ranks(view_of(found.record())?, Direction::Forward);
        removed = ranks.len();
        if removed > 0 {
            found.change(Event::zset(event), |record| remove_range(record, ranks));
            delete_if_empty(found)?;
        }
    }
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}
