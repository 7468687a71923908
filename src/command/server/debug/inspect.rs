//! DEBUG's tools that look: how a value is held, how big the tables are, digests of what is stored.

use crate::command::generic::object::encoding;
use crate::command::{CommandResult, Context, Outcome};
use crate::keyspace::{RecordRef, Value};
use crate::resp::{Args, ReplyError};
use crate::value::number;
use crate::value::packed::{PackedHash, PackedList, PackedSet, PackedZSet};

const NO_SUCH_DATABASE: ReplyError = ReplyError::fixed("ERR Out of range database");
const NOT_PACKED: ReplyError = ReplyError::fixed("ERR Not a listpack encoded object.");

/// `DEBUG OBJECT key [fast]`
pub(super) fn object(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let record = ctx.keys.peek(args.at(2)).ok_or(ReplyError::NO_KEY)?;
    let eviction = &ctx.server.keyspace.eviction;
    let use_of = match eviction.frequency(record, now) {
        Some(frequency) => {
            let minute = (record.access() >> 8) as u16;
            format!("lfu_freq:{frequency} lfu_access_time_minutes:{minute}")
        }
        None => format!(
            "lru_seconds_idle:{}",
            eviction.idle_seconds(record, now).unwrap_or(0)
        ),
    };
    let length = match args.len() {
        3 => format!(" serializedlength:{}", serialized_length(record)),
        _ => String::new(),
    };
    ctx.reply.simple(&format!(
        "Value at:{:p} refcount:1 encoding:{}{length} lru:{} {use_of}",
        record.address(),
        encoding(record),
        record.access(),
    ));
    Ok(Outcome::Done)
}

/// About how many bytes the value would take in a dump.
fn serialized_length(record: RecordRef<'_>) -> usize {
    match record.value() {
        Value::Int(number) => match number {
            -0x80..0x80 => 2,
            -0x8000..0x8000 => 3,
            -0x8000_0000..0x8000_0000 => 5,
            _ => with_prefix(number::format_i64(number).len()),
        },
        Value::Str(bytes)
        | Value::PackedHash(bytes)
        | Value::PackedZSet(bytes)
        | Value::PackedList(bytes)
        | Value::IntSet(bytes)
        | Value::PackedSet(bytes) => with_prefix(bytes.len()),
        Value::BigStr(bytes) => with_prefix(bytes.len()),
        Value::Hash(hash) => hash.memory(),
        Value::ZSet(zset) => zset.memory(),
        Value::List(list) => list.memory(),
        Value::Set(set) => set.memory(),
        Value::Stream(stream) => stream.memory(),
    }
}

/// A text's length with that of the length in front of it.
fn with_prefix(length: usize) -> usize {
    length
        + match length {
            0..64 => 1,
            64..0x4000 => 2,
            _ => 5,
        }
}

/// `DEBUG LISTPACK key`
pub(super) fn listpack(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let record = ctx.keys.peek(args.at(2)).ok_or(ReplyError::NO_KEY)?;
    let (elements, bytes) = match record.value() {
        Value::PackedHash(bytes) => (PackedHash::new(bytes).len() * 2, bytes),
        Value::PackedZSet(bytes) => (PackedZSet::new(bytes).len() * 2, bytes),
        Value::PackedList(bytes) => (PackedList::new(bytes).len(), bytes),
        Value::PackedSet(bytes) => (PackedSet::new(bytes).len(), bytes),
        _ => return Err(NOT_PACKED),
    };
    let text = format!("Listpack of {elements} elements in {} bytes", bytes.len());
    ctx.reply.simple(&text);
    Ok(Outcome::Done)
}

/// `DEBUG HTSTATS db [full]`
pub(super) fn htstats(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let db = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let all = ctx.keys.figures();
    let figures = usize::try_from(db)
        .ok()
        .and_then(|db| all.get(db))
        .ok_or(NO_SUCH_DATABASE)?;
    let text = format!(
        "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of entries: {}\n table bytes: {}\n\
         [Expires HT]\n number of entries: {}\n",
        figures.keys, figures.table_bytes, figures.expiring
    );
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST`
pub(super) fn digest(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let digest = ctx.keys.digest();
    ctx.reply.simple(&digest.to_string());
    Ok(Outcome::Done)
}

/// `DEBUG DIGEST-VALUE [key ...]`
pub(super) fn digest_value(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let keys = args.rest(2);
    ctx.reply.array(keys.len());
    for key in keys.iter() {
        let digest = ctx.keys.digest_of(key);
        ctx.reply.simple(&digest.to_string());
    }
    Ok(Outcome::Done)
}
