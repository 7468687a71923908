//! Hashes over a real socket: what is chosen at random, and what that may cost.

mod support;

use std::collections::HashSet;
use support::{Client, Server};

/// A hash `h` of the fields `f0` and so on, each with its number.
fn filled(client: &mut Client, fields: usize) {
    for field in 0..fields {
        client.ask(
            &["HSET", "h", &format!("f{field}"), &field.to_string()],
            ":1\r\n",
        );
    }
}

#[test]
fn hrandfield_chooses_from_packed_and_large_hashes() {
    let server = Server::start(&[("hash-max-listpack-entries", "16")]);
    let mut client = server.client();
    for fields in [10, 300] {
        filled(&mut client, fields);
        for (count, expected) in [(1, 1), (7, 7), (200, fields.min(200)), (1000, fields)] {
            let chosen = client.bulks(&["HRANDFIELD", "h", &count.to_string()]);
            let different: HashSet<_> = chosen.iter().collect();
            assert_eq!((chosen.len(), different.len()), (expected, expected));
        }
        for count in [5, 2000] {
            let drawn = client.bulks(&["HRANDFIELD", "h", &format!("-{count}")]);
            assert_eq!(drawn.len(), count);
        }
        let pairs = client.bulks(&["HRANDFIELD", "h", "-3", "WITHVALUES"]);
        assert!(
            pairs
                .chunks(2)
                .all(|pair| pair[0] == format!("f{}", pair[1]))
        );
        assert!(client.bulk(&["HRANDFIELD", "h"]).starts_with('f'));
        client.ask(&["DEL", "h"], ":1\r\n");
    }
    client.ask(&["HRANDFIELD", "h"], "$-1\r\n");
    client.ask(&["HRANDFIELD", "h", "-9223372036854775807"], "*0\r\n");
}

#[test]
fn hrandfield_does_not_show_expired_fields() {
    let server = Server::start(&[
        ("hash-max-listpack-entries", "16"),
        ("enable-debug-command", "yes"),
    ]);
    let mut client = server.client();
    client.ask(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"], "+OK\r\n");
    filled(&mut client, 300);
    for field in 1..300 {
        client.ask(
            &["HPEXPIRE", "h", "1", "FIELDS", "1", &format!("f{field}")],
            "*1\r\n:1\r\n",
        );
    }
    std::thread::sleep(std::time::Duration::from_millis(5));
    for request in [&["HRANDFIELD", "h", "5"][..], &["HRANDFIELD", "h", "-1"]] {
        assert_eq!(client.bulks(request), ["f0"]);
    }
    client.ask(&["HRANDFIELD", "h"], "$2\r\nf0\r\n");
}

#[test]
fn draws_without_end_are_refused() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["HSET", "h", "a", "1"], ":1\r\n");
    client.ask(&["ZADD", "z", "1", "a"], ":1\r\n");
    for (command, key) in [("HRANDFIELD", "h"), ("ZRANDMEMBER", "z")] {
        for count in ["-9223372036854775807", "-4611686018427387903", "-20000000"] {
            client.ask(&[command, key, count], "-ERR value is out of range\r\n");
        }
        client.ask(&[command, key, "-1"], "*1\r\n$1\r\na\r\n");
    }
}

#[test]
fn a_field_that_is_taken_twice_is_there_once() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("HSET h f 1 g 2", ":2\r\n"),
        (
            "HGETDEL h FIELDS 3 f f x",
            "*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n",
        ),
        ("HGETEX h FIELDS 2 g g", "*2\r\n$1\r\n2\r\n$1\r\n2\r\n"),
        ("HLEN h", ":1\r\n"),
        // Of one option given twice the last counts.
        ("SET k v PX 1000 PX 200000", "+OK\r\n"),
        ("EXPIRE k 150 GT", ":0\r\n"),
        ("SET k v PX 1000 EX 2", "-ERR syntax error\r\n"),
    ]);
}

