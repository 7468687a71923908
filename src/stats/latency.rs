//! Histograms of how long commands take: buckets of 1/16 relative width, one writer each, added up by the reader.

use std::sync::atomic::{AtomicU32, Ordering};

/// Sub-buckets a power of two.
const SUB: usize = 16;
/// Powers of two covered: up to 2^40 ns, some 18 minutes.
const POWERS: usize = 37;
const BUCKETS: usize = SUB * POWERS;

/// Counts of durations in nanoseconds.
#[derive(Debug)]
pub struct Histogram([AtomicU32; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU32::new(0) }; BUCKETS])
    }
}

fn bucket_of(nanos: u64) -> usize {
    if nanos < SUB as u64 {
        return nanos as usize;
    }
    let power = nanos.ilog2() as usize;
    let sub = (nanos >> (power - 4)) as usize % SUB;
    ((power - 3) * SUB + sub).min(BUCKETS - 1)
}

/// The largest duration that falls into a bucket.
fn upper_bound(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let (power, sub) = (bucket / SUB + 3, (bucket % SUB) as u64);
    ((SUB as u64 + sub + 1) << (power - 4)) - 1
}

/// Two to the power of nanoseconds in microseconds, as the peers show it: 33 for 32768 ns.
///
/// Their histograms have 128 steps a power of two, and a bound stands for the end of the step that it begins.
fn bound_in_micros(power: u32) -> u64 {
    let bound = 1u64 << power;
    (bound + bound / 128 - 1) / 1000
}

impl Histogram {
    /// Counts one duration. Only the owning thread calls it.
    #[inline]
    pub fn record(&self, nanos: u64) {
        let count = &self.0[bucket_of(nanos)];
        count.store(
            count.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    /// How many of all durations, over several threads' histograms, are at most how many microseconds: from the power of two
    /// (in steps of 1024 ns) that the shortest needs to the one that holds all. Empty if nothing was recorded.
    pub fn cumulative(histograms: &[&Self]) -> Vec<(u64, u64)> {
        let sum = |bucket: usize| -> u64 {
            let counts = histograms
                .iter()
                .map(|h| h.0[bucket].load(Ordering::Relaxed));
            counts.map(u64::from).sum()
        };
        let (mut counts, mut seen, mut bucket) = (Vec::new(), 0, 0);
        for power in 10.. {
            let before = seen;
            while bucket < BUCKETS && upper_bound(bucket) < 1 << power {
                seen += sum(bucket);
                bucket += 1;
            }
            if seen > before {
                counts.push((bound_in_micros(power), seen));
            }
            if bucket == BUCKETS {
                break;
            }
        }
        counts
    }

    /// Forgets everything.
    pub fn reset(&self) {
        for count in &self.0 {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// The durations in nanoseconds at or below which the given percentages of all lie, over several threads' histograms.
    ///
    /// `None` if nothing was recorded.
    pub fn percentiles(histograms: &[&Self], percents: &[f64]) -> Option<Vec<u64>> {
        let sums: Vec<u64> = (0..BUCKETS)
            .map(|i| {
                histograms
                    .iter()
                    .map(|h| u64::from(h.0[i].load(Ordering::Relaxed)))
                    .sum()
            })
            .collect();
        let total: u64 = sums.iter().sum();
        (total > 0).then(|| {
            let at = |percent: f64| {
                let wanted = ((percent / 100.0 * total as f64).ceil() as u64).clamp(1, total);
                let mut seen = 0;
                let bucket = sums.iter().position(|n| {
                    seen += n;
                    seen >= wanted
                });
                upper_bound(bucket.unwrap_or(BUCKETS - 1))
            };
            percents.iter().map(|p| at(*p)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_contiguous_and_ordered() {
        for bucket in 1..BUCKETS - 1 {
            assert_eq!(bucket_of(upper_bound(bucket)), bucket);
            assert_eq!(bucket_of(upper_bound(bucket) + 1), bucket + 1);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn cumulative_counts_rise_to_all() {
        let (a, b) = (Histogram::default(), Histogram::default());
        assert!(Histogram::cumulative(&[&a, &b]).is_empty());
        [900, 1_000, 3_000]
            .iter()
            .for_each(|nanos| a.record(*nanos));
        [3_500, 30_000, u64::MAX]
            .iter()
            .for_each(|nanos| b.record(*nanos));
        let counts = Histogram::cumulative(&[&a, &b]);
        assert_eq!(counts[..3], [(1, 2), (4, 4), (33, 5)]);
        assert_eq!((counts.len(), counts[3].1), (4, 6));
        assert_eq!([16, 17, 20].map(bound_in_micros), [66, 132, 1056]);
    }

    #[test]
    fn percentiles_of_several_threads() {
        let (a, b) = (Histogram::default(), Histogram::default());
        assert!(Histogram::percentiles(&[&a, &b], &[50.0]).is_none());
        (1..=500).for_each(|n| a.record(n * 1000));
        (501..=1000).for_each(|n| b.record(n * 1000));
        let found = Histogram::percentiles(&[&a, &b], &[50.0, 99.0, 100.0]).expect("recorded");
        for (found, truth) in found.iter().zip([500_000.0, 990_000.0, 1_000_000.0]) {
            let ratio = *found as f64 / truth;
            assert!((1.0..1.07).contains(&ratio), "{found} for {truth}");
        }
    }
}
