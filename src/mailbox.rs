//! Mailboxes: how one thread tells another thread's connections something.
//!
//! Only its own worker writes to a connection. Whoever has something for a connection of another worker (a published
//! message, a kill, the end of a pause) posts a [`Post`] to that *worker*, once, however many of its connections are
//! meant; the worker drains its mailbox between batches of requests.  Posting never blocks and takes no lock of the keyspace.
//!
//! A mailbox has no upper bound, for a command that is being executed cannot wait. But while more than [`HIGH_WATER`] lies in one of them, whose worker
//! is slow or busy with something else, no command is *begun* that would tell anybody anything ([`Mailboxes::are_full`]): the senders'
//! connections wait. Emptying a mailbox waits for nothing, so that always ends.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::memory::messages::{self, SHARED_LEN};

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

/// What has been published, encoded once per protocol.
#[derive(Debug, Clone)]
pub struct Message {
    /// The connections that shall get it.
    pub to: Arc<[ClientId]>,
    /// Deliver only to those that still hold this subscription: a receiver may have left it since the posting.
    pub topic: Topic,
    /// As a RESP2 client reads it.
    pub resp2: Bytes,
    /// As a RESP3 client reads it.
    pub resp3: Bytes,
}

impl Message {
    /// Whether this and one that comes right behind it can be delivered at once: small messages to the same connections.
    fn goes_with(&self, next: &Self) -> bool {
        let is_small = |one: &Self| one.resp2.len() < SHARED_LEN;
        Arc::ptr_eq(&self.to, &next.to)
            && self.topic == next.topic
            && is_small(self)
            && is_small(next)
    }

    /// The bytes of its [`Post`].
    pub fn bytes(&self) -> usize {
        size_of::<Post>() + self.resp2.len() + self.resp3.len()
    }

    /// Appends `others`, which [go with](Self::goes_with) it.
    fn merge<'a>(&mut self, others: impl Iterator<Item = &'a Self>) {
        let (mut resp2, mut resp3) = (self.resp2.to_vec(), self.resp3.to_vec());
        for other in others {
            resp2.extend_from_slice(&other.resp2);
            resp3.extend_from_slice(&other.resp3);
        }
        (self.resp2, self.resp3) = (messages::share(resp2), messages::share(resp3));
    }
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
    fn goes_with(&self, next: &Self) -> bool {
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
    fn merge<'a>(&mut self, others: impl Iterator<Item = &'a Self>) {
        let Some(first) = &self.keys else { return };
        let mut all = vec![first];
        // One that is changed again and again is named once.
        all.extend(others.filter_map(|other| other.keys.as_ref()));
        all.dedup();
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
    /// One message for several connections of the worker.
    Deliver(Message),
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
            Self::Deliver(message) => return message.bytes(),
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
            Self::Deliver(message) => message.to.len(),
            Self::Invalidate(invalidation) => invalidation.to.len(),
            Self::Monitored { to, .. } => to.len(),
            Self::Unblock { .. } | Self::Kill(_) | Self::Wake(_) | Self::WakeAll => 1,
        }
    }

    /// Takes in those of the `next` posts that can be handed over together with this one, up to about `most` bytes: many
    /// connections are then looked up once for all of them. Returns the bytes of all.
    pub fn gather(
        &mut self,
        next: &mut Peekable<impl Iterator<Item = Self>>,
        most: usize,
    ) -> usize {
        let mut bytes = self.bytes();
        let others: Vec<Self> = std::iter::from_fn(|| {
            let post = next.next_if(|post| bytes < most && self.goes_with(post))?;
            bytes += post.bytes();
            Some(post)
        })
        .collect();
        match self {
            _ if others.is_empty() => {}
            Self::Deliver(first) => first.merge(others.iter().filter_map(|post| match post {
                Self::Deliver(message) => Some(message),
                _ => None,
            })),
            Self::Invalidate(first) => first.merge(others.iter().filter_map(|post| match post {
                Self::Invalidate(invalidation) => Some(invalidation),
                _ => None,
            })),
            _ => {}
        }
        bytes
    }

    fn goes_with(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Deliver(message), Self::Deliver(next)) => message.goes_with(next),
            (Self::Invalidate(invalidation), Self::Invalidate(next)) => {
                invalidation.goes_with(next)
            }
            _ => false,
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
        first.merge([broadcast("a"), broadcast("bb"), broadcast("a")].iter());
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
    fn small_messages_to_the_same_connections_are_handed_over_together() {
        let to: Arc<[ClientId]> = Arc::from([1, 2]);
        let message = |to: &Arc<[ClientId]>, name: &'static str, text: &[u8]| {
            Post::Deliver(Message {
                to: Arc::clone(to),
                topic: Topic {
                    kind: Kind::Channel,
                    name: Bytes::from(name),
                },
                resp2: Bytes::from([b"*", text].concat()),
                resp3: Bytes::from([b">", text].concat()),
            })
        };
        let gathered = |posts: Vec<Post>, most| {
            let all: usize = posts.iter().map(Post::bytes).sum();
            let mut posts = posts.into_iter().peekable();
            let mut first = posts.next().expect("one");
            let bytes = first.gather(&mut posts, most);
            let rest: Vec<Post> = posts.collect();
            assert_eq!(bytes + rest.iter().map(Post::bytes).sum::<usize>(), all);
            match first {
                Post::Deliver(message) => (message.resp2, message.resp3, rest.len()),
                other => panic!("{other:?}"),
            }
        };
        let (one, two, three) = (
            message(&to, "a", b"1"),
            message(&to, "a", b"2"),
            message(&to, "a", b"3"),
        );
        let posts = vec![one.clone(), two.clone(), three];
        assert_eq!(
            gathered(posts.clone(), usize::MAX),
            (Bytes::from("*1*2*3"), Bytes::from(">1>2>3"), 0)
        );
        let enough = one.bytes() + 1;
        assert_eq!(
            gathered(posts, enough),
            (Bytes::from("*1*2"), Bytes::from(">1>2"), 1)
        );
        let large = message(&to, "a", &[b'x'; SHARED_LEN]);
        for other in [
            Post::WakeAll,
            message(&to, "b", b"2"),
            message(&Arc::from([1, 2]), "a", b"2"),
            large.clone(),
        ] {
            let left = gathered(vec![one.clone(), other, two.clone()], usize::MAX);
            assert_eq!(left, (Bytes::from("*1"), Bytes::from(">1"), 2));
        }
        assert_eq!(gathered(vec![large, two], usize::MAX).2, 1);
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
