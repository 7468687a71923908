//! Clients that wait for a key: who they are, and in which order they are served.
//!
//! A blocking command that finds nothing joins the queues of its keys while it still holds their shards' locks, so no
//! write slips in between.  Whoever changes such a key later learns it from the write guard and serves the queue before
//! the locks are given back: the reply is made there, under the lock, and posted to the waiting connection.
//!
//! `WATCH` is kept here too: who watches a key is marked by whoever changes it ([`Watched`]). And so are the clients that keep what they have
//! read: see [`readers`](super::readers).
//!
//! A waiter in the queues of several shards may be met by several threads at once.  Its own small lock decides who ends
//! the wait; it is taken with shard locks held and no shard lock is taken under it, so it cannot be part of a cycle.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, Deref};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::Keyspace;
use super::access::Access;
use super::door::Door;
use super::hash::KeyHash;
use super::readers::{Reader, Readers};
use super::record::ValueType;
use crate::mailbox::ClientId;
use crate::resp::{OwnedArgs, Protocol};

/// A place in the queues: lower ones are served first. Never reused.
pub type Ticket = u64;

static TICKETS: AtomicU64 = AtomicU64::new(1);

/// What a client in a blocking command waits for, and how it is answered.
#[derive(Debug)]
pub struct Wish {
    /// The client.
    pub client: ClientId,
    /// The worker that serves it.
    pub worker: usize,
    /// The protocol that its reply is written in.
    pub protocol: Protocol,
    /// The database that its keys are in.
    pub db: usize,
    /// The keys that it waits for, each once.
    pub keys: Vec<Box<[u8]>>,
    /// The number of its command in the command table.
    pub command: usize,
    /// What is to be executed when a key is ready.
    pub request: OwnedArgs,
    /// Keys of this type can serve it.
    pub wants: ValueType,
    /// It also has to be answered when a key goes away or changes its type.
    pub until_gone: bool,
    /// The client keeps what it reads: it hears of it when that changes.
    pub remembers: bool,
}

/// A client in a blocking command: its wish, and its place in the queues.
#[derive(Debug)]
pub struct Waiter {
    wish: Wish,
    ticket: Ticket,
    ended: Mutex<bool>,
    /// How long its command has been executed before it began to wait, in nanoseconds.
    pub spent: AtomicU64,
}

impl Deref for Waiter {
    type Target = Wish;

    fn deref(&self) -> &Wish {
        &self.wish
    }
}

impl Waiter {
    /// The next one in all queues.
    fn new(wish: Wish) -> Self {
        Self {
            wish,
            ticket: TICKETS.fetch_add(1, Ordering::Relaxed),
            ended: Mutex::new(false),
            spent: AtomicU64::new(0),
        }
    }

    /// Its place in the queues.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Ends the wait. True for exactly one caller, who then answers the client.
    pub fn end(&self) -> bool {
        !std::mem::replace(&mut *self.ended.lock(), true)
    }

    /// Whether the wait is over. While somebody serves it, that is waited for.
    pub fn has_ended(&self) -> bool {
        *self.ended.lock()
    }

    /// The right to serve it, while nobody else can: set it to true if it was served. `None` if the wait is over.
    pub fn claim(&self) -> Option<MutexGuard<'_, bool>> {
        let ended = self.ended.lock();
        (!*ended).then_some(ended)
    }
}

/// What a client has watched since its last `EXEC`, `DISCARD` or `UNWATCH`: whether any of it has changed.
#[derive(Debug, Default)]
pub struct Watched(AtomicBool);

