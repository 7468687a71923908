//! One connection's loop: read, execute, write, wait.
//!
//! The loop is a single poll function without a `select`: it executes what has been received, reads more when nothing is
//! left, and writes once the socket is drained or [`OUTPUT_HIGH_WATER`] is reached. While that much is unsent, nothing is
//! executed and nothing read. It gives way to the worker's other connections when its [`Budget`] is spent, and holds no buffer
//! while it waits with nothing received and nothing to send.

mod accounting;
mod delivery;

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::output_limit::OutputWatch;
use super::stream::Stream;
use crate::command::context::Suspension;
use crate::command::dispatch::{self, Budget, OUTPUT_HIGH_WATER, Progress};
use crate::command::{blocking, room, tracking};
use crate::resp::buffer::MAX_BUFFER;
use crate::resp::{Limits, Protocol, ReadBuffer, Reply, ReplyError, RequestParser, Window};
use crate::server::Server;
use crate::session::{Client, Killer, Session};
use crate::stats::{Counters, ticks};

/// Received bytes at which a connection that waits for a moment is not read from any more.
const SUSPENDED_INPUT: usize = 64 * 1024;
/// Bytes that may be received in one turn before they are counted.
const UNCOUNTED_INPUT: usize = 64 * 1024;
/// How long a connection that is to be closed may go without taking any of its last replies.
const FAREWELL: Duration = Duration::from_secs(30);
/// Pieces of output in one write.
const WRITE_PIECES: usize = 32;

/// A connection and all that belongs to it.
pub(super) struct Connection {
    stream: Stream,
    session: Session,
    parser: RequestParser,
    buffer: ReadBuffer,
    window: Window,
    reply: Reply,
    stage: Stage,
    output: OutputWatch,
    /// What nobody else holds any more of the values on their way to it, when that was last looked at.
    unshared: usize,
    /// Whether something has come since the shared record was last brought up to date.
    active: bool,
    /// Whether the others have had their turn since the last request was executed.
    has_yielded: bool,
}

/// What a connection is doing.
enum Stage {
    /// Serving requests.
    Serving,
    /// Waiting for something else than its socket.
    Suspended(Suspension, Option<Pin<Box<Sleep>>>),
    /// Sending its last replies; the time is that of the last progress.
    Ending(Instant),
}

/// What stops the execution of what has been received.
enum Stop {
    /// Nothing is left: more input is needed.
    Starved,
    /// Too much is unsent.
    OutputFull,
    /// It is the other connections' turn.
    TurnOver,
    /// The connection has to wait for something.
    Suspended(Suspension),
    /// The connection is to be closed when its replies are written.
    Ending,
}

/// How a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// In peace: everything is sent.
    Finished,
    /// Because the socket says so.
    Broken(io::Error),
    /// Because it occupied the most when the clients took more than `maxmemory-clients`.
    Evicted,
    /// Because it has exceeded `client-query-buffer-limit`.
    QueryTooLong(usize),
}

impl From<io::Error> for End {
    fn from(why: io::Error) -> Self {
        Self::Broken(why)
    }
}

impl Connection {
    /// A connection that has not received anything yet.
    pub(super) fn new(stream: Stream, session: Session) -> Self {
        Self {
            stream,
            session,
            parser: RequestParser::new(),
            buffer: ReadBuffer::new(),
            window: Window::new(),
            reply: Reply::new(Protocol::default()),
            stage: Stage::Serving,
            output: OutputWatch::default(),
            unshared: 0,
            active: false,
            has_yielded: false,
        }
    }

    /// What others see of it.
    pub(super) fn client(&self) -> &Arc<Client> {
        self.session.client()
    }

