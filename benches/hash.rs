//! Hashes: packed ones of the usual sizes, and a large one of a million fields.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use larder::value::hash::Hash;
use larder::value::packed::PackedHash;

const FIELDS: usize = 1_000_000;
const VALUE: [u8; 24] = [b'v'; 24];

fn name(number: usize) -> Vec<u8> {
    format!("field:{number:012}").into_bytes()
}

/// Numbers in an order that no cache expects.
fn shuffled(count: usize) -> impl Iterator<Item = usize> {
    (0..).map(move |step: usize| step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % count)
}

fn packed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packed hash");
    for count in [5, 64, 512] {
        let names: Vec<_> = (0..count).map(name).collect();
        let pairs = names.iter().map(|name| (&name[..], &VALUE[..]));
        let bytes = PackedHash::from_pairs(pairs);
        let mut numbers = shuffled(count);
        let mut any = || &names[numbers.next().expect("the numbers never end")];
        group.bench_function(format!("get of {count}"), |bencher| {
            bencher.iter(|| black_box(PackedHash::new(&bytes).get(any())));
        });
        let mut buf = bytes.clone();
        group.bench_function(format!("set of {count}"), |bencher| {
            bencher.iter(|| PackedHash::insert(&mut buf, any(), &VALUE));
        });
    }
}

fn large(criterion: &mut Criterion) {
    let names: Vec<_> = (0..FIELDS).map(name).collect();
    let mut hash = Hash::new();
    for name in &names {
        hash.insert(name, &VALUE);
    }
    println!("{:.1} bytes a field", hash.memory() as f64 / FIELDS as f64);
    let mut numbers = shuffled(FIELDS);
    let mut any = || &names[numbers.next().expect("the numbers never end")];
    let mut group = criterion.benchmark_group("large hash");
    group.bench_function("get", |bencher| {
        bencher.iter(|| black_box(hash.get(any()).map(|field| field.value()[0])));
    });
    group.bench_function("set", |bencher| bencher.iter(|| hash.insert(any(), &VALUE)));
    group.bench_function("build 10,000", |bencher| {
        bencher.iter_batched(
            Hash::new,
            |mut hash| {
                for name in &names[..10_000] {
                    hash.insert(name, &VALUE);
                }
                hash
            },
            BatchSize::LargeInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = packed, large
}
criterion_main!(benches);
