//! Adding, removing and counting entries: XADD, XDEL, XLEN, XSETID.

use super::trim::{For, Options, XTRIM, block_limits, exactly, push_trim};
use super::view::{edit, parse_id, read, reply_id, stream_of};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;
use crate::value::stream::{AppendError, BlockLimits, Log, NewId, Stream, StreamId, Trim};

const XADD: Event = Event::stream("xadd");

/// What XADD has done.
#[derive(Debug)]
struct Added {
    id: StreamId,
    /// What was trimmed, said exactly; none if nothing was.
    trimmed: Option<Trim>,
}

/// `XADD key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]`
pub(super) fn xadd(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.at(1);
    let options = Options::parse(args, For::Xadd, &ctx.server.settings)?;
    let fields = args.rest(options.next);
    if fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(ReplyError::wrong_arity(ctx.command.full_name()));
    }
    if options.id == NewId::Exactly(StreamId::MIN) {
        return Err(ReplyError::fixed(
            "ERR The ID specified in XADD must be greater than 0-0",
        ));
    }
    let now = u64::try_from(ctx.now).unwrap_or(0);
    let limits = block_limits(&ctx.server.settings);
    let added = if let Some(mut found) = edit(&mut ctx.keys, key)? {
        let id = new_id(&stream_of(found.record())?.log, &options, now, fields)?;
        let added = found.change(XADD, |record| {
            add(&mut record.stream_mut().log, id, fields, &options, limits)
        });
        if added.trimmed.is_some() {
            found.also(XTRIM);
        }
        added
    } else if options.creates {
        let mut stream = Box::<Stream>::default();
        let id = new_id(&stream.log, &options, now, fields)?;
        let added = add(&mut stream.log, id, fields, &options, limits);
        ctx.keys.create(key, NewValue::Stream(stream), None, XADD);
        if added.trimmed.is_some()
            && let Some(mut found) = ctx.keys.edit(key)
        {
            found.change(XTRIM, |_| ());
        }
        added
    } else {
        ctx.reply.null();
        return Ok(Outcome::Done);
    };
    if options.is_approximate() || !matches!(options.id, NewId::Exactly(_)) {
        ctx.keys
            .effect_instead(|| vec![effect(key, &added, fields)]);
    }
    reply_id(ctx.reply, added.id);
    Ok(Outcome::Done)
}

fn pairs<'a>(fields: Args<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
    let names = fields.iter().step_by(2);
    names.zip(fields.iter().skip(1).step_by(2))
}

/// The id of a new entry with these fields.
fn new_id(
    log: &Log,
    options: &Options,
    now: u64,
    fields: Args<'_>,
) -> Result<StreamId, ReplyError> {
    let id = log.next_id(options.id, now).map_err(|error| match error {
        AppendError::Exhausted => ReplyError::fixed(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ),
        AppendError::NotAbove => ReplyError::fixed(
            "ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ),
    })?;
    if !Log::can_hold(pairs(fields)) {
        return Err(ReplyError::fixed("ERR Elements are too large to be stored"));
    }
    Ok(id)
}

fn add(
    log: &mut Log,
    id: StreamId,
    fields: Args<'_>,
    options: &Options,
    limits: BlockLimits,
) -> Added {
    log.append(id, pairs(fields), limits);
    let trimmed = options.trim.and_then(|(trim, precision)| {
        let removed = log.trim(trim, precision);
        (removed > 0).then(|| exactly(log, trim))
    });
    Added { id, trimmed }
}

/// The request that does the same at any time.
fn effect(key: &[u8], added: &Added, fields: Args<'_>) -> OwnedArgs {
    let mut request = OwnedArgs::from_iter([b"XADD", key]);
    if let Some(trim) = added.trimmed {
        push_trim(&mut request, trim);
    }
    request.push(&added.id.text());
    fields.iter().for_each(|word| request.push(word));
    request
}

/// `XDEL key id [id ...]`: how many entries went.
pub(super) fn xdel(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let ids = args.rest(2);
    let mut removed = 0;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        // All ids are read before the first entry is touched.
        ids.iter().try_for_each(|id| parse_id(id).map(drop))?;
        removed = found.change_if(Event::stream("xdel"), |record| {
            let log = &mut record.stream_mut().log;
            let ids = ids.iter().filter_map(|id| parse_id(id).ok());
            let removed = ids.filter(|id| log.remove(*id)).count();
            (removed, removed > 0)
        });
    }
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}

/// `XLEN key`
pub(super) fn xlen(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let len = read(&mut ctx.keys, args.at(1))?.map_or(0, Stream::len);
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}

/// `XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]`
pub(super) fn xsetid(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let last_id = parse_id(args.at(2))?;
    let (mut entries_added, mut max_deleted) = (None, StreamId::MIN);
    let mut at = 3;
    while let Some(word) = args.get(at) {
        let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
        let value = args.get(at + 1).ok_or(ReplyError::SYNTAX)?;
        if is(b"ENTRIESADDED") {
            let number = number::parse_i64(value).ok_or(ReplyError::NOT_INTEGER)?;
            let error = ReplyError::fixed("ERR entries_added must be positive");
            entries_added = Some(u64::try_from(number).map_err(|_| error)?);
        } else if is(b"MAXDELETEDID") {
            max_deleted = parse_id(value)?;
            if last_id < max_deleted {
                return Err(ReplyError::fixed(
                    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                ));
            }
        } else {
            return Err(ReplyError::SYNTAX);
        }
        at += 2;
    }
    let mut found = edit(&mut ctx.keys, args.at(1))?.ok_or(ReplyError::NO_KEY)?;
    let log = &stream_of(found.record())?.log;
    if last_id < log.max_deleted_id() {
        return Err(ReplyError::fixed(
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    if last_id < log.last_entry_id() {
        return Err(ReplyError::fixed(
            "ERR The ID specified in XSETID is smaller than the target stream top item",
        ));
    }
    if entries_added.is_some_and(|entries| entries < log.len() as u64) {
        return Err(ReplyError::fixed(
            "ERR The entries_added specified in XSETID is smaller than the target stream length",
        ));
    }
    found.change(Event::stream("xsetid"), |record| {
        let log = &mut record.stream_mut().log;
        log.set_last_id(last_id);
        if let Some(entries) = entries_added {
            log.set_entries_added(entries);
        }
        if max_deleted != StreamId::MIN {
            log.set_max_deleted_id(max_deleted);
        }
    });
    ctx.reply.ok();
    Ok(Outcome::Done)
}
