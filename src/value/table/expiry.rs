//! Which entries are due: an index of half a byte an entry that live entries never pay for.
//!
//! Every bucket that may hold an entry with a deadline has a bound, a segment has the earliest of its
//! buckets' bounds, and the table the earliest of its segments'. A pass of [`Table::next_due`] skips
//! whatever cannot hold a due entry, looks into the rest, and makes their bounds exact. A deadline that moves
//! later or disappears is not noted at all: the bound is only found to be early when its time comes.
//!
//! Bounds are in units of 16 ms, rounded down, from a base some weeks before the first deadline that the table sees. One that is earlier
//! still moves the base, and all bounds with it; so does time when it has come far. An entry is due for the index once
//! its unit has passed, which is up to [`UNIT_MS`] late and spares looking at the same bucket twice within a unit.

use super::segment::NEVER;
use super::{SLOTS, Slot, Table, Thin, bucket};
use crate::memory::prefetch_read;

/// Milliseconds to a unit of a bound.
pub const UNIT_MS: u64 = 16;
/// Units from a new base to what it was made for: seven weeks, of the two years that bounds can tell apart.
const MARGIN: u64 = 1 << 28;
/// Units that have passed when the base is moved after them.
const FAR: u64 = 3 << 30;

/// Segments that are passed over for the price of looking at one bucket.
const SKIPS_PER_UNIT: usize = 16;

/// The table's part of the index.
#[derive(Debug)]
pub(super) struct Agenda {
    /// Milliseconds at unit zero: no deadline in the table is earlier.
    base: u64,
    /// No segment's bound is earlier.
    pub(super) earliest: u32,
    /// Where the pass goes on. The bucket is a hint: what moved before it waits for the next pass.
    segment: u32,
    bucket: u16,
}

impl Agenda {
    pub(super) const fn new() -> Self {
        Self {
            base: u64::MAX,
            earliest: NEVER,
            segment: 0,
            bucket: 0,
        }
    }

    /// The unit of a deadline that has been announced.
    #[inline]
    pub(super) fn coarse(&self, deadline: Option<u64>) -> u32 {
        let Some(milliseconds) = deadline else {
            return NEVER;
        };
        let units = milliseconds.saturating_sub(self.base) / UNIT_MS;
        u32::try_from(units).unwrap_or(NEVER).min(NEVER - 1)
    }

    /// What lies before this has passed at `now`. It may lie beyond all bounds.
    fn passed(&self, now: u64) -> u64 {
        now.saturating_sub(self.base) / UNIT_MS
    }
}

impl<T: Thin> Table<T> {
    /// The unit of a deadline that enters the table.
    #[inline]
    pub(super) fn announce(&mut self, deadline: Option<u64>) -> u32 {
        let Some(milliseconds) = deadline else {
            return NEVER;
        };
        if milliseconds < self.agenda.base {
            self.rebase(milliseconds);
        }
        let unit = self.agenda.coarse(deadline);
        self.agenda.earliest = self.agenda.earliest.min(unit);
        unit
    }

    /// Moves the base to some time before `milliseconds`. Bounds that become too large stay early by being cut.
    #[cold]
    fn rebase(&mut self, milliseconds: u64) {
        let base = milliseconds.saturating_sub(MARGIN * UNIT_MS) / UNIT_MS * UNIT_MS;
        let before = std::mem::replace(&mut self.agenda.base, base);
        if before == u64::MAX {
            return;
        }
        let units = |milliseconds: u64| u32::try_from(milliseconds / UNIT_MS).unwrap_or(NEVER);
        let later = units(before.saturating_sub(base));
        let sooner = units(base.saturating_sub(before));
        let shift = |bound: &mut u32| {
            if *bound != NEVER {
                let moved = bound.saturating_add(later).min(NEVER - 1);
                *bound = moved.saturating_sub(sooner);
            }
        };
        for segment in &mut self.segments {
            shift(&mut segment.deadline);
            if segment.bucket_count() > 1 {
                segment.bounds_mut().iter_mut().for_each(shift);
            }
        }
        shift(&mut self.agenda.earliest);
    }

