//! BITOP: several strings become one, bit by bit.

use bytes::Bytes;

use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::string::value::StringView;
use crate::keyspace::{BIG_STRING, Event, Expiry, NewValue};
use crate::resp::{Args, ReplyError};
use crate::value::bits::{self, Operation};

/// `BITOP AND | OR | XOR | NOT destkey key [key ...]`
pub(super) fn bitop(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let word = args.at(1);
    let names: [(&[u8], _); 4] = [
        (b"AND", Some(Operation::And)),
        (b"OR", Some(Operation::Or)),
        (b"XOR", Some(Operation::Xor)),
        (b"NOT", None),
    ];
    let (_, operation) = names
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .ok_or(ReplyError::SYNTAX)?;
    let keys = args.rest(3);
    if operation.is_none() && keys.len() > 1 {
        return Err(ReplyError::fixed(
            "ERR BITOP NOT must be called with a single source key.",
        ));
    }
    // Each key counts as looked up, and all must be strings before anything is done.
    for key in keys {
        StringView::read(&mut ctx.keys, key)?;
    }
    let result = {
        let mut sources: Vec<StringView<'_>> = keys
            .iter()
            .filter_map(|key| match ctx.keys.view(key) {
                Some(record) => StringView::of(record).ok(),
                None => Some(StringView::Bytes(b"")),
            })
            .collect();
        let sources: Vec<&[u8]> = sources.iter_mut().map(StringView::bytes).collect();
        match operation {
            Some(operation) => bits::combine(*operation, sources.iter().copied()),
            None => bits::complement(sources.first().copied().unwrap_or_default()),
        }
    };
    let (dest, len) = (args.at(2), result.len());
    if len == 0 {
        ctx.keys.remove(dest, Event::DEL);
    } else {
        let value = if len < BIG_STRING {
            NewValue::Raw(&result)
        } else {
            NewValue::BigStr(Bytes::from(result))
        };
        ctx.keys.set(dest, value, Expiry::Never, Event::SET);
    }
    ctx.reply.int(len as i64);
    Ok(Outcome::Done)
}
