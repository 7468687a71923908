//! ZSCAN.

use super::view::read;
use crate::command::context::{CommandResult, Context, Outcome};
use crate::command::scan_options::{self, ScanOptions};
use crate::keyspace::scan::Position;
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// `ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]`
pub(super) fn zscan(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let cursor = scan_options::cursor(args.at(2))?;
    let Some(zset) = read(&mut ctx.keys, args.at(1))? else {
        ScanOptions::begin_reply(ctx.reply, 0, 0);
        return Ok(Outcome::Done);
    };
    let mut with_scores = true;
    let options = ScanOptions::parse(cursor, args.rest(3), |word, _| {
        if word.eq_ignore_ascii_case(b"NOSCORES") {
            with_scores = false;
            return Ok(1);
        }
        Err(if word.eq_ignore_ascii_case(b"NOVALUES") {
            ReplyError::fixed("ERR NOVALUES option can only be used in HSCAN")
        } else {
            ReplyError::SYNTAX
        })
    })?;
    let mut found: Vec<(Vec<u8>, f64)> = Vec::new();
    let from = Position::from_cursor(options.cursor);
    let next = zset.scan(from.in_table(), options.count, |name, score| {
        if options.wants(name) {
            found.push((name.to_vec(), score));
        }
    });
    let elements = found.len() * if with_scores { 2 } else { 1 };
    ScanOptions::begin_reply(ctx.reply, Position::after(next).cursor(), elements);
    for (name, score) in found {
        ctx.reply.bulk(&name);
        if with_scores {
            ctx.reply.bulk(number::format_score(score).as_ref());
        }
    }
    Ok(Outcome::Done)
}
