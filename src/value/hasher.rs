//! The hash of fields and members, seeded once a process: nobody outside can choose names that collide.

use std::sync::LazyLock;

use ahash::RandomState;

static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The hash of a name, good in all its bits.
#[inline]
pub(super) fn hash(name: &[u8]) -> u64 {
    STATE.hash_one(name)
}
