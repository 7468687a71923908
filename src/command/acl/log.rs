//! ACL LOG: what users were denied lately.

use crate::command::context::{CommandResult, Context, Outcome};
use crate::resp::{Args, ReplyError};
use crate::value::number;

/// How many entries are returned if nobody says so.
const DEFAULT_COUNT: i64 = 10;

/// `ACL LOG [count | RESET]`
pub(super) fn log(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let log = &ctx.server.users.log;
    let count = match (args.get(2), args.len()) {
        (None, _) => DEFAULT_COUNT,
        (Some(word), 3) if word.eq_ignore_ascii_case(b"RESET") => {
            log.reset();
            ctx.reply.ok();
            return Ok(Outcome::Done);
        }
        (Some(word), 3) => number::parse_i64(word).ok_or(ReplyError::NOT_INTEGER)?,
        _ => return Err(ReplyError::subcommand_syntax(args.at(1), "acl")),
    };
    let entries = log.newest(usize::try_from(count).unwrap_or(0));
    let now = ctx.now;
    let reply = &mut *ctx.reply;
    reply.array(entries.len());
    for entry in entries {
        let age = now.saturating_sub(entry.updated).max(0);
        let int = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        reply.map(10);
        reply.bulk(b"count");
        reply.int(int(entry.count));
        for (name, value) in [
            ("reason", entry.reason.name().as_bytes()),
            ("context", entry.context.name().as_bytes()),
            ("object", &entry.object),
            ("username", &entry.username),
        ] {
            reply.bulk(name.as_bytes());
            reply.bulk(value);
        }
        reply.bulk(b"age-seconds");
        reply.double(age as f64 / 1000.0);
        reply.bulk(b"client-info");
        reply.bulk(entry.client.as_bytes());
        reply.bulk(b"entry-id");
        reply.int(int(entry.id));
        reply.bulk(b"timestamp-created");
        reply.int(entry.created);
        reply.bulk(b"timestamp-last-updated");
        reply.int(entry.updated);
    }
    Ok(Outcome::Done)
}
