//! GET and its relatives: reading values, whole or in part.

use super::value::{StringView, reply_string};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::expiry::Form;
use crate::keyspace::{Event, Value};
use crate::resp::{Args, OwnedArgs, ReplyError};
use crate::value::number;

/// `GET key`
pub(super) fn get(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    match ctx.keys.read(args.at(1)) {
        Some(record) => reply_string(ctx.reply, record)?,
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}

/// `MGET key [key ...]`: what is no string is null.
pub(super) fn mget(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    ctx.reply.array(args.len() - 1);
    for key in args.rest(1).iter() {
        let found = ctx.keys.read(key);
        if found.is_none_or(|record| reply_string(ctx.reply, record).is_err()) {
            ctx.reply.null();
        }
    }
    Ok(Outcome::Done)
}

/// `GETDEL key`
pub(super) fn getdel(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let Some(found) = ctx.keys.read_to_edit(args.at(1)) else {
        ctx.reply.null();
        return Ok(Outcome::Done);
    };
    reply_string(ctx.reply, found.record())?;
    found.delete(Event::DEL);
    ctx.keys
        .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", args.at(1)])]);
    Ok(Outcome::Done)
}

/// `GETEX key [EX | PX | EXAT | PXAT time | PERSIST]`
pub(super) fn getex(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    enum Change<'a> {
        Nothing,
        Persist,
        Expire(Form, &'a [u8]),
    }
    let persist = args
        .get(2)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"PERSIST"));
    let change = match (args.len(), args.get(2).and_then(Form::from_option)) {
        (2, _) => Change::Nothing,
        (_, None)
            if persist
                && args
                    .rest(3)
                    .iter()
                    .all(|word| word.eq_ignore_ascii_case(b"PERSIST")) =>
        {
            Change::Persist
        }
        (4, Some(form)) => Change::Expire(form, args.at(3)),
        _ => return Err(ReplyError::SYNTAX),
    };
    let (key, now) = (args.at(1), ctx.now);
    let Some(mut found) = ctx.keys.read_to_edit(key) else {
        ctx.reply.null();
        return Ok(Outcome::Done);
    };
    reply_string(ctx.reply, found.record())?;
    match change {
        Change::Nothing => {}
        Change::Persist => {
            if found.expiry().is_some() {
                found.set_expiry(None, Event::generic("persist"));
                drop(found);
                ctx.keys
                    .effect_instead(|| vec![OwnedArgs::from_iter([b"PERSIST", key])]);
            }
        }
        Change::Expire(form, time) => {
            let moment = form.moment(time, now, "getex")?;
            if moment <= now {
                found.delete(Event::EXPIRED);
                ctx.keys.counters().expired_keys.bump();
                ctx.keys
                    .effect_instead(|| vec![OwnedArgs::from_iter([b"DEL", key])]);
            } else {
                found.set_expiry(Some(moment), Event::EXPIRE);
                drop(found);
                ctx.keys.effect_instead(|| {
                    let mut digits = itoa::Buffer::new();
                    vec![OwnedArgs::from_iter([
                        &b"PEXPIREAT"[..],
                        key,
                        digits.format(moment).as_bytes(),
                    ])]
                });
            }
        }
    }
    Ok(Outcome::Done)
}

/// `STRLEN key`
pub(super) fn strlen(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let length = match ctx
        .keys
        .read(args.at(1))
        .map(crate::keyspace::RecordRef::value)
    {
        None => 0,
        Some(Value::Str(bytes)) => bytes.len(),
        Some(Value::BigStr(bytes)) => bytes.len(),
        Some(Value::Int(value)) => itoa::Buffer::new().format(value).len(),
        Some(_) => return Err(ReplyError::WRONG_TYPE),
    };
    ctx.reply.int(length as i64);
    Ok(Outcome::Done)
}

/// `GETRANGE key start end`, and SUBSTR, its old name.
pub(super) fn getrange(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let start = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let end = number::parse_i64(args.at(3)).ok_or(ReplyError::NOT_INTEGER)?;
    let Some(record) = ctx.keys.read(args.at(1)) else {
        ctx.reply.bulk(b"");
        return Ok(Outcome::Done);
    };
    let mut string = StringView::of(record)?;
    let bytes = string.bytes();
    let range = range_within(start, end, bytes.len());
    if let Value::BigStr(whole) = record.value() {
        ctx.reply.bulk_shared(&whole.slice(range));
    } else {
        ctx.reply.bulk(&bytes[range]);
    }
    Ok(Outcome::Done)
}

/// The bytes from `start` to `end`, both inclusive and negative from the end, of a string of `len` bytes.
fn range_within(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_end = |at: i64| if at < 0 { (len + at).max(0) } else { at };
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    if start > end || len == 0 {
        0..0
    } else {
        start as usize..end as usize + 1
    }
}

#[cfg(test)]
mod tests {
    use super::range_within;

    #[test]
    fn ranges() {
        assert_eq!(range_within(0, -1, 5), 0..5);
        assert_eq!(range_within(-3, -1, 5), 2..5);
        assert_eq!(range_within(-100, 1, 5), 0..2);
        assert_eq!(range_within(1, 100, 5), 1..5);
        assert_eq!(range_within(3, 1, 5), 0..0);
        assert_eq!(range_within(-1, -5, 5), 0..0);
        assert_eq!(range_within(0, -1, 0), 0..0);
        assert_eq!(range_within(0, -100, 5), 0..1);
        assert_eq!(range_within(i64::MIN + 1, i64::MAX, 5), 0..5);
    }
}
