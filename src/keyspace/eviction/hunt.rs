//! A hunt for victims: what a policy may do with the keyspace.
//!
//! A hunt takes one shard's lock at a time and never waits for one with another held. It looks at records drawn at random or found by
//! their hash, and evicts them: through the door, like any other removal. What has expired and is met on the way goes first.

use std::sync::atomic::Ordering;

use super::losses::Cause;
use super::policy::Scope;
use crate::clock::UnixMillis;
use crate::keyspace::Keyspace;
use crate::keyspace::door::{Effects, Event};
use crate::keyspace::entry::KeyMut;
use crate::keyspace::hash::{KeyHash, SHARDS};
use crate::keyspace::record::{Record, RecordRef};
use crate::keyspace::shard::{Part, ShardData};
use crate::random;
use crate::stats::Counters;
use crate::value::table::Slot;

/// Shards drawn before the next one with keys is taken, whichever it is.
const DRAWS: usize = 64;
/// Buckets with something due that a visit to a shard looks at.
const DUE_BUCKETS: usize = 4;

/// A record that is a candidate.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The database.
    pub db: usize,
    /// The hash of its key.
    pub hash: KeyHash,
    /// The record.
    pub record: RecordRef<'a>,
}

/// What has become of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// Candidates were shown: so many.
    Shown(usize),
    /// A key whose time had come was met and is gone.
    Removed,
    /// There are no candidates.
    Nothing,
}

/// What has become of the record of a part that expires first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Soonness {
    /// It is gone; no other one expires before this moment, at which it would have.
    Gone(UnixMillis),
    /// It is there and expires at this moment.
    Later(UnixMillis),
    /// There is none.
    Nothing,
}

/// One thread's hunt.
#[derive(Debug)]
pub struct Hunt<'k> {
    keyspace: &'k Keyspace,
    counters: &'k Counters,
    /// The moment that decides what has expired.
    pub now: UnixMillis,
    /// Keys that are gone while somebody waited for them.
    ready: Vec<(usize, Box<[u8]>)>,
}

impl<'k> Hunt<'k> {
    pub(super) fn new(keyspace: &'k Keyspace, now: UnixMillis, counters: &'k Counters) -> Self {
        Self {
            keyspace,
            counters,
            now,
            ready: Vec::new(),
        }
    }

    /// `maxmemory-samples`.
    pub fn samples(&self) -> usize {
        self.keyspace.eviction.samples()
    }

