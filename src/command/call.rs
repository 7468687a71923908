//! Commands inside of a command: what EXEC and scripts execute.
//!
//! They run under the locks that the outer command holds, through the same handlers, and are counted as if they had come
//! alone; each hands on its own effect, as part of the outer command's unit.

use std::time::Instant;

use super::context::{CommandResult, Context, Outcome, Suspension};
use super::observed::{self, Figures};
use super::table::{Command, keys_of};
use super::table::{Flags, Lock};
use super::tracking;
use crate::resp::{Args, Reply, ReplyError};
use crate::server::Server;
use crate::session::Session;
use crate::stats::{CommandCounters, ticks};

/// Executes `command` as part of the one that `ctx` belongs to, whose locks must [cover](covers) it. The caller restores `ctx.command`.
///
/// `request` is how many bytes its client has sent for it; 0 if it was not a client that did.
pub(super) fn call(
    ctx: &mut Context<'_>,
    command: &'static Command,
    args: Args<'_>,
    request: usize,
) -> CommandResult {
    let started = ticks::now();
    ctx.command = command;
    let mark = ctx.reply.mark();
    ctx.keys.db = ctx.session.db();
    let result = (command.handler)(ctx, args);
    if matches!(result, Ok(Outcome::Suspend(Suspension::Script(_)))) {
        return result;
    }
    tracking::remember(ctx.session, &mut ctx.keys, command, args);
    let counters = &ctx.server.stats.of(ctx.session.worker());
    if ctx.keys.finish(&args) {
        counters.counters.changes.bump();
    }
    counters.counters.commands.bump();
    let elapsed = ticks::now().wrapping_sub(started) + held_back(&result);
    let counters = &counters.commands[command.id()];
    let nanos = ticks::to_nanos(elapsed);
    count(ctx.server, counters, elapsed, nanos);
    let reply = match &result {
        Ok(_) => ctx.reply.written_since(mark),
        Err(error) => {
            counters.failed.bump();
            error.as_bytes().len()
        }
    };
    ctx.command = command;
    observed::show_inner(ctx, args);
    ctx.session.client().count_command();
    let figures = Figures {
        nanos,
        request,
        reply,
    };
    observed::note(ctx.server, ctx.session.client(), command, args, figures);
    result
}

/// Whether the locks that are held are enough for a request.
pub(super) fn covers(ctx: &Context<'_>, command: &'static Command, args: Args<'_>) -> bool {
    if ctx.keys.holds_all() {
        return true;
    }
    match command.lock_for(args) {
        Lock::None => true,
        Lock::All | Lock::Each | Lock::Transaction | Lock::Script => false,
        Lock::Keys => match command.first_key() {
            Some(at) => ctx.keys.holds(args.at(at)),
            None if command.keys.is_empty() => true,
            None => {
                let keys = keys_of(command, args).unwrap_or_default();
                keys.iter().all(|key| ctx.keys.holds(args.at(key.index)))
            }
        },
    }
}

/// For how long from now on the reply is held back: the command takes that long, too.
#[inline]
pub(super) fn held_back(result: &CommandResult) -> ticks::Ticks {
    match result {
        Ok(Outcome::Suspend(Suspension::Until(until))) => {
            let left = until.saturating_duration_since(Instant::now());
            ticks::from_nanos(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX))
        }
        _ => 0,
    }
}

/// Counts a call.
pub(super) fn count(
    server: &Server,
    counters: &CommandCounters,
    elapsed: ticks::Ticks,
    nanos: u64,
) {
    counters.calls.bump();
    counters.ticks.add(elapsed);
    if server.observers.watch.tracks_latency() {
        counters.latency.get_or_init(Box::default).record(nanos);
    }
}

/// Answers with an error and counts it.
pub(super) fn answer_error(
    server: &Server,
    session: &Session,
    reply: &mut Reply,
    error: &ReplyError,
) {
    if !error.is_counted() {
        count_error(server, session, error);
    }
    reply.error(error);
}

/// Counts an error that a client is told.
pub(super) fn count_error(server: &Server, session: &Session, error: &ReplyError) {
    let counters = &server.stats.of(session.worker()).counters;
    counters.error_replies.bump();
    server.stats.count_error(error.code());
}

/// Whether writes are refused because there are not as many replicas as there should be.
#[inline]
pub(super) fn lacks_replicas(server: &Server) -> bool {
    server.settings.min_replicas_to_write() > 0 && server.settings.min_replicas_max_lag() > 0
}

/// Whether a command changes keys, or what replicas have to hear of.
pub(super) fn writes(flags: Flags) -> bool {
    flags.intersects(Flags::WRITE.or(Flags::MAY_REPLICATE))
}
