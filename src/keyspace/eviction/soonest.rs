//! `volatile-ttl`: the key that expires first goes first.
//!
//! The tables' index of deadlines knows the earliest of each shard. A list of these, ordered, leads to the shard that has the
//! earliest of all; it is drawn up anew every few milliseconds, because keys that expire sooner may have come meanwhile.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::hunt::{Hunt, Soonness};
use super::policy::Policy;
use crate::clock::UnixMillis;
use crate::keyspace::hash::SHARDS;
use crate::value::table::DEADLINE_UNIT_MS;

/// How long a list is used.
const LASTS: Duration = Duration::from_millis(10);

/// Parts looked at for one victim. Each look makes the list exact where it was not, so that a few are enough.
const TRIES: usize = 4 * SHARDS;

/// The policy.
#[derive(Debug, Default)]
pub(super) struct Soonest(Mutex<Agenda>);

/// Where keys expire, the earliest first.
#[derive(Debug, Default)]
struct Agenda {
    parts: BinaryHeap<Reverse<Entry>>,
    drawn_up: Option<Instant>,
}

/// No key of this part expires before that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    earliest: UnixMillis,
    shard: usize,
    db: usize,
}

impl Agenda {
    /// Draws the list up, one shard at a time.
    fn renew(&mut self, hunt: &mut Hunt<'_>) {
        self.parts.clear();
        for shard in 0..SHARDS {
            hunt.visit_parts(shard, |db, part| {
                if part.expiring.keys > 0
                    && let Some(earliest) = part.table.earliest_deadline()
                {
                    let earliest = earliest as UnixMillis;
                    let entry = Entry {
                        earliest,
                        shard,
                        db,
                    };
                    self.parts.push(Reverse(entry));
                }
            });
        }
        self.drawn_up = Some(Instant::now());
    }
}

impl Policy for Soonest {
    fn reset(&self) {
        *self.0.lock() = Agenda::default();
    }

    fn evict(&self, hunt: &mut Hunt<'_>) -> bool {
        let mut agenda = self.0.lock();
        let is_stale = agenda.drawn_up.is_none_or(|then| then.elapsed() > LASTS);
        if is_stale || agenda.parts.is_empty() {
            agenda.renew(hunt);
        }
        for _ in 0..TRIES {
            let Some(Reverse(Entry { shard, db, .. })) = agenda.parts.pop() else {
                break;
            };
            // Deadlines within one unit of the index are as good as equal.
            let next = agenda.parts.peek().map(|entry| entry.0.earliest);
            let limit = next.map_or(UnixMillis::MAX, |next| {
                next.saturating_add(DEADLINE_UNIT_MS as UnixMillis)
            });
            let (earliest, gone) = match hunt.evict_soonest(shard, db, limit) {
                Soonness::Gone(earliest) => (earliest, true),
                Soonness::Later(earliest) => (earliest, false),
                Soonness::Nothing => continue,
            };
            let entry = Entry {
                earliest,
                shard,
                db,
            };
            agenda.parts.push(Reverse(entry));
            if gone {
                return true;
            }
        }
        false
    }
}
