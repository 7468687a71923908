//! The table at the size that a server with a million keys has it: 512 tables of 1,953 entries on average.
//!
//! Before the timings it prints the memory that the tables take: by their own count, and as the slabs under
//! them see it. Every operation is at a random key, so that caches are as cold as they would be.

use std::hint::black_box;
use std::ptr::NonNull;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use larder::memory;
use larder::value::table::{Table, Thin};

const TABLES: usize = 512;
const ENTRIES: u64 = 1_000_000;

/// Sixteen bytes from a slab: a key and a value.
struct Entry(NonNull<u8>);

impl Entry {
    fn new(key: u64) -> Self {
        let block = memory::alloc(16);
        // SAFETY: the block has 16 bytes, aligned to 8.
        unsafe { block.cast::<[u64; 2]>().write([key, !key]) };
        Self(block)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this size, and owned.
        unsafe { memory::free(self.0, 16) }
    }
}

// SAFETY: the block's address is unique and stays.
unsafe impl Thin for Entry {
    type Ref<'a> = &'a [u64; 2];
    type Mut<'a> = &'a mut [u64; 2];

    fn into_raw(self) -> NonNull<u8> {
        std::mem::ManuallyDrop::new(self).0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> &'a [u64; 2] {
        // SAFETY: the block holds two words; the caller's promise is passed on.
        unsafe { raw.cast().as_ref() }
    }

    unsafe fn borrow_mut<'a>(raw: NonNull<u8>) -> &'a mut [u64; 2] {
        // SAFETY: the block holds two words; the caller's promise is passed on.
        unsafe { raw.cast().as_mut() }
    }

    fn size(_: &[u64; 2]) -> usize {
        16
    }

    fn hash(entry: &[u64; 2]) -> u64 {
        hash(entry[0])
    }
}

fn hash(key: u64) -> u64 {
    let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ mixed >> 32
}

struct Tables(Vec<Table<Entry>>);

impl Tables {
    fn with(entries: u64) -> Self {
        let mut tables = Self((0..TABLES).map(|_| Table::new()).collect());
        (0..entries).for_each(|key| tables.insert(key));
        tables
    }

    /// The low bits choose the table: it uses the high ones.
    fn insert(&mut self, key: u64) {
        let hash = hash(key);
        self.0[hash as usize % TABLES].insert_new(hash, Entry::new(key));
    }

    fn find(&self, key: u64) -> Option<u64> {
        let hash = hash(key);
        self.0[hash as usize % TABLES]
            .find(hash, |entry| entry[0] == key)
            .map(|entry| entry[1])
    }

    fn remove(&mut self, key: u64) -> bool {
        let hash = hash(key);
        self.0[hash as usize % TABLES]
            .remove(hash, |entry| entry[0] == key)
            .is_some()
    }
}

/// A fixed order that looks random.
fn keys(count: usize) -> Vec<u64> {
    (0..count as u64)
        .map(|n| hash(n ^ 0x1234_5678) % ENTRIES)
        .collect()
}

fn report_memory() {
    let (used, slabs) = (memory::used(), memory::usage());
    let tables = Tables::with(ENTRIES);
    let own: usize = tables.0.iter().map(Table::memory).sum();
    let entries = ENTRIES as f64;
    let with_entries = (memory::used() - used) as f64 / entries;
    let resident = (memory::usage().resident - slabs.resident) as f64 / entries;
    println!(
        "memory of {ENTRIES} entries in {TABLES} tables: {:.2} B an entry by the tables' count, {:.2} B with \
         16 B for the entry itself, {resident:.2} B resident in slabs",
        own as f64 / entries,
        with_entries,
    );
}

fn benchmarks(criterion: &mut Criterion) {
    report_memory();
    let mut tables = Tables::with(ENTRIES);
    let keys = keys(1 << 20);
    let mut turn = 0;
    let mut next = move || {
        turn += 1;
        keys[turn & ((1 << 20) - 1)]
    };
    let mut group = criterion.benchmark_group("table");
    group.throughput(Throughput::Elements(1));
    group.bench_function("find, present", |bench| {
        bench.iter(|| black_box(tables.find(next())).expect("all keys are there"));
    });
    group.bench_function("find, absent", |bench| {
        bench.iter(|| assert!(black_box(tables.find(next() + ENTRIES)).is_none()));
    });
    group.throughput(Throughput::Elements(16));
    group.bench_function("find 16, prefetched", |bench| {
        bench.iter(|| {
            let window: [u64; 16] = std::array::from_fn(|_| next());
            for key in window {
                let hash = hash(key);
                tables.0[hash as usize % TABLES].prefetch(hash);
            }
            for key in window {
                let hash = hash(key);
                tables.0[hash as usize % TABLES].prefetch_entry(hash);
            }
            for key in window {
                black_box(tables.find(key)).expect("all keys are there");
            }
        });
    });
    group.throughput(Throughput::Elements(1));
    let mut fresh = ENTRIES;
    let mut oldest = 0;
    group.bench_function("insert one, remove one", |bench| {
        bench.iter(|| {
            tables.insert(fresh);
            assert!(tables.remove(oldest));
            fresh += 1;
            oldest += 1;
        });
    });
    let mut random = 1;
    group.bench_function("random", |bench| {
        bench.iter(|| {
            random = hash(random + 1);
            let table = &tables.0[random as usize % TABLES];
            black_box(table.random(&mut || {
                random = hash(random + 1);
                random
            }))
            .map(|entry| entry[0])
        });
    });
    drop(tables);
    group.sample_size(10);
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("insert a million while growing", |bench| {
        bench.iter_batched(|| (), |()| Tables::with(ENTRIES), BatchSize::PerIteration);
    });
    group.bench_function("remove a million while shrinking", |bench| {
        bench.iter_batched(
            || Tables::with(ENTRIES),
            |mut tables| {
                for key in 0..ENTRIES {
                    assert!(tables.remove(key));
                }
                tables
            },
            BatchSize::PerIteration,
        );
    });
    let mut block = Vec::with_capacity(64);
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 blocks of 56 bytes, allocated and freed", |bench| {
        bench.iter(|| {
            block.extend((0..64).map(|_| memory::alloc(56)));
            for block in block.drain(..) {
                // SAFETY: allocated above with this size.
                unsafe { memory::free(block, 56) }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, benchmarks);
criterion_main!(benches);
