//! WAIT and WAITAOF: waiting for replicas and for a file, of which a server alone has none.
//!
//! Nothing that is written ever reaches a replica, so what asks for one waits until its time is up.

use crate::command::blocking::{self, Blocking, TimeUp, Touches};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::ValueType;
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// How a wait for replicas ends, which no key does.
const fn until(time_up: TimeUp) -> Blocking {
    Blocking {
        wants: ValueType::String,
        until_gone: false,
        touches: Touches::OneKey,
        time_up,
        serve: |_, _, _| Ok(false),
    }
}

pub(super) const REPLICAS: Blocking = until(TimeUp::Zero);
pub(super) const FILES: Blocking = until(TimeUp::TwoZeros);

fn integer(text: &[u8]) -> Result<i64, ReplyError> {
    number::parse_i64(text).ok_or(ReplyError::NOT_INTEGER)
}

/// `WAIT numreplicas timeout`: how many replicas have what this connection wrote.
pub(super) fn wait(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let timeout = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_TIMEOUT);
    let replicas = integer(args.at(1))?;
    let timeout = blocking::milliseconds(timeout?)?;
    if replicas <= 0 {
        ctx.reply.int(0);
        return Ok(Outcome::Done);
    }
    Ok(blocking::wait(
        ctx,
        args.to_owned(),
        [].into_iter(),
        timeout,
    ))
}

/// `WAITAOF numlocal numreplicas timeout`: how many files, here and at replicas, have what this connection wrote.
pub(super) fn waitaof(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let range = |text, least, most, error| {
        let value = integer(text)?;
        (least..=most)
            .contains(&value)
            .then_some(value)
            .ok_or(error)
    };
    let local = range(
        args.at(1),
        0,
        1,
        ReplyError::fixed("ERR value is out of range, value must between 0 and 1"),
    )?;
    let replicas = range(args.at(2), 0, i64::MAX, ReplyError::NOT_POSITIVE)?;
    let timeout = number::parse_i64(args.at(3)).ok_or(ReplyError::NOT_TIMEOUT)?;
    let timeout = blocking::milliseconds(timeout)?;
    if local > 0 {
        return Err(ReplyError::fixed(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    if replicas == 0 {
        blocking::reply_time_up(ctx.reply, TimeUp::TwoZeros);
        return Ok(Outcome::Done);
    }
    Ok(blocking::wait(
        ctx,
        args.to_owned(),
        [].into_iter(),
        timeout,
    ))
}