    /// Does whatever can be done now. Ready when the connection has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, server: &Server) -> Poll<End> {
        let started = ticks::now();
        let poll = match self.turn(cx, server) {
            Ok(poll) => poll,
            Err(end) => Poll::Ready(end),
        };
        let took = ticks::now().wrapping_sub(started);
        self.counters(server).cycle_ticks.add(took);
        match poll {
            Poll::Pending => self.settle(server),
            Poll::Ready(_) => self.stream.finish(cx),
        }
        poll
    }

    /// Ready when nothing has to be brought to an end before the connection is dropped: a script that takes long ends if it has not written,
    /// else it goes on to its end.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>, server: &Server) -> Poll<()> {
        if let Some(suspended) = &self.session.suspended {
            server.scripts.running.kill_one(suspended.script);
            // What the client has sent behind that is not executed any more.
            let mut nothing_else = Budget::new(server);
            nothing_else.commands = 0;
            self.execute_window(server, &mut nothing_else);
        }
        if self.session.suspended.is_none() {
            return Poll::Ready(());
        }
        wake_behind_others(cx);
        Poll::Pending
    }

    fn turn(&mut self, cx: &mut Context<'_>, server: &Server) -> Result<Poll<End>, End> {
        if matches!(self.stage, Stage::Suspended(..)) {
            if server.is_shutting_down() {
                return self.say_goodbye(cx, server);
            }
            if !self.resumes(cx, server)? {
                return Ok(Poll::Pending);
            }
        }
        if matches!(self.stage, Stage::Ending(_)) {
            return self.say_goodbye(cx, server);
        }
        let mut budget = Budget::new(server);
        loop {
            match self.execute(server, &mut budget) {
                Stop::Starved if server.is_shutting_down() => return self.say_goodbye(cx, server),
                Stop::Starved => match self.read(cx, server)? {
                    Poll::Ready(0) => return self.say_goodbye(cx, server),
                    Poll::Ready(_) => {}
                    Poll::Pending => {
                        // The replies of all connections that are ready are written behind the last of their requests: a write wakes
                        // its reader up, which costs as much as many requests, and again if that falls asleep in between.
                        self.has_yielded = !self.has_yielded && budget.is_used();
                        if self.has_yielded {
                            cx.waker().wake_by_ref();
                        } else {
                            let _ = self.flush(cx, server)?;
                        }
                        return Ok(Poll::Pending);
                    }
                },
                Stop::OutputFull => {
                    if self.flush(cx, server)?.is_pending() {
                        return Ok(Poll::Pending);
                    }
                }
                Stop::TurnOver => {
                    let _ = self.flush(cx, server)?;
                    cx.waker().wake_by_ref();
                    return Ok(Poll::Pending);
                }
                Stop::Suspended(_) if server.is_shutting_down() => {
                    return self.say_goodbye(cx, server);
                }
                Stop::Suspended(Suspension::Script(_)) => {
                    let _ = self.flush(cx, server)?;
                    wake_behind_others(cx);
                    return Ok(Poll::Pending);
                }
                Stop::Suspended(suspension) => {
                    if !self.suspend(suspension, cx, server)? {
                        return Ok(Poll::Pending);
                    }
                }
                Stop::Ending => return self.say_goodbye(cx, server),
            }
        }
    }

    /// Executes what has been received, until something stops it.
    fn execute(&mut self, server: &Server, budget: &mut Budget) -> Stop {
        loop {
            if self.window.is_empty() {
                let limits = Limits {
                    max_bulk_len: server.settings.proto_max_bulk_len() as u64,
                    authenticated: self.session.is_authenticated(),
                };
                if let Err(broken) = self
                    .parser
                    .fill(&mut self.buffer, &mut self.window, &limits)
                {
                    let error = broken.reply();
                    tracing::debug!(
                        "Protocol error ({error:?}) from client {}",
                        self.client().origin.addr
                    );
                    self.reply.error(&error);
                    return Stop::Ending;
                }
                if self.window.is_empty() {
                    return if self.reply.pending() >= OUTPUT_HIGH_WATER {
                        Stop::OutputFull
                    } else {
                        Stop::Starved
                    };
                }
            }
            match self.execute_window(server, budget) {
                Progress::Drained => {}
                Progress::Yield => return Stop::TurnOver,
                Progress::OutputFull => return Stop::OutputFull,
                Progress::Suspended(suspension) => return Stop::Suspended(suspension),
                Progress::Close => return Stop::Ending,
            }
        }
    }

    /// Executes the parsed requests. A handler that panics ends its connection and nothing else.
    fn execute_window(&mut self, server: &Server, budget: &mut Budget) -> Progress {
        let mark = self.reply.mark();
        let run = AssertUnwindSafe(|| {
            dispatch::execute(
                server,
                &mut self.session,
                &mut self.reply,
                &self.buffer,
                &mut self.window,
                budget,
            )
        });
        catch_unwind(run).unwrap_or_else(|_| {
            tracing::error!(
                "A command of client {} failed unexpectedly; the connection is closed",
                self.client().origin.addr
            );
            self.counters(server).unexpected_errors.bump();
            self.window.clear();
            // What the command has left of its reply would be misread.
            self.reply.truncate_to(mark);
            self.reply.error(&ReplyError::err(
                "internal error: the command failed unexpectedly",
            ));
            Progress::Close
        })
    }

    /// Reads once. 0 is the end of the client's requests.
    fn read(&mut self, cx: &mut Context<'_>, server: &Server) -> Result<Poll<usize>, End> {
        let limit = server.settings.client_query_buffer_limit().min(MAX_BUFFER);
        let buffered = self.parser.buffered(&self.buffer, &self.window);
        if buffered > limit {
            self.counters(server).query_buffer_disconnections.bump();
            return Err(End::QueryTooLong(buffered));
        }
        let room = self.parser.read_space(&mut self.buffer);
        let Poll::Ready(n) = self.stream.poll_read(cx, room)? else {
            return Ok(Poll::Pending);
        };
        self.parser.received(&mut self.buffer, n);
        self.active = true;
        let counters = self.counters(server);
        counters.reads.bump();
        counters.net_input.add(n as u64);
        add(&self.client().net_in, n);
        if buffered + n > self.shown_input() + UNCOUNTED_INPUT {
            self.count_input(server)?;
        }
        Ok(Poll::Ready(n))
    }

    /// Writes until nothing is left or the socket takes no more.
    fn flush(&mut self, cx: &mut Context<'_>, server: &Server) -> io::Result<Poll<()>> {
        while self.reply.pending() > 0 {
            let mut pieces = [IoSlice::new(&[]); WRITE_PIECES];
            let used = self.reply.io_slices(&mut pieces);
            let Poll::Ready(n) = self.stream.poll_write(cx, &pieces[..used])? else {
                return Ok(Poll::Pending);
            };
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.reply.consume(n);
            let counters = self.counters(server);
            counters.writes.bump();
            counters.net_output.add(n as u64);
            add(&self.client().net_out, n);
            if let Stage::Ending(progress) = &mut self.stage {
                *progress = Instant::now();
            }
        }
        Ok(self.stream.poll_flush(cx)?.map(|()| ()))
    }

    /// Sends the last replies; nothing more is read or executed.
    fn say_goodbye(&mut self, cx: &mut Context<'_>, server: &Server) -> Result<Poll<End>, End> {
        if !matches!(self.stage, Stage::Ending(_)) {
            self.stage = Stage::Ending(Instant::now());
        }
        Ok(self.flush(cx, server)?.map(|()| End::Finished))
    }

    /// Begins to wait for something else than the socket. True if that has already come.
    fn suspend(
        &mut self,
        suspension: Suspension,
        cx: &mut Context<'_>,
        server: &Server,
    ) -> Result<bool, End> {
        let until = match suspension {
            Suspension::Paused(until)
            | Suspension::Until(until)
            | Suspension::Killing(until)
            | Suspension::Reserved(until)
            | Suspension::Delivery(until) => Some(until),
            Suspension::Blocked(until) => until,
            Suspension::Migrating | Suspension::Script(_) | Suspension::Mail(_) => None,
        };
        let timer = until.map(|until| Box::pin(tokio::time::sleep_until(until.into())));
        self.stage = Stage::Suspended(suspension, timer);
        if matches!(suspension, Suspension::Mail(_)) {
            wake_behind_others(cx);
        }
        self.has_waited(cx, server)
    }

    /// Whether a suspended connection, woken by whatever it was, shall go on.
    fn resumes(&mut self, cx: &mut Context<'_>, server: &Server) -> Result<bool, End> {
        if let Stage::Suspended(Suspension::Mail(mark), _) = self.stage
            && !server.mailboxes.of(self.session.worker()).is_through(mark)
        {
            wake_behind_others(cx);
            return Ok(false);
        }
        if let Stage::Suspended(suspension, _) = self.stage
            && suspension.tries_again()
        {
            // What it waits for may have come: the request itself finds out when it is tried again.
            self.stage = Stage::Serving;
            return Ok(true);
        }
        self.has_waited(cx, server)
    }

    /// Whether the time that a suspended connection waits for has come.
    fn has_waited(&mut self, cx: &mut Context<'_>, server: &Server) -> Result<bool, End> {
        let Stage::Suspended(suspension, timer) = &mut self.stage else {
            return Ok(true);
        };
        let holds_output = suspension.holds_output();
        let is_through = |killer: &Arc<Killer>| killer.is_through();
        if matches!(suspension, Suspension::Killing(_))
            && self.session.killer.as_ref().is_none_or(is_through)
        {
            self.stage = Stage::Serving;
            return Ok(true);
        }
        let waits_for_others = matches!(suspension, Suspension::Blocked(_) | Suspension::Migrating);
        let is_time = timer
            .as_mut()
            .is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        if is_time {
            *timer = None;
            if !matches!(suspension, Suspension::Blocked(_)) || self.gives_up_waiting(server) {
                self.stage = Stage::Serving;
                return Ok(true);
            }
        }
        if !holds_output {
            let _ = self.flush(cx, server)?;
        }
        // Reading on is how the end of the connection is noticed meanwhile. Who waits for others may wait for ever, and is read
        // from as far as any client is; the other waits end by themselves.
        while waits_for_others || self.parser.buffered(&self.buffer, &self.window) < SUSPENDED_INPUT
        {
            match self.read(cx, server)? {
                Poll::Ready(0) => return Err(End::Finished),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        Ok(false)
    }

    /// The time of a blocking command is up. False if it has just been served: then its reply is on the way.
    fn gives_up_waiting(&mut self, server: &Server) -> bool {
        let Some(waiter) = self.client().waiting() else {
            return true;
        };
        let Some(reply) = blocking::time_up(server, self.session.worker(), &waiter) else {
            return false;
        };
        self.stop_waiting(&waiter, &reply, server);
        true
    }

    /// Before waiting: gives back what is not needed, and shows others how things stand.
    fn settle(&mut self, server: &Server) {
        self.buffer.release_if_empty();
        self.reply.release_if_empty();
        if self.active {
            self.active = false;
            self.client().touch(Instant::now());
            self.counters(server).cycles.bump();
        }
        self.show_input();
        self.show_output();
        self.count_memory(server);
        if self.exceeds_output_limit(server)
            && server.clients.kill(self.client(), &server.mailboxes)
        {
            self.counters(server).output_buffer_disconnections.bump();
            tracing::warn!(
                "Client {} scheduled to be closed ASAP for overcoming of output buffer limits.",
                self.client().origin.addr
            );
        }
        room::bound_clients(server, self.session.worker());
    }

    /// Whether too much output waits for too long.
    pub(super) fn exceeds_output_limit(&mut self, server: &Server) -> bool {
        self.output.is_exceeded(
            &server.settings,
            &self.session,
            self.reply.pending(),
            Instant::now,
        )
    }

    /// Whether it has been idle for longer than `timeout`, or closing for longer than it should.
    pub(super) fn is_overdue(&self, timeout: Duration, now: Instant) -> bool {
        match self.stage {
            Stage::Serving => {
                let idle = Duration::from_millis(self.client().idle_millis(now));
                let only_listens = self.session.is_subscribed() || self.session.is_monitoring;
                !timeout.is_zero() && !only_listens && idle > timeout
            }
            Stage::Suspended(..) => false,
            Stage::Ending(progress) => now.saturating_duration_since(progress) > FAREWELL,
        }
    }

    /// Ends its subscriptions and its wait for keys; it will not be polled again.
    pub(super) fn leave(&mut self, server: &Server) {
        self.session.count_memory(&server.cap, (0, 0));
        self.session.leave_all(&server.pubsub);
        tracking::stop(&mut self.session, server);
        self.session.stop_monitoring(&server.observers);
        if let Some(waiter) = self.client().waiting() {
            waiter.end();
            server.keyspace.forget(&waiter);
            self.client().set_waiting(None);
        }
    }

    fn counters<'a>(&self, server: &'a Server) -> &'a Counters {
        &server.stats.of(self.client().origin.worker).counters
    }
}

/// Asks for another turn behind all the others, and behind a look at the sockets.
fn wake_behind_others(cx: &mut Context<'_>) {
    let turn = std::pin::pin!(tokio::task::yield_now());
    let _ = turn.poll(cx);
}

/// Adds to a number that only this thread writes.
fn add(shown: &std::sync::atomic::AtomicU64, n: usize) {
    shown.store(shown.load(Relaxed) + n as u64, Relaxed);
}
