//! What a connection is, apart from its socket: identity, selected database, user, subscriptions, modes.
//!
//! A [`Session`] belongs to its connection's task and is handed to whoever executes a command.  What others may see of it
//! is in its [`Client`], which the [`Registry`] finds by identity.  Nothing here knows sockets or commands.

mod client;
mod filter;
mod line;
mod pause;
mod registry;
mod tracking;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use client::{
    Buffers, Client, ClientFlags, DEFAULT_USER, Identity, NO_COMMAND, Origin, Transport,
};
pub use filter::{ClientFilter, ClientType, Condition};
pub use line::Line;
pub use pause::{Pause, PauseMode};
pub use registry::{Killer, Registry};
pub use tracking::{Tracking, TrackingMode};
pub use transaction::{Queued, Transaction, Watch};

use crate::acl::User;
use crate::keyspace::Reservation;
use crate::keyspace::waiting::Watched;
use crate::mailbox::ClientId;
use crate::memory::Cap;
use crate::migration::Migration;
use crate::observe::Observers;
use crate::pubsub::{PubSub, Subscriber, Subscriptions};
use crate::resp::{Args, Protocol, Reply};
use crate::script::Ticket;

/// Whether a connection wants replies (`CLIENT REPLY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplyMode {
    /// It does.
    #[default]
    On,
    /// It does not, until it says `ON`.
    Off,
    /// Not to the command that comes next.
    SkipNext,
    /// Not to the command that is being executed.
    Skip,
}

/// A request that was set aside in the middle, because a script in it takes long.
#[derive(Debug)]
pub struct Suspended {
    /// The shards that it holds on to.
    pub reservation: Reservation,
    /// What it has written of its reply.
    pub output: Reply,
    /// The script.
    pub script: Ticket,
}

/// The state of one connection, owned by its task.
#[derive(Debug)]
pub struct Session {
    client: Arc<Client>,
    worker: usize,
    db: usize,
    /// Who it is, as of that generation of the users.
    user: Arc<User>,
    users_generation: u64,
    authenticated: bool,
    /// What it is subscribed to.
    pub subscriptions: Subscriptions,
    /// Whether it wants replies.
    pub reply_mode: ReplyMode,
    /// Its reads leave no trace in the access history (`CLIENT NO-TOUCH`).
    pub no_touch: bool,
    /// It is shown every command (`MONITOR`).
    pub is_monitoring: bool,
    /// Blocking commands are answered at once, as if their time were up.
    pub must_not_wait: bool,
    /// The migration that the connection waits for.
    pub migration: Option<Arc<Migration>>,
    /// What it has asked for if it keeps what it reads.
    pub tracking: Option<Box<Tracking>>,
    /// What has been queued since `MULTI`.
    pub transaction: Option<Box<Transaction>>,
    /// The room of the last transaction, for the next one.
    last_transaction: Option<Box<Transaction>>,
    /// What `WATCH` has named.
    pub watch: Option<Box<Watch>>,
    /// What is watched no more: its end takes locks, so that it waits until the command has given back its own.
    pub ended_watch: Option<Box<Watch>>,
    /// The request that is in the middle of a script which takes long.
    pub suspended: Option<Box<Suspended>>,
    /// The request that is tried has been tried before.
    pub tries_again: bool,
    /// It has killed others, and its reply waits until they are closed.
    pub killer: Option<Arc<Killer>>,
    /// Nothing more is executed; the connection is closed when its replies are written.
    pub closing: bool,
    /// What of its memory is in the worker's sums: all, and what nothing else holds.
    pub counted: (usize, usize),
    /// The number of the last command in the command table, a guess for the next look-up; [`NO_COMMAND`] at first.
    pub last_command: usize,
}

