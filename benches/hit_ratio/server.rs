//! The server's own policies: requests through its parser, its dispatcher and its tables, its evictions by its hunt.
//!
//! The cap is kept here, not by `maxmemory`: what an idle server takes is more than the smallest of these caches. It is the sum
//! of what `MEMORY USAGE` says of the keys, so that policies are compared at equal bytes.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use larder::clock::Clock;
use larder::command::local::{LocalClient, encode};
use larder::config::Settings;
use larder::keyspace::Keyspace;
use larder::keyspace::door::{Change, Listener};
use larder::keyspace::expiry::Sweeper;
use larder::resp::Args;
use larder::server::Server;

use super::reference::Bounds;
use super::replay::Tally;
use super::workload::{Key, Op, Workload};

/// When the run begins: any moment will do.
const START: i64 = 1_800_000_000_000;
/// The reply to a GET of a key that is not there.
const MISS: usize = b"$-1\r\n".len();
/// Turns of what the service thread does, during a run.
const TURNS: usize = 2_000;
/// Seconds that pass while as many requests are made as keys fit, where nothing expires. The peers' clock has seconds: in a
/// busier server their LRU hardly knows an order.
const SECONDS_A_TURN: u64 = 30;

/// Adds up what all records take.
struct Scales(Arc<AtomicI64>);

impl Listener for Scales {
    fn after(&self, change: &Change<'_>) {
        let grown = change.new_size as i64 - change.old_size as i64;
        self.0.fetch_add(grown, Ordering::Relaxed);
    }

    fn effect(&self, _: u64, _: usize, _: &Args<'_>) {}
}

struct Cache {
    server: Server,
    client: LocalClient,
    held: Arc<AtomicI64>,
    capacity: i64,
    request: Vec<u8>,
    value: Vec<u8>,
}

/// Replays a workload against the policy with this name.
pub fn replay(workload: &Workload, policy: &str, bounds: &Bounds) -> Tally {
    let (clock, hand) = Clock::manual(START);
    let mut cache = Cache::new(clock, policy, bounds.capacity);
    let mut sweeper = Sweeper::default();
    let count = workload.requests.len();
    let millis = match workload.expires() {
        true => workload.millis,
        false => 1000 * SECONDS_A_TURN * count as u64 / bounds.keys.max(1) as u64,
    };
    let between_turns = (count / TURNS).max(1);
    let mut tally = Tally::default();
    for (number, request) in workload.requests.iter().enumerate() {
        let passed = (u128::from(millis) * number as u128 / count as u128) as i64;
        hand.store(START + passed, Ordering::Relaxed);
        if number % between_turns == 0 {
            cache.serve(&mut sweeper);
        }
        let key = workload.keys[request.key as usize];
        match request.op {
            Op::Get => {
                let hit = cache.get(request.key, key) > MISS;
                tally.note(hit);
                if !hit && key.bytes() <= bounds.capacity {
                    cache.make_room(key.bytes());
                    cache.set(request.key, key);
                }
            }
            Op::Set if key.bytes() <= bounds.capacity => {
                cache.set(request.key, key);
                cache.make_room(0);
            }
            Op::Set => {}
            Op::Delete => cache.delete(request.key, key),
        }
    }
    tally
}

impl Cache {
    fn new(clock: Clock, policy: &str, capacity: u64) -> Self {
        let held = Arc::new(AtomicI64::new(0));
        let keyspace = Keyspace::with_listener(1, Box::new(Scales(Arc::clone(&held))));
        let server = Server::with_keyspace(Settings::new(), 1, clock, keyspace);
        let mut client = LocalClient::new(&server, 0);
        let command = encode(&[b"CONFIG", b"SET", b"maxmemory-policy", policy.as_bytes()]);
        let reply = client.send(&server, &command);
        assert_eq!(&reply[..], b"+OK\r\n", "there is no policy {policy}");
        Self {
            server,
            client,
            held,
            capacity: capacity as i64,
            request: Vec::new(),
            value: Vec::new(),
        }
    }

    fn begin(&mut self, words: usize, command: &str, number: u32, key: Key) {
        let name = usize::from(key.name);
        self.request.clear();
        write!(
            self.request,
            "*{words}\r\n${}\r\n{command}\r\n${name}\r\n{number:0name$}\r\n",
            command.len(),
        )
        .expect("memory takes everything");
    }

    fn execute(&mut self) -> usize {
        self.client.execute_only(&self.server, &self.request)
    }

    fn get(&mut self, number: u32, key: Key) -> usize {
        self.begin(2, "GET", number, key);
        self.execute()
    }

    fn delete(&mut self, number: u32, key: Key) {
        self.begin(2, "DEL", number, key);
        self.execute();
    }

    fn set(&mut self, number: u32, key: Key) {
        let length = key.value as usize;
        if self.value.len() < length {
            self.value.resize(length, b'x');
        }
        self.begin(if key.ttl > 0 { 5 } else { 3 }, "SET", number, key);
        write!(self.request, "${length}\r\n").expect("memory takes everything");
        self.request.extend_from_slice(&self.value[..length]);
        self.request.extend_from_slice(b"\r\n");
        if key.ttl > 0 {
            let ttl = key.ttl.to_string();
            write!(self.request, "$2\r\nPX\r\n${}\r\n{ttl}\r\n", ttl.len())
                .expect("memory takes everything");
        }
        self.execute();
    }

    /// What the service thread does beside the requests.
    fn serve(&mut self, sweeper: &mut Sweeper) {
        let (server, now) = (&self.server, self.server.clock.now());
        let counters = &server.stats.of(0).counters;
        sweeper.sweep(&server.keyspace, now, Duration::from_secs(1), counters);
        let keys = self.client.run(server, &[b"DBSIZE"]);
        let digits = keys.iter().filter(|byte| byte.is_ascii_digit());
        let keys = digits.fold(0, |keys, digit| keys * 10 + usize::from(digit - b'0'));
        server.keyspace.eviction.losses.fit(keys, usize::MAX);
    }

    /// Evicts until so many bytes more would fit.
    fn make_room(&mut self, bytes: u64) {
        let most = self.capacity - bytes as i64;
        if self.held.load(Ordering::Relaxed) <= most {
            return;
        }
        let counters = &self.server.stats.of(0).counters;
        let mut hunt = self.server.keyspace.hunt(self.server.clock.now(), counters);
        while self.held.load(Ordering::Relaxed) > most && hunt.evict_one() {}
    }
}
