//! Large lists: what `LPUSH`, `RPOP`, `LRANGE`, `LINDEX` and `LINSERT` cost below the command.
//!
//! One million elements of 24 bytes, more than the caches hold; indices are visited in a random order.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use larder::resp::{Protocol, Reply};
use larder::value::list::{Element, End, Limits, List};

const ELEMENTS: usize = 1_000_000;
const ELEMENT: Element<'static> = Element::Plain(b"element:0000000000000000");

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) as usize % bound
    }
}

fn filled() -> List {
    let mut list = List::default();
    for _ in 0..ELEMENTS {
        list.push(End::Tail, ELEMENT, Limits::default());
    }
    list
}

fn operations(criterion: &mut Criterion) {
    let mut list = filled();
    let mut random = Random(2);
    let mut group = criterion.benchmark_group("million");
    group.sample_size(20);
    group.measurement_time(Duration::from_secs(2));
    group.warm_up_time(Duration::from_millis(500));
    for (label, from, to) in [
        ("push left and pop right", End::Head, End::Tail),
        ("push right and pop left", End::Tail, End::Head),
        ("push and pop left", End::Head, End::Head),
    ] {
        group.bench_function(label, |bencher| {
            bencher.iter(|| {
                list.push(from, ELEMENT, Limits::default());
                list.pop(to, |element| {
                    black_box(element[23]);
                });
            });
        });
    }
    for count in [100, 500] {
        let mut reply = Reply::new(Protocol::Resp2);
        group.bench_function(format!("the first {count} into a reply"), |bencher| {
            bencher.iter(|| {
                let mark = reply.mark();
                list.elements_from(0)
                    .take(count)
                    .for_each(|element| reply.bulk(&element));
                reply.truncate_to(mark);
            });
        });
    }
    group.bench_function("element at a random index", |bencher| {
        bencher.iter(|| list.get(random.below(ELEMENTS)).map(|element| element[23]));
    });
    group.bench_function("set at a random index", |bencher| {
        bencher.iter(|| list.set(random.below(ELEMENTS), ELEMENT, Limits::default()));
    });
    group.bench_function("insert and remove at random indices", |bencher| {
        bencher.iter(|| {
            list.insert(random.below(ELEMENTS), ELEMENT, Limits::default());
            let at = random.below(ELEMENTS);
            list.remove_range(at..at + 1);
        });
    });
    group.finish();
}

criterion_group!(benches, operations);
criterion_main!(benches);
