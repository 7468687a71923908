//! Shards: the keyspace's parts, each behind its own short lock on its own cache line.
//!
//! A shard holds its range of hashes of *all* databases. The lock spins, then parks, and is never poisoned.

use std::num::NonZero;

use parking_lot::Mutex;

use super::held::Holder;
use super::record::{Record, RecordRef};
use super::waiting::Waiting;
use crate::value::table::Table;

/// One database's part of a shard.
#[derive(Debug, Default)]
pub struct Part {
    pub(super) table: Table<Record>,
    /// How many of its keys will expire.
    pub(super) expiring: Expiring,
    /// Who waits for its keys, present or not.
    pub(super) waiting: Waiting,
}

impl Part {
    /// Takes all keys out; who waits stays.
    pub(super) fn take_keys(&mut self) -> Keys {
        self.expiring = Expiring::default();
        Keys(self.table.take())
    }
}

/// Keys that are in no database any more, to be dropped.
#[derive(Debug)]
pub(super) struct Keys(Table<Record>);

impl Keys {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// How many keys will expire, wholly or in part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Expiring {
    /// Keys with an expiry.
    pub(super) keys: u32,
    /// Hashes with fields that have an expiry.
    pub(super) hashes: u32,
}

impl Expiring {
    /// What one record counts for.
    #[inline]
    pub(super) fn of(record: RecordRef<'_>) -> Self {
        Self {
            keys: record.expiry().is_some().into(),
            hashes: record.field_deadline().is_some().into(),
        }
    }

    /// A record that counted for `old` now counts for `new`.
    #[inline]
    pub(super) fn settle(&mut self, old: Self, new: Self) {
        self.keys = self.keys - old.keys + new.keys;
        self.hashes = self.hashes - old.hashes + new.hashes;
    }
}

/// What a shard's lock guards.
#[derive(Debug)]
pub struct ShardData {
    /// Who has reserved the shard, if somebody has: a script that takes long. Nobody else may look at its keys, but the lock is free.
    reserved: Option<NonZero<Holder>>,
    /// Database 0 is everybody's: its table lies next to the lock.
    first: Part,
    rest: Box<[Part]>,
}

impl ShardData {
    fn new(databases: usize) -> Self {
        Self {
            reserved: None,
            first: Part::default(),
            rest: (1..databases).map(|_| Part::default()).collect(),
        }
    }

    /// Who has reserved the shard.
    #[inline]
    pub(super) fn reserved(&self) -> Option<Holder> {
        self.reserved.map(NonZero::get)
    }

    /// Reserves the shard, or ends that.
    pub(super) fn set_reserved(&mut self, holder: Option<Holder>) {
        self.reserved = holder.and_then(NonZero::new);
    }

    /// The part of database `db`.
    #[inline]
    pub(super) fn part(&mut self, db: usize) -> &mut Part {
        match db {
            0 => &mut self.first,
            _ => &mut self.rest[db - 1],
        }
    }

    /// The same, to be read.
    #[inline]
    pub(super) fn part_ref(&self, db: usize) -> &Part {
        match db {
            0 => &self.first,
            _ => &self.rest[db - 1],
        }
    }

    /// Exchanges the keys of two databases; who waits stays where it is.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        let (low, high) = (a.min(b), a.max(b));
        if low != high {
            let (left, right) = self.rest.split_at_mut(high - 1);
            let low = if low == 0 {
                &mut self.first
            } else {
                &mut left[low - 1]
            };
            let high = &mut right[0];
            std::mem::swap(&mut low.table, &mut high.table);
            std::mem::swap(&mut low.expiring, &mut high.expiring);
        }
    }
}

/// A shard: its lock and what it guards.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Shard {
    pub(super) data: Mutex<ShardData>,
}

impl Shard {
    pub(super) fn new(databases: usize) -> Self {
        Self {
            data: Mutex::new(ShardData::new(databases)),
        }
    }
}
