//! A segment: the buckets for one range of hashes, a few hundred entries.
//!
//! An entry lives in its home bucket or, where that is full, in the next one with room, around the end.
//! Between an entry's home and its place every bucket is full: a search ends at the first one that is not,
//! and a removal moves entries back to keep it so. All this works on the slots alone: the tag in a slot
//! says where it belongs, and no entry's memory is touched.
//!
//! A segment grows and shrinks in steps of a sixteenth, to sizes that the slabs give whole, so that its load
//! stays close under [`max_len`].
//!
//! A segment that has held an entry with a deadline keeps one *bound* a bucket: no entry in the bucket has an
//! earlier deadline. Bounds only get earlier as entries move; [`super::expiry`] makes them exact again.

use std::ptr::{NonNull, null_mut};

use super::bucket::{SLOTS, home, tag};
use crate::memory::{LINE, Mover, alloc_lines, class_lines, free_lines};

/// The bound of a bucket without deadlines; as a time, later than all.
pub(super) const NEVER: u32 = u32::MAX;

/// The most entries that a segment of so many buckets takes: 92%, and always one slot less than there are.
const fn max_len(buckets: usize) -> usize {
    buckets * (SLOTS * 59) / 64
}

/// The fewest buckets that take `len` entries.
const fn buckets_for(len: usize) -> usize {
    (len * 64).div_ceil(SLOTS * 59)
}

/// Lines of the array for so many buckets. A single bucket's bound is that of the segment.
const fn array_lines(buckets: usize, bounded: bool) -> usize {
    if bounded && buckets > 1 {
        buckets + (buckets * size_of::<u32>()).div_ceil(LINE)
    } else {
        buckets
    }
}

/// At least `wanted` buckets: as many as fit what the slabs give for that.
fn roundest(wanted: usize, bounded: bool) -> usize {
    let lines = class_lines(array_lines(wanted, bounded));
    if !bounded || wanted < 2 {
        return lines;
    }
    (lines * LINE / (LINE + size_of::<u32>())).max(wanted)
}

/// Owns its array of buckets, but not the entries in it: the table drops those.
pub(super) struct Segment {
    /// The buckets' lines and, behind them, their bounds, if there are any. Null if there are no buckets.
    array: *mut [u64; SLOTS],
    /// Number of buckets, and [`BOUNDED`].
    buckets: u16,
    len: u16,
    /// The earliest of the bounds, or earlier.
    pub(super) deadline: u32,
}

const _: () = assert!(size_of::<Segment>() == 16);

/// In `Segment::buckets`: bounds are kept.
const BOUNDED: u16 = 1 << 15;

impl Segment {
    pub(super) const fn empty() -> Self {
        Self {
            array: null_mut(),
            buckets: 0,
            len: 0,
            deadline: NEVER,
        }
    }

    /// An empty segment with room for `len` entries.
    pub(super) fn with_room(len: usize, bounded: bool) -> Self {
        if len == 0 {
            Self::empty()
        } else {
            Self::with_buckets(buckets_for(len), bounded)
        }
    }

    fn with_buckets(wanted: usize, bounded: bool) -> Self {
        let buckets = roundest(wanted, bounded);
        assert!(
            buckets < usize::from(BOUNDED),
            "the hash does not spread the entries"
        );
        let array = alloc_lines(array_lines(buckets, bounded)).cast::<[u64; SLOTS]>();
        // SAFETY: the array has room for the buckets and, behind them, a bound each if it is bounded and
        // has more than one.
        unsafe {
            array.as_ptr().write_bytes(0, buckets);
            if bounded && buckets > 1 {
                let bounds = array.as_ptr().add(buckets).cast::<u32>();
                std::slice::from_raw_parts_mut(bounds.cast(), buckets)
                    .fill(std::mem::MaybeUninit::new(NEVER));
            }
        }
        Self {
            array: array.as_ptr(),
            buckets: buckets as u16 | if bounded { BOUNDED } else { 0 },
            len: 0,
            deadline: NEVER,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Number of buckets.
    #[inline]
    pub(super) fn bucket_count(&self) -> usize {
        usize::from(self.buckets & !BOUNDED)
    }

    #[inline]
    pub(super) fn is_bounded(&self) -> bool {
        self.buckets & BOUNDED != 0
    }

    /// Bytes of the array.
    pub(super) fn bytes(&self) -> usize {
        match self.bucket_count() {
            0 => 0,
            n => class_lines(array_lines(n, self.is_bounded())) * LINE,
        }
    }

    #[inline]
    pub(super) fn buckets(&self) -> &[[u64; SLOTS]] {
        if self.array.is_null() {
            return &[];
        }
        // SAFETY: the array has that many buckets, initialised, and is borrowed with the segment.
        unsafe { std::slice::from_raw_parts(self.array, self.bucket_count()) }
    }

    #[inline]
    pub(super) fn buckets_mut(&mut self) -> &mut [[u64; SLOTS]] {
        if self.array.is_null() {
            return &mut [];
        }
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.array, self.bucket_count()) }
    }

