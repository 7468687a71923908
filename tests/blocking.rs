//! Blocking commands over real sockets: who is served, in which order, and how a wait ends.

mod support;

use std::time::{Duration, Instant};

use larder::session::ClientFlags;
use support::{Client, Server};

/// Waits until so many clients are blocked.
#[track_caller]
fn until_blocked(server: &Server, wanted: usize) {
    let started = Instant::now();
    let blocked = || {
        let clients = &server.inside().clients;
        clients.count(|client| client.flags().contains(ClientFlags::BLOCKED))
    };
    while blocked() != wanted {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{} clients are blocked, not {wanted}",
            blocked()
        );
        std::thread::yield_now();
    }
}

/// A client that waits in `request`; so many do then.
fn blocked(server: &Server, request: &[&str], so_many: usize) -> Client {
    let mut client = server.client();
    client.request(request);
    until_blocked(server, so_many);
    client
}

/// Reads on until `reply` has come.
#[track_caller]
fn skip_to(client: &mut Client, reply: &str) {
    while client.line() != reply {}
}

/// The bulk strings of an array, or nothing for a null array.
#[track_caller]
fn words(client: &mut Client) -> Option<Vec<String>> {
    let count: usize = client.line().trim_start_matches('*').parse().ok()?;
    let bulks = (0..count).map(|_| {
        client.line();
        client.line()
    });
    Some(bulks.collect())
}

const ANN: &str = "*3\r\n$1\r\nz\r\n$3\r\nann\r\n$1\r\n1\r\n";
const BOB: &str = "*3\r\n$1\r\nz\r\n$3\r\nbob\r\n$1\r\n2\r\n";

#[test]
fn the_first_to_come_is_the_first_served() {
    let server = Server::start(&[]);
    let mut first = blocked(&server, &["BZPOPMIN", "z", "0"], 1);
    let mut second = blocked(&server, &["BZPOPMIN", "y", "z", "0"], 2);
    let mut third = blocked(&server, &["BZPOPMAX", "z", "0"], 3);
    let mut writer = server.client();
    writer.ask(&["ZADD", "z", "1", "ann", "2", "bob"], ":2\r\n");
    first.expect(ANN);
    second.expect(BOB);
    until_blocked(&server, 1);
    writer.ask(&["EXISTS", "z"], ":0\r\n");
    writer.ask(&["ZADD", "z", "1", "ann", "2", "bob"], ":2\r\n");
    third.expect(BOB);
    writer.ask(&["ZCARD", "z"], ":1\r\n");
    // Served clients go on like any other.
    second.ask(&["PING"], "+PONG\r\n");
}

#[test]
fn what_is_there_is_taken_at_once() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("ZADD z 1 ann 2 bob 3 cid", ":3\r\n"),
        ("BZPOPMIN y z 0", ANN),
        (
            "BZMPOP 0 2 y z MAX COUNT 5",
            "*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$3\r\ncid\r\n$1\r\n3\r\n*2\r\n$3\r\nbob\r\n$1\r\n2\r\n",
        ),
        ("EXISTS z", ":0\r\n"),
        ("SET s x", "+OK\r\n"),
        (
            "BZPOPMIN s 0",
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        ),
        (
            "BZPOPMIN z x",
            "-ERR timeout is not a float or out of range\r\n",
        ),
        ("BZPOPMIN z -1", "-ERR timeout is negative\r\n"),
        (
            "BZPOPMIN z 0x7FFFFFFFFFFFFF",
            "-ERR timeout is out of range\r\n",
        ),
        ("BZPOPMIN z 1e300", "-ERR timeout is out of range\r\n"),
        (
            "BZMPOP 0 0 z MIN",
            "-ERR numkeys should be greater than 0\r\n",
        ),
    ]);
}

#[test]
fn time_runs_out_in_parts_of_a_second() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["BZPOPMIN", "z", "0.01"], "*-1\r\n");
    client.ask(&["BZMPOP", "0.001", "1", "z", "MIN"], "*-1\r\n");
    client.ask(&["BZPOPMIN", "z", "1e-2000"], "*-1\r\n");
    client.send("HELLO 3\r\nBZPOPMAX z 0.01\r\nPING\r\n");
    skip_to(&mut client, "_");
    client.expect("+PONG\r\n");
    until_blocked(&server, 0);
    client.ask(&["ZADD", "z", "1", "ann"], ":1\r\n");
    client.ask(&["ZCARD", "z"], ":1\r\n");
}

