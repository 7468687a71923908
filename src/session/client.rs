//! The part of a connection that others may look at: what `CLIENT LIST` shows and `CLIENT KILL` selects by.
//!
//! The connection's own task is the only writer of the numbers; it stores them with relaxed ordering, once a batch, so a
//! reader sees each number as it was a moment ago and no request pays for being observed.  Names are behind a small lock
//! that is taken when somebody sets or lists them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;

use super::registry::Killer;
use crate::keyspace::waiting::{Waiter, Watched};
use crate::mailbox::ClientId;

/// The user that every connection starts as.
pub const DEFAULT_USER: &str = "default";

/// What `last_command` holds before the first command.
pub const NO_COMMAND: usize = usize::MAX;

/// What carries the connection's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Plain TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// A Unix socket.
    Unix,
}

/// What a connection costs beside its buffers, in bytes: its task, session and shared record, about.
const CONNECTION_BYTES: usize = 1536;

/// A set of the conditions that the `flags` field of `CLIENT LIST` shows as letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientFlags(pub u32);

impl ClientFlags {
    /// Subscribed to a channel, a pattern or a shard channel: `P`.
    pub const PUBSUB: Self = Self(1 << 0);
    /// Between MULTI and EXEC: `x`.
    pub const MULTI: Self = Self(1 << 1);
    /// Waiting in a blocking command: `b`.
    pub const BLOCKED: Self = Self(1 << 2);
    /// A watched key has changed, EXEC will fail: `d`.
    pub const DIRTY: Self = Self(1 << 3);
    /// Keeps what it reads: `t`.
    pub const TRACKING: Self = Self(1 << 10);
    /// Keeps what it reads, and the connection that is to hear of changes is gone: `R`.
    pub const BROKEN_REDIRECTION: Self = Self(1 << 11);
    /// Hears of keys whether it has read them or not: `B`.
    pub const BROADCAST: Self = Self(1 << 12);
    /// Will be closed when its replies are written: `c`.
    pub const CLOSE_AFTER_REPLY: Self = Self(1 << 4);
    /// Will be closed as soon as its worker sees it: `A`.
    pub const CLOSE_ASAP: Self = Self(1 << 5);
    /// Connected over a Unix socket: `U`.
    pub const UNIX_SOCKET: Self = Self(1 << 6);
    /// Sent READONLY to a cluster node: `r`.
    pub const READONLY: Self = Self(1 << 7);
    /// Exempt from client eviction: `e`.
    pub const NO_EVICT: Self = Self(1 << 8);
    /// Its reads leave no trace in the access history: `T`.
    pub const NO_TOUCH: Self = Self(1 << 9);
    /// Is shown every command: `O`.
    pub const MONITOR: Self = Self(1 << 13);

    /// In the order in which `CLIENT LIST` prints them.
    const LETTERS: [(Self, u8); 14] = [
        (Self::MONITOR, b'O'),
        (Self::PUBSUB, b'P'),
        (Self::MULTI, b'x'),
        (Self::BLOCKED, b'b'),
        (Self::TRACKING, b't'),
        (Self::BROKEN_REDIRECTION, b'R'),
        (Self::BROADCAST, b'B'),
        (Self::DIRTY, b'd'),
        (Self::CLOSE_AFTER_REPLY, b'c'),
        (Self::CLOSE_ASAP, b'A'),
        (Self::UNIX_SOCKET, b'U'),
        (Self::READONLY, b'r'),
        (Self::NO_EVICT, b'e'),
        (Self::NO_TOUCH, b'T'),
    ];

    /// Whether every flag of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the letter stands in the flags' text; `N` does when there is no other.
    pub fn has_letter(self, letter: u8) -> bool {
        match Self::LETTERS.iter().find(|(_, known)| *known == letter) {
            Some((flag, _)) => self.contains(*flag),
            None => letter == b'N' && self.0 == 0,
        }
    }
}

