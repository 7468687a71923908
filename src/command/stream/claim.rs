//! Taking over what is pending for others: XCLAIM and XAUTOCLAIM.

use super::effect::{Claimed, Place};
use super::group::CONSUMER_CREATED;
use super::view::{Bound, group_in, no_group, parse_id, reply_entry, reply_id};
use crate::clock::UnixMillis;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, Record};
use crate::resp::{Args, OwnedArgs, Reply, ReplyError};
use crate::value::number;
use crate::value::stream::{ConsumerKey, Group, Log, Pending, StreamId};

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms] [RETRYCOUNT count] [FORCE] [JUSTID]
/// [LASTID last-id]`
#[derive(Debug)]
struct Claim<'a> {
    min_idle: i64,
    ids: Args<'a>,
    /// How many of `ids` are ids.
    count: usize,
    delivered: UnixMillis,
    /// How often the entries shall have been delivered.
    deliveries: Option<u64>,
    /// What is pending for nobody is claimed, too.
    force: bool,
    just_ids: bool,
    last_id: StreamId,
}

impl<'a> Claim<'a> {
    fn parse(args: Args<'a>, now: UnixMillis) -> Result<Self, ReplyError> {
        let ids = args.rest(5);
        let mut claim = Self {
            min_idle: parse_min_idle(args.at(4), "ERR Invalid min-idle-time argument for XCLAIM")?,
            ids,
            count: ids.iter().take_while(|id| parse_id(id).is_ok()).count(),
            delivered: now,
            deliveries: None,
            force: false,
            just_ids: false,
            last_id: StreamId::MIN,
        };
        let number = |text, error| number::parse_i64(text).ok_or(ReplyError::fixed(error));
        let mut options = ids.rest(claim.count).iter();
        while let Some(word) = options.next() {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            if is(b"FORCE") {
                claim.force = true;
                continue;
            }
            if is(b"JUSTID") {
                claim.just_ids = true;
                continue;
            }
            match options.next() {
                Some(idle) if is(b"IDLE") => {
                    let idle = number(idle, "ERR Invalid IDLE option argument for XCLAIM")?;
                    claim.delivered = sane(now.checked_sub(idle), now);
                }
                Some(moment) if is(b"TIME") => {
                    let moment = number(moment, "ERR Invalid TIME option argument for XCLAIM")?;
                    claim.delivered = sane(Some(moment), now);
                }
                Some(count) if is(b"RETRYCOUNT") => {
                    let error = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
                    claim.deliveries = u64::try_from(number(count, error)?).ok();
                }
                Some(id) if is(b"LASTID") => claim.last_id = parse_id(id)?,
                _ => {
                    let parts = [b"ERR Unrecognized XCLAIM option '", word, b"'"];
                    return Err(ReplyError::from_bytes(parts.concat()));
                }
            }
        }
        Ok(claim)
    }
}

/// Clients reckon with clocks of their own: a moment that cannot be is now, and no error.
fn sane(moment: Option<UnixMillis>, now: UnixMillis) -> UnixMillis {
    moment
        .filter(|moment| (0..=now).contains(moment))
        .unwrap_or(now)
}

fn parse_min_idle(text: &[u8], error: &'static str) -> Result<i64, ReplyError> {
    let idle = number::parse_i64(text).ok_or(ReplyError::fixed(error))?;
    Ok(idle.max(0))
}

/// Whether something was pending long enough to be claimed.
fn is_idle(pending: &Pending, min_idle: i64, now: UnixMillis) -> bool {
    min_idle == 0 || now.saturating_sub(pending.delivered) >= min_idle
}

/// What claiming has done.
#[derive(Debug, Default)]
struct Done {
    claimed: Vec<Claimed>,
    /// What was pending although the entry is gone: it no longer is.
    gone: Vec<StreamId>,
    /// The group's position, if that was changed.
    advanced: Option<(StreamId, Option<u64>)>,
    is_new_consumer: bool,
}

