//! Reading from several streams what lies behind an id: XREAD, and the request that XREADGROUP has in common with it.
//!
//! A request is parsed without a look at the keys, then each of its ids is resolved ([`Request::start`]), then it is served;
//! so that whoever makes a client wait for entries can keep the request and serve it again.

use super::range::reply_entries;
use super::view::{INVALID_ID, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, Deferred, Reply, ReplyError};
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
    /// How long to wait for entries, in milliseconds; 0: for ever.
    #[expect(
        dead_code,
        reason = "validated; a connection cannot wait for a key yet"
    )]
    pub(super) block: Option<u64>,
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

    /// What an id means for a stream, which may not exist.
    pub(super) fn start(&self, id: &[u8], log: Option<&Log>) -> Result<Start, ReplyError> {
        let last_id = log.map_or(StreamId::MIN, Log::last_id);
        let behind = match (id, self.reader) {
            (b"$", None) => last_id,
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

/// How long to wait at `now`, in milliseconds; 0: for ever.
fn parse_timeout(text: &[u8], now: crate::clock::UnixMillis) -> Result<u64, ReplyError> {
    let timeout = number::parse_i64(text).ok_or(ReplyError::NOT_TIMEOUT)?;
    let timeout = u64::try_from(timeout).map_err(|_| ReplyError::NEGATIVE_TIMEOUT)?;
    now.checked_add_unsigned(timeout)
        .map(|_| timeout)
        .ok_or(ReplyError::fixed("ERR timeout is out of range"))
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

    /// Completes the reply. No stream is no array.
    pub(super) fn finish(self, reply: &mut Reply) {
        match self.at {
            Some(at) if reply.is_resp3() => reply.map_at(at, self.streams),
            Some(at) => reply.array_at(at, self.streams),
            None => reply.null_array(),
        }
    }
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
pub(super) fn xread(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let request = Request::parse(args, false, ctx.now)?;
    for (key, id) in request.streams() {
        let stream = read(&mut ctx.keys, key)?;
        request.start(id, stream.map(|stream| &stream.log))?;
    }
    let mut served = Served::default();
    for (key, id) in request.streams() {
        let Some(stream) = read(&mut ctx.keys, key)? else {
            continue;
        };
        let Start::Behind(id) = request.start(id, Some(&stream.log))? else {
            continue;
        };
        if stream.log.last_entry_id() > id
            && let Some(from) = id.next()
        {
            served.begin(ctx.reply, key);
            let entries = stream.log.range(from, StreamId::MAX);
            reply_entries(ctx.reply, entries, request.most);
        }
    }
    served.finish(ctx.reply);
    Ok(Outcome::Done)
}
