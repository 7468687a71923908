//! Consumer groups: how far a group has read, what was delivered to whom and not yet acknowledged.
//!
//! What is pending is kept by id, once for the group with its owner and its history, and as a bare id with the owner, so
//! that a consumer's part is found without walking over everybody's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::id::StreamId;
use super::log::Log;
use crate::clock::UnixMillis;

/// A consumer of one group: valid until it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerKey(u32);

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Whose it is.
    pub owner: ConsumerKey,
    /// When it was delivered last.
    pub delivered: UnixMillis,
    /// How often it was delivered.
    pub count: u64,
}

/// A consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: Box<[u8]>,
    pending: BTreeSet<StreamId>,
    /// When it was last named by a request.
    pub seen: UnixMillis,
    /// When it last got an entry, if it ever did.
    pub active: Option<UnixMillis>,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The ids of what it has not acknowledged.
    pub fn pending(&self) -> &BTreeSet<StreamId> {
        &self.pending
    }
}

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    /// The last entry that was delivered to the group.
    pub last_id: StreamId,
    /// How many of the stream's entries, from the first ever added, lie up to `last_id`; none when that is not known.
    pub entries_read: Option<u64>,
    pending: BTreeMap<StreamId, Pending>,
    names: BTreeMap<Box<[u8]>, ConsumerKey>,
    /// By their keys.
    consumers: Vec<Option<Consumer>>,
    /// Keys of deleted consumers, to be given again.
    free: Vec<ConsumerKey>,
    name_bytes: usize,
}

/// Groups by their names, in order.
pub type Groups = BTreeMap<Box<[u8]>, Group>;

/// About what an element of a B-tree costs beside itself: nodes are two thirds full.
fn tree_memory<T>(len: usize) -> usize {
    len * (size_of::<T>() + 2) * 3 / 2
}

/// Bytes on the heap.
pub(super) fn memory(groups: &Groups) -> usize {
    let each = groups
        .iter()
        .map(|(name, group)| name.len() + group.memory());
    tree_memory::<(Box<[u8]>, Group)>(groups.len()) + each.sum::<usize>()
}

impl Group {
    /// A group that has read up to `last_id`.
    pub fn new(last_id: StreamId, entries_read: Option<u64>) -> Self {
        Self {
            last_id,
            entries_read,
            pending: BTreeMap::new(),
            names: BTreeMap::new(),
            consumers: Vec::new(),
            free: Vec::new(),
            name_bytes: 0,
        }
    }

    /// Bytes on the heap.
    fn memory(&self) -> usize {
        // Every pending id is also in its owner's set.
        tree_memory::<(StreamId, Pending)>(self.pending.len())
            + tree_memory::<StreamId>(self.pending.len())
            + tree_memory::<(Box<[u8]>, ConsumerKey)>(self.names.len())
            + self.consumers.capacity() * size_of::<Option<Consumer>>()
            + self.name_bytes
    }

    /// How many entries wait to be delivered to the group; none when that is not known.
    pub fn lag(&self, log: &Log) -> Option<i64> {
        let added = log.entries_added();
        let read = match self.entries_read {
            _ if added == 0 => Some(0),
            Some(read) if !log.has_gap_from(self.last_id) => Some(read),
            _ => log.count_up_to(self.last_id),
        };
        // Both numbers may be set by hand: a lag may be negative.
        read.map(|read| added.wrapping_sub(read) as i64)
    }

    /// The group has read on to the entry with this id. An id that is not ahead changes nothing.
    pub fn advance(&mut self, log: &Log, id: StreamId) {
        if id <= self.last_id {
            return;
        }
        let counts = self.last_id >= log.first_id() && !log.has_gap_from(self.last_id);
        self.entries_read = match self.entries_read {
            Some(read) if counts => Some(read.saturating_add(1)),
            read if log.entries_added() == 0 => read,
            _ => log.count_up_to(id),
        };
        self.last_id = id;
    }

