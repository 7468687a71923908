//! `allkeys-lhd` and `volatile-lhd`: the key goes whose bytes earn the fewest hits for the time that they stay.
//!
//! The policy is of the family of *least hit density* (Beckmann, Chen and Cidon, NSDI 2018): it has no queues, it compares a few keys
//! drawn at random, and it learns what they are worth instead of assuming it. So there is no kind of load that it is made for: it
//! becomes LRU where popularity fades, LFU where it stays, and keeps a part of a loop that does not fit. What is new here is how it
//! learns ([`density`]): by a census of those that may be hit, the evicted ones included, which costs nothing beside the hunt for victims
//! and tells at once what has changed.
//!
//! * [`usage`]: a record's 24 bits, and 16 of them that are remembered of an evicted key.
//! * [`density`]: what is learned.
//! * [`ticks`]: the time that ages are counted in.
//! * [`hits`]: counting hits, on every request's path.
//!
//! All of a keyspace's keys are one domain. The state is some 40 kB, whatever the number of keys; the memory of
//! evicted keys is shared with the one that tells why a miss was a miss.

mod density;
mod hits;
mod ticks;
mod usage;

use parking_lot::Mutex;

use super::History;
use super::hunt::{Drawn, Hunt};
use super::losses::{Cause, Loss};
use super::policy::{Creation, Policy, Scope};
use crate::clock::UnixMillis;
use crate::keyspace::KeyHash;
use crate::keyspace::record::RecordRef;
use density::Density;
use hits::Hits;
use ticks::Ticks;
use usage::Usage;

/// Candidates kept from one draw to the next.
const POOL: usize = 16;
/// Candidates drawn for each of `maxmemory-samples`: more of them help this policy more than others.
const DRAWS_A_SAMPLE: usize = 2;
/// Memories of evicted keys looked at for each victim.
const MEMORIES: usize = 4;
/// Rounds of drawing without a victim before the policy gives up for this time.
const ROUNDS: usize = 64;
/// Censuses in a turn, and the fewest ticks for one.
const CENSUSES_A_TURN: usize = 4;
const SHORTEST_CENSUS: usize = 256;

/// Least hit density.
#[derive(Debug)]
pub(super) struct Lhd {
    scope: Scope,
    ticks: Ticks,
    hits: Hits,
    /// Nobody waits for a shard while holding it.
    chooser: Mutex<Chooser>,
}

/// What is known about values, and the least valuable keys that were met so far.
#[derive(Debug)]
struct Chooser {
    density: Box<Density>,
    pool: Vec<Candidate>,
}

/// A key that may go. What it earns is found anew for every choice: it changes as the key gets older.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    db: usize,
    hash: KeyHash,
    usage: Usage,
    bytes: f32,
}

impl Lhd {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            scope,
            ticks: Ticks::default(),
            hits: Hits::default(),
            chooser: Mutex::new(Chooser {
                density: Density::new(0),
                pool: Vec::new(),
            }),
        }
    }

    /// Draws candidates. `Err` if there are none, or if one was met whose time had come, and so is gone: with whether that is so.
    fn draw(&self, hunt: &mut Hunt<'_>) -> Result<Vec<Candidate>, bool> {
        let mut left = hunt.samples() * DRAWS_A_SAMPLE;
        let mut drawn = Vec::with_capacity(left);
        while left > 0 {
            let found = hunt.draw(self.scope, left, |candidate| {
                drawn.push(Candidate {
                    db: candidate.db,
                    hash: candidate.hash,
                    usage: Usage::from_history(candidate.record.access()),
                    bytes: candidate.record.memory() as f32,
                });
            });
            match found {
                Drawn::Removed => return Err(true),
                Drawn::Nothing => return Err(false),
                Drawn::Shown(shown) => left -= shown.clamp(1, left),
            }
        }
        Ok(drawn)
    }

    /// Learns from what was drawn, and from as many memories of evicted keys.
    fn learn(&self, hunt: &mut Hunt<'_>, drawn: &[Candidate], tick: u32) {
        let losses = &hunt.eviction().losses;
        let length = (self.ticks.turn() / CENSUSES_A_TURN).max(SHORTEST_CENSUS);
        let is_due = |density: &Density| density.age(tick) as usize >= length;
        {
            let mut chooser = self.chooser.lock();
            for candidate in drawn {
                chooser.density.see_resident(candidate.usage, tick);
            }
            for _ in 0..MEMORIES {
                let memory = losses.draw().and_then(evicted);
                let usage = memory.map(|bits| Usage::from_memory(bits, tick));
                chooser.density.see_memory(usage, tick);
            }
            if !is_due(&chooser.density) {
                return;
            }
        }
        let keys = hunt.keys(self.scope);
        self.ticks.set_keys(keys);
        let mut chooser = self.chooser.lock();
        // Another thread may have been quicker.
        if is_due(&chooser.density) {
            let hits = self.hits.collect();
            chooser.density.close(tick, keys, losses.capacity(), &hits);
        }
    }
}

