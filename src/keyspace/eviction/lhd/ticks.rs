//! The time that ages are counted in: it passes as keys are created.
//!
//! A *turn* is as many creations as there are keys, and has [`TURN`] ticks, or as many as there are keys in a smaller keyspace.
//! A creation is a tick with the probability that makes it so: nothing is counted, and the tick is a word that all threads read and that
//! seldom changes. Nothing gets old while nothing is created, since then nothing has to go either; but a second is a tick at the least, so
//! that a table of the last seconds' ticks tells idle times.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::usage::Usage;
use crate::clock::UnixMillis;
use crate::random;

/// Ticks in a turn, at the most.
pub(super) const TURN: usize = 4096;
/// Seconds whose ticks are known. When there are more, every other one of the older half is forgotten.
const SECONDS: usize = 1024;

/// The clock.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    tick: AtomicU32,
    /// Of so many creations one is a tick.
    creations: AtomicUsize,
    /// Keys at the last census.
    keys: AtomicUsize,
    /// Creations since then, about.
    since: AtomicUsize,
    /// The second that it is.
    second: AtomicI64,
    /// Seconds, and the ticks at which they began.
    past: Mutex<VecDeque<(i64, u32)>>,
}

impl Ticks {
    /// The tick.
    #[inline]
    pub(super) fn now(&self) -> u32 {
        self.tick.load(Ordering::Relaxed)
    }

    /// The tick, at a moment that somebody has read from the clock.
    #[inline]
    pub(super) fn at(&self, now: UnixMillis) -> u32 {
        let second = now / 1000;
        let before = self.second.load(Ordering::Relaxed);
        if second > before {
            self.pass_second(before, second);
        }
        self.now()
    }

    #[cold]
    fn pass_second(&self, before: i64, second: i64) {
        let won = self
            .second
            .compare_exchange(before, second, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if !won {
            return;
        }
        let tick = self.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut past = self.past.lock();
        past.push_back((second, tick));
        if past.len() > SECONDS {
            let mut number = 0;
            past.retain(|_| {
                number += 1;
                number > SECONDS / 2 || number % 2 == 1
            });
        }
    }

    /// A key is created. Gives the tick.
    pub(super) fn pass_insertion(&self) -> u32 {
        let creations = self.creations.load(Ordering::Relaxed).max(1);
        if creations > 1 && random::below(creations) > 0 {
            return self.now();
        }
        let tick = self.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let since = self.since.fetch_add(creations, Ordering::Relaxed) + creations;
        // While a cache fills there is no census: there may be as many keys as were created.
        if since > self.keys.load(Ordering::Relaxed) {
            self.creations.store(since / TURN, Ordering::Relaxed);
        }
        tick
    }

    /// There are so many keys, by a census.
    pub(super) fn set_keys(&self, keys: usize) {
        self.keys.store(keys, Ordering::Relaxed);
        self.since.store(0, Ordering::Relaxed);
        self.creations.store(keys / TURN, Ordering::Relaxed);
    }

    /// The ticks in a turn.
    pub(super) fn turn(&self) -> usize {
        self.keys.load(Ordering::Relaxed).min(TURN)
    }

    /// Seconds since a use, about.
    pub(super) fn seconds_since(&self, usage: Usage, now: UnixMillis) -> u32 {
        let tick = self.at(now);
        let age = usage.age(tick);
        let past = self.past.lock();
        // The last second that had begun by then; else it was before all that are known.
        let began = |entry: &(i64, u32)| tick.wrapping_sub(entry.1) >= age;
        let known = past.partition_point(began).saturating_sub(1);
        let second = past.get(known).map_or(now / 1000, |entry| entry.0);
        u32::try_from(now / 1000 - second).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_has_as_many_ticks_whatever_the_number_of_keys() {
        for keys in [100, 4_096, 400_000] {
            let ticks = Ticks::default();
            ticks.set_keys(keys);
            let before = ticks.now();
            (0..keys).for_each(|_| {
                ticks.pass_insertion();
            });
            let passed = (ticks.now() - before) as usize;
            let wanted = keys.min(TURN);
            assert!(passed.abs_diff(wanted) <= wanted / 8, "{keys} {passed}");
        }
    }

    #[test]
    fn while_a_cache_fills_ticks_get_longer() {
        let ticks = Ticks::default();
        (0..3_000_000).for_each(|_| {
            ticks.pass_insertion();
        });
        assert!((10_000..60_000).contains(&ticks.now()), "{}", ticks.now());
    }

    #[test]
    fn idle_times_are_known_with_and_without_creations() {
        let ticks = Ticks::default();
        let start = 1_800_000_000_000;
        let early = Usage::new(ticks.at(start));
        for second in 0..100 {
            ticks.at(start + second * 1000);
            (0..50).for_each(|_| {
                ticks.pass_insertion();
            });
        }
        let late = Usage::new(ticks.at(start + 100_000));
        let now = start + 130_000;
        assert_eq!(ticks.seconds_since(early, now), 130);
        assert_eq!(ticks.seconds_since(late, now), 30);
        // A clock that was set back makes nobody older.
        assert_eq!(ticks.seconds_since(late, start), 0);
    }

    #[test]
    fn the_far_past_is_known_less_exactly() {
        let ticks = Ticks::default();
        let start = 1_800_000_000_000;
        let old = Usage::new(ticks.at(start));
        let mut middle = old;
        for second in 0..10_000 {
            let tick = ticks.at(start + second * 1000);
            if second == 9_900 {
                middle = Usage::new(tick);
            }
        }
        let now = start + 10_000_000;
        assert!(ticks.seconds_since(old, now).abs_diff(10_000) < 10);
        assert!(ticks.seconds_since(middle, now).abs_diff(100) < 4);
        assert!(ticks.past.lock().len() <= SECONDS);
    }
}
