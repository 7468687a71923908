//! Eviction: which keys give way when memory is short, and what every record remembers for that.
//!
//! * [`policy`]: what a policy is. Each is one file: [`sampled`] has LRU, LFU and random, [`soonest`] has `volatile-ttl`, [`lhd`] has
//!   the one that is better than these.
//! * [`hunt`]: what a policy may do with the keyspace, one shard at a time.
//! * [`history`]: the 24 bits of access history in every record.
//! * [`losses`]: why a key is not there.
//!
//! Evicted keys go through the door like those that are deleted, with the event `evicted` and the effect `DEL`.

mod history;
mod hunt;
mod lhd;
mod losses;
mod policy;
mod sampled;
mod soonest;

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

pub use history::History;
pub use hunt::{Candidate, Drawn, Hunt};
pub use losses::{Cause, Loss, Losses};
pub use policy::{Creation, Policy, Scope};

use super::Keyspace;
use super::hash::KeyHash;
use super::record::RecordRef;
use crate::clock::UnixMillis;
use crate::config::choice::{Choice, MaxmemoryPolicy};
use crate::stats::Counters;
use history::Rate;
use lhd::Lhd;
use sampled::{Rank, Sampled};
use soonest::Soonest;

/// The last bit of the set of used databases stands for all from this one on.
const LAST_BIT: usize = 63;

/// What a keyspace knows about eviction.
#[derive(Debug)]
pub struct Eviction {
    /// By the position of their word.
    policies: Box<[Box<dyn Policy>]>,
    current: AtomicUsize,
    /// The current policy's [`History`], as a number.
    history: AtomicU8,
    /// Whether the current policy hears of keys that come and go.
    hears: AtomicBool,
    samples: AtomicUsize,
    log_factor: AtomicU32,
    decay_minutes: AtomicU32,
    /// One bit a database: it has had a key.
    used: AtomicU64,
    /// About the most keys that a shard has, by scope: see [`Hunt`].
    fullest: [AtomicUsize; 2],
    /// Why keys are not there.
    pub losses: Losses,
}

/// `noeviction`.
#[derive(Debug)]
struct Nobody;

impl Policy for Nobody {
    fn evict(&self, _: &mut Hunt<'_>) -> bool {
        false
    }
}

fn make(policy: MaxmemoryPolicy) -> Box<dyn Policy> {
    use MaxmemoryPolicy as Name;
    use Scope::{AllKeys, Volatile};
    match policy {
        Name::VolatileLru => Box::new(Sampled::new(Volatile, Rank::Idle)),
        Name::VolatileLfu => Box::new(Sampled::new(Volatile, Rank::Frequency)),
        Name::VolatileRandom => Box::new(Sampled::new(Volatile, Rank::Random)),
        Name::VolatileTtl => Box::new(Soonest::default()),
        Name::AllkeysLru => Box::new(Sampled::new(AllKeys, Rank::Idle)),
        Name::AllkeysLfu => Box::new(Sampled::new(AllKeys, Rank::Frequency)),
        Name::AllkeysRandom => Box::new(Sampled::new(AllKeys, Rank::Random)),
        Name::VolatileLhd => Box::new(Lhd::new(Volatile)),
        Name::AllkeysLhd => Box::new(Lhd::new(AllKeys)),
        Name::Noeviction => Box::new(Nobody),
    }
}

/// What the operator has set.
#[derive(Debug, Clone, Copy)]
pub struct EvictionSettings {
    /// `maxmemory-policy`.
    pub policy: MaxmemoryPolicy,
    /// `maxmemory-samples`.
    pub samples: usize,
    /// `lfu-log-factor`.
    pub log_factor: u32,
    /// `lfu-decay-time`, in minutes.
    pub decay_minutes: u32,
}

impl Default for Eviction {
    fn default() -> Self {
        let all = 0..MaxmemoryPolicy::WORDS.len();
        Self {
            policies: all.map(|at| make(MaxmemoryPolicy::at(at))).collect(),
            current: AtomicUsize::new(MaxmemoryPolicy::Noeviction as usize),
            history: AtomicU8::new(History::Clock as u8),
            hears: AtomicBool::new(false),
            samples: AtomicUsize::new(5),
            log_factor: AtomicU32::new(10),
            decay_minutes: AtomicU32::new(1),
            used: AtomicU64::new(1),
            fullest: Default::default(),
            losses: Losses::default(),
        }
    }
}

impl Eviction {
    /// Takes new settings.
    pub fn configure(&self, settings: EvictionSettings) {
        self.samples.store(settings.samples, Ordering::Relaxed);
        self.log_factor
            .store(settings.log_factor, Ordering::Relaxed);
        self.decay_minutes
            .store(settings.decay_minutes, Ordering::Relaxed);
        let before = self
            .current
            .swap(settings.policy as usize, Ordering::Relaxed);
        if before == settings.policy as usize {
            return;
        }
        self.policies[before].reset();
        let policy = self.policy();
        policy.reset();
        self.hears.store(policy.hears_of_keys(), Ordering::Relaxed);
        self.history
            .store(policy.history() as u8, Ordering::Relaxed);
    }

    /// The policy in use.
    fn policy(&self) -> &dyn Policy {
        &*self.policies[self.current.load(Ordering::Relaxed)]
    }

