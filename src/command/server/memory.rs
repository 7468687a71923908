//! MEMORY: how many bytes a key occupies.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// `MEMORY USAGE key [SAMPLES count]`: the bytes of the key's record and of all that it holds.
///
/// Every value knows its size, so nothing has to be sampled.
pub(super) fn usage(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mut options = args.rest(3).iter();
    while let Some(word) = options.next() {
        let count = options
            .next()
            .filter(|_| word.eq_ignore_ascii_case(b"SAMPLES"));
        let count = count.ok_or(ReplyError::SYNTAX)?;
        if number::parse_i64(count).ok_or(ReplyError::NOT_INTEGER)? < 0 {
            return Err(ReplyError::SYNTAX);
        }
    }
    match ctx.keys.peek(args.at(2)) {
        Some(record) => ctx.reply.int(record.memory() as i64),
        None => ctx.reply.null(),
    }
    Ok(Outcome::Done)
}