impl Chooser {
    /// Adds candidates to the pool and takes the one out whose bytes earn the least. The best of the others stay.
    fn choose(&mut self, drawn: &[Candidate], tick: u32) -> Option<Candidate> {
        for candidate in drawn {
            match self
                .pool
                .iter_mut()
                .find(|kept| (kept.hash, kept.db) == (candidate.hash, candidate.db))
            {
                Some(kept) => *kept = *candidate,
                None => self.pool.push(*candidate),
            }
        }
        let density = &self.density;
        let worth = |candidate: &Candidate| density.of(candidate.usage, tick) / candidate.bytes;
        self.pool
            .sort_by_cached_key(|candidate| std::cmp::Reverse(Ordered(worth(candidate))));
        let excess = self.pool.len().saturating_sub(POOL + 1);
        self.pool.drain(..excess);
        self.pool.pop()
    }
}

/// What is remembered of a lost key, if it was evicted: only then would its return have been a hit.
fn evicted(loss: Loss) -> Option<u16> {
    (loss.cause == Cause::Evicted && loss.memory != 0).then_some(loss.memory)
}

/// A number with an order.
#[derive(PartialEq)]
struct Ordered(f32);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Policy for Lhd {
    fn history(&self) -> History {
        History::Own
    }

    fn created(&self, now: UnixMillis) -> u32 {
        Usage::new(self.ticks.at(now)).history()
    }

    fn touched(&self, record: RecordRef<'_>, now: UnixMillis) -> u32 {
        let tick = self.ticks.at(now);
        let usage = Usage::from_history(record.access());
        if self.scope.admits(record) {
            self.hits.note(usage, tick);
        }
        usage.used(tick).history()
    }

    fn idle_seconds(&self, history: u32, now: UnixMillis) -> u32 {
        self.ticks.seconds_since(Usage::from_history(history), now)
    }

    fn memory(&self, history: u32) -> u16 {
        Usage::from_history(history).memory()
    }

    fn hears_of_keys(&self) -> bool {
        true
    }

    fn inserted(&self, creation: Creation<'_>) {
        let tick = self.ticks.pass_insertion();
        let Some(lost) = creation.lost.filter(|lost| lost.memory != 0) else {
            return;
        };
        let usage = Usage::from_memory(lost.memory, tick);
        if lost.cause == Cause::Evicted && self.scope.admits(creation.record) {
            // It would have been a hit.
            self.hits.note(usage, tick);
        }
        creation.record.touch(usage.used(tick).history());
    }

    fn reset(&self) {
        let mut chooser = self.chooser.lock();
        chooser.pool.clear();
        chooser.density = Density::new(self.ticks.now());
        self.hits.collect();
    }

    fn evict(&self, hunt: &mut Hunt<'_>) -> bool {
        for _ in 0..ROUNDS {
            let mut drawn = match self.draw(hunt) {
                Ok(drawn) => drawn,
                Err(removed) => return removed,
            };
            let tick = self.ticks.now();
            self.learn(hunt, &drawn, tick);
            loop {
                let chosen = self.chooser.lock().choose(&drawn, tick);
                let Some(victim) = chosen else { break };
                drawn.clear();
                // It may have been used, or made to stay, since it was drawn.
                let history = victim.usage.history();
                let still =
                    |record: RecordRef<'_>| record.access() == history && self.scope.admits(record);
                if hunt.evict(victim.db, victim.hash, still) {
                    return true;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