impl Done {
    fn changed(&self) -> bool {
        self.is_new_consumer
            || self.advanced.is_some()
            || !self.claimed.is_empty()
            || !self.gone.is_empty()
    }

    fn effects(&self, place: Place<'_>) -> Vec<OwnedArgs> {
        let mut requests = Vec::new();
        if self.is_new_consumer {
            requests.push(place.consumer_created());
        }
        place.claimed(&self.claimed, &mut requests);
        place.released(&self.gone, &mut requests);
        if let Some((last_id, entries_read)) = self.advanced {
            requests.push(place.group_advanced(last_id, entries_read));
        }
        requests
    }
}

/// One consumer's claiming in one group.
struct Claiming<'a> {
    log: &'a Log,
    group: &'a mut Group,
    consumer: ConsumerKey,
    just_ids: bool,
    now: UnixMillis,
    done: Done,
}

impl Claiming<'_> {
    /// Makes an entry, which is there, pending for the consumer. `old` is what it was.
    fn take(&mut self, id: StreamId, delivered: UnixMillis, deliveries: Option<u64>, old: u64) {
        let count = deliveries.unwrap_or(match self.just_ids {
            true => old,
            false => old.saturating_add(1),
        });
        let pending = Pending {
            owner: self.consumer,
            delivered,
            count,
        };
        self.group.set_pending(id, pending);
        self.group.consumer_mut(self.consumer).active = Some(self.now);
        self.done.claimed.push(Claimed {
            id,
            delivered,
            count,
        });
    }

    /// Nobody can claim an entry that is gone.
    fn release(&mut self, id: StreamId) {
        if self.group.acknowledge(id) {
            self.done.gone.push(id);
        }
    }

    /// Replies with what was claimed.
    fn reply(&self, reply: &mut Reply) {
        reply.array(self.done.claimed.len());
        for claimed in &self.done.claimed {
            match self.log.get(claimed.id) {
                Some(entry) if !self.just_ids => reply_entry(reply, &entry),
                _ => reply_id(reply, claimed.id),
            }
        }
    }
}

