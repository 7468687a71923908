//! What a record's 24 bits say under this policy: when it was last used, and about how often.
//!
//! ```text
//! uses     last use
//! 3 bits   21 bits
//! ```
//!
//! Time is counted in *ticks*: a few thousand of them pass while as many keys are created as there are (see the clock in
//! the policy). So ages mean the same in a small and in a large cache, and 21 bits reach over hundreds of such turns. *Uses*
//! is a logarithm: 0, 1, 2, 3-4, 5-8, 9-16, 17-32 and more, counted up at random with the right odds.
//!
//! What is remembered of an evicted key is 16 of these bits: all three of uses, and the last use to four ticks.

use crate::random;

/// Classes of uses.
pub(super) const CLASSES: usize = 1 << CLASS_BITS;
/// Classes of age: four an octave.
pub(super) const AGES: usize = (TICK_BITS as usize) << OCTAVE_SHIFT;

const CLASS_BITS: u32 = 3;
const TICK_BITS: u32 = 21;
const TICKS: u32 = (1 << TICK_BITS) - 1;
const OCTAVE_SHIFT: u32 = 2;
/// A memory's ticks: 13 bits, each four ticks long.
const MEMORY_SHIFT: u32 = 2;
const MEMORY_TICKS: u32 = (1 << 13) - 1;

/// When and about how often a key was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// The class of uses, below [`CLASSES`].
    pub(super) class: u8,
    /// The tick of the last use.
    at: u32,
}

impl Usage {
    /// A key that is created at a tick.
    pub(super) fn new(tick: u32) -> Self {
        Self {
            class: 0,
            at: tick & TICKS,
        }
    }

    /// From a record's history.
    #[inline]
    pub(super) fn from_history(history: u32) -> Self {
        Self {
            class: (history >> TICK_BITS) as u8 & (CLASSES - 1) as u8,
            at: history & TICKS,
        }
    }

    /// A record's history.
    #[inline]
    pub(super) fn history(self) -> u32 {
        u32::from(self.class) << TICK_BITS | self.at
    }

    /// What is remembered when the key is evicted.
    pub(super) fn memory(self) -> u16 {
        let at = self.at >> MEMORY_SHIFT & MEMORY_TICKS;
        u16::from(self.class) << 13 | at as u16
    }

    /// From what was remembered. What is older than a memory's ticks reach looks younger.
    pub(super) fn from_memory(memory: u16, tick: u32) -> Self {
        let now = tick >> MEMORY_SHIFT;
        let age = now.wrapping_sub(u32::from(memory)) & MEMORY_TICKS;
        Self {
            class: (memory >> 13) as u8,
            at: tick.wrapping_sub(age << MEMORY_SHIFT) & TICKS,
        }
    }

    /// Ticks since the last use.
    #[inline]
    pub(super) fn age(self, tick: u32) -> u32 {
        tick.wrapping_sub(self.at) & TICKS
    }

    /// The same after one more use.
    #[inline]
    pub(super) fn used(self, tick: u32) -> Self {
        let more = match self.class {
            0 | 1 => true,
            class if usize::from(class) + 1 < CLASSES => random::below(1 << (class - 2)) == 0,
            _ => false,
        };
        Self {
            class: self.class + u8::from(more),
            at: tick & TICKS,
        }
    }
}

/// The class of an age in ticks.
#[inline]
pub(super) fn age_class(age: u32) -> usize {
    let age = age.max(1);
    let octave = age.ilog2();
    let part = ((u64::from(age) << OCTAVE_SHIFT) >> octave) as usize & ((1 << OCTAVE_SHIFT) - 1);
    ((octave as usize) << OCTAVE_SHIFT) + part
}

/// How many ticks a class of age is long.
pub(super) fn age_width(class: usize) -> f64 {
    let octave = class >> OCTAVE_SHIFT;
    (1u64 << octave) as f64 / f64::from(1 << OCTAVE_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_and_memory_keep_what_they_promise() {
        for (class, tick) in [(0, 0), (7, 12_345), (3, TICKS)] {
            let usage = Usage { class, at: tick };
            assert_eq!(Usage::from_history(usage.history()), usage);
            assert!(usage.history() < 1 << 24);
            for later in [0, 7, 30_000] {
                let now = tick.wrapping_add(later);
                let memory = Usage::from_memory(usage.memory(), now);
                assert_eq!(memory.class, class);
                assert!(memory.age(now).abs_diff(usage.age(now)) <= 4);
            }
        }
    }

    #[test]
    fn ages_wrap_with_the_ticks() {
        let usage = Usage::new(TICKS - 1);
        assert_eq!(usage.age(TICKS + 9), 10);
    }

    #[test]
    fn uses_grow_with_the_logarithm() {
        let rounds = 2_000;
        let mut total = 0;
        for _ in 0..rounds {
            let mut usage = Usage::new(0);
            let mut uses = 0;
            while usage.class < 6 {
                usage = usage.used(1);
                uses += 1;
            }
            total += uses;
        }
        // One, one, and then 1, 2, 4 and 8 on average.
        let mean = f64::from(total) / f64::from(rounds);
        assert!((16.0..18.0).contains(&mean), "{mean}");
        let most = (0..1000).fold(Usage::new(0), |usage, _| usage.used(1));
        assert_eq!(usize::from(most.class), CLASSES - 1);
    }

    #[test]
    fn classes_of_age_are_in_order_and_in_range() {
        let mut last = 0;
        for age in 0..200_000 {
            let class = age_class(age);
            assert!(class >= last && class < AGES);
            last = class;
        }
        assert_eq!(age_class(TICKS), AGES - 1);
        assert_eq!((age_class(4), age_class(5), age_class(8)), (8, 9, 12));
        assert!((age_width(8) - 1.0).abs() < f64::EPSILON);
    }
}
