//! The way of a request: a window of parsed requests is looked up, hashed and prefetched, then executed in order.
//!
//! Everything that holds for all commands is decided here, from the facts in the command's entry: arity, who may call
//! it, what state forbids it, which locks it needs, what is counted.  A handler runs with its locks held and leaves a
//! reply or an error; its effect is handed on before the locks are given back.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::acl;
use super::blocking;
use super::call::{self, answer_error, count};
use super::context::{Context, Outcome, Suspension};
use super::locks;
use super::observed::{self, Figures};
use super::table::{self, Command, Flags, Lock};
use super::{room, tracking, transaction};
use crate::clock::UnixMillis;
use crate::keyspace::KeyHash;
use crate::resp::{Args, ReadBuffer, Reply, ReplyError, WINDOW, Window};
use crate::script::Ticket;
use crate::server::Server;
use crate::session::{Session, Suspended};
use crate::stats::ticks;

/// Unsent output at which a connection's requests wait.
pub const OUTPUT_HIGH_WATER: usize = 64 * 1024;
/// Commands that a connection may execute in one turn.
const TURN_COMMANDS: usize = 256;
/// A request of so many bytes and more becomes data as soon as it is executed.
const LARGE_REQUEST: usize = 32 * 1024;
/// How long a connection may keep its worker to itself, in nanoseconds.
const TURN_NANOS: u64 = 1_000_000;
/// After a command of this length in nanoseconds the wall clock is read again.
const LONG_NANOS: u64 = 1_000_000;

/// How long a connection waits before it looks again whether the mailboxes have room.
const DELIVERY_PAUSE: Duration = Duration::from_millis(2);

/// What a connection that monitors must not do.
const TOUCHES_DATA: Flags = Flags::of(&[Flags::WRITE, Flags::READONLY, Flags::MAY_REPLICATE]);

/// What a connection may use up before other connections of its worker get their turn.
#[derive(Debug)]
pub struct Budget {
    /// Commands left.
    pub commands: usize,
    /// Bytes of requests left.
    pub bytes: usize,
    /// When its time is up.
    deadline: ticks::Ticks,
    /// When the last command ended, as far as is known.
    clock: ticks::Ticks,
    /// The same by the wall clock, some commands ago at most.
    now: UnixMillis,
}

impl Budget {
    /// The budget of one turn; reads the clocks.
    pub fn new(server: &Server) -> Self {
        let clock = ticks::now();
        Self {
            commands: TURN_COMMANDS,
            bytes: 64 * 1024,
            deadline: clock.wrapping_add(ticks::from_nanos(TURN_NANOS)),
            clock,
            now: server.clock.now(),
        }
    }

    /// The budget of a turn whose time is up before it begins.
    #[cfg(test)]
    pub fn without_time(server: &Server) -> Self {
        Self {
            deadline: ticks::now().wrapping_sub(1),
            ..Self::new(server)
        }
    }

    /// Whether its time was up when the last command ended.
    fn is_late(&self) -> bool {
        ticks::is_before(self.deadline, self.clock)
    }

    /// Whether something has been executed.
    pub fn is_used(&self) -> bool {
        self.commands < TURN_COMMANDS
    }
}

/// How far the execution of a window came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The window is empty.
    Drained,
    /// The budget is spent: let others run, then go on.
    Yield,
    /// Too much unsent output: flush, then go on.
    OutputFull,
    /// The connection waits for something.
    Suspended(Suspension),
    /// Flush and close.
    Close,
}

/// A request of the window, looked up.
#[derive(Clone, Copy)]
struct Looked {
    command: Option<&'static Command>,
    hash: Option<KeyHash>,
}

