//! Exact LRU.

use super::queue::{Links, Queue};
use super::{Bounds, Cache};

/// Least recently used.
pub struct Lru {
    bounds: Bounds,
    links: Links,
    queue: Queue,
    present: Vec<bool>,
}

impl Lru {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let keys = bounds.sizes.len();
        Self {
            bounds,
            links: Links::new(keys),
            queue: Queue::new(),
            present: vec![false; keys],
        }
    }
}

impl Cache for Lru {
    fn contains(&self, key: u32) -> bool {
        self.present[key as usize]
    }

    fn hit(&mut self, key: u32) {
        let size = self.bounds.size(key);
        self.queue.take(&mut self.links, key, size);
        self.queue.push(&mut self.links, key, size);
    }

    fn insert(&mut self, key: u32) {
        let size = self.bounds.size(key);
        if size > self.bounds.capacity {
            return;
        }
        while self.queue.bytes + size > self.bounds.capacity {
            let Some(victim) = self.queue.oldest() else {
                return;
            };
            self.remove(victim);
        }
        self.queue.push(&mut self.links, key, size);
        self.present[key as usize] = true;
    }

    fn remove(&mut self, key: u32) {
        if std::mem::take(&mut self.present[key as usize]) {
            let size = self.bounds.size(key);
            self.queue.take(&mut self.links, key, size);
        }
    }
}
