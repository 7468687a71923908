//! W-TinyLFU: a window of one hundredth, a main part in two segments, and admission by the frequency that a sketch estimates.

use super::queue::{Links, Queue};
use super::{Bounds, Cache};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Absent,
    Window,
    Probation,
    Protected,
}

/// W-TinyLFU as its paper has it, without adapting the window.
pub struct TinyLfu {
    bounds: Bounds,
    links: Links,
    window: Queue,
    probation: Queue,
    protected: Queue,
    places: Vec<Place>,
    sketch: Sketch,
}

impl TinyLfu {
    /// An empty cache.
    pub fn new(bounds: Bounds) -> Self {
        let keys = bounds.sizes.len();
        Self {
            links: Links::new(keys),
            window: Queue::new(),
            probation: Queue::new(),
            protected: Queue::new(),
            places: vec![Place::Absent; keys],
            sketch: Sketch::new(bounds.keys),
            bounds,
        }
    }

    fn window_capacity(&self) -> u64 {
        (self.bounds.capacity / 100).max(1)
    }

    fn main_capacity(&self) -> u64 {
        self.bounds.capacity - self.window_capacity()
    }

    /// The candidate, which has come from the window, is the newest of the probation: it or the oldest ones go.
    fn admit(&mut self, candidate: u32) {
        while self.probation.bytes + self.protected.bytes > self.main_capacity() {
            let oldest = self.probation.oldest().filter(|key| *key != candidate);
            let Some(victim) = oldest.or(self.protected.oldest()) else {
                self.remove(candidate);
                return;
            };
            if self.sketch.estimate(candidate) <= self.sketch.estimate(victim) {
                self.remove(candidate);
                return;
            }
            self.remove(victim);
        }
    }
}

impl Cache for TinyLfu {
    fn contains(&self, key: u32) -> bool {
        self.places[key as usize] != Place::Absent
    }

    fn hit(&mut self, key: u32) {
        self.sketch.count(key);
        let size = self.bounds.size(key);
        let links = &mut self.links;
        match self.places[key as usize] {
            Place::Absent => {}
            Place::Window => {
                self.window.take(links, key, size);
                self.window.push(links, key, size);
            }
            Place::Protected => {
                self.protected.take(links, key, size);
                self.protected.push(links, key, size);
            }
            Place::Probation => {
                self.probation.take(links, key, size);
                self.protected.push(links, key, size);
                self.places[key as usize] = Place::Protected;
            }
        }
        while self.protected.bytes > self.main_capacity() * 8 / 10 {
            let Some(demoted) = self.protected.oldest() else {
                return;
            };
            let size = self.bounds.size(demoted);
            self.protected.take(&mut self.links, demoted, size);
            self.probation.push(&mut self.links, demoted, size);
            self.places[demoted as usize] = Place::Probation;
        }
    }

    fn insert(&mut self, key: u32) {
        self.sketch.count(key);
        let size = self.bounds.size(key);
        if size > self.bounds.capacity {
            return;
        }
        self.window.push(&mut self.links, key, size);
        self.places[key as usize] = Place::Window;
        while self.window.bytes > self.window_capacity() {
            let Some(candidate) = self.window.oldest() else {
                return;
            };
            let size = self.bounds.size(candidate);
            self.window.take(&mut self.links, candidate, size);
            self.probation.push(&mut self.links, candidate, size);
            self.places[candidate as usize] = Place::Probation;
            self.admit(candidate);
        }
    }

    fn remove(&mut self, key: u32) {
        let size = self.bounds.size(key);
        let links = &mut self.links;
        match std::mem::replace(&mut self.places[key as usize], Place::Absent) {
            Place::Absent => {}
            Place::Window => self.window.take(links, key, size),
            Place::Probation => self.probation.take(links, key, size),
            Place::Protected => self.protected.take(links, key, size),
        }
    }
}

const ROWS: usize = 4;
const MOST: u8 = 15;

/// Counters of four bits in four rows, halved after ten uses a key that fits.
struct Sketch {
    counters: Vec<u8>,
    width: usize,
    counted: usize,
    period: usize,
}

impl Sketch {
    fn new(keys: usize) -> Self {
        let keys = keys.max(16);
        let width = (4 * keys).next_power_of_two();
        Self {
            counters: vec![0; ROWS * width],
            width,
            counted: 0,
            period: 10 * keys,
        }
    }

    fn places(&self, key: u32) -> [usize; ROWS] {
        std::array::from_fn(|row| {
            let seed = super::super::workload::Random(u64::from(key) << 3 | row as u64).next();
            row * self.width + (seed as usize & (self.width - 1))
        })
    }

    fn estimate(&self, key: u32) -> u8 {
        let places = self.places(key);
        places
            .map(|place| self.counters[place])
            .into_iter()
            .min()
            .unwrap_or(0)
    }

    fn count(&mut self, key: u32) {
        let least = self.estimate(key);
        if least < MOST {
            for place in self.places(key) {
                if self.counters[place] == least {
                    self.counters[place] += 1;
                }
            }
        }
        self.counted += 1;
        if self.counted == self.period {
            self.counted /= 2;
            self.counters.iter_mut().for_each(|counter| *counter /= 2);
        }
    }
}
