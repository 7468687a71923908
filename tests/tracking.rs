//! Client-side caches over real sockets: who is told of which changes, and that nobody is told too early.

mod support;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{Client, Server, show};

const OK: &str = "+OK\r\n";

/// A client that speaks RESP3.
fn resp3(server: &Server) -> Client {
    let mut client = server.client();
    client.request(&["HELLO", "3"]);
    show(&mut client);
    client
}

/// What a RESP3 client reads when keys have changed.
fn invalidation(keys: &[&str]) -> String {
    let keys: String = keys
        .iter()
        .map(|key| format!("${}\r\n{key}\r\n", key.len()))
        .collect();
    let count = keys.matches('$').count();
    format!(">2\r\n$10\r\ninvalidate\r\n*{count}\r\n{keys}")
}

const EVERYTHING: &str = ">2\r\n$10\r\ninvalidate\r\n_\r\n";

/// Nothing but the reply to a PING comes. Whatever others have done before has been posted by then, and the PING is answered behind it.
fn hears_nothing(client: &mut Client) {
    // The first may overtake what is in the mailbox; the second is read after that was emptied.
    client.ask(&["PING"], "+PONG\r\n");
    client.ask(&["PING"], "+PONG\r\n");
}

fn id(client: &mut Client) -> String {
    client.first_line(&["CLIENT", "ID"])[1..].to_owned()
}

/// A field of INFO.
fn field(client: &mut Client, name: &str) -> usize {
    client.request(&["INFO", "everything"]);
    let length: usize = client
        .line()
        .rsplit([':', '$', '='])
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let text = String::from_utf8(client.take(length + 2)).unwrap();
    let found = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found
        .unwrap_or_else(|| panic!("no {name}"))
        .parse()
        .unwrap()
}

#[test]
fn a_client_hears_once_of_what_it_has_read() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    writer.talk(&[("SET a 1", OK), ("SET b 1", OK)]);
    reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
    reader.ask(&["GET", "a"], "$1\r\n1\r\n");
    reader.ask(&["GET", "nothing"], "_\r\n");
    assert_eq!(field(&mut writer, "tracking_clients"), 1);
    assert_eq!(field(&mut writer, "tracking_total_keys"), 2);
    assert_eq!(field(&mut writer, "tracking_total_items"), 2);
    writer.talk(&[("SET b 2", OK), ("SET a 2", OK)]);
    reader.expect(invalidation(&["a"]));
    // It is told again only if it has read again.
    writer.talk(&[("SET a 3", OK), ("SET nothing 1", OK)]);
    reader.expect(invalidation(&["nothing"]));
    // Its own changes are changes, too.
    reader.ask(&["MGET", "a", "b"], "*2\r\n$1\r\n3\r\n$1\r\n2\r\n");
    reader.ask(&["DEL", "a"], ":1\r\n");
    reader.expect(invalidation(&["a"]));
    writer.talk(&[("RENAME b c", OK)]);
    reader.expect(invalidation(&["b"]));
    reader.ask(&["CLIENT", "TRACKING", "OFF"], OK);
    reader.ask(&["GET", "c"], "$1\r\n2\r\n");
    writer.talk(&[("SET c 3", OK)]);
    hears_nothing(&mut reader);
    assert_eq!(field(&mut writer, "tracking_clients"), 0);
    assert_eq!(field(&mut writer, "tracking_total_keys"), 0);
}

