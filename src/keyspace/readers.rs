//! Clients that have read a key and keep what they have read: they are told when it changes, once.
//!
//! They are known in the key's shard, under its lock. A client is added in the same hold of the lock in which it reads, so no write slips in
//! between; whoever changes the key takes them out and tells the [`Observer`](super::door::Observer).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Keyspace;
use super::access::Access;
use super::door::Door;
use super::hash::SHARDS;
use crate::mailbox::ClientId;

/// A client that keeps what it reads, and the worker that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The client.
    pub client: ClientId,
    /// The number of its worker.
    pub worker: u32,
}

/// How much is remembered.
#[derive(Debug, Default)]
pub struct ReaderFigures {
    keys: AtomicUsize,
    items: AtomicUsize,
}

impl ReaderFigures {
    /// Keys with readers.
    pub fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    /// Their readers, each counted once for every key.
    pub fn items(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }
}

/// The readers of one key; nearly always it is one.
#[derive(Debug)]
enum Several {
    One(Reader),
    Many(Vec<Reader>),
}

impl Several {
    fn as_slice(&self) -> &[Reader] {
        match self {
            Self::One(reader) => std::slice::from_ref(reader),
            Self::Many(readers) => readers,
        }
    }

    /// False if it is one of them already.
    fn add(&mut self, reader: Reader) -> bool {
        if self.as_slice().contains(&reader) {
            return false;
        }
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, reader]),
            Self::Many(readers) => readers.push(reader),
        }
        true
    }
}

/// The keys of one database in one shard that have readers.
#[derive(Debug, Default)]
pub(super) struct Readers(HashMap<Box<[u8]>, Several>);

impl Readers {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, key: &[u8], reader: Reader, door: &Door) {
        let figures = door.readers();
        let is_new = match self.0.get_mut(key) {
            Some(readers) => readers.add(reader),
            None => {
                self.0.insert(key.into(), Several::One(reader));
                figures.keys.fetch_add(1, Ordering::Relaxed);
                true
            }
        };
        figures
            .items
            .fetch_add(usize::from(is_new), Ordering::Relaxed);
    }

    /// A key has changed. `by` is the client that has done it.
    pub(super) fn tell(&mut self, key: &[u8], door: &Door, by: ClientId) {
        if let Some(readers) = self.0.remove(key) {
            forget(&readers, door);
            door.invalidate(key, readers.as_slice(), by);
        }
    }

    /// Forgets up to `most` keys, and tells their readers. Returns how many.
    fn tell_some(&mut self, most: usize, door: &Door) -> usize {
        let keys: Vec<Box<[u8]>> = self.0.keys().take(most).cloned().collect();
        keys.iter().for_each(|key| self.tell(key, door, 0));
        keys.len()
    }

    /// Forgets all keys.
    pub(super) fn clear(&mut self, door: &Door) {
        for (_, readers) in self.0.drain() {
            forget(&readers, door);
        }
    }
}

fn forget(readers: &Several, door: &Door) {
    let figures = door.readers();
    figures.keys.fetch_sub(1, Ordering::Relaxed);
    figures
        .items
        .fetch_sub(readers.as_slice().len(), Ordering::Relaxed);
}

impl Access<'_> {
    /// `reader` keeps what it has read of a key of the current database, whose lock is held.
    pub fn add_reader(&mut self, key: &[u8], reader: Reader) {
        let (db, keyspace) = (self.db, self.keyspace());
        let waiting = &mut self.part(db, key).waiting;
        waiting.add_reader(key, reader, &keyspace.door);
    }
}

impl Keyspace {
    /// What is remembered of readers.
    pub fn readers(&self) -> &ReaderFigures {
        self.door.readers()
    }

    /// Forgets about `excess` keys with readers, and tells these, beginning with shard `from`. Returns the shard to go on with. Takes locks: not
    /// for handlers.
    pub fn forget_readers(&self, mut excess: usize, from: usize) -> usize {
        let mut shard = from % SHARDS;
        for _ in 0..SHARDS {
            if excess == 0 {
                break;
            }
            let mut data = self.shards[shard].data.lock();
            for db in 0..self.databases {
                let door = &self.door;
                let forget = |readers: &mut Readers| readers.tell_some(excess, door);
                let Some(part) = data.used(db) else {
                    continue;
                };
                excess -= part.waiting.change_readers(forget);
            }
            shard = (shard + 1) % SHARDS;
        }
        shard
    }
}
