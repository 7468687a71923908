//! Lists over a real socket: the shapes of replies in both protocols, errors, encodings, big elements.

mod support;

use support::{Client, Server};

/// Fills the list `l` with `0`, `1` and so on.
fn fill(client: &mut Client, count: usize) {
    let mut request = vec!["RPUSH".to_owned(), "l".to_owned()];
    request.extend((0..count).map(|number| number.to_string()));
    let request: Vec<&str> = request.iter().map(String::as_str).collect();
    client.ask(&request, format!(":{count}\r\n"));
}

fn bulks(elements: impl IntoIterator<Item = impl ToString>) -> String {
    let elements: Vec<String> = elements.into_iter().map(|e| e.to_string()).collect();
    let mut reply = format!("*{}\r\n", elements.len());
    for element in elements {
        reply += &format!("${}\r\n{element}\r\n", element.len());
    }
    reply
}

#[test]
fn pushing_and_popping() {
    let server = Server::start(&[]);
    for (hello, null, null_array) in [("2", "$-1\r\n", "*-1\r\n"), ("3", "_\r\n", "_\r\n")] {
        let mut client = server.client();
        client.request(&["HELLO", hello]);
        client.request(&["ECHO", "ready"]);
        while client.line() != "ready" {}
        client.talk(&[
            ("FLUSHALL", "+OK\r\n"),
            ("LPUSHX l x", ":0\r\n"),
            ("EXISTS l", ":0\r\n"),
            ("RPUSH l a b c", ":3\r\n"),
            ("LPUSH l 1 2", ":5\r\n"),
            ("LPUSHX l 3", ":6\r\n"),
            ("LRANGE l 0 -1", &bulks(["3", "2", "1", "a", "b", "c"])),
            ("LPOP l", "$1\r\n3\r\n"),
            ("RPOP l", "$1\r\nc\r\n"),
            ("LPOP l 0", "*0\r\n"),
            ("RPOP l 2", &bulks(["b", "a"])),
            ("LPOP l 9223372036854775807", &bulks(["2", "1"])),
            ("EXISTS l", ":0\r\n"),
            ("LPOP l", null),
            ("LPOP l 0", null_array),
            ("RPOP l 3", null_array),
            ("LMPOP 2 l m LEFT", null_array),
            ("RPUSH m a b c", ":3\r\n"),
            (
                "LMPOP 2 l m RIGHT COUNT 2",
                &format!("*2\r\n$1\r\nm\r\n{}", bulks(["c", "b"])),
            ),
            (
                "LMPOP 1 m LEFT",
                &format!("*2\r\n$1\r\nm\r\n{}", bulks(["a"])),
            ),
            ("RPOPLPUSH m l", null),
            ("RPUSH m a b c", ":3\r\n"),
            ("RPOPLPUSH m l", "$1\r\nc\r\n"),
            ("LMOVE m m LEFT RIGHT", "$1\r\na\r\n"),
            ("LMOVE l l RIGHT LEFT", "$1\r\nc\r\n"),
            ("LMOVE m l RIGHT RIGHT", "$1\r\na\r\n"),
            ("LMOVE m l LEFT LEFT", "$1\r\nb\r\n"),
            ("EXISTS m", ":0\r\n"),
            ("LRANGE l 0 -1", &bulks(["b", "c", "a"])),
        ]);
    }
}

#[test]
fn indices_and_changes_inside() {
    let server = Server::start(&[("list-max-listpack-size", "4")]);
    let mut client = server.client();
    for len in [3, 4, 5, 30] {
        fill(&mut client, len);
        let last = len - 1;
        client.ask(&["LINDEX", "l", "0"], "$1\r\n0\r\n");
        client.ask(
            &["LINDEX", "l", "-1"],
            bulks([last]).trim_start_matches("*1\r\n"),
        );
        client.ask(&["LINDEX", "l", &len.to_string()], "$-1\r\n");
        client.ask(&["LINDEX", "l", &format!("-{}", len + 1)], "$-1\r\n");
        client.ask(&["LINDEX", "l", "-9223372036854775808"], "$-1\r\n");
        client.ask(&["LRANGE", "l", "-100", "100"], bulks(0..len));
        client.ask(&["LRANGE", "l", "1", "-2"], bulks(1..last));
        client.ask(&["LRANGE", "l", "2", "1"], "*0\r\n");
        client.ask(&["LSET", "l", "-1", "tail"], "+OK\r\n");
        client.ask(
            &["LSET", "l", &len.to_string(), "x"],
            "-ERR index out of range\r\n",
        );
        client.ask(
            &["LINSERT", "l", "before", "tail", "1"],
            format!(":{}\r\n", len + 1),
        );
        client.ask(
            &["LINSERT", "l", "AFTER", "tail", "1"],
            format!(":{}\r\n", len + 2),
        );
        client.ask(&["LINSERT", "l", "AFTER", "absent", "1"], ":-1\r\n");
        client.ask(
            &["LPOS", "l", "1", "RANK", "-1"],
            format!(":{}\r\n", len + 1),
        );
        client.ask(&["LREM", "l", "-2", "1"], ":2\r\n");
        client.ask(&["LPOS", "l", "1", "COUNT", "0"], "*1\r\n:1\r\n");
        client.ask(&["LREM", "l", "0", "absent"], ":0\r\n");
        client.ask(&["LTRIM", "l", "1", "-2"], "+OK\r\n");
        client.ask(&["LRANGE", "l", "0", "-1"], bulks(1..last));
        client.ask(&["LTRIM", "l", "5", "1"], "+OK\r\n");
        client.ask(&["EXISTS", "l"], ":0\r\n");
    }
}

