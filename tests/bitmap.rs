//! Bitmaps over a real socket: replies, errors, and how a string grows.

mod support;

use support::{Client, Server};

const NOT_AN_OFFSET: &str = "-ERR bit offset is not an integer or out of range\r\n";
const NOT_A_TYPE: &str = "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
     i64 is.\r\n";

/// Changes the protocol.
fn speak(client: &mut Client, protocol: &str) {
    client.request(&["HELLO", protocol]);
    client.request(&["PING"]);
    while client.line() != "+PONG" {}
}

#[test]
fn bits_are_set_counted_and_found() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for (request, reply) in [
        (&["SETBIT", "b", "7", "1"][..], ":0\r\n"),
        (&["SETBIT", "b", "7", "1"], ":1\r\n"),
        (&["GET", "b"], "$1\r\n\u{1}\r\n"),
        (&["OBJECT", "ENCODING", "b"], "$3\r\nraw\r\n"),
        (&["SETBIT", "b", "20", "0"], ":0\r\n"),
        (&["STRLEN", "b"], ":3\r\n"),
        (&["GETBIT", "b", "7"], ":1\r\n"),
        (&["GETBIT", "b", "4294967295"], ":0\r\n"),
        (&["SET", "s", "foobar"], "+OK\r\n"),
        (&["BITCOUNT", "s"], ":26\r\n"),
        (&["BITCOUNT", "s", "0"], ":26\r\n"),
        (&["BITCOUNT", "s", "-2", "-1"], ":7\r\n"),
        (&["BITCOUNT", "s", "5", "30", "BIT"], ":17\r\n"),
        (&["BITCOUNT", "none"], ":0\r\n"),
        (&["BITPOS", "s", "1", "2"], ":17\r\n"),
        (&["BITPOS", "s", "1", "100"], ":-1\r\n"),
        (&["BITPOS", "none", "0", "5"], ":0\r\n"),
        (&["BITPOS", "none", "1"], ":-1\r\n"),
        // Without an end the string goes on with zeros.
        (&["BITOP", "NOT", "ones", "none"], ":0\r\n"),
        (
            &["BITFIELD", "ones", "SET", "u24", "0", "16777215"],
            "*1\r\n:0\r\n",
        ),
        (&["BITPOS", "ones", "0"], ":24\r\n"),
        (&["BITPOS", "ones", "0", "1"], ":24\r\n"),
        (&["BITPOS", "ones", "0", "0", "-1"], ":-1\r\n"),
        (&["BITPOS", "ones", "1", "7", "100", "BIT"], ":7\r\n"),
        // An integer is a string, too.
        (&["SET", "n", "1"], "+OK\r\n"),
        (&["SETBIT", "n", "6", "1"], ":0\r\n"),
        (&["GET", "n"], "$1\r\n3\r\n"),
        (&["GETBIT", "n", "7"], ":1\r\n"),
    ] {
        client.ask(request, reply);
    }
}

#[test]
fn errors_are_those_of_redis() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["ZADD", "z", "1", "m"], ":1\r\n");
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    let not_integer = "-ERR value is not an integer or out of range\r\n";
    let syntax = "-ERR syntax error\r\n";
    for (request, reply) in [
        (&["SETBIT", "k", "x", "1"][..], NOT_AN_OFFSET),
        (&["SETBIT", "k", "-1", "1"], NOT_AN_OFFSET),
        (&["SETBIT", "k", "4294967296", "1"], NOT_AN_OFFSET),
        (
            &["SETBIT", "k", "1", "2"],
            "-ERR bit is not an integer or out of range\r\n",
        ),
        (&["SETBIT", "z", "0", "1"], wrong_type),
        (&["GETBIT", "z", "0"], wrong_type),
        (&["BITCOUNT", "z"], wrong_type),
        (&["BITCOUNT", "z", "x", "0"], not_integer),
        (&["BITCOUNT", "k", "0", "1", "WORD"], syntax),
        (&["BITCOUNT", "k", "0", "1", "BIT", "1"], syntax),
        (
            &["BITPOS", "z", "2"],
            "-ERR The bit argument must be 1 or 0.\r\n",
        ),
        (&["BITPOS", "z", "x"], not_integer),
        (&["BITPOS", "z", "1"], wrong_type),
        (&["BITOP", "NAND", "d", "k"], syntax),
        (
            &["BITOP", "NOT", "d", "k", "k"],
            "-ERR BITOP NOT must be called with a single source key.\r\n",
        ),
        (&["BITOP", "OR", "d", "k", "z"], wrong_type),
        (&["BITFIELD", "z"], wrong_type),
        (&["BITFIELD", "k", "GET", "u64", "0"], NOT_A_TYPE),
        (&["BITFIELD", "k", "GET", "u8", "-1"], NOT_AN_OFFSET),
        (
            &["BITFIELD", "k", "GET", "i64", "#9223372036854775807"],
            NOT_AN_OFFSET,
        ),
        (&["BITFIELD", "k", "SET", "u8", "0", "x"], not_integer),
        (&["BITFIELD", "k", "GET", "u8"], syntax),
        (
            &["BITFIELD", "k", "OVERFLOW", "NONE"],
            "-ERR Invalid OVERFLOW type specified\r\n",
        ),
        (
            &["BITFIELD_RO", "k", "SET", "u8", "0", "1"],
            "-ERR BITFIELD_RO only supports the GET subcommand\r\n",
        ),
        (&["EXISTS", "k", "d"], ":0\r\n"),
    ] {
        client.ask(request, reply);
    }
}

