//! Exact LFU: uses are counted while a key is there; of the least used the one goes that was used least recently.

use std::collections::BTreeSet;

use super::{Bounds, Cache};

/// Least frequently used.
pub struct Lfu {
    bounds: Bounds,
    bytes: u64,
    clock: u64,
    /// Uses, last use, key.
    order: BTreeSet<(u32, u64, u32)>,
    present: Vec<Option<(u32, u64)>>,
}

impl Lfu {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bytes: 0,
            clock: 0,
            order: BTreeSet::new(),
            present: vec![None; bounds.sizes.len()],
            bounds,
        }
    }

    fn place(&mut self, key: u32, uses: u32) {
        self.clock += 1;
        self.order.insert((uses, self.clock, key));
        self.present[key as usize] = Some((uses, self.clock));
    }
}

impl Cache for Lfu {
    fn contains(&self, key: u32) -> bool {
        self.present[key as usize].is_some()
    }

    fn hit(&mut self, key: u32) {
        if let Some((uses, last)) = self.present[key as usize] {
            self.order.remove(&(uses, last, key));
            self.place(key, uses + 1);
        }
    }

    fn insert(&mut self, key: u32) {
        let size = self.bounds.size(key);
        if size > self.bounds.capacity {
            return;
        }
        while self.bytes + size > self.bounds.capacity {
            let Some(&(_, _, victim)) = self.order.first() else {
                return;
            };
            self.remove(victim);
        }
        self.bytes += size;
        self.place(key, 1);
    }

    fn remove(&mut self, key: u32) {
        if let Some((uses, last)) = self.present[key as usize].take() {
            self.order.remove(&(uses, last, key));
            self.bytes -= self.bounds.size(key);
        }
    }
}
