//! Many connections over the same few keys: commands of several keys are atomic, and nobody waits for ever.
//!
//! Every case has an invariant that each reply must show, whatever the order in which the server executed the requests. The keys
//! are named in a different order by each connection, which is what makes a server that locks them one by one stand still.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use support::{Client, Server};

/// The cases run with so many worker threads: one, as many as keys are locked at once, and more than there are cores.
const WORKERS: [&str; 3] = ["1", "2", "8"];

/// A connection does so many rounds at most, and begins no more of them after [`ENOUGH`].
const ROUNDS: usize = 400;
const ENOUGH: Duration = Duration::from_millis(900);

/// After this the connections are said to wait for each other.
const HANGS: Duration = Duration::from_secs(60);

/// The keys that are always written together.
const GROUP: [&str; 5] = ["group:a", "group:b", "group:c", "group:d", "group:e"];

/// What one connection does with its client.
type Body = Box<dyn FnOnce(&mut Client) + Send>;

/// Runs every body on a connection and a thread of its own, all starting at once, and waits for them.
///
/// # Panics
/// If one of them does, or if they do not come to an end.
fn together(server: &Server, case: &str, bodies: Vec<Body>) {
    let start = Arc::new(Barrier::new(bodies.len()));
    let (running, ended) = mpsc::channel::<()>();
    let threads: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let (start, running) = (Arc::clone(&start), running.clone());
            let mut client = server.client();
            thread::spawn(move || {
                // Dropped at the end of the thread, however it ends.
                let _running = running;
                start.wait();
                body(&mut client);
            })
        })
        .collect();
    drop(running);
    match ended.recv_timeout(HANGS) {
        Err(RecvTimeoutError::Disconnected) => {}
        Ok(()) => unreachable!("nobody sends"),
        Err(RecvTimeoutError::Timeout) => {
            let waiting = threads.iter().filter(|thread| !thread.is_finished());
            panic!("{case}: {} connections hang", waiting.count());
        }
    }
    for thread in threads {
        if let Err(why) = thread.join() {
            std::panic::resume_unwind(why);
        }
    }
}

/// The rounds of one connection.
fn rounds() -> impl Iterator<Item = usize> {
    let start = Instant::now();
    (0..ROUNDS).take_while(move |_| start.elapsed() < ENOUGH)
}

/// Sends a request of words and gives the reply on one line; arrays are their elements with spaces between.
#[track_caller]
fn ask(client: &mut Client, words: &[&str]) -> String {
    client.request(words);
    reply(client)
}

#[track_caller]
fn reply(client: &mut Client) -> String {
    let line = client.line();
    match line.as_bytes()[0] {
        b'$' if line == "$-1" => "nil".into(),
        b'$' => client.line(),
        b'*' => {
            let count: usize = line[1..].parse().expect("an array of a known length");
            let elements: Vec<_> = (0..count).map(|_| reply(client)).collect();
            elements.join(" ")
        }
        _ => line,
    }
}

/// A command over the whole group, its keys in an order that depends on `turn`, each followed by `value` if there is one.
fn over_group<'a>(command: &'a str, turn: usize, value: Option<&'a str>) -> Vec<&'a str> {
    let mut keys = GROUP;
    keys.rotate_left(turn % GROUP.len());
    if turn % 2 == 1 {
        keys.reverse();
    }
    let pairs = keys.iter().flat_map(|key| [Some(*key), value]);
    std::iter::once(command).chain(pairs.flatten()).collect()
}

/// Asserts that all words of a reply are the same, and gives that word.
#[track_caller]
fn whole<'a>(reply: &'a str, what: &str) -> &'a str {
    let mut words = reply.split(' ');
    let first = words.next().unwrap_or_default();
    assert!(words.all(|word| word == first), "{what} is torn: {reply}");
    first
}

/// Runs a case once with each number of workers.
fn with_each_number_of_workers(case: impl Fn(&Server, &str)) {
    for workers in WORKERS {
        let server = Server::start(&[("workers", workers)]);
        case(&server, &format!("{workers} workers"));
        server.stop();
    }
}

