//! Transactions over real sockets: queueing, errors, WATCH against every way in which a key changes, and what others see.

mod support;

use std::time::Duration;

use support::{Client, Server};

const QUEUED: &str = "+QUEUED\r\n";
const OK: &str = "+OK\r\n";
const ABORTED: &str = "-EXECABORT Transaction discarded because of previous errors.\r\n";

#[test]
fn what_is_queued_is_executed_at_exec() {
    let server = Server::start(&[]);
    let (mut one, mut two) = (server.client(), server.client());
    one.talk(&[
        ("MULTI", OK),
        ("SET a 1", QUEUED),
        ("INCR a", QUEUED),
        ("GET a", QUEUED),
        ("LPUSH a x", QUEUED),
        ("MGET a b", QUEUED),
        ("SELECT 3", QUEUED),
        ("SET in3 1", QUEUED),
    ]);
    two.talk(&[("EXISTS a", ":0\r\n")]);
    one.talk(&[
        (
            "EXEC",
            "*7\r\n+OK\r\n:2\r\n$1\r\n2\r\n\
             -WRONGTYPE Operation against a key holding the wrong kind of value\r\n*2\r\n$1\r\n2\r\n$-1\r\n+OK\r\n+OK\r\n",
        ),
        ("DBSIZE", ":1\r\n"),
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("DISCARD", "-ERR DISCARD without MULTI\r\n"),
        ("MULTI", OK),
        ("SET b 1", QUEUED),
        ("DISCARD", OK),
        ("EXISTS b", ":0\r\n"),
        ("MULTI", OK),
        ("EXEC", "*0\r\n"),
    ]);
}

