//! Belady's choice: the future is known, and the key goes that is needed last.
//!
//! Of keys of one size no policy has more hits. Where sizes differ this weighs the time until the next use with the size, which is not
//! proven to be the most, but nothing comes near it.

use std::collections::BTreeSet;

use super::{Bounds, Cache};

/// Belady's.
pub struct Belady {
    bounds: Bounds,
    bytes: u64,
    next_uses: Vec<usize>,
    now: usize,
    by_size: bool,
    /// Cost of keeping (in a fixed sense), key. The cost is as of the last use, so that time spent since then is not credited.
    order: BTreeSet<(u128, u32)>,
    present: Vec<Option<u128>>,
}

impl Belady {
    /// An empty cache, and for each request the number of the next one of its key.
    pub fn new(bounds: Bounds, next_uses: Vec<usize>) -> Self {
        let by_size = bounds.sizes.iter().any(|size| *size != bounds.sizes[0]);
        Self {
            bytes: 0,
            next_uses,
            now: 0,
            by_size,
            order: BTreeSet::new(),
            present: vec![None; bounds.sizes.len()],
            bounds,
        }
    }

    fn place(&mut self, key: u32) {
        let next = self.next_uses[self.now];
        let cost = match self.by_size {
            true if next == usize::MAX => u128::MAX,
            true => (next - self.now) as u128 * u128::from(self.bounds.size(key)),
            false => next as u128,
        };
        self.order.insert((cost, key));
        self.present[key as usize] = Some(cost);
    }
}

impl Cache for Belady {
    fn contains(&self, key: u32) -> bool {
        self.present[key as usize].is_some()
    }

    fn hit(&mut self, key: u32) {
        if let Some(cost) = self.present[key as usize] {
            self.order.remove(&(cost, key));
            self.place(key);
        }
    }

    fn insert(&mut self, key: u32) {
        let size = self.bounds.size(key);
        if size > self.bounds.capacity || self.next_uses[self.now] == usize::MAX {
            return;
        }
        self.bytes += size;
        self.place(key);
        while self.bytes > self.bounds.capacity {
            let Some(&(_, victim)) = self.order.last() else {
                return;
            };
            self.remove(victim);
        }
    }

    fn remove(&mut self, key: u32) {
        if let Some(cost) = self.present[key as usize].take() {
            self.order.remove(&(cost, key));
            self.bytes -= self.bounds.size(key);
        }
    }

    fn prepare(&mut self, request: usize) {
        self.now = request;
    }
}