#[test]
fn whatever_takes_a_key_away_is_heard_of() {
    let (server, hand, mut writer) = Server::with_clock(2_000_000_000_000);
    let mut reader = resp3(&server);
    reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
    let read = |reader: &mut Client, request: &[&str]| {
        reader.request(request);
        show(reader);
    };
    writer.talk(&[("SET a 1 PX 100", OK), ("HSET h f v", ":1\r\n")]);
    writer.ask(
        &["HPEXPIRE", "h", "100", "FIELDS", "1", "f"],
        "*1\r\n:1\r\n",
    );
    read(&mut reader, &["GET", "a"]);
    hand.fetch_add(1000, Ordering::Relaxed);
    reader.expect(invalidation(&["a"]));
    writer.ask(&["HSET", "h", "f", "v", "g", "w"], ":2\r\n");
    writer.ask(
        &["HPEXPIRE", "h", "100", "FIELDS", "1", "f"],
        "*1\r\n:1\r\n",
    );
    read(&mut reader, &["HGETALL", "h"]);
    hand.fetch_add(1000, Ordering::Relaxed);
    reader.expect(invalidation(&["h"]));
    for flush in ["FLUSHALL", "FLUSHDB", "SWAPDB 0 1"] {
        read(&mut reader, &["GET", "a"]);
        writer.talk(&[(flush, OK)]);
        reader.expect(EVERYTHING);
    }
    assert_eq!(field(&mut writer, "tracking_total_keys"), 0);
    writer.talk(&[("SET a 1", OK)]);
    read(&mut reader, &["GET", "a"]);
    writer.talk(&[("CONFIG SET maxmemory-policy allkeys-lru", OK)]);
    writer.talk(&[("CONFIG SET maxmemory 1", OK)]);
    reader.expect(invalidation(&["a"]));
}

#[test]
fn transactions_and_scripts_read_and_write_like_commands() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
    let script = "return redis.call('GET', KEYS[1])";
    reader.ask(&["EVAL", script, "2", "a", "b"], "_\r\n");
    reader.ask(&["EVAL_RO", "return 1", "1", "b"], ":1\r\n");
    writer.talk(&[("SET b 1", OK), ("SET a 1", OK)]);
    reader.expect(invalidation(&["a"]));
    reader.talk(&[
        ("MULTI", OK),
        ("GET a", "+QUEUED\r\n"),
        ("EXEC", "*1\r\n$1\r\n1\r\n"),
    ]);
    let script = "redis.call('SET', KEYS[1], 2) return redis.call('GET', KEYS[1])";
    writer.ask(&["EVAL", script, "1", "a"], "$1\r\n2\r\n");
    reader.expect(invalidation(&["a"]));
    hears_nothing(&mut reader);
}

