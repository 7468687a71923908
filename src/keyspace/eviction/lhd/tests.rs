//! The policy in a server: what it keeps, what it may take, and what it tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::clock::Clock;
use crate::command::local::LocalClient;
use crate::config::Settings;
use crate::server::Server;

/// A server whose cap is a number of keys, kept by hand.
struct Cache {
    server: Server,
    client: LocalClient,
    hand: Arc<AtomicI64>,
    most: usize,
    present: usize,
}

impl Cache {
    fn new(policy: &str, most: usize) -> Self {
        let (clock, hand) = Clock::manual(1_800_000_000_000);
        let server = Server::new(Settings::new(), 1, clock);
        let mut client = LocalClient::new(&server, 0);
        let words: [&[u8]; 4] = [b"CONFIG", b"SET", b"maxmemory-policy", policy.as_bytes()];
        assert_eq!(&client.run(&server, &words)[..], b"+OK\r\n");
        Self {
            server,
            client,
            hand,
            most,
            present: 0,
        }
    }

    fn run(&mut self, request: &str) -> String {
        let words: Vec<_> = request.split(' ').map(str::as_bytes).collect();
        let reply = self.client.run(&self.server, &words);
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// Evicts one key; false if there is none to evict.
    fn evict(&mut self) -> bool {
        let counters = &self.server.stats.of(0).counters;
        let mut hunt = self.server.keyspace.hunt(self.server.clock.now(), counters);
        hunt.evict_one()
    }

    /// Reads a key a second later, and sets it if it is not there. Returns whether it was.
    fn read(&mut self, key: usize) -> bool {
        self.hand.fetch_add(1_000, Ordering::Relaxed);
        if self.run(&format!("GET {key}")) != "$-1\r\n" {
            return true;
        }
        if self.present == self.most {
            assert!(self.evict());
            self.present -= 1;
        }
        self.run(&format!("SET {key} value"));
        self.present += 1;
        false
    }
}

#[test]
fn a_part_of_a_loop_that_does_not_fit_is_kept() {
    let hits = |policy: &str| {
        let mut cache = Cache::new(policy, 500);
        (0..20_000)
            .filter(|number| cache.read(number % 1_000))
            .count()
    };
    // Half of the keys fit: no policy has more than half.
    assert!(hits("allkeys-lhd") > 20_000 * 3 / 10);
    assert!(hits("allkeys-lru") < 20_000 / 10);
}

#[test]
fn what_is_used_often_survives_a_scan() {
    let mut cache = Cache::new("allkeys-lhd", 500);
    for round in 0..100 {
        (0..200).for_each(|key| {
            cache.read(key);
        });
        (0..100).for_each(|key| {
            cache.read(1_000 + 100 * round + key);
        });
    }
    (0..2_000).for_each(|key| {
        cache.read(100_000 + key);
    });
    let left = (0..200).filter(|key| cache.run(&format!("EXISTS {key}")) == ":1\r\n");
    assert!(left.count() > 150);
}

#[test]
fn only_keys_that_expire_are_volatile() {
    let mut cache = Cache::new("volatile-lhd", 0);
    for key in 0..200 {
        cache.run(&format!("SET stays:{key} value"));
        cache.run(&format!("SET goes:{key} value EX 1000"));
        cache.run(&format!("GET stays:{key}"));
    }
    (0..200).for_each(|_| assert!(cache.evict()));
    assert!(!cache.evict());
    assert_eq!(cache.run("DBSIZE"), ":200\r\n");
    // One that is made to stay after it was seen does not go.
    cache.run("SET goes value EX 1000");
    cache.run("PERSIST goes");
    assert!(!cache.evict());
}

#[test]
fn among_equals_the_largest_goes() {
    let mut cache = Cache::new("allkeys-lhd", 0);
    let large = "x".repeat(1_000);
    for key in 0..50 {
        cache.run(&format!("SET small:{key} value"));
        cache.run(&format!("SET large:{key} {large}"));
    }
    (0..50).for_each(|_| assert!(cache.evict()));
    let small = (0..50).filter(|key| cache.run(&format!("EXISTS small:{key}")) == ":1\r\n");
    assert!(small.count() >= 48);
}

#[test]
fn idle_times_are_told_and_frequencies_are_not() {
    let mut cache = Cache::new("allkeys-lhd", 0);
    cache.run("SET key value");
    cache.hand.fetch_add(90_000, Ordering::Relaxed);
    cache.run("SET other value");
    assert_eq!(cache.run("OBJECT IDLETIME key"), ":90\r\n");
    cache.run("GET key");
    assert_eq!(cache.run("OBJECT IDLETIME key"), ":0\r\n");
    assert!(cache.run("OBJECT FREQ key").starts_with("-ERR"));
}

#[test]
fn a_key_that_was_deleted_or_has_expired_comes_back_as_what_it_was() {
    let mut cache = Cache::new("allkeys-lhd", 0);
    for key in 0..40 {
        cache.run(&format!("SET deleted:{key} value"));
        cache.run(&format!("SET expired:{key} value PX 1000"));
        for _ in 0..20 {
            cache.run(&format!("GET deleted:{key}"));
            cache.run(&format!("GET expired:{key}"));
        }
        assert_eq!(cache.run(&format!("DEL deleted:{key}")), ":1\r\n");
    }
    cache.hand.fetch_add(2_000, Ordering::Relaxed);
    for key in 0..40 {
        for kind in ["deleted", "expired", "new"] {
            assert_eq!(cache.run(&format!("GET {kind}:{key}")), "$-1\r\n");
            cache.run(&format!("SET {kind}:{key} value"));
        }
    }
    // They are all of one age; only how often they were used tells them apart.
    for key in 0..40 {
        for kind in ["deleted", "expired", "new"] {
            assert_ne!(cache.run(&format!("GET {kind}:{key}")), "$-1\r\n");
        }
    }
    (0..40).for_each(|_| assert!(cache.evict()));
    let mut left = |kind: &str| {
        let is_there = |key: &usize| cache.run(&format!("EXISTS {kind}:{key}")) == ":1\r\n";
        (0..40).filter(is_there).count()
    };
    assert!(left("deleted") >= 36 && left("expired") >= 36);
    assert!(left("new") <= 8);
}
