//! Mailboxes: how one thread tells another thread's connections something.
//!
//! Only its own worker writes to a connection. Whoever has something for a connection of another worker (a published
//! message, a kill, the end of a pause) posts a [`Post`] to that *worker*, once, however many of its connections are
//! meant; the worker drains its mailbox between batches of requests.  Posting never blocks and takes no lock of the keyspace.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A connection's identity for its whole life; never reused (`CLIENT ID`).
pub type ClientId = u64;

/// What a subscription names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A channel (`SUBSCRIBE`).
    Channel,
    /// A glob pattern of channels (`PSUBSCRIBE`).
    Pattern,
    /// A shard channel (`SSUBSCRIBE`).
    Shard,
}

impl Kind {
    /// All kinds, in the order of `CLIENT LIST`'s fields.
    pub const ALL: [Self; 3] = [Self::Channel, Self::Pattern, Self::Shard];
}

/// The subscription through which a message reaches its receivers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// What the name means.
    pub kind: Kind,
    /// The channel or the pattern.
    pub name: Bytes,
}

/// Which connections an invalidation concerns: they may have asked for something else since it was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Those that hear of what they have read.
    Readers,
    /// Those in broadcast mode.
    Broadcast,
    /// All that keep what they read.
    All,
    /// One that hears of it instead of another.
    Redirected,
}

/// What clients have read is not true any more: encoded once per protocol.
#[derive(Debug, Clone)]
pub struct Invalidation {
    /// The connections that keep what they have read.
    pub to: Arc<[ClientId]>,
    /// The client that has changed it; 0 if none has.
    pub by: ClientId,
    /// Whom it concerns.
    pub audience: Audience,
    /// As a RESP2 client reads it, if it is subscribed to anything.
    pub resp2: Bytes,
    /// As a RESP3 client reads it.
    pub resp3: Bytes,
}

/// What can be posted to a worker.
#[derive(Debug, Clone)]
pub enum Post {
    /// One message for several connections of the worker, encoded once per protocol.
    Deliver {
        /// The connections that shall get it.
        to: Arc<[ClientId]>,
        /// Deliver only to those that still hold this subscription: a receiver may have left it since the posting.
        topic: Option<Topic>,
        /// As a RESP2 client reads it.
        resp2: Bytes,
        /// As a RESP3 client reads it.
        resp3: Bytes,
    },
    /// What clients have read is not true any more.
    Invalidate(Invalidation),
    /// A line for connections that monitor, if they still do.
    Monitored {
        /// The connections.
        to: Arc<[ClientId]>,
        /// The line, as a status reply.
        line: Bytes,
    },
    /// The reply to a connection that waits in a blocking command: its wait has ended.
    Unblock {
        /// The connection.
        to: ClientId,
        /// Which of its waits.
        ticket: u64,
        /// What it is answered.
        reply: Bytes,
    },
    /// End the connection (`CLIENT KILL`): at once, without flushing what it has not read.
    Kill(ClientId),
    /// Look at the world again: what the connection waits for may have come.
    Wake(ClientId),
    /// All connections, look at the world again: a pause has ended, the server is shutting down, a setting has changed.
    WakeAll,
}

/// One worker's mailbox.
#[derive(Debug, Default)]
pub struct Mailbox {
    posts: Mutex<Vec<Post>>,
    arrived: Notify,
}

impl Mailbox {
    /// Adds a post and wakes the worker if the mailbox was empty.
    pub fn post(&self, post: Post) {
        let was_empty = {
            let mut posts = self.posts.lock();
            posts.push(post);
            posts.len() == 1
        };
        if was_empty {
            self.arrived.notify_one();
        }
    }

    /// Moves everything posted so far to the end of `into`, in the order of posting.
    pub fn drain(&self, into: &mut Vec<Post>) {
        into.append(&mut self.posts.lock());
    }

    /// Waits until something has been posted.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// The mailboxes of all workers, indexed by the worker's number.
#[derive(Debug)]
pub struct Mailboxes(Box<[Mailbox]>);

impl Mailboxes {
    /// Empty mailboxes for `workers` workers.
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Mailbox::default()).collect())
    }

    /// The mailbox of worker `worker`.
    pub fn of(&self, worker: usize) -> &Mailbox {
        &self.0[worker]
    }

    /// Posts a copy to every worker.
    pub fn broadcast(&self, post: &Post) {
        for mailbox in &self.0 {
            mailbox.post(post.clone());
        }
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.0.len()
    }
}
