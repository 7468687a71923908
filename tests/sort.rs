//! SORT and SORT_RO over a real socket.

mod support;

use support::Server;

fn array(elements: &[&str]) -> String {
    let mut reply = format!("*{}\r\n", elements.len());
    for element in elements {
        reply += &match *element {
            "nil" => "$-1\r\n".to_owned(),
            _ => format!("${}\r\n{element}\r\n", element.len()),
        };
    }
    reply
}

const NOT_DOUBLES: &str = "-ERR One or more scores can't be converted into double\r\n";

#[test]
fn lists_sets_and_sorted_sets_are_sorted() {
    let server = Server::start(&[]);
    server.client().talk(&[
        ("RPUSH l 3 1e1 -2.5 inf 3", ":5\r\n"),
        ("SORT l", &array(&["-2.5", "3", "3", "1e1", "inf"])),
        ("SORT l DESC LIMIT 1 2", &array(&["1e1", "3"])),
        ("SORT l LIMIT -5 2", &array(&["-2.5", "3"])),
        ("SORT l LIMIT 4 9223372036854775807", &array(&["inf"])),
        ("SORT l LIMIT 7 1", "*0\r\n"),
        ("SORT l LIMIT 0 0", "*0\r\n"),
        ("SORT l ALPHA", &array(&["-2.5", "1e1", "3", "3", "inf"])),
        (
            "SORT l BY nosort",
            &array(&["3", "1e1", "-2.5", "inf", "3"]),
        ),
        ("SORT l BY nosort DESC LIMIT 1 2", &array(&["inf", "-2.5"])),
        ("SADD s 10 9 b", ":3\r\n"),
        ("SORT s", NOT_DOUBLES),
        ("SORT s ALPHA DESC", &array(&["b", "9", "10"])),
        ("SADD i 10 9 -1", ":3\r\n"),
        ("SORT_RO i", &array(&["-1", "9", "10"])),
        ("ZADD z 1 c 2 b 3 a", ":3\r\n"),
        ("SORT z ALPHA", &array(&["a", "b", "c"])),
        ("SORT z BY nosort LIMIT 1 5", &array(&["b", "a"])),
        ("SORT z BY nosort DESC LIMIT 0 2", &array(&["a", "b"])),
        ("OBJECT ENCODING z", "$8\r\nlistpack\r\n"),
        ("SORT none", "*0\r\n"),
    ]);
}

#[test]
fn weights_and_results_of_other_keys() {
    let server = Server::start(&[]);
    server.client().talk(&[
        ("MSET w_a 3 w_b 1 w_c x other_a A other_b B", "+OK\r\n"),
        ("HSET h_a f 5 g 1", ":2\r\n"),
        ("HSET h_b f 7", ":1\r\n"),
        ("RPUSH l a b", ":2\r\n"),
        ("SORT l BY w_*", &array(&["b", "a"])),
        (
            "SORT l BY w_* DESC GET # GET other_*",
            &array(&["a", "A", "b", "B"]),
        ),
        ("SORT l BY h_*->f GET h_*->g", &array(&["1", "nil"])),
        ("SORT l BY h_*-> GET h_*->none", &array(&["nil", "nil"])),
        ("SORT l BY none_* GET none", &array(&["nil", "nil"])),
        (
            "SORT l BY nosort GET h_* GET l",
            &array(&["nil", "nil", "nil", "nil"]),
        ),
        ("RPUSH l c", ":3\r\n"),
        ("SORT l BY w_*", NOT_DOUBLES),
        ("SORT l BY w_* ALPHA", &array(&["b", "a", "c"])),
        // What is not there counts as 0, and as text it comes first.
        ("DEL w_a", ":1\r\n"),
        ("SORT l BY w_* ALPHA", &array(&["a", "b", "c"])),
        ("SET w_c -1", "+OK\r\n"),
        ("SORT l BY w_*", &array(&["c", "a", "b"])),
        ("SORT_RO l BY w_* LIMIT 1 1 GET w_*", &array(&["nil"])),
    ]);
}