#[test]
fn fields_overflow_as_they_are_told_to() {
    let server = Server::start(&[]);
    let mut client = server.client();
    for (protocol, null) in [("2", "$-1"), ("3", "_")] {
        speak(&mut client, protocol);
        let failed = format!("*2\r\n{null}\r\n:255\r\n");
        for (request, reply) in [
            ("BITFIELD f SET u8 0 255 GET u8 #0", "*2\r\n:0\r\n:255\r\n"),
            ("BITFIELD f OVERFLOW FAIL INCRBY u8 0 1 GET u8 0", &failed),
            ("BITFIELD f OVERFLOW SAT INCRBY u8 0 9", "*1\r\n:255\r\n"),
            ("BITFIELD f INCRBY u8 0 9", "*1\r\n:8\r\n"),
            (
                "BITFIELD f OVERFLOW SAT SET i4 #3 -100 GET i4 12",
                "*2\r\n:0\r\n:-8\r\n",
            ),
            ("BITFIELD_RO f GET u8 1 GET i64 1000", "*2\r\n:16\r\n:0\r\n"),
            // It grows for what is written even if that then fails.
            (
                "BITFIELD f OVERFLOW FAIL SET u2 100 7",
                &format!("*1\r\n{null}\r\n"),
            ),
            ("STRLEN f", ":13\r\n"),
            ("DEL f", ":1\r\n"),
        ] {
            let words: Vec<_> = request.split(' ').collect();
            client.ask(&words, reply);
        }
    }
}

#[test]
fn a_bitmap_grows_far_and_is_not_changed_under_a_reply() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["SETBIT", "big", "400000007", "1"], ":0\r\n");
    client.ask(&["STRLEN", "big"], ":50000001\r\n");
    client.ask(&["BITCOUNT", "big"], ":1\r\n");
    client.ask(&["BITPOS", "big", "1"], ":400000007\r\n");
    client.ask(&["DEL", "big"], ":1\r\n");

    // The value is sent from its own allocation, while the next requests change it.
    client.ask(&["SETBIT", "b", "1599999", "0"], ":0\r\n");
    client.send(
        "*2\r\n$3\r\nGET\r\n$1\r\nb\r\n*4\r\n$6\r\nSETBIT\r\n$1\r\nb\r\n$1\r\n0\r\n$1\r\n1\r\n",
    );
    assert_eq!(client.line(), "$200000");
    assert!(
        client.take(200_002)[..200_000]
            .iter()
            .all(|byte| *byte == 0)
    );
    assert_eq!(client.line(), ":0");
    client.ask(&["BITCOUNT", "b"], ":1\r\n");
    client.ask(&["BITOP", "XOR", "b", "b", "b"], ":200000\r\n");
    client.ask(&["BITCOUNT", "b"], ":0\r\n");
}

#[test]
fn the_longest_string_is_a_setting() {
    let server = Server::start(&[("proto-max-bulk-len", "1mb")]);
    let mut client = server.client();
    client.ask(&["SETBIT", "b", "8388608", "1"], NOT_AN_OFFSET);
    client.ask(&["SETBIT", "b", "8388607", "1"], ":0\r\n");
}

#[test]
fn a_range_is_judged_by_its_start_then_its_unit_then_its_end() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let no_integer = "-ERR value is not an integer or out of range\r\n";
    client.ask(&["BITCOUNT", "none", "x", "1", "FOO"], no_integer);
    client.ask(&["BITPOS", "none", "1", "x", "1", "FOO"], no_integer);
    client.ask(&["BITCOUNT", "none", "0", "x", "BYTE"], no_integer);
    let syntax = "-ERR syntax error\r\n";
    client.ask(&["BITCOUNT", "none", "0", "x", "FOO"], syntax);
    client.ask(&["BITPOS", "none", "1", "0", "x", "FOO"], syntax);
}
