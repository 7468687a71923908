//! What memory the process really takes from the system. One test, so that nothing else allocates meanwhile.

use std::collections::HashMap;

use larder::memory;

/// Arrays of growing sizes come and go, as those of growing tables do: free neighbours are joined and used again.
#[test]
fn freed_arrays_are_used_again() {
    const ROUNDS: usize = 30_000;
    let mut seed = 11_u64;
    let mut below = |bound: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    let mut arrays = HashMap::new();
    let mut bytes = 0;
    let before = memory::usage().in_slabs;
    for round in 0..ROUNDS {
        let key = below(1_000);
        if let Some((block, lines)) = arrays.remove(&key) {
            bytes -= lines * memory::LINE;
            // SAFETY: the array is ours, of that many lines.
            unsafe { memory::free_lines(block, lines) };
        } else {
            let lines = memory::class_lines(1 + round * 80 / ROUNDS + below(24));
            bytes += lines * memory::LINE;
            arrays.insert(key, (memory::alloc_lines(lines), lines));
        }
    }
    let held = memory::usage().in_slabs - before;
    assert!(
        held < bytes + bytes / 3 + (1 << 20),
        "{held} bytes held for {bytes}"
    );
    for (block, lines) in arrays.into_values() {
        // SAFETY: the array is ours, of that many lines.
        unsafe { memory::free_lines(block, lines) };
    }
}
