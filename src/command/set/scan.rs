//! SSCAN.

use super::view::{SetView, read};
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::scan_options::{self, ScanOptions};
use crate::keyspace::scan::Position;
use crate::resp::{Args, ReplyError};

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub(super) fn sscan(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_options::cursor(args.at(2))?;
    let Some(set) = read(&mut ctx.keys, args.at(1))? else {
        ScanOptions::begin_reply(ctx.reply, 0, 0);
        return Ok(Outcome::Done);
    };
    let options = ScanOptions::parse(cursor, args.rest(3), |word, _| {
        let is = |option: &[u8]| word.eq_ignore_ascii_case(option);
        Err(if is(b"NOVALUES") {
            ReplyError::fixed("ERR NOVALUES option can only be used in HSCAN")
        } else if is(b"NOSCORES") {
            ReplyError::fixed("ERR NOSCORES option can only be used in ZSCAN")
        } else {
            ReplyError::SYNTAX
        })
    })?;
    match set {
        SetView::Large(set) => {
            let mut found: Vec<&[u8]> = Vec::new();
            let from = Position::from_cursor(options.cursor);
            let next = set.scan(from.in_table(), options.count, |member| {
                if options.wants(member) {
                    found.push(member);
                }
            });
            ScanOptions::begin_reply(ctx.reply, Position::after(next).cursor(), found.len());
            found.iter().for_each(|member| ctx.reply.bulk(member));
        }
        // A set in a record is returned whole.
        set => {
            let wanted = || set.iter().filter(|member| options.wants(member.bytes()));
            ScanOptions::begin_reply(ctx.reply, 0, wanted().count());
            wanted().for_each(|member| ctx.reply.bulk(member.bytes()));
        }
    }
    Ok(Outcome::Done)
}
