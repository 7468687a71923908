//! The keyspace's hash, seeded per process, and the one function that maps a key to its shard.
//!
//! Nothing else assumes which part of a hash, or of a key, picks the shard: a mapping by cluster slots may replace it.

use std::sync::OnceLock;

use ahash::RandomState;

/// Number of shards. A power of two; `SCAN` cursors keep room for up to 1024.
pub const SHARDS: usize = 512;

/// A shard's number, below [`SHARDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardIndex(pub(crate) u16);

impl ShardIndex {
    /// As an index into the array of shards.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A key's hash: which shard, and where in the shard's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(u64);

/// Seeded by the operating system when the process starts: no client can predict collisions.
static SEED: OnceLock<RandomState> = OnceLock::new();

/// Sees to it that no two of these keys share a shard: for tests of what is held a shard at a time, which say of keys that
/// they do not meet. The seed stays a random one.
///
/// # Panics
/// If a key has been hashed before, and that seed lets them meet.
#[doc(hidden)]
pub fn seed_apart(keys: &[&str]) {
    let are_apart = |seed: &RandomState| {
        let mut shards: Vec<_> = keys
            .iter()
            .map(|key| KeyHash(seed.hash_one(key.as_bytes())).shard())
            .collect();
        shards.sort_unstable();
        shards.windows(2).all(|pair| pair[0] != pair[1])
    };
    let mut draws = std::iter::repeat_with(RandomState::new);
    let seed = SEED.get_or_init(|| draws.find(are_apart).expect("there is always another one"));
    assert!(are_apart(seed), "the seed was chosen before");
}

impl KeyHash {
    /// The hash of `key`.
    #[inline]
    pub fn of(key: &[u8]) -> Self {
        Self(SEED.get_or_init(RandomState::new).hash_one(key))
    }

    /// The shard that holds the key: the low bits.
    pub fn shard(self) -> ShardIndex {
        ShardIndex((self.0 as usize % SHARDS) as u16)
    }

    /// The hash as the tables use it: they consume it from the top, where no bit picks the shard.
    pub fn table(self) -> u64 {
        self.0
    }
}
