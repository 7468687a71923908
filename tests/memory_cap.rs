//! The memory cap, with the program as a process of its own: memory is counted for a whole process.
//!
//! `cargo test --test memory_cap -- --ignored` fills larger caps from more connections for longer.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{Child, Client, encode};

const POLICIES: [&str; 8] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "noeviction",
];
/// What threads may have allocated without having told yet.
const UNTOLD: usize = 8 * 32 * 1024;
const WORKERS: usize = 2;
const OOM: &str = "-OOM command not allowed when used memory > 'maxmemory'.";

/// The fields of INFO.
fn info(client: &mut Client) -> HashMap<String, u64> {
    let text = client.bulk(&["INFO", "everything"]);
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// A size, each order of magnitude up to `most` as likely as the others.
    fn size(&mut self, most: usize) -> usize {
        let exponent = self.below(1_000) as f64 / 1_000.0;
        (10.0 * (most as f64 / 10.0).powf(exponent)) as usize
    }
}

/// Writes `bytes` bytes of values up to `most` long over one connection; every second key has an expiry. Returns how many
/// writes were refused.
fn fill(child: &Child, number: u64, bytes: usize, most: usize) -> usize {
    let mut client = child.client();
    let mut numbers = Numbers(number);
    let value = vec![b'x'; most];
    let (mut written, mut refused, mut key) = (0, 0, 0);
    while written < bytes {
        let mut requests = Vec::new();
        let mut count = 0;
        while count < 16 && requests.len() < 100_000 {
            let size = numbers.size(most);
            let name = format!("{number}:{key}");
            let seconds = (1_000 + numbers.below(100_000)).to_string();
            let mut words = vec![&b"SET"[..], name.as_bytes(), &value[..size]];
            if numbers.below(2) == 0 {
                words.extend([&b"EX"[..], seconds.as_bytes()]);
            }
            requests.extend(encode(&words));
            (key, written, count) = (key + 1, written + size, count + 1);
        }
        client.send(requests);
        for _ in 0..count {
            match client.line().as_str() {
                "+OK" => {}
                OOM => refused += 1,
                other => panic!("{other}"),
            }
        }
    }
    refused
}

/// Fills a server with `maxmemory` of `cap` bytes from `connections` connections to five times that, and looks on. Returns the highest
/// resident size that was seen.
fn keeps_below(policy: &str, cap: usize, most: usize, connections: u64) -> u64 {
    keeps_below_with(policy, cap, most, connections, &[])
}

/// The same with more settings.
fn keeps_below_with(policy: &str, cap: usize, most: usize, connections: u64, more: &[&str]) -> u64 {
    let cap_text = cap.to_string();
    let workers = WORKERS.to_string();
    let mut flags = vec![
        "--maxmemory",
        &cap_text,
        "--maxmemory-policy",
        policy,
        "--workers",
        &workers,
    ];
    flags.extend(more);
    let child = Child::start(&flags);
    let mut client = child.client();
    for n in 0..100 {
        client.ask(&["SET", &format!("stays:{n}"), "x"], "+OK\r\n");
    }
    let done = AtomicBool::new(false);
    let (refused, resident): (usize, u64) = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut client = child.client();
            let (mut highest, mut resident) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                let info = info(&mut client);
                let data = info["used_memory"] - info["mem_not_counted_for_evict"];
                highest = highest.max(data);
                resident = resident.max(info["used_memory_rss"]);
                thread::sleep(Duration::from_millis(2));
            }
            // What a worker has received in its turn, and has not counted yet, is data for a moment.
            let allowed = cap + UNTOLD + most + WORKERS * (most + 100_000);
            assert!(highest as usize <= allowed, "{policy}: {highest} of {cap}");
            resident
        });
        let share = 5 * cap / connections as usize;
        let writers: Vec<_> = (0..connections)
            .map(|number| {
                scope.spawn({
                    let child = &child;
                    move || fill(child, number, share, most)
                })
            })
            .collect();
        let refused = writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .sum();
        done.store(true, Ordering::Relaxed);
        (refused, watch.join().unwrap())
    });
    let info = info(&mut client);
    let data = info["used_memory"] - info["mem_not_counted_for_evict"];
    assert!(
        data as usize <= cap + most + UNTOLD,
        "{policy}: {data} of {cap}"
    );
    match policy {
        "noeviction" => assert!(refused > 0 && info["evicted_keys"] == 0),
        _ if policy.starts_with("allkeys") => {
            assert_eq!(refused, 0, "{policy}");
            assert!(info["evicted_keys"] > 0, "{policy}");
        }
        _ => {
            assert!(info["evicted_keys"] > 0, "{policy}");
            for n in 0..100 {
                client.ask(&["GET", &format!("stays:{n}")], "$1\r\nx\r\n");
            }
        }
    }
    // What only frees works however full it is.
    client.ask(&["DEL", "no such key"], ":0\r\n");
    resident
}