/// Executes the requests of `window` in order, until it is empty or something stops it.
///
/// What was executed is taken out of the window.
pub fn execute(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    buffer: &ReadBuffer,
    window: &mut Window,
    budget: &mut Budget,
) -> Progress {
    let mut looked = [Looked {
        command: None,
        hash: None,
    }; WINDOW];
    let count = window.len();
    for (i, slot) in looked[..count].iter_mut().enumerate() {
        *slot = look_up(window.args(buffer, i));
    }
    if count > 1 {
        // One command's own look-up is as quick as a hint.
        // Many requests for one key in a row need one hint.
        let hashes = looked[..count].iter().filter_map(|looked| looked.hash);
        let hashes = hashes.scan(None, |last, hash| {
            Some((last.replace(hash) != Some(hash), hash))
        });
        let hashes = hashes.filter_map(|(is_new, hash)| is_new.then_some(hash));
        for hash in hashes.clone() {
            server.keyspace.prefetch_bucket(session.db(), hash);
        }
        for hash in hashes {
            server.keyspace.prefetch_record(session.db(), hash);
        }
        prefetch_members(server, session.db(), buffer, window, &looked[..count]);
    }
    budget.clock = ticks::now();
    let mut done = 0;
    let progress = loop {
        if done == count {
            break Progress::Drained;
        }
        // What holds on to shards goes on, whatever its client does or receives.
        if let Some(suspended) = &session.suspended {
            if server.mailboxes.are_full() {
                break Progress::Suspended(Suspension::Script(suspended.script));
            }
        } else {
            if session.closing {
                break Progress::Close;
            }
            if reply.pending() >= OUTPUT_HIGH_WATER {
                break Progress::OutputFull;
            }
            // However slow the machine is: a turn executes something, or there would be no progress.
            let is_late = budget.is_used() && budget.is_late();
            if budget.commands == 0 || budget.bytes == 0 || is_late {
                break Progress::Yield;
            }
        }
        let wire_bytes = window.wire_bytes(done);
        let outcome = run_one(
            server,
            session,
            reply,
            window.args(buffer, done),
            wire_bytes,
            looked[done],
            budget,
        );
        if let Outcome::Suspend(suspension) = outcome
            && suspension.tries_again()
        {
            break Progress::Suspended(suspension);
        }
        budget.commands = budget.commands.saturating_sub(1);
        budget.bytes = budget.bytes.saturating_sub(wire_bytes);
        done += 1;
        if let Outcome::Suspend(suspension) = outcome {
            break Progress::Suspended(suspension);
        }
    };
    window.consume(done);
    if progress == Progress::Drained && session.closing {
        Progress::Close
    } else {
        progress
    }
}

/// Prefetches the members that the window's commands name, as far as they are about the same key as the first.
///
/// Pipelines work on one collection or on many keys: in the one case this is worth much, in the other it costs a look-up a
/// window.
#[inline]
fn prefetch_members(
    server: &Server,
    db: usize,
    buffer: &ReadBuffer,
    window: &Window,
    looked: &[Looked],
) {
    let Some(Looked {
        command: Some(command),
        hash: Some(hash),
        ..
    }) = looked.first()
    else {
        return;
    };
    let Some(at) = command.first_key().filter(|_| command.member > 0) else {
        return;
    };
    let members = looked.iter().enumerate().filter_map(|(i, other)| {
        let command = other.command.filter(|_| other.hash == Some(*hash))?;
        let member = usize::from(command.member);
        window.args(buffer, i).get(member).filter(|_| member > 0)
    });
    let key = window.args(buffer, 0).at(at);
    server.keyspace.prefetch_members(db, key, *hash, members);
}

fn look_up(args: Args<'_>) -> Looked {
    let command = table::find(args.at(0));
    let hash = command
        .and_then(|command| command.likely_key())
        .and_then(|at| args.get(at))
        .map(KeyHash::of);
    Looked { command, hash }
}