impl Session {
    /// A session for a connection that has just been accepted. `authenticated`: it needs no password.
    pub fn new(client: Arc<Client>, user: Arc<User>, authenticated: bool) -> Self {
        Self {
            worker: client.origin.worker,
            client,
            db: 0,
            user,
            users_generation: 0,
            authenticated,
            subscriptions: Subscriptions::default(),
            reply_mode: ReplyMode::On,
            no_touch: false,
            is_monitoring: false,
            must_not_wait: false,
            migration: None,
            tracking: None,
            transaction: None,
            last_transaction: None,
            watch: None,
            ended_watch: None,
            suspended: None,
            tries_again: false,
            killer: None,
            closing: false,
            counted: (0, 0),
            last_command: NO_COMMAND,
        }
    }

    /// What others see of it.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The number of the worker that serves it.
    #[inline]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Its identity.
    pub fn id(&self) -> ClientId {
        self.client.id
    }

    /// The selected database.
    #[inline]
    pub fn db(&self) -> usize {
        self.db
    }

    /// Selects a database, which must exist.
    pub fn select(&mut self, db: usize) {
        self.db = db;
        self.client.set_db(db);
    }

    /// Whether it has shown who it is, or did not need to.
    #[inline]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether it has to be looked at what it may do.
    #[inline]
    pub fn is_restricted(&self) -> bool {
        self.client.is_restricted()
    }

    /// Who it is; [`is_restricted`](Self::is_restricted) if that may be out of date.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// The generation of the users that [`user`](Self::user) is of.
    pub fn users_generation(&self) -> u64 {
        self.users_generation
    }

    /// It is `user` from now on, who is of that generation of the users. Called under the lock of the users.
    pub fn set_user(&mut self, user: &Arc<User>, generation: u64, authenticated: bool) {
        self.user = Arc::clone(user);
        self.users_generation = generation;
        self.authenticated = authenticated;
        self.client.rename(|identity| {
            if identity.user != *user.name() {
                identity.user = Arc::clone(user.name());
            }
        });
    }

    /// Whether it is subscribed to anything.
    #[inline]
    pub fn is_subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    /// Whether RESP2's subscriber mode holds, in which nearly all commands are refused: the client could not tell their
    /// replies from messages. RESP3 sends messages as pushes and needs no such mode.
    #[inline]
    pub fn in_subscriber_mode(&self, protocol: Protocol) -> bool {
        self.is_subscribed() && protocol == Protocol::Resp2
    }

    /// Itself as a receiver of messages.
    pub fn subscriber(&self) -> Subscriber {
        Subscriber {
            client: self.client.id,
            worker: self.worker,
        }
    }

    /// Shows others what it is subscribed to; after every change of `subscriptions`.
    pub fn publish_subscriptions(&self) {
        self.client.set_subscriptions(self.subscriptions.counts());
    }

    /// Ends all subscriptions without a word to the client (RESET, the connection's end).
    pub fn leave_all(&mut self, pubsub: &PubSub) {
        if self.is_subscribed() {
            pubsub.leave_all(self.subscriber(), &mut self.subscriptions);
            self.publish_subscriptions();
        }
    }

    /// Shows others what it has asked for; after every change of `tracking`.
    pub fn publish_tracking(&self) {
        let client = &self.client;
        let all = ClientFlags(
            ClientFlags::TRACKING.0 | ClientFlags::BROKEN_REDIRECTION.0 | ClientFlags::BROADCAST.0,
        );
        client.set_flags(all, false);
        let Some(tracking) = &self.tracking else {
            return;
        };
        client.set_redirect(tracking.redirect.unwrap_or(0));
        client.set_flags(ClientFlags::TRACKING, true);
        let broadcasts = matches!(tracking.mode, TrackingMode::Broadcast(_));
        client.set_flags(ClientFlags::BROADCAST, broadcasts);
    }

    /// Begins to be shown every command.
    pub fn start_monitoring(&mut self, observers: &Observers) {
        self.is_monitoring = true;
        self.client.set_flags(ClientFlags::MONITOR, true);
        observers.change_monitors(|monitors| monitors.add(self.worker, self.client.id));
    }

    /// Ends that, if it has begun.
    pub fn stop_monitoring(&mut self, observers: &Observers) {
        if std::mem::take(&mut self.is_monitoring) {
            self.client.set_flags(ClientFlags::MONITOR, false);
            observers.change_monitors(|monitors| monitors.remove(self.worker, self.client.id));
        }
    }

