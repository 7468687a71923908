//! Client-side caches: who is told that what it has read is not true any more.
//!
//! A client in the default mode is known at the keys that it reads ([`crate::keyspace::readers`]); one in broadcast mode is known here, by the
//! beginnings of the keys it wants to hear of. Both are told through their worker's mailbox, which is posted to under the lock of the key that
//! has changed. The worker that executes a read empties its mailbox only afterwards, so an invalidation never comes before the reply of the
//! read; and one post is enough for all clients of a worker. What a client has asked for in detail (to be spared of its own
//! changes, to have another connection told) its worker looks up when it delivers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::RwLock;

use crate::keyspace::Interests;
use crate::keyspace::readers::Reader;
use crate::mailbox::{Audience, ClientId, Invalidation, Keys, Mailboxes, Post};
use crate::pubsub::{Listeners, Subscriber};
use crate::resp::{Protocol, Reply};
use crate::session::{ClientFlags, Registry};

/// The channel on which connections that speak RESP2 hear of invalidations.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// Everything about clients with caches that is not known at the keys.
#[derive(Debug)]
pub struct Tracking {
    clients: Arc<Registry>,
    mailboxes: Arc<Mailboxes>,
    interests: Interests,
    tracking: AtomicUsize,
    prefixes: RwLock<Prefixes>,
}

/// Who wants to hear of which keys, in broadcast mode.
#[derive(Debug, Default)]
struct Prefixes {
    listeners: HashMap<Bytes, Listeners>,
    /// How many there are of each length: a key is looked up by its beginnings of these lengths.
    lengths: BTreeMap<usize, usize>,
}

impl Tracking {
    /// Nobody is told anything yet.
    pub fn new(clients: Arc<Registry>, mailboxes: Arc<Mailboxes>, interests: Interests) -> Self {
        Self {
            clients,
            mailboxes,
            interests,
            tracking: AtomicUsize::new(0),
            prefixes: RwLock::default(),
        }
    }

    /// A connection begins or ends to keep what it reads.
    pub fn count(&self, begins: bool) {
        match begins {
            true => self.tracking.fetch_add(1, Ordering::Relaxed),
            false => self.tracking.fetch_sub(1, Ordering::Relaxed),
        };
    }

    /// Connections that keep what they read.
    pub fn clients(&self) -> usize {
        self.tracking.load(Ordering::Relaxed)
    }

    /// Different beginnings of keys that somebody wants to hear of.
    pub fn prefixes(&self) -> usize {
        self.prefixes.read().listeners.len()
    }

    /// A connection wants to hear of the keys that begin with `prefix`; it must not be asked for twice.
    pub fn join(&self, prefix: &Bytes, subscriber: Subscriber) {
        let mut prefixes = self.prefixes.write();
        let listeners = prefixes.listeners.entry(prefix.clone()).or_default();
        let is_new = listeners.is_empty();
        listeners.add(subscriber);
        if is_new {
            *prefixes.lengths.entry(prefix.len()).or_default() += 1;
        }
        self.interests.set_changes(true);
    }

    /// It does not want to hear of them any more.
    pub fn leave(&self, prefix: &Bytes, subscriber: Subscriber) {
        let mut prefixes = self.prefixes.write();
        let Some(listeners) = prefixes.listeners.get_mut(prefix) else {
            return;
        };
        listeners.remove(subscriber);
        if listeners.is_empty() {
            prefixes.listeners.remove(prefix);
            if let Some(count) = prefixes.lengths.get_mut(&prefix.len()) {
                *count -= 1;
                if *count == 0 {
                    prefixes.lengths.remove(&prefix.len());
                }
            }
        }
        self.interests.set_changes(!prefixes.listeners.is_empty());
    }

    /// Keys have changed: tells those in broadcast mode who want to hear of them.
    pub fn broadcast(&self, keys: &[Box<[u8]>], by: ClientId) {
        let prefixes = self.prefixes.read();
        let mut matching: BTreeMap<&[u8], BTreeSet<&[u8]>> = BTreeMap::new();
        for key in keys {
            for length in prefixes.lengths.keys() {
                let Some(prefix) = key.get(..*length) else {
                    break;
                };
                if prefixes.listeners.contains_key(prefix) {
                    matching.entry(prefix).or_default().insert(key);
                }
            }
        }
        for (prefix, keys) in matching {
            let message = Message::of_keys(Audience::Broadcast, keys.iter().copied());
            for (worker, to) in prefixes.listeners[prefix].audience() {
                self.post(worker, to, &message, by);
            }
        }
    }

