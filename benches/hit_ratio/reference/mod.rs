//! The policies as their papers have them: exact, with all the queues that they need. What a server can afford is measured against these.
//!
//! They know keys as numbers and count bytes, nothing else. Time passes outside: an expired key is removed by the caller.

mod belady;
mod lfu;
mod queue;
mod recency;
mod s3fifo;
mod sieve;
mod tinylfu;

use super::workload::{Op, Workload};

/// A cache of limited bytes.
pub trait Cache {
    /// Whether a key is there.
    fn contains(&self, key: u32) -> bool;
    /// A key that is there is used.
    fn hit(&mut self, key: u32);
    /// A key that is not there is to be: others may have to go, or it may not get in.
    fn insert(&mut self, key: u32);
    /// A key is gone, if it was there.
    fn remove(&mut self, key: u32);
    /// The request with this number is next.
    fn prepare(&mut self, _request: usize) {}
}

/// An exact policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Least recently used.
    Lru,
    /// Least frequently used.
    Lfu,
    /// Sieve (NSDI 2024).
    Sieve,
    /// Three queues (SOSP 2023).
    S3Fifo,
    /// A window and an admission by frequency (ACM Transactions on Storage 2017).
    TinyLfu,
    /// Belady's: the one that is needed last goes, with the future known.
    Belady,
}

/// What a cache is made of.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of each key.
    pub sizes: Vec<u64>,
    /// Bytes of the cache.
    pub capacity: u64,
    /// About the keys that fit.
    pub keys: usize,
}

impl Bounds {
    fn size(&self, key: u32) -> u64 {
        self.sizes[key as usize]
    }
}

impl Reference {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Lru,
        Self::Lfu,
        Self::Sieve,
        Self::S3Fifo,
        Self::TinyLfu,
        Self::Belady,
    ];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lru => "LRU",
            Self::Lfu => "LFU",
            Self::Sieve => "SIEVE",
            Self::S3Fifo => "S3-FIFO",
            Self::TinyLfu => "W-TinyLFU",
            Self::Belady => "Belady",
        }
    }

    /// An empty cache for a workload.
    pub fn cache(self, workload: &Workload, bounds: Bounds) -> Box<dyn Cache> {
        match self {
            Self::Lru => Box::new(recency::Lru::new(bounds)),
            Self::Lfu => Box::new(lfu::Lfu::new(bounds)),
            Self::Sieve => Box::new(sieve::Sieve::new(bounds)),
            Self::S3Fifo => Box::new(s3fifo::S3Fifo::new(bounds)),
            Self::TinyLfu => Box::new(tinylfu::TinyLfu::new(bounds)),
            Self::Belady => Box::new(belady::Belady::new(bounds, next_uses(workload))),
        }
    }
}

/// For each request, the number of the next one that its key would be kept for; `usize::MAX` if there is none.
fn next_uses(workload: &Workload) -> Vec<usize> {
    let mut next = vec![usize::MAX; workload.keys.len()];
    let mut uses = vec![0; workload.requests.len()];
    for (number, request) in workload.requests.iter().enumerate().rev() {
        let key = request.key as usize;
        uses[number] = next[key];
        next[key] = match request.op {
            Op::Get => number,
            // A write needs nothing to be there before it.
            Op::Set | Op::Delete => usize::MAX,
        };
    }
    uses
}
