//! XPENDING: what was delivered and not acknowledged.

use super::view::{Interval, no_group, read, reply_id};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::number;
use crate::value::stream::{Group, Pending, StreamId};

/// `[IDLE min-idle-time] start end count [consumer]`
#[derive(Debug)]
struct Filter<'a> {
    min_idle: i64,
    interval: Interval,
    most: usize,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Parses what follows the group, if something does.
    fn parse(args: Args<'a>) -> Result<Option<Self>, ReplyError> {
        let mut words = args.rest(3);
        if words.is_empty() {
            return Ok(None);
        }
        if !(3..=6).contains(&words.len()) {
            return Err(ReplyError::SYNTAX);
        }
        let mut min_idle = 0;
        if words.at(0).eq_ignore_ascii_case(b"IDLE") {
            min_idle = number::parse_i64(words.at(1)).ok_or(ReplyError::NOT_INTEGER)?;
            words = words.rest(2);
        }
        let count = words.get(2).ok_or(ReplyError::SYNTAX)?;
        let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
        Ok(Some(Self {
            min_idle,
            interval: Interval::parse(words.at(0), words.at(1))?,
            most: usize::try_from(count).unwrap_or(0),
            consumer: words.get(3),
        }))
    }
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
pub(super) fn xpending(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, name, now) = (args.at(1), args.at(2), ctx.now);
    let filter = Filter::parse(args)?;
    let stream = read(&mut ctx.keys, key)?;
    let group = stream.and_then(|stream| stream.groups.get(name));
    let group = group.ok_or_else(|| no_group(key, name, ""))?;
    match filter {
        None => summary(ctx.reply, group),
        Some(filter) => list(ctx.reply, group, &filter, now),
    }
    Ok(Outcome::Done)
}

/// How much is pending, from where to where, and how much for whom.
fn summary(reply: &mut Reply, group: &Group) {
    let pending = group.pending();
    reply.array(4);
    reply.int(pending.len() as i64);
    let (Some((first, _)), Some((last, _))) = (pending.first_key_value(), pending.last_key_value())
    else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    reply_id(reply, *first);
    reply_id(reply, *last);
    let at = reply.defer();
    let mut consumers = 0;
    for (_, consumer) in group.consumers() {
        let pending = consumer.pending().len();
        if pending > 0 {
            consumers += 1;
            reply.array(2);
            reply.bulk(consumer.name());
            reply.bulk_int(pending as i64);
        }
    }
    reply.array_at(at, consumers);
}

/// Each pending entry: its id, whose it is, for how long, and how often it was delivered.
fn list(reply: &mut Reply, group: &Group, filter: &Filter<'_>, now: i64) {
    let at = reply.defer();
    let mut count = 0;
    let mut show = |id: StreamId, pending: &Pending| {
        count += 1;
        reply.array(4);
        reply_id(reply, id);
        reply.bulk(group.consumer(pending.owner).name());
        reply.int(now.saturating_sub(pending.delivered).max(0));
        reply.int(pending.count as i64);
    };
    let Interval { from, to } = filter.interval;
    let is_idle = |pending: &Pending| {
        filter.min_idle == 0 || now.saturating_sub(pending.delivered) >= filter.min_idle
    };
    match filter.consumer {
        None if from <= to => group
            .pending()
            .range(from..=to)
            .filter(|(_, pending)| is_idle(pending))
            .take(filter.most)
            .for_each(|(id, pending)| show(*id, pending)),
        None => {}
        Some(name) => {
            if let Some(consumer) = group.find(name) {
                group
                    .pending_of(consumer, from)
                    .take_while(|(id, _)| *id <= to)
                    .filter(|(_, pending)| is_idle(pending))
                    .take(filter.most)
                    .for_each(|(id, pending)| show(id, pending));
            }
        }
    }
    reply.array_at(at, count);
}
