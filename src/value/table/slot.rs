//! One entry in its place: to change, replace or remove it after it was found.

use super::{Table, Thin, bucket};

/// An entry's place in a table, borrowed exclusively.
pub struct Slot<'a, T: Thin> {
    table: &'a mut Table<T>,
    segment: usize,
    bucket: usize,
    index: usize,
    /// What is in the slot, read once: finding it again takes three steps.
    word: u64,
}

impl<'a, T: Thin> Slot<'a, T> {
    #[inline]
    pub(super) fn new(
        table: &'a mut Table<T>,
        segment: usize,
        bucket: usize,
        index: usize,
    ) -> Self {
        let word = table.segments[segment].buckets()[bucket][index];
        Self {
            table,
            segment,
            bucket,
            index,
            word,
        }
    }

    fn set_word(&mut self, word: u64) {
        self.word = word;
        self.table.segments[self.segment].buckets_mut()[self.bucket][self.index] = word;
    }

    /// The entry.
    #[inline]
    pub fn get(&self) -> T::Ref<'_> {
        // SAFETY: the slot is in use, its entry is owned by the table, and the slot is borrowed.
        unsafe { T::borrow(bucket::pointer(self.word)) }
    }

    /// The entry, to be changed in place: its key and hash stay as they are. After a change that makes its
    /// deadline earlier, call [`Slot::note_deadline`].
    #[inline]
    pub fn get_mut(&mut self) -> T::Mut<'_> {
        // SAFETY: the slot is in use, its entry is owned by the table, and the slot is borrowed exclusively.
        unsafe { T::borrow_mut(bucket::pointer(self.word)) }
    }

    /// The entry, for as long as the table is borrowed.
    #[inline]
    pub fn into_ref(self) -> T::Ref<'a> {
        // SAFETY: as for `get`; the table stays borrowed for `'a`.
        unsafe { T::borrow(bucket::pointer(self.word)) }
    }

    /// The entry to be changed in place, for as long as the table is borrowed. See [`Slot::get_mut`].
    #[inline]
    pub fn into_mut(self) -> T::Mut<'a> {
        // SAFETY: as for `get_mut`; the table stays borrowed exclusively for `'a`.
        unsafe { T::borrow_mut(bucket::pointer(self.word)) }
    }

    /// The bits that belong to the table's owner: zero at insertion, kept over every move. There are
    /// [`super::OWNER_BITS`] of them.
    #[inline]
    pub fn bits(&self) -> u8 {
        bucket::owner_bits(self.word)
    }

    /// Sets the bits that belong to the table's owner; higher ones are ignored.
    #[inline]
    pub fn set_bits(&mut self, bits: u8) {
        self.set_word(bucket::with_owner_bits(self.word, bits));
    }

    /// Puts another entry with the same hash here and returns the one before. The owner's bits stay.
    pub fn replace(&mut self, entry: T) -> T {
        let raw = entry.into_raw();
        let before = bucket::pointer(self.word);
        self.set_word(bucket::with_pointer(self.word, raw));
        self.note_deadline();
        // SAFETY: the slot was in use, so that its entry was owned by the table, and it is gone from it.
        unsafe { T::from_raw(before) }
    }

    /// Passes the entry through `change`, which may give back another one with the same hash: the same one
    /// after a reallocation, for instance. If `change` panics the table has lost the entry.
    pub fn replace_with(&mut self, change: impl FnOnce(T) -> T) {
        /// Removes the slot, whose entry is gone, when `change` unwinds.
        struct Lost<'b, 'a, T: Thin>(&'b mut Slot<'a, T>);
        impl<T: Thin> Drop for Lost<'_, '_, T> {
            fn drop(&mut self) {
                let slot = &mut *self.0;
                slot.table.segments[slot.segment].take(slot.bucket, slot.index);
                slot.table.len -= 1;
            }
        }
        let lost = Lost(self);
        // SAFETY: the slot is in use, so that its entry is owned by the table. The slot is not read again
        // before it holds another entry or is removed.
        let raw = change(unsafe { T::from_raw(bucket::pointer(lost.0.word)) }).into_raw();
        let slot = &mut *lost.0;
        slot.set_word(bucket::with_pointer(slot.word, raw));
        std::mem::forget(lost);
        self.note_deadline();
    }

    /// Makes the table notice the entry's deadline. Needed after a change in place that made it earlier; one
    /// that made it later, or removed it, costs nothing and needs no call.
    pub fn note_deadline(&mut self) {
        let deadline = T::deadline(self.get());
        if deadline.is_none() {
            return;
        }
        let deadline = self.table.announce(deadline);
        if !self.table.segments[self.segment].is_bounded() {
            self.table
                .reshape(self.segment, |segment| segment.keep_bounds());
            (self.bucket, self.index) = self.table.segments[self.segment].position_of(self.word);
        }
        self.table.segments[self.segment].lower_bound(self.bucket, deadline);
    }

    /// Removes the entry from the table.
    #[inline]
    pub fn remove(self) -> T {
        self.table.take_at(self.segment, self.bucket, self.index)
    }
}

impl<T: Thin> std::fmt::Debug for Slot<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Slot")
            .field("bits", &self.bits())
            .finish_non_exhaustive()
    }
}
