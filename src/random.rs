//! Random numbers: fast and fair, not secret. One generator a thread.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};

thread_local! {
    static STATE: Cell<u64> = Cell::new(seed());
}

/// A number that the operating system has drawn.
fn seed() -> u64 {
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
        | 1
}

/// The next random number (splitmix64 over a per-thread state).
pub fn next() -> u64 {
    STATE.with(|state| {
        let step = state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(step);
        let mut mixed = step;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// A number below `bound`, each with the same probability.  `bound` is not 0.
pub fn below(bound: usize) -> usize {
    // Multiplying by the bound and keeping the high half is fair to within bound / 2^64.
    ((u128::from(next()) * bound as u128) >> 64) as usize
}
