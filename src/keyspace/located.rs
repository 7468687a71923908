//! Where a key is in its shard, with everything that a change of it needs.

use super::Keyspace;
use super::door::Effects;
use super::entry::KeyMut;
use super::eviction::Cause;
use super::hash::KeyHash;
use super::record::Record;
use super::shard::{Expiring, Part};
use super::waiting::Waiting;
use crate::clock::UnixMillis;
use crate::stats::Counters;
use crate::value::table::Slot;

/// Where a key is or would be.
pub(super) struct Located<'a> {
    pub(super) part: &'a mut Part,
    pub(super) hash: KeyHash,
    pub(super) keyspace: &'a Keyspace,
    pub(super) effects: &'a mut Effects,
    pub(super) counters: &'a Counters,
    pub(super) db: usize,
}

/// A key that exists.
pub(super) struct Found<'a> {
    pub(super) slot: Slot<'a, Record>,
    pub(super) hash: KeyHash,
    pub(super) expiring: &'a mut Expiring,
    pub(super) waiting: &'a mut Waiting,
    pub(super) keyspace: &'a Keyspace,
    pub(super) effects: &'a mut Effects,
    pub(super) db: usize,
}

impl<'a> Found<'a> {
    /// The guard through which it is changed.
    #[inline]
    pub(super) fn guard(self) -> KeyMut<'a> {
        KeyMut::new(
            self.slot,
            self.expiring,
            self.waiting,
            &self.keyspace.door,
            self.effects,
            self.db,
        )
    }
}

impl<'a> Located<'a> {
    /// The key's slot, unless it is absent or its time has come; then it is removed.
    #[inline]
    pub(super) fn live(self, key: &[u8], now: UnixMillis) -> Option<Found<'a>> {
        let Located {
            part,
            hash,
            keyspace,
            effects,
            counters,
            db,
        } = self;
        let slot = part
            .table
            .find_mut(hash.table(), |record| record.key() == key)?;
        if slot.get().is_expired(now) {
            let history = slot.get().access();
            KeyMut::new(
                slot,
                &mut part.expiring,
                &mut part.waiting,
                &keyspace.door,
                effects,
                db,
            )
            .expire(counters);
            keyspace.eviction.lost(hash, Cause::Expired, history);
            return None;
        }
        Some(Found {
            slot,
            hash,
            expiring: &mut part.expiring,
            waiting: &mut part.waiting,
            keyspace,
            effects,
            db,
        })
    }
}
