//! Large sorted sets: what `ZADD`, `ZSCORE`, `ZRANK` and `ZRANGE` cost below the command.
//!
//! One million members of 19 bytes, more than the caches hold; members and scores are visited in a random order.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use larder::value::zset::{ScoreBound, ScoreRange, ZSet};

const MEMBERS: u64 = 1_000_000;

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn score(&mut self) -> f64 {
        (self.next() % 100_000_000) as f64 / 100.0
    }

    fn name(&mut self) -> [u8; 19] {
        name(self.next() % MEMBERS)
    }
}

fn name(number: u64) -> [u8; 19] {
    let mut name = *b"player:000000000000";
    let mut rest = number;
    for digit in name.iter_mut().rev().take(12) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    name
}

fn filled() -> ZSet {
    let mut random = Random(1);
    let mut zset = ZSet::new();
    for number in 0..MEMBERS {
        zset.insert(&name(number), random.score());
    }
    zset
}

fn building(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("build");
    group.sample_size(10);
    let mut orders = |label: &str, multiplier: u64| {
        group.bench_function(label, |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    // A million a round; told as if a round were a thousand.
                    let mut zset = ZSet::new();
                    let start = Instant::now();
                    for number in 0..MEMBERS {
                        let number = number * multiplier % MEMBERS;
                        zset.insert(&name(number), number as f64);
                    }
                    spent += start.elapsed() / 1000;
                }
                spent
            });
        });
    };
    orders("1000 in order", 1);
    orders("1000 in random order", 387_420_489);
}

fn operations(criterion: &mut Criterion) {
    let mut zset = filled();
    let mut random = Random(2);
    let mut group = criterion.benchmark_group("million");
    group.sample_size(20);
    group.measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function("update to a random score", |bencher| {
        bencher.iter(|| zset.insert(&random.name(), random.score()));
    });
    group.bench_function("add a little to a score", |bencher| {
        bencher.iter(|| zset.update(&random.name(), |old| old.map(|score| score + 0.5)));
    });
    group.bench_function("remove and add again", |bencher| {
        bencher.iter(|| {
            let name = random.name();
            let score = zset.remove(&name).unwrap_or_default();
            zset.insert(&name, score)
        });
    });
    group.bench_function("score", |bencher| {
        bencher.iter(|| black_box(&zset).score(&random.name()));
    });
    group.bench_function("rank", |bencher| {
        bencher.iter(|| black_box(&zset).rank(&random.name()));
    });
    group.bench_function("by rank", |bencher| {
        bencher.iter(|| {
            zset.by_rank(random.next() as usize % zset.len())
                .map(|(name, _)| name[0])
        });
    });
    group.bench_function("top ten", |bencher| {
        let sum = |zset: &ZSet| -> f64 {
            zset.iter()
                .rev()
                .take(10)
                .map(|(name, score)| score + f64::from(name[18]))
                .sum()
        };
        bencher.iter(|| sum(black_box(&zset)));
    });
    group.bench_function("ten from a random rank", |bencher| {
        bencher.iter(|| {
            let from = random.next() as usize % zset.len();
            zset.range(from..from + 10)
                .map(|(name, score)| score + f64::from(name[18]))
                .sum::<f64>()
        });
    });
    group.bench_function("count of a range of scores", |bencher| {
        bencher.iter(|| {
            let (min, max) = (random.score(), random.score());
            let bound = |score| ScoreBound {
                score,
                exclusive: false,
            };
            zset.score_range(&ScoreRange {
                min: bound(min),
                max: bound(max),
            })
            .len()
        });
    });
    group.finish();
}

criterion_group!(benches, building, operations);
criterion_main!(benches);
