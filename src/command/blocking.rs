//! Blocking commands: a client that finds nothing waits, and is served by whoever brings something.
//!
//! A blocking command has one function, [`Blocking::serve`], that tries to serve a request from one key. Its handler
//! tries the keys in their order; if none can serve, the client joins the keys' queues ([`crate::keyspace::waiting`])
//! and its *connection* is suspended.  Behind every command that changed such a key, before the locks are given back,
//! [`serve_waiters`] runs the same function for the waiting clients, first come first served, and posts their replies.
//!
//! A request that needs keys in shards that are not locked (`BLMOVE`) is served behind the command, under locks of its
//! own: what it waited for may be gone by then, and it waits on.  Where a client must not wait (inside a transaction or a
//! script) it is answered as if its time were up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::acl;
use super::context::{CommandResult, Context, Outcome, Suspension};
use super::observed::{self, Figures};
use super::{call, table, tracking};
use crate::clock::UnixMillis;
use crate::keyspace::waiting::{Ticket, Waiter, Wish};
use crate::keyspace::{Access, KeyHash, Locks, ValueType};
use crate::mailbox::Post;
use crate::resp::{Args, OwnedArgs, Reply, ReplyError};
use crate::server::Server;
use crate::session::ClientFlags;
use crate::stats::{CommandCounters, Counters, ticks};
use crate::value::number;

/// How clients that wait in a command are served: part of the command's entry.
#[derive(Debug, Clone, Copy)]
pub struct Blocking {
    /// Keys of this type can serve it.
    pub wants: ValueType,
    /// It has to be answered, with an error, when a key goes away or changes its type.
    pub until_gone: bool,
    /// Which keys [`Blocking::serve`] touches.
    pub touches: Touches,
    /// The reply when the time is up.
    pub time_up: TimeUp,
    /// Tries to serve a request from one of its keys. Tells whether it did; if not, nothing is written and nothing has changed.
    pub serve: fn(&mut Serving<'_, '_>, Args<'_>, &[u8]) -> Result<bool, ReplyError>,
}

/// Which keys are touched when a request is served from one of its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// That key alone.
    OneKey,
    /// All that the request names.
    AllKeys,
}

/// The reply when the time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUp {
    /// A null array; null from a command that must not wait.
    NullArrayAfterWaiting,
    /// A null array, which in RESP3 is null too.
    NullArray,
    /// The number 0.
    Zero,
    /// An array of two numbers, both 0.
    TwoZeros,
}

/// What serving a request may use: there is no session here, for the client may be elsewhere.
pub struct Serving<'s, 'k> {
    /// What all connections share.
    pub server: &'s Server,
    /// The keys, locked.
    pub keys: &'s mut Access<'k>,
    /// Where the reply goes.
    pub reply: &'s mut Reply,
    /// The moment at which it happens.
    pub now: UnixMillis,
}

impl<'k> Context<'k> {
    /// What the functions that serve waiting clients use, for the client that asks.
    pub fn serving(&mut self) -> Serving<'_, 'k> {
        Serving {
            server: self.server,
            keys: &mut self.keys,
            reply: self.reply,
            now: self.now,
        }
    }
}

/// Serves the request from the first of `keys` that can, or lets the client wait until one can; `None` as timeout is for ever.
pub fn serve_or_wait<'a>(
    ctx: &mut Context<'_>,
    args: Args<'_>,
    keys: impl Iterator<Item = &'a [u8]> + Clone,
    timeout: Option<Duration>,
) -> CommandResult {
    let blocking = blocking_of(ctx.command.id());
    for key in keys.clone() {
        if (blocking.serve)(&mut ctx.serving(), args, key)? {
            return Ok(Outcome::Done);
        }
    }
    Ok(wait(ctx, args.to_owned(), keys, timeout))
}