/// Claims for the consumer that a request names, by `work`, which gives the reply.
fn claim(
    ctx: &mut Context<'_>,
    place: Place<'_>,
    just_ids: bool,
    event: Event,
    work: impl FnOnce(&mut Claiming<'_>, &mut Reply),
) -> Result<(), ReplyError> {
    let (now, reply) = (ctx.now, &mut *ctx.reply);
    // The key was counted as read when the group was looked up.
    let mut found = ctx.keys.edit(place.key);
    let group = group_in(found.as_ref(), place.group)?;
    let is_known = group.is_some_and(|group| group.find(place.consumer).is_some());
    let event = if is_known { event } else { CONSUMER_CREATED };
    let mut done = Done::default();
    if let Some(found) = &mut found {
        done = found.change_if(event, |record: &mut Record| {
            let stream = record.stream_mut();
            let Some(group) = stream.groups.get_mut(place.group) else {
                return (Done::default(), false);
            };
            let (consumer, is_new_consumer) = group.find_or_create(place.consumer, now);
            let mut claiming = Claiming {
                log: &stream.log,
                group,
                consumer,
                just_ids,
                now,
                done: Done {
                    is_new_consumer,
                    ..Done::default()
                },
            };
            work(&mut claiming, reply);
            let changed = claiming.done.changed();
            (claiming.done, changed)
        });
    }
    drop(found);
    if done.changed() {
        ctx.keys.effect_instead(|| done.effects(place));
    }
    Ok(())
}

/// The group must be there. Counts the key as read.
fn check_group(ctx: &mut Context<'_>, place: Place<'_>) -> Result<(), ReplyError> {
    let found = ctx.keys.read_to_edit(place.key);
    match group_in(found.as_ref(), place.group)? {
        Some(_) => Ok(()),
        None => Err(no_group(place.key, place.group, "")),
    }
}

fn place(args: Args<'_>) -> Place<'_> {
    Place {
        key: args.at(1),
        group: args.at(2),
        consumer: args.at(3),
    }
}

/// XCLAIM: see [`Claim`].
pub(super) fn xclaim(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let place = place(args);
    check_group(ctx, place)?;
    let request = Claim::parse(args, ctx.now)?;
    let event = Event::silent("xclaim");
    claim(ctx, place, request.just_ids, event, |claiming, reply| {
        if request.last_id > claiming.group.last_id {
            claiming.group.last_id = request.last_id;
            claiming.done.advanced = Some((request.last_id, claiming.group.entries_read));
        }
        let ids = request.ids.iter().take(request.count);
        for id in ids.filter_map(|id| parse_id(id).ok()) {
            if !claiming.log.contains(id) {
                claiming.release(id);
                continue;
            }
            let old = match claiming.group.pending().get(&id) {
                Some(pending) if is_idle(pending, request.min_idle, claiming.now) => pending.count,
                // It counts as delivered once, to nobody.
                None if request.force => 1,
                _ => continue,
            };
            claiming.take(id, request.delivered, request.deliveries, old);
        }
        claiming.reply(reply);
    })?;
    Ok(Outcome::Done)
}

/// Entries that XAUTOCLAIM claims if it is not told how many.
const DEFAULT_COUNT: usize = 100;
/// It looks at so many pending entries for one that it may claim.
const ATTEMPTS: usize = 10;

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
pub(super) fn xautoclaim(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let place = place(args);
    // Looked up, and counted, before the arguments are read; complained of after them.
    let group_is_there = check_group(ctx, place);
    let min_idle = parse_min_idle(
        args.at(4),
        "ERR Invalid min-idle-time argument for XAUTOCLAIM",
    )?;
    let start = Bound::parse(args.at(5), 0)?.first()?;
    let (mut count, mut just_ids) = (DEFAULT_COUNT, false);
    let mut options = args.rest(6).iter();
    while let Some(word) = options.next() {
        if word.eq_ignore_ascii_case(b"JUSTID") {
            just_ids = true;
        } else if word.eq_ignore_ascii_case(b"COUNT")
            && let Some(text) = options.next()
        {
            count = parse_count(text).ok_or(ReplyError::fixed("ERR COUNT must be > 0"))?;
        } else {
            return Err(ReplyError::SYNTAX);
        }
    }
    group_is_there?;
    let event = Event::silent("xautoclaim");
    claim(ctx, place, just_ids, event, |claiming, reply| {
        let next = claim_idle(claiming, start, min_idle, count);
        reply.array(3);
        reply_id(reply, next.unwrap_or(StreamId::MIN));
        claiming.reply(reply);
        reply.array(claiming.done.gone.len());
        for id in &claiming.done.gone {
            reply_id(reply, *id);
        }
    })?;
    Ok(Outcome::Done)
}

/// A count that the peers take: they need room for as many ids, and for the attempts.
fn parse_count(text: &[u8]) -> Option<usize> {
    let most = i64::MAX / size_of::<StreamId>() as i64;
    let count = number::parse_i64(text).filter(|count| (1..=most).contains(count))?;
    usize::try_from(count).ok()
}

/// Claims up to `count` entries from `start` on that were pending long enough. Returns where to go on, if there is more.
fn claim_idle(
    claiming: &mut Claiming<'_>,
    start: StreamId,
    min_idle: i64,
    count: usize,
) -> Option<StreamId> {
    let first = claiming.group.pending().range(start..).next();
    let mut next = first.map(|(id, _)| *id);
    let mut attempts = count.saturating_mul(ATTEMPTS);
    let mut left = count;
    while let Some(id) = next
        && attempts > 0
        && left > 0
    {
        attempts -= 1;
        let pending = claiming.group.pending().get(&id).copied();
        next = claiming.group.pending_behind(id);
        if !claiming.log.contains(id) {
            claiming.release(id);
            left -= 1;
        } else if let Some(pending) = pending
            && is_idle(&pending, min_idle, claiming.now)
        {
            claiming.take(id, claiming.now, None, pending.count);
            left -= 1;
        }
    }
    next
}
