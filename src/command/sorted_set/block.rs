//! Waiting for a sorted set: BZPOPMIN, BZPOPMAX, BZMPOP.

use super::pop::{parse_multi, take_one, take_several};
use crate::command::blocking::{self, Blocking, Serving, TimeUp, Touches, serve_or_wait};
use crate::command::context::{CommandResult, Context};
use crate::keyspace::ValueType;
use crate::resp::{Args, ReplyError};
use crate::value::zset::Direction;

/// How a client is served that waits for a sorted set.
const fn waits(
    serve: fn(&mut Serving<'_, '_>, Args<'_>, &[u8]) -> Result<bool, ReplyError>,
) -> Blocking {
    Blocking {
        wants: ValueType::ZSet,
        until_gone: false,
        touches: Touches::OneKey,
        time_up: TimeUp::NullArray,
        serve,
    }
}

pub(super) const MIN: Blocking = waits(serve_min);
pub(super) const MAX: Blocking = waits(serve_max);
pub(super) const MULTI: Blocking = waits(serve_multi);

/// `BZPOPMIN key [key ...] timeout`, `BZPOPMAX` likewise
pub(super) fn bzpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let last = args.len() - 1;
    let timeout = blocking::seconds(args.at(last))?;
    serve_or_wait(ctx, args, args.part(1, last - 1).iter(), timeout)
}

/// `BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count]`
pub(super) fn bzmpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse_multi(args, 2)?;
    let timeout = blocking::seconds(args.at(1))?;
    serve_or_wait(ctx, args, request.keys(), timeout)
}

fn serve_min(to: &mut Serving<'_, '_>, _: Args<'_>, key: &[u8]) -> Result<bool, ReplyError> {
    take_one(to.keys, to.reply, key, Direction::Forward)
}

fn serve_max(to: &mut Serving<'_, '_>, _: Args<'_>, key: &[u8]) -> Result<bool, ReplyError> {
    take_one(to.keys, to.reply, key, Direction::Backward)
}

fn serve_multi(to: &mut Serving<'_, '_>, args: Args<'_>, key: &[u8]) -> Result<bool, ReplyError> {
    take_several(to.keys, to.reply, key, &parse_multi(args, 2)?)
}
