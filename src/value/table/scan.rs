//! Walking a table: in steps that survive its changes, at random, or all at once.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::slice;

use super::bucket::{self, SLOTS, TAG_BITS};
use super::segment::Segment;
use super::slot::Slot;
use super::{Home, Table, Thin};
use crate::memory::prefetch_read;

/// Buckets that one step of a scan looks at for every entry that it is asked for, where they are empty.
const BUCKETS_PER_ENTRY: usize = 10;
/// Draws before [`Table::random`] counts entries instead.
const DRAWS: usize = 128;
/// How many slots ahead of the one that it shows [`Table::iter`] asks for an entry's cache line.
const AHEAD: usize = 2 * SLOTS;

impl<T: Thin> Table<T> {
    /// One step of a walk through all entries in the order of their hashes.
    ///
    /// Visits at least `count` entries from `position` on (fewer only at the end, or where the table is very
    /// sparse) and returns the position of the next step, `None` at the end. A walk begins at 0. Positions
    /// are hashes cut after their top 42 bits; any number is a valid one.
    ///
    /// Whatever is in the table from the first step of a walk to the last is visited, no matter what is
    /// inserted and removed in between. It is visited twice only if the table has shrunk meanwhile.
    pub fn scan<'a>(
        &'a self,
        mut position: u64,
        count: usize,
        mut visit: impl FnMut(T::Ref<'a>),
    ) -> Option<u64> {
        if self.segments.is_empty() {
            return None;
        }
        let mut visited = 0;
        let mut looked_at = 0;
        loop {
            let home = Home::of(position, self.segments.len());
            let segment = &self.segments[home.segment];
            let (first, total) = (home.tag(position), segment.bucket_count());
            // The segment's hashes are `start` to `start + width`, both of the top `depth` bits.
            let tags_left = match total {
                0 => 1 << TAG_BITS,
                _ => {
                    let from = bucket::home(first, total);
                    let missing = count.saturating_sub(visited).max(1);
                    let to = (from + missing.div_ceil(SLOTS)).min(total);
                    let end = bucket::first_tag(to, total);
                    visited += visit_range(segment, from, to, |slot| {
                        let wanted = (first..end).contains(&bucket::tag(slot));
                        if wanted {
                            // SAFETY: the slot's entry is owned by this table, borrowed for `'a`.
                            visit(unsafe { T::borrow(bucket::pointer(slot)) });
                        }
                        wanted
                    });
                    looked_at += to - from;
                    end
                }
            };
            looked_at += 1;
            position = home.position(position, tags_left)?;
            if visited >= count || looked_at >= count.saturating_mul(BUCKETS_PER_ENTRY) {
                return Some(position);
            }
        }
    }

