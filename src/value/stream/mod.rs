//! Streams: entries in the order of their ids, and the groups of consumers that read them.
//!
//! The two halves are independent: a [`Log`] knows nothing of its readers, and a [`Group`] keeps ids, whose entries may be
//! gone. Whoever has a stream uses them directly.
//!
//! A stream is taken apart by [`Log::iter`], the log's figures, [`Group::consumers`] and [`Group::pending`], and put together
//! by [`Log::append`] in the order of the ids, then [`Log::set_last_id`], [`Log::set_max_deleted_id`] and
//! [`Log::set_entries_added`]; [`Group::new`], [`Group::find_or_create`] and [`Group::set_pending`].

mod block;
mod group;
mod id;
mod log;
mod range;
#[cfg(test)]
mod tests;

use crate::memory::Mover;
use crate::value::relocate::{Cursor, Relocate};
pub use block::{Entry, Fields};
pub use group::{Consumer, ConsumerKey, Group, Groups, Pending};
pub use id::{IdText, NewId, StreamId};
pub use log::{AppendError, BlockLimits, Log, Precision, Trim};
pub use range::{Range, RangeRev};

/// The blocks move; what groups have is in ordinary trees, and stays.
impl Relocate for Stream {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        self.log.relocate(at, mover)
    }
}

/// A stream. It may be empty.
#[derive(Debug, Default, Clone)]
pub struct Stream {
    /// The entries.
    pub log: Log,
    /// Those who read them together.
    pub groups: Groups,
}

impl Stream {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// Bytes on the heap, without walking over entries or consumers.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.log.memory() + group::memory(&self.groups)
    }

    /// How many allocations there are to be freed: blocks, not entries; but all that is pending.
    pub fn free_effort(&self) -> usize {
        let pending = self.groups.values().map(|group| group.pending().len());
        self.log.blocks() + pending.sum::<usize>()
    }
}
