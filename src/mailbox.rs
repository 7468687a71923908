//! Mailboxes: how one thread tells another thread's connections something.
//!
//! Only its own worker writes to a connection. Whoever has something for a connection of another worker (a published
//! message, a kill, the end of a pause) posts a [`Post`] to that *worker*, once, however many of its connections are
//! meant; the worker drains its mailbox between batches of requests.  Posting never blocks and takes no lock of the keyspace.
//!
//! A mailbox has no upper bound, for a command that is being executed cannot wait. But while more than [`HIGH_WATER`] lies in one of them, whose worker
//! is slow or busy with something else, no command is *begun* that would tell anybody anything ([`Mailboxes::are_full`]): the senders'
//! connections wait. Emptying a mailbox waits for nothing, so that always ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Bytes that may lie in a mailbox until those who would add more have to wait.
const HIGH_WATER: usize = 8 * 1024 * 1024;

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

/// Keys as bulk strings, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// How many there are.
    pub count: usize,
    /// The strings.
    pub bulks: Bytes,
}

/// What clients have read is not true any more.
#[derive(Debug, Clone)]
pub struct Invalidation {
    /// The connections that keep what they have read.
    pub to: Arc<[ClientId]>,
    /// The client that has changed it; 0 if none has.
    pub by: ClientId,
    /// Whom it concerns.
    pub audience: Audience,
    /// What has changed; everything if there is nothing.
    pub keys: Option<Keys>,
}

impl Invalidation {
    /// Whether this and one that comes right behind it can be told of at once: broadcasts of one client's changes to the same connections.
    pub fn goes_with(&self, next: &Self) -> bool {
        let is_broadcast = |one: &Self| one.audience == Audience::Broadcast && one.keys.is_some();
        is_broadcast(self)
            && is_broadcast(next)
            && self.by == next.by
            && Arc::ptr_eq(&self.to, &next.to)
    }

    /// The bytes of its [`Post`].
    pub fn bytes(&self) -> usize {
        size_of::<Post>() + self.keys.as_ref().map_or(0, |keys| keys.bulks.len())
    }

    /// Tells of all that `others`, which [go with](Self::goes_with) it, tell of.
    pub fn merge(&mut self, others: impl IntoIterator<Item = Self>) {
        let Some(first) = &self.keys else { return };
        let mut all = vec![first.clone()];
        for keys in others.into_iter().filter_map(|other| other.keys) {
            // One that is changed again and again.
            if all.last() != Some(&keys) {
                all.push(keys);
            }
        }
        let bulks: Vec<&[u8]> = all.iter().map(|keys| &keys.bulks[..]).collect();
        self.keys = Some(Keys {
            count: all.iter().map(|keys| keys.count).sum(),
            bulks: Bytes::from(bulks.concat()),
        });
    }
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

impl Post {
    /// The bytes that it keeps from being freed, as if it shared them with no other.
    pub fn bytes(&self) -> usize {
        let payload = match self {
            Self::Deliver { resp2, resp3, .. } => resp2.len() + resp3.len(),
            Self::Invalidate(invalidation) => return invalidation.bytes(),
            Self::Monitored { line, .. } => line.len(),
            Self::Unblock { reply, .. } => reply.len(),
            Self::Kill(_) | Self::Wake(_) | Self::WakeAll => 0,
        };
        size_of::<Self>() + payload
    }

    /// The number of connections that it is for.
    pub fn receivers(&self) -> usize {
        match self {
            Self::Deliver { to, .. } | Self::Monitored { to, .. } => to.len(),
            Self::Invalidate(invalidation) => invalidation.to.len(),
            Self::Unblock { .. } | Self::Kill(_) | Self::Wake(_) | Self::WakeAll => 1,
        }
    }
}

/// One worker's mailbox.
#[derive(Debug)]
pub struct Mailbox {
    letters: Mutex<Letters>,
    arrived: Notify,
    /// How many mailboxes of the server are full.
    full: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Letters {
    posts: Vec<Post>,
    /// The bytes of all posts that were ever handed over.
    handed_over: u64,
    /// What has been posted and is not [handed over](Mailbox::handed_over) yet.
    bytes: usize,
}

impl Mailbox {
    fn new(full: &Arc<AtomicUsize>) -> Self {
        Self {
            letters: Mutex::default(),
            arrived: Notify::new(),
            full: Arc::clone(full),
        }
    }

    /// Adds a post and wakes the worker if the mailbox was empty.
    pub fn post(&self, post: Post) {
        let bytes = post.bytes();
        let was_empty = {
            let mut letters = self.letters.lock();
            letters.posts.push(post);
            let before = letters.bytes;
            letters.bytes += bytes;
            if before < HIGH_WATER && letters.bytes >= HIGH_WATER {
                self.full.fetch_add(1, Ordering::Relaxed);
            }
            letters.posts.len() == 1
        };
        if was_empty {
            self.arrived.notify_one();
        }
    }

