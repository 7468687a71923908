//! A stream's entries in the order of their ids, in blocks.
//!
//! Blocks are in a deque in the order of their bases, hence found in O(log n). An entry is appended to the last block or
//! begins a new one when that is full; from the front, whole blocks go at once. Both are O(1) amortised.

use std::collections::VecDeque;

use super::block::{Block, Entry};
use super::id::{NewId, StreamId};
use super::range::{Range, RangeRev};
use crate::memory::Mover;
use crate::value::relocate::{Cursor, Relocate};

/// When a block is full: `stream-node-max-bytes` and `stream-node-max-entries`.
#[derive(Debug, Clone, Copy)]
pub struct BlockLimits {
    /// The most bytes; 0: no limit but the largest there is.
    pub bytes: usize,
    /// The most entries, deleted ones included; 0: no limit.
    pub entries: usize,
}

impl BlockLimits {
    fn bytes(self) -> usize {
        match self.bytes {
            0 => Log::MAX_BLOCK,
            bytes => bytes.min(Log::MAX_BLOCK),
        }
    }

    fn has_room(self, block: &Block, coming: usize) -> bool {
        block.size() + coming < self.bytes()
            && (self.entries == 0 || block.len_with_deleted() < self.entries)
    }
}

/// Why an entry cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendError {
    /// The last possible id is in use.
    Exhausted,
    /// The id is not above all ids before it.
    NotAbove,
}

/// Which entries are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// The first ones, until so many are left.
    MaxLen(usize),
    /// Those with an id below this one.
    MinId(StreamId),
}

/// How exactly entries are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// All that are to go.
    Exact,
    /// Whole blocks alone, and no more than so many entries.
    Blocks(usize),
}

/// The entries of a stream, and what is remembered of those that were there.
#[derive(Debug, Default, Clone)]
pub struct Log {
    /// None of them is empty. Their bases rise.
    blocks: VecDeque<Block>,
    len: usize,
    first_id: StreamId,
    last_id: StreamId,
    max_deleted_id: StreamId,
    entries_added: u64,
    /// Bytes that the blocks have on the heap.
    heap: usize,
}

impl Log {
    /// The most bytes of a block, and of an entry.
    const MAX_BLOCK: usize = 1 << 30;
    /// The most bytes that a block gets ahead of its entries.
    const MOST_ROOM: usize = 4096;

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Bytes on the heap.
    pub fn memory(&self) -> usize {
        self.heap + self.blocks.capacity() * size_of::<Block>()
    }

    /// The id of the first entry; zero if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The id of the entry that was added last, or what was set in its stead. New ids are above it.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The id of the last entry; zero if there is none.
    pub fn last_entry_id(&self) -> StreamId {
        self.blocks.back().map_or(StreamId::MIN, Block::last_live)
    }