    /// Begins a transaction.
    pub fn begin_transaction(&mut self) {
        self.transaction = Some(self.last_transaction.take().unwrap_or_default());
        self.client.set_flags(ClientFlags::MULTI, true);
    }

    /// Ends the transaction, if there is one, and the watching of keys.
    pub fn end_transaction(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.client.set_flags(ClientFlags::MULTI, false);
            self.last_transaction = transaction.emptied();
        }
        self.client.transaction.queued.store(0, Ordering::Relaxed);
        self.client.transaction.bytes.store(0, Ordering::Relaxed);
        self.unwatch();
    }

    /// Begins to watch keys, or to watch more of them. `watched` is what is marked when one changes.
    pub fn watch(&mut self, watch: Box<Watch>, watched: &Arc<Watched>) {
        self.client.set_watched(watch.len(), Some(watched));
        self.watch = Some(watch);
    }

    /// Ends the watching of keys.
    pub fn unwatch(&mut self) {
        if let Some(watch) = self.watch.take() {
            self.client.set_watched(0, None);
            self.ended_watch = Some(watch);
        }
    }

    /// Brings the worker's sums of its clients' memory up to date: all that it holds, and what nothing else does.
    pub fn count_memory(&mut self, cap: &Cap, now: (usize, usize)) {
        let before = std::mem::replace(&mut self.counted, now);
        cap.settle_client(self.worker, before, now);
    }

    /// The arguments of a large request are in the keyspace by now, or will be freed: so many bytes are not the client's any more.
    #[cold]
    pub fn hand_over(&mut self, cap: &Cap, bytes: usize) {
        let (all, own) = self.counted;
        self.count_memory(cap, (all, own.saturating_sub(bytes)));
    }

    /// The bytes that the names of what it is subscribed to, watches or wants to hear of take.
    pub fn memory_of_names(&self) -> usize {
        let watched = self.watch.as_ref().map_or(0, |watch| watch.bytes());
        let prefixes = self.tracking.as_ref().map_or(0, |own| own.memory());
        self.subscriptions.memory() + watched + prefixes
    }

    /// Queues a request for `EXEC`.
    /// `wire_bytes` is its size as it was received.
    pub fn queue(&mut self, command: usize, args: Args<'_>, wire_bytes: usize) {
        if let Some(transaction) = &mut self.transaction {
            transaction.push(command, args, wire_bytes);
            let shown = &self.client.transaction;
            shown.queued.store(transaction.len(), Ordering::Relaxed);
            shown.bytes.store(transaction.bytes(), Ordering::Relaxed);
        }
    }

    /// Notes that a request of the transaction, if there is one, could not be queued.
    #[inline]
    pub fn refuse_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.refuse();
        }
    }

    /// Called before each command: what `CLIENT REPLY SKIP` asked for begins or is over.
    #[inline]
    pub fn begin_command(&mut self) {
        self.reply_mode = match self.reply_mode {
            ReplyMode::SkipNext => ReplyMode::Skip,
            ReplyMode::Skip => ReplyMode::On,
            other => other,
        };
    }

    /// Whether the command that is being executed gets no reply.
    #[inline]
    pub fn is_muted(&self) -> bool {
        matches!(self.reply_mode, ReplyMode::Off | ReplyMode::Skip)
    }

    /// Back to the state of a new connection (`RESET`), but for its identity, its user and its library's name.
    /// The caller sets the protocol back to RESP2.
    pub fn reset(&mut self, pubsub: &PubSub) {
        self.leave_all(pubsub);
        self.end_transaction();
        self.select(0);
        self.reply_mode = ReplyMode::On;
        self.no_touch = false;
        self.client.set_flags(
            ClientFlags(ClientFlags::NO_EVICT.0 | ClientFlags::NO_TOUCH.0),
            false,
        );
        self.client
            .rename(|identity| identity.name = bytes::Bytes::new());
    }

    /// Notes that a command has been executed, by its number in the command table.
    #[inline]
    pub fn note_command(&mut self, command: usize) {
        self.last_command = command;
        self.client.set_last_command(command);
    }
}