#[test]
fn the_cap_holds_under_every_policy() {
    for policy in POLICIES {
        keeps_below(policy, 24 << 20, 100_000, 3);
    }
}

#[test]
fn tiny_caps_hold_under_every_policy() {
    for policy in POLICIES {
        keeps_below(policy, 1 << 20, 5_000, 24);
        keeps_below(policy, 10 << 20, 1_000_000, 8);
    }
}

#[test]
#[ignore = "takes minutes"]
fn larger_caps_hold_under_every_policy() {
    for policy in POLICIES {
        let cap = 400 << 20;
        let resident = keeps_below(policy, cap, 1 << 20, 16);
        assert!(
            resident <= cap as u64 / 100 * 115,
            "{policy}: {resident} resident of {cap}"
        );
    }
}

#[test]
#[ignore = "takes minutes"]
fn the_resident_size_keeps_its_limit() {
    let cap = 400 << 20;
    let limit = ["--maxmemory-resident", "400mb"];
    let resident = keeps_below_with("allkeys-lru", cap, 1 << 20, 16, &limit);
    assert!(
        resident <= cap as u64 / 100 * 105,
        "{resident} resident of {cap}"
    );
}

#[test]
fn slow_readers_push_no_data_out() {
    let child = Child::start(&[
        "--maxmemory",
        "32mb",
        "--maxmemory-policy",
        "allkeys-lru",
        "--client-output-buffer-limit",
        "normal 0 0 0",
    ]);
    let mut client = child.client();
    let value = "x".repeat(4_000);
    for n in 0..4_000 {
        client.ask(&["SET", &format!("k{n}"), &value], "+OK\r\n");
    }
    // Requests that are not read and replies that are not taken, far beyond what is free.
    let lazy: Vec<_> = (0..12)
        .map(|_| {
            let mut lazy = child.client();
            let half = format!(
                "*2\r\n$3\r\nGET\r\n${}\r\n{}",
                2_000_000,
                "y".repeat(1_900_000)
            );
            lazy.send(half);
            lazy
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(60);
    while info(&mut client)["mem_clients_normal"] < 20_000_000 {
        assert!(
            Instant::now() < deadline,
            "the clients' buffers are counted"
        );
        thread::sleep(Duration::from_millis(10));
    }
    for n in 0..400 {
        client.ask(&["SET", &format!("more{n}"), &value], "+OK\r\n");
    }
    assert_eq!(info(&mut client)["evicted_keys"], 0);
    client.ask(&["DBSIZE"], ":4400\r\n");
    drop(lazy);
}

#[test]
fn messages_that_nobody_takes_push_no_data_out() {
    let child = Child::start(&[
        "--maxmemory",
        "32mb",
        "--maxmemory-policy",
        "allkeys-lru",
        "--client-output-buffer-limit",
        "pubsub 0 0 0",
    ]);
    let mut client = child.client();
    let value = "x".repeat(4_000);
    for n in 0..4_000 {
        client.ask(&["SET", &format!("k{n}"), &value], "+OK\r\n");
    }
    let lazy: Vec<_> = (0..3)
        .map(|_| {
            let mut lazy = child.client();
            lazy.ask(
                &["SUBSCRIBE", "c"],
                "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
            );
            lazy
        })
        .collect();
    // A message is shared by its receivers; what the sockets take of it is gone.
    let message = "m".repeat(1_000_000);
    for _ in 0..60 {
        client.ask(&["PUBLISH", "c", &message], ":3\r\n");
    }
    let waiting = info(&mut client)["mem_not_counted_for_evict"];
    assert!(waiting > 40_000_000, "{waiting}");
    for n in 0..400 {
        client.ask(&["SET", &format!("more{n}"), &value], "+OK\r\n");
    }
    assert_eq!(info(&mut client)["evicted_keys"], 0);
    client.ask(&["DBSIZE"], ":4400\r\n");
    drop(lazy);
    let deadline = Instant::now() + Duration::from_secs(10);
    while info(&mut client)["mem_not_counted_for_evict"] > 1_000_000 {
        assert!(
            Instant::now() < deadline,
            "messages go with their receivers"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn messages_count_for_their_receivers() {
    let child = Child::start(&["--maxmemory-clients", "8mb", "--hz", "1"]);
    let mut client = child.client();
    client.ask(&["CLIENT", "NO-EVICT", "on"], "+OK\r\n");
    let mut lazy = child.client();
    lazy.ask(
        &["SUBSCRIBE", "c"],
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n",
    );
    let message = "m".repeat(1_000_000);
    let deadline = Instant::now() + Duration::from_secs(10);
    // What the socket takes does not count.
    while info(&mut client)["evicted_clients"] == 0 {
        assert!(Instant::now() < deadline, "the slow reader is closed");
        client.request(&["PUBLISH", "c", &message]);
        client.line();
    }
    client.ask(&["PUBLISH", "c", "m"], ":0\r\n");
}

#[test]
fn prefixes_count_for_who_wants_to_hear_of_them() {
    let child = Child::start(&["--maxmemory-clients", "200kb"]);
    let mut client = child.client();
    let prefixes: Vec<_> = (0..4_000).map(|n| format!("{n:06}")).collect();
    let mut request = vec!["CLIENT", "TRACKING", "on", "BCAST"];
    request.extend(prefixes.iter().flat_map(|prefix| ["PREFIX", prefix]));
    client.request(&request);
    client.expect_closed();
}

#[test]
fn what_is_too_large_for_the_clients_is_not_executed() {
    let child = Child::start(&["--maxmemory-clients", "4mb"]);
    let mut client = child.client();
    let value = "y".repeat(6_000_000);
    client
        .try_send(encode(&[b"SET", b"k", value.as_bytes()]))
        .ok();
    client.expect_closed();
    let mut client = child.client();
    client.ask(&["EXISTS", "k"], ":0\r\n");
    assert_eq!(info(&mut client)["evicted_clients"], 1);
}

/// A child that has but a little room, and a key that may go: tracked by the client, who speaks RESP3.
fn nearly_full() -> (Child, Client) {
    let child = Child::start(&["--maxmemory-policy", "volatile-lru"]);
    let mut client = child.client();
    client.request(&["HELLO", "3"]);
    support::show(&mut client);
    client.ask(&["CLIENT", "TRACKING", "on"], "+OK\r\n");
    let value = "x".repeat(500_000);
    client.ask(&["SET", "goes", &value, "EX", "1000"], "+OK\r\n");
    client.ask(&["STRLEN", "goes"], ":500000\r\n");
    let info = info(&mut child.client());
    let data = info["used_memory"] - info["mem_not_counted_for_evict"];
    let limit = (data + 300_000).to_string();
    client.ask(&["CONFIG", "SET", "maxmemory", &limit], "+OK\r\n");
    (child, client)
}

const GOES: &str = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$4\r\ngoes\r\n";

#[test]
fn what_a_write_evicts_is_announced_before_its_reply() {
    let (_child, mut client) = nearly_full();
    let value = "y".repeat(400_000);
    client.ask(&["SET", "comes", &value], format!("{GOES}+OK\r\n"));
    client.ask(&["GET", "goes"], "_\r\n");
}

#[test]
fn what_takes_more_than_its_arguments_is_made_up_for_at_once() {
    let (_child, mut client) = nearly_full();
    client.request(&["SETBIT", "grows", "3200000", "1"]);
    // No other write has to come.
    let expected = [format!(":0\r\n{GOES}"), format!("{GOES}:0\r\n")];
    let got = client.take(expected[0].len());
    assert!(expected.iter().any(|one| one.as_bytes() == got));
    client.ask(&["EXISTS", "goes", "grows"], ":1\r\n");
}

#[test]
fn the_largest_clients_give_way() {
    let child = Child::start(&["--maxmemory-clients", "4mb"]);
    let mut client = child.client();
    let mut exempt = child.client();
    exempt.ask(&["CLIENT", "NO-EVICT", "on"], "+OK\r\n");
    let half = format!("*2\r\n$3\r\nGET\r\n$3000000\r\n{}", "y".repeat(2_500_000));
    exempt.send(&half);
    let mut large = child.client();
    large.send(&half);
    large.expect_closed();
    client.ask(&["PING"], "+PONG\r\n");
    let info = info(&mut client);
    assert_eq!(info["evicted_clients"], 1);
    exempt.send(format!("{}\r\n", "y".repeat(500_000)));
    exempt.expect("$-1\r\n");
}

#[test]
fn idle_time_and_frequency_are_told_by_the_policy() {
    let child = Child::start(&["--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0"]);
    let mut client = child.client();
    client.ask(&["SET", "k", "v"], "+OK\r\n");
    (0..10).for_each(|_| client.ask(&["GET", "k"], "$1\r\nv\r\n"));
    client.ask(&["OBJECT", "FREQ", "k"], ":15\r\n");
    client.ask(&["OBJECT", "FREQ", "none"], "$-1\r\n");
    assert!(
        client
            .first_line(&["OBJECT", "IDLETIME", "k"])
            .starts_with("-ERR An LFU maxmemory policy is selected, idle time not tracked.")
    );
    client.ask(
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
        "+OK\r\n",
    );
    assert!(
        client
            .first_line(&["OBJECT", "FREQ", "k"])
            .starts_with("-ERR An LFU maxmemory policy is not selected, access frequency not")
    );
    client.ask(&["GET", "k"], "$1\r\nv\r\n");
    client.ask(&["OBJECT", "IDLETIME", "k"], ":0\r\n");
}

#[test]
fn memory_tells_where_it_is() {
    let child = Child::start(&[]);
    let mut client = child.client();
    client.ask(&["SELECT", "3"], "+OK\r\n");
    client.ask(&["SET", "k", &"x".repeat(100_000)], "+OK\r\n");
    client.request(&["MEMORY", "STATS"]);
    let reply = support::show(&mut client);
    for part in [
        "[peak.allocated :",
        " db.3 [overhead.hashtable.main :",
        " keys.count :1 ",
        " dataset.percentage ",
        " fragmentation.bytes :",
    ] {
        assert!(reply.contains(part), "{part} in {reply}");
    }
    assert!(
        client
            .bulk(&["MEMORY", "DOCTOR"])
            .starts_with("This instance is empty")
    );
    assert!(
        client
            .bulk(&["MEMORY", "MALLOC-STATS"])
            .contains("pages: in use")
    );
    client.ask(&["MEMORY", "PURGE"], "+OK\r\n");
    let info = info(&mut client);
    assert!(info["used_memory_peak"] >= info["used_memory"]);
    assert_eq!(
        info["used_memory"],
        info["used_memory_dataset"] + info["used_memory_overhead"]
    );
}

#[test]
fn values_that_lie_scattered_are_moved_together() {
    let child = Child::start(&["--active-defrag-ignore-bytes", "1mb", "--workers", "1"]);
    let mut client = child.client();
    let set = |client: &mut Client, prefix: &str, count: usize, size: usize| {
        for from in (0..count).step_by(500) {
            let requests = (from..from + 500).flat_map(|n| {
                let value = format!("{n:0size$}");
                encode(&[b"SET", format!("{prefix}{n}").as_bytes(), value.as_bytes()])
            });
            client.send(requests.collect::<Vec<_>>());
            (0..500).for_each(|_| client.expect("+OK\r\n"));
        }
    };
    set(&mut client, "large", 20_000, 1_000);
    let mut numbers = Numbers(7);
    let mut left = Vec::new();
    for n in 0..20_000 {
        if numbers.below(10) == 0 {
            left.push(n);
        } else {
            client.ask(&["DEL", &format!("large{n}")], ":1\r\n");
        }
    }
    set(&mut client, "small", 40_000, 100);
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let info = info(&mut client);
        let (held, used) = (info["slab_bytes"], info["slab_allocated_bytes"]);
        if held * 10 <= used * 13 && info["active_defrag_hits"] > 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{held} bytes held for {used}");
        thread::sleep(Duration::from_millis(50));
    }
    for n in left {
        assert_eq!(
            client.bulk(&["GET", &format!("large{n}")]),
            format!("{n:01000}")
        );
    }
    for n in (0..40_000).step_by(97) {
        assert_eq!(
            client.bulk(&["GET", &format!("small{n}")]),
            format!("{n:0100}")
        );
    }
}

#[test]
fn info_tells_of_passes_of_defragmentation() {
    let server = Child::start(&["--active-defrag-ignore-bytes", "1mb"]);
    let mut client = server.client();
    let value = "x".repeat(1000);
    for n in 0..10_000 {
        client.ask(&["SET", &format!("key:{n}"), &value], "+OK\r\n");
    }
    for n in (0..10_000).filter(|n| n % 10 > 0) {
        client.ask(&["DEL", &format!("key:{n}")], ":1\r\n");
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let info = client.bulk(&["INFO", "everything"]);
        let field = |name: &str| -> u64 {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.strip_prefix(':'));
            value.expect("in INFO").parse().expect("a number")
        };
        let (running, total) = (
            field("active_defrag_running"),
            field("total_active_defrag_time"),
        );
        let current = field("current_active_defrag_time");
        assert!(current <= total && [0, 25].contains(&running), "{info}");
        assert!(running > 0 || current == 0, "{info}");
        if running == 0 && total > 0 && field("active_defrag_hits") > 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{info}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
