//! One workload at one size of the cache: what every policy makes of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::reference::{Bounds, Cache, Reference};
use super::server;
use super::workload::{Op, Workload};

/// The server's policies, in the order of the table.
pub const POLICIES: [&str; 5] = [
    "allkeys-lhd",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-ttl",
];

/// Reads, and those that found something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    reads: u64,
    hits: u64,
}

impl Tally {
    /// Counts a read.
    pub fn note(&mut self, hit: bool) {
        self.reads += 1;
        self.hits += u64::from(hit);
    }

    /// Hits in a hundred reads.
    pub fn ratio(self) -> f64 {
        self.hits as f64 / self.reads.max(1) as f64 * 100.0
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// One of the server's.
    Server(&'static str),
    /// An exact one.
    Exact(Reference),
}

impl Policy {
    /// All columns, in their order.
    pub fn all() -> Vec<Self> {
        let servers = POLICIES.into_iter().map(Self::Server);
        servers
            .chain(Reference::ALL.into_iter().map(Self::Exact))
            .collect()
    }

    /// What the column is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server(name) => name,
            Self::Exact(reference) => reference.name(),
        }
    }

    /// The hit ratio in percent; `None` where the policy has nothing to evict.
    pub fn replay(self, workload: &Workload, bounds: &Bounds) -> Option<f64> {
        match self {
            Self::Server(name) if name.starts_with("volatile-") && !workload.expires() => None,
            Self::Server(name) => Some(server::replay(workload, name, bounds).ratio()),
            Self::Exact(reference) => {
                let cache = reference.cache(workload, bounds.clone());
                Some(exactly(workload, cache).ratio())
            }
        }
    }
}

/// What a cache of a share of the workload's bytes is made of.
pub fn bounds(workload: &Workload, share: f64) -> Bounds {
    let (count, bytes) = workload.footprint();
    Bounds {
        sizes: workload.keys.iter().map(|key| key.bytes()).collect(),
        capacity: (bytes as f64 * share) as u64,
        keys: (count as f64 * share) as usize,
    }
}

fn exactly(workload: &Workload, mut cache: Box<dyn Cache>) -> Tally {
    let count = workload.requests.len() as u64;
    let mut tally = Tally::default();
    let mut deadlines = Deadlines::new(workload);
    for (number, request) in workload.requests.iter().enumerate() {
        let now = workload.millis * number as u64 / count;
        deadlines.pass(now, cache.as_mut());
        cache.prepare(number);
        let present = cache.contains(request.key);
        match request.op {
            Op::Get => {
                tally.note(present);
                if present {
                    cache.hit(request.key);
                } else {
                    cache.insert(request.key);
                    deadlines.set(request.key, now);
                }
            }
            Op::Set => {
                if present {
                    cache.hit(request.key);
                } else {
                    cache.insert(request.key);
                }
                deadlines.set(request.key, now);
            }
            Op::Delete => cache.remove(request.key),
        }
    }
    tally
}

/// When keys cease to exist.
struct Deadlines<'w> {
    workload: &'w Workload,
    /// The moment for each key, 0 for none.
    moments: Vec<u64>,
    order: BinaryHeap<Reverse<(u64, u32)>>,
}

impl<'w> Deadlines<'w> {
    fn new(workload: &'w Workload) -> Self {
        Self {
            workload,
            moments: vec![0; workload.keys.len()],
            order: BinaryHeap::new(),
        }
    }

    fn set(&mut self, key: u32, now: u64) {
        let ttl = self.workload.keys[key as usize].ttl;
        if ttl > 0 {
            let moment = now + u64::from(ttl);
            self.moments[key as usize] = moment;
            self.order.push(Reverse((moment, key)));
        }
    }

    fn pass(&mut self, now: u64, cache: &mut dyn Cache) {
        while let Some(&Reverse((moment, key))) = self.order.peek() {
            if moment > now {
                return;
            }
            self.order.pop();
            if self.moments[key as usize] == moment {
                cache.remove(key);
            }
        }
    }
}