#[test]
fn whatever_makes_the_key_wakes_who_waits() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    let ways: &[&[&str]] = &[
        &["ZADD z 1 ann"],
        &["ZADD y 1 ann", "RENAME y z"],
        &["ZADD y 1 ann", "RENAMENX y z"],
        &["ZADD y 1 ann", "COPY y z"],
        &["ZADD y 1 ann", "ZUNIONSTORE z 1 y"],
        &["ZADD y 1 ann", "ZRANGESTORE z y 0 -1"],
        &["ZINCRBY z 1 ann"],
        &["SET z x", "ZADD y 1 ann", "RENAME y z"],
        &["SELECT 1", "ZADD z 1 ann", "MOVE z 0"],
        &["SELECT 1", "ZADD z 1 ann", "SWAPDB 0 1"],
    ];
    for way in ways {
        let mut waiting = blocked(&server, &["BZPOPMIN", "z", "0"], 1);
        for line in *way {
            writer.request(&line.split(' ').collect::<Vec<_>>());
        }
        waiting.expect(ANN);
        writer.request(&["FLUSHALL"]);
        writer.request(&["SELECT", "0"]);
        writer.request(&["ECHO", "end"]);
        skip_to(&mut writer, "end");
    }
}

#[test]
fn what_is_of_another_type_or_database_wakes_nobody() {
    let server = Server::start(&[]);
    let mut waiting = blocked(&server, &["BZPOPMIN", "z", "0"], 1);
    let mut writer = server.client();
    writer.talk(&[
        ("SET z x", "+OK\r\n"),
        ("DEL z", ":1\r\n"),
        ("SELECT 1", "+OK\r\n"),
        ("ZADD z 1 bob", ":1\r\n"),
        ("SELECT 0", "+OK\r\n"),
        ("FLUSHDB", "+OK\r\n"),
    ]);
    until_blocked(&server, 1);
    writer.ask(&["ZADD", "z", "1", "ann"], ":1\r\n");
    waiting.expect(ANN);
}

#[test]
fn client_unblock_ends_a_wait() {
    let server = Server::start(&[]);
    let mut waiting = server.client();
    waiting.request(&["CLIENT", "ID"]);
    let id = waiting.line().trim_start_matches(':').to_owned();
    let mut other = server.client();
    other.ask(&["CLIENT", "UNBLOCK", &id], ":0\r\n");
    for (how, reply) in [
        (None, "*-1\r\n"),
        (Some("TIMEOUT"), "*-1\r\n"),
        (
            Some("ERROR"),
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n",
        ),
    ] {
        waiting.request(&["BZPOPMIN", "z", "0"]);
        until_blocked(&server, 1);
        let words: Vec<&str> = ["CLIENT", "UNBLOCK", &id].into_iter().chain(how).collect();
        other.ask(&words, ":1\r\n");
        waiting.expect(reply);
        until_blocked(&server, 0);
    }
    let info = other.bulk(&["INFO", "commandstats"]);
    let counted = info
        .lines()
        .find(|line| line.starts_with("cmdstat_bzpopmin:calls=3,"));
    let counted = counted.expect("three calls");
    assert!(
        counted.ends_with(",rejected_calls=0,failed_calls=1"),
        "{counted}"
    );
    other.talk(&[
        ("ZADD z 1 ann", ":1\r\n"),
        ("ZCARD z", ":1\r\n"),
        (
            "CLIENT UNBLOCK 1 NOW",
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n",
        ),
        (
            "CLIENT UNBLOCK x",
            "-ERR value is not an integer or out of range\r\n",
        ),
        ("CLIENT UNBLOCK 999999", ":0\r\n"),
    ]);
}

#[test]
fn who_leaves_is_not_served() {
    let server = Server::start(&[]);
    let gone = blocked(&server, &["BZPOPMIN", "z", "y", "0"], 1);
    let mut stays = blocked(&server, &["BZPOPMIN", "z", "0"], 2);
    drop(gone);
    until_blocked(&server, 1);
    let mut writer = server.client();
    writer.ask(&["ZADD", "z", "1", "ann"], ":1\r\n");
    stays.expect(ANN);
    until_blocked(&server, 0);
    writer.ask(&["ZADD", "y", "1", "ann"], ":1\r\n");
    writer.ask(&["ZCARD", "y"], ":1\r\n");
    let info = writer.bulk(&["INFO", "clients"]);
    assert!(info.contains("total_blocking_keys:0"), "{info}");
}

