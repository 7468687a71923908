//! XREADGROUP: delivering entries to a group's consumers.

use super::effect::{Claimed, Place};
use super::group::CONSUMER_CREATED;
use super::read::{Reader, Request, Served, Start};
use super::view::{no_group, read, reply_entry, reply_id, stream_of};
use crate::command::blocking::{self, Blocking, Serving, TimeUp, Touches};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Access, Event, ValueType};
use crate::resp::{Args, Reply, ReplyError};
use crate::value::stream::{ConsumerKey, Group, Log, Pending, StreamId};

/// How a client is served that waits for what its group has not had.
pub(super) const UNDELIVERED: Blocking = Blocking {
    wants: ValueType::Stream,
    until_gone: true,
    touches: Touches::OneKey,
    time_up: TimeUp::NullArray,
    serve: |to, args, ready| {
        let request = Request::parse(args, true, to.now)?;
        let reader = request.reader.ok_or(ReplyError::SYNTAX)?;
        let mut served = Served::default();
        for (key, id) in request.streams().filter(|(key, _)| *key == ready) {
            // Any change of the stream leads here: a consumer that gets nothing must not come into being again.
            if check(to.keys, &request, reader, key, id)? == News::Some {
                serve(to, &request, reader, key, id, &mut served)?;
            }
        }
        Ok(served.finish(to.reply))
    },
};

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`
pub(super) fn xreadgroup(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = Request::parse(args, true, ctx.now)?;
    let reader = request.reader.ok_or(ReplyError::SYNTAX)?;
    for (key, id) in request.streams() {
        check(&mut ctx.keys, &request, reader, key, id)?;
    }
    let mut served = Served::default();
    for (key, id) in request.streams() {
        serve(&mut ctx.serving(), &request, reader, key, id, &mut served)?;
    }
    if served.finish(ctx.reply) {
        return Ok(Outcome::Done);
    }
    let Some(timeout) = request.block else {
        ctx.reply.null_array();
        return Ok(Outcome::Done);
    };
    let keys = request.streams().map(|(key, _)| key);
    Ok(blocking::wait(ctx, args.to_owned(), keys, timeout))
}

/// Whether a stream has entries that its group has not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Some,
    None,
}

/// Checks that one of the streams is there and has the group, and that the id means something to it.
fn check(
    keys: &mut Access<'_>,
    request: &Request<'_>,
    reader: Reader<'_>,
    key: &[u8],
    id: &[u8],
) -> Result<News, ReplyError> {
    let stream = read(keys, key)?;
    let found = stream.and_then(|stream| Some((stream, stream.groups.get(reader.group)?)));
    let Some((stream, group)) = found else {
        let rest = " in XREADGROUP with GROUP option";
        return Err(no_group(key, reader.group, rest));
    };
    request.start(id, Some(&stream.log))?;
    Ok(match stream.log.last_entry_id() > group.last_id {
        true => News::Some,
        false => News::None,
    })
}

/// Serves one of the streams, which is there and has the group.
fn serve(
    to: &mut Serving<'_, '_>,
    request: &Request<'_>,
    reader: Reader<'_>,
    key: &[u8],
    id: &[u8],
    served: &mut Served,
) -> Result<(), ReplyError> {
    let (now, reply) = (to.now, &mut *to.reply);
    let Some(mut found) = to.keys.read_to_edit(key) else {
        return Ok(());
    };
    let stream = stream_of(found.record())?;
    let start = request.start(id, Some(&stream.log))?;
    let group = stream.groups.get(reader.group);
    let is_known = group.is_some_and(|group| group.find(reader.consumer).is_some());
    let event = if is_known {
        Event::silent("xreadgroup")
    } else {
        CONSUMER_CREATED
    };
    let done = found.change_if(event, |record| {
        let stream = record.stream_mut();
        let Some(group) = stream.groups.get_mut(reader.group) else {
            return (None, false);
        };
        let (consumer, _) = group.find_or_create(reader.consumer, now);
        let mut delivery = Delivery {
            consumer,
            now,
            most: request.most.unwrap_or(usize::MAX),
            claimed: Vec::new(),
        };
        let before = group.last_id;
        match start {
            Start::Behind(id) => {
                served.begin(reply, key);
                delivery.again(&stream.log, group, id, reply);
            }
            Start::Undelivered if stream.log.last_entry_id() > before => {
                served.begin(reply, key);
                delivery.new_ones(&stream.log, group, request.no_ack, reply);
            }
            Start::Undelivered => {}
        }
        let advanced = (group.last_id != before).then_some((group.last_id, group.entries_read));
        let changed = !is_known || advanced.is_some() || !delivery.claimed.is_empty();
        (Some((delivery.claimed, advanced)), changed)
    });
    drop(found);
    let Some((claimed, advanced)) = done else {
        return Ok(());
    };
    if !is_known || advanced.is_some() || !claimed.is_empty() {
        to.keys.effect_instead(|| {
            let place = Place {
                key,
                group: reader.group,
                consumer: reader.consumer,
            };
            let mut requests = Vec::new();
            if !is_known {
                requests.push(place.consumer_created());
            }
            place.claimed(&claimed, &mut requests);
            if let Some((last_id, entries_read)) = advanced {
                requests.push(place.group_advanced(last_id, entries_read));
            }
            requests
        });
    }
    Ok(())
}

/// What one consumer gets of one stream.
#[derive(Debug)]
struct Delivery {
    consumer: ConsumerKey,
    now: i64,
    /// The most entries.
    most: usize,
    /// What became pending, or was delivered again.
    claimed: Vec<Claimed>,
}

impl Delivery {
    /// Entries that the group has not had.
    fn new_ones(&mut self, log: &Log, group: &mut Group, no_ack: bool, reply: &mut Reply) {
        let at = reply.defer();
        let mut count = 0;
        let from = group.last_id.next().unwrap_or(StreamId::MAX);
        for entry in log.range(from, StreamId::MAX).take(self.most) {
            reply_entry(reply, &entry);
            count += 1;
            group.advance(log, entry.id);
            if !no_ack {
                let pending = Pending {
                    owner: self.consumer,
                    delivered: self.now,
                    count: 1,
                };
                // It may be pending already, if the group was set back.
                group.set_pending(entry.id, pending);
                self.claim(entry.id, 1);
            }
        }
        group.consumer_mut(self.consumer).active = Some(self.now);
        reply.array_at(at, count);
    }

    /// What is pending for the consumer behind `id`. Of an entry that is gone there is only the id.
    fn again(&mut self, log: &Log, group: &mut Group, id: StreamId, reply: &mut Reply) {
        let at = reply.defer();
        let mut count = 0;
        if let Some(from) = id.next() {
            group.redeliver(self.consumer, from, self.most, self.now, |id, times| {
                count += 1;
                let Some(entry) = log.get(id) else {
                    reply.array(2);
                    reply_id(reply, id);
                    reply.null_array();
                    return false;
                };
                reply_entry(reply, &entry);
                self.claimed.push(Claimed {
                    id,
                    delivered: self.now,
                    count: times,
                });
                true
            });
        }
        reply.array_at(at, count);
    }

    fn claim(&mut self, id: StreamId, count: u64) {
        self.claimed.push(Claimed {
            id,
            delivered: self.now,
            count,
        });
    }
}