    /// The address of the bucket where `tag` belongs, as a hint.
    #[inline]
    pub(super) fn home_address(&self, tag: u64) -> *const [u64; SLOTS] {
        self.array.wrapping_add(home(tag, self.bucket_count()))
    }

    /// All slots in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = u64> {
        self.buckets()
            .as_flattened()
            .iter()
            .copied()
            .filter(|&slot| slot != 0)
    }

    /// The buckets' bounds; of a single bucket it is the segment's. Empty if no bounds are kept.
    pub(super) fn bounds_mut(&mut self) -> &mut [u32] {
        match self.bucket_count() {
            n if !self.is_bounded() || n == 0 => &mut [],
            1 => std::slice::from_mut(&mut self.deadline),
            // SAFETY: a bounded array of more than one bucket has as many bounds behind them, initialised;
            // the borrow is exclusive.
            n => unsafe { std::slice::from_raw_parts_mut(self.array.add(n).cast::<u32>(), n) },
        }
    }

    /// No entry of the bucket has an earlier deadline than this.
    #[inline]
    pub(super) fn bound(&self, bucket: usize) -> u32 {
        match self.bucket_count() {
            _ if !self.is_bounded() => NEVER,
            1 => self.deadline,
            n => {
                debug_assert!(bucket < n);
                // SAFETY: as for `bounds_mut`; the bucket is one of the segment's.
                unsafe { *self.array.add(n).cast::<u32>().add(bucket) }
            }
        }
    }

    /// Makes sure that the bucket's bound is not later than `deadline`.
    #[inline]
    pub(super) fn lower_bound(&mut self, bucket: usize, deadline: u32) {
        if deadline == NEVER {
            return;
        }
        debug_assert!(self.is_bounded());
        self.deadline = self.deadline.min(deadline);
        if let Some(bound) = self.bounds_mut().get_mut(bucket) {
            *bound = deadline.min(*bound);
        }
    }

    /// Whether [`Segment::place`] needs a [`Segment::make_room`] before it.
    #[inline]
    pub(super) fn lacks_room(&self, deadline: u32) -> bool {
        self.len() >= max_len(self.bucket_count()) || deadline != NEVER && !self.is_bounded()
    }

    /// Makes room for one more entry, and for bounds if `deadline` needs them. Every entry may move.
    pub(super) fn make_room(&mut self, deadline: u32) {
        let mut wanted = self.bucket_count().max(1);
        if self.len() >= max_len(wanted) {
            assert!(self.len < u16::MAX, "the hash does not spread the entries");
            wanted += wanted / 16 + usize::from(wanted < 16);
        }
        self.rebuild(wanted, deadline != NEVER);
    }

    /// Keeps bounds from now on. Every entry may move.
    pub(super) fn keep_bounds(&mut self) {
        self.rebuild(self.bucket_count(), true);
    }

    /// Whether [`Segment::trim`] would make the segment smaller.
    #[inline]
    pub(super) fn is_loose(&self) -> bool {
        let (len, buckets) = (self.len(), self.bucket_count());
        if len == 0 {
            return buckets > 0;
        }
        // Checked cheaply at every removal, then with an eighth to spare against going back and forth.
        len < buckets * (SLOTS * 3 / 4) && {
            let wanted = buckets_for(len + len / 16 + 1);
            wanted < buckets && roundest(wanted, self.is_bounded()) < buckets
        }
    }

    /// Gives up buckets that are not needed any more. Every entry may move.
    pub(super) fn trim(&mut self) {
        if self.len == 0 {
            *self = Self::empty();
        } else {
            self.rebuild(buckets_for(self.len() + self.len() / 16 + 1), false);
        }
    }

    /// Moves everything to a new array. Bounds are kept if there is a deadline or one is about to come.
    fn rebuild(&mut self, wanted: usize, bounded: bool) {
        let bounded = bounded || self.deadline != NEVER;
        let old = std::mem::replace(self, Self::with_buckets(wanted, bounded));
        self.place_all(&old, |slot| slot);
    }

    /// Places every slot of `other`, changed by `change`, with the bound of the bucket it comes from.
    pub(super) fn place_all(&mut self, other: &Self, change: impl Fn(u64) -> u64) {
        for (index, bucket) in other.buckets().iter().enumerate() {
            let bound = other.bound(index);
            for &slot in bucket.iter().take_while(|&&slot| slot != 0) {
                self.place(change(slot), bound);
            }
        }
    }

    /// Puts a slot into the first bucket with room from its home on. Returns its bucket.
    ///
    /// There is room, and bounds are kept unless `deadline` is [`NEVER`]: see [`Segment::lacks_room`].
    #[inline]
    pub(super) fn place(&mut self, slot: u64, deadline: u32) -> usize {
        let buckets = self.buckets();
        let mut index = home(tag(slot), buckets.len());
        while buckets[index][SLOTS - 1] != 0 {
            index = if index + 1 == buckets.len() {
                0
            } else {
                index + 1
            };
        }
        self.place_in(index, slot, deadline);
        index
    }

    /// [`Segment::place`] where the first bucket with room from the slot's home on is known.
    #[inline]
    pub(super) fn place_in(&mut self, index: usize, slot: u64, deadline: u32) {
        debug_assert!(slot != 0 && self.len() < max_len(self.bucket_count()));
        self.len += 1;
        let bucket = &mut self.buckets_mut()[index];
        let used = bucket.iter().filter(|&&slot| slot != 0).count();
        bucket[used] = slot;
        self.lower_bound(index, deadline);
    }

    /// Takes a slot out of its bucket and closes the gap, from later buckets too where entries there
    /// belong further up. The segment keeps its size.
    pub(super) fn take(&mut self, bucket: usize, index: usize) -> u64 {
        let count = self.bucket_count();
        let (taken, mut was_full) = close_gap(&mut self.buckets_mut()[bucket], index);
        self.len -= 1;
        let (mut gap, mut next) = (bucket, bucket);
        while was_full {
            next = if next + 1 == count { 0 } else { next + 1 };
            debug_assert!(
                next != gap,
                "a segment always has a bucket that is not full"
            );
            let candidates = &mut self.buckets_mut()[next];
            was_full = candidates[SLOTS - 1] != 0;
            // Whoever belongs at the gap or before it, seen from its present bucket, may move there.
            let distance = (next + count - gap) % count;
            let movable = candidates.iter().position(|&slot| {
                slot != 0 && (next + count - home(tag(slot), count)) % count >= distance
            });
            if let Some(index) = movable {
                let (slot, _) = close_gap(candidates, index);
                self.buckets_mut()[gap][SLOTS - 1] = slot;
                self.lower_bound(gap, self.bound(next));
                gap = next;
            }
        }
        taken
    }

    /// Moves the array if it lies in a chunk that is to be emptied.
    pub(super) fn relocate(&mut self, mover: &mut Mover) {
        if let Some(array) = NonNull::new(self.array) {
            let lines = array_lines(self.bucket_count(), self.is_bounded());
            // SAFETY: the array was allocated with this many lines, and the segment alone knows where it is.
            if let Some(to) = unsafe { mover.move_lines(array.cast(), lines) } {
                self.array = to.cast().as_ptr();
            }
        }
    }

    /// Finds where a slot is that the segment is known to hold.
    pub(super) fn position_of(&self, slot: u64) -> (usize, usize) {
        let buckets = self.buckets();
        let mut index = home(tag(slot), buckets.len());
        loop {
            if let Some(found) = buckets[index].iter().position(|&other| other == slot) {
                return (index, found);
            }
            assert!(buckets[index][SLOTS - 1] != 0, "the slot is in the segment");
            index = if index + 1 == buckets.len() {
                0
            } else {
                index + 1
            };
        }
    }
}

/// Takes a slot out of a bucket and moves the last used one into its place. Says whether the bucket was
/// full before.
fn close_gap(bucket: &mut [u64; SLOTS], index: usize) -> (u64, bool) {
    let taken = bucket[index];
    let was_full = bucket[SLOTS - 1] != 0;
    let last = bucket.iter().filter(|&&slot| slot != 0).count() - 1;
    bucket[index] = bucket[last];
    bucket[last] = 0;
    (taken, was_full)
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Some(array) = NonNull::new(self.array) {
            let lines = array_lines(self.bucket_count(), self.is_bounded());
            // SAFETY: the array was allocated with this many lines, and nobody borrows a dropped segment's.
            unsafe { free_lines(array.cast(), lines) }
        }
    }
}