impl fmt::Display for ClientFlags {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return out.write_str("N");
        }
        for (_, letter) in Self::LETTERS
            .iter()
            .filter(|(flag, _)| self.contains(*flag))
        {
            write!(out, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

/// What a connection calls itself. Each part is printable ASCII without spaces, or empty.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `CLIENT SETNAME`.
    pub name: Bytes,
    /// `CLIENT SETINFO LIB-NAME`.
    pub lib_name: Bytes,
    /// `CLIENT SETINFO LIB-VER`.
    pub lib_ver: Bytes,
    /// The user it is authenticated as.
    pub user: Arc<str>,
}

/// Where a connection comes from; known when it is accepted and never changed.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The peer, as `ip:port`, `[ipv6]:port` or `path:0` for a Unix socket.
    pub addr: Box<str>,
    /// Our end, in the same form.
    pub laddr: Box<str>,
    /// The file descriptor.
    pub fd: i32,
    /// The number of the worker that serves it.
    pub worker: usize,
    /// What carries it.
    pub transport: Transport,
    /// Whether the peer is on this machine (a Unix socket or a loopback address).
    pub local: bool,
}

/// The sizes of a connection's buffers, in bytes unless said otherwise; stored once a batch by its worker.
#[derive(Debug, Default)]
pub struct Buffers {
    /// Received and not yet executed (`qbuf`).
    pub query: AtomicUsize,
    /// Room left in the query buffer (`qbuf-free`).
    pub query_free: AtomicUsize,
    /// The arguments of the command that is being executed (`argv-mem`).
    pub arguments: AtomicUsize,
    /// Capacity of the flat reply buffer (`rbs`).
    pub reply_capacity: AtomicUsize,
    /// The most that the flat reply buffer has held lately (`rbp`).
    pub reply_peak: AtomicUsize,
    /// Unsent bytes in the flat reply buffer (`obl`).
    pub reply_flat: AtomicUsize,
    /// Number of shared chunks waiting behind it (`oll`).
    pub reply_chunks: AtomicUsize,
    /// Unsent bytes in those chunks (`omem`).
    pub reply_chunk_bytes: AtomicUsize,
    /// The names of what it is subscribed to and of the keys that it watches.
    pub names: AtomicUsize,
}

/// How far a transaction is.
#[derive(Debug, Default)]
pub struct TransactionFigures {
    /// Requests that wait for `EXEC` (`multi`).
    pub queued: AtomicUsize,
    /// The bytes that they take (`multi-mem`).
    pub bytes: AtomicUsize,
    /// Keys that are watched (`watch`).
    pub watched: AtomicUsize,
}

/// What every command reads and writes: beside each other.
#[derive(Debug)]
#[repr(C)]
struct EveryCommand {
    /// Commands executed in its whole life.
    executed: AtomicU64,
    /// The number of the last command, or [`NO_COMMAND`].
    last: AtomicUsize,
    /// Whether it may execute a command has to be looked at.
    is_restricted: AtomicBool,
}

/// How a connection's end is told to whom it may concern.
#[derive(Debug, Default)]
struct Ending {
    is_closed: bool,
    killer: Option<Arc<Killer>>,
}

/// The shared record of one connection.
#[derive(Debug)]
pub struct Client {
    /// Its identity, from 1 upwards, never reused.
    pub id: ClientId,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was accepted.
    pub created: Instant,
    /// How full its buffers are.
    pub buffers: Buffers,
    /// How far its transaction is.
    pub transaction: TransactionFigures,
    /// Bytes received in its whole life.
    pub net_in: AtomicU64,
    /// Bytes sent in its whole life.
    pub net_out: AtomicU64,
    every_command: EveryCommand,
    /// It can be sent to another server (`CLIENT CAPA redirect`).
    can_redirect: AtomicBool,
    flags: AtomicU32,
    db: AtomicUsize,
    protocol: AtomicU8,
    /// Milliseconds from `created` to the last sign of life.
    active: AtomicU64,
    subscriptions: [AtomicUsize; 3],
    identity: Mutex<Identity>,
    waiting: Mutex<Option<Arc<Waiter>>>,
    ending: Mutex<Ending>,
    watched: Mutex<Option<Arc<Watched>>>,
    redirect: AtomicU64,
}

