//! The policies that compare a few keys drawn at random: LRU, LFU and random.
//!
//! The best candidates of earlier draws are kept in a *pool* (Redis's idea): of each draw only one is evicted, and the others
//! that are nearly as good come to be compared with the next ones. There are several pools, so that threads which evict at the
//! same time do not wait for one another.

use parking_lot::{Mutex, MutexGuard};

use super::hunt::{Drawn, Hunt};
use super::policy::{Policy, Scope};
use super::{Eviction, History};
use crate::clock::UnixMillis;
use crate::keyspace::KeyHash;
use crate::keyspace::record::RecordRef;
use crate::random;

/// Candidates that a pool keeps.
const POOL: usize = 16;
const POOLS: usize = 8;
/// Rounds of drawing without a victim before the policy gives up for this time.
const ROUNDS: usize = 64;

/// By what candidates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// The time since the last access.
    Idle,
    /// How seldom they are used.
    Frequency,
    /// By nothing.
    Random,
}

/// A policy that compares keys drawn at random.
#[derive(Debug)]
pub(super) struct Sampled {
    scope: Scope,
    rank: Rank,
    pools: [Mutex<Pool>; POOLS],
}

/// Candidates, the best one last.
#[derive(Debug, Default)]
struct Pool(Vec<Kept>);

#[derive(Debug, Clone, Copy)]
struct Kept {
    score: u32,
    db: usize,
    hash: KeyHash,
}

impl Sampled {
    pub(super) fn new(scope: Scope, rank: Rank) -> Self {
        Self {
            scope,
            rank,
            pools: Default::default(),
        }
    }

    /// How good a victim a record with this history is.
    fn score(&self, eviction: &Eviction, history: u32, now: UnixMillis) -> u32 {
        match self.rank {
            Rank::Idle => eviction.idle_by(history, now),
            Rank::Frequency => 255 - u32::from(eviction.frequency_by(history, now)),
            Rank::Random => 0,
        }
    }

    /// A pool that nobody uses at the moment, if there is one.
    fn pool(&self) -> MutexGuard<'_, Pool> {
        let first = random::below(POOLS);
        let all = (0..POOLS).map(|number| &self.pools[(first + number) % POOLS]);
        all.clone()
            .find_map(Mutex::try_lock)
            .unwrap_or_else(|| self.pools[first].lock())
    }

    /// Draws candidates into a pool. `None` if there are none, `Some(true)` if one was met whose time had come.
    fn fill(&self, hunt: &mut Hunt<'_>, pool: &mut Pool) -> Option<bool> {
        let (eviction, now) = (hunt.eviction(), hunt.now);
        let mut left = hunt.samples();
        while left > 0 {
            let drawn = hunt.draw(self.scope, left, |candidate| {
                pool.offer(Kept {
                    score: self.score(eviction, candidate.record.access(), now),
                    db: candidate.db,
                    hash: candidate.hash,
                });
            });
            match drawn {
                Drawn::Removed => return Some(true),
                Drawn::Nothing => return None,
                Drawn::Shown(shown) => left -= shown.clamp(1, left),
            }
        }
        Some(false)
    }

    fn evict_best(&self, hunt: &mut Hunt<'_>) -> bool {
        let (eviction, now) = (hunt.eviction(), hunt.now);
        let mut pool = self.pool();
        for _ in 0..ROUNDS {
            match self.fill(hunt, &mut pool) {
                Some(true) => return true,
                Some(false) => {}
                None => return false,
            }
            while let Some(best) = pool.0.pop() {
                // It may have been used, or made to stay, since it was drawn.
                let still = |record: RecordRef<'_>| {
                    self.scope.admits(record)
                        && self.score(eviction, record.access(), now) >= best.score
                };
                if hunt.evict(best.db, best.hash, still) {
                    return true;
                }
            }
        }
        false
    }
}

impl Policy for Sampled {
    fn history(&self) -> History {
        match self.rank {
            Rank::Frequency => History::Frequency,
            Rank::Idle | Rank::Random => History::Clock,
        }
    }

    fn reset(&self) {
        self.pools.iter().for_each(|pool| pool.lock().0.clear());
    }

    fn evict(&self, hunt: &mut Hunt<'_>) -> bool {
        match self.rank {
            Rank::Random => hunt.evict_any(self.scope),
            Rank::Idle | Rank::Frequency => self.evict_best(hunt),
        }
    }
}

impl Pool {
    /// Keeps a candidate if it is better than the worst of a full pool.
    fn offer(&mut self, candidate: Kept) {
        if self.0.iter().any(|kept| kept.hash == candidate.hash) {
            return;
        }
        let at = self.0.partition_point(|kept| kept.score <= candidate.score);
        if self.0.len() < POOL {
            self.0.insert(at, candidate);
        } else if at > 0 {
            self.0.remove(0);
            self.0.insert(at - 1, candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_keeps_the_best_of_what_it_is_offered_each_once() {
        let mut pool = Pool::default();
        for n in 0..1000_u32 {
            let score = n.wrapping_mul(7919) % 1009;
            let hash = KeyHash::of(&score.to_le_bytes());
            let kept = Kept { score, db: 0, hash };
            pool.offer(kept);
            pool.offer(kept);
        }
        let scores: Vec<_> = pool.0.iter().map(|kept| kept.score).collect();
        let mut all: Vec<_> = (0..1000_u32).map(|n| n.wrapping_mul(7919) % 1009).collect();
        all.sort_unstable();
        assert_eq!(scores, all[all.len() - POOL..]);
    }
}