/// Executes one request and counts it.
fn run_one(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    args: Args<'_>,
    wire_bytes: usize,
    looked: Looked,
    budget: &mut Budget,
) -> Outcome {
    let thread = server.stats.of(session.worker());
    let command = match resolve(looked.command, args) {
        Ok(command) => command,
        Err(_) if is_http(args.at(0)) => return hang_up(server, session),
        Err(error) => return refuse(server, session, reply, &error),
    };
    let counters = &thread.commands[command.id()];
    if !command.accepts(args.len()) {
        counters.rejected.bump();
        let error = ReplyError::wrong_arity(command.full_name());
        return refuse(server, session, reply, &error);
    }
    match admit(server, session, reply, command, args) {
        Ok(None) => {}
        Ok(Some(suspension)) => {
            if let (Suspension::Mail(_), Some(tracking)) = (suspension, &mut session.tracking) {
                tracking.gave_way = true;
            }
            return Outcome::Suspend(suspension);
        }
        Err(error) => {
            counters.rejected.bump();
            return reject(server, session, reply, command, &error);
        }
    }
    if !std::mem::take(&mut session.tries_again) {
        session.begin_command();
    }
    reply.set_muted(session.is_muted());
    if session.transaction.is_some() && !command.flags.contains(Flags::NEVER_QUEUED) {
        transaction::queue(server, session, reply, command, args, wire_bytes);
        reply.set_muted(false);
        return Outcome::Done;
    }
    let mark = reply.mark();
    let result = run_locked(
        server,
        session,
        reply,
        command,
        args,
        looked.hash,
        budget.now,
    );
    if wire_bytes >= LARGE_REQUEST {
        session.hand_over(&server.cap, wire_bytes);
    }
    if server.cap.release(session.worker()) {
        room::keep_below(server, session.worker());
    }
    if let Ok(Outcome::Suspend(suspension)) = result
        && suspension.tries_again()
    {
        // It is counted when it is through.
        session.tries_again = true;
        reply.set_muted(false);
        return Outcome::Suspend(suspension);
    }
    if let Some(watch) = session.ended_watch.take() {
        watch.end(&server.keyspace);
    }
    let end = ticks::now();
    let elapsed = end.wrapping_sub(budget.clock) + call::held_back(&result);
    budget.clock = end;
    let nanos = ticks::to_nanos(elapsed);
    if nanos > LONG_NANOS {
        budget.now = server.clock.now();
    }
    if let Ok(Outcome::Suspend(Suspension::Blocked(_))) = result {
        // It is counted, and looked at, when the wait is over.
        if let Some(waiter) = session.client().waiting() {
            waiter.spent.store(nanos, Ordering::Relaxed);
        }
    } else {
        thread.counters.commands.bump();
        count(server, counters, elapsed, nanos);
    }
    session.note_command(command.id());
    tracking::end_command(session, command);
    let outcome = result.unwrap_or_else(|error| {
        reply.truncate_to(mark);
        counters.failed.bump();
        answer_error(server, session, reply, &error);
        Outcome::Done
    });
    reply.set_muted(false);
    if !matches!(outcome, Outcome::Suspend(Suspension::Blocked(_))) {
        session.client().count_command();
        let figures = Figures {
            nanos,
            request: wire_bytes,
            reply: reply.written_since(mark),
        };
        observed::note(server, session.client(), command, args, figures);
    }
    outcome
}

/// Answers a request that is not executed. It counts as the command that `CLIENT REPLY SKIP` skips.
fn refuse(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    error: &ReplyError,
) -> Outcome {
    session.begin_command();
    session.refuse_transaction();
    reply.set_muted(session.is_muted());
    answer_error(server, session, reply, error);
    reply.set_muted(false);
    Outcome::Done
}

/// [`refuse`] for a command that is known: what would have executed a transaction ends it.
fn reject(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    command: &'static Command,
    error: &ReplyError,
) -> Outcome {
    if command.lock == Lock::Transaction && session.transaction.is_some() {
        let error = transaction::abort(session, error);
        return refuse(server, session, reply, &error);
    }
    refuse(server, session, reply, error)
}

/// Whether this is the beginning or a header of an HTTP request: a browser that a web page makes talk to us.
fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:")
}

/// Closes the connection before the request's body, which its author chose, is read as commands.
fn hang_up(server: &Server, session: &mut Session) -> Outcome {
    if server.http_warning.lets_through() {
        tracing::warn!(
            "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is likely \
             due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. Connection from {} \
             aborted.",
            session.client().origin.addr
        );
    }
    session.closing = true;
    Outcome::Done
}

/// The command that a request names: its subcommand where it has one.
#[inline]
pub(super) fn resolve(
    command: Option<&'static Command>,
    args: Args<'_>,
) -> Result<&'static Command, ReplyError> {
    match command {
        Some(command) if command.subcommands.is_empty() => Ok(command),
        Some(container) => match args.get(1) {
            Some(name) => container
                .subcommand(name)
                .ok_or_else(|| ReplyError::unknown_subcommand(name, container.name)),
            None => Ok(container),
        },
        None => Err(ReplyError::unknown_command(args.at(0), args.rest(1))),
    }
}

