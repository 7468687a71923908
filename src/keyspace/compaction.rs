//! Active defragmentation: what keys are made of is moved out of slabs that are mostly empty.
//!
//! A cache whose values change their sizes leaves slabs of the old sizes with a few values each. A pass marks such slabs
//! ([`Pass`]), walks over all records once, and moves those that lie in one; a slab that has become empty gives its memory back.
//! Moving a record is a copy: its address is known to its slot alone.
//!
//! What is behind a record's pointer moves in the same way ([`Relocate`](crate::value::relocate::Relocate)). The walk notes the large values that it comes by, and goes
//! through each before it goes on. Whatever it does, it gives a shard's lock back after a bounded piece of work, so that a value of ten
//! million fields takes many holds. Between two of them the value may change or be gone: it is found anew by its key's hash, and
//! what is left of the walk over it is a [`Cursor`], which is never wrong.

use std::time::{Duration, Instant};

use super::Keyspace;
use super::hash::SHARDS;
use super::record::Record;
use super::shard::Part;
use crate::memory::Mover;
use crate::memory::slab::compaction::Pass;
use crate::value::relocate::Cursor;
use crate::value::table::Thin;

/// Bytes that are read and copied in one hold of a shard's lock, about: tens of microseconds.
const BYTES_A_HOLD: usize = 32 * 1024;

/// A pass over the keyspace, or none.
#[derive(Debug, Default)]
pub struct Compactor {
    walk: Option<Walk>,
    /// How long slabs stay marked at least: time for other threads to give back what they keep for themselves of those.
    linger: Duration,
    /// Blocks moved since the start.
    pub moved: u64,
}

/// A pass that is on its way.
#[derive(Debug)]
struct Walk {
    begun: Instant,
    place: Place,
    _pass: Pass,
}

/// Where a pass is.
#[derive(Debug, Default)]
struct Place {
    shard: usize,
    db: usize,
    /// In the table of that database's part of the shard.
    at: Cursor,
    /// Hashes of the keys with large values that the table's walk has come by, the next one last.
    large: Vec<u64>,
    /// In that one's value.
    inside: Cursor,
}

impl Compactor {
    /// One whose passes last so long at least.
    pub fn new(linger: Duration) -> Self {
        Self {
            linger,
            ..Self::default()
        }
    }

    /// Whether a pass is on its way.
    pub fn is_running(&self) -> bool {
        self.walk.is_some()
    }

    /// Begins a pass that moves about `most` bytes, unless it would give back less than `least`. Tells whether it does.
    pub fn begin(&mut self, most: usize, least: usize) -> bool {
        let pass = Pass::begin(most);
        if pass.gain() < least.max(1) {
            return false;
        }
        self.walk = Some(Walk {
            begun: Instant::now(),
            place: Place::default(),
            _pass: pass,
        });
        true
    }

    /// Goes on with the pass for so long, or to its end.
    pub fn step(&mut self, keyspace: &Keyspace, time: Duration) {
        let started = Instant::now();
        while let Some(walk) = &mut self.walk {
            if walk.place.shard == SHARDS {
                if walk.begun.elapsed() >= self.linger {
                    self.walk = None;
                }
                return;
            }
            self.moved += walk.place.hold(keyspace);
            if started.elapsed() > time {
                return;
            }
        }
    }
}

impl Place {
    /// One hold of a shard's lock. Returns how many blocks were moved.
    fn hold(&mut self, keyspace: &Keyspace) -> u64 {
        let mut mover = Mover::new(BYTES_A_HOLD);
        let mut data = keyspace.shards[self.shard].data.lock();
        // A script that is set aside may have borrowed what is in its shards.
        let is_reserved = data.reserved().is_some();
        let is_through = match data.used(self.db) {
            Some(part) if !is_reserved => self.walk(part, &mut mover),
            _ => true,
        };
        drop(data);
        if is_through {
            self.large.clear();
            (self.at, self.inside) = Default::default();
            self.db += 1;
            if self.db == keyspace.databases() || is_reserved {
                (self.shard, self.db) = (self.shard + 1, 0);
            }
        }
        mover.moved()
    }

    /// Goes on through a part as far as the budget reaches. True at its end.
    fn walk(&mut self, part: &mut Part, mover: &mut Mover) -> bool {
        while mover.may_go_on() {
            let Some(&hash) = self.large.last() else {
                let large = &mut self.large;
                let is_through = part.table.relocate(&mut self.at, mover, |record, _| {
                    if record.kind().is_scattered() {
                        large.push(Record::hash(record));
                    }
                });
                if is_through && self.large.is_empty() {
                    return true;
                }
                continue;
            };
            if walk_value(part, hash, &mut self.inside, mover) {
                self.large.pop();
                self.inside = Cursor::default();
            }
        }
        false
    }
}

/// Goes on through the large value of the key with this hash. True at its end, or if it is gone.
fn walk_value(part: &mut Part, hash: u64, at: &mut Cursor, mover: &mut Mover) -> bool {
    mover.look();
    let found = part.table.find_mut(hash, |record| {
        record.kind().is_scattered() && Record::hash(record) == hash
    });
    let mut is_through = true;
    if let Some(mut slot) = found {
        slot.replace_with(|mut record| {
            if let Some(value) = record.scattered_mut() {
                is_through = value.relocate(at, mover);
            }
            record
        });
    }
    is_through
}
