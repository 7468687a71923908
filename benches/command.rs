//! The whole path of a command without the sockets: pipelines of sixteen requests over a million keys, parsed, executed, answered.
//!
//! Keys are random, so that caches are as cold as they would be. The throughput is in commands a second. `--test` runs everything
//! once, over a small table.

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use larder::clock::Clock;
use larder::command::local::LocalClient;
use larder::config::Settings;
use larder::server::Server;

/// Requests that arrive together.
const DEPTH: usize = 16;

/// Hash fields and sorted set members a key: both encodings are compact at this size.
const FIELDS: u64 = 10;
const MEMBERS: u64 = 100;

/// Sixteen bytes, as short as cached values often are.
const VALUE: &str = "0123456789abcdef";

/// How much there is: less when the point is only that it runs.
struct Size {
    /// Strings, hash fields, and sorted set members.
    keys: u64,
    /// Pipelines that are prepared, and executed in turn.
    pipelines: usize,
}

impl Size {
    fn chosen() -> Self {
        if std::env::args().any(|argument| argument == "--test") {
            Self {
                keys: 10_000,
                pipelines: 16,
            }
        } else {
            Self {
                keys: 1_000_000,
                pipelines: 8192,
            }
        }
    }
}

/// A repeatable source of numbers (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Appends a request, given as words with spaces between.
fn append(pipeline: &mut String, request: &str) {
    let words = request.split(' ');
    write!(pipeline, "*{}\r\n", words.clone().count()).expect("a string takes everything");
    for word in words {
        write!(pipeline, "${}\r\n{word}\r\n", word.len()).expect("a string takes everything");
    }
}

/// A server with a connection.
struct Bench {
    server: Server,
    client: LocalClient,
    size: Size,
}

impl Bench {
    fn new() -> Self {
        let server = Server::new(Settings::new(), 1, Clock::System);
        let client = LocalClient::new(&server, 0);
        Self {
            server,
            client,
            size: Size::chosen(),
        }
    }

    /// Executes a request for each number below `count`.
    fn fill(&mut self, count: u64, request: impl Fn(u64) -> String) {
        let mut pipeline = String::new();
        for number in 0..count {
            append(&mut pipeline, &request(number));
            if pipeline.len() > 4096 || number + 1 == count {
                self.client.execute_only(&self.server, pipeline.as_bytes());
                pipeline.clear();
            }
        }
    }

    /// Measures requests that are made from random numbers.
    fn measure(
        &mut self,
        criterion: &mut Criterion,
        name: &str,
        request: impl Fn(&mut Random) -> String,
    ) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let pipelines: Vec<_> = (0..self.size.pipelines)
            .map(|_| {
                let mut pipeline = String::new();
                for _ in 0..DEPTH {
                    append(&mut pipeline, &request(&mut random));
                }
                pipeline
            })
            .collect();
        // A benchmark of error replies would look very good.
        let first = self.client.send(&self.server, pipelines[0].as_bytes());
        assert!(
            !first.starts_with(b"-"),
            "{name}: {}",
            String::from_utf8_lossy(&first)
        );

        let mut turns = pipelines.iter().cycle();
        let mut group = criterion.benchmark_group("command");
        group.throughput(Throughput::Elements(DEPTH as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let pipeline = turns.next().expect("a cycle has no end");
                black_box(self.client.execute_only(&self.server, pipeline.as_bytes()))
            });
        });
        group.finish();
    }
}

fn strings(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let keys = bench.size.keys;
    bench.fill(keys, |key| format!("SET key:{key:012} {VALUE}"));
    bench.fill(keys, |key| format!("SET counter:{key:08} {key}"));

    bench.measure(criterion, "get", |random| {
        format!("GET key:{:012}", random.below(keys))
    });
    bench.measure(criterion, "mget of 10", |random| {
        let mut request = "MGET".to_owned();
        for _ in 0..10 {
            write!(request, " key:{:012}", random.below(keys)).expect("a string takes everything");
        }
        request
    });
    bench.measure(criterion, "incr", |random| {
        format!("INCR counter:{:08}", random.below(keys))
    });
    bench.measure(criterion, "set", |random| {
        format!("SET key:{:012} {VALUE}", random.below(keys))
    });
    // Last: the keys have a time to live from here on.
    bench.measure(criterion, "set ex", |random| {
        format!("SET key:{:012} {VALUE} EX 3600", random.below(keys))
    });
}

fn hashes(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let keys = bench.size.keys / FIELDS;
    bench.fill(bench.size.keys, |number| {
        let (key, field) = (number / FIELDS, number % FIELDS);
        format!("HSET hash:{key:08} field{field} {VALUE}")
    });
    bench.measure(criterion, "hget", |random| {
        let (key, field) = (random.below(keys), random.below(FIELDS));
        format!("HGET hash:{key:08} field{field}")
    });
    bench.measure(criterion, "hset", |random| {
        let (key, field) = (random.below(keys), random.below(FIELDS));
        format!("HSET hash:{key:08} field{field} {VALUE}")
    });
}

fn sorted_sets(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    let keys = bench.size.keys / MEMBERS;
    bench.fill(bench.size.keys, |number| {
        let (key, member) = (number / MEMBERS, number % MEMBERS);
        format!("ZADD board:{key:08} {member} member{member}")
    });
    bench.measure(criterion, "zrange top 10", |random| {
        format!("ZRANGE board:{:08} 0 9 REV", random.below(keys))
    });
    bench.measure(criterion, "zadd", |random| {
        let (key, member) = (random.below(keys), random.below(MEMBERS));
        format!("ZADD board:{key:08} {} member{member}", random.below(1000))
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = strings, hashes, sorted_sets
}
criterion_main!(benches);
