//! The hash of fields and members, seeded once a process: nobody outside can choose names that collide.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use ahash::{AHasher, RandomState};

static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The hash of a name, good in all its bits.
#[inline]
pub(super) fn hash(name: &[u8]) -> u64 {
    STATE.hash_one(name)
}

/// The same hash for maps of the standard library.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildNameHasher;

impl BuildHasher for BuildNameHasher {
    type Hasher = AHasher;

    #[inline]
    fn build_hasher(&self) -> AHasher {
        STATE.build_hasher()
    }
}
