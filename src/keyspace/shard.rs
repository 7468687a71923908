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
    /// The others that have been used, by their numbers: most servers have keys in database 0 alone, and few in many.
    rest: Vec<(usize, Part)>,
}

impl ShardData {
    fn new() -> Self {
        Self {
            reserved: None,
            first: Part::default(),
            rest: Vec::new(),
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
            _ => self.other(db),
        }
    }

    fn other(&mut self, db: usize) -> &mut Part {
        let place = self.rest.iter().position(|(number, _)| *number == db);
        let place = place.unwrap_or_else(|| {
            self.rest.reserve_exact(1);
            self.rest.push((db, Part::default()));
            self.rest.len() - 1
        });
        &mut self.rest[place].1
    }

    /// The part of database `db`, if it has been used.
    #[inline]
    pub(super) fn used(&mut self, db: usize) -> Option<&mut Part> {
        match db {
            0 => Some(&mut self.first),
            _ => {
                let mut rest = self.rest.iter_mut();
                rest.find(|(number, _)| *number == db).map(|(_, part)| part)
            }
        }
    }

    /// The same, to be read.
    #[inline]
    pub(super) fn used_ref(&self, db: usize) -> Option<&Part> {
        match db {
            0 => Some(&self.first),
            _ => {
                let mut rest = self.rest.iter();
                rest.find(|(number, _)| *number == db).map(|(_, part)| part)
            }
        }
    }

    /// How many keys database `db` has.
    #[inline]
    pub(super) fn len(&self, db: usize) -> usize {
        self.used_ref(db).map_or(0, |part| part.table.len())
    }

    /// Exchanges the keys of two databases; who waits stays where it is.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let mut take = |db| {
            let part = self.part(db);
            let table = std::mem::take(&mut part.table);
            (table, std::mem::take(&mut part.expiring))
        };
        let (of_a, of_b) = (take(a), take(b));
        let mut put = |db, keys| {
            let part = self.part(db);
            (part.table, part.expiring) = keys;
        };
        put(a, of_b);
        put(b, of_a);
    }
}

/// A shard: its lock and what it guards.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Shard {
    pub(super) data: Mutex<ShardData>,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            data: Mutex::new(ShardData::new()),
        }
    }
}