#[test]
fn lpos_counts_ranks_and_looks_so_far() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("RPUSH l a b c 1 2 3 c c", ":8\r\n"),
        ("LPOS l c", ":2\r\n"),
        ("LPOS l c RANK 2", ":6\r\n"),
        ("LPOS l c RANK 4", "$-1\r\n"),
        ("LPOS l c RANK -1", ":7\r\n"),
        ("LPOS l c RANK -3", ":2\r\n"),
        ("LPOS l c COUNT 2", "*2\r\n:2\r\n:6\r\n"),
        ("LPOS l c COUNT 0", "*3\r\n:2\r\n:6\r\n:7\r\n"),
        ("LPOS l c RANK -1 COUNT 2", "*2\r\n:7\r\n:6\r\n"),
        ("LPOS l c COUNT 0 MAXLEN 3", "*1\r\n:2\r\n"),
        ("LPOS l c RANK -1 COUNT 0 MAXLEN 2", "*2\r\n:7\r\n:6\r\n"),
        ("LPOS l d", "$-1\r\n"),
        ("LPOS l d COUNT 1", "*0\r\n"),
        ("LPOS no d", "$-1\r\n"),
        ("LPOS no d COUNT 1", "*0\r\n"),
        ("LPOS l c COUNT -1", "-ERR COUNT can't be negative\r\n"),
        ("LPOS l c MAXLEN x", "-ERR MAXLEN can't be negative\r\n"),
        (
            "LPOS no c RANK 0",
            "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to \
             start from the end of the list\r\n",
        ),
        (
            "LPOS l c RANK -9223372036854775808",
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n",
        ),
        ("LPOS l c RANK", "-ERR syntax error\r\n"),
    ]);
}

#[test]
fn errors() {
    const WRONG_TYPE: &str =
        "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
    const NOT_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";
    const NOT_POSITIVE: &str = "-ERR value is out of range, must be positive\r\n";
    const SYNTAX: &str = "-ERR syntax error\r\n";
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("SET s x", "+OK\r\n"),
        ("RPUSH l a", ":1\r\n"),
        ("LPUSH s a", WRONG_TYPE),
        ("RPUSHX s a", WRONG_TYPE),
        ("LPOP s 0", WRONG_TYPE),
        ("LMPOP 2 s l LEFT", WRONG_TYPE),
        ("LMOVE l s LEFT LEFT", WRONG_TYPE),
        ("LMOVE s l LEFT LEFT", WRONG_TYPE),
        ("RPOPLPUSH l s", WRONG_TYPE),
        ("LRANGE s 0 1", WRONG_TYPE),
        ("LREM s 0 x", WRONG_TYPE),
        ("GET l", WRONG_TYPE),
        ("LPOP l -1", NOT_POSITIVE),
        ("RPOP l x", NOT_POSITIVE),
        (
            "LPOP l 1 1",
            "-ERR wrong number of arguments for 'lpop' command\r\n",
        ),
        ("LINDEX l x", NOT_INTEGER),
        ("LINDEX no x", "$-1\r\n"),
        ("LSET no x y", "-ERR no such key\r\n"),
        ("LSET l x y", NOT_INTEGER),
        ("LRANGE s x 1", NOT_INTEGER),
        ("LTRIM l 0 x", NOT_INTEGER),
        ("LREM no x y", NOT_INTEGER),
        ("LINSERT no BETWEEN a b", SYNTAX),
        ("LINSERT no BEFORE a b", ":0\r\n"),
        ("LMOVE no l UP DOWN", SYNTAX),
        (
            "LMPOP 0 l LEFT",
            "-ERR numkeys should be greater than 0\r\n",
        ),
        ("LMPOP 1 l UP", SYNTAX),
        ("LMPOP 2 l LEFT", SYNTAX),
        (
            "LMPOP 1 l LEFT COUNT 0",
            "-ERR count should be greater than 0\r\n",
        ),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", SYNTAX),
        ("LRANGE l 0 -1", "*1\r\n$1\r\na\r\n"),
    ]);
}

