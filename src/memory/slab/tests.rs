use super::*;
use std::collections::HashMap;

/// Writes a pattern over the whole block, so that overlapping blocks show.
fn fill(block: NonNull<u8>, size: usize, seed: u8) {
    // SAFETY: the block has `size` bytes.
    unsafe { block.as_ptr().write_bytes(seed, size) }
}

fn check(block: NonNull<u8>, size: usize, seed: u8) {
    // SAFETY: the block has `size` bytes, written by `fill`.
    let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), size) };
    assert!(bytes.iter().all(|&b| b == seed));
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }
}

#[test]
fn blocks_are_aligned_and_do_not_overlap() {
    let rounds = if cfg!(miri) { 300 } else { 30_000 };
    let mut random = Random(7);
    let mut blocks: HashMap<usize, (NonNull<u8>, usize, u8)> = HashMap::new();
    for round in 0..rounds {
        let key = random.below(2_000);
        if let Some((block, size, seed)) = blocks.remove(&key) {
            check(block, size, seed);
            if random.below(3) == 0 {
                let new = random.below(20_000);
                // SAFETY: the block is ours, of that size.
                let block = unsafe { resize(block, size, new) };
                check(block, size.min(new), seed);
                fill(block, new, seed);
                blocks.insert(key, (block, new, seed));
            } else {
                // SAFETY: the block is ours, of that size.
                unsafe { free(block, size) };
            }
        } else {
            let size = match random.below(10) {
                0 => random.below(40_000),
                1..=3 => random.below(2_000),
                _ => random.below(260),
            };
            let block = alloc(size);
            assert!(block.as_ptr().addr().is_multiple_of(8));
            let seed = round as u8;
            fill(block, size, seed);
            blocks.insert(key, (block, size, seed));
        }
    }
    for (block, size, seed) in blocks.into_values() {
        check(block, size, seed);
        // SAFETY: the block is ours, of that size.
        unsafe { free(block, size) };
    }
}

#[test]
fn lines_are_aligned() {
    for lines in [1, 2, 3, 5, 17, 54, 100, 255, 300, 5_000] {
        let lines = class_lines(lines);
        assert_eq!(class_lines(lines), lines);
        let block = alloc_lines(lines);
        assert!(block.as_ptr().addr().is_multiple_of(LINE));
        fill(block, lines * LINE, 1);
        // SAFETY: the block is ours, of that many lines.
        unsafe { free_lines(block, lines) };
    }
}

#[test]
fn arrays_of_lines_do_not_overlap() {
    let rounds = if cfg!(miri) { 300 } else { 30_000 };
    let mut random = Random(11);
    let mut arrays: HashMap<usize, (NonNull<u8>, usize, u8)> = HashMap::new();
    for round in 0..rounds {
        let key = random.below(1_000);
        if let Some((block, lines, seed)) = arrays.remove(&key) {
            check(block, lines * LINE, seed);
            // SAFETY: the array is ours, of that many lines.
            unsafe { free_lines(block, lines) };
        } else {
            // The sizes grow, as those of tables do.
            let lines = class_lines(1 + round * 80 / rounds + random.below(24));
            let block = alloc_lines(lines);
            fill(block, lines * LINE, round as u8);
            arrays.insert(key, (block, lines, round as u8));
        }
    }
    for (block, lines, seed) in arrays.into_values() {
        check(block, lines * LINE, seed);
        // SAFETY: the array is ours, of that many lines.
        unsafe { free_lines(block, lines) };
    }
}

#[test]
fn a_block_stays_where_it_is_within_its_class() {
    let block = alloc(49);
    // SAFETY: the block is ours; 49 and 56 are one class.
    unsafe {
        assert_eq!(resize(block, 49, 56), block);
        free(block, 56);
    }
    assert_eq!(class_size(49), 56);
    assert_eq!(class_size(256), 256);
    assert_eq!(class_size(257), 272);
    assert!(class_size(MAX_SLAB) == MAX_SLAB && class_size(MAX_SLAB + 1) > MAX_SLAB);
}

#[test]
fn threads_free_each_others_blocks_and_leave_nothing_behind() {
    struct Sent(Vec<NonNull<u8>>);
    // SAFETY: plain memory, owned by whoever has the vector.
    unsafe impl Send for Sent {}
    const SIZE: usize = 3_000;
    let count = if cfg!(miri) { 10 } else { 20_000 };
    // Other tests run at the same time: look at what 60 MB do, not at single blocks.
    let before = usage();
    let made: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || {
                let blocks: Vec<_> = (0..count / 4).map(|_| alloc(SIZE)).collect();
                blocks.iter().for_each(|&block| fill(block, SIZE, n));
                Sent(blocks)
            })
        })
        .map(|thread| thread.join().expect("no panic"))
        .collect();
    let full = usage();
    std::thread::spawn(move || {
        for (n, Sent(blocks)) in made.into_iter().enumerate() {
            for block in blocks {
                check(block, SIZE, n as u8);
                // SAFETY: the block is ours now, of that size.
                unsafe { free(block, SIZE) };
            }
        }
    })
    .join()
    .expect("no panic");
    let after = usage();
    if cfg!(all(unix, not(miri))) {
        assert!(full.allocated >= before.allocated + count * SIZE / 2);
        assert!(full.in_slabs >= full.allocated);
        assert!(after.allocated < full.allocated - count * SIZE / 2);
        assert!(after.resident < full.resident - count * SIZE / 2);
        assert!(after.mapped >= full.mapped);
    }
}
