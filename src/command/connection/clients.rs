//! CLIENT's subcommands about all connections: INFO, LIST, KILL, PAUSE, UNPAUSE.

use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::filter;
use crate::command::blocking::{self, Unblock};
use crate::command::context::{CommandResult, Context, Outcome, Suspension};
use crate::command::table;
use crate::mailbox::Post;
use crate::resp::{Args, BUFFER_LEN, ReplyError};
use crate::session::{Client, ClientFilter, Condition, Killer, Line, PauseMode};
use crate::value::number;

/// `CLIENT INFO`
pub(super) fn info(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let now = show_self(ctx, args);
    let text = format!("{}\n", client_line(ctx.session.client(), now));
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// `CLIENT LIST [filter ...]`
pub(super) fn list(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let filter = filter::parse(ctx, args.rest(2), filter::Purpose::List)?;
    let now = show_self(ctx, args);
    let mut text = String::new();
    for client in ctx.server.clients.all() {
        if filter.matches(&client, now) {
            writeln!(text, "{}", client_line(&client, now))
                .expect("a String takes all that is written");
        }
    }
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// Brings the asking connection's own record up to this command, as its line shows it: it has been received into one buffer and is
/// about to be answered from another. Returns the time.
fn show_self(ctx: &Context<'_>, args: Args<'_>) -> Instant {
    let now = Instant::now();
    let client = ctx.session.client();
    let (shown, received) = (&client.buffers, args.iter().map(<[u8]>::len).sum());
    shown.query.store(received, Ordering::Relaxed);
    let free = BUFFER_LEN.saturating_sub(received);
    shown.query_free.store(free, Ordering::Relaxed);
    let reply = ctx.reply.memory().max(BUFFER_LEN);
    shown.reply_capacity.store(reply, Ordering::Relaxed);
    client.set_last_command(ctx.command.id());
    client.touch(now);
    now
}

/// A connection as CLIENT LIST shows it.
pub(in crate::command) fn client_line(client: &Client, now: Instant) -> Line<'_> {
    Line {
        client,
        now,
        command_name: |id| table::by_id(id).map_or("NULL", |command| command.full_name()),
    }
}

/// `CLIENT KILL <ip:port | filter ...>`: the old form answers OK or an error, the new one the number of the killed.
pub(super) fn kill(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    if args.len() == 3 {
        let wanted = vec![Condition::Addr(args.at(2).to_vec())];
        let filter = ClientFilter {
            wanted,
            ..ClientFilter::default()
        };
        let (killed, outcome) = kill_matching(ctx, &filter);
        if killed == 0 {
            return Err(ReplyError::fixed("ERR No such client"));
        }
        ctx.reply.ok();
        return Ok(outcome);
    }
    let filter = filter::parse(ctx, args.rest(2), filter::Purpose::Kill)?;
    let (killed, outcome) = kill_matching(ctx, &filter);
    ctx.reply.int(killed);
    Ok(outcome)
}

/// How long the reply of `CLIENT KILL` waits at most for the ends of those it has killed: a script that has written goes on to its end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Kills the connections that match; the one that asks gets its reply first. Returns their number, and whether the reply waits:
/// where it can, until the others' sockets are closed and their subscriptions have ended.
fn kill_matching(ctx: &mut Context<'_>, filter: &ClientFilter) -> (i64, Outcome) {
    let (server, now) = (ctx.server, Instant::now());
    let killer = Killer::new(ctx.session.client());
    let mut killed = 0;
    for client in server.clients.all() {
        if !filter.matches(&client, now) {
            continue;
        }
        if client.id == ctx.session.id() {
            ctx.session.closing = true;
            killed += 1;
        } else if server
            .clients
            .kill_for(&client, Some(&killer), &server.mailboxes)
        {
            killed += 1;
        }
    }
    if killer.is_through() || ctx.session.closing || ctx.session.must_not_wait {
        return (killed, Outcome::Done);
    }
    ctx.session.killer = Some(killer);
    let outcome = Outcome::Suspend(Suspension::Killing(now + PATIENCE));
    (killed, outcome)
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`, the timeout in milliseconds.
pub(super) fn pause(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let mode = match args.get(3) {
        None => PauseMode::All,
        Some(word) if word.eq_ignore_ascii_case(b"WRITE") => PauseMode::Write,
        Some(word) if word.eq_ignore_ascii_case(b"ALL") => PauseMode::All,
        Some(_) => {
            return Err(ReplyError::fixed(
                "ERR CLIENT PAUSE mode must be WRITE or ALL",
            ));
        }
    };
    let millis = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_TIMEOUT)?;
    let length = u64::try_from(millis).map_err(|_| ReplyError::NEGATIVE_TIMEOUT)?;
    let now = Instant::now();
    // The end has to be a moment in wall-clock milliseconds, as for any other timeout, and one of this machine's clock.
    let until = ctx
        .now
        .checked_add(millis)
        .and_then(|_| now.checked_add(Duration::from_millis(length)));
    let until = until.ok_or(ReplyError::fixed("ERR timeout is out of range"))?;
    ctx.server.pause.start(mode, until, now);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT UNPAUSE`
pub(super) fn unpause(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    ctx.server.pause.end();
    ctx.server.mailboxes.broadcast(&Post::WakeAll);
    ctx.reply.ok();
    Ok(Outcome::Done)
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`: whether it was blocked.
pub(super) fn unblock(ctx: &mut Context<'_>, args: Args<'_>) -> CommandResult {
    let how = match args.get(3) {
        None => Unblock::TimeUp,
        Some(word) if word.eq_ignore_ascii_case(b"TIMEOUT") => Unblock::TimeUp,
        Some(word) if word.eq_ignore_ascii_case(b"ERROR") => Unblock::Error,
        Some(_) => {
            return Err(ReplyError::fixed(
                "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ));
        }
    };
    let id = number::parse_i64(args.at(2)).ok_or(ReplyError::NOT_INTEGER)?;
    let waiter = u64::try_from(id)
        .ok()
        .and_then(|id| ctx.server.clients.get(id))
        .and_then(|client| client.waiting());
    let unblocked = waiter
        .is_some_and(|waiter| blocking::unblock(ctx.server, ctx.session.worker(), &waiter, how));
    ctx.reply.int(i64::from(unblocked));
    Ok(Outcome::Done)
}
