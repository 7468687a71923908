//! Reading from several streams what lies behind an id: XREAD, and the request that XREADGROUP has in common with it.
//!
//! A request is parsed without a look at the keys, then each of its ids is resolved ([`Request::start`]), then it is served.
//! A request whose `$` and `+` are replaced by the ids that they meant can be served again later: that is how a client
//! waits for entries.

use std::time::Duration;

use super::range::reply_entries;
use super::view::{INVALID_ID, read};
use crate::command::blocking::{self, Blocking, TimeUp, Touches};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Access, ValueType};
use crate::resp::{Args, Deferred, OwnedArgs, Reply, ReplyError};
use crate::value::number;
use crate::value::stream::{Log, StreamId};

/// Whom a request reads for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
}

/// `[GROUP group consumer] [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]`
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// The most entries of each stream; none: all.
    pub(super) most: Option<usize>,
    /// Whether to wait for entries, and for how long; `None` for ever.
    pub(super) block: Option<Option<Duration>>,
    /// Present in every request of XREADGROUP and in none of XREAD.
    pub(super) reader: Option<Reader<'a>>,
    /// What is delivered counts as acknowledged.
    pub(super) no_ack: bool,
    keys: Args<'a>,
    ids: Args<'a>,
}

/// Where reading a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Behind this id; for a group's consumer: in what is pending for it.
    Behind(StreamId),
    /// `>`: with what was not yet delivered to the group.
    Undelivered,
}