#[test]
fn requests_behind_a_blocking_one_wait_with_it() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send("PING\r\nBZPOPMIN z 0\r\nSET after 1\r\nPING\r\n");
    client.expect("+PONG\r\n");
    until_blocked(&server, 1);
    let mut writer = server.client();
    writer.ask(&["EXISTS", "after"], ":0\r\n");
    let info = writer.bulk(&["INFO", "clients"]);
    assert!(info.contains("blocked_clients:1") && info.contains("total_blocking_keys:1"));
    writer.ask(&["ZADD", "z", "1", "ann"], ":1\r\n");
    client.expect(ANN);
    client.expect("+OK\r\n+PONG\r\n");
}

/// Clients that block and time out while others push and take: every member is taken once.
#[test]
fn nothing_is_lost_or_taken_twice_among_many() {
    for workers in ["1", "2", "4"] {
        let server = Server::start(&[("workers", workers)]);
        let address = server.address();
        const EACH: usize = 400;
        let takers: Vec<_> = (0..8)
            .map(|taker| {
                std::thread::spawn(move || {
                    let mut client = Client::connect(address);
                    let keys = if taker % 2 == 0 {
                        ["k1", "k2"]
                    } else {
                        ["k2", "k1"]
                    };
                    let mut taken = Vec::new();
                    let mut idle = 0;
                    while idle < 3 {
                        client.request(&["BZPOPMIN", keys[0], keys[1], "0.2"]);
                        match words(&mut client) {
                            Some(words) => {
                                idle = 0;
                                taken.push(words[1].clone());
                            }
                            None => idle += 1,
                        }
                    }
                    taken
                })
            })
            .collect();
        let givers: Vec<_> = (0..2)
            .map(|giver| {
                std::thread::spawn(move || {
                    let mut client = Client::connect(address);
                    let key = if giver == 0 { "k1" } else { "k2" };
                    for i in 0..EACH {
                        client.ask(&["ZADD", key, "1", &format!("{giver}:{i}")], ":1\r\n");
                    }
                })
            })
            .collect();
        givers
            .into_iter()
            .for_each(|thread| thread.join().expect("gives"));
        let mut taken: Vec<_> = takers
            .into_iter()
            .flat_map(|thread| thread.join().expect("takes"))
            .collect();
        assert_eq!(taken.len(), 2 * EACH);
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 2 * EACH);
    }
}

#[test]
fn waiting_for_replicas_ends_with_the_time() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("WAIT 0 0", ":0\r\n"),
        ("WAIT 1 5", ":0\r\n"),
        ("WAITAOF 0 0 0", "*2\r\n:0\r\n:0\r\n"),
        ("WAITAOF 0 1 5", "*2\r\n:0\r\n:0\r\n"),
        (
            "WAITAOF 1 0 0",
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n",
        ),
        (
            "WAITAOF 2 0 0",
            "-ERR value is out of range, value must between 0 and 1\r\n",
        ),
        ("WAIT 1 -1", "-ERR timeout is negative\r\n"),
        (
            "WAIT x 1",
            "-ERR value is not an integer or out of range\r\n",
        ),
    ]);
    let mut waiting = blocked(&server, &["WAIT", "1", "0"], 1);
    let id = server
        .inside()
        .clients
        .all()
        .iter()
        .find(|client| client.flags().contains(ClientFlags::BLOCKED))
        .map(|client| client.id.to_string())
        .expect("one is blocked");
    client.ask(&["CLIENT", "UNBLOCK", &id], ":1\r\n");
    waiting.expect(":0\r\n");
}

#[test]
fn lists_serve_who_waits_for_either_end() {
    let server = Server::start(&[]);
    let mut left = blocked(&server, &["BLPOP", "x", "l", "0"], 1);
    let mut right = blocked(&server, &["BRPOP", "l", "0"], 2);
    let mut several = blocked(&server, &["BLMPOP", "0", "1", "l", "LEFT", "COUNT", "5"], 3);
    let mut writer = server.client();
    writer.ask(&["RPUSH", "l", "a", "b", "c", "d"], ":4\r\n");
    left.expect("*2\r\n$1\r\nl\r\n$1\r\na\r\n");
    right.expect("*2\r\n$1\r\nl\r\n$1\r\nd\r\n");
    several.expect("*2\r\n$1\r\nl\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    writer.ask(&["EXISTS", "l"], ":0\r\n");
}

/// The destination is in a shard that the pushing command has not locked.
#[test]
fn elements_move_on_to_lists_elsewhere() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    for i in 0..20 {
        let target = format!("target{i}");
        let mut moving = blocked(
            &server,
            &["BLMOVE", "source", &target, "LEFT", "RIGHT", "0"],
            1,
        );
        // Who waits behind it for the same list gets the second element, who waits for the target the first.
        let mut behind = blocked(&server, &["BLPOP", "source", "0"], 2);
        let mut beyond = blocked(&server, &["BLPOP", &target, "0"], 3);
        writer.ask(&["RPUSH", "source", "a", "b"], ":2\r\n");
        moving.expect("$1\r\na\r\n");
        behind.expect("*2\r\n$6\r\nsource\r\n$1\r\nb\r\n");
        beyond.expect(format!(
            "*2\r\n${}\r\n{target}\r\n$1\r\na\r\n",
            target.len()
        ));
        writer.ask(&["EXISTS", "source", &target], ":0\r\n");
    }
}