impl Watched {
    /// Whether a watched key has changed. Final for `EXEC` only under the locks of all watched keys.
    pub fn is_changed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn change(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Who waits for the keys of one database in one shard, who watches them, and who keeps what it has read of them. Every database of every shard has
/// one: a word, nearly always empty.
#[derive(Debug, Default)]
pub(super) struct Waiting(Option<Box<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    queues: HashMap<Box<[u8]>, Queue>,
    readers: Readers,
}

/// Who waits for one key, and who watches it.
#[derive(Debug, Default)]
struct Queue {
    waiters: BTreeMap<Ticket, Arc<Waiter>>,
    /// How many of them wait until the key is gone.
    until_gone: usize,
    watchers: Vec<Arc<Watched>>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.watchers.is_empty()
    }

    fn mark_watchers(&self) {
        self.watchers.iter().for_each(|watched| watched.change());
    }
}

impl Waiting {
    /// `key` has been changed by a client (0: by none): those who watch it are marked, and who keeps what it has read is told. Tells whether somebody
    /// waits for it.
    #[inline]
    pub(super) fn note_change(&mut self, key: &[u8], door: &Door, by: ClientId) -> bool {
        self.0.is_some() && self.note_change_of_key(key, door, by)
    }

    #[cold]
    fn note_change_of_key(&mut self, key: &[u8], door: &Door, by: ClientId) -> bool {
        self.change_readers(|readers| readers.tell(key, door, by));
        let queue = self.0.as_ref().and_then(|keys| keys.queues.get(key));
        queue.is_some_and(|queue| {
            queue.mark_watchers();
            !queue.waiters.is_empty()
        })
    }

    pub(super) fn add_reader(&mut self, key: &[u8], reader: Reader, door: &Door) {
        let readers = &mut self.0.get_or_insert_default().readers;
        readers.add(key, reader, door);
    }

    /// Changes what is known of readers.
    pub(super) fn change_readers<R: Default>(
        &mut self,
        change: impl FnOnce(&mut Readers) -> R,
    ) -> R {
        let Some(keys) = &mut self.0 else {
            return R::default();
        };
        let result = change(&mut keys.readers);
        self.drop_if_empty();
        result
    }

    fn drop_if_empty(&mut self) {
        if let Some(keys) = &self.0
            && keys.queues.is_empty()
            && keys.readers.is_empty()
        {
            self.0 = None;
        }
    }

    /// The keys that somebody waits for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.queues()
            .filter(|(_, queue)| !queue.waiters.is_empty())
            .map(|(key, _)| key)
    }

    /// All keys are replaced at once: marks who watches a key of which `is_touched` says that it was there or is there now.
    pub(super) fn mark_watchers(&self, mut is_touched: impl FnMut(&[u8]) -> bool) {
        for (key, queue) in self.queues() {
            if !queue.watchers.is_empty() && is_touched(key) {
                queue.mark_watchers();
            }
        }
    }

    fn queues(&self) -> impl Iterator<Item = (&[u8], &Queue)> {
        let keys = self.0.iter().flat_map(|keys| keys.queues.iter());
        keys.map(|(key, queue)| (&**key, queue))
    }

    fn watch(&mut self, key: &[u8], watched: &Arc<Watched>) {
        let queues = &mut self.0.get_or_insert_default().queues;
        let queue = queues.entry(key.into()).or_default();
        queue.watchers.push(Arc::clone(watched));
    }

    fn unwatch(&mut self, key: &[u8], watched: &Arc<Watched>) {
        self.change_queue(key, |queue| {
            queue.watchers.retain(|other| !Arc::ptr_eq(other, watched));
        });
    }

    /// Changes the queue of a key, if it has one, and drops what nobody is in any more.
    fn change_queue(&mut self, key: &[u8], change: impl FnOnce(&mut Queue)) {
        let Some(keys) = &mut self.0 else { return };
        let Some(queue) = keys.queues.get_mut(key) else {
            return;
        };
        change(queue);
        if queue.is_empty() {
            keys.queues.remove(key);
        }
        self.drop_if_empty();
    }

