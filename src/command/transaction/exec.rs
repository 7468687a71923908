//! Queueing, and EXEC.

use crate::command::acl::{self, Place};
use crate::command::call;
use crate::command::context::{CommandResult, Context, Outcome, Suspension};
use crate::command::scripting;
use crate::command::table::{self, Command, Flags, Lock};
use crate::resp::{Args, Reply, ReplyError};
use crate::server::Server;
use crate::session::{Session, Transaction};

/// Queues a request that has been checked.
pub(in crate::command) fn queue(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    command: &'static Command,
    args: Args<'_>,
    wire_bytes: usize,
) {
    session.queue(command.id(), args, wire_bytes);
    let queued = session.transaction.as_ref().map_or(0, |t| t.bytes());
    if queued > server.settings.client_query_buffer_limit() {
        tracing::warn!(
            "Closing client that reached max query buffer length with a transaction: {} ({queued} bytes)",
            session.client().origin.addr
        );
        let counters = &server.stats.of(session.worker()).counters;
        counters.query_buffer_disconnections.bump();
        session.closing = true;
        return;
    }
    reply.simple("QUEUED");
}

/// What the queued commands are, all together.
pub(in crate::command) fn flags_of_queue(session: &Session) -> Flags {
    let relevant = Flags::of(&[Flags::WRITE, Flags::MAY_REPLICATE, Flags::DENYOOM]);
    let commands = commands(session.transaction.as_deref());
    commands.fold(Flags::NONE, |all, command| {
        all.or(command.flags.and(relevant))
    })
}

fn commands(transaction: Option<&Transaction>) -> impl Iterator<Item = &'static Command> {
    let queue = transaction.into_iter().flat_map(Transaction::queue);
    queue.filter_map(|queued| table::by_id(queued.command))
}

/// EXEC cannot be executed now: the transaction is over.
pub(in crate::command) fn abort(session: &mut Session, why: &ReplyError) -> ReplyError {
    session.end_transaction();
    let why = String::from_utf8_lossy(why.as_bytes());
    let why = why.strip_prefix("ERR ").unwrap_or(&why);
    ReplyError::new(format!("EXECABORT Transaction discarded because of: {why}"))
}

/// The keys whose locks EXEC needs; `None` if it needs all locks.
pub(in crate::command) fn locks<'s>(
    server: &Server,
    session: &'s Session,
) -> Option<Vec<&'s [u8]>> {
    let Some(transaction) = session.transaction.as_deref() else {
        return Some(Vec::new());
    };
    let mut named = Vec::with_capacity(transaction.len());
    let mut changes_functions = false;
    for queued in transaction.queue() {
        let (command, args) = (table::by_id(queued.command)?, queued.args);
        changes_functions |=
            command.full_name().starts_with("function|") && command.flags.contains(Flags::WRITE);
        match command.lock_for(args) {
            Lock::None => continue,
            // What the transaction itself brings cannot be looked at yet.
            Lock::Script if changes_functions => return None,
            Lock::Script if scripting::stays_within_keys(server, command, args) != Some(true) => {
                return None;
            }
            Lock::All | Lock::Each | Lock::Transaction => return None,
            Lock::Keys | Lock::Script => {}
        }
        match command.first_key() {
            Some(at) => named.push(args.at(at)),
            None if command.has_keys() => {
                let keys = table::keys_of(command, args).unwrap_or_default();
                named.extend(keys.iter().map(|key| args.at(key.index)));
            }
            None => {}
        }
    }
    let watched = session.watch.iter().flat_map(|watch| watch.keys());
    named.extend(watched.map(|(_, key)| key));
    Some(named)
}

/// `EXEC`
pub(super) fn exec(ctx: &mut Context<'_>, _: Args<'_>) -> CommandResult {
    let Some(mut transaction) = ctx.session.transaction.take() else {
        return Err(ReplyError::fixed("ERR EXEC without MULTI"));
    };
    if ctx.resumes.is_none() {
        if transaction.is_refused() {
            ctx.session.transaction = Some(transaction);
            ctx.session.end_transaction();
            return Err(ReplyError::EXEC_ABORT);
        }
        if is_watch_broken(ctx) {
            ctx.session.transaction = Some(transaction);
            ctx.session.end_transaction();
            ctx.reply.null_array();
            return Ok(Outcome::Done);
        }
        ctx.session.unwatch();
        ctx.keys.begin_unit();
        ctx.reply.array(transaction.len());
    }
    let outcome = run(ctx, &mut transaction);
    ctx.session.transaction = Some(transaction);
    if !matches!(outcome, Outcome::Suspend(Suspension::Script(_))) {
        ctx.keys.end_unit();
        ctx.session.end_transaction();
    }
    Ok(outcome)
}

/// Whether a watched key has changed. A key that has expired unseen is seen now.
fn is_watch_broken(ctx: &mut Context<'_>) -> bool {
    let Some(watch) = &ctx.session.watch else {
        return false;
    };
    for (db, key) in watch.keys() {
        ctx.keys.peek_in(db, key);
    }
    watch.is_changed()
}

/// Executes what is left of the queue.
fn run(ctx: &mut Context<'_>, transaction: &mut Transaction) -> Outcome {
    let exec = ctx.command;
    let must_not_wait = std::mem::replace(&mut ctx.session.must_not_wait, true);
    let mut outcome = Outcome::Done;
    let mut resumes = ctx.resumes.is_some();
    while let Some(queued) = transaction.next() {
        let command = table::by_id(queued.command).expect("a queued command is in the table");
        let mark = ctx.reply.mark();
        // What goes on in the middle was allowed when it began.
        let is_free = std::mem::take(&mut resumes) || !ctx.session.is_restricted();
        let allowed = match is_free {
            true => Ok(()),
            false => acl::check(ctx.server, ctx.session, command, queued.args, Place::Exec),
        };
        match allowed.and_then(|()| call::call(ctx, command, queued.args, queued.wire_bytes)) {
            Ok(Outcome::Suspend(suspension @ Suspension::Script(_))) => {
                outcome = Outcome::Suspend(suspension);
                break;
            }
            // What is held back holds back the whole reply.
            Ok(Outcome::Suspend(suspension @ Suspension::Until(_))) => {
                outcome = Outcome::Suspend(suspension);
            }
            Ok(_) => {}
            Err(error) => {
                ctx.reply.truncate_to(mark);
                call::answer_error(ctx.server, ctx.session, ctx.reply, &error);
            }
        }
        transaction.advance();
    }
    ctx.command = exec;
    ctx.session.must_not_wait = must_not_wait;
    outcome
}