#[test]
fn lists_that_feed_each_other_come_to_rest() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    let mut there = blocked(&server, &["BRPOPLPUSH", "l1", "l2", "0"], 1);
    let mut back = blocked(&server, &["BRPOPLPUSH", "l2", "l1", "0"], 2);
    writer.ask(&["RPUSH", "l1", "x"], ":1\r\n");
    there.expect("$1\r\nx\r\n");
    back.expect("$1\r\nx\r\n");
    writer.ask(&["LRANGE", "l1", "0", "-1"], "*1\r\n$1\r\nx\r\n");
    writer.ask(&["DEL", "l1"], ":1\r\n");
    let mut itself = blocked(&server, &["BRPOPLPUSH", "l1", "l1", "0"], 1);
    writer.ask(&["RPUSH", "l1", "y"], ":1\r\n");
    itself.expect("$1\r\ny\r\n");
    // A destination of another type is told to the one who waits; the element stays.
    let mut wrong = blocked(&server, &["BLMOVE", "l3", "s", "LEFT", "LEFT", "0"], 1);
    writer.ask(&["SET", "s", "x"], "+OK\r\n");
    writer.ask(&["RPUSH", "l3", "z"], ":1\r\n");
    wrong.expect("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    writer.ask(&["LLEN", "l3"], ":1\r\n");
}

/// A request for what group `g` of stream `s` has not had, for ever.
fn read_group(consumer: &str) -> [&str; 11] {
    [
        "XREADGROUP",
        "GROUP",
        "g",
        consumer,
        "COUNT",
        "1",
        "BLOCK",
        "0",
        "STREAMS",
        "s",
        ">",
    ]
}

/// An entry `id` of one field, as XREAD answers it for the stream `s`.
fn entry(id: &str) -> String {
    format!(
        "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n${}\r\n{id}\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
        id.len()
    )
}

#[test]
fn entries_reach_all_who_read_a_stream() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    writer.ask(&["XADD", "s", "1-1", "f", "v"], "$3\r\n1-1\r\n");
    let read = |id| {
        [
            "XREAD", "COUNT", "5", "BLOCK", "0", "STREAMS", "t", "s", "0", id,
        ]
    };
    let mut newest = blocked(&server, &read("$"), 1);
    let mut behind = blocked(&server, &read("1-1"), 2);
    let mut later = blocked(&server, &read("2-0"), 3);
    writer.ask(&["XADD", "s", "2-0", "f", "v"], "$3\r\n2-0\r\n");
    newest.expect(entry("2-0"));
    behind.expect(entry("2-0"));
    until_blocked(&server, 1);
    writer.ask(&["DEL", "s"], ":1\r\n");
    writer.ask(&["XADD", "s", "2-1", "f", "v"], "$3\r\n2-1\r\n");
    later.expect(entry("2-1"));
    let mut client = server.client();
    client.ask(&["XREAD", "BLOCK", "1", "STREAMS", "s", "$"], "*-1\r\n");
    client.ask(
        &["XREAD", "BLOCK", "-1", "STREAMS", "s", "$"],
        "-ERR timeout is negative\r\n",
    );
    client.ask(
        &["XREAD", "BLOCK", "x", "STREAMS", "s", "$"],
        "-ERR timeout is not an integer or out of range\r\n",
    );
}

#[test]
fn a_group_shares_entries_among_those_who_wait() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    writer.ask(&["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"], "+OK\r\n");
    let mut first = blocked(&server, &read_group("ann"), 1);
    let mut second = blocked(&server, &read_group("bob"), 2);
    writer.ask(&["XADD", "s", "1-0", "f", "v"], "$3\r\n1-0\r\n");
    first.expect(entry("1-0"));
    until_blocked(&server, 1);
    writer.ask(&["XADD", "s", "2-0", "f", "v"], "$3\r\n2-0\r\n");
    second.expect(entry("2-0"));
    writer.ask(
        &["XPENDING", "s", "g"],
        "*4\r\n:2\r\n$3\r\n1-0\r\n$3\r\n2-0\r\n*2\r\n*2\r\n$3\r\nann\r\n$1\r\n1\r\n*2\r\n$3\r\nbob\r\n$1\r\n1\r\n",
    );
}