    /// The consumers by their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (ConsumerKey, &Consumer)> {
        self.names.values().map(|key| (*key, self.consumer(*key)))
    }

    /// The consumer of this name.
    pub fn find(&self, name: &[u8]) -> Option<ConsumerKey> {
        self.names.get(name).copied()
    }

    /// A consumer.
    ///
    /// # Panics
    /// If it was deleted.
    pub fn consumer(&self, key: ConsumerKey) -> &Consumer {
        self.consumers[key.0 as usize].as_ref().expect(ALIVE)
    }

    /// A consumer, to change its times.
    ///
    /// # Panics
    /// If it was deleted.
    pub fn consumer_mut(&mut self, key: ConsumerKey) -> &mut Consumer {
        self.consumers[key.0 as usize].as_mut().expect(ALIVE)
    }

    /// The consumer of this name, which is created if there is none; and whether it was. It is seen now.
    pub fn find_or_create(&mut self, name: &[u8], now: UnixMillis) -> (ConsumerKey, bool) {
        if let Some(key) = self.find(name) {
            self.consumer_mut(key).seen = now;
            return (key, false);
        }
        let key = self.free.pop().unwrap_or_else(|| {
            self.consumers.push(None);
            let index = self.consumers.len() - 1;
            ConsumerKey(u32::try_from(index).expect("memory ends before 2^32 consumers"))
        });
        self.consumers[key.0 as usize] = Some(Consumer {
            name: name.into(),
            pending: BTreeSet::new(),
            seen: now,
            active: None,
        });
        self.names.insert(name.into(), key);
        self.name_bytes += 2 * name.len();
        (key, true)
    }

    /// Deletes a consumer with all that is pending for it; how much that was, or none if there is no such consumer.
    pub fn delete(&mut self, name: &[u8]) -> Option<usize> {
        let key = self.names.remove(name)?;
        let consumer = self.consumers[key.0 as usize].take().expect(ALIVE);
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        self.free.push(key);
        self.name_bytes -= 2 * name.len();
        Some(consumer.pending.len())
    }

    /// What is pending, by id.
    pub fn pending(&self) -> &BTreeMap<StreamId, Pending> {
        &self.pending
    }

    /// What is pending for a consumer from `from` on.
    pub fn pending_of(
        &self,
        key: ConsumerKey,
        from: StreamId,
    ) -> impl Iterator<Item = (StreamId, &Pending)> {
        let ids = self.consumer(key).pending.range(from..);
        ids.filter_map(|id| Some((*id, self.pending.get(id)?)))
    }

    /// The first pending id behind `id`.
    pub fn pending_behind(&self, id: StreamId) -> Option<StreamId> {
        let behind = (Bound::Excluded(id), Bound::Unbounded);
        self.pending.range(behind).next().map(|(id, _)| *id)
    }

    /// Makes an entry pending as `pending` says, whatever it was before.
    pub fn set_pending(&mut self, id: StreamId, pending: Pending) {
        let old = self.pending.insert(id, pending);
        match old {
            Some(old) if old.owner == pending.owner => return,
            Some(old) => drop(self.consumer_mut(old.owner).pending.remove(&id)),
            None => {}
        }
        self.consumer_mut(pending.owner).pending.insert(id);
    }

    /// Takes an entry off what is pending, and tells whether it was.
    pub fn acknowledge(&mut self, id: StreamId) -> bool {
        match self.pending.remove(&id) {
            Some(pending) => self.consumer_mut(pending.owner).pending.remove(&id),
            None => false,
        }
    }

    /// Delivers once more what is pending for a consumer from `from` on, up to `most` entries: `deliver` gets the id of
    /// each and tells whether the entry is still there, and if it is, the delivery is noted.
    pub fn redeliver(
        &mut self,
        key: ConsumerKey,
        from: StreamId,
        most: usize,
        now: UnixMillis,
        mut deliver: impl FnMut(StreamId, u64) -> bool,
    ) {
        let consumer = self.consumers[key.0 as usize].as_ref().expect(ALIVE);
        for id in consumer.pending.range(from..).take(most) {
            let Some(pending) = self.pending.get_mut(id) else {
                continue;
            };
            let count = pending.count.saturating_add(1);
            if deliver(*id, count) {
                pending.count = count;
                pending.delivered = now;
            }
        }
    }
}

/// Why a key's consumer is there.
const ALIVE: &str = "keys are handed out by the group and end with the consumer";
