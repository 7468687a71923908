//! S3-FIFO: a small queue for the new, a main queue, and a ghost queue of those that have left the small one.

use std::collections::VecDeque;

use super::queue::{Links, Queue};
use super::{Bounds, Cache};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Absent,
    Small,
    Main,
}

#[derive(Clone, Copy)]
struct Key {
    place: Place,
    /// Uses since the last look, up to three.
    uses: u8,
    /// The number of its ghost, 0 if it has none.
    ghost: u64,
}

/// S3-FIFO, with a tenth of the bytes for the small queue and the ghosts of as much as the main queue has.
pub struct S3Fifo {
    bounds: Bounds,
    links: Links,
    small: Queue,
    main: Queue,
    keys: Vec<Key>,
    ghosts: VecDeque<(u32, u64)>,
    ghost_bytes: u64,
    numbered: u64,
}

impl S3Fifo {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let keys = bounds.sizes.len();
        Self {
            bounds,
            links: Links::new(keys),
            small: Queue::new(),
            main: Queue::new(),
            keys: vec![
                Key {
                    place: Place::Absent,
                    uses: 0,
                    ghost: 0,
                };
                keys
            ],
            ghosts: VecDeque::new(),
            ghost_bytes: 0,
            numbered: 0,
        }
    }

    fn small_capacity(&self) -> u64 {
        self.bounds.capacity / 10
    }

    fn main_capacity(&self) -> u64 {
        self.bounds.capacity - self.small_capacity()
    }

    fn evict(&mut self) {
        if self.small.bytes > self.small_capacity() || self.main.oldest().is_none() {
            self.evict_from_small();
        } else {
            self.evict_from_main();
        }
    }

    fn evict_from_small(&mut self) {
        while let Some(key) = self.small.oldest() {
            let size = self.bounds.size(key);
            self.small.take(&mut self.links, key, size);
            if self.keys[key as usize].uses > 1 {
                self.keys[key as usize].uses = 0;
                self.keys[key as usize].place = Place::Main;
                self.main.push(&mut self.links, key, size);
                while self.main.bytes > self.main_capacity() {
                    self.evict_from_main();
                }
            } else {
                self.keys[key as usize].place = Place::Absent;
                self.remember(key, size);
                return;
            }
        }
    }

    fn evict_from_main(&mut self) {
        while let Some(key) = self.main.oldest() {
            let size = self.bounds.size(key);
            self.main.take(&mut self.links, key, size);
            if self.keys[key as usize].uses == 0 {
                self.keys[key as usize].place = Place::Absent;
                return;
            }
            self.keys[key as usize].uses -= 1;
            self.main.push(&mut self.links, key, size);
        }
    }

    fn remember(&mut self, key: u32, size: u64) {
        self.numbered += 1;
        self.keys[key as usize].ghost = self.numbered;
        self.ghosts.push_back((key, self.numbered));
        self.ghost_bytes += size;
        while self.ghost_bytes > self.main_capacity() {
            let Some((key, number)) = self.ghosts.pop_front() else {
                return;
            };
            self.ghost_bytes -= self.bounds.size(key);
            if self.keys[key as usize].ghost == number {
                self.keys[key as usize].ghost = 0;
            }
        }
    }
}

impl Cache for S3Fifo {
    fn contains(&self, key: u32) -> bool {
        self.keys[key as usize].place != Place::Absent
    }

    fn hit(&mut self, key: u32) {
        let uses = &mut self.keys[key as usize].uses;
        *uses = (*uses + 1).min(3);
    }

    fn insert(&mut self, key: u32) {
        let size = self.bounds.size(key);
        if size > self.bounds.capacity {
            return;
        }
        while self.small.bytes + self.main.bytes + size > self.bounds.capacity {
            self.evict();
        }
        let state = &mut self.keys[key as usize];
        state.uses = 0;
        if std::mem::take(&mut state.ghost) > 0 {
            state.place = Place::Main;
            self.main.push(&mut self.links, key, size);
        } else {
            state.place = Place::Small;
            self.small.push(&mut self.links, key, size);
        }
    }

    fn remove(&mut self, key: u32) {
        let size = self.bounds.size(key);
        match std::mem::replace(&mut self.keys[key as usize].place, Place::Absent) {
            Place::Absent => {}
            Place::Small => self.small.take(&mut self.links, key, size),
            Place::Main => self.main.take(&mut self.links, key, size),
        }
    }
}
