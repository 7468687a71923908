//! Scripts that take long, against everything that may meet them, in orders that are forced: a script goes on until somebody
//! subscribes to a channel, which is the one thing outside of the keys that it can see.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use support::{Child, Client, Server, show};

const OK: &str = "+OK\r\n";
const BUSY: &str =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

/// Sets its key to "half", goes on until somebody subscribes to the channel that the argument names, and sets it to "done". Keeps to its keys.
const HALF_DONE: &str = "redis.call('SET', KEYS[1], 'half') \
     while redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] == 0 do end \
     redis.call('SET', KEYS[1], 'done') return 'end'";
/// The same without writing.
const WAITING: &str = "redis.call('GET', KEYS[1]) \
     while redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] == 0 do end return 'end'";

/// A channel of its own for every script.
fn channel() -> String {
    static CHANNELS: AtomicUsize = AtomicUsize::new(0);
    format!("go{}", CHANNELS.fetch_add(1, Ordering::Relaxed))
}

/// Begins a script that holds on to a key, and waits until it has been set aside. Gives the channel that it waits for.
fn begin(server: &Server, client: &mut Client, script: &str, key: &str) -> String {
    let before = server.inside().scripts.running.count();
    let channel = channel();
    client.request(&["EVAL", script, "1", key, &channel]);
    until_running(server, before + 1);
    channel
}

fn until_running(server: &Server, scripts: usize) {
    until("scripts run", || {
        server.inside().scripts.running.count() == scripts
    });
}

/// Waits for something that happens soon.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::yield_now();
    }
}

/// Lets those scripts end that wait for the channel; to be kept until they have.
#[must_use]
fn release(server: &Server, channel: &str) -> Client {
    let mut client = server.client();
    client.request(&["SUBSCRIBE", channel]);
    assert_eq!(client.line(), "*3");
    client
}

/// Waits until so many connections are suspended because of a script.
fn until_waiting(server: &Server, clients: usize) {
    let reservations = &server.inside().keyspace.reservations;
    until("clients wait", || reservations.waiting_clients() >= clients);
}

/// A script holds the whole shards of its keys. These keys, of which the tests say that they do not meet, have one each.
const APART: [&str; 20] = [
    "key",
    "other",
    "elsewhere",
    "w",
    "watched",
    "queue",
    "source",
    "dest",
    "one",
    "two",
    "third",
    "a",
    "key0",
    "key1",
    "key2",
    "key3",
    "key4",
    "key5",
    "key6",
    "key7",
];

fn start(parameters: &[(&str, &str)]) -> Server {
    larder::keyspace::seed_apart(&APART);
    Server::start(parameters)
}

fn workers() -> [Server; 2] {
    ["1", "3"].map(|workers| {
        start(&[
            ("workers", workers),
            ("busy-reply-threshold", "60000"),
            ("enable-debug-command", "yes"),
        ])
    })
}