    /// Moves everything posted so far to the end of `into`, in the order of posting. It counts until it is handed over.
    pub fn drain(&self, into: &mut Vec<Post>) {
        into.append(&mut self.letters.lock().posts);
    }

    /// Stands for everything posted so far: see [`Mailbox::is_through`].
    pub fn mark(&self) -> u64 {
        let letters = self.letters.lock();
        letters.handed_over + letters.bytes as u64
    }

    /// Whether everything that was posted before `mark` has reached its receivers.
    pub fn is_through(&self, mark: u64) -> bool {
        self.letters.lock().handed_over >= mark
    }

    /// Drained posts of so many bytes have reached their receivers.
    pub fn handed_over(&self, bytes: usize) {
        let mut letters = self.letters.lock();
        let before = letters.bytes;
        letters.bytes -= bytes;
        letters.handed_over += bytes as u64;
        if before >= HIGH_WATER && letters.bytes < HIGH_WATER {
            self.full.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Waits until something has been posted.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

/// The mailboxes of all workers, indexed by the worker's number.
#[derive(Debug)]
pub struct Mailboxes {
    each: Box<[Mailbox]>,
    full: Arc<AtomicUsize>,
}

impl Mailboxes {
    /// Empty mailboxes for `workers` workers.
    pub fn new(workers: usize) -> Self {
        let full = Arc::default();
        Self {
            each: (0..workers).map(|_| Mailbox::new(&full)).collect(),
            full,
        }
    }

    /// The mailbox of worker `worker`.
    pub fn of(&self, worker: usize) -> &Mailbox {
        &self.each[worker]
    }

    /// Posts a copy to every worker.
    pub fn broadcast(&self, post: &Post) {
        for mailbox in &self.each {
            mailbox.post(post.clone());
        }
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.each.len()
    }

    /// Whether so much lies in one of them that nobody should begin to post more: one load of what is seldom written.
    #[inline]
    pub fn are_full(&self) -> bool {
        self.full.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasts_that_follow_each_other_are_merged() {
        let to: Arc<[ClientId]> = Arc::from([1]);
        let broadcast = |key: &str| Invalidation {
            to: Arc::clone(&to),
            by: 7,
            audience: Audience::Broadcast,
            keys: Some(Keys {
                count: 1,
                bulks: Bytes::from(format!("${}\r\n{key}\r\n", key.len())),
            }),
        };
        let mut first = broadcast("a");
        assert!(first.goes_with(&broadcast("b")));
        first.merge([broadcast("a"), broadcast("bb"), broadcast("a")]);
        let keys = first.keys.clone().expect("keys");
        assert_eq!(
            (keys.count, &keys.bulks[..]),
            (3, &b"$1\r\na\r\n$2\r\nbb\r\n$1\r\na\r\n"[..])
        );
        for other in [
            Invalidation {
                by: 8,
                ..broadcast("b")
            },
            Invalidation {
                to: Arc::from([1]),
                ..broadcast("b")
            },
            Invalidation {
                audience: Audience::Readers,
                ..broadcast("b")
            },
            Invalidation {
                keys: None,
                ..broadcast("b")
            },
        ] {
            assert!(!first.goes_with(&other), "{other:?}");
        }
    }

    #[test]
    fn a_mailbox_is_full_until_enough_is_handed_over() {
        let mailboxes = Mailboxes::new(3);
        let line = Bytes::from(vec![b'x'; HIGH_WATER / 2]);
        let post = Post::Monitored {
            to: Arc::from([1, 2]),
            line,
        };
        assert_eq!(post.receivers(), 2);
        mailboxes.of(1).post(post.clone());
        assert!(!mailboxes.are_full());
        mailboxes.of(2).post(post.clone());
        assert!(!mailboxes.are_full(), "each counts for itself");
        mailboxes.broadcast(&post);
        assert!(mailboxes.are_full());
        let mut drained = Vec::new();
        mailboxes.of(1).drain(&mut drained);
        assert!(mailboxes.are_full(), "they have reached nobody yet");
        mailboxes.of(1).handed_over(drained[0].bytes());
        assert!(mailboxes.are_full(), "there is another");
        mailboxes.of(2).handed_over(post.bytes());
        assert!(!mailboxes.are_full());
    }

    #[test]
    fn a_mark_is_reached_when_all_before_it_is_handed_over() {
        let mailboxes = Mailboxes::new(1);
        let mailbox = mailboxes.of(0);
        assert!(mailbox.is_through(mailbox.mark()));
        mailbox.post(Post::Wake(1));
        let mark = mailbox.mark();
        mailbox.post(Post::Wake(2));
        let mut posts = Vec::new();
        mailbox.drain(&mut posts);
        assert!(!mailbox.is_through(mark));
        mailbox.handed_over(posts[0].bytes());
        assert!(mailbox.is_through(mark) && !mailbox.is_through(mailbox.mark()));
    }
}
