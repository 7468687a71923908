//! One bit: GETBIT and SETBIT.

use super::parse_offset;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::string::in_place::change_bytes;
use crate::command::string::value::StringView;
use crate::keyspace::{Event, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::bits;

/// `GETBIT key offset`
pub(super) fn getbit(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let at = parse_offset(ctx, args.at(2), 1)?;
    let bit = bits::bit(StringView::read(&mut ctx.keys, args.at(1))?.bytes(), at);
    ctx.reply.int(i64::from(bit));
    Ok(Outcome::Done)
}

/// `SETBIT key offset value`
pub(super) fn setbit(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let at = parse_offset(ctx, args.at(2), 1)?;
    let value = match args.at(3) {
        b"0" => false,
        b"1" => true,
        _ => {
            return Err(ReplyError::fixed(
                "ERR bit is not an integer or out of range",
            ));
        }
    };
    let (key, len) = (args.at(1), (at / 8) as usize + 1);
    let event = Event::string("setbit");
    let old = if let Some(mut found) = ctx.keys.edit(key) {
        let grows = StringView::of(found.record())?.bytes().len() < len;
        found.change_if(event, |record| {
            let old = change_bytes(record, len, |bytes| bits::set_bit(bytes, at, value));
            (old, grows || old != value)
        })
    } else {
        let mut record = ctx.keys.draft(key, NewValue::Raw(b""));
        change_bytes(&mut record, len, |bytes| bits::set_bit(bytes, at, value));
        ctx.keys.put(ctx.keys.db, record, event);
        false
    };
    ctx.reply.int(i64::from(old));
    Ok(Outcome::Done)
}
