//! Ranges of entries by their ids: XRANGE, XREVRANGE.

use super::view::{Interval, read, reply_entry};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;
use crate::value::stream::Entry;

/// `XRANGE key start end [COUNT count]`
pub(super) fn xrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let interval = Interval::parse(args.at(2), args.at(3))?;
    let most = most(args)?;
    match (read(&mut ctx.keys, args.at(1))?, most) {
        (None, _) => ctx.reply.array(0),
        (Some(_), Some(0)) => ctx.reply.null_array(),
        (Some(stream), most) => {
            let entries = stream.log.range(interval.from, interval.to);
            reply_entries(ctx.reply, entries, most);
        }
    }
    Ok(Outcome::Done)
}

/// `XREVRANGE key end start [COUNT count]`
pub(super) fn xrevrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let interval = Interval::parse(args.at(3), args.at(2))?;
    let most = most(args)?;
    match (read(&mut ctx.keys, args.at(1))?, most) {
        (None, _) => ctx.reply.array(0),
        (Some(_), Some(0)) => ctx.reply.null_array(),
        (Some(stream), most) => {
            let entries = stream.log.range_rev(interval.from, interval.to);
            reply_entries(ctx.reply, entries, most);
        }
    }
    Ok(Outcome::Done)
}

/// `[COUNT count]`: the most entries that are wanted; the last one counts.
fn most(args: Args<'_>) -> Result<Option<usize>, ReplyError> {
    let mut most = None;
    let mut at = 4;
    while let Some(word) = args.get(at) {
        match args.get(at + 1) {
            Some(count) if word.eq_ignore_ascii_case(b"COUNT") => {
                let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
                most = Some(usize::try_from(count).unwrap_or(0));
            }
            _ => return Err(ReplyError::SYNTAX),
        }
        at += 2;
    }
    Ok(most)
}

/// Replies with up to `most` entries.
pub(super) fn reply_entries<'e>(
    reply: &mut Reply,
    entries: impl Iterator<Item = Entry<'e>>,
    most: Option<usize>,
) {
    let at = reply.defer();
    let mut count = 0;
    for entry in entries.take(most.unwrap_or(usize::MAX)) {
        reply_entry(reply, &entry);
        count += 1;
    }
    reply.array_at(at, count);
}