    fn join(&mut self, key: &[u8], waiter: &Arc<Waiter>) {
        let queues = &mut self.0.get_or_insert_default().queues;
        let queue = queues.entry(key.into());
        let queue = queue.or_default();
        let before = queue.waiters.insert(waiter.ticket, Arc::clone(waiter));
        queue.until_gone += usize::from(before.is_none() && waiter.until_gone);
    }

    fn leave(&mut self, key: &[u8], waiter: &Waiter) {
        self.change_queue(key, |queue| {
            if queue.waiters.remove(&waiter.ticket).is_some() {
                queue.until_gone -= usize::from(waiter.until_gone);
            }
        });
    }

    fn next(&self, key: &[u8], after: Ticket) -> Option<&Arc<Waiter>> {
        let queue = self.0.as_ref()?.queues.get(key)?;
        let range = (Bound::Excluded(after), Bound::Unbounded);
        queue.waiters.range(range).next().map(|(_, waiter)| waiter)
    }

    fn until_gone(&self, key: &[u8]) -> usize {
        let queue = self.0.as_ref().and_then(|keys| keys.queues.get(key));
        queue.map_or(0, |queue| queue.until_gone)
    }
}

/// How many keys are waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WaitingFigures {
    /// Keys with clients that wait for them.
    pub keys: usize,
    /// Of these, keys whose going away ends a wait.
    pub until_gone: usize,
}

impl Access<'_> {
    /// Joins the queues of the wish's keys, whose locks are held.
    pub fn wait(&mut self, wish: Wish) -> Arc<Waiter> {
        let waiter = Arc::new(Waiter::new(wish));
        for key in &waiter.keys {
            self.part(waiter.db, key).waiting.join(key, &waiter);
        }
        waiter
    }

    /// The waiter behind `after` in the queue of a key whose lock is held.
    pub fn next_waiter(&mut self, db: usize, key: &[u8], after: Ticket) -> Option<Arc<Waiter>> {
        self.part(db, key).waiting.next(key, after).cloned()
    }

    /// Whether somebody has to be told that a key, whose lock is held, is gone.
    pub fn is_missed(&mut self, db: usize, key: &[u8]) -> bool {
        self.part(db, key).waiting.until_gone(key) > 0
    }

    /// Takes a waiter out of the queue of a key whose lock is held.
    pub fn leave_queue(&mut self, key: &[u8], waiter: &Waiter) {
        self.part(waiter.db, key).waiting.leave(key, waiter);
    }

    /// Watches a key of the current database, whose lock is held.
    pub fn watch(&mut self, key: &[u8], watched: &Arc<Watched>) {
        let db = self.db;
        self.part(db, key).waiting.watch(key, watched);
    }

    /// How many keys of all databases are waited for.
    pub fn waiting_figures(&mut self) -> WaitingFigures {
        let mut figures = WaitingFigures::default();
        let databases = self.keyspace().databases();
        self.each_shard(|_, data, _| {
            for db in 0..databases {
                let part = data.used_ref(db);
                let Some(keys) = part.and_then(|part| part.waiting.0.as_ref()) else {
                    continue;
                };
                let queues = keys.queues.values();
                figures.keys += queues
                    .clone()
                    .filter(|queue| !queue.waiters.is_empty())
                    .count();
                figures.until_gone += queues.filter(|queue| queue.until_gone > 0).count();
            }
        });
        figures
    }
}

impl Keyspace {
    /// Takes a waiter whose wait has ended out of all queues. Takes locks: not for handlers.
    pub fn forget(&self, waiter: &Waiter) {
        for key in &waiter.keys {
            let shard = &self.shards[KeyHash::of(key).shard().index()];
            shard.data.lock().part(waiter.db).waiting.leave(key, waiter);
        }
    }

    /// Ends the watching of a key. Takes locks: not for handlers.
    pub fn unwatch(&self, db: usize, key: &[u8], watched: &Arc<Watched>) {
        let shard = &self.shards[KeyHash::of(key).shard().index()];
        shard.data.lock().part(db).waiting.unwatch(key, watched);
    }
}
