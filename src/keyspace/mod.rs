//! The keyspace: everything that owns keys.
//!
//! Keys live in [`hash::SHARDS`] shards, each behind a short lock and each holding its range of hashes of all databases.
//! A command gets an [`Access`] with the locks it needs, taken by one function in one order, and changes records
//! through the guard [`KeyMut`] alone, so that whoever listens behind the [`door`] misses nothing.
//!
//! **The locking rule.** The dispatcher takes a command's locks before the handler runs and gives them back after its
//! effect was handed on. A handler cannot take a lock: it has no way to. Nobody who holds a shard's lock waits for
//! anything but a shard's lock of a higher number.

pub mod access;
pub mod compaction;
pub mod digest;
pub mod door;
pub mod entry;
pub mod eviction;
pub mod expiry;
mod hash;
pub mod held;
mod kind;
mod located;
mod payload;
mod prefetch;
pub mod readers;
pub mod record;
pub mod scan;
mod shard;
pub mod waiting;
pub mod whole;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use access::{Access, Expiry, Locks, Reservation};
use door::{Door, Listener};
pub use door::{Event, EventClass, Interest, Interests, Observer};
pub use entry::KeyMut;
use eviction::Eviction;
pub use hash::{KeyHash, SHARDS, seed_apart};
pub use held::{Holder, Reservations, Reserved};
pub use record::{BIG_STRING, Kind, NewValue, Record, RecordRef, Value, ValueType};
use shard::Shard;

/// All databases.
#[derive(Debug)]
pub struct Keyspace {
    shards: Box<[Shard]>,
    door: Door,
    databases: usize,
    /// Which keys give way when memory is short.
    pub eviction: Arc<Eviction>,
    /// Who waits for shards that scripts have reserved.
    pub reservations: Reservations,
}

impl Keyspace {
    /// An empty keyspace of `databases` databases.
    pub fn new(databases: usize) -> Self {
        Self::with_door(databases, Door::default())
    }

    /// An empty keyspace whose writes `listener` hears of.
    pub fn with_listener(databases: usize, listener: Box<dyn Listener>) -> Self {
        Self::with_door(databases, Door::with(listener))
    }

    fn with_door(databases: usize, door: Door) -> Self {
        let shards = (0..SHARDS).map(|_| Shard::new()).collect();
        Self {
            shards,
            door,
            databases,
            eviction: Arc::default(),
            reservations: Reservations::default(),
        }
    }

    /// From now on `observer` is told of that in which there is [an interest](Keyspace::interests). Only the first one counts.
    pub fn set_observer(&self, observer: Box<dyn Observer>) {
        self.door.set_observer(observer);
    }

    /// What the observer is told of.
    pub fn interests(&self) -> &Interests {
        self.door.interests()
    }

    /// The number of databases.
    pub fn databases(&self) -> usize {
        self.databases
    }
}
