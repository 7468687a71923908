//! DUMP and RESTORE: a value as bytes that another server takes, and back.

use bytes::Bytes;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::draft::Draft;
use crate::keyspace::{BIG_STRING, Event, NewValue, Record, RecordRef};
use crate::rdb::{self, Limits, Reader, payload};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::server::Server;
use crate::value::number;

/// What a payload may unpack to where `maxmemory` does not say it: this often the longest string.
const UNPACKED: usize = 8;

const NEGATIVE_TTL: ReplyError = ReplyError::fixed("ERR Invalid TTL value, must be >= 0");
const NEGATIVE_IDLETIME: ReplyError = ReplyError::fixed("ERR Invalid IDLETIME value, must be >= 0");
const BAD_FREQ: ReplyError = ReplyError::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");

/// A record's value as a payload.
pub(super) fn serialise(record: RecordRef<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let version = rdb::encode(record.value(), &mut bytes);
    payload::seal(&mut bytes, version);
    bytes
}

/// `DUMP key`
pub(super) fn dump(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(record) = ctx.keys.read(args.at(1)) else {
        ctx.reply.null();
        return Ok(Outcome::Done);
    };
    let bytes = serialise(record);
    if bytes.len() < BIG_STRING {
        ctx.reply.bulk(&bytes);
    } else {
        ctx.reply.bulk_shared(&Bytes::from(bytes));
    }
    Ok(Outcome::Done)
}

/// What RESTORE is told beside the value.
#[derive(Debug, Default)]
struct Options {
    replace: bool,
    /// The time is a moment, not a time to live.
    absolute: bool,
    idle: Option<i64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(words: Args<'_>) -> Result<Self, ReplyError> {
        let mut options = Self::default();
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            let tells_access = options.idle.is_some() || options.frequency.is_some();
            if word.eq_ignore_ascii_case(b"REPLACE") {
                options.replace = true;
            } else if word.eq_ignore_ascii_case(b"ABSTTL") {
                options.absolute = true;
            } else if word.eq_ignore_ascii_case(b"IDLETIME")
                && !tells_access
                && let Some(seconds) = words.next()
            {
                let seconds = number::parse_i64(seconds).ok_or(ReplyError::NOT_INTEGER)?;
                if seconds < 0 {
                    return Err(NEGATIVE_IDLETIME);
                }
                options.idle = Some(seconds);
            } else if word.eq_ignore_ascii_case(b"FREQ")
                && !tells_access
                && let Some(frequency) = words.next()
            {
                let frequency = number::parse_i64(frequency).ok_or(ReplyError::NOT_INTEGER)?;
                options.frequency = Some(u8::try_from(frequency).map_err(|_| BAD_FREQ)?);
            } else {
                return Err(ReplyError::SYNTAX);
            }
        }
        Ok(options)
    }
}

/// The answer to a payload that cannot be read.
fn refusal(error: rdb::Error) -> ReplyError {
    match error {
        rdb::Error::TooLarge => ReplyError::STRING_TOO_LONG,
        error => ReplyError::err(error),
    }
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
///
/// Its effect names a moment instead of a time to live, and replaces: where it is replayed, nothing asks any more.
pub(super) fn restore(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (key, payload, now) = (args.at(1), args.at(3), ctx.now);
    let options = Options::parse(args.rest(4))?;
    if !options.replace && ctx.keys.peek(key).is_some() {
        return Err(ReplyError::BUSY_KEY);
    }
    let ttl = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    if ttl < 0 {
        return Err(NEGATIVE_TTL);
    }
    let expiry = match (ttl, options.absolute) {
        (0, _) => None,
        (moment, true) => Some(moment),
        (ttl, false) => Some(ttl.saturating_add(now)),
    };
    let draft = ctx.keys.draft(key, NewValue::Str(b""));
    let mut record = read(ctx.server, payload, draft).map_err(refusal)?;
    if expiry.is_some_and(|moment| moment <= now) {
        // What would be no more once it is there, is not put there; what it replaces is gone all the same.
        if ctx.keys.remove(key, Event::DEL) {
            ctx.keys
                .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", key])]);
        }
        ctx.reply.ok();
        return Ok(Outcome::Done);
    }
    record.set_expiry(expiry);
    let eviction = &ctx.server.keyspace.eviction;
    if let Some(seconds) = options.idle {
        eviction.set_idle(record.view(), seconds, now);
    }
    if let Some(frequency) = options.frequency {
        eviction.set_frequency(record.view(), frequency, now);
    }
    let event = Event::generic("restore");
    if ctx.keys.peek(key).is_some() {
        ctx.keys.announce(key, Event::NEW);
    }
    if let Some(mut found) = ctx.keys.edit(key) {
        found.change(event, |old| *old = record);
    } else {
        ctx.keys.put(ctx.keys.db, record, event);
    }
    ctx.keys.effect_instead(|| {
        let moment = number::format_i64(expiry.unwrap_or(0));
        vec![OwnedArgs::from_iter([
            &b"RESTORE"[..],
            key,
            moment.as_ref(),
            payload,
            b"REPLACE",
            b"ABSTTL",
        ])]
    });
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// Reads a payload's value into a draft.
fn read(server: &Server, payload: &[u8], draft: Record) -> Result<Record, rdb::Error> {
    let (body, version) = payload::open(payload)?;
    let string = server.settings.proto_max_bulk_len();
    let limits = Limits {
        string,
        unpacked: match server.settings.maxmemory() as usize {
            0 => string.saturating_mul(UNPACKED),
            memory => memory,
        },
    };
    let mut draft = Draft::new(draft, &server.settings);
    rdb::decode(&mut Reader::new(body, limits), version, &mut draft)?;
    Ok(draft.finish())
}

#[cfg(test)]
mod tests;
