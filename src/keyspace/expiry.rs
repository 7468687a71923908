//! Active expiry: removing what nobody asks for any more.
//!
//! Reads and writes remove an expired key when they meet it. The sweeper finds the others through the tables' index of
//! earliest deadlines, which leads to buckets with something due and never to those that only hold living keys.
//! It holds one shard's lock at a time, for a bounded number of buckets, and a bounded share of a core.

use std::time::{Duration, Instant};

use super::Keyspace;
use super::door::{Change, Effects, Event};
use super::eviction::Cause;
use super::hash::{KeyHash, SHARDS};
use super::record::{Record, RecordRef, Value};
use super::shard::{Expiring, Part};
use crate::clock::UnixMillis;
use crate::resp::OwnedArgs;
use crate::stats::Counters;

/// Buckets looked at before a shard's lock is given back: some tens of microseconds.
const BUCKETS_A_HOLD: usize = 64;
/// Fields of one hash removed before the sweeper turns to something else.
const FIELDS_A_VISIT: usize = 256;

/// Where the sweeper is, and what it has found lately.
#[derive(Debug, Default)]
pub struct Sweeper {
    shard: usize,
    ready: Vec<(usize, Box<[u8]>)>,
}

/// What one round of the sweeper did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records looked at.
    pub examined: usize,
    /// Of these, keys that were expired and are removed now.
    pub expired: usize,
    /// The time was up before every shard had been visited.
    pub time_cap_reached: bool,
}

impl Sweeper {
    /// Visits the shards from where it left off, each once at the most, until `limit` has passed.
    ///
    /// Expired keys, and expired fields of hashes, are removed; the removals are announced and have effects like any other.
    pub fn sweep(
        &mut self,
        keyspace: &Keyspace,
        now: UnixMillis,
        limit: Duration,
        counters: &Counters,
    ) -> Swept {
        let started = Instant::now();
        let mut swept = Swept::default();
        for _ in 0..SHARDS {
            for db in 0..keyspace.databases() {
                while self.sweep_part(keyspace, db, now, counters, &mut swept) {
                    if started.elapsed() > limit {
                        swept.time_cap_reached = true;
                        return swept;
                    }
                }
            }
            self.shard = (self.shard + 1) % SHARDS;
        }
        swept
    }

    /// The keys that expired while somebody waited for them, with their databases.
    pub fn take_ready(&mut self) -> Vec<(usize, Box<[u8]>)> {
        std::mem::take(&mut self.ready)
    }

    /// One hold of a shard's lock. Returns whether there may be more to do.
    fn sweep_part(
        &mut self,
        keyspace: &Keyspace,
        db: usize,
        now: UnixMillis,
        counters: &Counters,
        swept: &mut Swept,
    ) -> bool {
        let mut data = keyspace.shards[self.shard].data.lock();
        if data.reserved().is_some() {
            return false;
        }
        let Some(Part {
            table,
            expiring,
            waiting,
        }) = data.used(db)
        else {
            return false;
        };
        let mut budget = BUCKETS_A_HOLD;
        // An entry is due once its whole millisecond has passed for the index, as it has for the key.
        while let Some(mut slot) = table.next_due(now as u64 + 1, &mut budget) {
            swept.examined += 1;
            let record = slot.get();
            let counted = Expiring::of(record);
            if record.is_expired(now) {
                counters.expired_keys.bump();
                if waiting.note_change(record.key(), &keyspace.door, 0) {
                    self.ready.push((db, record.key().into()));
                }
                announce(
                    keyspace,
                    db,
                    record,
                    Event::EXPIRED,
                    0,
                    &[b"DEL", record.key()],
                );
                swept.expired += 1;
                let hash = KeyHash::of(record.key());
                keyspace
                    .eviction
                    .lost(hash, Cause::Expired, record.access());
            } else {
                let mut fields = Fields::Some;
                slot.replace_with(|mut record| {
                    fields = expire_fields(keyspace, db, &mut record, now, counters);
                    record
                });
                let key = slot.get().key();
                if waiting.note_change(key, &keyspace.door, 0) {
                    self.ready.push((db, key.into()));
                }
                if fields == Fields::Some {
                    expiring.settle(counted, Expiring::of(slot.get()));
                    continue;
                }
                announce(keyspace, db, slot.get(), Event::DEL, 0, &[]);
            }
            expiring.settle(counted, Expiring::default());
            drop(slot.remove());
        }
        budget == 0
    }
}

/// Whether a hash still has fields.
#[derive(PartialEq, Eq)]
enum Fields {
    Some,
    None,
}

fn expire_fields(
    keyspace: &Keyspace,
    db: usize,
    record: &mut Record,
    now: UnixMillis,
    counters: &Counters,
) -> Fields {
    let Value::Hash(hash) = record.view().value() else {
        return Fields::Some;
    };
    if hash.next_deadline().is_none_or(|deadline| deadline > now) {
        return Fields::Some;
    }
    let listening = keyspace.door.listener().is_some();
    let mut request = OwnedArgs::from_iter([&b"HDEL"[..], record.view().key()]);
    let old_size = if listening { record.view().memory() } else { 0 };
    let mut removed = 0;
    record.hash_mut().expire_due(now, FIELDS_A_VISIT, |field| {
        removed += 1;
        if listening {
            request.push(field);
        }
    });
    counters.expired_fields.add(removed);
    if removed > 0 {
        announce(
            keyspace,
            db,
            record.view(),
            Event::hash("hexpired"),
            old_size,
            &[],
        );
        if listening {
            keyspace.door.deliver(db, &request.view());
        }
    }
    if hash_is_empty(record) {
        Fields::None
    } else {
        Fields::Some
    }
}

fn hash_is_empty(record: &Record) -> bool {
    matches!(record.view().value(), Value::Hash(hash) if hash.is_empty())
}

/// Tells the listeners, if there are any; `old_size` 0 stands for the record as it is, about to be removed.
fn announce(
    keyspace: &Keyspace,
    db: usize,
    record: RecordRef<'_>,
    event: Event,
    old_size: usize,
    effect: &[&[u8]],
) {
    let key = record.key();
    let mut touched = Effects::default();
    keyspace.door.note_change(key, &mut touched);
    keyspace.door.tell_changes(&mut touched);
    keyspace.door.tell(db, key, event);
    let Some(listener) = keyspace.door.listener() else {
        return;
    };
    let (old_size, new_size) = if old_size == 0 {
        (record.memory(), 0)
    } else {
        (old_size, record.memory())
    };
    if new_size == 0 {
        listener.before(db, key, Some(record));
    }
    listener.after(&Change {
        db,
        key,
        event,
        old_size,
        new_size,
    });
    if !effect.is_empty() {
        keyspace
            .door
            .deliver(db, &OwnedArgs::from_iter(effect.iter().copied()).view());
    }
}