impl Client {
    /// The record of a connection that has just been accepted.
    pub fn new(id: ClientId, origin: Origin, now: Instant) -> Self {
        let flags = match origin.transport {
            Transport::Unix => ClientFlags::UNIX_SOCKET,
            Transport::Tcp | Transport::Tls => ClientFlags::default(),
        };
        Self {
            id,
            origin,
            created: now,
            buffers: Buffers::default(),
            transaction: TransactionFigures::default(),
            net_in: AtomicU64::new(0),
            net_out: AtomicU64::new(0),
            every_command: EveryCommand {
                executed: AtomicU64::new(0),
                last: AtomicUsize::new(NO_COMMAND),
                is_restricted: AtomicBool::new(true),
            },
            can_redirect: AtomicBool::new(false),
            flags: AtomicU32::new(flags.0),
            db: AtomicUsize::new(0),
            protocol: AtomicU8::new(2),
            active: AtomicU64::new(0),
            subscriptions: Default::default(),
            identity: Mutex::new(Identity {
                name: Bytes::new(),
                lib_name: Bytes::new(),
                lib_ver: Bytes::new(),
                user: Arc::from(DEFAULT_USER),
            }),
            waiting: Mutex::new(None),
            ending: Mutex::default(),
            watched: Mutex::new(None),
            redirect: AtomicU64::new(0),
        }
    }

    /// The bytes that it occupies (`tot-mem`).
    pub fn memory(&self) -> usize {
        let buffers = &self.buffers;
        let parts = [
            &buffers.query,
            &buffers.query_free,
            &buffers.arguments,
            &buffers.reply_capacity,
            &buffers.reply_chunk_bytes,
            &buffers.names,
            &self.transaction.bytes,
        ];
        let parts = parts.iter().map(|part| part.load(Ordering::Relaxed));
        CONNECTION_BYTES + parts.sum::<usize>()
    }

    /// The conditions it is in.
    pub fn flags(&self) -> ClientFlags {
        let flags = ClientFlags(self.flags.load(Ordering::Relaxed));
        let watches = self.transaction.watched.load(Ordering::Relaxed) > 0;
        let watched = watches.then(|| self.watched.lock().clone()).flatten();
        match watched {
            Some(watched) if watched.is_changed() => ClientFlags(flags.0 | ClientFlags::DIRTY.0),
            _ => flags,
        }
    }

    /// Notes how many keys it watches, and what is marked when one of them changes.
    pub(super) fn set_watched(&self, keys: usize, watched: Option<&Arc<Watched>>) {
        self.transaction.watched.store(keys, Ordering::Relaxed);
        *self.watched.lock() = watched.cloned();
    }

    /// Switches flags on or off; from any thread.
    pub fn set_flags(&self, flags: ClientFlags, on: bool) {
        if on {
            self.flags.fetch_or(flags.0, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!flags.0, Ordering::Relaxed);
        }
    }

    /// The connection that hears of changes instead of this one, 0 if none does; `None` if it does not keep what it reads.
    pub fn redirect(&self) -> Option<ClientId> {
        let tracks = self.flags().contains(ClientFlags::TRACKING);
        tracks.then(|| self.redirect.load(Ordering::Relaxed))
    }

    pub(super) fn set_redirect(&self, to: ClientId) {
        self.redirect.store(to, Ordering::Relaxed);
    }

    /// Notes that it can be sent to another server.
    pub fn set_can_redirect(&self) {
        self.can_redirect.store(true, Ordering::Relaxed);
    }

