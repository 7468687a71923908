//! DEBUG's tools that act: fill a database, wait, write to the log; and reloading, which has nothing to load.

use std::time::{Duration, Instant};

use crate::command::{CommandResult, Context, Outcome, Suspension, room};
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::number;

const BAD_RELOAD_OPTION: ReplyError =
    ReplyError::fixed("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");

/// The longest sleep.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// `DEBUG SLEEP seconds`: the reply waits, and with it only this connection.
pub(super) fn sleep(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let seconds = number::parse_f64(args.at(2)).unwrap_or(0.0).max(0.0);
    let time = Duration::try_from_secs_f64(seconds)
        .unwrap_or(LONGEST)
        .min(LONGEST);
    ctx.reply.ok();
    Ok(match time {
        Duration::ZERO => Outcome::Done,
        time => Outcome::Suspend(Suspension::Until(Instant::now() + time)),
    })
}

/// `DEBUG LOG message`
pub(super) fn log(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(args.at(2)));
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `DEBUG LOADAOF`
pub(super) fn loadaof(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]`
pub(super) fn reload(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let is_option = |word: &[u8]| {
        [&b"merge"[..], b"noflush", b"nosave"]
            .iter()
            .any(|option| word.eq_ignore_ascii_case(option))
    };
    if !args.rest(2).iter().all(is_option) {
        return Err(BAD_RELOAD_OPTION);
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Keys that one DEBUG POPULATE may make: it holds every lock meanwhile.
const MOST_POPULATED: usize = 100_000_000;

/// `DEBUG POPULATE count [prefix [size]]`: `value:<number>`, cut or padded with zero bytes where a size is given.
///
/// It stops with an error where the memory limit is reached.
pub(super) fn populate(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let positive = |at: usize| {
        number::parse_i64(args.at(at))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or(ReplyError::NOT_POSITIVE)
    };
    let count = positive(2)?;
    if count > MOST_POPULATED {
        return Err(ReplyError::VALUE_RANGE);
    }
    let prefix = args.get(3).unwrap_or(b"key");
    let size = match args.get(4) {
        Some(_) => positive(4)?,
        None => 0,
    };
    if size > ctx.server.settings.proto_max_bulk_len() {
        return Err(ReplyError::STRING_TOO_LONG);
    }
    for number in 0..count {
        if room::is_exceeded(ctx.server) {
            return Err(ReplyError::OOM);
        }
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        if ctx.keys.peek(&key).is_some() {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        ctx.keys
            .create(&key, NewValue::Str(&value), None, Event::SET);
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}
