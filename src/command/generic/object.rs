//! OBJECT: how a value is held, and when it was last used.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Kind, RecordRef, Value};
use crate::resp::{Args, ReplyError};

/// Strings up to this length answer "embstr", as Redis's do.
const EMBEDDED: usize = 44;

/// The word that OBJECT ENCODING answers.
pub(crate) fn encoding(record: RecordRef<'_>) -> &'static str {
    match (record.value(), record.kind()) {
        (Value::Int(_), _) => "int",
        (Value::Str(bytes), Kind::Str) if bytes.len() <= EMBEDDED => "embstr",
        (Value::Str(_) | Value::BigStr(_), _) => "raw",
        (Value::PackedHash(_) | Value::PackedZSet(_), _) => "listpack",
        (Value::Hash(_), _) => "hashtable",
        (Value::ZSet(_), _) => "skiplist",
        (Value::PackedList(_) | Value::PackedSet(_), _) => "listpack",
        (Value::List(_), _) => "quicklist",
        (Value::IntSet(_), _) => "intset",
        (Value::Set(_), _) => "hashtable",
        (Value::Stream(_), _) => "stream",
    }
}

/// Answers with what `tell` says of the key, or null if there is none.
fn about(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    tell: impl FnOnce(&mut crate::resp::Reply, RecordRef<'_>),
) -> CommandResult {
    match ctx.keys.inspect(args.at(2)) {
        Some(record) => tell(ctx.reply, record),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}

/// `OBJECT ENCODING key`
pub(super) fn object_encoding(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    about(ctx, args, |reply, record| {
        reply.bulk(encoding(record).as_bytes())
    })
}

/// `OBJECT REFCOUNT key`: a value has one owner.
pub(super) fn object_refcount(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    about(ctx, args, |reply, _| reply.int(1))
}

/// `OBJECT IDLETIME key`
pub(super) fn object_idletime(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let eviction = &ctx.server.keyspace.eviction;
    let mut is_told = true;
    about(ctx, args, |reply, record| {
        match eviction.idle_seconds(record, now) {
            Some(seconds) => reply.int(i64::from(seconds)),
            None => is_told = false,
        }
    })?;
    if is_told {
        return Ok(Outcome::Done);
    }
    Err(ReplyError::fixed(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at \
         runtime LRU and LFU data will take some time to adjust.",
    ))
}

/// `OBJECT FREQ key`
pub(super) fn object_freq(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = ctx.now;
    let eviction = &ctx.server.keyspace.eviction;
    let mut is_kept = true;
    about(ctx, args, |reply, record| {
        match eviction.frequency(record, now) {
            Some(frequency) => reply.int(i64::from(frequency)),
            None => is_kept = false,
        }
    })?;
    if is_kept {
        return Ok(Outcome::Done);
    }
    Err(ReplyError::fixed(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust.",
    ))
}