#[test]
fn a_group_written_at_once_is_never_seen_torn() {
    with_each_number_of_workers(|server, case| {
        let mut bodies: Vec<Body> = Vec::new();
        for writer in 0..3 {
            bodies.push(Box::new(move |client| {
                for round in rounds() {
                    let value = format!("{writer}-{round}");
                    let request = over_group("MSET", writer + round, Some(&value));
                    assert_eq!(ask(client, &request), "+OK");
                }
            }));
        }
        for reader in 0..2 {
            bodies.push(Box::new(move |client| {
                for round in rounds() {
                    let values = ask(client, &over_group("MGET", reader + round, None));
                    whole(&values, "the group");
                    // All keys or none: never some of them.
                    let present = ask(client, &over_group("EXISTS", round, None));
                    assert!([":0", ":5"].contains(&present.as_str()), "{present}");
                }
            }));
        }
        bodies.push(Box::new(|client| {
            for round in rounds() {
                // All of them are there or none is, so that this one, too, sets all or nothing.
                let value = format!("nx-{round}");
                ask(client, &over_group("MSETNX", round, Some(&value)));
                let removed = ask(client, &over_group("DEL", round + 1, None));
                assert!([":0", ":5"].contains(&removed.as_str()), "{removed}");
            }
        }));
        bodies.push(Box::new(|client| {
            for _ in rounds() {
                assert_eq!(ask(client, &["FLUSHALL"]), "+OK");
                assert_eq!(ask(client, &["PING"]), "+PONG");
            }
        }));
        together(server, case, bodies);
    });
}

#[test]
fn of_many_msetnx_over_the_same_keys_one_wins() {
    with_each_number_of_workers(|server, case| {
        const CONTENDERS: usize = 5;
        let won: Arc<Vec<AtomicUsize>> =
            Arc::new((0..ROUNDS).map(|_| AtomicUsize::new(0)).collect());
        let tried = Arc::new(AtomicUsize::new(0));
        let bodies = (0..CONTENDERS).map(|contender| -> Body {
            let (won, tried) = (Arc::clone(&won), Arc::clone(&tried));
            Box::new(move |client| {
                for round in rounds() {
                    let (left, right) = (format!("left:{round}"), format!("right:{round}"));
                    let name = contender.to_string();
                    // Half of them name the keys the other way round.
                    let (one, other) = if contender % 2 == 0 {
                        (&left, &right)
                    } else {
                        (&right, &left)
                    };
                    if ask(client, &["MSETNX", one, &name, other, &name]) == ":1" {
                        won[round].fetch_add(1, Ordering::Relaxed);
                    }
                    tried.fetch_max(round + 1, Ordering::Relaxed);
                    let both = ask(client, &["MGET", &left, &right]);
                    assert_ne!(whole(&both, "the pair"), "nil");
                }
            })
        });
        together(server, case, bodies.collect());
        for round in &won[..tried.load(Ordering::Relaxed)] {
            assert_eq!(round.load(Ordering::Relaxed), 1, "{case}");
        }
    });
}

#[test]
fn a_key_renamed_around_a_ring_is_always_exactly_one() {
    const RING: [&str; 4] = ["ring:0", "ring:1", "ring:2", "ring:3"];
    with_each_number_of_workers(|server, case| {
        server.client().ask(&["SET", RING[0], "token"], "+OK\r\n");
        let mut bodies: Vec<Body> = Vec::new();
        for (command, step, moved) in [
            ("RENAME", 1, "+OK"),
            ("RENAME", 3, "+OK"),
            ("RENAMENX", 1, ":1"),
            ("RENAMENX", 3, ":1"),
        ] {
            bodies.push(Box::new(move |client| {
                for round in rounds() {
                    let (from, to) = (RING[round % 4], RING[(round + step) % 4]);
                    let answer = ask(client, &[command, from, to]);
                    assert!(
                        answer == moved || answer == "-ERR no such key",
                        "{command}: {answer}"
                    );
                }
            }));
        }
        for _ in 0..2 {
            bodies.push(Box::new(|client| {
                for _ in rounds() {
                    let [a, b, c, d] = RING;
                    assert_eq!(ask(client, &["EXISTS", a, b, c, d]), ":1");
                    let values = ask(client, &["MGET", d, c, b, a]);
                    assert_eq!(values.matches("token").count(), 1, "{values}");
                }
            }));
        }
        together(server, case, bodies);
        server.client().ask(&["DBSIZE"], ":1\r\n");
    });
}

