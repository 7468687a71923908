//! Operations on whole databases: `DBSIZE`, `FLUSHDB`, `FLUSHALL`, `SWAPDB`, and INFO's figures.

use super::access::Access;
use super::hash::{KeyHash, SHARDS};
use super::held::Reserved;
use super::record::Record;
use super::shard::{Keys, Part};
use crate::clock::UnixMillis;
use crate::memory::reclaim;
use crate::value::table::Table;

/// A database in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseFigures {
    /// Keys, expired ones that were not yet swept included.
    pub keys: usize,
    /// Keys with an expiry.
    pub expiring: usize,
    /// Hashes with fields that have an expiry.
    pub with_expiring_fields: usize,
    /// The mean time to live of a sample of the expiring keys, in milliseconds; 0 if there are none.
    pub average_ttl: u64,
    /// Bytes of the tables, without the records.
    pub table_bytes: usize,
}

/// A database's figures while the shards are visited.
#[derive(Clone, Default)]
struct Sampled {
    figures: DatabaseFigures,
    /// Records looked at for the mean time to live.
    examined: usize,
    ttls: u64,
    sum: u64,
}

impl Sampled {
    /// Times to live that are enough for a mean.
    const ENOUGH: u64 = 256;
    /// Records looked at for them at the most. Shards are parts of the hash's range, so the first ones are as good as any.
    const MOST_EXAMINED: usize = 16 * 1024;

    fn add(&mut self, part: &Part, now: UnixMillis) {
        self.figures.keys += part.table.len();
        self.figures.expiring += part.expiring.keys as usize;
        self.figures.with_expiring_fields += part.expiring.hashes as usize;
        self.figures.table_bytes += part.table.memory();
        if part.expiring.keys > 0 {
            self.sample(part, now);
        }
    }

    fn sample(&mut self, part: &Part, now: UnixMillis) {
        for record in part.table.iter() {
            if self.ttls == Self::ENOUGH || self.examined == Self::MOST_EXAMINED {
                return;
            }
            self.examined += 1;
            if let Some(expiry) = record.expiry() {
                self.ttls += 1;
                self.sum += (expiry - now).max(0) as u64;
            }
        }
    }

    fn figures(mut self) -> DatabaseFigures {
        self.figures.average_ttl = self.sum.checked_div(self.ttls).unwrap_or(0);
        self.figures
    }
}

/// Whether a table has a key that has not expired.
fn is_there(table: &Table<Record>, key: &[u8], now: UnixMillis) -> bool {
    let found = table.find(KeyHash::of(key).table(), |record| record.key() == key);
    found.is_some_and(|record| !record.is_expired(now))
}

impl Access<'_> {
    /// The number of keys in the current database (`DBSIZE`), expired ones that were not yet swept included.
    pub fn len(&mut self) -> usize {
        let db = self.db;
        let mut keys = 0;
        self.each_shard(|_, data, _| keys += data.len(db));
        keys
    }

    /// [`Access::len`] for commands, which must not see what a script has done by halves.
    ///
    /// # Errors
    /// If a shard is reserved.
    pub fn count(&mut self) -> Result<usize, Reserved> {
        let is_alone = self.holds_all();
        let db = self.db;
        (0..SHARDS).try_fold(0, |keys, shard| {
            self.with_shard(shard, |_, data, _| match data.reserved() {
                Some(holder) if !is_alone => Err(Reserved { holder }),
                _ => Ok(keys + data.len(db)),
            })
        })
    }

    /// The number of keys in all databases.
    fn len_of_all(&mut self) -> usize {
        let databases = self.keyspace().databases();
        let mut keys = 0;
        self.each_shard(|_, data, _| {
            keys += (0..databases).map(|db| data.len(db)).sum::<usize>();
        });
        keys
    }

    /// Whether the current database has no keys.
    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// The figures of every database, each shard visited once.
    pub fn figures(&mut self) -> Vec<DatabaseFigures> {
        let now: UnixMillis = self.now;
        let databases = self.keyspace().databases();
        let mut all = vec![Sampled::default(); databases];
        self.each_shard(|_, data, _| {
            for (db, sampled) in all.iter_mut().enumerate() {
                if let Some(part) = data.used_ref(db) {
                    sampled.add(part, now);
                }
            }
        });
        all.into_iter().map(Sampled::figures).collect()
    }

    /// Removes every key of database `db`, or of all.  Needs all locks.  Returns how many there were.
    ///
    /// With `later` the records are freed on the reclaiming thread, else by this one as soon as it has given the locks back.
    pub fn flush(&mut self, db: Option<usize>, later: bool) -> usize {
        let databases = match db {
            Some(db) => db..db + 1,
            None => 0..self.keyspace().databases(),
        };
        let now = self.now;
        let mut removed = 0;
        let mut parts: Vec<Keys> = Vec::new();
        self.each_shard(|_, data, effects| {
            for db in databases.clone() {
                let Some(part) = data.used(db) else {
                    continue;
                };
                if !part.table.is_empty() {
                    removed += part.table.len();
                    let table = &part.table;
                    part.waiting.mark_watchers(|key| is_there(table, key, now));
                    parts.push(part.take_keys());
                    effects.add_ready(part.waiting.keys().map(|key| (db, key.into())));
                }
            }
        });
        self.forget_all_readers();
        self.note_change();
        if later {
            // What a record occupies is not known without looking at it: all of them are about alike.
            let left = self.len_of_all();
            let each = crate::memory::used() / (removed + left).max(1);
            for part in parts {
                let keys = part.len();
                reclaim::later_counted(part, keys as u64, keys * each);
            }
        } else {
            self.free_behind_locks(parts);
        }
        removed
    }

    /// Whoever keeps what it has read, of whatever database, keeps nothing true. Needs all locks.
    fn forget_all_readers(&mut self) {
        let keyspace = self.keyspace();
        if keyspace.readers().keys() > 0 {
            self.each_shard(|_, data, _| {
                for db in 0..keyspace.databases() {
                    let Some(part) = data.used(db) else {
                        continue;
                    };
                    part.waiting
                        .change_readers(|readers| readers.clear(&keyspace.door));
                }
            });
        }
        keyspace.door.invalidate_all();
    }

    /// Exchanges two databases.  Needs all locks.
    pub fn swap_databases(&mut self, a: usize, b: usize) {
        self.keyspace().eviction.note_use(a);
        self.keyspace().eviction.note_use(b);
        let now = self.now;
        self.each_shard(|_, data, effects| {
            if [a, b].iter().all(|db| data.used_ref(*db).is_none()) {
                return;
            }
            for db in [a, b] {
                data.part(db);
            }
            let parts = [a, b].map(|db| data.used_ref(db));
            for part in parts.into_iter().flatten() {
                let tables = parts.iter().flatten().map(|part| &part.table);
                let touches = |key: &[u8]| tables.clone().any(|table| is_there(table, key, now));
                part.waiting.mark_watchers(touches);
            }
            data.swap(a, b);
            for db in [a, b] {
                let waited = data.part(db).waiting.keys();
                effects.add_ready(waited.map(|key| (db, key.into())));
            }
        });
        self.forget_all_readers();
        self.note_change();
    }
}