/// Lets the client wait for one of `keys`; then `request` is executed for it.
pub fn wait<'a>(
    ctx: &mut Context<'_>,
    request: OwnedArgs,
    keys: impl Iterator<Item = &'a [u8]>,
    timeout: Option<Duration>,
) -> Outcome {
    let blocking = blocking_of(ctx.command.id());
    if ctx.session.must_not_wait {
        match blocking.time_up {
            TimeUp::NullArrayAfterWaiting => ctx.reply.null(),
            time_up => reply_time_up(ctx.reply, time_up),
        }
        return Outcome::Done;
    }
    let mut waited: Vec<Box<[u8]>> = keys.map(Box::from).collect();
    waited.sort_unstable();
    waited.dedup();
    let waiter = ctx.keys.wait(Wish {
        client: ctx.session.id(),
        worker: ctx.session.worker(),
        protocol: ctx.reply.protocol(),
        db: ctx.keys.db,
        keys: waited,
        command: ctx.command.id(),
        request,
        wants: blocking.wants,
        until_gone: blocking.until_gone,
        remembers: tracking::remembers(ctx.session, ctx.command),
    });
    let client = ctx.session.client();
    client.set_waiting(Some(Arc::clone(&waiter)));
    if client.flags().contains(ClientFlags::CLOSE_ASAP) {
        // Killed meanwhile: who killed it may have looked too early to see the waiter.
        waiter.end();
    }
    if ctx.session.is_restricted() {
        // The same if its user was changed meanwhile.
        if ctx.server.users.refresh(ctx.session) {
            let (worker, client) = (ctx.session.worker(), ctx.session.client());
            acl::end_wait(ctx.server, worker, client, ctx.session.user(), &waiter);
        } else {
            waiter.end();
        }
    }
    // A timeout beyond what the clock can tell is as good as none.
    Outcome::Suspend(Suspension::Blocked(
        timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
    ))
}

fn blocking_of(command: usize) -> Blocking {
    table::by_id(command)
        .and_then(|command| command.blocking)
        .expect("only commands whose entry says how to serve them let clients wait")
}

/// Writes the reply to a request whose time is up.
pub fn reply_time_up(reply: &mut Reply, time_up: TimeUp) {
    match time_up {
        TimeUp::NullArray | TimeUp::NullArrayAfterWaiting => reply.null_array(),
        TimeUp::Zero => reply.int(0),
        TimeUp::TwoZeros => {
            reply.array(2);
            reply.int(0);
            reply.int(0);
        }
    }
}

/// A timeout in seconds and parts of one, as the blocking commands take it; `None` for ever.
///
/// # Errors
/// The peers' words for what is no timeout.
pub fn seconds(text: &[u8]) -> Result<Option<Duration>, ReplyError> {
    // As long doubles are read: hexadecimal too.
    let parsed = number::Extended::parse(text).ok_or(ReplyError::fixed(
        "ERR timeout is not a float or out of range",
    ))?;
    let mut seconds: f64 = match parsed.is_finite() {
        true => parsed.to_decimal().parse().unwrap_or(f64::MAX),
        false => f64::MAX,
    };
    // However short, it is not for ever.
    let mut mantissa = text
        .iter()
        .take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'));
    if seconds == 0.0 && text[0] != b'-' && mantissa.any(|byte| matches!(byte, b'1'..=b'9')) {
        seconds = f64::MIN_POSITIVE;
    }
    let millis = (seconds * 1000.0).ceil();
    if millis >= i64::MAX as f64 {
        return Err(TOO_LONG);
    }
    milliseconds(millis as i64)
}

/// A timeout in milliseconds; `None` for ever.
///
/// # Errors
/// The peers' words for a negative one.
pub fn milliseconds(millis: i64) -> Result<Option<Duration>, ReplyError> {
    /// Added to the present time it must still be a time.
    const LONGEST: i64 = i64::MAX / 2;
    match millis {
        ..0 => Err(ReplyError::fixed("ERR timeout is negative")),
        0 => Ok(None),
        LONGEST.. => Err(TOO_LONG),
        millis => Ok(Some(Duration::from_millis(millis.unsigned_abs()))),
    }
}

const TOO_LONG: ReplyError = ReplyError::fixed("ERR timeout is out of range");

/// Serves the clients that wait for keys which the command behind `keys` has changed, and gives the locks back. `thread` is the
/// number of the calling thread, for the statistics.
#[cold]
pub fn serve_waiters<'s>(server: &'s Server, thread: usize, mut keys: Access<'s>) {
    let (now, counters) = (keys.now, keys.counters());
    let mut round = Round {
        server,
        thread,
        served: Vec::new(),
    };
    let mut elsewhere = VecDeque::new();
    loop {
        while let Some((db, key)) = keys.next_ready() {
            if let Some(waiter) = round.serve_queue(&mut keys, db, &key) {
                elsewhere.push_back((key, waiter));
            }
        }
        // What expired while it was looked at is handed on too.
        keys.finish(&OwnedArgs::default().view());
        drop(keys);
        round.post();
        let next = loop {
            let Some((key, waiter)) = elsewhere.pop_front() else {
                return;
            };
            let db = waiter.db;
            let request = waiter.request.view();
            let named = named_keys(&waiter, request);
            if let Some(keys) = lock_or_defer(server, Locks::Keys(&named), db, &key, counters) {
                break (keys, db, key);
            }
        };
        let (db, key);
        (keys, db, key) = next;
        keys.now = now;
        keys.mark_ready(db, key);
    }
}

