//! Hints to the processor's cache for a window of pipelined commands.
//!
//! Two passes over the window's keys: the first brings the buckets, the second the records. Where the commands ask about
//! members of one large collection, a third brings these. All read a table only under its shard's lock, and only if
//! nobody holds it; what they find is never used but as a hint.

use super::Keyspace;
use super::hash::KeyHash;
use super::record::Value;

impl Keyspace {
    /// First pass: the bucket in which the key would be.
    #[inline]
    pub fn prefetch_bucket(&self, db: usize, hash: KeyHash) {
        if let Some(data) = self.shards[hash.shard().index()].data.try_lock()
            && let Some(part) = data.used_ref(db)
        {
            part.table.prefetch(hash.table());
        }
    }

    /// Third pass: what the large collection under `key`, if it is one, has for these members.
    #[inline]
    pub fn prefetch_members<'n>(
        &self,
        db: usize,
        key: &[u8],
        hash: KeyHash,
        members: impl Iterator<Item = &'n [u8]> + Clone,
    ) {
        let Some(data) = self.shards[hash.shard().index()].data.try_lock() else {
            return;
        };
        let part = data.used_ref(db);
        let Some(record) =
            part.and_then(|part| part.table.find(hash.table(), |record| record.key() == key))
        else {
            return;
        };
        match record.value() {
            Value::Hash(hash) => hash.prefetch(members),
            Value::Set(set) => set.prefetch(members),
            Value::ZSet(zset) => zset.prefetch(members),
            _ => {}
        }
    }

    /// Second pass: the record that the bucket names.
    #[inline]
    pub fn prefetch_record(&self, db: usize, hash: KeyHash) {
        if let Some(data) = self.shards[hash.shard().index()].data.try_lock()
            && let Some(part) = data.used_ref(db)
        {
            part.table.prefetch_entry(hash.table());
        }
    }
}