#[test]
fn a_scan_judges_the_cursor_then_the_key_then_its_options() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["SET", "string", "x"], "+OK\r\n");
    client.ask(&["HSET", "hash", "f", "v"], ":1\r\n");
    client.ask(&["SADD", "set", "m"], ":1\r\n");
    client.ask(&["ZADD", "zset", "1", "m"], ":1\r\n");
    for (name, key) in [("HSCAN", "hash"), ("SSCAN", "set"), ("ZSCAN", "zset")] {
        let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
        client.ask(&[name, "string", "x", "FOO"], "-ERR invalid cursor\r\n");
        client.ask(&[name, "string", "0", "FOO"], wrong_type);
        client.ask(&[name, "none", "0", "FOO"], "*2\r\n$1\r\n0\r\n*0\r\n");
        client.ask(&[name, key, "0", "FOO"], "-ERR syntax error\r\n");
        client.ask(&[name, key, ""], "-ERR invalid cursor\r\n");
        client.ask(&[name, key, "0 "], "-ERR invalid cursor\r\n");
        // Blanks before it do no harm.
        client.ask(&[name, key, " 0", "MATCH", "no"], "*2\r\n$1\r\n0\r\n*0\r\n");
    }
}

#[test]
fn the_errors_of_fields_with_a_time_to_live() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let mismatch =
        "-ERR numfields should be greater than 0 and match the provided number of fields\r\n";
    for name in ["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"] {
        client.ask(&[name, "h", "FIELDS", "0", "f"], "-ERR syntax error\r\n");
        client.ask(&[name, "h", "FIELDS", "2", "f"], "-ERR syntax error\r\n");
    }
    client.ask(&["HPERSIST", "h", "FIELDS", "2", "f"], mismatch);
    client.ask(&["HEXPIRE", "h", "1", "FIELDS", "2", "f"], mismatch);
    client.ask(&["HEXPIRE", "h", "1", "FOO", "1", "f"], mismatch);
    client.ask(
        &["HEXPIRE", "h", "1", "FOO", "FIELDS", "2", "f"],
        "-ERR Unsupported option FOO\r\n",
    );
}

#[test]
fn hrandfield_with_values_is_limited_to_half_as_many() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for count in ["9223372036854775807", "-9223372036854775807"] {
        client.ask(
            &["HRANDFIELD", "h", count, "WITHVALUES"],
            "-ERR value is out of range\r\n",
        );
    }
}

#[test]
fn what_hgetdel_takes_is_neither_a_hit_nor_a_miss() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["HSET", "h", "f", "v"], ":1\r\n");
    client.ask(&["HGETDEL", "h", "FIELDS", "1", "f"], "*1\r\n$1\r\nv\r\n");
    client.ask(&["HGETDEL", "h", "FIELDS", "1", "f"], "*1\r\n$-1\r\n");
    let info = client.bulk(&["INFO", "stats"]);
    assert!(info.contains("keyspace_hits:0\r\n"), "{info}");
    assert!(info.contains("keyspace_misses:0\r\n"), "{info}");
}

#[test]
fn a_field_that_is_named_twice_has_its_new_expiry_the_second_time() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["HSET", "h", "f", "v"], ":1\r\n");
    for (seconds, condition) in [("1000", "NX"), ("2000", "GT")] {
        client.ask(
            &["HEXPIRE", "h", seconds, condition, "FIELDS", "2", "f", "f"],
            "*2\r\n:1\r\n:0\r\n",
        );
    }
    client.ask(
        &["HEXPIRE", "h", "9", "FIELDS", "2", "f", "f"],
        "*2\r\n:1\r\n:1\r\n",
    );
    client.ask(
        &["HPERSIST", "h", "FIELDS", "2", "f", "f"],
        "*2\r\n:1\r\n:-1\r\n",
    );
    client.ask(
        &["HEXPIRE", "h", "0", "FIELDS", "2", "f", "f"],
        "*2\r\n:2\r\n:-2\r\n",
    );
}
