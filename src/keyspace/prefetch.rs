//! Hints to the processor's cache for a window of pipelined commands.
//!
//! Two passes over the window's keys: the first brings the buckets, the second the records. Both read a table only
//! under its shard's lock, and only if nobody holds it; what they find is never used but as a hint.

use super::Keyspace;
use super::hash::KeyHash;

impl Keyspace {
    /// First pass: the bucket in which the key would be.
    #[inline]
    pub fn prefetch_bucket(&self, db: usize, hash: KeyHash) {
        if let Some(mut data) = self.shards[hash.shard().index()].data.try_lock() {
            data.part(db).table.prefetch(hash.table());
        }
    }

    /// Second pass: the record that the bucket names.
    #[inline]
    pub fn prefetch_record(&self, db: usize, hash: KeyHash) {
        if let Some(mut data) = self.shards[hash.shard().index()].data.try_lock() {
            data.part(db).table.prefetch_entry(hash.table());
        }
    }
}
