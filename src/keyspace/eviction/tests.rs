//! Every policy on a keyspace of its own.

use std::collections::HashSet;
use std::sync::Mutex;

use super::*;
use crate::keyspace::door::{Change, Event, EventClass, Listener};
use crate::keyspace::{Access, Locks, NewValue};
use crate::resp::Args;

const NOW: UnixMillis = 1_800_000_000_000;

fn configured(policy: MaxmemoryPolicy) -> Keyspace {
    let keyspace = Keyspace::new(16);
    keyspace.eviction.configure(EvictionSettings {
        policy,
        samples: 5,
        log_factor: 0,
        decay_minutes: 1,
    });
    keyspace
}

fn access<'k>(keyspace: &'k Keyspace, counters: &'k Counters, now: UnixMillis) -> Access<'k> {
    let access = keyspace.access(Locks::All, 0, now, counters);
    access.expect("nothing is reserved")
}

fn key(n: usize) -> Vec<u8> {
    format!("key:{n}").into_bytes()
}

/// Evicts so many keys and tells which of `0..keys` are left.
fn evict(keyspace: &Keyspace, counters: &Counters, count: usize, keys: usize) -> HashSet<usize> {
    let mut hunt = keyspace.hunt(NOW, counters);
    for _ in 0..count {
        assert!(hunt.evict_one());
    }
    let mut access = access(keyspace, counters, NOW);
    (0..keys)
        .filter(|n| access.peek(&key(*n)).is_some())
        .collect()
}

/// The share of `left` that is among the upper half of `0..keys`.
fn upper_share(left: &HashSet<usize>, keys: usize) -> f64 {
    left.iter().filter(|n| **n >= keys / 2).count() as f64 / left.len() as f64
}

#[test]
fn lru_evicts_what_was_not_used_for_long() {
    for policy in [MaxmemoryPolicy::AllkeysLru, MaxmemoryPolicy::VolatileLru] {
        let (keyspace, counters) = (configured(policy), Counters::default());
        for n in 0..10_000 {
            let then = NOW - 100_000 + n as i64 * 10;
            let mut keys = access(&keyspace, &counters, then);
            keys.db = if n % 3 == 0 { 5 } else { 0 };
            keys.create(&key(n), NewValue::Int(1), Some(NOW + 1000), Event::SET);
        }
        let mut hunt = keyspace.hunt(NOW, &counters);
        (0..5_000).for_each(|_| assert!(hunt.evict_one()));
        let mut keys = access(&keyspace, &counters, NOW);
        let left: HashSet<_> = (0..10_000)
            .filter(|n| {
                let db = if n % 3 == 0 { 5 } else { 0 };
                keys.peek_in(db, &key(*n)).is_some()
            })
            .collect();
        assert_eq!((left.len(), counters.evicted_keys.get()), (5_000, 5_000));
        assert!(upper_share(&left, 10_000) > 0.85);
    }
}

#[test]
fn lfu_evicts_what_is_seldom_used() {
    for policy in [MaxmemoryPolicy::AllkeysLfu, MaxmemoryPolicy::VolatileLfu] {
        let (keyspace, counters) = (configured(policy), Counters::default());
        let mut keys = access(&keyspace, &counters, NOW);
        for n in 0..2_000 {
            keys.create(&key(n), NewValue::Int(1), Some(NOW + 1000), Event::SET);
            for _ in 0..n / 20 {
                assert!(keys.read(&key(n)).is_some());
            }
        }
        drop(keys);
        let left = evict(&keyspace, &counters, 1_000, 2_000);
        assert!(upper_share(&left, 2_000) > 0.85);
    }
}

#[test]
fn random_evicts_evenly() {
    for policy in [
        MaxmemoryPolicy::AllkeysRandom,
        MaxmemoryPolicy::VolatileRandom,
    ] {
        let (keyspace, counters) = (configured(policy), Counters::default());
        let mut keys = access(&keyspace, &counters, NOW);
        for n in 0..4_000 {
            keys.create(&key(n), NewValue::Int(1), Some(NOW + 1000), Event::SET);
        }
        drop(keys);
        let left = evict(&keyspace, &counters, 2_000, 4_000);
        assert!((0.44..0.56).contains(&upper_share(&left, 4_000)));
    }
}

#[test]
fn the_soonest_goes_first() {
    let keyspace = configured(MaxmemoryPolicy::VolatileTtl);
    let counters = Counters::default();
    let mut keys = access(&keyspace, &counters, NOW);
    let expiry = |n: usize| NOW + 1_000_000 + ((n * 7919) % 10_007) as i64 * 100;
    for n in 0..10_007 {
        keys.create(&key(n), NewValue::Int(1), Some(expiry(n)), Event::SET);
    }
    for n in 20_000..20_100 {
        keys.create(&key(n), NewValue::Int(1), None, Event::SET);
    }
    drop(keys);
    let left = evict(&keyspace, &counters, 5_000, 30_000);
    let latest_gone = (0..10_007).filter(|n| !left.contains(n)).map(expiry).max();
    let soonest_left = (0..10_007).filter(|n| left.contains(n)).map(expiry).min();
    // More apart than the units of the index.
    assert!(latest_gone.unwrap() <= soonest_left.unwrap() + 128);
    assert!((20_000..20_100).all(|n| left.contains(&n)));
}