#[test]
fn who_waits_in_a_group_is_told_when_it_goes() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    let gone = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n";
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    let ways: &[(&[&str], &str)] = &[
        (&["DEL s"], gone),
        (&["XGROUP DESTROY s g"], gone),
        (&["FLUSHALL"], gone),
        (&["FLUSHDB"], gone),
        (&["SET s x"], wrong),
        (&["RENAME s t"], gone),
        (&["SET x y", "RENAME x s"], wrong),
        (&["SWAPDB 0 1"], gone),
        (&["PEXPIREAT s 1"], gone),
        (&["XADD t 1-0 f v", "RENAME t s"], gone),
    ];
    for (way, reply) in ways {
        writer.ask(&["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"], "+OK\r\n");
        let mut waiting = blocked(&server, &read_group("ann"), 1);
        for line in *way {
            writer.request(&line.split(' ').collect::<Vec<_>>());
        }
        waiting.expect(reply);
        writer.request(&["FLUSHALL"]);
        writer.request(&["ECHO", "end"]);
        skip_to(&mut writer, "end");
    }
}

/// Nobody touches the key: the sweeper finds it, by a clock that the test moves.
#[test]
fn who_waits_in_a_group_is_told_when_the_stream_expires() {
    let (clock, hand) = larder::clock::Clock::manual(1_000_000);
    let server = Server::start_at(clock, &[]);
    let mut writer = server.client();
    writer.ask(&["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"], "+OK\r\n");
    writer.ask(&["PEXPIRE", "s", "5000"], ":1\r\n");
    let mut waiting = blocked(&server, &read_group("ann"), 1);
    hand.fetch_add(6000, std::sync::atomic::Ordering::Relaxed);
    waiting.expect(
        "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option\r\n",
    );
}

#[test]
fn who_is_killed_is_not_served() {
    let server = Server::start(&[("workers", "1")]);
    let mut waiting = server.client();
    waiting.request(&["CLIENT", "ID"]);
    let id = waiting.line().trim_start_matches(':').to_owned();
    waiting.request(&["BLPOP", "k", "0"]);
    until_blocked(&server, 1);
    // In one batch: the kill has not reached the connection when the element comes.
    let mut other = server.client();
    other.send(format!("CLIENT KILL ID {id}\r\nRPUSH k x\r\nLLEN k\r\n"));
    other.expect(":1\r\n:1\r\n:1\r\n");
    waiting.expect_closed();
}

#[test]
fn the_end_of_a_client_is_noticed_behind_much_that_it_has_sent() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.send("BLPOP k 0\r\n");
    client.send("PING\r\n".repeat(50_000));
    until_blocked(&server, 1);
    drop(client);
    until_blocked(&server, 0);
}

#[test]
fn a_deleted_consumer_does_not_come_back_by_waiting() {
    let server = Server::start(&[]);
    let mut writer = server.client();
    writer.ask(&["XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"], "+OK\r\n");
    let mut waiting = blocked(&server, &read_group("ann"), 1);
    writer.ask(&["XGROUP", "DELCONSUMER", "s", "g", "ann"], ":0\r\n");
    writer.ask(&["XINFO", "CONSUMERS", "s", "g"], "*0\r\n");
    writer.ask(&["XADD", "s", "1-0", "f", "v"], "$3\r\n1-0\r\n");
    waiting.expect(entry("1-0"));
    assert!(writer.first_line(&["XINFO", "CONSUMERS", "s", "g"]) == "*1");
}

#[test]
fn a_move_whose_time_is_up_answers_with_a_null_array() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["BLMOVE", "no", "l", "LEFT", "LEFT", "0.001"], "*-1\r\n");
    client.ask(&["BRPOPLPUSH", "no", "l", "0.001"], "*-1\r\n");
    // Where it must not wait, with null.
    client.ask(&["MULTI"], "+OK\r\n");
    client.ask(&["BRPOPLPUSH", "no", "l", "0.001"], "+QUEUED\r\n");
    client.ask(&["EXEC"], "*1\r\n$-1\r\n");
}

#[test]
fn what_is_wanted_is_judged_before_the_timeout() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for name in ["BLMPOP", "BZMPOP"] {
        client.ask(
            &[name, "x", "0", "k", "LEFT"],
            "-ERR numkeys should be greater than 0\r\n",
        );
    }
    client.ask(
        &["BLMPOP", "-1", "1", "k", "LEFT", "COUNT", "0"],
        "-ERR count should be greater than 0\r\n",
    );
}
