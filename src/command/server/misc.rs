//! Small facts: TIME, LASTSAVE, ROLE.

use crate::command::{CommandResult, Context, Outcome};
use crate::resp::Args;

/// `TIME`: seconds since the Unix epoch, and microseconds within the second.
pub(super) fn time(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let micros = ctx.server.clock.now_micros();
    ctx.reply.array(2);
    ctx.reply.bulk_int(micros / 1_000_000);
    ctx.reply.bulk_int(micros % 1_000_000);
    Ok(Outcome::Done)
}

/// `LASTSAVE`: when the server started, as for any server that has not saved since then.
pub(super) fn lastsave(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.int(ctx.server.facts.started_at / 1000);
    Ok(Outcome::Done)
}

/// `ROLE`: a primary at offset 0 without replicas.
pub(super) fn role(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.reply.array(3);
    ctx.reply.bulk(b"master");
    ctx.reply.int(0);
    ctx.reply.array(0);
    Ok(Outcome::Done)
}
