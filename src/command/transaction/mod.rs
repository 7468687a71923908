//! The `transactions` family: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! Between MULTI and EXEC the dispatcher checks requests and queues them. EXEC is one command with many keys: it gets the
//! locks of all keys that the queue and WATCH name, at once and through the same function as any other, and executes the
//! queue under them.  So a transaction is atomic against everything, and others wait only for the shards that it needs.
//!
//! A key that is watched is in its shard's list of watchers; whoever changes it marks them, under the shard's lock, so that EXEC
//! knows the truth when it has its locks.

mod exec;
mod watch;

pub(super) use exec::{abort, flags_of_queue, locks, queue};

use super::context::{CommandResult, Context, Outcome};
use super::table::words::{
    ALLOW_BUSY, Command, FAST, Group, LOADING, Lock, NEVER_QUEUED, NO_MULTI, NOSCRIPT, RO,
    SKIP_COMMANDLOG, STALE, keys,
};
use crate::resp::{Args, ReplyError};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Transactions, "discard", 1, discard)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY, NEVER_QUEUED])
        .since("2.0.0")
        .summary("Forgets the transaction that MULTI has begun.")
        .complexity("O(N), N being the number of queued commands"),
    Command::new(Group::Transactions, "exec", 1, exec::exec)
        .flags(&[NOSCRIPT, LOADING, STALE, SKIP_COMMANDLOG, NEVER_QUEUED])
        .lock(Lock::Transaction)
        .since("1.2.0")
        .summary("Executes the commands queued since MULTI, as one.")
        .complexity("That of the queued commands"),
    Command::new(Group::Transactions, "multi", 1, multi)
        .flags(&[
            NOSCRIPT,
            LOADING,
            STALE,
            FAST,
            NO_MULTI,
            ALLOW_BUSY,
            NEVER_QUEUED,
        ])
        .since("1.2.0")
        .summary("Begins a transaction: what follows is queued until EXEC."),
    Command::new(Group::Transactions, "unwatch", 1, watch::unwatch)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY])
        .since("2.2.0")
        .summary("Ends the watching of keys."),
    Command::new(Group::Transactions, "watch", -2, watch::watch)
        .flags(&[
            NOSCRIPT,
            LOADING,
            STALE,
            FAST,
            NO_MULTI,
            ALLOW_BUSY,
            NEVER_QUEUED,
        ])
        .keys(&[keys(1, -1, 1, &[RO])])
        .since("2.2.0")
        .summary("Makes the next EXEC fail if one of these keys changes until then.")
        .syntax("key...")
        .complexity("O(1) a key"),
];

/// `MULTI`
fn multi(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.session.begin_transaction();
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `DISCARD`
fn discard(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    if ctx.session.transaction.is_none() {
        return Err(ReplyError::fixed("ERR DISCARD without MULTI"));
    }
    ctx.session.end_transaction();
    ctx.reply.ok();
    Ok(Outcome::Done)
}
