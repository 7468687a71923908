//! Counting hits by the class of uses and of age that the key had: on every request's path, by all threads at once.
//!
//! Threads have stripes of their own, or share one with few others. Two that count in one place at the same moment may lose a
//! count, which is no harm and saves the locked instruction.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::density::Grid;
use super::usage::{AGES, CLASSES, Usage, age_class};

const STRIPES: usize = 16;

/// A thread's counts, on cache lines of their own.
#[derive(Debug)]
#[repr(align(64))]
struct Stripe([[AtomicU32; AGES]; CLASSES]);

/// The hits since the last [`Hits::collect`].
#[derive(Debug)]
pub(super) struct Hits(LazyLock<Box<[Stripe]>>);

impl Default for Hits {
    fn default() -> Self {
        Self(LazyLock::new(|| {
            (0..STRIPES).map(|_| Stripe::new()).collect()
        }))
    }
}

impl Stripe {
    fn new() -> Self {
        Self(std::array::from_fn(|_| {
            std::array::from_fn(|_| AtomicU32::new(0))
        }))
    }
}

/// The stripe of this thread.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
    }
    MINE.with(|mine| *mine)
}

impl Hits {
    /// A key is used that has this behind it.
    #[inline]
    pub(super) fn note(&self, usage: Usage, tick: u32) {
        let Stripe(counts) = &self.0[stripe()];
        let count = &counts[usize::from(usage.class)][age_class(usage.age(tick))];
        count.store(
            count.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    /// Takes the counts, all threads' together.
    pub(super) fn collect(&self) -> Box<Grid> {
        let mut sums = Box::new([[0.0; AGES]; CLASSES]);
        for Stripe(counts) in &self.0[..] {
            for (sums, counts) in sums.iter_mut().zip(counts) {
                for (sum, count) in sums.iter_mut().zip(counts) {
                    if count.load(Ordering::Relaxed) > 0 {
                        *sum += count.swap(0, Ordering::Relaxed) as f32;
                    }
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_of_all_threads_are_collected_once() {
        let hits = Hits::default();
        std::thread::scope(|scope| {
            for class in 0..3 {
                let hits = &hits;
                scope.spawn(move || {
                    let usage = (0..class).fold(Usage::new(0), |usage, _| usage.used(0));
                    (0..100).for_each(|_| hits.note(usage, 8));
                });
            }
        });
        let sums = hits.collect();
        for class in sums.iter().take(3) {
            assert!((class[age_class(8)] - 100.0).abs() < f32::EPSILON);
        }
        assert!(hits.collect().iter().flatten().all(|sum| *sum == 0.0));
    }
}
