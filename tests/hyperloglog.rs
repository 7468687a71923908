//! HyperLogLogs over a real socket: their bytes, their counts, and what is none.

mod support;

use support::Server;

const NOT_ONE: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";
const DAMAGED: &str = "-INVALIDOBJ Corrupted HLL object detected\r\n";

/// A sparse one with these runs and no valid count.
fn sparse(runs: &[u8]) -> Vec<u8> {
    [b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", runs].concat()
}

/// The reply that is these bytes.
fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

#[test]
fn bytes_and_counts_are_those_of_the_peers() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["PFADD", "h", "a", "b", "c"], ":1\r\n");
    client.ask(&["PFADD", "h", "a"], ":0\r\n");
    let runs = b"`\xf3\x80P\xb1\x84K\xfb\x80BZ";
    client.ask_raw("GET h\r\n", bulk(&sparse(runs)));
    client.ask(&["PFCOUNT", "h"], ":3\r\n");
    // The count is kept in the value.
    let counted = [b"HYLL\x01\0\0\0\x03\0\0\0\0\0\0\0", &runs[..]].concat();
    client.ask_raw("GET h\r\n", bulk(&counted));
    client.ask(&["OBJECT", "ENCODING", "h"], "$3\r\nraw\r\n");
    client.ask(
        &["PFDEBUG", "DECODE", "h"],
        "$44\r\nZ:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\r\n",
    );

    client.ask(&["PFADD", "empty"], ":1\r\n");
    client.ask(&["PFADD", "empty"], ":0\r\n");
    client.ask_raw("GET empty\r\n", bulk(&sparse(b"\x7f\xff")));
    client.ask(&["PFCOUNT", "none"], ":0\r\n");
    client.ask(&["PFADD", "other", "c", "d"], ":1\r\n");
    client.ask(&["PFCOUNT", "h", "none", "other"], ":4\r\n");
    client.ask(&["PFMERGE", "all", "h", "other", "none"], "+OK\r\n");
    client.ask(&["PFCOUNT", "all"], ":4\r\n");
    client.ask(&["PFMERGE", "alone"], "+OK\r\n");
    client.ask(&["PFCOUNT", "alone"], ":0\r\n");
    client.ask(&["PFSELFTEST"], "+OK\r\n");
}

#[test]
fn it_turns_dense_at_the_limit_and_counts_on() {
    let server = Server::start(&[("hll-sparse-max-bytes", "40")]);
    let mut client = server.client();
    let mut lengths = Vec::new();
    for element in 0..2000 {
        client.request(&["PFADD", "h", &element.to_string()]);
        client.line();
        if element < 20 {
            let length = client.first_line(&["STRLEN", "h"]);
            lengths.push(length[1..].parse::<usize>().expect("a length"));
        }
    }
    assert!(
        lengths
            .iter()
            .all(|length| *length <= 40 || *length == 12_304)
    );
    client.ask(&["PFDEBUG", "ENCODING", "h"], "+dense\r\n");
    client.ask(&["STRLEN", "h"], ":12304\r\n");
    let count: i64 = client.first_line(&["PFCOUNT", "h"])[1..]
        .parse()
        .expect("a count");
    assert!((1950..=2050).contains(&count), "{count}");
    // One that is merged with a dense one is dense, however little it has seen.
    client.ask(&["PFADD", "few", "x"], ":1\r\n");
    client.ask(&["PFDEBUG", "TODENSE", "few"], ":1\r\n");
    client.ask(&["PFDEBUG", "TODENSE", "few"], ":0\r\n");
    client.ask(&["PFMERGE", "merged", "few"], "+OK\r\n");
    client.ask(&["PFDEBUG", "ENCODING", "merged"], "+dense\r\n");
    client.ask(
        &["PFDEBUG", "DECODE", "merged"],
        "-ERR HLL encoding is not sparse\r\n",
    );
    client.ask(&["PFCOUNT", "merged"], ":1\r\n");
}

#[test]
fn what_is_none_is_refused() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.ask(&["ZADD", "z", "1", "m"], ":1\r\n");
    let wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    client.ask(&["PFADD", "z", "a"], wrong_type);
    client.ask(&["PFCOUNT", "z"], wrong_type);
    client.ask(&["PFMERGE", "z"], wrong_type);
    client.ask(&["PFADD", "h", "a"], ":1\r\n");
    for text in ["foo", "1", "HYLL", ""] {
        client.ask(&["SET", "s", text], "+OK\r\n");
        for request in [
            &["PFADD", "s", "a"][..],
            &["PFCOUNT", "s"],
            &["PFCOUNT", "h", "s"],
            &["PFMERGE", "new", "s"],
            &["PFMERGE", "s", "h"],
            &["PFDEBUG", "ENCODING", "s"],
        ] {
            client.ask(request, NOT_ONE);
        }
    }
    client.ask(
        &["PFDEBUG", "ENCODING", "none"],
        "-ERR The specified key does not exist\r\n",
    );
    client.ask(
        &["PFDEBUG", "NOSUCH", "h"],
        "-ERR Unknown PFDEBUG subcommand 'NOSUCH'\r\n",
    );
    client.ask(&["EXISTS", "new"], ":0\r\n");
}

#[test]
fn damaged_ones_are_refused_and_left() {
    let server = Server::start(&[]);
    let mut client = server.client();
    // Too few registers, too many, and a run cut in two.
    for runs in [
        &b""[..],
        b"\x7f\xfe",
        b"\x7f\xff\0",
        b"\x7f\xff\x40",
        b"\x7f",
        b"\xff\xff",
    ] {
        let value = sparse(runs);
        let set = [b"*3\r\n$3\r\nSET\r\n$1\r\nd\r\n", &bulk(&value)[..]].concat();
        client.ask_raw(set, "+OK\r\n");
        client.ask(&["PFCOUNT", "d"], DAMAGED);
        client.ask(&["PFCOUNT", "d", "d"], DAMAGED);
        client.ask(&["PFMERGE", "d"], DAMAGED);
        client.ask(&["PFMERGE", "new", "d"], DAMAGED);
        client.ask(&["PFDEBUG", "TODENSE", "d"], DAMAGED);
        client.ask_raw("GET d\r\n", bulk(&value));
    }
    client.ask(&["PFADD", "d", "a"], DAMAGED);
    client.ask(&["EXISTS", "new"], ":0\r\n");
}
