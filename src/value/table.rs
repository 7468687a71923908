//! A hash table of thin pointers: the table under databases, large hashes and the members of large sets.
//!
//! An entry is one heap block behind one pointer ([`Thin`]) that knows its own key, its hash and perhaps a
//! deadline. The table spends 9 bytes an entry, finds one in two cache misses (bucket, entry), and
//! grows and shrinks one *segment* of a few hundred entries at a time, so that no operation is long and
//! nothing is ever held twice.
//!
//! # Order
//! The directory of segments grows by linear hashing: with `n` segments, 2^level <= n < 2^(level + 1), the
//! first `n - 2^level` of them have been split, each into itself and the one 2^level behind it. A segment is
//! chosen by the *top* bits of the hash, reversed, so that each holds one contiguous range of hashes; within
//! it the buckets are in the order of hashes too. A position in that order ([`Table::scan`]) therefore keeps
//! its meaning while the table grows and shrinks. No more than the top 42 bits of the hash matter to it.
//!
//! # Promises
//! * The caller knows hashes: every `hash` argument is [`Thin::hash`] of the entry meant, well spread over
//!   its top 42 bits by a key that strangers do not know.
//! * Equal hashes are no error; the caller's `eq` decides.
//! * Dropping a table drops its entries.

mod bucket;
mod expiry;
mod relocate;
mod sample;
mod scan;
mod segment;
mod slot;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::memory::{LINE, prefetch_read};
use bucket::{SLOTS, TAG_BITS};
use segment::{NEVER, Segment};

pub use bucket::OWNER_BITS;
pub use expiry::UNIT_MS as DEADLINE_UNIT_MS;
pub use scan::{IntoIter, Iter};
pub use slot::Slot;