    /// The highest id that was deleted by itself; trimming does not count.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn entries_added(&self) -> u64 {
        self.entries_added
    }

    /// Sets the last id. It must not be below that of the last entry.
    ///
    /// It may be below that of a deleted one, hence an id may come again.
    pub fn set_last_id(&mut self, id: StreamId) {
        debug_assert!(id >= self.last_entry_id());
        self.last_id = id;
    }

    /// Sets the highest deleted id.
    pub fn set_max_deleted_id(&mut self, id: StreamId) {
        self.max_deleted_id = id;
    }

    /// Sets how many entries were ever added. It must not be below their present number.
    pub fn set_entries_added(&mut self, entries: u64) {
        debug_assert!(entries >= self.len as u64);
        self.entries_added = entries;
    }

    /// The id that a new entry gets at `now`, in Unix milliseconds.
    pub fn next_id(&self, wanted: NewId, now: u64) -> Result<StreamId, AppendError> {
        let behind = self.last_id.next().ok_or(AppendError::Exhausted)?;
        let id = match wanted {
            NewId::Auto if now > self.last_id.ms => StreamId::new(now, 0),
            NewId::Auto => behind,
            NewId::Within(ms) if ms == self.last_id.ms => behind,
            NewId::Within(ms) => StreamId::new(ms, 0),
            NewId::Exactly(id) => id,
        };
        let within = !matches!(wanted, NewId::Within(ms) if ms != id.ms);
        if id > self.last_id && within {
            Ok(id)
        } else {
            Err(AppendError::NotAbove)
        }
    }

    /// Whether an entry with these fields can be held at all.
    pub fn can_hold<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> bool {
        size_of_fields(fields) <= Self::MAX_BLOCK
    }

    /// Appends an entry that [`Log::can_hold`].
    ///
    /// # Panics
    /// If `id` is not above the last id: [`Log::next_id`] gives one that is.
    pub fn append<'f>(
        &mut self,
        id: StreamId,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: BlockLimits,
    ) {
        assert!(id > self.last_id, "ids rise");
        let coming = size_of_fields(fields.clone());
        match self.blocks.back_mut() {
            Some(block) if limits.has_room(block, coming) => {
                self.heap -= block.heap();
                block.push(id, fields);
                self.heap += block.heap();
            }
            _ => self.begin_block(id, fields, limits),
        }
        if self.len == 0 {
            self.first_id = id;
        }
        self.len += 1;
        self.entries_added += 1;
        self.last_id = id;
    }

    /// Appends an entry in a block of its own, which others may join.
    fn begin_block<'f>(
        &mut self,
        id: StreamId,
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: BlockLimits,
    ) {
        // The block will become about as large as the one before it.
        let mut room = 0;
        if let Some(full) = self.blocks.back_mut() {
            self.heap -= full.heap();
            full.seal();
            self.heap += full.heap();
            room = full.size().min(limits.bytes()).min(Self::MOST_ROOM);
        } else {
            // Most streams are short: one block, and no room for others.
            self.blocks.reserve_exact(1);
        }
        let block = Block::new(id, fields, room);
        self.heap += block.heap();
        self.blocks.push_back(block);
    }

    /// The entry with this id.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        self.blocks.get(self.block_of(id)?)?.get(id)
    }

    /// Whether there is an entry with this id.
    pub fn contains(&self, id: StreamId) -> bool {
        self.get(id).is_some()
    }

    /// The entries with ids from `from` to `to`, both included.
    pub fn range(&self, from: StreamId, to: StreamId) -> Range<'_> {
        Range::new(&self.blocks, self.block_of(from).unwrap_or(0), from, to)
    }

    /// The same from the last to the first.
    pub fn range_rev(&self, from: StreamId, to: StreamId) -> RangeRev<'_> {
        let blocks = self.block_of(to).map_or(0, |last| last + 1);
        RangeRev::new(&self.blocks, blocks, from, to)
    }

    /// All entries.
    pub fn iter(&self) -> Range<'_> {
        self.range(StreamId::MIN, StreamId::MAX)
    }

    /// The only block that can have an entry with this id.
    fn block_of(&self, id: StreamId) -> Option<usize> {
        self.blocks
            .partition_point(|block| block.base() <= id)
            .checked_sub(1)
    }

    /// Removes the entry with this id and tells whether it was there.
    pub fn remove(&mut self, id: StreamId) -> bool {
        let Some(index) = self.block_of(id) else {
            return false;
        };
        let block = &mut self.blocks[index];
        let before = block.heap();
        if !block.delete(id) {
            return false;
        }
        self.heap = self.heap - before + block.heap();
        if block.len() == 0 {
            self.heap -= block.heap();
            self.blocks.remove(index);
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id {
            self.find_first();
        }
        true
    }

    /// Removes entries from the front; how many they were.
    pub fn trim(&mut self, trim: Trim, precision: Precision) -> usize {
        let before = self.len;
        while let Some(block) = self.blocks.front() {
            let is_over = match trim {
                Trim::MaxLen(len) => self.len <= len,
                Trim::MinId(id) => block.first_live() >= id,
            };
            if is_over {
                break;
            }
            let removed = before - self.len;
            if matches!(precision, Precision::Blocks(most) if removed + block.len() > most) {
                break;
            }
            let goes_whole = match trim {
                Trim::MaxLen(len) => self.len - block.len() >= len,
                Trim::MinId(id) => block.last() < id,
            };
            if goes_whole {
                self.len -= block.len();
                self.heap -= block.heap();
                self.blocks.pop_front();
            } else if precision == Precision::Exact {
                self.trim_first_block(trim);
            } else {
                break;
            }
        }
        if self.len < before {
            self.find_first();
            // After a large trim the deque gives most of its room back; after small ones it keeps it.
            if self.blocks.capacity() > 4 * self.blocks.len() + 16 {
                self.blocks.shrink_to(2 * self.blocks.len());
            }
        }
        before - self.len
    }

    /// Removes what is to go from the first block, and the block if nothing is left of it.
    fn trim_first_block(&mut self, trim: Trim) {
        let Some(block) = self.blocks.front_mut() else {
            return;
        };
        let before = block.heap();
        while block.len() > 0 {
            let stays = match trim {
                Trim::MaxLen(len) => self.len <= len,
                Trim::MinId(id) => block.first_live() >= id,
            };
            if stays {
                break;
            }
            block.delete_first();
            self.len -= 1;
        }
        self.heap = self.heap - before + block.heap();
        if block.len() == 0 {
            self.heap -= block.heap();
            self.blocks.pop_front();
        }
    }

    /// What `heap` is, and must be.
    #[cfg(test)]
    pub(super) fn sum_of_blocks(&self) -> (usize, usize) {
        let sum = self.blocks.iter().map(Block::heap).sum();
        (self.heap, sum)
    }

    fn find_first(&mut self) {
        self.first_id = self.blocks.front().map_or(StreamId::MIN, Block::first_live);
    }

    /// How many entries were ever added up to the one with this id, itself included; none when that cannot be told.
    ///
    /// It is known at the ends of the log as long as nothing was deleted behind them by itself.
    pub fn count_up_to(&self, id: StreamId) -> Option<u64> {
        let len = self.len as u64;
        if self.entries_added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(self.entries_added);
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        if id >= self.last_id {
            return (id == self.last_id).then_some(self.entries_added);
        }
        let whole = self.max_deleted_id == StreamId::MIN || self.max_deleted_id < self.first_id;
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if whole => Some(self.entries_added - len),
            std::cmp::Ordering::Equal if whole => Some(self.entries_added - len + 1),
            _ => None,
        }
    }

    /// Whether an entry was deleted by itself at `from` or behind it, so that counting from there goes wrong.
    pub fn has_gap_from(&self, from: StreamId) -> bool {
        self.len > 0 && self.max_deleted_id != StreamId::MIN && self.max_deleted_id >= from
    }
}

impl Relocate for Log {
    fn relocate(&mut self, at: &mut Cursor, mover: &mut Mover) -> bool {
        while mover.may_go_on() {
            let Some(block) = self.blocks.get_mut(at.place) else {
                return true;
            };
            mover.look();
            block.relocate(mover);
            at.place += 1;
        }
        at.place >= self.blocks.len()
    }
}

/// The bytes that fields and values have, with their lengths.
fn size_of_fields<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> usize {
    fields
        .map(|(name, value)| name.len() + value.len())
        .fold(0, usize::saturating_add)
}
