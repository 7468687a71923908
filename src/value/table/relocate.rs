//! Moving a table's entries and arrays out of slabs that are to be emptied.

use super::{SLOTS, Table, Thin, bucket};
use crate::memory::{Mover, prefetch_read};
use crate::value::relocate::Cursor;

impl<T: Thin> Table<T> {
    /// Goes on with moving entries and arrays, and moves the cursor on; true at the end of the table. `visit` is shown every entry, and
    /// what it is from now on if it moves: the old one is there for the last time. It must not panic.
    ///
    /// What splits, merges and removals carry past the cursor is left out, or comes twice.
    pub fn relocate(
        &mut self,
        at: &mut Cursor,
        mover: &mut Mover,
        mut visit: impl FnMut(T::Ref<'_>, Option<T::Ref<'_>>),
    ) -> bool {
        while mover.may_go_on() {
            let Some(segment) = self.segments.get_mut(at.part) else {
                return true;
            };
            mover.look();
            if at.place == 0 {
                segment.relocate(mover);
            }
            let buckets = segment.buckets_mut();
            for &slot in buckets.get(at.place + 1).into_iter().flatten() {
                prefetch_read(bucket::pointer_hint(slot));
            }
            let Some(slots) = buckets.get_mut(at.place) else {
                *at = Cursor {
                    part: at.part + 1,
                    place: 0,
                };
                continue;
            };
            relocate_bucket::<T>(slots, mover, &mut visit);
            at.place += 1;
        }
        at.part >= self.segments.len()
    }
}

fn relocate_bucket<T: Thin>(
    slots: &mut [u64; SLOTS],
    mover: &mut Mover,
    visit: &mut impl FnMut(T::Ref<'_>, Option<T::Ref<'_>>),
) {
    for slot in slots.iter_mut().take_while(|slot| **slot != 0) {
        let raw = bucket::pointer(*slot);
        // SAFETY: a used slot's entry is owned by the table, which is borrowed exclusively, and is a block of that size. Its old block is
        // given back when the slot has the new address.
        unsafe {
            let entry = T::borrow(raw);
            let size = T::size(entry);
            let Some(moved) = mover.copy(raw, size) else {
                visit(entry, None);
                continue;
            };
            visit(entry, Some(T::borrow(moved)));
            *slot = bucket::with_pointer(*slot, moved);
            mover.release(raw, size);
        }
    }
}
