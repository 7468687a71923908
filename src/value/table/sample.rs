//! Entries with a deadline: one at random, or the soonest.

use super::bucket::{self, SLOTS};
use super::segment::NEVER;
use super::{Slot, Table, Thin};

/// Draws before the next bucket with a deadline is taken, whichever it is.
const DRAWS: usize = 64;

impl<T: Thin> Table<T> {
    /// An entry with a deadline for which `wanted` holds, at random. `random` gives uniform 64-bit numbers.
    ///
    /// Each has the same chance where such entries are not rare; where they are, those behind a gap have more.
    pub fn random_with_deadline(
        &mut self,
        random: &mut impl FnMut() -> u64,
        mut wanted: impl FnMut(T::Ref<'_>) -> bool,
    ) -> Option<Slot<'_, T>> {
        if self.len == 0 || self.agenda.earliest == NEVER {
            return None;
        }
        let mut below = |limit: usize| ((u128::from(random()) * limit as u128) >> 64) as usize;
        for _ in 0..DRAWS {
            let segment = below(self.segments.len());
            let (at, index) = (below(self.most_buckets), below(SLOTS));
            if at < self.segments[segment].bucket_count()
                && self.is_wanted(segment, at, index, &mut wanted)
            {
                return Some(Slot::new(self, segment, at, index));
            }
        }
        let first = below(self.segments.len());
        let count = self.segments.len();
        for number in (first..count).chain(0..first) {
            let buckets = self.segments[number].bucket_count();
            let start = below(buckets.max(1));
            for at in (start..buckets).chain(0..start) {
                let turn = below(SLOTS);
                for index in (turn..SLOTS).chain(0..turn) {
                    if self.is_wanted(number, at, index, &mut wanted) {
                        return Some(Slot::new(self, number, at, index));
                    }
                }
            }
        }
        None
    }

    /// Whether a place holds an entry with a deadline that is wanted. Touches no entry of a bucket without deadlines.
    fn is_wanted(
        &self,
        segment: usize,
        at: usize,
        index: usize,
        wanted: &mut impl FnMut(T::Ref<'_>) -> bool,
    ) -> bool {
        let segment = &self.segments[segment];
        if segment.bound(at) == NEVER {
            return false;
        }
        let slot = segment.buckets()[at][index];
        // SAFETY: a used slot's entry is owned by this table, which is borrowed.
        slot != 0 && wanted(unsafe { T::borrow(bucket::pointer(slot)) })
    }

    /// The entry for which `deadline` gives the earliest time, if it gives one for any. It gives none that is earlier than
    /// [`Thin::deadline`].
    ///
    /// Looks at the bounds of all buckets that could hold it, and only at the entries of a few.
    pub fn soonest(
        &mut self,
        mut deadline: impl FnMut(T::Ref<'_>) -> Option<u64>,
    ) -> Option<Slot<'_, T>> {
        let agenda = &self.agenda;
        let mut best: Option<(u64, usize, usize, usize)> = None;
        let mut best_unit = NEVER;
        for (number, segment) in self.segments.iter_mut().enumerate() {
            if segment.deadline > best_unit || segment.deadline == NEVER {
                continue;
            }
            for at in 0..segment.bucket_count() {
                let bound = segment.bound(at);
                if bound == NEVER || bound > best_unit {
                    continue;
                }
                let mut exact = NEVER;
                let used = segment.buckets()[at]
                    .into_iter()
                    .take_while(|slot| *slot != 0);
                for (index, slot) in used.enumerate() {
                    // SAFETY: a used slot's entry is owned by this table, which is borrowed.
                    let entry = unsafe { T::borrow(bucket::pointer(slot)) };
                    exact = exact.min(agenda.coarse(T::deadline(entry)));
                    if let Some(time) = deadline(entry)
                        && best.is_none_or(|(earliest, ..)| time < earliest)
                    {
                        best = Some((time, number, at, index));
                        best_unit = agenda.coarse(Some(time));
                    }
                }
                segment.bounds_mut()[at] = exact;
            }
            segment.deadline = segment.bounds_mut().iter().copied().min().unwrap_or(NEVER);
        }
        let bounds = self.segments.iter().map(|segment| segment.deadline);
        self.agenda.earliest = bounds.min().unwrap_or(NEVER);
        let (_, segment, at, index) = best?;
        Some(Slot::new(self, segment, at, index))
    }
}