    /// Tells clients that what they have read of a key is not true any more.
    pub fn invalidate(&self, key: &[u8], readers: &[Reader], by: ClientId) {
        let message = Message::of_keys(Audience::Readers, std::iter::once(key));
        match *readers {
            [only] => self.post(only.worker as usize, Arc::from([only.client]), &message, by),
            _ => self.post_to_each(readers.iter().copied(), &message, by),
        }
    }

    /// Tells all clients that keep what they read that nothing of it is true any more.
    pub fn invalidate_all(&self) {
        if self.clients() == 0 {
            return;
        }
        let clients = self.clients.all();
        let readers = clients
            .iter()
            .filter(|client| client.flags().contains(ClientFlags::TRACKING))
            .map(|client| Reader {
                client: client.id,
                worker: client.origin.worker as u32,
            });
        self.post_to_each(readers, &Message::of_everything(), 0);
    }

    fn post_to_each(&self, readers: impl Iterator<Item = Reader>, message: &Message, by: ClientId) {
        let mut by_worker: Vec<Vec<ClientId>> = vec![Vec::new(); self.mailboxes.workers()];
        for reader in readers {
            by_worker[reader.worker as usize].push(reader.client);
        }
        for (worker, to) in by_worker.into_iter().enumerate() {
            if !to.is_empty() {
                self.post(worker, Arc::from(to), message, by);
            }
        }
    }

    fn post(&self, worker: usize, to: Arc<[ClientId]>, message: &Message, by: ClientId) {
        self.mailboxes
            .of(worker)
            .post(Post::Invalidate(Invalidation {
                to,
                by,
                audience: message.audience,
                keys: message.keys.clone(),
            }));
    }

    /// Has another connection told instead of the one that wants to hear. False if there is none of that identity any more.
    pub fn redirect(&self, to: ClientId, invalidation: &Invalidation) -> bool {
        let Some(client) = self.clients.get(to) else {
            return false;
        };
        let post = Post::Invalidate(Invalidation {
            to: Arc::from([to]),
            audience: Audience::Redirected,
            ..invalidation.clone()
        });
        self.mailboxes.of(client.origin.worker).post(post);
        true
    }
}

/// What is told to whom.
struct Message {
    audience: Audience,
    keys: Option<Keys>,
}

impl Message {
    fn of_keys<'k>(audience: Audience, keys: impl ExactSizeIterator<Item = &'k [u8]>) -> Self {
        let count = keys.len();
        let bulks = Reply::encode(Protocol::Resp3, |reply| {
            keys.for_each(|key| reply.bulk(key))
        });
        Self {
            audience,
            keys: Some(Keys { count, bulks }),
        }
    }

    fn of_everything() -> Self {
        Self {
            audience: Audience::All,
            keys: None,
        }
    }
}

/// An invalidation as connections read it that speak `protocol`.
pub fn encode(protocol: Protocol, keys: Option<&Keys>) -> Bytes {
    Reply::encode(protocol, |reply| {
        match protocol {
            Protocol::Resp2 => {
                reply.array(3);
                reply.bulk(b"message");
                reply.bulk(CHANNEL);
            }
            Protocol::Resp3 => {
                reply.push(2);
                reply.bulk(b"invalidate");
            }
        }
        match keys {
            Some(keys) => {
                reply.array(keys.count);
                reply.deliver(&keys.bulks);
            }
            None => reply.null_array(),
        }
    })
}

/// What a connection hears whose invalidations go to another one that is not there any more.
pub fn broken_redirection(to: ClientId) -> Bytes {
    Reply::encode(Protocol::Resp3, |reply| {
        reply.push(2);
        reply.bulk(b"tracking-redir-broken");
        reply.int(i64::try_from(to).unwrap_or(i64::MAX));
    })
}