#[test]
fn volatile_policies_leave_keys_without_expiry_alone_and_noeviction_all() {
    for policy in (0..MaxmemoryPolicy::WORDS.len()).map(MaxmemoryPolicy::at) {
        let name = MaxmemoryPolicy::WORDS[policy as usize];
        let (keyspace, counters) = (configured(policy), Counters::default());
        let mut keys = access(&keyspace, &counters, NOW);
        for n in 0..1_000_usize {
            let expiry = n.is_multiple_of(100).then_some(NOW + 1000);
            keys.create(&key(n), NewValue::Int(1), expiry, Event::SET);
        }
        drop(keys);
        let mut hunt = keyspace.hunt(NOW, &counters);
        let evicted = (0..2_000).take_while(|_| hunt.evict_one()).count();
        let expected = match name {
            "noeviction" => 0,
            name if name.starts_with("volatile") => 10,
            _ => 1_000,
        };
        assert_eq!(evicted, expected, "{name}");
        assert_eq!(counters.evicted_keys.get(), expected as u64, "{name}");
        let mut keys = access(&keyspace, &counters, NOW);
        assert_eq!(keys.len(), 1_000 - expected, "{name}");
    }
}

#[test]
fn what_has_expired_goes_first_and_as_expired() {
    for policy in [
        MaxmemoryPolicy::AllkeysLru,
        MaxmemoryPolicy::AllkeysRandom,
        MaxmemoryPolicy::VolatileLfu,
    ] {
        let (keyspace, counters) = (configured(policy), Counters::default());
        let mut keys = access(&keyspace, &counters, NOW - 1_000);
        for n in 0..50_000 {
            let expiry = if n < 25_000 { NOW - 500 } else { NOW + 60_000 };
            keys.create(&key(n), NewValue::Int(1), Some(expiry), Event::SET);
        }
        drop(keys);
        let mut hunt = keyspace.hunt(NOW, &counters);
        (0..20_000).for_each(|_| assert!(hunt.evict_one()));
        let (expired, evicted) = (counters.expired_keys.get(), counters.evicted_keys.get());
        assert_eq!(expired + evicted, 20_000);
        assert!(evicted < 1_000, "{evicted}");
    }
}

/// Notes what is announced.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Listener for std::sync::Arc<Notes> {
    fn after(&self, change: &Change<'_>) {
        if change.event.class == EventClass::Evicted {
            let key = String::from_utf8_lossy(change.key);
            let note = format!("{} {} {}", change.event.name, change.db, key);
            self.0.lock().unwrap().push(note);
        }
    }

    fn effect(&self, _: u64, db: usize, request: &Args<'_>) {
        let words: Vec<_> = request.iter().map(String::from_utf8_lossy).collect();
        let note = format!("{db}: {}", words.join(" "));
        self.0.lock().unwrap().push(note);
    }
}

#[test]
fn evictions_are_announced_and_remembered() {
    let notes = std::sync::Arc::new(Notes::default());
    let keyspace = Keyspace::with_listener(4, Box::new(std::sync::Arc::clone(&notes)));
    keyspace.eviction.configure(EvictionSettings {
        policy: MaxmemoryPolicy::AllkeysLru,
        samples: 5,
        log_factor: 10,
        decay_minutes: 1,
    });
    let counters = Counters::default();
    let mut keys = access(&keyspace, &counters, NOW);
    keys.db = 3;
    keys.create(b"k", NewValue::Int(1), None, Event::SET);
    drop(keys);
    assert!(keyspace.hunt(NOW, &counters).evict_one());
    assert!(!keyspace.hunt(NOW, &counters).evict_one());
    assert_eq!(*notes.0.lock().unwrap(), ["evicted 3 k", "3: DEL k"]);
    let mut keys = access(&keyspace, &counters, NOW);
    keys.db = 3;
    assert!(keys.read(b"k").is_none() && keys.read(b"other").is_none());
    let misses = |counters: &Counters| {
        (
            counters.keyspace_misses.get(),
            counters.misses_evicted.get(),
            counters.misses_expired.get(),
        )
    };
    assert_eq!(misses(&counters), (2, 1, 0));
    // What becomes of it later is another matter.
    keys.create(b"k", NewValue::Int(1), Some(NOW + 10), Event::SET);
    keys.now = NOW + 10;
    assert!(keys.read(b"k").is_none());
    assert_eq!(misses(&counters), (3, 1, 1));
    keys.create(b"k", NewValue::Int(1), None, Event::SET);
    keys.remove(b"k", Event::DEL);
    assert!(keys.read(b"k").is_none());
    assert_eq!(misses(&counters), (4, 1, 1));
}