    /// The keyspace's state of eviction.
    pub fn eviction(&self) -> &'k super::Eviction {
        &self.keyspace.eviction
    }

    /// The keys that are gone while somebody waited for them, with their databases.
    pub fn take_ready(&mut self) -> Vec<(usize, Box<[u8]>)> {
        std::mem::take(&mut self.ready)
    }

    /// Shows up to `count` records of the scope, drawn at random from one shard drawn at random.
    ///
    /// Every record has about the same chance; one may be shown twice.
    pub fn draw(
        &mut self,
        scope: Scope,
        count: usize,
        mut show: impl FnMut(Candidate<'_>),
    ) -> Drawn {
        self.in_a_shard(scope, |hunt, data, total| {
            if hunt.remove_due(data) {
                return Drawn::Removed;
            }
            // More of a small shard would be the same ones again.
            let wanted = count.min(total.div_ceil(2));
            let mut shown = 0;
            for _ in 0..wanted {
                let Some((db, slot)) = hunt.draw_one(scope, data, total) else {
                    continue;
                };
                let record = slot.get();
                if record.is_expired(hunt.now) {
                    let hash = KeyHash::of(record.key());
                    hunt.remove_from(db, data, hash);
                    return Drawn::Removed;
                }
                show(Candidate {
                    db,
                    hash: KeyHash::of(record.key()),
                    record,
                });
                shown += 1;
            }
            Drawn::Shown(shown)
        })
        .unwrap_or(Drawn::Nothing)
    }

    /// Evicts a record of the scope drawn at random. False if there is none.
    pub fn evict_any(&mut self, scope: Scope) -> bool {
        self.in_a_shard(scope, |hunt, data, total| {
            if hunt.remove_due(data) {
                return true;
            }
            let Some((db, slot)) = hunt.draw_one(scope, data, total) else {
                return false;
            };
            let hash = KeyHash::of(slot_key(&slot));
            hunt.remove_from(db, data, hash)
        })
        .unwrap_or(false)
    }

    /// Evicts the record with this hash if it is there and `still` says that it shall go. True if something is gone.
    pub fn evict(
        &mut self,
        db: usize,
        hash: KeyHash,
        still: impl FnOnce(RecordRef<'_>) -> bool,
    ) -> bool {
        let mut data = self.keyspace.shards[hash.shard().index()].data.lock();
        if is_reserved(&data) {
            return false;
        }
        let Some(slot) = data.used(db).and_then(|part| find(part, hash)) else {
            return false;
        };
        if !slot.get().is_expired(self.now) && !still(slot.get()) {
            return false;
        }
        self.remove_from(db, &mut data, hash)
    }

    /// Looks at the record with this hash.
    pub fn look<R>(
        &mut self,
        db: usize,
        hash: KeyHash,
        look: impl FnOnce(RecordRef<'_>) -> R,
    ) -> Option<R> {
        let mut data = self.keyspace.shards[hash.shard().index()].data.lock();
        if is_reserved(&data) {
            return None;
        }
        find(data.used(db)?, hash).map(|slot| look(slot.get()))
    }

    /// Visits the parts of one shard: of the databases that have ever had a key.
    pub(super) fn visit_parts(&mut self, shard: usize, mut visit: impl FnMut(usize, &mut Part)) {
        let mut data = self.keyspace.shards[shard].data.lock();
        if !is_reserved(&data) {
            for db in self
                .keyspace
                .eviction
                .used_databases(self.keyspace.databases)
            {
                if let Some(part) = data.used(db) {
                    visit(db, part);
                }
            }
        }
    }

    /// Evicts the record of a part that expires first, if it does so by `limit`.
    pub(super) fn evict_soonest(&mut self, shard: usize, db: usize, limit: UnixMillis) -> Soonness {
        let mut data = self.keyspace.shards[shard].data.lock();
        if is_reserved(&data) {
            return Soonness::Nothing;
        }
        let table = &mut data.part(db).table;
        let found = table.soonest(|record| record.expiry().map(|moment| moment as u64));
        let Some((slot, moment)) = found.and_then(|slot| {
            let moment = slot.get().expiry()?;
            Some((slot, moment))
        }) else {
            return Soonness::Nothing;
        };
        if moment > limit {
            return Soonness::Later(moment);
        }
        let hash = KeyHash::of(slot_key(&slot));
        self.remove_from(db, &mut data, hash);
        Soonness::Gone(moment)
    }

    /// How many records of the scope there are. Visits all shards.
    pub(super) fn keys(&self, scope: Scope) -> usize {
        let shards = self.keyspace.shards.iter();
        shards
            .map(|shard| self.count(scope, &shard.data.lock()))
            .sum()
    }

    /// Calls `then` with a shard drawn at random that has records of the scope, and their number; `None` if none has.
    fn in_a_shard<R>(
        &mut self,
        scope: Scope,
        then: impl FnOnce(&mut Self, &mut ShardData, usize) -> R,
    ) -> Option<R> {
        let keyspace = self.keyspace;
        let fullest = &keyspace.eviction.fullest[scope as usize];
        for _ in 0..DRAWS {
            let shard = &keyspace.shards[random::below(SHARDS)];
            // Somebody is busy there: another one will do.
            let Some(mut data) = shard.data.try_lock() else {
                continue;
            };
            let total = self.count(scope, &data);
            if total == 0 {
                continue;
            }
            // A shard counts for as much as it holds: the fuller ones are taken more often.
            let most = fullest.load(Ordering::Relaxed);
            if total >= most {
                fullest.store(total, Ordering::Relaxed);
            } else if random::below(most) >= total {
                fullest.store(most - most / 64, Ordering::Relaxed);
                continue;
            }
            return Some(then(self, &mut data, total));
        }
        let first = random::below(SHARDS);
        for number in 0..SHARDS {
            let shard = &keyspace.shards[(first + number) % SHARDS];
            let mut data = shard.data.lock();
            let total = self.count(scope, &data);
            if total > 0 {
                return Some(then(self, &mut data, total));
            }
        }
        None
    }

    /// How many records of the scope a shard has that may be touched.
    fn count(&self, scope: Scope, data: &ShardData) -> usize {
        if is_reserved(data) {
            return 0;
        }
        let databases = self
            .keyspace
            .eviction
            .used_databases(self.keyspace.databases);
        databases
            .map(|db| data.used_ref(db).map_or(0, |part| scope.count(part)))
            .sum()
    }

    /// One of the `total` records of the scope in a shard, at random. `None` now and then, where the scope's are few.
    fn draw_one<'d>(
        &self,
        scope: Scope,
        data: &'d mut ShardData,
        total: usize,
    ) -> Option<(usize, Slot<'d, Record>)> {
        let mut left = random::below(total);
        let mut databases = self
            .keyspace
            .eviction
            .used_databases(self.keyspace.databases);
        let db = databases.find(|db| {
            let count = data.used_ref(*db).map_or(0, |part| scope.count(part));
            let found = left < count;
            left = left.saturating_sub(count);
            found
        })?;
        let table = &mut data.part(db).table;
        let slot = match scope {
            Scope::AllKeys => table.random_mut(&mut random::next),
            Scope::Volatile => {
                table.random_with_deadline(&mut random::next, |record| record.expiry().is_some())
            }
        };
        slot.map(|slot| (db, slot))
    }

    /// Removes a key of the shard whose time has come, if the index of deadlines leads to one.
    fn remove_due(&mut self, data: &mut ShardData) -> bool {
        for db in self
            .keyspace
            .eviction
            .used_databases(self.keyspace.databases)
        {
            let Some(part) = data.used(db) else {
                continue;
            };
            let mut budget = DUE_BUCKETS;
            let due = part.table.next_due(self.now as u64 + 1, &mut budget);
            // What is due may be a field of a hash: that is the sweeper's.
            if let Some(slot) = due.filter(|slot| slot.get().is_expired(self.now)) {
                let hash = KeyHash::of(slot_key(&slot));
                return self.remove_from(db, data, hash);
            }
        }
        false
    }

    /// Removes a record under its shard's lock: as expired if its time has come, else as evicted.
    fn remove_from(&mut self, db: usize, data: &mut ShardData, hash: KeyHash) -> bool {
        let part = data.part(db);
        let Some(slot) = part
            .table
            .find_mut(hash.table(), |record| KeyHash::of(record.key()) == hash)
        else {
            return false;
        };
        let expired = slot.get().is_expired(self.now);
        let history = slot.get().access();
        let mut effects = Effects::default();
        let door = &self.keyspace.door;
        let key = KeyMut::new(
            slot,
            &mut part.expiring,
            &mut part.waiting,
            door,
            &mut effects,
            db,
        );
        let (event, cause, counter) = match expired {
            true => (Event::EXPIRED, Cause::Expired, &self.counters.expired_keys),
            false => (Event::EVICTED, Cause::Evicted, &self.counters.evicted_keys),
        };
        counter.bump();
        key.lose(event);
        self.keyspace.eviction.lost(hash, cause, history);
        door.tell_changes(&mut effects);
        if let Some(gathered) = effects.into_gathered() {
            for (db, request) in gathered.first {
                door.deliver(db, &request.view());
            }
            self.ready.extend(gathered.ready);
        }
        true
    }
}

/// Whether somebody who has given a shard's lock back still needs the shard for himself.
fn is_reserved(data: &ShardData) -> bool {
    data.reserved().is_some()
}

fn find(part: &mut Part, hash: KeyHash) -> Option<Slot<'_, Record>> {
    part.table
        .find_mut(hash.table(), |record| KeyHash::of(record.key()) == hash)
}

fn slot_key<'s>(slot: &'s Slot<'_, Record>) -> &'s [u8] {
    slot.get().key()
}