    /// Lets the base follow the time, unless something from the time before is still there.
    fn follow(&mut self, now: u64) {
        let is_far = |time: u64| self.agenda.passed(time) > FAR;
        if is_far(now) && self.earliest_deadline().is_none_or(is_far) {
            let earliest = self.earliest_deadline().unwrap_or(now);
            self.rebase(now.min(earliest));
        }
    }

    /// A time in milliseconds before which no entry is due; `None` if none has a deadline.
    pub fn earliest_deadline(&self) -> Option<u64> {
        let earliest = self.agenda.earliest;
        (earliest != NEVER).then(|| self.agenda.base + u64::from(earliest) * UNIT_MS)
    }

    /// The next entry whose deadline is before `now`, for the caller to remove or to give a later deadline:
    /// as long as it does neither, the same entry comes again.
    ///
    /// Entries come in no particular order, up to [`UNIT_MS`] after their deadline. Every bucket looked at takes
    /// one from `budget`, and at zero the answer is `None` until the next call with a new one, which goes on
    /// from there. `None` with some budget left means the end of a pass; the next call begins another. What a
    /// removal moves to behind the pass, when it merges segments, is left to the next one.
    pub fn next_due(&mut self, now: u64, budget: &mut usize) -> Option<Slot<'_, T>> {
        let (segment, bucket, index) = self.seek_due(now, budget)?;
        Some(Slot::new(self, segment, bucket, index))
    }

    fn seek_due(&mut self, now: u64, budget: &mut usize) -> Option<(usize, usize, usize)> {
        self.follow(now);
        let passed = self.agenda.passed(now);
        if u64::from(self.agenda.earliest) >= passed || self.agenda.earliest == NEVER {
            return None;
        }
        let mut skipped = 0;
        while *budget > 0 {
            let number = self.agenda.segment as usize;
            let Some(segment) = self.segments.get_mut(number) else {
                // The end of a pass: what it has left behind is the whole truth.
                let bounds = self.segments.iter().map(|segment| segment.deadline);
                self.agenda.earliest = bounds.min().unwrap_or(NEVER);
                (self.agenda.segment, self.agenda.bucket) = (0, 0);
                return None;
            };
            let is_due = |bound: u32| bound != NEVER && u64::from(bound) < passed;
            if !is_due(segment.deadline) {
                (self.agenda.segment, self.agenda.bucket) = (self.agenda.segment + 1, 0);
                skipped += 1;
                if skipped % SKIPS_PER_UNIT == 0 {
                    *budget -= 1;
                }
                continue;
            }
            let from = usize::from(self.agenda.bucket);
            let next = (from..segment.bucket_count()).find(|&at| is_due(segment.bound(at)));
            let Some(at) = next else {
                segment.deadline = segment.bounds_mut().iter().copied().min().unwrap_or(NEVER);
                (self.agenda.segment, self.agenda.bucket) = (self.agenda.segment + 1, 0);
                continue;
            };
            *budget -= 1;
            let bucket = &segment.buckets()[at];
            let used = bucket.iter().take_while(|&&slot| slot != 0);
            used.for_each(|&slot| prefetch_read(bucket::pointer(slot).as_ptr()));
            let mut bound = NEVER;
            for (index, &slot) in bucket
                .iter()
                .enumerate()
                .take_while(|&(_, &slot)| slot != 0)
            {
                // SAFETY: a used slot's entry is owned by this table, which is borrowed.
                let deadline = T::deadline(unsafe { T::borrow(bucket::pointer(slot)) });
                let unit = self.agenda.coarse(deadline);
                if deadline.is_some_and(|deadline| deadline < now) && u64::from(unit) < passed {
                    self.agenda.bucket = at as u16;
                    return Some((number, at, index));
                }
                bound = bound.min(unit);
            }
            debug_assert!(bucket.len() == SLOTS);
            segment.bounds_mut()[at] = bound;
            self.agenda.bucket = at as u16 + 1;
        }
        None
    }
}