#[test]
fn what_cannot_be_queued_aborts() {
    let server = Server::start(&[("requirepass", "secret")]);
    let mut one = server.client();
    one.talk(&[("AUTH secret", OK)]);
    let refused = [
        (
            "NOSUCH",
            "-ERR unknown command 'NOSUCH', with args beginning with: \r\n",
        ),
        (
            "SET a",
            "-ERR wrong number of arguments for 'set' command\r\n",
        ),
        ("MULTI", "-ERR MULTI calls can not be nested\r\n"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed\r\n"),
        (
            "CLIENT REPLY OFF",
            "-ERR Command not allowed inside a transaction\r\n",
        ),
    ];
    for refusal in refused {
        one.talk(&[
            ("MULTI", OK),
            ("SET a 1", QUEUED),
            refusal,
            ("SET b 1", QUEUED),
            ("EXEC", ABORTED),
            ("EXISTS a b", ":0\r\n"),
        ]);
    }
    one.talk(&[
        ("MULTI", OK),
        ("SET a 1", QUEUED),
        ("RESET", "+RESET\r\n"),
        ("AUTH secret", OK),
        ("EXEC", "-ERR EXEC without MULTI\r\n"),
        ("MULTI", OK),
        ("SET a 1", QUEUED),
        ("CONFIG SET maxmemory 1", QUEUED),
        ("EXEC", "*2\r\n+OK\r\n+OK\r\n"),
        ("MULTI", OK),
        (
            "SET a 2",
            "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        ),
        ("EXEC", ABORTED),
        ("CONFIG SET maxmemory 0", OK),
    ]);
}

/// Whether the first client's transaction goes through after the second has done something.
fn survives(server: &Server, watched: &str, does: &[&str]) -> bool {
    let (mut one, mut two) = (server.client(), server.client());
    one.talk(&[(&*format!("WATCH {watched}"), OK)]);
    for line in does {
        two.send(format!("{line}\r\nPING\r\n"));
        while two.line() != "+PONG" {}
    }
    one.talk(&[("MULTI", OK), ("PING", QUEUED)]);
    one.send("EXEC\r\n");
    match &*one.line() {
        "*1" => one.line() == "+PONG",
        "*-1" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn watch_sees_every_change_of_its_keys_and_no_other() {
    let server = Server::start(&[("enable-debug-command", "yes")]);
    let mut setup = server.client();
    let mut check = |expected: bool, watched: &str, does: &[&str]| {
        setup.talk(&[
            ("FLUSHALL", OK),
            ("SET s 1", OK),
            ("RPUSH l a", ":1\r\n"),
            ("SADD m a", ":1\r\n"),
        ]);
        assert_eq!(
            survives(&server, watched, does),
            expected,
            "{watched} {does:?}"
        );
    };
    check(true, "s", &[]);
    check(
        true,
        "s l m none",
        &["GET s", "SET other 1", "LRANGE l 0 -1", "SADD m a"],
    );
    check(false, "s", &["SET s 1"]);
    check(false, "other s", &["DEL s"]);
    check(false, "none", &["SET none 1"]);
    check(false, "s", &["EXPIRE s 100"]);
    check(true, "s", &["EXPIRE none 100"]);
    check(false, "l", &["RPOP l"]);
    check(false, "l", &["LMOVE l m2 LEFT RIGHT"]);
    check(false, "m", &["SORT l ALPHA STORE m"]);
    check(false, "s", &["RENAME s t"]);
    check(false, "t", &["RENAME s t"]);
    check(false, "s", &["FLUSHALL"]);
    check(false, "s", &["FLUSHDB ASYNC"]);
    check(true, "none", &["FLUSHALL"]);
    check(true, "s", &["SELECT 5", "FLUSHDB"]);
    check(false, "s", &["SWAPDB 0 5"]);
    check(true, "none", &["SWAPDB 0 5"]);
    check(true, "s", &["SWAPDB 4 5"]);
    check(false, "s", &["MOVE s 7"]);
    check(true, "s", &["SELECT 5", "SET s 1"]);
    // Expiry: seen by EXEC itself, by another command, and by the sweeper.
    check(false, "s", &["PEXPIRE s 1", "DEBUG SLEEP 0.01"]);
    for sweeps in ["0", "1"] {
        setup_expiring(&server, sweeps);
        let (mut one, mut two) = (server.client(), server.client());
        one.talk(&[("WATCH short", OK)]);
        std::thread::sleep(Duration::from_millis(250));
        two.talk(&[("GET s2", "$1\r\n1\r\n")]);
        one.talk(&[("MULTI", OK), ("PING", QUEUED), ("EXEC", "*-1\r\n")]);
        // What had expired before is not missed.
        setup_expiring(&server, "0");
        std::thread::sleep(Duration::from_millis(150));
        one.talk(&[("WATCH short", OK)]);
        two.talk(&[("GET short", "$-1\r\n")]);
        one.talk(&[("MULTI", OK), ("PING", QUEUED), ("EXEC", "*1\r\n+PONG\r\n")]);
    }
}

fn setup_expiring(server: &Server, sweeps: &str) {
    server.client().talk(&[
        (&*format!("DEBUG SET-ACTIVE-EXPIRE {sweeps}"), OK),
        ("SET s2 1", OK),
        ("SET short 1 PX 100", OK),
    ]);
}

#[test]
fn watching_ends() {
    let server = Server::start(&[]);
    let (mut one, mut two) = (server.client(), server.client());
    let endings: [&[(&str, &str)]; 4] = [
        &[("UNWATCH", OK)],
        &[("MULTI", OK), ("DISCARD", OK)],
        &[("MULTI", OK), ("EXEC", "*0\r\n")],
        &[("RESET", "+RESET\r\n")],
    ];
    for ending in endings {
        one.talk(&[("WATCH a b a", OK)]);
        one.talk(ending);
        two.talk(&[("SET a 1", OK)]);
        one.talk(&[("MULTI", OK), ("PING", QUEUED), ("EXEC", "*1\r\n+PONG\r\n")]);
    }
    // Those who are gone do not count.
    let mut gone = server.client();
    gone.talk(&[("WATCH a", OK)]);
    let watching = |client: &mut Client| {
        let info = client.bulk(&["INFO", "clients"]);
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.strip_prefix(':').map(str::to_owned))
                .unwrap()
        };
        (field("watching_clients"), field("total_watched_keys"))
    };
    assert_eq!(watching(&mut two), ("1".to_owned(), "1".to_owned()));
    drop(gone);
    while watching(&mut two) != ("0".to_owned(), "0".to_owned()) {
        std::thread::yield_now();
    }
    one.talk(&[("WATCH a b", OK)]);
    two.talk(&[("SET a 2", OK)]);
    one.talk(&[("MULTI", OK), ("PING", QUEUED)]);
    let list = two.bulk(&["CLIENT", "LIST"]);
    assert!(
        list.contains(" flags=xd ") && list.contains(" multi=1 watch=2 "),
        "{list}"
    );
}

#[test]
fn blocking_commands_do_not_wait_in_a_transaction_and_waiters_are_served_behind_it() {
    let server = Server::start(&[]);
    let (mut one, mut two) = (server.client(), server.client());
    one.talk(&[
        ("MULTI", OK),
        ("BLPOP none 0", QUEUED),
        ("XREAD BLOCK 0 STREAMS none 0", QUEUED),
        ("EXEC", "*2\r\n*-1\r\n*-1\r\n"),
    ]);
    two.send("BLPOP q 0\r\n");
    while !one.bulk(&["CLIENT", "LIST"]).contains(" flags=b ") {}
    one.talk(&[
        ("MULTI", OK),
        ("RPUSH q a", QUEUED),
        ("DEL q", QUEUED),
        ("EXEC", "*2\r\n:1\r\n:1\r\n"),
        ("MULTI", OK),
        ("RPUSH q a", QUEUED),
        ("RPUSH q b", QUEUED),
        ("EXEC", "*2\r\n:1\r\n:2\r\n"),
        ("LLEN q", ":1\r\n"),
    ]);
    two.expect("*2\r\n$1\r\nq\r\n$1\r\na\r\n");
}

#[test]
fn a_transaction_has_a_limit_and_its_memory_is_shown() {
    let server = Server::start(&[("client-query-buffer-limit", "1mb")]);
    let (mut one, mut two) = (server.client(), server.client());
    let big = "x".repeat(200_000);
    one.talk(&[("MULTI", OK)]);
    for _ in 0..5 {
        one.ask(&["SET", "a", &big], QUEUED);
    }
    assert!(two.bulk(&["CLIENT", "LIST"]).contains(" multi=5 "));
    one.request(&["SET", "a", &big]);
    one.expect_closed();
    two.talk(&[("EXISTS a", ":0\r\n")]);
}