/// Serves the clients that wait for a key which has changed outside of any command. Takes locks.
pub fn serve_key(server: &Server, thread: usize, db: usize, key: Box<[u8]>) {
    let counters = &server.stats.of(thread).counters;
    let locks = Locks::One(&key, KeyHash::of(&key));
    if let Some(mut keys) = lock_or_defer(server, locks, db, &key, counters) {
        keys.mark_ready(db, key);
        serve_waiters(server, thread, keys);
    }
}

/// The locks that serving a key takes; if a script has reserved one of the shards, the key is served when it is done.
fn lock_or_defer<'s>(
    server: &'s Server,
    locks: Locks<'_>,
    db: usize,
    key: &[u8],
    counters: &'s Counters,
) -> Option<Access<'s>> {
    let keyspace = &server.keyspace;
    loop {
        let seen = keyspace.reservations.ended();
        match keyspace.access(locks, db, server.clock.now(), counters) {
            Ok(keys) => return Some(keys),
            Err(_) => {
                let key = (db, key.into());
                if keyspace
                    .reservations
                    .wait(seen, |waiting| waiting.keys.push(key))
                {
                    return None;
                }
            }
        }
    }
}

/// A reservation has ended: whoever has waited for that gets his turn.
pub fn reservation_ended(server: &Server, thread: usize) {
    let waiting = server.keyspace.reservations.end();
    for (worker, client) in waiting.clients {
        server.mailboxes.of(worker).post(Post::Wake(client));
    }
    for (db, key) in waiting.keys {
        serve_key(server, thread, db, key);
    }
}

fn named_keys<'a>(waiter: &Waiter, args: Args<'a>) -> Vec<&'a [u8]> {
    let command = table::by_id(waiter.command);
    let keys = command.and_then(|command| table::keys_of(command, args).ok());
    let keys = keys.unwrap_or_default();
    keys.iter().map(|key| args.at(key.index)).collect()
}

/// Those who are served under one hold of locks. Their replies are posted when the locks are given back.
struct Round<'s> {
    server: &'s Server,
    thread: usize,
    /// Each with its reply and how long it took, in nanoseconds.
    served: Vec<(Arc<Waiter>, Reply, u64)>,
}

impl Round<'_> {
    /// Serves those who wait for a key, in their order, until there is nothing left for them.
    ///
    /// Gives the waiter whose turn it is if it needs locks that are not held.
    fn serve_queue(&mut self, keys: &mut Access<'_>, db: usize, key: &[u8]) -> Option<Arc<Waiter>> {
        let mut after: Ticket = 0;
        while let Some(waiter) = keys.next_waiter(db, key, after) {
            after = waiter.ticket();
            let found = keys
                .peek_in(db, key)
                .map(|record| record.kind().value_type());
            if found != Some(waiter.wants) && !waiter.until_gone {
                if found.is_none() && !keys.is_missed(db, key) {
                    break;
                }
                continue;
            }
            let blocking = blocking_of(waiter.command);
            if blocking.touches == Touches::AllKeys {
                let args = waiter.request.view();
                if !named_keys(&waiter, args).iter().all(|key| keys.holds(key)) {
                    return Some(waiter);
                }
            }
            self.serve_one(keys, key, waiter, blocking);
        }
        None
    }

    /// Tries to serve one waiter from one key.
    fn serve_one(
        &mut self,
        keys: &mut Access<'_>,
        key: &[u8],
        waiter: Arc<Waiter>,
        blocking: Blocking,
    ) {
        let Some(mut ended) = waiter.claim() else {
            keys.leave_queue(key, &waiter);
            return;
        };
        let db = std::mem::replace(&mut keys.db, waiter.db);
        let no_touch = std::mem::replace(&mut keys.no_touch, false);
        let client = keys.set_client(waiter.client);
        let mut reply = Reply::new(waiter.protocol);
        let now = keys.now;
        let args = waiter.request.view();
        let mut serving = Serving {
            server: self.server,
            keys,
            reply: &mut reply,
            now,
        };
        let started = ticks::now();
        let served = (blocking.serve)(&mut serving, args, key);
        let nanos = ticks::to_nanos(ticks::now().wrapping_sub(started));
        if waiter.remembers && matches!(served, Ok(true)) {
            // What it was told of when this key changed does not cover what it has read just now.
            tracking::remember_key(keys, key, waiter.client, waiter.worker);
        }
        if keys.finish(&args) {
            keys.counters().changes.bump();
        }
        (keys.db, keys.no_touch) = (db, no_touch);
        keys.set_client(client);
        match served {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => {
                let stats = self.server.stats.of(self.thread);
                stats.counters.error_replies.bump();
                stats.commands[waiter.command].failed.bump();
                self.server.stats.count_error(error.code());
                reply = Reply::new(waiter.protocol);
                reply.error(&error);
            }
        }
        *ended = true;
        drop(ended);
        keys.leave_queue(key, &waiter);
        self.served.push((waiter, reply, nanos));
    }

    fn post(&mut self) {
        for (waiter, reply, nanos) in self.served.drain(..) {
            let reply = reply.to_bytes();
            count(self.server, self.thread, &waiter, nanos, &reply);
            post(self.server, &waiter, reply);
        }
    }
}