#[test]
fn results_are_stored() {
    let server = Server::start(&[]);
    let mut client = server.client();
    client.talk(&[
        ("SADD s 3 1 2", ":3\r\n"),
        ("SORT s STORE d", ":3\r\n"),
        ("LRANGE d 0 -1", &array(&["1", "2", "3"])),
        ("SORT d DESC STORE d", ":3\r\n"),
        ("LRANGE d 0 -1", &array(&["3", "2", "1"])),
        ("SET w_2 two EX 100", "+OK\r\n"),
        ("SORT s GET w_* STORE w_2", ":3\r\n"),
        ("LRANGE w_2 0 -1", &array(&["", "two", ""])),
        ("TTL w_2", ":-1\r\n"),
        // Unsorted, a set would be stored in an order that nobody knows.
        ("SADD t z y x", ":3\r\n"),
        ("SORT t BY nosort STORE d", ":3\r\n"),
        ("LRANGE d 0 -1", &array(&["x", "y", "z"])),
        ("SORT none STORE d", ":0\r\n"),
        ("EXISTS d", ":0\r\n"),
        ("SORT s LIMIT 3 1 STORE t", ":0\r\n"),
        ("EXISTS t", ":0\r\n"),
    ]);
    for number in 0..1000 {
        client.ask(&["SADD", "many", &number.to_string()], ":1\r\n");
    }
    client.talk(&[
        ("SORT many DESC GET # GET # STORE d", ":2000\r\n"),
        ("LRANGE d 0 2", &array(&["999", "999", "998"])),
        ("OBJECT ENCODING d", "$9\r\nquicklist\r\n"),
        ("SORT d LIMIT 1999 5", &array(&["999"])),
    ]);
}

#[test]
fn errors_and_keys() {
    let server = Server::start(&[]);
    server.client().talk(&[
        ("SET string x", "+OK\r\n"),
        (
            "SORT string",
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
        ),
        ("SORT string bad", "-ERR syntax error\r\n"),
        ("SORT none LIMIT 1", "-ERR syntax error\r\n"),
        ("SORT none BY", "-ERR syntax error\r\n"),
        ("SORT none GET", "-ERR syntax error\r\n"),
        ("SORT none STORE", "-ERR syntax error\r\n"),
        ("SORT_RO none STORE d", "-ERR syntax error\r\n"),
        (
            "SORT none LIMIT x 1",
            "-ERR value is not an integer or out of range\r\n",
        ),
        (
            "COMMAND GETKEYS SORT l BY w_* STORE d GET # STORE e",
            &array(&["l", "e"]),
        ),
    ]);
}

#[test]
fn what_is_repeated_without_end_is_refused() {
    let server = Server::start(&[("proto-max-bulk-len", "1mb")]);
    let mut client = server.client();
    for number in 0..100 {
        client.ask(&["SADD", "s", &number.to_string()], ":1\r\n");
    }
    let mut request = vec!["SORT", "s"];
    request.extend(["GET", "#"].repeat(400));
    client.ask(&request, "-ERR value is out of range\r\n");
}

#[test]
fn values_that_are_shared_are_sorted_and_returned() {
    let server = Server::start(&[]);
    let mut client = server.client();
    let big = "x".repeat(40_000);
    client.ask(&["RPUSH", "l", &big, "a"], ":2\r\n");
    client.ask(&["SET", "w_a", &big], "+OK\r\n");
    client.ask(
        &["SORT", "l", "ALPHA", "GET", "#", "GET", "w_*"],
        array(&["a", &big, &big, "nil"]),
    );
    client.ask(&["SORT", "l", "ALPHA", "STORE", "d"], ":2\r\n");
    client.ask(&["LRANGE", "d", "0", "-1"], array(&["a", &big]));
}