    /// What it has announced that it can do, as letters: `r` for being sent to another server.
    pub fn capabilities(&self) -> &'static str {
        match self.can_redirect.load(Ordering::Relaxed) {
            true => "r",
            false => "",
        }
    }

    /// Whether it has to be looked at what it may do: its user may not do everything, or has changed.
    #[inline]
    pub fn is_restricted(&self) -> bool {
        self.every_command.is_restricted.load(Ordering::Relaxed)
    }

    /// Says so. Only under the lock of the users, so that no change of them is missed.
    pub fn set_restricted(&self, is_restricted: bool) {
        self.every_command
            .is_restricted
            .store(is_restricted, Ordering::Relaxed);
    }

    /// Commands executed in its whole life.
    pub fn executed_commands(&self) -> u64 {
        self.every_command.executed.load(Ordering::Relaxed)
    }

    /// Counts a command that it has executed. Only its worker's thread calls it.
    #[inline]
    pub fn count_command(&self) {
        let executed = self.every_command.executed.load(Ordering::Relaxed);
        self.every_command
            .executed
            .store(executed + 1, Ordering::Relaxed);
    }

    /// The selected database.
    pub fn db(&self) -> usize {
        self.db.load(Ordering::Relaxed)
    }

    pub(super) fn set_db(&self, db: usize) {
        self.db.store(db, Ordering::Relaxed);
    }

    /// The version of the protocol it speaks: 2 or 3.
    pub fn protocol(&self) -> u8 {
        self.protocol.load(Ordering::Relaxed)
    }

    /// Notes the version of the protocol it speaks: 2 or 3.
    pub fn set_protocol(&self, version: u8) {
        self.protocol.store(version, Ordering::Relaxed);
    }

    /// The command table's number of the last command, or [`NO_COMMAND`].
    pub fn last_command(&self) -> usize {
        self.every_command.last.load(Ordering::Relaxed)
    }

    /// Notes the last command, by its number in the command table.
    pub fn set_last_command(&self, command: usize) {
        self.every_command.last.store(command, Ordering::Relaxed);
    }

    /// Notes a sign of life.
    pub fn touch(&self, now: Instant) {
        self.active
            .store(millis(self.created, now), Ordering::Relaxed);
    }

    /// Milliseconds since the last sign of life.
    pub fn idle_millis(&self, now: Instant) -> u64 {
        millis(self.created, now).saturating_sub(self.active.load(Ordering::Relaxed))
    }

    /// Whole seconds since it was accepted.
    pub fn age_secs(&self, now: Instant) -> u64 {
        millis(self.created, now) / 1000
    }

    /// Number of channels, patterns and shard channels it is subscribed to.
    pub fn subscriptions(&self) -> [usize; 3] {
        [0, 1, 2].map(|kind: usize| self.subscriptions[kind].load(Ordering::Relaxed))
    }

    /// Notes the number of channels, patterns and shard channels it is subscribed to.
    pub fn set_subscriptions(&self, counts: [usize; 3]) {
        for (shared, count) in self.subscriptions.iter().zip(counts) {
            shared.store(count, Ordering::Relaxed);
        }
        self.set_flags(ClientFlags::PUBSUB, counts.iter().any(|count| *count > 0));
    }

    /// What it waits for, in a blocking command.
    pub fn waiting(&self) -> Option<Arc<Waiter>> {
        self.waiting.lock().clone()
    }

    /// Notes that it begins to wait, or ends.
    pub fn set_waiting(&self, waiter: Option<Arc<Waiter>>) {
        self.set_flags(ClientFlags::BLOCKED, waiter.is_some());
        *self.waiting.lock() = waiter;
    }

    /// Who has killed it hears of its end, unless it has come already.
    pub(super) fn set_killer(&self, killer: &Arc<Killer>) {
        let mut ending = self.ending.lock();
        if !ending.is_closed {
            killer.waits_for_one_more();
            ending.killer = Some(Arc::clone(killer));
        }
    }

    /// Its socket is closed. Returns who wants to hear of that.
    pub fn set_closed(&self) -> Option<Arc<Killer>> {
        let mut ending = self.ending.lock();
        ending.is_closed = true;
        ending.killer.take()
    }

    /// What it calls itself.
    pub fn identity(&self) -> Identity {
        self.identity.lock().clone()
    }

    /// Changes what it calls itself.
    pub fn rename(&self, change: impl FnOnce(&mut Identity)) {
        change(&mut self.identity.lock());
    }
}

/// Milliseconds from `from` to `to`; 0 if `to` is earlier.
fn millis(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A connection over TCP to port 6379.
    pub(in crate::session) fn a_client(id: ClientId, addr: &str) -> Client {
        let origin = Origin {
            addr: addr.into(),
            laddr: "127.0.0.1:6379".into(),
            fd: 9,
            worker: 0,
            transport: Transport::Tcp,
            local: true,
        };
        Client::new(id, origin, Instant::now())
    }

    #[test]
    fn flags_print_in_their_order() {
        let client = a_client(1, "127.0.0.1:1");
        assert_eq!(client.flags().to_string(), "N");
        client.set_flags(ClientFlags::NO_TOUCH, true);
        client.set_subscriptions([0, 0, 3]);
        assert_eq!(client.flags().to_string(), "PT");
        client.set_subscriptions([0; 3]);
        client.set_flags(ClientFlags::NO_TOUCH, false);
        assert_eq!(client.flags().to_string(), "N");
    }
}
