//! Active defragmentation: records are moved out of slabs that are mostly empty.
//!
//! A cache whose values change their sizes leaves slabs of the old sizes with a few values each. A pass marks such slabs
//! ([`compaction`]), walks over all records once, a few buckets under a shard's lock at a time, and moves those that lie in one;
//! a slab that has become empty gives its memory back. Moving a record is a copy: its address is known to its slot alone.
//! What is behind a record's pointer (large collections) stays where it is.

use std::time::{Duration, Instant};

use super::Keyspace;
use super::hash::SHARDS;
use crate::memory::slab::compaction;

/// Buckets looked at before a shard's lock is given back.
const BUCKETS_A_HOLD: usize = 64;

/// A pass over the keyspace, or none.
#[derive(Debug, Default)]
pub struct Compactor {
    place: Option<Place>,
    /// Records moved since the start.
    pub moved: u64,
}

/// Where a pass is.
#[derive(Debug, Default)]
struct Place {
    shard: usize,
    db: usize,
    segment: usize,
    bucket: usize,
}

impl Compactor {
    /// Whether a pass is on its way.
    pub fn is_running(&self) -> bool {
        self.place.is_some()
    }

    /// Begins a pass that moves up to `most` bytes. False if there is nothing to be had.
    pub fn begin(&mut self, most: usize) -> bool {
        if compaction::begin(most) == 0 {
            return false;
        }
        self.place = Some(Place::default());
        true
    }

    /// Goes on with the pass for so long, or to its end.
    pub fn step(&mut self, keyspace: &Keyspace, time: Duration) {
        let started = Instant::now();
        while let Some(place) = &mut self.place {
            if place.shard == SHARDS {
                compaction::end();
                self.place = None;
                return;
            }
            self.moved += place.hold(keyspace);
            if started.elapsed() > time {
                return;
            }
        }
    }
}

impl Place {
    /// One hold of a shard's lock. Returns how many records were moved.
    fn hold(&mut self, keyspace: &Keyspace) -> u64 {
        let mut moved = 0;
        let mut data = keyspace.shards[self.shard].data.lock();
        let done = data.reserved().is_some() || {
            let place = (&mut self.segment, &mut self.bucket);
            data.used(self.db).is_none_or(|part| {
                part.table.relocate(
                    place,
                    BUCKETS_A_HOLD,
                    |record| record.is_leaving(),
                    |record| {
                        moved += 1;
                        record.moved()
                    },
                )
            })
        };
        if done {
            (self.segment, self.bucket) = (0, 0);
            self.db += 1;
            if self.db == keyspace.databases() || data.reserved().is_some() {
                (self.shard, self.db) = (self.shard + 1, 0);
            }
        }
        moved
    }
}
