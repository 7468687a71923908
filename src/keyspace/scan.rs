//! Walking over the keys: `SCAN`'s cursors, `KEYS`, `RANDOMKEY`.
//!
//! A cursor is a shard's number and a position in the order of hashes, which no growth, split or merge of a table
//! changes: whatever is there throughout a scan is returned by it.  Cursors are below 2^52, so that clients that
//! read numbers as doubles are not hurt.

use super::access::Access;
use super::hash::SHARDS;
use super::held::Reserved;
use super::record::RecordRef;
use super::shard::Part;

/// Bits of a cursor below the shard's number: the top bits of the position in hash order.
const POSITION_BITS: u32 = 42;

/// Where a scan goes on; 0 is both its beginning and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub u64);

impl Cursor {
    fn split(self) -> (usize, u64) {
        (
            (self.0 >> POSITION_BITS) as usize,
            self.0 << (64 - POSITION_BITS),
        )
    }

    fn join(shard: usize, position: u64) -> Self {
        Self((shard as u64) << POSITION_BITS | position >> (64 - POSITION_BITS))
    }
}

/// Where a scan of one value's table goes on: a cursor of HSCAN or ZSCAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(u64);

impl Position {
    /// The beginning, and the end.
    pub const START: Self = Self(0);

    /// From a cursor that a client sends.
    pub fn from_cursor(cursor: u64) -> Self {
        Self(cursor << (64 - POSITION_BITS))
    }

    /// From what a table's scan returned.
    pub fn after(next: Option<u64>) -> Self {
        Self(next.unwrap_or(0))
    }

    /// As a table's scan takes it.
    pub fn in_table(self) -> u64 {
        self.0
    }

    /// As a client gets it.
    pub fn cursor(self) -> u64 {
        self.0 >> (64 - POSITION_BITS)
    }
}

impl Access<'_> {
    /// Visits some `count` keys of the current database from `cursor` on; gives where to go on.
    ///
    /// Keys whose time has come are not visited. Empty shards cost next to nothing, but each call looks at some
    /// `10 * count` of them at the most.
    ///
    /// # Errors
    /// If the very first shard is reserved; a later one only ends the call early.
    pub fn scan(
        &mut self,
        cursor: Cursor,
        count: usize,
        mut visit: impl FnMut(RecordRef<'_>),
    ) -> Result<Cursor, Reserved> {
        let (mut shard, mut position) = cursor.split();
        let (db, now, is_alone) = (self.db, self.now, self.holds_all());
        let start = shard;
        let mut left = count.max(1);
        let mut shards_left = count.saturating_mul(10).max(16);
        while shard < SHARDS {
            let next = self.with_shard(shard, |_, data, _| {
                if let Some(holder) = data.reserved().filter(|_| !is_alone) {
                    return Err(Reserved { holder });
                }
                let Some(part) = data.used_ref(db) else {
                    return Ok(None);
                };
                Ok(part.table.scan(position, left, |record| {
                    left = left.saturating_sub(1);
                    if !record.is_expired(now) {
                        visit(record);
                    }
                }))
            });
            let next = match next {
                Err(_) if shard > start => break,
                next => next?,
            };
            match next {
                Some(next) => position = next,
                None => (shard, position) = (shard + 1, 0),
            }
            shards_left -= 1;
            if left == 0 || shards_left == 0 {
                break;
            }
        }
        Ok(if shard >= SHARDS {
            Cursor(0)
        } else {
            Cursor::join(shard, position)
        })
    }

    /// Visits every key of the current database that has not expired.
    pub fn each_key(&mut self, mut visit: impl FnMut(RecordRef<'_>)) {
        let (db, now) = (self.db, self.now);
        self.each_shard(|_, data, _| {
            let records = data
                .used_ref(db)
                .into_iter()
                .flat_map(|part| part.table.iter());
            for record in records {
                if !record.is_expired(now) {
                    visit(record);
                }
            }
        });
    }

    /// A key of the current database, each with the same probability. Needs all locks.
    pub fn random_key(&mut self, mut random: impl FnMut() -> u64) -> Option<Vec<u8>> {
        let (db, now) = (self.db, self.now);
        // A database in which nearly everything has expired and nothing was swept is answered by a dead key's neighbour.
        for _ in 0..100 {
            let total = self.len();
            if total == 0 {
                return None;
            }
            let mut skip = (random() % total as u64) as usize;
            let mut found = None;
            self.each_shard(|_, data, _| {
                let Some(Part { table, .. }) = data.used_ref(db) else {
                    return;
                };
                if found.is_none() {
                    if skip < table.len() {
                        found = table
                            .random(&mut random)
                            .map(|r| (r.key().to_vec(), r.is_expired(now)));
                    } else {
                        skip -= table.len();
                    }
                }
            });
            match found {
                Some((key, false)) => return Some(key),
                Some((key, true)) => drop(self.peek(&key)),
                None => {}
            }
        }
        let mut last = None;
        self.each_key(|record| last = Some(record.key().to_vec()));
        last
    }
}
