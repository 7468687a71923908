//! Expiry over a real socket, by a clock that only the test moves: what clients see, and what the sweeper removes unasked.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use larder::clock::Clock;
use support::{Client, Server};

/// Where the clock stands at first: a second in 2033.
const START: i64 = 2_000_000_000_000;

/// The sweeper's index knows deadlines in steps of 64 milliseconds: it finds a key no later than this after its last one.
const STEP: i64 = 64;

/// So does the index inside a hash, and the sweeper asks one after the other.
const STEPS_TO_A_FIELD: i64 = 2 * STEP;

/// How long the sweeper may take before the test fails; it is far quicker.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server whose clock stands at [`START`], the hand of that clock, and a client.
fn start() -> (Server, Arc<AtomicI64>, Client) {
    let (clock, hand) = Clock::manual(START);
    let server = Server::start_at(clock, &[]);
    let client = server.client();
    (server, hand, client)
}

/// Moves the clock.
fn pass(hand: &AtomicI64, milliseconds: i64) {
    hand.fetch_add(milliseconds, Ordering::Relaxed);
}

/// The value of a field of `INFO stats`.
#[track_caller]
fn statistic(client: &mut Client, name: &str) -> u64 {
    let text = client.bulk(&["INFO", "stats"]);
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name} is a number in {text}"))
}