impl<'a> Request<'a> {
    pub(super) fn parse(
        args: Args<'a>,
        for_group: bool,
        now: crate::clock::UnixMillis,
    ) -> Result<Self, ReplyError> {
        let (mut most, mut block, mut reader, mut no_ack) = (None, None, None, false);
        let mut streams = None;
        let mut at = 1;
        while let (None, Some(word)) = (streams, args.get(at)) {
            let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
            match args.get(at + 1) {
                Some(timeout) if is(b"BLOCK") => {
                    block = Some(parse_timeout(timeout, now)?);
                    at += 1;
                }
                Some(count) if is(b"COUNT") => {
                    let count = number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)?;
                    most = usize::try_from(count).ok().filter(|count| *count > 0);
                    at += 1;
                }
                Some(_) if is(b"STREAMS") => streams = Some(args.rest(at + 1)),
                Some(group) if is(b"GROUP") && args.len() > at + 2 => {
                    if !for_group {
                        return Err(ReplyError::fixed(
                            "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                        ));
                    }
                    let consumer = args.at(at + 2);
                    reader = Some(Reader { group, consumer });
                    at += 2;
                }
                _ if is(b"NOACK") => {
                    if !for_group {
                        return Err(ReplyError::fixed(
                            "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                        ));
                    }
                    no_ack = true;
                }
                _ => return Err(ReplyError::SYNTAX),
            }
            at += 1;
        }
        let keys = streams.ok_or(ReplyError::SYNTAX)?;
        if !keys.len().is_multiple_of(2) {
            return Err(ReplyError::fixed(if for_group {
                "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
            } else {
                "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."
            }));
        }
        if for_group && reader.is_none() {
            return Err(ReplyError::fixed("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(Self {
            most,
            block,
            reader,
            no_ack,
            keys,
            ids: keys.rest(keys.len() / 2),
        })
    }

    /// The keys with the ids that belong to them.
    pub(super) fn streams(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.keys.iter().zip(self.ids.iter())
    }

    /// The same request of XREAD with its ids as they were resolved, not to wait for anything.
    fn resolved(&self, starts: &[Start]) -> OwnedArgs {
        let mut request = OwnedArgs::from_iter([b"XREAD"]);
        if let Some(most) = self.most {
            request.push(b"COUNT");
            request.push(most.to_string().as_bytes());
        }
        request.push(b"STREAMS");
        self.streams().for_each(|(key, _)| request.push(key));
        for start in starts {
            let Start::Behind(id) = start else { continue };
            request.push(&id.text());
        }
        request
    }

    /// What an id means for a stream, which may not exist.
    pub(super) fn start(&self, id: &[u8], log: Option<&Log>) -> Result<Start, ReplyError> {
        let last_id = log.map_or(StreamId::MIN, Log::last_id);
        let behind = match (id, self.reader) {
            (b"$", None) => last_id,
            // The last entry that is there, also if an id behind it was deleted or set.
            (b"+", None) => match log {
                Some(log) => log.last_entry_id().previous().unwrap_or(last_id),
                None => StreamId::MIN,
            },
            (b"$" | b"+", Some(_)) => return Err(meaningless(id)),
            (b">", Some(_)) => return Ok(Start::Undelivered),
            (b">", None) => {
                return Err(ReplyError::fixed(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
                ));
            }
            _ => match StreamId::parse(id, 0).ok_or(INVALID_ID)? {
                // Nothing lies behind it: the peers write `>` so.
                StreamId::MAX if self.reader.is_some() => return Ok(Start::Undelivered),
                id => id,
            },
        };
        Ok(Start::Behind(behind))
    }
}

fn meaningless(id: &[u8]) -> ReplyError {
    let id = char::from(id[0]);
    ReplyError::err(format_args!(
        "The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
         specifying a proper ID, or use the > ID to get new messages. The {id} ID would just return an empty result set."
    ))
}

/// How long to wait at `now`; `None` for ever.
fn parse_timeout(
    text: &[u8],
    now: crate::clock::UnixMillis,
) -> Result<Option<Duration>, ReplyError> {
    let timeout = number::parse_i64(text).ok_or(ReplyError::NOT_TIMEOUT)?;
    if now.checked_add(timeout.max(0)).is_none() {
        return Err(ReplyError::fixed("ERR timeout is out of range"));
    }
    blocking::milliseconds(timeout)
}

/// The reply of a reading command: for each stream that has something its key and entries. A map, in RESP2 an array of pairs.
#[derive(Debug, Default)]
pub(super) struct Served {
    at: Option<Deferred>,
    streams: usize,
}

impl Served {
    /// Begins a stream's part; its entries are to follow.
    pub(super) fn begin(&mut self, reply: &mut Reply, key: &[u8]) {
        if self.at.is_none() {
            self.at = Some(reply.defer());
        }
        self.streams += 1;
        if !reply.is_resp3() {
            reply.array(2);
        }
        reply.bulk(key);
    }

    /// Completes the reply. Tells whether there is one: no stream has written nothing.
    pub(super) fn finish(self, reply: &mut Reply) -> bool {
        match self.at {
            Some(at) if reply.is_resp3() => reply.map_at(at, self.streams),
            Some(at) => reply.array_at(at, self.streams),
            None => return false,
        }
        true
    }
}

/// How a client is served that waits for entries behind an id.
pub(super) const ENTRIES: Blocking = Blocking {
    wants: ValueType::Stream,
    until_gone: false,
    touches: Touches::OneKey,
    time_up: TimeUp::NullArray,
    serve: |to, args, ready| {
        let request = Request::parse(args, false, to.now)?;
        let streams = request.streams().filter(|(key, _)| *key == ready);
        serve(to.keys, to.reply, &request, streams)
    },
};

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
pub(super) fn xread(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = Request::parse(args, false, ctx.now)?;
    let mut starts = Vec::with_capacity(request.ids.len());
    for (key, id) in request.streams() {
        let stream = read(&mut ctx.keys, key)?;
        starts.push(request.start(id, stream.map(|stream| &stream.log))?);
    }
    if serve(&mut ctx.keys, ctx.reply, &request, request.streams())? {
        return Ok(Outcome::Done);
    }
    let Some(timeout) = request.block else {
        ctx.reply.null_array();
        return Ok(Outcome::Done);
    };
    // What `$` means is decided now, once and for all.
    let waiting = request.resolved(&starts);
    let keys = request.streams().map(|(key, _)| key);
    Ok(blocking::wait(ctx, waiting, keys, timeout))
}

/// Answers what there is in these streams of the request. Tells whether there was anything.
fn serve<'a>(
    keys: &mut Access<'_>,
    reply: &mut Reply,
    request: &Request<'_>,
    streams: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<bool, ReplyError> {
    let mut served = Served::default();
    for (key, id) in streams {
        let Some(stream) = read(keys, key)? else {
            continue;
        };
        let Start::Behind(id) = request.start(id, Some(&stream.log))? else {
            continue;
        };
        if stream.log.last_entry_id() > id
            && let Some(from) = id.next()
        {
            served.begin(reply, key);
            let entries = stream.log.range(from, StreamId::MAX);
            reply_entries(reply, entries, request.most);
        }
    }
    Ok(served.finish(reply))
}