#[test]
fn whoever_meets_a_script_waits_and_then_finds_what_it_has_done() {
    let cases: &[(&[&str], &str)] = &[
        (&["GET key"], "done"),
        (&["MGET other key"], "[1 done]"),
        (&["APPEND key x"], ":5"),
        (&["MSET key 1 other 2"], "+OK"),
        (&["RENAME key other"], "+OK"),
        (&["OBJECT ENCODING key"], "embstr"),
        (&["FLUSHALL"], "+OK"),
        (&["FLUSHDB ASYNC"], "+OK"),
        (&["SWAPDB 0 1"], "+OK"),
        (&["DBSIZE"], ":2"),
        (&["KEYS k*"], "[key]"),
        (&["RANDOMKEY"], "*"),
        (&["SORT list BY nosort GET k*"], "[done]"),
        (&["EVAL return{redis.call('get','key')} 0"], "[done]"),
        (
            &["WATCH key", "MULTI", "GET key", "EXEC"],
            "+OK +OK +QUEUED [done]",
        ),
        (
            &["MULTI", "GET key", "SET key 5", "GET key", "EXEC"],
            "+OK +QUEUED +QUEUED +QUEUED [done +OK 5]",
        ),
        (
            &["MULTI", "FLUSHALL", "DBSIZE", "EXEC"],
            "+OK +QUEUED +QUEUED [+OK :0]",
        ),
        (
            &["BLPOP key 0"],
            "-WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (&["DEBUG DIGEST-VALUE key"], "*"),
    ];
    for server in workers() {
        for (requests, expected) in cases {
            println!("{requests:?}");
            let (mut setup, mut script, mut other) =
                (server.client(), server.client(), server.client());
            setup.talk(&[("FLUSHALL", OK), ("SET other 1", OK)]);
            if requests[0].starts_with("SORT") {
                setup.talk(&[("RPUSH list ey", ":1\r\n")]);
            }
            let go = begin(&server, &mut script, HALF_DONE, "key");
            for request in *requests {
                other.request(&request.split(' ').collect::<Vec<_>>());
            }
            until_waiting(&server, 1);
            let _released = release(&server, &go);
            assert_eq!(show(&mut script), "end");
            let replies: Vec<_> = requests.iter().map(|_| show(&mut other)).collect();
            let replies = replies.join(" ");
            assert!(
                *expected == "*" || replies == *expected,
                "{requests:?}: {replies}"
            );
            assert_eq!(server.inside().scripts.running.count(), 0);
        }
    }
}

#[test]
fn what_does_not_meet_a_script_does_not_wait() {
    for server in workers() {
        let (mut script, mut other) = (server.client(), server.client());
        let go = begin(&server, &mut script, HALF_DONE, "key");
        // Its progress is the proof: all of this is answered while the script goes on.
        for batch in 0..10 {
            let mut requests = Vec::new();
            for number in batch * 100..batch * 100 + 100 {
                let number = number.to_string();
                requests.extend(support::encode(&[b"SET", b"other", number.as_bytes()]));
                requests.extend(support::encode(&[b"GET", b"other"]));
            }
            other.send(&requests);
            for number in batch * 100..batch * 100 + 100 {
                let number = number.to_string();
                other.expect(format!("+OK\r\n${}\r\n{number}\r\n", number.len()));
            }
        }
        other.talk(&[
            ("MULTI", OK),
            ("SET key 1", "+QUEUED\r\n"),
            ("DISCARD", OK),
            ("EVAL return(1) 0", ":1\r\n"),
        ]);
        other.ask(
            &["EVAL", "return redis.call('GET', KEYS[1])", "1", "other"],
            "$3\r\n999\r\n",
        );
        // A new connection too, and it can end a script: though not one that has written.
        let unkillable = server.client().first_line(&["SCRIPT", "KILL"]);
        assert!(unkillable.starts_with("-UNKILLABLE "), "{unkillable}");
        assert_eq!(server.inside().scripts.running.count(), 1);
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        assert_eq!(
            server.client().first_line(&["SCRIPT", "KILL"]),
            "-NOTBUSY No scripts in execution right now."
        );
    }
}

#[test]
fn scan_goes_as_far_as_it_can() {
    for server in workers() {
        let (mut setup, mut script, mut other) =
            (server.client(), server.client(), server.client());
        for number in 0..300 {
            setup.ask(&["SET", &format!("k{number}"), "1"], OK);
        }
        let go = begin(&server, &mut script, HALF_DONE, "k7");
        let scanning = thread::spawn(move || {
            let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
            loop {
                let reply = {
                    other.request(&["SCAN", &cursor, "COUNT", "10"]);
                    show(&mut other)
                };
                let (next, keys) = reply[1..].split_once(' ').expect("a cursor and keys");
                let keys = keys.trim_matches(['[', ']']);
                found.extend(
                    keys.split(' ')
                        .filter(|key| !key.is_empty())
                        .map(str::to_owned),
                );
                next.clone_into(&mut cursor);
                if cursor == "0" {
                    found.sort_unstable();
                    found.dedup();
                    return found.len();
                }
            }
        });
        until_waiting(&server, 1);
        let _released = release(&server, &go);
        assert_eq!(scanning.join().expect("it does not fail"), 300);
        assert_eq!(show(&mut script), "end");
    }
}

#[test]
fn two_scripts_that_have_written_and_want_each_others_keys() {
    // Neither has declared its keys: the second waits before it begins, so that there is nothing to undo.
    let crossing = "redis.call('SET', ARGV[1], ARGV[3]) for i = 1, 100000 do end \
         return redis.call('GET', ARGV[2]) or 'nothing'";
    for server in workers() {
        let (mut one, mut two) = (server.client(), server.client());
        for _ in 0..10 {
            one.first_line(&["DEL", "a", "b"]);
            one.request(&["EVAL", crossing, "0", "a", "b", "1"]);
            two.request(&["EVAL", crossing, "0", "b", "a", "2"]);
            let (first, second) = (show(&mut one), show(&mut two));
            assert!(
                (first == "nothing" && second == "1") || (first == "2" && second == "nothing"),
                "{first} {second}"
            );
        }
        // With declared keys in either order.
        let declared = "redis.call('SET', KEYS[1], 1) for i = 1, 100000 do end redis.call('SET', KEYS[2], 1) return 'end'";
        for _ in 0..5 {
            one.request(&["EVAL", declared, "2", "a", "b"]);
            two.request(&["EVAL", declared, "2", "b", "a"]);
            assert_eq!(
                (show(&mut one), show(&mut two)),
                ("end".into(), "end".into())
            );
        }
    }
}

#[test]
fn several_slow_scripts_at_the_same_time() {
    for server in workers() {
        let mut setup = server.client();
        let mut channels = Vec::new();
        let mut scripts: Vec<_> = (0..8).map(|_| server.client()).collect();
        for (number, script) in scripts.iter_mut().enumerate() {
            channels.push(begin(&server, script, HALF_DONE, &format!("key{number}")));
        }
        // Whatever the order in which they end, who waits for all of them waits for the last.
        let mut other = server.client();
        other.request(&["DBSIZE"]);
        until_waiting(&server, 1);
        for number in [3, 7, 0, 1, 2, 6, 5, 4] {
            let _released = release(&server, &channels[number]);
            assert_eq!(show(&mut scripts[number]), "end");
            setup.ask(&["GET", &format!("key{number}")], "$4\r\ndone\r\n");
        }
        assert_eq!(show(&mut other), ":8");
        assert_eq!(server.inside().scripts.running.count(), 0);
    }
}

#[test]
fn queues_are_served_when_the_script_is_done() {
    for server in workers() {
        let [mut script, mut one, mut two, mut setup] = std::array::from_fn(|_| server.client());
        // The queue's key itself.
        let go = begin(&server, &mut script, WAITING, "queue");
        one.request(&["BLPOP", "queue", "0"]);
        until_waiting(&server, 1);
        two.request(&["LPUSH", "queue", "a"]);
        until_waiting(&server, 2);
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        assert_eq!(show(&mut two), ":1");
        assert_eq!(show(&mut one), "[queue a]");
        // The destination of a move that is served behind a push.
        one.request(&["BLMOVE", "source", "dest", "LEFT", "RIGHT", "0"]);
        while !setup.bulk(&["CLIENT", "LIST"]).contains(" flags=b ") {}
        let go = begin(&server, &mut script, WAITING, "dest");
        two.ask(&["RPUSH", "source", "x"], ":1\r\n");
        // Who comes in between is quicker, and the next is served.
        two.ask(&["LPOP", "source"], "$1\r\nx\r\n");
        two.ask(&["RPUSH", "source", "y"], ":1\r\n");
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        assert_eq!(show(&mut one), "y");
        setup.talk(&[
            ("LRANGE dest 0 -1", "*1\r\n$1\r\ny\r\n"),
            ("EXISTS source", ":0\r\n"),
        ]);
        // A script that pushes and pops: nobody sees what was there for a while.
        one.request(&["BLPOP", "queue", "0"]);
        while !setup.bulk(&["CLIENT", "LIST"]).contains(" flags=b ") {}
        let between = "redis.call('RPUSH', KEYS[1], 'gone') for i = 1, 100000 do end \
             redis.call('RPOP', KEYS[1]) redis.call('RPUSH', KEYS[1], 'stays') return 1";
        two.ask(&["EVAL", between, "1", "queue"], ":1\r\n");
        assert_eq!(show(&mut one), "[queue stays]");
    }
}

#[test]
fn time_stands_still_for_a_script_and_the_sweeper_passes_by() {
    let server = start(&[("workers", "1"), ("hz", "100")]);
    let [mut script, mut setup] = std::array::from_fn(|_| server.client());
    let source = "redis.call('SET', KEYS[1], 1, 'PX', 20) redis.call('SET', KEYS[2], 1, 'PX', 20) \
         while redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] == 0 do end \
         return redis.call('EXISTS', KEYS[1], KEYS[2])";
    setup.ask(&["SET", "third", "1", "PX", "30"], OK);
    let go = channel();
    script.request(&["EVAL", source, "2", "one", "two", &go]);
    until_running(&server, 1);
    // The sweeper is at work meanwhile.
    while !setup
        .bulk(&["INFO", "stats"])
        .contains("expired_keys:1\r\n")
    {}
    let _released = release(&server, &go);
    assert_eq!(show(&mut script), ":2");
    setup.talk(&[("EXISTS one two", ":0\r\n")]);
}

#[test]
fn watched_keys_outside_of_the_transaction_count() {
    for server in workers() {
        let [mut script, mut one] = std::array::from_fn(|_| server.client());
        one.talk(&[
            ("WATCH watched", OK),
            ("MULTI", OK),
            ("SET other 1", "+QUEUED\r\n"),
        ]);
        let go = begin(&server, &mut script, HALF_DONE, "watched");
        one.request(&["EXEC"]);
        until_waiting(&server, 1);
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        assert_eq!(show(&mut one), "nil*");
        one.talk(&[
            ("EXISTS other", ":0\r\n"),
            ("MULTI", OK),
            ("EXEC", "*0\r\n"),
        ]);
    }
}

#[test]
fn a_script_whose_client_is_gone() {
    for server in workers() {
        let mut setup = server.client();
        for how in ["kill", "close"] {
            for script in [WAITING, HALF_DONE] {
                setup.first_line(&["DEL", "key", "behind"]);
                let mut client = server.client();
                let id = client.first_line(&["CLIENT", "ID"])[1..].to_owned();
                let go = begin(&server, &mut client, script, "key");
                // What it has sent behind the script is not executed any more if it is killed.
                client.request(&["SET", "behind", "1"]);
                if how == "kill" {
                    setup.ask(&["CLIENT", "KILL", "ID", &id], ":1\r\n");
                } else {
                    drop(client);
                }
                if how == "kill" && script == WAITING {
                    // It has written nothing, so it just ends.
                    until_running(&server, 0);
                    setup.talk(&[("EXISTS key behind", ":0\r\n")]);
                    continue;
                }
                let mut other = server.client();
                other.request(&["GET", "key"]);
                until_waiting(&server, 1);
                let _released = release(&server, &go);
                let expected = if script == HALF_DONE { "done" } else { "nil" };
                assert_eq!(show(&mut other), expected);
                if how == "kill" {
                    setup.talk(&[("EXISTS behind", ":0\r\n")]);
                }
            }
        }
    }
}

#[test]
fn whoever_is_impatient_is_told_that_it_is_busy() {
    for workers in ["1", "2"] {
        let server = start(&[("workers", workers), ("busy-reply-threshold", "0")]);
        let [mut script, mut other, mut setup] = std::array::from_fn(|_| server.client());
        other.talk(&[("WATCH w", OK), ("MULTI", OK), ("SET key 1", "+QUEUED\r\n")]);
        begin(&server, &mut script, WAITING, "key");
        // EXEC ends the transaction, as it does wherever it is refused.
        other.ask(
            &["EXEC"],
            format!("-EXECABORT Transaction discarded because of: {BUSY}\r\n"),
        );
        other.talk(&[
            ("EXEC", "-ERR EXEC without MULTI\r\n"),
            ("GET elsewhere", "$-1\r\n"),
        ]);
        for request in [
            &["GET", "key"][..],
            &["DBSIZE"],
            &["FLUSHALL"],
            &["EVAL", "redis.call('get', 'a')", "0"],
        ] {
            other.ask(request, format!("-{BUSY}\r\n"));
        }
        other.talk(&[("PING", "+PONG\r\n"), ("SET elsewhere 1", OK)]);
        // A connection that is made now is served, and can end the script.
        let mut late = server.client();
        late.talk(&[
            ("PING", "+PONG\r\n"),
            ("FUNCTION KILL", &format!("-{BUSY}\r\n")),
            ("SCRIPT KILL", OK),
        ]);
        assert!(
            script
                .line()
                .contains("Script killed by user with SCRIPT KILL.")
        );
        late.talk(&[
            ("SET key 1", OK),
            (
                "SCRIPT KILL",
                "-NOTBUSY No scripts in execution right now.\r\n",
            ),
        ]);
        setup.talk(&[("GET key", "$1\r\n1\r\n")]);
    }
}

#[test]
fn a_client_that_takes_no_output_does_not_keep_its_shards() {
    // Messages pile up for the connection in the middle of its script: beyond what is sent before anything else is executed.
    let server = start(&[
        ("workers", "1"),
        ("client-output-buffer-limit", "pubsub 0 0 0"),
        ("busy-reply-threshold", "60000"),
    ]);
    let [mut script, mut other] = std::array::from_fn(|_| server.client());
    script.ask(&["HELLO", "3"], "");
    script.ask(&["SUBSCRIBE", "news"], "");
    let go = begin(&server, &mut script, HALF_DONE, "key");
    let message = "x".repeat(1 << 20);
    for _ in 0..16 {
        other.ask(&["PUBLISH", "news", &message], ":1\r\n");
    }
    other.request(&["GET", "key"]);
    until_waiting(&server, 1);
    let _released = release(&server, &go);
    assert_eq!(show(&mut other), "done");
}

#[test]
fn messages_come_beside_the_reply_of_a_transaction_with_a_slow_script() {
    for server in workers() {
        let [mut script, mut other] = std::array::from_fn(|_| server.client());
        script.send("HELLO 3\r\nSUBSCRIBE news\r\nPING hello\r\n");
        while script.line() != "hello" {}
        script.ask(&["MULTI"], OK);
        script.ask(&["SET", "a", "1"], "+QUEUED\r\n");
        let go = channel();
        script.ask(&["EVAL", HALF_DONE, "1", "key", &go], "+QUEUED\r\n");
        script.ask(&["EVAL", HALF_DONE, "1", "key", &go], "+QUEUED\r\n");
        script.ask(&["GET", "key"], "+QUEUED\r\n");
        script.request(&["EXEC"]);
        until_running(&server, 1);
        other.ask(&["PUBLISH", "news", "now"], ":1\r\n");
        script.expect(">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nnow\r\n");
        other.request(&["GET", "a"]);
        until_waiting(&server, 1);
        let _released = release(&server, &go);
        script.expect("*4\r\n+OK\r\n$3\r\nend\r\n$3\r\nend\r\n$4\r\ndone\r\n");
        other.expect("$1\r\n1\r\n");
    }
}

#[test]
fn a_pause_does_not_stop_a_script_in_the_middle() {
    for server in workers() {
        let [mut script, mut other] = std::array::from_fn(|_| server.client());
        let go = begin(&server, &mut script, HALF_DONE, "key");
        other.talk(&[("CLIENT PAUSE 60000 WRITE", OK)]);
        let mut paused = server.client();
        paused.request(&["APPEND", "key", "x"]);
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        other.talk(&[("CLIENT UNPAUSE", OK)]);
        assert_eq!(show(&mut paused), ":5");
    }
}

#[test]
fn what_runs_goes_on_when_it_is_forgotten_meanwhile() {
    for server in workers() {
        let [mut script, mut function, mut other] = std::array::from_fn(|_| server.client());
        let library = |last: &str| {
            format!(
                "#!lua name=lib\nredis.register_function('f', function(keys, args) redis.call('SET', keys[1], 'half') \
             while redis.call('PUBSUB', 'NUMSUB', args[1])[2] == 0 do end redis.call('SET', keys[1], '{last}') return '{last}' end)"
            )
        };
        other.ask(&["FUNCTION", "LOAD", &library("first")], "$3\r\nlib\r\n");
        let go = begin(&server, &mut script, HALF_DONE, "one");
        function.request(&["FCALL", "f", "1", "two", &go]);
        until_running(&server, 2);
        other.talk(&[("SCRIPT FLUSH", OK)]);
        other.ask(
            &["FUNCTION", "LOAD", "REPLACE", &library("second")],
            "$3\r\nlib\r\n",
        );
        other.talk(&[("FUNCTION DELETE lib", OK), ("FUNCTION FLUSH", OK)]);
        let _released = release(&server, &go);
        assert_eq!(show(&mut script), "end");
        assert_eq!(show(&mut function), "first");
        other.talk(&[
            ("GET two", "$5\r\nfirst\r\n"),
            ("FCALL f 1 two go", "-ERR Function not found\r\n"),
        ]);
    }
}

#[test]
fn a_transaction_runs_what_it_has_just_loaded() {
    let server = start(&[]);
    let mut client = server.client();
    let undeclared = "return redis.call('SET', 'k' .. 1, 1)";
    let library = |key: &str| {
        format!(
            "#!lua name=lib\nredis.register_function('f', function(keys) return redis.call('INCR', {key}) end)"
        )
    };
    client.ask(&["FUNCTION", "LOAD", &library("keys[1]")], "$3\r\nlib\r\n");
    client.talk(&[("MULTI", OK)]);
    client.ask(&["EVAL", undeclared, "0"], "+QUEUED\r\n");
    client.ask(
        &["EVALSHA", "0c16b2f0b0f1d0c0ae0a6ea4e2b5a1c2d3e4f506", "0"],
        "+QUEUED\r\n",
    );
    client.ask(
        &["FUNCTION", "LOAD", "REPLACE", &library("'n' .. 1")],
        "+QUEUED\r\n",
    );
    client.ask(&["FCALL", "f", "1", "declared"], "+QUEUED\r\n");
    client.request(&["EXEC"]);
    assert_eq!(
        show(&mut client),
        "[+OK -NOSCRIPT No matching script. Please use EVAL. lib :1]"
    );
    client.talk(&[("FUNCTION FLUSH", OK), ("MULTI", OK)]);
    client.ask(&["SCRIPT", "LOAD", undeclared], "+QUEUED\r\n");
    let sha = sha_of(&server, undeclared);
    client.ask(&["EVALSHA", &sha, "0"], "+QUEUED\r\n");
    client.request(&["EXEC"]);
    assert_eq!(show(&mut client), format!("[{sha} +OK]"));
}

fn sha_of(server: &Server, script: &str) -> String {
    let mut client = server.client();
    let sha = client.bulk(&["SCRIPT", "LOAD", script]);
    client.talk(&[("SCRIPT FLUSH", OK)]);
    sha
}

/// A library that is replaced all the time, by one that keeps to its keys and one that does not: every call is one of the two, as a whole.
#[test]
fn functions_are_replaced_while_they_are_called() {
    let server = start(&[]);
    let mut setup = server.client();
    let library = |key: &str| {
        format!(
            "#!lua name=lib\nredis.register_function('f', function(keys) redis.call('INCR', keys[1]) redis.call('INCR', {key}) return 1 end)"
        )
    };
    setup.ask(&["FUNCTION", "LOAD", &library("keys[1]")], "$3\r\nlib\r\n");
    thread::scope(|scope| {
        for _ in 0..2 {
            let mut client = server.client();
            scope.spawn(move || {
                for _ in 0..500 {
                    client.ask(&["FCALL", "f", "1", "key"], ":1\r\n");
                }
            });
        }
        for _ in 0..100 {
            setup.ask(
                &["FUNCTION", "LOAD", "REPLACE", &library("'k' .. 'ey'")],
                "$3\r\nlib\r\n",
            );
            setup.ask(
                &["FUNCTION", "LOAD", "REPLACE", &library("keys[1]")],
                "$3\r\nlib\r\n",
            );
        }
    });
    setup.ask(&["GET", "key"], "$4\r\n2000\r\n");
}

#[test]
fn tables_grow_under_those_who_prefetch() {
    let server = start(&[("workers", "2")]);
    thread::scope(|scope| {
        for number in 0..3 {
            let mut client = server.client();
            scope.spawn(move || {
                for round in 0..60 {
                    let mut requests = Vec::new();
                    for key in 0..100 {
                        let key = format!("{number}:{round}:{key}");
                        let other = format!("{key}x");
                        requests.extend_from_slice(&support::encode(&[
                            b"MSET",
                            key.as_bytes(),
                            b"1",
                            other.as_bytes(),
                            b"2",
                        ]));
                        requests.extend_from_slice(&support::encode(&[
                            b"MGET",
                            key.as_bytes(),
                            other.as_bytes(),
                        ]));
                    }
                    client.send(&requests);
                    for _ in 0..100 {
                        client.expect("+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
                    }
                }
            });
        }
        let mut client = server.client();
        scope.spawn(move || {
            for _ in 0..100 {
                client.ask(
                    &[
                        "EVAL",
                        "for i = 1, 20000 do end return #redis.call('KEYS', 'none')",
                        "0",
                    ],
                    ":0\r\n",
                );
            }
        });
    });
}

#[test]
fn shutdown_does_not_wait_for_scripts() {
    for script in [
        "while true do end",
        "redis.call('SET', KEYS[1], 1) while true do end",
    ] {
        let mut child = Child::start(&["--workers", "1", "--busy-reply-threshold", "0"]);
        let mut running = child.client();
        running.request(&["EVAL", script, "1", "key"]);
        let mut other = child.client();
        while !other.first_line(&["GET", "key"]).starts_with("-BUSY") {
            other = child.client();
        }
        other.request(&["SHUTDOWN", "NOSAVE"]);
        assert!(child.wait().success());
    }
}