    /// An entry at random, each with the same chance. `random` gives uniform 64-bit numbers.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<T::Ref<'_>> {
        let (segment, place) = self.random_place(random)?;
        let slot = self.segments[segment].buckets().as_flattened()[place];
        // SAFETY: a used slot's entry is owned by this table, which is borrowed.
        Some(unsafe { T::borrow(bucket::pointer(slot)) })
    }

    /// [`Table::random`] for change, replacement or removal.
    pub fn random_mut(&mut self, random: &mut impl FnMut() -> u64) -> Option<Slot<'_, T>> {
        let (segment, place) = self.random_place(random)?;
        Some(Slot::new(self, segment, place / SLOTS, place % SLOTS))
    }

    /// Visits `count` entries at random: independent draws, so the same one may come twice.
    pub fn sample<'a>(
        &'a self,
        count: usize,
        random: &mut impl FnMut() -> u64,
        mut visit: impl FnMut(T::Ref<'a>),
    ) {
        for _ in 0..count {
            let Some(entry) = self.random(random) else {
                return;
            };
            visit(entry);
        }
    }

    /// The segment of an entry, and its slot's number there.
    fn random_place(&self, random: &mut impl FnMut() -> u64) -> Option<(usize, usize)> {
        if self.len == 0 {
            return None;
        }
        let mut below = |limit: usize| ((u128::from(random()) * limit as u128) >> 64) as usize;
        // Every place that a segment could have has the same chance; places that are empty, or that this
        // segment does not have, do not count.
        let places = self.most_buckets * SLOTS;
        for _ in 0..DRAWS {
            let number = below(self.segments.len());
            let place = below(places);
            let slots = self.segments[number].buckets().as_flattened();
            if slots.get(place).is_some_and(|&slot| slot != 0) {
                return Some((number, place));
            }
        }
        // A very uneven table: count.
        let mut left = below(self.len);
        for (number, segment) in self.segments.iter().enumerate() {
            if left < segment.len() {
                let slots = segment.buckets().as_flattened().iter().enumerate();
                let mut used = slots.filter(|(_, slot)| **slot != 0);
                return used.nth(left).map(|(place, _)| (number, place));
            }
            left -= segment.len();
        }
        None
    }

    /// All entries, in no particular order. The walk asks for entries' cache lines ahead of their turn.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter {
            segments: self.segments.iter(),
            slots: &[],
            left: self.len,
            _entries: PhantomData,
        }
    }

    /// Visits all entries to change them in place: keys and hashes stay as they are, and deadlines do not
    /// become earlier.
    pub fn for_each_mut(&mut self, mut visit: impl FnMut(T::Mut<'_>)) {
        for slot in self.segments.iter().flat_map(Segment::slots) {
            // SAFETY: the slot's entry is owned by this table, which is borrowed exclusively, and every
            // entry is visited once.
            visit(unsafe { T::borrow_mut(bucket::pointer(slot)) });
        }
    }

    /// Drops the entries for which `keep` is false. Every entry is shown to it once.
    pub fn retain(&mut self, mut keep: impl FnMut(T::Ref<'_>) -> bool) {
        for number in 0..self.segments.len() {
            let segment = &mut self.segments[number];
            let total = segment.bucket_count();
            // A removal moves entries up from later buckets, around the end too, but never past a bucket
            // that is not full: begin behind one, and nothing comes back that has been seen.
            let Some(gap) = segment
                .buckets()
                .iter()
                .position(|bucket| bucket[SLOTS - 1] == 0)
            else {
                continue;
            };
            for offset in 1..=total {
                let at = (gap + offset) % total;
                let mut index = 0;
                while index < SLOTS && segment.buckets()[at][index] != 0 {
                    let slot = segment.buckets()[at][index];
                    // SAFETY: a used slot's entry is owned by this table, which is borrowed.
                    if keep(unsafe { T::borrow(bucket::pointer(slot)) }) {
                        index += 1;
                        continue;
                    }
                    segment.take(at, index);
                    self.len -= 1;
                    // SAFETY: the slot was in use, so that its entry was owned by this table, and it is
                    // gone from it.
                    drop(unsafe { T::from_raw(bucket::pointer(slot)) });
                }
            }
            if segment.is_loose() {
                self.reshape(number, Segment::trim);
            }
        }
        while self.is_sparse() {
            self.merge();
        }
        if self.len == 0 {
            self.reset();
        }
    }
}

impl Home {
    /// The position `tags` tags behind the beginning of this segment; `None` behind the last hash of all.
    fn position(self, hash: u64, tags: u64) -> Option<u64> {
        let start = u128::from(hash) >> (64 - self.depth) << (64 - self.depth);
        let next = start + (u128::from(tags) << (64 - self.depth - TAG_BITS));
        u64::try_from(next).ok()
    }
}

/// Shows `visit` the slots of the buckets from `from` to before `to`, and those behind them into which their
/// entries may have overflowed. Returns for how many `visit` was true.
fn visit_range(
    segment: &Segment,
    from: usize,
    to: usize,
    mut visit: impl FnMut(u64) -> bool,
) -> usize {
    let buckets = segment.buckets();
    let mut visited = 0;
    for offset in 0..buckets.len() {
        let bucket = &buckets[(from + offset) % buckets.len()];
        let used = bucket.iter().take_while(|&&slot| slot != 0);
        visited += used.filter(|&&slot| visit(slot)).count();
        if from + offset + 1 >= to && bucket[SLOTS - 1] == 0 {
            break;
        }
    }
    visited
}

/// The entries of a table, in no particular order.
pub struct Iter<'a, T: Thin> {
    segments: slice::Iter<'a, Segment>,
    /// The slots of the present segment that are still to come.
    slots: &'a [u64],
    left: usize,
    _entries: PhantomData<&'a T>,
}

impl<'a, T: Thin> Iterator for Iter<'a, T> {
    type Item = T::Ref<'a>;

    #[inline]
    fn next(&mut self) -> Option<T::Ref<'a>> {
        loop {
            let Some((&slot, rest)) = self.slots.split_first() else {
                self.slots = self.segments.next()?.buckets().as_flattened();
                for &slot in self.slots.iter().take(AHEAD).filter(|&&slot| slot != 0) {
                    prefetch_read(bucket::pointer(slot).as_ptr());
                }
                continue;
            };
            self.slots = rest;
            if let Some(&ahead) = rest.get(AHEAD - 1).filter(|&&ahead| ahead != 0) {
                prefetch_read(bucket::pointer(ahead).as_ptr());
            }
            if slot != 0 {
                self.left -= 1;
                // SAFETY: a used slot's entry is owned by the table, which is borrowed for `'a`.
                return Some(unsafe { T::borrow(bucket::pointer(slot)) });
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Thin> ExactSizeIterator for Iter<'_, T> {}
impl<T: Thin> FusedIterator for Iter<'_, T> {}

impl<T: Thin> std::fmt::Debug for Iter<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Iter")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// Takes the entries out of a table one by one, in no particular order. What is left is dropped with it.
pub struct IntoIter<T: Thin> {
    table: Table<T>,
    /// Next slot of the last segment.
    index: usize,
}

impl<T: Thin> IntoIterator for Table<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter {
            table: self,
            index: 0,
        }
    }
}

impl<T: Thin> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            let segment = self.table.segments.last_mut()?;
            let Some(slot) = segment.buckets_mut().as_flattened_mut().get_mut(self.index) else {
                self.table.segments.pop();
                self.index = 0;
                continue;
            };
            self.index += 1;
            let slot = std::mem::take(slot);
            if slot != 0 {
                self.table.len -= 1;
                // SAFETY: the slot was in use, so that its entry was owned by the table, and it is gone.
                return Some(unsafe { T::from_raw(bucket::pointer(slot)) });
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.table.len, Some(self.table.len))
    }
}

impl<T: Thin> ExactSizeIterator for IntoIter<T> {}

impl<T: Thin> std::fmt::Debug for IntoIter<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("IntoIter")
            .field("left", &self.table.len)
            .finish_non_exhaustive()
    }
}
