//! Giving values another name or another database: RENAME, RENAMENX, COPY, MOVE.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::Event;
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// `RENAME key newkey`
pub(super) fn rename(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    rename_unless(ctx, args, false)?;
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `RENAMENX key newkey`
pub(super) fn renamenx(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let renamed = rename_unless(ctx, args, true)?;
    ctx.reply.int(i64::from(renamed));
    Ok(Outcome::Done)
}

/// What becomes of a key whose place is taken: nobody hears of that, as with the peers. Of a key that goes elsewhere they tell when it has
/// arrived.
const REPLACED: Event = Event::silent("del");

/// Renames, with `keep_existing` only if the new name is free. Returns whether it did.
fn rename_unless(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    keep_existing: bool,
) -> Result<bool, ReplyError> {
    let (from, to) = (args.at(1), args.at(2));
    if ctx.keys.peek(from).is_none() {
        return Err(ReplyError::NO_KEY);
    }
    if from == to {
        return Ok(!keep_existing);
    }
    if ctx.keys.peek(to).is_some() {
        if keep_existing {
            return Ok(false);
        }
        ctx.keys.remove(to, REPLACED);
    }
    let record = ctx
        .keys
        .take(from, Event::silent("rename_from"))
        .ok_or(ReplyError::NO_KEY)?;
    let target_db = ctx.keys.db;
    ctx.keys
        .put(target_db, record.renamed(to), Event::silent("rename_to"));
    ctx.keys.announce(from, Event::generic("rename_from"));
    ctx.keys.announce(to, Event::generic("rename_to"));
    Ok(true)
}

/// The database that an argument names.
pub(crate) fn database(ctx: &Context<'_>, argument: &[u8]) -> Result<usize, ReplyError> {
    let number = number::parse_i64(argument)
        .filter(|number| i32::try_from(*number).is_ok())
        .ok_or(ReplyError::NOT_INTEGER)?;
    usize::try_from(number)
        .ok()
        .filter(|db| *db < ctx.server.keyspace.databases())
        .ok_or(ReplyError::DB_INDEX)
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub(super) fn copy(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let (from, to, source_db) = (args.at(1), args.at(2), ctx.keys.db);
    let (mut target_db, mut replace) = (source_db, false);
    let mut at = 3;
    while let Some(word) = args.get(at) {
        at += 1;
        if word.eq_ignore_ascii_case(b"REPLACE") {
            replace = true;
        } else if let (true, Some(db)) = (word.eq_ignore_ascii_case(b"DB"), args.get(at)) {
            target_db = database(ctx, db)?;
            at += 1;
        } else {
            return Err(ReplyError::SYNTAX);
        }
    }
    if from == to && source_db == target_db {
        return Err(ReplyError::SAME_OBJECT);
    }
    let copied = match ctx.keys.read(from).map(|record| record.duplicate(to)) {
        Some(copy) if replace || ctx.keys.peek_in(target_db, to).is_none() => {
            ctx.keys.remove_in(target_db, to, REPLACED);
            ctx.keys.put(target_db, copy, Event::generic("copy_to"));
            true
        }
        _ => false,
    };
    ctx.reply.int(i64::from(copied));
    Ok(Outcome::Done)
}

/// `MOVE key db`
pub(super) fn move_to_db(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let key = args.at(1);
    let target_db = database(ctx, args.at(2))?;
    if target_db == ctx.keys.db {
        return Err(ReplyError::SAME_OBJECT);
    }
    let free = ctx.keys.peek_in(target_db, key).is_none();
    let moved = match free
        .then(|| ctx.keys.take(key, Event::silent("move_from")))
        .flatten()
    {
        Some(record) => {
            let moved_to = Event::silent("move_to");
            ctx.keys.put(target_db, record, moved_to);
            ctx.keys.announce(key, Event::generic("move_from"));
            let moved_to = Event::generic("move_to");
            ctx.keys.announce_in(target_db, key, moved_to);
            true
        }
        None => false,
    };
    ctx.reply.int(i64::from(moved));
    Ok(Outcome::Done)
}
