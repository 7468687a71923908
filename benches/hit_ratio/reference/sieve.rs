//! SIEVE: one queue in the order of insertion, a bit a key, and a hand that goes from the oldest to the newest and round again.

use super::queue::{Links, Queue};
use super::{Bounds, Cache};

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Unvisited,
    Visited,
}

/// SIEVE.
pub struct Sieve {
    bounds: Bounds,
    links: Links,
    queue: Queue,
    keys: Vec<State>,
    hand: Option<u32>,
}

impl Sieve {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let keys = bounds.sizes.len();
        Self {
            bounds,
            links: Links::new(keys),
            queue: Queue::new(),
            keys: vec![State::Absent; keys],
            hand: None,
        }
    }

    fn victim(&mut self) -> Option<u32> {
        let mut at = self.hand.or(self.queue.oldest())?;
        while self.keys[at as usize] == State::Visited {
            self.keys[at as usize] = State::Unvisited;
            at = self.links.newer(at).or(self.queue.oldest())?;
        }
        self.hand = Some(at);
        Some(at)
    }
}

impl Cache for Sieve {
    fn contains(&self, key: u32) -> bool {
        self.keys[key as usize] != State::Absent
    }

    fn hit(&mut self, key: u32) {
        self.keys[key as usize] = State::Visited;
    }

    fn insert(&mut self, key: u32) {
        let size = self.bounds.size(key);
        if size > self.bounds.capacity {
            return;
        }
        while self.queue.bytes + size > self.bounds.capacity {
            let Some(victim) = self.victim() else { return };
            self.remove(victim);
        }
        self.queue.push(&mut self.links, key, size);
        self.keys[key as usize] = State::Unvisited;
    }

    fn remove(&mut self, key: u32) {
        if self.contains(key) {
            if self.hand == Some(key) {
                self.hand = self.links.newer(key);
            }
            self.keys[key as usize] = State::Absent;
            let size = self.bounds.size(key);
            self.queue.take(&mut self.links, key, size);
        }
    }
}
