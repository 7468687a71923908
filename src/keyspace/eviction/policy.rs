//! What a policy is: who gives way when memory is short.

use super::History;
use super::hunt::Hunt;
use super::losses::Loss;
use crate::clock::UnixMillis;
use crate::keyspace::KeyHash;
use crate::keyspace::record::RecordRef;
use crate::keyspace::shard::Part;

/// Which keys may be evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    AllKeys,
    /// Those with an expiry.
    Volatile,
}

impl Scope {
    /// Whether a key may be evicted.
    #[inline]
    pub fn admits(self, record: RecordRef<'_>) -> bool {
        self == Self::AllKeys || record.expiry().is_some()
    }

    /// How many keys of a part may be.
    pub(in crate::keyspace) fn count(self, part: &Part) -> usize {
        match self {
            Self::AllKeys => part.table.len(),
            Self::Volatile => part.expiring.keys as usize,
        }
    }
}

/// A key that is being created, as a policy hears of it.
#[derive(Debug, Clone, Copy)]
pub struct Creation<'a> {
    /// The database.
    pub db: usize,
    /// The hash of its key. It is all that a policy keeps of a key: the record may move or go at any time.
    pub hash: KeyHash,
    /// The record, which is about to enter its table.
    pub record: RecordRef<'a>,
    /// What is known of an earlier key of this name, if it was lost not long ago: see [`Policy::memory`].
    pub lost: Option<Loss>,
}

/// A policy: who gives way when memory is short. All policies exist all the time; one is in use.
///
/// Every method may be called by several threads at once. Those about a record are called with its shard's lock held: they
/// must be short and take no lock of a shard. [`Policy::evict`] is called with none held, and takes one at a time, through
/// the hunt.
pub trait Policy: std::fmt::Debug + Send + Sync {
    /// What it makes of the records' access history.
    fn history(&self) -> History {
        History::Clock
    }

    /// The history of a key that is created, where it is [`History::Own`].
    fn created(&self, now: UnixMillis) -> u32 {
        super::history::clock(now)
    }

    /// The history of a key after one more access, where it is [`History::Own`]. On every request's path.
    fn touched(&self, record: RecordRef<'_>, now: UnixMillis) -> u32 {
        let _ = record;
        super::history::clock(now)
    }

    /// What is to be remembered of a key with this history that is lost. 0 for nothing.
    fn memory(&self, history: u32) -> u16 {
        let _ = history;
        0
    }

    /// Seconds since the last access according to a history, where it is [`History::Own`].
    fn idle_seconds(&self, history: u32, now: UnixMillis) -> u32 {
        super::history::idle_seconds(history, now)
    }

    /// Whether it wants to know which keys come and go: [`Policy::inserted`] and [`Policy::memory`] are called.
    fn hears_of_keys(&self) -> bool {
        false
    }

    /// A key is created.
    fn inserted(&self, creation: Creation<'_>) {
        let _ = creation;
    }

    /// It comes into use, or goes out of it: what it remembers of earlier times is worth nothing.
    fn reset(&self) {}

    /// Evicts one key. False if it finds none that may be evicted.
    ///
    /// A key that it meets whose time has come is as good a victim.
    fn evict(&self, hunt: &mut Hunt<'_>) -> bool;
}
