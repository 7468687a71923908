//! Operations on whole databases: `DBSIZE`, `FLUSHDB`, `FLUSHALL`, `SWAPDB`, and INFO's figures.

use super::access::Access;
use super::shard::Part;
use crate::clock::UnixMillis;
use crate::memory::reclaim;

/// A database in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseFigures {
    /// Keys, expired ones that were not yet swept included.
    pub keys: usize,
    /// Keys with an expiry.
    pub expiring: usize,
    /// The mean time to live of a sample of the expiring keys, in milliseconds; 0 if there are none.
    pub average_ttl: u64,
    /// Bytes of the tables, without the records.
    pub table_bytes: usize,
}

impl Access<'_> {
    /// The number of keys in the current database (`DBSIZE`), expired ones that were not yet swept included.
    pub fn len(&mut self) -> usize {
        let db = self.db;
        let mut keys = 0;
        self.each_shard(|_, data, _| keys += data.part(db).table.len());
        keys
    }

    /// Whether the current database has no keys.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// The figures of database `db`.
    pub fn figures(&mut self, db: usize) -> DatabaseFigures {
        /// Keys looked at for the mean time to live, a few from each shard.
        const SAMPLE_PER_SHARD: usize = 4;
        let now: UnixMillis = self.now;
        let mut figures = DatabaseFigures::default();
        let (mut sampled, mut sum) = (0_u64, 0_u64);
        self.each_shard(|_, data, _| {
            let part = data.part(db);
            figures.keys += part.table.len();
            figures.expiring += part.expiring as usize;
            figures.table_bytes += part.table.memory();
            if part.expiring > 0 {
                let ttls = part
                    .table
                    .iter()
                    .take(8 * SAMPLE_PER_SHARD)
                    .filter_map(super::RecordRef::expiry);
                for expiry in ttls.take(SAMPLE_PER_SHARD) {
                    sampled += 1;
                    sum += (expiry - now).max(0) as u64;
                }
            }
        });
        figures.average_ttl = sum.checked_div(sampled).unwrap_or(0);
        figures
    }

    /// Removes every key of database `db`, or of all.  Needs all locks.  Returns how many there were.
    ///
    /// With `later` the records are freed on the reclaiming thread, else before this returns.
    pub fn flush(&mut self, db: Option<usize>, later: bool) -> usize {
        let databases = match db {
            Some(db) => db..db + 1,
            None => 0..self.keyspace().databases(),
        };
        let mut removed = 0;
        let mut parts: Vec<Part> = Vec::new();
        self.each_shard(|_, data, _| {
            for db in databases.clone() {
                let part = data.part(db);
                if part.table.len() > 0 {
                    removed += part.table.len();
                    parts.push(std::mem::take(part));
                }
            }
        });
        self.note_change();
        if later {
            reclaim::later_counted(parts, removed as u64);
        }
        removed
    }

    /// Exchanges two databases.  Needs all locks.
    pub fn swap_databases(&mut self, a: usize, b: usize) {
        self.each_shard(|_, data, _| data.swap(a, b));
        self.note_change();
    }
}
