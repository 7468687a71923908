//! Changing a list inside: LSET, LINSERT, LREM, LTRIM.

use super::read::{index, integer, range, signed};
use super::view::{ListMut, ListView, edit, with_element};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::keyspace::{Event, KeyMut};
use crate::resp::{Args, ReplyError};
use crate::value::list::End;

/// A list without elements is no key.
fn delete_if_empty(found: KeyMut<'_>) -> Result<(), ReplyError> {
    if ListView::of(found.record())?.len() == 0 {
        found.delete(Event::DEL);
    }
    Ok(())
}

/// `LSET key index element`
pub(super) fn lset(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    let mut found = edit(&mut ctx.keys, args.at(1))?.ok_or(ReplyError::NO_KEY)?;
    let len = ListView::of(found.record())?.len();
    let at = index(integer(args.at(2))?, len).ok_or(ReplyError::OUT_OF_RANGE)?;
    found.change(Event::list("lset"), |record| {
        let mut list = ListMut::new(record, settings);
        with_element(args, 3, |element| list.set(at, element));
        list.shrink();
    });
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `LINSERT key BEFORE|AFTER pivot element`
pub(super) fn linsert(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    let behind = match args.at(2) {
        word if word.eq_ignore_ascii_case(b"BEFORE") => 0,
        word if word.eq_ignore_ascii_case(b"AFTER") => 1,
        _ => return Err(ReplyError::SYNTAX),
    };
    let Some(mut found) = edit(&mut ctx.keys, args.at(1))? else {
        ctx.reply.int(0);
        return Ok(Outcome::Done);
    };
    let pivot = ListView::of(found.record())?.find(args.at(3));
    let len = pivot.map(|pivot| {
        found.change(Event::list("linsert"), |record| {
            let mut list = ListMut::new(record, settings);
            with_element(args, 4, |element| list.insert(pivot + behind, element));
            list.len() as i64
        })
    });
    ctx.reply.int(len.unwrap_or(-1));
    Ok(Outcome::Done)
}

/// `LREM key count element`
pub(super) fn lrem(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    let (most, from) = match signed(args.at(2))? {
        0 => (usize::MAX, End::Head),
        count => (
            usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
            if count > 0 { End::Head } else { End::Tail },
        ),
    };
    let mut removed = 0;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        removed = found.change_if(Event::list("lrem"), |record| {
            let mut list = ListMut::new(record, settings);
            let removed = list.remove_equal(args.at(3), most, from);
            if removed > 0 {
                list.shrink();
            }
            (removed, removed > 0)
        });
        delete_if_empty(found)?;
    }
    ctx.reply.int(removed as i64);
    Ok(Outcome::Done)
}

/// `LTRIM key start stop`
pub(super) fn ltrim(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let settings = &ctx.server.settings;
    let range = range(args)?;
    if let Some(mut found) = edit(&mut ctx.keys, args.at(1))? {
        let len = ListView::of(found.record())?.len();
        let kept = range(len);
        // Announced even if nothing is removed, as the peers do.
        found.change(Event::list("ltrim"), |record| {
            let mut list = ListMut::new(record, settings);
            list.remove_range(kept.end..len);
            list.remove_range(0..kept.start);
            list.shrink();
        });
        delete_if_empty(found)?;
    }
    ctx.reply.ok();
    Ok(Outcome::Done)
}