#[test]
fn collections_written_whole_are_copied_and_renamed_whole() {
    with_each_number_of_workers(|server, case| {
        let mut bodies: Vec<Body> = Vec::new();
        for writer in 0..2 {
            bodies.push(Box::new(move |client| {
                for round in rounds() {
                    let v = (writer * ROUNDS + round).to_string();
                    ask(client, &["HSET", "hash", "a", &v, "b", &v, "c", &v]);
                    ask(client, &["ZADD", "zset", &v, "a", &v, "b", &v, "c"]);
                }
            }));
        }
        for (source, copy, moved) in [("hash", "hash2", "hash3"), ("zset", "zset2", "zset3")] {
            // A copy or a rename takes what is there at one moment; its source may not be there yet.
            bodies.push(Box::new(move |client| {
                for _ in rounds() {
                    ask(client, &["COPY", source, copy, "REPLACE"]);
                    ask(client, &["RENAME", copy, moved]);
                }
            }));
            // The other way round: whoever locks in the order of the words stands still now.
            bodies.push(Box::new(move |client| {
                for _ in rounds() {
                    ask(client, &["COPY", moved, copy, "REPLACE"]);
                    ask(client, &["COPY", copy, source, "REPLACE"]);
                }
            }));
        }
        bodies.push(Box::new(|client| {
            for round in rounds() {
                let hash = ["hash", "hash2", "hash3"][round % 3];
                let values = ask(client, &["HMGET", hash, "a", "b", "c"]);
                whole(&values, hash);
                let zset = ["zset", "zset2", "zset3"][round % 3];
                let scores = ask(client, &["ZMSCORE", zset, "a", "b", "c"]);
                whole(&scores, zset);
            }
        }));
        together(server, case, bodies);
    });
}

#[test]
fn databases_are_swapped_as_a_whole() {
    with_each_number_of_workers(|server, case| {
        let mut client = server.client();
        for (database, value) in [("0", "left"), ("1", "right")] {
            ask(&mut client, &["SELECT", database]);
            ask(&mut client, &over_group("MSET", 0, Some(value)));
        }
        let swaps = Arc::new(AtomicUsize::new(0));
        let mut bodies: Vec<Body> = Vec::new();
        for (one, other) in [("0", "1"), ("1", "0")] {
            let swaps = Arc::clone(&swaps);
            bodies.push(Box::new(move |client| {
                for _ in rounds() {
                    assert_eq!(ask(client, &["SWAPDB", one, other]), "+OK");
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for database in ["0", "1", "0"] {
            bodies.push(Box::new(move |client| {
                ask(client, &["SELECT", database]);
                for round in rounds() {
                    let values = ask(client, &over_group("MGET", round, None));
                    assert_ne!(whole(&values, "the database"), "nil");
                }
            }));
        }
        together(server, case, bodies);

        let mut expected = ["left", "right"];
        if swaps.load(Ordering::Relaxed) % 2 == 1 {
            expected.reverse();
        }
        for (database, value) in ["0", "1"].into_iter().zip(expected) {
            ask(&mut client, &["SELECT", database]);
            let values = ask(&mut client, &over_group("MGET", 0, None));
            assert_eq!(whole(&values, "the database"), value, "{case}");
        }
    });
}

#[test]
fn swapped_flushed_and_written_databases_stay_whole() {
    with_each_number_of_workers(|server, case| {
        let mut bodies: Vec<Body> = Vec::new();
        for database in ["0", "1"] {
            bodies.push(Box::new(move |client| {
                ask(client, &["SELECT", database]);
                for round in rounds() {
                    let value = format!("{database}-{round}");
                    let request = over_group("MSET", round, Some(&value));
                    assert_eq!(ask(client, &request), "+OK");
                }
            }));
            bodies.push(Box::new(move |client| {
                ask(client, &["SELECT", database]);
                for round in rounds() {
                    let values = ask(client, &over_group("MGET", round, None));
                    whole(&values, "the database");
                }
            }));
        }
        for request in [&["SWAPDB", "0", "1"][..], &["FLUSHDB"], &["FLUSHALL"]] {
            bodies.push(Box::new(move |client| {
                for _ in rounds() {
                    assert_eq!(ask(client, request), "+OK");
                }
            }));
        }
        together(server, case, bodies);
        // Nothing is left over that a count knows and a look-up does not.
        let mut client = server.client();
        assert_eq!(ask(&mut client, &["FLUSHALL"]), "+OK");
        for database in ["0", "1"] {
            ask(&mut client, &["SELECT", database]);
            assert_eq!(ask(&mut client, &["DBSIZE"]), ":0", "{case}");
        }
    });
}

#[test]
fn no_increment_is_lost() {
    with_each_number_of_workers(|server, case| {
        let added = Arc::new(AtomicUsize::new(0));
        let bodies = (0..6).map(|_| -> Body {
            let added = Arc::clone(&added);
            Box::new(move |client| {
                for _ in rounds() {
                    ask(client, &["INCR", "counter"]);
                    ask(client, &["HINCRBY", "hash", "counter", "1"]);
                    ask(client, &["ZINCRBY", "zset", "1", "counter"]);
                    added.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        together(server, case, bodies.collect());
        let total = added.load(Ordering::Relaxed).to_string();
        let mut client = server.client();
        for request in [
            &["GET", "counter"][..],
            &["HGET", "hash", "counter"],
            &["ZSCORE", "zset", "counter"],
        ] {
            assert_eq!(ask(&mut client, request), total, "{case}: {request:?}");
        }
    });
}