/// Asks until the reply's first line is this one.
#[track_caller]
fn comes_to(client: &mut Client, request: &[&str], expected: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let line = client.first_line(request);
        if line == expected {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{request:?} stays at {line}, expected {expected}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_key_is_there_until_its_moment_and_not_in_it() {
    let (_server, hand, mut client) = start();
    client.talk(&[
        ("SET key value PX 1500", "+OK\r\n"),
        ("GET key", "$5\r\nvalue\r\n"),
        ("PTTL key", ":1500\r\n"),
        ("PEXPIRETIME key", ":2000000001500\r\n"),
    ]);
    pass(&hand, 1499);
    client.talk(&[
        ("GET key", "$5\r\nvalue\r\n"),
        ("PTTL key", ":1\r\n"),
        ("EXISTS key", ":1\r\n"),
    ]);
    // One more than its last millisecond, whichever side of it the moment itself is on.
    pass(&hand, 2);
    client.talk(&[
        ("GET key", "$-1\r\n"),
        ("TTL key", ":-2\r\n"),
        ("EXISTS key", ":0\r\n"),
        ("TYPE key", "+none\r\n"),
        ("DEL key", ":0\r\n"),
    ]);
}

#[test]
fn ttl_tells_the_seconds_that_are_left_rounded() {
    let (_server, hand, mut client) = start();
    client.talk(&[
        ("SET key value EX 10", "+OK\r\n"),
        ("SET lasting value", "+OK\r\n"),
        ("TTL key", ":10\r\n"),
        ("EXPIRETIME key", ":2000000010\r\n"),
        ("TTL lasting", ":-1\r\n"),
        ("EXPIRETIME lasting", ":-1\r\n"),
        ("TTL nothing", ":-2\r\n"),
    ]);
    for (passed, ttl) in [(400, ":10"), (200, ":9"), (8900, ":1"), (100, ":0")] {
        pass(&hand, passed);
        assert_eq!(client.first_line(&["TTL", "key"]), ttl);
    }
}

#[test]
fn a_later_a_lifted_and_a_rewritten_expiry_hold() {
    let (_server, hand, mut client) = start();
    client.talk(&[
        ("SET later value PX 100", "+OK\r\n"),
        ("SET lifted value PX 100", "+OK\r\n"),
        ("SET rewritten value PX 100", "+OK\r\n"),
        ("SET kept value PX 100", "+OK\r\n"),
        ("PEXPIRE later 5000", ":1\r\n"),
        ("PERSIST lifted", ":1\r\n"),
        ("SET rewritten again", "+OK\r\n"),
        ("SET kept again KEEPTTL", "+OK\r\n"),
    ]);
    pass(&hand, 1000);
    // The sweeper meets the old deadlines, and only the one that still holds may count.
    comes_to(&mut client, &["DBSIZE"], ":3");
    client.talk(&[
        ("GET later", "$5\r\nvalue\r\n"),
        ("GET lifted", "$5\r\nvalue\r\n"),
        ("GET rewritten", "$5\r\nagain\r\n"),
        ("GET kept", "$-1\r\n"),
        ("PTTL later", ":4000\r\n"),
    ]);
    assert_eq!(statistic(&mut client, "expired_keys"), 1);
}

#[test]
fn the_sweeper_removes_what_nobody_asks_for() {
    const KEYS: usize = 2000;
    let (_server, hand, mut client) = start();
    for key in 0..KEYS {
        client.request(&["SET", &format!("brief:{key}"), "value", "PX", "100"]);
        client.request(&["SET", &format!("long:{key}"), "value", "PX", "3600000"]);
        client.request(&["SET", &format!("lasting:{key}"), "value"]);
        client.expect("+OK\r\n".repeat(3));
    }
    client.ask(&["DBSIZE"], format!(":{}\r\n", 3 * KEYS));
    assert_eq!(statistic(&mut client, "expired_keys"), 0);
    pass(&hand, 101 + STEP);
    comes_to(&mut client, &["DBSIZE"], &format!(":{}", 2 * KEYS));
    assert_eq!(statistic(&mut client, "expired_keys"), KEYS as u64);
    // In every database, and after a leap over all the rest.
    client.talk(&[
        ("SELECT 5", "+OK\r\n"),
        ("SET there value PX 100", "+OK\r\n"),
    ]);
    pass(&hand, 4_000_000);
    comes_to(&mut client, &["DBSIZE"], ":0");
    client.ask(&["SELECT", "0"], "+OK\r\n");
    comes_to(&mut client, &["DBSIZE"], &format!(":{KEYS}"));
    assert_eq!(statistic(&mut client, "expired_keys"), 2 * KEYS as u64 + 1);
}

#[test]
fn a_moment_that_has_passed_removes_the_key_at_once() {
    let (_server, _hand, mut client) = start();
    client.talk(&[
        ("SET key value", "+OK\r\n"),
        ("PEXPIREAT key 1999999999999", ":1\r\n"),
        ("DBSIZE", ":0\r\n"),
        ("SET key value", "+OK\r\n"),
        ("EXPIRE key -1", ":1\r\n"),
        ("EXISTS key", ":0\r\n"),
    ]);
}

#[test]
fn fields_of_a_hash_vanish_one_by_one_and_the_last_takes_the_key() {
    let (_server, hand, mut client) = start();
    client.talk(&[
        ("HSET hash a 1 b 2 c 3", ":3\r\n"),
        ("HPEXPIRE hash 100 FIELDS 1 a", "*1\r\n:1\r\n"),
        ("HEXPIRE hash 10 FIELDS 2 b c", "*2\r\n:1\r\n:1\r\n"),
        (
            "HPTTL hash FIELDS 3 a b x",
            "*3\r\n:100\r\n:10000\r\n:-2\r\n",
        ),
    ]);
    pass(&hand, 101);
    client.talk(&[
        ("HGET hash a", "$-1\r\n"),
        ("HEXISTS hash a", ":0\r\n"),
        ("HMGET hash a b", "*2\r\n$-1\r\n$1\r\n2\r\n"),
        ("HPTTL hash FIELDS 1 b", "*1\r\n:9899\r\n"),
    ]);
    pass(&hand, STEPS_TO_A_FIELD);
    comes_to(&mut client, &["HLEN", "hash"], ":2");
    client.ask(&["HPERSIST", "hash", "FIELDS", "1", "c"], "*1\r\n:1\r\n");
    pass(&hand, 10_000);
    comes_to(&mut client, &["HLEN", "hash"], ":1");
    client.talk(&[
        ("HPEXPIRE hash 50 FIELDS 1 c", "*1\r\n:1\r\n"),
        ("DBSIZE", ":1\r\n"),
    ]);
    pass(&hand, 51 + STEPS_TO_A_FIELD);
    // The hash is empty now: the sweeper removes the key, too.
    comes_to(&mut client, &["DBSIZE"], ":0");
    assert_eq!(statistic(&mut client, "expired_fields"), 3);
}

#[test]
fn what_is_given_a_time_in_the_past_has_expired() {
    let (_server, _, mut client) = start();
    for (request, reply, expired) in [
        ("EXPIRE k -1", ":1\r\n", 1),
        ("PEXPIRE k 0", ":1\r\n", 1),
        ("EXPIREAT k 1", ":1\r\n", 1),
        ("PEXPIREAT k 1", ":1\r\n", 1),
        ("GETEX k PXAT 1", "$1\r\nv\r\n", 1),
        ("SET k w PXAT 1", "+OK\r\n", 1),
        ("SET nothing w PXAT 1", "+OK\r\n", 0),
        ("EXPIRE nothing -1", ":0\r\n", 0),
    ] {
        client.talk(&[("CONFIG RESETSTAT", "+OK\r\n"), ("SET k v", "+OK\r\n")]);
        client.talk(&[(request, reply)]);
        assert_eq!(statistic(&mut client, "expired_keys"), expired, "{request}");
    }
    for (request, reply, expired) in [
        (
            "HPEXPIREAT h 1 FIELDS 3 f f no",
            "*3\r\n:2\r\n:-2\r\n:-2\r\n",
            1,
        ),
        ("HGETEX h PXAT 1 FIELDS 1 f", "*1\r\n$1\r\nv\r\n", 1),
        ("HSETEX h PXAT 1 FIELDS 2 f v new v", ":1\r\n", 2),
    ] {
        client.talk(&[("CONFIG RESETSTAT", "+OK\r\n"), ("DEL h", ":0\r\n")]);
        client.talk(&[("HSET h f v", ":1\r\n"), (request, reply)]);
        assert_eq!(
            statistic(&mut client, "expired_fields"),
            expired,
            "{request}"
        );
    }
}
