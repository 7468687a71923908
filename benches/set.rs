//! Sets: packed ones of the usual sizes, and a large one of a million members of 19 bytes.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use larder::resp::{Protocol, Reply};
use larder::value::packed::{IntSet, PackedSet};
use larder::value::set::{BATCH, Set};

const MEMBERS: usize = 1_000_000;

fn name(number: usize) -> Vec<u8> {
    format!("member:{number:012}").into_bytes()
}

/// Numbers in an order that no cache expects.
fn shuffled(count: usize) -> impl Iterator<Item = usize> {
    (0..).map(move |step: usize| step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % count)
}

fn packed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("packed set");
    for count in [8, 128] {
        let names: Vec<_> = (0..count).map(name).collect();
        let bytes = PackedSet::from_members(names.iter());
        let mut numbers = shuffled(count);
        let mut any = || &names[numbers.next().expect("the numbers never end")];
        group.bench_function(format!("contains of {count}"), |bencher| {
            bencher.iter(|| black_box(PackedSet::new(&bytes).contains(any())));
        });
    }
    for count in [8, 512] {
        let bytes = IntSet::from_sorted((0..count).map(|number| number * 3));
        let mut numbers = shuffled(count as usize * 3);
        group.bench_function(format!("contains of {count} integers"), |bencher| {
            bencher.iter(|| {
                let number = numbers.next().expect("the numbers never end");
                black_box(IntSet::new(&bytes).contains(number as i64))
            });
        });
    }
}

fn large(criterion: &mut Criterion) {
    let names: Vec<_> = (0..MEMBERS).map(name).collect();
    let mut set: Set = names.iter().map(|name| &name[..]).collect();
    println!("{:.1} bytes a member", set.memory() as f64 / MEMBERS as f64);
    let mut numbers = shuffled(MEMBERS);
    let mut any = || &names[numbers.next().expect("the numbers never end")][..];
    let mut group = criterion.benchmark_group("large set");
    group.bench_function("contains", |bencher| {
        bencher.iter(|| black_box(set.contains(any())));
    });
    group.bench_function("contains 16 together", |bencher| {
        bencher.iter(|| {
            let mut names = std::iter::repeat_with(&mut any).take(BATCH);
            let batch = set.batch(&mut names).expect("there are names");
            batch.iter().filter(|name| set.contains(*name)).count()
        });
    });
    group.bench_function("insert what is there", |bencher| {
        bencher.iter(|| set.insert(any()));
    });
    group.bench_function("remove and insert", |bencher| {
        bencher.iter(|| {
            let name = any();
            set.remove(name) && set.insert(name)
        });
    });
    group.bench_function("build 10,000", |bencher| {
        let names = names[..10_000].iter().map(|name| &name[..]);
        bencher.iter_batched(
            || names.clone(),
            |names| names.collect::<Set>(),
            BatchSize::LargeInput,
        );
    });
    for count in [150, 500] {
        let some: Set = shuffled(MEMBERS)
            .take(count)
            .map(|number| &names[number][..])
            .collect();
        let mut reply = Reply::new(Protocol::Resp2);
        group.bench_function(format!("reply with all of {count}"), |bencher| {
            bencher.iter(|| {
                some.iter().for_each(|member| reply.bulk(member));
                reply.consume(reply.pending());
            });
        });
    }
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
