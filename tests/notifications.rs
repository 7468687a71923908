//! Keyspace notifications over a real socket: which events, in which order, to which channels.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use support::{Client, Server, encode, show};

const OK: &str = "+OK\r\n";

/// A server that publishes these classes of events, one whose clock stands still, and a subscriber of all of them.
fn start(classes: &str) -> (Server, Arc<AtomicI64>, Client, Client) {
    let (server, hand, mut client) = Server::with_clock(2_000_000_000_000);
    client.ask(&["CONFIG", "SET", "notify-keyspace-events", classes], OK);
    let mut subscriber = server.client();
    for pattern in ["__key*", "end"] {
        subscriber.request(&["PSUBSCRIBE", pattern]);
        show(&mut subscriber);
    }
    (server, hand, client, subscriber)
}

/// The next message: its channel and its text; none if it is the mark.
fn message(subscriber: &mut Client) -> Option<(String, String)> {
    let shown = show(subscriber);
    let mut words = shown.trim_matches(['[', ']']).split(' ').skip(2);
    let channel = words.next().unwrap().to_owned();
    let text = words.collect::<Vec<_>>().join(" ");
    (channel != "end").then_some((channel, text))
}

/// What happened, as the table writes it.
fn event((channel, name): (String, String)) -> String {
    let place = channel.strip_prefix("__keyspace@").unwrap();
    let (db, key) = place.split_once("__:").unwrap();
    match db {
        "0" => format!("{key} {name}"),
        _ => format!("{db}:{key} {name}"),
    }
}

/// Executes a line of the table.
fn execute(client: &mut Client, hand: &AtomicI64, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match *words {
        ["PASS", milliseconds] => {
            hand.fetch_add(milliseconds.parse().unwrap(), Ordering::Relaxed);
        }
        ["COPYDUMP", from, to, ref rest @ ..] => {
            let length = client.first_line(&["DUMP", from]);
            let dump = client.take(length[1..].parse().unwrap());
            client.expect("\r\n");
            let mut request: Vec<&[u8]> = vec![b"RESTORE", to.as_bytes(), b"0", &dump];
            request.extend(rest.iter().map(|word| word.as_bytes()));
            client.ask_raw(encode(&request), OK);
        }
        _ => {
            client.request(&words);
            show(client);
        }
    }
}

#[test]
fn events_are_those_of_the_peers() {
    let (server, hand, mut client, mut subscriber) = start("KAnm");
    let mut publisher = server.client();
    let table = include_str!("data/notifications.txt").lines();
    for line in table.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        println!("{line}");
        let (line, expected) = line.split_once(" => ").unwrap_or((line, ""));
        let expected: Vec<&str> = expected.split(", ").filter(|one| !one.is_empty()).collect();
        execute(&mut client, &hand, line);
        let mut events = Vec::new();
        if line.starts_with("PASS") {
            // The sweeper does it when it comes by.
            while events.len() < expected.len() {
                events.extend(message(&mut subscriber).map(event));
            }
        }
        publisher.request(&["PUBLISH", "end", "."]);
        show(&mut publisher);
        while let Some(message) = message(&mut subscriber) {
            events.push(event(message));
        }
        assert_eq!(events, expected, "{line}");
    }
}

#[test]
fn channels_are_named_after_the_key_and_after_the_event() {
    let (_server, _, mut client, mut subscriber) = start("KEA");
    let mut next = || {
        let (channel, text) = message(&mut subscriber).unwrap();
        format!("{channel} {text}")
    };
    client.talk(&[("SET a 1", OK), ("SELECT 3", OK), ("DEL b", ":0\r\n")]);
    client.ask(&["SADD", "a b", "x"], ":1\r\n");
    assert_eq!(next(), "__keyspace@0__:a set");
    assert_eq!(next(), "__keyevent@0__:set a");
    assert_eq!(next(), "__keyspace@3__:a b sadd");
    assert_eq!(next(), "__keyevent@3__:sadd a b");
}

#[test]
fn only_what_is_selected_is_published() {
    let (_server, _, mut client, mut subscriber) = start("");
    let mut expect = |client: &mut Client, classes: &str, request: &str, events: &[&str]| {
        client.ask(&["CONFIG", "SET", "notify-keyspace-events", classes], OK);
        client.send(format!("{request}\r\nPUBLISH end .\r\n"));
        show(client);
        show(client);
        let mut seen = Vec::new();
        while let Some((channel, text)) = message(&mut subscriber) {
            seen.push(format!("{channel} {text}"));
        }
        assert_eq!(seen, events, "{classes} {request}");
    };
    expect(&mut client, "", "SET a 1", &[]);
    expect(&mut client, "A", "SET a 1", &[]);
    expect(&mut client, "K", "SET a 1", &[]);
    expect(&mut client, "K$", "SET a 1", &["__keyspace@0__:a set"]);
    expect(&mut client, "E$", "SET a 1", &["__keyevent@0__:set a"]);
    expect(&mut client, "Kg$", "DEL a", &["__keyspace@0__:a del"]);
    expect(&mut client, "KEl", "SET a 1", &[]);
    expect(&mut client, "KA", "GET nothing", &[]);
    expect(
        &mut client,
        "Em",
        "GET nothing",
        &["__keyevent@0__:keymiss nothing"],
    );
    expect(&mut client, "En", "SET b 1", &["__keyevent@0__:new b"]);
    expect(&mut client, "En", "SET b 1", &[]);
}

#[test]
fn whoever_writes_events_of_one_key_come_in_the_order_of_its_values() {
    let server = Server::start(&[("workers", "4"), ("notify-keyspace-events", "KA")]);
    let mut subscriber = server.client();
    subscriber.request(&["SUBSCRIBE", "__keyspace@0__:k"]);
    show(&mut subscriber);
    // A list is pushed to while it is empty, and popped from while it is not: so the events alternate, if they are in order.
    let script = "if redis.call('LLEN', KEYS[1]) == 0 then redis.call('RPUSH', KEYS[1], 1) else redis.call('RPOP', KEYS[1]) end";
    const TIMES: usize = 300;
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut client = server.client();
            scope.spawn(move || {
                for _ in 0..TIMES {
                    client.request(&["EVAL", script, "1", "k"]);
                    show(&mut client);
                }
            });
        }
        for _ in 0..4 * TIMES / 2 {
            for event in ["rpush", "rpop", "del"] {
                assert_eq!(
                    show(&mut subscriber),
                    format!("[message __keyspace@0__:k {event}]")
                );
            }
        }
    });
}

#[test]
fn what_is_evicted_is_announced() {
    let server = Server::start(&[
        ("workers", "1"),
        ("notify-keyspace-events", "Ee"),
        ("maxmemory-policy", "allkeys-lru"),
    ]);
    let (mut client, mut subscriber) = (server.client(), server.client());
    subscriber.request(&["SUBSCRIBE", "__keyevent@0__:evicted"]);
    show(&mut subscriber);
    client.ask(&["SET", "old", "1"], OK);
    client.ask(&["CONFIG", "SET", "maxmemory", "1"], OK);
    assert_eq!(
        show(&mut subscriber),
        "[message __keyevent@0__:evicted old]"
    );
}
