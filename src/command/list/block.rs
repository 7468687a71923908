//! Waiting for a list: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.

use super::pop::{end_of, move_element, parse_multi, take_one, take_several};
use crate::command::blocking::{self, Blocking, Serving, TimeUp, Touches, serve_or_wait};
use crate::command::context::{CommandResult, Context};
use crate::keyspace::ValueType;
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::list::End;

/// A function that serves a request from one key.
type Serve = fn(&mut Serving<'_, '_>, Args<'_>, &[u8]) -> Result<bool, ReplyError>;

/// How a client is served that waits for a list.
const fn waits(touches: Touches, time_up: TimeUp, serve: Serve) -> Blocking {
    Blocking {
        wants: ValueType::List,
        until_gone: false,
        touches,
        time_up,
        serve,
    }
}

pub(super) const LEFT: Blocking = waits(Touches::OneKey, TimeUp::NullArray, |to, _, key| {
    take_one(to.keys, &to.server.settings, to.reply, key, End::Head)
});
pub(super) const RIGHT: Blocking = waits(Touches::OneKey, TimeUp::NullArray, |to, _, key| {
    take_one(to.keys, &to.server.settings, to.reply, key, End::Tail)
});
pub(super) const MULTI: Blocking = waits(Touches::OneKey, TimeUp::NullArray, |to, args, key| {
    let request = parse_multi(args, 2)?;
    take_several(to.keys, &to.server.settings, to.reply, key, &request)
});
pub(super) const MOVE: Blocking = waits(
    Touches::AllKeys,
    TimeUp::NullArrayAfterWaiting,
    |to, args, _| {
        let (from, to_end) = (end_of(args.at(3))?, end_of(args.at(4))?);
        serve_move(to, args, from, to_end)
    },
);
pub(super) const RIGHT_TO_LEFT: Blocking = waits(
    Touches::AllKeys,
    TimeUp::NullArrayAfterWaiting,
    |to, args, _| serve_move(to, args, End::Tail, End::Head),
);

/// `BLPOP key [key ...] timeout`, `BRPOP` likewise
pub(super) fn bpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let last = args.len() - 1;
    let timeout = blocking::seconds(args.at(last))?;
    serve_or_wait(ctx, args, args.part(1, last - 1).iter(), timeout)
}

/// `BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub(super) fn blmpop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = parse_multi(args, 2)?;
    let timeout = blocking::seconds(args.at(1))?;
    serve_or_wait(ctx, args, request.keys(), timeout)
}

/// `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`
pub(super) fn blmove(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    // Wrong words are refused at once.
    let _ends = (end_of(args.at(3))?, end_of(args.at(4))?);
    let timeout = blocking::seconds(args.at(5))?;
    serve_or_wait(ctx, args, args.part(1, 1).iter(), timeout)
}

/// `BRPOPLPUSH source destination timeout`
pub(super) fn brpoplpush(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let timeout = blocking::seconds(args.at(3))?;
    serve_or_wait(ctx, args, args.part(1, 1).iter(), timeout)
}

fn serve_move(
    to: &mut Serving<'_, '_>,
    args: Args<'_>,
    from: End,
    to_end: End,
) -> Result<bool, ReplyError> {
    let (source, destination) = (args.at(1), args.at(2));
    let settings = &to.server.settings;
    let moved = move_element(to.keys, settings, (source, from), (destination, to_end))?;
    let Some(element) = moved else {
        return Ok(false);
    };
    to.reply.bulk_shared(&element);
    to.keys.effect_instead(|| {
        let word = |end| match end {
            End::Head => &b"LEFT"[..],
            End::Tail => b"RIGHT",
        };
        let request = [b"LMOVE", source, destination, word(from), word(to_end)];
        vec![OwnedArgs::from_iter(request)]
    });
    Ok(true)
}