#[test]
fn what_a_client_has_waited_for_it_has_read() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
    reader.request(&["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]);
    while server
        .inside()
        .clients
        .count(|client| client.waiting().is_some())
        == 0
    {
        thread::yield_now();
    }
    writer.ask(&["XADD", "s", "1-1", "f", "v"], "$3\r\n1-1\r\n");
    reader.expect(invalidation(&["s"]));
    reader.expect("%1\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
    writer.ask(&["XADD", "s", "1-2", "f", "v"], "$3\r\n1-2\r\n");
    reader.expect(invalidation(&["s"]));
    writer.ask(&["XADD", "s", "1-3", "f", "v"], "$3\r\n1-3\r\n");
    hears_nothing(&mut reader);
}

#[test]
fn what_a_client_does_by_waiting_it_hears_of_behind_the_reply() {
    let server = Server::start(&[("workers", "2")]);
    let mut pusher = server.client();
    let mut movers: Vec<Client> = (0..8).map(|_| resp3(&server)).collect();
    let is_waiting = || {
        let clients = &server.inside().clients;
        clients.count(|client| client.waiting().is_some()) > 0
    };
    for (n, mover) in movers.iter_mut().enumerate() {
        let (from, to) = (format!("from:{n}"), format!("to:{n}"));
        let mode: &[&str] = match n % 4 {
            0 => &["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "to"],
            1 => &["CLIENT", "TRACKING", "ON", "NOLOOP"],
            _ => &["CLIENT", "TRACKING", "ON"],
        };
        mover.ask(mode, OK);
        mover.ask(&["LRANGE", &to, "0", "-1"], "*0\r\n");
        mover.request(&["BLMOVE", &from, &to, "LEFT", "LEFT", "0"]);
        while !is_waiting() {
            thread::yield_now();
        }
        pusher.ask(&["RPUSH", &from, "x"], ":1\r\n");
        mover.expect("$1\r\nx\r\n");
        if n % 4 != 1 {
            mover.expect(invalidation(&[&to]));
        }
        hears_nothing(mover);
        mover.ask(&["CLIENT", "TRACKING", "OFF"], OK);
    }
}

#[test]
fn clients_choose_what_they_keep() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    let mut change = |key: &str| writer.talk(&[(&format!("SET {key} 1"), OK)]);
    let get = |reader: &mut Client, key: &str| {
        reader.request(&["GET", key]);
        show(reader);
    };
    reader.ask(&["CLIENT", "TRACKING", "ON", "OPTIN"], OK);
    get(&mut reader, "a");
    reader.ask(&["CLIENT", "CACHING", "YES"], OK);
    get(&mut reader, "b");
    get(&mut reader, "c");
    for key in ["a", "b", "c"] {
        change(key);
    }
    reader.expect(invalidation(&["b"]));
    // What was said before a transaction holds for all of it.
    reader.talk(&[
        ("CLIENT CACHING YES", OK),
        ("MULTI", OK),
        ("GET a", "+QUEUED\r\n"),
        ("GET b", "+QUEUED\r\n"),
        ("EXEC", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n"),
    ]);
    for key in ["a", "b"] {
        change(key);
    }
    reader.expect(invalidation(&["a"]));
    reader.expect(invalidation(&["b"]));
    reader.talk(&[
        ("CLIENT TRACKING OFF", OK),
        ("CLIENT TRACKING ON OPTOUT NOLOOP", OK),
    ]);
    reader.ask(&["CLIENT", "CACHING", "NO"], OK);
    get(&mut reader, "a");
    get(&mut reader, "b");
    get(&mut reader, "c");
    reader.ask(&["SET", "c", "2"], OK);
    for key in ["a", "b", "c"] {
        change(key);
    }
    reader.expect(invalidation(&["b"]));
    hears_nothing(&mut reader);
}

#[test]
fn broadcasts_go_by_the_beginnings_of_keys() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    reader.talk(&[("CLIENT TRACKING ON BCAST PREFIX user: PREFIX o NOLOOP", OK)]);
    assert_eq!(field(&mut writer, "tracking_total_prefixes"), 2);
    writer.talk(&[("MSET user:1 a other b user:2 c use d", OK)]);
    reader.expect(invalidation(&["other"]));
    reader.expect(invalidation(&["user:1", "user:2"]));
    // A transaction is told of as a whole.
    writer.talk(&[
        ("MULTI", OK),
        ("INCR o1", "+QUEUED\r\n"),
        ("INCR o1", "+QUEUED\r\n"),
        ("DEL o1", "+QUEUED\r\n"),
        ("INCR o0", "+QUEUED\r\n"),
        ("EXEC", "*4\r\n:1\r\n:2\r\n:1\r\n:1\r\n"),
    ]);
    reader.expect(invalidation(&["o0", "o1"]));
    reader.talk(&[("SET o2 1", OK)]);
    hears_nothing(&mut reader);
    reader.talk(&[("CLIENT TRACKING ON BCAST PREFIX x", OK)]);
    writer.talk(&[("SET x1 1", OK), ("FLUSHALL", OK)]);
    reader.expect(invalidation(&["x1"]));
    reader.expect(EVERYTHING);
    let overlap = "-ERR Prefix 'user' overlaps with an existing prefix 'user:'. Prefixes for a single client must not overlap.\r\n";
    reader.talk(&[("CLIENT TRACKING ON BCAST PREFIX user", overlap)]);
    drop(reader);
    while field(&mut writer, "tracking_total_prefixes") > 0 {
        thread::yield_now();
    }
}

#[test]
fn broadcasts_of_a_pipeline_come_in_its_order_in_as_few_messages_as_there_are() {
    let server = Server::start(&[("workers", "2")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    reader.talk(&[("CLIENT TRACKING ON BCAST PREFIX k", OK)]);
    let pipeline: String = (0..500).map(|n| format!("SET k{n} 1\r\n")).collect();
    writer.send(pipeline);
    let mut heard = 0;
    while heard < 500 {
        reader.expect(">2\r\n$10\r\ninvalidate\r\n");
        let count: usize = reader.line()[1..].parse().unwrap();
        assert!(count > 0);
        for _ in 0..count {
            let key = format!("k{heard}");
            reader.expect(format!("${}\r\n{key}\r\n", key.len()));
            heard += 1;
        }
    }
    writer.expect("+OK\r\n".repeat(500));
    hears_nothing(&mut reader);
}

#[test]
fn another_connection_may_hear_instead() {
    let server = Server::start(&[("workers", "3")]);
    let (mut reader, mut writer, mut hearer) = (server.client(), server.client(), server.client());
    let number = id(&mut hearer);
    hearer.ask(
        &["SUBSCRIBE", "__redis__:invalidate"],
        "*3\r\n$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n",
    );
    reader.ask(&["CLIENT", "TRACKING", "ON", "REDIRECT", &number], OK);
    reader.ask(&["CLIENT", "GETREDIR"], format!(":{number}\r\n"));
    reader.ask(&["GET", "a"], "$-1\r\n");
    writer.talk(&[("SET a 1", OK)]);
    let head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
    hearer.expect(format!("{head}*1\r\n$1\r\na\r\n"));
    writer.talk(&[("FLUSHALL", OK)]);
    hearer.expect(format!("{head}*-1\r\n"));
    // One that is gone cannot hear; the reader is told, if it can be.
    reader.request(&["HELLO", "3"]);
    show(&mut reader);
    reader.ask(&["GET", "a"], "_\r\n");
    writer.ask(&["CLIENT", "KILL", "ID", &number], ":1\r\n");
    hearer.expect_closed();
    writer.talk(&[("SET a 1", OK)]);
    reader.expect(format!(
        ">2\r\n$21\r\ntracking-redir-broken\r\n:{number}\r\n"
    ));
    reader.ask(
        &["CLIENT", "TRACKINGINFO"],
        format!(
            "%3\r\n$5\r\nflags\r\n~2\r\n$2\r\non\r\n$15\r\nbroken_redirect\r\n$8\r\nredirect\r\n:{number}\r\n$8\r\nprefixes\r\n*0\r\n"
        ),
    );
    let listed = reader.bulk(&["CLIENT", "INFO"]);
    assert!(
        listed.contains(" flags=tR ") && listed.contains(&format!(" redir={number} ")),
        "{listed}"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let server = Server::start(&[("workers", "1")]);
    let mut client = server.client();
    let caching = "-ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled\r\n";
    let other_mode = "-ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a \
                      different mode.\r\n";
    let provided = "-ERR Prefix 'ab' overlaps with another provided prefix 'a'. Prefixes for a single client must not overlap.\r\n";
    client.talk(&[
        (
            "CLIENT TRACKING",
            "-ERR wrong number of arguments for 'client|tracking' command\r\n",
        ),
        ("CLIENT TRACKING perhaps", "-ERR syntax error\r\n"),
        ("CLIENT TRACKING ON NONSENSE", "-ERR syntax error\r\n"),
        (
            "CLIENT TRACKING ON REDIRECT x",
            "-ERR value is not an integer or out of range\r\n",
        ),
        (
            "CLIENT TRACKING ON REDIRECT 99999",
            "-ERR The client ID you want redirect to does not exist\r\n",
        ),
        (
            "CLIENT TRACKING ON PREFIX a",
            "-ERR PREFIX option requires BCAST mode to be enabled\r\n",
        ),
        (
            "CLIENT TRACKING ON BCAST OPTIN",
            "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n",
        ),
        (
            "CLIENT TRACKING ON OPTIN OPTOUT",
            "-ERR You can't use both OPTIN mode and OPTOUT mode\r\n",
        ),
        ("CLIENT TRACKING ON BCAST PREFIX ab PREFIX a", provided),
        ("CLIENT CACHING YES", caching),
        ("CLIENT GETREDIR", ":-1\r\n"),
        ("CLIENT TRACKING ON OPTIN", OK),
        ("CLIENT CACHING perhaps", "-ERR syntax error\r\n"),
        (
            "CLIENT CACHING NO",
            "-ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.\r\n",
        ),
        ("CLIENT TRACKING ON BCAST", other_mode),
        ("CLIENT GETREDIR", ":0\r\n"),
        ("CLIENT TRACKING OFF", OK),
    ]);
}

#[test]
fn the_number_of_keys_that_are_remembered_is_bounded() {
    let server = Server::start(&[("workers", "2"), ("tracking-table-max-keys", "100")]);
    let (mut reader, mut writer) = (resp3(&server), server.client());
    reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
    for key in 0..300 {
        reader.send(format!("GET key{key}\r\n"));
    }
    // Two hundred are told of before anything has changed.
    let (mut replies, mut told) = (0, 0);
    while replies < 300 || told < 200 {
        match reader.line().as_str() {
            "_" => replies += 1,
            ">2" => {
                for _ in 0..5 {
                    reader.line();
                }
                told += 1;
            }
            other => panic!("{other}"),
        }
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while field(&mut writer, "tracking_total_keys") != 100 {
        assert!(Instant::now() < deadline);
    }
}

/// In each of many rounds a writer sets a key while readers on several workers read it. When both have their replies, a reader that has read the old
/// value hears that it is not true any more: an invalidation that had come before the reply, or none, would leave it in its cache for good.
#[test]
fn no_cache_stays_behind() {
    const READERS: usize = 3;
    const ROUNDS: usize = 3000;
    let server = Server::start(&[("workers", "4")]);
    let barrier = Barrier::new(READERS + 1);
    let (stale, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..READERS {
            let (mut reader, barrier) = (resp3(&server), &barrier);
            let (stale, left) = (&stale, &left);
            scope.spawn(move || {
                reader.ask(&["CLIENT", "TRACKING", "ON"], OK);
                for round in 1..=ROUNDS {
                    let truth = round.to_string();
                    barrier.wait();
                    reader.request(&["GET", "k"]);
                    let mut cached = None;
                    // Until the reply, and then for as long as what is cached is not true.
                    let (mut replied, mut asked, mut pending) = (false, 0, 0);
                    while !replied || cached.as_ref().is_some_and(|cached| *cached != truth) {
                        match reader.line().as_str() {
                            ">2" => {
                                cached = None;
                                for _ in 0..5 {
                                    reader.line();
                                }
                            }
                            "+PONG" => pending -= 1,
                            "_" => cached = Some(String::new()),
                            _ => cached = Some(reader.line()),
                        }
                        if !replied && cached.is_some() {
                            replied = true;
                            barrier.wait();
                            stale.fetch_add(
                                usize::from(cached.as_ref() != Some(&truth)),
                                Ordering::Relaxed,
                            );
                        }
                        if replied {
                            if asked == 10_000 {
                                // Not here: the others would wait for this thread for ever.
                                left.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                            asked += 1;
                            pending += 1;
                            reader.send("PING\r\n");
                        }
                    }
                    for _ in 0..pending {
                        while reader.line() != "+PONG" {}
                    }
                    barrier.wait();
                }
            });
        }
        let (mut writer, barrier) = (server.client(), &barrier);
        scope.spawn(move || {
            for round in 1..=ROUNDS {
                barrier.wait();
                writer.ask(&["SET", "k", &round.to_string()], OK);
                barrier.wait();
                barrier.wait();
            }
        });
    });
    assert!(
        stale.into_inner() > 0,
        "nobody ever read what was just about to change"
    );
    assert_eq!(
        left.into_inner(),
        0,
        "values stayed in caches that are not true"
    );
}
