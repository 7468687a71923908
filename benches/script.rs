//! Scripts and transactions without sockets: one request after the other, as most clients send them, and many at a time on two threads.
//!
//! The commands that the scripts are made of are measured beside them. `--test` runs everything once.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use larder::clock::Clock;
use larder::command::local::{LocalClient, encode};
use larder::config::Settings;
use larder::script::store::Sha;
use larder::server::Server;

const VALUE: &[u8] = b"0123456789abcdef";

const GET: &[u8] = b"return redis.call('GET', KEYS[1])";
const SET: &[u8] = b"return redis.call('SET', KEYS[1], ARGV[1])";
/// Touches its key by a name that it makes itself: it gets all locks.
const GET_UNDECLARED: &[u8] = b"return redis.call('GET', 'key' .. ARGV[1])";
const TEN_CALLS: &[u8] = b"for i = 1, 10 do redis.call('INCR', KEYS[1]) end return 1";
const NOTHING: &[u8] = b"return 1";

fn server() -> Server {
    let server = Server::new(Settings::new(), 2, Clock::System);
    let mut client = LocalClient::new(&server, 0);
    for key in 0..1000 {
        let key = format!("key{key}");
        client.run(&server, &[b"SET", key.as_bytes(), VALUE]);
    }
    for script in [GET, SET, GET_UNDECLARED, TEN_CALLS, NOTHING] {
        client.run(&server, &[b"SCRIPT", b"LOAD", script]);
    }
    client.run(
        &server,
        &[
            b"FUNCTION",
            b"LOAD",
            b"#!lua name=lib\nredis.register_function('get', function(keys) return redis.call('GET', keys[1]) end)",
        ],
    );
    server
}

fn evalsha(script: &[u8], rest: &[&[u8]]) -> Vec<u8> {
    let sha = Sha::of(script);
    let mut words: Vec<&[u8]> = vec![b"EVALSHA", sha.as_bytes()];
    words.extend_from_slice(rest);
    encode(&words)
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let transaction = [
        encode(&[b"MULTI"]),
        encode(&[b"SET", b"key7", VALUE]),
        encode(&[b"GET", b"key7"]),
        encode(&[b"EXEC"]),
    ];
    vec![
        ("get", encode(&[b"GET", b"key7"])),
        ("set", encode(&[b"SET", b"key7", VALUE])),
        ("multi set get exec", transaction.concat()),
        ("evalsha nothing", evalsha(NOTHING, &[b"0"])),
        ("evalsha get", evalsha(GET, &[b"1", b"key7"])),
        ("eval get", encode(&[b"EVAL", GET, b"1", b"key7"])),
        ("fcall get", encode(&[b"FCALL", b"get", b"1", b"key7"])),
        ("evalsha set", evalsha(SET, &[b"1", b"key7", VALUE])),
        ("evalsha ten incr", evalsha(TEN_CALLS, &[b"1", b"counter"])),
        (
            "evalsha get undeclared",
            evalsha(GET_UNDECLARED, &[b"0", b"7"]),
        ),
    ]
}

fn one_at_a_time(criterion: &mut Criterion) {
    let server = server();
    let mut client = LocalClient::new(&server, 0);
    let mut group = criterion.benchmark_group("script");
    for (name, request) in requests() {
        // A benchmark of error replies would look very good.
        let reply = client.send(&server, &request);
        assert!(
            !reply.starts_with(b"-"),
            "{name}: {}",
            String::from_utf8_lossy(&reply)
        );
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(client.execute_only(&server, &request)));
        });
    }
    group.finish();
}

/// Executes a script with declared keys `times` times on each of some threads, each with a key of its own.
fn together(server: &Server, threads: usize, times: u64) -> Duration {
    thread::scope(|scope| {
        let started = Instant::now();
        for worker in 0..threads {
            scope.spawn(move || {
                let mut client = LocalClient::new(server, worker);
                let key = format!("key{}", 100 + worker);
                let request = evalsha(SET, &[b"1", key.as_bytes(), VALUE]);
                for _ in 0..times {
                    black_box(client.execute_only(server, &request));
                }
            });
        }
        started
    })
    .elapsed()
}

fn on_threads(criterion: &mut Criterion) {
    let server = server();
    let mut group = criterion.benchmark_group("script");
    for threads in [1, 2] {
        group.throughput(Throughput::Elements(threads as u64));
        group.bench_function(format!("evalsha set on {threads} threads"), |bencher| {
            bencher.iter_custom(|times| together(&server, threads, times));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = one_at_a_time, on_threads
}
criterion_main!(benches);