/// An owner of one block of [`memory::alloc`](crate::memory::alloc), as thin as a pointer: what a [`Table`] holds.
///
/// # Safety
/// The block has [`Thin::size`] bytes, which mean the same at any other address, and nobody else keeps the present one, or else hears of
/// it from [`Table::relocate`].
/// `into_raw` gives an address that is a multiple of 8 and stays the same, and unique among live entries,
/// until `from_raw` takes it back; both `borrow`s of such an address are sound for as long as nobody else
/// borrows the entry in conflict with them.
pub unsafe trait Thin: Sized + 'static {
    /// A borrowed entry: `&'a Something`, or a small view of the block.
    type Ref<'a>: Copy;
    /// An entry borrowed for change in place.
    type Mut<'a>;

    /// How many bytes most entries have: the cache lines of so many are prefetched.
    const REACH: usize = 32;

    /// Gives up ownership for an address.
    fn into_raw(self) -> NonNull<u8>;

    /// Takes ownership back.
    ///
    /// # Safety
    /// `raw` came from `into_raw` and has not been taken back since.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// Borrows an entry by its address.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, is not taken back and not changed during `'a`.
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Self::Ref<'a>;

    /// Borrows an entry by its address, for change.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, is not taken back and not borrowed otherwise during `'a`.
    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> Self::Mut<'a>;

    /// Bytes of the block, as they were asked for.
    fn size(entry: Self::Ref<'_>) -> usize;

    /// The entry's hash. It never changes while the entry is in a table.
    fn hash(entry: Self::Ref<'_>) -> u64;

    /// When the entry is due, in milliseconds of whatever clock the owner uses for [`Table::next_due`].
    fn deadline(_entry: Self::Ref<'_>) -> Option<u64> {
        None
    }
}

/// How many entries a segment has on average, at most, before the next one is split.
const SEGMENT_LEN: usize = 384;
/// A segment is merged away when the others would have this many entries on average, or fewer.
const SPARSE_LEN: usize = SEGMENT_LEN / 2;
/// Segments are chosen by at most this many bits, which leaves [`TAG_BITS`] of the 42 that matter.
const MAX_LEVEL: u32 = 42 - TAG_BITS;

/// A hash table of thin pointers; see the [module](self).
pub struct Table<T: Thin> {
    segments: Vec<Segment>,
    len: usize,
    /// Bytes of all segments' arrays.
    array_bytes: usize,
    /// No segment has more buckets than this.
    most_buckets: usize,
    agenda: expiry::Agenda,
    _entries: PhantomData<T>,
}

// SAFETY: a table is the sole owner of its entries and arrays.
unsafe impl<T: Thin + Send> Send for Table<T> {}
// SAFETY: through a shared table one only gets shared borrows of its entries.
unsafe impl<T: Thin + Sync> Sync for Table<T> {}

/// Where a hash belongs in the directory: the segment and the number of bits that chose it.
#[derive(Clone, Copy)]
struct Home {
    segment: usize,
    depth: u32,
}

impl Home {
    /// The home of `hash` among `count` segments, at least one.
    #[inline]
    fn of(hash: u64, count: usize) -> Self {
        let level = count.ilog2();
        let reversed = ((hash >> 32) as u32).reverse_bits() as usize;
        let unsplit = reversed & ((1 << level) - 1);
        let depth = level + u32::from(unsplit < count - (1 << level));
        Self {
            segment: reversed & ((1 << depth) - 1),
            depth,
        }
    }

    /// The bits of `hash` that go into the slot.
    #[inline]
    fn tag(self, hash: u64) -> u64 {
        hash << self.depth >> (64 - TAG_BITS)
    }
}

impl<T: Thin> Table<T> {
    /// An empty table. It allocates nothing.
    pub const fn new() -> Self {
        Self {
            segments: Vec::new(),
            len: 0,
            array_bytes: 0,
            most_buckets: 0,
            agenda: expiry::Agenda::new(),
            _entries: PhantomData,
        }
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the table itself occupies on the heap, without its entries.
    #[inline]
    pub fn memory(&self) -> usize {
        self.array_bytes + self.segments.capacity() * size_of::<Segment>()
    }

    /// Finds the entry with this hash for which `eq` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut eq: impl FnMut(T::Ref<'_>) -> bool) -> Option<T::Ref<'_>> {
        let (segment, bucket, index) = self.probe(hash, &mut eq)?;
        let slot = self.segments[segment].buckets()[bucket][index];
        // SAFETY: a used slot's entry is owned by this table, which is borrowed.
        Some(unsafe { T::borrow(bucket::pointer(slot)) })
    }

    /// Finds the entry with this hash for which `eq` holds, for change, replacement or removal.
    #[inline]
    pub fn find_mut(
        &mut self,
        hash: u64,
        mut eq: impl FnMut(T::Ref<'_>) -> bool,
    ) -> Option<Slot<'_, T>> {
        let (segment, bucket, index) = self.probe(hash, &mut eq)?;
        Some(Slot::new(self, segment, bucket, index))
    }

    /// Adds an entry that the caller knows to be absent, under [`Thin::hash`] of it, and borrows it.
    pub fn insert_new(&mut self, hash: u64, entry: T) -> T::Ref<'_> {
        let raw = entry.into_raw();
        // SAFETY: the entry is ours; nothing changes it before this function returns, and the table is
        // borrowed with the reference from then on.
        let entry = unsafe { T::borrow(raw) };
        let deadline = self.announce(T::deadline(entry));
        if self.segments.is_empty() {
            self.segments.reserve_exact(1);
            self.segments.push(Segment::empty());
        }
        let home = Home::of(hash, self.segments.len());
        if self.segments[home.segment].lacks_room(deadline) {
            self.reshape(home.segment, |segment| segment.make_room(deadline));
        }
        self.segments[home.segment].place(bucket::pack(raw, home.tag(hash)), deadline);
        self.len += 1;
        if self.len > self.segments.len() * SEGMENT_LEN {
            self.split();
        }
        entry
    }

    /// Adds the entry that `make` makes unless there is one with this hash for which `eq` holds, and borrows
    /// it: one search where [`Table::find`] and [`Table::insert_new`] take two. `None` if there was one.
    #[inline]
    pub fn insert_if_absent(
        &mut self,
        hash: u64,
        mut eq: impl FnMut(T::Ref<'_>) -> bool,
        make: impl FnOnce() -> T,
    ) -> Option<T::Ref<'_>> {
        let vacant = match self.search(hash, &mut eq) {
            Ok(_) => return None,
            Err(vacant) => vacant,
        };
        let entry = make();
        let Some(bucket) = vacant else {
            return Some(self.insert_new(hash, entry));
        };
        let home = Home::of(hash, self.segments.len());
        let raw = entry.into_raw();
        // SAFETY: as in `insert_new`.
        let entry = unsafe { T::borrow(raw) };
        let deadline = self.announce(T::deadline(entry));
        let slot = bucket::pack(raw, home.tag(hash));
        if self.segments[home.segment].lacks_room(deadline) {
            self.reshape(home.segment, |segment| segment.make_room(deadline));
            self.segments[home.segment].place(slot, deadline);
        } else {
            self.segments[home.segment].place_in(bucket, slot, deadline);
        }
        self.len += 1;
        if self.len > self.segments.len() * SEGMENT_LEN {
            self.split();
        }
        Some(entry)
    }

    /// Removes the entry with this hash for which `eq` holds.
    #[inline]
    pub fn remove(&mut self, hash: u64, eq: impl FnMut(T::Ref<'_>) -> bool) -> Option<T> {
        self.find_mut(hash, eq).map(Slot::remove)
    }

    /// Starts loading the bucket where `hash` belongs into the cache.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        if !self.segments.is_empty() {
            let home = Home::of(hash, self.segments.len());
            prefetch_read(self.segments[home.segment].home_address(home.tag(hash)));
        }
    }

    /// Starts loading the entry into the cache that [`Table::find`] would look at first for `hash`. Worth its
    /// while a little after [`Table::prefetch`], when the bucket has arrived.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        if self.segments.is_empty() {
            return;
        }
        let home = Home::of(hash, self.segments.len());
        let tag = home.tag(hash);
        let buckets = self.segments[home.segment].buckets();
        let home_bucket = bucket::home(tag, buckets.len());
        // The home bucket and the one behind it: nearly all entries are there, and this is a hint.
        for bucket in buckets.iter().skip(home_bucket).take(2) {
            let slot = bucket[bucket::matches(bucket, tag).trailing_zeros() as usize % SLOTS];
            if bucket::tag(slot) == tag && slot != 0 {
                let entry = bucket::pointer(slot).as_ptr();
                // The last byte may lie in a line of its own; a hint too many costs less than one too few.
                for at in (0..T::REACH - 1).step_by(LINE) {
                    prefetch_read(entry.wrapping_add(at));
                }
                prefetch_read(entry.wrapping_add(T::REACH - 1));
                return;
            }
            if bucket[SLOTS - 1] == 0 {
                return;
            }
        }
    }

    /// Starts loading what it takes to find these hashes, first all their buckets, then their entries.
    #[inline]
    pub fn prefetch_all(&self, hashes: impl Iterator<Item = u64> + Clone) {
        hashes.clone().for_each(|hash| self.prefetch(hash));
        hashes.for_each(|hash| self.prefetch_entry(hash));
    }

    /// Drops all entries.
    pub fn clear(&mut self) {
        drop(self.take());
    }

    /// Leaves the table empty and returns what was in it, to be dropped elsewhere for instance.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Segment, bucket and index of an entry.
    #[inline]
    fn probe(
        &self,
        hash: u64,
        eq: &mut impl FnMut(T::Ref<'_>) -> bool,
    ) -> Option<(usize, usize, usize)> {
        self.search(hash, eq).ok()
    }

    /// Segment, bucket and index of an entry, or the first bucket with room where it would be, if there is one.
    #[inline]
    fn search(
        &self,
        hash: u64,
        eq: &mut impl FnMut(T::Ref<'_>) -> bool,
    ) -> Result<(usize, usize, usize), Option<usize>> {
        if self.segments.is_empty() {
            return Err(None);
        }
        let home = Home::of(hash, self.segments.len());
        let tag = home.tag(hash);
        let buckets = self.segments[home.segment].buckets();
        let mut number = bucket::home(tag, buckets.len());
        loop {
            // There is no bucket at all in an empty segment, and one that is not full in every other.
            let bucket = buckets.get(number).ok_or(None)?;
            let mut candidates = bucket::matches(bucket, tag);
            while candidates != 0 {
                let index = candidates.trailing_zeros() as usize;
                candidates &= candidates - 1;
                let slot = bucket[index];
                // SAFETY: a used slot's entry is owned by this table, which is borrowed.
                if slot != 0 && eq(unsafe { T::borrow(bucket::pointer(slot)) }) {
                    return Ok((home.segment, number, index));
                }
            }
            if bucket[SLOTS - 1] == 0 {
                return Err(Some(number));
            }
            number = if number + 1 == buckets.len() {
                0
            } else {
                number + 1
            };
        }
    }

    /// Changes a segment's array, and the sums with it.
    #[cold]
    #[inline(never)]
    fn reshape(&mut self, segment: usize, change: impl FnOnce(&mut Segment)) {
        let segment = &mut self.segments[segment];
        self.array_bytes -= segment.bytes();
        change(segment);
        self.array_bytes += segment.bytes();
        self.most_buckets = self.most_buckets.max(segment.bucket_count());
    }

    /// Splits the next segment in turn, by the next bit of its entries' hashes.
    #[cold]
    #[inline(never)]
    fn split(&mut self) {
        let count = self.segments.len();
        let level = count.ilog2();
        if level >= MAX_LEVEL {
            return;
        }
        if count.is_power_of_two() {
            self.most_buckets = self
                .segments
                .iter()
                .map(Segment::bucket_count)
                .max()
                .unwrap_or(0);
        }
        // A quarter more, not twice as much: the directory of a large table is large.
        if self.segments.capacity() == count {
            self.segments.reserve_exact((count / 4).max(1));
        }
        let low = count - (1 << level);
        let source = std::mem::replace(&mut self.segments[low], Segment::empty());
        let upper_half = |slot: u64| bucket::tag(slot) >> (TAG_BITS - 1) == 1;
        let upper = source.slots().filter(|&slot| upper_half(slot)).count();
        let bounded = source.deadline != NEVER;
        let mut halves = [
            Segment::with_room(source.len() - upper, bounded),
            Segment::with_room(upper, bounded),
        ];
        let slots = source.buckets().as_flattened();
        for (index, &slot) in slots.iter().enumerate() {
            if let Some(&ahead) = slots.get(index + 2 * SLOTS).filter(|&&ahead| ahead != 0) {
                prefetch_read(bucket::pointer(ahead).as_ptr());
            }
            if slot == 0 {
                continue;
            }
            // SAFETY: the slot's entry is owned by this table, which is borrowed exclusively.
            let entry = unsafe { T::borrow(bucket::pointer(slot)) };
            let home = Home {
                segment: 0,
                depth: level + 1,
            };
            let tag = home.tag(T::hash(entry));
            debug_assert_eq!(
                tag >> 1,
                bucket::tag(slot) & ((1 << (TAG_BITS - 1)) - 1),
                "an entry was inserted under another hash than its own"
            );
            let deadline = if bounded {
                self.agenda.coarse(T::deadline(entry))
            } else {
                NEVER
            };
            halves[usize::from(upper_half(slot))].place(bucket::with_tag(slot, tag), deadline);
        }
        let [first, second] = halves;
        self.array_bytes += first.bytes() + second.bytes();
        self.array_bytes -= source.bytes();
        self.segments[low] = first;
        self.segments.push(second);
    }

    /// Whether the last segment should be merged away.
    #[inline]
    fn is_sparse(&self) -> bool {
        self.len < self.segments.len().saturating_sub(1) * SPARSE_LEN
    }

    /// Merges the last segment with the one that it was split from.
    #[cold]
    #[inline(never)]
    fn merge(&mut self) {
        let Some(upper) = self.segments.pop() else {
            return;
        };
        let count = self.segments.len();
        let low = count - (1 << count.ilog2());
        let lower = std::mem::replace(&mut self.segments[low], Segment::empty());
        let deadline = lower.deadline.min(upper.deadline);
        let mut both = Segment::with_room(lower.len() + upper.len(), deadline != NEVER);
        // One bit fewer chooses the segment, one more goes into the tag. No entry is touched: the last bit
        // of the tag is forgotten.
        both.place_all(&lower, |slot| {
            bucket::with_tag(slot, bucket::tag(slot) >> 1)
        });
        both.place_all(&upper, |slot| {
            bucket::with_tag(slot, 1 << (TAG_BITS - 1) | bucket::tag(slot) >> 1)
        });
        self.array_bytes += both.bytes();
        self.array_bytes -= lower.bytes() + upper.bytes();
        self.most_buckets = self.most_buckets.max(both.bucket_count());
        self.segments[low] = both;
        if self.segments.capacity() > 2 * self.segments.len() {
            self.segments
                .shrink_to(self.segments.len() + self.segments.len() / 4);
        }
    }

    /// Takes an entry out by its place, and makes the table smaller if it has become too large.
    fn take_at(&mut self, segment: usize, bucket: usize, index: usize) -> T {
        let slot = self.segments[segment].take(bucket, index);
        self.len -= 1;
        if self.segments[segment].is_loose() {
            self.reshape(segment, Segment::trim);
        }
        if self.len == 0 {
            self.reset();
        } else if self.is_sparse() {
            self.merge();
        }
        // SAFETY: the slot was in use, so that its entry was owned by this table, and it is gone from it.
        unsafe { T::from_raw(bucket::pointer(slot)) }
    }

    /// Gives up the directory and the arrays of a table whose entries are gone.
    fn reset(&mut self) {
        self.segments = Vec::new();
        self.len = 0;
        self.array_bytes = 0;
        self.most_buckets = 0;
        self.agenda = expiry::Agenda::new();
    }
}

impl<T: Thin> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Thin> Drop for Table<T> {
    fn drop(&mut self) {
        for mut segment in std::mem::take(&mut self.segments) {
            let slots = segment.buckets_mut().as_flattened_mut();
            for index in 0..slots.len() {
                if let Some(&ahead) = slots.get(index + 2 * SLOTS).filter(|&&ahead| ahead != 0) {
                    prefetch_read(bucket::pointer(ahead).as_ptr());
                }
                // The slot is emptied first: a destructor that panics must not run twice.
                let slot = std::mem::take(&mut slots[index]);
                if slot != 0 {
                    // SAFETY: the slot was in use, so that its entry was owned by this table.
                    drop(unsafe { T::from_raw(bucket::pointer(slot)) });
                }
            }
        }
    }
}

impl<T: Thin> std::fmt::Debug for Table<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Table")
            .field("len", &self.len)
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}