/// Whether this session may run this command now, or has to wait first.
fn admit(
    server: &Server,
    session: &mut Session,
    reply: &Reply,
    command: &'static Command,
    args: Args<'_>,
) -> Result<Option<Suspension>, ReplyError> {
    if session.suspended.is_some() {
        // It was admitted when it began.
        return Ok(None);
    }
    if let Some(migration) = &session.migration
        && migration.outcome().is_none()
    {
        return Ok(Some(Suspension::Migrating));
    }
    let mut flags = command.flags;
    if session.is_restricted() {
        acl::check(server, session, command, args, acl::Place::Client)?;
    }
    if session.in_subscriber_mode(reply.protocol()) && !command.allowed_in_subscriber_mode() {
        return Err(ReplyError::err(format!(
            "Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
            command.full_name()
        )));
    }
    if session.is_monitoring && flags.intersects(TOUCHES_DATA) {
        return Err(ReplyError::fixed(
            "ERR Replica can't interact with the keyspace",
        ));
    }
    if session.transaction.is_some() {
        if flags.contains(Flags::NO_MULTI) {
            return Err(match command.name {
                "multi" => ReplyError::fixed("ERR MULTI calls can not be nested"),
                "watch" => ReplyError::fixed("ERR WATCH inside MULTI is not allowed"),
                _ => ReplyError::fixed("ERR Command not allowed inside a transaction"),
            });
        }
        if command.lock == Lock::Transaction {
            flags = flags.or(transaction::flags_of_queue(session));
        } else if !flags.contains(Flags::NEVER_QUEUED) {
            // What is only queued need not wait.
            flags = flags.and(Flags::DENYOOM);
        }
    }
    if flags.or(command.flags).contains(Flags::WRITE) && call::lacks_replicas(server) {
        return Err(ReplyError::NO_REPLICAS);
    }
    if server.mailboxes.are_full() && tells_others(server, flags) {
        let later = Instant::now() + DELIVERY_PAUSE;
        return Ok(Some(Suspension::Delivery(later)));
    }
    if flags.contains(Flags::DENYOOM) {
        let room = room::make_room(server, session, args)?;
        if room.is_some() {
            return Ok(room);
        }
    } else if flags.contains(Flags::MAY_REPLICATE)
        && let Ok(Some(later)) = room::make_room(server, session, args)
    {
        // A script may write. Whether it has to hear that there is no room turns out when it does.
        return Ok(Some(later));
    }
    Ok(server
        .pause
        .holds(call::writes(flags), Instant::now)
        .map(Suspension::Paused))
}

/// Whether other connections may be told something because of a command with these flags.
#[cold]
fn tells_others(server: &Server, flags: Flags) -> bool {
    // What has been read is remembered, and clients are told when that becomes too much.
    let is_tracked = flags.contains(Flags::READONLY) && server.tracking.clients() > 0;
    call::writes(flags) || is_tracked || observed::is_shown(server, flags)
}

/// Takes the command's locks, runs its handler, hands on its effect, gives the locks back.
fn run_locked(
    server: &Server,
    session: &mut Session,
    reply: &mut Reply,
    command: &'static Command,
    args: Args<'_>,
    hash: Option<KeyHash>,
    now: UnixMillis,
) -> Result<Outcome, ReplyError> {
    let worker = session.worker();
    let start = reply.mark();
    let mut resumes = None;
    // Dropped behind the locks, even if the handler panics.
    let mut ending = EndsReservation {
        server,
        worker,
        script: None,
    };
    let mut keys = match session.suspended.take() {
        None => match locks::take(server, session, command, args, hash, now) {
            Ok(keys) => keys,
            Err(_) => {
                let take = || locks::take(server, session, command, args, hash, now);
                match locks::take_or_wait(server, session, take) {
                    Ok(Ok(keys)) => keys,
                    Ok(Err(suspension)) => return Ok(Outcome::Suspend(suspension)),
                    Err(busy) if command.lock == Lock::Transaction => {
                        return Err(transaction::abort(session, &busy));
                    }
                    Err(busy) => return Err(busy),
                }
            }
        },
        Some(suspended) => {
            resumes = Some(suspended.script);
            ending.script = resumes;
            reply.append(suspended.output);
            let counters = &server.stats.of(worker).counters;
            server.keyspace.regain(suspended.reservation, counters)
        }
    };
    keys.no_touch = session.no_touch;
    keys.set_client(session.id());
    let mut context = Context {
        server,
        session,
        reply,
        now: keys.now,
        keys,
        command,
        in_script: false,
        resumes,
    };
    let result = (command.handler)(&mut context, args);
    if let Ok(Outcome::Suspend(Suspension::Script(script))) = result {
        context.session.suspended = Some(Box::new(Suspended {
            reservation: context.keys.reserve(script.0),
            output: context.reply.split_off(start),
            script,
        }));
        ending.script = None;
        return result;
    }
    tracking::remember(context.session, &mut context.keys, command, args);
    if !matches!(result, Ok(Outcome::Suspend(later)) if later.tries_again()) {
        // Before the locks are given back: what touches one key is shown in its order.
        observed::show(server, context.session, command, args);
    }
    if context.keys.finish(&args) {
        server.stats.of(worker).counters.changes.bump();
    }
    if context.keys.has_ready() {
        blocking::serve_waiters(server, worker, context.keys);
    }
    result
}

/// What is owed to others when a request is through that had reserved its shards.
struct EndsReservation<'s> {
    server: &'s Server,
    worker: usize,
    script: Option<Ticket>,
}

impl Drop for EndsReservation<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(script) = self.script {
            self.server.scripts.running.remove(script);
            blocking::reservation_ended(self.server, self.worker);
        }
    }
}