fn encoding(client: &mut Client) -> String {
    client.bulk(&["OBJECT", "ENCODING", "l"])
}

#[test]
fn a_list_is_large_beyond_a_node_and_packed_again_at_half_of_one() {
    let server = Server::start(&[("list-max-listpack-size", "8")]);
    let mut client = server.client();
    fill(&mut client, 8);
    assert_eq!(encoding(&mut client), "listpack");
    client.ask(&["LMOVE", "l", "l", "LEFT", "RIGHT"], "$1\r\n0\r\n");
    assert_eq!(encoding(&mut client), "listpack");
    client.ask(&["RPUSH", "l", "8"], ":9\r\n");
    assert_eq!(encoding(&mut client), "quicklist");
    client.ask(&["RPOP", "l"], "$1\r\n8\r\n");
    client.ask(&["LTRIM", "l", "0", "4"], "+OK\r\n");
    assert_eq!(encoding(&mut client), "quicklist");
    client.ask(&["LREM", "l", "1", "3"], ":1\r\n");
    assert_eq!(encoding(&mut client), "listpack");
    client.ask(
        &["CONFIG", "SET", "list-max-listpack-size", "-1"],
        "+OK\r\n",
    );
    let long = "x".repeat(4097);
    client.ask(&["LSET", "l", "0", &long], "+OK\r\n");
    assert_eq!(encoding(&mut client), "quicklist");
    client.ask(&["LSET", "l", "0", "short"], "+OK\r\n");
    client.ask(&["LRANGE", "l", "0", "-1"], bulks(["short", "2", "4", "5"]));
}

#[test]
fn big_elements_come_and_go_whole() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let big: Vec<String> = ["a", "b", "c"].map(|letter| letter.repeat(100_000)).into();
    client.ask(&["RPUSH", "l", &big[0], "small", &big[1]], ":3\r\n");
    client.ask(&["LSET", "l", "1", &big[2]], "+OK\r\n");
    client.ask(
        &["LRANGE", "l", "0", "-1"],
        bulks([&big[0], &big[2], &big[1]]),
    );
    client.ask(
        &["LMOVE", "l", "m", "LEFT", "LEFT"],
        bulks([&big[0]]).trim_start_matches("*1\r\n"),
    );
    client.ask(&["COPY", "m", "n"], ":1\r\n");
    client.ask(&["DEL", "m"], ":1\r\n");
    client.ask(&["LPOP", "n", "5"], bulks([&big[0]]));
    client.ask(&["LREM", "l", "0", &big[2]], ":1\r\n");
    client.ask(&["RPOP", "l", "2"], bulks([&big[1]]));
    client.ask(&["EXISTS", "l", "m", "n"], ":0\r\n");
}

#[test]
fn a_long_list_is_walked_from_both_ends() {
    let server = Server::start(&[("enable-debug-command", "yes")]);
    let mut client = server.client();
    fill(&mut client, 20_000);
    client.ask(&["LRANGE", "l", "9000", "9999"], bulks(9000..10_000));
    client.ask(&["LRANGE", "l", "-3", "-1"], bulks(19_997..20_000));
    client.ask(&["LINDEX", "l", "-9000"], "$5\r\n11000\r\n");
    client.ask(
        &["LPOS", "l", "15000", "RANK", "-1", "MAXLEN", "5000"],
        ":15000\r\n",
    );
    let digest = |client: &mut Client, key: &str| {
        client.request(&["DEBUG", "DIGEST-VALUE", key]);
        (client.line(), client.line())
    };
    let whole = digest(&mut client, "l");
    client.ask(&["COPY", "l", "m"], ":1\r\n");
    assert_eq!(digest(&mut client, "m"), whole);
    client.ask(&["LTRIM", "m", "10000", "10001"], "+OK\r\n");
    client.ask(&["RPUSH", "n", "10000", "10001"], ":2\r\n");
    assert_eq!(digest(&mut client, "m"), digest(&mut client, "n"));
}