/// Counts a command whose client is answered after a wait, and looks at it. `thread` is the number of the calling thread; `nanos`: how long the answer took,
/// without the wait.
fn count(server: &Server, thread: usize, waiter: &Waiter, nanos: u64, reply: &[u8]) {
    let nanos = nanos + waiter.spent.load(Ordering::Relaxed);
    let stats = server.stats.of(thread);
    stats.counters.commands.bump();
    let counters = &stats.commands[waiter.command];
    call::count(server, counters, ticks::from_nanos(nanos), nanos);
    let client = server.clients.get(waiter.client);
    if let (Some(client), Some(command)) = (client, table::by_id(waiter.command)) {
        let args = waiter.request.view();
        let figures = Figures {
            nanos,
            request: observed::request_bytes(args),
            reply: reply.len(),
        };
        observed::note(server, &client, command, args, figures);
    }
}

fn post(server: &Server, waiter: &Waiter, reply: Bytes) {
    server.mailboxes.of(waiter.worker).post(Post::Unblock {
        to: waiter.client,
        ticket: waiter.ticket(),
        reply,
    });
}

/// Ends a wait because its time is up, and gives the reply. `None` if it was over. `thread` is the number of the calling thread.
pub fn time_up(server: &Server, thread: usize, waiter: &Waiter) -> Option<Bytes> {
    if !waiter.end() {
        return None;
    }
    let reply = time_up_reply(waiter);
    count(server, thread, waiter, 0, &reply);
    Some(reply)
}

fn time_up_reply(waiter: &Waiter) -> Bytes {
    let mut reply = Reply::new(waiter.protocol);
    reply_time_up(&mut reply, blocking_of(waiter.command).time_up);
    reply.to_bytes()
}

/// How `CLIENT UNBLOCK` ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unblock {
    /// As if the time were up.
    TimeUp,
    /// With an error.
    Error,
}

/// Ends somebody's wait. False if it was over. `thread` is the number of the calling thread, for the statistics.
pub fn unblock(server: &Server, thread: usize, waiter: &Waiter, how: Unblock) -> bool {
    let reply = match how {
        Unblock::TimeUp => time_up(server, thread, waiter),
        Unblock::Error => {
            let error = ReplyError::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");
            let failed = |counters: &CommandCounters| counters.failed.bump();
            let reply = end_with_error(server, thread, waiter, &error, failed);
            reply.inspect(|reply| count(server, thread, waiter, 0, reply))
        }
    };
    reply.map(|reply| post(server, waiter, reply)).is_some()
}

/// Ends the wait of a client that may not ask for that any more: the command counts as if it had not been executed at all.
/// False if the wait was over. `thread` is the number of the calling thread, for the statistics.
pub fn refuse(server: &Server, thread: usize, waiter: &Waiter, error: &ReplyError) -> bool {
    let rejected = |counters: &CommandCounters| counters.rejected.bump();
    let reply = end_with_error(server, thread, waiter, error, rejected);
    reply.map(|reply| post(server, waiter, reply)).is_some()
}

/// Ends a wait with an error, and gives the reply. `None` if it was over. `count` counts what that is for the command.
fn end_with_error(
    server: &Server,
    thread: usize,
    waiter: &Waiter,
    error: &ReplyError,
    count: impl FnOnce(&CommandCounters),
) -> Option<Bytes> {
    if !waiter.end() {
        return None;
    }
    let stats = server.stats.of(thread);
    stats.counters.error_replies.bump();
    count(&stats.commands[waiter.command]);
    server.stats.count_error(error.code());
    let mut reply = Reply::new(waiter.protocol);
    reply.error(error);
    Some(reply.to_bytes())
}