    /// Whether keys may be evicted at all.
    pub fn evicts(&self) -> bool {
        self.current.load(Ordering::Relaxed) != MaxmemoryPolicy::Noeviction as usize
    }

    fn samples(&self) -> usize {
        self.samples.load(Ordering::Relaxed)
    }

    fn rate(&self) -> Rate {
        Rate {
            log_factor: self.log_factor.load(Ordering::Relaxed),
            decay_minutes: self.decay_minutes.load(Ordering::Relaxed),
        }
    }

    /// The access history of a key that is created.
    #[inline]
    pub(super) fn new_history(&self, now: UnixMillis) -> u32 {
        match self.history.load(Ordering::Relaxed) {
            0 => history::clock(now),
            1 => history::new_frequency(now),
            _ => self.policy().created(now),
        }
    }

    /// Notes an access.
    #[inline]
    pub(super) fn touch(&self, record: RecordRef<'_>, now: UnixMillis) {
        let history = match self.history.load(Ordering::Relaxed) {
            0 => history::clock(now),
            1 => self.rate().touched(record.access(), now),
            _ => self.policy().touched(record, now),
        };
        record.touch(history);
    }

    /// Seconds since a record was last touched; `None` where frequencies are kept instead.
    pub fn idle_seconds(&self, record: RecordRef<'_>, now: UnixMillis) -> Option<u32> {
        let is_told = self.history.load(Ordering::Relaxed) != History::Frequency as u8;
        is_told.then(|| self.idle_by(record.access(), now))
    }

    fn idle_by(&self, history: u32, now: UnixMillis) -> u32 {
        match self.history.load(Ordering::Relaxed) {
            0 | 1 => history::idle_seconds(history, now),
            _ => self.policy().idle_seconds(history, now),
        }
    }

    /// How often a record is used, as a logarithm; `None` where that is not kept.
    pub fn frequency(&self, record: RecordRef<'_>, now: UnixMillis) -> Option<u8> {
        let is_kept = self.history.load(Ordering::Relaxed) == History::Frequency as u8;
        is_kept.then(|| self.frequency_by(record.access(), now))
    }

    fn frequency_by(&self, history: u32, now: UnixMillis) -> u8 {
        self.rate().frequency(history, now)
    }

    /// Makes a record look as if it had last been touched so many seconds before `now`, where that is kept.
    pub fn set_idle(&self, record: RecordRef<'_>, seconds: i64, now: UnixMillis) {
        if self.history.load(Ordering::Relaxed) == History::Clock as u8 {
            record.touch(history::idle_for(seconds, now));
        }
    }

    /// Gives a record a frequency, where that is kept.
    pub fn set_frequency(&self, record: RecordRef<'_>, frequency: u8, now: UnixMillis) {
        if self.history.load(Ordering::Relaxed) == History::Frequency as u8 {
            record.touch(history::with_frequency(frequency, now));
        }
    }

    /// A key is about to enter its table, whose lock is held.
    #[inline]
    pub(super) fn inserted(&self, db: usize, hash: KeyHash, record: RecordRef<'_>) {
        let lost = self.losses.forget(hash);
        if db > 0 {
            self.note_use(db);
        }
        if self.hears.load(Ordering::Relaxed) {
            self.policy().inserted(Creation {
                db,
                hash,
                record,
                lost,
            });
        }
    }

    /// A key with this history is lost.
    #[inline]
    pub(super) fn lost(&self, hash: KeyHash, cause: Cause, history: u32) {
        let memory = match self.hears.load(Ordering::Relaxed) {
            true => self.policy().memory(history),
            false => 0,
        };
        if memory != 0 || cause != Cause::Deleted {
            self.losses.note(hash, cause, memory);
        }
    }

    /// Database `db` has a key, or is about to.
    pub(super) fn note_use(&self, db: usize) {
        let bit = 1 << db.min(LAST_BIT);
        if self.used.load(Ordering::Relaxed) & bit == 0 {
            self.used.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The databases that may have keys.
    fn used_databases(&self, databases: usize) -> impl Iterator<Item = usize> + use<> {
        let used = self.used.load(Ordering::Relaxed);
        (0..databases).filter(move |db| used >> (*db).min(LAST_BIT) & 1 == 1)
    }

    /// A reading command has not found its key: counts the miss, and why.
    #[cold]
    pub(super) fn count_miss(&self, key: &[u8], counters: &Counters) {
        counters.keyspace_misses.bump();
        match self.losses.cause(KeyHash::of(key)) {
            Some(Cause::Expired) => counters.misses_expired.bump(),
            Some(Cause::Evicted) => counters.misses_evicted.bump(),
            Some(Cause::Deleted) | None => {}
        }
    }
}

impl Keyspace {
    /// Begins a hunt for victims. The caller holds no lock of a shard.
    pub fn hunt<'k>(&'k self, now: UnixMillis, counters: &'k Counters) -> Hunt<'k> {
        Hunt::new(self, now, counters)
    }
}

impl Hunt<'_> {
    /// Evicts one key, by the policy in use. False if it finds none.
    pub fn evict_one(&mut self) -> bool {
        self.eviction().policy().evict(self)
    }
}

#[cfg(test)]
mod tests;
